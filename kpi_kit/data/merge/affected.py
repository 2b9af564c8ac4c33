"""Which rows a change can touch: those are derived anew, all others stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import duckdb

from kpi_kit.core.schema import TABLES, Table
from kpi_kit.data.merge.extra import ALL_TABLES, DEAL_LEADS
from kpi_kit.data.merge.fold import columns_of
from kpi_kit.data.merge.stated import group_of, in_span, replaced_spans
from kpi_kit.data.merge.statements import Record, Statements
from kpi_kit.data.table_source import SQL_TYPES, Source, quoted


class Change(Protocol):
    """A change of a data folder: see ``imports._Folder``."""

    connection: duckdb.DuckDBPyConnection
    before: Statements
    after: Statements
    edited: set[str]
    new: list[Record]
    undone: Record | None
    whole: bool


def mark_affected(change: Change, table: Table, source: Source | None) -> bool:
    """Put the groups of rows that a change can touch into ``affected_<table>``; False where all rows are.

    Parameters
    ----------
    change : Change
    table : Table
    source : Source or None
        The present table; where it is missing, all its rows are derived, as they are in an upgrade.
    """
    if source is None or change.whole:
        return False
    parts = list(_parts(change, table))
    group = group_of(table)
    if not parts:
        parts = [f"SELECT {group} FROM {Statements((), {}).relation(table)}"]
    change.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE affected_{table.name} AS "
        f"SELECT DISTINCT {group} FROM ({' UNION ALL '.join(parts)})"
    )
    if table.name == "leads":
        _add_linked(change)
    return True


def _parts(change: Change, table: Table) -> Iterator[str]:
    """Yield SQL of groups: what changed imports state, and what they withdraw, before and after."""
    group = group_of(table)
    ids = _changed(change)
    for statements in (change.before, change.after):
        changed = [record for record in statements.records if record.id in ids]
        if statements.files(table.name, changed):
            yield f"SELECT {group} FROM {statements.relation(table, changed)}"
        whole = [record for record in changed if record.replace or table.name in record.complete]
        spans = replaced_spans(table, whole)
        if spans and table.clock is not None and statements.files(table.name):
            yield (
                f"SELECT {group} FROM {statements.relation(table)} s "
                f"SEMI JOIN (VALUES {spans}) r(seq, importer, scope, since, until) "
                f"ON {in_span(table, 's', 'r')}"
            )
    if table.name in change.edited:
        yield f"SELECT {group} FROM edited_{table.name}"
    if table.name == "post_stats":
        yield from (f"SELECT account_id, post_id FROM ({part})" for part in _parts(change, TABLES["posts"]))


def _changed(change: Change) -> set[str]:
    """The ids of the imports that a change adds or takes back."""
    return {record.id for record in (*change.new, *([change.undone] if change.undone else []))}


def _add_linked(change: Change) -> None:
    """Add the leads that affected deals name, and all deals of these leads."""
    connection = change.connection
    table = ALL_TABLES[DEAL_LEADS]
    links = " UNION ".join(
        f"SELECT deal_id, lead_id FROM {statements.relation(table)}"
        for statements in (change.before, change.after)
        if statements.files(DEAL_LEADS)
    )
    connection.execute(
        "UPDATE affected_leads SET lead_id = regexp_replace(lead_id, '^.*/deal:', 'deal:') "
        "WHERE contains(lead_id, '/deal:')"
    )
    if not links:
        return
    ids = _changed(change)
    for statements in (change.before, change.after):
        records = [record for record in statements.records if record.id in ids]
        if statements.files(DEAL_LEADS, records):
            connection.execute(
                "INSERT INTO affected_leads SELECT unnest([deal_id, lead_id]) FROM "
                f"{statements.relation(table, records)}"
            )
    for column, other_column in (("deal_id", "lead_id"), ("lead_id", "deal_id")):
        connection.execute(
            f"INSERT INTO affected_leads SELECT {other_column} FROM ({links}) "
            f"WHERE {column} IN (SELECT lead_id FROM affected_leads)"
        )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE affected_leads AS SELECT DISTINCT lead_id FROM affected_leads"
    )


def mark_touched(
    connection: duckdb.DuckDBPyConnection, table: Table, source: Source | None, *, affected: bool
) -> None:
    """Put the present rows of affected groups into ``touched_<table>``."""
    rows = f"SELECT {columns_of(table)} FROM ({source.typed()})" if source else None
    if rows is None:
        columns = ", ".join(f"CAST(NULL AS {SQL_TYPES[c.type]}) AS {quoted(c.name)}" for c in table.columns)
        rows = f"SELECT {columns} WHERE false"
    if affected and table.name == "leads":
        rows += (
            " WHERE lead_id IN (FROM affected_leads) OR (contains(lead_id, '/deal:') AND ("
            "regexp_replace(lead_id, '/deal:.*$', '') IN (FROM affected_leads) OR "
            "regexp_replace(lead_id, '^.*/deal:', 'deal:') IN (FROM affected_leads)))"
        )
    elif affected:
        rows += f" SEMI JOIN affected_{table.name} USING ({group_of(table)})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE touched_{table.name} AS SELECT DISTINCT * FROM ({rows})"
    )
