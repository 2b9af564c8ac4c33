"""Give an account another id, in every table and in what the imports stated."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from kpi_kit.core.errors import InputError
from kpi_kit.core.files import write_file
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Table
from kpi_kit.data.merge import by_hand, journal
from kpi_kit.data.merge.extra import ALL_TABLES
from kpi_kit.data.merge.fold import count_rows
from kpi_kit.data.merge.imports import DataFolder, not_writable, opened, upgrade
from kpi_kit.data.merge.statements import STATEMENTS, Record, Span, parquet, write_record
from kpi_kit.data.merge.upgrade import is_older
from kpi_kit.data.merge.writing import Work, workspace
from kpi_kit.data.table_source import Source, literal
from kpi_kit.data.transaction import exclusive, finish, pending

_OF_ACCOUNTS = [name for name, table in ALL_TABLES.items() if table.scope == "account_id"]


def rename_account(folder: Path, old: str, new: str, timezone: str, texts: Mapping[Path, str]) -> list[str]:
    """Rename an account in a data folder and in text files that name it: everywhere or nowhere.

    Parameters
    ----------
    folder : Path
    old, new : str
    timezone : str
    texts : mapping of Path to str
        The new text of files outside of the data folder.

    Returns
    -------
    list of str
        The tables that have rows of the account.

    Raises
    ------
    InputError
        Where there is no such account, the new id is in use, or a file cannot be written; nothing is changed.
    """
    if is_older(folder):
        upgrade(folder, timezone)
    with exclusive(folder):
        finish(folder)
        with workspace(folder) as work, opened(work, timezone, []) as data:
            try:
                changed = _prepare(data, old, new)
                _publish(work, texts)
            except (OSError, duckdb.IOException) as fault:
                raise not_writable(folder, fault) from None
            return changed


def _prepare(data: DataFolder, old: str, new: str) -> list[str]:
    """Write the tables, statements and journal with the new id to the scratch folder."""
    work, connection = data.work, data.connection
    in_use = [name for name, source in data.sources.items() if _has(connection, source, new)]
    in_use += [record.id for record in data.after.records if _states(data, record, new)]
    if in_use:
        raise InputError(Phrase("data.id_in_use", id=new, places=in_use[:3]))
    if data.store is None or old not in data.store.accounts.index:
        raise InputError(Phrase("data.no_account", id=old, folder=work.folder))
    written = by_hand.read_written(work.folder)
    names, edited = [], set()
    for name, source in data.sources.items():
        if _has(connection, source, old):
            if by_hand.is_edited(source, work.folder, written):
                edited |= {str(file.relative_to(work.folder)) for file in source.files}
            for file in source.files:
                _write_table(connection, source, file, work.new / file.relative_to(work.folder), old, new)
            names.append(name)
    for record in data.after.records:
        if _states(data, record, old):
            _write_statement(data, record, old, new)
    if written:
        by_hand.write_written(work, written, edited)
    journal.rename(work, lambda table, scope: new if scope == old and table in _OF_ACCOUNTS else scope)
    return names


def _publish(work: Work, texts: Mapping[Path, str]) -> None:
    """Write the text files, then commit the data folder; undo the first where the second fails."""
    before = {file: file.read_bytes() for file in texts}
    try:
        for file, text in texts.items():
            write_file(file, text)
        work.publish()
    except BaseException:
        if not pending(work.folder):
            for file, content in before.items():
                write_file(file, content)
        raise


# --- tables


def _conditions(table: Table, columns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The columns that hold ids of accounts, each with SQL of the rows in which it does."""
    if table.name == "coverage":
        yield "scope", f'"table" IN ({", ".join(map(literal, _OF_ACCOUNTS))})'
    # the source of leads is the account where neither a portal nor the analyst names one
    held = set(columns) & set(table.names)
    yield from ((name, "true") for name in ("account_id", "source") if name in held)


def _has(connection: duckdb.DuckDBPyConnection, source: Source, account: str) -> bool:
    return bool(_count(connection, source.table, source.columns, f"({source.raw()})", account))


def _count(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Iterable[str], rows: str, account: str
) -> int:
    held = [
        f"({condition} AND CAST({name} AS VARCHAR) = {literal(account)})"
        for name, condition in _conditions(table, columns)
    ]
    return count_rows(connection, f"{rows} WHERE {' OR '.join(held)}") if held else 0


def _renamed(table: Table, columns: Sequence[str], rows: str, old: str, new: str) -> str:
    """SQL of rows with the new id, in their order."""
    replaced = ", ".join(
        f"CASE WHEN {condition} AND CAST({name} AS VARCHAR) = {literal(old)} THEN {literal(new)} "
        f"ELSE CAST({name} AS VARCHAR) END AS {name}"
        for name, condition in _conditions(table, columns)
    )
    return f"SELECT * REPLACE ({replaced}) FROM {rows}"


def _write_table(
    connection: duckdb.DuckDBPyConnection, source: Source, file: Path, target: Path, old: str, new: str
) -> None:
    if source.kind == "csv":
        rows = connection.execute(_renamed(source.table, source.columns, f"({source.raw()})", old, new)).df()
        with file.open("rb") as stream:
            end = "\r\n" if stream.readline().endswith(b"\r\n") else "\n"
        target.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(target, index=False, lineterminator=end)
        return
    rows_of_file = f"read_parquet({literal(str(file))}, hive_partitioning = false)"
    if _count(connection, source.table, source.columns, rows_of_file, old):
        _copy(connection, _renamed(source.table, source.columns, rows_of_file, old, new), target)


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet)")


# --- statements


def _states(data: DataFolder, record: Record, account: str) -> bool:
    """Whether an import states something of an account."""
    spans = (*record.covered, *record.uncovered)
    return (
        record.source == account
        or any(table in _OF_ACCOUNTS and scope == account for table, scope, *_ in spans)
        or any(
            _count(data.connection, table, table.names, parquet([file]), account)
            for table, file in _files(data, record)
        )
    )


def _files(data: DataFolder, record: Record) -> Iterator[tuple[Table, Path]]:
    files = sorted(data.after.homes[record.id].glob("*.parquet"))
    yield from ((ALL_TABLES[file.stem], file) for file in files if file.stem in ALL_TABLES)


def _write_statement(data: DataFolder, record: Record, old: str, new: str) -> None:
    """Write an import with the new id; files that do not name the old one stay."""

    def spans(held: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(
            (table, new if scope == old and table in _OF_ACCOUNTS else scope, since, until)
            for table, scope, since, until in held
        )

    home = data.work.new / STATEMENTS / record.id
    for table, file in _files(data, record):
        if _count(data.connection, table, table.names, parquet([file]), old):
            _copy(data.connection, _renamed(table, table.names, parquet([file]), old, new), home / file.name)
    source = new if record.source == old else record.source
    changed = dataclasses.replace(
        record, source=source, covered=spans(record.covered), uncovered=spans(record.uncovered)
    )
    write_record(changed, home)
