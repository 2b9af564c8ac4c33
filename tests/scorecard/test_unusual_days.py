"""Unusual days: calibrated on noise, found where they are planted, and shown with their events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.params import load
from kpi_kit.report.parts.unusual import unusual_days as shown
from kpi_kit.report.wording import words
from kpi_kit.scorecard.unusual_days import events, unusual
from kpi_kit.statistics import unusual_days
from tests import cards
from tests.agency import build, case_of, cover, entry

DAYS = 400
WEEK = np.array([1.1, 1.2, 1.15, 1.1, 1.0, 0.7, 0.6])
Series = Callable[[np.random.Generator, float], np.ndarray]


def poisson(rng: np.random.Generator, mean: float) -> np.ndarray:
    return rng.poisson(mean, DAYS)


def weekly(rng: np.random.Generator, mean: float) -> np.ndarray:
    return rng.poisson(mean * WEEK[np.arange(DAYS) % 7])


def growing(rng: np.random.Generator, mean: float) -> np.ndarray:
    growth = np.exp(0.004 * (np.arange(DAYS) - DAYS / 2))
    return rng.poisson(mean * WEEK[np.arange(DAYS) % 7] * growth)


def overdispersed(rng: np.random.Generator, mean: float) -> np.ndarray:
    expected = mean * WEEK[np.arange(DAYS) % 7]
    return rng.negative_binomial(10, 10 / (10 + expected))


def autoregressive(rng: np.random.Generator, mean: float) -> np.ndarray:
    noise = np.empty(DAYS)
    noise[0] = rng.normal() * 0.25
    for day in range(1, DAYS):
        noise[day] = 0.6 * noise[day - 1] + rng.normal() * 0.25 * 0.8
    return rng.poisson(mean * WEEK[np.arange(DAYS) % 7] * np.exp(noise - 0.25**2 / 2))


@pytest.mark.parametrize("series", [poisson, weekly, growing, overdispersed, autoregressive])
def test_fewer_than_one_day_in_1000_is_a_false_alarm(series: Series) -> None:
    rng = np.random.default_rng(20251101)
    alarms = [
        np.count_nonzero(unusual_days(series(rng, mean)).outside)
        for mean in (0.3, 2.0, 15.0, 200.0)
        for _ in range(5)
    ]
    assert sum(alarms) < DAYS * len(alarms) / 1000


@pytest.mark.parametrize("series", [poisson, weekly, growing])
@pytest.mark.parametrize("mean", [40.0, 400.0])
@pytest.mark.parametrize(("factor", "found"), [(3.0, 1), (0.0, -1)])
def test_a_planted_day_is_found(series: Series, mean: float, factor: float, found: int) -> None:
    rng = np.random.default_rng(1)
    counts = series(rng, mean).astype("float64")
    for day in (60, 200, DAYS - 1):
        spoilt = counts.copy()
        spoilt[day] = round(counts[max(0, day - 35) : day + 35].mean() * factor * WEEK[day % 7])
        assert unusual_days(spoilt).outside[day] == found


def test_a_day_is_told_with_what_would_have_been_usual() -> None:
    counts = np.full(100, 100.0)
    counts[50] = 300.0
    found = unusual_days(counts)
    assert np.flatnonzero(found.outside).tolist() == [50]
    assert 60 < found.low[50] < 100 < found.high[50] < 140
    assert np.isnan(found.low[49])


@pytest.mark.parametrize(
    "counts",
    [[], [5.0], [np.nan] * 200, [7.0] * 55, [*[7.0] * 55, *[np.nan] * 200]],
    ids=["nothing", "a day", "unknown", "short", "short with gaps"],
)
def test_of_a_short_history_nothing_is_said(counts: list[float]) -> None:
    found = unusual_days(counts)
    assert (found.reason, found.outside.any(), len(found.outside)) == ("short_history", False, len(counts))


@pytest.mark.parametrize("value", [0.0, 1.0, 50.0, 100_000.0])
def test_nothing_is_unusual_where_nothing_varies(value: float) -> None:
    counts = np.full(120, value)
    counts[30:40] = np.nan
    assert not unusual_days(counts).outside.any()


def test_a_small_count_is_judged_by_its_tail() -> None:
    """Three days of one lead a month are no news; a day of ten is."""
    counts = np.zeros(200)
    counts[::20] = 1.0
    counts[100] = 10.0
    assert np.flatnonzero(unusual_days(counts).outside).tolist() == [100]


def test_a_sunday_is_measured_by_sundays() -> None:
    counts = np.tile([40.0, 42.0, 38.0, 41.0, 39.0, 4.0, 3.0], 30)
    assert not unusual_days(counts).outside.any()
    counts[7 * 15 + 6] = 40.0
    assert np.flatnonzero(unusual_days(counts).outside).tolist() == [7 * 15 + 6]


# ---- cases

FIRST = dt.date(2025, 7, 1)
VISITS = [f"{FIRST + dt.timedelta(days=day)},a,{30 + day % 5}" for day in range(130)]
PLANTED = [line if not line.startswith("2025-10-14") else "2025-10-14,a,190" for line in VISITS]
EVENTS = """
events:
  - {title: {ru: Распродажа, en: Sale}, kind: campaign, since: 2025-10-13, until: 2025-10-16, accounts: [a]}
  - {title: Чужое, on: 2025-10-14, accounts: [b]}
  - {title: Давно, on: 2001-01-01}
  - {title: Бренд, on: 2025-10-20, brands: [X]}
  - {title: Сбой, kind: blocking, on: 2025-10-21, platforms: [vk, ok]}
"""


def looked_at(folder: Path, **agency: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    data, params = build(folder, [entry("social_visits")], **agency)
    (params / "events.yml").write_text(EVENTS, encoding="utf-8")
    with case_of(data, params) as case:
        happened = events(case)
        return unusual(case, happened), happened


def test_an_unusual_day_comes_with_its_event(tmp_path: Path) -> None:
    coverage = cover("traffic", since="2025-07-01", until="2025-11-08")
    (found,), happened = looked_at(tmp_path, traffic=PLANTED, coverage=coverage)
    assert (found["date"], found["account_id"], found["measure"]) == ("2025-10-14", "a", "visits")
    assert (found["fact"], found["direction"], found["kpis"]) == (190.0, "high", ["social_visits"])
    assert found["low"] <= 30 and 34 <= found["high"] < 100
    assert [happened[place]["title"]["en"] for place in found["events"]] == ["Sale"]
    assert [(event["title"]["ru"], event["concerns"]) for event in happened] == [
        ("Распродажа", ["a"]),
        ("Бренд", ["a", "X"]),
        ("Сбой", ["a"]),
    ]


def test_a_covered_day_without_a_row_is_a_zero_and_an_uncovered_one_is_unknown(tmp_path: Path) -> None:
    without = [line for line in VISITS if not line.startswith("2025-10-14")]
    whole = cover("traffic", since="2025-07-01", until="2025-11-08")
    (found,), _ = looked_at(tmp_path / "covered", traffic=without, coverage=whole)
    assert (found["fact"], found["direction"]) == (0.0, "low")
    gap = ["traffic,a,2025-07-01,2025-10-14", "traffic,a,2025-10-15,2025-11-08"]
    assert looked_at(tmp_path / "gap", traffic=without, coverage=gap)[0] == []


def test_days_on_which_somebody_else_had_the_account_are_not_shown(tmp_path: Path) -> None:
    person = {"accounts": [{"account": "a", "since": "2025-10-15"}]}
    coverage = cover("traffic", since="2025-07-01", until="2025-11-08")
    assert looked_at(tmp_path, traffic=PLANTED, coverage=coverage, person=person)[0] == []


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ("- {title: A}", "events, entry 1: expected either on, or since and until, found none"),
        ("- {title: A, since: 2025-10-01}", "found since"),
        ("- {title: A, on: 2025-10-01, until: 2025-10-02}", "found on, until"),
        ("- {title: A, since: 2025-10-02, until: 2025-10-02}", "2025-10-02 must be before until 2025-10-02"),
        ("- {title: A, onn: 2025-10-01}", "events, entry 1, onn: unknown key; did you mean on?"),
        ("- {title: {ru: А}, on: 2025-10-01}", "events, entry 1, title.en: this key is missing"),
        ("- {title: 5, on: 2025-10-01}", "entry 1, title: expected a text, or one each for ru and en"),
        ("- {title: A, on: 2025-10-01, kind: sale}", "events, entry 1, kind: found 'sale'"),
        ("- {title: A, on: 2025-10-01, platforms: [vkk]}", "did you mean vk?"),
        ("- {title: A, on: soon}", "events, entry 1, on: "),
    ],
)  # fmt: skip
def test_events_are_checked_like_other_params(tmp_path: Path, events: str, sentence: str) -> None:
    _, params = build(tmp_path, [entry("leads")])
    (params / "events.yml").write_text(f"events:\n  {events}\n", encoding="utf-8")
    with pytest.raises(InputError) as fault:
        load(params)
    (problem,) = fault.value.problems
    assert problem.startswith(f"{params / 'events.yml'}, line 2: ") and sentence in problem


def test_events_of_accounts_and_brands_that_nobody_has_are_a_warning(tmp_path: Path) -> None:
    _, params = build(tmp_path, [entry("leads")])
    text = "events:\n  - {title: A, on: 2025-10-01, accounts: [aa], brands: [Z]}\n"
    (params / "events.yml").write_text(text, encoding="utf-8")
    assert load(params).warnings == (
        "events.yml: 2025-10-01: no specialist has the account 'aa'; did you mean a?",
        "events.yml: 2025-10-01: no specialist has the brand 'Z'; allowed: X",
    )


def test_days_that_follow_each_other_are_one_row_and_titles_are_escaped() -> None:
    card = cards.card("en")
    card["events"][0]["title"]["en"] = "<b>Sale</b>"
    html = str(shown(card, words("en")))
    assert html.count("<tr") == 3 and "6–7 October" in html and "up to\N{NO-BREAK SPACE}120" in html
    assert "&lt;b&gt;Sale" in html and "<b>Sale" not in html
    assert shown(cards.card(anomalies=[], events=[]), words("ru")) is None
