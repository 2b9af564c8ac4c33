"""The lists and curves of a report, by hand, and in step with the KPIs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpi_kit.kpis import CATALOGUE
from tests.agency import Json, entry, scored
from tests.test_catalogue import AGENCY

AUDIENCE = ["2025-09-30,a,100", "2025-10-02,a,103,5,2", "2025-10-20,a,110,9,", "2025-10-31,a,120,12,2"]


def sections(folder: Path, **agency: Any) -> Json:
    found = scored(folder, entry("leads"), **agency)["sections"]
    assert set(found) == {"audience", "plan", "response", "funnel", "posts", "deleted"}
    return dict(found)


def test_nothing_at_all(tmp_path: Path) -> None:
    names = [name for name in AGENCY if name != "post_stats"]
    found = sections(tmp_path, **{name: [] for name in names})
    nothing = {"account_id": "a", "opening": None, "closing": None, "joined": None, "left": None}
    assert found["audience"] == [nothing]
    assert (found["plan"], found["response"], found["deleted"]) == ([], None, [])
    assert found["posts"] == {"best": [], "weakest": []}
    assert found["funnel"] == {"leads": 0, "qualified": 0, "unknown": 0, "sold": 0, "amount": 0}


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({}, {"opening": 100, "closing": 120, "joined": 26, "left": 4}),
        ({"since": "2025-10-05"}, {"opening": 103, "closing": 120, "joined": 21, "left": 2}),
        ({"until": "2025-10-20"}, {"opening": 100, "closing": 103, "joined": 5, "left": 2}),
        (
            {"since": "2025-10-20", "until": "2025-10-22"},
            {
                "opening": 110,
                "closing": 110,
                "joined": 9,
                "left": None,
            },
        ),
    ],
)
def test_audience(held: Json, expected: Json, tmp_path: Path) -> None:
    (found,) = sections(tmp_path, audience=AUDIENCE, person={"accounts": [{"account": "a", **held}]})[
        "audience"
    ]
    assert found == {"account_id": "a", **expected}


def test_plan(tmp_path: Path) -> None:
    posts = ["p1,a,2025-10-10T12:00,,,,,true", "p2,a,2025-10-11T18:00,,,,,true"]
    plan = [
        "n2,a,2025-10-11T12:00,true,p2",
        "n1,a,2025-10-10T12:00,true,p1",
        "n3,a,2025-10-12T12:00,false,p1",  # never approved
        "n4,a,2025-10-13T12:00,true",
        "n5,a,2025-11-01T00:00,true",
    ]
    found = sections(tmp_path, posts=posts, plan=plan)["plan"]
    assert [(item["plan_id"], item["status"]) for item in found] == [
        ("n1", "fulfilled"),
        ("n2", "late"),
        ("n4", "missing"),
    ]
    assert found[0] == {
        "plan_id": "n1", "account_id": "a", "due_at": "2025-10-10T12:00+03:00", "post_id": "p1", "url": None,
        "status": "fulfilled",
    }  # fmt: skip
    assert found[2]["post_id"] is None


def test_plan_items_of_an_absence_are_nobodys(tmp_path: Path) -> None:
    away = {"since": "2025-10-10", "until": "2025-10-12", "deputy": "bob"}
    plan = [f"n{n},a,2025-10-{n}T12:00,true" for n in (9, 10, 11, 12)]
    agency: Json = {
        "plan": plan,
        "posts": [],
        "person": {"absences": [away]},
        "colleagues": {"bob": {"accounts": ["b"], "kpis": [entry("leads")]}},
    }
    mine, theirs = (sections(tmp_path / who, who=who, **agency)["plan"] for who in ("ann", "bob"))
    assert [item["plan_id"] for item in mine] == ["n9", "n12"]
    assert theirs == []


def test_response(tmp_path: Path) -> None:
    inquiries = [
        "q1,a,message,2025-10-10T12:00,2025-10-10T13:00",
        "q2,a,message,2025-10-10T12:00,2025-10-10T14:00",
        "q3,a,message,2025-10-10T12:00,2025-10-12T12:00",
        "q4,a,message,2025-10-10T12:00",
    ]
    found = sections(tmp_path, inquiries=inquiries)["response"]
    curve = found.pop("curve")
    (waiting,) = found.pop("overdue")
    assert (waiting["account_id"], waiting["received_at"]) == ("a", "2025-10-10T12:00+03:00")
    assert waiting["hours"] > 24
    assert found == {
        "sla_hours": 24,
        "calendar": "always",
        "received": 4,
        "due": 4,
        "in_time": 2,
        "unanswered": 1,
    }
    points = [(point["hours"], pytest.approx(point["answered"])) for point in curve]
    assert points[:3] == [(1, 0.25), (2, 0.5), (48, 0.75)]


def test_the_curve_is_short_and_keeps_its_end(tmp_path: Path) -> None:
    inquiries = [
        f"q{n},a,message,2025-10-10T12:00,2025-10-{11 + n // 24}T{n % 24:02d}:00" for n in range(200)
    ]
    curve = sections(tmp_path, inquiries=inquiries)["response"]["curve"]
    assert len(curve) == 60
    assert curve[0] == {"hours": 12, "answered": pytest.approx(1 / 200)}
    assert curve[-1] == {"hours": 12 + 199, "answered": 1}


def test_no_answer_has_no_curve(tmp_path: Path) -> None:
    assert sections(tmp_path, inquiries=["q1,a,message,2025-10-10T12:00"])["response"]["curve"] == []


def test_funnel(tmp_path: Path) -> None:
    leads = [
        "l1,a,2025-10-10T12:00,true,2025-10-12T12:00,100,RUB",
        "l2,a,2025-10-10T12:00,false",
        "l3,a,2025-10-10T12:00",
        "l4,a,2025-09-10T12:00,true,2025-10-12T12:00,50,RUB",  # sold in P, created before
        "l5,a,2025-10-10T12:00,true,2025-10-12T12:00,70,RUB,2025-10-20T12:00",
    ]
    found = sections(tmp_path / "leads", leads=leads)["funnel"]
    assert found == {"leads": 4, "qualified": 2, "unknown": 1, "sold": 2, "amount": 150}
    assert sections(tmp_path / "none", traffic=[])["funnel"] is None


def test_posts_are_ranked_by_view_rate(tmp_path: Path) -> None:
    # views 10 … 130; one deleted, one young, one outside
    posts = [f"p{n:02d},a,2025-10-10T12:00,{n * 10},1,1,1,,2025-10-30T12:00" for n in range(1, 12)]
    posts += [
        "p12,a,2025-10-10T12:00,120,1,1,1,,2025-10-30T12:00,2025-10-31T12:00",
        "p13,a,2025-10-10T12:00,130,1,1,1,,2025-10-11T12:00",
        "p14,a,2025-09-10T12:00,140,1,1,1,,2025-10-11T12:00",
    ]
    found = sections(tmp_path, posts=posts, audience=["2025-10-10,a,1000"])
    assert [post["post_id"] for post in found["posts"]["best"]] == ["p11", "p10", "p09", "p08", "p07"]
    assert [post["post_id"] for post in found["posts"]["weakest"]] == ["p01", "p02", "p03", "p04", "p05"]
    assert found["posts"]["best"][0]["view_rate"] == pytest.approx(0.11)
    assert [post["post_id"] for post in found["deleted"]] == ["p12"]
    assert found["deleted"][0]["deleted_at"] == "2025-10-31T12:00+03:00"


def test_posts_are_ranked_within_their_account(tmp_path: Path) -> None:
    posts = [
        f"{who}{n},{who},2025-10-10T12:00,{n * size},1,1,1,,2025-10-30T12:00,,{size}"
        for who, size in (("a", 10), ("b", 1000))
        for n in range(1, 9)
    ]
    audience = ["2025-10-10,a,1000", "2025-10-10,b,100000"]
    found = sections(tmp_path, posts=posts, audience=audience, person={"accounts": ["a", "b"]})["posts"]
    assert [post["post_id"] for post in found["best"]] == ["a8", "a7", "a6", "b8", "b7", "b6"]
    assert [post["post_id"] for post in found["weakest"]] == ["a1", "a2", "a3", "b1", "b2", "b3"]
    assert found["best"][0]["reach"] == 10


def test_no_post_is_both_best_and_weakest(tmp_path: Path) -> None:
    posts = [f"p{n},a,2025-10-10T12:00,{n}" for n in range(3)]
    found = sections(tmp_path, posts=posts)["posts"]  # without subscribers by views
    assert [[post["post_id"] for post in found[key]] for key in ("best", "weakest")] == [["p2"], ["p0"]]


def test_sections_agree_with_the_kpis(tmp_path: Path) -> None:
    card = scored(tmp_path, *(entry(kpi) for kpi in CATALOGUE), **AGENCY)
    value = {row["kpi"]: row for row in card["kpis"]}
    found = card["sections"]
    assert found["funnel"]["leads"] == value["leads"]["value"]
    assert found["funnel"]["amount"] == value["sales_amount"]["value"]
    assert found["response"]["due"] == value["response_rate"]["units"]
    assert found["response"]["in_time"] == value["response_rate"]["numerator"]
    assert sum(item["left"] for item in found["audience"]) == value["unsubscribed"]["value"]
    assert sum(item["closing"] for item in found["audience"]) == value["subscribers"]["value"]
    counted = [item["status"] for item in found["plan"]]
    assert len(counted) == value["plan_fulfilment"]["units"] + counted.count("not_reviewed")
