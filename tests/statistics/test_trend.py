"""Trends and breaks: verdicts at the edges of their rules, and intervals that say what the verdict says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_kit.statistics import trend
from kpi_kit.statistics.breaks import _added, _scan, find_break
from kpi_kit.statistics.season import design
from kpi_kit.statistics.trend import Trend, _line, _verdict

NAN = math.nan


def test_three_lines_meet_half_way() -> None:
    values = np.array([NAN, 1.0, 3.0, 2.0, NAN, 6.0, NAN])
    found = _line(values, Trend(4, 1.0, 0.0, 2.0, 0.0, 0.1, "rising", False, "slope"))
    # half-way is position 3; 1 + 2, 3 + 1, 2 and 6 − 2 have the median 3.5
    assert found is not None
    assert (found.first, found.last, found.middle) == (1, 5, 3.5)
    assert (found.start, found.end) == ((3.5, 1.5, -0.5), (3.5, 5.5, 7.5))
    for low, high in ((None, 2.0), (0.0, None)):
        assert _line(values, Trend(4, 1.0, low, high, 0.0, 0.1, None, False, "slope")) is None


@pytest.mark.parametrize(
    ("n", "slope", "p", "p_season", "verdict"),
    [
        (12, 1.0, 0.05, None, "rising"),
        (12, -1.0, 0.05, 0.05, "falling"),
        (12, 1.0, 0.01, 0.06, "maybe_season_rising"),
        (77, -1.0, 0.01, 0.9, "maybe_season_falling"),
        (11, 1.0, 0.05, 0.9, "weak_rising"),
        (11, -1.0, 0.0, None, "weak_falling"),
        (12, 1.0, 0.0501, None, "no_clear_trend"),
        (12, 0.0, 0.0, None, "no_clear_trend"),
    ],
)
def test_verdicts(n: int, slope: float, p: float, p_season: float | None, verdict: str) -> None:
    assert _verdict(n, slope, p, p_season) == verdict


def test_a_slope_is_by_the_week_over_gaps_too() -> None:
    values = np.where(np.isin(np.arange(30), [3, 4, 17]), NAN, 2.0 * np.arange(30))
    values = values + 0.01 * np.random.default_rng(1).standard_normal(30)
    found = trend(np.concatenate([[NAN] * 4, values, [NAN]]), season=False)
    assert (found.n, found.verdict) == (27, "rising")
    assert found.slope == pytest.approx(2.0, abs=0.01)


def test_p_is_at_the_edge_of_the_interval() -> None:
    rng = np.random.default_rng(2)
    for n in (9, 30, 90):
        noise = rng.standard_normal(n)
        found = trend(noise, season=False)
        assert found.low < found.slope < found.high
        # moved by the end of its interval the slope is as far from 0 as chance takes it in 5 of 100
        for end in (found.low, found.high):
            moved = trend(noise - end * np.arange(n), season=False)
            assert moved.p == pytest.approx(0.05, rel=0.02)


def test_four_gains_between_neighbours_judge_a_level() -> None:
    found = trend([1.0, 2.0, 4.0, NAN, 5.0, 6.0, 8.0], level=True)
    assert (found.n, found.reason, found.verdict is None) == (6, None, False)
    found = trend([1.0, 2.0, NAN, 4.0, NAN, 5.0, NAN, 6.0, 8.0], level=True)
    assert (found.n, found.reason, found.slope, found.verdict) == (6, "few_points", 7 / 8, None)
    assert (found.p, found.low, found.high, found.rho) == (None,) * 4
    even = trend([3.0, 5.0, 7.0, 9.0, 11.0, 13.0], level=True)
    assert (even.slope, even.low, even.high, even.p, even.rho) == (2.0, 2.0, 2.0, 0.0, 0.0)
    assert (even.reason, even.verdict) == ("no_noise", "weak_rising")


def test_a_yearly_pattern_is_separated_or_held_against_the_verdict() -> None:
    rng, weeks = np.random.default_rng(3), np.arange(104)
    cycle = 3 * np.sin(2 * np.pi * weeks / 52.18) + rng.standard_normal(104)
    assert (trend(cycle).verdict, trend(cycle).seasonal) == ("no_clear_trend", True)
    assert trend(cycle + 0.05 * weeks).verdict == "rising"
    assert not trend(cycle[:77]).seasonal
    assert not trend(cycle, season=False).seasonal
    assert not trend(cycle, year=12.0).seasonal
    halves = [trend(1.5 * np.cos(np.pi * np.arange(27) / 26) + rng.standard_normal(27)) for _ in range(20)]
    assert sum(half.verdict in ("rising", "falling") for half in halves) <= 2
    maybe = [half for half in halves if half.verdict == "maybe_season_falling"]
    assert len(maybe) >= 8
    assert all(half.p <= 0.05 < half.p_season for half in maybe)


def test_a_turn_and_a_new_level_are_told_with_their_week() -> None:
    rng, weeks = np.random.default_rng(4), np.arange(110.0)
    noise = 0.7 * rng.standard_normal(110)
    tent = np.where(weeks < 80, weeks / 20, 4 - (weeks - 80) / 10)
    turned = trend(np.concatenate([[NAN] * 3, tent + noise]))
    assert turned.verdict == "turned_down"
    assert abs(turned.since - 83) <= 6
    assert trend(-tent + noise).verdict == "turned_up"
    for change, verdict in ((3.0, "level_up"), (-3.0, "level_down")):
        moved = np.where(weeks >= 41, change, 0.0) + noise
        moved[[7, 60, 61]] = NAN
        found = trend(moved)
        assert (found.verdict, found.since) == (verdict, 41)
        assert found.p_break < 0.05
    steady = trend(0.04 * weeks + noise)
    assert (steady.verdict, steady.since, steady.p_break) == ("rising", None, None)


def test_a_level_has_turned_where_its_gains_change_sign() -> None:
    rng = np.random.default_rng(6)
    gains = rng.standard_normal(104) + np.where(np.arange(104) < 70, 1.5, -1.5)
    found = trend(np.cumsum(gains), level=True)
    assert found.verdict == "turned_down"
    assert abs(found.since - 70) <= 4


def test_a_scan_adds_one_column_after_another() -> None:
    """By least squares with each column, in white noise."""
    at = np.arange(80, dtype="int64")
    y = np.random.default_rng(7).standard_normal((80, 1))
    base = design(at, "trend", seasonal=True)
    for name in ("step", "kink"):
        scan = _scan(at.tobytes(), name)
        rest = scan.fitted.rest @ y
        explained = _added(rest, scan.gaps)[0, scan.places, 0] ** 2 / scan.norms[0]
        for place in (8, 33, 72):
            later = np.maximum(at - place, 0) if name == "kink" else at >= place
            whole = np.column_stack([base, later.astype(float)])
            less = [float(np.linalg.lstsq(columns, y, rcond=None)[1][0]) for columns in (base, whole)]
            assert explained[list(scan.places).index(place)] == pytest.approx(less[0] - less[1], rel=1e-6)


def test_quiet_series_have_no_break() -> None:
    at = np.arange(104, dtype="int64")
    noise = np.random.default_rng(8).standard_normal((104, 20))
    assert sum(find_break(at, series, "trend") is not None for series in noise.T) <= 3
