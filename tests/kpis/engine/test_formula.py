"""KPIs by formula to values worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpi_kit.core.model import Aggregation, Interval
from kpi_kit.kpis import CATALOGUE, DENOMINATORS, NUMERATORS
from tests.agency import COST_PER_LEAD, LEADS_PER_VIEWS, codes, cover, days, detail, formula, measure

EMPTY: list[str] = []
SPEND = ["2025-10-01,a,300,RUB", "2025-10-31,a,450.5,RUB"]
BEFORE = ["2025-09-30,a,9000,RUB", "2025-11-01,a,9000,RUB"]
LEADS = ["l1,a,2025-10-01T00:00", "l2,a,2025-10-15T12:00", "l3,a,2025-10-31T23:59", "l4,a,2025-11-01T00:00"]
# post_id, account_id, published_at, views
POSTS = ["p1,a,2025-10-02T12:00,1200", "p2,a,2025-10-20T12:00,800", "p3,a,2025-09-20T12:00,5000"]


@pytest.mark.parametrize(
    ("numerator", "denominator", "per", "tables", "value"),
    [
        ("spend", "leads", 1, {"spend": [*SPEND, *BEFORE], "leads": LEADS}, 750.5 / 3),
        ("spend", "leads", 1, {"spend": [SPEND[0]], "leads": [LEADS[0]]}, 300),
        ("spend", "leads", 1, {"spend": EMPTY, "leads": LEADS}, 0),  # covered, nothing spent
        ("spend", "leads", 1, {"spend": ["2025-10-01,a,0,RUB"], "leads": LEADS}, 0),
        ("leads", "views", 1000, {"leads": LEADS, "posts": POSTS}, 1000 * 3 / 2000),
        ("leads", "views", 1, {"leads": LEADS, "posts": POSTS}, 3 / 2000),
        ("leads", "spend", 1000, {"leads": LEADS, "spend": SPEND}, 1000 * 3 / 750.5),
        ("views", "posts_published", 1, {"posts": POSTS}, 1000),
        ("leads", "social_visits", 100, {"leads": LEADS, "traffic": ["2025-10-05,a,60"]}, 5),
    ],
)
def test_value(
    numerator: str, denominator: str, per: float, tables: dict[str, list[str]], value: float, tmp_path: Path
) -> None:
    asked = formula("mine", numerator, denominator, per=per)
    measured = measure(tmp_path, "mine", formulas=[asked], **tables)
    assert measured.value == pytest.approx(value)
    assert measured.coverage == 1


AUDIENCE = [
    "2025-09-30,a,1000,0,0",
    *(f"{day},a,{1000 + 10 * n},0,0" for n, day in enumerate(days(1, 31), 1)),
]


@pytest.mark.parametrize(
    ("numerator", "denominator", "per", "value"),
    [
        ("leads", "subscribers", 1000, 1000 * 3 / 1310),  # the last count of the period
        ("spend", "subscriber_gain", 1, 750.5 / 310),
        ("subscriber_gain", "spend", 100, 100 * 310 / 750.5),
        ("subscriber_gain", "subscribers", 100, 100 * 310 / 1310),
    ],
)
def test_over_stocks_and_gains(
    numerator: str, denominator: str, per: float, value: float, tmp_path: Path
) -> None:
    asked = formula("mine", numerator, denominator, per=per)
    tables = {"audience": AUDIENCE, "leads": LEADS, "spend": SPEND}
    assert measure(tmp_path, "mine", formulas=[asked], **tables).value == pytest.approx(value)


def test_costs_in_another_currency_are_converted_by_the_rate_of_the_day(tmp_path: Path) -> None:
    dollars = ["2025-10-01,a,300,RUB", "2025-10-06,a,2,USD"]
    measured = measure(tmp_path, "cost_per_lead", formulas=[COST_PER_LEAD], spend=dollars, leads=LEADS)
    assert measured.value is None
    assert detail(measured.notes, "spend_rate_missing") == {
        "count": 1,
        "labels": ["USD"],
        "days": ["2025-10-06"],
    }


FALLING = [*AUDIENCE[:31], "2025-10-31,a,900,0,0"]


@pytest.mark.parametrize(
    ("asked", "tables", "reason"),
    [
        (COST_PER_LEAD, {"spend": SPEND, "leads": EMPTY}, "zero_denominator"),
        (COST_PER_LEAD, {"spend": EMPTY, "leads": EMPTY}, "zero_denominator"),
        (LEADS_PER_VIEWS, {"leads": LEADS, "posts": EMPTY}, "zero_denominator"),
        (LEADS_PER_VIEWS, {"leads": LEADS, "posts": ["p1,a,2025-10-02T12:00,0"]}, "zero_denominator"),
        (LEADS_PER_VIEWS, {"leads": LEADS, "posts": ["p1,a,2025-10-02T12:00,"]}, "too_many_unknown"),
        (
            formula("mine", "spend", "subscriber_gain"),
            {"spend": SPEND, "audience": FALLING},
            "negative_denominator",
        ),
        (formula("mine", "leads", "subscribers"), {"leads": LEADS, "audience": EMPTY}, "level_unknown"),
        (formula("mine", "unsubscribed", "leads"), {"leads": LEADS, "audience": EMPTY}, "no_counts"),
    ],
)
def test_not_assessable(
    asked: dict[str, Any], tables: dict[str, list[str]], reason: str, tmp_path: Path
) -> None:
    measured = measure(tmp_path, asked["id"], formulas=[asked], **tables)
    assert measured.value is None
    assert codes(measured.notes)[0] == reason
    if reason in ("zero_denominator", "negative_denominator"):
        assert measured.notes[0].detail == {"kpi": asked["denominator"]}


def test_each_part_needs_its_own_data(tmp_path: Path) -> None:
    """A day of costs in 31 is too little, however many leads there are."""
    partly = [*cover("leads"), *cover("spend", since="2025-10-31")]
    measured = measure(
        tmp_path, "cost_per_lead", formulas=[COST_PER_LEAD], spend=SPEND, leads=LEADS, coverage=partly
    )
    assert (measured.value, codes(measured.notes)[0]) == (None, "not_covered")
    assert measured.notes[0].detail["tables"] == ["spend"]


def test_unknown_values_of_one_part_are_not_outnumbered_by_the_other(tmp_path: Path) -> None:
    posts = ["p1,a,2025-10-02T12:00,1200", "p2,a,2025-10-20T12:00,"]
    many = [f"l{n},a,2025-10-15T12:00" for n in range(100)]
    measured = measure(tmp_path, "leads_per_views", formulas=[LEADS_PER_VIEWS], posts=posts, leads=many)
    assert (measured.value, codes(measured.notes)[0]) == (None, "too_many_unknown")


def test_an_account_without_a_count_is_in_neither_part(tmp_path: Path) -> None:
    """Eleven accounts, one of them without subscribers: its leads do not count either."""
    names = [f"a{n}" for n in range(11)]
    accounts = ["account_id,platform,title", *(f"{name},vk,К" for name in names)]
    leads = [f"{name},{name},2025-10-15T12:00" for name in names]
    audience = [f"2025-10-31,{name},100,0,0" for name in names[1:]]
    measured = measure(
        tmp_path,
        "mine",
        formulas=[formula("mine", "leads", "subscribers", per=100)],
        accounts=accounts,
        person={"accounts": names},
        coverage=cover("leads", "audience", scopes=names),
        leads=leads,
        audience=audience,
    )
    assert measured.value == pytest.approx(100 * 10 / 1000)
    assert detail(measured.notes, "account_without_stock") == {"account_id": "a0"}


def test_what_can_be_a_part() -> None:
    accounts = [kpi for kpi in CATALOGUE.values() if kpi.scope == "account_id"]
    sums = {kpi.id for kpi in accounts if kpi.aggregation is Aggregation.SUM}
    assert set(NUMERATORS) == sums | {"spend"}
    assert set(DENOMINATORS) == sums | {"spend", "subscribers"}
    assert "spend" not in CATALOGUE
    assert {kpi.interval for kpi in NUMERATORS.values()} <= {
        Interval.FLOW,
        Interval.COUNTS,
        Interval.POSTS,
        Interval.NONE,
    }
