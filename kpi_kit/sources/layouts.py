"""Layouts: the titles, in all languages, by which the columns of a table are recognised.

A source declares its layouts: which titles, in which languages, hold which column. The engine finds the
header among other rows, reads the cells in batches, drops rows of totals and checks the sums by them.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.data.merge import ALL_TABLES
from kpi_kit.sources.attribution import UnmatchedRows
from kpi_kit.sources.cell_values import PLAIN, Style
from kpi_kit.sources.control_sums import why_not_additive
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, DateRange, ImportOptions, Match
from kpi_kit.sources.raw_tables import RawTable, Sheet
from kpi_kit.sources.rows import in_quotes
from kpi_kit.sources.text_files import normal

Values = dict[str, list[Any]]
"""Column -> the values of a batch of rows."""


@dataclass(frozen=True)
class Field:
    """A column that an export may have.

    Parameters
    ----------
    column : Column
        Its name, type and whether it may be empty.
    titles : tuple of str
        Its titles, in any language; of several that a file has, the first value that is known counts.
    wanted : bool
        Whether the header must have it.
    apart : str or None
        Why the row of totals does not hold its sum; empty where it does, None where its name tells.
    blanks : tuple of str
        What this export writes for an unknown value, besides what all do.
    signed : bool
        Whether a number may be below zero.
    """

    column: Column
    titles: tuple[str, ...]
    needed: bool = False
    apart: str | None = None
    blanks: tuple[str, ...] = ()
    signed: bool = False

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.column.name

    @cached_property
    def known(self) -> frozenset[str]:
        """Its titles, normalised."""
        return frozenset(map(normal, self.titles))

    @property
    def is_figure(self) -> bool:
        """Whether a row of totals may have a number for it."""
        return self.column.type in (Type.COUNT, Type.NUMBER)

    @property
    def no_sum(self) -> str:
        """Why its total is not the sum of the rows; empty where it is."""
        return why_not_additive(self.name) if self.apart is None else self.apart


def titles(*listed: str) -> tuple[str, ...]:
    """Titles, of which one text may hold several with ``|`` between them.

    Examples
    --------
    >>> titles("Views|Просмотры", "Plays")
    ('Views', 'Просмотры', 'Plays')
    """
    return tuple(title for text in listed for title in text.split("|"))


def text_field(name: str, *listed: str, needed: bool = False) -> Field:
    """A field of text that may be empty."""
    return Field(Column(name, Type.TEXT, nullable=True, required=False), titles(*listed), needed)


def canonical_field(
    table: str, name: str, *listed: str, needed: bool = False, empty: bool | None = None
) -> Field:
    """A field that fills a column of a canonical table; ``empty``: it may be unknown all the same."""
    column = ALL_TABLES[table][name]
    if empty is not None and empty != column.nullable:
        column = Column(column.name, column.type, empty, column.required, column.allowed)
    return Field(column, titles(*listed), needed)


ON_BRAND = canonical_field(
    "posts",
    "on_brand",
    "на бренд|на бренде|по бренду|в стиле бренда|соответствует бренду|брендовый|on brand|on-brand|on_brand",
)
"""Whether a post is on brand: a column of yes and no that people add to a plan or a table of posts."""


def measure_field(name: str, *listed: str, needed: bool = False, apart: str | None = None) -> Field:
    """A field of figures of an account that no other table holds."""
    column = Column(name, Type.NUMBER, nullable=True, required=False)
    return Field(column, titles(*listed), needed, apart, signed=True)


@dataclass
class Context:
    """State while a table is read: options, problems, remarks."""

    options: ImportOptions
    sheet: Sheet
    path: Path
    zone: ZoneInfo
    problems: list[str] = dataclass_field(default_factory=list)
    remarks: list[str] = dataclass_field(default_factory=list)
    counts: Counter[tuple[str, tuple[tuple[str, object], ...]]] = dataclass_field(default_factory=Counter)
    unmatched: UnmatchedRows = dataclass_field(default_factory=UnmatchedRows)
    fetched_at: dt.datetime | None = None
    coverage: dict[str, tuple[DateRange, ...]] = dataclass_field(default_factory=dict)

    def where(self, row: int) -> Phrase:
        """Name a row for sentences."""
        return Phrase("sources.at_row", file=self.sheet.label, number=row)

    def refuse(self, row: int, code: str, **fields: object) -> None:
        """Add a problem of a row."""
        self.problems.append(Phrase(code, where=self.where(row), **fields))

    def cell_problem(self, row: int, title: str, name: str, problem: object, found: object) -> Phrase:
        """The problem of a cell; what is wrong may be in the error of its reader."""
        fields = {"title": title, "name": name, "problem": problem, "found": found}
        return Phrase("sources.bad_cell", where=self.where(row), **fields)

    def refuse_cell(self, row: int, title: str, name: str, problem: object, found: object) -> None:
        """Add the problem of a cell."""
        self.problems.append(self.cell_problem(row, title, name, problem, found))

    def remark(self, code: str, **fields: object) -> None:
        """Add a remark on the table; one that was made for an earlier batch is not repeated."""
        phrase = Phrase(code, file=self.sheet.label, **fields)
        if phrase not in self.remarks:
            self.remarks.append(phrase)

    def count(self, code: str, count: int = 1, **fields: object) -> None:
        """Count rows of which one remark tells in the end."""
        self.counts[code, tuple(fields.items())] += count

    def remark_on_counts(self) -> None:
        """Add a remark on everything that was counted."""
        for (code, fields), count in sorted(self.counts.items(), key=str):
            self.remark(code, count=count, **dict(fields))


Finish = Callable[[Values, Sequence[int], Context], Mapping[str, Values]]


def by_day(values: Values, _rows: Sequence[int], _context: Context) -> Mapping[str, Values]:
    """Finish a table whose rows are days and whose fields are all measures."""
    values["since"] = values["date"]
    return {}


@dataclass(frozen=True)
class Layout:
    """One kind of table that an export holds.

    Parameters
    ----------
    name : str
        What was recognised: a key of the locale after ``layout_``, or a phrase.
    table : str
        The canonical table that the fields fill.
    fields : tuple of Field
    style : Style
    zone : str or None
        Of its naive times; None is the option's.
    marks : tuple of str
        Titles that no other export has: at least one must be there, as a proof of the kind.
    also : tuple of str
        Other titles that this kind is known by.
    file_marks : re.Pattern or None
        Of the file's name: as good as a mark where every title is known.
    finish : callable or None
        Makes of the fields' values the columns of one or several tables; the column ``_row`` numbers the rows
        where some are left out.
    measures : tuple of str
        Fields that become rows of ``account_stats``, a measure each.
    repeated : str
        Of rows of one key: ``refuse`` those that differ, or keep the ``first``.
    platform : str or None
    speaking : re.Pattern or None
        A title that matches says something of the whole table, and is read as such.
    exact : bool
        Whether a title means one column alone, and the others are nobody's business.
    strict : bool
        Whether rows that lack a needed cell are refused; otherwise they are left out and listed.
    lacking : Decimal
        The share of the total that rows of sound files may lack, as the service leaves some out.
    beyond : Decimal
        The share by which they may exceed it, as the service estimates its figures.
    """

    name: str
    table: str
    fields: tuple[Field, ...]
    style: Style = PLAIN
    zone: str | None = None
    marks: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    file_marks: re.Pattern[str] | None = None
    finish: Finish | None = None
    measures: tuple[str, ...] = ()
    repeated: str = "refuse"
    platform: str | None = None
    speaking: re.Pattern[str] | None = None
    exact: bool = False
    strict: bool = False
    lacking: Decimal = Decimal(0)
    beyond: Decimal = Decimal(0)

    @property
    def title(self) -> Phrase:
        """What was recognised, for sentences."""
        return self.name if isinstance(self.name, Phrase) else Phrase(f"sources.layout_{self.name}")

    @cached_property
    def known(self) -> frozenset[str]:
        """Every title by which it is known, normalised."""
        return frozenset(map(normal, (*self.marks, *self.also))).union(
            *(field.known for field in self.fields)
        )

    @cached_property
    def signs(self) -> frozenset[str]:
        """Its marks, normalised."""
        return frozenset(map(normal, self.marks))


@dataclass(frozen=True)
class LocatedTable:
    """A table with a known layout: where its header stands, and how much of it is known."""

    layout: Layout
    raw: RawTable
    delimiter: str
    row: int
    score: float
    columns: tuple[str, ...] = ()

    @property
    def header(self) -> list[str]:
        """The cells of its header."""
        return next(cells for number, cells in self.raw.first(self.delimiter, self.row) if number == self.row)

    @property
    def reason(self) -> Phrase:
        """What the table was recognised by."""
        columns = in_quotes(self.columns[:_MOST_LISTED])
        return Phrase("sources.matched_columns", layout=self.layout.title, columns=columns)


# --- finding


def locate_tables(head: Head, layouts: Sequence[Layout]) -> list[LocatedTable]:
    """Find the tables of a file whose header has a layout, best match first."""
    best: dict[tuple[str, int], LocatedTable] = {}
    for raw, delimiter, rows in head.rows():
        for number, cells in rows:
            for layout in layouts:
                table = _match(layout, raw, delimiter, number, cells)
                previous = best.get((raw.label, number))
                if table is not None and (previous is None or table.score > previous.score):
                    best[raw.label, number] = table
    return sorted(best.values(), key=lambda table: (-table.score, table.row))


def _match(
    layout: Layout, raw: RawTable, delimiter: str, number: int, cells: Sequence[str]
) -> LocatedTable | None:
    titles = {normal(cell) for cell in cells if cell.strip()}
    if not titles:
        return None
    present = {field.name for field in layout.fields if titles & field.known}
    if any(field.needed and field.name not in present for field in layout.fields):
        return None
    marks = titles & layout.signs
    by_name = (
        layout.file_marks is not None
        and layout.file_marks.search(raw.path.name) is not None
        and titles <= layout.known
    )
    if layout.marks and not marks and not by_name:
        return None
    hits = titles & layout.known
    share = len(hits) / len(titles)
    score = 0.55 + 0.3 * share + min(0.14, 0.02 * len(hits)) + (0.01 if marks else 0.0)
    shown = tuple(" ".join(cell.split()) for cell in cells if normal(cell) in hits)
    return LocatedTable(layout, raw, delimiter, number, score, shown)


def match_layouts(head: Head, layouts: Sequence[Layout]) -> Match:
    """Match a file with layouts; a near miss names the column that is missing."""
    tables = locate_tables(head, layouts)
    return Match(min(tables[0].score, 1.0), tables[0].reason) if tables else _all_but_one(head, layouts)


def _all_but_one(head: Head, layouts: Sequence[Layout]) -> Match:
    """Find a layout that lacks one needed column, and the unknown columns that may be it."""
    best = NO_MATCH
    for _, _, rows in head.rows():
        for _, cells in rows:
            titles = {normal(cell) for cell in cells if cell.strip()}
            for layout in layouts:
                known = layout.known
                needed = [field for field in layout.fields if field.needed]
                missing = [field for field in needed if not titles & field.known]
                unknown = [
                    " ".join(cell.split()) for cell in cells if cell.strip() and normal(cell) not in known
                ]
                share = len(titles & known) / max(len(titles), 1)
                # without a proof of the kind, or a title that may be the missing one, a hint misleads
                proved = titles & layout.signs if layout.marks else similar_titles(unknown, missing)
                if (
                    not proved
                    or len(missing) != 1
                    or not unknown
                    or share < _MOSTLY
                    or share * 0.5 <= best.score
                ):
                    continue
                names = in_quotes(similar_titles(unknown, missing))
                similar = Phrase("sources.may_be_it", names=names) if names else ""
                title = missing[0].titles[0]
                reason = Phrase("sources.lacks_column", layout=layout.title, title=title, similar=similar)
                best = Match(share * 0.5, reason)
    return best


_MOSTLY = 0.4
_MOST_LISTED = 8
_ALIKE = 0.75


def similar_titles(titles: Sequence[str], missing: Sequence[Field]) -> dict[str, tuple[str, str]]:
    """For unknown titles that resemble a title of a missing field: the field's name and title.

    Examples
    --------
    >>> fields = [text_field("views", "Просмотры"), text_field("likes", "Лайки", "Likes")]
    >>> similar_titles(["Просмотры видео", "Текст", "Like"], fields)
    {'Просмотры видео': ('views', 'Просмотры'), 'Like': ('likes', 'Likes')}
    """
    similar: dict[str, tuple[str, str]] = {}
    for title in titles:
        normal_title = normal(title)
        pairs = [
            (_similarity(normal_title, normal(title)), field.name, title)
            for field in missing
            for title in field.titles
        ]
        best = max(pairs, default=(0.0, "", ""), key=lambda pair: pair[0])
        if best[0] >= _ALIKE:
            similar[title] = best[1], best[2]
    return similar


def _similarity(one: str, other: str) -> float:
    """Similarity of two titles, 0 to 1; one that only adds words at the end has 0.9."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    begins = len(shorter) > 3 and longer.startswith(shorter) and longer[len(shorter)] in " ,(:"
    return 0.9 if begins else difflib.SequenceMatcher(None, one, other).ratio()
