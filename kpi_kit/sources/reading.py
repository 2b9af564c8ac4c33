"""Read the tables that have a layout: cells in batches, rows of totals dropped, sums checked by them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.errors import InputError
from kpi_kit.core.schema import Type
from kpi_kit.data.merge import ACCOUNT_STATS, ALL_TABLES
from kpi_kit.sources.batches import Batches
from kpi_kit.sources.cells import Style, is_unknown, read_cell, read_number, undo_spreadsheet
from kpi_kit.sources.control_sums import ControlSums, is_total
from kpi_kit.sources.grids import Sheet, sheet_at
from kpi_kit.sources.heads import head_of
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions
from kpi_kit.sources.layouts import Context, Field, Found, Layout, Values, find, guess, namesakes
from kpi_kit.sources.rows import counted, refuse
from kpi_kit.sources.text_files import Record, normal

_BATCH = 20_000
_CACHED = 200_000
_ROWS_THAT_SERVICES_CUT = 500
_SHOWN_PROBLEMS = 51


def read_layouts(
    paths: Sequence[Path], options: ImportOptions, layouts: Sequence[Layout], kind: str
) -> Imported:
    """Read every table of some files that has one of the layouts.

    Parameters
    ----------
    paths : sequence of pathlib.Path
    options : ImportOptions
    layouts : sequence of Layout
    kind : str
        For sentences: ``a YouTube Studio export``.

    Raises
    ------
    InputError
        Naming every cell that could not be read, and every sum that does not agree.
    """
    batches = Batches(options.scratch, kind)
    told: list[str] = []
    problems: list[str] = []
    contexts: list[Context] = []
    platform = None
    for path in paths:
        try:
            tables = find(head_of(path), layouts)
            if not tables:
                near = guess(head_of(path), layouts).why
                raise InputError(f"{path}: no table of {kind} was found in it; {near or _wanted(layouts)}")
            platform = platform or tables[0].layout.platform
            for table in _one_a_row(tables):
                contexts.append(read_table(table, path, options, batches))
                problems += contexts[-1].problems
                told += contexts[-1].remarks
        except InputError as fault:
            problems += fault.problems
    refuse(problems)
    coverage: dict[str, tuple[DateRange, ...]] = {}
    for context in contexts:
        for name, ranges in context.coverage.items():
            coverage[name] = (*coverage.get(name, ()), *ranges)
    stamps = [context.stamp for context in contexts if context.stamp is not None]
    remarks, kept = batches.finish()
    return Imported(kept, coverage, (*remarks, *told), max(stamps, default=batches.newest()), platform)


def _one_a_row(tables: Sequence[Found]) -> list[Found]:
    """The tables in the order of the file, without a delimiter's second reading of the same rows."""
    surest = {(table.grid.label, table.delimiter): table for table in reversed(tables)}
    chosen = tables[0]
    same = [
        table
        for table in tables
        if table.delimiter == chosen.delimiter or table.grid.label != chosen.grid.label
    ]
    wide = [table for table in same if table.score >= chosen.score - 0.25] or list(surest.values())
    return sorted(wide, key=lambda table: (table.grid.label, table.row))


def _wanted(layouts: Sequence[Layout]) -> str:
    needs = [
        f"{layout.name} needs " + ", ".join(repr(each.titles[0]) for each in layout.fields if each.wanted)
        for layout in layouts
    ]
    return "; ".join(needs)


def read_table(found: Found, path: Path, options: ImportOptions, batches: Batches) -> Context:
    """Read one table into the batches; problems and remarks are in what is returned."""
    return read_sheet(found.layout, sheet_at(found.grid, found.delimiter, found.row), path, options, batches)


def read_sheet(layout: Layout, sheet: Sheet, path: Path, options: ImportOptions, batches: Batches) -> Context:
    """Read a table whose place is known already, as :func:`read_table` does."""
    context = Context(options, sheet, path, ZoneInfo(layout.zone) if layout.zone else options.timezone)
    context.remarks.extend(_told_of_layout(sheet, layout))
    reader = _Reader(layout, context)
    for values, rows in reader.batches():
        if len(context.problems) > _SHOWN_PROBLEMS * 4:
            break
        if context.problems:
            continue  # the cells of the other rows are still looked at
        made = layout.finish(values, rows, context) if layout.finish else {layout.table: dict(values)}
        if context.problems:
            continue
        made = _with_measures(made, values, rows, layout)
        _date_figures(made.get("posts"), rows, context)
        for table, columns in made.items() if not context.problems else ():
            numbers = columns.pop("_row", rows)
            batches.add(table, _owned(table, columns, options), numbers, sheet.label, layout.repeated)
    if not context.problems:
        reader.check_sums()
    if not reader.rows and not context.problems:
        none: Values = {each.name: [] for each in reader.fields}
        nothing = layout.finish(none, [], context) if layout.finish else {layout.table: none}
        for table, columns in nothing.items():
            columns.pop("_row", None)
            batches.add(table, _owned(table, columns, options), [], sheet.label, layout.repeated)
    if reader.cut:
        context.remarks.append(
            f"{sheet.label}: {counted(reader.cut, 'id')} such as 1.8E+16: a spreadsheet has cut the last "
            "digits; export the file anew"
        )
    if reader.undone:
        context.remarks.append(
            f"{sheet.label}: {counted(reader.undone, 'cell')} such as '3.апр' read as 3.4: a "
            "spreadsheet has made "
            "dates of decimals (3.04 would look the same; export the file anew to be sure)"
        )
    for what, count in sorted(context.counts.items()):
        context.remarks.append(f"{sheet.label}: {what.replace('#', str(count), 1)}")
    context.remarks.extend(context.unmatched.remarks())
    return context


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


def _owned(table: str, columns: Values, options: ImportOptions) -> Values:
    """With the account or brand that was named, where the rows do not say."""
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
    made: Mapping[str, Values], values: Values, rows: Sequence[int], layout: Layout
) -> dict[str, Values]:
    """The figures of days that no other table holds, a row each."""
    tables = {
        name: columns for name, columns in made.items() if name != ACCOUNT_STATS or columns.get("value")
    }
    names = [name for name in layout.measures if name in values]
    if names and "since" in values:
        tables[ACCOUNT_STATS] = long_table(values, names, rows)
    return tables


def long_table(values: Values, names: Sequence[str], rows: Sequence[int]) -> Values:
    """Wide rows of ``since`` (and ``until``, ``item``) as a row a measure; unknown ones are left out."""
    found: Values = {name: [] for name in ("since", "until", "measure", "item", "value", "_row")}
    until = values.get("until") or [since + dt.timedelta(days=1) for since in values["since"]]
    items = values.get("item") or ["all"] * len(rows)
    for name in names:
        for since, end, item, value, row in zip(
            values["since"], until, items, values[name], rows, strict=True
        ):
            if value is not None:
                for key, each in zip(found, (since, end, name, item or "unknown", value, row), strict=True):
                    found[key].append(each)
    return found


def _told_of_layout(sheet: Sheet, layout: Layout) -> Iterator[str]:
    if sheet.encoding == "cp1251":
        yield f"{sheet.label}: read as cp1251, as it is not UTF-8"
    if sheet.preamble:
        yield f"{sheet.label}: {counted(len(sheet.preamble), 'row')} above the header skipped"
    yield from _unread(sheet, layout)


def _unread(sheet: Sheet, layout: Layout) -> Iterator[str]:
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
    there = {normal(title) for title in sheet.header}
    missing = [each for each in layout.fields if not there & each.known]
    for title, (name, like) in namesakes(unread, missing).items():
        yield (
            f"{sheet.label}: column {title!r} is not read, but looks like {like!r}, which would fill {name}: "
            "rename it in the file where it is the same"
        )


class _Reader:
    """The cells of a sheet, batch by batch, as values of the layout's fields."""

    def __init__(self, layout: Layout, context: Context) -> None:
        self.layout = layout
        self.context = context
        self.rows = self.totals = self.cut = self.undone = 0
        self._found: list[tuple[int, int, str]] = []
        titles = context.sheet.titles()
        self.positions = {
            each.name: [place for title in each.titles for place in titles.get(normal(title), ())]
            for each in layout.fields
        }
        if layout.exact:
            self.positions = {name: places[:1] for name, places in self.positions.items()}
        self.fields = [each for each in layout.fields if self.positions[each.name]]
        self._needed = max((places[0] for places in self.positions.values() if places), default=0)
        decimal = layout.style.decimal
        if context.sheet.delimiter == ";":  # a spreadsheet has saved it, and its 1,234 may be either
            decimal = None if decimal == "." else ","
        self.style = Style(layout.style.order, decimal, layout.style.compact)
        self._known: dict[str, dict[str, Any]] = {each.name: {} for each in self.fields}
        self._control = ControlSums(layout.lacking, layout.beyond)

    def batches(self) -> Iterator[tuple[Values, list[int]]]:
        """Values by field, and row numbers."""
        below = iter(self.context.sheet.below())
        while records := list(islice(below, _BATCH)):
            good = [record for record in records if self._is_row(*record)]
            if good:
                self.rows += len(good)
                values = {each.name: self._values(each, good) for each in self.fields}
                self.context.problems.extend(sentence for *_, sentence in sorted(self._found))
                self._found.clear()
                yield values, [row for row, _ in good]

    def _is_row(self, number: int, cells: list[str]) -> bool:
        if is_total(cells):
            self.totals += 1
            self._remember(cells)
            return False
        width, header = _width(cells), len(self.context.sheet.header)
        if width > header or len(cells) <= self._needed:
            self.context.problems.append(
                f"{self.context.where(number)}: has {counted(len(cells), 'cell')}, the header has {header}"
            )
            return False
        return True

    def _remember(self, cells: Sequence[str]) -> None:
        for each in (each for each in self.fields if each.is_figure):
            if each.no_sum:
                self._control.leave_out(each.name, each.no_sum)
                continue
            filled = (cells[place] for place in self.positions[each.name] if place < len(cells))
            try:
                said = read_number(
                    next((text for text in filled if not is_unknown(text)), ""), self.style.decimal
                )
            except ValueError:
                said = None
            self._control.said(each.name, said)

    def _values(self, each: Field, records: Sequence[Record]) -> list[Any]:
        places = self.positions[each.name]
        if len(places) == 1:
            place = places[0]
            cells = [row[place] for _, row in records]
        else:  # of columns with the same title, the first that is filled
            cells = [
                next((row[place] for place in places if place < len(row) and not is_unknown(row[place])), "")
                for _, row in records
            ]
        known = self._known[each.name]
        if len(known) > _CACHED:
            known.clear()
        values = []
        for text, (number, _) in zip(cells, records, strict=True):
            try:
                value = known[text]
            except KeyError:
                value = self._value(each, text, number)
                if value is not _BROKEN:
                    known[text] = value
            if value is None and not each.column.nullable:
                self._say(each, number, "must not be empty", text)
            values.append(None if value is _BROKEN else value)
        if each.is_figure and not each.no_sum:
            self._control.add(each.name, values)
        if each.name.endswith("_id"):
            self.cut += sum(_looks_cut(value) for value in values)
        return values

    def _value(self, each: Field, text: str, number: int) -> Any:
        if each.blanks and normal(text) in each.blanks:
            return None
        try:
            value = (
                self._signed(text)
                if each.signed
                else read_cell(text, each.column, self.context.zone, self.style)
            )
        except ValueError as fault:
            self._say(each, number, str(fault), text)
            return _BROKEN
        if each.column.type is Type.NUMBER and value is not None and any(letter.isalpha() for letter in text):
            self.undone += 1
        return value

    def _signed(self, text: str) -> float | None:
        try:
            number = read_number(text, self.style.decimal)
        except ValueError:
            number = undo_spreadsheet(text)
            if number is None:
                raise
        return None if number is None else float(number)

    def _say(self, each: Field, number: int, what: str, found: str) -> None:
        title = " ".join(self.context.sheet.header[self.positions[each.name][0]].split())
        sentence = (
            f"{self.context.where(number)}: column {title!r} ({each.name}): {what}, found {found!r:.60}"
        )
        self._found.append((number, self.fields.index(each), sentence))

    def check_sums(self) -> None:
        """Let the rows of totals, where there are any, decide on the sums of the rows."""
        if not self.totals:
            return
        label, many = self.context.sheet.label, self.rows >= _ROWS_THAT_SERVICES_CUT
        wrong, told = self._control.problems(label, partial=self.context.options.partial, many=many)
        self.context.problems.extend(wrong)
        self.context.remarks.extend(told)
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
