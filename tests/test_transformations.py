"""Changes of the data whose effect on the whole scorecard is known, on random agencies.

Spelling instants in other time zones, importing rows twice, and more that changes nothing at all, are in
``tests/test_invariants.py``.
"""

from __future__ import annotations

import copy
import functools
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.core.schema import TABLES
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard.build import score
from tests.random_agency import write_agency
from tests.test_invariants import IDS, Change, People, Tables, read, read_people, write

Card = dict[str, Any]
SEEDS = (0,)

TARGET, FACTOR = 0.4, 3
SCALES = {"views": FACTOR, "view_rate": FACTOR, "engagement_rate": 1 / FACTOR}
"""What becomes of a KPI when all views are three times as many; the others are what they were."""
GROWS = {"views": "numerator", "view_rate": "numerator", "engagement_rate": "denominator"}
"""Which side of the fraction grows."""
IN_UNITS = set(
    "value current previous estimate low high raw slope start middle end base target centre "
    "chance_band".split()
)
"""The figures of an entry that are in its unit; all others stay what they are when the unit changes."""

LOOSE = ("chance", "chance_band", "robustness", "audit", "accounts")
"""Other definitions have other units; each account's figures are those of the tests of accounts."""
LISTED = ("accounts", "notes", "shocks")
"""Where accounts are named one by one."""


def more_views(tables: Tables, people: People, chance: random.Random) -> None:
    """Three times the views, in posts and in their snapshots, and targets to match."""
    for row in (*tables["posts"], *tables["post_stats"]):
        if row.get("views"):
            row["views"] = str(FACTOR * int(row["views"]))
    for asked in people["ann"]["kpis"]:
        asked["target"] = {"at_least": TARGET * SCALES.get(asked["kpi"], 1)}


def an_earlier_year(tables: Tables, people: People, chance: random.Random) -> None:
    """Rows of two years before, which no side of a comparison reaches, and their coverage."""
    for name, rows in tables.items():
        clock = TABLES[name].clock
        if clock is None or name in ("coverage", "plan", "post_stats", "audience"):
            continue
        key = next((column for column in TABLES[name].key if column in IDS - {"account_id"}), "")
        for row in chance.sample(rows, min(30, len(rows))):
            unsold = dict.fromkeys(set(row) & {"sold_at", "sale_amount", "refunded_at"}, "")
            moved = {**row, **unsold, clock: row[clock].replace("2024-", "2019-").replace("2025-", "2019-")}
            if "-02-29" not in moved[clock] and moved[clock].startswith("2019-") and name != "brand_queries":
                rows.append({**moved, **({key: f"old-{row[key]}"} if key in IDS else {})})


def only_events(tables: Tables, people: People, chance: random.Random) -> None:
    """Only KPIs that are about events, and all days covered: of gaps, two accounts have more than one."""
    people["ann"]["kpis"] = [asked for asked in people["ann"]["kpis"] if asked["kpi"] in MERGED]
    days = {"since": "2020-01-01", "until": "2025-06-01"}
    tables["coverage"] = [
        {"table": name, "scope": scope, **days}
        for name, table in TABLES.items()
        if table.scope and name in tables and name not in ("accounts", "coverage")
        for scope in sorted(
            {row[table.scope] for row in tables["accounts" if table.scope == "account_id" else name]}
        )
    ]


def twin_accounts(tables: Tables, people: People, chance: random.Random) -> None:
    """Two accounts in place of one: its comments, inquiries, leads and visits are shared out."""
    tables["accounts"].append(
        {**next(r for r in tables["accounts"] if r["account_id"] == "vk1"), "account_id": "vk1b"}
    )
    only_events(tables, people, chance)
    for name in ("comments", "inquiries", "leads", "traffic"):
        for row in tables[name]:
            if row["account_id"] == "vk1" and chance.random() < 0.5:
                row["account_id"] = "vk1b"
    for person in people.values():
        held = [each for each in person["accounts"] if each == "vk1" or each == {"account": "vk1"}]
        held += [
            e for e in person["accounts"] if isinstance(e, dict) and e["account"] == "vk1" and len(e) > 1
        ]
        person["accounts"] += [{**e, "account": "vk1b"} if isinstance(e, dict) else "vk1b" for e in held]


MERGED = (
    "leads",
    "qualified_leads",
    "sales",
    "sales_amount",
    "social_visits",
    "meaningful_comments",
    "response_rate",
)


@functools.cache
def agency(seed: int) -> tuple[Tables, People, str, str, str | None]:
    """The tables and people of a random agency, with every KPI for Ann; department, period and cut-off."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        period, as_of = write_agency(folder, seed)
        people = read_people(folder)
        people["ann"]["kpis"] = [
            {"kpi": kpi, "target": {"at_least": TARGET}, "weight": 1} for kpi in CATALOGUE
        ]
        department = (folder / "params" / "department.yml").read_text(encoding="utf-8")
        return read(folder), people, department, period, as_of or "2025-04-20"


def measured(seed: int, folder: Path, change: Change | None = None) -> Card:
    """Ann's scorecard, statistics and all, after a change of the data."""
    tables, people, department, period, as_of = agency(seed)
    tables, people = copy.deepcopy(tables), copy.deepcopy(people)
    if change is not None:
        change(tables, people, random.Random(seed))
    write(folder, tables, people)
    (folder / "params" / "department.yml").write_text(department, encoding="utf-8")
    card = score("ann", period, data=folder / "data", params=folder / "params", as_of=as_of)
    return {name: part for name, part in card.items() if name != "provenance"}


@pytest.fixture(scope="module", params=SEEDS)
def before(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Card]:
    return request.param, measured(request.param, tmp_path_factory.mktemp("before"))


def in_other_units(part: Any, factor: float, key: str = "", tolerance: float = 1e-6) -> Any:
    """What is to be found where an entry's unit is so many times as small."""
    if isinstance(part, dict):
        return {name: in_other_units(each, factor, name, tolerance) for name, each in part.items()}
    if isinstance(part, list):
        return [in_other_units(each, factor, key, tolerance) for each in part]
    if isinstance(part, bool) or not isinstance(part, int | float):
        return part
    scaled = part * (factor if key in IN_UNITS else 1)
    return pytest.approx(scaled, rel=tolerance, abs=1e-12)


def unnamed(part: Any) -> Any:
    """A record without what names the accounts whose data are missing."""
    if isinstance(part, dict):
        return {name: unnamed(inner) for name, inner in part.items() if name != "missing"}
    return [unnamed(inner) for inner in part] if isinstance(part, list) else part


def test_three_times_the_views_are_three_times_the_views_and_nothing_else(
    before: tuple[int, Card], tmp_path: Path
) -> None:
    seed, was = before
    now = measured(seed, tmp_path, more_views)
    for name in ("total", "attained", "assessable", "bonus", "as_of", "interim", "preliminary", "notes"):
        assert now[name] == in_other_units(was[name], 1), name
    seen = set()
    for old, new in zip(was["kpis"], now["kpis"], strict=True):
        kpi, factor = old["kpi"], SCALES.get(old["kpi"], 1)
        wanted = in_other_units({name: part for name, part in old.items() if name not in LOOSE}, factor)
        if kpi in GROWS and old[GROWS[kpi]] is not None:
            wanted[GROWS[kpi]] = pytest.approx(old[GROWS[kpi]] * FACTOR)
            seen.add(kpi)
        assert {name: part for name, part in new.items() if name in wanted} == wanted, kpi
        if old["chance"] is not None:  # views are whole: a simulated third of one is rounded otherwise
            assert new["chance"] == pytest.approx(old["chance"], abs=0.02), kpi
    assert seen


def test_rows_of_years_that_no_comparison_reaches_change_nothing(
    before: tuple[int, Card], tmp_path: Path
) -> None:
    assert measured(before[0], tmp_path, an_earlier_year) == before[1]


def test_one_account_may_as_well_be_two(before: tuple[int, Card], tmp_path: Path) -> None:
    """They are told apart only where they are listed."""
    was = measured(before[0], tmp_path / "one", only_events)
    now = measured(before[0], tmp_path / "two", twin_accounts)
    for name in ("total", "attained", "assessable", "bonus"):
        assert now[name] == in_other_units(was[name], 1), name
    for old, new in zip(was["kpis"], now["kpis"], strict=True):
        wanted = in_other_units({name: part for name, part in old.items() if name not in LISTED}, 1)
        assert unnamed({name: part for name, part in new.items() if name in wanted}) == unnamed(wanted), old[
            "kpi"
        ]
    assert was["assessable"] >= len(MERGED) - 1


def test_a_change_with_another_effect_is_seen(before: tuple[int, Card], tmp_path: Path) -> None:
    def fewer(tables: Tables, people: People, chance: random.Random) -> None:
        del tables["leads"][::2]

    assert measured(before[0], tmp_path, fewer) != before[1]
