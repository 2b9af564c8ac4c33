"""Large data: the rows of some accounts and brands, taken out of Parquet once for all who need them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path

from kpi_kit.store import TIMELESS, Store
from kpi_kit.table_files import Source, literal, quoted

_KINDS = ("parquet", "parts")
"""Whose statistics tell which parts of which files need not be read; a CSV file is read whole anyway."""


def has_large(store: Store) -> bool:
    """Whether there are tables of which rows can be taken out."""
    return any(map(_is_large, store.sources.values()))


def _is_large(source: Source) -> bool:
    return source.kind in _KINDS and source.table.name not in ("accounts", "coverage")


def narrowed(
    store: Store,
    owned: Mapping[str, Collection[str]],
    since: dt.datetime | None,
    folder: Path,
) -> Store:
    """The same data as far as they concern some accounts and brands; what others have is not there.

    Parameters
    ----------
    store : Store
    owned : mapping of str to collection of str
        The accounts by ``account_id``, the brands by ``brand``.
    since : datetime or None
        Rows before it are left out, of tables in which rows of any age do not matter.
    folder : Path
        Where the rows are kept; it must outlive the store.
    """
    folder.mkdir(parents=True, exist_ok=True)
    extracts = {}
    for name, source in store.sources.items():
        if _is_large(source):
            extracts[name] = folder / f"{name}.parquet"
            rows = _rows(store, source, owned, None if name in TIMELESS else since)
            store.connection.execute(f"COPY ({rows}) TO {literal(str(extracts[name]))} (FORMAT parquet)")
    return store.knowing(store.learn(extracts))


def _rows(
    store: Store, source: Source, owned: Mapping[str, Collection[str]], since: dt.datetime | None
) -> str:
    """SQL of the rows as they are in the files, numbered."""
    names = ", ".join(quoted(name) for name in source.table.names if name in source.columns)
    rows = f"SELECT {names}, _file, _row FROM ({source.raw(numbered=True)})"
    if source.table.scope is None:  # snapshots of posts belong to whose posts they are
        if "posts" not in store.sources:
            return f"{rows} WHERE false"
        theirs = f"SELECT post_id FROM ({store.theirs('posts', owned)})"
        return f"{rows} WHERE {source.near(None, since)} AND CAST(post_id AS VARCHAR) IN ({theirs})"
    scope, own = source.table.scope, owned[source.table.scope]
    near = source.near(sorted(own), since)
    listed = ", ".join(map(literal, sorted(own))) or "NULL"
    return f"{rows} WHERE {near} AND CAST({scope} AS VARCHAR) IN ({listed})"
