"""Delimited text: find encoding and delimiter, read rows as a stream."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.size_limits import limited_lines

DELIMITERS = ",;\t|"
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CHUNK = 1 << 20
_LONGEST_CELL = 8 << 20
_LINES_LOOKED_AT = 3

csv.field_size_limit(_LONGEST_CELL)  # notes of a CRM are longer than the default of 128 KB

Record = tuple[int, list[str]]
"""Row number, as a spreadsheet counts, and cells."""


@dataclass(frozen=True)
class TextFile:
    """A text file of known encoding.

    Parameters
    ----------
    path : pathlib.Path
    encoding : str
    declared : str or None
        The delimiter that a first line ``sep=;`` declares.
    line_in_cell : bool
        Whether each line is one quoted cell that holds a line of its own, as Excel saves a CSV that it has
        not split into columns.
    """

    path: Path
    encoding: str
    declared: str | None
    line_in_cell: bool = False

    @property
    def delimiters(self) -> str:
        """The delimiters that the file may have."""
        return self.declared or DELIMITERS

    def records(self, delimiter: str) -> Iterator[Record]:
        """Every row; blank ones are left out but counted, and the line ``sep=`` is neither.

        Raises
        ------
        InputError
            Where the quoting is broken.
        """
        skipped = 1 if self.declared else 0
        with self._open() as stream:
            pending = [0]
            lines = limited_lines(stream, self.path, delimiter, pending)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            try:
                for number, cells in enumerate(reader, start=1 - skipped):
                    pending[0] = 0
                    if self.line_in_cell and cells:
                        cells = next(csv.reader([cells[0]], delimiter=delimiter), [])
                    if number >= 1 and any(cell and not cell.isspace() for cell in cells):
                        yield number, cells
            except csv.Error as fault:
                where = Phrase("sources.at_line", file=self.path, number=reader.line_num)
                raise InputError(Phrase("sources.broken_quotes", where=where, reason=str(fault))) from None

    def first(self, delimiter: str, most: int) -> list[Record]:
        """The first rows, as far as the quoting is sound with this delimiter."""
        rows: list[Record] = []
        try:
            for number, cells in self.records(delimiter):
                if number > most:
                    break
                rows.append((number, cells))
        except InputError:
            pass  # another delimiter, or the reading of the rows, will tell
        return rows

    def _open(self) -> IO[str]:
        # without translation of line ends: a lone CR ends a row, CRLF inside quotes stays what it is
        return self.path.open(encoding=self.encoding, newline="")


_LOOKALIKES = str.maketrans("aceopxykmtbh", "асеорхукмтвн")
_MIXED = re.compile(r"[a-z]*[а-я][а-яa-z]*")


def _one_alphabet(word: re.Match[str]) -> str:
    return word[0].translate(_LOOKALIKES) if not word[0].isascii() else word[0]


def normal(title: str) -> str:
    r"""Normalise a title: case, spaces, NBSP, ё, Latin letters inside of Cyrillic words.

    Examples
    --------
    >>> normal("Бюджет\u00a0 ") == normal("бюджет"), normal("Учёт") == normal("УЧЕТ")
    (True, True)
    >>> normal("Kлики") == normal("Клики")  # Search Console writes a Latin K
    True
    """
    plain = " ".join(title.casefold().replace("ё", "е").split())
    return plain if plain.isascii() else _MIXED.sub(_one_alphabet, plain)


def text_file(path: Path) -> TextFile:
    """Find the encoding: by byte order mark, else UTF-8, else cp1251.

    The whole file is looked at, and nothing is replaced.

    Raises
    ------
    InputError
        Where it cannot be read or is none of these.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
        marked = next((encoding for mark, encoding in _BOMS.items() if start.startswith(mark)), None)
        for encoding in [marked] if marked else ["utf-8", "cp1251"]:
            if _is_text(path, encoding):
                declared = _said_delimiter(path, encoding)
                return TextFile(path, encoding, declared, _has_line_in_cell(path, encoding, declared))
    except OSError as fault:
        raise InputError(Phrase("core.not_readable", file=path, reason=reason_of(fault))) from None
    raise InputError(Phrase("sources.not_text", file=path))


def _is_text(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                if "\0" in decoder.decode(chunk):
                    return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _said_delimiter(path: Path, encoding: str) -> str | None:
    with path.open(encoding=encoding, newline="") as stream:
        first = stream.readline(16).strip().strip('"')
        second = stream.readline(_LONGEST_CELL)
    if first.casefold() == "sep=":
        return "\t"  # the strip has taken the tab
    if not first.casefold().startswith("sep=") or len(first) != len("sep=") + 1:
        return None
    # what another program has saved again may have other delimiters than it declares
    others = [mark for mark in DELIMITERS if mark in second]
    return first[-1] if first[-1] in second or not others else max(others, key=second.count)


def _has_line_in_cell(path: Path, encoding: str, declared: str | None) -> bool:
    """Whether the first lines are one quoted cell each, in which quotes and delimiters stand."""
    lines: list[str] = []
    with path.open(encoding=encoding, newline="") as stream:
        for _ in range(_LINES_LOOKED_AT + (1 if declared else 0)):
            lines.append(stream.readline(_LONGEST_CELL).strip().strip(";,\t"))
    lines = [line for line in lines[1 if declared else 0 :] if line]
    whole = [line for line in lines if len(line) > 2 and line[0] == line[-1] == '"']
    if not whole or len(whole) < len(lines):
        return False
    inner = [line[1:-1] for line in whole]
    closed = all('"' not in text.replace('""', "") for text in inner)
    delimited = all("," in text or ";" in text for text in inner)
    return closed and delimited and any('""' in text for text in inner)
