"""The KPIs of an absent colleague on the days of the absence, for the deputy: folded away, never paid."""

from __future__ import annotations

from typing import cast

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import titles
from kpi_kit.report.parts.markup import Column, details, join, paragraph, table
from kpi_kit.report.wording import Words, form
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import DeputisedEntry, DeputyFor, Scorecard


def deputies(card: Scorecard, words: Words) -> Markup | None:
    """A table a colleague for whom the person stands in; None where there is none."""
    return join([_colleague(card, found, words) for found in card.get("deputy_for", [])]) or None


def _colleague(card: Scorecard, found: DeputyFor, words: Words) -> Markup:
    days = words.span(found["since"], found["until"])
    heading = words.text("deputy.heading", name=found["name"], days=days)
    rows = [_row(card, entry, words) for entry in found["kpis"]]
    columns = [
        Column("kpi", words.text("row.kpi")),
        Column("fact", words.text("row.fact"), numeric=True),
        Column("note", words.text("deputy.note")),
    ]
    shown = table(f"deputy-{found['specialist']}-{found['since']}", columns, rows, heading) if rows else None
    return details(
        heading, shown, paragraph(words.text("deputy.legend" if rows else "deputy.none"), "k-legend")
    )


def _row(card: Scorecard, entry: DeputisedEntry, words: Words) -> dict[str, str]:
    named, value = titles(card, words), entry["value"]
    notes = [words.note(note, named) for note in entry["notes"]]
    return {
        "kpi": words.entry(cast(EntryRecord, entry), str(Period.parse(card["period"]).grain), named),
        "fact": "—" if value is None else words.value(value, form(entry)),
        "note": " ".join(notes) or "—",
    }
