"""Verdicts on an entry: is the change real, what is the trend, how likely is the target.

This module decides which numbers of an entry go into which function of :mod:`kpi_kit.statistics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import pandas as pd

from kpi_kit.core.files import sha256
from kpi_kit.core.model import Aggregation, Interval, Measurement, Unit
from kpi_kit.core.periods import Grain, Period
from kpi_kit.kpis.engine.day_grid import Bools, Floats, local_days
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.params.targets import Kind, Milestone, Target
from kpi_kit.scorecard.entry_facts import Facts, Tallies
from kpi_kit.statistics import (
    Begun,
    Chance,
    Change,
    Forecast,
    Goal,
    Limits,
    Side,
    Trend,
    chance,
    change,
    control_limits,
    forecasts,
    trend,
)

_YEAR_OF_WEEKS = 52
WHOLE = frozenset(Unit) - {Unit.SHARE, Unit.MONEY, Unit.HOURS}
"""Units that are whole numbers."""


@dataclass(frozen=True)
class Verdicts:
    """The statistics of one entry; a change is None while the period is interim.

    Parameters
    ----------
    previous, year_ago : Change or None
    trend : Trend
    grain : Grain
        The grain of the trend's points.
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
    chance: Chance | None
    ahead: Period | None
    facts: Floats
    control: Limits


def verdicts(facts: Facts) -> Verdicts:
    """All verdicts on one entry."""
    period = facts.context.period
    heading, grain = _trend(facts)
    target, ahead = target_ahead(facts)
    history = _history_values(facts)
    return Verdicts(
        previous=_change(facts, period.previous),
        year_ago=_change(facts, period.year_ago),
        trend=heading,
        grain=grain,
        chance=None if target is None else chance_of(facts, target, ahead),
        ahead=None if target is None else ahead,
        facts=history,
        control=_control(facts, history),
    )


def past_forecasts(facts: Facts) -> list[Forecast]:
    """A forecast of each period of the history from those before it, against the target ahead."""
    context, entry = facts.context, facts.entry
    target = entry.target.ask().at(context.period if context.interim else context.period.next, entry.accruing)
    if target is None:
        return []
    seed = _seed(facts, "backtest")
    if entry.as_ != "value":
        changes = _array([value for _, value in facts.history])
        return forecasts(changes, _goal(target), seed=seed)
    accrues = facts.kpi.accruing
    lengths = [bucket.days for bucket in _whole_buckets(facts)]
    return forecasts(
        _past_values(facts),
        _goal(target),
        level=facts.kpi.aggregation is Aggregation.LEVEL,
        accrues=accrues,
        lengths=lengths if accrues else None,
        bounds=_bounds(facts),
        whole=facts.kpi.unit in WHOLE,
        seed=seed,
    )


def _seed(facts: Facts, purpose: str) -> int:
    """A seed from the specialist, the period, the entry and what the random numbers are for."""
    context = facts.context
    text = "|".join([context.person.id, str(context.period), str(facts.entry.key), purpose])
    return int(sha256(text)[:8], 16)


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
    measured = [history.measure(bucket, compared, known) for bucket in buckets]
    if not all(side.assessable for side in measured):
        return None
    now, before = (_side(facts, tallies, compared, b, m) for b, m in zip(buckets, measured, strict=True))
    result = change(
        str(facts.kpi.interval),
        now,
        before,
        history=_last_year(facts, compared) if facts.kpi.interval is Interval.FLOW else None,
        gap_days=float((facts.context.period.start - earlier.end).days),
        seed=_seed(facts, str(earlier)),
    )
    if history.from_totals is not None and history.from_totals[compared][:, buckets].any():
        return replace(result, low=None, high=None, p=None, reason="totals")
    if _unsettled(facts, tallies, compared, (facts.context.period, earlier)):
        return replace(result, p=None, reason="unsettled_posts")
    return result


def _side(facts: Facts, tallies: Tallies, compared: Bools, bucket: int, measured: Measurement) -> Side:
    """The sampling units of one side of a change."""
    kpi, grid = facts.kpi, tallies.history.grid
    stock = measured.denominator if kpi.stock is not None and measured.denominator else 1.0
    days = _covered_days(tallies.history, compared, bucket)
    rows = _rows(tallies, compared, bucket)
    match kpi.interval:
        case Interval.NONE:
            return Side([measured.value or 0.0], days=days if kpi.accruing else None)
        case Interval.BINARY:
            return Side([measured.numerator or 0.0], [measured.denominator or 0.0])
        case Interval.UNITS:
            return Side(rows["numerator"], rows["denominator"])
        case Interval.POSTS if kpi.accruing:
            return Side(rows["numerator"], days=days, stock=stock)
        case Interval.POSTS:
            return Side(rows["numerator"], rows["denominator"])
        case _ if kpi.gains or tallies.history.from_totals is not None:
            return Side([measured.numerator or 0.0], days=days, stock=stock)
        case _:
            first, last = grid.bounds[bucket], grid.bounds[bucket + 1]
            at = local_days(rows["at"], grid.zone) - first
            daily = np.bincount(at, rows["numerator"], minlength=int(last - first)).astype("float64")
            imported = _days_with_data(facts, compared)[first - grid.bounds[0] : last - grid.bounds[0]]
            return Side(np.where(imported, daily, np.nan), days=days, stock=stock)


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


def _days_with_data(facts: Facts, compared: Bools) -> Bools:
    """The days of the history that are covered for any of the owners."""
    grid = facts.latest.history.grid
    by_table = [grid.days_covered(table)[compared].any(axis=0) for table in facts.kpi.tables]
    days: Bools = np.logical_and.reduce(by_table)
    return days


def _covered_days(history: Tally, compared: Bools, bucket: int) -> float:
    """The mean number of covered days of a bucket, in the table with the least coverage."""
    return float(min(days[compared, bucket].mean() for days in history.covered.values()))


def _last_year(facts: Facts, compared: Bools) -> Floats:
    """The weekly sums of the last year, NaN where a week is not covered."""
    weekly = facts.weekly
    if weekly is None:
        return np.empty(0)
    sums = weekly.numerator[compared].sum(axis=0)
    days = weekly.days[compared].sum(axis=0)
    covered = np.min([cells[compared].sum(axis=0) for cells in weekly.covered.values()], axis=0)
    whole = (days > 0) & (covered >= weekly.grid.minimum * days)
    return np.where(whole, sums, np.nan)[-_YEAR_OF_WEEKS:]


def _unsettled(facts: Facts, tallies: Tallies, compared: Bools, periods: tuple[Period, Period]) -> bool:
    """Whether a sum over posts includes unsettled posts, because there are no snapshots."""
    if not facts.kpi.matures or tallies.uses_snapshots or facts.kpi.aggregation is not Aggregation.SUM:
        return False
    posts = facts.context.tables["posts"]
    owners = list(compress(tallies.history.grid.owners, compared))
    day = posts["published_at"].dt.tz_convert(facts.setting.zone).dt.date
    inside = pd.Series(False, index=posts.index)
    for period in periods:
        inside |= (day >= period.start) & (day < period.end)
    young = (posts["stats_at"] - posts["published_at"]) < facts.setting.settle
    return bool((inside & young & posts["deleted_at"].isna() & posts["account_id"].isin(owners)).any())


def _trend(facts: Facts) -> tuple[Trend, Grain]:
    """The trend by weeks, or by periods where the KPI has no weekly data."""
    level = facts.kpi.aggregation is Aggregation.LEVEL
    if facts.weekly is not None:
        weeks = _array(facts.weekly.series())
        if np.isfinite(weeks).any():
            weekly = trend(weeks, level=level)
            # the figure of a change or growth shows no weeks, so it has no line
            return weekly if facts.weeks else replace(weekly, line=None), Grain.WEEK
    past = _past_values(facts)
    if facts.kpi.accruing:  # months are not equally long
        days = np.array([bucket.days for bucket in facts.context.buckets[: len(past)]])
        past = past * days.mean() / days
    return replace(trend(past, level=level, season=False), line=None), facts.context.period.grain


def _whole_buckets(facts: Facts) -> list[Period]:
    """The periods up to the reported one, without it while it is interim."""
    buckets = facts.context.buckets
    return buckets[:-1] if facts.context.interim else buckets


def _past_values(facts: Facts) -> Floats:
    """The values of :func:`_whole_buckets`."""
    return _array(facts.latest.history.series()[: len(_whole_buckets(facts))])


def _array(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype="float64")


def _history_values(facts: Facts) -> Floats:
    """The facts of the history, NaN for an interim period."""
    values = _array([value for _, value in facts.history])
    if facts.context.interim:
        values[-1] = np.nan
    return values


def _control(facts: Facts, history: Floats) -> Limits:
    """The control limits of the history; a level has none, because it accumulates."""
    if facts.kpi.aggregation is Aggregation.LEVEL and facts.entry.as_ == "value":
        inside = (False,) * len(history)
        return Limits(int(np.isfinite(history).sum()), None, None, None, inside, "accumulates")
    least, most = _bounds(facts)
    return control_limits(history, least=least, most=most)


def target_ahead(facts: Facts) -> tuple[Target | None, Period]:
    """The target of the period ahead, and that period.

    The period ahead is the reported one while it is interim, else the next one; for a milestone it is that
    of its deadline. The target is None where there is none, or the milestone has passed.
    """
    context, entry = facts.context, facts.entry
    ask = entry.target.ask()
    ahead = context.period if context.interim else context.period.next
    if isinstance(ask, Milestone):
        ahead = max(ahead, Period.containing(ask.by, context.period.grain))
        if ask.by < context.period.start or (not context.interim and ask.by < context.period.end):
            return None, ahead
    if context.interim and entry.as_ != "value":
        return None, ahead
    return ask.at(ahead, entry.accruing), ahead


def chance_of(facts: Facts, target: Target, ahead: Period) -> Chance:
    """The chance of a target in a period ahead, from the entry's own history."""
    context = facts.context
    if facts.entry.as_ != "value":
        changes = _array([value for _, value in facts.history])
        return chance(changes, _goal(target), bounds=_bounds(facts), seed=_seed(facts, "chance"))
    past = _whole_buckets(facts)
    accrues = facts.kpi.accruing
    return chance(
        _past_values(facts),
        _goal(target),
        ahead=_steps(past[-1], ahead),
        level=facts.kpi.aggregation is Aggregation.LEVEL,
        accrues=accrues,
        lengths=[bucket.days for bucket in past] if accrues else None,
        length=float(ahead.days) if accrues else None,
        begun=_begun(facts) if context.interim else None,
        bounds=_bounds(facts),
        whole=facts.kpi.unit in WHOLE,
        seed=_seed(facts, "chance"),
    )


def _goal(target: Target) -> Goal:
    if isinstance(target.value, tuple):
        return Goal(low=target.value[0], high=target.value[1])
    return Goal(high=target.value) if target.kind is Kind.AT_MOST else Goal(low=target.value)


def _steps(last: Period, ahead: Period) -> int:
    """How many periods lie from the last whole one to the one ahead."""
    steps = 0
    while last < ahead:
        last, steps = last.next, steps + 1
    return steps


def _begun(facts: Facts) -> Begun | None:
    """The elapsed share and the value of an interim period."""
    value = facts.measurement.value
    elapsed = (facts.context.known_until - facts.context.period.start).days
    return None if value is None or elapsed <= 0 else Begun(elapsed / facts.context.period.days, value)


def _bounds(facts: Facts) -> tuple[float | None, float | None]:
    """The least and the greatest possible value; None where there is no bound."""
    if facts.kpi.id in ("subscriber_gain", "subscriber_growth"):
        return None, None
    if facts.entry.as_ == "growth":
        return -1.0, None
    if facts.entry.as_ == "change":
        return (-1.0, 1.0) if facts.kpi.bounded else (None, None)
    return 0.0, 1.0 if facts.kpi.bounded else None
