"""Figures of posts with increments, and totals of spans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.kpis.engine.tiling import Totals, tile
from tests.agency import codes, detail, measure

POST = "p,a,2025-10-05T14:00,100,1,1,1,,2025-10-20T00:00"
NEW = "p,a,2025-10-05T14:00"


@pytest.mark.parametrize(
    ("post", "increments", "views"),
    [
        (POST, [], 100),
        (POST, ["a,p,2025-10-20,2025-11-01,30"], 130),
        (POST, ["a,p,2025-10-20,2025-10-25,10", "a,p,2025-10-25,2025-11-01,-4"], 106),
        (POST, ["a,p,2025-10-20,2025-11-01,30", "a,p,2025-10-20,2025-10-25,99"], 130),  # the fewest
        (POST, ["a,p,2025-10-21,2025-11-01,30"], None),  # a day is missing
        (POST, ["a,p,2025-10-01,2025-10-20,30"], 100),  # before the figure
        (POST, ["a,p,2025-10-20,2025-11-20,30"], 100),  # not over at the cut-off
        (POST.replace("T00:00", "T09:00"), ["a,p,2025-10-20,2025-11-01,30"], None),  # the figure is of 9:00
        (NEW, ["a,p,2025-10-05,2025-11-01,30"], 30),
        (NEW, ["a,p,2025-10-06,2025-11-01,30"], None),
    ],
)
def test_increments(post: str, increments: list[str], views: float | None, tmp_path: Path) -> None:
    rows = increments or ["a,another,2025-10-01,2025-10-02"]
    measured = measure(tmp_path, "views", posts=[post], post_increments=rows)
    assert measured.value == views


def test_increments_continue_the_latest_snapshot(tmp_path: Path) -> None:
    agency: dict[str, Any] = {
        "post_stats": ["a,p,2025-10-25T00:00,150,1,1,1"],
        "post_increments": ["a,p,2025-10-25,2025-11-01,7"],
    }
    assert measure(tmp_path, "views", posts=[POST], **agency).value == 157


def test_figures_of_a_post_have_the_age_of_those_that_end_first(tmp_path: Path) -> None:
    """Of likes and views increments end on different days: the rate is not settled before both are."""
    young = "p,a,2025-10-20T14:00,100,1,1,1,,2025-10-21T00:00"
    later = ["a,p,2025-10-21,2025-11-01,,30,,", "a,p,2025-10-21,2025-10-24,9,,,"]
    for rows in (later, later[::-1]):
        found = measure(tmp_path / rows[0][-3:], "engagement_rate", posts=[young], post_increments=rows)
        assert found.value is None and "posts_unsettled" in codes(found.notes)


# totals -----------------------------------------------------------------------------------------------------

TOTAL = "a,visits,2025-10-01,2025-11-01,500"


@pytest.mark.parametrize(
    ("totals", "traffic", "coverage", "value"),
    [
        ([TOTAL], None, [], 500),
        (["a,visits,2025-10-01,2025-10-16,200", "a,visits,2025-10-16,2025-11-01,250"], None, [], 450),
        (["a,visits,2025-10-01,2025-10-16,200", "a,visits,2025-10-17,2025-11-01,250"], None, [], None),
        (["a,visits,2025-10-01,2025-10-31,200"], None, [], None),
        (["a,leads,2025-10-01,2025-11-01,5"], None, [], None),
        ([TOTAL], ["2025-10-03,a,7"], ["traffic,a,2025-10-01,2025-11-01"], 7),  # rows win
        ([TOTAL], ["2025-10-03,a,7"], [], None),
        ([TOTAL], ["2025-09-03,a,7"], ["traffic,a,2025-09-01,2025-10-01"], 500),
    ],
)
def test_totals_serve_periods_that_they_tile(
    totals: list[str], traffic: list[str] | None, coverage: list[str], value: float | None, tmp_path: Path
) -> None:
    rows = {} if traffic is None else {"traffic": traffic}
    measured = measure(tmp_path, "social_visits", totals=totals, coverage=coverage, **rows)
    assert measured.value == value
    assert ("from_totals" in codes(measured.notes)) == (value is not None and value > 10)


def test_a_total_stays_whole_and_says_so(tmp_path: Path) -> None:
    away = {"absences": [{"since": "2025-10-01", "until": "2025-10-11"}]}
    measured = measure(tmp_path, "social_visits", totals=[TOTAL], coverage=[], person=away)
    assert measured.value == 500
    assert detail(measured.notes, "whole_period") == {"owners": ["a"]}


@given(cuts=st.sets(st.integers(1, 30), max_size=8), drop=st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_totals_count_only_where_they_tile(cuts: set[int], drop: int) -> None:
    edges = [0, *sorted(cuts), 31]
    spans = list(zip(edges, edges[1:], map(float, range(1, len(edges))), strict=False))
    whole = Totals({("a", "visits"): spans}).of("a", "visits", 31)
    assert tile(whole, 0, 31)[0] == sum(amount for *_, amount in spans)
    if drop < len(spans):
        assert tile([*whole[:drop], *whole[drop + 1 :]], 0, 31)[0] in (float("inf"),) or len(spans) == 1
