"""Where a series is heading: Theil–Sen slope and a calibrated Mann–Kendall test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

from kpi_kit.statistics.calibration import RHOS, SEASONAL_FROM, Floats, Null, Tail, lag_one, null, season_of

FEWEST = 6
"""Under so many values there is no verdict."""

ENOUGH = 12
"""Under so many values the evidence is weak."""

ROUNDED_FROM = 20
"""From so many values ρ is rounded up to the grid; measured, with fewer that costs more power than alarms."""

ALPHA = 0.05


@dataclass(frozen=True)
class Line:
    """The line of a trend through the series, and those of the interval of its slope.

    Parameters
    ----------
    first, last : int
        The positions of the first and the last known value.
    start, end : tuple of float
        There: the line of the lower slope, of the slope, and of the upper slope. All three meet half-way.
    middle : float
        Where they meet.
    """

    first: int
    last: int
    start: tuple[float, float, float]
    middle: float
    end: tuple[float, float, float]


@dataclass(frozen=True)
class Trend:
    """The verdict on a series.

    Parameters
    ----------
    n : int
        How many values are known.
    slope, low, high : float or None
        The change a week, and its 95 % interval, which leaves 0 out where ``p`` is under 0.05.
    rho : float or None
        The lag-1 autocorrelation of the noise that the verdict allows for.
    p : float or None
    verdict : str or None
        ``rising``, ``falling``, ``no_clear_trend``; with 6 to 11 values ``weak_rising`` and
        ``weak_falling``; None where there is no verdict.
    seasonal : bool
        Whether a yearly pattern was separated first.
    method : str
        ``mann_kendall`` or, for a level, ``mean_gain``.
    reason : str or None
        ``no_data``, ``few_points`` (no verdict), ``all_equal`` and, of a
        level, ``no_noise`` (a verdict without a test).
    line : Line or None
        For the figure; None where there is no interval of the slope.
    """

    n: int
    slope: float | None
    low: float | None
    high: float | None
    rho: float | None
    p: float | None
    verdict: str | None
    seasonal: bool
    method: str
    reason: str | None = None
    line: Line | None = None


def trend(values: npt.ArrayLike, *, level: bool = False, season: bool = True) -> Trend:
    """Judge whether consecutive weekly values rise or fall.

    The question for a *flow* or rate is whether later values tend to be larger (Mann–Kendall's S,
    corrected for ties); for a *level* whether its mean weekly gain differs from 0, because a level
    that only wanders looks like a trend to every test of trends. Both are judged against null
    distributions simulated for autocorrelated noise, see :mod:`kpi_kit.statistics.calibration`.

    Parameters
    ----------
    values : array-like of float
        Consecutive weeks (or months), NaN where there is none.
    level : bool
        Whether the values are the state of something that accumulates.
    season : bool
        Whether a yearly pattern of 52.18 positions is to be separated where there are 104 or more;
        False for other grains.

    Returns
    -------
    Trend

    References
    ----------
    Mann, Econometrica 13 (1945); Kendall, "Rank Correlation Methods" (1948); Sen, JASA 63 (1968).

    Examples
    --------
    >>> found = trend([3.0, 4.0, 4.5, 6.0, 5.5, 7.0, 8.0, 7.5, 9.0, 10.0, 11.0, 10.5])
    >>> found.verdict, round(found.slope, 2), found.rho
    ('rising', 0.75, 0.0)
    >>> trend([1.0, 2.0]).reason
    'few_points'
    >>> trend([5.0] * 20).verdict
    'no_clear_trend'
    """
    given = np.asarray(values, dtype="float64").ravel()
    found = _judged(_spanned(given), level, season)
    return replace(found, line=_line(given, found))


def _judged(series: Floats, level: bool, season: bool) -> Trend:
    n = int(np.isfinite(series).sum())
    method = "mean_gain" if level else "mann_kendall"
    seasonal = season and len(series) >= SEASONAL_FROM and n >= 0.9 * len(series)
    if n < FEWEST:
        return Trend(n, None, None, None, None, None, None, False, method, "few_points" if n else "no_data")
    known = series[np.isfinite(series)]
    if (known == known[0]).all():
        return Trend(n, 0.0, 0.0, 0.0, None, 1.0, "no_clear_trend", False, method, "all_equal")
    return _drift(series, n, seasonal) if level else _monotone(series, n, seasonal)


def _line(values: Floats, found: Trend) -> Line | None:
    """The Theil–Sen line: its slope through the median of what the slope leaves."""
    if found.slope is None or found.low is None or found.high is None:
        return None
    at = np.flatnonzero(np.isfinite(values))
    first, last = int(at[0]), int(at[-1])
    half = (last - first) / 2
    middle = float(np.median(values[at] - found.slope * (at - first - half)))
    slopes = (found.low, found.slope, found.high)
    start, end = (tuple(middle + way * slope * half for slope in slopes) for way in (-1, 1))
    return Line(first, last, (start[0], start[1], start[2]), middle, (end[0], end[1], end[2]))


def _spanned(series: Floats) -> Floats:
    """From the first to the last known value."""
    known = np.flatnonzero(np.isfinite(series))
    if len(known) == 0:
        return series[:0]
    return np.where(np.isfinite(series), series, np.nan)[known[0] : known[-1] + 1]


def _verdict(n: int, slope: float, p: float) -> str:
    if p > ALPHA or slope == 0:
        return "no_clear_trend"
    return ("weak_" if n < ENOUGH else "") + ("rising" if slope > 0 else "falling")


def _monotone(series: Floats, n: int, seasonal: bool) -> Trend:
    weeks = np.flatnonzero(np.isfinite(series)).astype(float)
    known = series[np.isfinite(series)]
    if seasonal:
        known = known - season_of(weeks, "trend") @ known
    score = kendall_score(known)
    spread, untied = _score_spread(known), _score_spread(np.arange(n, dtype=float))
    # ties make |S| smaller and less variable; scaled up it compares with the table of untied series
    table = null("trend", len(series) if seasonal else n, seasonal)
    full = _score_spread(np.arange(len(series), dtype=float)) if seasonal else untied
    later, earlier = _pairs(n)
    slope = float(np.median((known[later] - known[earlier]) / (weeks[later] - weeks[earlier])))
    residuals = np.full(len(series), np.nan)
    residuals[weeks.astype(int)] = known - slope * weeks
    rho, tail = _noise(table, residuals)
    p = min(1.0, tail.p(abs(score) * full / spread))
    low, high = _sen_interval(known, weeks, tail.critical(ALPHA) / full)
    # the median of the pairs may be 0 in a lumpy series whose later values are larger all the same
    verdict = _verdict(n, slope or float(score), p)
    return Trend(n, slope, low, high, rho, p, verdict, seasonal, "mann_kendall")


def _noise(table: Null, residuals: Floats) -> tuple[float, Tail]:
    """The autocorrelation to allow for, and the null distribution that does."""
    r1, n = float(lag_one(residuals)), int(np.isfinite(residuals).sum())
    rho = table.rho(r1)
    if n < ROUNDED_FROM:
        return rho, table.tail(rho)
    rounded = float(RHOS[int(np.searchsorted(RHOS, rho - 1e-9))])
    return rounded, table.cautious_tail(rounded, r1, n)


def kendall_score(values: Floats) -> int:
    """Mann–Kendall's S: pairs that rise less pairs that fall.

    Examples
    --------
    >>> kendall_score(np.array([1.0, 2.0, 2.0, 0.0]))
    -1
    """
    later, earlier = _pairs(len(values))
    return int(np.sign(values[later] - values[earlier]).sum())


@lru_cache(maxsize=16)
def _pairs(length: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.tril_indices(length, -1)


def _score_spread(values: Floats) -> float:
    """Standard deviation of S for independent values with the same ties."""
    n = len(values)
    ties = np.unique(values, return_counts=True)[1].astype(float)
    return float(np.sqrt((n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18))


def _sen_interval(values: Floats, weeks: Floats, sigmas: float) -> tuple[float, float]:
    """Sen's interval of the slope, at the calibrated critical value instead of the normal one."""
    # theilslopes takes a level of confidence; this one gives so many standard deviations of S
    tail = max(2 * float(stats.norm.sf(sigmas)), 1e-300)
    found = stats.theilslopes(values, weeks, alpha=tail)
    return float(found.low_slope), float(found.high_slope)


def _drift(series: Floats, n: int, seasonal: bool) -> Trend:
    gains = np.diff(series)
    known = gains[np.isfinite(gains)]
    mean = float(series[-1] - series[0]) / len(gains)
    if len(known) < FEWEST - 2:
        return Trend(n, mean, None, None, None, None, None, False, "mean_gain", "few_points")
    if seasonal:
        where = np.flatnonzero(np.isfinite(gains))
        gains[where] = known = known - season_of(where.astype(float), "drift") @ known
        mean = float(known.mean())
    table = null("drift", len(gains) if seasonal else len(known), seasonal)
    spread = float(np.sqrt(np.mean((known - known.mean()) ** 2)))
    if spread <= 1e-12 * np.abs(known).max():
        # every week the same gain: nothing to doubt, and nothing to judge the doubt by
        return Trend(n, mean, mean, mean, 0.0, 0.0, _verdict(n, mean, 0.0), seasonal, "mean_gain", "no_noise")
    error = spread / float(np.sqrt(len(known) - 1 - (4 if seasonal else 0)))
    rho, tail = _noise(table, gains)
    p = min(1.0, tail.p(abs(mean) / error))
    reach = tail.critical(ALPHA) * error
    return Trend(n, mean, mean - reach, mean + reach, rho, p, _verdict(n, mean, p), seasonal, "mean_gain")
