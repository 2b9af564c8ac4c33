"""Add imports to a data folder: merge the rows, check the result, publish it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import TABLES, Table
from kpi_kit.data.merge import journal
from kpi_kit.data.merge.coverage import Covered, joined_coverage, write_coverage
from kpi_kit.data.merge.extra import ALL_TABLES, EXTRA, FOLDER, POST_REACH, Origin, Staged
from kpi_kit.data.merge.fold import Added, Merged, Piece, fold_table, save_observations, stage
from kpi_kit.data.merge.preview import refuse_if_broken
from kpi_kit.data.merge.writing import Work, workspace, write_csv, write_table
from kpi_kit.data.store import open_store
from kpi_kit.data.table_source import Settings, Source, confine, connect, literal, source_at
from kpi_kit.data.transaction import exclusive, finish

Rows = pd.DataFrame | Staged

_MEMORY = "400MB"
_NEWEST = "TIMESTAMPTZ 'infinity'"


@dataclass(frozen=True)
class Import:
    """Rows that come in together.

    Parameters
    ----------
    tables : mapping of str to DataFrame or Staged
        Canonical tables with the columns that the import knows.
    covered : mapping of (table, scope) to date ranges
    origin : Origin or None
        The files; without them the rows count as the newest, and are not remembered.
    stamps : mapping of str to sequence of datetime
        The stamp of each row, where the rows of a table come from several files.
    """

    tables: Mapping[str, Rows]
    covered: Covered
    origin: Origin | None = None
    stamps: Mapping[str, Sequence[object]] = field(default_factory=dict)


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
    known : bool
        Whether the same files had been imported before.
    """

    added: tuple[Added, ...]
    restated: tuple[str, ...] = ()
    restated_count: int = 0
    disputed: Mapping[str, int] | None = None
    known: bool = False


def merge(folder: Path, tables: Mapping[str, Rows], covered: Covered, timezone: str) -> list[Added]:
    """Add rows to the tables of a data folder; a row with a known key is updated.

    A value that the new row does not know keeps the one that is there. A snapshot of a post that a later one
    replaces goes to ``post_stats``.

    Parameters
    ----------
    folder : Path
        Made where it does not exist. A table keeps its format; new tables become CSV, large ones Parquet
        by month.
    tables : mapping of str to DataFrame
        Canonical tables with the columns that the import knows.
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
    """Add rows as :func:`merge` does, and remember the files, so that imports may come in any order.

    Raises
    ------
    InputError
        As :func:`merge`, or where another import holds the folder for too long; of several imports none is
        done then.
    """
    with exclusive(folder):
        try:
            finish(folder)
            with workspace(folder) as work:
                return _add(work, imports, timezone)
        except (OSError, duckdb.IOException) as fault:
            reason = fault.strerror if isinstance(fault, OSError) else " ".join(str(fault).split())
            raise InputError(f"{folder}: cannot be written to ({reason:.160}); nothing has changed") from None


def _add(work: Work, imports: Sequence[Import], timezone: str) -> Outcome:
    folder = work.folder
    exists = folder.is_dir() and any(home.stem in TABLES for home in folder.iterdir())
    settings: Settings = {
        "memory_limit": _MEMORY,
        "threads": 1,
        "temp_directory": str(work.scratch / "spill"),
    }
    places = [work.scratch, *_staging_folders(imports)]
    store = open_store(folder, timezone, also=places, settings=settings) if exists else None
    connection = store.connection if store else connect(timezone, settings)
    try:
        if store is None:
            confine(connection, (folder, *places))
        present = dict(store.sources) if store else {}
        present |= _extra_sources(folder, connection)
        merged = _merge_tables(connection, work, imports, present)
        for result in merged:
            source = present.get(result.table.name)
            write_table(connection, work, result.table, source, _home(folder, result.table))
        if store is None and not any(result.table.name == "accounts" for result in merged):
            accounts = TABLES["accounts"]  # a data folder needs this table, also without rows
            empty = pd.DataFrame({name: [] for name in accounts.names})
            write_csv(empty, accounts, work.new / "accounts.csv")
        coverage = store.frame("coverage") if store else None
        ranges = joined_coverage(coverage, [added.covered for added in imports])
        write_coverage(ranges, work, present.get("coverage"), connection)
        refuse_if_broken(connection, work, merged, present, timezone)
    finally:
        connection.close()
    known = journal.record(work, imports, merged)
    outcome = Outcome(
        tuple(result.added for result in merged if result.added.table != "post_stats"),
        tuple(sentence for result in merged for sentence in result.restated),
        sum(result.restated_count for result in merged),
        {result.table.name: result.disputed for result in merged if result.disputed},
        known,
    )
    work.publish()
    return outcome


def _staging_folders(imports: Sequence[Import]) -> Iterator[Path]:
    """The folders of staged rows."""
    for rows in (rows for added in imports for rows in added.tables.values() if isinstance(rows, Staged)):
        yield from {file.parent for file in rows.files}


def _home(folder: Path, table: Table) -> Path:
    return folder if table.name in TABLES else folder / FOLDER


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


def _merge_tables(
    connection: duckdb.DuckDBPyConnection,
    work: Work,
    imports: Sequence[Import],
    present: Mapping[str, Source],
) -> list[Merged]:
    merged: list[Merged] = []
    origins = [added.origin for added in imports if added.origin is not None]
    names = dict.fromkeys(name for added in imports for name, rows in added.tables.items() if len(rows))
    for name in names:
        pieces = [_piece(added, name) for added in imports if len(added.tables.get(name, ()))]
        merged.append(_merge_table(connection, work, ALL_TABLES[name], pieces, present, origins))
    history = next((result.history for result in merged if result.table.name == "posts"), None)
    if history is not None and "post_stats" not in names:
        piece = Piece(history, _NEWEST)
        merged.append(_merge_table(connection, work, TABLES["post_stats"], [piece], present, []))
    return merged


def _piece(added: Import, name: str) -> Piece:
    if added.origin is None:
        return Piece(added.tables[name], _NEWEST, added.stamps.get(name))
    moment = added.origin.stamp
    stamp = "NULL" if moment is None else f"TIMESTAMPTZ {literal(moment.isoformat())}"
    return Piece(added.tables[name], stamp, added.stamps.get(name), added.origin.digest)


def _merge_table(
    connection: duckdb.DuckDBPyConnection,
    work: Work,
    table: Table,
    pieces: Sequence[Piece],
    present: Mapping[str, Source],
    origins: Sequence[Origin],
) -> Merged:
    stage(connection, table, pieces)
    earlier = sorted((work.folder / FOLDER / "observations" / table.name).glob("*.parquet"))
    source = present.get(table.name)
    result = fold_table(connection, table, source.typed() if source else None, earlier)
    if origins and (table.clock is not None or table.name == POST_REACH):
        digests = "".join(sorted(origin.digest for origin in origins))
        digest = hashlib.sha256(digests.encode()).hexdigest()[:20]
        # a later version of the kit may read the same files differently
        times = sum(file.name.startswith(digest) for file in earlier)
        name = f"{digest}-{times + 1}.parquet" if times else f"{digest}.parquet"
        save_observations(connection, table, earlier, work.new / FOLDER / "observations" / table.name / name)
    return result
