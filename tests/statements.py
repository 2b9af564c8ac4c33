"""Imports of small tables, and what a data folder holds after them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from kpi_kit.data.merge import Import, Origin, Outcome, add
from kpi_kit.data.store import open_store

ZONE = "Europe/Moscow"
PLATFORMS = {"vk-a": "vk", "vk-b": "vk", "tg-a": "telegram"}
DTYPES = {"likes": "Int64", "views": "Int64", "sale_amount": "Float64", "qualified": "boolean"}


def moment(text: str) -> dt.datetime:
    """An instant in UTC."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows as importers give them."""
    made = pd.DataFrame(rows)
    for name in made.columns:
        if name.endswith("_at"):
            made[name] = pd.to_datetime(made[name], utc=True, format="ISO8601")
        elif name in DTYPES:
            made[name] = made[name].astype(DTYPES[name])
        else:
            made[name] = made[name].astype("str").where(made[name].notna())
    return made


def statement(
    name: str,
    day: int = 1,
    *,
    importer: str = "crm",
    source: str = "",
    account: str = "vk-a",
    days: tuple[str, str] | None = None,
    replace: bool = False,
    complete: Sequence[str] = (),
    **tables: Sequence[dict[str, Any]],
) -> Import:
    """An import of the given tables, fetched on a day of November."""
    at = dt.datetime(2025, 11, day, tzinfo=dt.UTC)
    owners = {account} | {
        row["account_id"] for listed in tables.values() for row in listed if "account_id" in row
    }
    accounts = [
        {"account_id": owner, "platform": PLATFORMS[owner], "title": owner} for owner in sorted(owners)
    ]
    span = tuple(map(dt.date.fromisoformat, days)) if days else None
    covered = {(table, account): [span] for table in tables} if span else {}
    return Import(
        {"accounts": frame(accounts), **{table: frame(rows) for table, rows in tables.items()}},
        covered,  # type: ignore[arg-type]
        Origin(importer, (f"{name}.csv",), f"{name:0<20}", at, at, source or account),
        replace=replace,
        complete=frozenset(complete),
    )


def lead(number: str, created: str = "2025-10-03T10:00", **more: Any) -> dict[str, Any]:
    """A lead of vk-a unless it says otherwise."""
    return {"lead_id": number, "account_id": "vk-a", "created_at": created, **more}


def post(number: str, published: str = "2025-10-05T12:00", **more: Any) -> dict[str, Any]:
    """A post of vk-a unless it says otherwise."""
    return {"post_id": number, "account_id": "vk-a", "published_at": published, **more}


def take(folder: Path, *imports: Import) -> list[Outcome]:
    """Add imports, one after another."""
    return [add(folder, [one], ZONE) for one in imports]


def rows(folder: Path, table: str) -> pd.DataFrame:
    """A table of a data folder."""
    with open_store(folder, ZONE) as store:
        return store.frame(table)


def values(folder: Path, table: str, *columns: str) -> list[list[Any]]:
    """Some columns of a table; unknown values are None."""
    chosen = rows(folder, table)[list(columns)]
    return [[None if pd.isna(cell) else cell for cell in row] for row in chosen.to_numpy().tolist()]


def state(folder: Path) -> dict[str, list[list[str]]]:
    """Every table that has rows, value for value."""
    with open_store(folder, ZONE) as store:
        tables = {name: store.frame(name) for name in store.sources}
    return {name: table.astype("str").to_numpy().tolist() for name, table in tables.items() if len(table)}
