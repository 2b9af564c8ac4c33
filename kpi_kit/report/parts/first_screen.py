"""The first screen of a specialist: total, payout, one sentence, what next, and the table of KPIs."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import names, titles
from kpi_kit.report.parts.markup import page_part
from kpi_kit.report.parts.page import branded
from kpi_kit.report.wording import Words, story
from kpi_kit.report.wording.arithmetic import no_bonus
from kpi_kit.report.wording.rows import rows
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.entry_record import required
from kpi_kit.scorecard.record import Scorecard

Links = Sequence[tuple[str, str]]

_CONTENTS = ("figures", "plan", "response", "posts", "smart", "notes")
"""Sections that the contents of the page link to, where they have something to show."""


def header(card: Scorecard, words: Words, links: Links = ()) -> Markup:
    """Fill the top of the page; ``links`` lead to other pages, each with its text."""
    named, accounts = names(card, words), titles(card, words)
    period = words.period(card["period"])
    return page_part(
        "header",
        language=words.language,
        brand=branded(card["brand"], card["agency"], f"{card['name']}, {period}"),
        nav_label=words.text("page.nav"),
        links=links,
        contents=[(words.text(f"page.contents.{name}"), f"#{name}") for name in _contents(card)],
        name=card["name"],
        period=period,
        state=state_of(card, words),
        when=cut_off(card, words),
        accounts=_accounts(card, words),
        lead=" ".join(story.lead(card, named, words)),
        tone=_tone(card),
        next_label=words.text("page.next"),
        steps=story.steps(card, named, accounts, words),
        total=words.text("page.no_total") if card["total"] is None else words.total(card["total"]),
        total_is=words.text("page.total_so_far" if card["interim"] else "page.total"),
        before=_before(card, words),
        **_money(card, words),
        how=words.text("page.how") if any(entry["payout"] is not None for entry in card["kpis"]) else "",
    )


def scorecard_table(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate every entry, the largest loss first; None where there is no KPI."""
    if not card["kpis"]:
        return None
    heads = {key: words.text(f"row.{key}") for key in _HEADS}
    heads["previous"] = words.alone(str(Period.parse(card["period"]).previous))
    if card["interim"]:
        last = words.last_whole_day(card["as_of"])
        heads["plan"] = words.text("row.plan_so_far", day=str(last.day), month=words.month(last.isoformat()))
    threshold = words.share(card["scoring"]["threshold"])
    shown = rows(card, names(card, words), words)
    legends = ["legend_interim" if card["interim"] else "legend"]
    legends += ["legend_way"] if any(row.base for row in shown) else []
    return page_part(
        "scorecard",
        interim=card["interim"],
        caption=words.text("scorecard.heading"),
        heads=heads,
        rows=shown,
        legend=" ".join(words.text(f"row.{key}", threshold=threshold) for key in legends),
    )


_HEADS = (
    "kpi",
    "fact",
    "plan",
    "plan_whole",
    "forecast",
    "attainment",
    "difference",
    "verdict",
    "significant",
    "standard",
)


def state_of(card: Scorecard, words: Words) -> str:
    """Whether the period is not over or its figures may still change; empty where they are final."""
    if card["interim"]:
        passed, days = story.day_of(card)
        return words.text("page.interim", day=words.number(passed), days=words.number(days))
    return words.text("page.preliminary") if card["preliminary"] else ""


def cut_off(card: Scorecard, words: Words) -> str:
    """Until when the data reach, and when they will be final."""
    when = words.text("page.as_of", moment=words.data_until(card["as_of"]))
    settled = [note["settled_on"] for note in card["notes"] if note["code"] == "preliminary"]
    if not settled:
        return when
    return f"{when}, {words.text('page.settles', moment=words.day(settled[0]))}"


def _contents(card: Scorecard) -> list[str]:
    found = card["sections"]
    shown = {
        "plan": bool(found["plan"]),
        "response": bool(found["response"] and found["response"]["received"]),
        "posts": bool(found["posts"]["best"] or found["deleted"]),
        "figures": any(step["value"] is not None for entry in card["kpis"] for step in entry["history"]),
    }
    return [name for name in _CONTENTS if shown.get(name, bool(card["kpis"]))]


def _tone(card: Scorecard) -> str:
    if card["total"] is None:
        return "unknown"
    if any(verdict.is_below(entry, card) for entry in card["kpis"]):
        return "bad"
    return "good" if verdict.worst_entry(card) is None else "warn"


def _accounts(card: Scorecard, words: Words) -> str:
    """The accounts, grouped by title: ``«Зерно и пар» ВКонтакте и Telegram``."""
    platforms: dict[str, list[str]] = {}
    for account in card["assignments"]:
        platforms.setdefault(account["title"], []).append(words.text(f"platform.{account['platform']}"))
    if len(platforms) > _MOST_ACCOUNTS:
        return words.plural("step.several_accounts", len(card["assignments"]))
    return ", ".join(f"{words.quote(title)} {words.join(where)}" for title, where in platforms.items())


_MOST_ACCOUNTS = 3


def _before(card: Scorecard, words: Words) -> str:
    before = card.get("total_previous")
    if not before or before["value"] is None:
        return ""
    when, total = words.inside(before["period"]), words.total(before["value"])
    key = "page.total_before" if before["reported"] else "page.total_before_anew"
    return words.text(key, when=when, total=total)


def _money(card: Scorecard, words: Words) -> dict[str, str]:
    """What the total pays, and the bonus."""
    paid, bonus = story.paid_amount(card), card["bonus"]
    money = dict.fromkeys(("paid", "paid_of", "bonus"), "")
    if paid is not None:
        money["paid"] = words.text(
            "page.paid_so_far" if card["interim"] else "page.paid", amount=words.money(paid)
        )
        whole, full = words.money(required(card.get("variable_pay"))["amount"]), story.scaled_from(card)
        money["paid_of"] = words.text("page.paid_of", whole=whole)
        if full is not None:
            money["paid_of"] += " " + words.text("page.paid_by_days", full=words.money(full))
    if bonus and bonus["amount"] is not None:
        share, amount = words.share(bonus["share"]), words.money(bonus["amount"])
        money["bonus"] = words.text("page.bonus", share=share, amount=amount)
    elif bonus:
        money["bonus"] = no_bonus(card, words)
    return money
