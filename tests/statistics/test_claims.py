"""What the verdicts promise, on noise that they were not made of; bounds are marks and two errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from kpi_kit.statistics import Goal, Side, chance, change, false_discoveries, funnel, trend, unusual_days

Floats = np.ndarray


def share(one: Callable[[np.random.Generator], bool], seed: int, count: int = 150) -> float:
    rng = np.random.default_rng(seed)
    return float(np.mean([one(rng) for _ in range(count)]))


def at_most(mark: float, count: int = 150) -> float:
    return mark + 2 * float(np.sqrt(mark * (1 - mark) / count))


def moving_average(rng: np.random.Generator, length: int, width: int) -> Floats:
    """Noise that remembers for ``width`` values and then nothing: none of the kinds of the kit's mixture."""
    noise = np.convolve(rng.standard_normal(length + width), np.ones(width) / np.sqrt(width), mode="valid")
    return noise[:length]


def unchanged_counts(rng: np.random.Generator) -> Floats:
    """Some ten leads a day in 420 days, in good and bad spells of three weeks that vary by 20 %."""
    weeks = np.exp(0.2 * moving_average(rng, 61, 3))
    return rng.poisson(10 * np.repeat(weeks, 7)[rng.integers(7) :][:420]).astype(float)


def p_of_last_month(days: Floats, kind: str = "counts") -> float:
    weeks = days[-364:].reshape(52, 7).sum(axis=1)
    found = change(kind, Side(days[-30:]), Side(days[-61:-30]), history=weeks)
    assert found.p is not None
    return found.p


def test_unchanged_counts_are_seldom_called_changed() -> None:
    assert share(lambda rng: p_of_last_month(unchanged_counts(rng)) <= 0.05, 1) <= at_most(0.08)


def test_a_report_without_changes_is_seldom_called_real() -> None:
    def any_real(rng: np.random.Generator) -> bool:
        q = false_discoveries([p_of_last_month(unchanged_counts(rng)) for _ in range(8)])
        return any(one is not None and one <= 0.05 for one in q)

    assert share(any_real, 2, 60) <= at_most(0.08, 60)


def test_a_doubled_month_is_seen() -> None:
    def seen(rng: np.random.Generator) -> bool:
        days = rng.poisson(3, 420).astype(float)
        days[-30:] += rng.poisson(3, 30)
        return p_of_last_month(days) <= 0.05

    assert share(seen, 3, 60) > 0.85


def test_views_of_a_random_number_of_posts_are_seldom_called_changed() -> None:
    def false(rng: np.random.Generator) -> bool:
        days = np.array([rng.gamma(1.5, 400, posts).sum() for posts in rng.poisson(0.8, 420)])
        return p_of_last_month(days, "posts") <= 0.05

    assert share(false, 4) <= at_most(0.07)


def test_shares_of_days_that_are_alike_are_seldom_called_changed() -> None:
    def side(rng: np.random.Generator) -> Side:
        asked = 1 + rng.poisson(5, 25)
        good = np.where(rng.random(25) < 0.85, 0.95, 0.3)  # most days good, some bad
        return Side(rng.binomial(asked, good).astype(float), asked.astype(float))

    assert share(lambda rng: change("binary", side(rng), side(rng)).p <= 0.05, 5) <= at_most(0.07)


@pytest.mark.parametrize(("length", "mark"), [(52, 0.09), (104, 0.09)])
def test_wandering_weeks_are_seldom_called_a_trend(length: int, mark: float) -> None:
    def false(rng: np.random.Generator) -> bool:
        return trend(moving_average(rng, length, 8) + rng.standard_normal(length)).verdict in (
            "rising",
            "falling",
        )

    assert share(false, 6) <= at_most(mark)


@pytest.mark.parametrize("length", [26, 40, 90])
def test_a_season_is_seldom_called_a_trend(length: int) -> None:
    def false(rng: np.random.Generator) -> bool:
        wave = np.sin(2 * np.pi * (np.arange(length) / 52.18 + rng.random()))
        values = 1.5 * wave + rng.laplace(0, 0.7, length)
        return trend(values).verdict in ("rising", "falling")

    assert share(false, 7) <= at_most(0.08)


def test_nobody_is_named_among_equals() -> None:
    def named(rng: np.random.Generator) -> bool:
        volumes = rng.integers(80, 400, 6).astype(float)
        likely = rng.beta(85, 15, 6)  # a little more than binomial
        return (
            "exceptional"
            in funnel(rng.binomial(volumes.astype(int), likely) / volumes, volumes, kind="share").outside
        )

    assert share(named, 8, 400) <= at_most(0.02, 400)


def test_heavy_tails_are_seldom_unusual() -> None:
    rng = np.random.default_rng(9)
    found = [
        np.abs(unusual_days(np.round(500 * rng.lognormal(0, 0.4, 392))).outside).sum() for _ in range(30)
    ]
    assert 1000 * np.mean(found) / 392 <= 2 + 2 * 1000 * np.std(found) / np.sqrt(30) / 392


def test_growth_after_a_high_month_is_forecast_low() -> None:
    rng = np.random.default_rng(10)
    said, came = [], []
    for seed in range(150):
        values = 100 + 10 * rng.uniform(-1.7, 1.7, 15)
        goal = 1.05 * values[-2]
        found = chance(values[:-1], Goal(low=goal), bounds=(0, None), simulations=500, seed=seed)
        said.append(found.probability)
        came.append(values[-1] >= goal)
    high = np.array(said) < 0.3
    assert high.sum() > 30
    assert np.mean(np.array(came)[high]) <= np.mean(np.array(said)[high]) + 0.1 + 2 * np.sqrt(
        0.1 / high.sum()
    )
