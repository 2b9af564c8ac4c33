"""Take an export in: read it, settle whose it is and what it covers, add it to a data folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kpi_kit.errors import InputError, did_you_mean
from kpi_kit.sources import SOURCES, DateRange, Imported, ImportOptions
from kpi_kit.sources.rows import counted
from kpi_kit.store import open_store
from kpi_kit.tables import PLATFORMS, TABLES, Type
from kpi_kit.upsert import upsert

_PLATFORM_OF = {"vk-api": "vk", "telegram-desktop": "telegram"}


@dataclass(frozen=True)
class NewAccount:
    """What is needed to add an account: its title and platform, where they were given."""

    title: str | None = None
    platform: str | None = None


def take_in(
    source: str, files: Sequence[Path], folder: Path, options: ImportOptions, account: NewAccount
) -> list[str]:
    """Import files into a data folder.

    Parameters
    ----------
    source : str
        A name of :data:`kpi_kit.sources.SOURCES`.
    files : sequence of Path
    folder : Path
        The data folder; made where it does not exist.
    options : ImportOptions
    account : NewAccount

    Returns
    -------
    list of str
        What was done, one sentence each.

    Raises
    ------
    InputError
        With every problem; the folder is then as it was.
    """
    missing = [f"{file}: there is no such file" for file in files if not file.is_file()]
    if missing:
        raise InputError(missing)
    imported = SOURCES[source].read(files, options)
    covered, said = _coverage(imported, options)
    tables = {**_account_rows(source, folder, options, account), **imported.tables}
    done = upsert(folder, tables, covered, str(options.timezone))
    counts = [
        f"{a.table}: {counted(a.new, 'row')} added, {a.changed} brought up to date, "
        f"{a.unchanged} {'was' if a.unchanged == 1 else 'were'} there already"
        for a in done
    ]
    return [*imported.remarks, *counts, *said]


def _account_rows(
    source: str, folder: Path, options: ImportOptions, given: NewAccount
) -> dict[str, pd.DataFrame]:
    """A row for the table ``accounts`` where the account is new."""
    if options.account is None:
        return {}
    if folder.is_dir() and any(place.stem in TABLES for place in folder.iterdir()):
        with open_store(folder, str(options.timezone)) as store:
            if options.account in store.accounts.index:
                return {}
    platform = given.platform or _PLATFORM_OF.get(source)
    if given.title is None or platform is None:
        raise InputError(
            f"account {options.account!r} is new in {folder}: give --title and --platform to add it "
            f"(platforms: {', '.join(PLATFORMS)})"
        )
    if platform not in PLATFORMS:
        raise InputError(f"--platform: found {platform!r}{did_you_mean(platform, PLATFORMS)}")
    return {
        "accounts": pd.DataFrame(
            {"account_id": [options.account], "platform": [platform], "title": [given.title]}
        )
    }


def _coverage(
    imported: Imported, options: ImportOptions
) -> tuple[dict[tuple[str, str], Sequence[DateRange]], list[str]]:
    """What the files cover, table by table and scope by scope, and how that is known."""
    covered: dict[tuple[str, str], Sequence[DateRange]] = {}
    said = []
    for name, frame in imported.tables.items():
        if TABLES[name].scope is None:
            continue
        ranges, why = _ranges(name, frame, imported.coverage, options)
        for scope in _scopes(name, frame, options) if ranges else ():
            covered[name, scope] = ranges
            days = ", ".join(f"{since} to {until - dt.timedelta(days=1)}" for since, until in ranges)
            said.append(f"coverage of {name} for {scope}: {days} ({why})")
    return covered, said


def _scopes(name: str, frame: pd.DataFrame, options: ImportOptions) -> Iterator[str]:
    """Whose rows a frame holds; an empty one still speaks for the account that was named."""
    owners = sorted(frame[TABLES[name].scope].dropna().unique())
    yield from owners or ([options.account] if options.account and TABLES[name].scope == "account_id" else [])


def _ranges(
    name: str, frame: pd.DataFrame, told: Mapping[str, Sequence[DateRange]], options: ImportOptions
) -> tuple[Sequence[DateRange], str]:
    if told.get(name):
        return told[name], "the export says so"
    if options.since and options.until:
        return [(options.since, options.until)], "--since and --until"
    if frame.empty:
        return [], ""
    first, last = _span(name, frame, options)
    return [(options.since or first, options.until or last)], "from the first to the last day in the file"


def _span(name: str, frame: pd.DataFrame, options: ImportOptions) -> DateRange:
    """The first day with a row, and the day after the last."""
    table = TABLES[name]
    clock = frame[table.clock].dropna()
    if name == "brand_queries":
        return clock.min().date(), frame["until"].max().date()
    if table[str(table.clock)].type is Type.TIME:
        clock = clock.dt.tz_convert(options.timezone)
    return clock.min().date(), clock.max().date() + dt.timedelta(days=1)
