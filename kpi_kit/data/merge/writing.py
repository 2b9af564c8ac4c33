"""Write tables to a scratch folder, and publish them into the data folder all at once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.schema import Table, Type
from kpi_kit.data.merge.fold import count_rows
from kpi_kit.data.table_source import Source, literal, quoted
from kpi_kit.data.transaction import publish, remove_leftovers, scratch_prefix

LARGE = 100_000
"""A table with more rows becomes a folder of Parquet parts, one a month."""


@dataclass
class Work:
    """New files of a data folder, and files to remove, that are published together.

    Parameters
    ----------
    folder : Path
        The data folder.
    scratch : Path
        A folder beside it, on the same disk.
    """

    folder: Path
    scratch: Path
    gone: list[str] = field(default_factory=list)

    @property
    def new(self) -> Path:
        """The folder of new files, by their names in the data folder."""
        return self.scratch / "new"

    def remove(self, path: Path) -> None:
        """Remove a file or folder of the data folder, unless a new one replaces it."""
        self.gone.append(str(path.relative_to(self.folder)))

    def publish(self) -> None:
        """Move all files into the data folder."""
        files = sorted(str(path.relative_to(self.new)) for path in self.new.rglob("*") if path.is_file())
        if not files and not self.gone:
            return
        publish(self.folder, self.scratch, files, self.gone)


@contextmanager
def workspace(folder: Path) -> Iterator[Work]:
    """Yield a scratch folder beside the data folder, and remove it afterwards."""
    remove_leftovers(folder)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=scratch_prefix(folder)))
    try:
        (scratch / "new").mkdir()
        yield Work(folder, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


# --- a table


def write_table(
    connection: duckdb.DuckDBPyConnection, work: Work, table: Table, source: Source | None, home: Path
) -> None:
    """Write the table; rows of ``result_<table>`` replace those of ``touched_<table>``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    work : Work
    table : Table
    source : Source or None
        The present table.
    home : Path
        The folder, inside the data folder, that holds it.
    """
    key = ", ".join(map(quoted, table.key))
    names = ", ".join(map(quoted, table.names))
    place = home.relative_to(work.folder)
    if source is not None and source.kind == "parts":
        _write_parts(connection, work, table, source, home / table.name)
        return
    rows = f"SELECT {names} FROM result_{table.name}"
    if source is not None:
        kept = f"SELECT DISTINCT {names} FROM ({source.typed()}) ANTI JOIN {replaced(table)} USING ({key})"
        rows = f"{kept} UNION ALL {rows}"
    kind = "csv" if source is None else source.kind
    if kind == "csv" and table.clock and count_rows(connection, f"({rows})") > LARGE:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW whole AS {rows}")
        _write_months(connection, table, "whole", work.new / place / table.name, _month(table))
        if source is not None:
            work.remove(home / f"{table.name}.csv")
        return
    target = work.new / place / f"{table.name}.{kind}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == "parquet":
        connection.execute(f"COPY ({rows} ORDER BY {key}) TO {literal(str(target))} (FORMAT parquet)")
        return
    write_csv(query_frame(connection, f"SELECT * FROM ({rows}) ORDER BY {key}", table), table, target)


def query_frame(connection: duckdb.DuckDBPyConnection, rows: str, table: Table) -> pd.DataFrame:
    """Return the rows of a table, instants in UTC and naive."""
    chosen = ", ".join(
        f"timezone('UTC', {quoted(c.name)}) AS {quoted(c.name)}" if c.type is Type.TIME else quoted(c.name)
        for c in table.columns
    )
    return connection.execute(f"SELECT {chosen} FROM ({rows})").df()


def replaced(table: Table) -> str:
    """Return SQL of the keys of rows that an import replaces or adds."""
    key = ", ".join(map(quoted, table.key))
    return f"(SELECT {key} FROM touched_{table.name} UNION ALL SELECT {key} FROM result_{table.name})"


def _month(table: Table) -> str:
    clock = quoted(str(table.clock))
    moment = f"timezone('UTC', {clock})" if table[str(table.clock)].type is Type.TIME else clock
    return f"strftime({moment}, '%Y-%m')"


def _write_months(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: str, home: Path, month: str
) -> None:
    """Write one file a month, sorted by account or brand, so that reading one skips the others."""
    names = ", ".join(map(quoted, table.names))
    order = ", ".join(map(quoted, dict.fromkeys(filter(None, (table.scope, table.clock, *table.key)))))
    for (name,) in connection.execute(f"SELECT DISTINCT {month} FROM {rows} ORDER BY 1").fetchall():
        target = home / f"month={name}" / "part.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"COPY (SELECT {names} FROM {rows} WHERE {month} = {literal(name)} ORDER BY {order}) "
            f"TO {literal(str(target))} (FORMAT parquet)"
        )


def _write_parts(
    connection: duckdb.DuckDBPyConnection, work: Work, table: Table, source: Source, home: Path
) -> None:
    """Rewrite only the months that the import touches; parts that are not monthly are all rewritten."""
    key = ", ".join(map(quoted, table.key))
    names = ", ".join(map(quoted, table.names))
    result = f"result_{table.name}"
    numbered = f"SELECT * FROM ({source.typed(numbered=True)})"
    touched = {
        Path(row[0])
        for row in connection.execute(
            f"SELECT DISTINCT _file FROM ({numbered}) SEMI JOIN {replaced(table)} USING ({key})"
        ).fetchall()
    }
    months = {
        row[0] for row in connection.execute(f"SELECT DISTINCT {_month(table)} FROM {result}").fetchall()
    }
    regular = all(_is_month(file, home) for file in source.files)
    files = [
        file
        for file in source.files
        if not regular or file in touched or file.parent.name.removeprefix("month=") in months
    ]
    listed = ", ".join(literal(str(file)) for file in files) or "''"
    folder = "regexp_extract(_file, 'month=([0-9]{4}-[0-9]{2})', 1)" if regular else _month(table)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE whole AS SELECT DISTINCT {names}, {folder} AS month FROM ({numbered}) "
        f"ANTI JOIN {replaced(table)} USING ({key}) WHERE _file IN ({listed}) "
        f"UNION ALL SELECT {names}, {_month(table)} AS month FROM {result}"
    )
    target = work.new / home.relative_to(work.folder)
    _write_months(connection, table, "whole", target, "month")
    connection.execute("DROP TABLE whole")
    for file in files:
        if not (target / file.relative_to(home)).exists():
            work.remove(file)


def _is_month(file: Path, home: Path) -> bool:
    return (
        file.parent.parent == home and file.parent.name.startswith("month=") and file.name == "part.parquet"
    )


def write_csv(frame: pd.DataFrame, table: Table, target: Path) -> None:
    """Write a table in canonical spelling."""
    target.parent.mkdir(parents=True, exist_ok=True)
    spelled = pd.DataFrame(
        {column.name: _spelled(frame[column.name], column.type) for column in table.columns}
    )
    texts = [column.name for column in table.columns if column.type is Type.TEXT]
    returns = any(spelled[name].astype("str").str.contains("\r", regex=False).any() for name in texts)
    # csv quotes a line end only where it is the writer's own
    spelled.to_csv(target, index=False, lineterminator="\r\n" if returns else "\n")


def _spelled(values: pd.Series, kind: Type) -> pd.Series:
    """Format cells: ISO dates, instants in UTC, whole numbers without a point."""
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
