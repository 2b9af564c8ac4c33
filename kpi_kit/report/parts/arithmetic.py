"""The arithmetic of total and bonus."""

from __future__ import annotations

from markupsafe import Markup

from kpi_kit.report.parts.entries import names
from kpi_kit.report.parts.markup import Column, block, items, join, paragraph, table
from kpi_kit.report.wording import Words
from kpi_kit.report.wording import arithmetic as computed
from kpi_kit.scorecard.record import Scorecard


def arithmetic(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate how each KPI comes to its points, then the sums and the bonus; None where there is neither."""
    sheet, bonus = computed.sheet(card, words), computed.bonus(card, words)
    parts = [
        *(() if sheet is None else _total(card, sheet, words)),
        block("subheading", words.text("arithmetic.bonus_heading")) if bonus else None,
        items(bonus),
    ]
    return join(parts) or None


def _total(card: Scorecard, sheet: computed.Sheet, words: Words) -> list[Markup | None]:
    scoring = card["scoring"]
    columns = [
        Column("kpi", words.text("scorecard.kpi")),
        Column("attainment", words.text("scorecard.attainment")),
        Column("points", words.text("total.payout")),
        Column("product", words.text("total.contribution")),
    ]
    rows = [
        {
            "kpi": name,
            "attainment": block(
                "with_smaller", line.attainment or line.given, [line.attainment and line.given]
            ),
            "points": line.points or "—",
            "product": line.product or "—",
        }
        for name, line in zip(names(card, words), sheet.lines, strict=True)
    ]
    rule = words.text(
        "total.rule",
        threshold=words.share(scoring["threshold"]),
        at_threshold=words.number(scoring["payout_at_threshold"], 2),
        cap=words.number(scoring["cap"], 2),
    )
    rest = words.text(f"total.not_assessable.{scoring['not_assessable']}")
    shown = block("prose", table("arithmetic", columns, rows, words.text("total.arithmetic")))
    return [paragraph(f"{rule} {rest}"), shown, items(sheet.sums)]
