"""Delimited text as services really write it: encodings, line ends, delimiters, rows above the header."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpi_kit.errors import InputError, did_you_mean

_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_DELIMITERS = ",;\t"
_HEADER_WITHIN = 40


@dataclass(frozen=True)
class Text:
    """A decoded file.

    Parameters
    ----------
    content : str
    encoding : str
        In which it was written.
    """

    content: str
    encoding: str


@dataclass(frozen=True)
class Sheet:
    """The cells of a delimited file below its header.

    Parameters
    ----------
    path : pathlib.Path
    encoding : str
    header : tuple of str
        The header as written; of a name that stands twice, the second is ``name__2``.
    above : int
        How many rows stand above the header.
    rows : tuple of (int, list of str)
        Row number, as a spreadsheet counts, and cells; blank rows are left out.
    """

    path: Path
    encoding: str
    header: tuple[str, ...]
    above: int
    rows: tuple[tuple[int, list[str]], ...]

    def position(self, name: str) -> int:
        """Where a column of the header stands, whatever its case and spaces."""
        return [normal(title) for title in self.header].index(normal(name))


def normal(title: str) -> str:
    r"""A header cell without what people vary: case, spaces at the ends, NBSP, ё.

    Examples
    --------
    >>> normal("Бюджет\u00a0 ") == normal("бюджет"), normal("Учёт") == normal("УЧЕТ")
    (True, True)
    """
    return " ".join(title.casefold().replace("ё", "е").split())


def read_text(path: Path) -> Text:
    """Decode a file by its byte order mark, or as UTF-8, or as cp1251, in this order; nothing is replaced.

    Raises
    ------
    InputError
        Where it cannot be read or is none of these.
    """
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror})") from None
    marked = next((encoding for mark, encoding in _BOMS.items() if raw.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1251"]:
        try:
            content = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in content:
            return Text(content, encoding)
    raise InputError(
        f"{path}: not a text file (allowed are UTF-8, UTF-16 with a byte order mark, and cp1251)"
    )


def read_sheet(path: Path, wanted: Sequence[str]) -> Sheet:
    """Find the header by the columns that are wanted, and with it the delimiter; then read the rows below.

    Parameters
    ----------
    path : pathlib.Path
    wanted : sequence of str
        Header names; the header is the first row, of the first forty, that has all of them.

    Raises
    ------
    InputError
        Where no row has all of them, or the quoting is broken.
    """
    text = read_text(path)
    content = text.content if "\n" in text.content else text.content.replace("\r", "\n")
    delimiters, said = _said_delimiter(content)
    candidates = [
        (number, cells, delimiter)
        for delimiter in delimiters
        for number, cells in _records(content, delimiter, _HEADER_WITHIN, said)
    ]
    if not candidates:
        raise InputError(f"{path}: holds no rows")
    found = min(candidates, key=lambda each: (-_matches(each[1], wanted), each[0], -len(each[1])))
    number, cells, delimiter = found
    if missing := [name for name in wanted if normal(name) not in _named(cells)]:
        has = [" ".join(cell.split())[:40] for cell in cells if cell.strip()]
        raise InputError(
            [
                f"{path}: column {name!r} is missing from the header{did_you_mean(name, has)}"
                for name in missing
            ]
        )
    rows = _below(path, content, delimiter, number, said)
    return Sheet(path, text.encoding, tuple(_told_apart(cells)), number - 1 - said, tuple(rows))


def _said_delimiter(content: str) -> tuple[str, int]:
    """The delimiters to try, and 1 where a first line ``sep=`` says which (it is no row of the table)."""
    first = content.split("\n", 1)[0].strip("\r").strip('"')
    if first.casefold().startswith("sep=") and len(first) == len("sep=") + 1:
        return first[-1], 1
    return _DELIMITERS, 0


def _records(content: str, delimiter: str, most: int, skipped: int) -> list[tuple[int, list[str]]]:
    """The first rows, as far as the quoting is sound with this delimiter; blank rows are left out."""
    records: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            if number > most:
                break
            if number > skipped and any(cell.strip() for cell in cells):
                records.append((number, cells))
    except csv.Error:
        pass  # another delimiter, or the reading of the rows, will tell
    return records


def _below(
    path: Path, content: str, delimiter: str, header: int, said: int
) -> Iterable[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            if number > header and any(cell.strip() for cell in cells):
                yield number - said, cells
    except csv.Error as fault:
        raise InputError(f"{path}: line {reader.line_num}: the quoting is broken ({fault})") from None


def _told_apart(cells: Iterable[str]) -> Iterable[str]:
    seen: dict[str, int] = {}
    for cell in cells:
        title = normal(cell)
        seen[title] = seen.get(title, 0) + 1
        yield cell.strip() if seen[title] == 1 else f"{cell.strip()}__{seen[title]}"


def _named(cells: Iterable[str]) -> set[str]:
    return {normal(title) for title in _told_apart(cells)}


def _matches(cells: Iterable[str], wanted: Iterable[str]) -> int:
    named = _named(cells)
    return sum(normal(name) in named for name in wanted)
