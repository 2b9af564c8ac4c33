"""The rows of some accounts and brands, taken out of files once for all who need them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from pathlib import Path

from kpi_kit.data.store import TIMELESS, Store
from kpi_kit.data.table_source import Source, literal, quoted

LARGE = ("parquet", "parts")
"""Files whose statistics tell which parts of them need not be read."""
TEXT = ("csv",)
"""Files that are read whole, whatever is needed of them."""


def has_large(store: Store) -> bool:
    """Whether there are tables of which rows can be taken out."""
    return any(_is_one_of(LARGE, source) for source in store.sources.values())


def _is_one_of(kinds: Collection[str], source: Source) -> bool:
    return source.kind in kinds and source.table.name not in ("accounts", "coverage")


def narrowed(
    store: Store,
    owned: Mapping[str, Collection[str]],
    since: dt.datetime | None,
    folder: Path,
    kinds: Collection[str] = LARGE,
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
    kinds : collection of str
        The kinds of files out of which they are taken, see :class:`kpi_kit.data.table_source.Source`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    extracts = {} if store.known is None else dict(store.known.extracts)
    for name, source in store.sources.items():
        if _is_one_of(kinds, source):
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
