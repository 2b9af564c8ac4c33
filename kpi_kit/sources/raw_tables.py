"""Read the cells of files that hold tables: delimited text, spreadsheets, web pages named .xls."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.size_limits import MOST_PAGE, read_bounded, refuse_large_workbook
from kpi_kit.sources.text_files import Record, TextFile, normal, text_file
from kpi_kit.sources.workbook_errors import error_cells

HEADER_WITHIN = 40
"""A header stands in one of the first rows."""

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_NO_TABLES = {
    b"%PDF": "pdf",
    b"{\\rtf": "text_document",
    b"\x89PNG": "picture",
    b"\xff\xd8\xff": "picture",
    b"GIF8": "picture",
    b"Rar!": "archive",
    b"7z\xbc\xaf": "archive",
    b"\x1f\x8b": "archive",
}
"""Beginnings of files that people take for exports; keys of the locale after ``kind_``."""
_EXACT = 1e15


@dataclass(frozen=True)
class RawTable:
    """A table of cells whose header is not yet known.

    Parameters
    ----------
    path : pathlib.Path
    label : str
        For sentences: the file, and the sheet where there are several.
    encoding : str
        Of text; ``sheet`` otherwise.
    delimiters : str
        Those that it may have; one character where there is no question.
    source : TextFile or sequence of Record
    """

    path: Path
    label: str
    encoding: str
    delimiters: str
    source: TextFile | Sequence[Record]

    def records(self, delimiter: str) -> Iterator[Record]:
        """Every row that is not blank."""
        return self.source.records(delimiter) if isinstance(self.source, TextFile) else iter(self.source)

    def first(self, delimiter: str, most: int) -> list[Record]:
        """The first rows."""
        if isinstance(self.source, TextFile):
            return self.source.first(delimiter, most)
        return [record for record in self.source[:most] if record[0] <= most]


@dataclass(frozen=True)
class Sheet:
    """A table whose header was found.

    Parameters
    ----------
    label : str
        For sentences.
    encoding : str
    delimiter : str
    header : tuple of str
        As written; of a name that stands twice, the second is ``name__2``.
    header_row : int
    preamble : tuple of Record
        The rows above the header.
    below : callable
        Gives the rows below it, anew at each call.
    """

    label: str
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    header_row: int
    preamble: tuple[Record, ...]
    below: Callable[[], Iterator[Record]]

    def titles(self) -> dict[str, list[int]]:
        """Positions by normalised title; one that stands twice has several, ``title__2`` the second."""
        positions: dict[str, list[int]] = {}
        for position, title in enumerate(self.header):
            plain, _, number = title.rpartition("__")
            if number.isdecimal() and normal(plain) in positions:
                positions[normal(plain)].append(position)
            positions.setdefault(normal(title), []).append(position)
        return positions


def sheet_of_records(path: Path, records: Sequence[Mapping[str, Any]]) -> Sheet:
    """Objects of a JSON answer as a table; what is no plain value is left empty."""
    titles = list(dict.fromkeys(key for record in records for key in record))
    rows: list[Record] = [
        (number, [_plain(record.get(title)) for title in titles])
        for number, record in enumerate(records, start=1)
    ]
    return Sheet(str(path), "json", "\0", tuple(titles), 0, (), rows.__iter__)


def _plain(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def distinct_titles(cells: Sequence[str]) -> tuple[str, ...]:
    """Header cells made unique: the second ``name`` is ``name__2``."""
    seen: dict[str, int] = {}
    titles = []
    for cell in cells:
        title = normal(cell)
        seen[title] = seen.get(title, 0) + 1
        titles.append(cell.strip() if seen[title] == 1 else f"{cell.strip()}__{seen[title]}")
    return tuple(titles)


def sheet_at(grid: RawTable, delimiter: str, row: int) -> Sheet:
    """The table whose header is the given row."""
    above: list[Record] = []
    for number, cells in grid.records(delimiter):
        if number == row:
            return Sheet(
                grid.label,
                grid.encoding,
                delimiter,
                distinct_titles(cells),
                row,
                tuple(above),
                lambda: (record for record in grid.records(delimiter) if record[0] > row),
            )
        above.append((number, cells))
    raise InputError(Phrase("sources.no_row", file=grid.label, row=row))


def raw_tables(path: Path) -> Iterator[RawTable]:
    """The tables of cells of a file.

    Raises
    ------
    InputError
        Where it is no text and no spreadsheet.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(1024)
    except OSError as fault:
        raise InputError(Phrase("core.not_readable", file=path, reason=reason_of(fault))) from None
    if kind := next((name for mark, name in _NO_TABLES.items() if start.startswith(mark)), ""):
        raise InputError(Phrase("sources.not_a_table", file=path, kind=Phrase(f"sources.kind_{kind}")))
    if start.startswith((_ZIP, _OLE)):
        if start.startswith(_ZIP):
            refuse_large_workbook(path)
        yield from _spreadsheet(path)
    elif _is_page(start):
        yield from _page(path)
    else:
        text = text_file(path)
        yield RawTable(path, str(path), text.encoding, text.delimiters, text)


def _spreadsheet(path: Path) -> Iterator[RawTable]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if {"mimetype", "word/document.xml"} & set(archive.namelist()):
                raise InputError(Phrase("sources.office_document", file=path))
    try:
        book = CalamineWorkbook.from_path(str(path))
        errors = error_cells(path)
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            cells = [(number, [_cell(value) for value in row]) for number, row in enumerate(rows, start=1)]
            for (row, column), text in errors.get(name, {}).items():
                if row <= len(cells) and column < len(cells[row - 1][1]):
                    cells[row - 1][1][column] = text
            filled = [(number, row) for number, row in cells if any(cell.strip() for cell in row)]
            several = len(book.sheet_names) > 1
            label = Phrase("sources.sheet", file=path, name=name) if several else str(path)
            yield RawTable(path, label, "sheet", "\0", filled)
    except (CalamineError, OSError, ValueError) as fault:
        if _LOCKED in read_bounded(path, MOST_PAGE, "locked"):
            raise InputError(Phrase("sources.locked_workbook", file=path)) from None
        reason = " ".join(str(fault).split())
        raise InputError(Phrase("sources.broken_workbook", file=path, reason=reason)) from None


def _cell(value: Any) -> str:
    """A cell of a spreadsheet as text; a number that has lost digits keeps its E+: no id to trust."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value)) if abs(value) < _EXACT else f"{value:E}"
        case dt.datetime():
            moment = value.replace(microsecond=0)
            return str(moment.date()) if moment.time() == dt.time(0) else moment.isoformat(sep=" ")
        case dt.timedelta():
            seconds = round(value.total_seconds())
            return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        case _:
            return str(value)


def _is_page(start: bytes) -> bool:
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return plain.startswith((b"<html", b"<!doctype", b"<table", b"<meta", b"<style"))


class _Rows(HTMLParser):
    """The cells of the tables of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._in_cell = True
        elif tag == "br" and self._in_cell:
            self.rows[-1][-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


def _page(path: Path) -> Iterator[RawTable]:
    """Read a web page with one table, which some programs save as .xls."""
    text = text_file(path)
    parser = _Rows()
    parser.feed(read_bounded(path, MOST_PAGE, "page").decode(text.encoding))
    rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(parser.rows, start=1)]
    yield RawTable(path, str(path), text.encoding, "\0", [record for record in rows if any(record[1])])
