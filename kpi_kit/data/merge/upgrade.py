"""Bring a data folder of the first schema up to date: ids within accounts, and statements of imports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.post_ids import post_number_sql
from kpi_kit.core.schema import TABLES, UNKNOWN_SOURCE, Column, Table
from kpi_kit.data.merge.extra import ALL_TABLES, FOLDER
from kpi_kit.data.merge.statements import BEFORE_UPGRADE, Record, parquet
from kpi_kit.data.merge.writing import Work, query_frame, workspace, write_csv
from kpi_kit.data.table_source import SQL_TYPES, VERSION, Source, connect, literal, quoted, source_at
from kpi_kit.data.transaction import exclusive, finish

OBSERVATIONS = f"{FOLDER}/observations"
_OWNERS = {"post_stats": "posts", "answered_by": "inquiries"}
"""Tables that had no account, and those that tell it."""


def schema_of(folder: Path) -> int:
    """Return the schema of a data folder; one without imports is of no older one."""
    file = folder / VERSION
    if not file.is_file():
        return file_versions.current("data folder")
    try:
        return int(read_json(file)["schema"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(Phrase("data.bad_schema", path=file)) from None


def is_older(folder: Path) -> bool:
    """Return whether a data folder is of the first schema."""
    return schema_of(folder) < file_versions.current("data folder")


def add_accounts(folder: Path, timezone: str) -> list[str]:
    """Add the account to rows that were told apart by the id of a post or an inquiry alone.

    Returns
    -------
    list of str
        Tables that were rewritten.

    Raises
    ------
    InputError
        Where a table cannot be read, or a row belongs to nothing.
    """
    with exclusive(folder):
        finish(folder)
        with workspace(folder) as work, connect(timezone) as connection:
            names = [name for name in _OWNERS if _add_account(work, connection, name)]
            work.publish()
    return names


def _add_account(work: Work, connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    new = ALL_TABLES[name]
    old = Table(name, tuple(c for c in new.columns if c.name != "account_id"), new.key[1:], new.clock)
    home = _home(work.folder if name in TABLES else work.folder / FOLDER, name)
    if home is None:
        return False
    source, _ = source_at(home, old, connection)
    if source is None:  # it has the account already, or is told as what it is when it is opened
        return False
    owner = TABLES[_OWNERS[name]]
    owner_home = _home(work.folder, owner.name)
    owners, problems = (None, []) if owner_home is None else source_at(owner_home, owner, connection)
    if problems:
        raise InputError(problems)
    link = owner.key[1]
    names = ", ".join(quoted(column) for column in old.names)
    owned = f"SELECT DISTINCT account_id, {link} FROM ({owners.typed()})" if owners else _nothing(link)
    rows = f"SELECT account_id, {names} FROM ({source.typed()}) LEFT JOIN ({owned}) USING ({link})"
    ((lost,),) = connection.execute(f"SELECT count(*) FROM ({rows}) WHERE account_id IS NULL").fetchall()
    if lost:
        raise InputError(Phrase("data.rows_of_nothing", file=home, count=lost, owner=owner.name))
    _write(work, connection, rows, new, source, home)
    return True


def _nothing(link: str) -> str:
    return f"SELECT NULL AS account_id, CAST(NULL AS VARCHAR) AS {link} WHERE false"


def _home(folder: Path, name: str) -> Path | None:
    homes = [folder / file for file in (f"{name}.csv", f"{name}.parquet", name)]
    return next((home for home in homes if home.exists()), None)


def _write(
    work: Work, connection: duckdb.DuckDBPyConnection, rows: str, table: Table, source: Source, home: Path
) -> None:
    target = work.new / home.relative_to(work.folder)
    if source.kind == "csv":
        write_csv(query_frame(connection, f"{rows} ORDER BY ALL", table), table, target)
        return
    if source.kind == "parts":
        for file in source.files:
            work.remove(file)
        target = target / "part.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({rows} ORDER BY ALL) TO {literal(str(target))} (FORMAT parquet)")


def older_record(
    work: Work, connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], home: Path
) -> Record:
    """Write what earlier imports stated, as far as it was kept, as one import that cannot be undone."""
    rows = {}
    for name, table in ALL_TABLES.items():
        files = sorted((work.folder / OBSERVATIONS / name).glob("*.parquet"))
        if files:
            rows[name] = _write_observations(connection, table, files, sources, home / f"{name}.parquet")
    if (work.folder / OBSERVATIONS).is_dir():
        work.remove(work.folder / OBSERVATIONS)
    return Record(
        BEFORE_UPGRADE, 1, "earlier imports", (), "", _EPOCH, None, UNKNOWN_SOURCE, rows,
        unsourced="leads" in rows,
    )  # fmt: skip


_EPOCH = "0001-01-01T00:00:00+00:00"


def _write_observations(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    files: Sequence[Path],
    sources: Mapping[str, Source],
    target: Path,
) -> int:
    relation = parquet(files)
    have = {row[0] for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()}
    if table.name == "post_stats" and "account_id" not in have and "posts" in sources:
        posts = f"SELECT DISTINCT account_id, post_id FROM ({sources['posts'].typed()})"
        number = post_number_sql("s.post_id")
        relation = (
            f"(SELECT s.* EXCLUDE (post_id), p.post_id, p.account_id FROM {relation} s "
            f"JOIN ({posts}) p ON p.post_id = {number})"
        )
        have |= {"account_id"}
    chosen = ", ".join(f"{_observed(column, have)} AS {quoted(column.name)}" for column in table.columns)
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"COPY (SELECT {chosen}, _stamp, 1 AS _seq, 0 AS _hand, false AS _gone FROM {relation}) "
        f"TO {literal(str(target))} (FORMAT parquet)"
    )
    ((count,),) = connection.execute(f"SELECT count(*) FROM {parquet([target])}").fetchall()
    return int(count)


def _observed(column: Column, have: set[str]) -> str:
    if column.name not in have:
        default = "NULL" if column.default is None else literal(column.default)
        return f"CAST({default} AS {SQL_TYPES[column.type]})"
    if column.name == "post_id":
        return post_number_sql("post_id")
    return f"CAST({quoted(column.name)} AS {SQL_TYPES[column.type]})"
