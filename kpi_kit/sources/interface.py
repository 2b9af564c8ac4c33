"""What every importer takes and gives.

An importer turns the files of one export into frames of the canonical tables. It does not touch the data
folder: the store adds them there, and the command line writes the account and the coverage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import pandas as pd

from kpi_kit.errors import InputError

DateRange = tuple[dt.date, dt.date]
"""Days ``[since, until)`` in the department's time zone."""


@dataclass(frozen=True)
class ImportOptions:
    """What the person who imports says about the files.

    Parameters
    ----------
    account : str or None
        Whose data the files hold; None only where the table has no ``account_id`` or the file has its own.
    timezone : zoneinfo.ZoneInfo
        The department's, for days and for naive times.
    since, until : datetime.date or None
        The days that the export covers, where the export itself does not say. They choose no rows:
        the command line writes them as coverage.
    table : str or None
        The canonical table that a CSV fills (csv only).
    mapping : pathlib.Path or None
        The YAML file that names the columns (csv only).
    stats_at : datetime.datetime or None
        When the figures of posts were fetched, with offset (``--fetched-at``).
    subscribers_at_end : int or None
        Members at the end of the last day of stats.get (vk-api only, ``--subscribers``).
    chat : str or None
        Name or id of the chat to import where the export holds several (telegram-desktop only).

    Examples
    --------
    >>> ImportOptions(account="vk-roastery").timezone.key
    'Europe/Moscow'
    """

    account: str | None = None
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Moscow"))
    since: dt.date | None = None
    until: dt.date | None = None
    table: str | None = None
    mapping: Path | None = None
    stats_at: dt.datetime | None = None
    subscribers_at_end: int | None = None
    chat: str | None = None

    def __post_init__(self) -> None:
        if self.stats_at is not None and self.stats_at.tzinfo is None:
            raise ValueError("stats_at needs an offset")

    def named_account(self) -> str:
        """The account, or one sentence where it was not given.

        Raises
        ------
        InputError
            Where there is none.
        """
        if not self.account:
            raise InputError(
                "--account is missing: it names the account whose posts these are, such as vk-roastery"
            )
        return self.account


@dataclass(frozen=True)
class Imported:
    """What an export held.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Canonical tables with the columns that the export knows; others are absent. Ids and texts are ``str``,
        times are UTC, dates are naive midnights, counts ``Int64``, numbers ``Float64``, flags ``boolean``.
        A frame without rows means that the export says: there is nothing.
    coverage : mapping of str to tuple of DateRange
        The days that the export itself says it covers, a table; a table that is absent here was not said.
    remarks : tuple of str
        One plain sentence each on what was merged, left out or is missing.
    """

    tables: Mapping[str, pd.DataFrame]
    coverage: Mapping[str, tuple[DateRange, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


class Importer(Protocol):
    """A module of this package that reads one kind of export."""

    def read(self, paths: Sequence[Path], options: ImportOptions) -> Imported:
        """Read files into canonical tables."""
