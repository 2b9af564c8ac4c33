"""Groups 1 and 2: rows of the table ``audience`` to values worked out by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_kit.core.doubtful_counts import doubtful
from kpi_kit.kpis.engine.day_grid import day_number
from kpi_kit.kpis.engine.stocks import StockIndex
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
        ("subscriber_gain", SINGLE, 30),
        ("subscriber_gain", FLAT, 0),
        ("subscriber_gain", NEW, (90 - 20) + (100 - 70)),
        ("subscriber_gain", NOVEMBER_TOO, 30),
        ("subscriber_growth", SINGLE, 30 / 100),
        ("subscriber_growth", FLAT, 0),
        ("subscriber_growth", SEVEN_DAYS_OLD, 10 / 100),
        ("subscriber_growth", EIGHT_DAYS_OLD, 10 / 100),  # the next row set out from 103 − 4 + 1
        ("unsubscribed", SINGLE, 10),
        ("unsubscribed", FLAT, 0),
        ("unsubscribed", NEW, 40),
        ("unsubscribed", TEN_DAYS, 0),  # 1 of 10 unknown is exactly 10 %
        ("churn_rate", SINGLE, 10 / 100),
        ("churn_rate", FLAT, 0),
        ("churn_rate", SEVEN_DAYS_OLD, 2 / 100),
        ("churn_rate", STALE_TO_THE_FIFTH, 2 / 100),  # a denominator may be 7 days away
    ],
)
def test_value(kpi: str, rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, kpi, audience=rows).value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("kpi", "rows", "reason"),
    [
        ("subscribers", EMPTY, "level_unknown"),
        ("subscribers", CLOSES_ON_24TH, "level_unknown"),  # 8 days before 1 November
        ("subscriber_gain", EMPTY, "gain_unknown"),
        ("subscriber_gain", NEW_BUT_UNKNOWN, "gain_unknown"),
        ("subscriber_gain", STALE_TO_THE_THIRD, "gain_unknown"),  # 3 days after the 1st, 2 are allowed
        ("subscriber_gain", STALE_TO_THE_FIFTH, "gain_unknown"),
        ("subscriber_growth", EMPTY, "gain_unknown"),
        ("subscriber_growth", NEW, "zero_denominator"),  # it opened at 70 − 90 + 20 = 0
        ("subscriber_growth", STALE_TO_THE_FIFTH, "gain_unknown"),
        ("unsubscribed", EMPTY, "no_counts"),
        ("unsubscribed", NINE_DAYS, "too_many_unknown"),  # 1 of 9: the row before P does not count
        ("churn_rate", EMPTY, "no_counts"),
        ("churn_rate", ["2025-10-20,a,100,,5"], "opening_unknown"),
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


def test_a_gain_takes_the_count_after_the_start_less_the_changes_of_its_day(tmp_path: Path) -> None:
    for name, rows in (("7", SEVEN_DAYS_OLD), ("8", EIGHT_DAYS_OLD)):
        gain = measure(tmp_path / name, "subscriber_gain", audience=rows)
        assert (gain.coverage, gain.value) == (1, 110 - (103 - 4 + 1))


@pytest.mark.parametrize(("as_of", "value"), [("2025-10-17T12:00", 120), ("2025-10-18T12:00", None)])
def test_an_interim_period_closes_at_the_cut_off(as_of: str, value: float | None, tmp_path: Path) -> None:
    rows = ["2025-10-09,a,110,1,1", "2025-10-10,a,120,10,0"]
    assert measure(tmp_path, "subscribers", audience=rows, as_of=as_of).value == value


def test_unknown_rows_are_counted(tmp_path: Path) -> None:
    measured = measure(tmp_path, "unsubscribed", audience=TEN_DAYS)
    assert detail(measured.notes, "unknown_left_out") == {"count": 1, "total": 10}
    assert (measured.units, measured.assessable) == (9, True)


DAILY = [BEFORE, *(f"{day},a,100,1,2" for day in days(1, 10))]
SHEET = "2025-10-31,a,130"
OF_COUNTS = ["subscribers,a,2025-09-01,2025-11-01", "audience,a,2025-10-01,2025-10-11"]


@pytest.mark.parametrize("kpi", ["unsubscribed", "churn_rate"])
def test_days_with_counts_alone_are_not_days_on_which_nobody_left(kpi: str, tmp_path: Path) -> None:
    """A sheet of month ends covers the month, a daily export ten days of it."""
    rows = [*DAILY, SHEET]
    measured = measure(tmp_path / "both", kpi, audience=rows, coverage=OF_COUNTS)
    told = detail(measured.notes, "not_covered")
    assert (measured.value, round(31 * told["coverage"]), told["tables"]) == (None, 10, ["left"])
    assert told["missing"] == [{"table": "left", "account_id": "a", "days": [["2025-10-11", "2025-11-01"]]}]
    assert measure(tmp_path / "gain", "subscriber_gain", audience=rows, coverage=OF_COUNTS).value == 30
    known = ["subscribers,a,2025-09-01,2025-11-01", "audience,a,2025-10-01,2025-11-01"]
    whole = measure(tmp_path / "whole", kpi, audience=rows, coverage=known)
    assert whole.coverage == 1 and whole.value is not None


@pytest.mark.parametrize("rows", [[], ["2025-10-30,b,900", "2025-10-31,b,905,,"]])
@pytest.mark.parametrize("kpi", ["unsubscribed", "churn_rate"])
def test_an_account_that_nobody_counted_is_no_account_that_nobody_left(
    rows: list[str], kpi: str, tmp_path: Path
) -> None:
    """Two days are few of all, yet its subscribers would dilute the churn of the other."""
    known = ["audience,a,2025-10-01,2025-11-01", *(["audience,b,2025-10-30,2025-11-01"] if rows else [])]
    held: dict[str, Any] = {"accounts": ["a", {"account": "b", "since": "2025-10-30"}]}
    everything = [*DAILY, *(f"{day},a,100,1,2" for day in days(11, 31)), "2025-09-29,b,870", *rows]
    measured = measure(tmp_path, kpi, audience=everything, coverage=known, person=held)
    assert (measured.value, round(33 * (measured.coverage or 0))) == (None, 33 if rows else 31)
    lacks = {"table": "left", "account_id": "b", "days": [["2025-10-30", "2025-11-01"]]}
    assert detail(measured.notes, "no_counts")["missing"] == [lacks]
    alone = measure(tmp_path / "alone", kpi, audience=everything, coverage=known)
    assert alone.value == (62 if kpi == "unsubscribed" else 62 / 100)


@pytest.mark.parametrize("kpi", ["unsubscribed", "churn_rate"])
def test_covered_days_without_rows_are_named(kpi: str, tmp_path: Path) -> None:
    """Six days at the end of a month count as days on which nobody left, and the note says which."""
    rows = [BEFORE, *(f"{day},a,100,1,3" for day in [*days(1, 11), *days(13, 25)])]
    measured = measure(tmp_path / "gap", kpi, audience=rows)
    spans = [["2025-10-12", "2025-10-13"], ["2025-10-26", "2025-11-01"]]
    lacking = [{"table": "left", "account_id": "a", "days": spans}]
    assert detail(measured.notes, "days_without_rows") == {"missing": lacking}
    assert measured.numerator == 24 * 3
    for name, other in (("monthly", SINGLE), ("daily", FLAT)):
        assert "days_without_rows" not in codes(measure(tmp_path / name, kpi, audience=other).notes)


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
    assert growth.units == others  # a day whose day before is known
    if value is None:
        assert detail(growth.notes, "gain_unknown")["accounts"] == ["lost"]
    else:
        assert growth.value == pytest.approx(0.1)
        assert detail(growth.notes, "account_without_stock") == {"account_id": "lost"}


# gains ------------------------------------------------------------------------------------------------------


def gains(folder: Path, rows: list[str], *periods: str, **more: Any) -> list[float | None]:
    return [
        measure(
            folder / period, "subscriber_gain", audience=rows, period=period, as_of="2026-01-01", **more
        ).value
        for period in periods
    ]


def daily(first: dt.date, end: dt.date, but: set[dt.date] = frozenset()) -> list[str]:
    """One more subscriber each day, from 1 000."""
    days_ = [first + dt.timedelta(days=number) for number in range((end - first).days)]
    return [f"{day},a,{1000 + (day - first).days}" for day in days_ if day not in but]


def test_month_end_counts_make_monthly_gains_and_no_weekly_ones(tmp_path: Path) -> None:
    rows = ["2025-08-31,a,500", "2025-09-30,a,530", "2025-10-31,a,523"]
    assert gains(tmp_path, rows, "2025-09", "2025-10", "2025-Q3") == [30, -7, None]
    assert gains(tmp_path / "w", rows, "2025-W39", "2025-W40", "2025-W44") == [None, None, None]


def test_weekly_counts_need_a_tolerance_of_three_days(tmp_path: Path) -> None:
    sundays = [dt.date(2025, 8, 3) + dt.timedelta(weeks=week) for week in range(20)]
    rows = [f"{day},a,{1000 + 10 * week}" for week, day in enumerate(sundays)]
    assert gains(tmp_path, rows, "2025-W39", "2025-W40") == [10, 10]
    # 30 September is two days after a Sunday, 31 October five days after one and two before the next
    house: dict[str, Any] = {"audience": {"tolerance_days": 3}}
    assert gains(tmp_path / "3", rows, "2025-09", "2025-10", department=house) == [40, 50]


def test_a_gap_over_the_end_of_a_month_makes_both_months_unknown_and_names_the_days(tmp_path: Path) -> None:
    away = {dt.date(2025, 9, 28) + dt.timedelta(days=number) for number in range(7)}
    rows = daily(dt.date(2025, 8, 1), dt.date(2025, 12, 1), away)
    for period in ("2025-09", "2025-10"):
        measured = measure(tmp_path / period, "subscriber_gain", audience=rows, period=period)
        assert (measured.value, codes(measured.notes)[0]) == (None, "gain_unknown")
        assert detail(measured.notes, "gain_unknown")["missing"] == [
            {"table": "audience", "account_id": "a", "days": [["2025-09-28", "2025-10-05"]]}
        ]
    assert gains(tmp_path, rows, "2025-11") == [30]


@given(
    missing=st.sets(st.integers(0, 91), max_size=60),
    tolerance=st.integers(0, 3),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_gain_is_right_to_the_tolerance_or_unknown(missing: set[int], tolerance: int) -> None:
    """Counts that grow by one a day: each known gain is off by at most the distances of its two counts."""
    first = day_number(dt.date(2025, 8, 1))
    days_ = np.array([first + number for number in range(92) if number not in missing], dtype="int64")
    index = StockIndex(
        {"a": days_}, {"a": days_.astype("float64")}, {"a": np.full(len(days_), np.nan)}, tolerance
    )
    for start, end in ((first + 31, first + 61), (first + 40, first + 47)):
        near = [[day for day in days_ if -tolerance <= day + 1 - at <= tolerance] for at in (start, end)]
        gain = index.gain("a", start, end)
        if not all(near):
            assert np.isnan(gain)
        elif not np.isnan(gain):
            assert abs(gain - (end - start)) <= 2 * tolerance
        else:
            assert end - start <= 2 * tolerance  # one row for both ends
        if all(at - 1 in days_ for at in (start, end)):
            assert gain == end - start


# doubtful counts --------------------------------------------------------------------------------------------


def doubted(*counts: float, step: int = 1, accepted: tuple[str, ...] = ()) -> list[int]:
    """The places of counts that are not credible, from 1 October on."""
    rows = pd.DataFrame(
        {
            "date": pd.date_range("2025-10-01", periods=len(counts), freq=f"{step}D"),
            "account_id": "a",
            "subscribers": np.array(counts, dtype="float64"),
        }
    )
    return np.flatnonzero(doubtful(rows, {"a": list(accepted)})).tolist()


@pytest.mark.parametrize(
    ("counts", "places"),
    [
        ([1592, 0, 1593], [1]),
        ([1592, 0, 0, 0], [1, 2, 3]),
        ([1592, *[0] * 15], []),  # 14 days later it is still 0
        ([1592, *[0] * 14], [*range(1, 15)]),
        ([100, 0, 100], []),  # not over 100
        ([101, 0, 101], [1]),
        ([1000, 2001, 1100], [1]),
        ([1000, 2000, 1000], []),  # not more than double
        ([1000, 499, 1201], []),  # not back within 20 %
        ([1000, 499, 1200], [1]),
        ([1000, 499, 600, 900], [1]),
        ([1000, 2500, 2500, 2500], []),  # it stays
        ([40, 90, 40], []),  # all under 100
        ([1000, 0, 700], [1]),  # not back, but not under half for 14 days either
        ([0, 500, 510], []),
    ],
)
def test_doubtful_counts(counts: list[float], places: list[int]) -> None:
    assert doubted(*counts) == places


def test_a_count_that_is_back_after_more_than_14_days_is_credible() -> None:
    assert doubted(1000, 2500, 1000, step=14) == [1]
    assert doubted(1000, 2500, 1000, step=15) == []


def test_an_accepted_day_is_used(tmp_path: Path) -> None:
    assert doubted(1592, 0, 1593, accepted=("2025-10-02",)) == []
    rows = [*daily(dt.date(2025, 8, 1), dt.date(2025, 10, 31)), "2025-10-31,a,0", "2025-11-01,a,1092"]
    measured = measure(tmp_path, "subscribers", audience=rows)
    assert measured.value == 1000 + 90
    accept = {"audience": {"accept": {"a": ["2025-10-31"]}}}
    assert measure(tmp_path / "accepted", "subscribers", audience=rows, department=accept).value == 0


@given(
    level=st.integers(200, 5000),
    wrong=st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True),
    factor=st.sampled_from([0.0, 0.1, 0.49, 2.5, 10.0]),
)
@settings(max_examples=50, deadline=None)
def test_single_wrong_counts_are_named_and_no_others(level: int, wrong: list[int], factor: float) -> None:
    inner = sorted({1 + place for place in wrong})
    counts = [float(round(level * factor)) if place in inner else float(level) for place in range(60)]
    assert doubted(*counts) == inner


def test_the_level_of_a_closed_account_is_that_of_its_last_day(tmp_path: Path) -> None:
    """Rows after the closing do not count, as they count in no gain."""
    rows = ["2025-10-19,a,640,1,1", "2025-10-20,a,650,11,1", "2025-10-24,a,9,0,0"]
    accounts = ["account_id,platform,title,closed", "a,vk,Кофе,2025-10-21"]
    cover = ["audience,a,2025-01-01,2025-11-01"]
    assert measure(tmp_path, "subscribers", audience=rows, accounts=accounts, coverage=cover).value == 650


def test_rows_of_an_account_that_was_closed_before_it_was_held_count(tmp_path: Path) -> None:
    """Its days are not expected; what happened on it all the same did happen."""
    measured = measure(
        tmp_path,
        "leads",
        leads=["l1,a,2025-10-20T12:00", "l2,b,2025-10-20T12:00", "l3,b,2025-10-11T12:00"],
        accounts=["account_id,platform,title,closed", "a,vk,Кофе,", "b,vk,Чай,2025-10-10"],
        coverage=["leads,a,2025-01-01,2025-11-01"],
        person={"accounts": ["a", {"account": "b", "since": "2025-10-15"}]},
    )
    assert (measured.value, measured.coverage) == (2, 1)


@pytest.mark.parametrize(
    ("closed", "as_of", "value"), [("2025-10-21", "2025-11-08", 20), ("2025-12-01", "2025-11-08", 31)]
)
def test_days_after_the_closing_of_an_account_are_not_expected(
    closed: str, as_of: str, value: float, tmp_path: Path
) -> None:
    end = min(dt.date.fromisoformat(closed), dt.date(2025, 11, 1))
    rows = daily(dt.date(2025, 8, 1), end)
    accounts = ["account_id,platform,title,closed", f"a,vk,Кофе,{closed}"]
    measured = measure(
        tmp_path,
        "subscriber_gain",
        audience=rows,
        accounts=accounts,
        as_of=as_of,
        coverage=[f"audience,a,2025-01-01,{end}"],
    )
    assert (measured.value, measured.coverage) == (value, 1)
