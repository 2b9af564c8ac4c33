"""The department: a row a person, their KPIs as cells, and a year of totals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import names, titles
from kpi_kit.report.parts.first_screen import state_of
from kpi_kit.report.parts.markup import Column, details, join, page_part, table
from kpi_kit.report.wording import Words, story
from kpi_kit.report.wording.rows import (
    TONES,
    compared_so_far,
    comparison,
    currency_once,
    earlier_period,
    fact_and_plan,
    plan_text,
)
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.record import Scorecard

_HEADS = ("heading", "name", "total", "paid", "gap", "figures", "why", "next", "no_report")
_WIDTH, _HEIGHT, _ROOM = 220.0, 34.0, 4.0


def person_row(card: Scorecard, words: Words) -> dict[str, Any]:
    """A person in the words of the table; the same on the page and in messages."""
    named = names(card, words)
    change = story.total_difference(card, words)
    paid, bonus = story.paid_amount(card), card["bonus"]
    steps = story.steps(card, named, titles(card, words), words)
    extra = bonus["amount"] if bonus else None
    bonus_key = "people.bonus_alone" if paid is None else "people.bonus"
    return {
        "name": card["name"],
        "address": f"{quote(card['specialist'])}.html",
        "total": words.text("page.no_total") if card["total"] is None else words.total(card["total"]),
        "change": change[0] if change else "",
        "fell": bool(change and change[1]),
        "paid": "" if paid is None else words.money(paid),
        "by_days": words.text("people.by_days") if paid is not None and story.is_paid_by_days(card) else "",
        "bonus": "" if not extra else words.text(bonus_key, amount=words.money(extra)),
        **_worst(card, words),
        "why": story.reason(card, words),
        "next": words.inner(steps[0].what) if steps else "",
    }


def people_table(
    cards: Sequence[Scorecard], failed: Mapping[str, str], missing: Sequence[str], words: Words
) -> Markup:
    """Tabulate everyone, worst first; those without a report above."""
    ordered = verdict.worst_first(cards)
    people = [person_row(card, words) for card in ordered]
    states = [state_of(card, words) for card in ordered]
    for person, state in zip(people, states, strict=True):
        person["state"] = state if len(set(states)) > 1 else ""
    heads = {
        key: words.text(f"people.{key}")
        for key in ("heading", "name", "total", "paid", "gap", "figures", "why")
    }
    heads |= {"next": words.text("people.next"), "no_report": words.text("people.no_report"), "change": ""}
    if cards and any(person["change"] for person in people):
        heads["change"] = words.versus(str(Period.parse(cards[0]["period"]).previous))
    if any(card["interim"] for card in cards):
        heads["paid"] = words.text("people.paid_so_far")
    absent = []
    if missing or failed:
        total = len(cards) + len(missing) + len(failed)
        count, whole = words.number(len(cards)), words.number(total)
        absent.append(words.text("department.reports", count=count, total=whole))
    if missing:
        absent.append(words.text("department.missing", names=words.join(missing)))
    return page_part(
        "people",
        heads=heads,
        people=people,
        paid=any(person["paid"] or person["bonus"] for person in people),
        failed=list(failed.items()),
        missing=" ".join(absent),
        legend=" ".join(_legend(cards, words)),
    )


def _legend(cards: Sequence[Scorecard], words: Words) -> Iterator[str]:
    """What total and payout are, and how many plans of the department were met."""
    interim = any(card["interim"] for card in cards)
    yield words.text("people.total_is_so_far" if interim else "people.total_is")
    if any(story.paid_amount(card) is not None for card in cards):
        yield words.text("people.paid_is")
    yield story.met_of_all(cards, words)
    yield words.text("people.significance")


def cells(cards: Sequence[Scorecard], words: Words) -> Markup | None:
    """Each person's KPIs as cells in the order of the KPI groups."""
    people = [{"name": card["name"], "cells": _cells(card, words)} for card in verdict.worst_first(cards)]
    if not any(person["cells"] for person in people):
        return None
    return page_part("cells", people=people, legend=words.text("department.heatmap_message"))


def year(cards: Sequence[Scorecard], words: Words) -> Markup | None:
    """A year of totals as small lines; None where nobody has two."""
    lines = [line for card in verdict.worst_first(cards) if (line := _line(card, words))]
    if not lines:
        return None
    periods = dict.fromkeys(period for line in lines for period in line["totals"])
    columns = [Column("name", words.text("people.name"))]
    columns += [Column(period, words.short(period), numeric=True) for period in periods]
    rows = [{"name": line["name"], **dict.fromkeys(periods, "—"), **line["totals"]} for line in lines]
    values = details(
        words.text("page.values"), table("year-values", columns, rows, words.text("people.year"))
    )
    return join([page_part("year", lines=lines, width=_WIDTH, height=_HEIGHT), values])


def _worst(card: Scorecard, words: Words) -> dict[str, str]:
    """The entry that costs most: fact and plan, and its difference."""
    worst = verdict.worst_entry(card)
    if worst is None or not card["kpis"][worst]["assessable"]:
        return {"worst": "", "of": "", "difference": ""}
    entry, name = card["kpis"][worst], words.short_entry(card["kpis"][worst])
    fact, plan = fact_and_plan(entry, words)
    compared = comparison(entry, card, words)
    shown = compared.now if compared and compared.is_fact else fact
    figure, asked = currency_once(entry, shown.text if shown else "—", plan_text(entry, plan, words))
    both = words.text("people.of", fact=figure, plan=asked)
    difference, when = "", words.inside(earlier_period(entry, card))
    change = verdict.judged_change(entry)
    if card["interim"]:
        compared, change, days = compared_so_far(entry, words) or (None, None, "")
        when = words.text("people.same_days", days=days)
    if compared:
        if compared.is_fact and compared.difference[:1] in "+−":
            size = compared.difference[1:]
            difference = words.text("people.less" if compared.falls else "people.more", size=size, when=when)
        elif not compared.is_fact:
            difference = compared.line
        if difference and compared.effect:
            difference += words.text("people.significant")
        elif difference and change is not None and change["real"] is False:
            difference += words.text("people.by_chance")
    return {"worst": name, "of": both, "difference": difference}


def _cells(card: Scorecard, words: Words) -> list[dict[str, str]]:
    threshold = card["scoring"]["threshold"]
    shown = []
    for entry in sorted(card["kpis"], key=lambda entry: entry["group"]):
        code = entry.get("verdict") or verdict.entry_verdict(entry, card)
        outcome, attainment = words.text(f"outcome.{code}"), entry["attainment"]
        text = outcome if attainment is None else words.attainment(attainment, threshold)
        shown.append(
            {"name": words.short_entry(entry), "tone": TONES[code], "text": text, "outcome": outcome}
        )
    return shown


def _line(card: Scorecard, words: Words) -> dict[str, Any] | None:
    totals = [(past["period"], past["value"]) for past in card.get("totals", ())][-13:]
    if card["interim"]:
        totals = totals[:-1]
    known = [value for _, value in totals if value is not None]
    if len(known) < 2:
        return None
    low, high = min(0.5, *known), max(1.2, *known)
    step = (_WIDTH - 2 * _ROOM) / max(1, len(totals) - 1)

    def height(value: float) -> float:
        return _HEIGHT - _ROOM - (value - low) / (high - low) * (_HEIGHT - 2 * _ROOM)

    points, path, pen = [], "", "M"
    for place, (period, value) in enumerate(totals):
        if value is None:
            pen = "M"
            continue
        x, y = _ROOM + place * step, height(value)
        points.append((x, y, f"{words.period(period)}: {words.total(value)}"))
        path += f"{pen}{x:.1f} {y:.1f}"
        pen = "L"
    label = ", ".join(text for _, _, text in points)
    return {
        "name": card["name"],
        "label": f"{card['name']}: {label}",
        "path": path,
        "points": points,
        "hundred": height(1.0),
        "last": words.total(known[-1]),
        "totals": {period: words.total(value) for period, value in totals if value is not None},
    }
