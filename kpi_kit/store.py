"""Open a data folder or database, check it, read the slice that a report needs.

Every table is read through DuckDB with the column types of :mod:`kpi_kit.tables`: nothing is
guessed. CSV cells arrive as text and are cast; what cannot be cast is a problem with file, row and
column, never a silent unknown.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import duckdb
import pandas as pd

from kpi_kit.errors import InputError, did_you_mean
from kpi_kit.table_files import Source, find_in_database, find_in_folder, literal
from kpi_kit.tables import TABLES, Table, Type

SHOWN = 20
"""How many rows of one kind of problem are named one by one."""

_KEPT_TIMES = ("stats_at", "approved_at")
"""Times that are read even after the cut-off: they say how a figure came about, not what happened."""

Window = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Store:
    """A data folder or database, opened.

    Parameters
    ----------
    place : Path
    timezone : str
        Where naive times are.
    sources : mapping of str to Source
        The tables that exist.
    connection : duckdb.DuckDBPyConnection
    faults : tuple of str
        What is wrong with the shape of tables; those are not among the sources.
    """

    place: Path
    timezone: str
    sources: Mapping[str, Source]
    connection: duckdb.DuckDBPyConnection = field(repr=False)
    faults: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query with bound values."""
        return self.connection.execute(sql, list(values)).fetchall()

    def frame(self, table: str, where: str = "true", values: Sequence[object] = ()) -> pd.DataFrame:
        """Rows of a table as a sorted frame with all canonical columns; identical rows come once."""
        columns = TABLES[table].columns
        if table not in self.sources:
            found = pd.DataFrame({column.name: pd.Series(dtype="object") for column in columns})
        else:
            # instants leave DuckDB as naive UTC, which pandas reads without another time zone library
            times = ", ".join(
                f"timezone('UTC', {c.name}) AS {c.name}" for c in columns if c.type is Type.TIME
            )
            chosen = f"* REPLACE ({times})" if times else "*"
            # in one order, so that the same data give the same bytes
            sql = f"SELECT DISTINCT {chosen} FROM ({self.sources[table].typed()}) WHERE {where} ORDER BY ALL"
            found = self.connection.execute(
                sql, [v.isoformat() if isinstance(v, dt.datetime) else v for v in values]
            ).df()
        return found.assign(
            **{column.name: _as_declared(found[column.name], column.type) for column in columns}
        )

    @property
    def warnings(self) -> list[str]:
        """Files that look like tables and are none: most likely a name is misspelt."""
        files = sorted(self.place.iterdir()) if self.place.is_dir() else []
        strays = [file for file in files if file.suffix in (".csv", ".parquet") and file.stem not in TABLES]
        return [
            f"{file}: not read, there is no table {file.stem!r}{did_you_mean(file.stem, TABLES)}"
            for file in strays
        ]

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """The table ``accounts`` by account_id."""
        return self.frame("accounts").set_index("account_id", drop=False)

    @cached_property
    def opened(self) -> dict[str, dt.date]:
        """When accounts were opened, where it is known."""
        known = self.accounts["opened"].dropna()
        return {str(account): day.date() for account, day in known.items()}

    @cached_property
    def has_coverage(self) -> bool:
        """Whether the table ``coverage`` says what was imported."""
        return "coverage" in self.sources

    @cached_property
    def inferred_coverage(self) -> dict[str, Window]:
        """From the first to the last row of each table, where nothing says what was imported."""
        spans = {}
        for name, source in self.sources.items():
            clock = source.table.clock
            if clock is None or name == "coverage":
                continue
            last = "max(until)" if name == "brand_queries" else f"CAST(max({clock}) AS DATE) + 1"
            first, end = self.query(f"SELECT CAST(min({clock}) AS DATE), {last} FROM ({source.typed()})")[0]
            if first is not None:
                spans[name] = (as_date(first), as_date(end))
        return spans

    def covered(self, scopes: Iterable[str]) -> dict[str, dict[str, list[Window]]]:
        """The covered day ranges by table and by account or brand.

        A table that is not there is uncovered, whatever the table ``coverage`` says of it.
        """
        wanted = list(scopes)
        if not self.has_coverage:
            return {
                table: {scope: [span] for scope in wanted} for table, span in self.inferred_coverage.items()
            }
        told = '"table" IN (SELECT unnest(?)) AND scope IN (SELECT unnest(?))'
        rows = self.frame("coverage", told, [list(self.sources), wanted])
        ranges: dict[str, dict[str, list[Window]]] = {}
        for row in rows.itertuples():
            ranges.setdefault(str(row.table), {}).setdefault(str(row.scope), []).append(
                (as_date(row.since), as_date(row.until))
            )
        return ranges

    @cached_property
    def covered_until(self) -> dt.date | None:
        """The end of coverage: the last covered day of any table but the plan, plus one."""
        if self.has_coverage:
            rows = self.frame("coverage")
            told = {
                str(table): as_date(until) for table, until in rows.groupby("table")["until"].max().items()
            }
        else:
            told = {table: until for table, (_, until) in self.inferred_coverage.items()}
        # a plan reaches into the future and says nothing about what has been imported
        known = [until for table, until in told.items() if table != "plan"] or list(told.values())
        return max(known, default=None)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the content of every file that holds a table."""
        digest = hashlib.sha256()
        for file in sorted({file for source in self.sources.values() for file in source.files}):
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return f"sha256:{digest.hexdigest()}"

    def slice(
        self, accounts: Iterable[str], brands: Iterable[str], since: dt.datetime, as_of: dt.datetime
    ) -> dict[str, pd.DataFrame]:
        """The rows of some accounts and brands that a report needs; nothing timed after the cut-off.

        Parameters
        ----------
        accounts, brands : iterable of str
        since : datetime
            Rows before it are not read, but for the audience, whose first row matters, and for
            leads, which may be sold long after.
        as_of : datetime
            The data cut-off.

        Returns
        -------
        dict of str to DataFrame
            Every table of the contract but ``accounts`` and ``coverage``; absent ones empty.
        """
        owned = {"account_id": list(accounts), "brand": list(brands)}
        tables = {}
        for name, table in TABLES.items():
            if table.clock is None or name in ("coverage", "post_stats"):
                continue
            values: list[object] = [owned[table.scope or ""]]
            where = f"{table.scope} IN (SELECT unnest(?))"
            if name not in ("audience", "leads", "brand_queries"):
                where += f" AND {table.clock} >= CAST(? AS TIMESTAMPTZ)"
                values.append(since)
            if not table.scheduled:
                # the figures of a day are known when it is over
                limit = (
                    "< CAST(CAST(? AS TIMESTAMPTZ) AS DATE)"
                    if table[table.clock].type is Type.DATE
                    else "<= CAST(? AS TIMESTAMPTZ)"
                )
                where += f" AND {table.clock} {limit}"
                values.append(as_of)
            tables[name] = _without_future(self.frame(name, where, values), table, as_of)
        tables["post_stats"] = self.frame(
            "post_stats",
            "post_id IN (SELECT unnest(?)) AND stats_at <= CAST(? AS TIMESTAMPTZ)",
            [tables["posts"]["post_id"].tolist(), as_of],
        )
        return tables


def as_date(value: Any) -> dt.date:
    """A day as DuckDB or pandas gives it, as a plain date."""
    day: dt.date = value.date() if isinstance(value, dt.datetime) else value
    return day


def _as_declared(values: pd.Series, kind: Type) -> pd.Series:
    """A column in the dtype that formulas rely on."""
    match kind:
        case Type.TEXT:
            return values.astype("str")
        case Type.DATE:
            return pd.to_datetime(values).astype("datetime64[us]")
        case Type.TIME:
            return pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
        case Type.FLAG:
            return values.astype("boolean")
        case _:
            return values.astype("float64")


def _without_future(rows: pd.DataFrame, table: Table, as_of: dt.datetime) -> pd.DataFrame:
    """Forget what happened after the cut-off: an answer, a sale, a deletion."""
    times = [
        c.name for c in table.columns if c.type is Type.TIME and c.nullable and c.name not in _KEPT_TIMES
    ]
    return rows.assign(**{name: rows[name].where(rows[name] <= as_of) for name in times})


def open_store(place: Path, timezone: str) -> Store:
    """Open a data folder or database whose tables all have the shape of the contract.

    Raises
    ------
    InputError
        Where there is no such place, no accounts, a table twice, or a column missing or unknown.
    """
    store = look(place, timezone)
    if store.faults:
        store.connection.close()
        raise InputError(store.faults)
    return store


def look(place: Path, timezone: str) -> Store:
    """Open a data folder, or a DuckDB database of the same tables, whatever is wrong with its tables.

    Parameters
    ----------
    place : Path
        A folder with ``<table>.csv``, ``<table>.parquet`` or a folder of Parquet parts a table; or
        a file ``*.duckdb``.
    timezone : str
        The department's time zone, in which naive times are.

    Raises
    ------
    InputError
        Where there is no such place.
    """
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = {literal(timezone)}")
    try:
        sources, problems = (
            find_in_database(place, connection) if place.is_file() else find_in_folder(place, connection)
        )
    except InputError:
        connection.close()
        raise
    if "accounts" not in sources and not problems:
        problems = [f"{place}: the table accounts is missing"]
    return Store(place, timezone, sources, connection, tuple(problems))
