"""What several files say of the same rows, made one: in SQL, so that any number of rows fits.

Every import is kept as it came, with the moment up to which it speaks (its stamp). A row is made anew from
all that was ever said of it: of each column the latest known value, of equally late ones the larger. So the
order of imports does not matter, and neither does importing a file twice.
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
"""Figures of posts, which grow: a new one is a later snapshot and restates nothing."""

_GROW = {"posts": (*FIGURES, "stats_at", "text", "url"), "post_stats": FIGURES}
_ASSUMED = "TIMESTAMPTZ '1900-01-01 00:00:00+00'"
_SHOWN = 200
_AT_ONCE = 150_000


@dataclass(frozen=True)
class Added:
    """What an upsert did to one table."""

    table: str
    new: int
    changed: int
    unchanged: int


@dataclass(frozen=True)
class Merged:
    """One table after an import; its rows are in the temporary table ``result_<name>``.

    Parameters
    ----------
    table : Table
    added : Added
    restated : tuple of str
        Known values that the import changed, one sentence each.
    disputed : int
        Rows of which two files that are equally late say different things.
    """

    table: Table
    added: Added
    restated: tuple[str, ...] = ()
    restated_count: int = 0
    disputed: int = 0
    history: pd.DataFrame | None = field(default=None, compare=False)

    @property
    def result(self) -> str:
        """The temporary table that has the rows whose keys were imported."""
        return f"result_{self.table.name}"


def number_of(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """How many rows a relation has."""
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
        The same for each row, where the files differ.
    origin : str
        The digest by which the journal knows the files.
    """

    rows: pd.DataFrame | Staged
    stamp: str
    stamps: Sequence[object] | None = None
    origin: str = ""


def observe(connection: duckdb.DuckDBPyConnection, table: Table, pieces: Sequence[Piece]) -> None:
    """Put imported rows into the temporary table ``fresh``, with all columns, ``_stamp`` and ``_origin``."""
    columns = ", ".join(f"{quoted(c.name)} {SQL_TYPES[c.type]}" for c in table.columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE fresh ({columns}, _stamp TIMESTAMPTZ, _origin VARCHAR)")
    for piece in pieces:
        _observe(connection, table, piece)


def _observe(connection: duckdb.DuckDBPyConnection, table: Table, piece: Piece) -> None:
    rows, own = piece.rows, "NULL"
    if isinstance(rows, Staged):
        given = _files(rows.files)
        names = rows.columns
        own = "to_timestamp(nullif(_stamp, 0))" if rows.stamped else own
    else:
        names = tuple(rows.columns)
        if piece.stamps:
            rows = rows.assign(
                _stamp=pd.Series(list(piece.stamps), index=rows.index, dtype="datetime64[us, UTC]")
            )
            own = "_stamp"
        connection.register("given", rows)
        given = "given"
    chosen = [
        f"CAST({quoted(c.name) if c.name in names else 'NULL'} AS {SQL_TYPES[c.type]}) AS {quoted(c.name)}"
        for c in table.columns
    ]
    dated = f"CAST(stats_at AS TIMESTAMPTZ), {own}" if table.name == "posts" and "stats_at" in names else own
    later = f"coalesce({dated}, {piece.stamp}, {_ASSUMED})"
    named = literal(piece.origin)
    connection.execute(f"INSERT INTO fresh SELECT {', '.join(chosen)}, {later}, {named} FROM {given}")


def keep(connection: duckdb.DuckDBPyConnection, table: Table, earlier: Sequence[Path], file: Path) -> None:
    """Write down what no earlier import had said, and what stood there by hand; later imports read it."""
    names = ", ".join((*map(quoted, table.names), "_stamp"))
    connection.execute("CREATE OR REPLACE TEMP TABLE said AS SELECT * FROM fresh WHERE false")
    for part in _parts(connection, table):
        all_said = [
            f"SELECT {names}, _origin, 0 AS old FROM fresh WHERE {part}",
            f"SELECT {names}, 'by hand', 0 FROM by_hand WHERE {part}",
        ]
        if earlier:
            all_said.append(f"SELECT {names}, _origin, 1 FROM {_files(earlier)} WHERE {part}")
        connection.execute(
            f"INSERT INTO said SELECT {names}, min(_origin) FROM ({' UNION ALL '.join(all_said)}) "
            f"GROUP BY {names} HAVING max(old) = 0 ORDER BY ALL"
        )
    if number_of(connection, "said"):
        file.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"COPY said TO {literal(str(file))} (FORMAT parquet)")


def _files(files: Sequence[Path]) -> str:
    return "read_parquet([" + ", ".join(literal(str(file)) for file in files) + "])"


def _parts(connection: duckdb.DuckDBPyConnection, table: Table) -> list[str]:
    """Conditions that split the rows by key into parts that fit into memory, whatever their number."""
    count = -(-number_of(connection, "fresh") // _AT_ONCE)
    key = ", ".join(map(quoted, table.key))
    return [f"hash({key}) % {count} = {part}" for part in range(count)] if count > 1 else ["true"]


def merge(
    connection: duckdb.DuckDBPyConnection, table: Table, present: str | None, earlier: Sequence[Path]
) -> Merged:
    """Make the rows anew whose keys are in ``fresh``; the table ``by_hand`` gets what no file had said.

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
    """Add the rows of a part of the keys to the result, made of all that was said of them."""
    key = ", ".join(map(quoted, table.key))
    names = ", ".join(map(quoted, table.names))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE keys AS SELECT DISTINCT {key} FROM fresh WHERE {part}")
    told = [f"SELECT {names}, _stamp FROM {rows} WHERE {part}" for rows in ("fresh", "by_hand")]
    if earlier:
        told.append(f"SELECT {names}, _stamp FROM {_files(earlier)} SEMI JOIN keys USING ({key})")
    # what stands in the table fills what no file knows, such as a column that is kept by hand
    told.append(f"SELECT {names}, TIMESTAMPTZ '-infinity' AS _stamp FROM touched WHERE {part}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE told AS SELECT {names}, max(_stamp) AS _stamp "
        f"FROM ({' UNION ALL '.join(told)}) GROUP BY ALL"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE often AS SELECT {key} FROM told GROUP BY ALL HAVING count(*) > 1"
    )
    latest = "".join(f", {_latest(table, name)}" for name in table.names if name not in table.key)
    connection.execute(
        f"INSERT INTO result_{table.name} BY NAME SELECT {names} FROM told ANTI JOIN often USING ({key}) "
        f"UNION ALL BY NAME SELECT {key}{latest} FROM told SEMI JOIN often USING ({key}) GROUP BY {key}"
    )


def _touched(
    connection: duckdb.DuckDBPyConnection, table: Table, present: str | None, earlier: Sequence[Path]
) -> None:
    """The present rows with keys of the import; of them those of which no import has spoken."""
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
    """SQL of a column's latest known value; the time of figures goes with the figures, also where unknown."""
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
    """Known values that are others now."""
    key = ", ".join(map(quoted, table.key))
    shown = " || ' ' || ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in table.key)
    found: list[str] = []
    count = 0
    for column in table.columns:
        name = quoted(column.name)
        if column.name in table.key or column.name in _GROW.get(table.name, ()):
            continue
        changed = f"result_{table.name} r JOIN touched t USING ({key}) WHERE r.{name} <> t.{name}"
        total = number_of(connection, changed)
        if not total:
            continue
        count += total
        rows = connection.execute(
            f"SELECT {shown}, {_spelled(column.type, f't.{name}')}, {_spelled(column.type, f'r.{name}')} "
            f"FROM {changed} ORDER BY 1 LIMIT {_SHOWN}"
        ).fetchall()
        found += [f"{table.name}: {what}: {column.name} was {old}, is {new}" for what, old, new in rows]
    return tuple(found[:_SHOWN]), count


def _spelled(kind: Type, name: str) -> str:
    """SQL of a value in words: whole numbers without a point."""
    text = f"CAST({name} AS VARCHAR)"
    if kind not in (Type.COUNT, Type.NUMBER):
        return text
    whole = f"{name} = floor({name}) AND abs({name}) < 1e15"
    return f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {text} END"


def _disputed(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """How many rows two equally late imports tell differently."""
    key = ", ".join(map(quoted, table.key))
    differ = [f"count(DISTINCT {quoted(name)}) > 1" for name in table.names if name not in table.key]
    if not differ:
        return 0
    return number_of(
        connection,
        f"(SELECT {key} FROM told SEMI JOIN often USING ({key}) WHERE isfinite(_stamp) "
        f"GROUP BY {key}, _stamp HAVING {' OR '.join(differ)})",
    )


def _history(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Snapshots of posts that a later one has replaced."""
    figures = ", ".join(f"max({name}) AS {name}" for name in FIGURES[:4])
    some = " OR ".join(f"{name} IS NOT NULL" for name in FIGURES[:4])
    frame = connection.execute(
        f"""SELECT post_id, timezone('UTC', stats_at) AS stats_at, {figures} FROM told
            SEMI JOIN often USING (post_id)
            JOIN (SELECT post_id, max(_stamp) AS latest FROM told WHERE {some} GROUP BY post_id)
            USING (post_id)
            WHERE ({some}) AND stats_at IS NOT NULL AND isfinite(_stamp) AND stats_at < latest
            GROUP BY post_id, stats_at ORDER BY ALL"""
    ).df()
    frame["stats_at"] = pd.to_datetime(frame["stats_at"], utc=True)
    return frame
