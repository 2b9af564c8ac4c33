"""What accounts and entries are called on a page, and why an entry cannot be assessed."""

from __future__ import annotations

from collections import Counter

from kpi_kit.core.periods import Period
from kpi_kit.params.formulas import definition_of
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import AccountRecord, Scorecard


def titles(card: Scorecard, words: Words, *, with_platform: bool = False) -> dict[str, str]:
    """Return what accounts, brands and colleagues are called, by id.

    The platform stands beside a title that two accounts share (or, on request, beside every one), and
    the id too where they share even the platform.
    """
    accounts = [*card["assignments"], *card["deputised"]]
    shared = Counter(account["title"].casefold() for account in accounts)
    named = {
        account["account_id"]: _on_platform(account, words)
        if with_platform or shared[account["title"].casefold()] > 1
        else str(account["title"])
        for account in accounts
    }
    same = Counter(name.casefold() for name in named.values())
    own = {key: f"{name} ({key})" if same[name.casefold()] > 1 else name for key, name in named.items()}
    return {**card.get("called", {}), **own}


def names(card: Scorecard, words: Words) -> list[str]:
    """Return the names of the scorecard's entries, in their order."""
    grain, named = str(Period.parse(card["period"]).grain), titles(card, words)
    return [words.entry(record, grain, named) for record in card["kpis"]]


def reasons(card: Scorecard, record: EntryRecord, words: Words) -> list[tuple[str, str]]:
    """Why a KPI is not assessable, and who can mend it: a pair of sentences a reason."""
    named = titles(card, words)
    found = [note for note in record["notes"] if words.is_reason(note)]
    return [(words.note(note, named), words.mend(note, named)) for note in found]


def plain(record: EntryRecord) -> EntryRecord:
    """The entry as a value: so are the earlier values and the accounts of a change or growth."""
    return {**record, "as": "value", "unit": str(definition_of(record).unit)}


def _on_platform(account: AccountRecord, words: Words) -> str:
    platform = words.text(f"platform.{account['platform']}")
    return words.text("account_on_platform", title=account["title"], platform=platform)
