"""Unusual days: each step of the pattern by hand, and the two bounds to the very count."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kpi_kit.statistics import unusual_days
from kpi_kit.statistics.unusual import _dispersion, _factors, _far, _level, _pattern, _without_peaks

ALL = np.ones(200, dtype=bool)
ONES = np.ones(200)


def tricube(days: float) -> float:
    return (1 - (days / 29) ** 3) ** 3


# 100 every day: nothing varies, so all doubt is about the level, which stands on the 28 days on either side,
# and about the weekday: of 100 days 15 are that of the 51st, which is itself left out
STANDS_ON = 200 * sum(tricube(days) for days in range(1, 29))
SIZE = 1 / (1 / (STANDS_ON + 0.5) + 1 / (1400 + 0.5))
DAY = stats.nbinom(SIZE, SIZE / (SIZE + 100))
MANY = next(count for count in range(100, 400) if DAY.sf(count - 1) < 5e-5)
FEW = max(count for count in range(100) if DAY.cdf(count) < 1e-4)


@pytest.mark.parametrize(
    ("count", "outside"), [(MANY, 1), (MANY - 1, 0), (FEW, -1), (FEW + 1, 0), (300, 1), (0, -1)]
)
def test_the_bounds_are_tails_of_a_negative_binomial(count: int, outside: int) -> None:
    counts = np.full(100, 100.0)
    counts[50] = count
    found = unusual_days(counts)
    assert np.flatnonzero(found.outside).tolist() == ([50] if outside else [])
    assert found.outside[50] == outside
    if outside:
        assert (found.low[50], found.high[50]) == (DAY.ppf(0.005), DAY.ppf(0.995))
        assert np.isnan(np.delete(found.low, 50)).all() and np.isnan(np.delete(found.high, 50)).all()


def test_eight_weeks_are_enough() -> None:
    assert unusual_days([7.0] * 56).reason is None
    assert unusual_days([7.0] * 55 + [np.nan]).reason == "short_history"


def test_the_level_is_a_straight_line_through_the_days_around() -> None:
    line = 100.0 + 2.0 * np.arange(200)
    level, _ = _level(line, ALL, ONES)
    assert level == pytest.approx(line)
    falling, _ = _level(line[::-1], ALL, ONES)
    assert falling == pytest.approx(line[::-1])
    weekdays = np.tile([2.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5], 29)[:200]
    level, _ = _level(line * weekdays, ALL, weekdays)
    assert level == pytest.approx(line)
    spoilt, counted = line.copy(), ALL.copy()
    spoilt[90], counted[90] = 1e6, False
    assert _level(spoilt, counted, ONES)[0] == pytest.approx(line)


def test_a_level_stands_on_the_days_around_but_not_on_the_day_itself() -> None:
    lone = np.zeros(200)
    lone[100] = 1.0
    _, events = _level(lone, ALL, ONES)
    assert events[[71, 72, 99, 100, 101, 128, 129]] == pytest.approx(
        [0, tricube(28), tricube(1), 0, tricube(1), tricube(28), 0], abs=1e-12
    )


def test_a_level_of_few_days_is_their_mean_and_its_line_is_held() -> None:
    one = np.zeros(200, dtype=bool)
    one[100] = True
    level, _ = _level(np.full(200, 10.0), one, ONES)
    # half an event in half a day is added to both
    assert level[105] == pytest.approx((10 * tricube(5) + 0.5) / (tricube(5) + 0.5))
    assert level[150] == 1.0  # nothing within reach
    two = one.copy()
    two[101] = True
    series = np.zeros(200)
    series[100] = 30.0
    mean = (30 * tricube(10) + 0.5) / (tricube(10) + tricube(9) + 0.5)
    assert _level(series, two, ONES)[0][110] == pytest.approx(mean / 3)  # the line is far below 0 there
    mean = (30 * tricube(10) + 0.5) / (tricube(10) + tricube(11) + 0.5)
    assert _level(series, two, ONES)[0][90] == pytest.approx(mean * 3)  # and far above 30 here


def test_the_factors_of_the_weekdays() -> None:
    day = np.arange(14) % 7
    series = np.full(14, 10.0)
    series[[0, 7]] = 20.0
    factor, events = _factors(series, ALL[:14], np.full(14, 10.0), day)
    assert events.tolist() == [40, 20, 20, 20, 20, 20, 20]
    # (40 + ½) / (20 + ½) and six times 1, over their mean: (40.5 + 6 · 20.5) / 20.5 / 7
    assert factor == pytest.approx([40.5 * 7 / 163.5] + [20.5 * 7 / 163.5] * 6)
    counted = ALL[:14].copy()
    counted[7] = False
    factor, events = _factors(series, counted, np.full(14, 10.0), day)
    assert events.tolist() == [20] * 7
    assert factor[0] / factor[1] == pytest.approx((20.5 / 10.5) / (20.5 / 20.5))


def test_dispersion_is_what_chance_does_not_explain() -> None:
    expected = np.full(4, 10.0)
    # 400 + 100 + 0 + 100 less 4 · 10, over 4 · 100
    assert _dispersion(np.array([30.0, 0, 10, 0]), ALL[:4], expected) == pytest.approx(1.4)
    assert _dispersion(np.array([14.0, 6, 10, 10]), ALL[:4], expected) == 0.0
    without = np.array([False, True, True, True])  # 100 + 0 + 100 − 30, over 300
    assert _dispersion(np.array([30.0, 0, 10, 0]), without, expected) == pytest.approx(170 / 300)


def test_what_is_far_off() -> None:
    series, expected, known = np.full(100, 100.0), np.full(100, 100.0), ALL[:100].copy()
    series[[10, 20, 30]] = 136.0, 134.0, 64.0  # 3.6, 3.4 and 3.6 of √100
    assert np.flatnonzero(_far(series, known, expected, 0.0)).tolist() == [10, 30]
    assert not _far(series, known, expected, 0.01).any()  # √(100 + 0.01 · 100²) is 14.1
    series[:5] = 200.0  # never more than three in a hundred
    assert not _far(series, known, expected, 0.0).any()
    known[2:5] = False  # three of five are not known: two are left, of 97
    assert _far(series, known, expected, 0.0)[:2].all()


def test_peaks_are_cut_at_four_times_the_median_of_eight_weeks() -> None:
    flat = np.full(100, 5.0)
    flat[50] = 100.0
    assert _without_peaks(flat, ALL[:100])[[49, 50, 51]].tolist() == [5, 30, 5]
    for days, cut in ((29, 100.0), (28, 10.0)):  # 29 of the 57 days around are more than half, 28 are not
        burst = np.zeros(200)
        burst[60 : 60 + days] = 100.0
        assert _without_peaks(burst, ALL)[74] == cut
    unknown = np.zeros(100, dtype=bool)
    unknown[50] = True
    assert _without_peaks(flat, unknown)[50] == 100.0  # the only day that is known is its own median
    assert _without_peaks(flat, ~ALL[:100])[50] == 10.0


def test_the_doubt_about_a_pattern_is_that_of_the_days_and_of_what_they_are_measured_by() -> None:
    day = np.arange(70) % 7
    _, spread = _pattern(np.full(70, 2.0), ALL[:70], day)  # nothing varies
    assert spread[35] == pytest.approx(1 / (STANDS_ON / 50 + 0.5) + 1 / (20 + 0.5))
    series = np.random.default_rng(2).choice([80.0, 120.0], 70)  # one deviation off: no day is far off
    expected, spread = _pattern(series, ALL[:70], day)
    assert expected == pytest.approx(np.full(70, 100.0), rel=0.25)
    varies = ((series - expected) ** 2 - expected).sum() / (expected**2).sum()
    for place in (0, 35, 69):
        reach = [k for k in range(70) if 0 < abs(k - place) <= 28]
        events = sum(tricube(abs(k - place)) * series[k] for k in reach)
        of_weekday = series[day == place % 7].sum()
        by_hand = varies * (1 + 4 / 28) + 1 / (events + 0.5) + 1 / (of_weekday + 0.5)
        assert spread[place] == pytest.approx(by_hand)
