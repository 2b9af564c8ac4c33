"""What names the inputs of a scorecard: every change of content is named, and nothing else is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge import Import, Origin, add
from kpi_kit.data.store import look
from kpi_kit.params import comment_file
from kpi_kit.params import load as load_params
from kpi_kit.scorecard import provenance
from kpi_kit.scorecard.provenance import Cause, differences
from tests.agency import build, case_of, entry

TABLES_OF_ANN = {
    "audience": ["2025-09-30,a,100,5,1", "2025-10-01,a,104,5,1", "2025-10-02,a,108,5,1"],
    "posts": [
        "p1,a,2025-10-03T12:00,50,4,1,0,true,2025-10-20,",
        "p2,a,2025-10-04T12:00,60,5,1,0,true,2025-10-20,",
    ],
    "post_stats": ["a,p1,2025-10-10T12:00,40,3,1,0"],
    "comments": ["c1,p1,a,2025-10-03T13:00,false,спасибо большое всем,true"],
    "inquiries": ["i1,a,comment,2025-10-05T10:00,2025-10-05T11:00"],
    "leads": ["l1,a,2025-10-06T10:00,true,2025-10-09T10:00,500,RUB,", "l2,a,2025-10-07T10:00,false,,,,"],
    "traffic": ["2025-10-01,a,30", "2025-10-02,a,31"],
    "brand_queries": ["2025-10-01,2025-11-01,X,кофе,300"],
    "mentions": ["m1,X,2025-10-08T10:00,vk,neutral,false"],
    "plan": ["n1,a,2025-10-03T12:00,true,p1,,"],
    "post_increments": ["a,p1,2025-10-05,2025-10-08,7,1,0,0"],
    "messages": ["a,d1,g1,message,2025-10-05T10:00,false,u7,,,"],
    "totals": ["a,visits,2025-10-01,2025-11-01,900"],
    "spend": ["2025-10-02,a,1500,RUB"],
}
KPIS = [entry("leads", target={"at_least": 2}), entry("view_rate", target={"between": ["25%", "60%"]})]
NOTEBOOK = {"cells": [{"id": "one", "cell_type": "code", "source": ["this.header()\n", "this.total()"]}]}


def told(folder: Path, *, who: str = "ann") -> dict[str, Any]:
    """The provenance of a report on a folder with ``data``, ``params`` and ``notebook.ipynb``."""
    data = next(place for place in (folder / "data/data.duckdb", folder / "data") if place.exists())
    with case_of(data, folder / "params", who=who) as case:
        return provenance.provenance(case, None, folder / "notebook.ipynb")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("before")
    build(
        folder,
        KPIS,
        person={
            "absences": [{"since": "2025-01-01", "until": "2025-01-05"}],
            "bonus": {"share_of_sales": "2%"},
        },
        colleagues={"eve": {"accounts": ["b"], "kpis": [entry("leads")], "email": "eve@agency.example"}},
        **TABLES_OF_ANN,
    )
    (folder / "notebook.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    return folder, told(folder)


@pytest.fixture
def after(before: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    shutil.copytree(before[0], tmp_path / "after")
    return tmp_path / "after"


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


ALTERED = [
    # table, what stands there, what instead, whose it is, and the month
    ("accounts", "a,vk,Кофе", "a,vk,Чай", "a", "all"),
    ("audience", "2025-10-02,a,108", "2025-10-02,a,109", "a", "2025-10"),
    ("audience", "2025-09-30,a,100", "2025-09-30,a,", "a", "2025-09"),
    ("posts", "12:00,60", "12:00,61", "a", "2025-10"),
    ("post_stats", "12:00,40", "12:00,41", "a", "2025-10"),
    ("comments", "true", "false", "a", "2025-10"),
    ("inquiries", "T11:00", "T11:01", "a", "2025-10"),
    ("leads", "500", "500.5", "a", "2025-10"),
    ("traffic", "a,31", "a,0", "a", "2025-10"),
    ("brand_queries", "300", "301", "X", "2025-10"),
    ("mentions", "neutral", "negative", "X", "2025-10"),
    ("plan", "12:00,true", "12:00,false", "a", "2025-10"),
    ("post_increments", "08,7,", "08,6,", "a", "2025-10"),
    ("messages", "10:00,false", "10:00,true", "a", "2025-10"),
    ("totals", "900", "901", "a", "2025-10"),
    ("spend", "1500", "1500.5", "a", "2025-10"),
    ("coverage", "leads,a,2023-01-01", "leads,a,2023-01-02", "a", "all"),
]


def test_one_value_of_each_table_is_named(before, after) -> None:
    for table, old, new, *_ in ALTERED:
        replaced(after / "data" / f"{table}.csv", old, new)
    expected = {(table, owner, month) for table, _, _, owner, month in ALTERED}
    found = differences(before[1], told(after))
    assert {cause.kind for cause in found} == {"data"}
    assert {(cause.where, cause.what, month) for cause in found for month in cause.months} == expected
    assert len(found) == len(TABLES)


def test_every_table_of_the_contract_is_looked_at(before) -> None:
    assert set(before[1]["tables"]) == set(TABLES)


def test_a_row_that_is_gone_and_one_that_is_new_are_named(before, after) -> None:
    replaced(after / "data/leads.csv", "l2,a,2025-10-07T10:00,false,,,,\n", "")
    replaced(after / "data/mentions.csv", "m1,X", "m0,X,2025-08-08T10:00,vk,neutral,false\nm1,X")
    assert differences(before[1], told(after)) == [
        Cause("data", "leads", "a", ("2025-10",)),
        Cause("data", "mentions", "X", ("2025-08",)),
    ]


def reordered(folder: Path) -> None:
    for file in (folder / "data").glob("*.csv"):
        head, *rows = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join([head, *rows[::-1], *rows[:1]]) + "\n", encoding="utf-8")


def as_parquet(folder: Path) -> None:
    """Every table in another format, one of them in parts."""
    with look(folder / "data", "Europe/Moscow") as store:
        for name, source in store.sources.items():
            home = folder / "data" / (f"{name}/month=x" if name == "posts" else "")
            home.mkdir(parents=True, exist_ok=True)
            store.connection.execute(f"COPY ({source.typed()}) TO '{home / name}.parquet' (FORMAT parquet)")
    for file in (folder / "data").glob("*.csv"):
        file.unlink()


def split_coverage(folder: Path) -> None:
    replaced(
        folder / "data/coverage.csv",
        "leads,a,2023-01-01,",
        "leads,a,2023-01-01,2024-01-01\nleads,a,2024-01-01,",
    )


def after_the_cut_off(folder: Path) -> None:
    replaced(folder / "data/leads.csv", "l1,a", "l9,a,2025-11-09T10:00,true,,,,\nl1,a")


def of_somebody_else(folder: Path) -> None:
    replaced(folder / "data/leads.csv", "l1,a", "l9,b,2025-10-09T10:00,true,,,,\nl1,a")


def commented(folder: Path) -> None:
    for file in (folder / "params").rglob("*.yml"):
        file.write_text("# a word\n" + file.read_text(encoding="utf-8"), encoding="utf-8")


def colleagues_file(folder: Path) -> None:
    replaced(folder / "params/specialists/eve.yml", "at_least: 1", "at_least: 2")


def directors(folder: Path) -> None:
    text = "directors: [{id: d, name: D, email: d@agency.example}]\n"
    with (folder / "params/department.yml").open("a", encoding="utf-8") as stream:
        stream.write(text)


def indented(folder: Path) -> None:
    (folder / "notebook.ipynb").write_text(json.dumps(NOTEBOOK | {"nbformat": 4}, indent=1), encoding="utf-8")


def test_what_is_no_content_is_no_change(before, after) -> None:
    for change in (
        reordered, split_coverage, after_the_cut_off, of_somebody_else, commented, colleagues_file, directors,
        indented,
    ):  # fmt: skip
        change(after)
    assert differences(before[1], told(after)) == []
    as_parquet(after)
    assert differences(before[1], told(after)) == []


def test_a_file_that_is_imported_again_is_no_change(tmp_path: Path) -> None:
    build(tmp_path, [entry("leads")], leads=["l1,a,2025-10-06T10:00,true,,,,"])
    (tmp_path / "notebook.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")

    def take_in(rows: list[str], digest: str, day: str) -> None:
        frame = pd.DataFrame(
            [
                {"lead_id": row, "account_id": "a", "created_at": pd.Timestamp("2025-10-07T10:00Z")}
                for row in rows
            ]
        )
        covered = {("leads", "a"): [(pd.Timestamp("2025-10-01").date(), pd.Timestamp("2025-11-01").date())]}
        at = pd.Timestamp(f"{day}T10:00Z").to_pydatetime()
        origin = Origin("csv", ("crm.csv",), digest, at, at, "crm")
        add(tmp_path / "data", [Import({"leads": frame}, covered, origin)], "Europe/Moscow")

    take_in(["l2"], "d1", "2025-11-10")
    first = told(tmp_path)
    take_in(["l2"], "d1", "2025-11-12")
    again = told(tmp_path)
    assert (differences(first, again), again["imported"]) == ([], "2025-11-10T10:00:00+00:00")
    take_in(["l2", "l3"], "d2", "2025-11-13")
    assert differences(first, told(tmp_path)) == [Cause("data", "leads", "a", ("2025-10",))]
    assert told(tmp_path)["imported"] == "2025-11-13T10:00:00+00:00"


ASKED = [
    ("specialists/ann.yml", "at_least: 2", "at_least: 3", "kpis, leads, target.at_least", 2.0, 3.0),
    ("specialists/ann.yml", "25%", "26%", "kpis, view_rate, target.between", [0.25, 0.6], [0.26, 0.6]),
    ("specialists/ann.yml", "weight: 1", "weight: 7", "kpis, leads, weight", 1.0, 7.0),
    ("specialists/ann.yml", "2%", "3%", "bonus.share_of_sales", 0.02, 0.03),
    (
        "specialists/ann.yml", "2025-01-05", "2025-01-06", "absences, 2025-01-01",
        "2025-01-01 to 2025-01-05, None", "2025-01-01 to 2025-01-06, None",
    ),
    ("department.yml", "weeks: 0", "weeks: 1", "history.weeks", 0, 1),
    ("department.yml", "agency: Маяк", "agency: Мыс", "agency", "Маяк", "Мыс"),
]  # fmt: skip
"""File, what stands there, what instead, the key, and its values."""


def test_one_key_of_each_kind_is_named_with_its_values(before, after) -> None:
    for file, old, new, *_ in ASKED:
        replaced(after / "params" / file, old, new)
    found = {cause.what: cause for cause in differences(before[1], told(after))}
    assert found == {key: Cause("params", file, key, was=was, now=now) for file, _, _, key, was, now in ASKED}


def test_a_comment_is_named(before, after) -> None:
    for name in ("ann", "eve"):
        file = comment_file(after / "params", "2025-10", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("Good work.", encoding="utf-8")
    now = told(after)
    causes = [(cause.where, cause.what) for cause in differences(before[1], now)]
    assert causes == [("comments/2025-10/ann.md", "text")]
    assert now["params"] != before[1]["params"]


def test_an_event_is_a_setting_of_those_whom_it_is_about(before, after) -> None:
    event = "events:\n  - {title: Праздник, on: 2025-10-05, accounts: [a]}\n"
    (after / "params/events.yml").write_text(event, encoding="utf-8")
    (found,) = differences(before[1], told(after))
    assert (found.kind, found.where, found.what) == ("params", "events.yml", "2025-10-05 Праздник")
    assert differences(told(before[0], who="eve"), told(after, who="eve")) == []


def test_one_character_of_the_notebook_is_named_with_its_cell(before, after) -> None:
    replaced(after / "notebook.ipynb", "total()", "total( )")
    assert differences(before[1], told(after)) == [Cause("notebook", "one")]


def test_another_kit_is_named(before) -> None:
    was = before[1]
    assert differences({**was, "kit": "0.0.1", "source": "x"}, was) == [
        Cause("kit", "version", was="0.0.1", now=was["kit"])
    ]
    assert differences({**was, "source": "x"}, was) == [Cause("kit", "source")]
    older = {**was, "libraries": {**was["libraries"], "numpy": "1.0"}}
    assert differences(older, was) == [Cause("kit", "numpy", was="1.0", now=was["libraries"]["numpy"])]


def test_of_an_older_kits_report_only_the_whole_can_be_told(before) -> None:
    was = {"kit": "0.0.1", "data": "sha256:1", "params": "sha256:2", "notebook": "sha256:3", "across": None}
    found = differences(was, before[1])
    assert [(cause.kind, cause.where) for cause in found] == [
        ("data", ""), ("params", ""), ("notebook", ""), ("kit", "version"),
    ]  # fmt: skip


def test_no_address_is_in_it(before) -> None:
    assert "@" not in json.dumps(before[1])


CELLS = st.one_of(st.none(), st.integers(-5, 5).map(float))


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["x", "y", None])), min_size=1, max_size=5),
    other=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["x", "y", None])), min_size=1, max_size=5),
)
@settings(max_examples=40, deadline=None)
def test_rows_have_the_same_hash_exactly_where_they_are_the_same(rows: Any, other: Any) -> None:
    def hashes(given_rows: Any) -> list[int]:
        frame = pd.DataFrame(given_rows, columns=["one", "two", "name"])
        typed = frame.assign(one=frame["one"].astype("float64"), two=frame["two"].astype("float64"))
        return [int(number) for number in provenance._row_hashes(typed)]

    assert hashes(rows) == [hashes([row])[0] for row in rows], "a row does not depend on others"
    pairs = zip([*rows, *other], [*hashes(rows), *hashes(other)], strict=True)
    by_hash: dict[int, set[Any]] = {}
    for row, number in pairs:
        by_hash.setdefault(number, set()).add(tuple(0.0 if cell == 0 else cell for cell in row))
    assert all(len(found) == 1 for found in by_hash.values())
    assert len(by_hash) == len({tuple(0.0 if cell == 0 else cell for cell in row) for row in [*rows, *other]})


def test_unknown_is_not_zero_and_not_the_empty_text() -> None:
    frame = pd.DataFrame(
        {"amount": [np.nan, 0.0], "flag": pd.array([None, False], dtype="boolean"), "name": [None, ""]}
    )
    for column in frame:
        first, second = provenance._row_hashes(frame[[column]])
        assert first != second


def test_params_of_the_sample_have_a_setting_for_each_entry() -> None:
    root = Path(__file__).parents[2]
    for person in load_params(root / "params").specialists.values():
        kept = provenance._of_person(person)
        for each in person.kpis:
            assert any(key.startswith(f"kpis, {each.called}, target") for key in kept), each.called
