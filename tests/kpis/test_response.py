"""Group 11: inquiries to values worked out by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.engine.business_clock import WorkingTime, business_clock
from kpi_kit.kpis.engine.closing import is_closing
from kpi_kit.kpis.engine.survival import kaplan_meier_median
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


WEEK = WorkingTime(((10, 19),) * 5 + (None, None), "RU")


# 10–19, Monday to Friday. 2025-10-10 is a Friday. Tuesday 4 November 2025 is Unity Day; Monday the 3rd was
# a day off, moved there from Saturday the 1st, which was a working day.
@pytest.mark.parametrize(
    ("received", "answered", "hours"),
    [
        ("2025-10-10T12:00", "2025-10-10T15:30", 3.5),
        ("2025-10-10T18:00", "2025-10-13T11:00", 1 + 1),  # over a weekend
        ("2025-10-10T08:00", "2025-10-10T10:00", 0),  # before opening
        ("2025-10-10T20:00", "2025-10-12T20:00", 0),  # after closing on Friday, on Sunday
        ("2025-10-13T00:00", "2025-10-14T00:00", 9),
        ("2025-10-31T18:00", "2025-11-05T11:00", 1 + 9 + 1),  # a working Saturday, then Unity Day
        ("2025-11-01T18:00", "2025-11-05T10:30", 1 + 0.5),
        (
            "2025-12-30T18:00",
            "2026-01-09T12:00",
            1,
        ),  # New Year holidays; the 31st and the 9th were moved days off
        ("2025-06-11T18:30", "2025-06-16T10:30", 0.5 + 0.5),  # Russia Day on Thursday, then a moved Friday
    ],
)
def test_business_hours(received: str, answered: str, hours: float) -> None:
    clock = business_clock(WEEK, "Europe/Moscow", dt.date(2025, 1, 1), dt.date(2026, 2, 1))
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
    clock = business_clock(WEEK, "Europe/Moscow", dt.date(2024, 1, 1), dt.date(2026, 2, 1))
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


# clock changes ----------------------------------------------------------------------------------------------


def brute(zone: str, hours: tuple[int, int], begin: dt.datetime, end: dt.datetime) -> float:
    """Working hours minute by minute: those whose local hour is within the hours."""
    minutes = pd.date_range(begin, end, freq="min", inclusive="left").tz_convert(zone)
    return float(((minutes.hour >= hours[0]) & (minutes.hour < hours[1])).sum()) / 60


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Almaty", "2024-02-29"),  # its last hour comes twice
        ("Africa/Cairo", "2025-04-25"),  # has no midnight
        ("Africa/Cairo", "2025-10-30"),
        ("America/Havana", "2024-11-03"),  # midnight comes twice
        ("America/Sao_Paulo", "2018-11-04"),
        ("Pacific/Apia", "2011-12-30"),  # a day that does not exist
        ("Europe/Berlin", "2025-10-26"),
        ("Europe/Berlin", "2025-03-30"),
        ("Australia/Lord_Howe", "2025-04-06"),  # half an hour
        ("Antarctica/Troll", "2025-10-26"),  # two hours
    ],
)
@pytest.mark.parametrize("hours", [(0, 24), (9, 23), (10, 19), (0, 1), (1, 2), (23, 24)])
def test_hours_of_a_clock_change_count_as_they_pass(zone: str, day: str, hours: tuple[int, int]) -> None:
    first = dt.date.fromisoformat(day)
    week = WorkingTime((hours,) * 7, "RU", {first + dt.timedelta(days=n): hours for n in range(-5, 6)})
    clock = business_clock(week, zone, first - dt.timedelta(days=5), first + dt.timedelta(days=5))
    noon = dt.datetime.combine(first, dt.time(12), tzinfo=dt.UTC)
    for before, after in ((36, 36), (13, 1), (0, 25), (30, 7)):
        begin, end = noon - dt.timedelta(hours=before), noon + dt.timedelta(hours=after)
        measured = clock(*(pd.Series([pd.Timestamp(moment)]) for moment in (begin, end)))[0]
        assert measured == pytest.approx(brute(zone, hours, begin, end), abs=1e-9)


@given(
    zone=st.sampled_from(["Asia/Almaty", "Africa/Cairo", "America/Havana", "Europe/Moscow", "Asia/Kolkata"]),
    start=st.integers(0, 400 * 24 * 60),
    length=st.integers(0, 20 * 24 * 60),
    opens=st.integers(0, 23),
    more=st.integers(1, 24),
)
@settings(max_examples=40, deadline=None)
def test_working_hours_are_those_of_the_local_clock(
    zone: str, start: int, length: int, opens: int, more: int
) -> None:
    hours = opens, min(24, opens + more)
    first = dt.date(2024, 1, 1)
    every = {first + dt.timedelta(days=n): hours for n in range(-10, 460)}
    clock = business_clock(
        WorkingTime((None,) * 7, "RU", every), zone, first - dt.timedelta(days=5), dt.date(2025, 4, 1)
    )
    begin = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=start)
    end = begin + dt.timedelta(minutes=length)
    measured = clock(*(pd.Series([pd.Timestamp(moment)]) for moment in (begin, end)))[0]
    assert measured == pytest.approx(brute(zone, hours, begin, end), abs=1e-9)


@given(
    zone=st.sampled_from(
        ["Asia/Almaty", "Africa/Cairo", "Africa/Casablanca", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
    ),
    first=st.dates(dt.date(1905, 1, 1), dt.date(2190, 1, 1)),
    days=st.integers(-40, 400),
    works=st.booleans(),
    instants=st.lists(st.tuples(st.integers(-500, 500), st.integers(0, 60 * 48)), max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_a_clock_runs_over_any_range_of_days(
    zone: str, first: dt.date, days: int, works: bool, instants: list[tuple[int, int]]
) -> None:
    """Also over one without a day or a working hour; it never runs backward."""
    hours = (8, 20) if works else None
    span = first, first + dt.timedelta(days=days)
    clock = business_clock(WorkingTime((hours,) * 7, "RU"), zone, *span)
    noon = pd.Timestamp(first, tz="UTC") + pd.Timedelta(hours=12)
    begun = pd.Series([noon + pd.Timedelta(hours=n) for n, _ in instants], dtype="datetime64[us, UTC]")
    ended = begun + pd.Series([pd.Timedelta(minutes=n) for _, n in instants], dtype="timedelta64[us]")
    measured = clock(begun, ended)
    passed = (ended - begun).dt.total_seconds().to_numpy() / 3600
    assert len(measured) == len(instants)
    assert ((measured >= 0) & (measured <= passed + 1e-9)).all()
    if not works or days < 0:
        assert not measured.any()
    assert not clock(begun, begun).any()


@pytest.mark.parametrize("rows", [EMPTY, ["q1,a,message,2026-01-14T12:00,2026-01-14T15:00"]])
@pytest.mark.parametrize("kpi", ["response_rate", "median_response_time"])
def test_a_period_long_after_the_cut_off_stops_no_clock(kpi: str, rows: list[str], tmp_path: Path) -> None:
    """There is nothing to count, in business hours as by day and night."""
    measured = [
        measure(
            tmp_path / calendar,
            kpi,
            inquiries=rows,
            period="2025-12",
            as_of="2025-10-24T18:00",
            department={"response": {"calendar": calendar}},
        )
        for calendar in ("business", "always")
    ]
    assert measured[0] == measured[1]
    assert (measured[0].value, codes(measured[0].notes)) == (None, ["period_not_begun"])


def test_hours_by_weekday_and_by_date(tmp_path: Path) -> None:
    house: dict[str, Any] = {
        "response": {
            "calendar": "business",
            "hours": {"mon-fri": [10, 19], "sat": [11, 16]},
            "days": {"2025-10-13": "off", "2025-10-12": [12, 14]},
        }
    }
    row = "q,a,message,2025-10-10T18:00,2025-10-14T11:00"  # 1 on Friday, 5, 2, nothing on Monday, 1
    measured = measure(tmp_path, "median_response_time", inquiries=[row], department=house)
    assert measured.value == pytest.approx(1 + 5 + 2 + 0 + 1)


# inquiries from messages ------------------------------------------------------------------------------------


def talk(*messages: str) -> list[str]:
    """Messages of a dialog: ``"time who text-flags"``; who is b for the brand, else the author."""
    rows = []
    for number, message in enumerate(messages, 1):
        at, who, *flags = message.split()
        marks = dict(flag.split("=") for flag in flags)
        author = "" if who in ("b", "c") else who
        rows.append(
            f"a,d,{marks.get('id', number)},message,2025-10-{at},{'true' if who == 'b' else 'false'},"
            f"{marks.get('author', author)},{marks.get('to', '')},{marks.get('auto', '')},"
            f"{marks.get('end', '')}"
        )
    return rows


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["10T10:00 c", "10T12:00 b author=x"], [2]),
        (["10T10:00 c", "10T11:00 c", "10T12:00 b author=x"], [2]),  # one inquiry of two messages
        (["10T10:00 c", "10T12:00 b author=x", "10T12:30 c", "10T13:30 b author=x"], [2, 1]),
        (["10T10:00 c", "10T10:00:03 b", "10T12:00 b author=x"], [2]),  # within 5 seconds, no author
        (["10T10:00 c", "10T10:00:03 b author=x"], [3 / 3600]),  # a person was fast
        (["10T10:00 c", "10T10:00:06 b"], [6 / 3600]),
        (["10T10:00 c", "10T10:00:03 b auto=false"], [3 / 3600]),  # the platform says so
        (["10T10:00 c", "10T11:00 b author=x auto=true", "10T12:00 b author=x"], [2]),
        (["10T10:00 c", "10T12:00 b author=x", "10T12:30 c end=true"], [2]),  # thanks ask nothing
        (["10T10:00 c end=true"], []),
        (["10T10:00 c", "13T10:00 c", "13T12:00 b author=x"], [74]),  # exactly 72 hours: the same one
        (["10T10:00 c", "13T10:01 c", "13T12:01 b author=x"], [74 + 1 / 60, 2]),
        (["10T10:00 c", "12T10:00 c", "14T10:00 c", "14T12:00 b author=x"], [98]),
        (["10T10:00 ann", "10T11:00 bob", "10T12:00 b author=x"], [2, 1]),  # two people, one answer to both
        # ann's two inquiries, one answer to the second; bob's stays open
        (
            ["10T10:00 ann", "13T11:00 ann id=7", "13T11:30 bob", "13T12:00 b author=x to=7"],
            [74, 1, float("nan")],
        ),
        (["10T10:00 ann id=7", "10T11:00 bob", "10T12:00 b author=x to=7", "10T13:00 b author=x"], [2, 2]),
    ],
)
def test_inquiries_of_conversations(messages: list[str], expected: list[float], tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("response_rate")], messages=talk(*messages))
    with case_of(data, params) as case:
        rows = case.tables["inquiries"].sort_values("received_at")
    hours = (rows["answered_at"] - rows["received_at"]).dt.total_seconds() / 3600
    assert hours.tolist() == pytest.approx(expected, nan_ok=True)


def test_rows_of_inquiries_stand_beside_messages_on_other_days(tmp_path: Path) -> None:
    rows = [
        "q1,a,message,2025-10-05T10:00,2025-10-05T11:00",  # before the messages
        "q2,a,message,2025-10-10T10:00,2025-10-10T20:00",  # the conversation says more
        "q3,a,comment,2025-10-10T10:00,2025-10-10T11:00",  # of another kind
    ]
    coverage = ["inquiries,a,2025-10-01,2025-10-08", "messages,a,2025-10-08,2025-11-01"]
    measured = measure(
        tmp_path,
        "response_rate",
        inquiries=rows,
        messages=talk("10T10:00 c", "10T12:00 b author=x"),
        coverage=coverage,
    )
    assert (measured.numerator, measured.coverage) == (3, 1)


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("Спасибо!", True),
        ("хорошо, спасибо 🙏", True),
        ("Ок", True),
        ("👍", True),
        ("Спасибо, а до скольки вы работаете?", False),
        ("Понятно?", False),
        ("Понял, тогда приеду завтра", False),
        ("Thanks a lot, bye", True),
    ],
)
def test_closing_messages(text: str, closing: bool) -> None:
    assert is_closing(text) is closing
