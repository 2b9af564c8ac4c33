"""The fork server at the end of its run: no traceback, and no files left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kpi_kit.batch import preload


def test_a_step_in_a_folder_that_the_run_has_removed_ends_the_server_silently(tmp_path, monkeypatch):
    monkeypatch.setattr(preload, "_place", tmp_path / "gone")
    with pytest.raises(SystemExit) as ended:
        preload._take((tmp_path / "gone" / "empty.ipynb").read_bytes)
    assert ended.value.code is None


def test_a_step_that_fails_while_the_run_lives_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(preload, "_place", tmp_path)
    with pytest.raises(FileNotFoundError):
        preload._take((tmp_path / "empty.ipynb").read_bytes)


def test_files_of_a_run_go_when_it_has_ended_and_not_before(tmp_path, monkeypatch):
    (tmp_path / "kpi-1" / "pymp-1").mkdir(parents=True)
    monkeypatch.setattr(preload, "_GRACE", 0.05)
    preload._remove_after(os.getppid(), tmp_path / "kpi-1")
    assert (tmp_path / "kpi-1").is_dir()
    parents = iter([1234, 1234, 1, 1])
    monkeypatch.setattr(preload.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(preload, "_GRACE", 5.0)
    preload._remove_after(1234, tmp_path / "kpi-1")
    assert not Path(tmp_path / "kpi-1").exists()
