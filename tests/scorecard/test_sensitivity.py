"""Each usual definition turns a verdict once, to values worked out by hand; promises over the catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.core.model import Kpi
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import Entry
from kpi_kit.params.targets import Kind, Target
from kpi_kit.report.wording import words
from kpi_kit.report.wording.robustness import outcome, turning, verdict
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.sensitivity import REPORTED, measured_by, redefined_units, robustness
from tests.agency import Json, build, case_of, cover, entry, scored

# 100 subscribers until the 15th, 200 from the 16th on: (15 · 100 + 16 · 200) / 31 = 4700 / 31 on average.
# Of the 100 that came on the 16th the platform counts 90 as joined; 10 left on the 20th.
MEAN = 4700 / 31
AUDIENCE = ["2025-09-30,a,100,0,0"] + [
    f"2025-10-{day:02d},a,{100 if day < 16 else 200},{90 if day == 16 else 0},{10 if day == 20 else 0}"
    for day in range(1, 32)
]
# post_id, account_id, published_at, views, likes, comments, reposts, on_brand, stats_at, deleted_at, reach
POSTS = [
    "p1,a,2025-10-02T12:00,100,10,2,0,true,2025-10-30,,400",
    "p2,a,2025-10-20T12:00,500,10,0,0,true,2025-10-30,,200",
    "p3,a,2025-10-06T12:00,120,6,0,0,false,2025-10-30,,100",
    "gone,a,2025-10-07T12:00,50,9,0,0,true,2025-10-30,2025-10-20,60",
    "young,a,2025-10-30T12:00,400,80,0,0,true,2025-11-01,,300",
    "s1,a,2025-09-10T12:00,70,50,0,0,true,2025-10-01,,80",
    "s2,a,2025-09-11T12:00,70,50,0,0,true,2025-10-01,2025-10-02,80",
]
# plan_id, account_id, due_at, approved, post_id, approved_at, cancelled_at
PLAN = [
    "fulfilled,a,2025-10-02T12:00,true,p1",
    "three-hours-late,a,2025-10-20T09:00,true,p2",
    "off-brand,a,2025-10-06T12:00,true,p3",
    "kept,a,2025-10-30T12:00,true,young",
    "cancelled,a,2025-10-15T12:00,true,,,2025-10-10T12:00",
]
COMMENTS = [
    "c1,p1,a,2025-10-03T12:00,false,,true",
    "c2,p1,a,2025-10-03T12:00,false,Где купить ваш кофе?,",  # meaningful by rule
    "c3,p1,a,2025-10-03T12:00,,,true",  # nobody knows whose
    "c4,p1,a,2025-10-03T12:00,true,,true",
]
# answered after 1, 3, 300 hours, never, and after 1 hour; the last is not due: 240 hours are given
INQUIRIES = [
    "q1,a,message,2025-10-01T00:00,2025-10-01T01:00",
    "q2,a,message,2025-10-02T00:00,2025-10-02T03:00",
    "q3,a,message,2025-10-03T00:00,2025-10-15T12:00",
    "q4,a,message,2025-10-04T00:00,",
    "q5,a,message,2025-10-31T12:00,2025-10-31T13:00",
]
# lead_id, account_id, created_at, qualified, sold_at, sale_amount, currency, refunded_at
LEADS = [
    "l1,a,2025-10-01T12:00,true,2025-10-10T12:00,100,RUB",
    "l2,a,2025-10-02T12:00,",
    "l3,a,2025-10-03T12:00,false",
    "l4,a,2025-09-15T12:00,true,2025-10-12T12:00,50,RUB",
    "l5,a,2025-10-05T12:00,true,2025-11-03T12:00,70,RUB",
    "l6,a,2025-10-06T12:00,true,2025-10-08T12:00,30,RUB,2025-10-20T12:00",
    "l7,a,2025-10-07T12:00,false,2025-11-04T12:00,500,RUB",
]
MENTIONS = ["m1,X,2025-10-01T12:00,vk,,false", "m2,X,2025-10-02T12:00,vk,,"]
AGENCY = {
    "audience": AUDIENCE,
    "posts": POSTS,
    "plan": PLAN,
    "comments": COMMENTS,
    "inquiries": INQUIRIES,
    "leads": LEADS,
    "mentions": MENTIONS,
    "traffic": ["2025-10-01,a,5"],
    "brand_queries": ["2025-10-01,2025-11-01,X,кофе,100"],
}
HOUSE = {"response": {"sla_hours": 240, "calendar": "always"}}

# KPI, the other definition, a bound (at most where less is better), the value reported, the other one
TURNED = [
    ("subscribers", "mean_level", 180, 200, MEAN),
    ("subscriber_gain", "joined_less_left", 90, 100, 90 - 10),
    ("subscriber_growth", "over_mean", 0.9, 100 / 100, 100 / MEAN),
    ("subscriber_growth", "over_closing", 0.9, 100 / 100, 100 / 200),
    ("subscriber_growth", "joined_less_left", 0.9, 100 / 100, 80 / 100),
    ("churn_rate", "over_mean", 0.08, 10 / 100, 10 / MEAN),
    ("churn_rate", "over_closing", 0.08, 10 / 100, 10 / 200),
    ("views", "with_deleted", 1150, 100 + 500 + 120 + 400, 1120 + 50),
    ("views", "settled_only", 900, 1120, 100 + 500 + 120),
    ("view_rate", "mean_of_posts", 1.7, 720 / (100 + 200 + 100), (1 + 2.5 + 1.2) / 3),
    ("view_rate", "median_of_posts", 1.7, 720 / 400, 1.2),
    ("view_rate", "with_unsettled", 1.85, 720 / 400, (720 + 400) / (400 + 200)),
    ("engagement_rate", "mean_of_posts", 0.0395, 28 / 720, (12 / 100 + 10 / 500 + 6 / 120) / 3),
    ("engagement_rate", "median_of_posts", 0.0395, 28 / 720, 6 / 120),
    ("engagement_rate", "with_unsettled", 0.0395, 28 / 720, (28 + 80) / (720 + 400)),
    ("engagement_rate", "over_reach", 0.0395, 28 / 720, 28 / (400 + 200 + 100)),
    ("likes", "with_deleted", 110, 10 + 10 + 6 + 80, 106 + 9),
    ("likes", "settled_only", 100, 106, 10 + 10 + 6),
    ("like_rate", "over_opening", 0.9, 106 / MEAN, 106 / 100),
    ("like_rate", "over_closing", 0.6, 106 / MEAN, 106 / 200),
    ("like_rate", "settled_only", 0.6, 106 / MEAN, 26 / MEAN),
    ("meaningful_comments", "told_only", 3, 3, 2),
    ("meaningful_comments", "author_known", 3, 3, 2),
    ("meaningful_comment_rate", "over_opening", 0.025, 3 / MEAN, 3 / 100),
    ("meaningful_comment_rate", "over_closing", 0.018, 3 / MEAN, 3 / 200),
    ("meaningful_comment_rate", "told_only", 0.018, 3 / MEAN, 2 / MEAN),
    ("meaningful_comment_rate", "author_known", 0.018, 3 / MEAN, 2 / MEAN),
    ("qualified_leads", "unknown_qualified", 4, 3, 4),
    ("qualified_lead_rate", "of_all_leads", 0.55, 3 / 5, 3 / 6),
    ("sales", "with_refunds", 3, 2, 3),
    ("sales", "by_lead_date", 3, 2, 3),
    ("sales_amount", "with_refunds", 160, 100 + 50, 150 + 30),
    ("sales_amount", "by_lead_date", 160, 100 + 50, 100 + 70 + 500),
    ("brand_mentions", "author_known", 2, 2, 1),
    ("posts_published", "with_deleted", 5, 4, 5),
    ("plan_fulfilment", "cancelled_missed", 0.45, 2 / 4, 2 / 5),
    ("plan_fulfilment", "by_day", 0.6, 2 / 4, 3 / 4),
    ("plan_fulfilment", "any_brand", 0.6, 2 / 4, 3 / 4),
    ("response_rate", "answered_only", 0.55, 2 / 4, 2 / 3),
    ("response_rate", "all_received", 0.55, 2 / 4, 3 / 5),
    ("median_response_time", "answered_only", 2, 3, 1),
    ("median_response_time", "mean_of_answered", 10, 3, (1 + 3 + 300 + 1) / 4),
]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A tiny agency in which no two definitions of a KPI agree."""
    folder = tmp_path_factory.mktemp("agency")
    data, params = build(folder, [entry("views")], department=HOUSE, **AGENCY)
    with case_of(data, params) as found:
        yield found


def facts_of(case: Context, kpi: str, **given: Any) -> Facts:
    return Facts(case, Entry.model_validate(entry(kpi, **given)))


def asked(kpi: str, bound: float) -> Target:
    lower = CATALOGUE[kpi].better == "lower"
    return (
        Target(Kind.AT_MOST, float(bound), 2.0 * bound) if lower else Target(Kind.AT_LEAST, float(bound), 0.0)
    )


@pytest.mark.parametrize(("kpi", "other", "bound", "reported", "value"), TURNED)
def test_a_definition_turns_the_verdict(
    kpi: str, other: str, bound: float, reported: float, value: float, case: Context
) -> None:
    found = robustness(facts_of(case, kpi), asked(kpi, bound))
    assert found is not None
    by_id = {one["id"]: one for one in found["definitions"]}
    assert by_id[REPORTED]["value"] == pytest.approx(reported)
    assert by_id[other]["value"] == pytest.approx(value)
    assert by_id[other]["turns"] and by_id[other]["attained"] is not by_id[REPORTED]["attained"]
    assert found["attained"] == sum(one["attained"] for one in found["definitions"])


def test_every_definition_turns_one() -> None:
    declared = [(kpi.id, other.id) for kpi in CATALOGUE.values() for other in kpi.alternatives]
    assert sorted(declared) == sorted((kpi, other) for kpi, other, *_ in TURNED)
    assert len(set(declared)) == len(declared) == len(TURNED)


def test_a_growth_takes_the_definition_on_both_sides(case: Context) -> None:
    """106 likes after 50; with deleted posts 115 after 100, not 115 after 50; of settled ones 26 after 50."""
    growth = facts_of(case, "likes", **{"as": "growth"})
    found = robustness(growth, asked("likes", 0.2))
    assert found is not None
    own, with_deleted, settled = found["definitions"]
    assert own["value"] == pytest.approx(106 / 50 - 1)
    assert with_deleted["value"] == pytest.approx(115 / 100 - 1)
    assert settled["value"] == pytest.approx(26 / 50 - 1)
    assert [one["turns"] for one in found["definitions"]] == [False, True, True]
    assert (found["attained"], found["of"]) == (1, 3)


def test_without_target_fact_or_other_definition_there_is_nothing_to_say(case: Context) -> None:
    assert robustness(facts_of(case, "views"), None) is None
    assert robustness(facts_of(case, "leads"), asked("leads", 1)) is None
    gone = facts_of(case, "views", accounts=["nobody"])
    assert gone.measurement.value is None
    assert robustness(gone, asked("views", 1)) is None


def test_a_definition_without_a_value_is_left_out_with_its_reason(tmp_path: Path) -> None:
    """Reach is unknown of the only post: 1 of 1 rows."""
    (row,) = scored(
        tmp_path,
        entry("engagement_rate", target={"at_least": 0.1}),
        posts=["p1,a,2025-10-02T12:00,100,10,2,0,true,2025-10-30"],
    )["kpis"]
    found = row["robustness"]
    assert (found["attained"], found["of"], len(found["definitions"])) == (4, 4, 5)
    assert found["definitions"][-1] == {
        "id": "over_reach",
        "value": None,
        "attained": None,
        "turns": False,
        "reason": {
            "code": "too_many_unknown",
            "count": 1,
            "total": 1,
            "missing": [
                {"table": "posts", "account_id": "a", "days": [["2025-10-02", "2025-10-03"]], "count": 1}
            ],
        },
    }
    assert "100" not in outcome(found["definitions"][-1], row, words("ru"), {})


# promises over the catalogue --------------------------------------------------------------------------------

EVERY_KPI = pytest.mark.parametrize("kpi", CATALOGUE.values(), ids=list(CATALOGUE))
HOW = [{}, {"as": "change"}, {"as": "growth"}, {"as": "growth", "versus": "year_ago"}]


@EVERY_KPI
@pytest.mark.parametrize("how", HOW, ids=lambda how: "-".join(how.values()) or "value")
def test_the_same_path_gives_the_value_itself(kpi: Kpi, how: Json, case: Context) -> None:
    facts = facts_of(case, kpi.id, **how)
    if kpi.id == "brand_queries":  # its rows are tiled, and tilings have no other definition
        assert not kpi.alternatives
        return
    for moves in (False, True):
        assert facts.measured_as(kpi, lambda frame: frame, moves=moves).value == facts.measurement.value


@EVERY_KPI
def test_the_definition_of_the_report_is_the_first(kpi: Kpi, case: Context) -> None:
    facts = facts_of(case, kpi.id)
    found = robustness(facts, asked(kpi.id, 1.0))
    assert (found is None) is (not kpi.alternatives)
    if found is not None:
        first = found["definitions"][0]
        assert (first["id"], first["value"], first["turns"]) == (REPORTED, facts.measurement.value, False)
        assert [one["id"] for one in found["definitions"][1:]] == [other.id for other in kpi.alternatives]


DAYS = [f"2025-{month}-{day:02d}" for month in ("09", "10") for day in range(1, 31)]
SIZES: dict[str, dict[str, list[str]]] = {
    "empty": {name: [] for name in AGENCY},
    "single": {name: [rows[0]] for name, rows in AGENCY.items()} | {"audience": ["2025-10-31,a,100,0,0"]},
    "flat": {
        "audience": [f"{day},a,100,1,1" for day in [*DAYS, "2025-10-31"]],
        "posts": [f"p{day},a,{day}T12:00,50,5,1,1,true,2025-11-07,,50" for day in DAYS],
        "plan": [f"n{day},a,{day}T12:00,true,p{day}" for day in DAYS],
        "comments": [f"c{day},p{day},a,{day}T12:00,false,,true" for day in DAYS],
        "inquiries": [f"q{day},a,message,{day}T12:00,{day}T13:00" for day in DAYS],
        "leads": [f"l{day},a,{day}T12:00,true,{day}T13:00,10,RUB" for day in DAYS],
        "mentions": [f"m{day},X,{day}T12:00,vk,,false" for day in DAYS],
        "traffic": [f"{day},a,5" for day in DAYS],
        "brand_queries": AGENCY["brand_queries"],
    },
}


@pytest.mark.parametrize("size", SIZES)
def test_every_definition_has_a_value_or_a_reason(size: str, tmp_path: Path) -> None:
    """Flat data say the same whatever the definition."""
    data, params = build(tmp_path, [entry("views")], department=HOUSE, coverage=cover(*AGENCY), **SIZES[size])
    with case_of(data, params) as case:
        for kpi in CATALOGUE.values():
            facts = facts_of(case, kpi.id)
            for other in kpi.alternatives:
                measured = measured_by(facts, other)
                assert measured.notes if measured.value is None else math.isfinite(measured.value)
                if size == "flat":
                    assert measured.value == pytest.approx(facts.measurement.value), (kpi.id, other.id)


@EVERY_KPI
def test_the_units_are_not_mutated(kpi: Kpi, case: Context) -> None:
    frame = facts_of(case, kpi.id).frame
    before = frame.copy(deep=True)
    for other in kpi.alternatives:
        assert redefined_units(frame, other).index.equals(frame.index)
    assert frame.equals(before)


# words ------------------------------------------------------------------------------------------------------


def said(attained: int, of: int, *turned: str) -> Json:
    return {
        "unit": "share",
        "as": "value",
        "target": {"kind": "at_least", "value": 0.0395, "base": 0.0},
        "robustness": {
            "attained": attained,
            "of": of,
            "definitions": [{"id": name, "turns": True} for name in turned],
        },
    }


def test_the_verdict_in_words() -> None:
    en, ru = words("en"), words("ru")
    assert verdict(said(5, 6), en) == "met under 5 of 6 definitions"
    assert verdict(said(6, 6), en) == "met under all 6 definitions"
    assert verdict(said(0, 6), ru) == "план не выполнен ни по одной из 6 методик"
    assert verdict(said(5, 6), ru) == "план выполнен по 5 из 6 методик"
    assert verdict(said(1, 1), ru) is None
    assert turning(said(5, 6, "median_of_posts"), en) == "not by median over posts"
    assert turning(said(6, 6), en) is None
    assert verdict({"robustness": None}, en) is turning({"robustness": None}, en) is None
    other = {"id": "over_reach", "value": 0.04, "attained": True, "turns": True, "reason": None}
    assert outcome(other, said(5, 6), en, {}) == "4%, met"
