"""Chances: how likely the target of the period ahead is, and forecasts of past periods to check that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from kpi_kit.core.files import sha256
from kpi_kit.core.model import Aggregation, Interval, Unit
from kpi_kit.core.periods import Grain, Period
from kpi_kit.kpis.engine.day_grid import Floats
from kpi_kit.params.targets import Kind, Milestone, Target
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.statistics import Begun, Chance, Forecast, Goal, chance, forecasts

WHOLE = frozenset(Unit) - {Unit.SHARE, Unit.MONEY, Unit.HOURS, Unit.NUMBER}
"""Units of which there are only whole numbers."""

PERIODS_IN_YEAR = {Grain.WEEK: 52.18, Grain.MONTH: 12.0, Grain.QUARTER: 4.0, Grain.YEAR: None}

_SIZES = 6
"""The number of last periods whose median size is that of a share's next denominator."""


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


def expectation(facts: Facts) -> tuple[Chance | None, Period | None]:
    """The chance of the target ahead, and its period; both None where there is no target."""
    target, ahead = target_ahead(facts)
    return (None, None) if target is None else (chance_of(facts, target, ahead), ahead)


def chance_of(facts: Facts, target: Target, ahead: Period) -> Chance:
    """The chance of a target in a period ahead, from the own history.

    A growth or change is forecast as the value and compared with its base, where that is known.
    """
    if facts.entry.as_ == "value":
        return _chance_of_value(facts, past_values(facts), _goal(target), ahead)
    base, values = _known_base(facts, ahead)
    growth = facts.entry.as_ == "growth"
    if base is None or (growth and base <= 0):
        changes = array_of([value for _, value in facts.history])
        year = PERIODS_IN_YEAR[facts.context.period.grain]
        seed = seed_of(facts, "chance")
        return chance(changes, _goal(target), bounds=bounds_of(facts), year=year, seed=seed)
    found = _chance_of_value(facts, values, _over_base(_goal(target), base, growth), ahead)
    low, high, expected = (
        None if end is None else (end - base) / (base if growth else 1.0)
        for end in (found.low, found.high, found.expected)
    )
    return replace(found, low=low, high=high, expected=expected)


def _chance_of_value(facts: Facts, values: Floats, goal: Goal, ahead: Period) -> Chance:
    context = facts.context
    past = whole_buckets(facts)
    accrues = facts.kpi.accruing
    begun = _begun(facts) if context.interim else None
    if accrues and begun is not None and ahead == context.period:
        goal = _scaled(goal, float(facts.whole_share))
    return chance(
        values,
        goal,
        ahead=_steps(past[-1], ahead),
        level=facts.kpi.aggregation is Aggregation.LEVEL,
        accrues=accrues,
        lengths=[bucket.days for bucket in past] if accrues else None,
        length=float(ahead.days) if accrues else None,
        begun=begun,
        bounds=_bounds_of_value(facts),
        whole=facts.kpi.unit in WHOLE,
        units=_units(facts),
        year=PERIODS_IN_YEAR[context.period.grain],
        seed=seed_of(facts, "chance"),
    )


def _known_base(facts: Facts, ahead: Period) -> tuple[float | None, Floats]:
    """The value that a period ahead is compared with, and the history, of the accounts that both have."""
    context = facts.context
    compared = ahead.previous if facts.entry.versus == "previous" else ahead.year_ago
    if context.interim or compared not in context.buckets:
        return None, np.empty(0)
    history = facts.latest.history
    kept = facts.comparable(compared)
    values = array_of(history.series(np.repeat(kept[:, None], history.grid.shape[1], axis=1)))
    base = float(values[context.buckets.index(compared)])
    return (base if np.isfinite(base) else None), values


def _scaled(goal: Goal, share: float) -> Goal:
    """A target of a sum for a share of the days."""
    low, high = (None if end is None else end * share for end in (goal.low, goal.high))
    return Goal(low, high)


def _over_base(goal: Goal, base: float, growth: bool) -> Goal:
    """What a target of a growth or change asks of the value."""
    low, high = (
        None if end is None else base * (1 + end) if growth else base + end for end in (goal.low, goal.high)
    )
    return Goal(low, high)


def past_forecasts(facts: Facts) -> list[Forecast]:
    """A forecast of each period of the history from those before it, against the target ahead."""
    context, entry = facts.context, facts.entry
    target = entry.target.ask().at(context.period if context.interim else context.period.next, entry.accruing)
    if target is None:
        return []
    past = whole_buckets(facts)
    values, goal = past_values(facts), _goal(target)
    goals: Goal | list[Goal | None] = goal
    if entry.as_ != "value":
        growth = entry.as_ == "growth"
        bases = [_base_of(past, values, period, entry.versus) for period in past]
        goals = [
            None if base is None or (growth and base <= 0) else _over_base(goal, base, growth)
            for base in bases
        ]
    return forecasts(
        values,
        goals,
        level=facts.kpi.aggregation is Aggregation.LEVEL,
        accrues=facts.kpi.accruing,
        lengths=[bucket.days for bucket in past] if facts.kpi.accruing else None,
        bounds=_bounds_of_value(facts),
        whole=facts.kpi.unit in WHOLE,
        units=_units(facts),
        year=PERIODS_IN_YEAR[context.period.grain],
        seed=seed_of(facts, "backtest"),
    )


def _base_of(past: Sequence[Period], values: Floats, period: Period, versus: str) -> float | None:
    """The value of the period that an earlier one is compared with, where it is known."""
    compared = period.previous if versus == "previous" else period.year_ago
    if compared not in past:
        return None
    base = float(values[past.index(compared)])
    return base if np.isfinite(base) else None


def _units(facts: Facts) -> float | None:
    """How many units a share is usually one of."""
    if not facts.kpi.bounded or facts.kpi.interval is not Interval.BINARY:
        return None
    sizes = facts.latest.history.denominator.sum(axis=0)
    return float(np.median(sizes[sizes > 0][-_SIZES:])) if (sizes > 0).any() else None


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
    """What has happened of a period that is not over, and in the past ones at the same point."""
    context = facts.context
    value = facts.measurement.value
    elapsed = (context.known_until - context.period.start).days
    if value is None or elapsed <= 0:
        return None
    share = elapsed / context.period.days
    counted = counting = Fraction(1)
    if facts.kpi.accruing:
        counted = facts.own_share / Fraction(elapsed, context.period.days)
        if counted == 0:
            return None
        if elapsed < context.period.days:
            left = Fraction(context.period.days - elapsed, context.period.days)
            counting = (facts.whole_share - facts.own_share) / left
    grid = context.split(context.owners(facts.entry), context.buckets[:-1], share)
    begun = context.tally(facts.kpi, facts.latest.frame, grid).series()[::2]
    return Begun(share, value, array_of(begun), float(counted), float(counting))


def bounds_of(facts: Facts) -> tuple[float | None, float | None]:
    """Between which every value, change or growth of the entry lies."""
    if facts.kpi.signed:
        return None, None
    if facts.entry.as_ == "growth":
        return -1.0, None
    if facts.entry.as_ == "change":
        return (-1.0, 1.0) if facts.kpi.bounded else (None, None)
    return _bounds_of_value(facts)


def _bounds_of_value(facts: Facts) -> tuple[float | None, float | None]:
    if facts.kpi.signed:
        return None, None
    return 0.0, 1.0 if facts.kpi.bounded else None


def whole_buckets(facts: Facts) -> list[Period]:
    """The periods up to the reported one, without it while it is interim."""
    buckets = facts.context.buckets
    return buckets[:-1] if facts.context.interim else buckets


def past_values(facts: Facts) -> Floats:
    """The values of :func:`whole_buckets`."""
    return array_of(facts.latest.history.series()[: len(whole_buckets(facts))])


def array_of(values: Sequence[float | None]) -> Floats:
    """Values as an array, NaN for None."""
    return np.array([np.nan if value is None else value for value in values], dtype="float64")


def seed_of(facts: Facts, purpose: str) -> int:
    """A seed from the specialist, the period, the entry and what the random numbers are for."""
    context = facts.context
    text = "|".join([context.person.id, str(context.period), str(facts.entry.key), purpose])
    return int(sha256(text)[:8], 16)
