"""A scorecard in three sentences, and the names of the KPIs that cannot be assessed."""

from __future__ import annotations

from collections.abc import Callable

from kpi_kit.report.parts import names, titles
from kpi_kit.report.wording import Words, story
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard

_EARLY = ("interim_change", "period_not_begun")


def sentences(card: Scorecard, words: Words) -> list[str]:
    """How many plans were met, the entry that costs most, and what to do next; what there is of these."""
    named = names(card, words)
    steps = [words.inner(step.what) for step in story.steps(card, named, titles(card, words), words)]
    told = story.lead(card, named, words)
    return [*told, words.text("lead.next", steps="; ".join(steps))] if steps else told


def unassessed(card: Scorecard, words: Words) -> list[str]:
    """The names of the KPIs that cannot be assessed, in quotation marks."""
    return _named(card, words, lambda entry: not entry["assessable"])


def unexpected(card: Scorecard, words: Words) -> list[str]:
    """Those of them that need more than the end of the period."""
    return _named(card, words, lambda entry: not entry["assessable"] and not _is_early(entry, words))


def _named(card: Scorecard, words: Words, wanted: Callable[[EntryRecord], bool]) -> list[str]:
    """The names of some KPIs, in quotation marks."""
    pairs = zip(names(card, words), card["kpis"], strict=True)
    return [words.quote(name) for name, entry in pairs if wanted(entry)]


def _is_early(entry: EntryRecord, words: Words) -> bool:
    """Whether a KPI cannot be assessed for no other reason than that the period is not over."""
    return all(note["code"] in _EARLY for note in entry["notes"] if words.is_reason(note))
