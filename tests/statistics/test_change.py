"""Changes: estimates worked out by hand, and intervals by another way than the kit's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.rates import confint_poisson_2indep

from kpi_kit.statistics import Change, Side, change
from kpi_kit.statistics.change import (
    _spread_of_sum,
    design_effect,
    dispersion_of,
    weekday_factors,
)
from kpi_kit.statistics.intervals import critical_value, interval_of_difference, poisson_score, wilson
from kpi_kit.statistics.noise import KINDS, covariances
from kpi_kit.statistics.resampling import _ratio_of, _widening
from kpi_kit.statistics.sides import inverted, read_side

NAN = math.nan
SHOCKS = np.random.default_rng(11).standard_normal(40)
HISTORY = list(100 + 5 * SHOCKS + 4 * np.append(0.0, SHOCKS[:-1]))  # remembers one week


@pytest.mark.parametrize("kind", ["counts", "flow"])
def test_sums_are_compared_by_the_day_and_by_the_subscriber(kind: str) -> None:
    # 560 / 2 less 310 · 28/31 / 4; and plainly 560 / 2 less 310 / 4
    found = change(kind, Side([20.0] * 28, stock=2.0), Side([10.0] * 31, stock=4.0), history=HISTORY)
    assert (found.estimate, found.raw) == (210.0, 202.5)
    # 14 days that are told: 560 / 2 less 310 · 14/62 / 4
    found = change(
        kind,
        Side([20.0] * 28, days=14.0, stock=2.0),
        Side([10.0] * 31, days=62.0, stock=4.0),
        history=HISTORY,
    )
    assert (found.estimate, found.raw) == (262.5, 202.5)


@pytest.mark.parametrize("kind", ["counts", "flow"])
@pytest.mark.parametrize(
    ("now", "earlier", "reason"),
    [
        (Side([1.0]), Side([]), "no_data"),
        (Side([]), Side([1.0]), "no_data"),
        (Side([], days=3.0), Side([1.0]), "no_data"),
        (Side([1.0]), Side([NAN], days=3.0), "no_data"),
        (Side([1.0], stock=0.0), Side([1.0]), "no_denominator"),
        (Side([1.0]), Side([1.0], stock=0.0), "no_denominator"),
    ],
)
def test_what_cannot_be_compared(kind: str, now: Side, earlier: Side, reason: str) -> None:
    found = change(kind, now, earlier, history=HISTORY)
    assert (found.estimate, found.raw, found.low, found.high, found.p) == (None,) * 5
    assert found.reason == reason


def test_days_that_are_none_cannot_be_compared() -> None:
    nothing = Side([1.0], days=0.0)
    assert change("counts", nothing, Side([1.0])).reason == "no_data"
    assert change("counts", Side([1.0]), nothing).reason == "no_data"
    assert change("flow", nothing, Side([1.0]), history=HISTORY).reason == "no_denominator"


def test_a_tiny_stock_or_a_day_is_enough() -> None:
    assert change("counts", Side([4.0], stock=0.5), Side([2.0], days=0.5)).reason is None
    assert change("flow", Side([4.0], stock=0.5), Side([2.0], days=0.5), history=HISTORY).reason is None
    assert (
        change("posts", Side([1.0, 2, 3, 4, 5], [0.1] * 5), Side([1.0, 2, 3, 4, 9], [0.1] * 5)).reason is None
    )


def test_overdispersed_counts_have_a_wider_score_interval_with_a_t_quantile() -> None:
    now, earlier = [1.0, 2, 3, 6], [2.0, 2, 2, 0]
    # about 3: 14/3; about 1.5: (0.25 · 3 + 2.25) / 1.5 = 2
    phi = (14 / 3 + 2) / 6
    assert change("counts", Side(now), Side(earlier)).dispersion == pytest.approx(phi)
    z = stats.t.isf(0.025, 6)

    def scores(count: float) -> tuple[float, float]:
        middle, half = count + z**2 / 2, z * math.sqrt(count + z**2 / 4)
        return phi * (middle - half), phi * (middle + half)

    (low, high), (low_earlier, high_earlier) = scores(12 / phi), scores(6 / phi)
    found = change("counts", Side(now), Side(earlier))
    assert found.estimate == 6.0
    assert found.low == pytest.approx(6 - math.hypot(12 - low, high_earlier - 6))
    assert found.high == pytest.approx(6 + math.hypot(high - 12, 6 - low_earlier))


def test_medians_of_units() -> None:
    found = change("units", Side([1.0, 5.0, 9.0]), Side([2.0, 4.0]))
    assert (found.estimate, found.raw, found.reason) == (3.0, 3.0, "few_units")
    for few, many in ((4, 5), (5, 4)):
        assert change("units", Side(range(few)), Side(range(2, 2 + many))).reason == "few_units"
    assert change("units", Side([1.0, 2, 3, 4, 5]), Side([2.0, 3, 4, 5, 6])).reason is None
    never = Side([5.0] * 3, [0.0] * 3)
    assert change("units", never, Side([1.0])).reason == "median_not_reached"
    assert change("units", Side([1.0]), never).reason == "median_not_reached"


def test_the_p_of_an_interval_is_where_it_touches_nothing() -> None:
    assert inverted(lambda level: (level - 0.3, 1.0), 0.5) == pytest.approx(0.3, rel=1e-5)
    assert inverted(lambda level: (-1.0, 0.3 - level), -0.5) == pytest.approx(0.3, rel=1e-5)
    assert inverted(lambda level: (-2.0, -1.0), -1.5) == 1e-12
    assert inverted(lambda level: (level - 1e-9, 1.0), 0.5) == pytest.approx(1e-9, rel=1e-5)


def test_a_value_alone_has_a_difference_and_no_interval() -> None:
    found = change("none", Side([9.0], days=28.0, stock=2.0), Side([8.0], days=31.0, stock=4.0))
    assert (found.estimate, found.raw) == (pytest.approx(4.5 - 8 * 28 / 31 / 4), 2.5)
    assert (found.low, found.high, found.p, found.reason) == (None, None, None, "no_interval")
    assert change("none", Side([9.0]), Side([8.0], days=2.0)).estimate == 5.0
    assert change("none", Side([9.0], days=2.0), Side([8.0])).estimate == -7.0
    assert change("none", Side([]), Side([8.0])).reason == "no_data"


def test_the_dispersion_of_days_and_of_weeks() -> None:
    # about 3: 4 + 1 + 0 + 9, over 3; and 1 + 1 + 1 + 9, over 3
    one, other = np.array([1.0, 2, 3, 6]), np.array([2.0, 2, 2, 6])
    assert dispersion_of(one) == (pytest.approx(14 / 9), 3)
    assert dispersion_of(one, other) == (pytest.approx(26 / 18), 6)
    assert dispersion_of(one, np.zeros(4)) == (pytest.approx(14 / 9), 3)
    assert dispersion_of(np.full(4, 3.0)) == (1.0, 3)
    assert dispersion_of(np.array([3.0]), np.array([5.0])) == (1.0, 0)
    # three weeks of 7, 21 and 35 after a day: about 21, 196 + 0 + 196, over 2
    weeks = np.concatenate([[3.0], np.ones(7), np.full(7, 3.0), np.full(7, 5.0)])
    assert dispersion_of(weeks) == (pytest.approx(2 * 196 / 21 / 2), 2)


def test_shares_of_trials() -> None:
    found = change("binary", Side([3.0, 5.0], [10.0, 10.0]), Side([1.0, 0.0, 0.0, 0.0]))
    assert (found.estimate, found.raw, found.method) == (pytest.approx(0.15), pytest.approx(0.15), "newcombe")
    assert change("binary", Side([0.0], [0.5]), Side([1.0], [2.0])).reason is None


def test_the_design_effect_is_the_variance_of_days_over_that_of_trials() -> None:
    # half of 16 in four days of 4: 4 0 4 0 about 2: 4/3 · 16 / 256 over 0.25 / 16
    alike = (np.array([4.0, 0.0, 4.0, 0.0]), np.full(4, 4.0))
    assert design_effect([alike]) == (pytest.approx((4 / 3 * 16 / 256) / (0.25 / 16)), 3)
    even = (np.array([2.0, 2.0, 2.0, 2.0]), np.full(4, 4.0))
    assert design_effect([even]) == (1.0, 3)
    both, free = design_effect([alike, even])
    assert (both, free) == (pytest.approx((4 / 3 * 16 / 256) / (2 * 0.25 / 16)), 6)
    assert design_effect([(np.array([4.0, 4.0]), np.full(2, 4.0))]) == (1.0, 1)


def test_days_that_are_alike_widen_the_interval_of_a_share() -> None:
    bad_days = Side([4.0] * 6 + [0.0] * 4, [4.0] * 10)
    mixed = Side([3.0, 2.0] * 4 + [2.0, 2.0], [4.0] * 10)
    whole = Side([24.0], [40.0])
    assert bad_days.values != mixed.values
    alike, plain = change("binary", bad_days, whole), change("binary", mixed, whole)
    assert alike.estimate == plain.estimate == 0.0
    assert alike.high - alike.low > 1.2 * (plain.high - plain.low)


def test_weekdays_are_compared_with_their_like() -> None:
    week = np.array([130.0, 125, 120, 110, 100, 60, 55])
    days = np.tile(week, 10)
    history = np.tile(week.sum(), 52) + np.random.default_rng(1).standard_normal(52)
    now, earlier = days[31:62], days[:31]  # the later month has other weekdays
    found = change("flow", Side(now), Side(earlier), history=history)
    assert found.raw == now.sum() - earlier.sum() != 0
    assert abs(found.estimate) < 0.01 * abs(found.raw)
    flat = weekday_factors([now, earlier], [np.arange(31, 62) % 7, np.arange(31) % 7])
    assert flat == pytest.approx(week / week.mean(), rel=0.02)
    noise = np.random.default_rng(2).lognormal(0, 1, (2, 28))
    assert abs(weekday_factors(list(noise), [np.arange(28) % 7] * 2) - 1).max() < 0.5


@pytest.mark.parametrize("weeks", [1, 2, 5, 12])
def test_the_variance_of_a_sum_of_weeks(weeks: int) -> None:
    whole = covariances(np.arange(weeks, dtype="int64")).sum(axis=(1, 2))
    assert _spread_of_sum(float(weeks)) == pytest.approx(whole)
    assert _spread_of_sum(2.5)[0] == 2.5
    assert len(whole) == len(KINDS)


def test_twelve_weeks_are_enough_for_a_flow_and_eight_months() -> None:
    sides = Side([16.0] * 28), Side([15.0] * 28)
    assert change("flow", *sides, history=[*HISTORY[:12], NAN]).reason is None
    short = change("flow", *sides, history=[*HISTORY[:11], NAN])
    assert (short.reason, short.estimate, short.raw) == ("short_history", 28.0, 28.0)
    assert change("flow", *sides, history=HISTORY[:8], step_days=30.4).reason is None
    assert change("flow", *sides, history=HISTORY[:7], step_days=30.4).reason == "short_history"
    still = change("flow", *sides, history=[5.0] * 12)
    assert (still.reason, still.estimate, still.raw, still.p) == ("no_variation", 28.0, 28.0, None)
    assert change("counts", *sides, history=HISTORY[:11]).method == "poisson"
    assert change("counts", *sides, history=HISTORY[:12]).method == "weekly_t"


def test_weeks_of_the_later_period_have_a_mean_of_their_own() -> None:
    """A rise that is asked about is no noise."""
    risen = [*HISTORY[:36], *(value + 60 for value in HISTORY[36:])]
    calm, loud = (
        change("flow", Side([24.0] * 28), Side([15.0] * 28), history=weeks) for weeks in (HISTORY, risen)
    )
    assert loud.high - loud.low < 1.3 * (calm.high - calm.low)


def test_periods_above_their_history_vary_more() -> None:
    usual = change("counts", Side([16.0] * 28), Side([14.0] * 28), history=HISTORY)
    grown = change("counts", Side([64.0] * 28), Side([56.0] * 28), history=HISTORY)
    swelling = (120 * 28 / 8) / np.mean(HISTORY) / max(1.0, (30 * 28 / 8) / np.mean(HISTORY))
    assert (grown.high - grown.low) / (usual.high - usual.low) == pytest.approx(math.sqrt(swelling))


def test_a_flow_that_remembers_has_a_wider_interval() -> None:
    rng = np.random.default_rng(6)
    weeks = rng.standard_normal(400)
    plain = 100 + weeks[-52:]
    for at in range(1, 400):
        weeks[at] = 0.8 * weeks[at - 1] + 0.6 * weeks[at]
    sides = Side([14.0] * 30), Side([14.0] * 30)
    near, far, calm = (
        change("flow", *sides, history=history, gap_days=gap)
        for history, gap in ((100 + weeks[-52:], 0), (100 + weeks[-52:], 335), (plain, 335))
    )
    assert far.high - far.low > near.high - near.low > 0
    assert far.high - far.low > 1.4 * (calm.high - calm.low)


def test_rates_are_of_sums_and_by_the_day() -> None:
    now, earlier = Side([1.0, 2, 3, 4], [10.0, 10, 10, 20]), Side([1.0, 1, 1, 1, 1], [10.0] * 5)
    found = change("posts", now, earlier)
    assert (found.estimate, found.raw, found.reason) == (pytest.approx(0.1), pytest.approx(0.1), "few_units")
    assert (found.low, found.high, found.p) == (None, None, None)
    assert change("posts", earlier, now).reason == "few_units"
    one_day = Side([1.0, 2, 3, 4, 5], [10.0] * 5, clusters=[3, 3, 3, 4, 4])
    assert change("posts", one_day, earlier).reason == "few_units"
    zero = Side([1.0] * 5, [0.0] * 5)
    assert change("posts", zero, earlier).reason == change("posts", earlier, zero).reason == "no_denominator"


def test_sums_over_posts_are_flows_of_their_days() -> None:
    rng = np.random.default_rng(3)
    days = rng.poisson(0.7, 364) * 400.0
    weeks = days.reshape(52, 7).sum(axis=1)
    sides = Side(days[-30:], stock=50.0), Side(days[-61:-30], stock=50.0)
    assert change("posts", *sides, history=weeks) == change("flow", *sides, history=weeks)
    assert change("posts", *sides).reason == "short_history"


def test_a_resample_without_a_denominator_stands_at_the_value_itself() -> None:
    side = read_side(Side([1.0, 2.0, 3.0], [0.0, 4.0, 8.0]))
    resampled = _ratio_of(side)(np.array([[3.0, 0, 0], [0, 2, 1], [2, 1, 0]]))
    assert resampled.tolist() == [6 / 12, 7 / 16, 4 / 4]


def test_units_of_one_day_are_drawn_together() -> None:
    rng = np.random.default_rng(9)
    days = np.repeat(np.arange(20), 5)
    hours = [rng.lognormal(2 + rng.standard_normal(20)[days], 0.3) for _ in "ab"]
    alone = change("units", *(Side(values) for values in hours))
    together = change("units", *(Side(values, clusters=days) for values in hours))
    assert together.estimate == alone.estimate
    assert together.high - together.low > 1.4 * (alone.high - alone.low)


def test_percentiles_of_small_samples_are_further_out() -> None:
    # 5 and 10: √(5/4) of t with 13 degrees of freedom, 2.160369 in a printed table
    exact = _widening(5, 10, exact=True)
    assert exact(0.025) == pytest.approx(stats.norm.sf(math.sqrt(1.25) * 2.160369), rel=1e-5)
    assert exact(0.025) == _widening(10, 5, exact=True)(0.025)
    assert _widening(5, 10, exact=False)(0.025) == pytest.approx(stats.norm.sf(0.97 * 2.160369), rel=1e-5)


@pytest.mark.parametrize(
    ("first", "second"), [((0, 9), (9, 9)), ((56, 70), (48, 80)), ((3.2, 40.5), (0, 12.5))]
)
def test_intervals_of_differences_are_those_of_statsmodels(
    first: tuple[float, float], second: tuple[float, float]
) -> None:
    z = critical_value(0.05, 0)
    shares = interval_of_difference(wilson(*first, z), wilson(*second, z))
    assert shares == pytest.approx(
        confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")
    )
    rates = interval_of_difference(poisson_score(*first, z), poisson_score(*second, z))
    expected = confint_poisson_2indep(*first, *second, method="mover", compare="diff", method_mover="score")
    assert rates == pytest.approx(expected)


# ---------------------------------------------------------------- ratios of two sums


def ratio_of(
    now: tuple[np.ndarray, np.ndarray], earlier: tuple[np.ndarray, np.ndarray], weeks: int = 52, seed: int = 1
) -> Change:
    random = np.random.default_rng(seed)
    below = random.poisson(100, weeks).astype(float)
    above = 15 * below * random.lognormal(0, 0.1, weeks)
    sides = (
        Side(*side, days=float(len(side[0])), clusters=np.arange(len(side[0]))) for side in (now, earlier)
    )
    return change("ratio", *sides, history=above, below=below)


DAYS = np.arange(1.0, 31.0)


def test_the_change_of_a_ratio_is_that_of_its_sums() -> None:
    found = ratio_of((20 * DAYS, DAYS + 1), (15 * DAYS, DAYS))
    assert found.estimate == found.raw == pytest.approx(20 * DAYS.sum() / (DAYS + 1).sum() - 15)
    assert (found.method, found.reason) == ("weekly_t", None)
    assert found.low is not None and found.high is not None
    assert found.estimate == pytest.approx((found.low + found.high) / 2)


def test_a_ratio_per_thousand_is_a_thousand_times_as_much() -> None:
    one, thousand = (
        ratio_of((20 * DAYS, 10 * DAYS / per), (15 * DAYS, 10 * DAYS / per)) for per in (1.0, 1000.0)
    )
    assert thousand.estimate == pytest.approx(1000 * (one.estimate or 0.0))


def test_the_interval_of_a_ratio_scales_with_its_unit() -> None:
    random = np.random.default_rng(3)
    below, above = random.poisson(100, 52).astype(float), random.normal(1500.0, 100.0, 52)
    found = []
    for per in (1.0, 1000.0):
        sides = (Side(k * DAYS, DAYS / per, days=30.0, clusters=np.arange(30)) for k in (16, 15))
        found.append(change("ratio", *sides, history=above, below=below / per))
    one, thousand = found
    assert thousand.high == pytest.approx(1000 * (one.high or 0.0))
    assert thousand.p == pytest.approx(one.p)


def test_with_little_history_a_ratio_is_drawn_by_days() -> None:
    random = np.random.default_rng(2)
    found = ratio_of((random.normal(300, 30, 30), DAYS), (random.normal(250, 30, 30), DAYS), weeks=11)
    assert found.method == "bootstrap"
    assert ratio_of((DAYS[:4], DAYS[:4]), (DAYS[:4], DAYS[:4])).reason == "few_units"
    assert ratio_of((DAYS, 0 * DAYS), (DAYS, DAYS)).reason == "no_denominator"


def test_a_ratio_whose_weeks_vary_is_no_change_though_days_say_so() -> None:
    """A dear week after cheap ones: days drawn one by one find a change, past weeks like it do not."""
    random = np.random.default_rng(5)
    factors = np.repeat(random.lognormal(0, 0.4, 57), 7)
    below = random.poisson(10, 57 * 7).astype(float)
    above = 15 * factors * 10 * random.lognormal(0, 0.05, 57 * 7)
    sides = [(above[-28:], below[-28:]), (above[-56:-28], below[-56:-28])]
    weekly = [part[-364:].reshape(-1, 7).sum(axis=1) for part in (above, below)]
    both = [Side(*side, days=28.0, clusters=np.arange(28)) for side in sides]
    by_weeks = change("ratio", *both, history=weekly[0], below=weekly[1])
    by_days = change("posts", *both)
    assert by_days.p is not None and by_weeks.p is not None and by_weeks.p > by_days.p
    assert (by_weeks.high or 0) - (by_weeks.low or 0) > (by_days.high or 0) - (by_days.low or 0)
