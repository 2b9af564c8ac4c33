"""How long the commands take that people wait for, as ratios to an import of the libraries under them.

Run ``python benchmarks/commands.py [ROUNDS]``. Each round runs every command once on the sample with its six
people. A ratio is that of a command to the *base* of the same round; medians are printed beside the marks.
``watch`` is the time from a saved target to the new pages of ``run --watch``.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
PERIOD, PERSON = "2025-10", "elena-volkova"
BASE = "import pandas, scipy.stats, matplotlib.pyplot, duckdb"
MARKS = {
    "score": 1.0,
    "check": 1.25,
    "kk.open": 0.9,
    "nothing changed": 0.42,
    "one target changed": 2.1,
    "watch": None,
}
"""The most that each may take, in bases."""


def kit(command: str, folder: Path, *more: str) -> list[str]:
    """A command on the sample, with the params and the reports in a folder."""
    places = ("--data", "data/sample", "--params", str(folder / "params"), "--out", str(folder / "reports"))
    return [sys.executable, "-m", "kpi_kit", command, *places, "--period", PERIOD, *more]


def seconds(command: list[str]) -> float:
    """The wall-clock seconds of a command."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - begun


def change_target(folder: Path) -> None:
    """Raise the first target of a person by one."""
    file = folder / "params/specialists" / f"{PERSON}.yml"
    text = file.read_text(encoding="utf-8")
    raised = re.sub(r"at_least: (\d+)", lambda match: f"at_least: {int(match[1]) + 1}", text, count=1)
    assert raised != text
    file.write_text(raised, encoding="utf-8")


@contextmanager
def watching(folder: Path) -> Iterator[IO[str]]:
    """The lines of a run that watches, after its first reports."""
    command = kit("run", folder, "--watch", "--engine", "embedded", "--language", "en")
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        read_to("watching", process.stdout)
        yield process.stdout
    finally:
        process.terminate()
        process.communicate()


def read_to(word: str, lines: IO[str]) -> None:
    """Read lines up to one with a word."""
    while word not in (line := lines.readline()):
        assert line, "the watch has ended"


def measured(folder: Path) -> dict[str, float]:
    """The seconds of one round."""
    run = kit("run", folder, "--engine", "embedded")
    opened = f"import kpi_kit as kk; kk.open('data/sample', {str(folder / 'params')!r})"
    took = {
        "base": seconds([sys.executable, "-c", BASE]),
        "score": seconds(kit("score", folder, "--specialist", PERSON, "--json")),
        "check": seconds(kit("check", folder)),
        "kk.open": seconds([sys.executable, "-c", opened]),
    }
    seconds(run)
    took["nothing changed"] = seconds(run)
    change_target(folder)
    took["one target changed"] = seconds(run)
    with watching(folder) as lines:
        change_target(folder)
        begun = time.perf_counter()
        read_to("pages", lines)
        took["watch"] = time.perf_counter() - begun
    return took


def main() -> int:
    rounds = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "params", folder / "params")
        for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
            rounds.append(measured(folder))
    missed = False
    print(f"base: {statistics.median(took['base'] for took in rounds):.2f} s")
    for command, mark in MARKS.items():
        ratios = sorted(took[command] / took["base"] for took in rounds)
        ratio, wall = statistics.median(ratios), statistics.median(took[command] for took in rounds)
        missed |= mark is not None and ratio > mark
        asked = "" if mark is None else f", mark {mark:g}{'' if ratio <= mark else ': missed'}"
        print(
            f"{command:20}{wall:6.2f} s, {ratio:.2f} of the base ({ratios[0]:.2f} to {ratios[-1]:.2f}){asked}"
        )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
