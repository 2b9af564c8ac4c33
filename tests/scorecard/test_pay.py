"""Bonus by calendar month, refunds that come later, and variable pay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agency import codes, detail, entry, scored

SALES = [
    "s1,a,2025-10-03T07:00,true,2025-10-10T07:00,60000,RUB,2025-11-20T12:00",  # refunded late
    "s2,a,2025-10-04T07:00,true,2025-10-12T07:00,40000,RUB",
    "s3,a,2025-11-04T07:00,true,2025-11-12T07:00,30000,RUB",
    "s4,a,2025-12-04T07:00,true,2025-12-12T07:00,10000,RUB,2025-12-20T12:00",  # refunded within its month
]


def bonus(folder: Path, period: str, as_of: str = "2026-02-01", **rule: Any) -> Any:
    person = {"bonus": {"share_of_sales": "2%", **rule}}
    return scored(folder, entry("sales_amount"), leads=SALES, person=person, period=period, as_of=as_of)[
        "bonus"
    ]


@pytest.mark.parametrize(
    ("period", "rule", "amount"),
    [
        ("2025-10", {}, 2000),
        ("2025-11", {}, 600),
        ("2025-12", {}, 0),
        ("2025-Q4", {}, 2600),
        ("2025", {}, 2600),
        ("2025-10", {"cap": 1500}, 1500),
        ("2025-Q4", {"cap": 1500}, 1500 + 600),  # a cap of each month
        ("2025", {"cap": 500}, 500 + 500),
        ("2025-10", {"refunds": "deduct"}, 2000),
        ("2025-11", {"refunds": "deduct"}, 0),  # 600 less 1 200, not below 0
        ("2025-Q4", {"refunds": "deduct"}, 2000),
        ("2025-W41", {}, None),  # a week has sales and no bonus
    ],
)
def test_bonus_is_by_calendar_month(
    period: str, rule: dict[str, Any], amount: float | None, tmp_path: Path
) -> None:
    found = bonus(tmp_path, period, **rule)
    assert found["amount"] == (None if amount is None else pytest.approx(amount))
    if period == "2025-W41":
        assert (found["sales_amount"], found["months"]) == (100000, [])


@pytest.mark.parametrize("as_of", ["2025-11-21", "2026-02-01"])
def test_a_late_refund_stands_once_in_its_own_month(as_of: str, tmp_path: Path) -> None:
    october = bonus(tmp_path / "10", "2025-10", as_of)
    assert (october["amount"], october["months"][0]["refunds"]) == (2000, 0)
    (november,) = bonus(tmp_path / "11", "2025-11", as_of)["months"]
    assert (november["refunds"], november["refunded"], november["refund_share"]) == (1, 60000, 1200)
    if as_of > "2025-12":
        assert bonus(tmp_path / "12", "2025-12", as_of)["months"][0]["refunds"] == 0


def test_a_late_refund_is_noted_beside_the_sales_of_its_month(tmp_path: Path) -> None:
    for period, count in (("2025-10", None), ("2025-11", 1)):
        (row,) = scored(
            tmp_path / period, entry("sales_amount"), leads=SALES, period=period, as_of="2026-02-01"
        )["kpis"]
        assert ("refunds_late" in codes(row["notes"])) == (count is not None)
        if count:
            assert detail(row["notes"], "refunds_late") == {"count": 1, "amount": 60000}


@pytest.mark.parametrize(
    ("period", "person", "share", "amount"),
    [
        ("2025-10", {}, 1, 31000),
        ("2025-Q4", {}, 1, 93000),
        ("2025-W41", {}, 1, 7000),
        ("2025-10", {"absences": [{"since": "2025-10-01", "until": "2025-10-11"}]}, 21 / 31, 21000),
        ("2025-10", {"accounts": [{"account": "a", "since": "2025-10-17"}], "brands": []}, 15 / 31, 15000),
    ],
)
def test_variable_pay_scales_like_a_target(
    period: str, person: dict[str, Any], share: float, amount: float, tmp_path: Path
) -> None:
    leads = [f"l{day},a,2025-10-{day:02d}T12:00" for day in range(1, 32)]
    card = scored(
        tmp_path,
        entry("leads", target={"at_least": 31}),
        leads=leads,
        person={"variable_pay": 31000, **person},
        period=period,
        as_of="2026-02-01",
    )
    assert card["variable_pay"]["monthly"] == 31000
    assert card["variable_pay"]["share"] == pytest.approx(share)
    assert card["variable_pay"]["amount"] == pytest.approx(amount)
    expected = None if card["total"] is None else amount * card["total"]
    assert card["variable_pay"]["payout"] == pytest.approx(expected)


def test_without_variable_pay_there_is_no_money(tmp_path: Path) -> None:
    assert scored(tmp_path, entry("leads"), leads=[])["variable_pay"] is None
