"""The two sides of a change, and what an interval says about their difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kpi_kit.statistics.noise import Floats, Ints
from kpi_kit.statistics.roots import root

ALPHA = 0.05
SMALLEST_P = 1e-12
Interval = Callable[[float], tuple[float, float]]
"""The ends of an interval by its level."""


@dataclass(frozen=True)
class Side:
    """One side of a change.

    Parameters
    ----------
    values : array-like of float
        ``binary``: successes a day (or a unit); ``counts``, ``flow``: a total a day, NaN where the day is
        not covered; ``posts``: numerators; ``units``: durations; ``none``: the value, alone.
    weights : array-like of float, optional
        ``binary``: trials a day (or a unit; 1 each where left out); ``posts``: denominators of a ratio of
        sums (left out: a sum a day); ``units``: 1 where the duration is whole, 0 where it is only known to
        be longer.
    days : float, optional
        Covered days, by which a value that accrues is made comparable; the number of values where left out.
    stock : float
        What divides the sum: subscribers, taken as fixed.
    clusters : array-like of int, optional
        ``posts`` with weights and ``units``: the day of each unit, for units of one day are alike; each is
        a day of its own where left out.
    """

    values: npt.ArrayLike
    weights: npt.ArrayLike | None = None
    days: float | None = None
    stock: float = 1.0
    clusters: npt.ArrayLike | None = None


@dataclass(frozen=True)
class Change:
    """The difference of the later from the earlier period, in the unit of the value.

    Parameters
    ----------
    estimate : float or None
        Of values that accrue, what the change would be between two periods of the length and the weekdays
        of the later one.
    low, high : float or None
        The 95 % interval of the estimate; None where there is none, or no end.
    p : float or None
        The level at which the interval would just touch 0.
    raw : float or None
        The plain difference of the two values.
    method : str
        ``newcombe``, ``poisson``, ``bootstrap``, ``bootstrap_median``, ``weekly_t`` or ``difference``.
    reason : str or None
        Why there is no interval, or no end of it: ``no_data``, ``no_denominator``, ``few_units``,
        ``no_variation``, ``median_not_reached``, ``open_end``, ``short_history``, ``no_interval``.
    dispersion : float or None
        Of counts and shares, how much more they vary than chance explains.
    """

    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    raw: float | None
    method: str
    reason: str | None = None
    dispersion: float | None = None


@dataclass(frozen=True)
class Known:
    """A side whose every value is known.

    Parameters
    ----------
    at : array of int
        The positions of the values among all that were given, or the clusters.
    """

    values: Floats
    weights: Floats | None
    days: float | None
    stock: float
    at: Ints

    @property
    def total(self) -> float:
        """The sum of the values."""
        return float(self.values.sum())


def read_side(side: Side) -> Known:
    """A side without its unknown values."""
    values = np.atleast_1d(np.asarray(side.values, dtype="float64")).ravel()
    weights = None if side.weights is None else np.atleast_1d(np.asarray(side.weights, "float64")).ravel()
    known = np.isfinite(values) if weights is None else np.isfinite(values) & np.isfinite(weights)
    at = np.arange(len(values)) if side.clusters is None else np.asarray(side.clusters, dtype="int64").ravel()
    kept = None if weights is None else weights[known]
    return Known(values[known], kept, side.days, float(side.stock), at[known])


def without(method: str, estimate: float | None, raw: float | None, reason: str) -> Change:
    """A change without an interval."""
    return Change(estimate, None, None, None, raw, method, reason)


def inverted(interval: Interval, estimate: float) -> float:
    """The level at which an interval, which grows as the level falls, just touches 0."""
    if estimate == 0:
        return 1.0

    def near(log_level: float) -> float:
        low, high = interval(float(np.exp(log_level)))
        return low if estimate > 0 else -high

    least, most = float(np.log(SMALLEST_P)), float(np.log(1 - 1e-9))
    if near(least) >= 0:
        return SMALLEST_P
    if near(most) <= 0:
        return 1.0
    return float(np.exp(root(near, least, most, 1e-6)))


def judged(method: str, interval: Interval, estimate: float, raw: float, **more: float) -> Change:
    """A change with its interval, and the p that inverts it."""
    low, high = interval(ALPHA)
    return Change(estimate, low, high, inverted(interval, estimate), raw, method, None, **more)
