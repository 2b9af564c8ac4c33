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

_BEFORE = dt.timedelta(days=364)
"""The days before the period that show the pattern: each weekday 52 times."""

_AFTER = dt.timedelta(days=28)
"""The days after the period that show it, too, up to the cut-off."""

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Daily:
    """A measure that is counted day by day.

    Parameters
    ----------
    name : str
    table : str
    column : str or None
        None where rows are counted.
    kpis : tuple of str
        The KPIs that an unusual day changes.
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
"""Views and likes are not among them, because a post gathers them for weeks."""


def unusual(context: Context, listed: Sequence[EventRecord]) -> list[UnusualDay]:
    """The unusual days of the period on the days held, by date.

    Parameters
    ----------
    context : Context
    listed : sequence of EventRecord
        The result of :func:`events`; an unusual day names its events by their places there.
    """
    owners = tuple(context.held)
    if not owners or context.period.start >= context.known_until:
        return []
    grid = context.daily(owners, context.period.start - _BEFORE, context.period.end + _AFTER)
    days = [
        record
        for measure in MEASURES
        for account, counts in zip(owners, _counts(context, measure, grid), strict=True)
        for record in _of_account(context, measure, account, counts, grid)
    ]
    for record in days:
        record["events"] = [
            place
            for place, event in enumerate(listed)
            if record["account_id"] in event["concerns"] and event["since"] <= record["date"] < event["until"]
        ]
    return sorted(days, key=lambda record: (record["date"], record["account_id"], record["measure"]))


def events(context: Context) -> list[EventRecord]:
    """The events of the person's accounts and brands since the first figure."""
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
    """The person's accounts and brands that an event concerns."""
    mine = context.person.brands
    platforms = context.store.accounts["platform"]
    accounts = [account for account in context.held if event.concerns(account, str(platforms[account]), mine)]
    narrowed = event.accounts is not None or event.platforms is not None
    meant = event.brands or (() if narrowed else mine)
    brands = [brand for brand in mine if brand in meant]
    return [*accounts, *brands]


def _counts(context: Context, measure: Daily, grid: Grid) -> Floats:
    """The counts by account and day, NaN where unknown."""
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
    first = context.period.start - _BEFORE
    pattern = unusual_days(counts)
    held = _held(context, account, grid)
    for place in np.flatnonzero((pattern.outside != 0) & held):
        yield {
            "date": (first + int(place) * _DAY).isoformat(),
            "account_id": account,
            "measure": measure.name,
            "fact": float(counts[place]),
            "low": float(pattern.low[place]),
            "high": float(pattern.high[place]),
            "direction": "high" if pattern.outside[place] > 0 else "low",
            "kpis": list(measure.kpis),
            "events": [],
        }


def _held(context: Context, account: str, grid: Grid) -> Bools:
    """The days of the period on which the person held an account."""
    first, last = int(grid.bounds[0]), int(grid.bounds[-1])
    marked = np.zeros(last - first, bool)
    for since, until in context.held[account]:
        marked[day_number(since) - first : day_number(until) - first] = True
    return marked
