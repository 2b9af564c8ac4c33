"""Fold the observations of several imports into one row a key, in SQL, so that any number of rows fits.

Every observation keeps its stamp, the moment up to which its file speaks. A row is computed from all its
observations: each column has the latest known value, of equally late ones the larger. So neither the order
of imports nor importing a file twice changes the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.schema import Table, Type
from kpi_kit.data.merge.extra import Staged
from kpi_kit.data.table_source import SQL_TYPES, literal, quoted

FIGURES = ("views", "likes", "comments", "reposts", "reach")
"""Figures of posts. They grow: a new value is a later snapshot and restates nothing."""

_GROW = {"posts": (*FIGURES, "stats_at", "text", "url"), "post_stats": FIGURES}
_ASSUMED = "TIMESTAMPTZ '1900-01-01 00:00:00+00'"
_SHOWN = 200
_AT_ONCE = 150_000


@dataclass(frozen=True)
class Added:
    """How many rows of a table an import added, changed, and found unchanged."""

    table: str
    new: int
    changed: int
    unchanged: int


@dataclass(frozen=True)
class Merged:
    """One table after an import; the rows with imported keys are in the temporary table ``result_<name>``.

    Parameters
    ----------
    table : Table
    added : Added
    restated : tuple of str
        Values that the import changed, one sentence each.
    restated_count : int
    disputed : int
        Rows that two equally late files state differently.
    history : DataFrame or None
        Snapshots of posts that later ones replace.
    """

    table: Table
    added: Added
    restated: tuple[str, ...] = ()
    restated_count: int = 0
    disputed: int = 0
    history: pd.DataFrame | None = field(default=None, compare=False)

    @property
    def result(self) -> str:
        """The temporary table with the rows whose keys were imported."""
        return f"result_{self.table.name}"


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return the number of rows of a relation."""
    ((count,),) = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


@dataclass(frozen=True)
class Piece:
    """Rows of one import.

    Parameters
    ----------
    rows : DataFrame or Staged
    stamp : str
        SQL of the moment up to which the files speak.
    stamps : sequence of datetime or None
        The stamp of each row, where the files differ.
    origin : str
        The digest of the files in the journal.
    """

    rows: pd.DataFrame | Staged
    stamp: str
    stamps: Sequence[object] | None = None
    origin: str = ""


def stage(connection: duckdb.DuckDBPyConnection, table: Table, pieces: Sequence[Piece]) -> None:
    """Copy imported rows to the temporary table ``fresh``: all columns, ``_stamp`` and ``_origin``."""
    columns = ", ".join(f"{quoted(c.name)} {SQL_TYPES[c.type]}" for c in table.columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh ({columns}, _stamp TIMESTAMPTZ, _origin VARCHAR)")
    for piece in pieces:
        _stage_piece(connection, table, piece)


def _stage_piece(connection: duckdb.DuckDBPyConnection, table: Table, piece: Piece) -> None:
    rows, own = piece.rows, "NULL"
    if isinstance(rows, Staged):
        relation = _files(rows.files)
        names = rows.columns
        own = "to_timestamp(nullif(_stamp, 0))" if rows.stamped else own
    else:
        names = tuple(rows.columns)
        if piece.stamps:
            rows = rows.assign(
                _stamp=pd.Series(list(piece.stamps), index=rows.index, dtype="datetime64[us, UTC]")
            )
            own = "_stamp"
        connection.register("imported", rows)
        relation = "imported"
    chosen = [
        f"CAST({quoted(c.name) if c.name in names else 'NULL'} AS {SQL_TYPES[c.type]}) AS {quoted(c.name)}"
        for c in table.columns
    ]
    dated = f"CAST(stats_at AS TIMESTAMPTZ), {own}" if table.name == "posts" and "stats_at" in names else own
    later = f"coalesce({dated}, {piece.stamp}, {_ASSUMED})"
    origin = literal(piece.origin)
    connection.execute(f"INSERT INTO fresh SELECT {', '.join(chosen)}, {later}, {origin} FROM {relation}")


def save_observations(
    connection: duckdb.DuckDBPyConnection, table: Table, earlier: Sequence[Path], file: Path
) -> None:
    """Save the observations that are new, and the rows written by hand, for later imports."""
    names = ", ".join((*map(quoted, table.names), "_stamp"))
    connection.execute("CREATE OR REPLACE TEMP TABLE unsaved AS SELECT * FROM fresh WHERE false")
    for part in _parts(connection, table):
        statements = [
            f"SELECT {names}, _origin, 0 AS old FROM fresh WHERE {part}",
            f"SELECT {names}, 'by hand', 0 FROM by_hand WHERE {part}",
        ]
        if earlier:
            statements.append(f"SELECT {names}, _origin, 1 FROM {_files(earlier)} WHERE {part}")
        connection.execute(
            f"INSERT INTO unsaved SELECT {names}, min(_origin) FROM ({' UNION ALL '.join(statements)}) "
            f"GROUP BY {names} HAVING max(old) = 0 ORDER BY ALL"
        )
    if count_rows(connection, "unsaved"):
        file.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY unsaved TO {literal(str(file))} (FORMAT parquet)")


def _files(files: Sequence[Path]) -> str:
    return "read_parquet([" + ", ".join(literal(str(file)) for file in files) + "])"


def _parts(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """Return conditions that split the rows by key into parts that fit into memory."""
    count = -(-count_rows(connection, "fresh") // _AT_ONCE)
    key = ", ".join(map(quoted, table.key))
    return [f"hash({key}) % {count} = {part}" for part in range(count)] if count > 1 else ["true"]


def fold_table(
    connection: duckdb.DuckDBPyConnection, table: Table, present: str | None, earlier: Sequence[Path]
) -> Merged:
    """Compute the rows whose keys are in ``fresh``; ``by_hand`` gets the rows that no import stated.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    table : Table
    present : str or None
        SQL of the table as it is.
    earlier : sequence of pathlib.Path
        Observations of earlier imports.
    """
    _touched(connection, table, present, earlier)
    result = f"result_{table.name}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {result} AS SELECT * EXCLUDE (_stamp, _origin) FROM fresh WHERE false"
    )
    disputed = 0
    snapshots: list[pd.DataFrame] = []
    for part in _parts(connection, table):
        _fold(connection, table, earlier, part)
        disputed += _disputed(connection, table)
        if table.name == "posts":
            snapshots.append(_history(connection))
    restated, count = _restated(connection, table)
    history = pd.concat(snapshots, ignore_index=True) if snapshots else None
    return Merged(
        table,
        _counted(connection, table),
        restated,
        count,
        disputed,
        history if history is not None and len(history) else None,
    )


def _fold(connection: duckdb.DuckDBPyConnection, table: Table, earlier: Sequence[Path], part: str) -> None:
    """Add the rows of one part of the keys to the result."""
    key = ", ".join(map(quoted, table.key))
    names = ", ".join(map(quoted, table.names))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE keys AS SELECT DISTINCT {key} FROM fresh WHERE {part}")
    observed = [f"SELECT {names}, _stamp FROM {rows} WHERE {part}" for rows in ("fresh", "by_hand")]
    if earlier:
        observed.append(f"SELECT {names}, _stamp FROM {_files(earlier)} SEMI JOIN keys USING ({key})")
    # the present row fills what no file knows, such as a column kept by hand
    observed.append(f"SELECT {names}, TIMESTAMPTZ '-infinity' AS _stamp FROM touched WHERE {part}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE observed AS SELECT {names}, max(_stamp) AS _stamp "
        f"FROM ({' UNION ALL '.join(observed)}) GROUP BY ALL"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE often AS SELECT {key} FROM observed GROUP BY ALL HAVING count(*) > 1"
    )
    latest = "".join(f", {_latest(table, name)}" for name in table.names if name not in table.key)
    connection.execute(
        f"INSERT INTO result_{table.name} BY NAME SELECT {names} FROM observed ANTI JOIN often USING ({key}) "
        f"UNION ALL BY NAME SELECT {key}{latest} FROM observed SEMI JOIN often USING ({key}) GROUP BY {key}"
    )


def _touched(
    connection: duckdb.DuckDBPyConnection, table: Table, present: str | None, earlier: Sequence[Path]
) -> None:
    """Select the present rows with imported keys, and those among them that no import stated."""
    key = ", ".join(map(quoted, table.key))
    names = ", ".join(map(quoted, table.names))
    if present is None:
        columns = ", ".join(f"CAST(NULL AS {SQL_TYPES[c.type]}) AS {quoted(c.name)}" for c in table.columns)
        present = f"SELECT {columns} WHERE false"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT {names} FROM ({present}) SEMI "
        f"JOIN fresh USING ({key})"
    )
    stamp = (
        "coalesce(stats_at, TIMESTAMPTZ '-infinity')" if table.name == "posts" else "TIMESTAMPTZ '-infinity'"
    )
    known = ""
    if earlier:
        known = f"ANTI JOIN (SELECT {key} FROM {_files(earlier)}) USING ({key})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE by_hand AS SELECT {names}, {stamp} AS _stamp FROM touched {known}"
    )


def _latest(table: Table, name: str) -> str:
    """SQL of a column's latest known value; ``stats_at`` goes with the figures, also where it is unknown."""
    column = quoted(name)
    if table.name == "posts" and name == "stats_at":
        some = " OR ".join(f"{figure} IS NOT NULL" for figure in FIGURES)
        return (
            f"coalesce(max_by({{'x': {column}}}, {{'s': _stamp, 'v': {column}}}) FILTER (WHERE {some}), "
            f"{{'x': max({column})}}).x AS {column}"
        )
    return f"max_by({column}, {{'s': _stamp, 'v': {column}}}) FILTER (WHERE {column} IS NOT NULL) AS {column}"


def _counted(connection: duckdb.DuckDBPyConnection, table: Table) -> Added:
    key = ", ".join(map(quoted, table.key))
    rest = [quoted(name) for name in table.names if name not in table.key]
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM t.{name}" for name in rest) or "true"
    ((total, known, unchanged),) = connection.execute(
        f"SELECT (SELECT count(*) FROM result_{table.name}), count(*), count(*) FILTER (WHERE {same}) "
        f"FROM result_{table.name} r JOIN touched t USING ({key})"
    ).fetchall()
    return Added(table.name, total - known, known - unchanged, unchanged)


def _restated(connection: duckdb.DuckDBPyConnection, table: Table) -> tuple[tuple[str, ...], int]:
    """Return a sentence for each value that the import changed, and how many there are."""
    key = ", ".join(map(quoted, table.key))
    shown = " || ' ' || ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in table.key)
    sentences: list[str] = []
    count = 0
    for column in table.columns:
        name = quoted(column.name)
        if column.name in table.key or column.name in _GROW.get(table.name, ()):
            continue
        changed = f"result_{table.name} r JOIN touched t USING ({key}) WHERE r.{name} <> t.{name}"
        total = count_rows(connection, changed)
        if not total:
            continue
        count += total
        rows = connection.execute(
            f"SELECT {shown}, {_spelled(column.type, f't.{name}')}, {_spelled(column.type, f'r.{name}')} "
            f"FROM {changed} ORDER BY 1 LIMIT {_SHOWN}"
        ).fetchall()
        sentences += [f"{table.name}: {row}: {column.name} was {old}, is {new}" for row, old, new in rows]
    return tuple(sentences[:_SHOWN]), count


def _spelled(kind: Type, name: str) -> str:
    """SQL of a value as text; whole numbers have no point."""
    text = f"CAST({name} AS VARCHAR)"
    if kind not in (Type.COUNT, Type.NUMBER):
        return text
    whole = f"{name} = floor({name}) AND abs({name}) < 1e15"
    return f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {text} END"


def _disputed(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Count the rows that two equally late imports state differently."""
    key = ", ".join(map(quoted, table.key))
    differ = [f"count(DISTINCT {quoted(name)}) > 1" for name in table.names if name not in table.key]
    if not differ:
        return 0
    return count_rows(
        connection,
        f"(SELECT {key} FROM observed SEMI JOIN often USING ({key}) WHERE isfinite(_stamp) "
        f"GROUP BY {key}, _stamp HAVING {' OR '.join(differ)})",
    )


def _history(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the snapshots of posts that a later one replaces."""
    figures = ", ".join(f"max({name}) AS {name}" for name in FIGURES[:4])
    some = " OR ".join(f"{name} IS NOT NULL" for name in FIGURES[:4])
    frame = connection.execute(
        f"""SELECT post_id, timezone('UTC', stats_at) AS stats_at, {figures} FROM observed
            SEMI JOIN often USING (post_id)
            JOIN (SELECT post_id, max(_stamp) AS latest FROM observed WHERE {some} GROUP BY post_id)
            USING (post_id)
            WHERE ({some}) AND stats_at IS NOT NULL AND isfinite(_stamp) AND stats_at < latest
            GROUP BY post_id, stats_at ORDER BY ALL"""
    ).df()
    frame["stats_at"] = pd.to_datetime(frame["stats_at"], utc=True)
    return frame
