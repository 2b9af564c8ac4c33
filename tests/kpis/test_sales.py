"""Groups 5 and 6: leads to values worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard.entry_facts import Facts
from tests.agency import build, case_of, codes, detail, measure, scored
from tests.agency import entry as asked

EMPTY: list[str] = []
# lead_id, account_id, created_at, qualified, sold_at, sale_amount, currency, refunded_at
GOOD = "l1,a,2025-10-01T00:00,true"
BAD = "l2,a,2025-10-31T23:59,false"
OPEN = "l3,a,2025-10-15T12:00"
OUTSIDE = ["l4,a,2025-09-30T23:59,true", "l5,a,2025-11-01T00:00,true"]
SOLD = "s1,a,2025-08-01T12:00,true,2025-10-01T00:00,1000,RUB"  # created long before
SOLD_CHEAP = "s2,a,2025-10-05T12:00,true,2025-10-31T23:59,0,RUB"
SOLD_OUTSIDE = [
    "s3,a,2025-10-05T12:00,true,2025-11-01T00:00,500,RUB",
    "s4,a,2025-09-05T12:00,true,2025-09-30T23:59,500,RUB",
]
REFUNDED = "s5,a,2025-10-05T12:00,true,2025-10-06T12:00,700,RUB,2025-11-08T00:00"  # by as_of
REFUNDED_LATER = "s6,a,2025-10-05T12:00,true,2025-10-06T12:00,70,RUB,2025-11-08T00:01"
UNPRICED = "s7,a,2025-10-05T12:00,true,2025-10-06T12:00"


@pytest.mark.parametrize(
    ("kpi", "rows", "value"),
    [
        ("leads", EMPTY, 0),
        ("leads", [GOOD], 1),
        ("leads", [GOOD, BAD, OPEN, *OUTSIDE], 3),
        ("qualified_leads", EMPTY, 0),
        ("qualified_leads", [GOOD], 1),
        ("qualified_leads", [BAD, OPEN], 0),
        ("qualified_leads", [GOOD, BAD, OPEN, *OUTSIDE], 1),  # unknown is no reason to refuse
        ("qualified_lead_rate", [GOOD], 1),
        ("qualified_lead_rate", [BAD], 0),
        ("qualified_lead_rate", [GOOD, BAD, OPEN, *OUTSIDE], 1 / 2),
        ("sales", EMPTY, 0),
        ("sales", [SOLD], 1),
        ("sales", [SOLD, SOLD_CHEAP, *SOLD_OUTSIDE], 2),
        ("sales", [SOLD, REFUNDED, REFUNDED_LATER], 2),
        ("sales", [UNPRICED], 1),
        ("sales_amount", EMPTY, 0),
        ("sales_amount", [SOLD], 1000),
        ("sales_amount", [SOLD, SOLD_CHEAP, *SOLD_OUTSIDE], 1000),
        ("sales_amount", [SOLD, REFUNDED, REFUNDED_LATER], 1070),
    ],
)
def test_value(kpi: str, rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, kpi, leads=rows).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("kpi", "rows", "reason"),
    [
        ("qualified_lead_rate", EMPTY, "zero_denominator"),
        ("qualified_lead_rate", [OPEN], "zero_denominator"),
        ("sales_amount", [SOLD, UNPRICED], "too_many_unknown"),
    ],
)
def test_not_assessable(kpi: str, rows: list[str], reason: str, tmp_path: Path) -> None:
    measured = measure(tmp_path, kpi, leads=rows)
    assert measured.value is None
    assert codes(measured.notes)[0] == reason


def test_what_is_not_qualified_yet_is_noted(tmp_path: Path) -> None:
    for kpi in ("qualified_leads", "qualified_lead_rate"):
        measured = measure(tmp_path / kpi, kpi, leads=[GOOD, OPEN])
        assert detail(measured.notes, "qualification_unknown") == {"count": 1}


@pytest.mark.parametrize(("as_of", "sold"), [("2025-10-20T12:00", 0), ("2025-10-20T12:01", 1)])
def test_a_sale_after_the_cut_off_is_not_known(as_of: str, sold: float, tmp_path: Path) -> None:
    later = "s,a,2025-10-05T12:00,true,2025-10-20T12:01,700,RUB"
    assert measure(tmp_path, "sales", leads=[later], as_of=as_of).value == sold


def test_a_sale_in_another_currency_is_no_error_of_the_data(tmp_path: Path) -> None:
    euros = "s8,a,2025-10-05T12:00,true,2025-10-06T12:00,700,EUR"
    scored(tmp_path, asked("leads"), leads=[SOLD, euros])


# lead_id, account_id, created_at, qualified, sold_at, sale_amount, currency, refunded_at, status, source
STATUSES = [
    "w,a,2025-10-01T12:00,,2025-10-02T12:00,10,RUB,,won",
    "u,a,2025-10-01T12:00,,2025-10-02T12:00,200,RUB,,",
    "l,a,2025-10-01T12:00,,2025-10-02T12:00,3000,RUB,,lost",  # lost after it was won
    "o,a,2025-10-01T12:00,,2025-10-02T12:00,40000,RUB,,open",
    "n,a,2025-10-20T12:00,,,500000,RUB,,won",  # won, but nobody says when
]


def test_won_and_unknown_leads_are_sold_lost_and_open_ones_are_not(tmp_path: Path) -> None:
    for kpi, value in (("leads", 5), ("sales", 2), ("sales_amount", 210)):
        measured = measure(tmp_path / kpi, kpi, leads=STATUSES)
        assert measured.value == value
        if kpi != "leads":
            assert detail(measured.notes, "won_undated") == {"count": 1}


@pytest.mark.parametrize("period", ["2025-09", "2025-10", "2025-W40", "2025-Q3"])
@pytest.mark.parametrize(
    ("refunded", "counts"), [("2025-10-07T23:59", 0), ("2025-10-08T00:00", 0), ("2025-10-08T00:01", 1)]
)
def test_a_refund_after_the_month_has_settled_leaves_the_sale(
    period: str, refunded: str, counts: int, tmp_path: Path
) -> None:
    """The month of the sale settles on 8 October, whatever period is asked for and whenever."""
    sale = f"s,a,2025-09-01T12:00,,2025-09-30T12:00,60,RUB,{refunded}"
    for as_of in ("2025-10-20", "2026-03-01"):
        value = measure(tmp_path / as_of, "sales", leads=[sale], period=period, as_of=as_of).value
        assert value == (counts if period != "2025-10" else 0)


DOLLARS = "d,a,2025-10-05T12:00,,2025-10-06T12:00,300,USD"


def rated(folder: Path, rates: str | None, period: str = "2025-10", **agency: Any) -> Any:
    data, params = build(folder, [asked("sales_amount")], **agency)
    if rates is not None:
        (params / "rates.csv").write_text(rates, encoding="utf-8")
    with case_of(data, params, period=period) as case:
        return Facts(case, case.person.kpis[0]).measurement


@pytest.mark.parametrize(
    ("rates", "value"),
    [
        (None, None),
        ("date,currency,rate\n2025-10-06,USD,81.5\n", 1000 + 300 * 81.5),
        ("date,currency,rate\n2025-10-01,USD,80\n2025-10-06,USD,81.5\n2025-10-07,USD,99\n", 25450),
        ("date,currency,rate\n2025-09-22,USD,80\n", 25000),  # 14 days old
        ("date,currency,rate\n2025-09-21,USD,80\n", None),
        ("date,currency,rate\n2025-10-07,USD,80\n", None),  # after the sale
        ("date,currency,rate\n2025-10-06,EUR,90\n", None),
    ],
)
def test_a_foreign_sale_is_converted_by_the_rate_of_its_day(
    rates: str | None, value: float | None, tmp_path: Path
) -> None:
    measured = rated(tmp_path, rates, leads=[SOLD, DOLLARS])
    assert measured.value == (None if value is None else pytest.approx(value))
    if value is None:
        assert detail(measured.notes, "rate_missing") == {
            "count": 1,
            "labels": ["USD"],
            "days": ["2025-10-06"],
        }
    assert rated(tmp_path / "9", None, "2025-09", leads=[SOLD, DOLLARS]).value == 0


def test_one_foreign_sale_among_many_is_not_left_out(tmp_path: Path) -> None:
    many = [f"m{n},a,2025-10-05T12:00,,2025-10-06T12:00,10,RUB" for n in range(100)]
    assert rated(tmp_path, None, leads=[*many, DOLLARS]).value is None


def test_who_is_not_known_to_be_unfit_may_be_qualified(tmp_path: Path) -> None:
    data, params = build(tmp_path, [asked("qualified_leads")], leads=[GOOD, BAD, OPEN])
    with case_of(data, params) as case:
        rows = CATALOGUE["qualified_leads"].units(case.tables, case.setting).sort_values("at")
    # of the 1st, the 15th and the 31st
    assert rows["numerator"].tolist() == [1.0, 0.0, 0.0]
    assert rows["possible"].tolist() == [True, True, False]


def test_a_further_deal_of_a_lead_is_a_sale_but_no_lead(tmp_path: Path) -> None:
    further = "lead:15/deal:17,a,2025-10-07T12:00,true,2025-10-08T12:00,300,RUB,"
    assert measure(tmp_path / "leads", "leads", leads=[GOOD, further]).value == 1
    assert measure(tmp_path / "qualified", "qualified_leads", leads=[GOOD, further]).value == 1
    assert measure(tmp_path / "sales", "sales", leads=[SOLD, further]).value == 2
