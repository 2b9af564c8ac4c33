"""The YAML file that says which column of a foreign CSV is which canonical column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.errors import did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Table
from kpi_kit.sources.rows import refuse
from kpi_kit.sources.yaml_problems import read_keys, within, wrong_value

_KEYS = ("columns", "timezone", "constants")


@dataclass(frozen=True)
class ColumnMapping:
    """The content of a mapping file.

    Parameters
    ----------
    columns : mapping of str to str
        Header of the CSV by canonical column.
    constants : mapping of str to str
        Text of every row's cell by canonical column.
    timezone : zoneinfo.ZoneInfo or None
        Of naive times in the file; None is the department's.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    timezone: ZoneInfo | None


def read_mapping(path: Path, table: Table) -> ColumnMapping:
    """Read and check a mapping for a table.

    Raises
    ------
    InputError
        Naming everything that is wrong in the file.
    """
    record, problems = read_keys(path, _KEYS)
    columns = _section(record, "columns", path, problems)
    constants = _section(record, "constants", path, problems)
    for section, values in (("columns", columns), ("constants", constants)):
        problems += unknown_columns(path, section, values, table)
    problems += [Phrase("sources.in_both", file=path, name=name) for name in columns if name in constants]
    if not columns and not problems:
        problems.append(Phrase("sources.columns_missing", file=path))
    named = {name: _header_name(name, value, path, problems) for name, value in columns.items()}
    fixed = {name: _constant(name, value, path, problems) for name, value in constants.items()}
    zone = _zone(record.get("timezone"), path, problems)
    refuse(problems)
    return ColumnMapping(named, fixed, zone)


def unknown_columns(path: Path, section: str, names: Iterable[object], table: Table) -> list[Phrase]:
    """A sentence on each name that is no column of the table."""
    fields = {"file": path, "section": section, "table": table.name}
    return [
        Phrase("sources.no_such_column", name=name, nearest=did_you_mean(name, table.names), **fields)
        for name in names
        if name not in table.names
    ]


def _section(record: Mapping[Any, Any], key: str, path: Path, problems: list[str]) -> Mapping[Any, Any]:
    section = record.get(key)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        problems.append(wrong_value(path, key, "pairs", section))
        return {}
    return section


def _header_name(name: str, value: Any, path: Path, problems: list[str]) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    problems.append(wrong_value(path, within("columns", name), "header", value))
    return ""


def _constant(name: str, value: Any, path: Path, problems: list[str]) -> str:
    # YAML turns a time with an offset into a naive one, so a time must come as text.
    if isinstance(value, str | int | float) or (
        isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    ):
        return str(value)
    problems.append(wrong_value(path, within("constants", name), "constant", value))
    return ""


def _zone(value: Any, path: Path, problems: list[str]) -> ZoneInfo | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value)
    except (TypeError, ValueError, AttributeError, OSError, LookupError):
        problems.append(wrong_value(path, "timezone", "zone", value))
        return None
