"""Trends: each step by hand or by another way, and verdicts at the edges of their rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_kit.statistics import trend
from kpi_kit.statistics.calibration import RHOS, Null, null
from kpi_kit.statistics.trend import Trend, _line, _noise, _score_spread, _spanned, _verdict

NAN = math.nan


def test_three_lines_meet_half_way() -> None:
    values = np.array([NAN, 1.0, 3.0, 2.0, NAN, 6.0, NAN])
    found = _line(values, Trend(4, 1.0, 0.0, 2.0, 0.0, 0.1, "rising", False, "mann_kendall"))
    # half-way is position 3; 1 + 2, 3 + 1, 2 and 6 − 2 have the median 3.5
    assert (found.first, found.last, found.middle) == (1, 5, 3.5)
    assert (found.start, found.end) == ((3.5, 1.5, -0.5), (3.5, 5.5, 7.5))
    for low, high in ((None, 2.0), (0.0, None)):
        assert _line(values, Trend(4, 1.0, low, high, 0.0, 0.1, None, False, "mann_kendall")) is None


def test_gaps_at_the_ends_are_no_part_of_a_series() -> None:
    np.testing.assert_array_equal(_spanned(np.array([NAN, 1.0, NAN, math.inf, 2.0, NAN])), [1, NAN, NAN, 2])
    assert len(_spanned(np.array([NAN, NAN]))) == 0


@pytest.mark.parametrize(
    ("n", "slope", "p", "verdict"),
    [
        (12, 1.0, 0.05, "rising"),
        (12, -1.0, 0.05, "falling"),
        (11, 1.0, 0.05, "weak_rising"),
        (11, -1.0, 0.0, "weak_falling"),
        (12, 1.0, 0.0501, "no_clear_trend"),
        (12, 0.0, 0.0, "no_clear_trend"),
    ],
)
def test_verdicts(n: int, slope: float, p: float, verdict: str) -> None:
    assert _verdict(n, slope, p) == verdict


def test_the_spread_of_kendalls_score() -> None:
    assert _score_spread(np.arange(10.0)) == pytest.approx(math.sqrt(10 * 9 * 25 / 18))
    # Kendall: less t (t − 1) (2t + 5) of each group of ties
    tied = np.array([1.0, 1, 2, 3, 3, 4, 5, 5])
    assert _score_spread(tied) == pytest.approx(math.sqrt((8 * 7 * 21 - 3 * 2 * 1 * 9) / 18))
    assert _score_spread(np.array([2.0, 2, 2, 1])) == pytest.approx(math.sqrt((4 * 3 * 13 - 3 * 2 * 11) / 18))


def test_ties_are_scaled_up_to_the_table_of_untied_series() -> None:
    found = trend([1.0, 1, 2, 3, 3, 4, 5, 5])
    # 28 pairs, three of them tied: S is 25
    score = 25 * math.sqrt(8 * 7 * 21 / (8 * 7 * 21 - 54))
    assert found.p == pytest.approx(null("trend", 8).tail(found.rho).p(score))
    assert (found.n, found.verdict, found.method) == (8, "weak_rising", "mann_kendall")


def test_a_slope_is_by_the_week_over_gaps_too() -> None:
    found = trend([2.0, NAN, 6.0, 8.0, NAN, 12.0, NAN, NAN, 18.0, 30.0])
    # ten of the fifteen pairs rise by 2 a week, those with the last one by more
    assert (found.n, found.slope, found.seasonal) == (6, 2.0, False)


def residuals(n: int) -> np.ndarray:
    noise = np.random.default_rng(4).standard_normal(n)
    for week in range(1, n):
        noise[week] += 0.6 * noise[week - 1]
    return noise


@pytest.mark.parametrize("n", [19, 20, 60])
def test_rho_is_rounded_up_where_there_are_twenty(n: int) -> None:
    noise = residuals(n)
    centred = noise - noise.mean()
    r1 = (centred[1:] * centred[:-1]).sum() / (centred**2).sum()
    assert 0.05 < r1 < 0.9
    surprise = np.outer(1 / (1 + RHOS), [0.0, 1.0, 2.0])
    table = Null(RHOS, np.array([0.0, 1.0, 2.0]), surprise)  # reads every r₁ back to itself
    rho, tail = _noise(table, noise)
    rounded = math.ceil(r1 * 20) / 20
    assert rho == pytest.approx(rounded if n >= 20 else r1)
    expected = table.cautious_tail(rounded, r1, n) if n >= 20 else table.tail(r1)
    np.testing.assert_allclose(tail.surprise, expected.surprise)


def test_a_rho_on_the_grid_stays_there() -> None:
    # r₁ of −1 reads back to 0
    rho, _ = _noise(null("trend", 20), np.tile([1.0, -1.0], 10))
    assert rho == 0.0


@pytest.mark.parametrize("gains", [[1.0, 2, 3, 4, 5], [5.0, 1, 4, 2, 6, 3, 7, 9, 8, 2, 4]])
def test_the_gains_of_a_level_are_judged_by_their_t(gains: list[float]) -> None:
    found = trend(np.cumsum([100.0, *gains]), level=True)
    n, mean = len(gains), sum(gains) / len(gains)
    error = math.sqrt(sum((gain - mean) ** 2 for gain in gains) / n / (n - 1))
    tail = null("drift", n).tail(found.rho)
    assert (found.n, found.slope, found.method, found.reason) == (
        n + 1,
        pytest.approx(mean),
        "mean_gain",
        None,
    )
    assert found.p == pytest.approx(tail.p(mean / error))
    reach = tail.critical(0.05) * error
    assert (found.low, found.high) == (pytest.approx(mean - reach), pytest.approx(mean + reach))


def test_four_gains_between_neighbours_judge_a_level() -> None:
    found = trend([1.0, 2.0, 4.0, NAN, 5.0, 6.0, 8.0], level=True)
    assert (found.n, found.reason, found.verdict is None) == (6, None, False)
    found = trend([1.0, 2.0, NAN, 4.0, NAN, 5.0, NAN, 6.0, 8.0], level=True)
    assert (found.n, found.reason, found.slope, found.verdict) == (6, "few_points", 7 / 8, None)
    assert (found.p, found.low, found.high, found.rho) == (None,) * 4
    even = trend([3.0, 5.0, 7.0, 9.0, 11.0, 13.0], level=True)
    assert (even.slope, even.low, even.high, even.p, even.rho) == (2.0, 2.0, 2.0, 0.0, 0.0)
    assert (even.reason, even.verdict) == ("no_noise", "weak_rising")


def test_a_season_costs_a_level_four_degrees_of_freedom() -> None:
    rng, weeks = np.random.default_rng(9), np.arange(103)
    gains = 2 + 3 * np.sin(2 * np.pi * weeks / 52.18) + np.cos(4 * np.pi * weeks / 52.18)
    gains += rng.standard_normal(103)
    found = trend(np.cumsum(np.append(50.0, gains)), level=True)
    turns = 2 * np.pi * weeks / 52.18
    waves = np.column_stack([np.sin(turns), np.cos(turns), np.sin(2 * turns), np.cos(2 * turns)])
    fitted = np.linalg.lstsq(np.column_stack([np.ones(103), waves]), gains, rcond=None)[0]
    left = gains - waves @ fitted[1:]
    error = left.std() / math.sqrt(103 - 1 - 4)
    assert (found.seasonal, found.slope) == (True, pytest.approx(fitted[0]))
    r1 = np.sum((left - left.mean())[1:] * (left - left.mean())[:-1]) / np.sum((left - left.mean()) ** 2)
    table = null("drift", 103, True)
    tail = table.cautious_tail(found.rho, r1, 103)
    reach = tail.critical(0.05) * error
    assert (found.low, found.high) == (pytest.approx(fitted[0] - reach), pytest.approx(fitted[0] + reach))
    assert found.p == pytest.approx(tail.p(fitted[0] / error))


@pytest.mark.parametrize("gone", [0, 10, 11])
def test_a_season_needs_nine_weeks_of_ten(gone: int) -> None:
    rng, weeks = np.random.default_rng(1), np.arange(104)
    series = np.sin(2 * np.pi * weeks / 52.18) + 0.1 * rng.standard_normal(104)
    series[5 : 5 + gone] = NAN
    assert (trend(series).n, trend(series).seasonal) == (104 - gone, gone <= 10)


def test_all_equal_is_no_trend_with_an_interval_of_nothing() -> None:
    found = trend([7.0] * 6)
    assert (found.n, found.slope, found.low, found.high, found.p, found.rho) == (6, 0.0, 0.0, 0.0, 1.0, None)
    assert found.line.start == (7.0, 7.0, 7.0) and (found.line.first, found.line.last) == (0, 5)
    few = trend([1.0, 2, 3, 4, 5])
    assert (few.n, few.slope, few.low, few.high, few.p, few.rho, few.line) == (5, *(None,) * 6)


def test_a_lumpy_series_may_rise_though_most_pairs_do_not() -> None:
    # 40 of 52 are 0, so are 780 of the 1326 pairs and with them the median slope; the others come ever closer
    values = np.zeros(52)
    values[[16, 22, 27, 31, 34, 37, 40, 42, 44, 46, 48, 50]] = [4, 5, 6] * 4
    found = trend(values)
    assert (found.n, found.slope, found.verdict) == (52, 0.0, "rising")
    assert trend(values[::-1]).verdict == "falling"


@pytest.mark.parametrize(("level", "method"), [(False, "mann_kendall"), (True, "mean_gain")])
def test_the_method_is_told_without_a_verdict_too(level: bool, method: str) -> None:
    for values in ([1.0, 2.0], [7.0] * 20, [1.0, 2.0, NAN, 4.0, NAN, 5.0, NAN, 6.0, 8.0]):
        found = trend(values, level=level)
        assert (found.method, found.seasonal) == (method, False)
