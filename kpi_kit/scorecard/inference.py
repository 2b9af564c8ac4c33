"""Verdicts: is the change real, where is it heading, will the target be met.

This is where facts meet :mod:`kpi_kit.statistics`: which numbers of an entry go into which function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypedDict, cast

import numpy as np
import pandas as pd

from kpi_kit.core.files import sha256
from kpi_kit.core.model import Aggregation, Interval, Measurement, Unit
from kpi_kit.core.periods import Grain, Period
from kpi_kit.kpis.engine.day_grid import Bools, Floats, local_days
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.params.targets import Kind, Milestone, Target
from kpi_kit.scorecard.entry_facts import Facts, Sides
from kpi_kit.scorecard.record import ChangeRecord, ControlLimits, EntryRecord, TrendRecord
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
    false_discoveries,
    forecasts,
    trend,
)

REAL = 0.05
"""The false-discovery rate at which a change is called real."""

_YEAR_OF_WEEKS = 52
WHOLE = frozenset(Unit) - {Unit.SHARE, Unit.MONEY, Unit.HOURS}
"""Units of which there are only whole numbers."""


@dataclass(frozen=True)
class Verdicts:
    """What statistics say of one entry; None where a comparison must be withheld.

    Parameters
    ----------
    previous, year_ago : Change or None
    trend : Trend
    grain : Grain
        Of the points of the trend.
    chance : Chance or None
        None where nothing is asked of the period ahead.
    ahead : Period or None
        The period for which the chance is.
    facts : array of float
        Those of the history, NaN where there is none or the period is not over.
    control : Limits
        Of these.
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
    shown = _shown(facts)
    hit, ahead = _chance(facts)
    return Verdicts(
        _change(facts, period.previous),
        _change(facts, period.year_ago),
        heading,
        grain,
        hit,
        ahead,
        shown,
        _control(facts, shown),
    )


def past_forecasts(facts: Facts) -> list[Forecast]:
    """What would have been said of each period of the history, against the target that is asked now.

    Of a target that changes from period to period it is the one of the period ahead.
    """
    context, entry = facts.context, facts.entry
    target = entry.target.ask().at(context.period if context.interim else context.period.next, entry.accruing)
    if target is None:
        return []
    seed = _seed(facts, "backtest")
    if entry.as_ != "value":
        changes = _array([value for _, value in facts.history])
        return forecasts(changes, _goal(target), seed=seed)
    accrues = facts.kpi.accruing
    past = context.buckets[:-1] if context.interim else context.buckets
    lengths = [bucket.days for bucket in past]
    return forecasts(
        _past(facts),
        _goal(target),
        level=facts.kpi.aggregation is Aggregation.LEVEL,
        accrues=accrues,
        lengths=lengths if accrues else None,
        bounds=_bounds(facts),
        whole=facts.kpi.unit in WHOLE,
        seed=seed,
    )


class VerdictRecord(TypedDict):
    """The verdicts on an entry as JSON types; ``outside`` is for each fact of the history."""

    change: ChangeRecord | None
    year_ago_change: ChangeRecord | None
    trend: TrendRecord
    control: ControlLimits
    outside: list[bool | None]
    chance: float | None
    chance_band: list[float] | None
    chance_period: str | None


def records(found: Sequence[Verdicts]) -> list[VerdictRecord]:
    """The verdicts of a report as they stand in its JSON; false discoveries are controlled over the report.

    Each of previous, year ago and trend is a family of its own.
    """
    previous = false_discoveries([_p(one.previous) for one in found])
    year_ago = false_discoveries([_p(one.year_ago) for one in found])
    heading = false_discoveries([one.trend.p for one in found])
    return [
        {
            "change": _change_record(one.previous, previous[row]),
            "year_ago_change": _change_record(one.year_ago, year_ago[row]),
            "trend": _trend_record(one, heading[row]),
            "control": _control_record(one.control),
            "outside": _outside(one),
            "chance": None if one.chance is None else one.chance.probability,
            "chance_band": _band(one.chance),
            "chance_period": None if one.ahead is None else str(one.ahead),
        }
        for row, one in enumerate(found)
    ]


def effect(record: EntryRecord, difference: float) -> str | None:
    """Whether a difference of a scorecard's entry is ``better`` or ``worse``; None for none, and for a band.

    Examples
    --------
    >>> effect({"better": "lower", "target": None}, -3.0)
    'better'
    >>> effect({"better": "lower", "target": {"kind": "between"}}, -3.0)
    """
    if difference == 0 or (record["target"] is not None and record["target"]["kind"] == "between"):
        return None
    return "better" if (difference > 0) == (record["better"] == "higher") else "worse"


def _p(found: Change | None) -> float | None:
    return None if found is None else found.p


def _change_record(found: Change | None, q: float | None) -> ChangeRecord | None:
    if found is None:
        return None
    return cast(ChangeRecord, {**asdict(found), "q": q, "real": None if q is None else q <= REAL})


def _trend_record(found: Verdicts, q: float | None) -> TrendRecord:
    line = found.trend.line
    drawn = None if line is None else {**asdict(line), "start": list(line.start), "end": list(line.end)}
    return cast(TrendRecord, {"grain": str(found.grain), **asdict(found.trend), "line": drawn, "q": q})


def _control_record(found: Limits) -> ControlLimits:
    """The limits as they stand in the JSON; which facts lie outside stands beside the facts."""
    return {
        "n": found.n,
        "centre": found.centre,
        "low": found.low,
        "high": found.high,
        "reason": found.reason,
    }


def _outside(found: Verdicts) -> list[bool | None]:
    """Whether each fact of the history lies outside the limits; None where that cannot be said."""
    if found.control.low is None:
        return [None] * len(found.facts)
    pairs = zip(found.control.outside, found.facts, strict=True)
    return [outside if np.isfinite(fact) else None for outside, fact in pairs]


def _band(found: Chance | None) -> list[float] | None:
    return None if found is None or found.low is None or found.high is None else [found.low, found.high]


def _seed(facts: Facts, what: str) -> int:
    """The same for the same specialist, period and entry, and different for others."""
    context = facts.context
    text = "|".join([context.person.id, str(context.period), str(facts.entry.key), what])
    return int(sha256(text)[:8], 16)


def _change(facts: Facts, earlier: Period) -> Change | None:
    """The change against an earlier period; withheld while the period is not over."""
    if facts.context.interim:
        return None
    kept = facts.comparable(earlier)
    sides = facts.mature_sides(facts.context.period, earlier, kept)
    history = sides.history
    buckets = [len(facts.context.buckets) - 1, facts.context.buckets.index(earlier)]
    known = None
    if facts.kpi.aggregation is Aggregation.TILES:
        known = history.phrases_known(buckets[0]) & history.phrases_known(buckets[1])
    measured = [history.measure(bucket, kept, known) for bucket in buckets]
    if not all(side.assessable for side in measured):
        return None
    now, before = (_side(facts, sides, kept, b, m) for b, m in zip(buckets, measured, strict=True))
    found = change(
        str(facts.kpi.interval),
        now,
        before,
        history=_last_year(facts, kept) if facts.kpi.interval is Interval.FLOW else None,
        gap_days=float((facts.context.period.start - earlier.end).days),
        seed=_seed(facts, str(earlier)),
    )
    if _immature(facts, sides, kept, (facts.context.period, earlier)):
        return replace(found, p=None, reason="unsettled_posts")
    return found


def _side(facts: Facts, sides: Sides, kept: Bools, bucket: int, measured: Measurement) -> Side:
    """The sampling units of one side."""
    kpi, grid = facts.kpi, sides.history.grid
    stock = measured.denominator if kpi.stock is not None and measured.denominator else 1.0
    days = _covered_days(sides.history, kept, bucket)
    rows = _rows(sides, kept, bucket)
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
        case _:
            first, last = grid.bounds[bucket], grid.bounds[bucket + 1]
            at = local_days(rows["at"], grid.zone) - first
            daily = np.bincount(at, rows["numerator"], minlength=int(last - first)).astype("float64")
            imported = _days_with_data(facts, kept)[first - grid.bounds[0] : last - grid.bounds[0]]
            return Side(np.where(imported, daily, np.nan), days=days, stock=stock)


def _rows(sides: Sides, kept: Bools, bucket: int) -> pd.DataFrame:
    """The units of a bucket that count, of the kept owners."""
    grid, scope = sides.history.grid, sides.history.kpi.scope
    frame = sides.frame
    days = local_days(frame["at"], grid.zone)
    owners = [owner for owner, counts in zip(grid.owners, kept, strict=True) if counts]
    inside = (days >= grid.bounds[bucket]) & (days < grid.bounds[bucket + 1])
    counts = (frame["excluded"] == "") & frame["numerator"].notna() & frame["denominator"].notna()
    found: pd.DataFrame = frame[inside & counts.to_numpy() & frame[scope].isin(owners).to_numpy()]
    return found


def _days_with_data(facts: Facts, kept: Bools) -> Bools:
    """The days of the history on which any of the owners was imported."""
    grid = facts.plain.history.grid
    marked = [grid.days_covered(table)[kept].any(axis=0) for table in facts.kpi.tables]
    found: Bools = np.logical_and.reduce(marked)
    return found


def _covered_days(history: Tally, kept: Bools, bucket: int) -> float:
    """Covered days of a bucket, of the table that is covered least, averaged over the owners."""
    return float(min(days[kept, bucket].mean() for days in history.covered.values()))


def _last_year(facts: Facts, kept: Bools) -> Floats:
    """The weekly sums of the last year, NaN where a week is not covered."""
    weekly = facts.weekly
    if weekly is None:
        return np.empty(0)
    sums = weekly.numerator[kept].sum(axis=0)
    days = weekly.days[kept].sum(axis=0)
    covered = np.min([cells[kept].sum(axis=0) for cells in weekly.covered.values()], axis=0)
    whole = (days > 0) & (covered >= weekly.grid.minimum * days)
    return np.where(whole, sums, np.nan)[-_YEAR_OF_WEEKS:]


def _immature(facts: Facts, sides: Sides, kept: Bools, periods: tuple[Period, Period]) -> bool:
    """Whether sums over posts compare posts of unequal age, because there are no snapshots."""
    if not facts.kpi.matures or sides.uses_snapshots or facts.kpi.aggregation is not Aggregation.SUM:
        return False
    posts = facts.context.tables["posts"]
    owners = [owner for owner, counts in zip(sides.history.grid.owners, kept, strict=True) if counts]
    day = posts["published_at"].dt.tz_convert(facts.setting.zone).dt.date
    inside = pd.Series(False, index=posts.index)
    for period in periods:
        inside |= (day >= period.start) & (day < period.end)
    young = (posts["stats_at"] - posts["published_at"]) < facts.setting.settle
    return bool((inside & young & posts["deleted_at"].isna() & posts["account_id"].isin(owners)).any())


def _trend(facts: Facts) -> tuple[Trend, Grain]:
    """By weeks; by periods where the KPI has no weekly data."""
    level = facts.kpi.aggregation is Aggregation.LEVEL
    if facts.weekly is not None:
        weeks = _array(facts.weekly.series())
        if np.isfinite(weeks).any():
            found = trend(weeks, level=level)
            # a change or growth has no weeks of its own to draw a line through
            return found if facts.weeks else replace(found, line=None), Grain.WEEK
    past = _past(facts)
    if facts.kpi.accruing:  # months are not equally long
        days = np.array([bucket.days for bucket in facts.context.buckets[: len(past)]])
        past = past * days.mean() / days
    heading = trend(past, level=level, season=False)
    return replace(heading, line=None), facts.context.period.grain


def _past(facts: Facts) -> Floats:
    """The whole periods up to this one, the last of them this one unless it is not over."""
    values = facts.plain.history.series()
    return _array(values[:-1] if facts.context.interim else values)


def _array(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype="float64")


def _shown(facts: Facts) -> Floats:
    """The facts that the history shows, of whole periods only."""
    shown = _array([value for _, value in facts.history])
    if facts.context.interim:
        shown[-1] = np.nan
    return shown


def _control(facts: Facts, shown: Floats) -> Limits:
    """Of a level there are none: it accumulates, so its mean is soon left behind for good."""
    if facts.kpi.aggregation is Aggregation.LEVEL and facts.entry.as_ == "value":
        nowhere = (False,) * len(shown)
        return Limits(int(np.isfinite(shown).sum()), None, None, None, nowhere, "accumulates")
    least, most = _bounds(facts)
    return control_limits(shown, least=least, most=most)


def _chance(facts: Facts) -> tuple[Chance | None, Period | None]:
    target, ahead = asked_ahead(facts)
    return (None, None) if target is None else (chance_of(facts, target, ahead), ahead)


def asked_ahead(facts: Facts) -> tuple[Target | None, Period]:
    """What is asked of the next period, of this one while it is not over, or of a milestone at its deadline.

    The target is None where nothing is asked any more.
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
    """The chance of a target in a period ahead, from the own history."""
    context = facts.context
    if facts.entry.as_ != "value":
        changes = _array([value for _, value in facts.history])
        return chance(changes, _goal(target), bounds=_bounds(facts), seed=_seed(facts, "chance"))
    past = context.buckets[:-1] if context.interim else context.buckets
    accrues = facts.kpi.accruing
    return chance(
        _past(facts),
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
    """How many periods after the last known one the target falls due."""
    steps = 0
    while last < ahead:
        last, steps = last.next, steps + 1
    return steps


def _begun(facts: Facts) -> Begun | None:
    """What has happened of a period that is not over."""
    value = facts.measurement.value
    elapsed = (facts.context.known_until - facts.context.period.start).days
    return None if value is None or elapsed <= 0 else Begun(elapsed / facts.context.period.days, value)


def _bounds(facts: Facts) -> tuple[float | None, float | None]:
    """Between which every value of the entry lies."""
    if facts.kpi.id in ("subscriber_gain", "subscriber_growth"):
        return None, None
    if facts.entry.as_ == "growth":
        return -1.0, None
    if facts.entry.as_ == "change":
        return (-1.0, 1.0) if facts.kpi.bounded else (None, None)
    return 0.0, 1.0 if facts.kpi.bounded else None
