"""The way a user goes: the command line, real notebooks and kernels, on the sample agency."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from kpi_kit.cli.main import main
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.json_file import is_sealed

ROOT = Path(__file__).parent.parent
PERIOD = "2025-10"
PEOPLE = ("anna-petrova", "maria-sokolova")


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with two of its people, and their reports made once."""
    folder = tmp_path_factory.mktemp("agency")
    shutil.copytree(ROOT / "data/sample", folder / "data", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "params/specialists").mkdir(parents=True)
    shutil.copy(ROOT / "params/department.yml", folder / "params")
    for person in PEOPLE:
        shutil.copy(ROOT / f"params/specialists/{person}.yml", folder / "params/specialists")
    assert run(folder, "made") == 0
    return folder


def run(folder: Path, out: str, *more: str, params: str = "params", data: str = "data") -> int:
    """``python -m kpi_kit run`` over the agency's folders."""
    where = ["--data", str(folder / data), "--params", str(folder / params), "--out", str(folder / out)]
    return main(["run", *where, "--period", PERIOD, "--engine", "embedded", *more])


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a period by name."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def test_every_report_is_there(agency: Path) -> None:
    made = set(files(agency / "made" / PERIOD))
    wanted = {f"{person}.{kind}" for person in PEOPLE for kind in ("ipynb", "html", "json")}
    assert made == wanted | {"index.ipynb", "index.html", "manifest.json", "backtest.json", "payout.xlsx"}


def test_the_json_is_the_score(agency: Path) -> None:
    saved = json.loads((agency / "made" / PERIOD / "anna-petrova.json").read_text(encoding="utf-8"))
    beside = agency / "made" / PERIOD
    again = score("anna-petrova", PERIOD, data=agency / "data", params=agency / "params", beside=beside)
    assert saved["provenance"]["notebook"].startswith("sha256:")
    assert is_sealed(saved)
    for card in (saved, again):  # the notebook is not computed with, and the seal is over it, too
        card["provenance"] |= {"notebook": None, "cells": {}, "seal": None}
    assert saved == again


def test_two_runs_give_the_same_bytes(agency: Path) -> None:
    assert run(agency, "again") == 0
    first, second = (files(agency / out / PERIOD) for out in ("made", "again"))
    for name in first:
        if name.endswith((".html", ".json")) and name != "manifest.json":
            assert first[name] == second[name], name


def test_a_page_says_what_it_must(agency: Path) -> None:
    page = (agency / "made" / PERIOD / "maria-sokolova.html").read_text(encoding="utf-8")
    for words in ("Мария Соколова", "октябрь 2025", "Переходы из соцсетей", "Нельзя оценить", "sha256:"):
        assert words in page, words
    index = (agency / "made" / PERIOD / "index.html").read_text(encoding="utf-8")
    assert 'href="maria-sokolova.html"' in index


@pytest.mark.parametrize("quiet", [True, False])
def test_one_broken_file_costs_one_report(
    agency: Path, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    shutil.copytree(agency / "params", agency / "broken", dirs_exist_ok=True)
    file = agency / "broken/specialists/maria-sokolova.yml"
    file.write_text(
        file.read_text(encoding="utf-8").replace("kpi: churn_rate", "kpi: churn"), encoding="utf-8"
    )
    assert run(agency, "partly", "--force", *["--quiet"][: int(quiet)], params="broken") == 1
    said = capsys.readouterr().err
    sentence = "kpis, entry 7 (churn): kpi: there is no KPI 'churn'; did you mean churn_rate?"
    assert len(re.findall(rf"maria-sokolova\.yml, line \d+: {re.escape(sentence)}", said)) == 1
    assert ("anna-petrova: done in " in said) is not quiet
    made = files(agency / "partly" / PERIOD)
    assert {"anna-petrova.html", "index.html"} <= set(made)
    assert "maria-sokolova.html" not in made
    assert json.loads(made["manifest.json"])["reports"]["maria-sokolova"]["status"] == "failed"
    assert "Мария" in made["index.html"].decode() or "maria-sokolova" in made["index.html"].decode()


def test_a_missing_column_stops_the_run_and_spares_what_is_there(
    agency: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(agency / "data", agency / "short")
    rows = (agency / "short/posts.csv").read_text(encoding="utf-8").replace("published_at", "when", 1)
    (agency / "short/posts.csv").write_text(rows, encoding="utf-8")
    before = files(agency / "made" / PERIOD)
    capsys.readouterr()
    assert run(agency, "made", data="short") == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 2, "one sentence for the column that is missing, one for the one that is unknown"
    assert "posts.csv: column published_at is missing" in said[0]
    assert "posts.csv: unknown column 'when'" in said[1]
    assert files(agency / "made" / PERIOD) == before
