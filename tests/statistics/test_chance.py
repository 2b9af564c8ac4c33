"""Chances: each step of the simulation by hand or by another way, and forecasts that are what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_kit.statistics import Begun, Forecast, Goal, backtest, chance, forecasts
from kpi_kit.statistics.chance import (
    RHOS,
    Paths,
    _as_in_the_past,
    _columns,
    _fits,
    _futures,
    _limited,
    _pairs,
    _penalties,
    _rest,
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


def test_values_are_held_in_their_bounds() -> None:
    values = np.array([-1.0, 0.4, 2.6])
    assert _limited(values, (0.0, 1.0), False).tolist() == [0.0, 0.4, 1.0]
    assert _limited(values, (None, 1.0), False).tolist() == [-1.0, 0.4, 1.0]
    assert _limited(values, (0.0, None), True).tolist() == [0.0, 0.0, 3.0]


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
    # the target asks for 3 more than the level now, and so of the seventh for 3 more than the sixth
    (said,) = forecasts(levels, Goal(low=levels[-1] + 3.0), level=True)
    alone = chance(levels[:6], Goal(low=levels[5] + 3.0), level=True, simulations=1_000, seed=6)
    assert (said.probability, said.attained) == (alone.probability, True)
    goals = [None] * 7 + [Goal(low=20.0), Goal(low=27.0)]
    asked = forecasts(history, goals, seed=5)
    assert [(each.attained, each.base) for each in asked] == [(True, 1 / 2), (False, 2 / 3)]


def test_a_fact_on_the_edge_of_a_band_is_inside_it() -> None:
    made = forecasts([3.0] * 8, Goal(low=4.0))
    assert [(each.attained, each.inside) for each in made] == [(False, True)] * 2
    assert [each.probability for each in made] == [1 / 8, 1 / 9]


def test_fits_are_generalised_least_squares() -> None:
    """By the whole correlation matrix, in place of what is kept from one value to the next."""
    for year in (None, 3.0):
        columns = _columns(AT, year)
        found = _fits(VALUES, AT, columns)
        penalties = _penalties(len(columns))
        place = 0
        for rho in RHOS:
            inverse = np.linalg.inv(rho ** np.abs(np.subtract.outer(AT, AT)))
            for penalty in penalties:
                precision = columns @ inverse @ columns.T + np.diag(penalty)
                centre = np.linalg.solve(precision, columns @ inverse @ VALUES)
                left = VALUES - centre @ columns
                square = left @ inverse @ left + penalty @ centre**2
                assert found.centres[place] == pytest.approx(centre)
                assert found.squares[place] == pytest.approx(square)
                root = found.roots[place]
                np.testing.assert_allclose(root @ root.T, np.linalg.inv(precision), atol=1e-12)
                weight = (
                    np.log(penalty[1:]).sum() / 2
                    + np.linalg.slogdet(inverse)[1] / 2
                    - np.linalg.slogdet(precision)[1] / 2
                    - 2 * np.log(square)
                )
                assert found.log_weights[place] == pytest.approx(weight)
                assert found.rhos[place] == rho
                place += 1
        assert (place, found.free) == (len(found.squares), 4.0)


def test_futures_have_the_unit_of_the_history_and_stand_around_it() -> None:
    history = np.array([50.0, 55, NAN, 47, 52, 49, 51, 50])
    one = _futures(history, 2, np.random.default_rng(1)).values
    thousand = _futures(1000 * history, 2, np.random.default_rng(1)).values
    assert one.shape == (4000, 2)
    np.testing.assert_allclose(thousand, 1000 * one)
    # seven values of mean 50.6 and deviation 2.4: so is the next one, but for what is unsure
    assert np.median(one[:, 0]) == pytest.approx(50.3, abs=0.8)
    assert 2.2 < one[:, 0].std() < 4.5
    assert one[:, 1].std() > one[:, 0].std() * 0.95


def test_a_yearly_wave_is_seen_from_two_years_on() -> None:
    months = np.arange(36)
    series = 100 + 20 * np.sin(2 * np.pi * months / 12) + np.random.default_rng(2).standard_normal(36)
    crest, trough = (chance(series[:end], Goal(low=100.0)).expected for end in (26, 32))
    assert crest == pytest.approx(
        120, abs=5
    )  # months 26 and 32 are three months before and after half a year
    assert trough == pytest.approx(83, abs=5)
    assert chance(series[:26], Goal(low=100.0), year=None).expected < crest


def test_of_a_begun_period_only_the_rest_is_open() -> None:
    paths = Paths(np.full((2000, 2), [10.0, 1.0]), np.tile([[2.0, 0.0], [-2.0, 0.0]], (1000, 1)))
    rng = np.random.default_rng(3)
    # a quarter is left: of the mean 10 a quarter, of the shocks ∓2 the half
    rest, _ = _rest(paths, np.empty(0), 7.0, False, True, Begun(0.75, 7.0), rng)
    assert sorted(set(rest.round(9))) == [1.5, 3.5]
    over, _ = _rest(paths, np.empty(0), 7.0, False, True, Begun(1.5, 7.0), rng)
    assert set(over) == {0.0}
    assert paths.values[0].tolist() == [12.0, 1.0]


def test_of_somebody_who_was_away_the_same_pace_has_the_same_chance() -> None:
    series = np.random.default_rng(7).normal(50, 5, 24)
    whole = chance(series, Goal(low=50.0), accrues=True, begun=Begun(0.5, 25.0))
    # away in half of the days so far: half of the value, and three quarters of the target
    away = chance(series, Goal(low=37.5), accrues=True, begun=Begun(0.5, 12.5, counted=0.5))
    assert away.probability == pytest.approx(whole.probability, abs=1e-9)
    assert (away.low, away.high) == pytest.approx((whole.low - 12.5, whole.high - 12.5))
    # away from now on: nothing will be added
    over = chance(series, Goal(low=30.0), accrues=True, begun=Begun(0.5, 30.0, counting=0.0))
    assert (over.low, over.high) == (30.0, 30.0)
    assert over.probability > 0.99


@pytest.mark.parametrize("so_far", [0.0, 60.0, 200.0])
def test_what_has_happened_stays(so_far: float) -> None:
    series = np.random.default_rng(8).normal(50, 40, 24).clip(0)
    begun = Begun(0.5, so_far, past=series / 2)
    assert chance(series, Goal(low=1.0), accrues=True, begun=begun, bounds=(0.0, None)).low >= so_far


def test_what_has_happened_tells_which_paths_are_likely() -> None:
    means = np.repeat([[5.0], [15.0]], 500, axis=0)
    paths = Paths(means, np.tile([[1.0], [-1.0]], (500, 1)))
    _, chosen = _rest(paths, np.empty(0), 0.0, False, True, Begun(0.5, 7.4), np.random.default_rng(4))
    assert np.mean(means[chosen] == 15.0) > 0.99


def test_the_rest_goes_on_as_in_past_periods() -> None:
    series, past = np.array([100.0, 104, 96, NAN, 102]), np.array([80.0, 82, NAN, 80, 81])
    assert _pairs(series, past, 0.8, False, True).tolist() == [[80, 20], [82, 22], [81, 21]]
    assert _pairs(series, past, 0.5, False, False).tolist() == [[40, 60], [41, 63], [40.5, 61.5]]
    assert _pairs(series, past, 0.5, True, False).tolist() == [[-18, 22]]
    before = np.arange(60.0, 100, 2)
    exact = np.column_stack([before, 0.25 * before])
    drawn = _as_in_the_past(exact, 90.0, 0.25, 1000, np.random.default_rng(5))
    assert drawn == pytest.approx(np.full(1000, 22.5), abs=1.5)


def test_a_share_keeps_to_the_multiples_of_its_units() -> None:
    shares = [1.0, 0.95, 1.0, 0.9, 1.0, 0.95, 1.0, 1.0]
    coarse = chance(shares, Goal(low=1.0), bounds=(0.0, 1.0), units=20, seed=1)
    assert coarse.probability > chance(shares, Goal(low=1.0), bounds=(0.0, 1.0), seed=1).probability
    assert coarse.low * 20 == pytest.approx(round(coarse.low * 20))


def test_forecasts_are_compared_with_the_earlier_frequency_of_their_entry() -> None:
    made = [Forecast(0.8, True, True, 0.5)] * 16 + [Forecast(0.2, False, False, 0.5)] * 16
    made += [Forecast(0.8, False, True, 0.5)] * 4 + [Forecast(0.2, True, True, 0.5)] * 4
    found = backtest(made)
    assert (found.n, found.brier, found.base_brier) == (40, pytest.approx(0.16), 0.25)
    assert (found.coverage80, found.verdict, found.why) == (pytest.approx(24 / 40), "reliable", None)
    assert backtest(made[:29]).verdict == "not_checked"
    assert (backtest([]).n, backtest([]).brier, backtest([]).verdict) == (0, None, "not_checked")
    wrong = backtest([Forecast(0.1, True, True), Forecast(0.9, False, True)] * 15)
    assert (wrong.verdict, wrong.why) == ("not_reliable", "worse_than_usual")
    assert wrong.brier == pytest.approx(0.81)
    assert wrong.base_brier == pytest.approx(0.25)


def test_chances_that_do_not_fit_what_comes_are_not_reliable() -> None:
    rng = np.random.default_rng(6)
    true = rng.choice([0.1, 0.9], 200)
    came = rng.random(200) < true
    for said in (np.clip(true - 0.2, 0.01, 1), np.where(true > 0.5, 0.7, 0.3)):
        made = [Forecast(p, bool(hit), True, 0.5) for p, hit in zip(said, came, strict=True)]
        assert (backtest(made).verdict, backtest(made).why) == ("not_reliable", "not_calibrated")
    good = [Forecast(p, bool(hit), True, 0.5) for p, hit in zip(true, came, strict=True)]
    assert backtest(good).verdict == "reliable"
