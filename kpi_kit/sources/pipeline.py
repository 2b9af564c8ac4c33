"""Take exports in: recognise and read them, settle whose they are and what they cover, add them."""

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
from kpi_kit.core.schema import TABLES, Type
from kpi_kit.data.merge import ACCOUNT_PLATFORMS, POST_REACH, Import, Origin, Outcome, Staged, add
from kpi_kit.data.merge.extra import extra_rows
from kpi_kit.data.store import Store, open_store
from kpi_kit.data.table_source import connect, literal, quoted
from kpi_kit.sources import SOURCES, TOGETHER, DateRange, Imported, ImportOptions
from kpi_kit.sources.phrases import nested
from kpi_kit.sources.recognise import recognise, unpacked
from kpi_kit.sources.resolve_account import Lots, NewAccount, distinct, settle
from kpi_kit.sources.rows import counted

AUTO = "auto"
"""In place of a source: recognise it."""

_SHOWN = 20


@dataclass(frozen=True)
class _Lot:
    """Files that are read together, and what was in them."""

    source: str
    files: tuple[Path, ...]
    names: tuple[str, ...]
    why: str = ""


def take_in(
    source: str,
    files: Sequence[Path],
    folder: Path,
    options: ImportOptions,
    account: NewAccount,
    *,
    imported_at: dt.datetime | None = None,
    dry_run: bool = False,
) -> list[str]:
    """Import files into a data folder.

    Parameters
    ----------
    source : str
        A name of :data:`kpi_kit.sources.SOURCES`, or ``auto``.
    files : sequence of Path
        Archives are looked into.
    folder : Path
        The data folder; made where it does not exist.
    options : ImportOptions
    account : NewAccount
    imported_at : datetime or None
        For the journal; None is the beginning of the calendar.
    dry_run : bool
        Whether only to say what would be done.

    Returns
    -------
    list of str
        What was done, one sentence each.

    Raises
    ------
    InputError
        With every problem; the folder is then as it was.
    """
    missing = [f"{file}: there is no such file" for file in files if not file.is_file()]
    if missing:
        raise InputError(missing)
    with tempfile.TemporaryDirectory(prefix="kpi-kit-import-") as scratch:
        place = Path(scratch)
        found = unpacked(files, place)
        labels = {str(path): name for path, name in found if str(path) != name}
        try:
            said = _take_in(
                _lots(source, found),
                folder,
                replace(options, scratch=place, dry_run=dry_run, companions=tuple(path for path, _ in found)),
                account,
                imported_at,
                source,
                dry_run,
            )
        except InputError as fault:
            raise InputError([_named(problem, labels) for problem in fault.problems]) from None
        return [_named(sentence, labels) for sentence in said]


def _named(sentence: str, labels: Mapping[str, str]) -> str:
    """Speak of a file of an archive by the archive's name."""
    for path, name in labels.items():
        sentence = sentence.replace(path, name)
    return sentence


def _lots(source: str, found: Sequence[tuple[Path, str]]) -> list[_Lot]:
    """Files by the importer for them; the problems of all of them are raised together."""
    if source != AUTO:
        paths, names = tuple(path for path, _ in found), tuple(name for _, name in found)
        return (
            [_Lot(source, paths, names)]
            if source in TOGETHER
            else [_Lot(source, (path,), (name,)) for path, name in found]
        )
    lots: list[_Lot] = []
    problems: list[str] = []
    for path, name in found:
        try:
            told = recognise(path, {key: each for key, each in SOURCES.items() if key != "csv"})
        except InputError as fault:
            problems += fault.problems
            continue
        why = f"{name}: recognised as {told.source} by {told.guess.why}"
        same = next((lot for lot in lots if lot.source == told.source), None)
        if same is not None and told.source in TOGETHER:
            merged = _Lot(told.source, (*same.files, path), (*same.names, name), f"{same.why}\n{why}")
            lots[lots.index(same)] = merged
        else:
            lots.append(_Lot(told.source, (path,), (name,), why))
    if problems:
        raise InputError(problems)
    return lots


def _take_in(
    lots: Sequence[_Lot],
    folder: Path,
    options: ImportOptions,
    account: NewAccount,
    imported_at: dt.datetime | None,
    asked: str,
    dry_run: bool,
) -> list[str]:
    said: list[str] = []
    problems: list[str] = []
    read: list[tuple[_Lot, Imported, ImportOptions]] = []
    for number, lot in enumerate(lots):
        given = _for_brand(
            replace(
                options,
                known_posts=_known_posts(folder, options),
                known_reach=lambda: _known_reach(folder, options),
                scratch=_room(options, number),
            )
        )
        said += lot.why.splitlines()
        try:
            imported = SOURCES[lot.source].read(lot.files, given)
        except InputError as fault:
            problems += fault.problems
            continue
        read.append((lot, imported, given))
        said += imported.remarks
    with _opened(folder, options) as store:
        lots_read = [(lot.names, imported) for lot, imported, _ in read]
        try:
            settled = settle(lots_read, folder, store, options, account, free=asked == AUTO)
            _refuse_nested(lots_read, store)
        except InputError as fault:
            problems += fault.problems
    if problems:
        raise InputError(problems)
    said += settled.said
    imports: list[Import] = [Import(settled.tables, {})] if settled.tables else []
    coverage: list[str] = []
    for lot, imported, given in read:
        covered, ranges = _coverage(imported, given)
        coverage += ranges
        origin = Origin(
            lot.source,
            tuple(Path(name).name for name in lot.names),
            _digest(lot, given),
            imported.stamp,
            imported_at or dt.datetime.min.replace(tzinfo=dt.UTC),
        )
        imports.append(Import(imported.tables, covered, origin, imported.stamps))
    if dry_run:
        rows = [
            f"{name}: {counted(len(rows), 'row')}"
            for _, each, _ in read
            for name, rows in each.tables.items()
        ]
        return [*said, *rows, *coverage, f"nothing was written to {folder} (--dry-run)"]
    done = add(folder, imports, str(options.timezone))
    return [*said, *_told(done), *coverage]


def _room(options: ImportOptions, number: int) -> Path | None:
    """A place of its own for the rows of each lot."""
    if options.scratch is None:
        return None
    room = options.scratch / f"lot{number}"
    room.mkdir()
    return room


def _refuse_nested(lots: Lots, store: Store | None) -> None:
    """Refuse a new phrase whose queries another phrase of the brand counts, or the other way round."""
    known = (
        set() if store is None else set(map(tuple, store.frame("brand_queries")[["brand", "phrase"]].values))
    )
    files: dict[tuple[str, str], str] = {}
    for names, imported in lots:
        rows = imported.tables.get("brand_queries")
        if isinstance(rows, pd.DataFrame):
            pairs = rows[["brand", "phrase"]].drop_duplicates().itertuples(index=False)
            files |= {(str(brand), str(phrase)): ", ".join(names) for brand, phrase in pairs}
    problems = []
    for brand in sorted({brand for brand, _ in files}):
        phrases = sorted(phrase for owner, phrase in {*files, *known} if owner == brand)
        for wide, narrow in nested(phrases):
            if {(brand, wide), (brand, narrow)} <= known or not {
                (brand, wide),
                (brand, narrow),
            } & files.keys():
                continue
            where = [f"«{each}» in {files.get((brand, each), 'the data')}" for each in (wide, narrow)]
            problems.append(
                f"brand {brand!r}: the queries of «{narrow}» are counted in those of «{wide}» already "
                f"({', '.join(where)}): leave one out, or give it a brand of its own in attribution.yml "
                "(phrases:)"
            )
    if problems:
        raise InputError(problems)


def _for_brand(options: ImportOptions) -> ImportOptions:
    """A file of mentions or queries belongs to the brand; ``--account`` alone names it, too."""
    return options if options.brand else replace(options, brand=options.account)


def _told(done: Outcome) -> Iterator[str]:
    if done.known:
        yield "these files had been imported before"
    for each in done.added:
        if each.table == ACCOUNT_PLATFORMS or (each.table == "accounts" and not each.new + each.changed):
            continue
        were = "was" if each.unchanged == 1 else "were"
        yield (
            f"{each.table}: {counted(each.new, 'row')} added, {each.changed} brought up to date, "
            f"{each.unchanged} {were} there already"
        )
    for table, count in (done.disputed or {}).items():
        yield (
            f"{table}: {counted(count, 'row')} told differently by files that are equally late; "
            "the larger values stand; "
            "give --fetched-at where one file is newer"
        )
    for change in done.restated[:_SHOWN]:
        yield f"restated: {change}"
    if done.restated_count > _SHOWN:
        yield f"restated: … and {done.restated_count - _SHOWN} more values, see imports/restated.csv"


def _digest(lot: _Lot, options: ImportOptions) -> str:
    """Of the files' content and of what was said about them."""
    shas = map(sha256_of_file, lot.files)
    said = (
        options.account,
        options.brand,
        options.stats_at,
        options.subscribers_at_end,
        options.chat,
        options.table,
        options.currency,
        options.segment,
    )
    mapping = options.mapping.read_bytes().hex() if options.mapping is not None else ""
    whole = "\n".join([lot.source, *sorted(shas), *map(str, said), str(options.timezone), mapping])
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
    mine = rows[rows["account_id"] == options.account]
    return dict(zip(mine["number"], mine["reach"].astype(int), strict=True))


@contextmanager
def _opened(folder: Path, options: ImportOptions) -> Iterator[Store | None]:
    """The data as they are; None where there are none yet."""
    if not _has_tables(folder):
        yield None
        return
    with open_store(folder, str(options.timezone)) as store:
        yield store


def _has_tables(folder: Path) -> bool:
    return folder.is_dir() and any(place.stem in TABLES for place in folder.iterdir())


# --- what is covered


def _coverage(
    imported: Imported, options: ImportOptions
) -> tuple[dict[tuple[str, str], Sequence[DateRange]], list[str]]:
    """What the files cover, table by table and scope by scope, and how that is known."""
    covered: dict[tuple[str, str], Sequence[DateRange]] = {}
    said = []
    for name, rows in imported.tables.items():
        if name not in TABLES or TABLES[name].scope is None:
            continue
        ranges, why = _ranges(name, rows, imported.coverage, options)
        if not ranges:
            said.append(
                f"coverage of {name}: none, as there are no rows and the export says no days; give --since "
                "and --until where it is certain that there was nothing"
            )
        for scope in _scopes(name, rows, options) if ranges else ():
            covered[name, scope] = ranges
            days = ", ".join(f"{since} to {until - dt.timedelta(days=1)}" for since, until in ranges)
            said.append(f"coverage of {name} for {scope}: {days} ({why})")
    return covered, said


def _scopes(name: str, rows: pd.DataFrame | Staged, options: ImportOptions) -> Iterator[str]:
    """Whose rows a table holds; an empty one still speaks for the account or brand that was named."""
    column = str(TABLES[name].scope)
    owners = distinct(rows, column) if len(rows) else []
    named = options.account if column == "account_id" else options.brand
    yield from owners or ([named] if named else [])


def _values(rows: pd.DataFrame | Staged, select: str) -> list[object]:
    """The first column of a query of the rows."""
    if not len(rows):
        return []
    with connect("UTC") as connection:
        if isinstance(rows, Staged):
            source = "read_parquet([" + ", ".join(literal(str(file)) for file in rows.files) + "])"
        else:
            connection.register("rows", rows)
            source = "rows"
        return [row[0] for row in connection.execute(f"{select} FROM {source}").fetchall()]


def _ranges(
    name: str,
    rows: pd.DataFrame | Staged,
    told: Mapping[str, Sequence[DateRange]],
    options: ImportOptions,
) -> tuple[Sequence[DateRange], str]:
    if told.get(name):
        return told[name], "the export says so"
    if options.since and options.until:
        return [(options.since, options.until)], "--since and --until"
    if not len(rows):
        return [], ""
    first, last = _span(name, rows, options)
    return [(options.since or first, options.until or last)], "from the first to the last day in the file"


def _span(name: str, rows: pd.DataFrame | Staged, options: ImportOptions) -> DateRange:
    """The first day with a row, and the day after the last."""
    table = TABLES[name]
    clock = quoted(str(table.clock))
    zone = literal(str(options.timezone))
    day = (
        f"CAST(timezone({zone}, {clock}) AS DATE)"
        if table[str(table.clock)].type is Type.TIME
        else f"CAST({clock} AS DATE)"
    )
    last = "max(CAST(until AS DATE))" if name == "brand_queries" else f"max({day}) + 1"
    (first,), (end,) = (
        _values(rows, f"SELECT {what}") for what in (f"CAST(min({day}) AS DATE)", f"CAST({last} AS DATE)")
    )
    return _day(first), _day(end)


def _day(value: object) -> dt.date:
    if not isinstance(value, dt.date):
        raise InputError("the rows have no date")
    return value
