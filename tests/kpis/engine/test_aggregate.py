"""Buckets, coverage and stocks, on grids made by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.engine.aggregate import tally
from kpi_kit.kpis.engine.day_grid import Grid, day_number, local_days
from kpi_kit.kpis.engine.stocks import StockIndex
from kpi_kit.kpis.engine.unit_frame import units
from tests.agency import codes, cover, days, detail, measure

ZONE = "Europe/Moscow"
MARCH, APRIL, MAY, JUNE = (dt.date(2025, month, 1) for month in (3, 4, 5, 6))
NO_STOCK = StockIndex({}, {}, {})
LEADS = CATALOGUE["leads"]


def grid(**given: Any) -> Grid:
    """March, April and May of the accounts a and b, all covered."""
    whole = [(dt.date(2020, 1, 1), dt.date(2026, 1, 1))]
    made = {
        "owners": ("a", "b"),
        "bounds": np.array([day_number(day) for day in (MARCH, APRIL, MAY, JUNE)], dtype="int64"),
        "windows": None,
        "opened": {},
        "known_until": day_number(dt.date(2025, 12, 1)),
        "zone": ZONE,
        "covered": {"leads": {"a": whole, "b": whole}},
        "minimum": 0.9,
    }
    return Grid(**(made | given))


def frame(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Units ``(local time, account, numerator)``."""
    at = pd.Series(
        [pd.Timestamp(time, tz=ZONE).tz_convert("UTC") for time, _, _ in rows], dtype="datetime64[us, UTC]"
    )
    owner = pd.Series([account for _, account, _ in rows], name="account_id", dtype="str")
    return units(at, owner, pd.Series([number for *_, number in rows], dtype="float64"))


def values(*rows: tuple[str, str, float], **given: Any) -> list[float | None]:
    return tally(LEADS, frame(*rows), grid(**given), NO_STOCK).series()


def test_local_days_are_those_of_the_zone() -> None:
    late = pd.Series([pd.Timestamp("2025-10-09T21:00Z"), pd.Timestamp("2025-10-09T20:59Z")])
    assert local_days(late, ZONE).tolist() == [
        day_number(dt.date(2025, 10, 10)),
        day_number(dt.date(2025, 10, 9)),
    ]


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Moscow",  # other offsets in 2011 and 2014
        "Europe/Berlin",
        "America/St_Johns",  # some days began twice until 2011
        "Africa/Cairo",  # clocks go forward at midnight
        "Pacific/Apia",  # had no 30 December 2011
        "Australia/Lord_Howe",  # half an hour
    ],
)
def test_local_days_are_those_of_the_calendar_around_every_change_of_clocks(zone: str) -> None:
    hours = pd.date_range("2009-12-30", "2027-01-03", freq="h", tz="UTC")
    instants = pd.Series(hours.union(hours - pd.Timedelta(microseconds=1)).as_unit("us"))
    expected = [day_number(local.date()) for local in instants.dt.tz_convert(zone)]
    assert local_days(instants, zone).tolist() == expected
    assert local_days(instants[:0], zone).tolist() == []
    unknown = pd.Series([pd.NaT, hours[0]], dtype=instants.dtype)
    assert local_days(unknown, zone)[1] == expected[1]
    for far in ("9999-06-01", "0001-06-01"):  # a mistyped date
        mistaken = pd.Series(pd.to_datetime([far], utc=True).as_unit("us"))
        assert local_days(mistaken, zone).tolist() == [
            day_number(mistaken.dt.tz_convert(zone).dt.tz_localize(None)[0].date())
        ]


def test_units_fall_into_the_bucket_of_their_local_day() -> None:
    rows = [
        ("2025-03-01", "a", 1),
        ("2025-03-31 23:59", "b", 2),
        ("2025-04-01", "a", 4),
        ("2025-05-31 23:59", "b", 8),
    ]
    assert values(*rows, ("2025-02-28 23:59", "a", 16), ("2025-06-01", "a", 32), ("2025-04-01", "c", 64)) == [
        3,
        4,
        8,
    ]


def test_windows_clip() -> None:
    rows = [(f"2025-04-{day:02d} 12:00", "a", 1) for day in range(1, 31)]
    held = {"a": [(dt.date(2025, 4, 11), dt.date(2025, 4, 21))], "b": [(MARCH, JUNE)]}
    assert values(*rows, windows=held) == [0, 10, 0]
    # two windows of one account, with a gap between them
    held["a"] = [(dt.date(2025, 4, 1), dt.date(2025, 4, 3)), (dt.date(2025, 4, 29), dt.date(2025, 5, 9))]
    assert values(*rows, windows=held) == [0, 4, 0]


def test_measure_and_series_say_the_same() -> None:
    half = {"leads": {"a": [(MARCH, dt.date(2025, 5, 15))], "b": [(MARCH, JUNE)]}}
    sums = tally(
        LEADS, frame(("2025-03-01", "a", 1), ("2025-05-01", "b", np.nan)), grid(covered=half), NO_STOCK
    )
    assert sums.series() == [sums.measure(bucket).value for bucket in range(3)] == [1, 0, None]


@pytest.mark.parametrize(
    ("covered_days", "value"), [(31, 0), (28, 0), (27, None), (0, None)]
)  # 28 of 31 is 90.3 %, 27 is 87.1 %
def test_minimum_of_coverage(covered_days: int, value: float | None) -> None:
    until = MARCH + dt.timedelta(days=covered_days)
    given = grid(owners=("a",), covered={"leads": {"a": [(MARCH, until)]} if covered_days else {}})
    measured = tally(LEADS, frame(), given, NO_STOCK).measure(0)
    assert (measured.value, measured.coverage) == (value, pytest.approx(covered_days / 31))


def test_exactly_the_minimum_is_enough() -> None:
    ten_days = np.array([day_number(MARCH), day_number(MARCH) + 10], dtype="int64")
    nine = {"leads": {"a": [(MARCH, dt.date(2025, 3, 10))]}}
    measured = tally(LEADS, frame(), grid(owners=("a",), bounds=ten_days, covered=nine), NO_STOCK).measure(0)
    assert (measured.value, measured.coverage) == (0, 0.9)


def test_coverage_is_a_share_of_account_days() -> None:
    one = {"leads": {"a": [(MARCH, JUNE)]}}
    measured = tally(LEADS, frame(), grid(covered=one), NO_STOCK).measure(0)
    assert (measured.value, measured.coverage) == (None, 0.5)
    lacking = {"table": "leads", "account_id": "b", "days": [["2025-03-01", "2025-04-01"]]}
    assert detail(measured.notes, "not_covered") == {
        "coverage": 0.5,
        "minimum": 0.9,
        "tables": ["leads"],
        "missing": [lacking],
    }


def test_overlapping_coverage_counts_once() -> None:
    twice = {"leads": {"a": [(MARCH, dt.date(2025, 3, 16)), (dt.date(2025, 3, 10), dt.date(2025, 3, 20))]}}
    measured = tally(LEADS, frame(), grid(owners=("a",), covered=twice), NO_STOCK).measure(0)
    assert measured.coverage == pytest.approx(19 / 31)


def test_days_before_the_opening_are_not_expected() -> None:
    late = {"leads": {"a": [(MARCH, JUNE)], "b": [(dt.date(2025, 4, 20), JUNE)]}}
    given = grid(covered=late, opened={"b": dt.date(2025, 4, 20)})
    sums = tally(LEADS, frame(), given, NO_STOCK)
    assert [sums.measure(bucket).coverage for bucket in range(3)] == [1, 1, 1]
    alone = tally(LEADS, frame(), grid(owners=("b",), opened={"b": dt.date(2025, 4, 20)}), NO_STOCK)
    assert (alone.measure(0).value, codes(alone.measure(0).notes)) == (None, ["no_days"])


def test_days_after_the_cut_off_are_not_expected() -> None:
    cut = grid(
        known_until=day_number(dt.date(2025, 4, 15)),
        covered={"leads": {"a": [(MARCH, dt.date(2025, 4, 15))]}},
        owners=("a",),
    )
    sums = tally(LEADS, frame(("2025-04-10", "a", 1)), cut, NO_STOCK)
    assert sums.series() == [0, 1, None]
    assert codes(sums.measure(2).notes) == ["period_not_begun"]


def test_the_lowest_share_of_several_tables_counts(tmp_path: Path) -> None:
    most = [*cover("posts", scopes="a"), *cover("audience", scopes="a", until="2025-10-20")]
    post = "p,a,2025-10-10T12:00,10,1,1,1,,2025-11-01T00:00"
    measured = measure(tmp_path, "view_rate", posts=[post], audience=["2025-10-10,a,100"], coverage=most)
    assert measured.coverage == pytest.approx(19 / 31)
    assert detail(measured.notes, "not_covered")["tables"] == ["audience"]


# stocks -----------------------------------------------------------------------------------------------------


def stock(*rows: tuple[str, float, float | None, float | None]) -> StockIndex:
    """The subscribers of account a: ``(date, subscribers, joined, left)``."""
    table = pd.DataFrame(list(rows), columns=["date", "subscribers", "joined", "left"])
    flows = {name: table[name].astype("float64") for name in ("subscribers", "joined", "left")}
    return StockIndex.of(table.assign(date=pd.to_datetime(table["date"]), account_id="a", **flows))


def opening(index: StockIndex, owner: str = "a") -> float:
    starts, ends = (np.array([day_number(day)], dtype="int64") for day in (MARCH, APRIL))
    return float(index.opening(owner, starts, ends)[0])


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        ([("2025-02-28", 10, None, None)], 10),
        ([("2025-02-22", 10, None, None)], 10),  # 7 days old
        ([("2025-02-21", 10, None, None)], np.nan),  # 8 days old
        ([("2025-02-21", 10, None, None), ("2025-02-27", 12, None, None)], 12),
        ([("2025-02-28", 10, None, None), ("2025-03-01", 99, 1, 1)], 10),
        ([("2025-03-01", 10, 4, 1)], 7),  # a first row: before joined and left
        ([("2025-03-31", 10, 4, 1)], 7),
        ([("2025-04-01", 10, 4, 1)], np.nan),  # nothing yet in P
        ([("2025-03-05", 10, None, 1)], 10),  # its changes are unknown: the count itself, up to 7 days later
        ([("2025-03-07", 10, 4, None)], 10),
        ([("2025-03-08", 10, 4, None)], np.nan),
        (
            [("2025-02-01", 5, 1, 1), ("2025-03-05", 10, 4, 1)],
            7,
        ),  # the last is too old: the next set out from 7
        ([("2025-02-01", 5, 1, 1), ("2025-03-05", 10, None, 1)], 10),
        ([("2025-02-01", 5, 1, 1), ("2025-03-08", 10, 4, 1)], np.nan),  # 8 days after the start
    ],
)
def test_opening(rows: list[Any], level: float) -> None:
    assert opening(stock(*rows)) == pytest.approx(level, nan_ok=True)


def test_a_stranger_has_no_stock() -> None:
    assert np.isnan(opening(stock(("2025-02-28", 10, 1, 1)), "b"))


def test_mean_is_over_the_rows_that_exist() -> None:
    index = stock(
        ("2025-02-28", 1000, 0, 0),
        ("2025-03-01", 10, 0, 0),
        ("2025-03-31", 20, 0, 0),
        ("2025-04-01", 99, 0, 0),
    )
    starts, ends = (
        np.array([day_number(day) for day in pair], dtype="int64") for pair in ((MARCH, MAY), (APRIL, JUNE))
    )
    assert index.mean("a", starts, ends) == pytest.approx([15, np.nan], nan_ok=True)


# the rule of a tenth ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "value"), [(9, 9), (8, None), (19, 19), (0, None)])
def test_more_than_a_tenth_unknown_is_too_much(known: int, value: float | None, tmp_path: Path) -> None:
    rows = [f"{day},a,100,0,1" for day in days(1, known)] + ["2025-10-31,a,100,0,"]
    assert measure(tmp_path, "unsubscribed", audience=rows).value == value


def test_too_many_unknown_values_name_the_account_the_table_and_the_days(tmp_path: Path) -> None:
    few, many = ([f"{day},a,100,0," for day in days(*span)] for span in ((4, 6), (20, 20)))
    known = [f"{day},a,100,0,1" for day in days(10, 12)]
    (note, *_) = measure(tmp_path, "unsubscribed", audience=[*few, *known, *many]).notes
    assert note.detail["missing"] == [
        {
            "table": "audience",
            "account_id": "a",
            "days": [["2025-10-04", "2025-10-07"], ["2025-10-20", "2025-10-21"]],
            "count": 4,
        }
    ]


def test_many_ranges_of_unknown_days_are_named_as_one(tmp_path: Path) -> None:
    rows = [f"{day},a,100,0," for n in range(1, 14, 2) for day in days(n, n)]
    (note, *_) = measure(tmp_path, "unsubscribed", audience=rows).notes
    assert note.detail["missing"][0]["days"] == [["2025-10-01", "2025-10-14"]]


def test_rows_left_out_by_definition_are_no_part_of_the_tenth(tmp_path: Path) -> None:
    deleted = [f"d{n},a,2025-10-10T12:00,1,1,1,1,,,2025-10-11T12:00" for n in range(20)]
    rows = [*deleted, "u,a,2025-10-10T12:00", "k,a,2025-10-10T12:00,5,1,1,1"]
    assert codes(measure(tmp_path, "views", posts=rows).notes)[0] == "too_many_unknown"
