"""What each import stated, kept whole: a folder an import, with a record and a Parquet file a table."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.post_ids import post_number_sql
from kpi_kit.core.schema import Table, Type
from kpi_kit.data.merge.coverage import Covered, DateRange, stated_coverage
from kpi_kit.data.merge.extra import FOLDER, Origin, Staged
from kpi_kit.data.table_source import SQL_TYPES, literal, quoted

STATEMENTS = f"{FOLDER}/statements"
BY_HAND = "by hand"
BEFORE_UPGRADE = "before-upgrade"
UNDATED = "TIMESTAMPTZ '1900-01-01 00:00:00+00'"
_RECORD = "import.json"
_DIGITS = 6

Span = tuple[str, str, str, str]
"""Table, scope, first day, day after the last."""

Rows = pd.DataFrame | Staged


@dataclass(frozen=True)
class Import:
    """Rows that come in together.

    Parameters
    ----------
    tables : mapping of str to DataFrame or Staged
        Canonical tables with the columns that the import knows.
    covered : mapping of (table, scope) to date ranges
    origin : Origin or None
        The files; None for rows written by hand.
    stamps : mapping of str to sequence of datetime
        The stamp of each row, where the rows of a table come from several files.
    replace : bool
        Whether it withdraws what the same importer and source stated of the covered days.
    complete : frozenset of str
        Tables of which it has every row of the covered days.
    """

    tables: Mapping[str, Rows]
    covered: Covered
    origin: Origin | None = None
    stamps: Mapping[str, Sequence[object]] = field(default_factory=dict)
    replace: bool = False
    complete: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Record:
    """One import, or the edits by hand that the kit noticed at once.

    Parameters
    ----------
    id : str
    sequence : int
        Its number in the order in which imports were made.
    importer : str
    files : tuple of str
    digest : str
        Of the files and options: the same import has the same digest.
    imported_at : str
    stamp : str or None
        The moment up to which the files speak.
    source : str
        ``leads.source`` of the import.
    rows : mapping of str to int
        Number of rows by table.
    covered, uncovered : tuple of Span
        Days that it adds to coverage; days that were removed by hand.
    replace : bool
    complete : tuple of str
    removed : tuple of str
        Tables of which it removes rows.
    unsourced : bool
        Whether it states leads of an unknown source.
    """

    id: str
    sequence: int
    importer: str
    files: tuple[str, ...]
    digest: str
    imported_at: str
    stamp: str | None
    source: str
    rows: Mapping[str, int]
    covered: tuple[Span, ...] = ()
    uncovered: tuple[Span, ...] = ()
    replace: bool = False
    complete: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unsourced: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether no importer stated it."""
        return self.importer == BY_HAND

    @property
    def place(self) -> str:
        """Its folder in the data folder."""
        return f"{STATEMENTS}/{self.id}"


@dataclass(frozen=True)
class Statements:
    """The statements of all imports, in the order in which they were made.

    Parameters
    ----------
    records : tuple of Record
    homes : mapping of str to Path
        Where the files of each import are, by its id.
    """

    records: tuple[Record, ...]
    homes: Mapping[str, Path]

    def with_record(self, record: Record, home: Path) -> Statements:
        """Return the statements with one more import; one of the same id is replaced."""
        others = tuple(other for other in self.records if other.id != record.id)
        ordered = sorted((*others, record), key=lambda one: one.sequence)
        return Statements(tuple(ordered), {**self.homes, record.id: home})

    def without(self, record: Record) -> Statements:
        """Return the statements of the other imports."""
        return Statements(tuple(other for other in self.records if other.id != record.id), self.homes)

    def files(self, table: str, records: Iterable[Record] | None = None) -> list[Path]:
        """Return the files with rows of a table."""
        chosen = self.records if records is None else records
        return [self.homes[record.id] / f"{table}.parquet" for record in chosen if record.rows.get(table)]

    def relation(self, table: Table, records: Iterable[Record] | None = None) -> str:
        """Return SQL of all rows of a table as they were stated.

        Columns are those of the table, ``_stamp``, ``_seq``, ``_hand`` (0, or the sequence of an edit by
        hand, which wins over equally late imports) and ``_gone`` (the row was removed by hand).
        """
        files = self.files(table.name, records)
        if not files:
            columns = [f"CAST(NULL AS {SQL_TYPES[c.type]}) AS {quoted(c.name)}" for c in table.columns]
            extra = "CAST(NULL AS TIMESTAMPTZ) AS _stamp, 0 AS _seq, 0 AS _hand, false AS _gone"
            return f"(SELECT {', '.join(columns)}, {extra} WHERE false)"
        return f"(FROM {parquet(files)})"

    def covered(self) -> dict[tuple[str, str], list[DateRange]]:
        """Return the days that the imports cover together."""
        return stated_coverage((record.covered, record.uncovered) for record in self.records)

    @property
    def next_sequence(self) -> int:
        """The sequence of the next import."""
        return max((record.sequence for record in self.records), default=0) + 1

    def find(self, name: str) -> Record:
        """Return an import by its id or the beginning of it.

        Raises
        ------
        InputError
            Where no import or several imports match.
        """
        matching = [record for record in self.records if record.id == name]
        matching = matching or [record for record in self.records if record.id.startswith(name)]
        if len(matching) != 1:
            listed = [record.id for record in matching or self.records] or Phrase("core.none")
            code = "data.several_imports" if matching else "data.no_such_import"
            raise InputError(Phrase(code, id=name, imports=listed))
        return matching[0]


def parquet(files: Sequence[Path]) -> str:
    """Return SQL that reads Parquet files."""
    return "read_parquet([" + ", ".join(literal(str(file)) for file in files) + "], union_by_name = true)"


def read_statements(folder: Path) -> Statements:
    """Read the records of a data folder.

    Raises
    ------
    InputError
        Where a record cannot be read.
    """
    records = {file.parent: _read(file) for file in sorted((folder / STATEMENTS).glob(f"*/{_RECORD}"))}
    ordered = sorted(records.values(), key=lambda record: record.sequence)
    return Statements(tuple(ordered), {record.id: home for home, record in records.items()})


def _read(file: Path) -> Record:
    try:
        content = read_json(file)
        spans = {
            name: tuple((str(a), str(b), _day(c), _day(d)) for a, b, c, d in content[name])
            for name in ("covered", "uncovered")
        }
        return Record(
            id=file.parent.name,
            sequence=int(content["sequence"]),
            importer=str(content["importer"]),
            files=tuple(map(str, content["files"])),
            digest=str(content["digest"]),
            imported_at=dt.datetime.fromisoformat(content["imported_at"]).isoformat(),
            stamp=None
            if content["stamp"] is None
            else dt.datetime.fromisoformat(content["stamp"]).isoformat(),
            source=str(content["source"]),
            rows={str(name): int(count) for name, count in content["rows"].items()},
            covered=spans["covered"],
            uncovered=spans["uncovered"],
            replace=bool(content["replace"]),
            complete=tuple(map(str, content["complete"])),
            removed=tuple(map(str, content["removed"])),
            unsourced=bool(content["unsourced"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise InputError(Phrase("data.record_unreadable", file=file, fault=repr(fault))) from None


def _day(text: str) -> str:
    return dt.date.fromisoformat(text).isoformat()


def write_record(record: Record, home: Path) -> None:
    """Write the record of an import beside its rows."""
    home.mkdir(parents=True, exist_ok=True)
    content = dataclasses.asdict(record)
    del content["id"]
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    (home / _RECORD).write_text(text, encoding="utf-8")


def new_id(origin: Origin, statements: Statements) -> str:
    """Return the id of an import: its day and the beginning of its digest."""
    day = f"{origin.imported_at.date()}-"
    taken = {record.id for record in statements.records}
    names = [day + origin.digest[:digits] for digits in range(_DIGITS, len(origin.digest) + 1)]
    return next((name for name in names if name not in taken), day + origin.digest)


def spans_of(covered: Covered) -> tuple[Span, ...]:
    """Return covered days as they stand in a record."""
    return tuple(
        (table, scope, since.isoformat(), until.isoformat())
        for (table, scope), ranges in sorted(covered.items())
        for since, until in ranges
    )


def write_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, added: Import, record: Record, target: Path
) -> None:
    """Write the rows of one table of an import: all columns, typed, ids of posts as the platform's number."""
    rows = added.tables[table.name]
    own = "NULL"
    if isinstance(rows, Staged):
        relation, names = parquet(rows.files), rows.columns
        own = "to_timestamp(nullif(_stamp, 0))" if rows.stamped else own
    else:
        names = tuple(rows.columns)
        stamps = added.stamps.get(table.name)
        if stamps:
            stamped = pd.Series(list(stamps), index=rows.index, dtype="datetime64[us, UTC]")
            rows, own = rows.assign(_stamp=stamped), "_stamp"
        connection.register("imported", rows)
        relation = "imported"
    chosen = [_column(column.name, column.type, names, record) for column in table.columns]
    dated = f"CAST(stats_at AS TIMESTAMPTZ), {own}" if table.name == "posts" and "stats_at" in names else own
    file = "NULL" if record.stamp is None else f"TIMESTAMPTZ {literal(record.stamp)}"
    marks = (
        f"coalesce({dated}, {file}, {UNDATED}) AS _stamp, {record.sequence} AS _seq, "
        f"0 AS _hand, false AS _gone"
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"COPY (SELECT {', '.join(chosen)}, {marks} FROM {relation}) "
        f"TO {literal(str(target))} (FORMAT parquet)"
    )
    if not isinstance(rows, Staged):
        connection.unregister("imported")


def _column(name: str, kind: Type, names: Sequence[str], record: Record) -> str:
    cell = quoted(name) if name in names else "NULL"
    if kind is Type.TEXT:
        text = f"nullif(CAST({cell} AS VARCHAR), '')"
        if name == "post_id" and name in names:
            text = f"nullif({post_number_sql(f'CAST({cell} AS VARCHAR)')}, '')"
        if name == "source":
            text = f"coalesce({text}, {literal(record.source)})"
        return f"{text} AS {quoted(name)}"
    return f"CAST({cell} AS {SQL_TYPES[kind]}) AS {quoted(name)}"
