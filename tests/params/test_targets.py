"""Targets: what is asked of a period, how far it was attained, what is paid."""

from __future__ import annotations

import datetime as dt
import itertools
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kpi_kit.core.periods import Grain, Period
from kpi_kit.params.targets import Goal, Kind, Milestone, Schedule, Scoring, Target

UP, DOWN, BAND = Kind.AT_LEAST, Kind.AT_MOST, Kind.BETWEEN
P = Period.parse


def at_least(value: float, base: float = 0.0) -> Target:
    return Target(UP, value, base)


def at_most(value: float, base: float | None = None) -> Target:
    return Target(DOWN, value, 2 * value if base is None else base)


def band(low: float, high: float) -> Target:
    return Target(BAND, (low, high), None)


# attainment ------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "fact", "attained", "attainment"),
    [
        # a = (fact - base) / (target - base), not below 0, not capped
        pytest.param(at_least(40.0), 0.0, False, 0.0, id="at least, nothing"),
        pytest.param(at_least(40.0), 10.0, False, 0.25, id="at least, a quarter"),
        pytest.param(at_least(40.0), 40.0, True, 1.0, id="at least, met exactly"),
        pytest.param(at_least(40.0), 100.0, True, 2.5, id="at least, beyond the cap"),
        pytest.param(at_least(40.0), -10.0, False, 0.0, id="at least, below the base"),
        pytest.param(at_least(100.0, 80.0), 80.0, False, 0.0, id="worst, at the base"),
        pytest.param(at_least(100.0, 80.0), 90.0, False, 0.5, id="worst, half way"),
        pytest.param(at_least(100.0, 80.0), 79.0, False, 0.0, id="worst, below"),
        pytest.param(at_least(-5.0, -10.0), -6.0, False, 0.8, id="at least, both negative"),
        pytest.param(at_least(0.0, -10.0), -2.5, False, 0.75, id="at least zero, with a worst"),
        pytest.param(at_least(1.0, 1.0), 1.0, True, None, id="no way to go"),
        pytest.param(at_most(4.0), 0.0, True, 2.0, id="at most, nothing: twice"),
        pytest.param(at_most(4.0), 4.0, True, 1.0, id="at most, met exactly"),
        pytest.param(at_most(4.0), 6.0, False, 0.5, id="at most, half way to twice"),
        pytest.param(at_most(4.0), 8.0, False, 0.0, id="at most, twice"),
        pytest.param(at_most(4.0), 80.0, False, 0.0, id="at most, beyond the worst"),
        pytest.param(at_most(4.0, 5.0), 4.25, False, 0.75, id="at most, own worst"),
        pytest.param(at_most(0.0, 10.0), 0.0, True, 1.0, id="at most zero, none"),
        pytest.param(at_most(0.0, 10.0), 4.0, False, 0.6, id="at most zero, with a worst"),
        pytest.param(at_most(-5.0, 5.0), -10.0, True, 1.5, id="at most, negative"),
        pytest.param(at_most(0.0, 0.0), 3.0, False, None, id="at most, no way to go"),
        # inside 1, falling to 0 half the band's width outside
        pytest.param(band(20.0, 60.0), 20.0, True, 1.0, id="band, lower bound"),
        pytest.param(band(20.0, 60.0), 60.0, True, 1.0, id="band, upper bound"),
        pytest.param(band(20.0, 60.0), 33.0, True, 1.0, id="band, inside"),
        pytest.param(band(20.0, 60.0), 15.0, False, 0.75, id="band, 5 of 20 under"),
        pytest.param(band(20.0, 60.0), 70.0, False, 0.5, id="band, 10 of 20 over"),
        pytest.param(band(20.0, 60.0), 80.0, False, 0.0, id="band, half a width over"),
        pytest.param(band(20.0, 60.0), 0.0, False, 0.0, id="band, half a width under"),
        pytest.param(band(20.0, 60.0), 1e9, False, 0.0, id="band, far over"),
    ],
)
def test_attainment(target, fact, attained, attainment):
    assert target.attained(fact) is attained
    found = target.attainment(fact)
    assert found is None if attainment is None else found == pytest.approx(attainment, abs=1e-12)


amounts = st.floats(0.01, 1e6)
facts = st.floats(-1e6, 1e6)
targets = st.one_of(
    st.builds(lambda value, way: at_least(value, value - way), facts, amounts),
    st.builds(lambda value, way: at_most(value, value + way), facts, amounts),
    st.builds(lambda low, width: band(low, low + width), facts, amounts),
)


@given(targets, facts)
def test_attained_means_full_attainment(target, fact):
    attainment = target.attainment(fact)
    assert attainment is not None and attainment >= 0
    if target.attained(fact):
        assert attainment >= 1 - 1e-6
    else:
        assert attainment <= 1 + 1e-6


@given(targets, facts, facts)
def test_more_of_the_good_is_never_less_attainment(target, first, second):
    low, high = sorted((first, second))
    if target.kind is UP:
        assert target.attainment(low) <= target.attainment(high)
    elif target.kind is DOWN:
        assert target.attainment(low) >= target.attainment(high)


@given(targets, facts, st.sampled_from([0.001, 0.5, 4.0, 100.0]))
def test_attainment_does_not_depend_on_the_unit(target, fact, factor):
    scaled = target.scaled(Fraction(factor))
    assert scaled.attainment(fact * factor) == pytest.approx(target.attainment(fact), rel=1e-3, abs=1e-3)


# goals and grains ------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "period", "factor"),
    [
        pytest.param("month", "2025-10", 1, id="same grain"),
        pytest.param("month", "2025-02", 1, id="short month, still one"),
        pytest.param("month", "2025-Q4", 3, id="month to quarter"),
        pytest.param("month", "2025", 12, id="month to year"),
        pytest.param("quarter", "2025", 4, id="quarter to year"),
        pytest.param("year", "2025-10", Fraction(31, 365), id="year to month"),
        pytest.param("year", "2024-02", Fraction(29, 366), id="leap year to February"),
        pytest.param("year", "2025-Q4", Fraction(92, 365), id="year to quarter"),
        pytest.param("quarter", "2025-10", Fraction(31, 92), id="quarter to month"),
        pytest.param("quarter", "2025-02", Fraction(28, 90), id="first quarter to February"),
        pytest.param("week", "2025-10", Fraction(31, 7), id="week to month"),
        pytest.param("week", "2025-Q4", Fraction(92, 7), id="week to quarter"),
        pytest.param("week", "2025", Fraction(365, 7), id="week to year"),
        pytest.param("month", "2025-W41", Fraction(7, 31), id="month to a week inside it"),
        pytest.param("month", "2025-W40", Fraction(2, 30) + Fraction(5, 31), id="month to a week across two"),
        pytest.param("year", "2025-W01", Fraction(2, 366) + Fraction(5, 365), id="year to a week across two"),
    ],
)
def test_goals_of_accruing_kpis_scale_and_others_stand(per, period, factor):
    for target in (at_least(50.0), at_least(50.0, 20.0), at_most(8.0, 12.0)):
        goal = Goal(target, Grain(per))
        asked = goal.at(P(period), accruing=True)
        assert asked.kind is target.kind
        assert asked.value == pytest.approx(float(target.value * factor))
        assert asked.base == pytest.approx(float(target.base * factor))
        assert goal.at(P(period), accruing=False) == target
    asked = Goal(band(10.0, 30.0), Grain(per)).at(P(period), accruing=True)
    assert asked.kind is BAND and asked.base is None
    assert asked.value == pytest.approx((float(10 * factor), float(30 * factor)))


def test_whole_targets_stay_whole():
    assert Goal(at_least(365.0), Grain.YEAR).at(P("2025-10"), accruing=True).value == 31.0
    assert Goal(at_least(70.0), Grain.WEEK).at(P("2025-10"), accruing=True).value == 310.0
    assert Goal(at_least(0.1)).at(P("2025-Q4"), accruing=True).value == 0.1 * 3


def test_a_month_is_the_grain_where_none_is_given():
    assert Goal(at_least(10.0)).at(P("2025-10"), accruing=True) == at_least(10.0)


@given(st.sampled_from(Grain), st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)))
def test_months_of_a_goal_add_up_to_the_quarter(per, day):
    quarter = Period.containing(day, Grain.QUARTER)
    goal = Goal(at_least(90.0), per)
    months = [goal.at(month, accruing=True).value for month in quarter.parts(Grain.MONTH)]
    assert sum(months) == pytest.approx(goal.at(quarter, accruing=True).value)


# schedules ------------------------------------------------------------


def schedule(**given: Target) -> Schedule:
    return Schedule({P(name[1:].replace("_", "-")): target for name, target in given.items()})


MONTHS = schedule(
    p2025_09=at_least(30.0), p2025_10=at_least(62.0, 31.0), p2025_11=at_least(60.0), p2025_12=at_least(93.0)
)


@pytest.mark.parametrize(
    ("plan", "period", "accruing", "value", "base"),
    [
        pytest.param(schedule(), "2025-10", True, None, None, id="empty, accruing"),
        pytest.param(schedule(), "2025-10", False, None, None, id="empty, not accruing"),
        pytest.param(MONTHS, "2025-10", True, 62.0, 31.0, id="its month"),
        pytest.param(MONTHS, "2025-10", False, 62.0, 31.0, id="its month, not accruing"),
        pytest.param(MONTHS, "2025-08", True, None, None, id="before"),
        pytest.param(MONTHS, "2026-01", False, None, None, id="after"),
        pytest.param(
            MONTHS, "2025-Q4", True, 62.0 + 60.0 + 93.0, 31.0, id="a quarter is the sum of its months"
        ),
        pytest.param(MONTHS, "2025-Q4", False, 93.0, 0.0, id="not accruing: the last day's target stands"),
        pytest.param(MONTHS, "2025-Q3", True, None, None, id="a quarter with two months missing"),
        pytest.param(
            MONTHS, "2025-Q3", False, 30.0, 0.0, id="only the last day counts where nothing accrues"
        ),
        pytest.param(MONTHS, "2025", True, None, None, id="a year with months missing"),
        pytest.param(MONTHS, "2025", False, 93.0, 0.0, id="a year, not accruing"),
        pytest.param(MONTHS, "2025-W41", True, 62.0 * 7 / 31, 7.0, id="a week inside"),
        pytest.param(
            MONTHS, "2025-W40", True, 30.0 * 2 / 30 + 62.0 * 5 / 31, 5.0, id="a week across two months"
        ),
        pytest.param(MONTHS, "2025-W40", False, 62.0, 31.0, id="a week across two months, not accruing"),
        pytest.param(
            schedule(p2025_06=at_least(6.0)),
            "2025-W22",
            False,
            6.0,
            0.0,
            id="a week that ends on a month's first day",
        ),
        pytest.param(MONTHS, "2025-W36", True, 7.0, 0.0, id="the first week of September 2025 is whole"),
        pytest.param(MONTHS, "2025-W35", True, None, None, id="a week that is only in part asked"),
        pytest.param(MONTHS, "2026-W01", True, None, None, id="the last week, in part"),
        pytest.param(MONTHS, "2026-W01", False, None, None, id="the last week ends after it"),
        pytest.param(
            schedule(p2025_Q4=at_least(92.0)), "2025-10", True, 31.0, 0.0, id="a month of a quarter"
        ),
        pytest.param(
            schedule(p2025_Q4=at_least(92.0)), "2025-10", False, 92.0, 0.0, id="a month, not accruing"
        ),
        pytest.param(
            schedule(p2025_Q3=at_least(46.0), p2025_10=at_least(31.0)),
            "2025-W40",
            True,
            46 * 2 / 92 + 5.0,
            0.0,
            id="grains mixed",
        ),
    ],
)
def test_schedule(plan, period, accruing, value, base):
    asked = plan.at(P(period), accruing)
    if value is None:
        assert asked is None
    else:
        assert (asked.value, asked.base) == pytest.approx((value, base))


def test_bands_and_ceilings_are_summed_too():
    asked = schedule(p2025_10=band(1.0, 3.0), p2025_11=band(2.0, 5.0), p2025_12=band(3.0, 7.0)).at(
        P("2025-Q4"), True
    )
    assert asked == Target(BAND, (6.0, 15.0), None)
    asked = schedule(p2025_10=at_most(1.0), p2025_11=at_most(2.0, 9.0), p2025_12=at_most(3.0)).at(
        P("2025-Q4"), True
    )
    assert asked == Target(DOWN, 6.0, 2.0 + 9.0 + 6.0)


# milestones ------------------------------------------------------------

YEAR = Milestone(UP, 35000.0, dt.date(2025, 12, 31), 28000.0, dt.date(2024, 12, 31))
"""The milestone of the design: 7000 in 365 days."""


@pytest.mark.parametrize(
    ("period", "value"),
    [
        pytest.param("2024-11", None, id="before it was set"),
        pytest.param("2024-12", 28000.0, id="ends on the day of departure"),
        pytest.param("2024", 28000.0, id="the year ends on the day of departure"),
        pytest.param("2025-01", 28000 + 7000 * 31 / 365, id="31 days"),
        pytest.param("2025-03", 28000 + 7000 * 90 / 365, id="90 days"),
        pytest.param("2025-Q1", 28000 + 7000 * 90 / 365, id="a quarter ends on the same day"),
        pytest.param("2025-10", 28000 + 7000 * 304 / 365, id="304 days"),
        pytest.param("2025-W01", 28000 + 7000 * 5 / 365, id="to January 5"),
        pytest.param("2025-12", 35000.0, id="on the day"),
        pytest.param("2026-01", 35000.0, id="after it"),
        pytest.param("2030", 35000.0, id="long after it"),
    ],
)
@pytest.mark.parametrize("accruing", [True, False])
def test_milestone_is_a_point_of_the_line_on_the_last_day(period, value, accruing):
    asked = YEAR.at(P(period), accruing)
    if value is None:
        assert asked is None
    else:
        assert asked.kind is UP
        assert (asked.value, asked.base) == pytest.approx((value, 28000.0))


def test_a_milestone_ends_on_exactly_its_value():
    odd = Milestone(UP, 0.3, dt.date(2025, 12, 31), 0.1, dt.date(2025, 1, 2))
    assert odd.at(P("2025-12"), False).value == 0.3
    assert odd.at(P("2026-03"), False).value == 0.3


def test_a_milestone_in_the_middle_of_a_month():
    """From the 10th to the 20th: the 31st is after it, the month before is not asked."""
    short = Milestone(UP, 20.0, dt.date(2025, 10, 20), 10.0, dt.date(2025, 10, 10))
    assert short.at(P("2025-09"), False) is None
    assert short.at(P("2025-W41"), False).value == pytest.approx(12.0)  # October 12, two days of ten
    assert short.at(P("2025-10"), False) == Target(UP, 20.0, 10.0)


def test_a_milestone_downwards():
    falling = Milestone(DOWN, 2.0, dt.date(2025, 12, 31), 6.0, dt.date(2025, 10, 31))
    assert falling.at(P("2025-11"), False).value == pytest.approx(6 - 4 * 30 / 61)
    assert falling.at(P("2025-12"), False) == Target(DOWN, 2.0, 6.0)
    assert falling.at(P("2025-10"), False) == Target(DOWN, 6.0, 6.0)
    held = Milestone(DOWN, 0.0, dt.date(2025, 12, 31), 6.0, dt.date(2025, 10, 31))
    assert held.at(P("2025-12"), False) == Target(DOWN, 0.0, 6.0)
    assert held.at(P("2025-11"), False).base == 6.0


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.dates(dt.date(2025, 1, 2), dt.date(2026, 12, 31)))
def test_standing_still_on_a_milestone_is_nothing_and_the_line_is_all(start, value, day):
    assume(abs(start - value) > 1e-3)
    kind = UP if value > start else DOWN
    target = Milestone(kind, value, dt.date(2026, 12, 31), start, dt.date(2024, 12, 31)).at(
        Period.containing(day, Grain.MONTH), False
    )
    assert target.attainment(start) == 0
    assert target.attainment(target.value) == pytest.approx(1)


@given(st.lists(st.tuples(st.floats(1e-9, 1e15), st.floats(0, 1.2)), min_size=1, max_size=8))
def test_very_unequal_weights_are_added_right(pairs):
    weights = sum(Fraction(weight) for weight, _ in pairs)
    exact = sum(Fraction(weight) * Fraction(payout) for weight, payout in pairs) / weights
    assert Scoring().total(pairs) == float(exact)


@given(st.dates(dt.date(2024, 1, 1), dt.date(2027, 1, 1)), st.sampled_from(Grain))
def test_a_milestone_never_falls_back(day, grain):
    period = Period.containing(day, grain)
    now, then = YEAR.at(period, False), YEAR.at(period.next, False)
    assert now is None or 28000.0 <= now.value <= then.value <= 35000.0


# payout ------------------------------------------------------------


@pytest.mark.parametrize(
    ("scoring", "attainment", "payout"),
    [
        pytest.param(Scoring(), 0.0, 0.0, id="nothing"),
        pytest.param(Scoring(), 0.7999, 0.0, id="just under the threshold"),
        pytest.param(Scoring(), 0.8, 0.5, id="at the threshold"),
        pytest.param(Scoring(), 0.85, 0.625, id="a quarter of the way"),
        pytest.param(Scoring(), 0.9, 0.75, id="half way"),
        pytest.param(Scoring(), 1.0, 1.0, id="full"),
        pytest.param(Scoring(), 1.1, 1.1, id="over"),
        pytest.param(Scoring(), 1.2, 1.2, id="at the cap"),
        pytest.param(Scoring(), 7.0, 1.2, id="capped"),
        pytest.param(Scoring(threshold=1.0), 0.999, 0.0, id="threshold 1, under"),
        pytest.param(Scoring(threshold=1.0), 1.0, 1.0, id="threshold 1, full"),
        pytest.param(Scoring(threshold=1.0), 1.15, 1.15, id="threshold 1, over"),
        pytest.param(Scoring(cap=1.0), 1.5, 1.0, id="no premium"),
        pytest.param(Scoring(payout_at_threshold=0.0), 0.8, 0.0, id="from nothing"),
        pytest.param(Scoring(payout_at_threshold=0.0), 0.9, 0.5, id="from nothing, half way"),
        pytest.param(Scoring(payout_at_threshold=1.0), 0.8, 1.0, id="all or nothing"),
        pytest.param(Scoring(threshold=0.5, payout_at_threshold=0.2), 0.75, 0.6, id="another curve"),
    ],
)
def test_payout(scoring, attainment, payout):
    assert scoring.payout(attainment) == pytest.approx(payout, abs=1e-12)


@pytest.mark.parametrize(
    ("target", "fact"),
    [
        pytest.param(at_least(1.0, 0.8), 0.96, id="response rate, 96 of 100 with worst 80 %"),
        pytest.param(at_most(0.03, 0.06), 0.036, id="churn rate"),
        pytest.param(at_least(35.0, 28.0), 33.6, id="milestone"),
        pytest.param(at_least(0.7), 0.56, id="share"),
    ],
)
def test_exactly_at_the_threshold_is_paid(target, fact):
    """Attainment is 0.8 by arithmetic, a hair less in binary: that must not cost half the pay."""
    assert Scoring().payout(target.attainment(fact)) == pytest.approx(0.5)


def test_exactly_full_is_paid_where_the_threshold_is_full():
    # (0.3 - 0.1) / (0.3 - 0.1) is 1; 0.1 + 0.2 exceeds it, 1 - 0.9 falls short of 0.1 in binary
    assert Scoring(threshold=1.0).payout(at_least(0.1).attainment(1 - 0.9)) == pytest.approx(1.0)


curves = st.builds(Scoring, st.floats(0.01, 1.0), st.floats(0.0, 1.0), st.floats(1.0, 3.0))
levels = st.floats(0.0, 5.0)


@given(curves, levels, levels)
def test_payout_is_monotone_and_bounded(scoring, first, second):
    low, high = sorted((first, second))
    assert 0.0 <= scoring.payout(low) <= scoring.payout(high) + 1e-12
    assert scoring.payout(high) <= scoring.cap


@given(curves)
def test_full_attainment_is_paid_in_full(scoring):
    assert scoring.payout(1.0) == 1.0


# total ------------------------------------------------------------

MIXED = [(10.0, 1.2), (30.0, 0.5), (60.0, None)]


@pytest.mark.parametrize(
    ("paid", "reweight", "zero", "hold"),
    [
        pytest.param([], None, None, None, id="empty"),
        pytest.param([(5.0, None)], None, None, None, id="single, not assessable"),
        pytest.param([(5.0, 0.0)], 0.0, 0.0, 0.0, id="single, nothing paid"),
        pytest.param([(5.0, 0.7)], 0.7, 0.7, 0.7, id="single"),
        pytest.param([(1.0, 0.9), (9.0, 0.9)], 0.9, 0.9, 0.9, id="flat"),
        pytest.param([(10.0, 1.2), (30.0, 0.5)], 27 / 40, 27 / 40, 27 / 40, id="weighted"),
        pytest.param(MIXED, 27 / 40, 27 / 100, None, id="one not assessable"),
        pytest.param([(1.0, None), (1.0, None)], None, None, None, id="none assessable"),
    ],
)
def test_total(paid, reweight, zero, hold):
    for name, expected in (("reweight", reweight), ("zero", zero), ("hold", hold)):
        found = Scoring(not_assessable=name).total(paid)
        assert found is None if expected is None else found == pytest.approx(expected)
        # a generator is read once and right
        again = Scoring(not_assessable=name).total(pair for pair in paid)
        assert again == found


@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.one_of(st.none(), st.floats(0, 1.2))), max_size=8),
    st.floats(0.1, 50),
)
def test_only_the_proportions_of_weights_matter(paid, factor):
    for name in ("reweight", "zero", "hold"):
        scoring = Scoring(not_assessable=name)
        first, second = (
            scoring.total(paid),
            scoring.total([(weight * factor, payout) for weight, payout in paid]),
        )
        assert first is None and second is None or first == pytest.approx(second)


@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.one_of(st.none(), st.floats(0, 1.2))), min_size=1, max_size=8)
)
def test_the_total_lies_among_its_payouts(paid):
    known = [payout for _, payout in paid if payout is not None]
    assume(known)
    total = Scoring().total(paid)
    assert min(known) - 1e-9 <= total <= max(known) + 1e-9
    assert Scoring(not_assessable="zero").total(paid) <= total + 1e-9


# the record ------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (at_least(40.0), {"kind": "at_least", "value": 40.0, "base": 0.0}),
        (at_most(0.03, 0.06), {"kind": "at_most", "value": 0.03, "base": 0.06}),
        (band(0.25, 0.6), {"kind": "between", "value": [0.25, 0.6], "base": None}),
    ],
)
def test_as_it_stands_in_the_json(target, written):
    assert target.as_dict() == written


def test_targets_are_values():
    """Equal targets are equal and none can be changed."""
    for first, second in itertools.combinations([at_least(1.0), at_most(1.0), band(0.0, 1.0)], 2):
        assert first != second
    assert at_least(1.0) == at_least(1.0)
    with pytest.raises(AttributeError):
        at_least(1.0).value = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("target", "attainment", "facts"),
    [
        (band(10.0, 20.0), 1.0, [10.0, 20.0]),
        (band(10.0, 20.0), 0.5, [7.5, 22.5]),
        (band(10.0, 20.0), 0.0, [5.0, 25.0]),
        (band(10.0, 20.0), 1.2, []),
        (Target(UP, 100.0, 0.0), 0.8, [80.0]),
        (Target(UP, 100.0, 50.0), 0.8, [90.0]),
        (Target(DOWN, 100.0, 200.0), 0.8, [120.0]),
        (Target(UP, 100.0, None), 1.2, [120.0]),
    ],
)
def test_the_facts_that_come_so_far(target, attainment, facts):
    assert target.facts_at(attainment) == pytest.approx(facts)
    for fact in facts:
        assert target.attainment(fact) == pytest.approx(attainment)


def test_a_band_without_width_has_no_way_to_go():
    assert band(5.0, 5.0).attainment(5.0) is None
    assert band(5.0, 5.0).attainment(6.0) is None


def test_a_week_that_ends_on_a_first_has_the_target_of_the_new_month():
    months = {Period.parse("2026-02"): Target(UP, 1.0, 0.0), Period.parse("2026-03"): Target(UP, 2.0, 0.0)}
    assert Schedule(months).at(Period.parse("2026-W09"), accruing=False).value == 2.0  # until Sunday, 1 March
