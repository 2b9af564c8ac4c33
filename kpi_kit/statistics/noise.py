"""Noise that remembers: how likely each kind of noise is for a series, and what an effect is worth in it.

Weekly figures of social media resemble the week before, wander slowly, or do both at once. No short
series says which of these it does. So an effect is judged under every kind of noise in :data:`KINDS`,
and each kind counts as much as the series makes it likely (restricted likelihood with a flat prior on
the coefficients of the design).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special
from scipy.linalg import lapack

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """One kind of noise of variance 1.

    Parameters
    ----------
    name : str
        ``ar`` (autoregressive), ``long`` (long memory), ``mixed`` (autoregressive and white) or ``walk``
        (a random walk as far as a series of a few years can tell).
    memory : float
        The autocorrelation from one value to the next, or the order d of long memory.
    share : float
        The share of the variance that remembers; the rest is white.
    prior : float
        How likely the kind is before the series is looked at, up to a common factor.
    """

    name: str
    memory: float
    share: float = 1.0
    prior: float = 1.0

    def autocorrelation(self, lags: npt.ArrayLike) -> Floats:
        """The autocorrelation at some lags.

        Examples
        --------
        >>> Kind("mixed", 0.5, share=0.4).autocorrelation([0, 1, 2]).tolist()
        [1.0, 0.2, 0.1]
        """
        lags = np.asarray(lags, dtype="float64")
        if self.name == "long":
            d = self.memory
            scale = special.gammaln(1 - d) - special.gammaln(d)
            return np.asarray(np.exp(scale + special.gammaln(lags + d) - special.gammaln(lags + 1 - d)))
        return np.where(lags == 0, 1.0, self.share * self.memory**lags)


KINDS: Sequence[Kind] = (
    *(Kind("ar", tenth / 10) for tenth in range(10)),
    *(Kind("long", d) for d in (0.15, 0.3, 0.4)),
    *(
        Kind("mixed", memory, share, prior=0.5)
        for memory, share in ((0.8, 0.5), (0.9, 0.3), (0.9, 0.5), (0.9, 0.7), (0.95, 0.5), (0.99, 0.8))
    ),
    Kind("walk", 0.9995),
)
"""The kinds of noise that series are judged by."""

_LOG_PRIORS: Floats = np.log([kind.prior for kind in KINDS])


@dataclass(frozen=True)
class Model:
    """Generalised least squares of series at fixed positions, once for each kind of noise.

    Parameters
    ----------
    rest : array, shape (kinds, n, n)
        The quadratic form of a series that is its residual sum of squares.
    weights : array, shape (kinds, p, n)
        What turns a series into the coefficients of the design.
    spread : array, shape (kinds, p, p)
        Covariance of the coefficients where the noise has variance 1.
    log_volume : array, shape (kinds,)
        What the restricted likelihood has of the covariances.
    """

    rest: Floats
    weights: Floats
    spread: Floats
    log_volume: Floats

    @property
    def free(self) -> int:
        """Degrees of freedom of the residuals."""
        return int(self.rest.shape[1] - self.weights.shape[1])

    @cached_property
    def next_to_each_other(self) -> Floats:
        """The autocorrelation of neighbours of each kind."""
        return np.array([float(kind.autocorrelation(1.0)) for kind in KINDS])

    def squares(self, series: Floats) -> Floats:
        """Residual sums of squares of series in columns, shape (kinds, series)."""
        return np.asarray((series * (self.rest @ series)).sum(axis=1))

    def log_likelihoods(self, squares: Floats) -> Floats:
        """Restricted log-likelihoods with the priors, up to a constant, shape as ``squares``."""
        found: Floats = (self.log_volume + _LOG_PRIORS)[:, None] - 0.5 * self.free * np.log(squares)
        return found

    def kinds(self, squares: Floats) -> Floats:
        """How likely each kind of noise is, shape as ``squares``; the kinds sum to 1."""
        likely = self.log_likelihoods(squares)
        found = np.exp(likely - likely.max(axis=0))
        return np.asarray(found / found.sum(axis=0))


@lru_cache(maxsize=24)
def autocorrelations(length: int) -> Floats:
    """The autocorrelation of each kind at the lags 0 to ``length`` − 1."""
    return np.array([kind.autocorrelation(np.arange(length)) for kind in KINDS])


def covariances(at: Ints) -> Floats:
    """The covariance of noise of variance 1 at some positions, shape (kinds, n, n)."""
    apart = np.abs(at[:, None] - at)
    return autocorrelations(int(apart.max(initial=0)) + 1)[:, apart]


def model(at: Ints, design: Floats, random: Floats | None = None) -> Model:
    """Prepare generalised least squares.

    Parameters
    ----------
    at : array of int, shape (n,)
        Positions of the values.
    design : array, shape (n, p)
    random : array, shape (n, q), optional
        Columns whose coefficients are normal with variance 1, as the noise has.
    """
    if random is None:
        inverse, log_determinants = _inverses(at)
    else:
        inverse, log_determinants = _inverted(covariances(at) + random @ random.T)
    rows = design.T @ inverse
    spread = np.asarray(np.linalg.inv(rows @ design), dtype="float64")
    weights = spread @ rows
    rest: Floats = inverse - rows.transpose(0, 2, 1) @ weights
    log_volume: Floats = 0.5 * (np.linalg.slogdet(spread).logabsdet - log_determinants)
    return Model(rest, weights, spread, log_volume)


def _inverses(at: Ints) -> tuple[Floats, Floats]:
    """The inverse covariances at some positions, from those without gaps, and their log-determinants."""
    place = at - at[0]
    length = int(place[-1]) + 1
    inverse, log_determinants = _without_gaps(length)
    missing = np.setdiff1d(np.arange(length), place)
    if not len(missing):
        return inverse, log_determinants
    if len(missing) > len(place):
        return _inverted(covariances(at))
    kept = inverse[:, place]
    across, gone = kept[:, :, missing], inverse[:, missing][:, :, missing]
    inverse = kept[:, :, place] - across @ np.linalg.solve(gone, across.transpose(0, 2, 1))
    return inverse, log_determinants + np.linalg.slogdet(gone).logabsdet


@lru_cache(maxsize=16)
def _without_gaps(length: int) -> tuple[Floats, Floats]:
    return _inverted(covariances(np.arange(length, dtype="int64")))


def _inverted(covariance: Floats) -> tuple[Floats, Floats]:
    """The inverses of positive definite matrices, and the logarithms of their determinants."""
    inverse, log_determinants = np.empty_like(covariance), np.empty(len(covariance))
    for kind, matrix in enumerate(covariance):
        root, _ = lapack.dpotrf(matrix, lower=1)
        log_determinants[kind] = 2 * np.log(np.diagonal(root)).sum()
        half = np.tril(lapack.dpotri(root, lower=1)[0])
        inverse[kind] = half + np.tril(half, -1).T
    return inverse, log_determinants


def two_sided(deviates: Floats, free: float) -> Floats:
    """The two tails of the t distribution beyond some deviates."""
    return np.asarray(2 * special.stdtr(free, -np.abs(deviates)))


def capped(series: Floats, design: Floats, reach: float = 3.0) -> Floats:
    """A series whose far values are drawn in to so many robust standard deviations from its fit.

    Examples
    --------
    >>> line = np.arange(20.0)
    >>> line[7] += 1000 + 0.5
    >>> design = np.vstack([np.ones(20), np.arange(20.0)]).T
    >>> bool(abs(capped(line + np.tile([0.5, -0.5], 10), design)[7] - 7) < 6)
    True
    """
    values = series
    inverse = np.linalg.pinv(design)
    for _ in range(6):
        fit = design @ (inverse @ values)
        left = series - fit
        now = values - fit
        scale = max(1.4826 * float(np.median(np.abs(now))), 0.5 * float(now.std()))
        values = fit + np.clip(left, -reach * scale, reach * scale)
    return values
