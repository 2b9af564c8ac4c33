"""Any CSV or spreadsheet with other column names -> a canonical table, by a mapping file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES, Table
from kpi_kit.sources.cell_values import parse_cell
from kpi_kit.sources.column_mapping import ColumnMapping, read_mapping
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import Context, Field, Finish, Layout, LocatedTable, Values
from kpi_kit.sources.raw_tables import HEADER_WITHIN, distinct_titles, raw_tables
from kpi_kit.sources.read_tables import ExportReader
from kpi_kit.sources.rows import refuse
from kpi_kit.sources.text_files import Record, normal

FILLS: Mapping[str, str] = {"any canonical table but coverage": "what the mapping names"}
UNKNOWN = "what the file does not have"
TESTED = "real file"

_ALLOWED = tuple(name for name in TABLES if name != "coverage")  # an import writes coverage itself


def sniff(_head: Head) -> Match:
    """Never recognised: only a mapping says what the file holds."""
    return NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read files of one layout.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    options : ImportOptions
        ``table`` and ``mapping`` are required; ``account`` where the mapping does not give ``account_id``;
        ``stats_at`` dates the figures of posts where the mapping does not.

    Returns
    -------
    Imported
        The one table, with the columns that are mapped or constant.

    Raises
    ------
    InputError
        Naming every cell that could not be read, and every key whose rows differ.
    """
    table = _table(options)
    if options.mapping is None:
        raise InputError(Phrase("sources.map_missing"))
    mapping = read_mapping(options.mapping, table)
    return read_mapped(paths, options, table, mapping, options.mapping)


def read_mapped(
    paths: Sequence[Path], options: ImportOptions, table: Table, mapping: ColumnMapping, place: Path
) -> Imported:
    """Read files by a mapping that was read from ``place``."""
    layout = _layout(table, mapping, options, place)
    reader = ExportReader(options, "csv")
    for path in paths:
        try:
            context = reader.read_located(_locate(path, layout), path)
        except InputError as fault:
            reader.problems += fault.problems
            continue
        reader.remarks += _repeated_titles(context, layout)
    return reader.finish()


def _table(options: ImportOptions) -> Table:
    if options.table is None:
        raise InputError(Phrase("sources.table_missing", names=_ALLOWED))
    if options.table not in _ALLOWED:
        nearest = did_you_mean(options.table, _ALLOWED)
        raise InputError(Phrase("sources.no_such_table", table=options.table, nearest=nearest))
    return TABLES[options.table]


def _layout(table: Table, mapping: ColumnMapping, options: ImportOptions, place: Path) -> Layout:
    zone = mapping.timezone or options.timezone
    filled = {*mapping.columns, *mapping.constants}
    problems: list[str] = []
    fixed: dict[str, Any] = {}
    for name, text in mapping.constants.items():
        try:
            fixed[name] = parse_cell(text, table[name], zone)
        except ValueError as fault:
            cell = {"problem": fault, "found": text}
            problems.append(Phrase("sources.bad_constant", file=place, name=name, **cell))
    if options.account and "account_id" in filled:
        problems.append(Phrase("sources.account_twice", file=place, account=options.account))
    elif options.account and "account_id" not in table.names:
        problems.append(Phrase("sources.account_needless", account=options.account, table=table.name))
    elif options.account:
        fixed["account_id"] = options.account
    if options.brand and "brand" in table.names and "brand" not in filled:
        fixed["brand"] = options.brand
    for name in table.required:
        if name == "account_id" and name not in filled and name not in fixed and not problems:
            problems.append(Phrase("sources.account_missing_rows"))
        elif name not in filled and name not in fixed and table[name].default is None:
            code = "sources.column_unmapped"
            problems.append(Phrase(code, file=place, name=name, table=table.name))
        elif name in fixed and fixed[name] is None and not table[name].nullable:
            problems.append(Phrase("sources.constant_empty", file=place, name=name))
    refuse(problems)
    fields = tuple(Field(table[name], (title,), needed=True) for name, title in mapping.columns.items())
    return Layout(
        Phrase("sources.layout_mapping", file=place),
        table.name,
        fields,
        zone=zone.key,
        finish=_with_constants(table.name, fixed),
        exact=True,
        strict=True,
    )


def _with_constants(table: str, fixed: Mapping[str, Any]) -> Finish:
    def finish(values: Values, rows: Sequence[int], _context: Context) -> Mapping[str, Values]:
        return {table: {**values, **{name: [value] * len(rows) for name, value in fixed.items()}}}

    return finish


def _locate(path: Path, layout: Layout) -> LocatedTable:
    """Find the header: the first of forty rows that has all mapped columns."""
    candidates: list[tuple[int, int, int, LocatedTable, Record]] = []
    wanted = [field.titles[0] for field in layout.fields]
    for grid in raw_tables(path):
        for delimiter in grid.delimiters:
            for number, cells in grid.first(delimiter, HEADER_WITHIN):
                named = {normal(title) for title in distinct_titles(cells)}
                hits = sum(normal(name) in named for name in wanted)
                table = LocatedTable(layout, grid, delimiter, number, 1.0)
                candidates.append((-hits, number, -len(cells), table, (number, cells)))
    if not candidates:
        raise InputError(Phrase("sources.holds_no_rows", file=path))
    *_, table, (_, cells) = min(candidates, key=lambda field: field[:3])
    named = {normal(title) for title in distinct_titles(cells)}
    has = [" ".join(cell.split())[:40] for cell in cells if cell.strip()]
    refuse(
        [
            Phrase("sources.column_missing", file=path, name=name, nearest=did_you_mean(name, has))
            for name in wanted
            if normal(name) not in named
        ]
    )
    return table


def _repeated_titles(context: Context, layout: Layout) -> list[str]:
    titles = {normal(title) for title in context.sheet.header}
    return [
        Phrase("sources.title_twice", file=context.sheet.label, name=name)
        for name in (field.titles[0] for field in layout.fields)
        if f"{normal(name)}__2" in titles
    ]
