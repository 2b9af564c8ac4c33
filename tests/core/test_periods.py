"""Periods: bounds, neighbours and texts of all grains."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Grain, Period, midnight, parse_instant

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")

days = st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 29))
grains = st.sampled_from(Grain)
periods = st.builds(Period.containing, days, grains)

CASES = [
    # text, grain, start, end, days, previous, next, a year ago
    ("2025-10", Grain.MONTH, "2025-10-01", "2025-11-01", 31, "2025-09", "2025-11", "2024-10"),
    ("2025-01", Grain.MONTH, "2025-01-01", "2025-02-01", 31, "2024-12", "2025-02", "2024-01"),
    ("2025-12", Grain.MONTH, "2025-12-01", "2026-01-01", 31, "2025-11", "2026-01", "2024-12"),
    ("2025-02", Grain.MONTH, "2025-02-01", "2025-03-01", 28, "2025-01", "2025-03", "2024-02"),
    ("2024-02", Grain.MONTH, "2024-02-01", "2024-03-01", 29, "2024-01", "2024-03", "2023-02"),
    ("2000-02", Grain.MONTH, "2000-02-01", "2000-03-01", 29, "2000-01", "2000-03", "1999-02"),
    ("1900-02", Grain.MONTH, "1900-02-01", "1900-03-01", 28, "1900-01", "1900-03", "1899-02"),
    ("2025-Q1", Grain.QUARTER, "2025-01-01", "2025-04-01", 90, "2024-Q4", "2025-Q2", "2024-Q1"),
    ("2024-Q1", Grain.QUARTER, "2024-01-01", "2024-04-01", 91, "2023-Q4", "2024-Q2", "2023-Q1"),
    ("2025-Q2", Grain.QUARTER, "2025-04-01", "2025-07-01", 91, "2025-Q1", "2025-Q3", "2024-Q2"),
    ("2025-Q3", Grain.QUARTER, "2025-07-01", "2025-10-01", 92, "2025-Q2", "2025-Q4", "2024-Q3"),
    ("2025-Q4", Grain.QUARTER, "2025-10-01", "2026-01-01", 92, "2025-Q3", "2026-Q1", "2024-Q4"),
    ("2025-W41", Grain.WEEK, "2025-10-06", "2025-10-13", 7, "2025-W40", "2025-W42", "2024-W41"),
    ("2025-W01", Grain.WEEK, "2024-12-30", "2025-01-06", 7, "2024-W52", "2025-W02", "2024-W01"),
    ("2026-W01", Grain.WEEK, "2025-12-29", "2026-01-05", 7, "2025-W52", "2026-W02", "2025-W01"),
    ("2020-W53", Grain.WEEK, "2020-12-28", "2021-01-04", 7, "2020-W52", "2021-W01", "2019-W52"),
    ("2021-W01", Grain.WEEK, "2021-01-04", "2021-01-11", 7, "2020-W53", "2021-W02", "2020-W01"),
    ("2021-W52", Grain.WEEK, "2021-12-27", "2022-01-03", 7, "2021-W51", "2022-W01", "2020-W52"),
    ("2025", Grain.YEAR, "2025-01-01", "2026-01-01", 365, "2024", "2026", "2024"),
    ("2024", Grain.YEAR, "2024-01-01", "2025-01-01", 366, "2023", "2025", "2023"),
]


@pytest.mark.parametrize(
    ("text", "grain", "start", "end", "length", "previous", "following", "year_ago"), CASES
)
def test_period(text, grain, start, end, length, previous, following, year_ago):
    period = Period.parse(text)
    assert period == Period(dt.date.fromisoformat(start), grain)
    assert str(period) == text
    assert period.end == dt.date.fromisoformat(end)
    assert period.last_day == dt.date.fromisoformat(end) - dt.timedelta(days=1)
    assert period.days == length
    assert str(period.previous) == previous
    assert str(period.next) == following
    assert str(period.year_ago) == year_ago


def test_a_year_may_arrive_as_a_number():
    assert Period.parse(2025) == Period.parse("2025")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "25-10",
        "2025-1",
        "2025-010",
        "2025-10-01",
        "2025-10 ",
        " 2025-10",
        "2025-10\n",
        "2025/10",
        "2025-Q",
        "2025-Q0",
        "2025-Q5",
        "2025-q4",
        "2025-w41",
        "2025-W1",
        "2025W41",
        "202510",
        "October",
        "2025-",
        "-2025",
        None,
        2025.0,
        dt.date(2025, 10, 1),
    ],
)
def test_what_is_no_period_is_refused_with_what_is_allowed(text):
    with pytest.raises(InputError) as caught:
        Period.parse(text)
    (problem,) = caught.value.problems
    assert repr(str(text)) in problem
    for example in ("2025-10", "2025-Q4", "2025-W41", "2025"):
        assert example in problem


@pytest.mark.parametrize("text", ["2025-00", "2025-13", "2025-W00", "2025-W53", "2020-W54", "2025-W99"])
def test_a_period_that_does_not_exist_is_refused(text):
    with pytest.raises(InputError) as caught:
        Period.parse(text)
    (problem,) = caught.value.problems
    assert repr(text) in problem
    assert "no such period" in problem


@pytest.mark.parametrize("text", ["0000", "0000-01", "0001-01", "1899-Q4", "2200-W01", "9999", "9999-12"])
def test_a_year_beyond_the_calendars_is_refused(text):
    with pytest.raises(InputError) as caught:
        Period.parse(text)
    assert caught.value.problems == (
        f"period {text!r}: expected a year of 1900 to 2199, found {int(text[:4])}",
    )


@pytest.mark.parametrize("text", ["1900", "1900-W01", "2199", "2199-W52", "2199-12"])
def test_history_and_the_next_period_of_the_first_and_last_years_can_be_said(text):
    period = Period.parse(text)
    for _ in range(13):
        period = period.previous
    assert str(period.year_ago) < str(Period.parse(text))


@pytest.mark.parametrize(
    ("day", "names"),
    [
        ("2025-10-01", ["2025-W40", "2025-10", "2025-Q4", "2025"]),
        ("2025-12-31", ["2026-W01", "2025-12", "2025-Q4", "2025"]),
        ("2021-01-03", ["2020-W53", "2021-01", "2021-Q1", "2021"]),
        ("2024-02-29", ["2024-W09", "2024-02", "2024-Q1", "2024"]),
        ("2025-09-30", ["2025-W40", "2025-09", "2025-Q3", "2025"]),
    ],
)
def test_containing(day, names):
    assert [str(Period.containing(dt.date.fromisoformat(day), grain)) for grain in Grain] == names


@pytest.mark.parametrize(
    ("text", "count", "names"),
    [
        ("2025-10", 1, ["2025-10"]),
        ("2025-02", 3, ["2024-12", "2025-01", "2025-02"]),
        ("2021-W01", 2, ["2020-W53", "2021-W01"]),
        ("2025", 2, ["2024", "2025"]),
    ],
)
def test_history_is_oldest_first_and_ends_with_the_period(text, count, names):
    assert [str(period) for period in Period.parse(text).history(count)] == names


@pytest.mark.parametrize(
    ("text", "grain", "names"),
    [
        ("2025-10", Grain.MONTH, ["2025-10"]),
        ("2025-Q1", Grain.MONTH, ["2025-01", "2025-02", "2025-03"]),
        ("2025", Grain.QUARTER, ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]),
        ("2025-10", Grain.QUARTER, ["2025-Q4"]),
        ("2025-10", Grain.YEAR, ["2025"]),
        ("2025-10", Grain.WEEK, ["2025-W40", "2025-W41", "2025-W42", "2025-W43", "2025-W44"]),
        ("2025-W40", Grain.MONTH, ["2025-09", "2025-10"]),
    ],
)
def test_parts_cover_the_period(text, grain, names):
    assert [str(part) for part in Period.parse(text).parts(grain)] == names


def test_periods_sort_by_start():
    ordered = ["2024-12", "2025-01", "2025-02", "2025-10"]
    assert [str(p) for p in sorted(map(Period.parse, reversed(ordered)))] == ordered


# instants ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "start", "end", "hours"),
    [
        ("2025-10", MOSCOW, "2025-10-01T00:00:00+03:00", "2025-11-01T00:00:00+03:00", 31 * 24),
        ("2025-10", BERLIN, "2025-10-01T00:00:00+02:00", "2025-11-01T00:00:00+01:00", 31 * 24 + 1),
        ("2025-03", BERLIN, "2025-03-01T00:00:00+01:00", "2025-04-01T00:00:00+02:00", 31 * 24 - 1),
        ("2025-W13", BERLIN, "2025-03-24T00:00:00+01:00", "2025-03-31T00:00:00+02:00", 7 * 24 - 1),
        ("2025-11", NEW_YORK, "2025-11-01T00:00:00-04:00", "2025-12-01T00:00:00-05:00", 30 * 24 + 1),
        ("2014-10", MOSCOW, "2014-10-01T00:00:00+04:00", "2014-11-01T00:00:00+03:00", 31 * 24 + 1),
    ],
)
def test_bounds_are_local_midnights_also_across_clock_changes(text, zone, start, end, hours):
    first, last = Period.parse(text).bounds(zone)
    assert (first.isoformat(), last.isoformat()) == (start, end)
    assert last.astimezone(dt.UTC) - first.astimezone(dt.UTC) == dt.timedelta(hours=hours)


def test_midnight():
    assert (
        midnight(dt.date(2025, 1, 1), NEW_YORK).astimezone(dt.UTC).isoformat() == "2025-01-01T05:00:00+00:00"
    )


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-11-08", "2025-11-07T21:00:00+00:00"),
        ("2025-11-08T12:00", "2025-11-08T09:00:00+00:00"),
        ("2025-11-08 12:00:30", "2025-11-08T09:00:30+00:00"),
        ("2025-11-08T12:00Z", "2025-11-08T12:00:00+00:00"),
        ("2025-11-08T12:00:00+05:00", "2025-11-08T07:00:00+00:00"),
    ],
)
def test_parse_instant(text, instant):
    assert parse_instant(text, MOSCOW, "as_of") == dt.datetime.fromisoformat(instant)


@pytest.mark.parametrize("text", ["", "yesterday", "08.11.2025", "2025-02-30", "2025-11-08T25:00"])
def test_what_is_no_instant_is_refused_by_name(text):
    with pytest.raises(InputError) as caught:
        parse_instant(text, MOSCOW, "as_of")
    (problem,) = caught.value.problems
    assert problem.startswith(f"as_of {text!r}: expected")
    assert "2025-11-08" in problem


# what holds for every period ------------------------------------------------------------


@given(periods)
def test_text_and_back(period):
    assert Period.parse(str(period)) == period


@given(periods)
def test_neighbours_touch(period):
    assert period.previous.end == period.start
    assert period.next.start == period.end
    assert period.next.previous == period == period.previous.next


@given(days, grains)
def test_a_day_lies_in_its_period(day, grain):
    period = Period.containing(day, grain)
    assert period.start <= day < period.end
    assert period.start <= period.last_day < period.end
    assert period.grain is grain


@given(periods, grains)
def test_parts_tile(period, grain):
    parts = period.parts(grain)
    assert all(first.end == second.start for first, second in zip(parts, parts[1:], strict=False))
    assert parts[0].start <= period.start < parts[0].end
    assert parts[-1].start < period.end <= parts[-1].end
    # quarters are made of whole months, years of whole quarters and months; weeks fit nothing but themselves
    if list(Grain).index(grain) <= list(Grain).index(period.grain) and (
        grain is not Grain.WEEK or period.grain is grain
    ):
        assert sum(part.days for part in parts) == period.days


@given(periods)
def test_a_year_ago_lies_a_year_ago(period):
    ago = period.year_ago
    assert ago.grain is period.grain
    assert 358 <= (period.start - ago.start).days <= 371


@given(periods, st.integers(1, 30))
def test_history_is_unbroken(period, count):
    history = period.history(count)
    assert len(history) == count
    assert history[-1] == period
    assert all(first.next == second for first, second in zip(history, history[1:], strict=False))


@given(periods, st.sampled_from([MOSCOW, BERLIN, NEW_YORK, ZoneInfo("UTC")]))
def test_bounds_are_the_bounds_of_the_neighbours(period, zone):
    start, end = period.bounds(zone)
    assert start == period.previous.bounds(zone)[1]
    assert end == period.next.bounds(zone)[0]
    assert start < end
