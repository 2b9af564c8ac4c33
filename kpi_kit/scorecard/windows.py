"""The time spans of a report: cut-off, buckets, weeks, and from when on rows are read."""

from __future__ import annotations

import datetime as dt

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Grain, Period, midnight, parse_instant
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.store import Store
from kpi_kit.params import Department

MARGIN = dt.timedelta(days=40)
"""Rows are read from this long before the first bucket: plan items may be published long before due."""


def cut_off(
    department: Department, period: Period, store: Store, as_of: str | dt.datetime | None = None
) -> dt.datetime:
    """The data cut-off: ``as_of``, else the end of the period plus the settling days.

    The default is not later than the end of coverage.
    """
    if as_of is not None:
        return parse_instant(as_of, department.zone, "as_of") if isinstance(as_of, str) else as_of
    settled = settled_on(department, period)
    if store.covered_until is None:
        return settled
    return min(settled, midnight(store.covered_until, department.zone))


def last_full_month(store: Store) -> Period:
    """The last month that the data cover to its end.

    Raises
    ------
    InputError
        Where the data have no rows.
    """
    if store.covered_until is None:
        raise InputError(Phrase("scorecard.no_rows", place=store.place))
    return Period.containing(store.covered_until, Grain.MONTH).previous


def needed_since(department: Department, period: Period, as_of: dt.datetime) -> dt.datetime:
    """The instant from which rows are read; some tables are read whole."""
    firsts = [buckets_of(department, period)[0], *full_weeks(department, period, as_of)[:1]]
    return midnight(min(first.start for first in firsts) - MARGIN, department.zone)


def buckets_of(department: Department, period: Period) -> list[Period]:
    """Consecutive periods from a year before the history's first to the reported one."""
    first = period.history(department.history.periods)[0].year_ago
    buckets = [period]
    while buckets[-1] > first:
        buckets.append(buckets[-1].previous)
    return buckets[::-1]


def full_weeks(department: Department, period: Period, as_of: dt.datetime) -> list[Period]:
    """The last full weeks before the end of the period and the cut-off, as many as the history has."""
    end = min(period.end, known_until(department, as_of))
    week = Period.containing(end, Grain.WEEK).previous
    return week.history(department.history.weeks) if department.history.weeks else []


def known_until(department: Department, as_of: dt.datetime) -> dt.date:
    """The first day that is not over at the cut-off."""
    return as_of.astimezone(department.zone).date()


def settled_on(department: Department, period: Period) -> dt.datetime:
    """The instant at which the last posts of the period are settled."""
    whole, part = divmod(department.posts.settle_days, 1)
    return midnight(period.end + dt.timedelta(days=int(whole)), department.zone) + dt.timedelta(days=part)
