"""Scorecards as files: sealed, written whole or not at all, read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sha256, write_file
from kpi_kit.core.json_io import read_json

SCHEMA = file_versions.current("scorecard")
"""The version of the JSON's shape."""

Scorecard: TypeAlias = dict[str, Any]

Entry: TypeAlias = tuple[str, str, str, str]
"""What tells the entries of a scorecard apart: KPI, as, versus and scope."""


def sealed(record: Scorecard) -> Scorecard:
    """The scorecard with a hash of itself, by which a figure that somebody changes in it shows."""
    return {**record, "provenance": {**record["provenance"], "seal": _seal(record)}}


def is_sealed(record: Scorecard) -> bool:
    """Whether nobody has changed a scorecard since it was made; older kits did not seal theirs."""
    return bool(record["provenance"].get("seal") in (None, _seal(record)))


def _seal(record: Scorecard) -> str:
    unsealed = {name: value for name, value in record["provenance"].items() if name != "seal"}
    text = json.dumps({**record, "provenance": unsealed}, ensure_ascii=False, sort_keys=True)
    return sha256(text)[:16]


def dumps(record: Scorecard) -> str:
    """The scorecard as JSON text, the same bytes for the same record."""
    return json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def save(record: Scorecard, path: Path) -> None:
    """Write a scorecard, whole or not at all."""
    write_file(path, dumps(record))


def load(path: Path) -> Scorecard:
    """Read a scorecard.

    Raises
    ------
    InputError
        Where the file is no scorecard of this schema.
    """
    try:
        record = read_json(path)
    except (OSError, ValueError) as fault:
        raise InputError(f"{path}: a scorecard is expected, and it cannot be read ({fault})") from None
    found = record.get("schema") if isinstance(record, dict) else None
    file_versions.refuse_other("scorecard", found, path, InputError)
    return dict(record)


def entries(card: Mapping[str, Any]) -> dict[Entry, Mapping[str, Any]]:
    """The rows of a scorecard by what tells them apart."""
    return {
        (row["kpi"], row["as"], row["versus"], json.dumps(row["scope"], sort_keys=True)): row
        for row in card["kpis"]
    }
