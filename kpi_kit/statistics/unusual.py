"""Days far outside a daily count's own pattern: its weekday and where it was heading around that day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from kpi_kit.statistics.noise import Floats

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FEWEST = 56
"""Under so many known days (eight weeks) there is no pattern to be outside of."""

REACH = 28
"""How many days before and after a day say what was to be expected of it."""

TOO_MANY, TOO_FEW = 5e-5, 1e-4
"""The tail probabilities of the negative binomial under which a day may be unusual.

Bursts have heavier tails than the model's, lulls lighter ones: so the bounds differ.
"""

TOO_FAR = 5e-4
"""The tail probability among the days of the series itself, whose tails may be heavier, under which it is."""

_DEGREES: Floats = np.array([2.0, 3.0, 4.0, 6.0, 10.0, 20.0, 60.0])
"""Degrees of freedom of the t distributions that the days of a series are compared with."""

USUAL = 0.99
"""How many of all days lie in the range that is called usual."""

_ROUNDS = 5
_FAR, _MOST_FAR = 3.5, 0.03
"""Days so many standard deviations off take no part in the pattern, but never more than this share of all."""


@dataclass(frozen=True)
class Unusual:
    """Which days are not usual, and what would have been.

    Parameters
    ----------
    low, high : array of float
        Between which 99 of 100 such days lie; NaN but for unusual days.
    outside : array of int
        1 for a day with too many, -1 for one with too few, 0 for others.
    reason : str or None
        ``short_history`` where nothing is said.
    """

    low: Floats
    high: Floats
    outside: Ints
    reason: str | None = None


def unusual_days(counts: npt.ArrayLike) -> Unusual:
    """Tell which days are far outside the pattern of a daily count.

    A day is expected to be as those around it, a straight line through four weeks before and after without
    the day itself, times the factor of its weekday. What is left varies as a negative binomial, whose
    dispersion is the series' own, and a day is judged by its exact tail: so it also holds for counts so small
    that no standard deviation means anything. Days that are far off are left out of the pattern, again and
    again until it stands. STL of statsmodels would do for large counts, but it knows no gaps and no tails.

    Parameters
    ----------
    counts : array-like of float
        Consecutive days, NaN where a day is unknown.

    Returns
    -------
    Unusual

    Examples
    --------
    >>> days = np.tile([20, 24, 21, 19, 25, 9, 8], 16)
    >>> days[30] = 75
    >>> found = unusual_days(days)
    >>> np.flatnonzero(found.outside).tolist(), float(found.high[30]) < 75
    ([30], True)
    >>> unusual_days([3, 4, 5]).reason
    'short_history'
    """
    series = np.asarray(counts, dtype="float64").ravel()
    known = np.isfinite(series)
    nowhere = np.full(len(series), np.nan)
    if known.sum() < FEWEST:
        return Unusual(nowhere, nowhere, np.zeros(len(series), "int64"), "short_history")
    expected, spread = _pattern(np.where(known, series, 0.0), known, np.arange(len(series)) % 7)
    size = 1.0 / spread
    share = size / (size + expected)
    # the tails of the negative binomial; stats.nbinom is slow to import and to call
    many = (series > 0) & (special.betaincc(size, np.maximum(series, 1.0), share) < TOO_MANY)
    few = special.betainc(size, series + 1.0, share) < TOO_FEW
    if ((many | few) & known).any():
        deviates = (series - expected) / np.sqrt(expected + spread * expected**2)
        far = _own_tails(deviates, known) < TOO_FAR
        many, few = many & far, few & far
    outside = np.where(known & many, 1, np.where(known & few, -1, 0)).astype("int64")
    low, high = nowhere.copy(), nowhere.copy()
    shown = outside != 0
    if not shown.any():
        return Unusual(low, high, outside)
    usual = size[shown], share[shown]
    low[shown], high[shown] = _quantile((1.0 - USUAL) / 2, *usual), _quantile((1.0 + USUAL) / 2, *usual)
    return Unusual(low, high, outside)


def _quantile(level: float, size: Floats, share: Floats) -> Floats:
    """The smallest counts that negative binomial ones do not exceed with this probability."""
    count = np.ceil(special.nbdtrik(level, size, share))
    less = np.maximum(count - 1, 0.0)  # the inverse may end a rounding error above a whole number
    return np.asarray(np.where(special.betainc(size, less + 1.0, share) >= level, less, count))


def _own_tails(deviates: Floats, known: Bools) -> Floats:
    """How likely days so far off are among those of the series: the tails of t distributions fitted to them.

    Each distribution counts as much as the days make it likely. The farthest takes no part in the fits.

    Parameters
    ----------
    deviates : array of float
        The days less what was expected of them, in standard deviations.
    known : array of bool
    """
    usual = np.sort(np.abs(deviates[known]))[:-1]
    likelihoods, scales = np.array([_fitted_t(usual, free) for free in _DEGREES.tolist()]).T
    weights = np.exp(likelihoods - likelihoods.max())
    tails = special.stdtr(_DEGREES[:, None], -np.abs(deviates) / scales[:, None])
    return np.asarray((weights / weights.sum()) @ tails)


def _fitted_t(deviates: Floats, free: float) -> tuple[float, float]:
    """The log-likelihood of the best scale of a t distribution about 0, and that scale."""
    squares = deviates**2
    variance = max(float(np.median(squares)) / 0.455, 1e-12)
    for _ in range(20):
        variance = max(float(np.mean((free + 1) * squares / (free + squares / variance))), 1e-12)
    scale = float(np.sqrt(variance))
    height = special.gammaln((free + 1) / 2) - special.gammaln(free / 2) - np.log(free * np.pi * scale**2) / 2
    return float(len(deviates) * height - (free + 1) / 2 * np.log1p(squares / (free * scale**2)).sum()), scale


def _pattern(series: Floats, known: Bools, day: Ints) -> tuple[Floats, Floats]:
    """What is expected of each day, and the relative variance around that, with what is unsure of it."""
    counted, used = known, _without_peaks(series, known)
    factor = np.ones(7)
    for turn in range(_ROUNDS):
        level, weight = _level(used, counted, factor[day])
        factor, by_day = _factors(used, counted, level, day)
        expected = level * factor[day]
        spread = _dispersion(used, counted, expected)
        used = series
        if turn < _ROUNDS - 1:
            counted = known & ~_far(series, known, expected, spread)
    unsure = 1.0 / (weight + 0.5) + 1.0 / (by_day[day] + 0.5)
    return expected, np.maximum(spread * (1.0 + 4.0 / REACH) + unsure, 1e-9)


def _without_peaks(series: Floats, known: Bools) -> Floats:
    """A first look that no single day can spoil."""
    shown = pd.Series(np.where(known, series, np.nan))
    middle = shown.rolling(2 * REACH + 1, center=True, min_periods=1).median().to_numpy()
    capped: Floats = np.minimum(series, 4.0 * np.nan_to_num(middle) + 10.0)
    return capped


def _level(series: Floats, counted: Bools, factor: Floats) -> tuple[Floats, Floats]:
    """A straight line around each day, at that day; and how many events it stands on."""
    away = np.arange(-REACH, REACH + 1) / (REACH + 1)
    kernel = (1.0 - np.abs(away) ** 3) ** 3
    kernel[REACH] = 0.0  # a day is no witness for itself
    weights, events = np.where(counted, factor, 0.0), np.where(counted, series, 0.0)

    def around(values: Floats, power: int) -> Floats:
        # convolve turns the kernel round: the sign of both odd sums, and so that of no product of them
        found: Floats = np.convolve(values, kernel * away**power, mode="full")[REACH:-REACH]
        return found

    s0, s1, s2 = (around(weights, power) for power in range(3))
    t0, t1 = around(events, 0), around(events, 1)
    mean = (t0 + 0.5) / (s0 + 0.5)
    spans = s0 * s2 - s1 * s1
    with np.errstate(divide="ignore", invalid="ignore"):
        line = np.where(spans > 1e-6 * s0 * s0, (s2 * t0 - s1 * t1) / spans, mean)
    # a line through few events may run into nonsense at the ends
    return np.clip(line, mean / 3.0, mean * 3.0), t0


def _factors(series: Floats, counted: Bools, level: Floats, day: Ints) -> tuple[Floats, Floats]:
    """The factor of each weekday, and on how many events it stands."""
    events: Floats = np.bincount(day, np.where(counted, series, 0.0), minlength=7).astype("float64")
    usual = np.bincount(day, np.where(counted, level, 0.0), minlength=7)
    factor = (events + 0.5) / (usual + 0.5)
    return factor / factor.mean(), events


def _dispersion(series: Floats, counted: Bools, expected: Floats) -> float:
    """How much more the days vary than chance alone: the α of a variance μ + αμ²."""
    over = ((series - expected) ** 2 - expected)[counted].sum()
    return max(0.0, float(over / (expected[counted] ** 2).sum()))


def _far(series: Floats, known: Bools, expected: Floats, spread: float) -> Bools:
    off = np.abs(series - expected) / np.sqrt(expected + spread * expected**2)
    bound = max(_FAR, float(np.quantile(off[known], 1.0 - _MOST_FAR)))
    found: Bools = off > bound
    return found
