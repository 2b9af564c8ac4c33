"""A person and a period put together: the cut-off, who holds what, and what is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kpi_kit.core.errors import InputError, SpecialistError
from kpi_kit.core.periods import Period
from kpi_kit.data.store import open_store
from kpi_kit.params import load as load_params
from kpi_kit.scorecard.context import prepare, share_rows
from tests.agency import build, case_of, cover, entry

LEAD = ["l1,a,2025-10-10T12:00"]
PLAN = ["n1,a,2026-03-01T12:00,true"]


def as_of(tmp_path: Path, period: str = "2025-10", **agency: Any) -> str:
    data, params = build(tmp_path, [entry("leads")], leads=LEAD, **agency)
    with case_of(data, params, period=period, as_of=None) as case:
        return case.as_of.isoformat()


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2026-01-01", "2025-11-08T00:00:00+03:00"),  # the end of P and 7 days
        ("2025-11-08", "2025-11-08T00:00:00+03:00"),
        ("2025-11-05", "2025-11-05T00:00:00+03:00"),  # not beyond the end of coverage
        ("2025-10-20", "2025-10-20T00:00:00+03:00"),
    ],
)
def test_default_cut_off(until: str, expected: str, tmp_path: Path) -> None:
    assert as_of(tmp_path, coverage=cover("leads", scopes="a", until=until)) == expected


@pytest.mark.parametrize(
    ("days", "expected"), [(0, "2025-11-01T00:00:00+03:00"), (1.5, "2025-11-02T12:00:00+03:00")]
)
def test_default_cut_off_takes_the_settling_days(days: float, expected: str, tmp_path: Path) -> None:
    assert as_of(tmp_path, department={"posts": {"settle_days": days}}) == expected


def test_a_plan_reaches_into_the_future_and_proves_nothing(tmp_path: Path) -> None:
    told = [*cover("leads", scopes="a", until="2025-11-03"), *cover("plan", scopes="a", until="2026-06-01")]
    assert as_of(tmp_path, plan=PLAN, coverage=told) == "2025-11-03T00:00:00+03:00"


def test_without_the_table_coverage_the_rows_tell(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads")], leads=[*LEAD, "l2,b,2025-11-02T12:00"], plan=PLAN)
    (data / "coverage.csv").unlink()
    with case_of(data, params, as_of=None) as case:
        assert case.as_of.isoformat() == "2025-11-03T00:00:00+03:00"


@pytest.mark.parametrize(
    ("given", "expected", "interim"),
    [
        ("2025-11-08", "2025-11-08T00:00:00+03:00", False),
        ("2025-11-01T00:00:00+03:00", "2025-11-01T00:00:00+03:00", False),
        ("2025-10-31T20:59:59Z", "2025-10-31T23:59:59+03:00", True),
        ("2025-10-15T12:00", "2025-10-15T12:00:00+03:00", True),
        ("2030-01-01", "2030-01-01T00:00:00+03:00", False),  # a given one is not cut
    ],
)
def test_given_cut_off(given: str, expected: str, interim: bool, tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads")], leads=LEAD)
    with case_of(data, params, as_of=given) as case:
        assert (case.as_of.isoformat(), case.interim) == (expected, interim)


def test_held_is_the_overlap_with_the_period(tmp_path: Path) -> None:
    person = {
        "accounts": [
            "a",
            {"account": "b", "since": "2025-10-16"},
            {"account": "c", "until": "2025-10-01"},
        ]
    }
    data, params = build(tmp_path, [entry("leads")], leads=LEAD, person=person)
    with case_of(data, params) as case:
        whole = (dt.date(2025, 10, 1), dt.date(2025, 11, 1))
        assert case.held == {"a": [whole], "b": [(dt.date(2025, 10, 16), dt.date(2025, 11, 1))]}
        owners = case.owners(case.person.kpis[0])
        assert case.wholly_held(owners, case.person.kpis[0]).tolist() == [True, False]


def test_two_assignments_that_meet_hold_an_account_wholly(tmp_path: Path) -> None:
    person = {"accounts": [{"account": "a", "until": "2025-10-10"}, {"account": "a", "since": "2025-10-10"}]}
    data, params = build(tmp_path, [entry("leads")], leads=LEAD, person=person)
    with case_of(data, params) as case:
        assert case.wholly_held(("a",), case.person.kpis[0]).tolist() == [True]


def test_deputies_get_the_days_of_the_absence_within_the_assignment(tmp_path: Path) -> None:
    bob = {
        "accounts": ["b", {"account": "c", "since": "2025-10-12"}],
        "kpis": [entry("leads")],
        "absences": [
            {"since": "2025-09-20", "until": "2025-10-03", "deputy": "ann"},
            {"since": "2025-10-10", "until": "2025-10-15", "deputy": "ann"},
            {"since": "2025-10-20", "until": "2025-10-25"},
        ],
    }
    data, params = build(tmp_path, [entry("leads")], leads=LEAD, colleagues={"bob": bob})
    with case_of(data, params) as case:
        october = dt.date(2025, 10, 1)
        first, second = (october, dt.date(2025, 10, 3)), (dt.date(2025, 10, 10), dt.date(2025, 10, 15))
        assert case.deputised == {"b": [first, second], "c": [(dt.date(2025, 10, 12), dt.date(2025, 10, 15))]}
        assert case.absent_days == 0
    with case_of(data, params, who="bob") as case:
        assert case.absent_days == 2 + 5 + 5
    with case_of(data, params, who="bob", as_of="2025-10-12T09:00") as case:
        assert case.absent_days == 2 + 2  # the days that were over


def test_buckets_reach_a_year_before_the_history(tmp_path: Path) -> None:
    data, params = build(
        tmp_path, [entry("leads")], leads=LEAD, department={"history": {"periods": 3, "weeks": 2}}
    )
    with case_of(data, params) as case:
        assert [str(period) for period in case.history] == ["2025-08", "2025-09", "2025-10"]
        assert (str(case.buckets[0]), str(case.buckets[-1]), len(case.buckets)) == ("2024-08", "2025-10", 15)
        assert [str(week) for week in case.weeks] == [
            "2025-W42",
            "2025-W43",
        ]  # the last that ended in October
    with case_of(data, params, as_of="2025-10-20T12:00") as case:
        assert [str(week) for week in case.weeks] == ["2025-W41", "2025-W42"]


def test_nothing_after_the_cut_off_is_seen(tmp_path: Path) -> None:
    rows = ["l1,a,2025-10-10T12:00,,2025-10-12T12:00,5,RUB,2025-10-14T12:00", "l2,a,2025-10-11T12:00"]
    audience = ["2025-10-10,a,5", "2025-10-11,a,6"]
    data, params = build(tmp_path, [entry("leads")], leads=rows, audience=audience)
    with case_of(data, params, as_of="2025-10-11T11:59") as case:
        lead = case.tables["leads"].iloc[0]
        assert len(case.tables["leads"]) == 1
        assert lead[["sold_at", "refunded_at"]].isna().all()
        assert case.tables["audience"]["date"].dt.day.tolist() == [10]  # the 11th is not over


def test_who_is_not_there(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads")], leads=LEAD, colleagues={"broken": "kpis: 5\n"})
    loaded = load_params(params)
    with open_store(data, "Europe/Moscow") as store:
        with pytest.raises(InputError, match=r"no such file.*ann"):
            prepare("anna", Period.parse("2025-10"), params=loaded, store=store)
        with pytest.raises(SpecialistError, match="kpis"):
            prepare("broken", Period.parse("2025-10"), params=loaded, store=store)


def test_scopes_that_hold_nothing(tmp_path: Path) -> None:
    data, params = build(
        tmp_path / "1", [entry("leads")], leads=LEAD, person={"accounts": ["a", "nobody", "aa"]}
    )
    with pytest.raises(SpecialistError) as caught, case_of(data, params):
        pass
    assert ["'nobody'" in text or "'aa'" in text for text in caught.value.problems] == [True, True]
    data, params = build(tmp_path / "2", [entry("leads", platforms=["dzen"])], leads=LEAD)
    with (
        pytest.raises(SpecialistError, match="none of the accounts is on dzen, found vk"),
        case_of(data, params),
    ):
        pass


def test_rows_read_for_several_people_are_those_read_for_each() -> None:
    params = load_params(Path("params"))
    with open_store(Path("data/sample"), params.department.timezone) as store:
        period = Period.parse("2025-10")
        alone, shared = (
            [prepare(person, period, params=params, store=store) for person in params.specialists]
            for _ in range(2)
        )
        share_rows(shared)
        for one, other in zip(alone, shared, strict=True):
            for name, rows in one.rows.items():
                pd.testing.assert_frame_equal(other.rows[name], rows)
    share_rows([])
