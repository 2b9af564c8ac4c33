"""The scorecard on a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from kpi_kit.core.sanitize import on_terminal
from kpi_kit.report import wording
from kpi_kit.report.parts.entries import names, reasons
from kpi_kit.report.wording import arithmetic
from kpi_kit.report.wording.rows import rows
from kpi_kit.scorecard.record import Scorecard


def scorecard(card: Scorecard) -> Table:
    """Tabulate a scorecard as its page does; texts from data are shown, never interpreted."""
    words = wording.words(card["language"], card["currency"])
    table = Table(title=Text(on_terminal(f"{card['name']}, {words.period(card['period'])}")))
    for key in ("kpi", "fact", "plan", "attainment", "difference", "verdict"):
        table.add_column(words.text(f"row.{key}"))
    named = names(card, words)
    for row in rows(card, named, words):
        entry = card["kpis"][row.number - 1]
        why = "; ".join(reason for reason, _ in reasons(card, entry, words))
        name = f"{row.name} ({row.compared})" if row.compared else row.name
        cells = (name, why or row.fact, row.plan, row.attainment or "—", row.difference, row.outcome)
        table.add_row(*(Text(on_terminal(cell)) for cell in cells))
    return table


def computation(card: Scorecard) -> list[str]:
    """How the total and the bonus come about, line by line."""
    words = wording.words(card["language"], card["currency"])
    found, lines = arithmetic.sheet(card, words), [words.text("total.arithmetic")]
    if found is not None:
        labels = [words.text(key) for key in ("scorecard.attainment", "total.payout", "total.contribution")]
        for name, line in zip(names(card, words), found.lines, strict=True):
            lines += ["", name, f"  {words.sentence(line.given)}"]
            computed = zip(labels, (line.attainment, line.points, line.product), strict=True)
            lines += [f"  {label}: {text}" for label, text in computed if text is not None]
        lines += ["", *found.sums]
    bonus = arithmetic.bonus(card, words)
    if bonus:
        lines += ["", words.text("arithmetic.bonus_heading"), *(f"  {text}" for text in bonus)]
    return [on_terminal(line) for line in lines] if len(lines) > 1 else []
