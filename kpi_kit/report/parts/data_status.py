"""The status of the data: until when they reach, what cannot be assessed, and which data are there."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from kpi_kit.data.status import Row, State
from kpi_kit.report.parts.entries import names, reasons, titles
from kpi_kit.report.parts.first_screen import cut_off
from kpi_kit.report.parts.markup import Column, block, details, items, join, paragraph, table
from kpi_kit.report.parts.scorecard import UNFINISHED
from kpi_kit.report.wording import Words
from kpi_kit.report.wording.status import called, holes
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.record import Scorecard

_TONES = {State.HERE: "good", State.PARTIAL: "warn", State.MISSING: "bad", State.DOUBTFUL: "unknown"}


def data_status(cards: Sequence[Scorecard], rows: Sequence[Row], words: Words) -> Markup | None:
    """Until when the data reach, what cannot be assessed and why, notes, and which data are there."""
    if not cards:
        return None
    columns = [
        Column("name", words.text("people.name")),
        Column("kpi", words.text("scorecard.kpi")),
        Column("reason", words.text("notes.reason")),
        Column("mend", words.text("notes.mend")),
    ]
    unassessed = [
        {
            "name": card["name"],
            "kpi": name,
            "reason": " ".join(reason for reason, _ in why),
            "mend": " ".join(mend for _, mend in why),
        }
        for card in verdict.worst_first(cards)
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if not record["assessable"]
        for why in [reasons(card, record, words)]
    ]
    moments = dict.fromkeys(cut_off(card, words) for card in cards)
    whose: dict[str, list[str]] = {}
    for card in cards:
        for note in card["notes"]:
            if note["code"] not in UNFINISHED:
                whose.setdefault(words.note(note, titles(card, words)), []).append(card["name"])
    notes = [words.text("mail.of", names=words.join(people), text=text) for text, people in whose.items()]
    assessed = words.text("department.all_assessed") if not unassessed else None
    caption = words.text("notes.unassessed")
    return join(
        [
            paragraph(". ".join(map(words.sentence, [*moments, *([assessed] if assessed else [])])) + "."),
            table("data-unassessed", columns, unassessed, caption) if unassessed else None,
            items(notes),
            matrix(rows, words),
        ]
    )


def matrix(rows: Sequence[Row], words: Words) -> Markup | None:
    """Tables by account and month: here, partial, missing or doubtful, with the export for each hole."""
    if not rows:
        return None
    months = [str(month) for month in rows[0].states]
    columns = [
        Column("owner", words.text("status.account")),
        Column("table", words.text("status.table")),
        *(Column(month, words.period(month)) for month in months),
    ]
    alike: dict[tuple[str, tuple[State, ...]], list[Row]] = {}
    for row in rows:
        alike.setdefault((row.owner, tuple(row.states.values())), []).append(row)
    cells = [
        {
            "owner": called(group[0], words),
            "table": ", ".join(words.text(f"table.{row.table}") for row in group),
            **{str(month): _cell(state, words) for month, state in group[0].states.items()},
        }
        for group in alike.values()
    ]
    heading, lines = words.text("status.title"), list(holes(rows, words))
    lacking = words.plural("status.gaps", len(lines)) if lines else words.text("status.all_here")
    return details(
        f"{heading}: {lacking}",
        table("data-tables", columns, cells, heading),
        paragraph(words.text("status.holes")) if lines else None,
        items(lines),
    )


def _cell(state: State, words: Words) -> str:
    text = words.text(f"status.{state}")
    return block("outcome", _TONES[state], text) if state in _TONES else text
