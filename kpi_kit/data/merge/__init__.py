"""Add imported rows to a data folder: by key, in any order, checked as a whole, and all or nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import TABLES, Table
from kpi_kit.data import validate
from kpi_kit.data.merge import journal
from kpi_kit.data.merge.extra import (
    ACCOUNT_PLATFORMS,
    ACCOUNT_STATS,
    ALL_TABLES,
    ANSWERED_BY,
    EXTRA,
    FOLDER,
    POST_REACH,
    Origin,
    Staged,
)
from kpi_kit.data.merge.merging import Added, Merged, Piece, keep, merge, number_of, observe
from kpi_kit.data.merge.writing import LARGE, Work, workspace, write_csv, write_table
from kpi_kit.data.store import as_date, open_store
from kpi_kit.data.table_source import Settings, Source, confine, connect, literal, quoted, source_at
from kpi_kit.data.transaction import alone, finish

DateRange = tuple[dt.date, dt.date]
Covered = Mapping[tuple[str, str], Sequence[DateRange]]
Rows = pd.DataFrame | Staged

_MEMORY = "400MB"
_BRANDED = tuple(name for name, table in TABLES.items() if table.scope == "brand")
_NEWEST = "TIMESTAMPTZ 'infinity'"


@dataclass(frozen=True)
class Outcome:
    """What an upsert did.

    Parameters
    ----------
    added : tuple of Added
        A table each.
    restated : tuple of str
        Known values that are others now, one sentence each; of very many the first.
    restated_count : int
    disputed : mapping of str to int
        By table, the rows of which equally late files say different things.
    known : bool
        Whether the same files had been imported before.
    """

    added: tuple[Added, ...]
    restated: tuple[str, ...] = ()
    restated_count: int = 0
    disputed: Mapping[str, int] | None = None
    known: bool = False


def upsert(folder: Path, tables: Mapping[str, Rows], covered: Covered, timezone: str) -> list[Added]:
    """Add rows to the tables of a data folder; a row with a known key is brought up to date.

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


@dataclass(frozen=True)
class Import:
    """Rows that come in together.

    Parameters
    ----------
    tables : mapping of str to DataFrame or Staged
    covered : mapping of (table, scope) to date ranges
    origin : Origin or None
        The files; without them the rows count as the newest, and are not remembered.
    stamps : mapping of str to sequence of datetime
        Up to when the file of each row speaks, where the rows of a table come from several files.
    """

    tables: Mapping[str, Rows]
    covered: Covered
    origin: Origin | None = None
    stamps: Mapping[str, Sequence[object]] = field(default_factory=dict)


def add(folder: Path, imports: Sequence[Import], timezone: str) -> Outcome:
    """Add rows as :func:`upsert` does, and remember which files said what, so that any order does.

    Raises
    ------
    InputError
        As :func:`upsert`, or where another import has been writing for too long; of several imports none is
        done then.
    """
    with alone(folder):
        try:
            finish(folder)
            with workspace(folder) as work:
                return _add(work, imports, timezone)
        except (OSError, duckdb.IOException) as fault:
            said = fault.strerror if isinstance(fault, OSError) else " ".join(str(fault).split())
            raise InputError(f"{folder}: cannot be written to ({said:.160}); nothing has changed") from None


def _add(work: Work, imports: Sequence[Import], timezone: str) -> Outcome:
    folder = work.folder
    exists = folder.is_dir() and any(home.stem in TABLES for home in folder.iterdir())
    settings: Settings = {
        "memory_limit": _MEMORY,
        "threads": 1,
        "temp_directory": str(work.scratch / "spill"),
    }
    places = [work.scratch, *_staged_in(imports)]
    store = open_store(folder, timezone, also=places, settings=settings) if exists else None
    connection = store.connection if store else connect(timezone, settings)
    try:
        if store is None:
            confine(connection, (folder, *places))
        present = dict(store.sources) if store else {}
        present |= _extra_tables(folder, connection)
        merged = _merge_all(connection, work, imports, present)
        for each in merged:
            write_table(connection, work, each.table, present.get(each.table.name), _home(folder, each.table))
        if store is None and not any(each.table.name == "accounts" for each in merged):
            accounts = TABLES["accounts"]  # a data folder begins with it, also where there is none yet
            write_csv(
                pd.DataFrame({name: [] for name in accounts.names}), accounts, work.new / "accounts.csv"
            )
        ranges = _joined_coverage(
            store.frame("coverage") if store else None, [each.covered for each in imports]
        )
        _write_coverage(ranges, work, present.get("coverage"), connection)
        _refuse_if_broken(connection, work, merged, present, timezone)
    finally:
        connection.close()
    known = journal.record(work, imports, merged)
    done = Outcome(
        tuple(each.added for each in merged if each.added.table != "post_stats"),
        tuple(sentence for each in merged for sentence in each.restated),
        sum(each.restated_count for each in merged),
        {each.table.name: each.disputed for each in merged if each.disputed},
        known,
    )
    work.publish()
    return done


def _staged_in(imports: Sequence[Import]) -> Iterator[Path]:
    """Where rows wait that do not fit into memory."""
    for rows in (rows for each in imports for rows in each.tables.values() if isinstance(rows, Staged)):
        yield from {file.parent for file in rows.files}


def _home(folder: Path, table: Table) -> Path:
    return folder if table.name in TABLES else folder / FOLDER


def _extra_tables(folder: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, Source]:
    """The tables beside the canonical ones, as far as they exist."""
    found = {}
    for name, table in EXTRA.items():
        homes = [folder / FOLDER / file for file in (f"{name}.csv", f"{name}.parquet", name)]
        for home in (home for home in homes if home.exists()):
            source, problems = source_at(home, table, connection)
            if source is None:
                raise InputError(problems)
            found[name] = source
    return found


def _merge_all(
    connection: duckdb.DuckDBPyConnection,
    work: Work,
    imports: Sequence[Import],
    present: Mapping[str, Source],
) -> list[Merged]:
    merged: list[Merged] = []
    remembered = [each.origin for each in imports if each.origin is not None]
    names = dict.fromkeys(name for each in imports for name, rows in each.tables.items() if len(rows))
    for name in names:
        pieces = [_piece(each, name) for each in imports if len(each.tables.get(name, ()))]
        merged.append(_merge_one(connection, work, ALL_TABLES[name], pieces, present, remembered))
    history = next((each.history for each in merged if each.table.name == "posts"), None)
    if history is not None and "post_stats" not in names:
        piece = Piece(history, _NEWEST)
        merged.append(_merge_one(connection, work, TABLES["post_stats"], [piece], present, []))
    return merged


def _piece(given: Import, name: str) -> Piece:
    stamp = _NEWEST
    if given.origin is not None:
        told = given.origin.stamp
        stamp = "NULL" if told is None else f"TIMESTAMPTZ {literal(told.isoformat())}"
    digest = given.origin.digest if given.origin is not None else ""
    return Piece(given.tables[name], stamp, given.stamps.get(name), digest)


def _merge_one(
    connection: duckdb.DuckDBPyConnection,
    work: Work,
    table: Table,
    pieces: Sequence[Piece],
    present: Mapping[str, Source],
    origins: Sequence[Origin],
) -> Merged:
    observe(connection, table, pieces)
    home = work.folder / FOLDER / "observations" / table.name
    earlier = sorted(home.glob("*.parquet"))
    source = present.get(table.name)
    done = merge(connection, table, source.typed() if source else None, earlier)
    if origins and (table.clock is not None or table.name == POST_REACH):
        digest = hashlib.sha256("".join(sorted(origin.digest for origin in origins)).encode()).hexdigest()[
            :20
        ]
        times = sum(
            file.name.startswith(digest) for file in earlier
        )  # the same files, read by a later version
        name = f"{digest}-{times + 1}.parquet" if times else f"{digest}.parquet"
        keep(connection, table, earlier, work.new / FOLDER / "observations" / table.name / name)
    return done


# --- coverage


def _joined_coverage(present: pd.DataFrame | None, covered: Sequence[Covered]) -> pd.DataFrame:
    """The union of the covered days, as few ranges as possible."""
    ranges: dict[tuple[str, str], list[DateRange]] = {}
    for row in () if present is None else present.itertuples():
        known = ranges.setdefault((str(row.table), str(row.scope)), [])
        known.append((as_date(row.since), as_date(row.until)))
    for scope, added in (pair for each in covered for pair in each.items()):
        if scope[0] in TABLES:
            ranges.setdefault(scope, []).extend(added)
    rows = [(*scope, since, until) for scope in sorted(ranges) for since, until in union(ranges[scope])]
    return pd.DataFrame(rows, columns=list(TABLES["coverage"].names))


def _write_coverage(
    ranges: pd.DataFrame, work: Work, source: Source | None, connection: duckdb.DuckDBPyConnection
) -> None:
    table = TABLES["coverage"]
    if source is None or source.kind == "csv":
        write_csv(ranges, table, work.new / "coverage.csv")
        return
    connection.register("ranges", ranges)
    casts = ", ".join(
        f"CAST({quoted(c.name)} AS {'DATE' if c.name in ('since', 'until') else 'VARCHAR'}) AS "
        f"{quoted(c.name)}"
        for c in table.columns
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE result_coverage AS SELECT {casts} FROM ranges")
    name = "coverage.parquet" if source.kind == "parquet" else "coverage/part.parquet"
    target = work.new / name
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"COPY (SELECT * FROM result_coverage ORDER BY ALL) TO {literal(str(target))} (FORMAT parquet)"
    )
    for file in source.files:
        if str(file.relative_to(work.folder)) != name:
            work.remove(file)


def union(ranges: Iterable[DateRange]) -> list[DateRange]:
    """Join ranges that overlap or touch.

    Examples
    --------
    >>> day = lambda number: dt.date(2025, 10, number)
    >>> [(a.day, b.day) for a, b in union([(day(9), day(12)), (day(1), day(3)), (day(3), day(5))])]
    [(1, 5), (9, 12)]
    """
    joined: list[DateRange] = []
    for since, until in sorted(ranges):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    return joined


# --- checks


def _refuse_if_broken(
    connection: duckdb.DuckDBPyConnection,
    work: Work,
    merged: Sequence[Merged],
    present: Mapping[str, Source],
    timezone: str,
) -> None:
    """Check what the folder would become, by its real name; of large tables what is new, beside the rest.

    Rows of a large table that no import touches were checked when they came in, and stay. What an import can
    break is in its own rows (cells, keys, accounts; each key stands once in the result, which replaces the
    rows of its keys) or in both together: the currency of leads.
    """
    sizable = _large_tables(present, connection)
    large = [
        each
        for each in merged
        if (each.added.new + each.added.changed + each.added.unchanged) > LARGE or each.table.name in sizable
    ]
    preview = work.scratch / "preview"
    without = {each.table.name for each in large} | sizable
    _link(work, preview, without)
    for name in without & set(_BRANDED):
        _show_brands(
            connection, preview, name, present.get(name), name in {each.table.name for each in merged}
        )
    problems = [*_problems(preview, timezone, work), *_two_platforms(connection, merged, present)]
    for each in large:
        if each.table.name in TABLES and not problems:
            problems = _problems_of_large(connection, work, each, preview, timezone)
    if not problems and "leads" in {each.table.name for each in large}:
        problems = _two_currencies(connection, present.get("leads"))
    if problems:
        raise InputError([problem.replace(str(preview), str(work.folder)) for problem in problems])


def _show_brands(
    connection: duckdb.DuckDBPyConnection, preview: Path, name: str, source: Source | None, fresh: bool
) -> None:
    """Show one row a brand of a table that is too large to be looked through: coverage speaks of brands."""
    names = ", ".join(map(quoted, TABLES[name].names))
    parts = [f"SELECT {names} FROM ({source.typed()})"] if source else []
    parts += [f"SELECT {names} FROM result_{name}"] if fresh else []
    connection.execute(
        f"COPY (SELECT DISTINCT ON (brand) * FROM ({' UNION ALL '.join(parts)}) ORDER BY ALL) "
        f"TO {literal(str(preview / f'{name}.parquet'))} (FORMAT parquet)"
    )


def _large_tables(present: Mapping[str, Source], connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Tables in parts were checked when they were written; a fresh look at all of them would take minutes."""
    sized = {name: source for name, source in present.items() if source.kind == "parts"}
    return {name for name, source in sized.items() if number_of(connection, f"({source.raw()})") > LARGE}


def _two_platforms(
    connection: duckdb.DuckDBPyConnection, merged: Sequence[Merged], present: Mapping[str, Source]
) -> list[str]:
    """Accounts that files put on several platforms, also files of imports at the same time."""
    if not any(each.table.name == ACCOUNT_PLATFORMS for each in merged):
        return []
    source = present.get(ACCOUNT_PLATFORMS)
    earlier = f"UNION ALL {source.typed()}" if source else ""
    rows = connection.execute(
        f"""SELECT account_id, string_agg(platform || ' by ' || said_by, '; ' ORDER BY platform, said_by)
            FROM (SELECT DISTINCT * FROM (FROM result_{ACCOUNT_PLATFORMS} {earlier}))
            GROUP BY account_id HAVING count(DISTINCT platform) > 1 ORDER BY 1"""
    ).fetchall()
    return [f"account {account!r} would be on several platforms: {told}" for account, told in rows]


def _problems(place: Path, timezone: str, work: Work) -> list[str]:
    try:
        with open_store(place, timezone, also=(work.folder, work.new)) as store:
            return validate.problems(store, None)
    except InputError as fault:
        return list(fault.problems)


def _problems_of_large(
    connection: duckdb.DuckDBPyConnection, work: Work, merged: Merged, preview: Path, timezone: str
) -> list[str]:
    """The rows that came in, a slice at a time."""
    name = merged.table.name
    part = preview / f"{name}.parquet"
    accounts = next(preview.glob("accounts.*"))
    slices = work.scratch / f"slices-{name}"
    slices.mkdir()
    (slices / accounts.name).symlink_to(accounts.resolve(), target_is_directory=accounts.is_dir())
    part = slices / f"{name}.parquet"
    for start in range(0, number_of(connection, merged.result), LARGE):
        connection.execute(
            # by the number of the row: an OFFSET would hold all rows before it in memory
            f"COPY (SELECT * FROM {merged.result} WHERE rowid >= {start} AND rowid < {start + LARGE}) TO "
            f"{literal(str(part))} (FORMAT parquet)"
        )
        if problems := _problems(slices, timezone, work):
            return [problem.replace(str(slices), str(work.folder)) for problem in problems]
    shutil.rmtree(slices)
    return []


def _two_currencies(connection: duckdb.DuckDBPyConnection, source: Source | None) -> list[str]:
    """Sums in another currency than those that came in, or than those that stay."""
    rows = "SELECT currency FROM result_leads"
    if source is not None:
        stay = f"SELECT lead_id, currency FROM ({source.typed()})"
        rows += f" UNION ALL SELECT currency FROM ({stay}) ANTI JOIN result_leads USING (lead_id)"
    found = connection.execute(
        f"SELECT DISTINCT currency FROM ({rows}) WHERE currency IS NOT NULL ORDER BY 1"
    ).fetchall()
    if len(found) < 2:
        return []
    listed = ", ".join(str(row[0]) for row in found)
    return [f"leads: only one currency is allowed, found {listed}; two currencies cannot be added up"]


def _link(work: Work, preview: Path, without: set[str]) -> None:
    """Show the tables as they would be, without copying them."""
    preview.mkdir()
    for name in TABLES:
        if name in without:
            continue
        fresh = [work.new / file for file in (f"{name}.csv", f"{name}.parquet") if (work.new / file).exists()]
        if fresh:
            (preview / fresh[0].name).symlink_to(fresh[0].resolve())
        elif (work.new / name).is_dir():
            _link_parts(work, preview, name)
        else:
            homes = [work.folder / file for file in (f"{name}.csv", f"{name}.parquet", name)]
            for home in (home for home in homes if home.exists()):
                (preview / home.name).symlink_to(home.resolve(), target_is_directory=home.is_dir())


def _link_parts(work: Work, preview: Path, name: str) -> None:
    gone = set(work.gone)
    parts = {file.relative_to(work.new): file for file in (work.new / name).rglob("*.parquet")}
    for file in (work.folder / name).rglob("*.parquet") if (work.folder / name).is_dir() else ():
        place = file.relative_to(work.folder)
        if str(place) not in gone:
            parts.setdefault(place, file)
    for place, file in parts.items():
        (preview / place).parent.mkdir(parents=True, exist_ok=True)
        (preview / place).symlink_to(file.resolve())


__all__ = [
    "ACCOUNT_PLATFORMS",
    "ACCOUNT_STATS",
    "ALL_TABLES",
    "ANSWERED_BY",
    "EXTRA",
    "POST_REACH",
    "Added",
    "Import",
    "Origin",
    "Outcome",
    "Staged",
    "add",
    "union",
    "upsert",
]
