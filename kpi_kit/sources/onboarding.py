"""What exports tell of an agency: accounts with titles and platforms, owners of files, rules of sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources import SOURCES, ImportOptions
from kpi_kit.sources.attribution import Attribution, Rule
from kpi_kit.sources.file_head import head_of
from kpi_kit.sources.inbox import files_of
from kpi_kit.sources.recognise import recognise
from kpi_kit.sources.text_files import normal
from kpi_kit.sources.wide_sheet import titles_in

PLATFORM_OF: Mapping[str, str] = {
    "vk-api": "vk",
    "vk-posts": "vk",
    "vk-statistics": "vk",
    "telegram-desktop": "telegram",
    "telegram-graphs": "telegram",
    "telethon": "telegram",
    "tgstat": "telegram",
    "youtube": "youtube",
    "meta": "instagram",
    "tiktok": "tiktok",
}
BY_RULES = ("metrica", "ga4", "amocrm", "bitrix24")
"""Kinds whose rows belong to accounts by their sources."""
OF_BRANDS = ("wordstat", "brand-analytics", "youscan")
_FIELDS = (
    "utm_source",
    "source",
    "network",
    "messenger",
    "source_medium",
    "utm_campaign",
    "channel",
    "referrer",
)
"""Fields that say where a visit or lead is from, the best first."""
_WORDS = {
    "vk": r"вк|vk|вконтакте|vkontakte",
    "telegram": r"телеграмм?|телега|тг|tg|telegram",
    "dzen": r"дзен|dzen|zen",
    "ok": r"ок|ok|одноклассники|odnoklassniki",
    "youtube": r"ютуб|youtube|yt",
    "instagram": r"инстаграмм?|инста|instagram|insta|ig",
    "tiktok": r"тикток|tiktok|tt",
}
_PREFIX = {"vk": "vk", "telegram": "tg", "dzen": "dzen", "ok": "ok"}
_PREFIX |= {"youtube": "yt", "instagram": "ig", "tiktok": "tt", "other": "site"}
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya".split(" "),
        strict=True,
    )
)


_NEVER = Rule("any", re.compile(r"(?!)"), "")
"""A rule that matches nothing: readers ask for rules."""


@dataclass(frozen=True)
class Export:
    """A file and what is known of it.

    Parameters
    ----------
    path : Path
    name : str
        Its path within the folder that was given.
    source : str
        The importer; empty where the file is not recognised.
    problem : str
        Why it is not.
    """

    path: Path
    name: str
    source: str
    problem: str = ""


@dataclass
class Account:
    """An account that the exports tell of."""

    id: str
    platform: str
    title: str


@dataclass
class Agency:
    """What the exports tell of an agency.

    Parameters
    ----------
    exports : list of Export
    accounts : dict of str to Account
    owners : dict of str to str
        By file, the account or brand.
    rules : list of (str, str, str)
        Field, value and account of visits and leads.
    unmatched : dict of str to Counter
        By field, values that no account was found for, with how often they occur.
    titles : dict of str to str
        The account of each title in sheets.
    brands : list of str
    """

    exports: list[Export] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    rules: list[tuple[str, str, str]] = field(default_factory=list)
    unmatched: dict[str, Counter[str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    brands: list[str] = field(default_factory=list)

    @property
    def homeless(self) -> list[Export]:
        """Recognised files whose account is not known."""
        own = (*BY_RULES, *OF_BRANDS, "wide-sheet", "")
        return [e for e in self.exports if e.source not in own and e.name not in self.owners]


@dataclass(frozen=True)
class _Recorder(Attribution):
    """Rules that record the fields of rows and match none."""

    seen: dict[str, Counter[str]] = field(default_factory=dict)

    def account_of(self, fields: Mapping[str, str]) -> str | None:
        for name, text in fields.items():
            if text:
                self.seen.setdefault(name, Counter())[text] += 1
        return None


def latin(text: str) -> str:
    """A text as an id: Latin letters, digits and hyphens.

    Examples
    --------
    >>> latin("Зерно и пар"), latin("Щётка №5")
    ('zerno-i-par', 'shchetka-5')
    """
    letters = "".join(_LATIN.get(letter, letter) for letter in text.casefold())
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def platform_in(text: str) -> str | None:
    """The platform that a title names.

    Examples
    --------
    >>> platform_in("Зерно и пар ВК"), platform_in("tg_lavka"), platform_in("Покупки")
    ('vk', 'telegram', None)
    """
    words = set(re.split(r"[^\w]+|_", text.casefold()))
    named = [name for name, listed in _WORDS.items() if words & set(_spellings(listed))]
    return named[0] if len(named) == 1 else None


def _spellings(pattern: str) -> Iterator[str]:
    for word in pattern.split("|"):
        yield word.replace("м?", "м")
        yield word.replace("м?", "")


def without_platform(title: str) -> str:
    """A title without the word for its platform.

    Examples
    --------
    >>> without_platform("Зерно и пар ВК"), without_platform("ВК")
    ('Зерно и пар', 'ВК')
    """
    spellings = {word for listed in _WORDS.values() for word in _spellings(listed)}
    kept = [word for word in title.split() if word.casefold().strip('.,:()«»"') not in spellings]
    return " ".join(kept).strip(" -–—:,()") or title


def look_at(places: Sequence[Path]) -> Agency:
    """Recognise exports and derive accounts, owners and rules from them.

    Parameters
    ----------
    places : sequence of Path
        Files, or folders of them.

    Raises
    ------
    InputError
        Where a place does not exist or holds no file.
    """
    missing = [Phrase("sources.from_missing", place=place) for place in places if not place.exists()]
    if missing:
        raise InputError(missing)
    agency = Agency(list(_exports(places)))
    if not agency.exports:
        raise InputError(Phrase("sources.no_exports", places=places))
    for export in agency.exports:
        if export.source == "wide-sheet":
            for title in titles_in(export.path):
                _add(agency, title, platform_in(title) or "other")
    for export in agency.exports:
        if export.source in PLATFORM_OF:
            _of_platform(agency, export)
    for export in agency.exports:
        _by_place(agency, export)
    find_rules(agency)
    return agency


def _exports(places: Sequence[Path]) -> Iterator[Export]:
    importers = {name: importer for name, importer in SOURCES.items() if name != "csv"}
    for place in places:
        for file in files_of(place) if place.is_dir() else [place]:
            name = file.relative_to(place).as_posix() if place.is_dir() else file.name
            try:
                yield Export(file, name, recognise(file, importers).source)
            except InputError as fault:
                yield Export(file, name, "", fault.problems[0])


def _add(agency: Agency, title: str, platform: str) -> Account:
    """The account of a title; a new one gets an id from the platform and the title."""
    known = agency.titles.get(normal(title))
    if known is not None:
        return agency.accounts[known]
    base = f"{_PREFIX[platform]}-{latin(without_platform(title))[:40].strip('-') or 'account'}"
    name, number = base, 2
    while name in agency.accounts:
        name, number = f"{base}-{number}", number + 1
    agency.accounts[name] = Account(name, platform, " ".join(title.split()))
    agency.titles[normal(title)] = name
    return agency.accounts[name]


def _of_platform(agency: Agency, export: Export) -> None:
    """Find or add the account of an export whose kind tells its platform."""
    platform = PLATFORM_OF[export.source]
    folder = Path(export.name).parent.name
    title = folder or _own_title(export) or ""
    own = [account for account in agency.accounts.values() if account.platform == platform]
    named = _named(title or Path(export.name).stem, own)
    if named is None and not folder and not title and len(own) == 1:
        named = own[0]
    if named is None and not (len(own) > 1 and not title):
        named = _add(agency, title or Path(export.name).stem, platform)
    if named is not None:
        agency.owners[export.name] = named.id


def _own_title(export: Export) -> str | None:
    """The title that the export itself has."""
    if export.source != "telegram-desktop":
        return None
    value = head_of(export.path).values.get("name")
    return str(value) if value else None


def _by_place(agency: Agency, export: Export) -> None:
    """The account of a file by its folder or name, where its kind does not tell."""
    if export.name in agency.owners or export.source in ("", "wide-sheet"):
        return
    path = Path(export.name)
    if export.source in OF_BRANDS:
        brand = latin(path.parent.name or path.stem)
        agency.owners[export.name] = brand
        agency.brands += [brand] if brand not in agency.brands else []
        return
    accounts = list(agency.accounts.values())
    named = _named(path.parent.name, accounts) or (
        None if export.source in BY_RULES else _named(path.stem, accounts)
    )
    if named is None and export.source not in BY_RULES and len(accounts) == 1:
        named = accounts[0]
    if named is not None:
        agency.owners[export.name] = named.id


def _named(text: str, accounts: Iterable[Account]) -> Account | None:
    """The account that a text names: by id, title, or by platform and a word of the title."""
    if not text:
        return None
    listed = list(accounts)
    for account in listed:
        if normal(text) in (normal(account.title), account.id):
            return account
    return by_words(text, listed)


def by_words(text: str, accounts: Iterable[Account]) -> Account | None:
    """The one account whose platform and title share words with a text; None where it is not one.

    Examples
    --------
    >>> listed = [Account("vk-zerno-i-par", "vk", "Зерно"), Account("tg-lavka", "telegram", "Лавка")]
    >>> by_words("vk_zerno", listed).id, by_words("telegram", listed).id, by_words("yandex", listed)
    ('vk-zerno-i-par', 'tg-lavka', None)
    """
    platform = platform_in(text)
    words = {word for word in latin(text).split("-") if len(word) > 2}
    alike = [account for account in accounts if platform is None or account.platform == platform]
    scores = {account.id: len(words & set(account.id.split("-")[1:])) for account in alike}
    best = max(scores.values(), default=0)
    nearest = [account for account in alike if scores[account.id] == best]
    if best > 0 and len(nearest) == 1:
        return nearest[0]
    rest = words - {latin(word) for listed in _WORDS.values() for word in _spellings(listed)}
    return alike[0] if platform is not None and len(alike) == 1 and not rest else None


def find_rules(agency: Agency) -> None:
    """Find the account of each source of visits and leads."""
    for export in agency.exports:
        if export.source not in BY_RULES or export.name in agency.owners:
            continue
        recorder = _Recorder(rules=(_NEVER,))
        try:
            SOURCES[export.source].read([export.path], ImportOptions(attribution=recorder, strict=False))
        except InputError:
            continue  # the import says it
        name = next((name for name in _FIELDS if name in recorder.seen), None)
        if name is None:
            continue
        for value, count in sorted(recorder.seen[name].items()):
            account = by_words(value, agency.accounts.values())
            rule = (name, value, "" if account is None else account.id)
            if account is None:
                agency.unmatched.setdefault(name, Counter())[value] += count
            elif rule not in agency.rules:
                agency.rules.append(rule)
