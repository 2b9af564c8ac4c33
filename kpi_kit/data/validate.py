"""Check the data: every problem with file, row and column, all at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import YEARS
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES, Table, Type, covered_table
from kpi_kit.data.store import SHOWN, Store
from kpi_kit.data.table_source import Source, allowed_text, literal, quoted

_CSV_FAULTS = frozenset(
    "cast missing_columns too_many_columns unquoted_value line_size_over_maximum invalid_encoding "
    "invalid_unicode".split()
)
_BRAND_TABLES = tuple(name for name, table in TABLES.items() if table.scope == "brand")


def problems(store: Store) -> list[str]:
    """Return every problem of the data.

    Parameters
    ----------
    store : Store

    Returns
    -------
    list of str
        One sentence each; empty where all is well.
    """
    listed: list[str] = list(store.faults)
    for name, source in store.sources.items():
        try:
            rejected = list(_rejected(store, source))
        except InputError as fault:
            rejected = list(fault.problems)
        if rejected:
            listed += rejected
            continue
        listed += _unreadable(store, source)
        listed += _impossible(store, source.table)
        listed += _conflicting(store, source)
        if "accounts" in store.sources and name not in ("accounts", "coverage"):
            listed += _strangers(store, source.table)
    if {"accounts", "coverage"} <= store.sources.keys():
        listed += _strange_coverage(store)
    store.connection.execute("DROP TABLE IF EXISTS checked")
    return listed


def duplicates(store: Store, owned: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Count the rows of each table that are identical to another row.

    Parameters
    ----------
    store : Store
    owned : mapping of str to collection of str
        Whose rows are counted: accounts by ``account_id``, brands by ``brand``.

    Examples
    --------
    A table of 3 rows, 2 of them identical, counts 1; tables without copies are absent.
    """
    counts = {}
    for name in store.sources:
        if store.facts is not None and name in store.facts.distinct:
            continue
        rows = store.rows_of(name, owned)
        counted = f"SELECT *, count(*) AS copies FROM ({rows}) GROUP BY ALL"
        copies = store.query(f"SELECT sum(copies - 1) FROM ({counted})")[0][0]
        if copies:
            counts[name] = int(copies)
    return counts


def _listed(sentences: Sequence[str], what: str) -> Iterator[str]:
    """Yield the first sentences, and how many more there are."""
    yield from sentences[:SHOWN]
    if len(sentences) > SHOWN:
        yield Phrase("data.and_more", what=what, count=len(sentences) - SHOWN)


def _rejected(store: Store, source: Source) -> Iterator[str]:
    """Name CSV lines with other cells than the header, or without text; the other rows go to ``checked``."""
    store.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    # all checks of a table share this copy; reading every cell also finds the broken ones
    store.query(f"CREATE OR REPLACE TEMP TABLE checked AS SELECT * FROM ({source.typed(numbered=True)})")
    if source.kind != "csv":
        return
    rows = store.query("SELECT DISTINCT line, error_type FROM reject_errors ORDER BY ALL")
    store.connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    width = len(source.columns)
    sentences = [
        Phrase("data.cells", file=source.label, line=line, width=width, kind=_in_words(str(kind)))
        for line, kind in rows
    ]
    yield from _listed(sentences, source.label)


def _in_words(error_type: str) -> str:
    """Return an error type of DuckDB in words."""
    name = error_type.lower().replace(" ", "_")
    return Phrase(f"data.csv_{name}") if name in _CSV_FAULTS else name.replace("_", " ")


def _unreadable(store: Store, source: Source) -> Iterator[str]:
    """Name cells that are empty but must not be, or not of the column's type or list."""
    wrong = list(_wrong_cells(source))
    raw = source.raw(numbered=True)
    counts = ", ".join(f"count(*) FILTER (WHERE {sql})" for *_, sql in wrong)
    counted = store.query(f"SELECT {counts} FROM ({raw})")[0] if wrong else ()
    for (name, allowed, found, sql), count in zip(wrong, counted, strict=True):
        if not count:
            continue
        rows = store.query(f"SELECT _file, _row, {found} FROM ({raw}) WHERE {sql} ORDER BY 1, 2")
        sentences = [
            Phrase("data.cell", file=file, row=row, column=name, allowed=allowed, found=_shown(cell))
            for file, row, cell in rows
        ]
        yield from _listed(sentences, Phrase("data.column_of", file=source.label, column=name))


def _shown(cell: object) -> Phrase:
    """The value of a cell, or that there is none."""
    return Phrase("core.none") if cell is None else Phrase("data.value", value=cell)


def _wrong_cells(source: Source) -> Iterator[tuple[str, str, str, str]]:
    """Yield column, allowed values in words, SQL of the cell, SQL of the condition that it is wrong."""
    for column in source.table.columns:
        if column.name not in source.columns:
            continue
        found, value = f"CAST({quoted(column.name)} AS VARCHAR)", source.cast(column)
        # some tools write an empty cell as NaN
        nan = "false" if column.type is Type.TEXT else f"lower({found}) = 'nan'"
        if column.type is not Type.TEXT:
            unlike = f"({value}) IS NULL AND {found} IS NOT NULL AND NOT {nan}"
            if far := source.far(column):
                yield column.name, Phrase("data.year", first=YEARS.start, last=YEARS.stop - 1), found, far
                unlike += f" AND NOT {far}"
            yield column.name, Phrase("data.expected", what=allowed_text(column.type)), found, unlike
        if not column.nullable and column.default is None:
            yield column.name, Phrase("data.needed"), "NULL", f"{found} IS NULL OR {nan}"
        if column.allowed:
            listed = ", ".join(map(literal, column.allowed))
            others = f"({value}) NOT IN ({listed})"
            yield column.name, Phrase("data.one_of", names=", ".join(column.allowed)), value, others


def _impossible(store: Store, table: Table) -> Iterator[str]:
    """Name negative counts, and moments in the wrong order."""
    for column in table.columns:
        if column.type in (Type.COUNT, Type.NUMBER) and not table.signed:
            name = quoted(column.name)
            rows = store.query(f"SELECT _file, _row, {name} FROM checked WHERE {name} < 0 ORDER BY 1, 2")
            sentences = [
                Phrase("data.negative", file=file, row=row, column=column.name, value=value)
                for file, row, value in rows
            ]
            yield from _listed(sentences, table.name)
    for first, second in table.ordered:
        wrong = f"{first} >= {second}" if second == "until" else f"{first} > {second}"
        rows = store.query(
            f"""SELECT _file, _row, CAST({first} AS VARCHAR), CAST({second} AS VARCHAR)
                FROM checked WHERE {wrong} ORDER BY 1, 2"""
        )
        code = "data.after" if second == "until" else "data.not_before"
        sentences = [
            Phrase(code, file=file, row=row, second=second, first=first, begun=begun, ended=ended)
            for file, row, begun, ended in rows
        ]
        yield from _listed(sentences, table.name)


def _conflicting(store: Store, source: Source) -> Iterator[str]:
    """Name rows that share a key and differ."""
    key = source.table.key
    columns = ", ".join(map(quoted, source.table.names))
    same = ", ".join(map(quoted, key))  # keys that stand once are left out before grouping
    spelled = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in key)
    rows = store.query(
        f"""SELECT list(_file ORDER BY _file, _row), list(_row ORDER BY _file, _row), {spelled}
            FROM checked
            SEMI JOIN (SELECT {same} FROM checked GROUP BY {same} HAVING count(*) > 1) USING ({same})
            GROUP BY {same} HAVING count(DISTINCT ({columns})) > 1 ORDER BY 1, 2"""
    )
    sentences = [
        Phrase(
            "data.conflict",
            places=_places(files, numbers),
            key=", ".join(key),
            values=", ".join(map(str, values)),
        )
        for files, numbers, *values in rows
    ]
    yield from _listed(sentences, source.label)


def _places(files: list[str], numbers: list[int]) -> Phrase:
    """Return rows by file.

    Examples
    --------
    >>> _places(["a.csv", "a.csv", "b.csv"], [2, 5, 3])
    'a.csv: rows 2, 5; b.csv: rows 3'
    """
    rows: dict[str, list[str]] = {}
    for file, number in zip(files, numbers, strict=True):
        rows.setdefault(file, []).append(str(number))
    places = (Phrase("data.rows_of", file=file, rows=listed) for file, listed in rows.items())
    return reduce(lambda first, rest: Phrase("core.and_also", first=first, rest=rest), places)


def _strangers(store: Store, table: Table) -> Iterator[str]:
    """Name rows of accounts that are not in the table ``accounts``."""
    if table.scope != "account_id":
        return
    rows = store.query(
        """SELECT first(_file ORDER BY _file, _row), first(_row ORDER BY _file, _row), account_id, count(*)
           FROM checked WHERE NOT list_contains(?, account_id) GROUP BY account_id ORDER BY 1, 2""",
        [store.accounts["account_id"].tolist()],
    )
    sentences = [
        Phrase("data.stranger", file=file, row=row, account=owner, count=count)
        for file, row, owner, count in rows
    ]
    yield from _listed(sentences, table.name)


def _strange_coverage(store: Store) -> Iterator[str]:
    """Name coverage of a table or scope that does not exist."""
    coverage = store.sources["coverage"]
    # of everybody, also where only some rows are checked
    whole = [replace(store.sources[name], extract=None) for name in _BRAND_TABLES if name in store.sources]
    brands = {
        str(row[0])
        for source in whole
        for row in store.query(f"SELECT DISTINCT brand FROM ({source.typed()}) WHERE brand IS NOT NULL")
    }
    accounts = set(store.accounts["account_id"])
    for file, row, table, scope in store.query(
        f'SELECT _file, _row, "table", scope FROM ({coverage.typed(numbered=True)}) ORDER BY 1, 2'
    ):
        known = TABLES.get(covered_table(table))
        if known is None or known.clock is None or table == "coverage":
            yield Phrase("data.coverage_table", file=file, row=row, found=table)
        elif known.scope == "account_id" and scope not in accounts:
            yield Phrase("data.coverage_scope", file=file, row=row, scope=scope)
        elif known.scope == "brand" and scope in accounts and scope not in brands:
            yield Phrase("data.coverage_brand", file=file, row=row, table=table, scope=scope)


def doubles(store: Store) -> list[str]:
    """Return a sentence for each account that has posts of the same minute and text under different ids.

    Two sources may have named one post differently; it then counts twice.
    """
    if "posts" not in store.sources:
        return []
    rows = store.query(
        f"""WITH same AS (
                SELECT account_id, date_trunc('minute', published_at) AS minute,
                list(post_id ORDER BY post_id) AS ids
                FROM ({store.sources["posts"].typed()}) WHERE deleted_at IS NULL AND trim(text) <> ''
                GROUP BY account_id, minute, trim(text) HAVING count(DISTINCT post_id) > 1)
            SELECT account_id, count(*), min(minute), arg_min(ids, minute) FROM same
            GROUP BY account_id ORDER BY 1"""
    )
    return [
        Phrase("data.doubles", account=account, count=count, at=f"{at:%Y-%m-%d %H:%M}", ids=ids)
        for account, count, at, ids in rows
    ]
