"""Tables beside the canonical ones, in the folder ``imports`` of a data folder.

They hold what exports state and no canonical table has a column for: figures that no KPI uses, who answered
an inquiry, the platform of an account, the reach of posts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from kpi_kit.core.schema import TABLES, Column, Table, Type

FOLDER = "imports"
ACCOUNT_STATS = "account_stats"
ANSWERED_BY = "answered_by"
ACCOUNT_PLATFORMS = "account_platforms"
POST_REACH = "post_reach"
DEAL_LEADS = "deal_leads"


def _text(name: str) -> Column:
    return Column(name, Type.TEXT)


EXTRA: Mapping[str, Table] = MappingProxyType(
    {
        ACCOUNT_STATS: Table(
            ACCOUNT_STATS,
            (
                Column("since", Type.DATE),
                Column("until", Type.DATE),
                _text("account_id"),
                _text("measure"),
                _text("item"),
                Column("value", Type.NUMBER),
            ),
            ("since", "until", "account_id", "measure", "item"),
            clock="since",
            scope="account_id",
            ordered=(("since", "until"),),
        ),
        ANSWERED_BY: Table(
            ANSWERED_BY,
            (_text("account_id"), _text("inquiry_id"), _text("specialist")),
            ("account_id", "inquiry_id"),
        ),
        ACCOUNT_PLATFORMS: Table(
            ACCOUNT_PLATFORMS,
            (_text("account_id"), _text("platform"), _text("said_by")),
            ("account_id", "platform", "said_by"),
        ),
        POST_REACH: Table(
            POST_REACH,
            (_text("account_id"), _text("number"), Column("reach", Type.COUNT)),
            ("account_id", "number"),
        ),
        DEAL_LEADS: Table(
            DEAL_LEADS, (_text("source"), _text("deal_id"), _text("lead_id")), ("source", "deal_id")
        ),
    }
)
"""Tables beside the canonical ones.

``account_stats`` has the figures of an account by day (``item`` is ``all``, or what they are split by),
``answered_by`` the specialist who answered an inquiry, ``account_platforms`` the platform of an account by
file, ``post_reach`` the reach of posts by their number on the wall, also of posts not imported yet,
``deal_leads`` the lead that a deal of a CRM names."""

ALL_TABLES: Mapping[str, Table] = MappingProxyType({**TABLES, **EXTRA})
"""Every table that an import can fill."""


def extra_rows(folder: Path, name: str) -> pd.DataFrame:
    """Read a small extra table as text."""
    file = folder / FOLDER / f"{name}.csv"
    if not file.is_file():
        return pd.DataFrame({column: [] for column in EXTRA[name].names}, dtype="str")
    return pd.read_csv(file, dtype="str", keep_default_na=False)


@dataclass(frozen=True)
class Staged:
    """Rows of a table in Parquet files, because they do not fit into memory.

    Parameters
    ----------
    files : tuple of pathlib.Path
    columns : tuple of str
        The canonical columns in the files.
    rows : int
    stamped : bool
        Whether the column ``_stamp`` has the stamp of each row, in Unix seconds.
    """

    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rows: int
    stamped: bool = False

    def __len__(self) -> int:
        return self.rows


@dataclass(frozen=True)
class Origin:
    """Where imported rows come from.

    Parameters
    ----------
    importer : str
    files : tuple of str
        Names of the files.
    digest : str
        Hash of their content and of the options: the same import has the same digest.
    stamp : datetime.datetime or None
        The moment up to which the files speak; of two imports the later one counts.
    imported_at : datetime.datetime
    source : str
        ``leads.source`` of rows that do not say it: ``--source``, the portal, or the account.
    """

    importer: str
    files: tuple[str, ...]
    digest: str
    stamp: dt.datetime | None
    imported_at: dt.datetime
    source: str = ""
