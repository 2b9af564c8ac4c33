"""Check what a data folder would become before anything in it changes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase, renamed
from kpi_kit.core.schema import TABLES
from kpi_kit.data import validate
from kpi_kit.data.merge import writing
from kpi_kit.data.merge.extra import ACCOUNT_PLATFORMS
from kpi_kit.data.merge.fold import Merged, count_rows
from kpi_kit.data.merge.writing import Work
from kpi_kit.data.store import open_store
from kpi_kit.data.table_source import Source, literal, quoted

_BRANDED = tuple(name for name, table in TABLES.items() if table.scope == "brand")


def refuse_if_broken(
    connection: duckdb.DuckDBPyConnection,
    work: Work,
    merged: Sequence[Merged],
    present: Mapping[str, Source],
    timezone: str,
) -> None:
    """Refuse an import that would break the folder.

    Small tables are checked whole. Of large tables only the imported rows are checked, in slices: the other
    rows were checked when they came in. Only the currency of leads depends on both.

    Raises
    ------
    InputError
        With every problem, by the real names of the files.
    """
    sizable = _large_tables(present, connection)
    touched = {result.table.name for result in merged}
    large = [
        result
        for result in merged
        if (result.added.new + result.added.changed + result.added.unchanged) > writing.LARGE
        or result.table.name in sizable
    ]
    preview = work.scratch / "preview"
    without = {result.table.name for result in large} | sizable
    _link(work, preview, without)
    for name in without & set(_BRANDED):
        _show_brands(connection, preview, name, present.get(name), name in touched)
    problems = [*_problems(preview, timezone, work), *_two_platforms(connection, merged, present)]
    for result in large:
        if result.table.name in TABLES and not problems:
            problems = _problems_of_large(connection, work, result, preview, timezone)
    if problems:
        raise InputError([renamed(problem, {str(preview): str(work.folder)}) for problem in problems])


def _show_brands(
    connection: duckdb.DuckDBPyConnection, preview: Path, name: str, source: Source | None, fresh: bool
) -> None:
    """Put one row a brand of a large table into the preview: the check of coverage needs the brands."""
    names = ", ".join(map(quoted, TABLES[name].names))
    parts = [f"SELECT {names} FROM ({source.typed()})"] if source else []
    parts += [f"SELECT {names} FROM result_{name}"] if fresh else []
    connection.execute(
        f"COPY (SELECT DISTINCT ON (brand) * FROM ({' UNION ALL '.join(parts)}) ORDER BY ALL) "
        f"TO {literal(str(preview / f'{name}.parquet'))} (FORMAT parquet)"
    )


def _large_tables(present: Mapping[str, Source], connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables that are too large to be checked whole at each import."""
    in_parts = {name: source for name, source in present.items() if source.kind == "parts"}
    return {
        name
        for name, source in in_parts.items()
        if count_rows(connection, f"({source.raw()})") > writing.LARGE
    }


def _two_platforms(
    connection: duckdb.DuckDBPyConnection, merged: Sequence[Merged], present: Mapping[str, Source]
) -> list[str]:
    """Name the accounts that files put on several platforms, also files of concurrent imports."""
    if not any(result.table.name == ACCOUNT_PLATFORMS for result in merged):
        return []
    source = present.get(ACCOUNT_PLATFORMS)
    earlier = f"UNION ALL {source.typed()}" if source else ""
    rows = connection.execute(
        f"""SELECT account_id, list([platform, said_by] ORDER BY platform, said_by)
            FROM (SELECT DISTINCT * FROM (FROM result_{ACCOUNT_PLATFORMS} {earlier}))
            GROUP BY account_id HAVING count(DISTINCT platform) > 1 ORDER BY 1"""
    ).fetchall()
    return [
        Phrase(
            "data.two_platforms",
            account=account,
            claims=[Phrase("data.claim", platform=platform, file=file) for platform, file in claims],
        )
        for account, claims in rows
    ]


def _problems(place: Path, timezone: str, work: Work) -> list[str]:
    try:
        with open_store(place, timezone, also=(work.folder, work.new)) as store:
            return validate.problems(store)
    except InputError as fault:
        return list(fault.problems)


def _problems_of_large(
    connection: duckdb.DuckDBPyConnection, work: Work, merged: Merged, preview: Path, timezone: str
) -> list[str]:
    """Check the imported rows of a large table, a slice at a time."""
    name = merged.table.name
    accounts = next(preview.glob("accounts.*"))
    slices = work.scratch / f"slices-{name}"
    slices.mkdir()
    (slices / accounts.name).symlink_to(accounts.resolve(), target_is_directory=accounts.is_dir())
    part = slices / f"{name}.parquet"
    step = writing.LARGE
    for start in range(0, count_rows(connection, merged.result), step):
        connection.execute(
            # by rowid: an OFFSET would hold all rows before it in memory
            f"COPY (SELECT * FROM {merged.result} WHERE rowid >= {start} AND rowid < {start + step}) "
            f"TO {literal(str(part))} (FORMAT parquet)"
        )
        if problems := _problems(slices, timezone, work):
            return [renamed(problem, {str(slices): str(work.folder)}) for problem in problems]
    shutil.rmtree(slices)
    return []


def _link(work: Work, preview: Path, without: set[str]) -> None:
    """Link the tables as they would be into a folder of their own."""
    preview.mkdir()
    for name in TABLES:
        if name in without:
            continue
        fresh = [work.new / file for file in (f"{name}.csv", f"{name}.parquet") if (work.new / file).exists()]
        if fresh:
            (preview / fresh[0].name).symlink_to(fresh[0].resolve())
        elif (work.new / name).is_dir():
            _link_parts(work, preview, name)
        else:
            homes = [work.folder / file for file in (f"{name}.csv", f"{name}.parquet", name)]
            for home in (home for home in homes if home.exists() and home.name not in work.gone):
                (preview / home.name).symlink_to(home.resolve(), target_is_directory=home.is_dir())


def _link_parts(work: Work, preview: Path, name: str) -> None:
    gone = set(work.gone)
    parts = {file.relative_to(work.new): file for file in (work.new / name).rglob("*.parquet")}
    for file in (work.folder / name).rglob("*.parquet") if (work.folder / name).is_dir() else ():
        place = file.relative_to(work.folder)
        if str(place) not in gone:
            parts.setdefault(place, file)
    for place, file in parts.items():
        (preview / place).parent.mkdir(parents=True, exist_ok=True)
        (preview / place).symlink_to(file.resolve())
