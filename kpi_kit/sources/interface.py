"""The interface of importers: options in, frames of canonical tables out.

An importer turns the files of one export into frames of the canonical tables. It does not touch the data
folder: the store adds them there, and the command line writes the account and the coverage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import Staged
from kpi_kit.sources.attribution import NO_ATTRIBUTION, Attribution
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.rows import Row, frame

DateRange = tuple[dt.date, dt.date]
"""Days ``[since, until)`` in the department's time zone."""


@dataclass(frozen=True)
class ImportOptions:
    """What the user states about the files.

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
        When the export was fetched, with offset (``--fetched-at``): of figures of posts their age, of every
        table what makes it newer than another export.
    subscribers_at_end : int or None
        Members at the end of the last day of stats.get (vk-api only, ``--subscribers``).
    chat : str or None
        Name or id of the chat to import where the export holds several (telegram-desktop only).
    brand : str or None
        Whose mentions or search queries the files hold (``--brand``).
    currency : str or None
        Of sums where the file does not say (``--currency``).
    attribution : Attribution
        ``attribution.yml``: which account a source or campaign belongs to, and who answers.
    partial : bool
        Whether rows may add up to less than the file's own row of totals (``--partial``).
    mappings : pathlib.Path or None
        The folder of mapping files that the user keeps.
    confirmed : bool
        Whether a guessed mapping may be used (``--yes``).
    dry_run : bool
        Whether nothing is to be written (``--dry-run``), so that a guess is only shown.
    accounts : frozenset of str
        Those that are in the data already.
    known_posts : callable or None
        Gives the posts of the account that are in the data already: id and publication by number.
    known_reach : callable or None
        Gives the reach of posts of the account by number, as earlier imports have told it.
    companions : tuple of pathlib.Path
        Every file of the same command: one may say the days of another.
    segment : str or None
        Of a report that repeats its figures for several segments or comparisons (ga4 only, ``--segment``).
    strict : bool
        Whether to refuse rows that lack a needed cell, in place of leaving them out (``--strict``).
    scratch : pathlib.Path or None
        Where rows wait that do not fit into memory; without it all are kept in memory.
    source : str or None
        The CRM that leads come from (``--source``).
    replace : bool
        Whether the export withdraws what the same importer and source stated of its days (``--replace``).

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
    brand: str | None = None
    currency: str | None = None
    attribution: Attribution = NO_ATTRIBUTION
    partial: bool = False
    mappings: Path | None = None
    confirmed: bool = False
    dry_run: bool = False
    accounts: frozenset[str] = frozenset()
    known_posts: Callable[[], Mapping[str, tuple[str, dt.datetime]]] | None = None
    known_reach: Callable[[], Mapping[str, int]] | None = None
    companions: tuple[Path, ...] = ()
    segment: str | None = None
    strict: bool = False
    scratch: Path | None = None
    source: str | None = None
    replace: bool = False

    def __post_init__(self) -> None:
        if self.stats_at is not None and self.stats_at.tzinfo is None:
            raise ValueError("stats_at needs an offset")

    @property
    def days(self) -> DateRange | None:
        """The days that the user states, where both ends are given."""
        return (self.since, self.until) if self.since and self.until else None

    def named_account(self) -> str:
        """The account that ``--account`` names.

        Raises
        ------
        InputError
            Where there is none.
        """
        if not self.account:
            raise InputError(Phrase("sources.account_missing"))
        return self.account


@dataclass(frozen=True)
class Imported:
    """The content of an export.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame or Staged
        Canonical tables (and those of :data:`kpi_kit.data.merge.EXTRA`) with the columns that the export
        knows; others are absent. Ids and texts are ``str``, times are UTC, dates are naive midnights, counts
        ``Int64``, numbers ``Float64``, flags ``boolean``. A frame without rows means that the export says:
        there is nothing. Very many rows are staged in files.
    coverage : mapping of str to tuple of DateRange
        The days that the export itself says it covers, a table; a table that is absent here was not said.
    remarks : tuple of str
        One plain sentence each on what was merged, left out or is missing.
    stamp : datetime.datetime or None
        The moment up to which the export speaks, as far as its content tells: the newer of two wins.
    platform : str or None
        Of the account, where the kind of export tells it.
    stamps : mapping of str to tuple of datetime
        The same as ``stamp`` for each row, where the rows of a table come from several files.
    source : str or None
        The address of the CRM's portal, where the export has it: ``leads.source`` without ``--source``.
        A row of ``leads`` may also have its own ``source``.
    fetched_at : datetime.datetime or None
        When the export was made, where the file itself says so; it counts before ``stamp``.
    complete : frozenset of str
        Tables of which the export proves to have every row of its days (all pages are there). A post of
        those days that it lacks counts as deleted.
    """

    tables: Mapping[str, pd.DataFrame | Staged]
    coverage: Mapping[str, tuple[DateRange, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    stamp: dt.datetime | None = None
    platform: str | None = None
    stamps: Mapping[str, tuple[dt.datetime | None, ...]] = field(default_factory=dict)
    source: str | None = None
    fetched_at: dt.datetime | None = None
    complete: frozenset[str] = frozenset()

    @classmethod
    def of_rows(
        cls,
        rows: Mapping[str, tuple[Sequence[Row], Sequence[str]]],
        coverage: Mapping[str, tuple[DateRange, ...]],
        remarks: Sequence[str],
        platform: str | None,
    ) -> Imported:
        """Build the result from rows and columns by table.

        Raises
        ------
        InputError
            Where a value cannot be stored.
        """
        stamps = {name: tuple(row.stamp for row in listed) for name, (listed, _) in rows.items()}
        latest = [stamp for listed in stamps.values() for stamp in listed if stamp is not None]
        return cls(
            {name: frame(name, listed, columns) for name, (listed, columns) in rows.items()},
            coverage,
            tuple(remarks),
            max(latest, default=None),
            platform,
            {name: listed for name, listed in stamps.items() if any(listed)},
        )


class Match(NamedTuple):
    """How well a file matches an importer.

    Parameters
    ----------
    score : float
        From 0 (certainly not) to 1 (certainly).
    why : str
        What it was recognised by, for people.
    """

    score: float
    reason: str


NO_MATCH = Match(0.0, "")
"""Not of this kind."""


class Importer(Protocol):
    """Reads one kind of export: a module of this package, or a table importer.

    ``FILLS`` names the canonical columns it fills, a table; ``UNKNOWN`` says what no such export can tell;
    ``TESTED`` says on what its reading was tested.
    """

    @property
    def FILLS(self) -> Mapping[str, str]:  # noqa: N802
        """Filled columns by table, separated by spaces."""

    @property
    def UNKNOWN(self) -> str:  # noqa: N802
        """What cannot be known from such an export."""

    @property
    def TESTED(self) -> str:  # noqa: N802
        """``real file`` or ``documented layout``."""

    def sniff(self, head: Head) -> Match:
        """Match the beginning of a file with this kind."""

    def read(self, paths: Sequence[Path], options: ImportOptions) -> Imported:
        """Read files into canonical tables."""
