"""Tables of the verdicts: they are what the simulation gives, ordered as chances are, and small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import make_tables
from kpi_kit.statistics import calibration
from kpi_kit.statistics.breaks import scan_of
from kpi_kit.statistics.calibration import CHANCES, LEVELS, chance_of_p, chance_of_scan
from kpi_kit.statistics.noise import KINDS
from kpi_kit.statistics.trend import mixture_p


@pytest.mark.parametrize("statistic", ["trend", "gain"])
@pytest.mark.parametrize(("length", "seasonal"), [(7, False), (52, False), (104, True), (300, True)])
def test_a_smaller_p_is_rarer(statistic: str, length: int, seasonal: bool) -> None:
    tails = np.array([chance_of_p(statistic, length, seasonal, p) for p in (1e-12, 1e-4, 0.01, 0.3, 1.0)])
    assert tails.shape == (5, len(KINDS))
    assert (np.diff(tails, axis=0) >= 0).all()
    assert tails[-1] == pytest.approx(np.ones(len(KINDS)), abs=1e-3)
    assert tails[0].max() < 0.01


@pytest.mark.parametrize("statistic", ["step", "kink", "turn"])
def test_a_larger_scan_is_rarer(statistic: str) -> None:
    tails = np.array([chance_of_scan(statistic, 104, value) for value in (-50.0, 0.0, 3.0, 60.0)])
    assert (np.diff(tails, axis=0) <= 0).all()
    assert tails[0] == pytest.approx(np.ones(len(KINDS)))
    assert tails[-1] == pytest.approx(np.full(len(KINDS), CHANCES[-1]))


def test_a_length_between_two_tables_is_between_them() -> None:
    ends = [chance_of_p("trend", length, False, 0.01) for length in (24, 32)]
    middle = chance_of_p("trend", 28, False, 0.01)
    assert ((middle - ends[0]) * (middle - ends[1]) <= 1e-12).all()


def test_the_shipped_tail_is_that_of_other_series_than_it_was_made_of() -> None:
    judge, rng = mixture_p("trend", 24, False), np.random.default_rng(404)
    for kind in (0, 6):
        p = judge(make_tables.noise_of(kind, 24, 2_000, rng))
        expected = chance_of_p("trend", 24, False, 0.1)[kind]
        assert np.mean(p <= 0.1) == pytest.approx(expected, abs=3 * np.sqrt(expected / 2_000) + 0.004)


def test_the_shipped_scan_is_that_of_other_series_than_it_was_made_of() -> None:
    judge, rng = scan_of("step", 78), np.random.default_rng(405)
    values = judge(make_tables.noise_of(3, 78, 600, rng))
    share = np.mean([chance_of_scan("step", 78, float(value))[3] <= 0.1 for value in values])
    assert share == pytest.approx(0.1, abs=0.03)


def test_tables_are_simulated_as_they_are_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_tables, "tail_table", lambda judge, n: np.full((20, 49), float(n)))
    monkeypatch.setattr(make_tables, "scan_table", lambda judge, n: np.full((20, 13), float(n)))
    make_tables.ship(tmp_path / "tables.npz", ((6, 8), (78,)))
    with np.load(tmp_path / "tables.npz") as made, np.load(calibration.FILE) as shipped:
        assert set(made.files) == set(shipped.files)
        assert made["trend-short"][:, 0, 0].tolist() == [6, 8]
        assert made["turn-long"].shape == (1, 20, 13)
        assert shipped["gain-long"].shape == (5, 20, 49)


def test_a_tail_counts_the_series_whose_p_is_as_small() -> None:
    rows = make_tables.tail_table(lambda series: np.linspace(0, 1, series.shape[1]), 6, series=100)
    assert rows.shape == (20, len(LEVELS))
    assert 10 ** rows[0, -1] == pytest.approx(100.5 / 101)
    scans = make_tables.scan_table(lambda series: np.linspace(0, 1, series.shape[1]), 6, series=101)
    assert scans[0] == pytest.approx(1 - CHANCES)


def test_noise_is_of_its_kind_and_of_variance_1() -> None:
    noise = make_tables.noise_of(6, 6, 20_000, np.random.default_rng(1))
    assert noise.std(axis=1) == pytest.approx(np.ones(6), abs=0.03)
    assert np.corrcoef(noise)[0] == pytest.approx(0.6 ** np.arange(6), abs=0.03)


def test_shipped_tables_are_small() -> None:
    assert calibration.FILE.stat().st_size < 60_000
