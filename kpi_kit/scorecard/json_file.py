"""Scorecards as JSON files: seal, write atomically, read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar, cast

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sha256, write_file
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.scorecard.entry_record import EarlierEntry
from kpi_kit.scorecard.record import AnyScorecard, EarlierScorecard, Scorecard

SCHEMA = file_versions.current("scorecard")
"""The schema version of the JSON."""

EntryKey: TypeAlias = tuple[str, str, str, str]
"""KPI, as, versus and scope: unique within a scorecard."""


S = TypeVar("S", Scorecard, EarlierScorecard)


def sealed(record: S) -> S:
    """The scorecard with its seal: a hash of its content, by which an edit by hand shows."""
    return {**record, "provenance": {**record["provenance"], "seal": _seal(record)}}


def is_sealed(record: AnyScorecard) -> bool:
    """Whether the seal fits the content; scorecards of older kits have none and count as sealed."""
    return bool(record["provenance"].get("seal") in (None, _seal(record)))


def _seal(record: AnyScorecard) -> str:
    unsealed = {name: value for name, value in record["provenance"].items() if name != "seal"}
    text = json.dumps({**record, "provenance": unsealed}, ensure_ascii=False, sort_keys=True)
    return sha256(text)[:16]


def dumps(record: Mapping[str, object]) -> str:
    """A scorecard or department view as JSON text, the same bytes for the same record."""
    return json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def save(record: Mapping[str, object], path: Path) -> None:
    """Write a scorecard or department view atomically."""
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
        raise InputError(Phrase("scorecard.unreadable", file=path, fault=fault)) from None
    schema = record.get("schema") if isinstance(record, dict) else None
    file_versions.refuse_other("scorecard", schema, path, InputError)
    return cast(Scorecard, record)


def entries(card: AnyScorecard) -> dict[EntryKey, EarlierEntry]:
    """The entries of a scorecard by their keys."""
    return {
        (row["kpi"], row["as"], row["versus"], json.dumps(row["scope"], sort_keys=True)): row
        for row in card["kpis"]
    }
