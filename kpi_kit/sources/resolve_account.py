"""Whose imported rows are: the account that they go to is known, and on one platform, whatever the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.schema import PLATFORMS
from kpi_kit.data.merge import ACCOUNT_PLATFORMS, ALL_TABLES, Staged
from kpi_kit.data.merge.extra import extra_rows
from kpi_kit.data.store import Store
from kpi_kit.data.table_source import literal, quoted
from kpi_kit.sources import Imported, ImportOptions

_PREFIXES = {
    "vk": "vk",
    "tg": "telegram",
    "telegram": "telegram",
    "dzen": "dzen",
    "ok": "ok",
    "yt": "youtube",
    "youtube": "youtube",
    "ig": "instagram",
    "instagram": "instagram",
    "tt": "tiktok",
    "tiktok": "tiktok",
}
_NOT_KNOWN = "other"
_BY_HAND = "--platform"
_SHOWN = 5


@dataclass(frozen=True)
class NewAccount:
    """What is needed to add an account: its title and platform, where they were given."""

    title: str | None = None
    platform: str | None = None


@dataclass(frozen=True)
class Settled:
    """The account of an import.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        A row for ``accounts`` where it is new or its platform was not known; who said which platform.
    said : tuple of str
        Sentences.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    said: tuple[str, ...] = ()


Lots = Sequence[tuple[Sequence[str], Imported]]
"""Names of the files, and what was in them."""


def settle(
    lots: Lots, folder: Path, store: Store | None, options: ImportOptions, given: NewAccount, *, free: bool
) -> Settled:
    """Find the account of the rows, and its platform.

    Parameters
    ----------
    lots : sequence of (names, Imported)
    folder : Path
    store : Store or None
        The data as they are, where there are any.
    options : ImportOptions
    given : NewAccount
    free : bool
        Whether title and platform may be taken from what is known, as ``auto`` does.

    Raises
    ------
    InputError
        Where rows belong to an account that the data do not have, or to one that is on another platform.
    """
    owned = [lot for lot in lots if any("account_id" in ALL_TABLES[name].names for name in lot[1].tables)]
    known = {} if store is None else dict(zip(store.accounts.index, store.accounts["platform"], strict=True))
    _refuse_strangers(owned, folder, {*known, options.account})
    if options.account is None or not owned:
        return Settled()
    present = known.get(options.account)
    said = _said(options.account, owned, folder, present, given)
    if len(said) > 1:
        told = "; ".join(f"{name} by {_listed(said[name])}" for name in sorted(said))
        raise InputError(
            f"account {options.account!r} would be on several platforms: {told}; give the files of each "
            "platform an --account of their own"
        )
    platform, by = next(iter(said.items()), (None, []))
    evidence = _evidence(options.account, said, owned, given)
    if present is None or store is None:
        row, sentences = _new(options.account, platform, folder, given, free=free)
    elif present == _NOT_KNOWN and platform not in (None, _NOT_KNOWN):
        row = _row(options.account, str(platform), str(store.accounts.loc[options.account, "title"]))
        sentences = (f"account {options.account!r} is on {platform}, by {_listed(by)}; it was {_NOT_KNOWN}",)
    else:
        return Settled(evidence)
    return Settled({**evidence, "accounts": row}, sentences)


def _evidence(
    account: str, said: Mapping[str, Sequence[str]], lots: Lots, given: NewAccount
) -> dict[str, pd.DataFrame]:
    """Who says now which platform, to be remembered."""
    files = _files(lots)
    rows = [(account, platform, by) for platform, listed in said.items() for by in listed if by in files]
    rows += [(account, given.platform, _BY_HAND)] if given.platform else []
    frame = pd.DataFrame(rows, columns=["account_id", "platform", "said_by"])
    return {ACCOUNT_PLATFORMS: frame} if rows else {}


def _files(lots: Lots) -> set[str]:
    return {Path(name).name for names, imported in lots for name in names if imported.platform}


def _said(
    account: str, lots: Lots, folder: Path, present: str | None, given: NewAccount
) -> dict[str, list[str]]:
    """Who says which platform: these files and earlier ones, accounts.csv, ``--platform``, else the name."""
    said: dict[str, list[str]] = {}
    for names, imported in lots:
        if imported.platform is not None:
            said.setdefault(imported.platform, []).extend(Path(name).name for name in names)
    for platform, by in _earlier(account, folder):
        said.setdefault(platform, []).append(by)
    if present is not None and present != _NOT_KNOWN and present not in said:
        said[present] = ["the table accounts"]
    if given.platform is not None:
        said.setdefault(given.platform, []).append(_BY_HAND)
    named = _PREFIXES.get(account.partition("-")[0])
    if named is not None and named not in said and present in (None, _NOT_KNOWN) and given.platform is None:
        said[named] = ["its name (--platform says otherwise)"]
    return {platform: list(dict.fromkeys(by)) for platform, by in said.items()}


def _earlier(account: str, folder: Path) -> Iterator[tuple[str, str]]:
    """What files of earlier imports have said."""
    rows = extra_rows(folder, ACCOUNT_PLATFORMS)
    mine = rows[rows["account_id"] == account]
    yield from zip(mine["platform"], mine["said_by"], strict=True)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _row(account: str, platform: str, title: str) -> pd.DataFrame:
    return pd.DataFrame({"account_id": [account], "platform": [platform], "title": [title]})


def _new(
    account: str, platform: str | None, folder: Path, given: NewAccount, *, free: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    title = given.title
    said: tuple[str, ...] = ()
    if given.platform is not None and given.platform not in PLATFORMS:
        raise InputError(f"--platform: found {given.platform!r}{did_you_mean(given.platform, PLATFORMS)}")
    if free:
        platform, title = platform or _NOT_KNOWN, title or account
        said = (
            f"account {account!r} is new: added as {title!r} on {platform} (--title and --platform say "
            "otherwise)",
        )
    if title is None or platform is None:
        raise InputError(
            f"account {account!r} is new in {folder}: give --title and --platform to add it "
            f"(platforms: {', '.join(PLATFORMS)})"
        )
    return _row(account, platform, title), said


def _refuse_strangers(lots: Lots, folder: Path, known: Iterable[str | None]) -> None:
    """Refuse rows of accounts that the data do not have: rules or a column of the file name them."""
    have = set(known)
    problems = []
    for names, imported in lots:
        owners = {
            owner
            for name, rows in imported.tables.items()
            if "account_id" in ALL_TABLES[name].names and len(rows)
            for owner in distinct(rows, "account_id")
        }
        if strange := sorted(owners - have):
            one = len(strange) == 1
            problems.append(
                f"{', '.join(names)}: rows belong to the account{'' if one else 's'} "
                f"{', '.join(map(repr, strange))}, which {folder} does not have: import a file of "
                f"{'that account' if one else 'each of them'} with --account first, or write "
                f"{'it' if one else 'them'} into accounts.csv there"
            )
    if problems:
        raise InputError(problems)


def distinct(rows: pd.DataFrame | Staged, column: str) -> list[str]:
    """The values of a column, each once."""
    if not isinstance(rows, Staged):
        return sorted(map(str, rows[column].dropna().unique()))
    with duckdb.connect() as connection:
        files = ", ".join(literal(str(file)) for file in rows.files)
        found = connection.execute(
            f"SELECT DISTINCT {quoted(column)} AS value FROM read_parquet([{files}]) WHERE value IS NOT NULL "
            "ORDER BY value"
        ).fetchall()
    return [str(row[0]) for row in found]
