"""Read the tables that have a layout: cells in batches, rows of totals dropped, sums checked by them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import Type
from kpi_kit.data.merge import ACCOUNT_STATS, ALL_TABLES
from kpi_kit.sources.cell_values import Style, is_unknown, parse_cell, parse_number, undo_date_format
from kpi_kit.sources.control_sums import ControlSums, is_total
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import (
    Context,
    Field,
    Layout,
    LocatedTable,
    Values,
    locate_tables,
    match_layouts,
    similar_titles,
)
from kpi_kit.sources.raw_tables import Sheet, sheet_at
from kpi_kit.sources.row_batches import RowBatches
from kpi_kit.sources.rows import counted, refuse
from kpi_kit.sources.text_files import Record, normal

_BATCH = 20_000
_CACHED = 200_000
_ROWS_THAT_SERVICES_CUT = 500
_MOST_PROBLEMS = 51


@dataclass(frozen=True)
class TableImporter:
    """Importer of exports whose tables have known titles.

    Parameters
    ----------
    service : str
        For sentences: ``YouTube Studio``.
    layouts : tuple of Layout
    FILLS, UNKNOWN, TESTED
        See :class:`kpi_kit.sources.interface.Importer`.
    """

    service: str
    layouts: tuple[Layout, ...]
    FILLS: Mapping[str, str]
    UNKNOWN: str
    TESTED: str

    def sniff(self, head: Head) -> Match:
        """Match the titles of the columns."""
        return match_layouts(head, self.layouts)

    def read(self, paths: Sequence[Path], options: ImportOptions) -> Imported:
        """Read files of this kind.

        Raises
        ------
        InputError
            Naming every cell that could not be read, and every sum that does not agree.
        """
        return read_layouts(paths, options, self.layouts, self.service)


class ExportReader:
    """Reads the tables of one export, and collects their rows, remarks and problems.

    Parameters
    ----------
    options : ImportOptions
    service : str
        What the rows come from, for sentences.
    """

    def __init__(self, options: ImportOptions, service: str) -> None:
        self.options = options
        self.batches = RowBatches(options.scratch, service)
        self.remarks: list[str] = []
        self.problems: list[str] = []
        self._contexts: list[Context] = []

    def read_located(self, table: LocatedTable, path: Path) -> Context:
        """Read a table that :func:`kpi_kit.sources.layouts.locate_tables` has found."""
        return self.read(table.layout, sheet_at(table.raw, table.delimiter, table.row), path)

    def read(self, layout: Layout, sheet: Sheet, path: Path) -> Context:
        """Read one table."""
        context = read_sheet(layout, sheet, path, self.options, self.batches)
        self._contexts.append(context)
        self.problems += context.problems
        self.remarks += context.remarks
        return context

    def finish(
        self, platform: str | None = None, coverage: Mapping[str, tuple[DateRange, ...]] | None = None
    ) -> Imported:
        """The rows of all tables.

        Parameters
        ----------
        platform : str or None
        coverage : mapping of str to tuple of DateRange, or None
            None: what the tables themselves say.

        Raises
        ------
        InputError
            With every problem.
        """
        refuse(self.problems)
        if coverage is None:
            ranges: dict[str, tuple[DateRange, ...]] = {}
            for context in self._contexts:
                for name, days in context.coverage.items():
                    ranges[name] = (*ranges.get(name, ()), *days)
            coverage = ranges
        stamps = [context.stamp for context in self._contexts if context.stamp is not None]
        remarks, tables = self.batches.finish()
        stamp = max(stamps, default=self.batches.newest())
        return Imported(tables, coverage, (*remarks, *self.remarks), stamp, platform)


def read_layouts(
    paths: Sequence[Path], options: ImportOptions, layouts: Sequence[Layout], service: str
) -> Imported:
    """Read every table of some files that has one of the layouts.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    options : ImportOptions
    layouts : sequence of Layout
    service : str
        For sentences: ``YouTube Studio``.

    Raises
    ------
    InputError
        Naming every cell that could not be read, and every sum that does not agree.
    """
    reader = ExportReader(options, service)
    platform = None
    for path in paths:
        try:
            tables = locate_tables(head_of(path), layouts)
            if not tables:
                near = match_layouts(head_of(path), layouts).reason or _needed_titles(layouts)
                raise InputError(f"{path}: no table of {service} was found in it; {near}")
            platform = platform or tables[0].layout.platform
            for table in _one_per_row(tables):
                reader.read_located(table, path)
        except InputError as fault:
            reader.problems += fault.problems
    return reader.finish(platform)


def _one_per_row(tables: Sequence[LocatedTable]) -> list[LocatedTable]:
    """The tables in the order of the file, without a delimiter's second reading of the same rows."""
    surest = {(table.raw.label, table.delimiter): table for table in reversed(tables)}
    first = tables[0]
    same = [
        table for table in tables if table.delimiter == first.delimiter or table.raw.label != first.raw.label
    ]
    near = [table for table in same if table.score >= first.score - 0.25] or list(surest.values())
    return sorted(near, key=lambda table: (table.raw.label, table.row))


def _needed_titles(layouts: Sequence[Layout]) -> str:
    return "; ".join(
        f"{layout.name} needs " + ", ".join(repr(field.titles[0]) for field in layout.fields if field.needed)
        for layout in layouts
    )


def read_sheet(
    layout: Layout, sheet: Sheet, path: Path, options: ImportOptions, batches: RowBatches
) -> Context:
    """Read a table into the batches; problems and remarks are in what is returned."""
    context = Context(options, sheet, path, ZoneInfo(layout.zone) if layout.zone else options.timezone)
    context.remarks.extend(_remarks_on_header(sheet, layout))
    cells = _CellReader(layout, context)
    for values, rows in cells.batches():
        if len(context.problems) > _MOST_PROBLEMS * 4:
            break
        if not context.problems:  # otherwise only the cells of the other rows are checked
            _add_batch(values, rows, layout, context, batches)
    if not context.problems:
        cells.check_sums()
    if not cells.rows and not context.problems:
        _add_nothing(cells, layout, context, batches)
    context.remarks.extend(cells.remarks())
    for what, count in sorted(context.counts.items()):
        context.remarks.append(f"{sheet.label}: {what.replace('#', str(count), 1)}")
    context.remarks.extend(context.unmatched.remarks())
    return context


def _add_batch(
    values: Values, rows: Sequence[int], layout: Layout, context: Context, batches: RowBatches
) -> None:
    tables = layout.finish(values, rows, context) if layout.finish else {layout.table: dict(values)}
    if context.problems:
        return
    tables = _with_measures(tables, values, rows, layout)
    _date_figures(tables.get("posts"), rows, context)
    for table, columns in tables.items() if not context.problems else ():
        numbers = columns.pop("_row", rows)
        owned = _with_owner(table, columns, context.options)
        batches.add(table, owned, numbers, context.sheet.label, layout.repeated)


def _add_nothing(cells: _CellReader, layout: Layout, context: Context, batches: RowBatches) -> None:
    """Add empty tables: the export has no rows."""
    none: Values = {field.name: [] for field in cells.fields}
    tables = layout.finish(none, [], context) if layout.finish else {layout.table: none}
    for table, columns in tables.items():
        columns.pop("_row", None)
        owned = _with_owner(table, columns, context.options)
        batches.add(table, owned, [], context.sheet.label, layout.repeated)


def _date_figures(posts: Values | None, rows: Sequence[int], context: Context) -> None:
    """Give posts the moment at which their figures were fetched, never before their publication."""
    at = context.options.stats_at
    if posts is None or at is None or "stats_at" in posts:
        return
    published = posts.get("published_at", [])
    posts["stats_at"] = [at] * len(published)
    for moment, row in zip(published, posts.get("_row", rows), strict=True):
        if moment is not None and moment > at:
            context.problems.append(
                f"{context.where(row)}: published at {moment.isoformat()}, after --fetched-at "
                f"{at.isoformat()}"
            )


def _with_owner(table: str, columns: Values, options: ImportOptions) -> Values:
    """The columns of the table, with the named account or brand where the rows have none."""
    described = ALL_TABLES[table]
    count = len(next(iter(columns.values()), []))
    if "account_id" in described.names and "account_id" not in columns:
        columns = {**columns, "account_id": [options.named_account()] * count}
    if "brand" in described.names and "brand" not in columns:
        if not options.brand:
            raise InputError(f"--brand is missing: it names the brand whose {table} these are")
        columns = {**columns, "brand": [options.brand] * count}
    return {name: values for name, values in columns.items() if name in described.names}


def _with_measures(
    tables: Mapping[str, Values], values: Values, rows: Sequence[int], layout: Layout
) -> dict[str, Values]:
    """Add the figures of days that no other table holds, a row each."""
    filled = {
        name: columns for name, columns in tables.items() if name != ACCOUNT_STATS or columns.get("value")
    }
    names = [name for name in layout.measures if name in values]
    if names and "since" in values:
        filled[ACCOUNT_STATS] = one_row_per_measure(values, names, rows)
    return filled


def one_row_per_measure(values: Values, names: Sequence[str], rows: Sequence[int]) -> Values:
    """Wide rows of ``since`` (and ``until``, ``item``) as a row a measure; unknown ones are left out."""
    long: Values = {name: [] for name in ("since", "until", "measure", "item", "value", "_row")}
    until = values.get("until") or [since + dt.timedelta(days=1) for since in values["since"]]
    items = values.get("item") or ["all"] * len(rows)
    for name in names:
        for since, end, item, value, row in zip(
            values["since"], until, items, values[name], rows, strict=True
        ):
            if value is not None:
                cells = (since, end, name, item or "unknown", value, row)
                for column, cell in zip(long.values(), cells, strict=True):
                    column.append(cell)
    return long


def _remarks_on_header(sheet: Sheet, layout: Layout) -> Iterator[str]:
    if sheet.encoding == "cp1251":
        yield f"{sheet.label}: read as cp1251, as it is not UTF-8"
    if sheet.preamble:
        yield f"{sheet.label}: {counted(len(sheet.preamble), 'row')} above the header skipped"
    yield from _unread_columns(sheet, layout)


def _unread_columns(sheet: Sheet, layout: Layout) -> Iterator[str]:
    """Columns that are not read, and which of them may be one that is missing, under another title."""
    if layout.exact:
        return
    known, speaking = layout.known, layout.speaking
    unread = [
        title
        for title in sheet.header
        if title
        and normal(title.split("__")[0]) not in known
        and not (speaking is not None and speaking.search(title))
    ]
    if not unread:
        return
    yield f"{sheet.label}: columns not read: {', '.join(map(repr, unread))[:300]}"
    titles = {normal(title) for title in sheet.header}
    missing = [field for field in layout.fields if not titles & field.known]
    for title, (name, similar) in similar_titles(unread, missing).items():
        yield (
            f"{sheet.label}: column {title!r} is not read, but looks like {similar!r}, which would fill "
            f"{name}: rename it in the file where it is the same"
        )


class _CellReader:
    """The cells of a sheet, batch by batch, as values of the layout's fields."""

    def __init__(self, layout: Layout, context: Context) -> None:
        self.layout = layout
        self.context = context
        self.rows = self.totals = self.cut = self.undone = 0
        self._problems: list[tuple[int, int, str]] = []
        titles = context.sheet.titles()
        self.positions = {
            field.name: [place for title in field.titles for place in titles.get(normal(title), ())]
            for field in layout.fields
        }
        if layout.exact:
            self.positions = {name: places[:1] for name, places in self.positions.items()}
        self.fields = [field for field in layout.fields if self.positions[field.name]]
        self._needed = max((places[0] for places in self.positions.values() if places), default=0)
        decimal = layout.style.decimal
        if context.sheet.delimiter == ";":  # a spreadsheet has saved it, and its 1,234 may be either
            decimal = None if decimal == "." else ","
        self.style = Style(layout.style.order, decimal, layout.style.compact)
        self._cache: dict[str, dict[str, Any]] = {field.name: {} for field in self.fields}
        self._control = ControlSums(layout.lacking, layout.beyond)

    def batches(self) -> Iterator[tuple[Values, list[int]]]:
        """Yield values by field with row numbers."""
        below = iter(self.context.sheet.below())
        while records := list(islice(below, _BATCH)):
            good = [record for record in records if self._is_row(*record)]
            if good:
                self.rows += len(good)
                values = {field.name: self._values(field, good) for field in self.fields}
                self.context.problems.extend(sentence for *_, sentence in sorted(self._problems))
                self._problems.clear()
                yield values, [row for row, _ in good]

    def _is_row(self, number: int, cells: list[str]) -> bool:
        if is_total(cells):
            self.totals += 1
            self._remember_total(cells)
            return False
        width, header = _width(cells), len(self.context.sheet.header)
        if width > header or len(cells) <= self._needed:
            self.context.problems.append(
                f"{self.context.where(number)}: has {counted(len(cells), 'cell')}, the header has {header}"
            )
            return False
        return True

    def _remember_total(self, cells: Sequence[str]) -> None:
        for field in (field for field in self.fields if field.is_figure):
            if field.no_sum:
                self._control.leave_out(field.name, field.no_sum)
                continue
            filled = (cells[place] for place in self.positions[field.name] if place < len(cells))
            try:
                total = parse_number(
                    next((text for text in filled if not is_unknown(text)), ""), self.style.decimal
                )
            except ValueError:
                total = None
            self._control.add_total(field.name, total)

    def _values(self, field: Field, records: Sequence[Record]) -> list[Any]:
        places = self.positions[field.name]
        if len(places) == 1:
            place = places[0]
            cells = [row[place] for _, row in records]
        else:  # of columns with the same title, the first that is filled
            cells = [
                next((row[place] for place in places if place < len(row) and not is_unknown(row[place])), "")
                for _, row in records
            ]
        cache = self._cache[field.name]
        if len(cache) > _CACHED:
            cache.clear()
        values = []
        for text, (number, _) in zip(cells, records, strict=True):
            try:
                value = cache[text]
            except KeyError:
                value = self._value(field, text, number)
                if value is not _BROKEN:
                    cache[text] = value
            if value is None and not field.column.nullable:
                self._add_problem(field, number, "must not be empty", text)
            values.append(None if value is _BROKEN else value)
        if field.is_figure and not field.no_sum:
            self._control.add(field.name, values)
        if field.name.endswith("_id"):
            self.cut += sum(_looks_cut(value) for value in values)
        return values

    def _value(self, field: Field, text: str, number: int) -> Any:
        if field.blanks and normal(text) in field.blanks:
            return None
        try:
            value = (
                self._signed(text)
                if field.signed
                else parse_cell(text, field.column, self.context.zone, self.style)
            )
        except ValueError as fault:
            self._add_problem(field, number, str(fault), text)
            return _BROKEN
        if (
            field.column.type is Type.NUMBER
            and value is not None
            and any(letter.isalpha() for letter in text)
        ):
            self.undone += 1
        return value

    def _signed(self, text: str) -> float | None:
        try:
            number = parse_number(text, self.style.decimal)
        except ValueError:
            number = undo_date_format(text)
            if number is None:
                raise
        return None if number is None else float(number)

    def _add_problem(self, field: Field, number: int, problem: str, text: str) -> None:
        title = " ".join(self.context.sheet.header[self.positions[field.name][0]].split())
        sentence = (
            f"{self.context.where(number)}: column {title!r} ({field.name}): {problem}, found {text!r:.60}"
        )
        self._problems.append((number, self.fields.index(field), sentence))

    def remarks(self) -> Iterator[str]:
        """Remarks on cells that a spreadsheet has changed."""
        label = self.context.sheet.label
        if self.cut:
            yield (
                f"{label}: {counted(self.cut, 'id')} such as 1.8E+16: a spreadsheet has cut the last "
                "digits; export the file anew"
            )
        if self.undone:
            yield (
                f"{label}: {counted(self.undone, 'cell')} such as '3.апр' read as 3.4: a spreadsheet has "
                "made dates of decimals (3.04 would look the same; export the file anew to be sure)"
            )

    def check_sums(self) -> None:
        """Check the sums of the rows against the rows of totals, if any."""
        if not self.totals:
            return
        label, many = self.context.sheet.label, self.rows >= _ROWS_THAT_SERVICES_CUT
        wrong, remarks = self._control.problems(label, partial=self.context.options.partial, many=many)
        self.context.problems.extend(wrong)
        self.context.remarks.extend(remarks)
        agreed = ", ".join(self._control.agreed())
        tail = f"; the rows add up to it ({agreed})" if agreed else ""
        self.context.remarks.append(f"{label}: {counted(self.totals, 'row')} of totals skipped{tail}")
        if unchecked := ", ".join(self._control.unchecked()):
            self.context.remarks.append(f"{label}: totals not checked: {unchecked}")


_BROKEN = object()


def _width(cells: Sequence[str]) -> int:
    """How many cells, without the empty ones that a trailing delimiter makes."""
    width = len(cells)
    while width and (not cells[width - 1] or cells[width - 1].isspace()):
        width -= 1
    return width


def _looks_cut(value: Any) -> bool:
    if not isinstance(value, str) or "+" not in value:
        return False
    head, mark, power = value.upper().partition("E+")
    return bool(mark) and power.isdigit() and head.replace(".", "").replace(",", "").isdigit()
