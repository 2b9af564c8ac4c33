"""A copy of the inputs of a run, from which everything in the run is computed.

A snapshot is a private folder::

    snapshot.json   its schema, the folders it was made of, facts of the data, the hash of every file
    params/         the files of the params folder
    data/           of each table the rows of the people in params, typed, and the journal of imports
    files/          small tables, byte for byte

Files that change during a run therefore change nothing in it: the next run sees them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import duckdb

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.files import join_digests, sha256, sha256_of_file, write_file
from kpi_kit.core.json_io import parse_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data import validate
from kpi_kit.data.store import TIMELESS, Facts, Store, look, stamp_of, stamps_of
from kpi_kit.data.table_source import SQL_TYPES, Source, confine, connect, literal, quoted
from kpi_kit.params import Params
from kpi_kit.params import load as load_params
from kpi_kit.params.comments import FOLDER as COMMENTS

SCHEMA = file_versions.current("snapshot")
DATA, PARAMS, FILES = "data", "params", "files"
JOURNAL = "imports/journal.csv"
WHOLE = 256 << 20
"""Bytes of a table file up to which it is copied; larger ones are read in place, and must not change."""
_LARGEST = 4 << 20
"""Bytes of a file of params; larger ones are not read by the kit."""
_TRIES = 3
_BLOCK = 1 << 20
_LARGE = ("parquet", "parts")
"""Tables of which only the rows of the people in params are checked."""
_EVERYBODY = ("accounts", "coverage")
"""Tables of which all rows are needed."""

Owned = Mapping[str, Collection[str]]
"""Accounts by ``account_id``, brands by ``brand``."""


@dataclass(frozen=True)
class Snapshot:
    """The name of a snapshot.

    Parameters
    ----------
    folder : Path
    digest : str
        The SHA-256 of its ``snapshot.json``, which holds the hashes of all other files: it tells whether
        the snapshot is still the one that was taken.
    """

    folder: Path
    digest: str

    @property
    def data(self) -> Path:
        """The data folder in it."""
        return self.folder / DATA

    @property
    def params(self) -> Path:
        """The params folder in it."""
        return self.folder / PARAMS

    def __str__(self) -> str:
        return f"{self.digest} {self.folder}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The snapshot that a text from :func:`str` names.

        Examples
        --------
        >>> Snapshot.parse(str(Snapshot(Path("of", "a run"), "12ab"))).digest
        '12ab'
        """
        digest, _, folder = text.partition(" ")
        return cls(Path(folder), digest)


# ---- take


def take(
    data: Path,
    params: Path,
    folder: Path,
    since: Callable[[Params, Store], dt.datetime | None],
    *,
    period: str = "",
) -> Snapshot:
    """Copy the inputs of a run and check the copy.

    Parameters
    ----------
    data, params : Path
    folder : Path
        Where the snapshot is to be; it must not exist.
    since : callable
        The time from which rows are needed, but for tables in which rows of any age matter; None for all.
    period : str
        The period of the comments that are copied.

    Raises
    ------
    InputError
        With every problem of params and data, or where a file does not stop changing.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(mode=0o700)
        loaded = _copy_params(params, folder / PARAMS, period)
        for attempt in range(_TRIES):
            with look(data, loaded.department.timezone, also=(folder,)) as store:
                try:
                    return _take_tables(store, loaded, params, folder, since)
                except InputError:
                    if attempt + 1 == _TRIES or not store.has_changed():
                        raise
    except (OSError, duckdb.Error) as fault:
        raise InputError(Phrase("data.not_copied", folder=folder, reason=_first_line(fault))) from None
    raise AssertionError("the last attempt returns or raises")


def _first_line(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return reason_of(fault)
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]


def _copy_params(params: Path, folder: Path, period: str) -> Params:
    loaded = load_params(params)
    for file in (*params.iterdir(), *(file for home in _folders(params, period) for file in home.iterdir())):
        _copy_one(file, folder / file.relative_to(params))
    for file in loaded.common_files:  # a logo may lie deeper
        target = Path(os.path.normpath(folder / file.relative_to(params)))
        if not target.is_relative_to(folder.parent):
            raise InputError(Phrase("data.file_in_params", file=file))
        _copy_one(file, target)
    return _load_copy(folder, params)


def _folders(params: Path, period: str) -> Iterator[Path]:
    """The folders in params, of comments that of the period alone."""
    for path in params.iterdir():
        home = path / period if path.name == COMMENTS else path
        if home.is_dir() and not path.name.startswith("."):
            yield home


def _copy_one(file: Path, target: Path) -> None:
    """Copy a file of params; in place of a pipe or a folder there is a folder, which is no file either."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not file.is_file():
        if os.path.lexists(file):
            target.mkdir(exist_ok=True)
    elif file.stat().st_size <= _LARGEST or file.suffix in (".yml", ".md"):
        _copy(file, target, _LARGEST)


def _load_copy(folder: Path, shown: Path) -> Params:
    """The params of a copy; sentences name the folder that it was made of."""

    def named(problems: Iterable[str]) -> tuple[str, ...]:
        return tuple(problem.replace(str(folder), str(shown)) for problem in problems)

    try:
        loaded = load_params(folder)
    except InputError as fault:
        raise InputError(named(fault.problems)) from None
    broken = {person: named(problems) for person, problems in loaded.broken.items()}
    return replace(loaded, broken=broken, warnings=named(loaded.warnings))


def _copy(file: Path, target: Path, most: int | None = None) -> str:
    """Copy the bytes of a file, all or so many; returns their SHA-256.

    Raises
    ------
    InputError
        Where the file does not stop changing.
    """
    for _ in range(_TRIES):
        before, digest, left = stamp_of(file), hashlib.sha256(), most
        with file.open("rb") as source, target.open("wb") as copy:
            while block := source.read(_BLOCK if left is None else min(_BLOCK, left)):
                digest.update(block)
                copy.write(block)
                left = None if left is None else left - len(block)
        if stamp_of(file) == before:
            return digest.hexdigest()
    raise InputError(Phrase("data.changed_file", file=file))


def _take_tables(
    store: Store,
    loaded: Params,
    params: Path,
    folder: Path,
    since: Callable[[Params, Store], dt.datetime | None],
) -> Snapshot:
    for name in (DATA, FILES):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    if store.faults:
        raise InputError(validate.problems(store))
    copied, fingerprint = _copy_tables(store, folder / FILES)
    everyone, first = owned(loaded), since(loaded, copied)
    few = narrowed(copied, everyone, first, folder / "rows") if has_large(copied) else copied
    if problems := validate.problems(few):
        raise InputError(problems)
    doubled = validate.duplicates(few, everyone)
    for name, source in few.sources.items():
        _write_rows(few, source, everyone, first, folder / DATA / f"{name}.parquet")
    shutil.rmtree(folder / "rows", ignore_errors=True)
    if (store.place / JOURNAL).is_file():
        (folder / DATA / JOURNAL).parent.mkdir()
        _copy(store.place / JOURNAL, folder / DATA / JOURNAL)
    copied.refuse_changed()
    spans = {} if copied.has_coverage else copied.inferred_coverage
    record = {
        "schema": SCHEMA,
        "data": str(store.place.resolve()),
        "params": str(params.resolve()),
        "timezone": loaded.department.timezone,
        "fingerprint": fingerprint,
        "spans": {table: [day.isoformat() for day in span] for table, span in spans.items()},
        "distinct": sorted(store.sources.keys() - doubled.keys() - set(_EVERYBODY)),
        "whole": {name: _to_json(source) for name, source in copied.sources.items()},
        "seen": copied.seen,
        "files": {
            file.relative_to(folder).as_posix(): [sha256_of_file(file), stamp_of(file)]
            for file in _in(folder)
        },
    }
    text = json.dumps(record)
    write_file(folder / "snapshot.json", text)
    return Snapshot(folder, sha256(text))


def _in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _copy_tables(store: Store, folder: Path) -> tuple[Store, str]:
    """The same tables, small files read from copies; and the fingerprint of the bytes that are read."""
    digests: dict[Path, str] = {}
    sources = dict(store.sources)
    for name, source in store.sources.items():
        file = source.files[0]
        if source.kind in ("csv", "parquet") and file.stat().st_size <= WHOLE:
            copy = folder / file.name
            digests[file] = _copy(file, copy)
            sources[name] = replace(source, copy=copy)
    in_place = [stamp for stamp in store.seen if Path(stamp[0]) not in digests]
    digests |= {file: sha256_of_file(file) for file in store.files if file not in digests}
    store.refuse_changed()
    fingerprint = join_digests(digests[file] for file in store.files)
    return replace(store, sources=sources, seen=tuple(in_place)), fingerprint


# ---- rows of some accounts and brands


def owned(loaded: Params) -> dict[str, set[str]]:
    """The accounts and brands of all specialists."""
    people = loaded.specialists.values()
    return {
        "account_id": {held.account for person in people for held in person.accounts},
        "brand": {brand for person in people for brand in person.brands},
    }


def has_large(store: Store) -> bool:
    """Whether there are tables of which only some rows are checked."""
    return any(_is_large(source) for source in store.sources.values())


def _is_large(source: Source) -> bool:
    return source.kind in _LARGE and source.table.name not in _EVERYBODY


def narrowed(store: Store, owned: Owned, since: dt.datetime | None, folder: Path) -> Store:
    """The same data with only the rows of some accounts and brands in its large tables.

    Parameters
    ----------
    store : Store
    owned : mapping of str to collection of str
    since : datetime or None
        Earlier rows are left out, but of tables in which rows of any age matter.
    folder : Path
        Where the rows are kept; it must outlive the store.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = dict(store.sources)
    for name, source in store.sources.items():
        if _is_large(source):
            extract = folder / f"{name}.parquet"
            names = ", ".join(quoted(column) for column in source.table.names if column in source.columns)
            rows = f"SELECT {names}, _file, _row FROM ({source.raw(numbered=True)})"
            where = _belongs(source, owned, since)
            store.connection.execute(
                f"COPY ({rows} WHERE {where}) TO {literal(str(extract))} (FORMAT parquet)"
            )
            sources[name] = replace(source, extract=extract)
    # a query of an extract does not read the files, but they must be those of the extract
    store.refuse_changed()
    return replace(store, sources=sources)


def _write_rows(store: Store, source: Source, owned: Owned, since: dt.datetime | None, file: Path) -> None:
    """Write the typed rows that are needed, those of an account together."""
    where = "true" if source.table.name in _EVERYBODY else _belongs(source, owned, since)
    order = ", ".join(quoted(name) for name in (source.table.scope, source.table.clock) if name) or "ALL"
    rows = f"SELECT * FROM ({source.typed()}) WHERE {where} ORDER BY {order}"
    store.connection.execute(f"COPY ({rows}) TO {literal(str(file))} (FORMAT parquet)")


def _belongs(source: Source, owned: Owned, since: dt.datetime | None) -> str:
    """SQL that holds for the rows of some accounts and brands from a time on, as they are in the files."""
    first = None if source.table.name in TIMELESS else since
    scope = str(source.table.scope)
    own = sorted(owned[scope])
    listed = ", ".join(map(literal, own)) or "NULL"
    return f"{source.near(own, first)} AND CAST({scope} AS VARCHAR) IN ({listed})"


# ---- open


def open_snapshot(snapshot: Snapshot, params: Path, *, whole: bool = False) -> tuple[Params, Store]:
    """Params and data of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
    params : Path
        The folder of params that sentences name.
    whole : bool
        Whether the rows of all accounts are needed, and not only those of the people in params.

    Raises
    ------
    InputError
        Where a file is not the one that was taken, or a table that is read in place has changed.
    """
    record = _record(snapshot)
    read = (PARAMS, FILES if whole else DATA)
    used = {
        snapshot.folder / name: (digest, tuple(stamp))
        for name, (digest, stamp) in record["files"].items()
        if Path(name).parts[0] in read
    }
    for file, (digest, stamp) in used.items():
        if stamp_of(file) != stamp and _digest_of(file) != digest:
            raise InputError(Phrase("data.snapshot_changed", file=file))
    loaded = _load_copy(snapshot.params, params)
    connection = connect(record["timezone"])
    sources = _whole(record, snapshot.folder, connection) if whole else dict(_typed(record, snapshot.data))
    confine(connection, {snapshot.folder, *(_root(source) for source in sources.values())})
    spans = {
        name: (dt.date.fromisoformat(first), dt.date.fromisoformat(end))
        for name, (first, end) in record["spans"].items()
    }
    seen = stamps_of(used)
    if whole:
        seen += tuple((name, tuple(stamp)) for name, stamp in record["seen"])
    facts = Facts(record["fingerprint"], spans, frozenset() if whole else frozenset(record["distinct"]))
    store = Store(snapshot.data, record["timezone"], sources, connection, facts=facts, seen=seen)
    if store.has_changed():
        store.close()
        raise InputError(Phrase("data.changed_in_run", data=record["data"]))
    return loaded, store


def made_of(snapshot: Snapshot, data: Path, params: Path) -> bool:
    """Whether a snapshot was made of these folders."""
    record = _record(snapshot)
    return (record["data"], record["params"]) == (str(data.resolve()), str(params.resolve()))


def _record(snapshot: Snapshot) -> dict[str, Any]:
    """What ``snapshot.json`` says."""
    place = snapshot.folder / "snapshot.json"
    try:
        content = place.read_bytes()
    except OSError as fault:
        raise InputError(Phrase("core.not_readable", file=place, reason=reason_of(fault))) from None
    if sha256(content) != snapshot.digest:
        raise InputError(Phrase("data.snapshot_changed", file=place))
    record: dict[str, Any] = parse_json(content)
    file_versions.refuse_other("snapshot", record["schema"], place, InputError)
    return record


def _digest_of(file: Path) -> str | None:
    try:
        return sha256_of_file(file)
    except OSError:
        return None


def _typed(record: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, Source]]:
    for name in record["whole"]:
        table = TABLES[name]
        types = {column.name: _NAMES.get(kind := SQL_TYPES[column.type], kind) for column in table.columns}
        yield name, Source(table, (folder / f"{name}.parquet",), "typed", table.names, types)


_NAMES = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
"""DuckDB's own names of types."""


def _to_json(source: Source) -> dict[str, Any]:
    return {
        "files": [str(file.resolve()) for file in source.files],
        "kind": source.kind,
        "columns": source.columns,
        "types": dict(source.types),
        "copy": None if source.copy is None else source.copy.name,
    }


def _whole(
    record: Mapping[str, Any], folder: Path, connection: duckdb.DuckDBPyConnection
) -> dict[str, Source]:
    sources = {}
    for name, source in record["whole"].items():
        files = tuple(map(Path, source["files"]))
        copy = None if source["copy"] is None else folder / FILES / source["copy"]
        columns, types = tuple(source["columns"]), source["types"]
        sources[name] = Source(TABLES[name], files, source["kind"], columns, types, copy)
    databases = {source.files[0] for source in sources.values() if source.kind == "database"}
    for database in databases:
        connection.execute(f"ATTACH {literal(str(database))} AS data (READ_ONLY)")
    return sources


def _root(source: Source) -> Path:
    """The folder of the files that a query reads."""
    return Path(os.path.commonpath([file.parent for file in source.read_files]))
