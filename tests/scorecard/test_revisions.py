"""Restatement: what is compared with the first report, why it changed, and that nothing is lost."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from kpi_kit import report
from kpi_kit.data.merge.journal import Entered, read
from kpi_kit.scorecard import archive, revisions
from kpi_kit.scorecard.json_file import dumps, sealed
from tests.agency import build, entry

Json = dict[str, Any]
OCTOBER = {"kit": "1", "source": "s", "data": "d", "params": "p", "across": None, "notebook": None}


def a_card(value: float | None = 412.0, **given: Any) -> Json:
    """A scorecard as far as it matters, from leads of October."""
    row = {
        "kpi": "leads",
        "as": "value",
        "versus": "previous",
        "scope": None,
        "unit": "leads",
        "value": value,
        "target": {"kind": "at_least", "value": 400.0, "base": 0.0},
        "attained": None if value is None else value >= 400,
        "payout": 1.0,
    }
    origin = {
        "tables": {"leads": {"a": {"2025-10": str(value)}}},
        "settings": {},
        "cells": {},
        "libraries": {},
        "imported": "2025-11-08T10:00:00+00:00",
    }
    record = {
        "schema": 1,
        "specialist": "ann",
        "period": "2025-10",
        "as_of": "2025-11-08T00:00:00+03:00",
        "interim": False,
        "preliminary": False,
        "total": 1.0,
        "bonus": None,
        "kpis": [row],
        "restated": [],
        "provenance": OCTOBER | origin,
    }
    return sealed(record | given)


def saved(folder: Path, record: Json) -> Path:
    path = folder / "ann.json"
    path.write_text(dumps(record), encoding="utf-8")
    return path


def listed(found: list[Json]) -> list[tuple[Any, ...]]:
    return [(change["kpi"], change["field"], change["was"], change["is"]) for change in found]


def test_the_same_figures_are_no_restatement() -> None:
    assert revisions.restated(a_card(), a_card(), []) == []
    assert revisions.restated(a_card(), None, []) == []
    hair = a_card(412.0 + 1e-10)
    assert listed(revisions.restated(hair, a_card(), [])) == []


def test_was_and_is_with_the_day_of_the_import() -> None:
    journal = [
        Entered("2025-11-01T10:00:00+00:00", "crm", "old.csv", "leads", (("a", "2025-10-01", "2025-11-01"),)),
        Entered("2025-11-12T10:00:00+00:00", "crm", "new.csv", "leads", (("a", "2025-10-01", "2025-11-01"),)),
        Entered("2025-11-13T10:00:00+00:00", "crm", "b.csv", "leads", (("b", "2025-10-01", "2025-11-01"),)),
        Entered("2025-11-14T10:00:00+00:00", "crm", "sep.csv", "leads", (("a", "2025-09-01", "2025-10-01"),)),
        Entered("2025-11-15T10:00:00+00:00", "vk", "p.csv", "posts", (("a", "2025-10-01", "2025-11-01"),)),
    ]
    (found,) = revisions.restated(a_card(405.0), a_card(412.0), journal)
    assert listed([found]) == [("leads", "value", 412.0, 405.0)]
    assert (found["since"], found["unit"]) == ("2025-11-08T00:00:00+03:00", "leads")
    assert found["cause"] == [
        {
            "kind": "data",
            "table": "leads",
            "owners": ["a"],
            "imported_at": "2025-11-12T10:00:00+00:00",
            "files": "new.csv",
        }
    ]


def test_without_a_journal_the_table_is_named_and_without_a_change_nothing() -> None:
    (found,) = revisions.restated(a_card(405.0), a_card(412.0), [])
    assert (found["cause"][0]["table"], found["cause"][0]["imported_at"]) == ("leads", None)
    now = a_card(412.0)
    now["kpis"][0]["value"] = 405.0
    assert revisions.restated(now, a_card(412.0), [])[0]["cause"] == []


def test_a_target_is_laid_to_params_and_what_follows_from_it_too() -> None:
    was, now = a_card(), copy.deepcopy(a_card())
    now["kpis"][0] |= {"target": {"kind": "at_least", "value": 500.0, "base": 0.0}, "attained": False}
    now["provenance"]["settings"] = {"specialists/ann.yml": {"kpis, leads, target.at_least": 500.0}}
    found = revisions.restated(now, was, [])
    assert listed(found) == [("leads", "target", 400.0, 500.0), ("leads", "attained", True, False)]
    cause = {"kind": "params", "file": "specialists/ann.yml", "keys": ["kpis, leads, target.at_least"]}
    assert [change["cause"] for change in found] == [[cause], [cause]]


def test_the_total_the_bonus_and_entries_that_come_and_go() -> None:
    was = a_card(bonus={"amount": 100.0})
    now = a_card(total=0.5, bonus={"amount": 90.0}, kpis=[])
    found = revisions.restated(now, was, [])
    assert listed(found) == [
        ("leads", "value", 412.0, None),
        ("leads", "target", 400.0, None),
        ("leads", "attained", True, None),
        ("leads", "payout", 1.0, None),
        (None, "total", 1.0, 0.5),
        (None, "bonus", 100.0, 90.0),
    ]


def test_a_later_cut_off_is_a_cause_of_its_own() -> None:
    early = a_card(as_of="2025-11-03T00:00:00+03:00", preliminary=True)
    (found,) = revisions.restated(a_card(405.0), early, [])
    assert found["cause"][-1] == {
        "kind": "as_of",
        "was": "2025-11-03T00:00:00+03:00",
        "is": "2025-11-08T00:00:00+03:00",
    }


def test_earlier_scorecards_are_kept_in_order_and_once(tmp_path: Path) -> None:
    assert archive.keep(tmp_path, "ann", a_card(1.0)) is None, "nothing has been published"
    saved(tmp_path, a_card(1.0))
    assert archive.keep(tmp_path, "ann", a_card(1.0)) is None, "the same content"
    for number, (old, new) in enumerate([(1.0, 2.0), (2.0, 3.0), (3.0, 1.0)], 1):
        content = saved(tmp_path, a_card(old)).read_bytes()
        kept = archive.keep(tmp_path, "ann", a_card(new))
        assert kept is not None and kept.read_bytes() == content
        assert kept.name.startswith(f"ann.{number:03d}-")
        assert archive.keep(tmp_path, "ann", a_card(new)) is None, "a second try after a crash"
    saved(tmp_path, a_card(1.0))
    assert archive.keep(tmp_path, "ann", a_card(5.0)) is None, "it is there already"
    first = archive.first(tmp_path, "ann")
    assert first is not None and first["kpis"][0]["value"] == 1.0
    assert len(list((tmp_path / "history").iterdir())) == 3


def test_where_inputs_alone_are_others_nothing_is_kept(tmp_path: Path) -> None:
    published = a_card()
    published["provenance"]["data"] = "of other bytes"
    saved(tmp_path, sealed(published))
    assert archive.keep(tmp_path, "ann", a_card()) is None


def test_the_first_final_report_counts(tmp_path: Path) -> None:
    cards = [
        a_card(10.0, interim=True, preliminary=True),
        a_card(20.0, preliminary=True),
        a_card(30.0),
        a_card(40.0),
    ]
    firsts = []
    for old, new in zip(cards, [*cards[1:], a_card(50.0)], strict=True):
        saved(tmp_path, old)
        archive.keep(tmp_path, "ann", new)
        found = archive.first(tmp_path, "ann")
        firsts.append(found and found["kpis"][0]["value"])
    assert firsts == [None, 20.0, 30.0, 30.0]


def test_what_is_no_scorecard_or_was_altered_is_kept_and_never_compared(tmp_path: Path) -> None:
    forged = a_card(412.0) | {"total": 9.0}
    for text in ("{", "[]", '{"schema": 1}', json.dumps(forged)):
        (tmp_path / "ann.json").write_text(text, encoding="utf-8")
        assert archive.first(tmp_path, "ann") is None
        kept = archive.keep(tmp_path, "ann", a_card())
        assert kept is not None and kept.read_text(encoding="utf-8") == text


def test_people_whose_names_begin_alike_are_kept_apart(tmp_path: Path) -> None:
    saved(tmp_path, a_card(1.0))
    kept = archive.keep(tmp_path, "ann", a_card(2.0))
    assert kept is not None
    other = kept.with_name(kept.name.replace("ann.", "ann.001-aaaaaaaaaaaa.", 1))
    other.write_text(dumps(a_card(7.0)), encoding="utf-8")
    assert archive.first(tmp_path, "ann")["kpis"][0]["value"] == 1.0  # type: ignore[index]  # it is there
    assert archive.first(tmp_path, "an") is None


def test_a_scratch_folder_tells_the_same_as_the_reports_folder(tmp_path: Path) -> None:
    saved(tmp_path, a_card(412.0))
    ((place, text),) = archive.beside(tmp_path, "ann").items()
    (tmp_path / "scratch" / place).parent.mkdir(parents=True)
    (tmp_path / "scratch" / place).write_text(text, encoding="utf-8")
    now = a_card(405.0)
    there, here = (archive.first(folder, "ann") for folder in (tmp_path / "scratch", tmp_path))
    assert revisions.restated(now, there, []) == revisions.restated(now, here, []) != []
    assert archive.beside(tmp_path, "eve") == {}


def test_a_notebook_keeps_the_list_on_later_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build(tmp_path, [entry("leads", target={"at_least": 2})], leads=["l1,a,2025-10-06T10:00,true,,,,"])
    given = {
        "specialist": "ann",
        "period": "2025-10",
        "as_of": "",
        "data": "data",
        "params": "params",
        "out": "out",
        "save": True,
    }
    assert report.specialist(**given).card["restated"] == []
    with (tmp_path / "data/leads.csv").open("a", encoding="utf-8") as stream:
        stream.write("l2,a,2025-10-07T10:00,true,,,,\n")
    found = report.specialist(**given).card["restated"]
    assert listed(found)[:2] == [("leads", "value", 1.0, 2.0), ("leads", "attained", False, True)]
    assert report.specialist(**given).card["restated"] == found
    assert len(list((tmp_path / "out/2025-10/history").iterdir())) == 1


def test_the_journal_of_a_folder_without_imports_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path) == []
