"""What the department's report says of everyone together, against figures by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.department import view
from kpi_kit.statistics import funnel

Json = dict[str, Any]


def record(kpi: str, value: float | None = 0.9, volume: float | None = 100.0, **given: Any) -> Json:
    found = {
        "kpi": kpi,
        "as": "value",
        "value": value,
        "denominator": volume,
        "assessable": value is not None,
        "better": "higher",
        "attainment": 1.0,
        "payout": None if value is None else 1.0,
        "weight": 10,
        "change": None,
        "trend": {"verdict": "no_clear_trend", "q": 0.9, "slope": 0.0},
        "target": {"kind": "at_least"},
        "control": {"centre": None},
        "history": [{"value": value, "outside": None}],
        "accounts": [],
        "shocks": [],
    }
    return found | given


def card(specialist: str, *records: Json) -> Json:
    return {
        "specialist": specialist,
        "name": specialist.title(),
        "scoring": {"threshold": 0.8, "not_assessable": "reweight"},
        "total": 1.0,
        "period": "2025-10",
        "assignments": [
            {"account_id": "vk-ann", "since": None, "until": "2025-11-01"},
            {"account_id": "late", "since": "2025-10-02", "until": None},
            {"account_id": "left", "since": "2025-01-01", "until": "2025-10-31"},
        ],
        "kpis": list(records),
    }


def changed(estimate: float, p: float | None, real: bool | None) -> Json:
    return {"estimate": estimate, "p": p, "real": real}


def test_nobody() -> None:
    assert view([]) == {"schema": 1, "funnels": [], "shocks": [], "exceptions": []}


def test_two_people_have_no_funnel() -> None:
    assert view([card("ann", record("response_rate")), card("ben", record("response_rate"))])["funnels"] == []


def test_five_people_have_one() -> None:
    values = {
        "ann": (0.95, 400.0),
        "ben": (0.94, 300.0),
        "eve": (0.5, 200.0),
        "kim": (0.9, 300.0),
        "lee": (0.9, 300.0),
    }
    (found,) = view([card(who, record("response_rate", *pair)) for who, pair in values.items()])["funnels"]
    assert (found["kpi"], found["by"], found["unit"], found["better"]) == (
        "response_rate", "specialist", "share", "higher"
    )  # fmt: skip
    expected = funnel([0.95, 0.94, 0.5, 0.9, 0.9], [400.0, 300.0, 200.0, 300.0, 300.0], kind="share")
    assert found["centre"] == pytest.approx((380 + 282 + 100 + 270 + 270) / 1500)
    assert [point["name"] for point in found["points"]] == ["Ann", "Ben", "Eve", "Kim", "Lee"]
    assert [point["z"] for point in found["points"]] == list(expected.z)
    assert all(0 <= bound["low998"] <= bound["low95"] <= bound["high95"] <= bound["high998"] <= 1
               for bound in found["curve"])  # fmt: skip
    assert found["curve"][0]["volume"] < 200 < 400 < found["curve"][-1]["volume"]


def test_with_fewer_people_accounts_are_the_points_each_once() -> None:
    parts = [
        {"account_id": name, "value": value, "denominator": volume}
        for name, value, volume in (
            ("vk-ann", 0.1, 900.0), ("tg", 0.2, 500.0), ("none", None, None),
            ("late", 0.1, 9.0), ("left", 0.1, 9.0),
        )
    ]  # fmt: skip
    both = [record("churn_rate", 0.13, 1400.0, accounts=parts)] * 2
    cards = [card("ann", *both), card("ben", record("churn_rate", accounts=parts[:1]))]
    (found,) = view(cards)["funnels"]
    assert found["by"] == "account"
    assert [(point["specialist"], point["account_id"]) for point in found["points"]] == [
        ("ann", "vk-ann"), ("ann", "tg"), ("ben", "vk-ann")
    ]  # fmt: skip


def test_accounts_of_one_person_are_no_department() -> None:
    parts = [{"account_id": name, "value": 0.1, "denominator": 9.0} for name in "abcd"]
    assert view([card("ann", record("churn_rate", accounts=parts))])["funnels"] == []


def test_a_person_with_two_entries_is_one_point() -> None:
    narrow, wide = record("response_rate", 0.5, 50.0), record("response_rate", 0.8, 90.0)
    cards = [card(who, narrow, wide, narrow) for who in ("ann", "ben", "eve")]
    (found,) = view(cards)["funnels"]
    assert [point["volume"] for point in found["points"]] == [90.0] * 3


def test_changes_and_sums_have_no_funnel() -> None:
    cards = [
        card(who, record("likes", 100.0, None), record("view_rate", **{"as": "growth"}))
        for who in ("ann", "ben", "eve")
    ]
    assert view(cards)["funnels"] == []


def test_of_three_and_four_people_nobody_is_told_apart() -> None:
    """One who is far off would widen the limits until nobody is outside."""
    for people in (("ann", "ben", "eve"), ("ann", "ben", "eve", "kim")):
        shares = [0.99, 0.5, 0.51, 0.49][: len(people)]
        cards = [card(who, record("response_rate", share)) for who, share in zip(people, shares, strict=True)]
        (found,) = view(cards)["funnels"]
        assert (found["reason"], found["curve"]) == ("few_people", [])
        assert {point["outside"] for point in found["points"]} == {None}
        assert found["centre"] == pytest.approx(sum(shares) / len(shares))


def test_a_flat_department_has_a_reason_instead_of_limits() -> None:
    people = ("ann", "ben", "eve", "kim", "lee")
    (found,) = view([card(who, record("response_rate", 1.0)) for who in people])["funnels"]
    assert (found["reason"], found["curve"]) == ("no_variation", [])
    assert {point["outside"] for point in found["points"]} == {None}
    json.dumps(found, allow_nan=False)


def test_a_shock_is_told_once() -> None:
    shock = {"platform": "vk", "week": "2025-W41", "direction": "fell", "median": -0.2, "accounts": 9}
    earlier = {**shock, "week": "2025-W40"}
    cards = [
        card("ann", record("views", shocks=[shock, earlier]), record("view_rate", shocks=[shock])),
        card("ben", record("likes", shocks=[shock])),
    ]
    assert [(week["week"], week["measure"]) for week in view(cards)["shocks"]] == [
        ("2025-W40", "views"), ("2025-W41", "likes"), ("2025-W41", "views")
    ]  # fmt: skip


def test_exceptions_come_in_the_order_of_the_page() -> None:
    outside = [{"value": 2.0, "outside": True}]
    ann = card(
        "ann",
        record("leads", None, attainment=None),
        record("sales", attainment=0.79, payout=0.0),
        record("views", attainment=0.3, payout=0.0, weight=20),
        record("likes", change=changed(-5.0, 0.001, True)),
    )
    ben = card(
        "ben",
        record("churn_rate", better="lower", change=changed(0.1, 0.0001, True)),
        record("leads", change=changed(9.0, 0.0001, True)),
        record("sales", history=outside, control={"centre": 9.0}),
        record("views", history=outside, control={"centre": 1.0}),
    )
    unknown = card("zoe", record("leads", None, attainment=None)) | {"total": None}
    cards = [ben, ann | {"total": 0.25}, unknown]
    found = view(cards)["exceptions"]
    assert [(each["specialist"], each["kpi"], each["reasons"]) for each in found] == [
        ("zoe", "leads", ["not_assessable"]),
        ("ann", "views", ["below"]),
        ("ann", "sales", ["below"]),
        ("ann", "leads", ["not_assessable"]),
        ("ann", "likes", ["worse"]),
        ("ben", "churn_rate", ["worse"]),
        ("ben", "sales", ["outside"]),
    ]
    people = dict.fromkeys(each["specialist"] for each in found)
    assert list(people) == [card["specialist"] for card in verdict.worst_first(cards)]
    q_values = {each["kpi"]: each["q_department"] for each in found if each["q_department"] is not None}
    assert [q_values[kpi] for kpi in ("churn_rate", "likes")] == pytest.approx([0.00015, 0.001]), (
        "over three p"
    )


def test_a_sure_trend_for_the_worse_is_an_exception() -> None:
    falling = {"verdict": "falling", "q": 0.01, "slope": -1.0}
    doubtful = {"verdict": "falling", "q": 0.06, "slope": -1.0}
    band = {"kind": "between"}
    cards = [
        card(
            "ann",
            record("views", trend=falling),
            record("churn_rate", trend=falling, better="lower"),
            record("likes", trend=doubtful),
            record("view_rate", trend=falling, target=band),
        )
    ]
    (found,) = view(cards)["exceptions"]
    assert (found["kpi"], found["reasons"]) == ("views", ["heading_worse"])


def test_more_p_in_the_department_hide_no_exception() -> None:
    """What is real in the report stays an exception, whatever the department's own q is."""
    noise = [record("leads", change=changed(1.0, 0.9, False)) for _ in range(50)]
    below = card("ben", record("sales", attainment=0.5, payout=0.0)) | {"total": 0.0}
    cards = [card("ann", record("views", change=changed(-5.0, 0.03, True)), *noise), below]
    found = view(cards)["exceptions"]
    assert [each["kpi"] for each in found] == ["sales", "views"]
    assert found[1]["q_department"] > 0.05
