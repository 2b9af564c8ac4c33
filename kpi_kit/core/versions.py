"""The versions of the kit and of the libraries that a report is made with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from kpi_kit.core.files import sha256_of_files

KIT = Path(__file__).parents[1]
LIBRARIES = (
    "babel",
    "duckdb",
    "holidays",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "scipy",
)
"""The libraries whose versions a report shows."""


@cache
def source(folder: Path = KIT) -> str:
    """A hash of the kit's files."""
    return sha256_of_files(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


@cache
def versions() -> Mapping[str, str]:
    """The versions by package."""
    return {name: metadata.version(name) for name in ("kpi-kit", *LIBRARIES)}
