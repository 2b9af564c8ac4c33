"""The journal of imports: when each file was imported, which tables it filled, which values it changed."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import covered_table
from kpi_kit.data.merge.extra import ACCOUNT_PLATFORMS, FOLDER
from kpi_kit.data.merge.fold import Merged
from kpi_kit.data.merge.statements import BEFORE_UPGRADE, Record, Statements, read_statements
from kpi_kit.data.merge.writing import Work
from kpi_kit.data.table_source import VERSION

SCHEMA = file_versions.current("journal of imports")
JOURNAL = f"{FOLDER}/journal.csv"
RESTATED = f"{FOLDER}/restated.csv"
_CHANGES = ("imported_at", "files", "change")
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_ENTERED = ("accounts", ACCOUNT_PLATFORMS)
_DIGITS = 8
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


def refuse_older(folder: Path, name: str) -> None:
    """Refuse to take back an import that is older than the statements.

    Raises
    ------
    InputError
        Where the name is that of such an import.
    """
    if any(older.startswith(name) or name == BEFORE_UPGRADE for older in older_imports(folder)):
        raise InputError(Phrase("data.import_too_old", id=name))


def older_imports(folder: Path) -> dict[str, list[Entered]]:
    """Return the imports from before the upgrade, by the beginning of their digest."""
    file = folder / JOURNAL
    if not file.is_file():
        return {}
    digests = {record.digest for record in read_statements(folder).records}
    entries = zip(_lines(file, _COLUMNS), read(folder), strict=True)
    older: dict[str, list[Entered]] = {}
    for line, entered in entries:
        if line[0] not in digests:
            older.setdefault(line[0][:_DIGITS], []).append(entered)
    return older


def list_imports(folder: Path) -> list[str]:
    """Return a line for each import of a data folder, oldest first.

    Raises
    ------
    InputError
        Where there is no such folder, or its records cannot be read.
    """
    if not folder.is_dir():
        raise InputError(Phrase("data.no_folder", folder=folder))
    lines: list[tuple[str, str, str]] = []
    for name, entries in older_imports(folder).items():
        tables = {entered.table: "" for entered in entries}
        first = entries[0]
        text = _listed(
            first.imported_at, name, first.source, first.files, tables, [], Phrase("data.listed_older")
        )
        lines.append((first.imported_at, name, text))
    for record in read_statements(folder).records:
        if record.id == BEFORE_UPGRADE:
            continue
        hidden = () if record.by_hand else _NOT_ENTERED
        tables = {name: f" {count}" for name, count in record.rows.items() if name not in hidden}
        days = [span for span in record.covered if covered_table(span[0]) in tables]
        note = Phrase("data.listed_replaces") if record.replace else ""
        importer = Phrase("data.by_hand") if record.by_hand else record.importer
        files = "; ".join(record.files)
        text = _listed(record.imported_at, record.id, importer, files, tables, days, note)
        lines.append((record.imported_at, record.id, text))
    return [text for *_, text in sorted(lines)] or [Phrase("data.nothing_imported", folder=folder)]


def _listed(
    at: str,
    name: str,
    importer: str,
    files: str,
    tables: Mapping[str, str],
    days: Sequence[tuple[str, str, str, str]],
    note: str,
) -> str:
    """One import as a line: id, time, importer, files, rows, accounts and days."""
    rows = ", ".join(f"{table}{count}" for table, count in tables.items())
    scopes = ", ".join(sorted({scope for _, scope, *_ in days}))
    covered: str = ""
    if days:
        first, end = (
            dt.date.fromisoformat(day) for day in (min(d[2] for d in days), max(d[3] for d in days))
        )
        covered = Phrase("data.listed_covered", scopes=scopes, first=first, last=end - dt.timedelta(days=1))
    when = "" if at.startswith("0001") else f" {at[:16].replace('T', ' ')}"
    return Phrase(
        "data.listed",
        id=name,
        when=when,
        importer=importer,
        files=Phrase("data.listed_files", files=files) if files else "",
        rows=rows or "coverage",
        covered=covered,
        note=note,
    )


def write(
    work: Work, before: Statements, after: Statements, new: Sequence[Record], merged: Sequence[Merged]
) -> None:
    """Write the journal of all imports, and the values that new ones changed."""
    stated = {record.digest for record in before.records}
    older = [row for row in _read(work, JOURNAL, _COLUMNS) if row[0] not in stated]
    rows = [
        _line(record, name, count)
        for record in after.records
        if record.digest
        for name, count in record.rows.items()
        if name not in _NOT_ENTERED
    ]
    version = json.dumps({"schema": file_versions.current("data folder")}) + "\n"
    (work.new / VERSION).parent.mkdir(parents=True, exist_ok=True)
    (work.new / VERSION).write_text(version, encoding="utf-8")
    if older or rows or (work.folder / JOURNAL).is_file():
        ordered = sorted([*older, *rows], key=lambda row: (row[1], row[3], row[4], row))
        _write(work, JOURNAL, _COLUMNS, ordered)
    changes = [sentence for result in merged for sentence in result.restated]
    of_files = [record for record in new if not record.by_hand]
    if changes and of_files:
        earlier = _read(work, RESTATED, _CHANGES)
        at = of_files[0].imported_at
        files = "; ".join(name for record in of_files for name in record.files)
        _write(work, RESTATED, _CHANGES, [*earlier, *([at, files, change] for change in changes)])


def rename(work: Work, new_scope: Callable[[str, str], str]) -> None:
    """Write the journal with other names of accounts.

    Parameters
    ----------
    work : Work
    new_scope : callable
        The name of an account from the table of a line and the name in it.
    """
    rows = _read(work, JOURNAL, _COLUMNS)
    for row in rows:
        days = _ranges(row[-1])
        row[-1] = "; ".join(f"{new_scope(row[4], scope)} {since}..{until}" for scope, since, until in days)
    if rows:
        _write(work, JOURNAL, _COLUMNS, rows)


def _line(record: Record, table: str, rows: int) -> list[str]:
    days = [f"{scope} {since}..{until}" for name, scope, since, until in record.covered if name == table]
    return [
        record.digest,
        record.imported_at,
        record.importer,
        "; ".join(record.files),
        table,
        str(rows),
        record.stamp or "",
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
            Phrase("data.journal_unreadable", file=file, reason=" ".join(str(fault).split()))
        ) from None
    if tuple(rows[0] if rows else ()) != header:
        raise InputError(Phrase("data.not_a_journal", file=file, schema=SCHEMA, columns=header))
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            raise InputError(
                Phrase("data.journal_cells", file=file, row=number, width=len(header), found=len(row))
            )
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
