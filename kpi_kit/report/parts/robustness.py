"""Whether a verdict hangs on a definition: a line in the scorecard, and a table folded away under it."""

from __future__ import annotations

from markupsafe import Markup

from kpi_kit.report.parts.entries import names, titles
from kpi_kit.report.parts.markup import Column, block, details, paragraph, table
from kpi_kit.report.wording import Words
from kpi_kit.report.wording import robustness as said
from kpi_kit.scorecard.entry_record import EntryRecord, required
from kpi_kit.scorecard.record import Scorecard


def robustness(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate the value and the verdict under every usual definition; None where there is no other."""
    rows = [
        {"kpi": name, "verdict": _verdict(record, words), "definitions": _definitions(card, record, words)}
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if record["robustness"] is not None
    ]
    if not rows:
        return None
    heading = words.text("robustness.heading")
    columns = [
        Column("kpi", words.text("scorecard.kpi")),
        Column("verdict", words.text("robustness.column")),
        Column("definitions", words.text("robustness.definitions")),
    ]
    shown = block("prose", table("robustness", columns, rows, heading))
    return details(heading, shown, paragraph(words.text("robustness.legend"), "k-legend"))


def _verdict(record: EntryRecord, words: Words) -> Markup:
    verdict, turned = said.verdict(record, words), said.turning(record, words)
    told = words.text("robustness.alone") if verdict is None else words.sentence(verdict)
    return block("two_sentences", told, "" if turned is None else words.sentence(turned))


def _definitions(card: Scorecard, record: EntryRecord, words: Words) -> Markup:
    named = titles(card, words)
    outcomes = [
        (said.name(one, words), said.outcome(one, record, words, named), one["turns"])
        for one in required(record["robustness"])["definitions"]
    ]
    return block("definitions", outcomes)
