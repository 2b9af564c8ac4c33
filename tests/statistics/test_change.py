"""Changes: estimates worked out by hand, and intervals by another way than the kit's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from kpi_kit.statistics import Side, change
from kpi_kit.statistics.calibration import null
from kpi_kit.statistics.change import (
    _dispersion,
    _narrowing,
    _ratio_of,
    _read,
    _spread_of_sum,
    _widening,
    inverted,
    weekly_noise,
)

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


def test_the_dispersion_of_days() -> None:
    # about 3: 4 + 1 + 0 + 9, over 3; and 1 + 1 + 1 + 9, over 3
    one, other = np.array([1.0, 2, 3, 6]), np.array([2.0, 2, 2, 6])
    assert _dispersion(one) == (pytest.approx(14 / 9), 3)
    assert _dispersion(one, other) == (pytest.approx(26 / 18), 6)
    assert _dispersion(one, np.zeros(4)) == (pytest.approx(14 / 9), 3)
    assert _dispersion(np.full(4, 3.0)) == (1.0, 3)
    assert _dispersion(np.array([3.0]), np.array([5.0])) == (1.0, 0)


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


def test_shares_of_trials() -> None:
    found = change("binary", Side([3.0, 5.0], [10.0, 10.0]), Side([1.0, 0.0, 0.0, 0.0]))
    assert (found.estimate, found.raw, found.method) == (pytest.approx(0.15), pytest.approx(0.15), "newcombe")
    assert change("binary", Side([0.0], [0.5]), Side([1.0], [2.0])).reason is None


def test_posts_are_ratios_of_sums_or_sums_by_the_day() -> None:
    now, earlier = Side([1.0, 2, 3, 4], [10.0, 10, 10, 20]), Side([1.0, 1, 1, 1, 1], [10.0] * 5)
    found = change("posts", now, earlier)
    assert (found.estimate, found.raw, found.reason) == (pytest.approx(0.1), pytest.approx(0.1), "few_units")
    assert (found.low, found.high, found.p) == (None, None, None)
    assert change("posts", earlier, now).reason == "few_units"
    sums = change("posts", Side([1.0, 2, 3, 4], days=28.0, stock=2.0), Side([6.0, 8.0], days=31.0, stock=4.0))
    assert (sums.estimate, sums.raw) == (pytest.approx(5 - 14 * 28 / 31 / 4), 1.5)
    plain = change("posts", Side([1.0, 2, 3, 4]), Side([6.0, 8.0]))
    assert (plain.estimate, plain.raw) == (-4.0, -4.0)
    five = change("posts", Side([1.0, 2, 3, 4, 5]), Side([1.0, 1, 2, 1, 1]))
    assert (five.reason, five.estimate) == (None, 9.0)
    for no_stock in (Side([1.0] * 5, [1.0] * 5, stock=0.0), Side([1.0] * 5, stock=0.0)):
        assert change("posts", no_stock, Side([1.0] * 5)).reason == "no_denominator"
        assert change("posts", Side([1.0] * 5), no_stock).reason == "no_denominator"
    ratio, no_stock = (Side([1.0] * 5, [1.0] * 5, stock=stock) for stock in (0.5, 0.0))
    assert (
        change("posts", ratio, no_stock).reason == change("posts", no_stock, ratio).reason == "no_denominator"
    )


def test_a_resample_without_a_denominator_stands_at_the_value_itself() -> None:
    side = _read(Side([1.0, 2.0, 3.0], [0.0, 4.0, 8.0]))
    resampled = _ratio_of(side, 12.0)(np.array([[0, 0, 0], [1, 1, 2], [0, 1, 0]]))
    assert resampled.tolist() == [6 / 12, 7 / 16, 4 / 4]
    assert _ratio_of(_read(Side([1.0, 2.0, 3.0])), 4.0)(np.array([[0, 0, 2]])).tolist() == [5 / 4]


def test_medians_of_units() -> None:
    found = change("units", Side([1.0, 5.0, 9.0]), Side([2.0, 4.0]))
    assert (found.estimate, found.raw, found.reason) == (3.0, 3.0, "few_units")
    for few, many in ((4, 5), (5, 4)):
        assert change("units", Side(range(few)), Side(range(2, 2 + many))).reason == "few_units"
    assert change("units", Side([1.0, 2, 3, 4, 5]), Side([2.0, 3, 4, 5, 6])).reason is None
    never = Side([5.0] * 3, [0.0] * 3)
    assert change("units", never, Side([1.0])).reason == "median_not_reached"
    assert change("units", Side([1.0]), never).reason == "median_not_reached"


def test_a_bootstrap_has_as_many_resamples_as_give_its_smallest_p() -> None:
    far = change("posts", Side([100.0, 101, 102, 103, 104, 105]), Side([1.0, 2, 3, 2, 1, 2]))
    assert far.p == 1 / 3000
    assert 0 < far.low < far.estimate < far.high


def test_the_interval_of_eight_posts_is_that_of_a_t_and_not_the_narrow_one_of_medians() -> None:
    rng = np.random.default_rng(12)
    now, earlier = rng.normal(20, 3, 8), rng.normal(10, 2, 8)
    found = change("posts", Side(now), Side(earlier))
    # a resampled sum of n units varies by n times their variance; 2.144787 is t with 14 degrees of freedom
    spread = math.sqrt(8 * now.var() + 8 * earlier.var())
    assert (found.high - found.low) / 2 == pytest.approx(math.sqrt(8 / 7) * 2.144787 * spread, rel=0.07)


def test_percentiles_of_small_samples_are_further_out() -> None:
    # 5 and 10: √(5/4) of t with 13 degrees of freedom, 2.160369 in a printed table
    assert _widening(5, 10)(0.025) == pytest.approx(stats.norm.sf(math.sqrt(1.25) * 2.160369), rel=1e-5)
    assert _widening(10, 5)(0.025) == _widening(5, 10)(0.025)
    assert _narrowing(0.025) == pytest.approx(stats.norm.sf(0.95 * 1.959964), rel=1e-5)


def test_the_p_of_an_interval_is_where_it_touches_nothing() -> None:
    assert inverted(lambda level: (level - 0.3, 1.0), 0.5) == pytest.approx(0.3, rel=1e-5)
    assert inverted(lambda level: (-1.0, 0.3 - level), -0.5) == pytest.approx(0.3, rel=1e-5)
    assert inverted(lambda level: (-2.0, -1.0), -1.5) == 1e-12
    assert inverted(lambda level: (level - 1e-9, 1.0), 0.5) == pytest.approx(1e-9, rel=1e-5)


def test_the_noise_of_weeks_is_what_a_line_leaves() -> None:
    history = np.array([NAN, NAN, *HISTORY[:15], NAN, *HISTORY[15:], NAN])
    sigma, rho, free = weekly_noise(history)
    at = np.array([*range(15), *range(16, 41)], dtype=float)
    slope = np.median([(y - x) / (b - a) for i, (a, x) in enumerate(zip(at, HISTORY, strict=True))
                       for b, y in zip(at[i + 1 :], HISTORY[i + 1 :], strict=True)])  # fmt: skip
    left = HISTORY - slope * at
    left = left - left.mean()
    assert 0.3 < rho < 0.95
    # what a line takes from noise of the correlation matrix R is the trace of its hat matrix times R
    design = np.column_stack([np.ones(40), at])
    hat = design @ np.linalg.inv(design.T @ design) @ design.T
    taken = np.trace(hat @ rho ** np.abs(np.subtract.outer(at, at)))
    assert sigma == pytest.approx(math.sqrt((left**2).sum() / (40 - taken)))
    assert free == pytest.approx(max(3, 40 * (1 - rho**2) / (1 + rho**2) - 2))
    assert weekly_noise(np.full(20, 4.0)) == (0.0, 0.0, 1.0)
    # noise that swings has a ρ under 0, but never under −0.2
    swinging = np.tile([10.0, 11.0, 10.2, 11.1], 10)
    assert weekly_noise(swinging)[1:] == (-0.2, pytest.approx(40 * 0.96 / 1.04 - 2))


def test_noise_that_swings_a_little_has_the_rho_that_is_missing_from_none() -> None:
    weeks = np.random.default_rng(3).standard_normal(30)
    at = np.arange(30.0)
    slope = stats.theilslopes(weeks, at).slope
    left = weeks - slope * at - (weeks - slope * at).mean()
    below = (left[1:] * left[:-1]).sum() / (left**2).sum() - null("trend", 30).r1[0]
    assert -0.19 < below < -0.02
    assert weekly_noise(weeks)[1] == pytest.approx(below)


def test_weeks_that_wander_leave_three_degrees_of_freedom() -> None:
    assert weekly_noise(np.array([0.0, 1, 3, 6, 10, 10, 9, 7, 4, 0]))[1:] == (0.95, 3.0)


@pytest.mark.parametrize("weeks", [1, 2, 5, 12])
@pytest.mark.parametrize("rho", [-0.2, 0.0, 0.6])
def test_the_variance_of_a_sum_of_weeks(weeks: int, rho: float) -> None:
    at = np.arange(weeks)
    assert _spread_of_sum(float(weeks), rho) == pytest.approx(
        (rho ** np.abs(np.subtract.outer(at, at))).sum()
    )


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("stock", [1.0, 50.0])
def test_the_interval_of_a_flow_is_that_of_a_difference_of_sums_that_remember(gap: int, stock: float) -> None:
    now, earlier = Side([16.0] * 28, stock=stock), Side([15.0] * 21, stock=2 * stock)
    found = change("flow", now, earlier, history=HISTORY, gap_days=7.0 * gap)
    sigma, rho, free = weekly_noise(np.array(HISTORY))
    # three weeks, a gap, four weeks, each by what divides it
    weights = np.array([-1 / (2 * stock * 21 / 28)] * 3 + [0.0] * gap + [1 / stock] * 4)
    at = np.arange(len(weights))
    error = sigma * math.sqrt(weights @ rho ** np.abs(np.subtract.outer(at, at)) @ weights)
    estimate = 448 / stock - 315 * 28 / 21 / (2 * stock)
    reach = error * stats.t.isf(0.025, free)
    assert (found == change("flow", now, earlier, history=HISTORY)) is (gap == 0)
    assert found.estimate == pytest.approx(estimate)
    assert (found.low, found.high) == (pytest.approx(estimate - reach), pytest.approx(estimate + reach))
    assert found.p == pytest.approx(2 * stats.t.sf(estimate / error, free))


def test_ten_weeks_are_enough_for_a_flow() -> None:
    sides = Side([16.0] * 28), Side([15.0] * 28)
    assert change("flow", *sides, history=[*HISTORY[:10], NAN]).reason is None
    short = change("flow", *sides, history=[*HISTORY[:9], NAN])
    assert (short.reason, short.estimate, short.raw) == ("short_history", 28.0, 28.0)
    still = change("flow", *sides, history=[5.0] * 10)
    assert (still.reason, still.estimate, still.raw, still.p) == ("no_variation", 28.0, 28.0, None)


def test_a_value_alone_has_a_difference_and_no_interval() -> None:
    found = change("none", Side([9.0], days=28.0, stock=2.0), Side([8.0], days=31.0, stock=4.0))
    assert (found.estimate, found.raw) == (pytest.approx(4.5 - 8 * 28 / 31 / 4), 2.5)
    assert (found.low, found.high, found.p, found.reason) == (None, None, None, "no_interval")
    assert change("none", Side([9.0]), Side([8.0], days=2.0)).estimate == 5.0
    assert change("none", Side([9.0], days=2.0), Side([8.0])).estimate == -7.0
    assert change("none", Side([]), Side([8.0])).reason == "no_data"
