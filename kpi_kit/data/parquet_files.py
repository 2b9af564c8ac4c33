"""Columns of Parquet files, and bounds on what they unpack to.

A Parquet file of one kilobyte can hold 200 million equal rows. Real rows differ at least in their keys, so
that their number and their texts stand in proportion to the bytes of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Table, Type

_FEW_ROWS = 1_000_000
_MOST_ROWS = 4
"""Rows a byte of a file that has more than a few."""
_FEW_BYTES = 256 << 20
_TIGHTEST = 150
"""Bytes that a byte of a larger file unpacks to; texts shrink to a tenth, zeros to a thousandth."""
_SMALL = 64 << 20
"""Bytes of files whose texts are measured; larger files have no room to hide in."""
_NO_TEXT = ("BLOB", "BIT", "INTERVAL")
_NESTED = ("STRUCT(", "MAP(", "UNION(", "VARIANT")
_FRACTIONS = ("FLOAT", "DOUBLE")


def columns_of(files: Sequence[Path], connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The types of the columns of Parquet files, as DuckDB names them."""
    listed = [str(file) for file in files]
    described = connection.execute(
        "DESCRIBE SELECT * FROM read_parquet(?, union_by_name = true)", [listed]
    ).fetchall()
    return {str(name): str(kind) for name, kind, *_ in described}


def problems_of(
    place: str,
    table: Table,
    files: Sequence[Path],
    types: Mapping[str, str],
    connection: duckdb.DuckDBPyConnection,
) -> list[str]:
    """A sentence for each column whose type holds no value of the contract, or for files that are too dense.

    Parameters
    ----------
    place : str
        The file or folder, for sentences.
    table : Table
    files : sequence of Path
    types : mapping of str to str
        The types of columns, all of them columns of the table.
    connection : duckdb.DuckDBPyConnection
    """
    return list(problems_of_types(place, table, types)) or list(
        _problems_of_size(place, files, types, connection)
    )


def problems_of_types(place: str, table: Table, types: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each column of a type that can hold no value of the contract.

    Examples
    --------
    >>> from kpi_kit.core.schema import TABLES
    >>> list(problems_of_types("posts", TABLES["posts"], {"post_id": "DOUBLE"}))
    ['posts: column post_id: expected a text or whole numbers, found the type DOUBLE']
    >>> list(problems_of_types("posts", TABLES["posts"], {"views": "INTEGER[]"}))
    ['posts: column views: expected one value a cell, found the type INTEGER[]']
    """
    for column in table.columns:
        kind = types.get(column.name, "")
        if kind.endswith("]") or kind.startswith(_NESTED) or kind in _NO_TEXT:
            yield Phrase("data.nested_cell", place=place, name=column.name, kind=kind)
        elif column.type is Type.TEXT and column.name.endswith("_id") and kind in _FRACTIONS:
            wanted = Phrase("data.text_or_whole")
            yield Phrase("data.column_type", place=place, name=column.name, wanted=wanted, kind=kind)


def _problems_of_size(
    place: str, files: Sequence[Path], types: Mapping[str, str], connection: duckdb.DuckDBPyConnection
) -> Iterator[str]:
    """A sentence for the first file, or all together, that unpacks to more than real rows would."""
    measured = connection.execute(
        """SELECT file_name, any_value(num_rows), coalesce(sum(total_uncompressed_size), 0),
               any_value(file_size_bytes), coalesce(sum(num_values::DOUBLE * total_uncompressed_size)
               FILTER (WHERE type = 'BYTE_ARRAY'), 0)
           FROM parquet_file_metadata($1) LEFT JOIN parquet_metadata($1) USING (file_name)
           GROUP BY file_name ORDER BY file_name""",
        [[str(file) for file in files]],
    ).fetchall()
    rows, unpacked, size = (sum(row[part] for row in measured) for part in (1, 2, 3))
    for name, count, content, length, _ in (*measured, (place, rows, unpacked, size, 0)):
        if count > max(_FEW_ROWS, _MOST_ROWS * length):
            yield _too_dense(name, Phrase("data.held_rows", count=count), length)
            return
        if _is_bomb(content, length):
            yield _too_dense(name, Phrase("data.held_bytes", size=content >> 20), length)
            return
    # a text that stands once in a file may be that of every row
    suspects = [name for name, *_, possible in measured if possible > _FEW_BYTES]
    texts = [name for name, kind in types.items() if kind == "VARCHAR"]
    if suspects and texts and size <= _SMALL:
        lengths = " + ".join(f'coalesce(sum(strlen("{name}")), 0)' for name in texts)
        sql = f"SELECT {lengths} FROM read_parquet(?, union_by_name = true)"
        with suppress(duckdb.Error):  # the check of rows names a file that breaks off
            ((total,),) = connection.execute(sql, [suspects]).fetchall()
            if _is_bomb(int(total), size):
                yield _too_dense(place, Phrase("data.held_texts", size=int(total) >> 20), size)


def _is_bomb(unpacked: int, size: int) -> bool:
    return unpacked > max(_FEW_BYTES, _TIGHTEST * size)


def _too_dense(place: str, held: str, size: int) -> str:
    return Phrase("data.too_dense", file=place, held=held, size=round(size / 1024))
