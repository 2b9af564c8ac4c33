"""Chance to hit a target, by simulation from the own history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kpi_kit.statistics.noise import Floats
from kpi_kit.statistics.season import waves

FEWEST = 4
"""Under so many known periods there is no forecast."""

SIMULATIONS = 4_000
_BAND = (0.1, 0.9)

RHOS: Floats = np.arange(10) / 10
"""The grid of lag-1 autocorrelations."""

SLOPES: Floats = np.array([0.03, 0.3, 0.6])
"""How large a slope may be, in standard deviations of the noise a period; each is as likely."""

SEASONS: Floats = np.array([0.01, 1.5])
"""How large the coefficients of a yearly pattern may be, in those; each is as likely."""

_FEWEST_PAIRS = 6
"""Under so many past periods there is no telling how they went on from the same day."""


@dataclass(frozen=True)
class Goal:
    """What is asked: a value from ``low`` to ``high``; None is no bound."""

    low: float | None = None
    high: float | None = None

    def met(self, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Which values attain it; a rounding error does not miss."""
        low = -np.inf if self.low is None else self.low - 1e-9 * abs(self.low)
        high = np.inf if self.high is None else self.high + 1e-9 * abs(self.high)
        values = np.asarray(values, dtype="float64")
        return np.asarray((values >= low) & (values <= high))

    def moved(self, by: float) -> Goal:
        """The same target for values that are all larger by a number."""
        low, high = (None if end is None else end + by for end in (self.low, self.high))
        return Goal(low, high)


@dataclass(frozen=True)
class Begun:
    """What is known of a period that is not over.

    Parameters
    ----------
    share : float
        The share of its days that are over, 0 to 1.
    value : float
        The value so far: the sum of those days, or for a ratio or level its present value.
    past : array-like of float, optional
        What each period of the history had at the same point, NaN where that is not known.
    counted, counting : float, optional
        The shares of the days so far, and of the days to come, that count in a sum: less than 1 of somebody
        who is away or holds an account for a part of the period. The history is that of all days.
    """

    share: float
    value: float
    past: npt.ArrayLike | None = None
    counted: float = 1.0
    counting: float = 1.0


@dataclass(frozen=True)
class Chance:
    """The chance to attain a target.

    Parameters
    ----------
    probability : float or None
        Never quite 0 or 1, unless the period is over.
    low, high : float or None
        The band that holds the value in four of five cases.
    expected : float or None
        The middle one.
    n : int
        How many periods of the history are known.
    reason : str or None
        ``short_history`` where there is no forecast; ``all_equal`` where the history does not vary.
    """

    probability: float | None
    low: float | None
    high: float | None
    expected: float | None
    n: int
    reason: str | None = None


def chance(
    history: npt.ArrayLike,
    goal: Goal,
    *,
    ahead: int = 1,
    level: bool = False,
    accrues: bool = False,
    lengths: npt.ArrayLike | None = None,
    length: float | None = None,
    begun: Begun | None = None,
    bounds: tuple[float | None, float | None] = (None, None),
    whole: bool = False,
    units: float | None = None,
    year: float | None = 12.0,
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> Chance:
    """Simulate from the own history how likely a target is.

    The history is taken for AR(1) noise about a line and, from two years on, a yearly wave, both drawn
    towards nothing; levels by their gains. Autocorrelation, line, wave and variance are drawn anew for each
    of the simulations, by how well they explain the history, and the noise is drawn from the history's own
    residuals, smoothed.

    Parameters
    ----------
    history : array-like of float
        Consecutive whole periods, the last one known last; NaN where there is none.
    goal : Goal
    ahead : int
        How many periods after the last of the history the target falls due.
    level : bool
        Whether the values are the state of something that accumulates.
    accrues : bool
        Whether the value is a sum that grows through its period.
    lengths : array-like of float, optional
        The days of the periods, for values that accrue; with ``length``, those of the period asked for.
    length : float, optional
    begun : Begun, optional
        What has already happened of the first period ahead.
    bounds : (float or None, float or None)
        Between which every value lies: (0, 1) for shares, (0, None) for counts.
    whole : bool
        Whether values are whole numbers.
    units : float, optional
        The number of units of which a share is one: it keeps to their multiples.
    year : float, optional
        Periods in a year; None where no yearly wave is thought of.
    simulations : int
    seed : int

    Returns
    -------
    Chance

    Examples
    --------
    >>> found = chance([50.0, 55.0, 47.0, 52.0, 49.0, 51.0, 50.0], Goal(low=45.0), bounds=(0.0, None))
    >>> found.probability > 0.8, found.low < 50 < found.high
    (True, True)
    >>> chance([5.0], Goal(low=4.0)).reason
    'short_history'
    """
    series = np.asarray(history, dtype="float64").ravel()
    series = np.where(np.isfinite(series), series, np.nan)
    scaled = accrues and lengths is not None and length is not None
    if scaled:
        series = series * (float(length or 1.0) / np.asarray(lengths, dtype="float64").ravel())
    n = int(np.isfinite(series).sum())
    if n < FEWEST or not np.isfinite(series[-FEWEST:]).any():
        return Chance(None, None, None, None, n, "short_history")
    rng = np.random.default_rng(seed)
    steps = np.diff(series) if level else series
    if np.isfinite(steps).sum() < FEWEST - 1:
        return Chance(None, None, None, None, n, "short_history")
    last = float(series[np.isfinite(series)][-1])
    if np.nanmax(steps) == np.nanmin(steps):
        flat = np.full((1, ahead), np.nanmax(steps))
        paths = Paths(flat, np.zeros_like(flat))
    else:
        paths = _futures(steps, ahead, rng, simulations, year)
    ends = _ends(paths, series, last, level, accrues, begun, rng)
    if units is not None and units > 0:
        ends = np.round(ends * units) / units
    ends = _limited(ends, bounds, whole)
    if begun is not None and accrues and bounds[0] == 0 and ahead == 1:
        ends = np.maximum(ends, begun.value)  # what has happened stays
    return _summed_up(ends, goal, n, over=begun is not None and begun.share >= 1 and ahead == 1)


@dataclass(frozen=True)
class Paths:
    """Simulated continuations, shape (simulations, periods ahead).

    Parameters
    ----------
    mean : array
        What is to be expected of each period, given the fit and the period before.
    shock : array
        What comes on top by chance.
    """

    mean: Floats
    shock: Floats

    @property
    def values(self) -> Floats:
        """The values or gains."""
        return self.mean + self.shock


def _summed_up(ends: Floats, goal: Goal, n: int, over: bool) -> Chance:
    hits, total = int(goal.met(ends).sum()), len(ends)
    if over:
        return Chance(float(hits > 0), float(ends[0]), float(ends[0]), float(ends[0]), n)
    if total == 1:  # nothing ever varied: Laplace's rule, for n periods cannot prove the next
        value = float(ends[0])
        return Chance((hits * n + 1) / (n + 2), value, value, value, n, "all_equal")
    low, middle, high = (float(q) for q in np.quantile(ends, [_BAND[0], 0.5, _BAND[1]]))
    return Chance((hits + 1) / (total + 2), low, high, middle, n)


def _ends(
    paths: Paths,
    series: Floats,
    last: float,
    level: bool,
    accrues: bool,
    begun: Begun | None,
    rng: np.random.Generator,
) -> Floats:
    """The value at the end of the last period ahead."""
    if begun is None:
        future = paths.values
        return np.asarray(last + future.sum(axis=1) if level else future[:, -1])
    rest, chosen = _rest(paths, series, last, level, accrues, begun, rng)
    so_far = begun.value if level or accrues else begun.share * begun.value
    later = paths.values[chosen, 1:]
    if level:
        return np.asarray(so_far + rest + later.sum(axis=1))
    return np.asarray(later[:, -1]) if later.shape[1] else np.asarray(so_far + begun.counting * rest)


def _rest(
    paths: Paths,
    series: Floats,
    last: float,
    level: bool,
    accrues: bool,
    begun: Begun,
    rng: np.random.Generator,
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """What the rest of a period that has begun adds, and the paths that what has happened makes likely."""
    share, left = begun.share, max(0.0, 1.0 - begun.share)
    first = paths.mean[:, 0]
    spread = float(paths.shock[:, 0].std())
    count = len(first)
    if left == 0.0 or spread == 0.0:
        return left * first + np.sqrt(left) * paths.shock[:, 0], np.arange(count)
    happened = (
        begun.value - last if level else begun.value / begun.counted if accrues else share * begun.value
    )
    off = (happened - share * first) / (spread * np.sqrt(share))
    weights = np.exp(-0.5 * (off**2 - (off**2).min()))
    chosen = rng.choice(count, count, p=weights / weights.sum())
    rest = left * first[chosen] + np.sqrt(left) * paths.shock[:, 0]
    if begun.past is not None:
        pairs = _pairs(series, np.asarray(begun.past, dtype="float64").ravel(), share, level, accrues)
        if len(pairs) >= _FEWEST_PAIRS:
            rest = _as_in_the_past(pairs, happened, left / share, count, rng)
    return rest, chosen


def _pairs(series: Floats, past: Floats, share: float, level: bool, accrues: bool) -> Floats:
    """For each past period what had happened at the same point, and what the rest added."""
    if level:
        before = np.concatenate([[np.nan], series[:-1]])
        pairs = np.stack([past - before, series - past], axis=1)
    else:
        part = 1.0 if accrues else share
        pairs = np.stack([part * past, series - part * past], axis=1)
    return np.asarray(pairs[np.isfinite(pairs).all(axis=1)])


def _as_in_the_past(
    pairs: Floats, happened: float, usual_slope: float, count: int, rng: np.random.Generator
) -> Floats:
    """Draw the rest by a line through past periods, whose slope is drawn to half of that of equal rates."""
    before, rest = pairs.T
    middle = float(before.mean())
    centred = before - middle
    slope_prior, slope_spread = 0.5 * usual_slope, 0.5 * usual_slope
    noise = max(float(np.var(rest - rest.mean())), 1e-300)
    precision = float(centred @ centred) + noise / slope_spread**2
    slope = (float(centred @ rest) + noise / slope_spread**2 * slope_prior) / precision
    left = rest - rest.mean() - slope * centred
    free = len(rest) - 2
    sigma = np.sqrt(float(left @ left) / rng.chisquare(free, count))
    reach = np.sqrt(1.0 + 1.0 / len(rest) + (happened - middle) ** 2 / precision)
    centre = float(rest.mean()) + slope * (happened - middle)
    return np.asarray(centre + sigma * reach * rng.standard_normal(count))


def _limited(values: Floats, bounds: tuple[float | None, float | None], whole: bool) -> Floats:
    least, most = bounds
    limited = np.clip(values, -np.inf if least is None else least, np.inf if most is None else most)
    return np.asarray(np.round(limited) if whole else limited)


def _futures(
    series: Floats,
    ahead: int,
    rng: np.random.Generator,
    simulations: int = SIMULATIONS,
    year: float | None = None,
) -> Paths:
    """Simulated continuations."""
    known = np.flatnonzero(np.isfinite(series))
    scale = float(np.std(series[known]))
    values, at = series[known] / scale, (known - (len(series) - 1)).astype("float64")
    seasonal = year is not None and at[-1] - at[0] >= 2 * year - 2
    later = np.arange(1.0, ahead + 1)
    columns, columns_later = (_columns(place, year if seasonal else None) for place in (at, later))
    fits = _fits(values, at, columns)
    weights = np.exp(fits.log_weights - fits.log_weights.max())
    counts = rng.multinomial(simulations, weights / weights.sum())
    paths = _continued(fits, counts, values, at, columns, columns_later, rng)
    return Paths(paths.mean * scale, paths.shock * scale)


def _columns(at: Floats, year: float | None) -> Floats:
    """A line and, for a year of so many periods, a wave; shape (2 or 4, n)."""
    line = np.stack([np.ones_like(at), at])
    return line if year is None else np.vstack([line, waves(at, year, pairs=1).T])


@dataclass(frozen=True)
class _Fits:
    """For each autocorrelation and each size of slope and wave a fit, and how well it explains the series."""

    rhos: Floats
    centres: Floats
    roots: Floats
    squares: Floats
    free: float
    log_weights: Floats


def _fits(values: Floats, at: Floats, columns: Floats) -> _Fits:
    """Generalised least squares with coefficients that are drawn to 0, as for a normal prior.

    What AR(1) noise keeps of one known value until the next, ρ to the power of the gap, is taken off.
    """
    kept = RHOS[:, None] ** np.diff(at)
    fresh = np.sqrt(1.0 - kept**2)
    design = np.vstack([columns, values])
    whitened = np.empty((len(RHOS), len(design), len(at)))
    whitened[:, :, 0] = design[:, 0]
    whitened[:, :, 1:] = (design[:, 1:] - kept[:, None] * design[:, :-1]) / fresh[:, None]
    rows, target = whitened[:, :-1], whitened[:, -1]
    penalties = _penalties(len(columns))
    products, projections = rows @ rows.transpose(0, 2, 1), rows @ target[:, :, None]
    precision = products[:, None] + penalties[None, :, :, None] * np.eye(len(columns))
    covariance = np.linalg.inv(precision)
    centres = (covariance @ projections[:, None])[..., 0]
    explained = (centres * projections[:, None, :, 0]).sum(axis=-1)
    squares = np.maximum((target**2).sum(axis=1)[:, None] - explained, 1e-12)
    free = len(values) - 1.0
    priors = 0.5 * np.log(penalties[:, 1:]).sum(axis=1)
    log_weights = (
        priors
        - np.log(fresh).sum(axis=1)[:, None]
        - 0.5 * np.linalg.slogdet(precision).logabsdet
        - 0.5 * free * np.log(squares)
    )
    size, width = squares.size, len(columns)
    return _Fits(
        np.repeat(RHOS, len(penalties)),
        centres.reshape(size, width),
        np.linalg.cholesky(covariance).reshape(size, width, width),
        squares.ravel(),
        free,
        log_weights.ravel(),
    )


def _penalties(width: int) -> Floats:
    """Precisions of the coefficients' priors, a row each: none of the level."""
    if width == 2:
        return np.array([[0.0, 1 / slope**2] for slope in SLOPES])
    return np.array([[0.0, 1 / slope**2, 1 / wave**2, 1 / wave**2] for slope in SLOPES for wave in SEASONS])


def _continued(
    fits: _Fits,
    counts: npt.NDArray[np.int64],
    values: Floats,
    at: Floats,
    columns: Floats,
    columns_later: Floats,
    rng: np.random.Generator,
) -> Paths:
    """Draw variance and coefficients of each simulation's fit, then the noise of the periods ahead.

    The simulations of one fit follow each other: what is the same for them is computed once a fit.
    """
    used = np.flatnonzero(counts)
    counts = counts[used]

    def repeated(of_fits: Floats) -> Floats:
        return np.repeat(of_fits[used], counts, axis=0)

    total, ahead = int(counts.sum()), columns_later.shape[1]
    sigma = np.sqrt(repeated(fits.squares) / rng.chisquare(fits.free, total))
    normal = rng.standard_normal((total, len(columns)))
    roots = fits.roots[used]
    bounds = np.concatenate([[0], np.cumsum(counts)])
    moved = np.concatenate(
        [normal[first:last] @ root.T for root, first, last in zip(roots, bounds, bounds[1:], strict=False)]
    )
    coefficients = repeated(fits.centres) + sigma[:, None] * moved
    noise = values[-1] - coefficients @ columns[:, -1]
    residuals = values - fits.centres[used] @ columns
    shocks = _shocks(residuals, counts, ahead, rng)
    line = coefficients @ columns_later
    rho = repeated(fits.rhos)
    means, added = np.empty((total, ahead)), np.empty((total, ahead))
    for step in range(ahead):
        kept = rho ** (1.0 - at[-1] if step == 0 else 1.0)
        means[:, step] = line[:, step] + noise * kept
        added[:, step] = sigma * np.sqrt(1 - kept**2) * shocks[:, step]
        noise = noise * kept + added[:, step]
    return Paths(means, added)


def _shocks(residuals: Floats, counts: npt.NDArray[np.int64], ahead: int, rng: np.random.Generator) -> Floats:
    """Residuals of each simulation's fit drawn again, smoothed, of mean 0 and variance 1."""
    shape = (int(counts.sum()), ahead)
    spread = residuals.std(axis=1, keepdims=True)
    centred = residuals - residuals.mean(axis=1, keepdims=True)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    which = np.repeat(np.arange(len(counts)), counts)[:, None]
    drawn = scaled[which, rng.integers(residuals.shape[1], size=shape)]
    smooth = rng.standard_normal(shape)
    mixed = (drawn + 0.5 * smooth) / np.sqrt(1.25)
    return mixed if (spread > 0).all() else np.where((spread > 0)[which[:, 0]], mixed, smooth)
