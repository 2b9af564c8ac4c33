"""Group 11: inquiries to values worked out by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.engine.survival import kaplan_meier_median
from kpi_kit.kpis.response import business_hours
from tests.agency import build, case_of, codes, detail, entry, measure

EMPTY: list[str] = []
# inquiry_id, account_id, kind, received_at, answered_at
AT_ONCE = "q1,a,message,2025-10-10T12:00,2025-10-10T12:00"
SHARP = "q2,a,comment,2025-10-10T12:00,2025-10-11T12:00"  # 24 hours
LATE = "q3,a,review,2025-10-10T12:00,2025-10-11T12:01"
SILENT = "q4,a,message,2025-10-10T12:00"
EDGES = ["q5,a,message,2025-10-01T00:00,2025-10-01T01:00", "q6,a,message,2025-10-31T23:59,2025-11-01T01:00"]
OUTSIDE = ["q7,a,message,2025-09-30T23:59", "q8,a,message,2025-11-01T00:00"]


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([AT_ONCE], 1),
        ([SHARP], 1),
        ([LATE], 0),
        ([SILENT], 0),
        ([AT_ONCE, SHARP, LATE, SILENT], 1 / 2),
        ([*EDGES, *OUTSIDE], 1),
    ],
)
def test_response_rate(rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, "response_rate", inquiries=rows).value == value


def test_no_inquiries_is_not_a_rate_of_0(tmp_path: Path) -> None:
    measured = measure(tmp_path / "rate", "response_rate", inquiries=EMPTY)
    assert (measured.value, codes(measured.notes)) == (None, ["zero_denominator"])
    measured = measure(tmp_path / "median", "median_response_time", inquiries=EMPTY)
    assert (measured.value, codes(measured.notes)) == (None, ["no_rows"])


@pytest.mark.parametrize(("as_of", "due"), [("2025-10-11T11:59", 0), ("2025-10-11T12:00", 1)])
def test_an_inquiry_counts_from_its_deadline(as_of: str, due: int, tmp_path: Path) -> None:
    measured = measure(tmp_path, "response_rate", inquiries=[SILENT], as_of=as_of)
    assert measured.units == due
    assert ("inquiries_not_due" in codes(measured.notes)) == (due == 0)


def test_an_early_answer_waits_for_its_deadline_too(tmp_path: Path) -> None:
    measured = measure(tmp_path, "response_rate", inquiries=[AT_ONCE, EDGES[0]], as_of="2025-10-10T18:00")
    assert (measured.value, measured.denominator) == (1, 1)


def test_an_answer_after_the_cut_off_is_not_known(tmp_path: Path) -> None:
    for as_of, answered in (("2025-10-11T11:59", 0), ("2025-10-11T12:00", 1)):
        measured = measure(tmp_path / as_of, "median_response_time", inquiries=[SHARP], as_of=as_of)
        assert (measured.value is not None) == answered


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        (["01:00"], 1),
        (["02:00", "02:00", "02:00"], 2),
        (["01:00", "03:00"], 1),  # the smallest t with S(t) ≤ ½, not the midpoint
        (["01:00", "02:00", "09:00"], 2),
        (["01:00", "02:00", "09:00", ""], 2),
        (["01:00", "", ""], None),
        (["", ""], None),
    ],
)
def test_median_response_time(answers: list[str], value: float | None, tmp_path: Path) -> None:
    rows = [
        f"q{number},a,message,2025-10-10T00:00,{answer and f'2025-10-10T{answer}'}"
        for number, answer in enumerate(answers)
    ]
    measured = measure(tmp_path, "median_response_time", inquiries=rows)
    assert measured.value == value
    if value is None:
        told = {"answered": sum(map(bool, answers)), "total": len(answers)}
        assert detail(measured.notes, "median_not_reached") == told


# Freireich et al. 1963, Blood 21: weeks of remission, the data of Gehan 1965 and of Cox 1972, table 1; a
# negative number is censored. Published medians: 6-MP 23 weeks, placebo 8 weeks (e.g. Kleinbaum & Klein,
# "Survival Analysis", 3rd ed. 2012, ch. 2).
SIX_MP = [6, 6, 6, 7, 10, 13, 16, 22, 23, -6, -9, -10, -11, -17, -19, -20, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@pytest.mark.parametrize(
    ("weeks", "median"), [(SIX_MP, 23), (PLACEBO, 8), (SIX_MP[:7] + SIX_MP[9:], None), ([], None)]
)
def test_kaplan_meier_against_a_published_example(weeks: list[int], median: float | None) -> None:
    times = np.array(weeks, dtype="float64")
    assert kaplan_meier_median(np.abs(times), times > 0) == median


# 10–19, Monday to Friday. 2025-10-10 is a Friday. Tuesday 4 November 2025 is Unity Day; Monday the 3rd was
# a day off, too, moved there from Saturday the 1st.
@pytest.mark.parametrize(
    ("received", "answered", "hours"),
    [
        ("2025-10-10T12:00", "2025-10-10T15:30", 3.5),
        ("2025-10-10T18:00", "2025-10-13T11:00", 1 + 1),  # over a weekend
        ("2025-10-10T08:00", "2025-10-10T10:00", 0),  # before opening
        ("2025-10-10T20:00", "2025-10-12T20:00", 0),  # after closing on Friday, on Sunday
        ("2025-10-13T00:00", "2025-10-14T00:00", 9),
        ("2025-10-31T18:00", "2025-11-05T11:00", 1 + 1),  # over Unity Day and the weekend before it
        (
            "2025-12-30T18:00",
            "2026-01-09T12:00",
            1,
        ),  # New Year holidays; the 31st and the 9th were moved days off
        ("2025-06-11T18:30", "2025-06-16T10:30", 0.5 + 0.5),  # Russia Day on Thursday, then a moved Friday
    ],
)
def test_business_hours(received: str, answered: str, hours: float) -> None:
    clock = business_hours("Europe/Moscow", 10, 19, "RU", dt.date(2025, 1, 1), dt.date(2026, 2, 1))
    begun, ended = (
        pd.Series([pd.Timestamp(text, tz="Europe/Moscow").tz_convert("UTC")]) for text in (received, answered)
    )
    assert clock(begun, ended)[0] == pytest.approx(hours)


@pytest.mark.parametrize(("answered", "value"), [("2025-10-13T17:00", 1), ("2025-10-13T17:01", 0)])
def test_the_deadline_in_business_hours(answered: str, value: float, tmp_path: Path) -> None:
    house: dict[str, Any] = {"response": {"calendar": "business", "sla_hours": 9}}
    row = f"q,a,message,2025-10-10T17:00,{answered}"  # 2 hours on Friday, 7 on Monday
    assert measure(tmp_path, "response_rate", inquiries=[row], department=house).value == value


def test_nine_working_hours_are_nine_hours_at_every_minute_of_the_year() -> None:
    clock = business_hours("Europe/Moscow", 10, 19, "RU", dt.date(2024, 1, 1), dt.date(2026, 2, 1))
    days = pd.Series(pd.to_datetime(["2024-02-21", "2024-06-26", "2025-03-12", "2025-10-15"]))
    minutes = pd.Series(pd.timedelta_range("10:00:00", "18:59:00", freq="1min"))
    begun = (
        days.repeat(len(minutes)).reset_index(drop=True) + pd.concat([minutes] * 4, ignore_index=True)
    ).dt
    begun = begun.tz_localize("Europe/Moscow").dt.tz_convert("UTC")
    # from a minute of a Wednesday to the same one of Thursday
    assert set(clock(begun, begun + pd.Timedelta(days=1))) == {9.0}


def test_business_hours_of_the_department(tmp_path: Path) -> None:
    house: dict[str, Any] = {
        "response": {"calendar": "business", "sla_hours": 9, "hours": [9, 18], "country": "DE"}
    }
    row = "q,a,message,2025-10-02T17:00,2025-10-06T10:00"  # 3 October is a holiday in Germany
    assert measure(
        tmp_path, "median_response_time", inquiries=[row], department=house
    ).value == pytest.approx(2)


@pytest.mark.parametrize("kpi", ["response_rate", "median_response_time"])
def test_who_is_not_answered_is_said_of_an_inquiry(kpi: str, tmp_path: Path) -> None:
    young = "q9,a,message,2025-10-31T12:00"
    data, params = build(tmp_path, [entry(kpi)], inquiries=[AT_ONCE, SHARP, LATE, SILENT, young])
    with case_of(data, params) as case:
        rows = CATALOGUE[kpi].units(case.tables, case.setting)
        rows = rows.set_index(case.tables["inquiries"]["inquiry_id"])
    silent = dict.fromkeys(("q4", "q9"), "unanswered")
    assert rows["trait"].to_dict() == {"q1": "", "q2": "", "q3": ""} | silent
