"""What a crash, a full disk, another writer or a reader in the middle can do to a data folder: nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import store as soak
from kpi_kit.core.errors import InputError
from kpi_kit.data import transaction
from kpi_kit.data.merge import writing
from kpi_kit.data.store import open_store

ROOT = Path(__file__).parents[2]
KINDS = {"files": 100, "parts": 2}
"""From how many rows on a table is kept in parts."""


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A data folder with three imports."""
    folder = tmp_path_factory.mktemp("made") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "LARGE", KINDS[request.param])
        for number in range(3):
            soak.bring(folder, number)
    return folder, KINDS[request.param]


@pytest.fixture
def folder(made: tuple[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    monkeypatch.setattr(writing, "LARGE", made[1])
    shutil.copytree(made[0], tmp_path / "data")
    return tmp_path / "data"


def fails_at(number: int, monkeypatch: pytest.MonkeyPatch, method: str = "replace") -> None:
    """Let the n-th call of a method of paths fail, as where the process dies there."""
    calls = iter(range(1000))
    usual = getattr(Path, method)

    def call(self: Path, *given: Any, **named: Any) -> Any:
        if next(calls) == number:
            raise OSError(28, "No space left on device")
        return usual(self, *given, **named)

    monkeypatch.setattr(Path, method, call)


@pytest.mark.parametrize("number", range(4))
def test_an_import_that_stops_between_two_moves_is_finished_by_the_next_reader(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fails_at(number, patch)
        with pytest.raises(InputError, match="the import counts, but not all of its files could be moved"):
            soak.bring(folder, 3)
    assert transaction.pending(folder)
    assert soak.state(folder) == 3
    assert not transaction.pending(folder)


@pytest.mark.parametrize(("method", "number"), [("rename", 0), ("write_text", 0), ("mkdir", 1), ("mkdir", 3)])
def test_before_it_counts_an_import_that_fails_has_changed_nothing(
    method: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fails_at(number, patch, method)
        with pytest.raises(InputError, match=r"cannot be written to \(No space left on device\)"):
            soak.bring(folder, 3)
    assert soak.state(folder) == 2
    soak.bring(folder, 3)
    assert soak.state(folder) == 3
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".data-import")] == []


def test_what_a_killed_import_has_left_is_swept_by_the_next(folder: Path) -> None:
    left = folder.parent / ".data-import-dead"
    (left / "new").mkdir(parents=True)
    ready = folder.parent / ".data-import-ready"  # its plan is gone: all was moved, only the rest is left
    (ready / "preview").mkdir(parents=True)
    assert soak.state(folder) == 2
    soak.bring(folder, 3)
    assert soak.state(folder) == 3
    assert not left.exists()
    assert not ready.exists()


def test_a_reader_is_told_when_an_import_has_changed_what_it_reads(folder: Path) -> None:
    with open_store(folder, "UTC") as store:
        assert len(store.frame("posts")) == 3
        soak.bring(folder, 3)
        with pytest.raises(InputError, match="has changed while it was being read; try again"):
            store.frame("comments")
    assert soak.state(folder) == 3


def test_a_mixed_folder_would_be_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fails_at(3, patch)
        with pytest.raises(InputError):
            soak.bring(folder, 3)
    (folder.parent / ".data-import-ready" / "plan.json").unlink()
    with pytest.raises(AssertionError, match="another import|mixed views|assert"):
        soak.state(folder)


def test_a_few_kills_full_disks_writers_and_readers() -> None:
    program = [sys.executable, str(ROOT / "benchmarks" / "store.py"), "--times", "1", "--seed", "7"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(soak.TRIALS)
