"""The table ``coverage`` after an import: the union of the covered days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import duckdb
import pandas as pd

from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge.writing import Work, write_csv
from kpi_kit.data.store import as_date
from kpi_kit.data.table_source import Source, literal, quoted

DateRange = tuple[dt.date, dt.date]
Covered = Mapping[tuple[str, str], Sequence[DateRange]]
"""Covered days by table and scope."""


def joined_coverage(present: pd.DataFrame | None, imported: Sequence[Covered]) -> pd.DataFrame:
    """Return the union of the covered days, as few ranges as possible."""
    ranges: dict[tuple[str, str], list[DateRange]] = {}
    for row in () if present is None else present.itertuples():
        span = (as_date(row.since), as_date(row.until))
        ranges.setdefault((str(row.table), str(row.scope)), []).append(span)
    for scope, spans in (pair for covered in imported for pair in covered.items()):
        if scope[0] in TABLES:
            ranges.setdefault(scope, []).extend(spans)
    rows = [(*scope, since, until) for scope in sorted(ranges) for since, until in union(ranges[scope])]
    return pd.DataFrame(rows, columns=list(TABLES["coverage"].names))


def write_coverage(
    ranges: pd.DataFrame, work: Work, source: Source | None, connection: duckdb.DuckDBPyConnection
) -> None:
    """Write the table in the format that it has; a new one is CSV."""
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
