"""Any CSV with other column names -> a canonical table, by a mapping file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.errors import InputError, did_you_mean
from kpi_kit.sources.cells import read_cell
from kpi_kit.sources.column_mapping import ColumnMapping, read_mapping
from kpi_kit.sources.interface import Imported, ImportOptions
from kpi_kit.sources.rows import Row, check_fetched, check_order, collect, counted, distinct, frame, refuse
from kpi_kit.sources.text_files import Sheet, normal, read_sheet
from kpi_kit.tables import TABLES, Table

_ALLOWED = tuple(name for name in TABLES if name != "coverage")  # an import writes coverage itself
_TOTALS = frozenset(map(normal, ("Total", "Grand total", "Итого", "Итого и средние")))


@dataclass(frozen=True)
class _Plan:
    """How the cells of a file become the values of a row."""

    table: Table
    columns: Mapping[str, str]
    fixed: Mapping[str, Any]
    zone: ZoneInfo

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in self.table.names if name in self.columns or name in self.fixed)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read CSV files of one layout.

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
        raise InputError("--map is missing: it names the YAML file that says which column is which")
    plan = _plan(table, read_mapping(options.mapping, table), options)
    sheets = collect(lambda path: read_sheet(path, tuple(plan.columns.values())), paths)
    remarks = [remark for sheet in sheets for remark in _layout_remarks(sheet, plan)]
    rows = [row for sheet in _checked(sheets, plan, remarks) for row in sheet]
    kept, repeated = distinct(table.name, rows)
    check_order(table.name, kept)
    if table.name == "posts":
        check_fetched(kept, options.stats_at)
    remarks.insert(
        0, f"{table.name}: {counted(len(kept), 'row')} from {counted(len(rows), 'row')} of the CSV"
    )
    if repeated:
        remarks.append(f"{table.name}: {counted(repeated, 'row')} identical to an earlier one dropped")
    return Imported({table.name: frame(table.name, kept, plan.names)}, {}, tuple(remarks))


def _table(options: ImportOptions) -> Table:
    if options.table is None:
        raise InputError(f"--table is missing: allowed are {', '.join(_ALLOWED)}")
    if options.table not in _ALLOWED:
        nearest = did_you_mean(options.table, _ALLOWED)
        raise InputError(f"--table {options.table}: there is no such table to import{nearest}")
    return TABLES[options.table]


def _plan(table: Table, mapping: ColumnMapping, options: ImportOptions) -> _Plan:
    zone = mapping.timezone or options.timezone
    given = {*mapping.columns, *mapping.constants}
    problems: list[str] = []
    fixed: dict[str, Any] = {}
    for name, text in mapping.constants.items():
        try:
            fixed[name] = read_cell(text, table[name], zone)
        except ValueError as fault:
            problems.append(f"{options.mapping}: constants: {name}: {fault}, found {text!r:.60}")
    if options.account and "account_id" in given:
        problems.append(
            f"{options.mapping}: account_id is mapped, and --account {options.account} is given; keep one"
        )
    elif options.account and "account_id" not in table.names:
        problems.append(f"--account {options.account}: table {table.name} has no account_id; leave it out")
    elif options.account:
        fixed["account_id"] = options.account
    if options.stats_at is not None and table.name == "posts" and "stats_at" not in given:
        fixed["stats_at"] = options.stats_at
    for name in table.required:
        if name == "account_id" and name not in given and name not in fixed and not problems:
            problems.append(
                "--account is missing: it names the account whose rows these are, such as vk-roastery"
            )
        elif name not in given and name not in fixed:
            problems.append(
                f"{options.mapping}: {name} is required in table {table.name}: map it or give a constant"
            )
        elif name in fixed and fixed[name] is None and not table[name].nullable:
            problems.append(f"{options.mapping}: constants: {name} is required and must not be empty")
    refuse(problems)
    return _Plan(table, mapping.columns, fixed, zone)


def _layout_remarks(sheet: Sheet, plan: _Plan) -> Iterator[str]:
    if sheet.encoding == "cp1251":
        yield f"{sheet.path}: read as cp1251, as it is not UTF-8"
    if sheet.above:
        yield f"{sheet.path}: {counted(sheet.above, 'row')} above the header skipped"
    titles = {normal(title) for title in sheet.header}
    for name in plan.columns.values():
        if f"{normal(name)}__2" in titles:
            yield f"{sheet.path}: the header has {name!r} twice; the first is read, {name}__2 is the second"


def _checked(sheets: Sequence[Sheet], plan: _Plan, remarks: list[str]) -> list[list[Row]]:
    """The rows of every file; the problems of all their cells are raised together."""
    problems: list[str] = []
    read = [_rows(sheet, plan, problems, remarks) for sheet in sheets]
    refuse(problems)
    return read


def _rows(sheet: Sheet, plan: _Plan, problems: list[str], remarks: list[str]) -> list[Row]:
    positions = {name: sheet.position(theirs) for name, theirs in plan.columns.items()}
    rows, totals = [], 0
    for number, cells in sheet.rows:
        where = f"{sheet.path}: row {number}"
        if _is_total(cells):
            totals += 1
        elif _width(cells) > len(sheet.header) or len(cells) <= max(positions.values()):
            problems.append(f"{where}: has {counted(len(cells), 'cell')}, the header has {len(sheet.header)}")
        else:
            rows.append(Row(_values(cells, positions, plan, where, problems), where))
    if totals:
        remarks.append(f"{sheet.path}: {counted(totals, 'row')} of totals skipped")
    if damaged := _cut_ids(rows, plan):
        remarks.append(
            f"{sheet.path}: {counted(damaged, 'id')} such as 1.8E+16: a spreadsheet has cut the last "
            "digits; export the file anew"
        )
    return rows


def _values(
    cells: Sequence[str], positions: Mapping[str, int], plan: _Plan, where: str, problems: list[str]
) -> dict[str, Any]:
    values = dict(plan.fixed)
    for name, position in positions.items():
        column, text = plan.table[name], cells[position]
        try:
            value = read_cell(text, column, plan.zone)
        except ValueError as fault:
            problems.append(f"{where}: column {plan.columns[name]!r} ({name}): {fault}, found {text!r:.60}")
            continue
        if value is None and not column.nullable:
            problems.append(
                f"{where}: column {plan.columns[name]!r} ({name}): must not be empty, found {text!r:.60}"
            )
        values[name] = value
    return values


def _is_total(cells: Sequence[str]) -> bool:
    return normal(next((cell for cell in cells if cell.strip()), "")) in _TOTALS


def _width(cells: Sequence[str]) -> int:
    """How many cells, without the empty ones that a trailing delimiter makes."""
    return max((position for position, cell in enumerate(cells, start=1) if cell.strip()), default=0)


def _cut_ids(rows: Sequence[Row], plan: _Plan) -> int:
    names = [name for name in plan.columns if name.endswith("_id")]
    return sum(_looks_cut(row.values.get(name)) for row in rows for name in names)


def _looks_cut(value: Any) -> bool:
    head, mark, power = str(value).upper().partition("E+")
    return bool(mark) and power.isdigit() and head.replace(".", "").replace(",", "").isdigit()
