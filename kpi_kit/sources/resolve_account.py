"""Resolve the account of imported rows, and its platform, in any order of imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import PLATFORMS
from kpi_kit.data.merge import ACCOUNT_PLATFORMS, ALL_TABLES
from kpi_kit.data.merge.extra import extra_rows
from kpi_kit.data.store import Store
from kpi_kit.sources import Imported, ImportOptions
from kpi_kit.sources.coverage import distinct
from kpi_kit.sources.rows import in_quotes, joined, shortened

PREFIXES = {
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
_MOST_LISTED = 5


@dataclass(frozen=True)
class NewAccount:
    """Title and platform of an account that may be new, if stated."""

    title: str | None = None
    platform: str | None = None


@dataclass(frozen=True)
class ResolvedAccount:
    """The account of an import.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        A row for ``accounts`` where it is new or its platform was not known; who said which platform.
    sentences : tuple of str
        For the user.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()

    def stated_by(self, files: Sequence[str], imported: Imported) -> dict[str, pd.DataFrame]:
        """The rows that some of the files state: each speaks for itself, and for a new account."""
        if not any("account_id" in ALL_TABLES[name].names for name in imported.tables):
            return {}
        stated = dict(self.tables)
        if ACCOUNT_PLATFORMS in stated:
            rows = stated[ACCOUNT_PLATFORMS]
            stated[ACCOUNT_PLATFORMS] = rows[rows["said_by"].isin([*files, _BY_HAND])].reset_index(drop=True)
        return stated


ReadFiles = Sequence[tuple[Sequence[str], Imported]]
"""Names of the files, and what was in them."""


def resolve_account(
    read: ReadFiles,
    folder: Path,
    store: Store | None,
    options: ImportOptions,
    stated: NewAccount,
    *,
    may_add: bool,
) -> ResolvedAccount:
    """Find the account of the rows, and its platform.

    Parameters
    ----------
    read : sequence of (names, Imported)
    folder : Path
    store : Store or None
        The data as they are, where there are any.
    options : ImportOptions
    stated : NewAccount
    may_add : bool
        Whether title and platform may be taken from what is known, as ``auto`` does.

    Raises
    ------
    InputError
        Where rows belong to an account that the data do not have, or to one that is on another platform.
    """
    owned = [part for part in read if any("account_id" in ALL_TABLES[name].names for name in part[1].tables)]
    platforms = (
        {} if store is None else dict(zip(store.accounts.index, store.accounts["platform"], strict=True))
    )
    _refuse_strangers(owned, folder, {*platforms, options.account})
    if options.account is None or not owned:
        return ResolvedAccount()
    stored_platform = platforms.get(options.account)
    claims = _claims(options.account, owned, folder, stored_platform, stated)
    if len(claims) > 1:
        listed = joined(
            [
                Phrase("sources.claim", platform=name, **shortened(claims[name], _MOST_LISTED))
                for name in sorted(claims)
            ]
        )
        raise InputError(Phrase("sources.account_on_several", account=options.account, claims=listed))
    platform, by = next(iter(claims.items()), (None, []))
    evidence = _evidence(options.account, claims, owned, stated)
    if stored_platform is None or store is None:
        row, sentences = _new(options.account, platform, folder, stated, may_add=may_add)
    elif stored_platform == _NOT_KNOWN and platform not in (None, _NOT_KNOWN):
        row = _row(options.account, str(platform), str(store.accounts.loc[options.account, "title"]))
        fields = {"account": options.account, "platform": platform, "before": _NOT_KNOWN}
        sentences = (Phrase("sources.account_moved", **fields, **shortened(by, _MOST_LISTED)),)
    else:
        return ResolvedAccount(evidence)
    return ResolvedAccount({**evidence, "accounts": row}, sentences)


def _evidence(
    account: str, claims: Mapping[str, Sequence[str]], read: ReadFiles, stated: NewAccount
) -> dict[str, pd.DataFrame]:
    """Who says now which platform, to be remembered."""
    files = _files(read)
    rows = [(account, platform, by) for platform, listed in claims.items() for by in listed if by in files]
    rows += [(account, stated.platform, _BY_HAND)] if stated.platform else []
    frame = pd.DataFrame(rows, columns=["account_id", "platform", "said_by"])
    return {ACCOUNT_PLATFORMS: frame} if rows else {}


def _files(read: ReadFiles) -> set[str]:
    return {Path(name).name for names, imported in read for name in names if imported.platform}


def _claims(
    account: str, read: ReadFiles, folder: Path, known_platform: str | None, stated: NewAccount
) -> dict[str, list[str]]:
    """Who says which platform: these files and earlier ones, accounts.csv, ``--platform``, else the name."""
    claims: dict[str, list[str]] = {}
    for names, imported in read:
        if imported.platform is not None:
            claims.setdefault(imported.platform, []).extend(Path(name).name for name in names)
    for platform, by in _earlier(account, folder):
        claims.setdefault(platform, []).append(by)
    if known_platform is not None and known_platform != _NOT_KNOWN and known_platform not in claims:
        claims[known_platform] = [Phrase("sources.claim_table")]
    if stated.platform is not None:
        claims.setdefault(stated.platform, []).append(_BY_HAND)
    named = PREFIXES.get(account.partition("-")[0])
    if (
        named is not None
        and named not in claims
        and known_platform in (None, _NOT_KNOWN)
        and stated.platform is None
    ):
        claims[named] = [Phrase("sources.claim_name")]
    return {platform: list(dict.fromkeys(by)) for platform, by in claims.items()}


def _earlier(account: str, folder: Path) -> Iterator[tuple[str, str]]:
    """What files of earlier imports have said."""
    rows = extra_rows(folder, ACCOUNT_PLATFORMS)
    own = rows[rows["account_id"] == account]
    yield from zip(own["platform"], own["said_by"], strict=True)


def _row(account: str, platform: str, title: str) -> pd.DataFrame:
    return pd.DataFrame({"account_id": [account], "platform": [platform], "title": [title]})


def _new(
    account: str, platform: str | None, folder: Path, stated: NewAccount, *, may_add: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    title = stated.title
    claims: tuple[str, ...] = ()
    if stated.platform is not None and stated.platform not in PLATFORMS:
        nearest = did_you_mean(stated.platform, PLATFORMS)
        raise InputError(Phrase("sources.platform_unknown", found=stated.platform, nearest=nearest))
    if may_add:
        platform, title = platform or _NOT_KNOWN, title or account
        claims = (Phrase("sources.account_new", account=account, title=title, platform=platform),)
    if title is None or platform is None:
        raise InputError(
            Phrase("sources.account_new_unknown", account=account, folder=folder, names=PLATFORMS)
        )
    return _row(account, platform, title), claims


def _refuse_strangers(read: ReadFiles, folder: Path, accounts: Iterable[str | None]) -> None:
    """Refuse rows of accounts that the data do not have: rules or a column of the file name them."""
    have = set(accounts)
    problems = []
    for names, imported in read:
        owners = {
            owner
            for name, rows in imported.tables.items()
            if "account_id" in ALL_TABLES[name].names and len(rows)
            for owner in distinct(rows, "account_id")
        }
        if unknown := sorted(owners - have):
            code = "sources.stranger_one" if len(unknown) == 1 else "sources.stranger_several"
            problems.append(Phrase(code, files=names, names=in_quotes(unknown), folder=folder))
    if problems:
        raise InputError(problems)
