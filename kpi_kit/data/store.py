"""Open a data folder or database, check it, read the slice that a report needs.

DuckDB reads every table with the column types of :mod:`kpi_kit.core.schema`. A cell that cannot be cast is
a problem with file, row and column, never a silent unknown.
"""

from __future__ import annotations

import datetime as dt
import weakref
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import duckdb
import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.files import sha256_of_files
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import COUNTS, LEFT, TABLES, Table, Type
from kpi_kit.data.dtypes import declared, no_rows
from kpi_kit.data.table_source import (
    Settings,
    Source,
    confine,
    connect,
    find_in_database,
    find_in_folder,
    literal,
    quoted,
)
from kpi_kit.data.transaction import pending, settle

SHOWN = 20
"""How many rows of one kind of problem are named one by one."""

_TRIES = 50
_KEPT_TIMES = ("stats_at", "approved_at")
"""Times that are read even after the cut-off: they say how a figure came about, not what happened."""

TIMELESS = ("audience", "leads", "brand_queries", "post_increments", "totals")
"""Tables of which rows of any age are read."""

Window = tuple[dt.date, dt.date]
"""Days, the last one excluded."""

Stamp = tuple[int, int, int, int]
"""Inode, size, time of the content and time of the inode: one of them is different when a file changes.

The last cannot be set by programs, so that putting the others back hides no change.
"""

Stamps = tuple[tuple[str, Stamp], ...]
"""Files by name, with their stamps."""


@dataclass(frozen=True)
class Facts:
    """What a snapshot records of the data that it was made of.

    Parameters
    ----------
    fingerprint : str
        See :attr:`Store.fingerprint`.
    spans : mapping of str to Window
        See :attr:`Store.inferred_coverage`.
    distinct : frozenset of str
        The tables in which no row is there twice.
    """

    fingerprint: str
    spans: Mapping[str, Window]
    distinct: frozenset[str]


@dataclass(frozen=True)
class Store:
    """An open data folder, database or snapshot.

    Parameters
    ----------
    place : Path
    timezone : str
        The time zone of naive times.
    sources : mapping of str to Source
        The tables that can be read.
    connection : duckdb.DuckDBPyConnection
    faults : tuple of str
        The problems of the other tables.
    facts : Facts or None
        The facts recorded in a snapshot; None where they are computed from the files.
    scratch : weakref.finalize or None
        Removes a folder when the store is closed or forgotten.
    seen : Stamps
        The stamps of the files when they were opened: a query of a changed file is refused.
    """

    place: Path
    timezone: str
    sources: Mapping[str, Source]
    connection: duckdb.DuckDBPyConnection = field(repr=False)
    faults: tuple[str, ...] = ()
    facts: Facts | None = None
    scratch: weakref.finalize[[Path], duckdb.DuckDBPyConnection] | None = field(default=None, repr=False)
    seen: Stamps = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self.connection.close()
        if self.scratch is not None:
            self.scratch()

    def query(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query with bound values.

        Raises
        ------
        InputError
            Where a table cannot be read to its end, whatever its beginning promised.
        """
        with self._readable():
            return self.connection.execute(sql, list(values)).fetchall()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turn DuckDB's error about a broken or changed file into a sentence."""
        try:
            yield
        except duckdb.Error as fault:
            self.refuse_changed()
            text, where = str(fault), str(self.place)
            for source in self.sources.values():
                if any(str(file) in text for file in source.read_files):
                    where = source.label
                    text = text.replace(str(source.read_files[0]), str(source.files[0]))
            raise InputError(Phrase("data.torn", where=where, reason=" ".join(text.split()))) from None
        self.refuse_changed()

    def refuse_changed(self) -> None:
        """Refuse files that have changed since they were opened.

        Raises
        ------
        InputError
        """
        if self.has_changed():
            raise InputError(Phrase("data.changed", place=self.place))

    def has_changed(self) -> bool:
        """Whether a file has changed since it was opened."""
        return any(stamp_of(Path(name)) != stamp for name, stamp in self.seen)

    def frame(
        self, table: str, where: str = "true", values: Sequence[object] = (), near: str = "true"
    ) -> pd.DataFrame:
        """Rows of a table as a sorted frame with all canonical columns; identical rows come once.

        Rows for which ``near`` does not hold need not be read; see :meth:`Source.near`. A ``where`` of
        "false" reads none.
        """
        columns = TABLES[table].columns
        if table not in self.sources or where == "false":
            return no_rows(table).copy()
        # instants leave DuckDB as naive UTC, which pandas reads without another time zone library
        instants = [quoted(c.name) for c in columns if c.type is Type.TIME]
        times = ", ".join(f"timezone('UTC', {name}) AS {name}" for name in instants)
        chosen = f"* REPLACE ({times})" if times else "*"
        once = "" if self.facts and table in self.facts.distinct else "DISTINCT "
        # in one order, so that the same data give the same bytes
        typed = self.sources[table].typed(near=near)
        sql = f"SELECT {once}{chosen} FROM ({typed}) WHERE {where} ORDER BY ALL"
        bound = [v.isoformat() if isinstance(v, dt.datetime) else v for v in values]
        with self._readable():
            return declared(self.connection.execute(sql, bound).df(), table)

    @property
    def warnings(self) -> list[str]:
        """Files that look like tables and are none: most likely a name is misspelt."""
        files = sorted(self.place.iterdir()) if self.place.is_dir() else []
        strays = [file for file in files if file.suffix in (".csv", ".parquet") and file.stem not in TABLES]
        return [
            Phrase("data.unread_file", file=file, name=file.stem, hint=did_you_mean(file.stem, TABLES))
            for file in strays
        ]

    @cached_property
    def accounts(self) -> pd.DataFrame:
        """The table ``accounts`` by account_id."""
        return self.frame("accounts").set_index("account_id", drop=False)

    @cached_property
    def opened(self) -> dict[str, dt.date]:
        """The day on which accounts were opened; accounts without that day are absent."""
        days = self.accounts["opened"].dropna()
        return {str(account): day.date() for account, day in days.items()}

    @cached_property
    def has_coverage(self) -> bool:
        """Whether the table ``coverage`` says what was imported."""
        return "coverage" in self.sources

    @cached_property
    def inferred_coverage(self) -> dict[str, Window]:
        """The days from the first to the last row of each table, for data without a table ``coverage``."""
        if self.facts is not None:
            return dict(self.facts.spans)
        spans = {}
        for name, source in self.sources.items():
            if source.table.clock is None or name == "coverage":
                continue
            clock = quoted(source.table.clock)
            last = "max(until)" if "until" in source.table.names else f"CAST(max({clock}) AS DATE) + 1"
            first, end = self.query(f"SELECT CAST(min({clock}) AS DATE), {last} FROM ({source.typed()})")[0]
            if first is not None:
                spans[name] = (as_date(first), as_date(end))
        return spans

    def covered(self, scopes: Iterable[str]) -> dict[str, dict[str, list[Window]]]:
        """The covered day ranges by table and by account or brand.

        A table that is not there is uncovered, whatever the table ``coverage`` says of it. Where counts of
        subscribers were imported alone, ``left`` has the days that are covered without them.
        """
        names = list(scopes)
        if not self.has_coverage:
            return {
                table: {scope: [span] for scope in names} for table, span in self.inferred_coverage.items()
            }
        where = '"table" IN (SELECT unnest(?)) AND scope IN (SELECT unnest(?))'
        counts = [COUNTS] if "audience" in self.sources else []
        rows = self.frame("coverage", where, [[*self.sources, *counts], names])
        ranges: dict[str, dict[str, list[Window]]] = {}
        for row in rows.itertuples():
            ranges.setdefault(str(row.table), {}).setdefault(str(row.scope), []).append(
                (as_date(row.since), as_date(row.until))
            )
        for scope, windows in ranges.pop(COUNTS, {}).items():
            audience = ranges.setdefault("audience", {})
            ranges.setdefault(LEFT, {})[scope] = audience.get(scope, [])
            audience[scope] = [*audience.get(scope, []), *windows]
        return ranges

    @cached_property
    def covered_until(self) -> dt.date | None:
        """The end of coverage: the last covered day of any table but the plan, plus one."""
        if self.has_coverage:
            rows = self.frame("coverage")
            ends = {
                str(table): as_date(until) for table, until in rows.groupby("table")["until"].max().items()
            }
        else:
            ends = {table: until for table, (_, until) in self.inferred_coverage.items()}
        # a plan reaches into the future and says nothing about what has been imported
        imported = [until for table, until in ends.items() if table != "plan"] or list(ends.values())
        return max(imported, default=None)

    @property
    def files(self) -> list[Path]:
        """Every file that holds a table."""
        return sorted({file for source in self.sources.values() for file in source.files})

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the content of every file that holds a table."""
        if self.facts is not None:
            return self.facts.fingerprint
        fingerprint = sha256_of_files(self.files)
        self.refuse_changed()
        return fingerprint

    def rows_of(
        self, name: str, owned: Mapping[str, Collection[str]], since: dt.datetime | None = None
    ) -> str:
        """SQL of the rows of some accounts and brands, with the account or brand as ``_owner``.

        Parameters
        ----------
        name : str
            A table that is there.
        owned : mapping of str to collection of str
            The accounts by ``account_id``, the brands by ``brand``.
        since : datetime, optional
            Rows before it need not be there; figures of posts before it are not.
        """
        source = self.sources[name]
        own = {key: sorted(names) for key, names in owned.items()}
        owner = "scope" if name == "coverage" else source.table.scope or "account_id"
        names = [*own["account_id"], *own["brand"]] if name == "coverage" else own[owner]
        listed = ", ".join(map(literal, names)) or "NULL"
        rows = source.typed(near=source.near(names, since))
        return f"SELECT *, {owner} AS _owner FROM ({rows}) WHERE {owner} IN ({listed})"

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
            if table.clock is None or name == "coverage":
                continue
            owners = owned[table.scope or ""]
            if not owners:
                tables[name] = self.frame(name, "false")
                continue
            values: list[object] = [owners]
            where, clock = f"{table.scope} IN (SELECT unnest(?))", quoted(table.clock)
            first = None if name in TIMELESS else since
            if first is not None:
                where += f" AND {clock} >= CAST(? AS TIMESTAMPTZ)"
                values.append(first)
            if not table.scheduled:
                # the figures of a day are known when it is over
                limit = (
                    "< CAST(CAST(? AS TIMESTAMPTZ) AS DATE)"
                    if table[table.clock].type is Type.DATE
                    else "<= CAST(? AS TIMESTAMPTZ)"
                )
                where += f" AND {clock} {limit}"
                values.append(as_of)
            near = self.sources[name].near(owners, first) if name in self.sources else "true"
            tables[name] = _without_future(self.frame(name, where, values, near), table, as_of)
        return tables


def as_date(value: Any) -> dt.date:
    """A day as DuckDB or pandas gives it, as a plain date."""
    day: dt.date = value.date() if isinstance(value, dt.datetime) else value
    return day


def _without_future(rows: pd.DataFrame, table: Table, as_of: dt.datetime) -> pd.DataFrame:
    """Forget what happened after the cut-off: an answer, a sale, a deletion."""
    times = [
        c.name for c in table.columns if c.type is Type.TIME and c.nullable and c.name not in _KEPT_TIMES
    ]
    return rows.assign(**{name: rows[name].where(rows[name] <= as_of) for name in times})


def known_at(tables: Mapping[str, pd.DataFrame], as_of: dt.datetime, zone: str) -> dict[str, pd.DataFrame]:
    """Rows of :meth:`Store.slice` as they were known at an earlier cut-off.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    as_of : datetime
        The earlier cut-off.
    zone : str
        The department's time zone.
    """
    known = {}
    for name, rows in tables.items():
        table = TABLES[name]
        if rows.empty or table.clock is None:
            known[name] = rows
            continue
        at = rows[table.clock]
        if table.scheduled:
            inside = pd.Series(True, index=rows.index)
        elif table[table.clock].type is Type.DATE:
            inside = at < pd.Timestamp(as_of).tz_convert(zone).tz_localize(None).normalize()
        else:
            inside = at <= as_of
        known[name] = _without_future(rows[inside].reset_index(drop=True), table, as_of)
    return known


def open_store(
    place: Path, timezone: str, *, also: Sequence[Path] = (), settings: Settings | None = None
) -> Store:
    """Open a data folder or database whose tables all have the shape of the contract.

    Parameters
    ----------
    place, timezone, also, settings
        See :func:`look`.

    Raises
    ------
    InputError
        Where there is no such place, no accounts, a table twice, or a column missing or unknown.
    """
    store = look(place, timezone, also=also, settings=settings)
    if store.faults:
        store.connection.close()
        raise InputError(store.faults)
    return store


def look(place: Path, timezone: str, *, also: Sequence[Path] = (), settings: Settings | None = None) -> Store:
    """Open a data folder, or a DuckDB database of the same tables, whatever is wrong with its tables.

    Parameters
    ----------
    place : Path
        A folder with ``<table>.csv``, ``<table>.parquet`` or a folder of Parquet parts a table; or
        a file ``*.duckdb``.
    timezone : str
        The department's time zone, the one of naive times.
    also : sequence of Path
        Other folders that queries may read and write, and links may lead to.
    settings : mapping of str to str or int, optional
        DuckDB's own, such as ``memory_limit``; none can be set later.

    Raises
    ------
    InputError
        Where there is no such place.
    """
    connection = connect(timezone, settings)
    try:
        if place.is_file():
            sources, problems = find_in_database(place, connection)
            seen = stamps_of([place])
        else:
            sources, problems, seen = _at_rest(place, connection, also)
        confine(connection, (place, *also) if place.is_dir() else also)
    except InputError:
        connection.close()
        raise
    if "accounts" not in sources and not problems:
        problems = [Phrase("data.no_accounts", place=place)]
    return Store(place, timezone, sources, connection, tuple(problems), seen=seen)


def _at_rest(
    place: Path, connection: duckdb.DuckDBPyConnection, also: Sequence[Path]
) -> tuple[dict[str, Source], list[str], Stamps]:
    """The tables of a folder, none of which was replaced while the others were looked at."""
    for _ in range(_TRIES):
        settle(place)
        before = _stamps_in(place)
        sources, problems = find_in_folder(place, connection, also)
        files = {file for source in sources.values() for file in source.files}
        seen = stamps_of(sorted(files))
        if _stamps_in(place) == before and not pending(place):
            return sources, problems, seen
    raise InputError(Phrase("data.busy", place=place))


def _stamps_in(place: Path) -> Stamps:
    homes = [place / f"{name}{kind}" for name in TABLES for kind in ("", ".csv", ".parquet")]
    return stamps_of(file for home in homes for file in (home, *sorted(home.rglob("*.parquet"))))


def stamps_of(files: Iterable[Path]) -> Stamps:
    """The stamps of some files."""
    return tuple((str(file), stamp_of(file)) for file in files)


def stamp_of(file: Path) -> Stamp:
    """The stamp of a file; zeros where there is none."""
    try:
        status = file.stat()
    except OSError:
        return (0, 0, 0, 0)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
