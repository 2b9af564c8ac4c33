"""Simulated tables by which the verdicts on trends hold: made once, shipped in ``calibration.npz``.

A mixture of kinds of noise is judged with too much caution where a series has no memory, and with too
little where it wanders. So the tail of each statistic is simulated for every kind of noise, through the
very code that judges series, at some lengths; between these it is interpolated.
``benchmarks/make_tables.py`` makes the file.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from kpi_kit.statistics.noise import Floats

SHORT_LENGTHS = (6, 8, 10, 12, 16, 20, 24, 32, 40, 52, 64, 77)
"""Lengths at which no yearly pattern is separated."""

LONG_LENGTHS = (78, 90, 104, 130, 156)
"""Lengths at which it is."""

SEASONAL_FROM = LONG_LENGTHS[0]

LEVELS: Floats = np.geomspace(1e-8, 1.0, 49)
"""The p of a mixture whose chance under each kind of noise is tabulated."""

CHANCES: Floats = np.array([1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005, 0.002])
"""The chances whose statistic is tabulated for a scan."""

TAILS = ("trend", "gain")
SCANS = ("step", "kink", "turn")

FILE = Path(__file__).with_name("calibration.npz")


def chance_of_p(statistic: str, length: int, seasonal: bool, p: float) -> Floats:
    """How often a mixture's p is at most so small by chance alone, for each kind of noise.

    Parameters
    ----------
    statistic : {"trend", "gain"}
    length : int
        Values of a trend's series, gains of a level.
    seasonal : bool
        Whether a yearly pattern is separated.
    p : float

    Returns
    -------
    array, shape (kinds,)
    """
    rows = _between(f"{statistic}-{'long' if seasonal else 'short'}", length)
    place = np.interp(np.log(max(p, LEVELS[0])), np.log(LEVELS), np.arange(len(LEVELS)))
    below = min(int(place), len(LEVELS) - 2)
    found: Floats = 10.0 ** (rows[:, below] + (place - below) * (rows[:, below + 1] - rows[:, below]))
    return found


def chance_of_scan(statistic: str, length: int, value: float) -> Floats:
    """How often a scan's statistic is at least so large by chance alone, for each kind of noise.

    Parameters
    ----------
    statistic : {"step", "kink", "turn"}
    length : int
    value : float

    Returns
    -------
    array, shape (kinds,)
    """
    rows = _between(f"{statistic}-long", length)
    return np.array([np.exp(np.interp(value, row, np.log(CHANCES))) for row in rows])


def _between(name: str, length: int) -> Floats:
    """A table between those of the two lengths around one."""
    lengths = LONG_LENGTHS if name.endswith("-long") else SHORT_LENGTHS
    table = _read()[name]
    place = float(np.interp(np.log(length), np.log(lengths), np.arange(len(lengths))))
    below = min(int(place), len(lengths) - 2)
    return np.asarray(table[below] + (place - below) * (table[below + 1] - table[below]))


@lru_cache(maxsize=1)
def _read() -> dict[str, Floats]:
    with np.load(FILE) as file:
        return {name: file[name].astype("float64") for name in file.files}
