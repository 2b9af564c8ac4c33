"""Control charts, funnels and common shocks, to values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_kit.statistics import common_shock, control_limits, funnel
from kpi_kit.statistics.control import _direction, _strength, _winsorised_square

NAN = math.nan
Z95, Z998 = 1.959964, 3.090232  # normal quantiles of 0.975 and 0.999, from a printed table


def close(*values: float | None) -> object:
    return pytest.approx(values, abs=1e-5)


# ---- control limits


def test_limits_are_the_mean_and_266_hundredths_of_the_mean_range() -> None:
    # mean 11.8; ranges 2, 1, 3, 2
    found = control_limits([12.0, 10.0, 11.0, 14.0, 12.0])
    assert (found.n, found.reason) == (5, None)
    assert (found.centre, found.low, found.high) == close(11.8, 6.48, 17.12)


def test_three_neighbours_are_enough_and_ranges_do_not_reach_over_gaps() -> None:
    found = control_limits([1.0, 2.0, 3.0])
    assert (found.centre, found.low, found.high) == close(2.0, -0.66, 4.66)
    gappy = control_limits([1.0, 2.0, NAN, 3.0])  # one range alone
    assert (gappy.n, gappy.centre, gappy.reason) == (3, 2.0, "no_neighbours")
    assert (gappy.low, gappy.high, gappy.outside) == (None, None, (False,) * 4)
    short = control_limits([1.0, 2.0])
    assert (short.n, short.centre, short.reason) == (2, None, "few_points")


def test_limits_end_at_what_is_possible_and_only_there() -> None:
    values = [12.0, 10.0, 11.0, 14.0, 12.0]
    inside = control_limits(values, least=8.0, most=15.0)
    assert (inside.low, inside.high) == (8.0, 15.0)
    beyond = control_limits(values, least=0.0, most=20.0)
    assert (beyond.low, beyond.high) == close(6.48, 17.12)


def test_what_is_outside_is_more_than_rounding() -> None:
    assert not any(control_limits([0.1] * 10).outside)  # their mean is 0.09999999999999999
    edge = control_limits([5.0, 5.0, 5.0, 5.00001], most=5.0)
    assert edge.outside == (False, False, False, True)
    swing = [10.0, 11.0] * 5
    assert [k for k, out in enumerate(control_limits([*swing, 0.0, *swing]).outside) if out] == [10]
    assert [k for k, out in enumerate(control_limits([*swing, 21.0, *swing]).outside) if out] == [10]


# ---- funnels


def test_a_funnel_of_shares() -> None:
    # centre (20 + 60 + 40) / 400 = 0.3; variance 0.3 · 0.7 / volume; z² 4.7619, 0, 4.7619: mean 3.1746
    found = funnel([0.2, 0.3, 0.4], [100.0, 200.0, 100.0], kind="share")
    assert (found.centre, found.scale, found.dispersion) == close(0.3, 0.21, 3.174603)
    assert found.z == close(-math.sqrt(1.5), 0.0, math.sqrt(1.5))
    near, far = math.sqrt(0.01 / 1.5), math.sqrt(0.01 / 3)  # √(3.1746 · 0.21 / volume)
    assert found.low95 == close(0.3 - Z95 * near, 0.3 - Z95 * far, 0.3 - Z95 * near)
    assert found.high95 == close(0.3 + Z95 * near, 0.3 + Z95 * far, 0.3 + Z95 * near)
    assert found.low998 == close(0.3 - Z998 * near, 0.3 - Z998 * far, 0.3 - Z998 * near)
    assert found.high998 == close(0.3 + Z998 * near, 0.3 + Z998 * far, 0.3 + Z998 * near)


@pytest.mark.parametrize(
    ("kind", "scale", "z"),
    [
        ("share", 0.21, 0.02 / math.sqrt(0.0021)),
        ("rate", 0.3, 0.02 / math.sqrt(0.003)),
        ("free", 0.04, 1.0),  # (−0.02 · 10)², 0, (0.02 · 10)²: their mean · 3 / 2
    ],
)
def test_what_chance_does_depends_on_the_kind(kind: str, scale: float, z: float) -> None:
    found = funnel([0.28, 0.3, 0.32], [100.0, 200.0, 100.0], kind=kind)
    assert (found.centre, found.dispersion, found.scale) == close(0.3, 1.0, scale)
    assert found.z == close(-z, 0.0, z)
    half = Z95 * math.sqrt(scale / 25)
    assert found.limits_at(25.0) == close(0.3 - half, 0.3 + half)
    half = 1.281552 * math.sqrt(scale)
    assert found.limits_at(1.0, level=0.8) == close(0.3 - half, 0.3 + half)
    assert found.limits_at(0.0) is None


def test_who_has_no_volume_is_left_out_of_a_funnel() -> None:
    plain = funnel([0.28, 0.3, 0.32], [100.0, 200.0, 100.0])
    found = funnel([0.28, NAN, 0.3, 0.9, 0.32, 0.9], [100.0, 50.0, 200.0, 0.0, 100.0, NAN])
    assert (found.centre, found.scale, found.dispersion) == (plain.centre, plain.scale, plain.dispersion)
    assert [each is None for each in found.z] == [False, True, False, True, False, True]
    assert [each is None for each in found.low95] == [each is None for each in found.z]
    assert [each is None for each in found.outside] == [each is None for each in found.z]
    assert found.high998[4] == plain.high998[2]


def test_a_small_volume_is_a_volume() -> None:
    found = funnel([0.28, 0.3, 0.32], [0.5, 1.0, 0.5])
    assert (found.centre, found.reason, None in found.z) == (pytest.approx(0.3), None, False)
    assert found.limits_at(0.5) == close(found.low95[0], found.high95[0])
    assert found.limits_at(-1.0) is None
    assert funnel([0.28, 0.3, 0.32, 0.9], [0.5, 1.0, 0.5, -1.0]).z[3] is None


def test_without_variation_there_is_a_centre_and_nothing_else() -> None:
    found = funnel([0.0] * 3, [9.0] * 3)
    assert (found.centre, found.dispersion, found.scale, found.reason) == (0.0, None, None, "no_variation")
    assert found.z == found.outside == found.low95 == found.high95 == found.low998 == (None,) * 3
    assert found.high998 == (None,) * 3
    assert funnel([0.1, 0.2], [9.0] * 2).centre is None


@pytest.mark.parametrize(
    ("z", "mean"),
    [
        ([1.0, 2.0, 3.0, 10.0], 28.5),  # four: nothing is drawn in
        ([20.0, 1.0, 3.0, -10.0, 2.0], 4.8),  # 3, 1, 3, 1, 2
        ([float(k) for k in range(20)], 118.5),  # 2, 2, 2, 3 … 16, 17, 17, 17
    ],
)
def test_the_outer_tenth_is_drawn_in(z: list[float], mean: float) -> None:
    assert _winsorised_square(np.array(z)) == pytest.approx(mean)


def test_how_far_is_unusual() -> None:
    assert [_strength(z, 2.0, 3.0) for z in (NAN, 1.9, -1.9, 2.1, -2.1, 3.1, -3.1)] == [
        None, "usual", "usual", "unusual", "unusual", "exceptional", "exceptional",
    ]  # fmt: skip
    assert [_strength(z, 2.0, 3.0) for z in (2.0, 3.0)] == ["usual", "unusual"]
    # twelve at 1 event a volume of 100, σ 0.1: 1.25 is 2.5 σ (beyond 1.96), 1.35 is 3.5 σ (beyond 3.09)
    values = [1.0] * 10 + [1.25, 0.75]
    assert funnel(values, [100.0] * 12).outside == ("usual",) * 10 + ("unusual",) * 2
    values = [1.0] * 10 + [1.35, 0.65]
    assert funnel(values, [100.0] * 12).outside == ("usual",) * 10 + ("exceptional",) * 2


# ---- common shocks

CALM = [0.01, 0.02, 0.01, 0.02]


def test_a_shock_is_three_of_four_beyond_the_usual_median() -> None:
    # medians 0.01, 0.02, 0.01, 0.02, −0.3: median range 0.01, median 0.01
    found = common_shock([[*CALM, last] for last in (-0.3, -0.3, -0.3, 0.5)])
    assert found.median == close(0.01, 0.02, 0.01, 0.02, -0.3)
    assert found.accounts == (4,) * 5
    assert found.same_way == (1.0, 1.0, 1.0, 1.0, 0.75)
    assert (found.low, found.high) == close(0.01 - 0.03145, 0.01 + 0.03145)
    assert found.common == ("quiet",) * 4 + ("fell",)
    rose = common_shock([[*CALM, last] for last in (0.3, 0.3, 0.3, -0.5)])
    assert rose.common == ("quiet",) * 4 + ("rose",)
    # −0.5, −0.3, −0.1, 0.2: half of them and one moved as the median, −0.2; of five, three
    split = common_shock([[*CALM, last] for last in (-0.5, -0.3, -0.2, 0.1, 0.2)])
    assert (split.median[4], split.same_way[4], split.common[4]) == (-0.2, 0.6, "quiet")


def test_of_two_accounts_nothing_is_common() -> None:
    found = common_shock([[*CALM, -0.3, NAN], [*CALM, -0.3, -0.3], [*CALM, -0.3, -0.3]])
    assert found.accounts == (3, 3, 3, 3, 3, 2)
    assert (found.common[4], found.common[5], found.median[5], found.same_way[5]) == (
        "fell",
        None,
        None,
        None,
    )
    assert found.own([0.0, 0.0, NAN, 0.0, -0.5, -0.5]) == pytest.approx(
        (-0.01, -0.02, None, -0.02, -0.2, None)
    )


def test_three_ranges_make_limits_and_two_do_not() -> None:
    assert common_shock([CALM] * 3).low == pytest.approx(0.015 - 0.03145)
    short = common_shock([[0.01, 0.02, -0.3]] * 3)
    assert (short.low, short.high, short.common) == (None, None, ("quiet",) * 3)


def test_less_growth_than_usual_is_no_fall() -> None:
    assert [_direction(m, 0.1, 0.2) for m in (0.05, 0.15, 0.25, -0.05, 0.0)] == [
        "quiet", "quiet", "rose", "fell", "quiet",
    ]  # fmt: skip
    assert [_direction(m, -0.2, -0.1) for m in (-0.05, -0.15, -0.25, 0.05, 0.0)] == [
        "quiet", "quiet", "fell", "rose", "quiet",
    ]  # fmt: skip
    assert [_direction(0.5, *ends) for ends in ((None, 0.1), (0.1, None))] == ["quiet", "quiet"]
