"""The scorecard on a terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from kpi_kit.core.sanitize import on_terminal
from kpi_kit.report import wording
from kpi_kit.report.parts.entries import names, reasons
from kpi_kit.report.wording import Words, arithmetic, robustness
from kpi_kit.scorecard.record import EntryRecord, Scorecard


def scorecard(card: Scorecard) -> Table:
    """Tabulate a scorecard; texts from data are shown, never interpreted."""
    words = wording.words(card["language"], card["currency"])
    table = Table(title=Text(on_terminal(f"{card['name']}, {words.period(card['period'])}")))
    for heading in ("KPI", "target", "fact", "attainment", "usual definitions", "weight"):
        table.add_column(heading)
    for name, record in zip(names(card, words), card["kpis"], strict=True):
        table.add_row(*(Text(on_terminal(cell)) for cell in (name, *_cells(card, record, words))))
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


def _cells(card: Scorecard, record: EntryRecord, words: Words) -> tuple[str, ...]:
    why = "; ".join(reason for reason, _ in reasons(card, record, words))
    firm = [robustness.verdict(record, words), robustness.turning(record, words)]
    return (
        words.target(record) if record["target"] else "–",
        words.fact(record) if record["assessable"] else why,
        "–" if record["attainment"] is None else words.attainment(record["attainment"]),
        "; ".join(text for text in firm if text) or "–",
        f"{record['weight']:g}",
    )
