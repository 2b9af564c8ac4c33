"""What counts of the statements: without withdrawn ones, with the keys that rows have in the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from kpi_kit.core.schema import TABLES, Table, Type, covered_table
from kpi_kit.data.merge.extra import ALL_TABLES, DEAL_LEADS
from kpi_kit.data.merge.fold import FIGURES, columns_of, fold
from kpi_kit.data.merge.statements import Record, Statements
from kpi_kit.data.table_source import literal, quoted

GROUPS: Mapping[str, tuple[str, ...]] = {"leads": ("lead_id",), "post_stats": ("account_id", "post_id")}
"""Columns by which rows are computed together, where that is not the key: a lead with its deals, a post's
snapshots."""

_MARKS = "_stamp, _seq, _hand, _gone"


def group_of(table: Table) -> str:
    """Return the columns for SQL by which rows of a table are computed together."""
    return ", ".join(map(quoted, GROUPS.get(table.name, table.key)))


@dataclass(frozen=True)
class Stated:
    """The statements of all imports, as relations for SQL.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Its time zone is the department's.
    statements : Statements
    """

    connection: duckdb.DuckDBPyConnection
    statements: Statements

    def derive(self, table: Table, result: str, *, affected: bool) -> int:
        """Compute a table from its statements into a temporary table; return the disputed rows.

        Parameters
        ----------
        table : Table
        result : str
        affected : bool
            Whether only rows whose group is in the temporary table ``affected_<table>``.
        """
        disputed = fold(self.connection, table, self.relation(table, affected=affected), result)
        if table.name == "posts":
            self._mark_deleted(result, affected=affected)
        return disputed

    def relation(self, table: Table, *, affected: bool) -> str:
        """Return SQL of the statements that count, with the keys of the table, and ``_rank``."""
        rows = self.active(table)
        if affected:
            group = group_of(table)
            rows = f"(SELECT * FROM {rows} SEMI JOIN affected_{table.name} USING ({group}))"
        if table.name == "leads":
            return self._leads(rows)
        if table.name == "post_stats":
            rows = self._with_snapshots(table, rows, affected=affected)
        rank = "(platform <> 'other')::INTEGER" if table.name == "accounts" else "0"
        return f"(SELECT *, {rank} AS _rank FROM {rows})"

    def active(self, table: Table) -> str:
        """Return SQL of the statements that no later import has withdrawn."""
        rows = self.statements.relation(table)
        replacing = [record for record in self.statements.records if record.replace]
        spans = replaced_spans(table, replacing)
        if not spans or table.clock is None:
            return rows
        importers = ", ".join(f"({r.sequence}, {literal(r.importer)})" for r in self.statements.records)
        again = ""
        if table.name == "posts":  # a post that the import lacks is not withdrawn, but deleted
            again = (
                f"AND EXISTS (SELECT 1 FROM {self.statements.relation(table, replacing)} y "
                "WHERE y._seq = r.seq AND y.account_id = s.account_id AND y.post_id = s.post_id)"
            )
        return (
            f"(SELECT s.* FROM {rows} s WHERE NOT EXISTS (SELECT 1 FROM (VALUES {spans}) "
            "r(seq, importer, scope, since, until) "
            f"JOIN (VALUES {importers}) i(seq, importer) ON i.importer = r.importer "
            f"WHERE i.seq = s._seq AND r.seq > s._seq AND {in_span(table, 's', 'r')} {again}))"
        )

    def _leads(self, rows: str) -> str:
        """Rows of an unknown source take that of the first import with the same lead; deals join leads."""
        rest = ", ".join(f"s.{quoted(name)}" for name in TABLES["leads"].names[2:])
        source, lead, joins = "s.source", "s.lead_id", ""
        if any(record.unsourced for record in self.statements.records):
            self._adopt(rows)
            source = "coalesce(a.source, s.source)"
            joins += " LEFT JOIN adopted a ON s.source = '' AND a.lead_id = s.lead_id"
        if self.statements.files(DEAL_LEADS):
            named = f"(SELECT {source} AS source, s.lead_id, created_at FROM {rows} s{joins})"
            self._name_deals(named)
            lead = "coalesce(d.id, s.lead_id)"
            joins += f" LEFT JOIN deal_keys d ON d.source = {source} AND d.deal = s.lead_id"
        rank = "(d.id IS NULL)::INTEGER" if "deal_keys" in joins else "0"
        return (
            f"(SELECT {source} AS source, {lead} AS lead_id, {rest}, {_MARKS}, {rank} AS _rank "
            f"FROM {rows} s{joins})"
        )

    def _adopt(self, rows: str) -> None:
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE adopted AS "
            f"WITH known AS (SELECT source, lead_id, created_at, account_id, min(_seq) AS seq FROM {rows} "
            "WHERE source <> '' AND NOT _gone GROUP BY ALL) "
            "SELECT u.lead_id, min_by(k.source, {'o': u.account_id IS DISTINCT FROM k.account_id, "
            f"'s': k.seq, 'n': k.source}}) AS source FROM (SELECT DISTINCT lead_id, created_at, account_id "
            f"FROM {rows} WHERE source = '') u JOIN known k USING (lead_id, created_at) GROUP BY u.lead_id"
        )

    def links(self) -> str:
        """Return SQL of the lead that each deal names."""
        table = ALL_TABLES[DEAL_LEADS]
        return (
            "(SELECT source, deal_id, max_by(lead_id, {'s': _stamp, 'h': _hand, 'v': lead_id}) AS lead_id "
            f"FROM {self.active(table)} WHERE NOT _gone GROUP BY source, deal_id)"
        )

    def _name_deals(self, rows: str) -> None:
        """The earliest deal of a lead is one row with it; the others stand as ``lead:15/deal:17``."""
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE deal_keys AS SELECT source, deal, "
            "CASE WHEN row_number() OVER (PARTITION BY source, lead ORDER BY first, deal) = 1 THEN lead "
            "ELSE lead || '/' || deal END AS id "
            "FROM (SELECT r.source, r.lead_id AS deal, l.lead_id AS lead, min(r.created_at) AS first "
            f"FROM {rows} r JOIN {self.links()} l ON l.source = r.source AND l.deal_id = r.lead_id "
            "GROUP BY ALL)"
        )

    def _with_snapshots(self, table: Table, rows: str, *, affected: bool) -> str:
        """Add the figures of posts that later ones replace."""
        posts = self.active(TABLES["posts"])
        if affected:
            posts = f"(SELECT * FROM {posts} SEMI JOIN affected_post_stats USING (account_id, post_id))"
        some = " OR ".join(f"{name} IS NOT NULL" for name in FIGURES[:4])
        figures = ", ".join(FIGURES[:4])
        return (
            f"(SELECT {columns_of(table)}, {_MARKS} FROM {rows} UNION ALL "
            f"SELECT account_id, post_id, stats_at, {figures}, stats_at, _seq, 0, false FROM {posts} "
            f"JOIN (SELECT account_id, post_id, max(_stamp) AS latest FROM {posts} WHERE {some} "
            f"GROUP BY ALL) USING (account_id, post_id) "
            f"WHERE ({some}) AND isfinite(_stamp) AND stats_at < latest)"
        )

    def _mark_deleted(self, result: str, *, affected: bool) -> None:
        """A post that a later complete export of its days lacks counts as deleted from its publication on.

        Nobody knows when it was deleted, and it counts nowhere, whatever the cut-off.
        """
        spans = ", ".join(
            f"({record.sequence}, {record.replace}, {_instant(record)}, {literal(scope)}, "
            f"DATE {literal(since)}, DATE {literal(until)})"
            for record in self.statements.records
            if record.replace or ("posts" in record.complete and record.stamp)
            for table, scope, since, until in record.covered
            if table == "posts"
        )
        if not spans:
            return
        stated = self.relation(TABLES["posts"], affected=affected)
        self.connection.execute(
            f"UPDATE {result} AS p SET deleted_at = coalesce(p.deleted_at, p.published_at) FROM ("
            "SELECT p.account_id, p.post_id "
            f"FROM {result} p JOIN (SELECT account_id, post_id, list(DISTINCT _seq) AS seqs, "
            "max(_seq) AS last, coalesce(max(_stamp) FILTER (WHERE isfinite(_stamp)), "
            f"TIMESTAMPTZ '-infinity') AS latest FROM {stated} GROUP BY ALL) s USING (account_id, post_id) "
            f"JOIN (VALUES {spans}) c(seq, replaces, noticed, scope, since, until) ON c.scope = p.account_id "
            "AND CAST(p.published_at AS DATE) >= c.since AND CAST(p.published_at AS DATE) < c.until "
            "WHERE NOT list_contains(s.seqs, c.seq) "
            "AND (c.noticed > s.latest OR (c.replaces AND c.seq > s.last)) "
            "GROUP BY ALL) g WHERE p.account_id = g.account_id AND p.post_id = g.post_id"
        )


def _instant(record: Record) -> str:
    return f"TIMESTAMPTZ {literal(record.stamp or record.imported_at)}"


def replaced_spans(table: Table, records: Iterable[Record]) -> str:
    """Return SQL rows of the days of a table that imports replace: sequence, importer, scope, days."""
    rows = {
        (record.sequence, record.importer, record.source if table.name == "leads" else scope, since, until)
        for record in records
        for name, scope, since, until in record.covered
        for named in [covered_table(name)]
        if named == table.name or (table.name not in TABLES and table.scope == TABLES[named].scope)
    }
    return ", ".join(
        f"({sequence}, {literal(importer)}, {literal(scope)}, DATE {literal(since)}, DATE {literal(until)})"
        for sequence, importer, scope, since, until in sorted(rows)
    )


def in_span(table: Table, row: str, span: str) -> str:
    """Return SQL of whether a row belongs to the scope and the days of a span."""
    owner = "source" if table.name == "leads" else str(table.scope)
    clock = f"{row}.{quoted(str(table.clock))}"
    day = f"CAST({clock} AS DATE)" if table[str(table.clock)].type is Type.TIME else clock
    return f"{span}.scope = {row}.{quoted(owner)} AND {day} >= {span}.since AND {day} < {span}.until"
