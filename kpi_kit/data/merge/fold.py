"""Fold everything that was stated of a table into one row a key, in SQL, so that any number of rows fits.

Each column has the latest known value; of equally late ones an edit by hand, else the larger. So neither the
order of imports nor importing a file twice changes the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Table, Type
from kpi_kit.data.table_source import SQL_TYPES, quoted

FIGURES = ("views", "likes", "comments", "reposts", "reach")
"""Figures of posts. They grow: a new value is a later snapshot and restates nothing."""

_GROW = {"posts": (*FIGURES, "stats_at", "text", "url"), "post_stats": FIGURES}
_PRECISE = {"posts": "published_at", "leads": "created_at"}
"""Times of which the more precise one counts, not the latest: one source tells seconds, another the day."""

_RANKED = {
    "accounts": {"platform": "_rank", "title": "_rank"},
    "leads": {
        "created_at": "_rank",
        **dict.fromkeys(("status", "sold_at", "sale_amount", "currency", "refunded_at"), "-_rank"),
    },
}
"""Columns in which the rank of a statement counts before its age: an account's known platform before
``other``, the birth of a lead before that of its deal, the sale of the deal before what the lead tells."""

_SHOWN = 200
_AT_ONCE = 150_000


@dataclass(frozen=True)
class Added:
    """How many rows of a table an import added, changed, found unchanged and removed."""

    table: str
    new: int
    changed: int
    unchanged: int
    removed: int = 0

    @property
    def is_told(self) -> bool:
        """Whether it is of interest to the person who imports: snapshots of posts are not."""
        rows = self.new + self.changed + self.unchanged + self.removed
        return rows > 0 and self.table != "post_stats"


@dataclass(frozen=True)
class Merged:
    """One table after an import; its new rows are in the temporary table ``result_<name>``.

    The rows that they replace are in ``touched_<name>``.

    Parameters
    ----------
    table : Table
    added : Added
    restated : tuple of str
        Values that the import changed, one sentence each.
    restated_count : int
    disputed : int
        Rows that two equally late files state differently.
    gone : int
        Posts that a complete export lacks, and that count as deleted from now on.
    """

    table: Table
    added: Added
    restated: tuple[str, ...] = ()
    restated_count: int = 0
    disputed: int = 0
    gone: int = 0

    @property
    def result(self) -> str:
        """The temporary table with the new rows."""
        return f"result_{self.table.name}"


def count_rows(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Return the number of rows of a relation."""
    ((count,),) = connection.execute(f"SELECT count(*) FROM {relation}").fetchall()
    return int(count)


def columns_of(table: Table) -> str:
    """Return the columns of a table for SQL."""
    return ", ".join(map(quoted, table.names))


def key_of(table: Table) -> str:
    """Return the key of a table for SQL."""
    return ", ".join(map(quoted, table.key))


def fold(connection: duckdb.DuckDBPyConnection, table: Table, stated: str, result: str) -> int:
    """Fold a relation of statements into the temporary table ``result``; return the disputed rows.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    table : Table
    stated : str
        SQL with the columns of the table, ``_stamp``, ``_seq``, ``_hand``, ``_gone`` and ``_rank``.
    result : str
    """
    names, key = columns_of(table), key_of(table)
    columns = ", ".join(f"{quoted(c.name)} {SQL_TYPES[c.type]}" for c in table.columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {result} ({columns})")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE repeated AS SELECT hash({key}) AS _key FROM {stated} "
        "GROUP BY ALL HAVING count(*) > 1"
    )
    connection.execute(
        f"INSERT INTO {result} SELECT {names} FROM {stated} s "
        f"WHERE NOT _gone AND hash({key}) NOT IN (FROM repeated)"
    )
    disputed = 0
    if count_rows(connection, "repeated"):
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE several AS SELECT * FROM {stated} s "
            f"WHERE hash({key}) IN (FROM repeated)"
        )
        _remove_gone(connection, table)
        count = -(-count_rows(connection, "several") // _AT_ONCE)
        for part in range(count):
            condition = f"hash({key}) % {count} = {part}" if count > 1 else "true"
            disputed += _fold_part(connection, table, condition, result)
        connection.execute("DROP TABLE several")
    connection.execute("DROP TABLE repeated")
    if table.name == "posts":  # other sources may know a post by its number alone
        connection.execute(f"DELETE FROM {result} WHERE published_at IS NULL")
    return disputed


def _remove_gone(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Drop what was stated of a row before it was removed by hand."""
    if not count_rows(connection, "several WHERE _gone"):
        return
    same = " AND ".join(f"several.{quoted(name)} = g.{quoted(name)}" for name in table.key)
    connection.execute(
        f"DELETE FROM several USING (SELECT {key_of(table)}, max(_seq) AS _last FROM several WHERE _gone "
        f"GROUP BY ALL) g WHERE {same} AND several._seq <= g._last"
    )


def _fold_part(connection: duckdb.DuckDBPyConnection, table: Table, condition: str, result: str) -> int:
    names, key = columns_of(table), key_of(table)
    latest = "".join(
        f", {_latest(table, column.name)}" for column in table.columns if column.name not in table.key
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE observed AS SELECT {names}, _hand, _rank, max(_stamp) AS _stamp "
        f"FROM several WHERE {condition} GROUP BY ALL"
    )
    connection.execute(f"INSERT INTO {result} BY NAME SELECT {key}{latest} FROM observed GROUP BY {key}")
    return _disputed(connection, table)


def _latest(table: Table, name: str) -> str:
    """SQL of a column's latest known value; ``stats_at`` goes with the figures, also where it is unknown."""
    column = quoted(name)
    rank = _RANKED.get(table.name, {}).get(name, "0")
    precision = _precision(column) if name == _PRECISE.get(table.name) else "0"
    order = f"{{'r': {rank}, 'p': {precision}, 's': _stamp, 'h': _hand, 'v': {column}}}"
    if table.name == "posts" and name == "stats_at":
        some = " OR ".join(f"{figure} IS NOT NULL" for figure in FIGURES)
        return (
            f"coalesce(max_by({{'x': {column}}}, {order}) FILTER (WHERE {some}), "
            f"{{'x': max({column})}}).x AS {column}"
        )
    return f"max_by({column}, {order}) FILTER (WHERE {column} IS NOT NULL) AS {column}"


def _precision(column: str) -> str:
    """SQL of how precise a time is: a day, a minute, a second, a correction by hand."""
    return (
        f"CASE WHEN _hand > 0 AND isfinite(_stamp) THEN 3 "
        f"WHEN microsecond({column}) <> 0 THEN 2 WHEN hour({column}) <> 0 OR minute({column}) <> 0 THEN 1 "
        "ELSE 0 END"
    )


def _disputed(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Count the rows that two equally late imports state differently."""
    differ = [
        f"count(DISTINCT {quoted(name)}) > 1"
        for name in table.names
        if name not in (*table.key, _PRECISE.get(table.name))
    ]
    if not differ:
        return 0
    return count_rows(
        connection,
        f"(SELECT {key_of(table)} FROM observed WHERE isfinite(_stamp) AND _hand = 0 "
        f"GROUP BY {key_of(table)}, _rank, _stamp HAVING {' OR '.join(differ)})",
    )


def compare(connection: duckdb.DuckDBPyConnection, table: Table, own: str) -> Added:
    """Compare ``result_<table>`` with ``touched_<table>``.

    Rows that are the same count only where their keys are in the relation ``own``.
    """
    key = key_of(table)
    rest = [quoted(name) for name in table.names if name not in table.key]
    same = " AND ".join(f"r.{name} IS NOT DISTINCT FROM t.{name}" for name in rest) or "true"
    both = f"result_{table.name} r JOIN touched_{table.name} t USING ({key})"
    ((total, before, in_both, changed),) = connection.execute(
        f"SELECT (SELECT count(*) FROM result_{table.name}), (SELECT count(*) FROM touched_{table.name}), "
        f"count(*), count(*) FILTER (WHERE NOT ({same})) FROM {both}"
    ).fetchall()
    unchanged = count_rows(
        connection, f"(SELECT {key} FROM {both} WHERE {same}) SEMI JOIN {own} USING ({key})"
    )
    return Added(table.name, total - in_both, changed, unchanged, before - in_both)


def restatements(connection: duckdb.DuckDBPyConnection, table: Table) -> tuple[tuple[str, ...], int]:
    """Return a sentence for each value that the import changed, and how many there are."""
    key = key_of(table)
    shown = " || ' ' || ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in table.key)
    sentences: list[str] = []
    count = 0
    for column in table.columns:
        name = quoted(column.name)
        if column.name in table.key or column.name in _GROW.get(table.name, ()):
            continue
        changed = (
            f"result_{table.name} r JOIN touched_{table.name} t USING ({key}) WHERE r.{name} <> t.{name}"
        )
        total = count_rows(connection, changed)
        if not total:
            continue
        count += total
        rows = connection.execute(
            f"SELECT {shown}, {_spelled(column.type, f't.{name}')}, {_spelled(column.type, f'r.{name}')} "
            f"FROM {changed} ORDER BY 1 LIMIT {_SHOWN}"
        ).fetchall()
        sentences += [
            Phrase("data.restated", table=table.name, row=row, column=column.name, old=old, new=new)
            for row, old, new in rows
        ]
    return tuple(sentences[:_SHOWN]), count


def _spelled(kind: Type, name: str) -> str:
    """SQL of a value as text; whole numbers have no point."""
    text = f"CAST({name} AS VARCHAR)"
    if kind not in (Type.COUNT, Type.NUMBER):
        return text
    whole = f"{name} = floor({name}) AND abs({name}) < 1e15"
    return f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE {text} END"
