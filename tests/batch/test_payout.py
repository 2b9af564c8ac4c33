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

from kpi_kit.batch import payout
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
