"""An inbox: import what is new in a folder of exports, and move nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.files import sha256_of_file, write_file
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge.extra import FOLDER
from kpi_kit.data.merge.statements import read_statements
from kpi_kit.sources import RECOGNISED, TOGETHER, ImportOptions
from kpi_kit.sources.import_list import ImportList, Line
from kpi_kit.sources.pipeline import AUTO, import_files
from kpi_kit.sources.recognise import recognise
from kpi_kit.sources.resolve_account import PREFIXES, NewAccount
from kpi_kit.sources.text_files import normal

SEEN = f"{FOLDER}/inbox.csv"
_COLUMNS = ("sha256", "file", "imported_at", "imports")
_CRMS = ("amocrm", "bitrix24")
"""Kinds whose ids are unique within a CRM; an inbox has one CRM of a kind unless ``crm:`` names it."""
_KINDS = (".csv", ".tsv", ".txt", ".json", ".xlsx", ".xls", ".xlsm", ".zip", ".html")


@dataclass(frozen=True)
class InboxFile:
    """A file of an inbox.

    Parameters
    ----------
    path : Path
    name : str
        The path within the inbox.
    digest : str
    line : Line or None
        What ``import.yml`` says of it.
    account : str or None
        By ``import.yml``, else by its name; None where ``attribution.yml`` tells.
    """

    path: Path
    name: str
    digest: str
    line: Line | None = None
    account: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of the files of an inbox.

    Parameters
    ----------
    imported : mapping of str to list of str
        By file, the sentences of its import.
    failed : mapping of str to tuple of str
        By file, the problems.
    known : int
        Files that had been imported before.
    undone : tuple of str
        Files whose imports were undone.
    skipped : int
        Files that ``import.yml`` skips.
    """

    imported: Mapping[str, Sequence[str]]
    failed: Mapping[str, Sequence[str]]
    known: int
    undone: tuple[str, ...]
    skipped: int


@dataclass(frozen=True)
class _Unit:
    """Files that one import takes together, of a CRM with its name."""

    source: str
    files: tuple[InboxFile, ...]
    crm: str | None = None


def import_inbox(
    inbox: Path,
    folder: Path,
    options: ImportOptions,
    listed: ImportList,
    *,
    imported_at: dt.datetime,
    again: bool = False,
    dry_run: bool = False,
    only: Sequence[Path] | None = None,
) -> Outcome:
    """Import the files of an inbox that are new by their content.

    A file that cannot be imported does not stop the others. A file whose import was undone stays out.

    Parameters
    ----------
    inbox, folder : Path
        The folder of exports, and the data folder.
    options : ImportOptions
        Those that hold for all files.
    listed : ImportList
    imported_at : datetime
    again : bool
        Whether files whose imports were undone are imported again.
    dry_run : bool
    only : sequence of Path, optional
        The files to look at; by default all in the folder.

    Raises
    ------
    InputError
        Where there is no such folder, or its record cannot be read.
    """
    if not inbox.is_dir():
        raise InputError(Phrase("sources.no_inbox", folder=inbox))
    seen = _read_seen(folder)
    present = {record.id for record in read_statements(folder).records}
    known, undone, skipped = 0, [], 0
    new: list[InboxFile] = []
    owner = _owners(options, listed)
    for file in files_of(inbox) if only is None else only:
        name = file.relative_to(inbox).as_posix()
        line = listed.line_of(name)
        if line is not None and line.skip:
            skipped += 1
            continue
        digest = sha256_of_file(file)
        ids = seen.get(digest)
        if ids is not None and (present & ids or not ids):
            known += 1
        elif ids is not None and not again:
            undone.append(name)
        elif all(other.digest != digest for other in new):
            account = line.options.get("account") if line is not None else None
            new.append(InboxFile(file, name, digest, line, account or owner(name)))
    imported, failed = _import_units(new, folder, options, imported_at, dry_run)
    return Outcome(imported, failed, known, tuple(undone), skipped)


def files_of(inbox: Path) -> list[Path]:
    """The exports in a folder and its folders, in order; hidden files are passed over."""
    return sorted(
        file
        for file in inbox.rglob("*")
        if file.is_file()
        and file.suffix.casefold() in _KINDS
        and not any(part.startswith((".", "~$", "__MACOSX")) for part in file.relative_to(inbox).parts)
    )


def _owners(options: ImportOptions, listed: ImportList) -> Callable[[str], str | None]:
    """A function from the name of a file to the account that it names."""
    accounts = {*options.accounts, *options.attribution.titles.values()}
    accounts |= {str(line.options["account"]) for line in listed.lines if "account" in line.options}
    return lambda name: account_in(name, accounts, options.attribution.titles)


def account_in(name: str, accounts: Sequence[str] | set[str], titles: Mapping[str, str]) -> str | None:
    """The account that a path names: by its id or title as a folder, or by its id in the name of the file.

    Examples
    --------
    >>> account_in("vk-a/wall.json", {"vk-a"}, {}), account_in("october/tg-a posts.csv", {"tg-a"}, {})
    ('vk-a', 'tg-a')
    >>> account_in("Кофе/posts.csv", {"vk-a"}, {"кофе": "vk-a"}), account_in("deals.csv", {"vk-a"}, {})
    ('vk-a', None)
    >>> account_in("vk-new/wall.json", set(), {})
    'vk-new'
    """
    path = PurePosixPath(name)
    for part in reversed(path.parts[:-1]):
        if part in accounts or part.partition("-")[0] in PREFIXES and "-" in part:
            return part
        if normal(part) in titles:
            return titles[normal(part)]
    named = [account for account in accounts if _stands_in(account, path.stem)]
    return max(named, key=len, default=None) or titles.get(normal(path.stem))


def _stands_in(account: str, stem: str) -> bool:
    """Whether an id is a whole word of a name."""
    before, found, after = stem.partition(account)
    return bool(found) and not (before[-1:].isalnum() or after[:1].isalnum() or after.startswith("-"))


def _import_units(
    files: Sequence[InboxFile], folder: Path, options: ImportOptions, at: dt.datetime, dry_run: bool
) -> tuple[dict[str, list[str]], dict[str, Sequence[str]]]:
    """Import units until no further one succeeds: some need the accounts of others."""
    imported: dict[str, list[str]] = {}
    failed: dict[str, Sequence[str]] = {}
    waiting = list(_units(files, failed))
    while waiting:
        again: list[_Unit] = []
        for unit in waiting:
            try:
                sentences = _import(unit, files, folder, options, at, dry_run)
            except InputError as fault:
                again.append(unit)
                failed |= {file.name: fault.problems for file in unit.files}
                continue
            for file in unit.files:
                failed.pop(file.name, None)
            imported[", ".join(file.name for file in unit.files)] = sentences
        if len(again) == len(waiting) or dry_run:
            break
        waiting = again
    return imported, failed


def _units(files: Sequence[InboxFile], failed: dict[str, Sequence[str]]) -> Iterator[_Unit]:
    """Files that make one export together: of one importer, folder and account."""
    together: dict[tuple[str, Path, str, str], list[InboxFile]] = {}
    for file in files:
        source = file.line.source if file.line is not None else None
        if source is None and file.path.suffix.casefold() != ".zip":
            try:
                source = recognise(file.path, RECOGNISED).source
            except InputError as fault:
                failed[file.name] = fault.problems
                continue
        if source in TOGETHER and source != "csv":
            key = (source, file.path.parent, file.account or "", file.line.name if file.line else "")
            together.setdefault(key, []).append(file)
        else:
            crm = source if source in _CRMS and file.account is None else None
            yield _Unit(_stated_source(file), (file,), crm)
    for group in together.values():
        yield _Unit(_stated_source(group[0]), tuple(group))


def _stated_source(file: InboxFile) -> str:
    return AUTO if file.line is None or file.line.source is None else file.line.source


def _import(
    unit: _Unit,
    files: Sequence[InboxFile],
    folder: Path,
    options: ImportOptions,
    at: dt.datetime,
    dry_run: bool,
) -> list[str]:
    first = unit.files[0]
    own = replace(options, account=first.account, source=options.source or unit.crm)
    own = first.line.applied(own) if first.line is not None else own
    beside = (other for other in files if other not in unit.files and other.account == first.account)
    companions = tuple(other.path for other in beside if other.path.parent == first.path.parent)
    own = replace(own, account=own.account or first.account, companions=companions)
    paths = [file.path for file in unit.files]
    report = import_files(unit.source, paths, folder, own, NewAccount(), imported_at=at, dry_run=dry_run)
    if not dry_run:
        _remember(folder, unit.files, at, report.ids)
    return report.sentences


def _read_seen(folder: Path) -> dict[str, set[str]]:
    """By hash of the content, the imports of the files of inboxes."""
    file = folder / SEEN
    if not file.is_file():
        return {}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        if tuple(rows[0] if rows else ()) != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
            raise ValueError(Phrase("sources.record_columns", names=_COLUMNS))
    except (OSError, ValueError, csv.Error) as fault:
        reason = reason_of(fault) if isinstance(fault, OSError) else fault
        raise InputError(Phrase("sources.broken_record", file=file, reason=reason)) from None
    return {row[0]: set(row[3].split()) for row in rows[1:]}


def _remember(folder: Path, files: Sequence[InboxFile], at: dt.datetime, ids: Sequence[str]) -> None:
    """Record that files were imported; a file that is imported again has one row."""
    path = folder / SEEN
    rows: list[list[str]] = []
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))[1:]
    new = {file.digest for file in files}
    rows = [row for row in rows if row[0] not in new]
    rows += [[file.digest, file.name, at.isoformat(), " ".join(ids)] for file in files]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([list(_COLUMNS), *rows])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, text.getvalue())
