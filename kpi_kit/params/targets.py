"""Targets of a period, their attainment and payout."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias

from kpi_kit.core.periods import Grain, Period


class Kind(StrEnum):
    """The kinds of target."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"


@dataclass(frozen=True)
class Target:
    """The target of one period.

    Parameters
    ----------
    kind : Kind
    value : float or (float, float)
        The bound, or both bounds of a band.
    base : float or None
        The fact at which attainment is 0; None for a band.

    Examples
    --------
    >>> Target(Kind.AT_MOST, 0.03, 0.06).attainment(0.045)
    0.5
    >>> Target(Kind.BETWEEN, (10.0, 20.0), None).attainment(22.5)
    0.5
    >>> Target(Kind.AT_LEAST, 40.0, 0.0).attained(40.0)
    True
    """

    kind: Kind
    value: float | tuple[float, float]
    base: float | None

    def attained(self, fact: float) -> bool:
        """Whether the fact meets the target."""
        match self.kind, self.value:
            case Kind.BETWEEN, (low, high):
                return low <= fact <= high
            case Kind.AT_MOST, float(bound):
                return fact <= bound
            case _, float(bound):
                return fact >= bound
        raise AssertionError(self)

    def attainment(self, fact: float) -> float | None:
        """The attainment of a fact: 0 at the base, 1 at the target; not below 0, not capped.

        Returns
        -------
        float or None
            None where target and base are equal, or a band is scaled to zero width.
        """
        if isinstance(self.value, tuple):
            low, high = self.value
            if low == high:
                return None
            outside = max(low - fact, fact - high, 0.0)
            return 1.0 if outside == 0 else max(0.0, 1.0 - outside / ((high - low) / 2))
        base = self.base or 0.0
        if self.value == base:
            return None
        return max(0.0, (fact - base) / (self.value - base))

    def facts_at(self, attainment: float) -> list[float]:
        """The facts with this attainment: one, two for a band, none where a band cannot reach it.

        Examples
        --------
        >>> Target(Kind.AT_MOST, 0.25, 0.5).facts_at(0.5)
        [0.375]
        >>> Target(Kind.BETWEEN, (10.0, 20.0), None).facts_at(0.5)
        [7.5, 22.5]
        """
        if isinstance(self.value, tuple):
            low, high = self.value
            outside = (1.0 - attainment) * (high - low) / 2
            return [low - outside, high + outside] if attainment <= 1 else []
        base = self.base or 0.0
        return [base + attainment * (self.value - base)]

    def scaled(self, factor: Fraction) -> Target:
        """The target times a factor."""
        if isinstance(self.value, tuple):
            return replace(self, value=(_times(self.value[0], factor), _times(self.value[1], factor)))
        return replace(
            self,
            value=_times(self.value, factor),
            base=None if self.base is None else _times(self.base, factor),
        )

    def as_dict(self) -> dict[str, object]:
        """The target for the scorecard."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"kind": str(self.kind), "value": value, "base": self.base}


@dataclass(frozen=True)
class Goal:
    """A target for each period of a grain."""

    target: Target
    per: Grain = Grain.MONTH

    def at(self, period: Period, accruing: bool) -> Target | None:
        """The target of a period.

        Accruing targets of a larger grain scale by the share of days, those of a smaller grain are summed
        over the parts of the period. Other targets do not scale.
        """
        return self.target.scaled(share_of(self.per, period)) if accruing else self.target


@dataclass(frozen=True)
class Schedule:
    """Targets by period."""

    targets: Mapping[Period, Target]

    def at(self, period: Period, accruing: bool) -> Target | None:
        """The target of a period; None where the schedule does not cover it.

        Accruing targets are summed by days. Otherwise the target of the last day applies.
        """
        overlaps = {scheduled: _overlap(scheduled, period) for scheduled in self.targets}
        if not accruing:
            return next(
                (
                    target
                    for scheduled, target in self.targets.items()
                    if scheduled.start <= period.last_day < scheduled.end
                ),
                None,
            )
        if sum(overlaps.values()) < period.days:
            return None
        return _sum(
            self.targets[scheduled].scaled(Fraction(days, scheduled.days))
            for scheduled, days in overlaps.items()
            if days
        )


@dataclass(frozen=True)
class Milestone:
    """A value to reach by a date, on a straight line from a start; dates mean the end of the day.

    Parameters
    ----------
    kind : Kind
    value : float
        The value to reach.
    by : datetime.date
    start : float
        The value at the start.
    on : datetime.date
        The day of the start.
    """

    kind: Kind
    value: float
    by: dt.date
    start: float
    on: dt.date

    def at(self, period: Period, accruing: bool) -> Target | None:
        """The point of the line on the period's last day; None before the start, the value after ``by``."""
        if period.last_day < self.on:
            return None
        share = min(1.0, (period.last_day - self.on).days / (self.by - self.on).days)
        point = self.value if share == 1.0 else self.start + (self.value - self.start) * share
        return Target(self.kind, point, self.start)


Ask: TypeAlias = Goal | Schedule | Milestone


@dataclass(frozen=True)
class Scoring:
    """The payout curve, its cap, and how a KPI without a value counts."""

    threshold: float = 0.8
    payout_at_threshold: float = 0.5
    cap: float = 1.2
    not_assessable: str = "reweight"

    def payout(self, attainment: float) -> float:
        """0 below the threshold, then linearly to 1 at full attainment, then the attainment up to the cap.

        Examples
        --------
        >>> [round(Scoring().payout(a), 3) for a in (0.79, 0.8, 0.9, 1.0, 1.1, 1.3)]
        [0.0, 0.5, 0.75, 1.0, 1.1, 1.2]
        """
        # the attainment of a fact at the threshold may be a rounding error below it
        if attainment < self.threshold - 1e-9:
            return 0.0
        if attainment >= 1.0 or self.threshold == 1.0:
            return min(max(attainment, 1.0), self.cap)
        share = max(0.0, attainment - self.threshold) / (1.0 - self.threshold)
        return self.payout_at_threshold + (1.0 - self.payout_at_threshold) * share

    def total(self, payouts: Iterable[tuple[float, float | None]]) -> float | None:
        """Σ weight·payout / Σ weight over ``(weight, payout)``; payout None is not assessable.

        Returns
        -------
        float or None
            None where nothing is assessable, and under ``hold`` where anything is not.

        Examples
        --------
        >>> Scoring().total([(10, 1.0), (30, None)])
        1.0
        >>> Scoring(not_assessable="zero").total([(10, 1.0), (30, None)])
        0.25
        >>> Scoring(not_assessable="hold").total([(10, 1.0), (30, None)]) is None
        True
        """
        pairs = list(payouts)
        assessed = [(weight, payout) for weight, payout in pairs if payout is not None]
        if not assessed or (self.not_assessable == "hold" and len(assessed) < len(pairs)):
            return None
        counted = pairs if self.not_assessable == "zero" else assessed
        # exact: the sum of very unequal weights would lose the small ones
        weights = sum((Fraction(weight) for weight, _ in counted), Fraction())
        paid = sum((Fraction(weight) * Fraction(payout) for weight, payout in assessed), Fraction())
        return float(paid / weights)


def _times(amount: float, factor: Fraction) -> float:
    """Multiply before dividing, so that whole targets stay whole: 365 × 31 / 365 is 31."""
    return amount * factor.numerator / factor.denominator


def _overlap(first: Period, second: Period) -> int:
    """Number of common days of two periods."""
    return max(0, (min(first.end, second.end) - max(first.start, second.start)).days)


def share_of(per: Grain, period: Period) -> Fraction:
    """The length of a period in periods of a grain, day by day.

    Examples
    --------
    >>> share_of(Grain.YEAR, Period.parse("2025-10")), share_of(Grain.MONTH, Period.parse("2025-Q4"))
    (Fraction(31, 365), Fraction(3, 1))
    """
    return sum((Fraction(_overlap(part, period), part.days) for part in period.parts(per)), Fraction(0))


def _sum(targets: Iterable[Target]) -> Target:
    parts = list(targets)
    first = parts[0]
    if isinstance(first.value, tuple):
        low, high = zip(*(part.value for part in parts if isinstance(part.value, tuple)), strict=True)
        return replace(first, value=(sum(low), sum(high)))
    total = sum(part.value for part in parts if isinstance(part.value, float))
    return replace(first, value=total, base=sum(part.base or 0.0 for part in parts))
