"""Unusual days: those far outside an account's own pattern, with the events that may explain them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, day_number, local_days
from kpi_kit.params import Event
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.record import EventRecord, UnusualDay
from kpi_kit.statistics import unusual_days

_LOOKED_AT = dt.timedelta(days=364)
"""How long before the period the days are that tell the pattern: each weekday 52 times."""

_AFTER = dt.timedelta(days=28)
"""Days after the period that tell it, too, as far as they are known."""

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Daily:
    """What is counted day by day.

    Parameters
    ----------
    name : str
    table : str
    column : str or None
        None where rows are counted.
    kpis : tuple of str
        The KPIs in whose figures an unusual day of it shows.
    """

    name: str
    table: str
    column: str | None
    kpis: tuple[str, ...]


MEASURES: Sequence[Daily] = (
    Daily("joined", "audience", "joined", ("subscribers", "subscriber_gain", "subscriber_growth")),
    Daily("left", "audience", "left", ("unsubscribed", "churn_rate", "subscriber_gain", "subscriber_growth")),
    Daily("visits", "traffic", "visits", ("social_visits",)),
    Daily("leads", "leads", None, ("leads", "qualified_leads")),
    Daily("inquiries", "inquiries", None, ("response_rate", "median_response_time")),
    Daily("comments", "comments", None, ("meaningful_comments", "meaningful_comment_rate")),
)
"""Views and likes are those of posts, which gather them for weeks: they have no days of their own."""


def unusual(context: Context, shown: Sequence[EventRecord]) -> list[UnusualDay]:
    """The unusual days of the period, on the accounts and days that are the person's.

    Parameters
    ----------
    context : Context
    shown : sequence of dict
        The events, as :func:`events` lists them.

    Returns
    -------
    list of dict
        ``date``, ``account_id``, ``measure``, ``fact``, ``low`` and ``high`` (between which 99 of 100 such
        days lie), ``direction`` (``high`` or ``low``), ``kpis`` and ``events``, the
        places in ``shown``; by date.
    """
    owners = tuple(context.held)
    if not owners or context.period.start >= context.known_until:
        return []
    grid = context.daily(owners, context.period.start - _LOOKED_AT, context.period.end + _AFTER)
    found = [
        record
        for measure in MEASURES
        for account, counts in zip(owners, _counts(context, measure, grid), strict=True)
        for record in _of_account(context, measure, account, counts, grid)
    ]
    for record in found:
        record["events"] = [
            place
            for place, event in enumerate(shown)
            if record["account_id"] in event["concerns"] and event["since"] <= record["date"] < event["until"]
        ]
    return sorted(found, key=lambda record: (record["date"], record["account_id"], record["measure"]))


def events(context: Context) -> list[EventRecord]:
    """What happened, since the figures begin, to any of the person's accounts or brands.

    Returns
    -------
    list of dict
        ``title`` (by language), ``kind``, ``since``, ``until`` and ``concerns``: the accounts and brands.
    """
    begun = min([context.history[0].start, *(week.start for week in context.weeks[:1])])
    listed: list[EventRecord] = []
    for event in context.params.events:
        concerned = _concerned(context, event)
        if concerned and begun < event.end and event.first < context.period.end:
            listed.append(
                {
                    "title": event.title.model_dump(),
                    "kind": event.kind,
                    "since": event.first.isoformat(),
                    "until": event.end.isoformat(),
                    "concerns": concerned,
                }
            )
    return listed


def _concerned(context: Context, event: Event) -> list[str]:
    """The person's accounts and brands that an event is about."""
    mine = context.person.brands
    platforms = context.store.accounts["platform"]
    accounts = [each for each in context.held if event.concerns(each, str(platforms[each]), mine)]
    narrowed = event.accounts is not None or event.platforms is not None
    meant = event.brands or (() if narrowed else mine)
    brands = [brand for brand in mine if brand in meant]
    return [*accounts, *brands]


def _counts(context: Context, measure: Daily, grid: Grid) -> Floats:
    """The count of each account and day, NaN where it is unknown."""
    rows = context.tables[measure.table]
    if measure.name == "comments":
        rows = rows[rows["by_brand"].ne(True).fillna(True)]
    covered = grid.days_covered(measure.table)
    clock = {"audience": "date", "traffic": "date", "leads": "created_at", "inquiries": "received_at"}
    at = rows[clock.get(measure.table, "created_at")]
    days = _days(at, grid.zone) - int(grid.bounds[0])
    row = pd.Index(grid.owners).get_indexer(pd.Index(rows["account_id"]))
    inside = (row >= 0) & (days >= 0) & (days < covered.shape[1])
    amounts = np.ones(len(rows)) if measure.column is None else rows[measure.column].to_numpy("float64")
    # an account without a row on a covered day has no joined and left; it has no visits, leads and so on
    counts = np.full(covered.shape, np.nan if measure.table == "audience" else 0.0)
    if measure.table == "audience":
        counts[row[inside], days[inside]] = amounts[inside]
    else:
        np.add.at(counts, (row[inside], days[inside]), amounts[inside])
    return np.where(covered, counts, np.nan)


def _days(at: pd.Series, zone: str) -> Any:
    if at.dt.tz is None:
        return at.to_numpy(dtype="datetime64[D]").astype("int64")
    return local_days(at, zone)


def _of_account(
    context: Context, measure: Daily, account: str, counts: Floats, grid: Grid
) -> Iterator[UnusualDay]:
    first = context.period.start - _LOOKED_AT
    found = unusual_days(counts)
    held = _held(context, account, grid)
    for place in np.flatnonzero((found.outside != 0) & held):
        yield {
            "date": (first + int(place) * _DAY).isoformat(),
            "account_id": account,
            "measure": measure.name,
            "fact": float(counts[place]),
            "low": float(found.low[place]),
            "high": float(found.high[place]),
            "direction": "high" if found.outside[place] > 0 else "low",
            "kpis": list(measure.kpis),
            "events": [],
        }


def _held(context: Context, account: str, grid: Grid) -> Bools:
    """The days of the period on which an account was the person's."""
    first, last = int(grid.bounds[0]), int(grid.bounds[-1])
    marked = np.zeros(last - first, bool)
    for since, until in context.held[account]:
        marked[day_number(since) - first : day_number(until) - first] = True
    return marked
