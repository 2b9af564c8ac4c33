"""The same batch on a cluster of dask; without dask.distributed these tests are skipped."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from kpi_kit.batch import run as batch
from kpi_kit.cli.main import main
from kpi_kit.core.errors import InputError
from kpi_kit.params.brand import Brand
from kpi_kit.scorecard.cohort import Cohort

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NAMES = ["anna", "ivan", "olga", "petr"]
KILLS_A_WORKER = """
import os, signal
from pathlib import Path

victim = Path(data) / "victim"
if specialist == "ivan" and victim.exists():
    pid = int(victim.read_text())
    victim.unlink()
    os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        tempfile.TemporaryDirectory(prefix="t") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        # a cluster's processes must not take this one's files for their main program
        patch.setattr(sys.modules["__main__"], "__spec__", None)
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=folder
        ) as cluster:
            yield cluster


@pytest.mark.filterwarnings("default")
def test_a_worker_that_dies_in_the_middle_costs_no_report(cluster, monkeypatch, tmp_path):
    loaded = SimpleNamespace(
        folder=tmp_path,
        department=SimpleNamespace(language="ru", timezone="UTC", agency="Маяк", brand=Brand()),
        specialists={name: SimpleNamespace(name=name, notebook=None, language=None) for name in NAMES},
        broken={},
    )
    hashes = SimpleNamespace(
        forecasts=str,
        specialist=lambda *_: {},
        department=lambda *_: {},
        across=lambda: {},
    )
    monkeypatch.setattr(batch.settings, "load", lambda folder: loaded)
    monkeypatch.setattr(batch, "_inputs", lambda run, folder: nullcontext((run, loaded, hashes)))
    monkeypatch.setattr(batch.cohort, "compute", lambda *_, **__: (Cohort(), {}))
    monkeypatch.setattr(batch.payout, "write", lambda *_: None)  # it reads whole scorecards
    notebook = nbformat.read(NOTEBOOKS / "good.ipynb", as_version=4)
    notebook.cells.insert(1, nbformat.v4.new_code_cell(KILLS_A_WORKER, id="kills"))
    nbformat.write(notebook, tmp_path / "specialist_report.ipynb")
    shutil.copy(NOTEBOOKS / "department.ipynb", tmp_path / "department_report.ipynb")
    victim = next(iter(cluster.workers.values())).pid
    (tmp_path / "victim").write_text(str(victim), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    options = batch.RunOptions(
        "2025-10",
        data=tmp_path,
        params="p",
        out="out",
        notebooks=tmp_path,
        engine="embedded",
        scheduler=cluster.scheduler_address,
    )
    outcome = batch.run(options)

    assert outcome.failed == {}
    assert not (tmp_path / "victim").exists(), "a worker was killed"
    assert not Path(f"/proc/{victim}").exists()
    made = {path.name for path in outcome.folder.glob("*.html")}
    assert made == {f"{name}.html" for name in [*NAMES, "index"]}


def test_a_scheduler_that_is_not_there_is_one_sentence(tmp_path):
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="scheduler nowhere://: there is none at this address"):
        batch.Cluster("nowhere://")


def test_without_dask_the_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="the library distributed is missing"):
        batch.Cluster("tcp://127.0.0.1:1")


@pytest.mark.parametrize("half", [["--executor", "dask"], ["--scheduler", "tcp://127.0.0.1:1"]])
def test_executor_and_scheduler_come_together(half, capsys, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert main(["run", *half]) == 2
    assert "expected both or none" in capsys.readouterr().err
