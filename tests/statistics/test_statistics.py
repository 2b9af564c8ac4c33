"""Statistics: published examples, degenerate input, and what must hold for any data."""

from __future__ import annotations

import dataclasses
import importlib
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_kit.statistics import (
    Begun,
    Goal,
    Side,
    backtest,
    chance,
    change,
    common_shock,
    control_limits,
    false_discoveries,
    forecasts,
    funnel,
    trend,
)
from kpi_kit.statistics.resampling import _median_of, _sorted
from kpi_kit.statistics.sides import inverted, read_side

NAN = float("nan")


def numbers(record: object) -> list[float]:
    """Every number of a record, wherever in it."""
    if dataclasses.is_dataclass(record):
        return [n for f in dataclasses.fields(record) for n in numbers(getattr(record, f.name))]
    if isinstance(record, (tuple, list)):
        return [n for each in record for n in numbers(each)]
    return [record] if isinstance(record, (int, float)) and not isinstance(record, bool) else []


def sound(record: object) -> None:
    """Plain, finite, frozen and picklable."""
    assert all(type(n) in (int, float) and math.isfinite(n) for n in numbers(record)), record
    assert pickle.loads(pickle.dumps(record)) == record
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, 0)  # type: ignore[arg-type]


# --- published examples ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe_of_1998(first, second, low, high):
    found = change("binary", Side([first[0]], [first[1]]), Side([second[0]], [second[1]]))
    assert (found.low, found.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


def test_wilson_of_1927_stands_behind_newcombe():
    # Newcombe, Statistics in Medicine 17 (1998) 857–872, table I: 81 of 263 by Wilson is 0.2553 to 0.3662
    wilson = stats.binomtest(81, 263).proportion_ci(method="wilson")
    assert tuple(wilson) == (pytest.approx(0.2553, abs=6e-5), pytest.approx(0.3662, abs=6e-5))
    # against a side of 0 of very many the interval of the difference is Wilson's own
    found = change("binary", Side([81], [263]), Side([0], [10**9]))
    assert (found.low, found.high) == (
        pytest.approx(wilson.low, abs=1e-4),
        pytest.approx(wilson.high, abs=1e-4),
    )


def test_poisson_scores_stand_behind_counts():
    # the score interval of a count x is x + z²/2 ± z √(x + z²/4) (Rao 1948; Barker, American
    # Statistician 56 (2002) 85–89); MOVER puts two together (Donner and Zou 2012)
    z = stats.norm.isf(0.025)
    ends = [
        (x + z**2 / 2 - z * np.sqrt(x + z**2 / 4), x + z**2 / 2 + z * np.sqrt(x + z**2 / 4)) for x in (20, 10)
    ]
    low = 10 - np.hypot(20 - ends[0][0], ends[1][1] - 10)
    high = 10 + np.hypot(ends[0][1] - 20, 10 - ends[1][0])
    found = change("counts", Side([20.0], days=30), Side([10.0], days=30))  # one total a side: no dispersion
    assert (found.estimate, found.dispersion) == (10.0, 1.0)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_kaplan_meier_median_of_freireich():
    # Freireich et al., Blood 21 (1963), as in Kleinbaum and Klein, "Survival Analysis", table 1.1 and
    # chapter 2: weeks of remission, median 23 under 6-MP and 8 under placebo
    weeks = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    treated = Side(weeks, [1.0] * 9 + [0.0] * 12)
    placebo = Side([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23])
    found = change("units", treated, placebo)
    assert found.estimate == 15.0
    assert found.low > 0
    assert found.p < 0.05


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30))
def test_resampled_medians_agree_with_scipy(rows):
    hours, whole = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    side = _sorted(read_side(Side(hours, whole.astype(float))))
    found = float(_median_of(side)(np.ones((1, len(rows))))[0])
    survival = stats.ecdf(stats.CensoredData.right_censored(hours, ~whole)).sf
    reached = np.flatnonzero(survival.probabilities <= 0.5 + 1e-12)
    expected = survival.quantiles[reached[0]] if whole.any() and len(reached) else 1e100
    assert found == expected


def test_benjamini_and_hochberg_of_1995():
    # their section 3.2: fifteen p-values of which the four smallest are rejected at 0.05
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    q = false_discoveries(p)
    assert [value <= 0.05 for value in q] == [True] * 4 + [False] * 11
    assert q[3] == pytest.approx(0.0095 * 15 / 4)


@given(st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.02, 0.04, 0.5, 1.0]) | st.floats(0, 1), min_size=1))
def test_false_discoveries_are_those_of_scipy(p):
    assert false_discoveries(p) == pytest.approx(stats.false_discovery_control(p).tolist(), rel=1e-12)


def test_control_limits_of_a_hand_example():
    # mean 12, ranges 2, 1, 3, 2: 12 ± 2.66 · 2
    found = control_limits([12.0, 10.0, 11.0, 14.0, 12.0, NAN, 30.0, 12.0])
    assert found.n == 7
    by_hand = control_limits([11.0, 13.0, 12.0, 15.0, 13.0])
    assert (by_hand.centre, by_hand.low) == (12.8, pytest.approx(12.8 - 2.66 * 2.0))
    assert by_hand.high == pytest.approx(12.8 + 2.66 * 2.0)


# --- trends ---------------------------------------------------------------------------------------

DEGENERATE = {
    "nothing": ([], "no_data", None),
    "only gaps": ([NAN] * 30, "no_data", None),
    "one point": ([1.0], "few_points", None),
    "two points": ([1.0, 2.0], "few_points", None),
    "five points": ([1.0, 2.0, 3.0, 4.0, 5.0], "few_points", None),
    "all equal": ([7.0] * 20, "all_equal", "no_clear_trend"),
    "all zero": ([0.0] * 52, "all_equal", "no_clear_trend"),
    "gaps at both ends": (
        [NAN] * 9 + [3.0, 1.0, 2.0, 3.0, 2.0, 1.0, 3.0] + [NAN] * 50,
        None,
        "no_clear_trend",
    ),
    "every second": ([1.0, NAN, 3.0, NAN] * 8, None, "no_clear_trend"),
    "one lump": ([0.0] * 30 + [50.0] + [0.0] * 21, None, "no_clear_trend"),
    "a share at its edge": ([1.0] * 25 + [0.9] + [1.0] * 26, None, "no_clear_trend"),
    "a straight line": (list(range(30)), None, "rising"),
    "infinite": ([1.0, 2.0, math.inf, 1.0, 2.0, 1.0, 2.0], None, "no_clear_trend"),
    "longer than its calendar": (list(np.sin(np.arange(140))), None, "no_clear_trend"),
}


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_series_have_an_answer(name, level):
    values, reason, verdict = DEGENERATE[name]
    found = trend(values, level=level)
    sound(found)
    if level and name in ("every second", "a straight line"):
        assert (found.reason, found.verdict) in [("few_points", None), ("no_noise", "rising")]
    else:
        assert (found.reason, found.verdict) == (reason, verdict)


wavy = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 2)), min_size=6, max_size=40)


@settings(max_examples=30, deadline=None)
@given(wavy, st.booleans())
def test_a_reversed_or_negated_series_turns_its_trend(values, level):
    forward, backward = trend(values, level=level), trend(values[::-1], level=level)
    negated = trend([-v for v in values], level=level)
    turned = {
        "rising": "falling",
        "falling": "rising",
        "weak_rising": "weak_falling",
        "weak_falling": "weak_rising",
        "maybe_season_rising": "maybe_season_falling",
        "maybe_season_falling": "maybe_season_rising",
    }
    for other in (backward, negated):
        assert other.p == pytest.approx(forward.p, rel=1e-6)
        assert other.slope == pytest.approx(-forward.slope, rel=1e-6, abs=1e-9)
        assert other.verdict == turned.get(forward.verdict, forward.verdict)


@settings(max_examples=30, deadline=None)
@given(wavy, st.sampled_from([0.5, 2.0, 1024.0]), st.booleans())
def test_a_trend_has_the_unit_of_its_series(values, factor, level):
    plain, scaled = trend(values, level=level), trend([factor * v for v in values], level=level)
    sound(plain)
    assert scaled.verdict == plain.verdict
    assert (scaled.rho or 0.0) == pytest.approx(plain.rho or 0.0, rel=1e-6)
    assert scaled.p == pytest.approx(plain.p, rel=1e-6)
    assert scaled.slope == pytest.approx(factor * plain.slope)
    if plain.low is not None:
        assert plain.low <= plain.slope <= plain.high
        assert scaled.high == pytest.approx(factor * plain.high)


def test_little_data_gives_weak_evidence():
    assert trend([1.0, 2, 3, 4, 5, 6, 7, 8]).verdict == "weak_rising"
    assert trend([8.0, 7, 6, 5, 4, 3, 2, 1]).verdict == "weak_falling"
    assert trend(list(range(12))).verdict == "rising"


def test_the_interval_of_a_slope_says_what_the_verdict_says():
    rng = np.random.default_rng(2)
    agree = 0
    for _ in range(100):
        found = trend(np.cumsum(rng.standard_normal(30)) + 0.1 * np.arange(30))
        agree += (found.low > 0 or found.high < 0) == (found.p <= 0.05)
    assert agree >= 98  # ranks are whole numbers


def test_a_level_is_judged_by_its_gains():
    rng = np.random.default_rng(3)
    walks = [30_000 + np.cumsum(rng.standard_normal(52)) for _ in range(200)]
    assert sum(trend(walk, level=True).p <= 0.05 for walk in walks) <= 18
    assert sum(trend(walk + np.arange(52), level=True).p <= 0.05 for walk in walks) > 178
    found = trend([100.0, 110, NAN, 131, 138, 152, 160, 171, 179, 190], level=True)
    # the gains between neighbours are 10, 7, 14, 8, 11, 8 and 11
    assert (found.slope, found.method) == (pytest.approx(69 / 7, abs=0.5), "mean_gain")


# --- the tables -----------------------------------------------------------------------------------


# --- changes --------------------------------------------------------------------------------------

YEAR = list(100 + np.random.default_rng(0).standard_normal(52))
ODD = {
    "binary, nothing": ("binary", Side([]), Side([1.0]), "no_data"),
    "binary, no trials": ("binary", Side([0.0], [0.0]), Side([1.0], [2.0]), "no_data"),
    "binary, all and none": ("binary", Side([1.0] * 9), Side([0.0] * 9), None),
    "binary, both all": ("binary", Side([1.0] * 9), Side([1.0] * 9), None),
    "binary, one unit": ("binary", Side([1.0]), Side([0.0]), None),
    "counts, nothing": ("counts", Side([]), Side([1.0]), "no_data"),
    "counts, both zero": ("counts", Side([0.0] * 30), Side([0.0] * 31), None),
    "counts, zero before": ("counts", Side([1.0] * 30), Side([0.0] * 31), None),
    "counts, one day": ("counts", Side([4.0]), Side([2.0]), None),
    "counts, no stock": ("counts", Side([4.0], stock=0.0), Side([2.0]), "no_denominator"),
    "counts, gaps": ("counts", Side([4.0, NAN, 3.0]), Side([2.0, NAN]), None),
    "posts, nothing": ("posts", Side([]), Side([1.0]), "no_data"),
    "posts, a sum": ("posts", Side([5.0]), Side([3.0] * 9), "short_history"),
    "posts, one": ("posts", Side([5.0], [9.0]), Side([3.0] * 9, [9.0] * 9), "few_units"),
    "posts, all equal": ("posts", Side([5.0] * 9, [9.0] * 9), Side([5.0] * 9, [9.0] * 9), "no_variation"),
    "posts, no views": ("posts", Side([0.0] * 9, [0.0] * 9), Side([1.0] * 9, [5.0] * 9), "no_denominator"),
    "posts, few of them viewed": (
        "posts",
        Side([1.0, 1.0] + [0.0] * 9, [2.0, 5.0] + [0.0] * 9),
        Side([1.0] * 9, [5.0] * 9),
        None,
    ),
    "units, nothing": ("units", Side([]), Side([1.0]), "no_data"),
    "units, one": ("units", Side([5.0]), Side([3.0] * 9), "few_units"),
    "units, all equal": ("units", Side([5.0] * 9), Side([3.0] * 9), "no_variation"),
    "units, never answered": ("units", Side([5.0] * 9, [0.0] * 9), Side([3.0] * 9), "median_not_reached"),
    "units, hardly reached": ("units", Side(range(9), [1.0] * 5 + [0.0] * 4), Side(range(1, 10)), "open_end"),
    "flow, nothing": ("flow", Side([]), Side([1.0]), "no_data"),
    "flow, no history": ("flow", Side([1.0] * 30), Side([2.0] * 30), "short_history"),
    "none": ("none", Side([3.0]), Side([0.0]), "no_interval"),
    "none, nothing": ("none", Side([3.0]), Side([NAN]), "no_data"),
}


@pytest.mark.parametrize("name", ODD)
def test_degenerate_changes_have_an_answer(name):
    kind, now, earlier, reason = ODD[name]
    found = change(kind, now, earlier)
    sound(found)
    assert found.reason == reason
    assert reason in (None, "open_end") or (found.low, found.high, found.p) == (None, None, None)


@pytest.mark.parametrize("weeks", [[5.0] * 52, [0.0] * 52])
def test_a_flow_that_never_varied_has_no_interval(weeks):
    found = change("flow", Side([1.0] * 30), Side([1.0] * 30), history=weeks)
    sound(found)
    assert found.reason == "no_variation"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="one of binary, counts"):
        change("clicks", Side([1.0]), Side([1.0]))


def samples(kind):
    rng = np.random.default_rng(5)
    match kind:
        case "binary":
            return Side([40.0], [60.0]), Side([30.0], [70.0])
        case "counts":
            return Side(rng.poisson(3.4, 31)), Side(rng.poisson(2.4, 30))
        case "posts":
            return Side(rng.gamma(2, 5, 30), rng.gamma(3, 99, 30)), Side(
                rng.gamma(2, 4, 25), rng.gamma(3, 99, 25)
            )
        case "units":
            return Side(rng.gamma(2, 7, 40), rng.random(40) < 0.9), Side(rng.gamma(2, 5, 45))
        case _:
            return Side(rng.normal(15, 1, 31)), Side(rng.normal(14.4, 1, 30))


KINDS = ["binary", "counts", "posts", "units", "flow"]


@pytest.mark.parametrize("kind", KINDS)
def test_p_inverts_the_interval(kind, monkeypatch):
    """At the level p the very same interval just touches 0."""
    now, earlier = samples(kind)
    more = {"history": YEAR} if kind == "flow" else {}
    found = change(kind, now, earlier, **more)
    assert 1e-6 < found.p < 0.9
    # the function hides the module of the same name
    for module in ("change", "resampling", "sides"):
        monkeypatch.setattr(importlib.import_module(f"kpi_kit.statistics.{module}"), "ALPHA", found.p)
    touching = change(kind, now, earlier, **more)
    near = touching.low if found.estimate > 0 else touching.high
    assert near == pytest.approx(0, abs=0.02 * (found.high - found.low))
    assert (found.p <= 0.05) == (found.low > 0 or found.high < 0)


@pytest.mark.parametrize("kind", KINDS)
def test_swapped_sides_turn_a_change_that_has_no_days(kind):
    now, earlier = (dataclasses.replace(side, days=30.0) for side in samples(kind))
    more = {"history": YEAR} if kind == "flow" else {}
    forth, back = change(kind, now, earlier, **more), change(kind, earlier, now, **more)
    assert back.estimate == pytest.approx(-forth.estimate, rel=0.02 if kind in ("counts", "flow") else 1e-6)
    # another sample is drawn; and the later side begins another weekday
    loose = {"posts": 0.1, "units": 0.1, "counts": 0.02, "flow": 0.02}.get(kind, 1e-6)
    assert back.low == pytest.approx(-forth.high, rel=loose, abs=loose * (forth.high - forth.low))


@pytest.mark.parametrize("kind", ["posts", "units"])
def test_the_seed_alone_decides(kind):
    now, earlier = samples(kind)
    assert change(kind, now, earlier, seed=4) == change(kind, now, earlier, seed=4)
    assert change(kind, now, earlier, seed=4) != change(kind, now, earlier, seed=5)


def test_months_of_unequal_length_are_compared_by_the_day():
    found = change("counts", Side([20.0] * 28), Side([20.0] * 31))
    assert (found.estimate, found.raw, found.p) == (0.0, -60.0, 1.0)
    found = change("flow", Side([2.0] * 28, stock=100.0), Side([1.0] * 31, stock=100.0), history=YEAR)
    assert (found.estimate, found.raw) == (pytest.approx(0.28), pytest.approx(0.25))


def test_days_that_vary_more_than_poisson_widen_the_interval():
    even, uneven = Side([5.0] * 30), Side([0.0, 0.0, 15.0] * 10)
    plain, spread = change("counts", even, Side([4.0] * 30)), change("counts", uneven, Side([4.0] * 30))
    assert plain.dispersion == 1.0
    assert spread.dispersion > 4
    assert spread.high - spread.low > 1.5 * (plain.high - plain.low)


def test_inversion_ends_where_no_level_touches():
    assert inverted(lambda level: (1.0, 2.0), 1.5) == pytest.approx(1e-12)
    assert inverted(lambda level: (-1.0, 2.0), 0.5) == 1.0
    assert inverted(lambda level: (0.0, 0.0), 0.0) == 1.0


# --- many -----------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=30))
def test_q_is_never_under_p_and_keeps_the_order(p_values):
    q_values = false_discoveries(p_values)
    assert [q is None for q in q_values] == [p is None for p in p_values]
    known = sorted((p, q) for p, q in zip(p_values, q_values, strict=True) if p is not None)
    assert all(p <= q * (1 + 1e-12) and q <= 1 for p, q in known)
    assert [q for _, q in known] == sorted(q for _, q in known)


@pytest.mark.parametrize(
    ("values", "reason"),
    [([], "few_points"), ([1.0, 2.0], "few_points"), ([1.0, NAN] * 5, "no_neighbours"),
     ([NAN] * 9, "few_points"), ([3.0] * 9, None)],
)  # fmt: skip
def test_degenerate_control_limits(values, reason):
    found = control_limits(values)
    sound(found)
    assert (found.reason, any(found.outside), len(found.outside)) == (reason, False, len(values))


def test_control_limits_mark_what_is_outside_and_stay_in_bounds():
    values = [0.5, 0.52, 0.49, 0.51, 0.5, 0.99, 0.5, 0.51]
    found = control_limits(values, least=0.0, most=1.0)
    assert 0 <= found.low <= found.high <= 1
    steady = control_limits([10.0, 11.0] * 10 + [20.0] + [10.0, 11.0] * 10)
    assert [at for at, out in enumerate(steady.outside) if out] == [20]


@pytest.mark.parametrize("kind", ["share", "rate", "free"])
def test_a_funnel_allows_for_volume(kind):
    rng = np.random.default_rng(7)
    volumes = np.array([50, 100, 200, 400, 800, 1600, 3200, 6400.0])
    values = rng.binomial(volumes.astype(int), 0.3) / volumes
    values[-1] += 0.15
    found = funnel(values, volumes, kind=kind)
    sound(found)
    assert found.high95[0] - found.low95[0] > found.high95[-1] - found.low95[-1]
    assert found.low998[0] <= found.low95[0] < found.centre < found.high95[0] <= found.high998[0]
    assert found.limits_at(50.0) == (pytest.approx(found.low95[0]), pytest.approx(found.high95[0]))
    assert abs(found.z[-1]) == max(map(abs, found.z))


def test_over_dispersion_widens_a_funnel():
    volumes = [1000.0] * 12
    calm = funnel([0.3 + 0.01 * (-1) ** k for k in range(12)], volumes, kind="share")
    wild = funnel([0.3 + 0.1 * (-1) ** k for k in range(12)], volumes, kind="share")
    assert calm.dispersion == 1.0
    assert wild.dispersion > 30
    assert "exceptional" not in wild.outside


@pytest.mark.parametrize(
    ("values", "volumes", "reason"),
    [([], [], "few_points"), ([0.5, 0.5], [9.0, 9.0], "few_points"), ([0.0] * 5, [9.0] * 5, "no_variation"),
     ([1.0] * 5, [9.0] * 5, "no_variation"), ([0.5, 0.4, NAN], [9.0, 9.0, 9.0], "few_points"),
     ([0.5, 0.4, 0.5, 0.1], [9.0, 9.0, 9.0, 0.0], "few_people"),
     ([0.5, 0.4, 0.5, 0.1, 0.3, 0.4], [9.0, 9.0, 9.0, 0.0, 9.0, 9.0], None)],
)  # fmt: skip
def test_degenerate_funnels(values, volumes, reason):
    found = funnel(values, volumes, kind="share")
    sound(found)
    assert (found.reason, len(found.z)) == (reason, len(values))
    assert found.limits_at(0.0) is None


def test_a_common_shock_is_told_from_ones_own_drop():
    rng = np.random.default_rng(8)
    changes = 0.02 * rng.standard_normal((6, 30))
    changes[:, 20] -= 0.3
    changes[0, 10] -= 0.3
    found = common_shock(changes)
    sound(found)
    assert [week for week, what in enumerate(found.common) if what == "fell"] == [20]
    assert found.own(changes[0])[10] < -0.2
    assert abs(found.own(changes[0])[20]) < 0.1


@pytest.mark.parametrize(
    "changes", [[[]], [[NAN] * 3] * 4, [[0.1, 0.2]], [[0.0] * 9] * 5, [[math.inf] * 5] * 3]
)
def test_degenerate_shocks(changes):
    found = common_shock(changes)
    sound(found)
    assert set(found.common) <= {None, "quiet"}


# --- chances --------------------------------------------------------------------------------------


PASTS = {
    "nothing": ([], "short_history", "short_history"),
    "one": ([1.0], "short_history", "short_history"),
    "two": ([1.0, 2.0], "short_history", "short_history"),
    "only gaps": ([NAN] * 12, "short_history", "short_history"),
    "all equal": ([3.0] * 12, "all_equal", "all_equal"),
    "all zero": ([0.0] * 12, "all_equal", "all_equal"),
    "every second": ([1.0, NAN, 2.0, NAN] * 3, None, "short_history"),
    "four": ([1.0, 2.0, 1.0, 3.0], None, None),
    "long ago": ([1.0, 2.0, 3.0, 2.0, 1.0] + [NAN] * 9, "short_history", "short_history"),
    "a share at its edge": ([1.0] * 11 + [0.9], None, None),
    "infinite": ([1.0, math.inf, 2.0, 1.0, 3.0, 2.0, 1.0], None, None),
}


@pytest.mark.parametrize("name", PASTS)
def test_degenerate_histories_have_an_answer(name):
    values, *reasons = PASTS[name]
    for level, reason in zip((False, True), reasons, strict=True):
        found = chance(values, Goal(low=1.0), level=level, bounds=(0.0, None))
        sound(found)
        assert found.reason == reason
        assert found.probability is None or 0 < found.probability < 1


HISTORY = [50.0, 55.0, 47.0, 52.0, 49.0, 51.0, 50.0, 53.0, 48.0, 52.0, 50.0, 49.0, 51.0]


def test_a_chance_falls_with_the_target():
    chances = [chance(HISTORY, Goal(low=low), seed=1).probability for low in (30.0, 45.0, 50.0, 55.0, 70.0)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.97
    assert chances[-1] < 0.03
    at_most, between = Goal(high=45.0), Goal(low=45.0, high=55.0)
    assert chance(HISTORY, at_most, seed=1).probability == pytest.approx(1 - chances[1], abs=0.01)
    assert chance(HISTORY, between, seed=1).probability < chances[1]


def test_the_same_seed_gives_the_same_chance():
    assert chance(HISTORY, Goal(low=50.0), seed=3) == chance(HISTORY, Goal(low=50.0), seed=3)
    assert chance(HISTORY, Goal(low=50.0), seed=3) != chance(HISTORY, Goal(low=50.0), seed=4)


def test_what_has_happened_counts():
    goal = Goal(low=50.0)
    early = chance(HISTORY, goal, accrues=True, begun=Begun(0.1, 5.0))
    slow, good = (chance(HISTORY, goal, accrues=True, begun=Begun(0.8, so_far)) for so_far in (30.0, 45.0))
    assert slow.probability < early.probability < good.probability
    assert good.high - good.low < early.high - early.low
    over = chance(HISTORY, goal, accrues=True, begun=Begun(1.0, 51.0))
    assert (over.probability, over.low, over.high) == (1.0, 51.0, 51.0)


def test_a_level_goes_on_from_where_it_stands():
    levels = list(1000 + np.cumsum(HISTORY))
    one, three = (chance(levels, Goal(low=levels[-1]), level=True, ahead=ahead) for ahead in (1, 3))
    assert one.expected == pytest.approx(levels[-1] + 50, abs=5)
    assert three.expected == pytest.approx(levels[-1] + 150, abs=10)
    assert three.high - three.low > one.high - one.low
    begun = chance(levels, Goal(low=0.0), level=True, begun=Begun(0.5, levels[-1] + 40))
    assert begun.expected == pytest.approx(levels[-1] + 65, abs=5)


def test_months_of_unequal_length_are_forecast_by_the_day():
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    rates = [2 + 0.01 * (-1) ** k for k in range(12)]
    found = chance(np.multiply(days, rates), Goal(low=60.0), accrues=True, lengths=days, length=28)
    assert found.expected == pytest.approx(56, abs=1)


def test_bounds_and_whole_numbers_hold():
    found = chance([0.9, 1.0, 0.95, 1.0, 0.9, 1.0], Goal(low=1.0), bounds=(0.0, 1.0))
    assert found.high == 1.0
    assert found.probability > 0.05
    counted = chance([3.0, 5.0, 4.0, 6.0, 2.0, 4.0, 5.0], Goal(low=4.0), bounds=(0.0, None), whole=True)
    assert counted.low == round(counted.low)


def test_a_backtest_pools_forecasts():
    made = forecasts(HISTORY * 3, Goal(low=50.0), bounds=(0.0, None))
    assert len(made) == 33
    found = backtest(made)
    sound(found)
    assert found.n == 33
    assert found.verdict in ("reliable", "not_reliable")
    assert backtest([]).verdict == "not_checked"
    assert backtest(made[:29]).verdict == "not_checked"
    sound(backtest([]))
    assert forecasts([NAN] * 9, Goal(low=1.0)) == []
