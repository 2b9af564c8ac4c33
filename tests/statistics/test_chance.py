"""Chances: each step of the simulation by hand or by another way, and forecasts that are what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_kit.statistics import Begun, Goal, backtest, chance, forecasts
from kpi_kit.statistics.calibration import RHOS
from kpi_kit.statistics.chance import (
    Forecast,
    _continued,
    _ends,
    _Fits,
    _fits,
    _futures,
    _limited,
    _shocks,
    _summed_up,
)

NAN = math.nan
VALUES = np.array([1.0, 3.0, 2.0, 5.0, 4.0])
AT = np.array([-6.0, -5.0, -3.0, -2.0, 0.0])  # with two gaps


def test_a_rounding_error_does_not_miss_a_goal() -> None:
    low, high = Goal(low=-100.0), Goal(high=-100.0)
    near, off = 5e-8, 2e-7
    assert low.met(np.array([-100 - near, -100 - off, 0.0])).tolist() == [True, False, True]
    assert high.met(np.array([-100 + near, -100 + off, 0.0])).tolist() == [True, False, False]
    both = Goal(low=1.0, high=2.0)
    assert both.met(np.array([0.9, 1.0, 1.5, 2.0, 2.1])).tolist() == [False, True, True, True, False]
    assert Goal(high=0.0).met(np.array([0.0, 1e-12])).tolist() == [True, False]
    assert Goal(low=0.0).met(np.array([0.0, -1e-12])).tolist() == [True, False]
    assert Goal().met(np.array([-1e300, 1e300])).all()


@pytest.mark.parametrize(
    ("history", "level", "n", "reason"),
    [
        ([1.0, 2.0, 3.0], False, 3, "short_history"),
        ([1.0, 2.0, 3.0, 5.0], False, 4, None),
        ([1.0, 2.0, 4.0, 5.0], True, 4, None),  # three gains
        ([1.0, 2.0, NAN, 4.0, 5.0], True, 4, "short_history"),  # two
        ([1.0, 2.0, 3.0, 5.0, NAN, NAN, NAN], False, 4, None),
        ([1.0, 2.0, 3.0, 5.0, NAN, NAN, NAN, NAN], False, 4, "short_history"),
    ],
)
def test_how_much_history_is_enough(history: list[float], level: bool, n: int, reason: str | None) -> None:
    found = chance(history, Goal(low=2.0), level=level)
    assert (found.n, found.reason, found.probability is None) == (n, reason, reason is not None)


def test_what_never_varied_follows_laplaces_rule() -> None:
    found = chance([3.0] * 12, Goal(low=1.0))
    assert (found.probability, found.reason) == (13 / 14, "all_equal")
    assert (found.low, found.expected, found.high) == (3.0, 3.0, 3.0)
    assert chance([3.0] * 12, Goal(low=4.0)).probability == 1 / 14
    rising = chance([1.0, 3.0, 5.0, 7.0, 9.0], Goal(low=13.0), level=True, ahead=2)
    assert (rising.expected, rising.probability) == (13.0, 6 / 7)


def test_a_chance_is_the_share_of_hits_and_its_band_holds_four_of_five() -> None:
    found = _summed_up(np.arange(11.0), Goal(low=8.0), 7, over=False)
    assert (found.probability, found.low, found.expected, found.high) == (4 / 13, 1.0, 5.0, 9.0)
    assert (found.n, found.reason) == (7, None)
    for low, probability in ((4.0, 1.0), (5.5, 0.0)):
        over = _summed_up(np.full(3, 5.0), Goal(low=low), 7, over=True)
        assert (over.probability, over.low, over.high, over.expected) == (probability, 5.0, 5.0, 5.0)


def test_a_period_that_is_over_is_certain_and_only_that() -> None:
    history = [50.0, 55.0, 47.0, 52.0, 49.0, 51.0]
    assert chance(history, Goal(low=51.0), begun=Begun(1.0, 52.0)).probability == 1.0
    assert chance(history, Goal(low=51.0), begun=Begun(1.0, 50.0)).probability == 0.0
    assert 0 < chance(history, Goal(low=51.0), begun=Begun(0.99, 50.0)).probability < 1
    assert 0 < chance(history, Goal(low=51.0), ahead=2, begun=Begun(1.0, 50.0)).probability < 1


def test_of_a_begun_period_only_the_rest_is_open() -> None:
    future = np.array([[10.0, 1.0], [20.0, 2.0]])
    one = future[:, :1]
    # a quarter is left: of the mean 15 a quarter, of the noise ∓5 the half
    rest = [3.75 - 2.5, 3.75 + 2.5]
    begun = Begun(0.75, 30.0)
    assert _ends(one, 7.0, False, True, begun).tolist() == [30 + rest[0], 30 + rest[1]]
    assert _ends(one, 7.0, False, False, begun).tolist() == [22.5 + rest[0], 22.5 + rest[1]]
    assert _ends(one, 7.0, True, False, begun).tolist() == [30 + rest[0], 30 + rest[1]]
    assert _ends(future, 7.0, True, False, begun).tolist() == [31 + rest[0], 32 + rest[1]]
    assert _ends(future, 7.0, False, True, begun).tolist() == [1.0, 2.0]
    assert _ends(one, 7.0, False, True, Begun(1.5, 30.0)).tolist() == [30.0, 30.0]
    assert _ends(future, 7.0, True, False, None).tolist() == [18.0, 29.0]
    assert _ends(future, 7.0, False, False, None).tolist() == [1.0, 2.0]


def test_values_are_held_in_their_bounds() -> None:
    values = np.array([-1.0, 0.4, 2.6])
    assert _limited(values, (0.0, 1.0), False).tolist() == [0.0, 0.4, 1.0]
    assert _limited(values, (None, 1.0), False).tolist() == [-1.0, 0.4, 1.0]
    assert _limited(values, (0.0, None), True).tolist() == [0.0, 0.0, 3.0]


def test_fits_are_generalised_least_squares() -> None:
    """By the whole correlation matrix, in place of what is kept from one value to the next."""
    found = _fits(VALUES, AT)
    design = np.column_stack([np.ones(5), AT])
    for place, rho in enumerate(RHOS):
        inverse = np.linalg.inv(rho ** np.abs(np.subtract.outer(AT, AT)))
        precision = design.T @ inverse @ design + np.diag([0.0, 100.0])  # the slope: 0, give or take a tenth
        centre = np.linalg.solve(precision, design.T @ inverse @ VALUES)
        left = VALUES - design @ centre
        square = left @ inverse @ left + 100 * centre[1] ** 2
        assert found.centres[place] == pytest.approx(centre)
        assert found.squares[place] == pytest.approx(square)
        root = found.roots[place]
        np.testing.assert_allclose(root @ root.T, np.linalg.inv(precision))
        weight = np.linalg.slogdet(inverse)[1] / 2 - np.linalg.slogdet(precision)[1] / 2 - 2 * np.log(square)
        assert found.log_weights[place] == pytest.approx(weight)
    assert found.free == 4.0
    flat = _fits(np.full(5, 3.0), AT)
    assert flat.squares == pytest.approx(np.full(20, 1e-12), abs=1e-12)


class Fixed:
    """Draws what it is told."""

    def __init__(self, normal: float, place: int, chi: float = 1.0) -> None:
        self._normal, self._place, self._chi = normal, place, chi

    def chisquare(self, free: float, count: int) -> np.ndarray:
        return np.full(count, self._chi * free)

    def standard_normal(self, shape: object) -> np.ndarray:
        return np.full(shape, self._normal)

    def integers(self, most: int, size: tuple[int, int]) -> np.ndarray:
        assert most == 5
        return np.full(size, self._place)


def test_shocks_are_residuals_of_mean_0_and_variance_1() -> None:
    residuals = np.array([[1.0, 3.0, 5.0, 7.0, 9.0], [2.0] * 5])  # mean 5, variance 8; and nothing
    drawn = _shocks(residuals, np.array([2, 1]), 2, Fixed(0.4, 4))
    expected = (4 / math.sqrt(8) + 0.5 * 0.4) / math.sqrt(1.25)
    np.testing.assert_allclose(drawn, [[expected] * 2, [expected] * 2, [0.4] * 2])


@pytest.mark.parametrize("last", [0.0, -2.0])
@pytest.mark.parametrize("normal", [0.0, 1.5])
def test_a_continuation_goes_on_from_the_last_value(last: float, normal: float) -> None:
    at = AT + last
    centres = np.column_stack([np.linspace(2, 4, 20), np.linspace(0.1, 0.3, 20)])
    roots = np.tile(np.array([[0.5, 0.0], [0.2, 0.1]]), (20, 1, 1))
    fits = _Fits(centres, roots, np.linspace(8, 12, 20), 4.0, np.zeros(20))
    found = _continued(fits, np.bincount([3, 15], minlength=20), VALUES, at, 3, Fixed(normal, 1, chi=0.5))
    for row, which in enumerate((3, 15)):
        rho = which * 0.05
        sigma = math.sqrt(fits.squares[which] / 2)
        level = centres[which, 0] + sigma * 0.5 * normal
        slope = centres[which, 1] + sigma * (0.2 + 0.1) * normal
        left = VALUES - centres[which, 0] - centres[which, 1] * at
        shock = ((left[1] - left.mean()) / left.std() + 0.5 * normal) / math.sqrt(1.25)
        noise = 4.0 - level - slope * last
        for step, kept in enumerate((rho ** (1 - last), rho, rho)):
            noise = noise * kept + sigma * math.sqrt(1 - kept**2) * shock
            assert found[row, step] == pytest.approx(level + slope * (step + 1) + noise)


def test_futures_have_the_unit_of_the_history_and_stand_around_it() -> None:
    history = np.array([50.0, 55, NAN, 47, 52, 49, 51, 50])
    one = _futures(history, 2, np.random.default_rng(1))
    thousand = _futures(1000 * history, 2, np.random.default_rng(1))
    assert one.shape == (4000, 2)
    np.testing.assert_allclose(thousand, 1000 * one)
    # seven values of mean 50.6 and deviation 2.4: so is the next one, but for what is unsure
    assert np.median(one[:, 0]) == pytest.approx(50.3, abs=0.8)
    assert 2.2 < one[:, 0].std() < 4.5
    assert one[:, 1].std() > one[:, 0].std() * 0.95


def test_unequal_periods_are_scaled_to_the_one_asked_for() -> None:
    history, days = [31.0, 28.0, 62.0, 30.0], [31, 28, 31, 30]
    scaled = chance(history, Goal(low=30.0), accrues=True, lengths=days, length=28)
    by_hand = chance([28.0, 28.0, 56.0, 28.0], Goal(low=30.0), accrues=True)
    assert scaled == by_hand
    plain = chance(history, Goal(low=30.0))
    assert chance(history, Goal(low=30.0), lengths=days, length=28) == plain
    assert chance(history, Goal(low=30.0), accrues=True, lengths=days) == plain
    assert chance(history, Goal(low=30.0), accrues=True, length=28) == plain


def test_a_back_test_forecasts_each_period_from_those_before() -> None:
    history, days = (
        np.array([31.0, 25, 33, 30, NAN, 35, 28, 31, 26]),
        np.array([31.0, 28, 31, 30, 31, 30, 31, 31, 30]),
    )
    goal = Goal(low=30.0)
    made = forecasts(history, goal, accrues=True, lengths=days, bounds=(0.0, None), whole=True, seed=5)
    expected = [
        chance(history[:now], goal, accrues=True, lengths=days[:now], length=days[now], bounds=(0.0, None),
               whole=True, simulations=1_000, seed=5 + now)
        for now in (6, 7, 8)
    ]  # fmt: skip
    assert [each.probability for each in made] == [each.probability for each in expected]
    assert [each.attained for each in made] == [False, True, False]
    assert [each.inside for each in made] == [
        said.low <= fact <= said.high for said, fact in zip(expected, history[6:], strict=True)
    ]
    assert (
        len(forecasts(history, goal, fewest=0)) == 4
    )  # of the sixth on: four must be known, and the fifth is not
    levels = 1000 + np.cumsum([3.0, 4, 3, 5, 4, 3, 4])
    (said,) = forecasts(levels, Goal(low=1026.0), level=True)
    alone = chance(levels[:6], Goal(low=1026.0), level=True, simulations=1_000, seed=6)
    assert (said.probability, said.attained) == (alone.probability, True)


def test_a_fact_on_the_edge_of_a_band_is_inside_it() -> None:
    made = forecasts([3.0] * 8, Goal(low=4.0))
    assert [(each.attained, each.inside) for each in made] == [(False, True)] * 2
    assert [each.probability for each in made] == [1 / 8, 1 / 9]


def test_forecasts_are_scored_against_the_base_rate() -> None:
    made = (
        [Forecast(0.8, True, True)] * 8 + [Forecast(0.3, False, False)] * 20 + [Forecast(0.5, True, True)] * 2
    )
    found = backtest(made)
    base = 11 / 32
    assert found.n == 30
    assert found.brier == pytest.approx((8 * 0.04 + 20 * 0.09 + 2 * 0.25) / 30)
    assert found.base_brier == pytest.approx((10 * (1 - base) ** 2 + 20 * base**2) / 30)
    assert (found.coverage80, found.verdict) == (pytest.approx(1 / 3), "reliable")
    assert backtest(made[:29]).verdict == "not_checked"
    assert (backtest([]).n, backtest([]).brier, backtest([]).verdict) == (0, None, "not_checked")
    wrong = backtest([Forecast(0.1, True, True), Forecast(0.9, False, True)] * 15)
    assert (wrong.verdict, wrong.brier) == ("not_reliable", pytest.approx(0.81))
