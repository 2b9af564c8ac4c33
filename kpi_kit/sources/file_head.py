"""Read the beginning of a file, which is enough to recognise the kind of export."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ijson

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.raw_tables import HEADER_WITHIN, RawTable, raw_tables
from kpi_kit.sources.size_limits import JsonGuard
from kpi_kit.sources.text_files import Record

_JSON_HEAD = 256 << 10
_LONGEST_KEY = 1000
_PAGE_HEAD = 64 << 10
_STEP = 1024
"""The parser tells of so many bytes at once: of lists in lists each event carries a longer key."""
_FIRST = frozenset(b"{[")


@dataclass(frozen=True)
class Head:
    """The beginning of a file.

    Parameters
    ----------
    path : pathlib.Path
    tables : tuple of RawTable
        Its tables of cells; none where it is JSON.
    keys : frozenset of str
        JSON: where something stands, such as ``response.items.item.post_type``.
    values : mapping of str to object
        JSON: the first plain value at each of these.
    page : str
        The beginning of a web page.
    """

    path: Path
    tables: tuple[RawTable, ...] = ()
    keys: frozenset[str] = frozenset()
    values: Mapping[str, Any] = field(default_factory=dict)
    page: str = ""
    _first: dict[tuple[int, str], list[Record]] = field(default_factory=dict, repr=False, compare=False)

    def rows(self) -> Iterator[tuple[RawTable, str, list[Record]]]:
        """The first rows of every table, with every delimiter that it may have.

        They are read once, however many importers look at them.
        """
        for number, grid in enumerate(self.tables):
            for delimiter in grid.delimiters:
                key = number, delimiter
                if key not in self._first:
                    self._first[key] = grid.first(delimiter, HEADER_WITHIN)
                yield grid, delimiter, self._first[key]

    def below(self, *leaves: str) -> bool:
        """Whether some object of the JSON has all these keys, at whatever depth."""
        parents = {key.rpartition(".")[0] for key in self.keys}
        return any(all(f"{parent}.{leaf}".lstrip(".") in self.keys for leaf in leaves) for parent in parents)


def head_of(path: Path) -> Head:
    """Read the beginning of a file.

    Raises
    ------
    InputError
        Where it cannot be read, or is neither JSON nor a table.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(_JSON_HEAD)
    except OSError as fault:
        raise InputError(Phrase("core.not_readable", file=path, reason=reason_of(fault))) from None
    plain = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not plain:
        raise InputError(Phrase("sources.empty_file", file=path))
    if plain[0] in _FIRST:
        JsonGuard(path).look(start)
        keys, values = _json_keys(plain)
        if keys or len(plain) < 3:
            return Head(path, keys=keys, values=values)
    return Head(path, tables=tuple(raw_tables(path)), page=_beginning_of_page(plain))


def _beginning_of_page(start: bytes) -> str:
    return start[:_PAGE_HEAD].decode("utf-8", "replace") if start[:1] == b"<" else ""


def _json_keys(start: bytes) -> tuple[frozenset[str], Mapping[str, Any]]:
    keys: set[str] = set()
    values: dict[str, Any] = {}
    try:
        for prefix, event, value in ijson.parse(io.BytesIO(start), buf_size=_STEP):
            if len(prefix) > _LONGEST_KEY:
                break  # nested for nothing: no export is
            if prefix:
                keys.add(prefix)
            if event in ("string", "number", "boolean", "null"):
                values.setdefault(prefix, value)
    except (ijson.JSONError, UnicodeDecodeError):
        pass  # the beginning is cut somewhere; the reader will tell where a file is broken
    return frozenset(keys), values
