"""One verdict an entry, the reason for a total, next steps, and the order of people: case tables."""

from __future__ import annotations

from typing import Any

import pytest

from kpi_kit.scorecard import verdict
from tests import cards

TARGET = {"kind": "at_least", "value": 50.0, "base": 0.0}
CEILING = {"kind": "at_most", "value": 20.0, "base": 40.0}
UP, DOWN = cards.change(5.0, 2.0, 8.0), cards.change(-5.0, -8.0, -2.0)
RISING, FALLING = cards.trend(**cards.RISING), cards.trend(**cards.FALLING)


def entry(attainment: float | None = 1.0, **given: Any) -> cards.Card:
    value = None if attainment is None else 50.0 * attainment
    made = cards.entry("leads", "sales", "leads", value, target=TARGET, attainment=attainment)
    made |= {"attained": None if attainment is None else attainment >= 1, "payout": attainment}
    if attainment is not None and attainment < 0.8:
        made["payout"] = 0.0
    return made | given


def aimless(**given: Any) -> cards.Card:
    return entry(1.0, **given) | {"target": None, "attained": None, "attainment": None, "payout": None}


def whole(*kpis: cards.Card, **given: Any) -> cards.Card:
    return cards.card(kpis=list(kpis), sections=cards.unassessable()["sections"], **given)


def early(*kpis: cards.Card) -> cards.Card:
    return whole(*kpis, interim=True)


RISKY = {"chance": 0.1, "chance_period": cards.PERIOD, "chance_check": cards.check("reliable")}
SCALED = [{"code": "target_prorated", "share": 0.5, "why": "interim"}]
BOUNDED = {"kpi": "response_rate", "unit": "share", "target": TARGET | {"value": 1.0}}
VERDICTS = [
    # entry, whether interim, verdict
    (entry(None), False, "unknown"),
    (entry(None), True, "unknown"),
    (entry(None, target=None), False, "unknown"),
    (aimless(), False, "none"),
    (aimless(change=UP), False, "better"),
    (aimless(change=DOWN), False, "worse"),
    (aimless(change=DOWN | cards.NOISE), False, "none"),
    (aimless(change=DOWN), True, "worse"),
    (entry(0.0), False, "below_threshold"),
    (entry(0.7999, change=DOWN), False, "below_threshold"),
    (entry(0.8), False, "missed"),
    (entry(0.99, change=DOWN), False, "missed_worse"),
    (entry(0.99, change=UP), False, "missed"),
    (entry(0.99, change=DOWN | cards.UNCONFIRMED), False, "missed"),
    (entry(0.99, trend=FALLING), False, "missed"),
    (entry(None) | {"value": 5.0, "assessable": True, "attained": False}, False, "missed"),
    (entry(1.0), False, "met"),
    (entry(1.0, change=cards.change(0.0)), False, "met"),
    (entry(1.2, change=DOWN, trend=FALLING), False, "met_worse"),
    (entry(1.2, trend=FALLING), False, "met_declining"),
    (entry(1.2, trend=FALLING, change=UP), False, "met"),
    (entry(1.2, trend=RISING), False, "met"),
    (entry(1.2, trend=RISING, better="lower", target=CEILING), False, "met_declining"),
    (entry(1.2, trend=FALLING | {"q": 0.051}), False, "met"),
    (entry(1.0), True, "on_track"),
    (entry(0.7), True, "behind"),
    (entry(0.7, **RISKY), True, "at_risk"),
    (entry(1.1, **RISKY), True, "at_risk"),
    (entry(0.7, **RISKY | {"chance": 0.15}), True, "behind"),
    (entry(0.7, **RISKY | {"chance_check": cards.check("not_reliable")}), True, "behind"),
    (entry(0.7, **RISKY | {"chance_check": cards.check("not_checked", 12)}), True, "at_risk"),
    (entry(0.7, **RISKY | {"chance_check": None}), True, "behind"),
    (entry(0.7, **RISKY | {"chance_period": "2025-12"}), True, "behind"),
    (entry(0.5, target=CEILING, notes=SCALED, value=41.0, attained=False), True, "impossible"),
    (entry(0.5, target=CEILING, notes=SCALED, value=40.0, attained=False), True, "behind"),
    (entry(0.7, **BOUNDED, numerator=9.0, denominator=10.0), True, "impossible"),
    (entry(1.0, **BOUNDED, numerator=10.0, denominator=10.0), True, "on_track"),
]


@pytest.mark.parametrize(("record", "interim", "expected"), VERDICTS)
def test_the_first_verdict_that_holds(record: cards.Card, interim: bool, expected: str) -> None:
    card = early(record) if interim else whole(record)
    assert verdict.entry_verdict(record, card) == expected
    assert expected in verdict.VERDICTS


def test_a_growth_on_a_year_ago_is_judged_by_the_year() -> None:
    record = entry(1.2, change=DOWN, year_ago={"value": 40.0, "change": UP})
    assert verdict.entry_verdict(record, whole(record)) == "met_worse"
    record |= {"as": "growth", "versus": "year_ago"}
    assert verdict.entry_verdict(record, whole(record)) == "met"
    record["year_ago"] = None
    assert verdict.judged_change(record) is None


def test_the_whole_plan_of_an_unfinished_period_counts_the_days_of_its_end() -> None:
    record = entry(0.5, notes=[{"code": "target_prorated", "share": 0.25, "why": "held", "whole": 0.75}])
    assert verdict.whole_target(record) == record["target"]["value"] * 3


def test_a_plan_that_the_items_left_cannot_save_is_impossible() -> None:
    target = TARGET | {"value": 0.9}
    record = entry(0.8, kpi="plan_fulfilment", numerator=6.0, denominator=10.0, target=target)
    card = early(record)
    card["sections"]["plan"] = [{"status": "not_due"}] * 30
    assert verdict.entry_verdict(record, card) == "behind"
    card["sections"]["plan"] = [{"status": "not_due"}] * 29
    assert verdict.entry_verdict(record, card) == "impossible"


SHOCK = {"platform": "vk", "week": "2025-W41", "direction": "fell", "median": -0.2, "accounts": 9}
PLANNED = [{"status": "missing", "account_id": "vk", "due_at": "2025-10-03T12:00+03:00"}] * 2
REASONS = [
    (entry(1.0), None),
    (entry(None), None),
    (aimless(), None),
    (entry(0.7), {"code": "short_of_plan"}),
    (entry(0.7, change=DOWN), {"code": "worse"}),
    (entry(0.7, change=DOWN, shocks=[SHOCK]), {"code": "platform_shock", "platform": "vk"}),
    (entry(0.7, shocks=[SHOCK | {"direction": "rose"}]), {"code": "short_of_plan"}),
    (entry(0.7, **BOUNDED, numerator=95.0, denominator=100.0), {"code": "answers_late", "count": 5}),
    (entry(0.7, kpi="posts_published", value=35.0), {"code": "posts_missing", "count": 15}),
    (entry(0.7, kpi="plan_fulfilment"), {"code": "posts_missing", "count": 2}),
]


@pytest.mark.parametrize(("record", "expected"), REASONS)
def test_why_an_entry_falls_short(record: cards.Card, expected: dict[str, Any] | None) -> None:
    card = whole(record)
    card["sections"]["plan"] = PLANNED
    assert verdict.entry_reason(record, card) == expected


CARDS = [
    # card, reason, verdict
    (whole(total=None), {"code": "no_total"}, "unknown"),
    (whole(entry(None), total=None), {"code": "no_total"}, "unknown"),
    (whole(entry(1.0), total=1.0), {"code": "all_met"}, "met"),
    (whole(entry(1.2), entry(1.0), total=1.1), {"code": "all_met"}, "met"),
    (whole(entry(1.0), entry(None, weight=5), total=1.0), {"code": "weight_assessed"}, "met"),
    (whole(entry(1.0), entry(None, weight=4), total=1.0), {"code": "all_met"}, "met"),
    (whole(entry(0.7), entry(0.7), entry(0.1), total=0.0), {"code": "below_threshold", "count": 3}, None),
    (whole(entry(0.7), entry(0.7), total=0.0), {"code": "short_of_plan", "entry": 0}, "below_threshold"),
    (whole(entry(1.0), entry(0.9), total=0.95), {"code": "short_of_plan", "entry": 1}, "missed"),
    (whole(entry(0.9), entry(0.7, weight=99, change=DOWN), total=0.1), {"code": "worse", "entry": 1}, None),
]


@pytest.mark.parametrize(("card", "reason", "expected"), CARDS)
def test_why_a_total_is_what_it_is(card: cards.Card, reason: dict[str, Any], expected: str | None) -> None:
    found = verdict.card_reason(card)
    assert {key: found.get(key) for key in reason} == reason
    assert expected is None or verdict.card_verdict(card) == expected


def test_losses_are_shares_of_the_assessed_weight() -> None:
    assert verdict.losses(whole()) == []
    assert verdict.losses(whole(entry(None))) == [0.0]
    two = whole(entry(1.0, weight=30), entry(0.5, weight=10), entry(None, weight=60))
    assert verdict.losses(two) == [0.0, 0.25, 0.0]
    two["scoring"]["not_assessable"] = "zero"
    assert verdict.losses(two) == [0.0, 0.1, 0.6]
    assert verdict.losses(whole(entry(1.2))) == [0.0], "what is over the plan makes up for nothing"


def step_codes(card: cards.Card) -> list[tuple[str, int]]:
    return [(step["code"], step["count"]) for step in verdict.next_steps(card)]


def test_next_steps_are_at_most_three_in_the_order_of_urgency() -> None:
    assert step_codes(whole()) == step_codes(whole(entry(1.0))) == []
    card = whole(
        entry(None, notes=[{"code": "not_covered", "tables": ["leads", "posts"]}]),
        entry(1.0, audit=[{"code": "already_given"}, {"code": "not_a_duty"}]),
    )
    assert step_codes(card) == [("import", 2), ("revise", 1)]
    assert [step["rows"] for step in verdict.next_steps(card)] == [
        [{"table": "leads", "entries": [0]}, {"table": "posts", "entries": [0]}],
        [{"code": "already_given", "entry": 1}],
    ]
    card["sections"]["funnel"] = {"leads": 9, "qualified": 4, "unknown": 3, "sold": 1, "amount": None}
    card["sections"]["plan"] = PLANNED
    overdue = [{"account_id": "vk", "received_at": "2025-10-02T12:00+03:00", "hours": 90.0}]
    card["sections"]["response"] = cards.sections()["response"] | {"overdue": overdue}
    assert step_codes(card) == [("answer", 1), ("publish", 2), ("qualify", 3)]
    assert verdict.next_steps(card)[0]["rows"] == overdue


def test_the_first_step_is_about_the_entry_that_costs_most() -> None:
    card = whole(entry(1.0), entry(0.5))
    assert verdict.next_steps(card) == [{"code": "shortfall", "count": 1, "rows": [{"entry": 1}]}]
    card["sections"]["plan"] = PLANNED
    card["sections"]["funnel"] = {"leads": 9, "qualified": 4, "unknown": 3, "sold": 1, "amount": None}
    assert step_codes(card) == [("shortfall", 1), ("publish", 2), ("qualify", 3)]
    for kpi, first in (("qualified_lead_rate", "qualify"), ("plan_fulfilment", "publish")):
        card["kpis"][1]["kpi"] = kpi
        assert [code for code, _ in step_codes(card)] == [first, *({"publish", "qualify"} - {first})]
    hopeless = entry(0.5, audit=[{"code": "out_of_reach"}])
    assert step_codes(whole(entry(1.0, audit=[{"code": "already_given"}]), hopeless)) == [("revise", 2)]
    fallen = entry(0.5, shocks=[SHOCK])
    assert step_codes(whole(fallen)) == [], "the whole platform fell: that is nobody's to mend"
    assert step_codes(early(fallen)) == [("shortfall", 1)]
    unknown = whole(entry(1.0), entry(None, notes=[{"code": "absent"}]))
    unknown["scoring"]["not_assessable"] = "zero"
    assert step_codes(unknown) == []


def test_posts_that_nobody_has_looked_at_are_a_step_where_the_plan_waits_for_it() -> None:
    unreviewed = [{"status": "not_reviewed", "account_id": "vk", "due_at": "2025-10-03T12:00+03:00"}]
    card = whole(entry(1.0, kpi="plan_fulfilment"))
    card["sections"]["plan"] = unreviewed
    assert step_codes(card) == []
    card["kpis"] = [entry(None, kpi="plan_fulfilment", notes=[{"code": "too_many_unknown"}])]
    assert step_codes(card) == [("review", 1)]


def test_an_unfinished_period_revises_no_target_for_its_chance() -> None:
    record = entry(0.5, audit=[{"code": "out_of_reach"}])
    assert step_codes(whole(record)) == [("revise", 1)]
    assert step_codes(early(record)) == [("shortfall", 1)]
    record["audit"].append({"code": "deadline_passed"})
    assert step_codes(early(record)) == [("revise", 1)]


def person(name: str, *kpis: cards.Card, **given: Any) -> cards.Card:
    return whole(*kpis, specialist=name, name=name, **given)


def names(found: Any) -> list[str]:
    return [card["specialist"] for card in found]


def test_worst_first() -> None:
    team = [
        person("d", entry(1.0), total=1.0),
        person("c", entry(0.5), total=0.5),
        person("b", entry(0.9), entry(0.5), total=0.5),
        person("a", entry(0.5), total=0.5),
        person("z", total=None),
    ]
    assert names(verdict.worst_first([])) == []
    assert names(verdict.worst_first(team)) == ["z", "a", "c", "b", "d"]
    assert names(verdict.attention([])) == names(verdict.attention(team[:1])) == []
    assert names(verdict.attention(team)) == ["z", "a", "c"]


def test_the_sentence_of_the_month_weighs_money_where_everybody_has_it() -> None:
    assert verdict.month_sentence([]) == verdict.month_sentence([person("a", entry(1.0), total=1.0)]) == []
    team = [
        person("a", entry(1.0), entry(0.5), total=0.5, variable_pay={"amount": 10_000.0}),
        person("b", entry(0.9), total=0.9, variable_pay={"amount": 90_000.0}),
        person("c", total=None, variable_pay={"amount": 90_000.0}),
    ]
    assert verdict.month_sentence(team) == [("b", 0), ("a", 1)]
    del team[2]["variable_pay"]
    assert verdict.month_sentence(team) == [("a", 1), ("b", 0)]
    assert verdict.month_sentence(team, most=1) == [("a", 1)]


def test_a_record_is_judged_whole() -> None:
    card = verdict.with_verdicts(whole(entry(0.5), total=0.0))
    assert (card["verdict"], card["reason"], card["next"]) == (
        "below_threshold",
        {"code": "short_of_plan", "entry": 0},
        [{"code": "shortfall", "count": 1, "rows": [{"entry": 0}]}],
    )
    assert [(e["verdict"], e["reason"]) for e in card["kpis"]] == [
        ("below_threshold", {"code": "short_of_plan"})
    ]
