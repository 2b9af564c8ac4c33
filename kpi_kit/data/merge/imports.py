"""Add imports to a data folder, and take them back: the tables are derived from what all imports state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES, Table, covered_table
from kpi_kit.data.merge import by_hand, journal
from kpi_kit.data.merge.affected import mark_affected, mark_touched
from kpi_kit.data.merge.conflicts import refuse_conflicts
from kpi_kit.data.merge.coverage import Covered, write_coverage
from kpi_kit.data.merge.extra import ALL_TABLES, DEAL_LEADS, EXTRA, FOLDER, Staged
from kpi_kit.data.merge.fold import Added, Merged, compare, count_rows, restatements
from kpi_kit.data.merge.preview import refuse_if_broken
from kpi_kit.data.merge.stated import Stated
from kpi_kit.data.merge.statements import (
    BEFORE_UPGRADE,
    STATEMENTS,
    Import,
    Record,
    Rows,
    Statements,
    new_id,
    read_statements,
    spans_of,
    write_record,
    write_rows,
)
from kpi_kit.data.merge.upgrade import add_accounts, is_older, older_record
from kpi_kit.data.merge.writing import Work, workspace, write_csv, write_table
from kpi_kit.data.store import Store, open_store
from kpi_kit.data.table_source import Settings, Source, confine, connect, literal, source_at
from kpi_kit.data.transaction import exclusive, finish

_MEMORY = "400MB"
_DERIVED_FROM = {"posts": "post_stats", DEAL_LEADS: "leads"}
"""Tables whose statements other tables are derived from, too."""


@dataclass(frozen=True)
class Outcome:
    """What imports changed.

    Parameters
    ----------
    added : tuple of Added
        One for each table.
    restated : tuple of str
        Values that an import changed, one sentence each; of very many the first.
    restated_count : int
    disputed : mapping of str to int
        By table, the rows that equally late files state differently.
    imported_before : bool
        Whether the same files had been imported before.
    gone : int
        Posts that a complete export lacks and that now count as deleted.
    ids : tuple of str
        The ids of the imports.
    """

    added: tuple[Added, ...]
    restated: tuple[str, ...] = ()
    restated_count: int = 0
    disputed: Mapping[str, int] | None = None
    imported_before: bool = False
    gone: int = 0
    ids: tuple[str, ...] = ()


@dataclass
class DataFolder:
    """A data folder that is being changed.

    Parameters
    ----------
    work : Work
    store : Store or None
        None where there are no tables yet.
    connection : duckdb.DuckDBPyConnection
    sources : mapping of str to Source
        The present tables, canonical and extra.
    before, after : Statements
        What is stated with and without the change; edits by hand are in both.
    edited : set of str
        Tables that were edited by hand.
    new : list of Record
        Imports that the change adds.
    undone : Record or None
        The import that it takes back.
    whole : bool
        Whether all rows are derived anew.
    """

    work: Work
    store: Store | None
    connection: duckdb.DuckDBPyConnection
    sources: Mapping[str, Source]
    before: Statements
    after: Statements
    edited: set[str] = field(default_factory=set)
    new: list[Record] = field(default_factory=list)
    undone: Record | None = None
    whole: bool = False


def merge(folder: Path, tables: Mapping[str, Rows], covered: Covered, timezone: str) -> list[Added]:
    """Add rows to the tables of a data folder as if they were written by hand.

    A value that the new row does not know keeps the one that is there.

    Parameters
    ----------
    folder : Path
        Made where it does not exist. A table keeps its format; new tables become CSV, large ones Parquet
        by month.
    tables : mapping of str to DataFrame
        Canonical tables with the columns that are known.
    covered : mapping of (table, scope) to date ranges
        What was imported; joined with what is covered already.
    timezone : str
        The department's time zone.

    Returns
    -------
    list of Added

    Raises
    ------
    InputError
        Where the folder, or what it would become, does not pass the checks; nothing is changed.
    """
    return list(add(folder, [Import(tables, covered)], timezone).added)


def add(folder: Path, imports: Sequence[Import], timezone: str) -> Outcome:
    """Add imports to a data folder; all of them or none.

    A row of a known key is updated: each column has the latest known value, whatever the order of imports.

    Raises
    ------
    InputError
        As :func:`merge`, or where another import holds the folder for too long.
    """
    names = {name for added in imports for name in added.tables}
    places = list(_staging_folders(imports))

    def state(data: DataFolder) -> bool:
        imported_before = [_state(data, added) for added in imports]
        refuse_conflicts(Stated(data.connection, data.after), data.new, str(folder))
        return bool(imported_before) and all(imported_before)

    if is_older(folder):
        upgrade(folder, timezone)
    return change_folder(folder, timezone, names, places, state)


def undo(folder: Path, name: str, timezone: str) -> Outcome:
    """Take an import back: the tables are then what the other imports and edits by hand state.

    Parameters
    ----------
    folder : Path
    name : str
        The id of the import, or the beginning of it.
    timezone : str

    Raises
    ------
    InputError
        Where there is no such import, it is older than the upgrade, or the data would break without it.
    """
    if not folder.is_dir():
        raise InputError(Phrase("data.no_folder", folder=folder))
    journal.refuse_older(folder, name)
    record = read_statements(folder).find(name)

    def withdraw(data: DataFolder) -> bool:
        undone = data.after.find(record.id)
        data.undone = undone
        data.after = data.after.without(undone)
        data.work.remove(folder / undone.place)
        return False

    names = set(record.rows) | {covered_table(span[0]) for span in record.covered}
    return change_folder(folder, timezone, names, [], withdraw)


def change_folder(
    folder: Path,
    timezone: str,
    names: set[str],
    places: Sequence[Path],
    change: Callable[[DataFolder], bool],
) -> Outcome:
    """Change what is stated, and derive the tables from it; all or nothing.

    Parameters
    ----------
    folder : Path
    timezone : str
    names : set of str
        Tables that the change can touch.
    places : sequence of Path
        Folders outside of it that are read.
    change : callable
        Changes the statements; returns whether all imports had been made before.
    """
    with exclusive(folder):
        try:
            finish(folder)
            with workspace(folder) as work, opened(work, timezone, places) as data:
                if is_older(folder):
                    home = work.new / STATEMENTS / BEFORE_UPGRADE
                    record = older_record(work, data.connection, data.sources, home)
                    write_record(record, home)
                    data.before = data.before.with_record(record, home)
                stated = Stated(data.connection, data.before)
                looked_at = _with_derived({*names, "accounts"})
                data.before, data.edited = by_hand.keep_edits(
                    stated, work, data.sources, sorted(looked_at - {"coverage"}), data.store
                )
                data.after = data.before
                imported_before = change(data)
                outcome = _derive(data, timezone, looked_at)
                work.publish()
                ids = tuple(record.id for record in data.new if not record.by_hand)
                return replace(outcome, imported_before=imported_before, ids=ids)
        except (OSError, duckdb.IOException) as fault:
            raise not_writable(folder, fault) from None


def not_writable(folder: Path, fault: OSError | duckdb.IOException) -> InputError:
    """The error about a data folder in which nothing could be changed."""
    reason = reason_of(fault) if isinstance(fault, OSError) else " ".join(str(fault).split())
    return InputError(Phrase("data.not_writable", folder=folder, reason=reason))


def upgrade(folder: Path, timezone: str) -> list[str]:
    """Bring a data folder of the first schema up to date; its tables stay as they are, value for value.

    Returns
    -------
    list of str
        What was done, one sentence each.

    Raises
    ------
    InputError
        Where the folder cannot be read.
    """
    if not folder.is_dir():
        raise InputError(Phrase("data.no_folder", folder=folder))
    named = add_accounts(folder, timezone)
    sentences: list[str] = [Phrase("data.accounts_added", table=name) for name in named]
    if not is_older(folder):
        return sentences or [Phrase("data.up_to_date", folder=folder)]

    def keep_older(data: DataFolder) -> bool:
        data.whole = True
        return False

    change_folder(folder, timezone, set(ALL_TABLES), [], keep_older)
    return [*sentences, Phrase("data.upgraded", folder=folder)]


def _with_derived(names: set[str]) -> set[str]:
    return names | {_DERIVED_FROM[name] for name in names if name in _DERIVED_FROM}


@contextmanager
def opened(work: Work, timezone: str, places: Sequence[Path]) -> Iterator[DataFolder]:
    """Open a data folder for a change; also read from other places."""
    folder = work.folder
    exists = folder.is_dir() and any(home.stem in TABLES for home in folder.iterdir())
    settings: Settings = {
        "memory_limit": _MEMORY,
        "threads": 1,
        "temp_directory": str(work.scratch / "spill"),
    }
    allowed = [work.scratch, *places]
    store = open_store(folder, timezone, also=allowed, settings=settings) if exists else None
    connection = store.connection if store else connect(timezone, settings)
    try:
        if store is None:
            confine(connection, (folder, *allowed))
        sources = dict(store.sources) if store else {}
        sources |= _extra_sources(folder, connection)
        statements = read_statements(folder)
        yield DataFolder(work, store, connection, sources, statements, statements)
    finally:
        connection.close()


def _staging_folders(imports: Sequence[Import]) -> Iterator[Path]:
    """The folders of staged rows."""
    for rows in (rows for added in imports for rows in added.tables.values() if isinstance(rows, Staged)):
        yield from {file.parent for file in rows.files}


def _extra_sources(folder: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, Source]:
    """The tables beside the canonical ones, as far as they exist."""
    sources = {}
    for name, table in EXTRA.items():
        homes = [folder / FOLDER / file for file in (f"{name}.csv", f"{name}.parquet", name)]
        for home in (home for home in homes if home.exists()):
            source, problems = source_at(home, table, connection)
            if source is None:
                raise InputError(problems)
            sources[name] = source
    return sources


# --- statements


def _state(data: DataFolder, added: Import) -> bool:
    """Write down what an import states; return whether it had been imported before."""
    if added.origin is None:
        _state_by_hand(data, added)
        return False
    origin = added.origin
    same = next((record for record in data.after.records if record.digest == origin.digest), None)
    current = same is not None and not _is_overruled(data.after, same)
    record = Record(
        id=same.id if same else new_id(origin, data.after),
        sequence=same.sequence if same and current else data.after.next_sequence,
        importer=origin.importer,
        files=origin.files,
        digest=origin.digest,
        imported_at=same.imported_at if same else origin.imported_at.isoformat(),
        stamp=origin.stamp.isoformat() if origin.stamp else None,
        source=origin.source,
        rows={name: len(rows) for name, rows in added.tables.items()},
        covered=spans_of(added.covered),
        replace=added.replace,
        complete=tuple(sorted(added.complete)),
    )
    home = data.work.new / STATEMENTS / record.id
    for name in added.tables:
        if name != "accounts":
            write_rows(data.connection, ALL_TABLES[name], added, record, home / f"{name}.parquet")
    standing = data.after.homes[same.id] / "accounts.parquet" if same else None
    if standing is not None and standing.is_file():
        if standing != home / "accounts.parquet":
            shutil.copyfile(standing, home / "accounts.parquet")
        count = count_rows(data.connection, f"read_parquet({literal(str(standing))})")
        record = replace(record, rows={**record.rows, "accounts": count})
    else:
        record = _state_accounts(data, added, record, home)
    record = by_hand.with_unsourced(Stated(data.connection, data.after), record, home)
    write_record(record, home)
    data.after = data.after.with_record(record, home)
    data.new.append(record)
    return same is not None


def _is_overruled(statements: Statements, record: Record) -> bool:
    """Whether rows of an import were withdrawn or removed since."""
    return any(
        (later.replace and later.importer == record.importer) or set(later.removed) & set(record.rows)
        for later in statements.records
        if later.sequence > record.sequence
    )


def _state_by_hand(data: DataFolder, added: Import) -> None:
    stated = Stated(data.connection, data.after)
    sequence = data.after.next_sequence
    record = by_hand.hand_record(
        sequence, {name: len(rows) for name, rows in added.tables.items()}, spans_of(added.covered)
    )
    home = data.work.new / STATEMENTS / record.id
    scratch = data.work.scratch / "imported.parquet"
    for name in added.tables:
        table = ALL_TABLES[name]
        write_rows(data.connection, table, added, record, scratch)
        rows = f"read_parquet({literal(str(scratch))})"
        by_hand.write_by_hand(stated, table, rows, sequence, home / f"{name}.parquet")
    record = by_hand.with_unsourced(stated, record, home)
    write_record(record, home)
    data.after = data.after.with_record(record, home)
    data.new.append(record)


def _state_accounts(data: DataFolder, added: Import, record: Record, home: Path) -> Record:
    """State the accounts of an import as they stand, so that they outlive the import that named them."""
    own = added.tables.get("accounts")
    rows = pd.DataFrame({"account_id": [], "platform": [], "title": []}) if own is None else own
    assert isinstance(rows, pd.DataFrame)
    owners = _owners(data, record, home) - set(rows["account_id"])
    standing = _standing_accounts(data, owners)
    if not len(rows) and not len(standing):
        return record
    stamps = [None] * len(rows) + [pd.Timestamp("1900-01-01", tz="UTC")] * len(standing)
    whole = pd.concat([rows, standing], ignore_index=True) if len(rows) else standing
    accounts = Import({"accounts": whole}, {}, stamps={"accounts": stamps})
    write_rows(data.connection, TABLES["accounts"], accounts, record, home / "accounts.parquet")
    return replace(record, rows={**record.rows, "accounts": len(whole)})


def _owners(data: DataFolder, record: Record, home: Path) -> set[str]:
    """The accounts that an import states something of."""
    owners = {
        scope for table, scope, *_ in record.covered if TABLES[covered_table(table)].scope == "account_id"
    }
    for name, count in record.rows.items():
        if count and name != "accounts" and "account_id" in ALL_TABLES[name].names:
            file = literal(str(home / f"{name}.parquet"))
            rows = data.connection.execute(f"SELECT DISTINCT account_id FROM read_parquet({file})").fetchall()
            owners |= {str(account) for (account,) in rows if account is not None}
    return owners


def _standing_accounts(data: DataFolder, owners: set[str]) -> pd.DataFrame:
    """The accounts as the table and the imports of the same command have them."""
    names = ["account_id", "platform", "title"]
    frames = [] if data.store is None else [data.store.frame("accounts")[names]]
    files = data.after.files("accounts", data.new)
    if files:
        listed = ", ".join(literal(str(file)) for file in files)
        frames.append(
            data.connection.execute(f"SELECT {', '.join(names)} FROM read_parquet([{listed}])").df()
        )
    if not frames:
        return pd.DataFrame({name: [] for name in names})
    whole = pd.concat(frames, ignore_index=True).drop_duplicates("account_id", keep="last")
    return whole[whole["account_id"].isin(owners)].reset_index(drop=True)


# --- tables


def _derive(data: DataFolder, timezone: str, looked_at: set[str]) -> Outcome:
    """Derive and write the tables that a change touches, and check the result."""
    merged = [
        result
        for table in (ALL_TABLES[name] for name in ALL_TABLES if name in looked_at and name != "coverage")
        if (result := _derive_table(data, table)) is not None
    ]
    if data.store is None and not any(result.table.name == "accounts" for result in merged):
        accounts = TABLES["accounts"]  # a data folder needs this table, also without rows
        empty = pd.DataFrame({name: [] for name in accounts.names})
        write_csv(empty, accounts, data.work.new / "accounts.csv")
    write_coverage(data.after.covered(), data.work, data.sources.get("coverage"), data.connection)
    refuse_if_broken(data.connection, data.work, merged, data.sources, timezone)
    journal.write(data.work, data.before, data.after, data.new, merged)
    by_hand.write_written(data.work, by_hand.read_written(data.work.folder))
    return Outcome(
        tuple(result.added for result in merged if result.added.is_told),
        tuple(sentence for result in merged for sentence in result.restated),
        sum(result.restated_count for result in merged),
        {result.table.name: result.disputed for result in merged if result.disputed},
        gone=sum(result.gone for result in merged),
    )


def _derive_table(data: DataFolder, table: Table) -> Merged | None:
    """Derive the rows of one table that a change can touch, and write them; None where it is not stated."""
    connection, name = data.connection, table.name
    source = data.sources.get(name)
    home = data.work.folder if name in TABLES else data.work.folder / FOLDER
    if not any(name in record.rows for record in data.after.records) and name != "post_stats":
        if source is None:
            return None
        if name != "accounts":
            for file in source.files:
                data.work.remove(file)
            if source.kind == "parts":
                data.work.remove(home / name)
            return Merged(table, Added(name, 0, 0, 0, count_rows(connection, f"({source.raw()})")))
    affected = mark_affected(data, table, source)
    stated = Stated(connection, data.after)
    result = f"result_{name}"
    disputed = stated.derive(table, result, affected=affected)
    mark_touched(connection, table, source, affected=affected)
    if name == "post_stats" and source is None and not count_rows(connection, result):
        return None
    added = compare(connection, table, data.after.relation(table, data.new))
    sentences, count = restatements(connection, table)
    write_table(connection, data.work, table, source, home)
    return Merged(table, added, sentences, count, disputed, _newly_deleted(connection, table))


def _newly_deleted(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    if table.name != "posts":
        return 0
    return count_rows(
        connection,
        "result_posts r JOIN touched_posts t USING (account_id, post_id) "
        "WHERE r.deleted_at IS NOT NULL AND t.deleted_at IS NULL",
    )
