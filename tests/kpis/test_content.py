"""Group 10: posts and plan items to values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.content import STATUSES, plan_status
from tests.agency import build, case_of, codes, detail, entry, measure

EMPTY: list[str] = []
# post_id, account_id, published_at, views, likes, comments, reposts, on_brand, stats_at, deleted_at
POSTS = [
    "early,a,2025-10-09T12:00,,,,,true",
    "sharp,a,2025-10-10T13:00,,,,,true",  # an hour after it was due
    "late,a,2025-10-10T13:01,,,,,true",
    "off,a,2025-10-10T12:00,,,,,false",
    "unseen,a,2025-10-10T12:00",
    "late-unseen,a,2025-10-10T14:00",
    "gone,a,2025-10-10T12:00,,,,,true,,2025-11-01T00:00",
    "gone-later,a,2025-10-10T12:00,,,,,true,,2025-11-09T00:00",
]


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        (EMPTY, 0),
        (["p,a,2025-10-01T00:00"], 1),
        (["p,a,2025-09-30T23:59", "q,a,2025-11-01T00:00", "r,b,2025-10-10T12:00"], 0),
        (POSTS, 7),  # all but the one that was deleted by as_of
    ],
)
def test_posts_published(rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, "posts_published", posts=rows).value == value


def item(
    post: str, due: str = "2025-10-10T12:00", approved: str = "true", by: str = "", cancelled: str = ""
) -> str:
    """A plan item named after its post."""
    return f"n-{post or 'none'}-{due}-{by}-{cancelled},a,{due},{approved},{post},{by},{cancelled}"


STATUS = [
    (item("early"), "fulfilled"),
    (item("sharp"), "fulfilled"),
    (item("late"), "late"),
    (item("off"), "off_brand"),
    (item("unseen"), "not_reviewed"),
    (item("late-unseen"), "late"),  # whatever its on_brand
    (item("gone"), "deleted"),
    (item("gone-later"), "fulfilled"),
    (item(""), "missing"),
    (item("nowhere"), "missing"),
    (item("early", cancelled="2025-10-10T11:59"), "cancelled"),
    (item("early", cancelled="2025-10-10T12:00"), "fulfilled"),
    (item("", cancelled="2025-10-10T12:00"), "missing"),
    (item("early", by="2025-10-10T12:01"), "approved_late"),
    (item("early", by="2025-10-10T12:00"), "fulfilled"),
    (item("early", approved="false"), None),
]
NAMED = {code for _, code in STATUS} - {None} | {"not_due"}


@pytest.mark.parametrize(("line", "status"), STATUS)
def test_status(line: str, status: str | None, tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("plan_fulfilment")], posts=POSTS, plan=[line])
    with case_of(data, params) as case:
        assert plan_status(case.tables, case.setting).tolist() == ([] if status is None else [status])


def test_every_status_has_a_case() -> None:
    assert set(STATUSES) == NAMED


FULFILLED, LATE = item("early"), item("late")


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([FULFILLED], 1),
        ([LATE], 0),
        ([FULFILLED, LATE, item(""), item("off")], 1 / 4),
        ([FULFILLED, item("early", cancelled="2025-10-09T12:00"), item("early", by="2025-10-11T12:00")], 1),
        ([FULFILLED, item("early", approved="false")], 1),
        ([FULFILLED, item("gone")], 1 / 2),  # deleted: there is nothing to see
        ([FULFILLED, item("early", due="2025-09-30T23:59"), item("early", due="2025-11-01T00:00")], 1),
    ],
)
def test_plan_fulfilment(rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, "plan_fulfilment", posts=POSTS, plan=rows).value == value


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (EMPTY, "zero_denominator"),
        ([item("early", approved="false")], "zero_denominator"),
        ([item("unseen")], "too_many_unknown"),
        (
            [*(item("early", due=f"2025-10-{day}T12:00") for day in range(11, 19)), item("unseen")],
            "too_many_unknown",
        ),
    ],
)
def test_not_assessable(rows: list[str], reason: str, tmp_path: Path) -> None:
    measured = measure(tmp_path, "plan_fulfilment", posts=POSTS, plan=rows)
    assert measured.value is None
    assert codes(measured.notes)[0] == reason


def test_exactly_a_tenth_unreviewed_is_left_out_and_noted(tmp_path: Path) -> None:
    rows = [*(item("early", due=f"2025-10-{day}T12:00") for day in range(11, 20)), item("unseen")]
    measured = measure(tmp_path, "plan_fulfilment", posts=POSTS, plan=rows)
    assert (measured.value, measured.numerator, measured.denominator) == (1, 9, 9)
    assert detail(measured.notes, "unknown_left_out") == {"count": 1, "total": 10}


@pytest.mark.parametrize(("as_of", "value"), [("2025-10-10T12:59", None), ("2025-10-10T13:00", 0)])
def test_an_item_is_due_when_the_tolerance_is_over(as_of: str, value: float | None, tmp_path: Path) -> None:
    measured = measure(tmp_path, "plan_fulfilment", posts=POSTS, plan=[item("")], as_of=as_of)
    assert measured.value == value
    assert ("items_not_due" in codes(measured.notes)) == (value is None)


def test_what_the_specialist_could_not_have_kept_is_noted(tmp_path: Path) -> None:
    rows = [FULFILLED, item("early", cancelled="2025-10-09T12:00"), item("early", by="2025-10-11T12:00")]
    measured = measure(tmp_path, "plan_fulfilment", posts=POSTS, plan=rows)
    assert detail(measured.notes, "items_cancelled") == {"count": 1}
    assert detail(measured.notes, "items_approved_late") == {"count": 1}


@pytest.mark.parametrize(("hours", "value"), [(1, 0), (2, 1), (0, 0)])
def test_tolerance_of_the_department(hours: float, value: float, tmp_path: Path) -> None:
    house: dict[str, Any] = {"posts": {"on_time_tolerance_hours": hours}}
    assert measure(tmp_path, "plan_fulfilment", posts=POSTS, plan=[LATE], department=house).value == value


def test_a_post_of_the_month_before_fulfils_an_item_due_in_this_one(tmp_path: Path) -> None:
    early = "p,a,2025-09-20T12:00,,,,,true"
    rows = ["n,a,2025-10-01T00:30,true,p"]
    assert measure(tmp_path, "plan_fulfilment", posts=[early], plan=rows).value == 1


@pytest.mark.parametrize(
    ("line", "by_day", "in_time"),
    [
        (item("early"), 1, 1),
        (item("late"), 1, 0),  # after the tolerance, on the same day
        (item("sharp", due="2025-10-09T12:00"), 0, 0),  # a day after
        (item("off"), 0, 1),
        (item("unseen"), None, 1),
        (item("unseen", due="2025-10-09T12:00"), 0, 0),  # whatever its on_brand
        (item("gone"), 0, 0),
        (item(""), 0, 0),
        (item("night"), 0, 0),  # the 11th in Moscow, the 10th in Greenwich
    ],
)
def test_what_another_definition_would_call_fulfilled(
    line: str, by_day: float | None, in_time: float, tmp_path: Path
) -> None:
    posts = [*POSTS, "night,a,2025-10-11T01:00,,,,,true"]
    data, params = build(tmp_path, [entry("plan_fulfilment")], posts=posts, plan=[line])
    with case_of(data, params) as case:
        (row,) = CATALOGUE["plan_fulfilment"].units(case.tables, case.setting).to_dict("records")
    assert (None if math.isnan(row["by_day"]) else row["by_day"], row["in_time"]) == (by_day, in_time)
