"""Alerts: one rule with the interim page, what is overdue, and what the rest of the period must bring."""

from __future__ import annotations

from typing import Any

import pytest
from cards import check, entry
from running import churn_entry, lead_entry, running

from kpi_kit.scorecard.alerts import alerts, days_left, need


def codes(card: Any) -> list[str]:
    return [alert.code for alert in alerts(card)]


def test_nothing_is_nothing() -> None:
    assert alerts(running(10)) == []
    assert alerts(running(31, lead_entry(31, 0.01))) == []  # the period is over
    assert alerts(running(10, entry("leads", "sales", "leads", None))) == []


@pytest.mark.parametrize(
    ("chance", "given", "expected"),
    [
        (0.149, {}, ["at_risk"]),
        (0.15, {}, []),
        (None, {}, []),
        (0.01, {"chance_check": check("not_reliable")}, []),
        (0.01, {"chance_check": check("not_checked")}, ["at_risk"]),
        (0.01, {"chance_check": None}, []),
        (0.01, {"chance_period": "2025-12"}, []),
        (0.01, {"target": None}, []),
    ],
)
def test_at_risk_is_the_verdict_of_the_interim_page(
    chance: float | None, given: dict[str, Any], expected: list[str]
) -> None:
    card = running(10, lead_entry(10, chance, **given))
    assert codes(card) == expected
    assert (card["kpis"][0]["verdict"] == "at_risk") == (expected == ["at_risk"])


@pytest.mark.parametrize(
    ("value", "chance", "given", "expected"),
    [
        (0.009, 0.9, {}, []),
        (0.011, 0.49, {}, ["over_pace"]),
        (0.011, None, {}, ["over_pace"]),
        (0.011, 0.5, {}, []),  # above the pace, and likely to hold all the same
        (0.011, 0.1, {}, ["at_risk"]),
        (0.032, 0.1, {}, ["impossible"]),
        (0.011, None, {"kpi": "unsubscribed"}, []),
        (0.011, None, {"kpi": "unsubscribed", "standard": True}, ["over_pace"]),
    ],
)
def test_a_ceiling_and_its_pace(
    value: float, chance: float | None, given: dict[str, Any], expected: list[str]
) -> None:
    assert codes(running(10, churn_entry(10, chance, value, **given))) == expected


def test_the_first_days_say_nothing_of_the_end() -> None:
    assert [codes(running(day, lead_entry(day, 0.01))) for day in (1, 4, 5)] == [[], [], ["at_risk"]]


def test_what_is_overdue_has_a_mark_each() -> None:
    card = running(10, overdue=["2025-10-02T10:00+03:00", "2025-10-03T10:00+03:00"], missing=["p1"])
    answer, publish = alerts(card)
    assert answer.marks == (
        "anna-petrova|answer|vk-roastery|2025-10-02T10:00+03:00",
        "anna-petrova|answer|vk-roastery|2025-10-03T10:00+03:00",
    )
    assert publish.marks == ("anna-petrova|publish|vk-roastery|p1",)


def test_the_least_likely_is_first() -> None:
    card = running(
        10, lead_entry(10, 0.12), lead_entry(10, 0.02, scope={"platforms": ["vk"]}), missing=["p1"]
    )
    assert [(alert.code, alert.entry) for alert in alerts(card)] == [
        ("at_risk", 1),
        ("at_risk", 0),
        ("publish", None),
    ]
    assert alerts(card)[0].marks == ("anna-petrova|at_risk|leads|value|previous|platforms=vk",)


def test_what_the_rest_must_bring() -> None:
    level = entry("subscribers", "audience", "people", 1000.0, accruing=False,
                  target={"kind": "at_least", "value": 1210.0, "base": 0.0})  # fmt: skip
    rate = {"accruing": False, "numerator": 5.0, "denominator": 10.0}
    half = entry("qualified_lead_rate", "sales", "share", 0.5, **rate,
                 target={"kind": "at_least", "value": 0.6, "base": 0.0})  # fmt: skip
    whole = {**half, "target": {"kind": "at_least", "value": 1.0, "base": 0.0}}
    rows = [lead_entry(10, 0.1, 20), churn_entry(10, 0.1, 0.01), level, half, whole, lead_entry(10, 0.9, 70)]
    card = running(10, *rows)
    assert days_left(card) == 21
    found = [need(row, card) for row in rows]
    assert [None if one is None else (one.kind, round(one.value, 6)) for one in found] == [
        ("day_least", 2.0),  # (62 - 20) / 21
        ("day_most", 0.001),  # (0.031 - 0.01) / 21
        ("day_least", 10.0),  # (1210 - 1000) / 21
        ("rest_least", round((0.6 * 31 - 5) / 21, 6)),  # 21 more of 31 at the same pace
        None,  # more than 100 % of the rest
        None,  # there already
    ]
    assert need(running(10, lead_entry(10, 0.1, target=None))["kpis"][0], card) is None
    band = {"kind": "between", "value": [1.0, 2.0], "base": None}
    assert need(lead_entry(10, 0.1, target=band), card) is None
