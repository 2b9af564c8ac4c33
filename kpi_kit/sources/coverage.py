"""Which days of which table an import covers, for which account or brand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import COUNTS, TABLES, Type
from kpi_kit.data.merge import Staged, union
from kpi_kit.data.table_source import connect, literal, quoted
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions
from kpi_kit.sources.rows import table_name

_DAY = dt.timedelta(days=1)
_MOST_RANGES = 4
"""So many ranges of days are listed one by one."""

Covered = dict[tuple[str, str], Sequence[DateRange]]
"""Days by table and scope."""


def covered_days(imported: Imported, options: ImportOptions) -> tuple[Covered, list[str]]:
    """The days that the files cover, by table and scope, with a sentence each on how that is known."""
    covered: Covered = {}
    sentences: list[str] = []
    for name, rows in imported.tables.items():
        if name not in TABLES or TABLES[name].scope is None:
            continue
        ranges, reason = _ranges(name, rows, imported.coverage, options)
        if not ranges:
            sentences.append(Phrase("sources.coverage_none", table=table_name(name)))
        for scope in _scopes(name, rows, options) if ranges else ():
            of_counts = _days_of_counts(rows, scope) if name == "audience" else None
            covered[name, scope], called = ranges, name
            if of_counts is not None and of_counts != union(ranges):
                covered[COUNTS, scope], covered[name, scope], called = ranges, of_counts, COUNTS
            fields = {"owner": scope, "days": _days(ranges), "reason": Phrase(f"sources.by_{reason}")}
            sentences.append(Phrase("sources.coverage_of", table=table_name(called), **fields))
    return covered, sentences


def _days_of_counts(rows: pd.DataFrame | Staged, scope: str) -> list[DateRange] | None:
    """The days of an account's rows where none of these says who left; None where one does.

    Of the other days such a file says only how many subscribers there are.
    """
    columns = _query(rows, "column_name", of="(DESCRIBE FROM {})")
    where = f"WHERE account_id = {literal(scope)}"
    if "left" in columns and _query(rows, 'count("left")', where) != [0]:
        return None
    days = _query(rows, "DISTINCT CAST(date AS DATE)", where)
    return union([(day, day + _DAY) for day in days if isinstance(day, dt.date)]) or None


def _days(ranges: Sequence[DateRange]) -> object:
    """Ranges of days in words."""
    if len(ranges) > _MOST_RANGES:
        ends = {"first": ranges[0][0], "last": ranges[-1][1] - _DAY}
        return Phrase("sources.spans_from_to", count=len(ranges), **ends)
    return [Phrase("sources.days_from_to", first=since, last=until - _DAY) for since, until in ranges]


def _scopes(name: str, rows: pd.DataFrame | Staged, options: ImportOptions) -> Iterator[str]:
    """Whose rows a table holds; an empty one still speaks for the account or brand that was named."""
    column = str(TABLES[name].scope)
    owners = distinct(rows, column) if len(rows) else []
    named = options.account if column == "account_id" else options.brand
    yield from owners or ([named] if named else [])


def _ranges(
    name: str, rows: pd.DataFrame | Staged, stated: Mapping[str, Sequence[DateRange]], options: ImportOptions
) -> tuple[Sequence[DateRange], str]:
    if stated.get(name):
        return stated[name], "export"
    if options.days:
        return [options.days], "options"
    if not len(rows):
        return [], ""
    first, last = _span(name, rows, options)
    if options.since and options.since >= last:
        raise InputError(Phrase("sources.since_after_last", since=options.since, last=last - _DAY))
    if options.until and options.until <= first:
        raise InputError(Phrase("sources.until_before_first", until=options.until, first=first))
    return [(options.since or first, options.until or last)], "rows"


def _span(name: str, rows: pd.DataFrame | Staged, options: ImportOptions) -> DateRange:
    """The first day with a row, and the day after the last."""
    table = TABLES[name]
    clock = quoted(str(table.clock))
    zone = literal(str(options.timezone))
    timed = table[str(table.clock)].type is Type.TIME
    day = f"CAST(timezone({zone}, {clock}) AS DATE)" if timed else f"CAST({clock} AS DATE)"
    last = "max(CAST(until AS DATE))" if "until" in table.names else f"max({day}) + 1"
    first, end = (_query(rows, f"CAST(min({day}) AS DATE)")[0], _query(rows, f"CAST({last} AS DATE)")[0])
    if not isinstance(first, dt.date) or not isinstance(end, dt.date):
        raise InputError(Phrase("sources.rows_have_no_date"))
    return first, end


def distinct(rows: pd.DataFrame | Staged, column: str) -> list[str]:
    """The values of a column in order, without repetitions."""
    if not isinstance(rows, Staged):
        return sorted(map(str, rows[column].dropna().unique()))
    name = quoted(column)
    return [str(value) for value in _query(rows, f"DISTINCT {name}", f"WHERE {name} IS NOT NULL ORDER BY 1")]


def _query(rows: pd.DataFrame | Staged, columns: str, rest: str = "", of: str = "{}") -> list[object]:
    """The first column of a query of the rows."""
    with connect("UTC") as connection:
        if isinstance(rows, Staged):
            source = "read_parquet([" + ", ".join(literal(str(file)) for file in rows.files) + "])"
        else:
            connection.register("rows", rows)
            source = "rows"
        return [
            row[0]
            for row in connection.execute(f"SELECT {columns} FROM {of.format(source)} {rest}").fetchall()
        ]
