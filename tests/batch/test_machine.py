"""How many notebooks a machine can carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpi_kit.batch import machine


@pytest.mark.parametrize(
    ("cores", "gibibytes", "jobs"), [(1, 0.0, 1), (1, 64.0, 1), (2, 4.0, 2), (8, 2.0, 5), (64, 8.0, 25)]
)
def test_memory_bounds_the_jobs(cores, gibibytes, jobs):
    assert machine.jobs(cores, int(gibibytes * 2**30)) == jobs


def container(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text + "\n", encoding="ascii")
    return folder


def test_a_containers_bounds_count(tmp_path):
    free = machine.memory(tmp_path)
    group = container(tmp_path, cpu_max="100000 100000", memory_max="1000000", memory_current="400000")
    assert machine.cores(group) == 1
    assert machine.memory(group) == 600_000
    container(tmp_path, cpu_max="20000 100000", memory_current="2000000")
    assert machine.cores(group) == 1
    assert machine.memory(group) == 0
    container(tmp_path, cpu_max="max 100000", memory_max="max")
    assert machine.cores(group) == machine.cores(tmp_path / "nowhere")
    assert machine.memory(group) == pytest.approx(free, rel=0.2)
