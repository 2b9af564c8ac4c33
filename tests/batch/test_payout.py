"""The file of the payout statement: who stands in it, and who may read it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cards
import pytest
from python_calamine import CalamineWorkbook
from rich.console import Console

from kpi_kit.batch import payout
from kpi_kit.batch.execute import Report, Result
from kpi_kit.batch.fingerprints import up_to_date
from kpi_kit.batch.manifest import Manifest
from kpi_kit.batch.publish import Outcome, Publisher
from kpi_kit.scorecard import json_file

DONE, FAILED = {"status": "done"}, {"status": "failed"}


def written(folder: Path, reports: dict[str, Any]) -> Path:
    """The statement of Anna, Ivan and Olga, of whom Anna has a scorecard."""
    json_file.save(cards.card(), folder / "anna-petrova.json")
    run = SimpleNamespace(folder=folder, language="ru", parameters={"period": cards.PERIOD})
    names = {"anna-petrova": "Анна Петрова", "ivan": "Иван"}
    people = {person: SimpleNamespace(name=name) for person, name in names.items()}
    department = SimpleNamespace(currency="RUB")
    loaded = SimpleNamespace(specialists=people, broken={"olga": ("bad",)}, department=department)
    file = folder / "scratch" / "payout.xlsx"
    payout.write(run, loaded, SimpleNamespace(reports=reports), file)  # type: ignore[arg-type]
    return file


def test_people_without_a_report_stand_in_it_without_figures(tmp_path: Path) -> None:
    file = written(tmp_path, {"anna-petrova": DONE, "ivan": FAILED})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.read_bytes())).get_sheet_by_index(0).to_python()
    assert rows[4][0] == "Анна Петрова"
    assert [row[:3] for row in rows if row[1] == "отчёта нет"] == [
        ["olga", "отчёта нет", ""],
        ["Иван", "отчёта нет", ""],
    ]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_payout_statement_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        file = written(tmp_path, {"anna-petrova": DONE})
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_report_there_is_none(tmp_path: Path) -> None:
    assert not written(tmp_path, {"anna-petrova": FAILED}).exists()


def published(folder: Path, manifest: Manifest, content: bytes) -> str:
    """Publish the department's report with a statement; what the run prints."""
    console = Console(file=io.StringIO(), width=200)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    for name in ("index.ipynb", "index.html"):
        (scratch / name).write_text("page", encoding="utf-8")
    (scratch / "payout.xlsx").write_bytes(content)
    run = SimpleNamespace(folder=folder, console=console, named=str)
    report = Report("index", folder, {}, scratch, folder)
    publisher = Publisher(run, manifest, Outcome(folder))  # type: ignore[arg-type]
    assert publisher.publish(report, Result("index", None, 1.0), {"data": "1"}).error is None
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_statement_that_was_changed_by_hand_is_never_overwritten(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, "2025-10", [])
    statements = lambda: {file.name: file.read_bytes() for file in tmp_path.glob("*.xlsx")}  # noqa: E731
    assert published(tmp_path, manifest, b"first") == published(tmp_path, manifest, b"second") == ""
    assert statements() == {"payout.xlsx": b"second"}
    (tmp_path / "payout.xlsx").write_bytes(b"signed")
    assert up_to_date(manifest.department, {"data": "1"}, tmp_path), "a signature makes nothing again"
    for content in (b"third", b"fourth"):
        assert "payout.new.xlsx" in published(tmp_path, manifest, content)
        assert statements() == {"payout.xlsx": b"signed", "payout.new.xlsx": content}
    assert up_to_date(manifest.department, {"data": "1"}, tmp_path)
    (tmp_path / "payout.new.xlsx").write_bytes(b"signed too")
    published(tmp_path, manifest, b"fifth")
    assert statements() == {
        "payout.xlsx": b"signed",
        "payout.new.xlsx": b"signed too",
        "payout.new2.xlsx": b"fifth",
    }
    (tmp_path / "payout.xlsx").unlink()
    assert published(tmp_path, manifest, b"sixth") == "", "the name is free again"
    assert statements() == {"payout.xlsx": b"sixth", "payout.new.xlsx": b"signed too"}
