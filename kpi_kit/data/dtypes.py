"""The dtypes of the columns of tables."""

from __future__ import annotations

from functools import cache

import pandas as pd

from kpi_kit.core.schema import TABLES, Type


@cache
def no_rows(table: str) -> pd.DataFrame:
    """A table without rows; callers copy it."""
    names = [column.name for column in TABLES[table].columns]
    return declared(pd.DataFrame({name: pd.Series(dtype="object") for name in names}), table)


def declared(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """Rows with each column in its dtype."""
    columns = TABLES[table].columns
    return rows.assign(**{column.name: _as_declared(rows[column.name], column.type) for column in columns})


def _as_declared(values: pd.Series, kind: Type) -> pd.Series:
    """A column in the dtype that formulas rely on."""
    match kind:
        case Type.TEXT:
            return values.astype("str")
        case Type.DATE:
            return pd.to_datetime(values).astype("datetime64[us]")
        case Type.TIME:
            return pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
        case Type.FLAG:
            return values.astype("boolean")
        case _:
            return values.astype("float64")
