"""The files of tables (a file, a folder of parts or a database), and the SQL that reads and casts them.

CSV cells arrive as text; what cannot be cast to the declared type becomes NULL, which the checks
tell from an empty cell.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError, did_you_mean, reason_of
from kpi_kit.core.json_io import read_json
from kpi_kit.core.periods import YEARS
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.post_ids import post_number_sql
from kpi_kit.core.schema import TABLES, Column, Table, Type
from kpi_kit.data import parquet_files

VERSION = "imports/schema.json"
"""Says of which schema a data folder is."""


@dataclass(frozen=True)
class Source:
    """The files of a table, and the SQL that reads them.

    Parameters
    ----------
    table : Table
    files : tuple of Path
        The files; the database for a table in a database.
    kind : str
        ``csv``, ``parquet``, ``parts``, ``database`` or, in a snapshot, ``typed``: a Parquet file whose
        columns have their declared types.
    columns : tuple of str
        The columns of the files.
    types : mapping of str to str
        The types of the columns in Parquet files, as DuckDB names them.
    copy : Path or None
        A copy of the only file, read in its place; errors name the file.
    extract : Path or None
        A Parquet file with some of the rows, numbered as in the files, read in place of them.
    """

    table: Table
    files: tuple[Path, ...]
    kind: str
    columns: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)
    copy: Path | None = None
    extract: Path | None = None

    @property
    def label(self) -> str:
        """The name of the table in an error."""
        if self.kind == "database":
            return f"{self.files[0]}, table {self.table.name}"
        if self.kind == "parts":
            return str(next(folder for folder in self.files[0].parents if folder.name == self.table.name))
        return str(self.files[0])

    @property
    def read_files(self) -> tuple[Path, ...]:
        """The files that queries read."""
        return self.files if self.copy is None else (self.copy,)

    def raw(self, *, numbered: bool = False) -> str:
        """SQL that reads the table as it is in the files; with file and row where ``numbered``."""
        if self.extract is not None:
            rows = "" if numbered else " EXCLUDE (_file, _row)"
            return f"SELECT *{rows} FROM read_parquet({literal(str(self.extract))})"
        if self.kind == "csv":
            return self._csv(numbered)
        if self.kind == "database":
            rows = f", {literal(self.label)} AS _file, row_number() OVER () AS _row" if numbered else ""
            return f"SELECT *{rows} FROM data.{quoted(self.table.name)}"
        listed = "[" + ", ".join(literal(str(file)) for file in self.read_files) + "]"
        name = "filename" if self.copy is None else literal(str(self.files[0]))
        rows = f", {name} AS _file, file_row_number + 1 AS _row" if numbered else ""
        extra = ", filename = true, file_row_number = true" if numbered else ""
        return f"SELECT *{rows} FROM read_parquet({listed}, union_by_name = true{extra})"

    def _csv(self, numbered: bool) -> str:
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
        read = (
            f"read_csv({literal(str(self.read_files[0]))}, columns = {{{columns}}}, auto_detect = false, "
            "header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', store_rejects = true)"
        )
        rows = (
            f", {literal(str(self.files[0]))} AS _file, row_number() OVER () + 1 AS _row" if numbered else ""
        )
        return f"SELECT *{rows} FROM {read}"

    def typed(self, *, numbered: bool = False, near: str = "true") -> str:
        """SQL that reads the table with its declared columns and types; absent columns are unknown.

        Rows for which ``near`` does not hold are left out; see :meth:`near`.
        """
        if self.kind == "typed":
            return f"{self.raw()} WHERE {near}"
        chosen = [f"{self.cast(column)} AS {quoted(column.name)}" for column in self.table.columns]
        rows = ["_file", "_row"] if numbered else []
        return f"SELECT {', '.join(chosen + rows)} FROM ({self.raw(numbered=numbered)}) WHERE {near}"

    def near(
        self,
        owners: Sequence[str] | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> str:
        """SQL that is true for every row of these owners in this time, and false for most others.

        It is about columns as they are in the files, so that Parquet's own statistics tell which parts
        of which files need not be read. Of other files it says nothing.

        Examples
        --------
        >>> types = {"date": "DATE", "account_id": "VARCHAR"}
        >>> source = Source(TABLES["traffic"], (), "parts", tuple(types), types)
        >>> print(source.near(["a", "b"], dt.datetime(2025, 10, 1, tzinfo=dt.UTC)))
        account_id IN ('a', 'b') AND "date" >= DATE '2025-09-29'
        """
        held = []
        scope, clock = self.table.scope, self.table.clock
        if owners is not None and scope and self.types.get(scope) == "VARCHAR":
            held.append(f"{scope} IN ({', '.join(map(literal, owners)) or 'NULL'})")
        kind = self.types.get(clock or "", "").removesuffix("_NS").removesuffix("_MS").removesuffix("_S")
        # where naive, or a day, it is in a time zone of its own
        slack = dt.timedelta(days=0 if kind == _INSTANT else 2)
        if kind in (_INSTANT, "TIMESTAMP", "DATE"):
            for moment, sign, off in ((since, ">=", -slack), (until, "<=", slack)):
                if moment is not None:
                    held.append(f"{quoted(str(clock))} {sign} {_moment(moment + off, kind)}")
        return " AND ".join(held) or "true"

    def cast(self, column: Column) -> str:
        """SQL of one column in its declared type; NULL where it cannot be read so."""
        if column.name not in self.columns:
            absent = "NULL" if column.default is None else literal(column.default)
            return f"CAST({absent} AS {SQL_TYPES[column.type]})"
        name = quoted(column.name)
        if column.default is not None:
            return f"coalesce(CAST({name} AS VARCHAR), {literal(column.default)})"
        match column.type:
            case Type.TEXT:
                text = f"CAST({name} AS VARCHAR)"
                return f"nullif({post_number_sql(text) if column.name == 'post_id' else text}, '')"
            case Type.COUNT | Type.NUMBER:
                number = f"TRY_CAST({name} AS DOUBLE)"
                whole = f" AND {number} = floor({number})" if column.type is Type.COUNT else ""
                return f"CASE WHEN isfinite({number}){whole} THEN {number} END"
            case Type.FLAG:
                if self.types.get(column.name) == "BOOLEAN":
                    return name
                return f"CASE lower(CAST({name} AS VARCHAR)) {_FLAGS} END"
            case _:
                moment = f"TRY_CAST({name} AS {SQL_TYPES[column.type]})"
                return f"CASE WHEN {_in_years(moment, SQL_TYPES[column.type])} THEN {moment} END"

    def far(self, column: Column) -> str | None:
        """SQL that holds for a date or time outside of the years of the kit; None for other types."""
        if column.type not in (Type.DATE, Type.TIME):
            return None
        moment = f"TRY_CAST({quoted(column.name)} AS {SQL_TYPES[column.type]})"
        return f"coalesce(isfinite({moment}) AND NOT ({_in_years(moment, SQL_TYPES[column.type])}), false)"


def _in_years(moment: str, kind: str) -> str:
    """SQL that holds for moments in the years of the kit, and not for infinite ones."""
    start, end = (f"{kind} '{year}-01-01'" for year in (YEARS.start, YEARS.stop))
    return f"{moment} >= {start} AND {moment} < {end}"


_EXTENSIONS = ("autoinstall_known_extensions", "autoload_known_extensions", "allow_community_extensions")
_LONGEST_HEADER = 64 * 1024


_INSTANT = "TIMESTAMP WITH TIME ZONE"


def _moment(moment: dt.datetime, kind: str) -> str:
    """An instant as SQL wants it beside a column of a type; of a day or naive, that of UTC."""
    utc = moment.astimezone(dt.UTC)
    if kind == "DATE":
        return f"DATE '{utc:%Y-%m-%d}'"
    return f"TIMESTAMPTZ '{utc.isoformat()}'" if kind == _INSTANT else f"TIMESTAMP '{utc:%Y-%m-%d %H:%M:%S}'"


SQL_TYPES = {
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
    Type.TIME: "TIMESTAMPTZ",
    Type.COUNT: "DOUBLE",
    Type.NUMBER: "DOUBLE",
    Type.FLAG: "BOOLEAN",
}
_FLAGS = " ".join(
    f"WHEN '{word}' THEN {value}"
    for value, words in (
        ("true", ("true", "t", "1", "1.0", "yes")),
        ("false", ("false", "f", "0", "0.0", "no")),
    )
    for word in words
)


def quoted(name: str) -> str:
    """A name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def allowed_text(kind: Type) -> str:
    """What a cell of a type may hold, in words."""
    return Phrase(f"data.kind_{kind.name.lower()}")


def literal(value: str) -> str:
    """A text as SQL wants it."""
    return "'" + value.replace("'", "''") + "'"


Found = tuple[dict[str, Source], list[str]]
"""The tables that have the shape of the contract, and what is wrong with the others."""


Settings = Mapping[str, str | int]


def connect(timezone: str, settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """A database in memory that loads no extension, whatever its queries ask for.

    Parameters
    ----------
    timezone : str
    settings : mapping of str to str or int
        DuckDB's own, such as ``memory_limit``.
    """
    connection = duckdb.connect(config=dict.fromkeys(_EXTENSIONS, False))
    for name, value in {"TimeZone": timezone, **(settings or {})}.items():
        connection.execute(f"SET {name} = {value if isinstance(value, int) else literal(value)}")
    return connection


def confine(connection: duckdb.DuckDBPyConnection, places: Iterable[Path]) -> None:
    """Keep a connection, for good, from files outside of some folders, and from the network."""
    allowed = ", ".join(literal(f"{place.resolve()}/") for place in places)
    connection.execute(
        f"SET allowed_directories = [{allowed}]; SET enable_external_access = false; "
        "SET lock_configuration = true"
    )


def find_in_folder(
    place: Path,
    connection: duckdb.DuckDBPyConnection,
    also: Sequence[Path] = (),
) -> Found:
    """The tables of a data folder; links may lead to places in it, and to those in ``also``."""
    if not place.is_dir():
        raise InputError(Phrase("data.no_folder", folder=place))
    _refuse_other_schema(place / VERSION)
    within = [root.resolve() for root in (place, *also)]
    sources, problems = {}, list(_stray_links(place / "imports", within))
    for name, table in TABLES.items():
        homes = [place / f"{name}.parquet", place / f"{name}.csv", place / name]
        homes = [home for home in homes if home.exists()]
        if len(homes) > 1:
            several = ", ".join(home.name for home in homes)
            problems.append(Phrase("data.two_homes", folder=place, name=name, found=several))
        elif homes and (strays := list(_strays(homes[0], within))):
            problems += strays
        elif homes:
            source, wrong = source_at(homes[0], table, connection)
            problems += wrong
            if source is not None:
                sources[name] = source
    return sources, problems


def _refuse_other_schema(path: Path) -> None:
    """A folder that no import has made says nothing, and is of the first schema."""
    try:
        schema = read_json(path)["schema"] if path.is_file() else 1
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(Phrase("data.bad_schema", path=path)) from None
    file_versions.refuse_other("data folder", schema, path, InputError)


def _strays(home: Path, within: Sequence[Path]) -> Iterator[str]:
    """What is no ordinary file, or lies elsewhere: a link could show anything that the analyst may read."""
    for path in (home, *(sorted(home.rglob("*")) if home.is_dir() else ())):
        real = path.resolve()
        if not any(real.is_relative_to(root) for root in within):
            yield Phrase("data.link_outside", path=path, real=real)
        elif not (real.is_file() or real.is_dir()):
            yield Phrase("core.not_ordinary", file=path)


def _stray_links(folder: Path, within: Sequence[Path]) -> Iterator[str]:
    """Links out of the folder of the imports; only links are looked at, its files may be thousands."""
    for home, folders, files in os.walk(folder):
        for path in (Path(home), *(Path(home, name) for name in sorted([*folders, *files]))):
            if path.is_symlink():
                yield from _strays(path, within)


def source_at(
    home: Path, table: Table, connection: duckdb.DuckDBPyConnection
) -> tuple[Source | None, list[str]]:
    """The table in a file or a folder of parts, and its problems; with problems there is no table."""
    kind = "parts" if home.is_dir() else home.suffix.removeprefix(".")
    files = tuple(sorted(home.rglob("*.parquet"))) if kind == "parts" else (home,)
    if not files:
        return None, [Phrase("data.no_parquet", folder=home)]
    if kind == "csv" and (mark := _other_separator(home)):
        return None, [Phrase("data.other_separator", file=home, mark=mark)]
    try:
        types = {} if kind == "csv" else parquet_files.columns_of(files, connection)
        columns = _csv_header(home) if kind == "csv" else tuple(types)
        faults = list(_problems_of_columns(str(home), table, columns, hive=kind == "parts"))
        if types and not faults:
            faults = parquet_files.problems_of(str(home), table, files, types, connection)
    except (duckdb.Error, OSError, UnicodeDecodeError, csv.Error) as fault:
        return None, [Phrase("data.unreadable", file=home, reason=_first_line(fault))]
    return (None if faults else Source(table, files, kind, columns, types)), faults


def _first_line(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return reason_of(fault)
    if fault.args and isinstance(fault.args[0], Phrase):
        return fault.args[0]
    return str(fault).strip().splitlines()[0] if str(fault).strip() else type(fault).__name__


def _other_separator(file: Path) -> str | None:
    """What stands between the columns of a header that has no comma: Excel's semicolon, or a tab."""
    try:
        with file.open("rb") as stream:
            header = stream.readline(_LONGEST_HEADER)
    except OSError:
        return None
    return next((mark for mark in (";", "\t") if b"," not in header and mark.encode() in header), None)


def _csv_header(file: Path) -> tuple[str, ...]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        header = stream.read(_LONGEST_HEADER + 1)
    if "\n" not in header and "\r" not in header and len(header) > _LONGEST_HEADER:
        raise csv.Error(Phrase("data.long_header", most=_LONGEST_HEADER))
    return tuple(next(csv.reader(io.StringIO(header, newline="")), ()))


_LATER_COLUMNS = (("post_stats", "account_id"), ("answered_by", "account_id"))
"""Columns that tables of the first schema do not have."""


def _problems_of_columns(place: str, table: Table, columns: Sequence[str], *, hive: bool) -> Iterator[str]:
    if not columns:
        yield Phrase("data.empty_table", place=place, columns=", ".join(table.required))
        return
    for name in table.required:
        if name not in columns and table[name].default is None:
            if (table.name, name) in _LATER_COLUMNS:
                yield Phrase("data.earlier_schema", place=place)
                return
            yield Phrase("data.no_column", place=place, name=name, found=", ".join(columns))
    for name in dict.fromkeys(columns):
        if list(columns).count(name) > 1:
            yield Phrase("data.column_twice", place=place, name=name)
        if name not in table.names and not (hive and name == "month"):
            yield Phrase("data.unknown_column", place=place, name=name, hint=did_you_mean(name, table.names))


def find_in_database(place: Path, connection: duckdb.DuckDBPyConnection) -> Found:
    """The tables of a DuckDB database, which stays attached as ``data``."""
    try:
        connection.execute(f"ATTACH {literal(str(place))} AS data (READ_ONLY)")
    except duckdb.Error as fault:
        raise InputError(Phrase("data.not_a_store", place=place, reason=_first_line(fault))) from None
    rows = connection.execute(
        """SELECT table_name, column_name FROM duckdb_columns()
           WHERE database_name = 'data' ORDER BY column_index"""
    ).fetchall()
    sources: dict[str, Source] = {}
    problems: list[str] = []
    for name, table in TABLES.items():
        columns = tuple(column for owner, column in rows if owner == name)
        faults = (
            list(
                _problems_of_columns(
                    Phrase("data.table_of", place=place, name=name), table, columns, hive=False
                )
            )
            if columns
            else []
        )
        problems += faults
        if columns and not faults:
            sources[name] = Source(table, (place,), "database", columns)
    return sources, problems
