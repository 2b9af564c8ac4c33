"""Import exports: recognise and read files, resolve their account and coverage, merge them into the data."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sha256, sha256_of_file
from kpi_kit.core.phrases import Phrase, renamed
from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge import ACCOUNT_PLATFORMS, POST_REACH, Import, Origin, Outcome, Staged, add
from kpi_kit.data.merge.extra import extra_rows
from kpi_kit.data.store import Store, open_store
from kpi_kit.sources import RECOGNISED, SOURCES, TOGETHER, DateRange, Imported, ImportOptions
from kpi_kit.sources.coverage import covered_days
from kpi_kit.sources.recognise import other_kind, recognise, unpack
from kpi_kit.sources.resolve_account import NewAccount, ResolvedAccount, resolve_account
from kpi_kit.sources.rows import table_name
from kpi_kit.sources.wordstat_phrases import nested

AUTO = "auto"
"""In place of a source: recognise it."""

_MOST_LISTED = 20


@dataclass(frozen=True)
class Report:
    """What an import did.

    Parameters
    ----------
    sentences : list of str
        One sentence each on what was done.
    ids : tuple of str
        The ids of the imports; none where nothing was written.
    """

    sentences: list[str]
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class _FileGroup:
    """Files that one importer reads together."""

    source: str
    files: tuple[Path, ...]
    names: tuple[str, ...]
    reasons: tuple[Phrase, ...] = ()


@dataclass(frozen=True)
class _ReadGroup:
    """A group of files, the options it was read with, and its rows."""

    group: _FileGroup
    options: ImportOptions
    imported: Imported


def import_files(
    source: str,
    files: Sequence[Path],
    folder: Path,
    options: ImportOptions,
    account: NewAccount,
    *,
    imported_at: dt.datetime | None = None,
    dry_run: bool = False,
) -> Report:
    """Import files into a data folder.

    Parameters
    ----------
    source : str
        A name of :data:`kpi_kit.sources.SOURCES`, or ``auto``.
    files : sequence of Path
        Tables, or archives of them.
    folder : Path
        The data folder; made where it does not exist.
    options : ImportOptions
    account : NewAccount
    imported_at : datetime or None
        For the journal; None is the beginning of the calendar.
    dry_run : bool
        Report only; write nothing.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        With every problem; the folder is then as it was.
    """
    missing = [Phrase("sources.no_such_file", file=file) for file in files if not file.is_file()]
    if missing:
        raise InputError(missing)
    with tempfile.TemporaryDirectory(prefix="kpi-kit-import-") as name:
        scratch = Path(name)
        unpacked = unpack(files, scratch)
        labels = {str(path): label for path, label in unpacked if str(path) != label}
        options = replace(
            options,
            scratch=scratch,
            dry_run=dry_run,
            companions=(*options.companions, *(path for path, _ in unpacked)),
        )
        try:
            groups = _group(source, unpacked)
            report = _import_groups(groups, folder, options, account, imported_at, source == AUTO)
        except InputError as fault:
            raise InputError([renamed(problem, labels) for problem in fault.problems]) from None
        return Report([renamed(sentence, labels) for sentence in report.sentences], report.ids)


def _group(source: str, files: Sequence[tuple[Path, str]]) -> list[_FileGroup]:
    """Group files by importer; the problems of all of them are raised together."""
    if source != AUTO:
        singles = [_FileGroup(source, (path,), (name,)) for path, name in files]
        return [_joined(singles)] if source in TOGETHER else singles
    groups: list[_FileGroup] = []
    problems: list[str] = []
    for path, name in files:
        try:
            recognised = recognise(path, RECOGNISED)
        except InputError as fault:
            problems += fault.problems
            continue
        fields = {"source": recognised.source, "reason": recognised.match.reason}
        reason = Phrase("sources.recognised_as", file=name, **fields)
        single = _FileGroup(recognised.source, (path,), (name,), (reason,))
        same = next((group for group in groups if group.source == single.source), None)
        if same is not None and single.source in TOGETHER:
            groups[groups.index(same)] = _joined([same, single])
        else:
            groups.append(single)
    if problems:
        raise InputError(problems)
    return groups


def _joined(groups: Sequence[_FileGroup]) -> _FileGroup:
    """One group of the files of several."""
    return _FileGroup(
        groups[0].source,
        tuple(file for group in groups for file in group.files),
        tuple(name for group in groups for name in group.names),
        tuple(reason for group in groups for reason in group.reasons),
    )


def _import_groups(
    groups: Sequence[_FileGroup],
    folder: Path,
    options: ImportOptions,
    account: NewAccount,
    imported_at: dt.datetime | None,
    recognised: bool,
) -> Report:
    sentences: list[str] = []
    problems: list[str] = []
    read: list[_ReadGroup] = []
    with _opened(folder, options) as store:
        options = replace(options, accounts=frozenset() if store is None else frozenset(store.accounts.index))
    for number, group in enumerate(groups):
        group_options = _options_of_group(options, folder, number)
        sentences += group.reasons
        try:
            imported = SOURCES[group.source].read(group.files, group_options)
        except InputError as fault:
            others = (
                [] if recognised else [other_kind(file, group.source, RECOGNISED) for file in group.files]
            )
            problems += list(filter(None, others)) or fault.problems
            continue
        read.append(_ReadGroup(group, group_options, imported))
        sentences += imported.remarks
    with _opened(folder, options) as store:
        named = [(part.group.names, part.imported) for part in read]
        try:
            resolved = resolve_account(named, folder, store, options, account, may_add=recognised)
            _refuse_nested_phrases(named, store)
        except InputError as fault:
            problems += fault.problems
    if problems:
        raise InputError(problems)
    sentences += resolved.sentences
    imports: list[Import] = []
    coverage: list[str] = []
    for part in read:
        covered, ranges = covered_days(part.imported, part.options)
        coverage += ranges
        imports.append(_statements(part, resolved, covered, imported_at))
    if options.dry_run:
        rows = [
            Phrase("sources.rows_of_dry_run", table=table_name(name), count=len(rows))
            for part in read
            for name, rows in part.imported.tables.items()
        ]
        return Report([*sentences, *rows, *coverage, Phrase("sources.dry_run", folder=folder)])
    outcome = add(folder, imports, str(options.timezone))
    return Report([*sentences, *_sentences_on(outcome), *coverage], outcome.ids)


def _options_of_group(options: ImportOptions, folder: Path, number: int) -> ImportOptions:
    """The options for one group: a scratch folder of its own, and what the data know of the account."""
    scratch = None
    if options.scratch is not None:
        scratch = options.scratch / f"group{number}"
        scratch.mkdir()
    return replace(
        options,
        brand=options.brand or options.account,  # --account alone names the brand, too
        known_posts=_known_posts(folder, options),
        known_reach=lambda: _known_reach(folder, options),
        scratch=scratch,
    )


def _refuse_nested_phrases(read: Sequence[tuple[Sequence[str], Imported]], store: Store | None) -> None:
    """Refuse a new phrase whose queries another phrase of the brand counts, or the other way round."""
    known = (
        set() if store is None else set(map(tuple, store.frame("brand_queries")[["brand", "phrase"]].values))
    )
    files: dict[tuple[str, str], str] = {}
    for names, imported in read:
        rows = imported.tables.get("brand_queries")
        if isinstance(rows, pd.DataFrame):
            pairs = rows[["brand", "phrase"]].drop_duplicates().itertuples(index=False)
            files |= {(str(brand), str(phrase)): ", ".join(names) for brand, phrase in pairs}
    problems = []
    in_data = Phrase("sources.the_data")
    for brand in sorted({brand for brand, _ in files}):
        phrases = sorted(phrase for owner, phrase in {*files, *known} if owner == brand)
        for wide, narrow in nested(phrases):
            pair = {(brand, wide), (brand, narrow)}
            if pair <= known or not pair & files.keys():
                continue
            places = [
                Phrase("sources.phrase_in", phrase=phrase, place=files.get((brand, phrase), in_data))
                for phrase in (wide, narrow)
            ]
            fields = {"brand": brand, "wide": wide, "narrow": narrow, "places": places}
            problems.append(Phrase("sources.nested_phrases", **fields))
    if problems:
        raise InputError(problems)


def _sentences_on(outcome: Outcome) -> Iterator[str]:
    if outcome.imported_before:
        yield Phrase("sources.imported_before")
    for added in outcome.added:
        if added.table == ACCOUNT_PLATFORMS or (added.table == "accounts" and not added.new + added.changed):
            continue
        table = table_name(added.table)
        counts = {"new": added.new, "changed": added.changed, "unchanged": added.unchanged}
        were = Phrase("sources.was" if added.unchanged == 1 else "sources.were")
        yield Phrase("sources.rows_added", table=table, were=were, **counts)
        if added.removed:
            yield Phrase("sources.rows_withdrawn", table=table, count=added.removed)
    if outcome.gone:
        yield Phrase("sources.posts_gone", count=outcome.gone)
    for name, count in (outcome.disputed or {}).items():
        yield Phrase("sources.rows_disputed", table=table_name(name), count=count)
    for change in outcome.restated[:_MOST_LISTED]:
        yield Phrase("sources.restated", change=change)
    if outcome.restated_count > _MOST_LISTED:
        yield Phrase("sources.restated_more", count=outcome.restated_count - _MOST_LISTED)


def _statements(
    part: _ReadGroup,
    resolved: ResolvedAccount,
    covered: Mapping[tuple[str, str], Sequence[DateRange]],
    imported_at: dt.datetime | None,
) -> Import:
    """What a group of files states: its rows, its account, and how late it is."""
    imported, options = part.imported, part.options
    files = tuple(Path(name).name for name in part.group.names)
    at = imported_at or dt.datetime.min.replace(tzinfo=dt.UTC)
    stamp = options.stats_at or imported.fetched_at or _reach(imported.stamp, options, at)
    origin = Origin(part.group.source, files, _digest(part.group, options), stamp, at, _lead_source(part))
    tables, stamps = dict(imported.tables), dict(imported.stamps)
    if options.stats_at or imported.fetched_at:  # one moment for all rows
        stamps = {}
        for name, rows in tables.items():
            if isinstance(rows, Staged):
                tables[name] = replace(rows, stamped=False)
    return Import(
        {**tables, **resolved.stated_by(files, imported)},
        covered,
        origin,
        stamps,
        replace=options.replace,
        complete=imported.complete,
    )


def _reach(stamp: dt.datetime | None, options: ImportOptions, now: dt.datetime) -> dt.datetime | None:
    """How far the content of a file reaches: to its last moment, or the end of the days that it covers."""
    if options.until is None:
        return stamp
    end = dt.datetime.combine(options.until, dt.time(), options.timezone).astimezone(dt.UTC)
    if end > now:  # no file reaches into the future
        return stamp
    return end if stamp is None else max(stamp, end)


def _lead_source(part: _ReadGroup) -> str:
    """The CRM of leads: ``--source``, the portal's address, or else the account.

    Raises
    ------
    InputError
        Where none of them is known: ids of leads are unique within their CRM alone.
    """
    source = part.options.source or part.imported.source or part.options.account
    rows = part.imported.tables.get("leads")
    if source is None and rows is not None and len(rows) and not _has_source(rows):
        raise InputError(Phrase("sources.leads_of_several", files=part.group.names))
    return source or ""


def _has_source(rows: pd.DataFrame | Staged) -> bool:
    return "source" in rows.columns


def _digest(group: _FileGroup, options: ImportOptions) -> str:
    """Hash of the files' content and of the options that change how it is read."""
    hashes = map(sha256_of_file, group.files)
    stated = (
        options.account,
        options.brand,
        options.stats_at,
        options.subscribers_at_end,
        options.chat,
        options.table,
        options.currency,
        options.segment,
        options.source,
        options.since,
        options.until,
        options.replace,
    )
    mapping = options.mapping.read_bytes().hex() if options.mapping is not None else ""
    whole = "\n".join([group.source, *sorted(hashes), *map(str, stated), str(options.timezone), mapping])
    return sha256(whole)[:20]


def _known_posts(folder: Path, options: ImportOptions) -> Callable[[], Mapping[str, tuple[str, dt.datetime]]]:
    """The posts of the account that are in the data, by the number after the wall's."""

    def look() -> Mapping[str, tuple[str, dt.datetime]]:
        with _opened(folder, options) as store:
            if store is None:
                return {}
            posts = store.frame("posts", "account_id = ?", [options.account])
        pairs = zip(posts["post_id"], posts["published_at"], strict=True)
        return {str(number).rpartition("_")[2]: (str(number), at.to_pydatetime()) for number, at in pairs}

    return look


def _known_reach(folder: Path, options: ImportOptions) -> Mapping[str, int]:
    rows = extra_rows(folder, POST_REACH)
    own = rows[rows["account_id"] == options.account]
    return dict(zip(own["number"], own["reach"].astype(int), strict=True))


@contextmanager
def _opened(folder: Path, options: ImportOptions) -> Iterator[Store | None]:
    """The data as they are; None where there are none yet."""
    if not (folder.is_dir() and any(place.stem in TABLES for place in folder.iterdir())):
        yield None
        return
    with open_store(folder, str(options.timezone)) as store:
        yield store
