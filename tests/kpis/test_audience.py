"""Groups 1 and 2: rows of the table ``audience`` to values worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agency import codes, days, detail, measure

EMPTY: list[str] = []
BEFORE = "2025-09-30,a,100"
SINGLE = [BEFORE, "2025-10-31,a,130,40,10"]
FLAT = [f"{day},a,50,0,0" for day in ["2025-09-30", *days(1, 31)]]
NEW = ["2025-10-10,a,70,90,20", "2025-10-31,a,100,50,20"]
NEW_BUT_UNKNOWN = ["2025-10-10,a,70,,20", "2025-10-31,a,100,50,20"]
SEVEN_DAYS_OLD = ["2025-09-24,a,100", "2025-10-01,a,103,4,1", "2025-10-31,a,110,8,1"]
EIGHT_DAYS_OLD = ["2025-09-23,a,100", "2025-10-01,a,103,4,1", "2025-10-31,a,110,8,1"]
STALE_TO_THE_THIRD = ["2025-09-23,a,100", "2025-10-03,a,103,4,1", "2025-10-31,a,110,8,1"]
STALE_TO_THE_FOURTH = [
    "2025-09-23,a,100",
    "2025-10-04,a,103,4,1",
    "2025-10-05,a,103,0,0",
    "2025-10-31,a,110,8,1",
]
STALE_TO_THE_FIFTH = ["2025-09-23,a,100", "2025-10-05,a,103,4,1", "2025-10-31,a,110,8,1"]
CLOSES_ON_25TH = [BEFORE, "2025-10-25,a,120,25,5"]
CLOSES_ON_24TH = [BEFORE, "2025-10-24,a,120,25,5"]
NOVEMBER_TOO = [*SINGLE, "2025-11-01,a,999,900,1"]
TEN_DAYS = [f"{day},a,100,1,{0 if number else ''}" for number, day in enumerate(days(22, 31))]
NINE_DAYS = [BEFORE, *(f"{day},a,100,1,{0 if number else ''}" for number, day in enumerate(days(23, 31)))]


@pytest.mark.parametrize(
    ("kpi", "rows", "value"),
    [
        ("subscribers", SINGLE, 130),
        ("subscribers", FLAT, 50),
        ("subscribers", NOVEMBER_TOO, 130),
        ("subscribers", CLOSES_ON_25TH, 120),  # 7 days before 1 November
        ("subscriber_gain", EMPTY, 0),
        ("subscriber_gain", SINGLE, 30),
        ("subscriber_gain", FLAT, 0),
        ("subscriber_gain", NEW, (90 - 20) + (100 - 70)),
        ("subscriber_gain", NOVEMBER_TOO, 30),
        ("subscriber_gain", STALE_TO_THE_FOURTH, 3 + 0 + 7),  # 3 of 31 days uncovered: 90.3 %
        ("subscriber_growth", SINGLE, 30 / 100),
        ("subscriber_growth", FLAT, 0),
        ("subscriber_growth", SEVEN_DAYS_OLD, 10 / 100),
        ("subscriber_growth", EIGHT_DAYS_OLD, 10 / 100),  # the next row set out from 103 − 4 + 1
        ("subscriber_growth", STALE_TO_THE_THIRD, 10 / 100),  # likewise; 29 of 31 days are covered
        ("unsubscribed", EMPTY, 0),
        ("unsubscribed", SINGLE, 10),
        ("unsubscribed", FLAT, 0),
        ("unsubscribed", NEW, 40),
        ("unsubscribed", TEN_DAYS, 0),  # 1 of 10 unknown is exactly 10 %
        ("churn_rate", SINGLE, 10 / 100),
        ("churn_rate", FLAT, 0),
        ("churn_rate", SEVEN_DAYS_OLD, 2 / 100),
    ],
)
def test_value(kpi: str, rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, kpi, audience=rows).value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("kpi", "rows", "reason"),
    [
        ("subscribers", EMPTY, "level_unknown"),
        ("subscribers", CLOSES_ON_24TH, "level_unknown"),  # 8 days before 1 November
        ("subscriber_gain", NEW_BUT_UNKNOWN, "too_many_unknown"),
        ("subscriber_gain", STALE_TO_THE_FIFTH, "not_covered"),  # 4 of 31 days: 87 %
        ("subscriber_growth", EMPTY, "opening_unknown"),
        ("subscriber_growth", NEW, "zero_denominator"),  # it opened at 70 − 90 + 20 = 0
        ("subscriber_growth", STALE_TO_THE_FIFTH, "not_covered"),
        ("unsubscribed", NINE_DAYS, "too_many_unknown"),  # 1 of 9: the row before P does not count
        ("churn_rate", EMPTY, "opening_unknown"),
        ("churn_rate", STALE_TO_THE_FIFTH, "not_covered"),
    ],
)
def test_not_assessable(kpi: str, rows: list[str], reason: str, tmp_path: Path) -> None:
    measured = measure(tmp_path, kpi, audience=rows)
    assert measured.value is None
    assert codes(measured.notes)[0] == reason


def test_opening_of_a_first_row_is_subscribers_less_joined_plus_left(tmp_path: Path) -> None:
    rows = ["2025-10-05,a,130,40,10", "2025-10-31,a,150,25,5"]
    growth = measure(tmp_path, "subscriber_growth", audience=rows)
    assert (growth.numerator, growth.denominator) == (50, 130 - 40 + 10)


def test_seven_days_old_is_fresh_and_eight_is_uncovered_up_to_the_next_row(tmp_path: Path) -> None:
    assert measure(tmp_path / "7", "subscriber_gain", audience=SEVEN_DAYS_OLD).coverage == 1
    assert (
        measure(tmp_path / "8", "subscriber_gain", audience=EIGHT_DAYS_OLD).coverage == 1
    )  # the next row is on the 1st
    stale = measure(tmp_path / "3", "subscriber_gain", audience=STALE_TO_THE_THIRD)
    assert stale.coverage == pytest.approx(29 / 31)
    assert stale.value == 3 + 7


@pytest.mark.parametrize(("as_of", "value"), [("2025-10-17T12:00", 120), ("2025-10-18T12:00", None)])
def test_an_interim_period_closes_at_the_cut_off(as_of: str, value: float | None, tmp_path: Path) -> None:
    rows = ["2025-10-09,a,110,1,1", "2025-10-10,a,120,10,0"]
    assert measure(tmp_path, "subscribers", audience=rows, as_of=as_of).value == value


def test_unknown_rows_are_counted(tmp_path: Path) -> None:
    measured = measure(tmp_path, "unsubscribed", audience=TEN_DAYS)
    assert detail(measured.notes, "unknown_left_out") == {"count": 1, "total": 10}
    assert (measured.units, measured.assessable) == (9, True)


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        ("subscribers", 130 + 40),
        ("subscriber_gain", 30 + 20),
        ("subscriber_growth", 50 / (100 + 20)),
        ("churn_rate", (10 + 4) / (100 + 20)),
    ],
)
def test_accounts_add_up(kpi: str, value: float, tmp_path: Path) -> None:
    rows = [*SINGLE, "2025-09-30,b,20", "2025-10-31,b,40,24,4"]
    assert measure(tmp_path, kpi, audience=rows, person={"accounts": ["a", "b"]}).value == pytest.approx(
        value
    )


@pytest.mark.parametrize(("others", "value"), [(9, 9 * 10), (8, None)])
def test_an_account_without_opening_is_left_out_of_both_sides_up_to_a_tenth(
    others: int, value: float | None, tmp_path: Path
) -> None:
    known = [f"n{number}" for number in range(others)]
    flows = ("2025-09-30,{},100", "2025-10-30,{},105,5,0", "2025-10-31,{},110,7,2")
    rows = [line.format(name) for name in known for line in flows]
    accounts = ["account_id,platform,title", *(f"{name},vk,{name}" for name in [*known, "lost"])]
    scopes = [f"audience,{name},2025-01-01,2026-01-01" for name in [*known, "lost"]]
    agency: dict[str, Any] = {
        "accounts": accounts,
        "coverage": scopes,
        "person": {"accounts": [*known, "lost"]},
    }
    # the lost account has a first row whose left is unknown: neither its gain nor its opening is known
    growth = measure(tmp_path, "subscriber_growth", audience=[*rows, "2025-10-31,lost,500,7,"], **agency)
    assert growth.numerator == value
    assert growth.units == 2 * others
    if value is None:
        assert detail(growth.notes, "opening_unknown") == {"accounts": ["lost"]}
    else:
        assert growth.value == pytest.approx(0.1)
        assert detail(growth.notes, "account_without_stock") == {"account_id": "lost"}
