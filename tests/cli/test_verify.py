"""Verify: a report computed anew is identical, or what is different is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.cli.main import main
from kpi_kit.cli.verify import sentences
from kpi_kit.core.periods import Period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.scorecard import provenance
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.json_file import is_sealed, load, save, sealed
from kpi_kit.scorecard.verification import verify
from tests.agency import AS_OF, build, entry

ROOT = Path(__file__).parents[2]
POSTS = ["p1,a,2025-10-03T12:00,50,4,1,0,true,2025-10-20,", "p2,a,2025-10-04T12:00,60,5,1,0,true,2025-10-20,"]
KPIS = [entry("views", target={"at_least": 200}), entry("leads", target={"at_least": 2})]
CHECK = {"n": 40, "brier": 0.1, "base_brier": 0.2, "coverage80": 0.8, "verdict": "reliable"}


def made(folder: Path) -> Path:
    """A report on ``folder/data`` and ``folder/params``, saved as a run saves it."""
    path = folder / "out/2025-10/ann.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    loaded, store = open_inputs(folder / "data", folder / "params")
    with store:
        case = prepare("ann", Period.parse("2025-10"), params=loaded, store=store, as_of=AS_OF)
        save(scorecard(case, Cohort({"leads": CHECK}), folder / "notebook.ipynb"), path)
    return path


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    build(folder, KPIS, posts=POSTS, leads=["l1,a,2025-10-06T10:00,true,,,,"])
    shutil.copy(ROOT / "notebooks/specialist_report.ipynb", folder / "notebook.ipynb")
    made(folder)
    (folder / "out/2025-10/backtest.json").write_text(json.dumps({"leads": CHECK}), encoding="utf-8")
    return folder


@pytest.fixture
def after(before: Path, tmp_path: Path) -> Path:
    shutil.copytree(before, tmp_path / "after")
    return tmp_path / "after"


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def said(folder: Path) -> list[str]:
    path = folder / "out/2025-10/ann.json"
    found = verify(path, data=folder / "data", params=folder / "params", notebook=folder / "notebook.ipynb")
    head, *rest = sentences(found)
    assert head.startswith(f"{path}: {'identical' if found.identical else 'different'}")
    return [
        head.removeprefix(f"{path}: "),
        *(line.strip().replace("\N{NO-BREAK SPACE}", " ") for line in rest),
    ]


def test_what_nobody_has_touched_is_identical(before: Path) -> None:
    assert len(said(before)) == 1


def test_one_posts_views_are_found_with_their_table_and_the_figures(after: Path) -> None:
    replaced(after / "data/posts.csv", "12:00,50", "12:00,90")
    _, *lines = said(after)
    assert lines[0] == "data: table posts, a, 2025-10: its rows have changed"
    assert "views: value: was 110 views, is 150 views" in lines
    assert "views: attainment: was 55%, is 75%" in lines
    assert not any(line.startswith(("leads: ", "params: ", "kit: ", "report: the")) for line in lines)


def test_one_target_is_found_with_its_file_and_key(after: Path) -> None:
    replaced(after / "params/specialists/ann.yml", "at_least: 200", "at_least: 100")
    _, *lines = said(after)
    assert lines[0] == "params: specialists/ann.yml: kpis, views, target.at_least: was 200, is 100"
    assert "views: target.value: was 200 views, is 100 views" in lines
    assert "views: attained: was false, is true" in lines


def test_one_character_of_the_notebook_is_found_with_its_cell(after: Path) -> None:
    replaced(after / "notebook.ipynb", "this.header()", "this.header( )")
    head, *lines = said(after)
    assert head == "different; all figures are the same"
    assert lines == ["notebook: cell show-header has changed"]


def test_a_figure_changed_in_the_report_is_not_laid_to_the_data(after: Path) -> None:
    replaced(after / "out/2025-10/ann.json", '"value": 110.0,', '"value": 190.0,')
    assert said(after)[1:] == [
        "report: the report itself was altered after it was made",
        "views: value: was 190 views, is 110 views",
    ]


def test_a_report_altered_by_somebody_who_seals_it_anew_is_found_too(after: Path) -> None:
    path = after / "out/2025-10/ann.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["total"] = 1.0
    save(sealed(record), path)
    assert is_sealed(load(path))
    assert said(after)[1:] == [
        "report: the report itself was altered after it was made",
        "report: total: was 100%, is 0%",
    ]


def of_older_kit(record: dict[str, Any]) -> None:
    kept = ("kit", "data", "params", "across", "notebook")
    record["provenance"] = {key: record["provenance"][key] for key in kept} | {"kit": "0.0.1"}
    for key in ("events", "anomalies", "restated"):
        del record[key]


def test_a_report_of_an_older_kit_says_so(after: Path) -> None:
    path = after / "out/2025-10/ann.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    of_older_kit(record)
    save(record, path)
    _, *lines = said(after)
    assert lines[0] == "kit: the report was made by 0.0.1, which kept no hashes of tables and keys"
    assert any(line.startswith("kit: was 0.0.1, is ") for line in lines)
    assert not any("altered" in line for line in lines)
    replaced(after / "data/posts.csv", "12:00,50", "12:00,90")
    assert "data: some table has changed" in said(after)


def test_a_newer_kit_alone_does_no_harm(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "source", lambda: "sha256:newer")
    (head,) = said(before)
    assert head.endswith("(kit: its source has changed)")


def test_another_pool_of_colleagues_does_no_harm(after: Path) -> None:
    replaced(after / "out/2025-10/backtest.json", '"n": 40', '"n": 45')
    assert len(said(after)) == 1
    replaced(after / "out/2025-10/ann.json", '"n": 40', '"n": 41')
    assert "report: the report itself was altered after it was made" in said(after)


def test_restated_figures_are_no_figures_of_today(after: Path) -> None:
    path = after / "out/2025-10/ann.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    save(sealed({**record, "restated": [{"kpi": "views", "was": 1.0, "is": 110.0}]}), path)
    assert len(said(after)) == 1


def no_json(path: Path) -> None:
    path.write_text("{", encoding="utf-8")


def no_scorecard(path: Path) -> None:
    path.write_text('{"schema": 1, "kpis": {}}', encoding="utf-8")


def strange_rows(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "kpis": [{"kpi": "views"}]}), encoding="utf-8")


def a_stranger(path: Path) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**record, "specialist": "nobody"}), encoding="utf-8")


@pytest.mark.parametrize("spoil", [Path.unlink, no_json, no_scorecard, strange_rows, a_stranger])
def test_what_cannot_be_verified_is_one_sentence(
    after: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    path = after / "out/2025-10/ann.json"
    spoil(path)
    assert main(["verify", str(path), "--data", str(after / "data"), "--params", str(after / "params")]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)


def test_the_command_names_each_report_and_says_the_worst_by_its_exit_code(
    after: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpi_kit.report.notebook_api.NOTEBOOK", after / "notebook.ipynb")
    path = str(after / "out/2025-10/ann.json")
    where = ["--data", str(after / "data"), "--params", str(after / "params")]
    assert main(["verify", path, *where]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: identical, ")
    replaced(after / "data/posts.csv", "12:00,50", "12:00,90")
    assert main(["verify", path, *where]) == 1
    assert capsys.readouterr().out.startswith(f"{path}: different; ")
    assert main(["verify", path, str(after / "nowhere.json"), *where]) == 2
    told = capsys.readouterr()
    assert told.out.count(": different; ") == 1 and "nowhere.json" in told.err
