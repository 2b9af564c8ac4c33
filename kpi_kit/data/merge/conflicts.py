"""Refuse rows that cannot be of the same thing as those that stand: ids that two sources both use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge.fold import key_of
from kpi_kit.data.merge.stated import Stated
from kpi_kit.data.merge.statements import Record, Statements

_HOURS = {"leads": ("created_at", 24), "posts": ("published_at", 48)}
_SHOWN = 5


def refuse_conflicts(stated: Stated, new: Sequence[Record], folder: str) -> None:
    """Refuse imports whose rows contradict those of earlier ones.

    Parameters
    ----------
    stated : Stated
        All statements, the new imports among them.
    new : sequence of Record
    folder : str
        The data folder, for sentences.

    Raises
    ------
    InputError
        Where a row of the same key is of another time, or most leads stand under another source.
    """
    problems: list[str] = []
    for record in (record for record in new if not record.by_hand):
        others = Stated(stated.connection, _before(stated.statements, record))
        for name in _HOURS:
            if record.rows.get(name) and others.statements.files(name):
                problems += _other_time(stated, others, record, name, folder)
        if record.rows.get("leads") and others.statements.files("leads"):
            problems += _other_source(stated, others, record, folder)
    if problems:
        raise InputError(problems)


def _before(statements: Statements, record: Record) -> Statements:
    return Statements(
        tuple(other for other in statements.records if other.sequence < record.sequence), statements.homes
    )


def _other_time(stated: Stated, others: Stated, record: Record, name: str, folder: str) -> Iterator[str]:
    """Name rows of an import that stand with a time far from each that was stated of them."""
    table = TABLES[name]
    clock, hours = _HOURS[name]
    rows = stated.statements.relation(table, [record])
    withdrawn = Stated(
        stated.connection, Statements((*others.statements.records, record), stated.statements.homes)
    )
    active = f"(SELECT * FROM {withdrawn.active(table)} WHERE _seq <> {record.sequence} AND NOT _gone)"
    key = key_of(table)
    clashes = stated.connection.execute(
        f"SELECT {key}, CAST(any_value(n.{clock}) AS VARCHAR), CAST(min(o.{clock}) AS VARCHAR), "
        f"count(*) OVER () FROM {rows} n JOIN {active} o USING ({key}) "
        f"WHERE n.{clock} IS NOT NULL AND o.{clock} IS NOT NULL GROUP BY {key} "
        f"HAVING min(abs(epoch(n.{clock}) - epoch(o.{clock}))) > {hours * 3600} ORDER BY ALL LIMIT {_SHOWN}"
    ).fetchall()
    files = ", ".join(record.files)
    for owner, number, here, there, count in clashes:
        more = Phrase("data.of_this_kind", count=count) if count > 1 else ""
        yield Phrase(
            "data.other_lead" if name == "leads" else "data.other_row",
            files=files,
            table=name,
            number=number,
            owner=owner,
            here=here,
            folder=folder,
            there=there,
            more=more,
        )


def _other_source(stated: Stated, others: Stated, record: Record, folder: str) -> Iterator[str]:
    """Name the other source of which most leads of an import are."""
    rows = stated.statements.relation(TABLES["leads"], [record])
    active = others.active(TABLES["leads"])
    overlaps = _overlap(stated.connection, rows, active)
    for source, other, count, total in overlaps:
        files = ", ".join(record.files)
        yield Phrase(
            "data.same_leads",
            files=files,
            count=count,
            total=total,
            folder=folder,
            other=other,
            source=source,
        )


def _overlap(
    connection: duckdb.DuckDBPyConnection, rows: str, active: str
) -> list[tuple[str, str, int, int]]:
    return connection.execute(
        f"WITH mine AS (SELECT DISTINCT source, lead_id, created_at FROM {rows} WHERE source <> ''), "
        f"theirs AS (SELECT DISTINCT source, lead_id, created_at FROM {active} "
        "WHERE source <> '' AND NOT _gone), "
        "fresh AS (FROM mine ANTI JOIN theirs USING (source, lead_id, created_at)) "
        "SELECT m.source, t.source, count(*), any_value(n.total) FROM fresh m "
        "JOIN theirs t ON t.lead_id = m.lead_id AND t.created_at = m.created_at AND t.source <> m.source "
        "JOIN (SELECT source, count(*) AS total FROM mine GROUP BY source) n ON n.source = m.source "
        "GROUP BY m.source, t.source HAVING count(*) * 2 > any_value(n.total) ORDER BY ALL"
    ).fetchall()
