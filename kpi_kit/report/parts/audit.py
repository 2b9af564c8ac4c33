"""The SMART audit of a specialist's targets: what does not pass, and what would."""

from __future__ import annotations

from markupsafe import Markup

from kpi_kit.report.parts.entries import names
from kpi_kit.report.parts.markup import Column, block, items, join, paragraph, table
from kpi_kit.report.wording import Words, audit
from kpi_kit.scorecard.record import Scorecard


def smart(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate the targets with findings, then what is unusual about the set; a line where all is well."""
    if not card["kpis"]:
        return None
    rows = [
        {
            "kpi": name,
            "letter": ", ".join(dict.fromkeys(audit.criterion(one, words) for one in record["audit"])),
            "finding": " ".join(
                text for one in record["audit"] for text in audit.entry_sentences(one, record, words)
            ),
        }
        for name, record in zip(names(card, words), card["kpis"], strict=True)
        if record["audit"]
    ]
    columns = [
        Column("kpi", words.text("scorecard.kpi")),
        Column("letter", words.text("smart.fails")),
        Column("finding", words.text("smart.why")),
    ]
    others, rest = len(card["kpis"]) - len(rows), "smart.pass" if rows else "smart.pass_all"
    parts = [
        table("smart-table", columns, rows, words.text("smart.heading")) if rows else None,
        paragraph(words.plural(rest, others), "k-legend") if others else None,
        block("subheading", words.text("smart.whole")) if card["audit"] else None,
        items(audit.set_sentence(one, words) for one in card["audit"]),
    ]
    return join(parts)
