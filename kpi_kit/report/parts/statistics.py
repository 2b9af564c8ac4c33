"""Verdicts beside the facts: short in the cells of the scorecard, in full in a table folded away under it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import names, plain, titles
from kpi_kit.report.parts.marks import spark, verdict_mark
from kpi_kit.report.parts.markup import Column, details, items, paragraph, table, tag
from kpi_kit.report.wording import Words, form, verdicts
from kpi_kit.scorecard.record import EntryRecord, Scorecard, required

_COMPARED = ("account_left_out", "brand_left_out")
"""Notes that what is compared is less than what is held."""


def change_cell(card: Scorecard, record: EntryRecord, words: Words) -> Markup:
    """The change against the period before, its verdict, and the earlier values that it is about."""
    change, before = record["change"], record["previous"]
    size, raw = verdicts.change_size(change, record, words), verdicts.raw_size(change, record, words)
    found = verdicts.change_verdict(change, record)
    text = verdicts.change_mark(change, record, words)
    if found.code == "absent" and card["interim"]:
        text = words.text("scorecard.early")
    elif found.code == "absent" and not record["assessable"]:  # it is this side that is missing
        text = words.text("state.not_assessable")
    return tag(
        "div",
        None if size is None else tag("b" if found.code == "real" else "span", size) + " ",
        verdict_mark(found, text),
        *_pieces(
            None
            if before is None
            else words.text("scorecard.earlier", value=words.value(before, form(plain(record)))),
            _year_ago(record, words),
            _comparable(card, record, words),
        ),
        *smaller(None if raw is None else words.text("scorecard.per_day", raw=raw)),
    )


def _pieces(*texts: str | None) -> list[str]:
    """Texts under a number, in one line where they fit."""
    found = [part for text in texts if text for part in (" ", tag("span", text))]
    return [" ", tag("span", *found[1:], class_="k-unit k-pieces")] if found else []


def _year_ago(record: EntryRecord, words: Words) -> Markup | None:
    """The value of a year ago; how it compares is said here only where it is real."""
    earlier = record["year_ago"]
    if earlier is None:
        return None
    text = words.text("scorecard.year_ago", value=words.value(earlier["value"], form(plain(record))))
    found = verdicts.change_verdict(earlier["change"], record)
    if found.code != "real":
        return tag("span", text)
    return tag(
        "span", text, ": ", verdict_mark(found, verdicts.change_mark(earlier["change"], record, words))
    )


def trend_cell(card: Scorecard, record: EntryRecord, words: Words) -> Markup:
    """The sparkline and the verdict on the trend."""
    found = verdicts.trend_verdict(record["trend"], record)
    mark = verdict_mark(found, verdicts.trend_mark(record["trend"], record, words))
    return tag("div", spark(record, words, interim=card["interim"]), mark, class_="k-heading")


def chance_cell(record: EntryRecord, words: Words) -> Markup:
    """The chance of the target ahead, or why there is no number."""
    number, mark = verdicts.chance_number(record, words), verdicts.chance_mark(record, words)
    if number is None:
        return tag("span", mark, class_="k-none")
    return tag("div", tag("b", number), *smaller(words.short(required(record["chance_period"])), mark))


def smaller(*texts: str | None) -> list[str]:
    """Texts under a number, each on its own line, or after a space where the lines run on."""
    return [part for text in texts if text for part in (" ", tag("span", text, class_="k-unit"))]


def is_marked(record: EntryRecord) -> bool:
    """Whether the earlier values are shown and are over fewer accounts or brands than are held."""
    shown = record["previous"] is not None or record["year_ago"] is not None
    return shown and any(note["code"] in _COMPARED for note in record["notes"])


def shocks(card: Scorecard, words: Words) -> Markup | None:
    """What all accounts of a platform did in common: each week once, with the KPIs that it concerns."""
    concerned: dict[str, list[str]] = {}
    for name, record in zip(names(card, words), card["kpis"], strict=True):
        for shock in record["shocks"]:
            concerned.setdefault(verdicts.shock_sentence(shock, words), []).append(name)
    found = items(tag("b", ", ".join(kpis)) + f". {text}" for text, kpis in concerned.items())
    return tag("div", tag("h3", words.text("statistics.shocks")), found, class_="k-shocks") if found else None


def statistics(card: Scorecard, words: Words) -> Markup:
    """Intervals, q, n, ρ, methods and back-tests of every KPI, folded away."""
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
    heading = words.text("statistics.heading")
    shown = tag("div", table("statistics", columns, rows, heading), class_="k-prose")
    return details(heading, shown, paragraph(words.text("statistics.legend"), "k-legend"))


def _row(card: Scorecard, record: EntryRecord, name: str, words: Words) -> dict[str, str]:
    interim, change, trend = card["interim"], record["change"], record["trend"]
    year_ago = None if record["year_ago"] is None else record["year_ago"]["change"]
    return {
        "kpi": name,
        "previous": _told(
            verdicts.change_sentences(change, record, words, interim=interim),
            verdicts.change_basis(change, words),
        ),
        "year_ago": _told(
            verdicts.change_sentences(year_ago, record, words, interim=interim),
            verdicts.change_basis(year_ago, words),
        ),
        "trend": _told(verdicts.trend_sentences(trend, record, words), verdicts.trend_basis(trend, words)),
        "chance": _told(verdicts.chance_sentences(record, words), None),
        "limits": _told([verdicts.limits_sentence(record, words)], None),
    }


def _told(sentences: Sequence[str], basis: str | None) -> Markup:
    """Sentences, and under them what they rest on."""
    return tag("div", " ".join(sentences), *smaller(basis))


def _comparable(card: Scorecard, record: EntryRecord, words: Words) -> Markup | None:
    """A mark that the earlier values are over fewer accounts; its tooltip says which are left out."""
    if not is_marked(record):
        return None
    named = titles(card, words)
    why = " ".join(words.note(note, named) for note in record["notes"] if note["code"] in _COMPARED)
    return tag("a", words.text("scorecard.comparable"), href="#notes", title=why)
