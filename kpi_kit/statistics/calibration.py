"""Null distributions of the trend verdicts: simulated once a length, tabulated, shipped or cached.

Weekly figures of social media remember the week before, and a test that takes them for independent
raises false alarms. So the null distribution of a statistic is simulated for AR(1) noise on a grid of
ρ, *through the same pipeline* as the data: season removed, and slope (or mean) removed before the
lag-1 autocorrelation r₁ is read. The median r₁ of each ρ reads the r₁ of a series back to a ρ that is
free of the pipeline's bias.

Two statistics are tabulated: ``trend``, Mann–Kendall's |S| of a series; and ``drift``, |t| of the mean
gain of a level. The tables of all lengths up to two years of weeks are shipped in
``calibration.npz``; other lengths are simulated at the first need and kept in the folder that the
environment variable ``KPI_KIT_CACHE`` names (by default ``kpi-kit`` in the user's cache folder).
``python -m kpi_kit.statistics.calibration`` makes the shipped file anew.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kpi_kit.core.files import replacing

Floats = npt.NDArray[np.float64]

YEAR = 52.18
"""Weeks in a year: the period of the first harmonic."""

SEASONAL_FROM = 104
"""Weeks from which a yearly pattern can be told from a trend."""

RHOS: Floats = np.round(np.arange(0.0, 0.951, 0.05), 2)
"""The grid of lag-1 autocorrelations."""

VERSION = 1
"""To be raised whenever a table would come out different, so that no old one is read from a cache."""

_SHIPPED = Path(__file__).with_name("calibration.npz")
_SHORTEST = 4
_SERIES = 40_000
_SERIES_R1 = 4_000
_CHUNK = 500
_POINTS = 72
_SCALE = 4_000.0  # −log10 p as a 16-bit integer: steps of 0.06 %, and room for p = 4e-17


@dataclass(frozen=True)
class Tail:
    """How surprising values of a statistic are.

    Parameters
    ----------
    at : array, shape (n_points,)
        Ascending values of the statistic.
    surprise : array, shape (n_points,)
        −log10 of the probability that chance alone gives at least ``at``.
    """

    at: Floats
    surprise: Floats

    def p(self, statistic: float) -> float:
        """The probability of a statistic at least so large by chance alone."""
        return float(10 ** -np.interp(statistic, self.at, self.surprise))

    def critical(self, p: float) -> float:
        """The statistic that chance reaches with a probability."""
        # where the tail is flat (nothing was simulated beyond) its first point is the critical one
        first = np.concatenate([[True], np.diff(self.surprise) > 0])
        return float(np.interp(-np.log10(p), self.surprise[first], self.at[first]))


@dataclass(frozen=True)
class Null:
    """The null distribution of one statistic for one length of series.

    Parameters
    ----------
    r1 : array, shape (n_rhos,)
        The median lag-1 autocorrelation of the pipeline's residuals for each ρ of the grid.
    at : array, shape (n_points,)
        Ascending values of the statistic.
    surprise : array, shape (n_rhos, n_points)
        −log10 of the probability that the statistic is at least ``at``.
    """

    r1: Floats
    at: Floats
    surprise: Floats

    def rho(self, r1: float) -> float:
        """Read a lag-1 autocorrelation back to the ρ whose median it is."""
        return float(np.interp(r1, self.r1, RHOS))

    def tail(self, rho: float) -> Tail:
        """The tail of a ρ, between those of its neighbours on the grid."""
        place = float(np.interp(rho, RHOS, np.arange(len(RHOS))))
        below = min(int(place), len(RHOS) - 2)
        step = self.surprise[below + 1] - self.surprise[below]
        return Tail(self.at, self.surprise[below] + (place - below) * step)

    def cautious_tail(self, rho: float, r1: float, n: int) -> Tail:
        """The tail of a ρ, and nowhere thinner than that of all ρ from which ``r1`` may have come.

        Far out a tail of one ρ is too thin: there most false alarms are of series whose r₁ came out
        low by chance, and false discoveries among many KPIs are made there. Each ρ weighs as its normal
        sampling distribution of r₁ from ``n`` values: Bartlett's variance (1946), (1 − ρ²) / n, twice. Once
        is not enough: measured with 60 trends of ρ = 0.6 in a report, n = 52.
        """
        spread = np.sqrt(2 * (1 - RHOS**2) / n)
        weights = np.exp(-0.5 * ((r1 - self.r1) / spread) ** 2) / spread
        if not weights.sum() > 0:  # r₁ is far below that of any ρ
            return self.tail(rho)
        blend = -np.log10((weights / weights.sum()) @ 10**-self.surprise)
        return Tail(self.at, np.minimum(self.tail(rho).surprise, blend))


def null(statistic: str, length: int, seasonal: bool = False) -> Null:
    """The null distribution of ``trend`` or ``drift`` for a length.

    Parameters
    ----------
    statistic : {"trend", "drift"}
    length : int
        Values of a trend's series, gains of a level; at least 4.
    seasonal : bool
        Whether a yearly pattern is removed first.

    Examples
    --------
    >>> table = null("trend", 12)
    >>> round(table.tail(0.0).p(34), 2), round(table.rho(0.0), 2)
    (0.02, 0.25)
    """
    name = _name(statistic, length, seasonal)
    shipped = _read_shipped()
    return shipped[name] if name in shipped else _cached(statistic, length, seasonal)


def without_season(length: int, statistic: str) -> Floats:
    """The matrix that removes a yearly pattern from series of a length, in the rows.

    Two harmonic pairs are estimated together with a slope (``trend``) or a mean (``drift``), which
    stay.
    """
    return np.eye(length) - season_of(np.arange(length, dtype=float), statistic)


def season_of(weeks: Floats, statistic: str) -> Floats:
    """The matrix that turns values at positions into their yearly pattern."""
    angles = 2 * np.pi * np.outer(weeks, [1.0, 2.0]) / YEAR
    waves = np.hstack([np.sin(angles), np.cos(angles)])
    kept = np.vstack([np.ones_like(weeks), weeks - weeks.mean()]).T[:, : 2 if statistic == "trend" else 1]
    coefficients = np.linalg.pinv(np.hstack([kept, waves]))[kept.shape[1] :]
    season: Floats = waves @ coefficients
    return season


def cache_folder() -> Path:
    """Where tables that are not shipped are kept."""
    if named := os.environ.get("KPI_KIT_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kpi-kit"


def _name(statistic: str, length: int, seasonal: bool) -> str:
    return f"{statistic}{'-seasonal' if seasonal else ''}-{length}"


@lru_cache(maxsize=1)
def _read_shipped() -> dict[str, Null]:
    with np.load(_SHIPPED) as file:
        names, r1, packed = file["names"], file["r1"], file["surprise"]
    return {
        str(name): _unpacked(str(name), medians, rows)
        for name, medians, rows in zip(names, r1, packed, strict=True)
    }


@lru_cache(maxsize=64)
def _cached(statistic: str, length: int, seasonal: bool) -> Null:
    name = _name(statistic, length, seasonal)
    path = cache_folder() / f"{name}-v{VERSION}.npz"
    try:
        with np.load(path) as file:
            return _unpacked(name, file["r1"], file["surprise"])
    except (OSError, ValueError, KeyError, EOFError):  # none yet, or half a file of another program
        pass
    r1, packed = next(simulated(statistic, [length], seasonal))
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, not the report
        _write(path, {"r1": r1, "surprise": packed})
    return _unpacked(name, r1, packed)


def _write(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write a file whole or not at all, also where several processes do at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def _unpacked(name: str, r1: npt.NDArray[np.generic], packed: npt.NDArray[np.generic]) -> Null:
    statistic, *_, length = name.split("-")
    points = _points(statistic, int(length))
    return Null(r1.astype("float64"), points, packed[:, : len(points)].astype("float64") / _SCALE)


def _points(statistic: str, length: int) -> Floats:
    """The values at which a tail is tabulated."""
    if statistic == "drift":
        return np.asarray(np.sinh(np.linspace(0.0, np.arcsinh(200.0), _POINTS)))
    most = length * (length - 1) // 2
    every = np.arange(most % 2, most + 1, 2, dtype=float)  # |S| has the parity of the number of pairs
    return np.asarray(every[np.unique(np.linspace(0, len(every) - 1, _POINTS).round().astype(int))])


def simulated(
    statistic: str, lengths: list[int], seasonal: bool = False
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]]:
    """Simulate the null distributions of some lengths, all from the same noise.

    Yields
    ------
    array of float32, shape (n_rhos,)
        The median r₁; never falling along the grid.
    array of uint16, shape (n_rhos, 72)
        −log10 of the tail probability, packed.
    """
    r1 = np.zeros((len(lengths), len(RHOS)))
    packed = np.zeros((len(lengths), len(RHOS), _POINTS), dtype="uint16")
    for column, rho in enumerate(RHOS):
        noise = _noise(float(rho), max(lengths))
        scores = _statistics(statistic, noise, lengths, seasonal)
        for row, (length, values) in enumerate(zip(lengths, scores, strict=True)):
            tail = _tail(values, _points(statistic, length))
            packed[row, column, : len(tail)] = np.round(-np.log10(tail) * _SCALE)
            packed[row, column, len(tail) :] = packed[row, column, len(tail) - 1]
            r1[row, column] = _median_r1(statistic, noise[:length, :_SERIES_R1], seasonal)
    yield from zip(np.maximum.accumulate(r1, axis=1).astype("float32"), packed, strict=True)


def _noise(rho: float, length: int) -> Floats:
    """AR(1) noise of unit variance, a column a series."""
    # a seed for each ρ; shorter series are the beginnings of longer ones, so that a table does not
    # depend on the lengths it is made together with
    noise = np.random.default_rng([VERSION, round(rho * 100)]).standard_normal((length, _SERIES))
    for week in range(1, length):
        noise[week] *= np.sqrt(1 - rho**2)
        noise[week] += rho * noise[week - 1]
    return noise


def _statistics(statistic: str, noise: Floats, lengths: list[int], seasonal: bool) -> Iterator[Floats]:
    if seasonal:
        for length in lengths:
            cleaned = without_season(length, statistic) @ noise[:length]
            free = 4 if statistic == "drift" else 0
            yield next(_prefixes(statistic, cleaned, [length], free))
        return
    yield from _prefixes(statistic, noise, lengths, 0)


def _prefixes(statistic: str, noise: Floats, lengths: list[int], fitted: int) -> Iterator[Floats]:
    """|S| or |t| of the first so many weeks, for each of ascending lengths."""
    if statistic == "drift":
        for length in lengths:
            part = noise[:length]
            spread = part.std(axis=0) * np.sqrt(length / (length - 1 - fitted))
            yield np.abs(part.mean(axis=0)) / spread * np.sqrt(length)
        return
    score = np.zeros(noise.shape[1])
    wanted = iter(lengths)
    stop = next(wanted)
    for week in range(1, lengths[-1]):
        score += 2 * (noise[week] > noise[:week]).sum(axis=0) - week
        if week + 1 == stop:
            yield np.abs(score)
            stop = next(wanted, 0)


def _tail(values: Floats, points: Floats) -> Floats:
    at_least = len(values) - np.searchsorted(np.sort(values), points - 1e-9)
    return ((at_least + 1.0) / (len(values) + 1.0)).astype("float64")


def _median_r1(statistic: str, noise: Floats, seasonal: bool) -> float:
    if seasonal:
        noise = without_season(len(noise), statistic) @ noise
    if statistic == "trend":
        weeks = np.arange(len(noise), dtype=float)[:, None]
        noise = noise - weeks * slopes(noise)
    return float(np.median(lag_one(noise.T)))


def slopes(series: Floats) -> Floats:
    """Theil–Sen slopes of many whole series, a column a series."""
    later, earlier = np.tril_indices(len(series), -1)
    runs = (later - earlier).astype(float)
    parts = np.split(series.T, range(_CHUNK, series.shape[1], _CHUNK))
    return np.concatenate(
        [
            np.median((part[:, later] - part[:, earlier]) / runs, axis=1, overwrite_input=True)
            for part in parts
        ]
    )


def lag_one(series: Floats) -> Floats:
    """Lag-1 autocorrelation along the last axis, of neighbours that both exist; 0 where nothing varies."""
    centred = series - np.nanmean(series, axis=-1, keepdims=True)
    products = centred[..., 1:] * centred[..., :-1]
    power = np.nanmean(centred**2, axis=-1)
    # the usual estimator, Σ over n − 1 neighbours ÷ Σ over n, made fit for gaps
    known = np.isfinite(series).sum(axis=-1)
    share = np.where(known > 1, (known - 1.0) / np.maximum(known, 1), 0.0)
    pairs = np.isfinite(products).sum(axis=-1)
    covariance = np.nansum(products, axis=-1) / np.maximum(pairs, 1)
    found: Floats = np.where(power > 0, share * covariance / np.where(power > 0, power, 1.0), 0.0)
    return found


def ship(path: Path = _SHIPPED) -> None:
    """Make the shipped tables: every length up to two years of weeks, and two years with a season."""
    from concurrent.futures import ProcessPoolExecutor

    lengths = list(range(_SHORTEST, SEASONAL_FROM + 1))
    jobs = [("trend", lengths[k::2], False) for k in (0, 1)]
    jobs += [("drift", lengths, False)]
    jobs += [("trend", [SEASONAL_FROM], True), ("drift", [SEASONAL_FROM - 1], True)]
    with ProcessPoolExecutor() as pool:
        tables = list(pool.map(_job, jobs))
    names = [_name(statistic, n, seasonal) for statistic, some, seasonal in jobs for n in some]
    r1 = [medians for table in tables for medians, _ in table]
    packed = [tail for table in tables for _, tail in table]
    _write(path, {"names": np.array(names), "r1": np.array(r1), "surprise": np.array(packed)})


def _job(
    job: tuple[str, list[int], bool],
) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint16]]]:
    return list(simulated(*job))


if __name__ == "__main__":
    ship(Path(sys.argv[1]) if sys.argv[1:] else _SHIPPED)
