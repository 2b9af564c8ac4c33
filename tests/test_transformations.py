"""Changes of the data whose effect on the whole scorecard is known, on random agencies."""

from __future__ import annotations

import copy
import functools
import random
import tempfile
from pathlib import Path

import pytest

from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard import score
from kpi_kit.tables import TABLES
from tests.random_agency import write_agency
from tests.test_invariants import IDS, Change, People, Tables, read, read_people, write
from tests.test_oracle_agreement import without_verdicts

Facts = dict[str, float | None]
SEEDS = (0,)

FACTOR = 3
SCALES = {"views": FACTOR, "view_rate": FACTOR, "engagement_rate": 1 / FACTOR}
"""What becomes of a KPI when all views are three times as many; the others are what they were."""


def more_views(tables: Tables, people: People, chance: random.Random) -> None:
    """Three times the views, in posts and in their snapshots."""
    for row in (*tables["posts"], *tables["post_stats"]):
        if row.get("views"):
            row["views"] = str(FACTOR * int(row["views"]))


def an_earlier_year(tables: Tables, people: People, chance: random.Random) -> None:
    """Rows of two years before, which no side of a comparison reaches, and their coverage."""
    for name, rows in tables.items():
        clock = TABLES[name].clock
        if clock is None or name in ("coverage", "plan", "post_stats", "audience"):
            continue
        key = TABLES[name].key[0]
        for row in chance.sample(rows, min(30, len(rows))):
            unsold = dict.fromkeys(set(row) & {"sold_at", "sale_amount", "refunded_at"}, "")
            moved = {**row, **unsold, clock: row[clock].replace("2024-", "2019-").replace("2025-", "2019-")}
            if "-02-29" not in moved[clock] and moved[clock].startswith("2019-") and name != "brand_queries":
                rows.append({**moved, **({key: f"old-{row[key]}"} if key in IDS else {})})


def twin_accounts(tables: Tables, people: People, chance: random.Random) -> None:
    """Two accounts in place of one: its posts, comments, inquiries and leads are shared out."""
    tables["accounts"].append(
        {**next(r for r in tables["accounts"] if r["account_id"] == "vk1"), "account_id": "vk1b"}
    )
    for name in ("comments", "inquiries", "leads", "traffic"):
        for row in tables[name]:
            if row["account_id"] == "vk1" and chance.random() < 0.5:
                row["account_id"] = "vk1b"
    for row in list(tables.get("coverage", ())):
        if row["scope"] == "vk1":
            tables["coverage"].append({**row, "scope": "vk1b"})
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


def facts(folder: Path, period: str, as_of: str | None) -> Facts:
    card = score("ann", period, data=folder / "data", params=folder / "params", as_of=as_of)
    return {row["kpi"]: row["value"] for row in card["kpis"]}


@functools.cache
def agency(seed: int) -> tuple[Tables, People, str, str, str | None]:
    """The tables and people of a random agency, with every KPI for Ann; department, period and cut-off."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        period, as_of = write_agency(folder, seed)
        people = read_people(folder)
        people["ann"]["kpis"] = [{"kpi": kpi, "target": {"at_least": 0.4}, "weight": 1} for kpi in CATALOGUE]
        department = (folder / "params" / "department.yml").read_text(encoding="utf-8")
        return read(folder), people, department, period, as_of or "2025-04-20"


def measured(seed: int, folder: Path, change: Change | None = None) -> Facts:
    """Ann's facts, after a change of the data."""
    tables, people, department, period, as_of = agency(seed)
    tables, people = copy.deepcopy(tables), copy.deepcopy(people)
    if change is not None:
        change(tables, people, random.Random(seed))
    write(folder, tables, people)
    (folder / "params" / "department.yml").write_text(department, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        without_verdicts(patch)
        return facts(folder, period, as_of)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_effect_of_a_change_on_every_fact_is_the_known_one(seed: int, tmp_path: Path) -> None:
    before = measured(seed, tmp_path / "before")
    scaled = measured(seed, tmp_path / "scaled", more_views)
    for kpi, value in before.items():
        wanted = None if value is None else pytest.approx(value * SCALES.get(kpi, 1), rel=1e-9)
        assert scaled[kpi] == wanted, kpi
    assert measured(seed, tmp_path / "longer", an_earlier_year) == before
    shared = measured(seed, tmp_path / "shared", twin_accounts)
    known = [kpi for kpi in MERGED if before[kpi] is not None and shared[kpi] is not None]
    assert known
    assert [shared[kpi] for kpi in known] == [pytest.approx(before[kpi], rel=1e-9) for kpi in known]


def test_a_change_with_another_effect_is_seen(tmp_path: Path) -> None:
    def fewer(tables: Tables, people: People, chance: random.Random) -> None:
        del tables["leads"][::2]

    assert measured(0, tmp_path / "a", fewer) != measured(0, tmp_path / "b")
