"""Simulate the tables of :mod:`kpi_kit.statistics.calibration`: ``python -m benchmarks.make_tables``.

It takes a few minutes on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kpi_kit.core.files import replacing
from kpi_kit.statistics.breaks import scan_of
from kpi_kit.statistics.calibration import CHANCES, FILE, LEVELS, LONG_LENGTHS, SCANS, SHORT_LENGTHS, TAILS
from kpi_kit.statistics.noise import KINDS, Floats, autocorrelations
from kpi_kit.statistics.trend import mixture_p

_SERIES = 6_000
_SERIES_OF_SCANS = 3_000
_SEED = 19


def noise_of(kind: int, length: int, series: int, rng: np.random.Generator) -> Floats:
    """Series of one kind of noise and variance 1, a column each."""
    memory = autocorrelations(length)[kind]
    apart = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    root = np.linalg.cholesky(memory[apart] + 1e-9 * np.eye(length))
    return np.asarray(root @ rng.standard_normal((length, series)))


def tail_table(judge: Callable[[Floats], Floats], length: int, series: int = _SERIES) -> Floats:
    """log10 of the share of series whose p is at most each of :data:`LEVELS`, a row a kind of noise."""
    rows = []
    for kind in range(len(KINDS)):
        rng = np.random.default_rng([_SEED, length, kind])
        p = np.sort(judge(noise_of(kind, length, series, rng)))
        rows.append((np.searchsorted(p, LEVELS, side="right") + 0.5) / (series + 1))
    return np.log10(rows)


def scan_table(judge: Callable[[Floats], Floats], length: int, series: int = _SERIES_OF_SCANS) -> Floats:
    """The statistic that chance reaches with each of :data:`CHANCES`, a row a kind of noise."""
    rows = []
    for kind in range(len(KINDS)):
        rng = np.random.default_rng([_SEED, length, kind, 2])
        rows.append(np.quantile(judge(noise_of(kind, length, series, rng)), 1.0 - CHANCES))
    return np.array(rows)


def ship(path: Path = FILE, lengths: Sequence[Sequence[int]] = (SHORT_LENGTHS, LONG_LENGTHS)) -> None:
    """Simulate all tables and write the file."""
    tables = {}
    for name, some in zip(("short", "long"), lengths, strict=True):
        for statistic in TAILS:
            made = [tail_table(mixture_p(statistic, n, name == "long"), n) for n in some]
            tables[f"{statistic}-{name}"] = np.array(made, dtype="float32")
    for statistic in SCANS:
        made = [scan_table(scan_of(statistic, n), n) for n in lengths[1]]
        tables[f"{statistic}-long"] = np.array(made, dtype="float32")
    with replacing(path) as stream:
        np.savez_compressed(stream, allow_pickle=False, **tables)


if __name__ == "__main__":
    ship(Path(sys.argv[1]) if sys.argv[1:] else FILE)
