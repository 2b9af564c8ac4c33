"""Changes of ratios over posts and of median times, by a bootstrap over days.

The units of one day are alike, so whole days are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy import special

from kpi_kit.statistics.intervals import upper_t
from kpi_kit.statistics.noise import Floats
from kpi_kit.statistics.sides import ALPHA, Change, Known, inverted, without

RESAMPLES = 2_999
FEWEST_UNITS = 5
"""Under so many days with posts or inquiries on a side a bootstrap knows too little of their spread."""

_NEVER = 1e100  # the median of a resample that does not come down to one half


def change_of_rates(now: Known, earlier: Known, seed: int) -> Change:
    """Ratios of sums over posts, by a bootstrap over days."""
    if not (len(now.values) and len(earlier.values)):
        return without("bootstrap", None, None, "no_data")
    sides = _by_day(now), _by_day(earlier)
    below = [0.0 if side.weights is None else float(side.weights.sum()) for side in sides]
    if min(below) <= 0:
        return without("bootstrap", None, None, "no_denominator")
    estimate = now.total / below[0] - earlier.total / below[1]
    if min(len(side.values) for side in sides) < FEWEST_UNITS:
        return without("bootstrap", estimate, estimate, "few_units")
    statistics = [_ratio_of(side) for side in sides]
    return _bootstrapped("bootstrap", sides, statistics, estimate, seed)


def _by_day(side: Known) -> Known:
    """The sums of each day."""
    days, day = np.unique(side.at, return_inverse=True)

    def summed(of_units: Floats) -> Floats:
        return np.bincount(day, of_units, minlength=len(days)).astype("float64")

    weights = None if side.weights is None else summed(side.weights)
    return replace(side, values=summed(side.values), weights=weights, at=days)


def _ratio_of(side: Known) -> Callable[[Floats], Floats]:
    """The ratio of resamples, each given as how often it has each day."""
    bottoms = np.ones(len(side.values)) if side.weights is None else side.weights

    def ratio(drawn: Floats) -> Floats:
        top, bottom = drawn @ side.values, drawn @ bottoms
        # a resample without a denominator says nothing: it stands at the value itself
        usual = side.total / float(bottoms.sum())
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), usual)

    return ratio


def change_of_medians(now: Known, earlier: Known, seed: int) -> Change:
    """Medians of times, by a bootstrap over days."""
    if not (len(now.values) and len(earlier.values)):
        return without("bootstrap_median", None, None, "no_data")
    sides = _sorted(now), _sorted(earlier)
    statistics = [_median_of(side) for side in sides]
    days = [len(np.unique(side.at)) for side in sides]
    medians = [float(median(np.ones((1, count)))[0]) for median, count in zip(statistics, days, strict=True)]
    if max(medians) >= _NEVER:
        return without("bootstrap_median", None, None, "median_not_reached")
    estimate = medians[0] - medians[1]
    if min(days) < FEWEST_UNITS:
        return without("bootstrap_median", estimate, estimate, "few_units")
    return _bootstrapped("bootstrap_median", sides, statistics, estimate, seed)


def _sorted(side: Known) -> Known:
    """By duration; whole durations before those of the same length that are only known to be longer."""
    whole = np.ones(len(side.values)) if side.weights is None else side.weights
    order = np.lexsort((-whole, side.values))
    return replace(side, values=side.values[order], weights=whole[order], at=side.at[order])


def _median_of(side: Known) -> Callable[[Floats], Floats]:
    """Kaplan–Meier medians of resamples of days, ``_NEVER`` where survival never comes down to one half."""
    whole = np.asarray(side.weights) == 1.0
    day = np.unique(side.at, return_inverse=True)[1]

    def medians(drawn_days: Floats) -> Floats:
        drawn = drawn_days[:, day]
        at_risk = drawn[:, ::-1].cumsum(axis=1)[:, ::-1]
        staying = np.where(at_risk > 0, (at_risk - drawn * whole) / np.maximum(at_risk, 1), 1.0)
        below = np.cumprod(staying, axis=1) <= 0.5 + 1e-12
        return np.where(below.any(axis=1), side.values[below.argmax(axis=1)], _NEVER)

    return medians


def _bootstrapped(
    method: str,
    sides: tuple[Known, Known],
    statistics: Sequence[Callable[[Floats], Floats]],
    estimate: float,
    seed: int,
) -> Change:
    """A percentile interval over resampled days."""
    rng = np.random.default_rng(seed)
    days = [len(np.unique(side.at)) for side in sides]
    first, second = (
        statistic(rng.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype("float64"))
        for statistic, count in zip(statistics, days, strict=True)
    )
    drawn = np.sort(first - second)
    if drawn[0] == drawn[-1]:
        return without(method, estimate, estimate, "no_variation")
    widen = _widening(*days, exact=method == "bootstrap")

    def interval(level: float) -> tuple[float, float]:
        tail = widen(level / 2)
        low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
        return float(low), float(high)

    low, high = interval(ALPHA)
    p = max(inverted(interval, estimate), 1 / (RESAMPLES + 1))
    low_end, high_end = (end if abs(end) < _NEVER / 2 else None for end in (low, high))
    reason = "open_end" if low_end is None or high_end is None else None
    return Change(estimate, low_end, high_end, p, estimate, method, reason)


def _widening(first: int, second: int, *, exact: bool) -> Callable[[float], float]:
    """From a tail to the percentile that has it in small samples.

    A bootstrap has no t quantile, and the spread of its sums is too small by √((n − 1) / n); that of its
    medians is too large by about as much (``exact`` is false).
    """
    fewer = min(first, second)
    free, narrow = first + second - 2, np.sqrt(fewer / (fewer - 1)) if exact else 0.97

    def tail(asked: float) -> float:
        return float(special.ndtr(-narrow * upper_t(asked, free)))

    return tail
