"""A month so far against the same days before: values worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.to_date import compared_days
from kpi_kit.statistics import Side, change
from tests.agency import COST_PER_LEAD, build, case_of, cover, days, entry, scored

SEEN = "2025-10-11"  # ten days are over


def compared(folder: Path, kpi: str, as_of: str = SEEN, period: str = "2025-10", **agency: Any) -> Any:
    more = agency.pop("more", {})
    (row,) = scored(folder, entry(kpi, **more), as_of=as_of, period=period, **agency)["kpis"]
    return row["to_date"]


LEADS = [
    *(f"n{n},a,2025-10-{n:02d}T12:00" for n in range(1, 9)),
    "o,a,2025-10-11T12:00",  # after the cut-off
    *(f"s{n},a,2025-09-{n:02d}T12:00" for n in (1, 5, 10)),
    *(f"t{n},a,2025-09-{n:02d}T12:00" for n in (11, 30)),
    "y1,a,2024-10-10T23:59",
    "y2,a,2024-10-11T00:00",
]


def test_the_same_days_of_the_month_before_and_of_the_year_before(tmp_path: Path) -> None:
    found = compared(tmp_path, "leads", leads=LEADS)
    previous, year_ago = found["previous"], found["year_ago"]
    assert previous["days"] == ["2025-10-01", "2025-10-11"]
    assert previous["earlier_days"] == ["2025-09-01", "2025-09-11"]
    assert year_ago["earlier_days"] == ["2024-10-01", "2024-10-11"]
    assert (previous["value"], previous["before"], year_ago["before"]) == (8, 3, 1)
    assert previous["change"]["raw"] == 5


@pytest.mark.parametrize("form", [{"as": "change"}, {"as": "growth"}, {"as": "growth", "versus": "year_ago"}])
def test_a_change_or_growth_is_compared_as_a_value(form: dict[str, str], tmp_path: Path) -> None:
    found = compared(tmp_path, "leads", leads=LEADS, more=form)
    assert (found["previous"]["value"], found["previous"]["before"]) == (8, 3)


def test_the_year_before_a_year_is_compared_once(tmp_path: Path) -> None:
    found = compared(tmp_path, "leads", leads=LEADS, period="2025")
    assert found["previous"]["earlier_days"] == ["2024-01-01", "2024-10-10"]  # 2024 had one day more
    assert (found["previous"]["value"], found["previous"]["before"]) == (13, 0)
    assert found["year_ago"] is None


def test_a_whole_period_has_no_such_comparison(tmp_path: Path) -> None:
    (row,) = scored(tmp_path, entry("leads"), leads=LEADS)["kpis"]
    assert "to_date" not in row


def test_a_period_that_has_just_begun_compares_nothing(tmp_path: Path) -> None:
    assert compared(tmp_path, "leads", as_of="2025-10-01T12:00", leads=LEADS) is None


def test_a_shorter_month_gives_the_days_of_both(tmp_path: Path) -> None:
    leads = ["m,a,2025-03-28T12:00", "l,a,2025-03-29T12:00", "f,a,2025-02-28T12:00", "y,a,2024-03-29T12:00"]
    found = compared(tmp_path, "leads", as_of="2025-03-31", period="2025-03", leads=leads)
    assert found["previous"]["days"] == ["2025-03-01", "2025-03-29"]
    assert (found["previous"]["value"], found["previous"]["before"]) == (1, 1)
    assert found["year_ago"]["days"] == ["2025-03-01", "2025-03-31"]
    assert (found["year_ago"]["value"], found["year_ago"]["before"]) == (2, 1)


def test_an_account_without_data_then_is_on_neither_side(tmp_path: Path) -> None:
    """Account b is covered since October; in September there was only a."""
    person = {"accounts": ["a", "b"]}
    partly = [*cover("leads", scopes=["a"]), *cover("leads", scopes=["b"], since="2025-10-01")]
    leads = [*LEADS, *(f"b{n},b,2025-10-02T12:00" for n in range(5))]
    found = compared(tmp_path, "leads", person=person, leads=leads, coverage=partly)
    assert (found["previous"]["value"], found["previous"]["before"]) == (8, 3)
    assert found["previous"]["left_out"] == ["b"]


def test_a_month_before_without_data_is_not_compared(tmp_path: Path) -> None:
    found = compared(tmp_path, "leads", leads=LEADS, coverage=cover("leads", since="2025-09-05"))
    assert found is None


# inquiry_id, account_id, kind, received_at, answered_at
INQUIRIES = [
    "n1,a,message,2025-10-02T12:00,2025-10-02T13:00",
    "n2,a,message,2025-10-03T12:00,2025-10-09T13:00",
    "n3,a,message,2025-10-10T12:00,",  # due on the 11th
    "s1,a,message,2025-09-02T12:00,2025-09-02T13:00",
    "s2,a,message,2025-09-10T12:00,2025-09-20T13:00",  # late, but on the 11th nobody could know
]


def test_answers_count_as_they_were_known_at_the_same_point(tmp_path: Path) -> None:
    found = compared(tmp_path, "response_rate", inquiries=INQUIRIES)["previous"]
    assert (found["value"], found["before"]) == (1 / 2, 1)


POSTS = [
    # post_id, account_id, published_at, views, likes, comments, reposts, on_brand, stats_at
    "n1,a,2025-10-03T12:00,100,1,1,1,true,2025-10-10T12:00",
    "n2,a,2025-10-04T00:00,7000,1,1,1,true,2025-10-10T12:00",  # not settled on the 11th
    "s1,a,2025-09-03T12:00,60,1,1,1,true,2025-10-10T12:00",
    "s2,a,2025-09-04T12:00,5000,1,1,1,true,2025-10-10T12:00",
]


@pytest.mark.parametrize("kpi", ["views", "engagement_rate"])
def test_only_days_whose_posts_have_settled_are_compared(kpi: str, tmp_path: Path) -> None:
    found = compared(tmp_path, kpi, posts=POSTS)["previous"]
    assert found["days"] == ["2025-10-01", "2025-10-04"]
    assert found["earlier_days"] == ["2025-09-01", "2025-09-04"]
    expected = (100, 60) if kpi == "views" else (3 / 100, 3 / 60)
    assert (found["value"], found["before"]) == pytest.approx(expected)


def test_posts_are_not_compared_before_the_first_has_settled(tmp_path: Path) -> None:
    assert compared(tmp_path, "views", as_of="2025-10-08", posts=POSTS) is None
    data, params = build(tmp_path / "2", [entry("views"), entry("leads")], posts=POSTS, leads=LEADS)
    with case_of(data, params, as_of="2025-10-09") as case:
        lengths = [compared_days(Facts(case, asked), case.period.previous) for asked in case.person.kpis]
        assert lengths == [1, 8]


def test_a_level_is_that_of_the_same_day(tmp_path: Path) -> None:
    audience = ["2025-10-10,a,500,0,0", "2025-09-10,a,450,0,0", "2025-09-30,a,490,0,0"]
    found = compared(tmp_path, "subscribers", audience=audience)["previous"]
    assert (found["value"], found["before"], found["change"]["real"]) == (500, 450, None)


def test_a_kpi_by_formula_is_compared_too(tmp_path: Path) -> None:
    spend = [f"{day},a,160,RUB" for day in days(1, 10)] + [
        f"{day},a,90,RUB" for day in days(1, 10, "2025-09")
    ]
    found = compared(tmp_path, "cost_per_lead", formulas=[COST_PER_LEAD], spend=spend, leads=LEADS)
    assert found["previous"]["value"] == pytest.approx(1600 / 8)
    assert found["previous"]["before"] == pytest.approx(900 / 3)


@pytest.mark.parametrize("known", [True, False])
def test_eight_days_with_two_weekends_are_no_change(known: bool) -> None:
    """Eight days from a Saturday against eight from a Monday; weekends have a third of a weekday's visits."""
    pattern = np.array([10.0, 10, 30, 30, 30, 30, 30])  # from the Saturday on which the later side begins
    weeks = np.random.default_rng(1).normal(170.0, 10.0, 52)
    now, earlier = np.resize(pattern, 8), np.resize(np.roll(pattern, -2), 8)
    weekdays = pattern / pattern.mean() if known else None
    # 18 days lie between: the earlier side begins two weekdays later
    found = change("flow", Side(now), Side(earlier), history=weeks, weekdays=weekdays, gap_days=18)
    assert found.raw == now.sum() - earlier.sum() < 0
    if known:
        assert found.estimate == pytest.approx(0, abs=1e-9)
    else:
        assert found.estimate == found.raw
