"""Notebooks as others run them: the tutorial from top to bottom, and a report by jupyter-scheduler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbstripout import strip_output
from ruamel.yaml import YAML

from tests.agency import build, entry

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
SOURCES = (".py", ".yml", ".ipynb", ".md", ".csv")


def tree() -> dict[Path, int]:
    """When each file of the project was last written."""
    folders = ("kpi_kit", "tests", "notebooks", "params", "docs", "data/sample")
    files = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES)
    return {path: path.stat().st_mtime_ns for path in files}


def outputs(notebook: Any, cell: str) -> str:
    (found,) = (each for each in notebook.cells if each.id == cell)
    return json.dumps(found.outputs, ensure_ascii=False)


def test_the_tutorial_leads_to_a_report_and_leaves_the_tree_alone(tmp_path: Path) -> None:
    before = tree()
    notebook = nbformat.read(NOTEBOOKS / "add_a_kpi.ipynb", as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    assert "5 passed" in outputs(notebook, "run-test")
    page = outputs(notebook, "page")
    # (6 + 12 + 9 + 13) / (200 + 300 + 300 + 200), against a target of 3 %
    assert all(text in page for text in ("Сохранения на просмотр", "4\u202f%", "3\u202f%", "Ольга Белова"))
    assert " passed" in outputs(notebook, "unit-run-test")
    # (6 + 12 + 9 + 13) / 4, against a target of 8
    assert all(
        text in outputs(notebook, "unit-report") for text in ("Сохранения на пост", "(10 − 0) ÷ (8 − 0)")
    )
    assert tree() == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # jupyter-scheduler's own
def test_a_report_is_made_by_jupyter_scheduler(tmp_path: Path) -> None:
    """Its execution manager, as the server starts it: parameters by name, each a Python literal."""
    from jupyter_scheduler.executors import DefaultExecutionManager
    from jupyter_scheduler.orm import Job, create_session, create_tables

    data, params = build(tmp_path, [entry("leads")], leads=["l1,a,2025-10-01T12:00"])
    given = {"specialist": "ann", "period": "2025-10", "data": str(data), "params": str(params)}
    parameters = {
        name: repr(value) for name, value in (given | {"out": str(tmp_path / "out"), "save": True}).items()
    }
    staged = tmp_path / "staging" / "specialist_report.ipynb"
    staged.parent.mkdir()
    staged.write_bytes((NOTEBOOKS / staged.name).read_bytes())
    place = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    create_tables(place)
    with create_session(place)() as session:
        job = Job(
            runtime_environment_name="kpi-kit",
            input_filename=staged.name,
            name="october",
            parameters=parameters,
            output_formats=["html"],
        )
        session.add(job)
        session.commit()
        manager = DefaultExecutionManager(
            job.job_id,
            str(tmp_path),
            place,
            {"input": str(staged), "html": str(staged.with_suffix(".html"))},
        )
        manager.process()
        session.refresh(job)
        assert (job.status, job.status_message) == ("COMPLETED", None)
        session.get_bind().dispose()
    manager.db_session.kw["bind"].dispose()
    card = json.loads((tmp_path / "out/2025-10/ann.json").read_text(encoding="utf-8"))
    assert [row["value"] for row in card["kpis"]] == [1.0]
    assert "k-scorecard" in staged.with_suffix(".html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_stripped(path: Path) -> None:
    """As the hook of pre-commit leaves them."""
    notebook = nbformat.read(path, as_version=4)
    stripped = strip_output(
        nbformat.read(path, as_version=4), keep_output=False, keep_count=False, keep_id=True
    )
    assert notebook == stripped


def test_the_hooks_have_the_versions_of_the_lock() -> None:
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")
    lines = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8").splitlines()
    lock = {line.removesuffix("\\").strip() for line in lines}
    pins = [
        pin for repo in hooks["repos"] for hook in repo["hooks"] for pin in hook["additional_dependencies"]
    ]
    assert sorted(pin.partition("==")[0] for pin in pins) == ["nbstripout", "ruff", "ruff"]
    assert set(pins) <= lock
