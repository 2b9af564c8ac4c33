"""Verdicts on an entry: is the change real, what is the trend, how likely is the target.

This module decides which numbers of an entry go into which function of :mod:`kpi_kit.statistics`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Interval, Measurement
from kpi_kit.core.periods import Grain, Period
from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, local_days
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.scorecard.chances import (
    PERIODS_IN_YEAR,
    array_of,
    bounds_of,
    expectation,
    past_values,
    seed_of,
)
from kpi_kit.scorecard.entry_facts import Facts, Tallies
from kpi_kit.statistics import (
    FEWEST_WEEKS,
    Chance,
    Change,
    Limits,
    Side,
    Trend,
    change,
    control_limits,
    trend,
)

Span: TypeAlias = tuple[dt.date, dt.date]

_YEAR_OF_WEEKS = 52
_MONTH_DAYS = 365.25 / 12


class Window(NamedTuple):
    """A side of a change: a bucket of a tally, its value, and its days up to before the second one."""

    tallies: Tallies
    bucket: int
    measured: Measurement
    days: Span


@dataclass(frozen=True)
class Verdicts:
    """The statistics of one entry; a change is None while the period is interim.

    Parameters
    ----------
    previous, year_ago : Change or None
    trend : Trend
    grain : Grain
        The grain of the trend's points.
    since : Period or None
        The first of these after a turn, or of a new level.
    chance : Chance or None
        None where the period ahead has no target.
    ahead : Period or None
        The period of the chance.
    facts : array of float
        The history, NaN where unknown or interim.
    control : Limits
        The control limits of ``facts``.
    """

    previous: Change | None
    year_ago: Change | None
    trend: Trend
    grain: Grain
    since: Period | None
    chance: Chance | None
    ahead: Period | None
    facts: Floats
    control: Limits


def verdicts(facts: Facts) -> Verdicts:
    """All verdicts on one entry."""
    period = facts.context.period
    heading, grain, since = _trend(facts)
    expected, ahead = expectation(facts)
    history = _history_values(facts)
    return Verdicts(
        previous=_change(facts, period.previous),
        year_ago=_change(facts, period.year_ago),
        trend=heading,
        grain=grain,
        since=since,
        chance=expected,
        ahead=ahead,
        facts=history,
        control=_control(facts, history),
    )


def _change(facts: Facts, earlier: Period) -> Change | None:
    """The change against an earlier period; None while the period is interim or a side has no value."""
    if facts.context.interim:
        return None
    compared = facts.comparable(earlier)
    tallies = facts.equally_mature(facts.context.period, earlier, compared)
    history = tallies.history
    buckets = [len(facts.context.buckets) - 1, facts.context.buckets.index(earlier)]
    known = None
    if facts.kpi.aggregation is Aggregation.TILES:
        known = history.phrases_known(buckets[0]) & history.phrases_known(buckets[1])
    periods = facts.context.period, earlier
    now, before = (
        Window(tallies, bucket, history.measure(bucket, compared, known), (period.start, period.end))
        for bucket, period in zip(buckets, periods, strict=True)
    )
    if not (now.measured.assessable and before.measured.assessable):
        return None
    return change_between(facts, compared, now, before, purpose=str(earlier))


def change_between(
    facts: Facts,
    compared: Bools,
    now: Window,
    earlier: Window,
    *,
    purpose: str,
    weekdays: Floats | None = None,
) -> Change:
    """The change between two windows, each with a value.

    Parameters
    ----------
    facts : Facts
    compared : array of bool
        The owners in both windows.
    now, earlier : Window
    purpose : str
        What the random numbers are for.
    weekdays : array of float, optional
        See :func:`kpi_kit.statistics.change`.
    """
    past, step_days = _past_sums(facts, compared) if facts.kpi.accruing else (None, 7.0)
    below = None
    if facts.kpi.interval is Interval.RATIO and facts.weekly is not None:
        past, below = (_covered_sums(part, compared)[-_YEAR_OF_WEEKS:] for part in facts.weekly.parts)
        below = below / facts.kpi.per
    windows = (now, earlier)
    result = change(
        str(facts.kpi.interval),
        *(_side(facts, one.tallies, compared, one.bucket, one.measured) for one in windows),
        history=past,
        below=below,
        weekdays=weekdays,
        step_days=step_days,
        gap_days=float((now.days[0] - earlier.days[1]).days),
        seed=seed_of(facts, purpose),
    )
    if any(_from_totals(one, compared) for one in windows):
        return replace(result, low=None, high=None, p=None, reason="totals")
    if _unsettled(facts, now.tallies, compared, [one.days for one in windows]):
        return replace(result, p=None, reason="unsettled_posts")
    return result


def _from_totals(window: Window, compared: Bools) -> bool:
    cells = window.tallies.history.from_totals
    return cells is not None and bool(cells[compared, window.bucket].any())


def _side(facts: Facts, tallies: Tallies, compared: Bools, bucket: int, measured: Measurement) -> Side:
    """The sampling units of one side of a change, with their days."""
    kpi, grid = facts.kpi, tallies.history.grid
    stock = measured.denominator if kpi.stock is not None and measured.denominator else 1.0
    days = _covered_days(tallies.history, compared, bucket)
    if kpi.interval is Interval.NONE:
        return Side([measured.value or 0.0], days=days if kpi.accruing else None)
    rows = _rows(tallies, compared, bucket)
    first, last = grid.bounds[bucket], grid.bounds[bucket + 1]
    day = local_days(rows["at"], grid.zone) - first

    def daily(column: str) -> Floats:
        return np.bincount(day, rows[column], minlength=int(last - first)).astype("float64")

    if kpi.interval is Interval.BINARY:
        return Side(daily("numerator"), daily("denominator"))
    if kpi.interval is Interval.UNITS or not kpi.accruing:
        return Side(rows["numerator"], rows["denominator"], days=days, clusters=day)
    if kpi.gains or tallies.history.from_totals is not None:
        return Side([measured.numerator or 0.0], days=days, stock=stock)
    imported = _days_with_data(facts, grid, compared)[first - grid.bounds[0] : last - grid.bounds[0]]
    return Side(np.where(imported, daily("numerator"), np.nan), days=days, stock=stock)


def _rows(tallies: Tallies, compared: Bools, bucket: int) -> pd.DataFrame:
    """The units of a bucket that count for the compared owners."""
    grid, scope = tallies.history.grid, tallies.history.kpi.scope
    frame = tallies.frame
    days = local_days(frame["at"], grid.zone)
    owners = list(compress(grid.owners, compared))
    inside = (days >= grid.bounds[bucket]) & (days < grid.bounds[bucket + 1])
    counts = (frame["excluded"] == "") & frame["numerator"].notna() & frame["denominator"].notna()
    rows: pd.DataFrame = frame[inside & counts.to_numpy() & frame[scope].isin(owners).to_numpy()]
    return rows


def _days_with_data(facts: Facts, grid: Grid, compared: Bools) -> Bools:
    """The days of a grid that are covered for any of the owners."""
    by_table = [grid.days_covered(table)[compared].any(axis=0) for table in grid.coverage_of(facts.kpi)]
    days: Bools = np.logical_and.reduce(by_table)
    return days


def _covered_days(history: Tally, compared: Bools, bucket: int) -> float:
    """The mean number of covered days of a bucket, in the table with the least coverage."""
    return float(min(days[compared, bucket].mean() for days in history.covered.values()))


def _past_sums(facts: Facts, compared: Bools) -> tuple[Floats, float]:
    """The sums of the last year's weeks, NaN where one is not covered; of months where weeks are few."""
    weekly = facts.weekly
    if weekly is not None:
        weeks = _covered_sums(weekly, compared)[-_YEAR_OF_WEEKS:]
        if np.isfinite(weeks).sum() >= FEWEST_WEEKS:
            return weeks, 7.0
    history = facts.latest.history
    lengths = np.diff(history.grid.bounds)
    return _covered_sums(history, compared) / lengths * _MONTH_DAYS, _MONTH_DAYS


def _covered_sums(sums: Tally, compared: Bools) -> Floats:
    """The sums of each bucket over the compared owners, NaN where one is not covered."""
    totals = sums.numerator[compared].sum(axis=0)
    days = sums.days[compared].sum(axis=0)
    covered = np.min([cells[compared].sum(axis=0) for cells in sums.covered.values()], axis=0)
    return np.where((days > 0) & (covered >= sums.grid.minimum * days), totals, np.nan)


def _unsettled(facts: Facts, tallies: Tallies, compared: Bools, spans: Sequence[Span]) -> bool:
    """Whether a sum over posts includes unsettled posts, because there are no snapshots."""
    is_sum = facts.kpi.aggregation is Aggregation.SUM or bool(facts.kpi.parts)
    if not facts.kpi.matures or tallies.uses_snapshots or not is_sum:
        return False
    posts = facts.context.tables["posts"]
    owners = list(compress(tallies.history.grid.owners, compared))
    day = posts["published_at"].dt.tz_convert(facts.setting.zone).dt.date
    inside = pd.Series(False, index=posts.index)
    for since, until in spans:
        inside |= (day >= since) & (day < until)
    young = (posts["stats_at"] - posts["published_at"]) < facts.setting.settle
    return bool((inside & young & posts["deleted_at"].isna() & posts["account_id"].isin(owners)).any())


def load_distributions() -> None:
    """Compute a trend, so that processes that are forked later have its distributions."""
    trend([1.0, 3.0, 2.0, 4.0] * 4)


def _trend(facts: Facts) -> tuple[Trend, Grain, Period | None]:
    """The trend by weeks, or by periods where the KPI has no weekly data; and when it turned."""
    level = facts.kpi.aggregation is Aggregation.LEVEL
    if facts.weekly is not None:
        weeks = array_of(facts.weekly.series())
        if np.isfinite(weeks).any():
            weekly = trend(weeks, level=level)
            since = None if weekly.since is None else facts.context.weeks[weekly.since]
            # the figure of a change or growth shows no weeks, so it has no line
            return weekly if facts.weeks else replace(weekly, line=None), Grain.WEEK, since
    past = past_values(facts)
    if facts.kpi.accruing:  # months are not equally long
        days = np.array([bucket.days for bucket in facts.context.buckets[: len(past)]])
        past = past * days.mean() / days
    grain = facts.context.period.grain
    year = PERIODS_IN_YEAR[grain]
    by_period = trend(past, level=level, season=year is not None, year=year or 1.0)
    return replace(by_period, line=None), grain, None


def _history_values(facts: Facts) -> Floats:
    """The facts of the history, NaN for an interim period."""
    values = array_of([value for _, value in facts.history])
    if facts.context.interim:
        values[-1] = np.nan
    return values


def _control(facts: Facts, history: Floats) -> Limits:
    """The control limits of the history; a level has none, because it accumulates."""
    if facts.kpi.aggregation is Aggregation.LEVEL and facts.entry.as_ == "value":
        inside = (False,) * len(history)
        return Limits(int(np.isfinite(history).sum()), None, None, None, inside, "accumulates")
    least, most = bounds_of(facts)
    return control_limits(history, least=least, most=most)
