"""Weeks in which all accounts of a platform moved together, against figures by hand."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from kpi_kit.core.periods import Period, midnight
from kpi_kit.data.store import open_store
from kpi_kit.params import load as load_params
from kpi_kit.scorecard.platform_shocks import MEASURES, _week_of, shocks
from tests.agency import build, cover, entry

ACCOUNTS = [
    "account_id,platform,title",
    *(f"v{n},vk,{n}" for n in range(4)),
    "t1,telegram,t",
    "t2,telegram,u",
]
NAMES = ("v0", "v1", "v2", "v3", "t1", "t2")
FIRST = dt.date(2025, 6, 2)
WEEKS = Period.parse("2025-W41").history(19)
"""From the week of 2 June to that of 6 October."""


def found(
    folder: Path, *, coverage: list[str] | None = None, as_of: str = "2025-11-08", **tables: Any
) -> Any:
    told = cover(*tables, scopes=NAMES) if coverage is None else coverage
    data, params = build(folder, [entry("leads")], accounts=ACCOUNTS, coverage=told, **tables)
    department = load_params(params).department
    with open_store(data, department.timezone) as store:
        moment = dt.datetime.fromisoformat(f"{as_of}T00:00:00+03:00")
        return shocks(store, department, WEEKS, moment)


def monday(week: int) -> dt.date:
    return FIRST + dt.timedelta(weeks=week)


def visits(last: dict[str, int]) -> list[str]:
    """Visits of four accounts: about 100 a week in a ripple of their own, and something else at the end."""
    lines = []
    for number, name in enumerate(NAMES[:4]):
        for week in range(19):
            figure = last.get(name, 100) if week == 18 else 100 + (week * (3 + number)) % 7
            lines.append(f"{monday(week)},{name},{figure}")
    return lines


def week_of(table: Any, platform: str, measure: str, week: str = "2025-W41") -> Any:
    return next(each for each in table[platform][measure]["weeks"] if each["week"] == week)


def test_a_fall_of_all_is_common(tmp_path: Path) -> None:
    table = found(tmp_path, traffic=visits({"v0": 50, "v1": 40, "v2": 45, "v3": 55}))
    last = week_of(table, "vk", "visits")
    assert (last["common"], last["accounts"], last["same_way"]) == ("fell", 4, 1.0)
    # 17·3 % 7 = 2, 17·4 % 7 = 5, 17·5 % 7 = 1, 17·6 % 7 = 4: from 102, 105, 101 and 104
    ratios = sorted([50.5 / 102.5, 40.5 / 105.5, 45.5 / 101.5, 55.5 / 104.5])
    assert last["median"] == pytest.approx((ratios[1] * ratios[2]) ** 0.5 - 1), "of logarithms"
    assert "telegram" not in table, "two accounts are not enough"


def test_the_fall_of_one_is_its_own(tmp_path: Path) -> None:
    table = found(tmp_path, traffic=visits({"v0": 5}))
    assert week_of(table, "vk", "visits")["common"] == "quiet"


def test_halving_is_as_far_as_doubling(tmp_path: Path) -> None:
    up = found(tmp_path / "up", traffic=visits(dict.fromkeys(NAMES, 205)))
    assert week_of(up, "vk", "visits")["common"] == "rose"


def test_nothing_in_covered_weeks_is_zero_and_uncovered_weeks_are_unknown(tmp_path: Path) -> None:
    lines = [f"l{name}{week},{name},{monday(week)}T12:00" for name in NAMES for week in range(17)]
    weeks = found(tmp_path / "1", leads=lines)["vk"]["leads"]["weeks"]
    assert weeks[-2]["median"] == pytest.approx(0.5 / 1.5 - 1), "W40 fell to nothing"
    assert weeks[-1]["accounts"] == 0, "from nothing no change follows"
    told = cover("leads", scopes=NAMES, until="2025-09-30")  # on Tuesday of W40
    weeks = found(tmp_path / "2", coverage=told, leads=lines)["vk"]["leads"]["weeks"]
    assert (weeks[-2]["accounts"], weeks[-3]["accounts"]) == (0, 4)


def test_young_and_deleted_posts_do_not_count(tmp_path: Path) -> None:
    """Views a post: 100 everywhere; those of W41 were read after a day, and a deleted post had 9 000."""
    read_on = {week: monday(week) + dt.timedelta(days=1 if week == 18 else 9) for week in range(19)}
    lines = [
        f"p{name}{week},{name},{monday(week)}T12:00,100,1,0,0,,{read_on[week]}T12:00"
        for name in NAMES
        for week in range(19)
    ]
    lines.append(f"gone,v0,{monday(5)}T15:00,9000,1,0,0,,{monday(15)}T12:00,2025-10-01T00:00")
    weeks = found(tmp_path, posts=lines)["vk"]["views"]["weeks"]
    assert [week["accounts"] for week in weeks] == [4] * 17 + [0]
    assert {week["median"] for week in weeks[:-1]} == {0.0}


def test_only_what_is_known_at_the_cut_off(tmp_path: Path) -> None:
    table = found(tmp_path, as_of="2025-10-08", traffic=visits(dict.fromkeys(NAMES, 10)))
    assert week_of(table, "vk", "visits")["accounts"] == 0, "W41 is not over"


def test_no_rows_no_platforms(tmp_path: Path) -> None:
    assert found(tmp_path, leads=[]) == {}


def test_kpis_name_measures_that_there_are() -> None:
    from kpi_kit.kpis import CATALOGUE

    named = {kpi.shock for kpi in CATALOGUE.values()} - {None}
    assert named == set(MEASURES)


# --- many rows


def in_parquet(folder: Path, data: Path, *, twice: bool = False) -> Path:
    """The same tables, those with a clock in Parquet; each row twice, where it is asked for."""
    folder.mkdir()
    with duckdb.connect() as connection, open_store(data, "Europe/Moscow") as store:
        connection.execute("SET TimeZone = 'Europe/Moscow'")
        for name, source in store.sources.items():
            if name in ("accounts", "coverage"):
                shutil.copy(source.files[0], folder)
                continue
            rows = source.typed() + (f" UNION ALL {source.typed()}" if twice else "")
            (folder / name).mkdir()
            connection.execute(f"COPY ({rows}) TO '{folder / name}/part.parquet' (FORMAT parquet)")
    return folder


@pytest.mark.parametrize("twice", [False, True])
def test_many_rows_give_what_few_rows_give(tmp_path: Path, monkeypatch: Any, twice: bool) -> None:
    lines = [
        f"l{name}{week}-{n},{name},{monday(week)}T0{n}:30"
        for name in NAMES
        for week in range(19)
        for n in range(9)
    ]
    data, params = build(
        tmp_path / "csv",
        [entry("leads")],
        accounts=ACCOUNTS,
        coverage=cover("leads", scopes=NAMES),
        leads=lines[:-50],
    )
    department, seen = load_params(params).department, []
    for place in (data, in_parquet(tmp_path / "parquet", data, twice=twice)):
        with open_store(place, department.timezone) as store:
            seen.append(
                shocks(store, department, WEEKS, dt.datetime.fromisoformat("2025-11-08T00:00:00+03:00"))
            )
        monkeypatch.setattr("kpi_kit.scorecard.platform_shocks._MANY", 0)
    assert seen[0] == seen[1]
    assert week_of(seen[0], "vk", "leads")["accounts"] == 4


@pytest.mark.parametrize("zone", ["Europe/Moscow", "Europe/Berlin", "America/New_York"])
def test_an_instant_is_in_the_week_of_its_local_day(zone: str) -> None:
    """Every hour of a year, in which clocks are changed twice, beside what Python's calendar says."""
    weeks = Period.parse("2025-W52").history(52)
    starts = [midnight(day, ZoneInfo(zone)) for day in (*(week.start for week in weeks), weeks[-1].end)]
    first = starts[0].astimezone(dt.UTC)
    hours = [first + dt.timedelta(hours=n) for n in range(52 * 7 * 24)]
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT {_week_of('made', starts)} FROM (SELECT unnest(?::TIMESTAMPTZ[]) AS made)",
            [[hour.isoformat() for hour in hours]],
        ).fetchall()
    local = [hour.astimezone(ZoneInfo(zone)).date() for hour in hours]
    assert [week for (week,) in rows] == [(day - weeks[0].start).days // 7 for day in local]
