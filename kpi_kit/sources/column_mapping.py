"""The YAML file that says which column of a foreign CSV is which canonical column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.schema import Table
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.sources.rows import refuse

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
    record = _yaml(path)
    problems = [
        f"{path}: key {key!r} is unknown{did_you_mean(key, _KEYS)}" for key in record if key not in _KEYS
    ]
    columns = _section(record, "columns", path, problems)
    constants = _section(record, "constants", path, problems)
    for section, values in (("columns", columns), ("constants", constants)):
        problems += [
            f"{path}: {section}: table {table.name} has no column {name!r}{did_you_mean(name, table.names)}"
            for name in values
            if name not in table.names
        ]
    problems += [
        f"{path}: {name} is in columns and in constants; keep one" for name in columns if name in constants
    ]
    if not columns and not problems:
        problems.append(f"{path}: columns is missing: it names the CSV's header of each canonical column")
    named = {name: _header_name(name, value, path, problems) for name, value in columns.items()}
    fixed = {name: _constant(name, value, path, problems) for name, value in constants.items()}
    zone = _zone(record.get("timezone"), path, problems)
    refuse(problems)
    return ColumnMapping(named, fixed, zone)


def _yaml(path: Path) -> Mapping[Any, Any]:
    try:
        record = read_yaml(path)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if not isinstance(record, Mapping):
        raise InputError(f"{path}: expected the keys {', '.join(_KEYS)}, found {_shown(record)}")
    return record


def _section(record: Mapping[Any, Any], key: str, path: Path, problems: list[str]) -> Mapping[Any, Any]:
    section = record.get(key)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        problems.append(
            f"{path}: {key}: expected pairs of canonical column and value, found {_shown(section)}"
        )
        return {}
    return section


def _header_name(name: str, value: Any, path: Path, problems: list[str]) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
        return str(value)
    problems.append(f"{path}: columns: {name}: expected a header of the CSV, found {_shown(value)}")
    return ""


def _constant(name: str, value: Any, path: Path, problems: list[str]) -> str:
    # YAML turns a time with an offset into a naive one, so a time must come as text.
    if isinstance(value, str | int | float) or (
        isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    ):
        return str(value)
    problems.append(
        f"{path}: constants: {name}: expected text, a number, a date, true or false (a time in quotes), "
        f"found {_shown(value)}"
    )
    return ""


def _zone(value: Any, path: Path, problems: list[str]) -> ZoneInfo | None:
    if value is None:
        return None
    try:
        return ZoneInfo(value)
    except (TypeError, ValueError, AttributeError, OSError, LookupError):
        problems.append(f"{path}: timezone: expected a name such as Europe/Moscow, found {_shown(value)}")
        return None


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value!r:.60}"
