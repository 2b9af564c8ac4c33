"""Chance to hit a target: simulation from the own history, and how well such forecasts came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kpi_kit.statistics.calibration import RHOS, Floats

FEWEST = 4
"""Under so many known periods there is no forecast."""

CHECKED_FROM = 30
"""Under so many forecasts a back-test says nothing."""

SIMULATIONS = 4_000
SIMULATIONS_OF_THE_PAST = 1_000
"""A back-test pools thirty forecasts and more: an error of 0.016 of each is 0.0003 of its Brier score."""
_BAND = (0.1, 0.9)
_SLOPE_SPREAD = 0.1  # of the noise, a period: a drift over a year is of the size of the noise


@dataclass(frozen=True)
class Goal:
    """What is asked: a value from ``low`` to ``high``; None is no bound."""

    low: float | None = None
    high: float | None = None

    def met(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Which values attain it; a rounding error does not miss."""
        low = -np.inf if self.low is None else self.low - 1e-9 * abs(self.low)
        high = np.inf if self.high is None else self.high + 1e-9 * abs(self.high)
        met: npt.NDArray[np.bool_] = (values >= low) & (values <= high)
        return met


@dataclass(frozen=True)
class Begun:
    """What is known of a period that is not over.

    Parameters
    ----------
    share : float
        The share of its days that are over, 0 to 1.
    value : float
        The value so far: the sum of those days, or for a ratio or level its present value.
    """

    share: float
    value: float


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
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> Chance:
    """Simulate from the own history how likely a target is.

    The history is taken for AR(1) noise about a line whose slope is held near 0; levels by their gains.
    Autocorrelation, line and variance are drawn anew for each of the simulations, by how well they
    explain the history, and the noise is drawn from the history's own residuals, smoothed.

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
    if np.nanmax(steps) == np.nanmin(steps):
        future = np.full((1, ahead), np.nanmax(steps))
    else:
        future = _futures(steps, ahead, rng, simulations)
    last = float(series[np.isfinite(series)][-1])
    ends = _limited(_ends(future, last, level, accrues, begun), bounds, whole)
    return _summed_up(ends, goal, n, over=begun is not None and begun.share >= 1 and ahead == 1)


def _summed_up(ends: Floats, goal: Goal, n: int, over: bool) -> Chance:
    hits, total = int(goal.met(ends).sum()), len(ends)
    if over:
        return Chance(float(hits > 0), float(ends[0]), float(ends[0]), float(ends[0]), n)
    if total == 1:  # nothing ever varied: Laplace's rule, for n periods cannot prove the next
        value = float(ends[0])
        return Chance((hits * n + 1) / (n + 2), value, value, value, n, "all_equal")
    low, middle, high = (float(q) for q in np.quantile(ends, [_BAND[0], 0.5, _BAND[1]]))
    return Chance((hits + 1) / (total + 2), low, high, middle, n)


def _ends(future: Floats, last: float, level: bool, accrues: bool, begun: Begun | None) -> Floats:
    """The value at the end of the last period ahead."""
    if begun is not None:
        # of the first period only the rest is open: its mean by the share left, its noise by the root
        left = max(0.0, 1.0 - begun.share)
        mean = future[:, :1].mean()
        rest = left * mean + np.sqrt(left) * (future[:, :1] - mean)
        so_far = begun.value if level or accrues else begun.share * begun.value
        future = np.hstack([rest if level else so_far + rest, future[:, 1:]])
        last = begun.value if level else last
    return np.asarray(last + future.sum(axis=1) if level else future[:, -1])


def _limited(values: Floats, bounds: tuple[float | None, float | None], whole: bool) -> Floats:
    least, most = bounds
    limited = np.clip(values, -np.inf if least is None else least, np.inf if most is None else most)
    return np.asarray(np.round(limited) if whole else limited)


def _futures(series: Floats, ahead: int, rng: np.random.Generator, simulations: int = SIMULATIONS) -> Floats:
    """Simulated continuations, shape (simulations, ahead)."""
    known = np.flatnonzero(np.isfinite(series))
    scale = float(np.std(series[known]))
    values, at = series[known] / scale, (known - (len(series) - 1)).astype("float64")
    fits = _fits(values, at)
    weights = np.exp(fits.log_weights - fits.log_weights.max())
    counts = rng.multinomial(simulations, weights / weights.sum())
    return _continued(fits, counts, values, at, ahead, rng) * scale


@dataclass(frozen=True)
class _Fits:
    """For each ρ of the grid a line with AR(1) noise, and how well it explains the series."""

    centres: Floats
    roots: Floats
    squares: Floats
    free: float
    log_weights: Floats


def _fits(values: Floats, at: Floats) -> _Fits:
    """Generalised least squares with a slope that is drawn to 0, as for a normal prior.

    What AR(1) noise keeps of one known value until the next, ρ to the power of the gap, is taken off.
    """
    kept = RHOS[:, None] ** np.diff(at)
    fresh = np.sqrt(1.0 - kept**2)
    design = np.stack([np.ones_like(at), at, values])
    whitened = np.empty((len(RHOS), 3, len(at)))
    whitened[:, :, 0] = design[:, 0]
    whitened[:, :, 1:] = (design[:, 1:] - kept[:, None] * design[:, :-1]) / fresh[:, None]
    rows, target = whitened[:, :2], whitened[:, 2]
    precision = rows @ rows.transpose(0, 2, 1) + np.diag([0.0, 1 / _SLOPE_SPREAD**2])
    covariance = np.linalg.inv(precision)
    centres = (covariance @ (rows @ target[:, :, None]))[:, :, 0]
    left = target - (centres[:, None] @ rows)[:, 0]
    squares = np.maximum((left**2).sum(axis=1) + centres[:, 1] ** 2 / _SLOPE_SPREAD**2, 1e-12)
    free = len(values) - 1.0
    log_weights = (
        -np.log(fresh).sum(axis=1)
        - 0.5 * np.linalg.slogdet(precision).logabsdet
        - 0.5 * free * np.log(squares)
    )
    return _Fits(centres, np.linalg.cholesky(covariance), squares, free, log_weights)


def _continued(
    fits: _Fits,
    counts: npt.NDArray[np.int64],
    values: Floats,
    at: Floats,
    ahead: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw variance and line of each simulation's fit, then the noise of the periods ahead.

    The simulations of one fit follow each other: what is the same for them is computed once a fit.
    """

    def each(of_fits: Floats) -> Floats:
        return np.repeat(of_fits, counts)

    total = int(counts.sum())
    sigma = np.sqrt(each(fits.squares) / rng.chisquare(fits.free, total))
    first, second = rng.standard_normal((total, 2)).T
    roots = fits.roots
    level = each(fits.centres[:, 0]) + sigma * (each(roots[:, 0, 0]) * first)
    slope = each(fits.centres[:, 1]) + sigma * (each(roots[:, 1, 0]) * first + each(roots[:, 1, 1]) * second)
    noise = values[-1] - (level + slope * at[-1])
    shocks = _shocks(values - fits.centres[:, :1] - fits.centres[:, 1:] * at, counts, ahead, rng)
    found = np.empty((total, ahead))
    for step in range(ahead):
        kept = RHOS ** (1.0 - at[-1] if step == 0 else 1.0)
        noise = noise * each(kept) + sigma * each(np.sqrt(1 - kept**2)) * shocks[:, step]
        found[:, step] = level + slope * (step + 1.0) + noise
    return found


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


@dataclass(frozen=True)
class Forecast:
    """One forecast of the past, and what came."""

    probability: float
    attained: bool
    inside: bool


@dataclass(frozen=True)
class Backtest:
    """How well forecasts came true.

    Parameters
    ----------
    n : int
    brier : float or None
        Mean squared error of the probabilities: 0 is best.
    base_brier : float or None
        The same of always saying the share that was attained.
    coverage80 : float or None
        The share of facts inside the 80 % band.
    verdict : str
        ``not_checked`` under 30 forecasts, ``reliable`` or ``not_reliable``.
    """

    n: int
    brier: float | None
    base_brier: float | None
    coverage80: float | None
    verdict: str


def forecasts(
    history: npt.ArrayLike,
    goal: Goal,
    *,
    level: bool = False,
    accrues: bool = False,
    lengths: npt.ArrayLike | None = None,
    bounds: tuple[float | None, float | None] = (None, None),
    whole: bool = False,
    seed: int = 0,
    fewest: int = 6,
) -> list[Forecast]:
    """Forecast every period of a history from those before it, against one target.

    Parameters
    ----------
    history : array-like of float
        Consecutive periods.
    goal : Goal
        The present target.
    fewest : int
        How many periods must come before the first forecast.
    level, accrues, lengths, bounds, whole, seed
        As in :func:`chance`.

    Returns
    -------
    list of Forecast
        To be pooled over all specialists by :func:`backtest`.

    Examples
    --------
    >>> len(forecasts([3.0, 5.0, 4.0, 6.0, 4.0, 5.0, 5.0, 4.0], Goal(low=4.0)))
    2
    """
    series = np.asarray(history, dtype="float64").ravel()
    days = None if lengths is None else np.asarray(lengths, dtype="float64").ravel()
    found = []
    for now in range(max(fewest, 1), len(series)):
        if not np.isfinite(series[now]):
            continue
        said = chance(
            series[:now],
            goal,
            level=level,
            accrues=accrues,
            lengths=None if days is None else days[:now],
            length=None if days is None else float(days[now]),
            bounds=bounds,
            whole=whole,
            simulations=SIMULATIONS_OF_THE_PAST,
            seed=seed + now,
        )
        if said.probability is not None and said.low is not None and said.high is not None:
            fact = float(series[now])
            found.append(
                Forecast(said.probability, bool(goal.met(series[now])), said.low <= fact <= said.high)
            )
    return found


def backtest(made: Sequence[Forecast]) -> Backtest:
    """Pool forecasts, and compare them with always saying the base rate.

    Examples
    --------
    >>> good = [Forecast(0.9, True, True)] * 20 + [Forecast(0.1, False, True)] * 20
    >>> found = backtest(good)
    >>> found.n, round(found.brier, 2), round(found.base_brier, 2), found.verdict
    (40, 0.01, 0.25, 'reliable')
    >>> backtest(good[:3]).verdict
    'not_checked'
    """
    n = len(made)
    if n == 0:
        return Backtest(0, None, None, None, "not_checked")
    said = np.array([forecast.probability for forecast in made])
    came = np.array([forecast.attained for forecast in made], dtype="float64")
    # a base rate of 0 or 1 is not known for sure either
    base = (came.sum() + 1) / (n + 2)
    brier, base_brier = float(((said - came) ** 2).mean()), float(((base - came) ** 2).mean())
    verdict = "not_checked" if n < CHECKED_FROM else "reliable" if brier < base_brier else "not_reliable"
    return Backtest(n, brier, base_brier, float(np.mean([forecast.inside for forecast in made])), verdict)
