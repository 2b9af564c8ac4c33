"""Where a series is heading: a slope judged in noise that remembers, a turn, or a new level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from kpi_kit.statistics import calibration
from kpi_kit.statistics.breaks import find_break
from kpi_kit.statistics.calibration import SEASONAL_FROM
from kpi_kit.statistics.noise import Floats, Ints, capped, two_sided
from kpi_kit.statistics.roots import root
from kpi_kit.statistics.season import YEAR, design, fitted_to

FEWEST = 6
"""Under so many values there is no verdict."""

ENOUGH = 12
"""Under so many values the evidence is weak."""

ALPHA = 0.05

_CAUTION = 10.0
"""Divided by the number of values: how much too cautious the table of a short series is, measured."""


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
        How likely chance alone gives such a slope.
    verdict : str or None
        ``rising``, ``falling``, ``no_clear_trend``; ``maybe_season_rising`` and ``maybe_season_falling``
        where a yearly pattern of a usual size might look the same; ``turned_down`` (it rose, and falls
        since), ``turned_up``, ``level_up`` and ``level_down`` (a new level since), with ``since``; with 6 to
        11 values ``weak_rising`` and ``weak_falling``; None where there is no verdict.
    seasonal : bool
        Whether a yearly pattern was separated first.
    method : str
        ``slope`` or, for a level, ``mean_gain``.
    reason : str or None
        ``no_data``, ``few_points`` (no verdict), ``all_equal`` and, of a
        level, ``no_noise`` (a verdict without a test).
    line : Line or None
        For the figure; None where there is no interval of the slope.
    since : int or None
        The position of the first value after a turn, or of a new level.
    p_break : float or None
        How likely chance alone makes a series look as if it had turned or moved to a new level, where it is
        said to have.
    p_season : float or None
        How likely chance and a yearly pattern together give such a slope, where none was separated.
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
    since: int | None = None
    p_break: float | None = None
    p_season: float | None = None


def trend(values: npt.ArrayLike, *, level: bool = False, season: bool = True, year: float = YEAR) -> Trend:
    """Judge whether consecutive weekly values rise or fall.

    The question for a *flow* or rate is whether a line through the values has a slope; for a *level*
    whether its mean weekly gain differs from 0, because a level that only wanders looks like a trend.
    Both are judged under every kind of noise that the series may have, see
    :mod:`kpi_kit.statistics.noise`, and by simulated tables, see :mod:`kpi_kit.statistics.calibration`.
    Values far off are drawn in first.

    Parameters
    ----------
    values : array-like of float
        Consecutive weeks (or months), NaN where there is none.
    level : bool
        Whether the values are the state of something that accumulates.
    season : bool
        Whether a yearly pattern is to be thought of: separated from 78 values on, with fewer held
        against the verdict.
    year : float
        Positions in a year.

    Returns
    -------
    Trend

    References
    ----------
    Harville, JASA 72 (1977) 320–338 (restricted likelihood); Beran, JASA 83 (1988) 687–697 (prepivoting).

    Examples
    --------
    >>> found = trend([3.0, 4.0, 4.5, 6.0, 5.5, 7.0, 8.0, 7.5, 9.0, 10.0, 11.0, 10.5], season=False)
    >>> found.verdict, round(found.slope, 1)
    ('rising', 0.7)
    >>> trend([1.0, 2.0]).reason
    'few_points'
    >>> trend([5.0] * 20).verdict
    'no_clear_trend'
    """
    given = np.asarray(values, dtype="float64").ravel()
    found = _judged(given, level, season, year)
    return replace(found, line=_line(given, found))


def _judged(given: Floats, level: bool, season: bool, year: float) -> Trend:
    method = "mean_gain" if level else "slope"
    at = np.flatnonzero(np.isfinite(given)).astype("int64")
    n = len(at)
    if n < FEWEST:
        return Trend(n, None, None, None, None, None, None, False, method, "few_points" if n else "no_data")
    series = given[at]
    if (series == series[0]).all():
        return Trend(n, 0.0, 0.0, 0.0, None, 1.0, "no_clear_trend", False, method, "all_equal")
    whole = n >= SEASONAL_FROM and n >= 0.9 * float(np.ptp(at) + 1)
    seasonal = season and year == YEAR and whole
    if not level:
        return _of_slope(at, series, seasonal, year if season else None, "trend")
    gains = np.diff(np.where(np.isfinite(given), given, np.nan))
    where = np.flatnonzero(np.isfinite(gains)).astype("int64")
    mean = float(series[-1] - series[0]) / float(at[-1] - at[0])
    if len(where) < FEWEST - 2:
        return Trend(n, mean, None, None, None, None, None, False, method, "few_points")
    if np.ptp(gains[where]) <= 1e-12 * np.abs(gains[where]).max():
        # every week the same gain: nothing to doubt, and nothing to judge the doubt by
        verdict = _verdict(n, mean, 0.0, None)
        return Trend(n, mean, mean, mean, 0.0, 0.0, verdict, seasonal, method, "no_noise")
    found = _of_slope(where, gains[where], seasonal, year if season else None, "gain")
    since = None if found.since is None else found.since + 1
    return replace(found, n=n, since=since, verdict=_weakened(found.verdict, n))


def _weakened(verdict: str | None, n: int) -> str | None:
    return f"weak_{verdict}" if n < ENOUGH and verdict in ("rising", "falling") else verdict


def _line(values: Floats, found: Trend) -> Line | None:
    """The line of the slope through the median of what the slope leaves."""
    if found.slope is None or found.low is None or found.high is None:
        return None
    at = np.flatnonzero(np.isfinite(values))
    first, last = int(at[0]), int(at[-1])
    half = (last - first) / 2
    middle = float(np.median(values[at] - found.slope * (at - first - half)))
    slopes = (found.low, found.slope, found.high)
    start, end = (tuple(middle + way * slope * half for slope in slopes) for way in (-1, 1))
    return Line(first, last, (start[0], start[1], start[2]), middle, (end[0], end[1], end[2]))


def _verdict(n: int, slope: float, p: float, p_season: float | None) -> str:
    if p > ALPHA or slope == 0:
        return "no_clear_trend"
    way = "rising" if slope > 0 else "falling"
    if n < ENOUGH:
        return f"weak_{way}"
    return f"maybe_season_{way}" if p_season is not None and p_season > ALPHA else way


def _of_slope(at: Ints, values: Floats, seasonal: bool, year: float | None, statistic: str) -> Trend:
    """The verdict on a slope, or on the mean of gains."""
    first = int(at[0])
    at = at - first
    columns = design(at, statistic, seasonal=seasonal)
    series = capped(values, columns)
    n = len(values)
    term = 1 if statistic == "trend" else 0
    unit = float(np.ptp(at)) if statistic == "trend" else 1.0
    estimates, errors, kinds, memory = _fit(at.tobytes(), statistic, seasonal, None, series, term)
    free = n - columns.shape[1]
    p = calibrated(statistic, n, seasonal, kinds, _mixture_p(estimates, errors, kinds, free))
    slope = float(kinds @ estimates)
    low, high = _interval(statistic, n, seasonal, kinds, estimates, errors, free)
    p_season = None
    if year is not None and not seasonal and p <= ALPHA:
        others = _fit(at.tobytes(), statistic, False, year, series, term)
        p_season = calibrated(statistic, n, False, others[2], _mixture_p(*others[:3], free))
    method = "slope" if statistic == "trend" else "mean_gain"
    broken = find_break(at, series, statistic) if seasonal else None
    return Trend(
        n,
        slope / unit,
        low / unit,
        high / unit,
        float(kinds @ memory),
        p,
        _verdict(n, slope, p, p_season) if broken is None else broken.kind,
        seasonal,
        method,
        since=None if broken is None else first + broken.place,
        p_break=None if broken is None else broken.p,
        p_season=p_season,
    )


def _fit(
    positions: bytes, statistic: str, seasonal: bool, year: float | None, series: Floats, term: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """A coefficient and its standard error under each kind of noise, how likely that is, and its memory."""
    fitted = fitted_to(positions, statistic, seasonal, year)
    scale = float(np.mean((series - series.mean()) ** 2))
    squares = np.maximum(fitted.squares(series[:, None])[:, 0], 1e-18 * scale * len(series))
    kinds = fitted.kinds(squares[:, None])[:, 0]
    errors = np.sqrt(squares / fitted.free * fitted.spread[:, term, term])
    return fitted.weights[:, term] @ series, errors, kinds, fitted.next_to_each_other


def _mixture_p(estimates: Floats, errors: Floats, kinds: Floats, free: int) -> float:
    return float(kinds @ (two_sided(estimates / errors, free)))


def calibrated(statistic: str, n: int, seasonal: bool, kinds: Floats, p: float) -> float:
    """The chance of so small a p of the mixture, by the simulated tables."""
    chance = float(kinds @ calibration.chance_of_p(statistic, n, seasonal, p))
    return min(1.0, chance / (1.0 + _CAUTION / n))


def _interval(
    statistic: str, n: int, seasonal: bool, kinds: Floats, estimates: Floats, errors: Floats, free: int
) -> tuple[float, float]:
    """All values of the coefficient that would not be rejected."""

    def excess(log_p: float) -> float:
        return calibrated(statistic, n, seasonal, kinds, float(np.exp(log_p))) - ALPHA

    critical = float(np.exp(root(excess, np.log(calibration.LEVELS[0]), 0.0, 1e-6)))
    centre = float(kinds @ estimates)
    reach = float(np.abs(estimates - centre).max() + errors.max() * -special.stdtrit(free, 1e-10))

    def open_by(value: float) -> float:
        return _mixture_p(estimates - value, errors, kinds, free) - critical

    precise = 1e-9 * max(reach, 1e-300)
    return root(open_by, centre - reach, centre, precise), root(open_by, centre, centre + reach, precise)


def mixture_p(statistic: str, length: int, seasonal: bool) -> Callable[[Floats], Floats]:
    """The p of the mixture for whole series of a length in columns, for the simulated tables."""
    at = np.arange(length, dtype="int64")
    fitted = fitted_to(at.tobytes(), statistic, seasonal, None)
    term = 1 if statistic == "trend" else 0

    def judge(series: Floats) -> Floats:
        squares = fitted.squares(series)
        errors = np.sqrt(squares / fitted.free * fitted.spread[:, term, term][:, None])
        tails = two_sided(fitted.weights[:, term] @ series / errors, fitted.free)
        return np.asarray((fitted.kinds(squares) * tails).sum(axis=0))

    return judge
