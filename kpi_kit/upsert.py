"""Add imported rows to a data folder: by key, checked as a whole, and all or nothing."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kpi_kit import checks
from kpi_kit.errors import InputError
from kpi_kit.store import as_date, open_store
from kpi_kit.table_files import convert
from kpi_kit.tables import TABLES, Table, Type

DateRange = tuple[dt.date, dt.date]
Covered = Mapping[tuple[str, str], Sequence[DateRange]]


@dataclass(frozen=True)
class Added:
    """What an upsert did to one table."""

    table: str
    new: int
    changed: int
    unchanged: int


def upsert(folder: Path, tables: Mapping[str, pd.DataFrame], covered: Covered, timezone: str) -> list[Added]:
    """Add rows to the tables of a data folder; a row with a known key is brought up to date.

    A value that the new row does not know keeps the one that is there.

    Parameters
    ----------
    folder : Path
        Made where it does not exist. A table keeps its format; new tables become CSV.
    tables : mapping of str to DataFrame
        Canonical tables with the columns that the import knows.
    covered : mapping of (table, scope) to date ranges
        What was imported; joined with what is covered already.
    timezone : str
        The department's time zone.

    Returns
    -------
    list of Added

    Raises
    ------
    InputError
        Where the folder, or what it would become, does not pass the checks; nothing is changed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-import-") as scratch:
        ready = Path(scratch)
        linked = _link_all(folder, ready)
        merged = _merged(folder, linked, tables, covered, timezone)
        for name, (frame, _) in merged.items():
            _write(frame, _home(folder, ready, name))
        _refuse_if_broken(ready, folder, timezone)
        folder.mkdir(exist_ok=True)
        for name in merged:
            written = _home(folder, ready, name)
            written.replace(folder / written.name)
    return [added for _, added in merged.values() if added.table != "coverage"]


def _link_all(folder: Path, ready: Path) -> bool:
    """Show the present tables in the scratch folder without copying them; False where there are none."""
    homes = [home for home in sorted(folder.iterdir()) if home.stem in TABLES] if folder.is_dir() else []
    for home in homes:
        (ready / home.name).symlink_to(home.resolve(), target_is_directory=home.is_dir())
    return bool(homes)


def _home(folder: Path, ready: Path, name: str) -> Path:
    """Where a table is written: in its present format, new ones as CSV."""
    if (folder / name).is_dir():
        raise InputError(
            f"{folder / name}: rows cannot be added to a folder of parts; give it as one file {name}.parquet"
        )
    return ready / (f"{name}.parquet" if (folder / f"{name}.parquet").exists() else f"{name}.csv")


def _merged(
    folder: Path, exists: bool, tables: Mapping[str, pd.DataFrame], covered: Covered, timezone: str
) -> dict[str, tuple[pd.DataFrame, Added]]:
    if not exists:
        empty = {name: _blank(TABLES[name]) for name in (*tables, "coverage")}
        return _all_merged(tables, covered, empty)
    with open_store(folder, timezone) as store:
        return _all_merged(tables, covered, {name: store.frame(name) for name in (*tables, "coverage")})


def _all_merged(
    tables: Mapping[str, pd.DataFrame], covered: Covered, present: Mapping[str, pd.DataFrame]
) -> dict[str, tuple[pd.DataFrame, Added]]:
    merged = {name: _join(TABLES[name], present[name], frame) for name, frame in tables.items() if len(frame)}
    ranges = _joined_coverage(present["coverage"], covered)
    merged["coverage"] = (ranges, Added("coverage", 0, 0, 0))
    return merged


def _blank(table: Table) -> pd.DataFrame:
    return pd.DataFrame({column.name: pd.Series(dtype="object") for column in table.columns})


def _join(table: Table, present: pd.DataFrame, imported: pd.DataFrame) -> tuple[pd.DataFrame, Added]:
    """Bring rows up to date by key, and count what that did."""
    key = list(table.key)
    old = present.astype("object").where(present.notna(), None).set_index(key)
    fresh = imported.astype("object").where(imported.notna(), None).set_index(key)
    known = fresh.index.isin(old.index)
    joined = fresh.combine_first(old)[[name for name in table.names if name not in key]]
    before, after = (frame.reindex(fresh.index[known]).sort_index() for frame in (old, joined))
    same = ((before == after) | (before.isna() & after.isna())).all(axis=1)
    counts = Added(table.name, int((~known).sum()), int((~same).sum()), int(same.sum()))
    return joined.reset_index()[list(table.names)].sort_values(key, ignore_index=True), counts


def _joined_coverage(present: pd.DataFrame, covered: Covered) -> pd.DataFrame:
    """The union of the covered days, as few ranges as possible."""
    ranges: dict[tuple[str, str], list[DateRange]] = {}
    for row in present.itertuples():
        known = ranges.setdefault((str(row.table), str(row.scope)), [])
        known.append((as_date(row.since), as_date(row.until)))
    for scope, added in covered.items():
        ranges.setdefault(scope, []).extend(added)
    rows = [(*scope, since, until) for scope in sorted(ranges) for since, until in union(ranges[scope])]
    return pd.DataFrame(rows, columns=list(TABLES["coverage"].names))


def union(ranges: Iterable[DateRange]) -> list[DateRange]:
    """Join ranges that overlap or touch.

    Examples
    --------
    >>> day = lambda number: dt.date(2025, 10, number)
    >>> [(a.day, b.day) for a, b in union([(day(9), day(12)), (day(1), day(3)), (day(3), day(5))])]
    [(1, 5), (9, 12)]
    """
    joined: list[DateRange] = []
    for since, until in sorted(ranges):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    return joined


def _write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table in canonical spelling; the link to the present table gives way."""
    path.unlink(missing_ok=True)
    table = TABLES[path.stem]
    spelled = pd.DataFrame(
        {column.name: _spelled(frame[column.name], column.type) for column in table.columns}
    )
    if path.suffix == ".parquet":
        _write_parquet(spelled, table, path)
    else:
        spelled.to_csv(path, index=False, lineterminator="\n")
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _write_parquet(spelled: pd.DataFrame, table: Table, path: Path) -> None:
    """Through the store's own engine, so that a table has one reader and one writer."""
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / f"{table.name}.csv"
        spelled.to_csv(staged, index=False, lineterminator="\n")
        convert(staged, table, path)


def _spelled(values: pd.Series, kind: Type) -> pd.Series:
    """Cells as the contract writes them: ISO dates, instants in UTC, whole numbers whole."""
    match kind:
        case Type.DATE:
            return pd.to_datetime(values).dt.strftime("%Y-%m-%d")
        case Type.TIME:
            return (
                pd.to_datetime(values, utc=True)
                .dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                .str.replace(".000000Z", "Z")
            )
        case Type.COUNT:
            return values.astype("Float64").astype("Int64")
        case Type.NUMBER:
            return values.astype("Float64")
        case Type.FLAG:
            return values.astype("boolean").map({True: "true", False: "false"})
        case _:
            return values.astype("object")


def _refuse_if_broken(ready: Path, folder: Path, timezone: str) -> None:
    """Check what the folder would become, and speak of it by its real name."""
    try:
        with open_store(ready, timezone) as store:
            problems = checks.problems(store, None)
    except InputError as fault:
        problems = list(fault.problems)
    if problems:
        raise InputError([problem.replace(str(ready), str(folder)) for problem in problems])
