"""Limits that keep hostile files from filling the memory."""

from __future__ import annotations

import copy
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase

LONGEST_LINE = 8 << 20
MOST_COLUMNS = 20_000
MOST_PAGE = 32 << 20
"""Bytes of a web page that is read as a table: all of it is held in memory."""
MOST_JSON = 64 << 20
"""Bytes of a JSON file that is read as a whole."""
MOST_JSON_PARTS = 2_000_000
"""Objects and lists in it: an empty one takes thirty times the memory of its two brackets."""
LONGEST_NUMBER = 4000
"""Digits of a number in JSON: the parser that streams dies of more than Python can turn into a number."""
MOST_CELLS = 5_000_000
"""Cells of a sheet, the empty ones between filled ones, too: a reader makes room for all of them."""

_CHUNK = 1 << 20
_DIGITS = b"0123456789"
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))
_DEEPEST = 10_000
_MOST_UNPACKED = 512 << 20
_SMALL = 16 << 20
_LONGEST_TAG = 4096
_TIGHTEST = 150
"""Real sheets shrink to a tenth or a thirtieth, zeros to a thousandth."""
_PLACE = re.compile(rb"""<(?:\w+:)?(c|row)(?:\s(?:[^>]*?\s)?r=["']([A-Z]{0,3})([0-9]{1,7})["']|(?=[\s/>]))""")
"""A row or a cell, with its place where it says one: otherwise it is the next."""
_DECLARES = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def limited_lines(stream: IO[str], path: Path, delimiter: str, pending: list[int]) -> Iterator[str]:
    """Yield lines of a text; refuse lines and rows larger than people write.

    Parameters
    ----------
    stream : text file
    path : pathlib.Path
        For sentences.
    delimiter : str
    pending : list of one int
        Delimiters since the last row that was complete; its reader sets it back to 0.

    Raises
    ------
    InputError
        Where a line or a row is larger.
    """
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            where = Phrase("sources.at_line", file=path, number=number)
            raise InputError(Phrase("sources.long_line", where=where, most=LONGEST_LINE >> 20))
        pending[0] += line.count(delimiter)
        if pending[0] > MOST_COLUMNS:
            where = Phrase("sources.at_line", file=path, number=number)
            raise InputError(Phrase("sources.many_columns", where=where, most=MOST_COLUMNS))
        yield line


class JsonGuard:
    """Checks JSON before it is parsed: long numbers and deep nesting would end the process.

    Parameters
    ----------
    path : pathlib.Path
        For sentences.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digits = 0
        self._open = 0

    def look(self, chunk: bytes) -> None:
        """Check the next bytes.

        Brackets inside of texts count as well: that takes ten thousand unanswered ones to matter.

        Raises
        ------
        InputError
        """
        ahead = len(chunk) - len(chunk.lstrip(_DIGITS))
        if self._digits + ahead > LONGEST_NUMBER or _LONG_NUMBER.search(chunk):
            self._refuse(Phrase("sources.json_digits", most=LONGEST_NUMBER))
        self._digits = (self._digits if ahead == len(chunk) else 0) + len(chunk) - len(chunk.rstrip(_DIGITS))
        opened = chunk.count(b"[") + chunk.count(b"{") - chunk.count(b"]") - chunk.count(b"}")
        self._open = max(0, self._open + opened)
        if self._open > _DEEPEST:
            self._refuse(Phrase("sources.json_deep"))

    def _refuse(self, reason: Phrase) -> NoReturn:
        raise InputError(Phrase("sources.json_fault", file=self._path, reason=reason))


def read_bounded(path: Path, most: int, kind: str) -> bytes:
    """Read a whole file of limited size.

    Raises
    ------
    InputError
        Where there are too many.
    """
    with path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise InputError(
            Phrase("sources.too_large", file=path, kind=Phrase(f"sources.kind_{kind}"), most=most >> 20)
        )
    return content


def refuse_large_workbook(path: Path) -> None:
    """Check an XLSX file before a parser loads it.

    What the archive says of its own sizes is not believed: every part is unpacked, and forgotten.

    Raises
    ------
    InputError
        Where it would unpack to too much, declares entities, or has cells far apart.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpack = 0
            for info in archive.infolist():
                unpack += _look_through(archive, info, path, unpack)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as fault:
        raise InputError(Phrase("sources.cut_workbook", file=path, reason=str(fault))) from None


def _look_through(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, before: int) -> int:
    extent = _Extent() if info.filename.casefold().startswith("xl/worksheets/") else None
    size, tail = 0, b""
    for chunk in unpack_member(archive, info, path, before):
        if size == 0 and _DECLARES.search(chunk[:4096]):
            raise InputError(Phrase("sources.declares_entities", file=path, member=info.filename))
        size += len(chunk)
        if extent is None:
            continue
        text, cut, rest = (tail + chunk).rpartition(b"<")  # what is cut in two is looked at with the next
        extent.grow(text)
        tail = cut + rest[:_LONGEST_TAG]
        if extent.right * extent.down > MOST_CELLS:
            raise InputError(
                Phrase(
                    "sources.reaches_far",
                    file=path,
                    member=info.filename,
                    rows=extent.down,
                    columns=extent.right,
                    most=MOST_CELLS // 1_000_000,
                )
            )
    return size


class _Extent:
    """How far the cells of a sheet reach."""

    def __init__(self) -> None:
        self.right = self.down = 1
        self._column = self._row = 0

    def grow(self, text: bytes) -> None:
        for kind, column, row in _PLACE.findall(text):
            if kind == b"row":
                self._row, self._column = int(row) if row else self._row + 1, 0
            else:
                self._column = column_number(column) if column else self._column + 1
                self._row = int(row) if row else self._row
                self.right = max(self.right, self._column)
            self.down = max(self.down, self._row)


def unpack_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, before: int, most: int = _MOST_UNPACKED
) -> Iterator[bytes]:
    """Unpack a member of an archive in chunks; refuse archive bombs.

    Parameters
    ----------
    archive : zipfile.ZipFile
    info : zipfile.ZipInfo
    path : pathlib.Path
        For sentences.
    before : int
        Bytes that other parts have unpacked to.
    most : int
        Bytes that all parts may unpack to.

    Raises
    ------
    InputError
        Where it unpacks to more, or to very much more than its own size.
    """
    honest = copy.copy(info)
    honest.file_size = most + 1  # what it says would end the reading too early
    size = 0
    with archive.open(honest) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > _SMALL and size > _TIGHTEST * max(info.compress_size, 1):
                fields = {"file": path, "member": info.filename, "times": _TIGHTEST}
                raise InputError(Phrase("sources.unpacks_tightly", **fields))
            if before + size > most:
                raise InputError(Phrase("sources.unpacks_to_much", file=path, most=most >> 20))
            yield chunk


def column_number(column: bytes) -> int:
    """The number of a column from its letters.

    Examples
    --------
    >>> column_number(b"A"), column_number(b"AA"), column_number(b"XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in column:
        number = number * 26 + letter - ord("A") + 1
    return number
