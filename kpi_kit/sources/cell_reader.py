"""Read the cells of a table in batches, drop rows of totals, and check the sums by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Type
from kpi_kit.sources.cell_values import is_error, is_unknown, parse_cell, parse_number, signed_number
from kpi_kit.sources.control_sums import ControlSums, is_total
from kpi_kit.sources.layouts import Context, Field, Layout, Values
from kpi_kit.sources.rows import shortened
from kpi_kit.sources.text_files import DELIMITERS, Record, normal

_BATCH = 20_000
_CACHED = 200_000
_MOST_LISTED = 5
_ROWS_THAT_SERVICES_CUT = 500


class CellReader:
    """The cells of a sheet, batch by batch, as values of the layout's fields."""

    def __init__(self, layout: Layout, context: Context) -> None:
        self.layout = layout
        self.context = context
        self.rows = self.totals = self.cut = self.undone = 0
        self._problems: list[tuple[int, int, str]] = []
        self._strict = layout.strict or context.options.strict
        self._incomplete: dict[int, str] = {}
        self._errors: list[str] = []
        self.left_out: dict[str, list[int]] = {}
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
        self.style = replace(layout.style, decimal=decimal)
        self._cache: dict[str, dict[str, Any]] = {field.name: {} for field in self.fields}
        self._control = ControlSums(layout.lacking, layout.beyond)

    def batches(self) -> Iterator[tuple[Values, list[int]]]:
        """Yield values by field with row numbers."""
        below = iter(self.context.sheet.below())
        while records := list(islice(below, _BATCH)):
            good = [record for record in records if self._is_row(*record)]
            if not good:
                continue
            self._incomplete = {}
            values = {field.name: self._values(field, good) for field in self.fields}
            self.context.problems.extend(
                sentence for row, _, sentence in sorted(self._problems) if row not in self._incomplete
            )
            self._problems.clear()
            rows = [row for row, _ in good]
            if self._incomplete:
                kept = [place for place, row in enumerate(rows) if row not in self._incomplete]
                values = {name: [column[place] for place in kept] for name, column in values.items()}
                self._leave_out(rows)
                rows = [rows[place] for place in kept]
            self.rows += len(rows)
            if rows:
                yield values, rows

    def _leave_out(self, rows: Sequence[int]) -> None:
        for row in rows:
            if row in self._incomplete:
                self.left_out.setdefault(self._incomplete[row], []).append(row)

    def _is_row(self, number: int, cells: list[str]) -> bool:
        if is_total(cells):
            self.totals += 1
            self._remember_total(cells)
            return False
        width, header = _width(cells), len(self.context.sheet.header)
        delimiter = self.context.sheet.delimiter
        other = next(
            (mark for mark in DELIMITERS if mark != delimiter and cells[0].count(mark) >= header - 1), ""
        )
        if len(cells) == 1 < header and other:
            self.context.refuse(number, "sources.other_delimiter", found=other, delimiter=delimiter)
            return False
        if len(cells) <= self._needed and not self._strict and sum(map(bool, cells)) == 1:  # a footer
            cells.extend([""] * (header - len(cells)))
        if width > header or len(cells) <= self._needed:
            hint = Phrase("sources.hint_quotes", delimiter=delimiter) if delimiter in DELIMITERS else ""
            self.context.refuse(number, "sources.cells_beyond", count=len(cells), header=header, hint=hint)
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
            if text[:1] == "#" and is_error(text):
                self._add_error(places[0], number, text)
            if value is None and not field.column.nullable:
                if self._strict or is_error(text):
                    self._add_problem(field, number, Phrase("sources.must_not_be_empty"), text)
                else:
                    title = self.context.sheet.header[places[0]]
                    self._incomplete.setdefault(number, " ".join(title.split()))
            values.append(None if value is _BROKEN else value)
        if field.is_figure and not field.no_sum:
            self._control.add(field.name, values)
        if field.name.endswith("_id"):
            self.cut += sum(_looks_cut(value) for value in values)
        return values

    def _add_error(self, column: int, row: int, text: str) -> None:
        self._errors.append(f"{column_letters(column)}{row} {text.strip()}")

    def _value(self, field: Field, text: str, number: int) -> Any:
        if is_error(text):
            return None
        if field.name.endswith("_id"):
            text = text.strip().removeprefix("№").lstrip()
        if field.blanks and normal(text) in field.blanks:
            return None
        try:
            value = (
                signed_number(text, self.style.decimal)
                if field.signed
                else parse_cell(text, field.column, self.context.zone, self.style)
            )
        except ValueError as fault:
            self._add_problem(field, number, fault, text)
            return _BROKEN
        if (
            field.column.type is Type.NUMBER
            and value is not None
            and any(letter.isalpha() for letter in text)
        ):
            self.undone += 1
        return value

    def _add_problem(self, field: Field, number: int, problem: object, text: str) -> None:
        title = " ".join(self.context.sheet.header[self.positions[field.name][0]].split())
        phrase = self.context.cell_problem(number, title, field.name, problem, text)
        self._problems.append((number, self.fields.index(field), phrase))

    def remark(self) -> None:
        """Remark on rows that are left out, and on cells that a spreadsheet has changed."""
        remark = self.context.remark
        for title, rows in self.left_out.items():
            listed = shortened(rows, _MOST_LISTED)
            listed["items"] = [Phrase("sources.row_number", row=row) for row in listed["items"]]
            remark("sources.rows_left_out", count=len(rows), title=title, **listed)
        if self._errors:
            remark(
                "sources.cells_with_errors", count=len(self._errors), **shortened(self._errors, _MOST_LISTED)
            )
        if self.cut:
            remark("sources.ids_cut", count=self.cut)
        if self.undone:
            remark("sources.dates_undone", count=self.undone)

    def check_sums(self) -> None:
        """Check the sums of the rows against the rows of totals, if any."""
        if not self.totals:
            return
        wrong, remarks = self._control.problems(
            self.context.sheet.label,
            partial=self.context.options.partial,
            many=self.rows >= _ROWS_THAT_SERVICES_CUT,
        )
        self.context.problems.extend(wrong)
        self.context.remarks.extend(remarks)
        agreed = self._control.agreed()
        tail = Phrase("sources.totals_agree", names=agreed) if agreed else ""
        self.context.remark("sources.totals_skipped", count=self.totals, tail=tail)
        if unchecked := list(self._control.unchecked()):
            self.context.remark("sources.totals_unchecked", columns=unchecked)


_BROKEN = object()


def column_letters(place: int) -> str:
    """The letters of a column of a spreadsheet.

    Examples
    --------
    >>> column_letters(0), column_letters(27)
    ('A', 'AB')
    """
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


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
