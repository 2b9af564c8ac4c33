"""Read the tables that have a layout into rows of canonical tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS, ALL_TABLES
from kpi_kit.sources.cell_reader import CellReader
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import (
    Context,
    Layout,
    LocatedTable,
    Values,
    locate_tables,
    match_layouts,
    similar_titles,
)
from kpi_kit.sources.raw_tables import Sheet, sheet_at
from kpi_kit.sources.row_batches import RowBatches, service_name
from kpi_kit.sources.rows import in_quotes, refuse, shortened, table_name
from kpi_kit.sources.text_files import normal

_MOST_PROBLEMS = 51
_MOST_LISTED = 12


@dataclass(frozen=True)
class TableImporter:
    """Importer of exports whose tables have known titles.

    Parameters
    ----------
    service : str
        What the rows come from: a name such as ``YouTube Studio``, or a key of the locale after ``service_``.
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
        As of :class:`TableImporter`.
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
        fetched = [context.fetched_at for context in self._contexts if context.fetched_at is not None]
        remarks, tables = self.batches.finish()
        return Imported(
            tables,
            coverage,
            (*remarks, *self.remarks),
            self.batches.newest(),
            platform,
            fetched_at=max(fetched, default=None),
        )


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
        As of :class:`TableImporter`.

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
                raise InputError(
                    Phrase("sources.no_table_found", file=path, service=service_name(service), needed=near)
                )
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


def _needed_titles(layouts: Sequence[Layout]) -> Phrase:
    """The titles that a table of the first of the layouts needs."""
    titles = in_quotes(field.titles[0] for field in layouts[0].fields if field.needed)
    return Phrase("sources.layout_needs", layout=layouts[0].title, titles=titles)


def read_sheet(
    layout: Layout, sheet: Sheet, path: Path, options: ImportOptions, batches: RowBatches
) -> Context:
    """Read a table into the batches; problems and remarks are in what is returned."""
    context = Context(options, sheet, path, ZoneInfo(layout.zone) if layout.zone else options.timezone)
    _remark_on_header(layout, context)
    cells = CellReader(layout, context)
    for values, rows in cells.batches():
        if len(context.problems) > _MOST_PROBLEMS * 4:
            break
        if not context.problems:  # otherwise only the cells of the other rows are checked
            _add_batch(values, rows, layout, context, batches)
    if not context.problems:
        cells.check_sums()
    if not cells.rows and cells.left_out and not context.problems:
        titles = in_quotes(cells.left_out)
        context.problems.append(Phrase("sources.no_row_has", file=sheet.label, titles=titles))
    if not cells.rows and not context.problems:
        _add_nothing(cells, layout, context, batches)
    cells.remark()
    context.remark_on_counts()
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
        owned = with_owner(table, columns, context.options)
        batches.add(table, owned, numbers, context.sheet.label, layout.repeated)


def _add_nothing(cells: CellReader, layout: Layout, context: Context, batches: RowBatches) -> None:
    """Add empty tables: the export has no rows."""
    none: Values = {field.name: [] for field in cells.fields}
    tables = layout.finish(none, [], context) if layout.finish else {layout.table: none}
    for table, columns in tables.items():
        columns.pop("_row", None)
        owned = with_owner(table, columns, context.options)
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
            fields = {"at": moment.isoformat(), "fetched": at.isoformat()}
            context.refuse(row, "sources.after_fetched_at", **fields)


def with_owner(table: str, columns: Values, options: ImportOptions) -> Values:
    """The columns of the table, with the named account or brand where the rows have none.

    Raises
    ------
    InputError
        Where it was not named.
    """
    described = ALL_TABLES[table]
    count = len(next(iter(columns.values()), []))
    if "account_id" in described.names and "account_id" not in columns:
        columns = {**columns, "account_id": [options.named_account()] * count}
    if "brand" in described.names and "brand" not in columns:
        if not options.brand:
            raise InputError(Phrase("sources.brand_missing", table=table_name(table)))
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


def _remark_on_header(layout: Layout, context: Context) -> None:
    sheet = context.sheet
    if sheet.encoding == "cp1251":
        context.remark("sources.read_as_cp1251")
    if sheet.preamble:
        context.remark("sources.rows_above_header", count=len(sheet.preamble))
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
    context.remark("sources.columns_not_read", **shortened(in_quotes(unread), _MOST_LISTED))
    titles = {normal(title) for title in sheet.header}
    missing = [field for field in layout.fields if not titles & field.known]
    for title, (name, similar) in similar_titles(unread, missing).items():
        context.remark("sources.column_looks_like", title=title, similar=similar, name=name)
