"""The journal of imports: when each file was imported, which tables it filled, which values it changed."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.data.merge.extra import FOLDER, Origin
from kpi_kit.data.merge.fold import Merged
from kpi_kit.data.merge.writing import Work
from kpi_kit.data.table_source import VERSION

SCHEMA = file_versions.current("journal of imports")
JOURNAL = f"{FOLDER}/journal.csv"
RESTATED = f"{FOLDER}/restated.csv"
_CHANGES = ("imported_at", "files", "change")
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = ("digest", "imported_at", "source", "files", "table", "rows", "speaks_until", "covers")


@dataclass(frozen=True)
class Entered:
    """A line of the journal: one import into one table.

    Parameters
    ----------
    imported_at : str
    source, files, table : str
    covers : tuple of (str, str, str)
        Account or brand, first day, day after the last.
    """

    imported_at: str
    source: str
    files: str
    table: str
    covers: tuple[tuple[str, str, str], ...]


def read(place: Path) -> list[Entered]:
    """Return what has been imported into a data folder, oldest first; nothing without a journal."""
    file = place / JOURNAL
    if not file.is_file():
        return []
    lines = (dict(zip(_COLUMNS, row, strict=True)) for row in _lines(file, _COLUMNS))
    return [
        Entered(line["imported_at"], line["source"], line["files"], line["table"], _ranges(line["covers"]))
        for line in lines
    ]


def _ranges(text: str) -> tuple[tuple[str, str, str], ...]:
    """Parse the days of a line; a scope may have spaces.

    Examples
    --------
    >>> _ranges("vk-a 2025-10-01..2025-11-01; наш бренд 2025-10-01..2025-10-08")
    (('vk-a', '2025-10-01', '2025-11-01'), ('наш бренд', '2025-10-01', '2025-10-08'))
    """
    parts = [part.rpartition(" ") for part in text.split("; ") if part]
    spans = [(scope, days.partition("..")) for scope, _, days in parts]
    return tuple((scope, since, until) for scope, (since, _, until) in spans)


class _Import(Protocol):
    """What the journal needs of an import."""

    @property
    def tables(self) -> Mapping[str, Sized]:
        """Rows by table."""

    @property
    def covered(self) -> Mapping[tuple[str, str], Sequence[tuple[dt.date, dt.date]]]:
        """Days by table and scope."""

    @property
    def origin(self) -> Origin | None:
        """The files."""


def record(work: Work, imports: Sequence[_Import], merged: Sequence[Merged]) -> bool:
    """Record imports, each once; return whether all of them were recorded before."""
    rows = _read(work, JOURNAL, _COLUMNS)
    known = {row[0] for row in rows}
    of_files = [(added, added.origin) for added in imports if added.origin is not None]
    fresh = [(added, origin) for added, origin in of_files if origin.digest not in known]
    for added, origin in fresh:
        rows += [_line(origin, name, len(table), added.covered) for name, table in added.tables.items()]
    if fresh:
        version = json.dumps({"schema": file_versions.current("data folder")}) + "\n"
        (work.new / VERSION).parent.mkdir(parents=True, exist_ok=True)
        (work.new / VERSION).write_text(version, encoding="utf-8")
        _write(work, JOURNAL, _COLUMNS, sorted(rows, key=lambda row: (row[1], row[3], row[4])))
    changes = [sentence for result in merged for sentence in result.restated]
    if changes and of_files:
        earlier = _read(work, RESTATED, _CHANGES)
        at = of_files[0][1].imported_at.isoformat()
        files = "; ".join(name for _, origin in of_files for name in origin.files)
        _write(work, RESTATED, _CHANGES, [*earlier, *([at, files, change] for change in changes)])
    return bool(of_files) and not fresh


def _line(
    origin: Origin,
    table: str,
    rows: int,
    covered: Mapping[tuple[str, str], Sequence[tuple[dt.date, dt.date]]],
) -> list[str]:
    days = [
        f"{scope} {since}..{until}"
        for (name, scope), ranges in sorted(covered.items())
        for since, until in ranges
        if name == table
    ]
    stamp = origin.stamp.isoformat() if origin.stamp else ""
    files = "; ".join(origin.files)
    return [
        origin.digest,
        origin.imported_at.isoformat(),
        origin.source,
        files,
        table,
        str(rows),
        stamp,
        "; ".join(days),
    ]


def _read(work: Work, name: str, header: tuple[str, ...]) -> list[list[str]]:
    if not (work.folder / name).is_file():
        return []
    return _lines(work.folder / name, header)


def _lines(file: Path, header: tuple[str, ...]) -> list[list[str]]:
    """Read the lines of a journal below its header."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, ValueError, csv.Error) as fault:
        raise InputError(
            f"{file}: this journal cannot be read ({' '.join(str(fault).split()):.100})"
        ) from None
    if tuple(rows[0] if rows else ()) != header:
        expected = f"columns {', '.join(header)} are expected"
        raise InputError(f"{file}: is no journal of schema {SCHEMA}: {expected}")
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise InputError(f"{file}: row {number}: {len(header)} cells are expected, found {len(row)}")
    return rows[1:]


def _write(work: Work, name: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    target = work.new / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(map(guarded, row) for row in rows)


def guarded(cell: str) -> str:
    """Return a cell for a file that people open in spreadsheets: a ``'`` precedes what begins like a formula.

    The canonical tables keep every text as it is.

    Examples
    --------
    >>> guarded("=cmd|' /C calc'!A0"), guarded("posts.csv")
    ("'=cmd|' /C calc'!A0", 'posts.csv')
    """
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell
