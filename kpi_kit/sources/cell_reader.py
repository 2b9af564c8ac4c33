"""Read the cells of a table in batches, drop rows of totals, and check the sums by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from kpi_kit.core.schema import Type
from kpi_kit.sources.cell_values import Style, is_unknown, parse_cell, parse_number, undo_date_format
from kpi_kit.sources.control_sums import ControlSums, is_total
from kpi_kit.sources.layouts import Context, Field, Layout, Values
from kpi_kit.sources.rows import counted
from kpi_kit.sources.text_files import Record, normal

_BATCH = 20_000
_CACHED = 200_000
_ROWS_THAT_SERVICES_CUT = 500


class CellReader:
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
