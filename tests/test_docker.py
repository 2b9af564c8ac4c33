"""The Dockerfile: its lines name what is there, install the pinned packages, and do not run as root."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINES = [
    line.split(maxsplit=1)
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_the_lines_name_what_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (base,) = [rest for name, rest in LINES if name == "FROM"]
    version = re.search(r"python:(\d+)\.(\d+)", base)
    assert version and (int(version[1]), int(version[2])) >= (3, 11)
    for name, rest in LINES:
        if name == "COPY":
            assert (ROOT / rest.split()[0]).exists(), rest
    assert "kpi-kit" in project["scripts"]
    assert ["ENTRYPOINT", '["kpi-kit"]'] in LINES


def test_packages_are_pinned_by_hash_and_the_kit_adds_none() -> None:
    runs = [rest for name, rest in LINES if name == "RUN"]
    assert any("--require-hashes -r /kit/requirements.lock" in run for run in runs)
    assert any("--no-deps /kit" in run for run in runs)
    assert "--hash=sha256:" in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_it_does_not_run_as_root() -> None:
    names = [name for name, _ in LINES]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert ["USER", "root"] not in LINES
