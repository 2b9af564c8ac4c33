"""Tiny agencies on disk: data tables and params from plain dicts.

::

    write_data(tmp_path / "data", {"posts": [{"post_id": "p1", ...}]}, fmt="csv")
    write_params(tmp_path / "params", {"timezone": "UTC"}, {"anna": {"kpis": [...]}})

Values are written as given: texts, numbers, dates, times (aware or naive), None for unknown.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
from ruamel.yaml import YAML

Rows = Sequence[Mapping[str, Any]]

ACCOUNTS: list[dict[str, Any]] = [
    {"account_id": "vk-a", "platform": "vk", "title": "Кофе"},
    {"account_id": "tg-a", "platform": "telegram", "title": "Кофе, канал"},
]
"""Two accounts, for tests that need some."""


def write_data(
    folder: Path, tables: Mapping[str, Rows], fmt: Literal["csv", "parquet", "parts", "database"] = "csv"
) -> Path:
    """Write tables and return the place to open.

    ``parts`` puts the rows into one Parquet file per month of the first date or time column
    (``<table>/month=YYYY-MM/part.parquet``); ``database`` makes ``folder/data.duckdb``. A table
    without rows is a CSV header in ``csv`` and cannot be written otherwise. Columns are the union
    of the keys of the rows, in order of appearance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows = _with_accounts(rows, tables) if name == "post_stats" else rows
        columns = list(dict.fromkeys(column for row in rows for column in row))
        cells = [[row.get(column) for column in columns] for row in rows]
        match fmt:
            case "csv":
                _write_csv(folder / f"{name}.csv", columns, cells)
            case "parquet":
                _copy(_frame(columns, cells), folder / f"{name}.parquet")
            case "parts":
                for month, part in _by_month(columns, cells).items():
                    home = folder / name / f"month={month}"
                    home.mkdir(parents=True, exist_ok=True)
                    _copy(_frame(columns, part), home / "part.parquet")
            case "database":
                _copy(_frame(columns, cells), folder / "data.duckdb", table=name)
    return folder / "data.duckdb" if fmt == "database" else folder


def write_csv(folder: Path, **texts: str | bytes) -> Path:
    """Write CSV files as they are given: ``write_csv(folder, posts="post_id,…")``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def write_params(
    folder: Path,
    department: Mapping[str, Any] | str | None,
    specialists: Mapping[str, Mapping[str, Any] | str],
) -> Path:
    """Write ``department.yml`` and ``specialists/<id>.yml``; a text is written as it is.

    A specialist who has no name or accounts gets one and ``[vk-a, tg-a]``; the department gets a name.
    """
    (folder / "specialists").mkdir(parents=True, exist_ok=True)
    if isinstance(department, Mapping) or department is None:
        department = {"agency": "Маяк", **(department or {})}
    _write_yaml(folder / "department.yml", department)
    for name, person in specialists.items():
        if isinstance(person, Mapping):
            person = {"name": name.title(), "accounts": ["vk-a", "tg-a"], **person}
        _write_yaml(folder / "specialists" / f"{name}.yml", person)
    return folder


def _write_yaml(file: Path, content: Mapping[str, Any] | str) -> None:
    with file.open("w", encoding="utf-8") as stream:
        if isinstance(content, str):
            stream.write(content)
        else:
            yaml = YAML(typ="safe", pure=True)
            yaml.sort_base_mapping_type_on_output = False  # the order of keys is the author's
            yaml.dump(dict(content), stream)


def _with_accounts(snapshots: Rows, tables: Mapping[str, Rows]) -> Rows:
    """Snapshots with the account of their post, for tests in which ids of posts are unique."""
    accounts = {post.get("post_id"): post.get("account_id") for post in tables.get("posts", ())}
    return [{"account_id": accounts.get(row.get("post_id"), "vk-a"), **row} for row in snapshots]


def _write_csv(file: Path, columns: list[str], cells: list[list[Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(cell) for cell in row] for row in cells)


def _text(cell: Any) -> Any:
    if cell is None:
        return ""
    return cell.isoformat() if isinstance(cell, dt.date) else cell


def _frame(columns: list[str], cells: list[list[Any]]) -> pd.DataFrame:
    return pd.DataFrame({name: _series([row[i] for row in cells]) for i, name in enumerate(columns)})


def _series(cells: list[Any]) -> pd.Series:
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, dt.datetime) for cell in known):
        return pd.Series(pd.to_datetime(pd.Series(cells, dtype="object"), utc=known[0].tzinfo is not None))
    return pd.Series(cells, dtype=None if known and len(known) == len(cells) else "object")


def _copy(frame: pd.DataFrame, file: Path, table: str | None = None) -> None:
    with duckdb.connect(str(file) if table else ":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", frame)
        if table:
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM given")
        else:
            connection.execute(f"COPY (SELECT * FROM given) TO '{file}' (FORMAT parquet)")


def _by_month(columns: list[str], cells: list[list[Any]]) -> dict[str, list[list[Any]]]:
    clock = next(
        (i for i, name in enumerate(columns) if name in ("date", "since") or name.endswith("_at")), None
    )
    months: dict[str, list[list[Any]]] = {}
    for row in cells:
        moment = None if clock is None else row[clock]
        months.setdefault("0000-00" if moment is None else str(_text(moment))[:7], []).append(row)
    return months
