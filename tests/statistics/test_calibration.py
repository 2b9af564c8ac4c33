"""The tables of the trends: how they are read, and how they are made, by hand or by another way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from kpi_kit.statistics import calibration as tables
from kpi_kit.statistics.calibration import RHOS, Null, Tail
from kpi_kit.statistics.trend import kendall_score

NAN = math.nan
WEEKS = np.arange(120.0)
TURNS = 2 * np.pi * WEEKS / 52.18


def test_a_tail_is_read_between_its_points() -> None:
    tail = Tail(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 3.0, 3.0]))
    assert [tail.p(x) for x in (0.0, 0.5, 1.0, 1.5, 9.0)] == pytest.approx([1, 10**-0.5, 0.1, 0.01, 0.001])
    assert [tail.critical(p) for p in (1.0, 0.1, 0.01, 1e-9)] == pytest.approx([0, 1, 1.5, 2])


def test_a_table_is_read_between_its_rhos() -> None:
    assert [round(20 * rho) for rho in RHOS] == list(range(20))
    surprise = np.outer(np.arange(20.0), [0.0, 1.0])
    table = Null(np.linspace(-0.3, 0.65, 20), np.array([0.0, 1.0]), surprise)
    assert [table.rho(r1) for r1 in (-0.9, -0.3, -0.275, 0.2, 0.9)] == pytest.approx([0, 0, 0.025, 0.5, 0.95])
    assert [
        table.tail(rho).surprise[1] for rho in (0.0, 0.05, 0.075, 0.9, 0.925, 0.95, 0.99)
    ] == pytest.approx([0, 1, 1.5, 18, 18.5, 19, 19])


@pytest.mark.parametrize("statistic", ["trend", "drift"])
def test_a_season_is_what_a_regression_finds_beside_the_trend(statistic: str) -> None:
    wave = 3 * np.sin(TURNS) - np.cos(TURNS) + 0.5 * np.sin(2 * TURNS) + 2 * np.cos(2 * TURNS)
    kept = 7 + (0.1 * WEEKS if statistic == "trend" else 0)
    assert tables.season_of(WEEKS, statistic) @ (kept + wave) == pytest.approx(wave)
    assert tables.without_season(120, statistic) @ (kept + wave) == pytest.approx(kept + 0 * WEEKS)
    some = np.delete(np.arange(120), [3, 4, 50])
    assert tables.season_of(WEEKS[some], statistic) @ (kept + wave)[some] == pytest.approx(wave[some])


def test_a_slope_is_part_of_the_season_of_gains_alone() -> None:
    assert np.abs(tables.season_of(WEEKS, "trend") @ WEEKS).max() < 1e-9
    assert np.abs(tables.season_of(WEEKS, "drift") @ WEEKS).max() > 1


def test_the_shipped_file_has_every_length_up_to_two_years() -> None:
    names = {f"{statistic}-{length}" for statistic in ("trend", "drift") for length in range(4, 105)}
    assert set(tables._read_shipped()) == names | {"trend-seasonal-104", "drift-seasonal-103"}
    for name, table in tables._read_shipped().items():
        assert (table.r1.shape, table.surprise.shape) == ((20,), (20, len(table.at))), name


class Here(Executor):
    """Does the jobs of a pool itself."""

    def submit(self, work: Callable[..., object], /, *given: object, **named: object) -> Future[object]:
        done: Future[object] = Future()
        done.set_result(work(*given, **named))
        return done


def test_what_is_shipped_is_simulated_for_each_length_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(statistic: str, lengths: list[int], seasonal: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for length in lengths:
            mark = length + 1000 * (statistic == "drift") + 2000 * seasonal
            yield np.full(20, mark, dtype="float32"), np.full((20, 72), mark, dtype="uint16")

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", Here)
    monkeypatch.setattr(tables, "simulated", told)
    tables.ship(tmp_path / "tables.npz")
    with np.load(tmp_path / "tables.npz") as file:
        marks = dict(zip(file["names"].tolist(), file["r1"][:, 0].tolist(), strict=True))
        assert file["surprise"][:, 3, 5].tolist() == file["r1"][:, 7].tolist()
        assert len(file["names"]) == 204
    assert marks == {
        **{f"trend-{length}": length for length in range(4, 105)},
        **{f"drift-{length}": 1000 + length for length in range(4, 105)},
        "trend-seasonal-104": 2104,
        "drift-seasonal-103": 3103,
    }


def test_where_tables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KPI_KIT_CACHE", "/a/b")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert tables.cache_folder() == Path("/a/b")
    monkeypatch.delenv("KPI_KIT_CACHE")
    assert tables.cache_folder() == Path("/c/kpi-kit")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/x"))
    assert tables.cache_folder() == Path("/home/x/.cache/kpi-kit")


def test_a_table_is_written_whole_into_folders_that_are_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "some" / "folder" / "table.npz"
    tables._write(path, {"r1": np.arange(3.0)})
    with np.load(path) as file:
        assert file["r1"].tolist() == [0, 1, 2]
    assert [each.name for each in path.parent.iterdir()] == ["table.npz"]
    tables._write(path, {"r1": np.arange(2.0)})
    with pytest.raises(ValueError, match="Object arrays"):
        tables._write(
            path, {"r1": np.array([object()])}
        )  # a half one leaves the old one, and nothing beside it
    with np.load(path) as file:
        assert file["r1"].tolist() == [0, 1]
    assert [each.name for each in path.parent.iterdir()] == ["table.npz"]


def test_where_a_tail_is_tabulated() -> None:
    assert tables._points("trend", 6).tolist() == [1, 3, 5, 7, 9, 11, 13, 15]  # 15 pairs: |S| is odd
    assert tables._points("trend", 8).tolist() == list(range(0, 29, 2))
    long = tables._points("trend", 104)  # 5356 pairs
    assert (len(long), long[0], long[-1]) == (72, 0, 5356)
    assert (long % 2 == 0).all() and np.ptp(np.diff(long)) <= 2
    drift = tables._points("drift", 9)
    assert (len(drift), drift[0], drift[-1]) == (72, 0.0, pytest.approx(200))
    assert np.diff(np.arcsinh(drift)) == pytest.approx(math.asinh(200) / 71)


def test_noise_remembers_and_has_variance_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_SERIES", 20_000)
    noise = tables._noise(0.6, 6)
    assert noise.shape == (6, 20_000)
    assert noise.std(axis=1) == pytest.approx(np.ones(6), abs=0.03)
    correlations = np.corrcoef(noise)[0]
    assert correlations == pytest.approx(0.6 ** np.arange(6), abs=0.03)
    np.testing.assert_array_equal(tables._noise(0.6, 4), noise[:4])
    assert abs(np.corrcoef(tables._noise(0.0, 2)[0], tables._noise(0.05, 2)[0])[0, 1]) < 0.03


def test_the_statistics_of_beginnings() -> None:
    noise = np.random.default_rng(3).standard_normal((8, 5))
    found = list(tables._prefixes("trend", noise, [4, 5, 8], 0))
    for length, scores in zip((4, 5, 8), found, strict=True):
        assert scores.tolist() == [abs(kendall_score(column)) for column in noise[:length].T]
    found = list(tables._prefixes("drift", noise, [4, 8], 0))
    for length, values in zip((4, 8), found, strict=True):
        assert values == pytest.approx(np.abs(stats.ttest_1samp(noise[:length], 0.0).statistic))
    (fitted,) = tables._prefixes("drift", noise, [8], 4)  # the variance has four degrees of freedom less
    assert fitted == pytest.approx(found[1] * math.sqrt(3 / 7))


@pytest.mark.parametrize(("statistic", "free"), [("trend", 0), ("drift", 4)])
def test_seasonal_statistics_are_of_what_the_season_leaves(statistic: str, free: int) -> None:
    noise = np.random.default_rng(3).standard_normal((110, 4))
    found = list(tables._statistics(statistic, noise, [104, 110], True))
    for length, values in zip((104, 110), found, strict=True):
        left = noise[:length] - tables.season_of(np.arange(float(length)), statistic) @ noise[:length]
        if statistic == "trend":
            expected = [abs(kendall_score(column)) for column in left.T]
        else:
            expected = np.abs(stats.ttest_1samp(left, 0.0).statistic) * math.sqrt((length - 5) / (length - 1))
        assert values == pytest.approx(expected)


def test_a_tail_counts_what_is_at_least_as_large_and_one_more() -> None:
    values, points = np.array([3.0, 2.0, 1.0, 2.0]), np.array([0.0, 2.0, 3.0, 4.0])
    assert tables._tail(values, points).tolist() == [5 / 5, 4 / 5, 2 / 5, 1 / 5]
    assert tables._tail(values - 1e-12, points).tolist() == [5 / 5, 4 / 5, 2 / 5, 1 / 5]


def test_autocorrelation_of_neighbours() -> None:
    # about 2.5: 0.75 − 0.25 + 0.75, over 5
    assert float(tables.lag_one(np.array([1.0, 2.0, 3.0, 4.0]))) == pytest.approx(0.25)
    # about 3: two pairs of neighbours, 2 and 2, times 3/4 of their mean over the mean square 2.5
    assert float(tables.lag_one(np.array([1.0, 2.0, NAN, 4.0, 5.0]))) == pytest.approx(0.75 * 2 / 2.5)
    both = tables.lag_one(np.array([[1.0, 2.0, 3.0, 4.0], [7.0, 7.0, 7.0, 7.0]]))
    assert both.tolist() == [pytest.approx(0.25), 0.0]
    assert float(tables.lag_one(np.array([1.0, NAN, 3.0]))) == 0.0
    assert float(tables.lag_one(np.array([1.0, 2.0]))) == -0.5  # −0.25 over 0.25 + 0.25


@pytest.mark.parametrize("seasonal", [False, True])
def test_the_median_autocorrelation_of_what_is_left(seasonal: bool) -> None:
    noise = np.random.default_rng(3).standard_normal((30, 5))
    left = noise - tables.season_of(np.arange(30.0), "trend") @ noise if seasonal else noise
    straight = left - np.arange(30.0)[:, None] * [stats.theilslopes(column).slope for column in left.T]
    expected = np.median([tables.lag_one(column) for column in straight.T])
    assert tables._median_r1("trend", noise, seasonal) == pytest.approx(expected)
    left = noise - tables.season_of(np.arange(30.0), "drift") @ noise if seasonal else noise
    expected = np.median([tables.lag_one(column) for column in left.T])
    assert tables._median_r1("drift", noise, seasonal) == pytest.approx(expected)


@pytest.mark.parametrize("statistic", ["trend", "drift"])
def test_a_table_is_the_tail_of_its_statistics(statistic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_SERIES", 200)
    monkeypatch.setattr(tables, "_SERIES_R1", 50)
    made = list(tables.simulated(statistic, [6, 9]))
    for length, (r1, packed) in zip((6, 9), made, strict=True):
        points = tables._points(statistic, length)
        assert (r1.shape, packed.shape, packed.dtype) == ((20,), (20, 72), np.dtype("uint16"))
        medians = []
        for row, rho in enumerate(RHOS):
            noise = tables._noise(float(rho), 9)[:length]
            (values,) = tables._prefixes(statistic, noise, [length], 0)
            shares = [(np.sum(values > point - 1e-6) + 1) / 201 for point in points]
            assert packed[row, : len(points)] / 4000 == pytest.approx(-np.log10(shares), abs=1 / 8000 + 1e-9)
            assert (packed[row, len(points) :] == packed[row, len(points) - 1]).all()
            medians.append(tables._median_r1(statistic, noise[:, :50], False))
        assert r1 == pytest.approx(np.maximum.accumulate(medians), abs=1e-6)
        table = tables._unpacked(f"{statistic}-{length}", r1, packed)
        np.testing.assert_array_equal(table.at, points)
        np.testing.assert_allclose(table.surprise, packed[:, : len(points)] / 4000)


def test_a_series_of_many_chunks_has_the_slopes_of_each() -> None:
    series = np.random.default_rng(3).standard_normal((6, 1100))
    found = tables.slopes(series)
    assert found.shape == (1100,)
    for column in (0, 499, 500, 1000, 1099):
        assert found[column] == pytest.approx(stats.theilslopes(series[:, column]).slope)
