"""Control charts, funnels and common shocks, to values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kpi_kit.statistics import common_shock, control_limits, funnel
from kpi_kit.statistics.control import _direction, _strength, farthest

NAN = math.nan


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


FREE = [4.0, 5.0, 6.0, 5.0, 5.0, 8.0]
VOLUMES = [100.0, 100.0, 200.0, 200.0, 200.0, 100.0]


def test_a_funnel_judges_by_studentised_residuals() -> None:
    """By least squares: each residual over its own standard error."""
    found = funnel(FREE, VOLUMES, kind="free")
    values, volumes = np.array(FREE), np.array(VOLUMES)
    centre = float(values @ volumes / volumes.sum())
    square = float(volumes @ (values - centre) ** 2) / 5
    errors = np.sqrt(square * (1 / volumes - 1 / volumes.sum()))
    assert (found.centre, found.scale, found.dispersion) == close(centre, square, 1.0)
    assert found.z == pytest.approx(tuple((values - centre) / errors))
    assert found.high95 == pytest.approx(tuple(centre + farthest(6, 0.95) * errors))
    assert found.low998 == pytest.approx(tuple(centre - farthest(6, 0.998) * errors))
    low, high = found.limits_at(100.0)
    assert (low, high) == close(found.low95[0], found.high95[0])
    assert found.limits_at(0.0) is None
    assert found.limits_at(-1.0) is None


def test_nobody_is_further_off_than_the_number_of_people_allows() -> None:
    # t with 3 degrees of freedom, 3.182446 in a printed table: √(4 t² / (3 + t²))
    assert farthest(5, 0.95) == pytest.approx(math.sqrt(4 * 3.182446**2 / (3 + 3.182446**2)), abs=1e-5)
    assert farthest(5, 0.95) < farthest(5, 0.998) < 2.0
    assert farthest(10_000, 0.95) == pytest.approx(1.959964, abs=1e-3)
    # from seven people on the outer limits are those of a page
    assert farthest(12, 0.998) == pytest.approx(farthest(12, 1 - 0.014 / 12))


@pytest.mark.parametrize(("kind", "volume"), [("share", 400.0), ("rate", 400.0)])
def test_shares_and_rates_without_dispersion_vary_as_chance_has_it(kind: str, volume: float) -> None:
    found = funnel([0.30, 0.301, 0.299, 0.3, 0.3], [volume] * 5, kind=kind)
    assert found.dispersion == 1.0
    low, high = found.limits_at(volume)
    spread = math.sqrt((0.3 * 0.7 if kind == "share" else 0.3) / volume * 0.8)
    assert (high - low) / 2 == pytest.approx(farthest(5, 0.95) * spread, rel=0.02)
    assert low < 0.3 < high


def test_who_has_no_volume_is_left_out_of_a_funnel() -> None:
    plain = funnel(FREE, VOLUMES, kind="free")
    found = funnel([NAN, *FREE, 9.0, 9.0, 9.0], [50.0, *VOLUMES, 0.0, NAN, -1.0], kind="free")
    assert (found.centre, found.scale, found.people) == (plain.centre, plain.scale, 6)
    assert [one is None for one in found.z] == [True] + [False] * 6 + [True] * 3
    assert [one is None for one in found.low95] == [one is None for one in found.outside]
    assert found.high998[1] == plain.high998[0]


def test_without_variation_or_with_few_people_there_is_a_centre_and_nothing_else() -> None:
    for found, reason, centre in (
        (funnel([0.5] * 5, [9.0] * 5), "no_variation", 0.5),
        (funnel([0.99, 0.5, 0.51], [500.0] * 3, kind="share"), "few_people", 2 / 3),
        (funnel([0.99, 0.5, 0.51, 0.49], [500.0] * 4, kind="free"), "few_people", 0.6225),
    ):
        assert (found.centre, found.reason) == (pytest.approx(centre), reason)
        assert (found.dispersion, found.scale) == (None, None)
        assert found.z == found.outside == found.low95 == found.high998 == (None,) * len(found.z)
        assert found.limits_at(9.0) is None
    assert funnel([0.1, 0.2], [9.0] * 2).centre is None


def test_one_of_five_who_is_far_off_is_named() -> None:
    assert funnel([0.99, 0.5, 0.51, 0.49, 0.5], [500.0] * 5, kind="share").outside == (
        "exceptional", "usual", "usual", "usual", "usual",
    )  # fmt: skip


def test_how_far_is_unusual() -> None:
    assert [_strength(z, 2.0, 3.0) for z in (NAN, 1.9, -1.9, 2.1, -2.1, 3.1, -3.1)] == [
        None, "usual", "usual", "unusual", "unusual", "exceptional", "exceptional",
    ]  # fmt: skip
    assert [_strength(z, 2.0, 3.0) for z in (2.0, 3.0)] == ["usual", "unusual"]


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
