"""Intervals, trends, forecasts and limits of every KPI in sentences, folded away under the scorecard."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import names
from kpi_kit.report.parts.markup import Column, block, details, items, paragraph, table
from kpi_kit.report.wording import Words, verdicts
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard


def shocks(card: Scorecard, words: Words) -> Markup | None:
    """The weeks in which all accounts of a platform moved together, each once, with the KPIs concerned."""
    concerned: dict[str, list[str]] = {}
    for name, record in zip(names(card, words), card["kpis"], strict=True):
        for shock in record["shocks"]:
            concerned.setdefault(verdicts.shock_sentence(shock, words), []).append(name)
    found = items(block("labelled", ", ".join(kpis), text) for text, kpis in concerned.items())
    return block("group", words.text("statistics.shocks"), found) if found else None


def statistics(card: Scorecard, words: Words) -> Markup:
    """Tabulate intervals, q, n, ρ, methods and back-tests of every KPI, folded away."""
    grain = Period.parse(card["period"]).grain
    columns = [
        Column("kpi", words.text("scorecard.kpi")),
        Column("previous", words.text("statistics.change", against=words.text(f"versus.previous.{grain}"))),
        Column("year_ago", words.text("statistics.change", against=words.text("versus.year_ago"))),
        Column("trend", words.text("scorecard.trend")),
        Column("chance", words.text("statistics.chance")),
        Column("limits", words.text("statistics.limits")),
    ]
    rows = [
        _row(card, record, name, words) for name, record in zip(names(card, words), card["kpis"], strict=True)
    ]
    shown = block("prose", table("statistics", columns, rows, words.text("statistics.heading")))
    legend = paragraph(words.text("statistics.legend"), "k-legend")
    return details(words.text("row.all_details"), shocks(card, words), shown, legend)


def _row(card: Scorecard, record: EntryRecord, name: str, words: Words) -> dict[str, str]:
    interim, change, trend = card["interim"], record["change"], record["trend"]
    year_ago = None if record["year_ago"] is None else record["year_ago"]["change"]
    if interim and (compared := record.get("to_date")):
        previous_days, year_ago_days = compared["previous"], compared["year_ago"]
        change = None if previous_days is None else previous_days["change"]
        year_ago = None if year_ago_days is None else year_ago_days["change"]
    return {
        "kpi": name,
        "previous": _sentences(
            verdicts.change_sentences(change, record, words, interim=interim),
            verdicts.change_basis(change, words),
        ),
        "year_ago": _sentences(
            verdicts.change_sentences(year_ago, record, words, interim=interim),
            verdicts.change_basis(year_ago, words),
        ),
        "trend": _sentences(
            verdicts.trend_sentences(trend, record, words), verdicts.trend_basis(trend, words)
        ),
        "chance": _sentences(verdicts.chance_sentences(record, words), None),
        "limits": _sentences([verdicts.limits_sentence(record, words)], None),
    }


def _sentences(sentences: Sequence[str], basis: str | None) -> Markup:
    """Sentences, and under them what they rest on."""
    return block("with_smaller", " ".join(sentences), [basis])
