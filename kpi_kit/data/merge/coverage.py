"""The table ``coverage``: the union of the days that imports cover."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import duckdb
import pandas as pd

from kpi_kit.core.schema import TABLES, covered_table
from kpi_kit.data.merge.writing import Work, write_csv
from kpi_kit.data.store import as_date
from kpi_kit.data.table_source import Source, literal, quoted

DateRange = tuple[dt.date, dt.date]
Covered = Mapping[tuple[str, str], Sequence[DateRange]]
"""Covered days by table and scope."""

Spans = Sequence[tuple[str, str, str, str]]
"""Table, scope, first day, day after the last."""


def stated_coverage(changes: Iterable[tuple[Spans, Spans]]) -> dict[tuple[str, str], list[DateRange]]:
    """Return the days that are covered after changes, each of which adds some days and removes others."""
    ranges: dict[tuple[str, str], list[DateRange]] = {}
    for added, removed in changes:
        for table, scope, since, until in added:
            if covered_table(table) in TABLES:
                ranges.setdefault((table, scope), []).append((_day(since), _day(until)))
        for table, scope, since, until in removed:
            present = union(ranges.get((table, scope), []))
            ranges[table, scope] = without(present, [(_day(since), _day(until))])
    return {key: union(spans) for key, spans in ranges.items() if spans}


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def present_coverage(rows: pd.DataFrame) -> dict[tuple[str, str], list[DateRange]]:
    """Return the covered days of the table as it is."""
    ranges: dict[tuple[str, str], list[DateRange]] = {}
    for row in rows.itertuples():
        span = (as_date(row.since), as_date(row.until))
        ranges.setdefault((str(row.table), str(row.scope)), []).append(span)
    return {key: union(spans) for key, spans in ranges.items()}


def difference(
    one: Mapping[tuple[str, str], Sequence[DateRange]], other: Mapping[tuple[str, str], Sequence[DateRange]]
) -> tuple[tuple[str, str, str, str], ...]:
    """Return the days of one coverage that another lacks."""
    return tuple(
        (*key, since.isoformat(), until.isoformat())
        for key in sorted(one)
        for since, until in without(one[key], other.get(key, ()))
    )


def write_coverage(
    covered: Covered, work: Work, source: Source | None, connection: duckdb.DuckDBPyConnection
) -> None:
    """Write the table in the format that it has; a new one is CSV."""
    table = TABLES["coverage"]
    rows = [(*key, since, until) for key in sorted(covered) for since, until in covered[key]]
    ranges = pd.DataFrame(rows, columns=list(table.names))
    if source is None or source.kind == "csv":
        write_csv(ranges, table, work.new / "coverage.csv")
        return
    connection.register("ranges", ranges)
    casts = ", ".join(
        f"CAST({quoted(c.name)} AS {'DATE' if c.name in ('since', 'until') else 'VARCHAR'}) AS "
        f"{quoted(c.name)}"
        for c in table.columns
    )
    name = "coverage.parquet" if source.kind == "parquet" else "coverage/part.parquet"
    target = work.new / name
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"COPY (SELECT {casts} FROM ranges ORDER BY ALL) TO {literal(str(target))} (FORMAT parquet)"
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


def without(ranges: Iterable[DateRange], removed: Iterable[DateRange]) -> list[DateRange]:
    """Return the parts of ranges that are outside of others.

    Examples
    --------
    >>> day = lambda number: dt.date(2025, 10, number)
    >>> [(a.day, b.day) for a, b in without([(day(1), day(9))], [(day(3), day(5)), (day(8), day(12))])]
    [(1, 3), (5, 8)]
    """
    left = list(ranges)
    for start, end in removed:
        pieces = [((since, min(until, start)), (max(since, end), until)) for since, until in left]
        left = [span for pair in pieces for span in pair if span[0] < span[1]]
    return left
