"""The columns of a series' design: a mean or a line, and a yearly pattern."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kpi_kit.statistics.noise import Floats, Ints, Model, model

YEAR = 52.18
"""Weeks in a year: the period of the first harmonic."""

USUAL_SEASON = 1.5
"""The standard deviation of a harmonic's coefficients, in those of the noise: a strong yearly pattern."""


def waves(at: Ints | Floats, year: float = YEAR, pairs: int = 2) -> Floats:
    """Sines and cosines of a yearly pattern, shape (n, 2 pairs)."""
    angles = 2 * np.pi * np.outer(at, np.arange(1, pairs + 1)) / year
    return np.hstack([np.sin(angles), np.cos(angles)])


def design(at: Ints, statistic: str, *, seasonal: bool, year: float = YEAR) -> Floats:
    """A mean; for ``trend`` a line, whose slope is over all positions; and a yearly pattern.

    Parameters
    ----------
    at : array of int, shape (n,)
        Positions of the values.
    statistic : {"trend", "gain"}
    seasonal : bool
    year : float
        Positions in a year.
    """
    columns = [np.ones(len(at))]
    if statistic == "trend":
        columns.append((at - at.mean()) / max(1.0, float(np.ptp(at))))
    if seasonal:
        columns.extend(waves(at, year).T)
    return np.array(columns).T


@lru_cache(maxsize=16)
def fitted_to(positions: bytes, statistic: str, seasonal: bool, year: float | None = None) -> Model:
    """The model of series at some positions, given as the bytes of an int64 array.

    Parameters
    ----------
    positions : bytes
    statistic : {"trend", "gain"}
    seasonal : bool
        Whether a yearly pattern is a part of the design.
    year : float, optional
        Positions in a year, where a yearly pattern of a usual size is a part of the noise.
    """
    at = np.frombuffer(positions, dtype="int64")
    random = None if year is None else USUAL_SEASON * waves(at, year)
    return model(at, design(at, statistic, seasonal=seasonal), random)
