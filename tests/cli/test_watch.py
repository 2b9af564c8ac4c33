"""``run --watch``: reports are made again as soon as an input has changed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from kpi_kit.cli import BAD_INPUT, STOPPED
from kpi_kit.cli.main import main
from tests.agency import build, entry

LEAD = ["l1,a,2025-10-10T12:00"]
PATIENCE = 60


@contextmanager
def watching(data: Path, params: Path, out: Path) -> Iterator[tuple[subprocess.Popen[str], Queue[str]]]:
    """A process that watches, and the lines that it prints."""
    places = ["--data", str(data), "--params", str(params), "--out", str(out), "--engine", "embedded"]
    command = [sys.executable, "-m", "kpi_kit", "run", "--watch", "--period", "2025-10", "--language", "en"]
    process = subprocess.Popen([*command, *places], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines: Queue[str] = Queue()
    threads = [
        threading.Thread(target=lambda stream=stream: [lines.put(line) for line in stream])
        for stream in (process.stdout, process.stderr)
    ]
    for thread in threads:
        thread.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        for thread in threads:
            thread.join()
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()  # type: ignore[union-attr]


def line_with(lines: Queue[str], words: str) -> str:
    while words not in (line := lines.get(timeout=PATIENCE)):
        pass
    return line


def test_a_changed_target_is_seen_and_a_broken_file_is_told(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads", target={"at_least": 2})], leads=LEAD)
    file, out = params / "specialists" / "ann.yml", tmp_path / "out"
    whole = file.read_text(encoding="utf-8")

    def target() -> float:
        card = json.loads((out / "2025-10" / "ann.json").read_text(encoding="utf-8"))
        return float(card["kpis"][0]["target"]["value"])

    with watching(data, params, out) as (process, lines):
        assert line_with(lines, "watching for changes")
        assert target() == 2
        file.write_text(whole.replace("kpi: leads", "kpi: laeds"), encoding="utf-8")
        assert "laeds" in line_with(lines, "laeds")
        file.write_text(whole.replace("2", "3"), encoding="utf-8")
        line_with(lines, "pages")
        assert target() == 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == STOPPED


def test_it_watches_files_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1", "--period", "2025-10"]
    assert main(["run", "--watch", *options]) == BAD_INPUT
    assert "--watch follows files of this machine" in capsys.readouterr().err
