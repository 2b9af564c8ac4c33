"""Tables of cells with known columns -> canonical tables: one engine for every table-like export.

A source declares its layouts: which titles, in which languages, hold which column. The engine finds the
header among other rows, reads the cells in batches, drops rows of totals and checks the sums by them.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.schema import Column, Type
from kpi_kit.data.merge import ALL_TABLES
from kpi_kit.sources.attribution import Unmatched
from kpi_kit.sources.cells import PLAIN, Style
from kpi_kit.sources.control_sums import apart
from kpi_kit.sources.grids import Grid, Sheet
from kpi_kit.sources.heads import Head
from kpi_kit.sources.interface import NO, DateRange, Guess, ImportOptions
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
    wanted: bool = False
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
        return apart(self.name) if self.apart is None else self.apart


def texts(name: str, *titles: str, wanted: bool = False) -> Field:
    """A field of text that may be empty."""
    return Field(Column(name, Type.TEXT, nullable=True, required=False), titles, wanted)


def of(
    table: str,
    name: str,
    *titles: str,
    wanted: bool = False,
    empty: bool | None = None,
) -> Field:
    """A field that fills a column of a canonical table; ``empty``: it may be unknown all the same."""
    column = ALL_TABLES[table][name]
    if empty is not None and empty != column.nullable:
        column = Column(column.name, column.type, empty, column.required, column.allowed)
    return Field(column, titles, wanted)


def measure(name: str, *titles: str, wanted: bool = False, apart: str | None = None) -> Field:
    """A field of figures of an account that no other table holds."""
    column = Column(name, Type.NUMBER, nullable=True, required=False)
    return Field(column, titles, wanted, apart, signed=True)


@dataclass
class Context:
    """What is known while a file is read, and what is to be told of it."""

    options: ImportOptions
    sheet: Sheet
    path: Path
    zone: ZoneInfo
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    unmatched: Unmatched = field(default_factory=Unmatched)
    stamp: dt.datetime | None = None
    coverage: dict[str, tuple[DateRange, ...]] = field(default_factory=dict)

    def where(self, row: int) -> str:
        """For sentences."""
        return f"{self.sheet.label}: row {row}"


Finish = Callable[[Values, Sequence[int], Context], Mapping[str, Values]]


@dataclass(frozen=True)
class Layout:
    """One kind of table that an export holds.

    Parameters
    ----------
    name : str
        For sentences: what was recognised.
    table : str
        The canonical table that the fields fill.
    fields : tuple of Field
    style : Style
    zone : str or None
        Of its naive times; None is the option's.
    marks : tuple of str
        Titles of which at least one must be there, as no other export has them.
    also : tuple of str
        Other titles that this kind is known by.
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
    finish: Finish | None = None
    measures: tuple[str, ...] = ()
    repeated: str = "refuse"
    platform: str | None = None
    speaking: re.Pattern[str] | None = None
    exact: bool = False
    lacking: Decimal = Decimal(0)
    beyond: Decimal = Decimal(0)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every title by which it is known, normalised."""
        return frozenset(map(normal, (*self.marks, *self.also))).union(*(each.known for each in self.fields))

    @cached_property
    def signs(self) -> frozenset[str]:
        """Its marks, normalised."""
        return frozenset(map(normal, self.marks))


@dataclass(frozen=True)
class Found:
    """A layout in a grid: where its header stands, and how much of it is known."""

    layout: Layout
    grid: Grid
    delimiter: str
    row: int
    score: float
    why: str


# --- finding


def find(head: Head, layouts: Sequence[Layout]) -> list[Found]:
    """Every table of the file that has the header of a layout, the surest layout of each, surest first."""
    best: dict[tuple[str, int], Found] = {}
    for grid, delimiter, rows in head.rows():
        for number, cells in rows:
            for layout in layouts:
                found = _match(layout, grid, delimiter, number, cells)
                other = best.get((grid.label, number))
                if found is not None and (other is None or found.score > other.score):
                    best[grid.label, number] = found
    return sorted(best.values(), key=lambda found: (-found.score, found.row))


def _match(layout: Layout, grid: Grid, delimiter: str, number: int, cells: Sequence[str]) -> Found | None:
    titles = {normal(cell) for cell in cells if cell.strip()}
    if not titles:
        return None
    has = {each.name for each in layout.fields if titles & each.known}
    if any(each.wanted and each.name not in has for each in layout.fields):
        return None
    marks = titles & layout.signs
    if layout.marks and not marks:
        return None
    hits = titles & layout.known
    share = len(hits) / len(titles)
    score = 0.55 + 0.3 * share + min(0.14, 0.02 * len(hits)) + (0.01 if marks else 0.0)
    shown = ", ".join(repr(" ".join(cell.split())) for cell in cells if normal(cell) in hits)
    return Found(layout, grid, delimiter, number, score, f"{layout.name}: columns {shown:.160}")


def guess(head: Head, layouts: Sequence[Layout]) -> Guess:
    """How sure it is that a file has one of the layouts; of one that lacks a needed column, which."""
    found = find(head, layouts)
    return Guess(min(found[0].score, 1.0), found[0].why) if found else _all_but_one(head, layouts)


def _all_but_one(head: Head, layouts: Sequence[Layout]) -> Guess:
    """A layout of which one needed column is missing, and a column that is not known may be it."""
    best = NO
    for _, _, rows in head.rows():
        for _, cells in rows:
            titles = {normal(cell) for cell in cells if cell.strip()}
            for layout in layouts:
                known = layout.known
                wanted = [each for each in layout.fields if each.wanted]
                missing = [each for each in wanted if not titles & each.known]
                strange = [
                    " ".join(cell.split()) for cell in cells if cell.strip() and normal(cell) not in known
                ]
                share = len(titles & known) / max(len(titles), 1)
                if len(missing) != 1 or not strange or share < _MOSTLY or share * 0.5 <= best.score:
                    continue
                alike = ", ".join(f"{title!r} may be it" for title in namesakes(strange, missing))
                best = Guess(
                    share * 0.5,
                    f"{layout.name}, but column {missing[0].titles[0]!r} is missing"
                    f"{f'; {alike}, under another title' if alike else ''}",
                )
    return best


_MOSTLY = 0.4
_ALIKE = 0.75


def namesakes(titles: Sequence[str], missing: Sequence[Field]) -> dict[str, tuple[str, str]]:
    """Of titles that are not known, those that look like the title of a missing field: its name and title.

    Examples
    --------
    >>> fields = [texts("views", "Просмотры"), texts("likes", "Лайки", "Likes")]
    >>> namesakes(["Просмотры видео", "Текст", "Like"], fields)
    {'Просмотры видео': ('views', 'Просмотры'), 'Like': ('likes', 'Likes')}
    """
    found: dict[str, tuple[str, str]] = {}
    for title in titles:
        plain = normal(title)
        pairs = [
            (_likeness(plain, normal(known)), each.name, known) for each in missing for known in each.titles
        ]
        best = max(pairs, default=(0.0, "", ""), key=lambda pair: pair[0])
        if best[0] >= _ALIKE:
            found[title] = best[1], best[2]
    return found


def _likeness(one: str, other: str) -> float:
    """How alike two titles are; a title with more or fewer words at its end is nearly the same."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    begins = len(shorter) > 3 and longer.startswith(shorter) and longer[len(shorter)] in " ,(:"
    return 0.9 if begins else difflib.SequenceMatcher(None, one, other).ratio()
