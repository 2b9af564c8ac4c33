"""Notice what was edited by hand since the last import, and keep it as a statement of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import UNKNOWN_SOURCE, Table
from kpi_kit.data.merge.coverage import difference, present_coverage
from kpi_kit.data.merge.extra import ALL_TABLES, FOLDER
from kpi_kit.data.merge.fold import columns_of, count_rows, key_of
from kpi_kit.data.merge.stated import Stated
from kpi_kit.data.merge.statements import BY_HAND, STATEMENTS, Record, Span, Statements, write_record
from kpi_kit.data.merge.writing import Work
from kpi_kit.data.store import Store
from kpi_kit.data.table_source import Source, literal, quoted

WRITTEN = f"{FOLDER}/written.json"
"""Hashes of the tables as the kit wrote them."""

_EPOCH = "0001-01-01T00:00:00+00:00"
_ALWAYS = "TIMESTAMPTZ '-infinity'"


def read_written(folder: Path) -> dict[str, str]:
    """Return the hash of each table file as the last import wrote it.

    Raises
    ------
    InputError
        Where the file cannot be read.
    """
    file = folder / WRITTEN
    if not file.is_file():
        return {}
    try:
        return {str(name): str(digest) for name, digest in read_json(file).items()}
    except (OSError, ValueError, AttributeError) as fault:
        raise InputError(Phrase("data.hashes", file=file, fault=repr(fault))) from None


def write_written(work: Work, written: Mapping[str, str], edited: Collection[str] = ()) -> None:
    """Record the hashes of the tables that an import writes; those of ``edited`` files stay as they are."""
    hashes = {name: digest for name, digest in written.items() if not _is_removed(work, name)}
    for file in sorted(work.new.rglob("*")):
        name = file.relative_to(work.new)
        parts = name.parts[1:] if name.parts[0] == FOLDER else name.parts
        is_table = file.is_file() and parts and parts[0].partition(".")[0] in ALL_TABLES
        if is_table and str(name) not in edited:
            hashes[str(name)] = _hash(file)
    target = work.new / WRITTEN
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(hashes, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _is_removed(work: Work, name: str) -> bool:
    return any(name == gone or name.startswith(f"{gone}/") for gone in work.gone)


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_edited(source: Source, folder: Path, written: Mapping[str, str]) -> bool:
    """Return whether a table differs from what the last import wrote."""
    home = source.files[0] if source.kind in ("csv", "parquet") else _home(source)
    expected = {
        name
        for name in written
        if name == str(home.relative_to(folder)) or name.startswith(f"{home.relative_to(folder)}/")
    }
    names = {str(file.relative_to(folder)): file for file in source.files}
    return expected != set(names) or any(written[name] != _hash(file) for name, file in names.items())


def _home(source: Source) -> Path:
    return next(home for home in source.files[0].parents if home.name == source.table.name)


def keep_edits(
    stated: Stated, work: Work, sources: Mapping[str, Source], names: Iterable[str], store: Store | None
) -> tuple[Statements, set[str]]:
    """Keep what was edited by hand in some tables, and in coverage, as a statement.

    Returns
    -------
    Statements
        With the edits.
    set of str
        Tables that were edited; ``edited_<table>`` has the keys that differ.
    """
    statements = stated.statements
    written = read_written(work.folder)
    sequence = statements.next_sequence
    home = work.new / STATEMENTS / f"hand-{sequence}"
    edited: set[str] = set()
    rows: dict[str, int] = {}
    removed: list[str] = []
    for table in (ALL_TABLES[name] for name in names if name in sources):
        if is_edited(sources[table.name], work.folder, written):
            edited.add(table.name)
            kept, gone = _compare(stated, table, sources[table.name].typed())
            if kept:
                rows[table.name] = kept
                write_by_hand(stated, table, "edits", sequence, home / f"{table.name}.parquet")
            if gone:
                removed.append(table.name)
    added, taken = _edited_coverage(statements, store)
    if not rows and not added and not taken:
        return statements, edited
    record = hand_record(sequence, rows, added, taken, tuple(removed))
    record = with_unsourced(stated, record, home)
    write_record(record, home)
    return statements.with_record(record, home), edited


def hand_record(
    sequence: int,
    rows: Mapping[str, int],
    covered: tuple[Span, ...],
    uncovered: tuple[Span, ...] = (),
    removed: tuple[str, ...] = (),
) -> Record:
    """Return the record of an edit by hand."""
    name = f"hand-{sequence}"
    return Record(
        name, sequence, BY_HAND, (), "", _EPOCH, None, UNKNOWN_SOURCE, rows, covered, uncovered,
        removed=removed,
    )  # fmt: skip


def with_unsourced(stated: Stated, record: Record, home: Path) -> Record:
    """Return a record that says whether it states leads of an unknown source."""
    if not record.rows.get("leads"):
        return record
    file = literal(str(home / "leads.parquet"))
    unknown = count_rows(stated.connection, f"read_parquet({file}) WHERE source = {literal(UNKNOWN_SOURCE)}")
    return replace(record, unsourced=unknown > 0)


def _edited_coverage(
    statements: Statements, store: Store | None
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return the days that were added to and removed from the table coverage."""
    if store is None or "coverage" not in store.sources:
        return (), ()
    present, stated = present_coverage(store.frame("coverage")), statements.covered()
    return difference(present, stated), difference(stated, present)


def _compare(stated: Stated, table: Table, present: str) -> tuple[int, int]:
    """Find the rows that differ from what was stated; put the edits into ``edits``.

    A new row is stated whole, of others the cells that differ: a cell that was emptied states nothing.
    The rows that must be derived anew, because the edits alone do not give them, go to ``edited_<table>``.
    """
    connection, key, names = stated.connection, key_of(table), columns_of(table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE present AS SELECT DISTINCT {names} FROM ({present})")
    stated.derive(table, "derived", affected=False)
    values = [quoted(name) for name in table.names if name not in table.key]
    differ = " OR ".join(f"p.{name} IS DISTINCT FROM d.{name}" for name in values) or "false"
    emptied = " OR ".join(f"(p.{name} IS NULL AND d.{name} IS NOT NULL)" for name in values) or "false"
    cells = "".join(f", CASE WHEN p.{n} IS DISTINCT FROM d.{n} THEN p.{n} END AS {n}" for n in values)
    some = " OR ".join(f"{name} IS NOT NULL" for name in values) or "false"
    marked = "(SELECT *, true AS _there FROM {})"  # other columns may be NULL where there is a row
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE differing AS SELECT {key}{cells}, d._there IS NULL AS _new, "
        f"p._there IS NULL AS _gone, {emptied} AS _emptied FROM {marked.format('present')} p "
        f"FULL JOIN {marked.format('derived')} d USING ({key}) "
        f"WHERE p._there IS NULL OR d._there IS NULL OR {differ}"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE edited_{table.name} AS SELECT {key} FROM differing "
        f"WHERE NOT _new AND NOT _gone AND _emptied OR {_other_id(table)} "
        f"UNION SELECT {key} FROM present GROUP BY ALL HAVING count(*) > 1 "
        f"UNION SELECT {key} FROM differing SEMI JOIN {stated.relation(table, affected=False)} USING ({key}) "
        "WHERE _new"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE edits AS SELECT {names}, _gone FROM differing "
        f"WHERE _new OR _gone OR {some}"
    )
    connection.execute("DROP TABLE present; DROP TABLE derived; DROP TABLE differing")
    return count_rows(connection, "edits"), count_rows(connection, "edits WHERE _gone")


def _other_id(table: Table) -> str:
    """Return SQL of whether a row is stated under another id than it has, or may be adopted by a source."""
    unknown = f"source = {literal(UNKNOWN_SOURCE)} OR contains(lead_id, '/deal:')"
    return unknown if table.name == "leads" else "false"


def write_by_hand(stated: Stated, table: Table, rows: str, sequence: int, target: Path) -> None:
    """Write rows as stated by hand: as late as the latest import of the same row, and winning over it.

    Parameters
    ----------
    stated : Stated
        What was stated before.
    table : Table
    rows : str
        A relation with the columns of the table and ``_gone``.
    sequence : int
    target : Path
    """
    key = key_of(table)
    first = "coalesce(r.stats_at, TIMESTAMPTZ '-infinity')" if table.name == "posts" else _ALWAYS
    chosen = ", ".join(_identified(table, name) for name in table.names)
    before = f"(SELECT {key}, max(_stamp) AS _at FROM {stated.relation(table, affected=False)} GROUP BY ALL)"
    target.parent.mkdir(parents=True, exist_ok=True)
    stated.connection.execute(
        f"COPY (SELECT {chosen}, coalesce(b._at, {first}) AS _stamp, {sequence} AS _seq, "
        f"{sequence} AS _hand, r._gone FROM {rows} r LEFT JOIN {before} b USING ({key})) "
        f"TO {literal(str(target))} (FORMAT parquet)"
    )


def _identified(table: Table, name: str) -> str:
    """Return SQL of a column as statements have it: a further deal has its own id."""
    column = quoted(name)
    if table.name == "leads" and name == "lead_id":
        return f"regexp_replace(r.{column}, '^.*/deal:', 'deal:') AS {column}"
    return f"r.{column}"
