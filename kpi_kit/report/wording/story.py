"""A person and a department in sentences: what was met, what costs most, why, and what to do next."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from kpi_kit.core.periods import Period
from kpi_kit.report.wording import Form, Words, form
from kpi_kit.report.wording.audit import proposed_target
from kpi_kit.report.wording.numbers import rounded
from kpi_kit.report.wording.rows import (
    compared_so_far,
    compared_with,
    comparison,
    earlier_period,
    fact_and_plan,
    plan_text,
    shortfall,
)
from kpi_kit.report.wording.verdicts import percent_chance
from kpi_kit.scorecard import alerts, verdict
from kpi_kit.scorecard.alerts import Need
from kpi_kit.scorecard.entry_record import ChangeRecord, EntryRecord, NextStep, required
from kpi_kit.scorecard.record import Scorecard

_HOURS = Form("hours")


class Step(NamedTuple):
    """Something to do: what, the rows that it is about in a few words, and the section that lists them."""

    what: str
    rows: str
    section: str


# ---- a person


def lead(card: Scorecard, names: Sequence[str], words: Words) -> list[str]:
    """How many plans were met, and the entry that costs most."""
    if not _outcomes([card]):
        return [words.text("lead.unknown")]
    sentences = [met([card], words)]
    unknown = sum(not entry["assessable"] for entry in card["kpis"])
    if unknown:
        sentences.append(words.plural("lead.unassessed", unknown))
    worst = verdict.worst_entry(card)
    if worst is not None and card["kpis"][worst]["assessable"]:
        sentences.append(entry_sentence(card, worst, names[worst], words))
    return sentences


def met(cards: Sequence[Scorecard], words: Words) -> str:
    """How many plans of some specialists were met or are on track, or that none can be assessed."""
    outcomes = _outcomes(cards)
    if not outcomes:
        return words.text("lead.unknown")
    count = sum(code in verdict.MET for code in outcomes)
    prefix = "interim_" if any(card["interim"] for card in cards) else ""
    if count == len(outcomes):
        return words.plural(f"lead.{prefix}all", count)
    if not count:
        return words.text(f"lead.{prefix}no", of=words.number(len(outcomes)))
    return words.plural(f"lead.{prefix}some", count, of=words.number(len(outcomes)))


def _outcomes(cards: Sequence[Scorecard]) -> list[str]:
    """The verdicts on the entries that have a plan and can be assessed."""
    return [
        entry.get("verdict") or verdict.entry_verdict(entry, card)
        for card in cards
        for entry in card["kpis"]
        if entry["assessable"] and entry["target"] is not None
    ]


def entry_sentence(card: Scorecard, place: int, name: str, words: Words) -> str:
    """Fact and plan of an entry, and how it was before."""
    entry = card["kpis"][place]
    fact, plan = fact_and_plan(entry, words)
    compared = comparison(entry, card, words)
    fields = {"what": name, "plan": plan_text(entry, plan, words, "plan_in_words")}
    fields["fact"] = "—" if fact is None else fact.text
    if card["interim"]:
        return _so_far(entry, fields, words)
    if compared is None:
        return words.text("lead.worst", **fields)
    if not compared.is_fact:
        if not compared.effect:  # other figures than the fact would only confuse
            return _by_chance(entry, fields, card, words)
        return words.text("lead.worst_compared_real", **fields, compared=compared.line)
    fields |= {"fact": compared.now.text, "before": compared.before.text}
    fields["when"] = words.inside(earlier_period(entry, card))
    if compared.effect is None:
        noise = _noise(verdict.judged_change(entry), words)
        return words.text("lead.worst_before", **fields, noise=noise)
    return words.text(f"lead.worst_change.{'less' if compared.falls else 'more'}", **fields)


def _by_chance(entry: EntryRecord, fields: Mapping[str, str], card: Scorecard, words: Words) -> str:
    """Fact and plan, and that the change is not significant, where that was judged."""
    change = verdict.judged_change(entry)
    if change is None or change["real"] is not False:
        return words.text("lead.worst", **fields)
    return words.text("lead.worst_by_chance", **fields, when=compared_with(entry, card, words))


def _noise(change: ChangeRecord | None, words: Words) -> str:
    """That a difference is not significant, where that was judged."""
    return words.text("lead.noise") if change is not None and change["real"] is False else ""


def _so_far(entry: EntryRecord, fields: Mapping[str, str], words: Words) -> str:
    """Fact and plan of an entry so far, and how it was on the same days before."""
    found = compared_so_far(entry, words)
    if found is None:
        return words.text("lead.worst_so_far", **fields)
    compared, change, when = found
    fields = {**fields, "fact": compared.now.text, "before": compared.before.text, "when": when}
    if compared.effect is None:
        return words.text("lead.worst_so_far_before", **fields, noise=_noise(change, words))
    return words.text(f"lead.worst_so_far_change.{'less' if compared.falls else 'more'}", **fields)


def reason(card: Scorecard, words: Words) -> str:
    """Why the total is what it is, in at most five words."""
    found = card.get("reason") or verdict.card_reason(card)
    match found["code"]:
        case "weight_assessed":
            return words.text("why.weight_assessed", share=words.share(found["share"], 0))
        case "all_met":
            risky = sum(code not in verdict.MET for code in _outcomes([card]))
            if risky:
                return words.plural("why.at_risk", risky)
            return words.text("why.all_on_track" if card["interim"] else "why.all_met")
        case "below_threshold":
            return words.plural("why.below_threshold", found["count"])
        case "platform_shock":
            platform = words.text(f"platform.{found['platform']}")
            return words.text("why.platform_shock", platform=platform)
        case "answers_late" | "posts_missing" as code:
            return words.text(f"why.{code}", count=words.number(found["count"]))
        case "worse" | "short_of_plan" as code:
            entry = card["kpis"][found["entry"]]
            short = words.inner(words.kpi_short(entry))
            return words.text(f"why.{code}", short=short, difference=shortfall(entry, words))
        case code:
            return words.text(f"why.{code}")


def steps(card: Scorecard, names: Sequence[str], titles: Mapping[str, str], words: Words) -> list[Step]:
    """What to do next, the most urgent first."""
    found = card.get("next")
    if found is None:
        found = verdict.next_steps(card)
    return [
        _of_entries(step, names, card, words)
        if step["code"] in ("revise", "shortfall")
        else _step(step, titles, words)
        for step in found
    ]


def _of_entries(step: NextStep, names: Sequence[str], card: Scorecard, words: Words) -> Step:
    if step["code"] == "revise":
        return _revise(step, names, card, words)
    entry = card["kpis"][step["rows"][0]["entry"]]
    name = words.quote(words.short_entry(entry))
    rest = alerts.need(entry, card)
    if card["interim"] and rest is not None and entry.get("verdict") != "impossible":
        value = words.text(f"alerts.cell.{rest.kind}", value=need_value(rest, entry, words))
        key = "catch_up" if rest.kind.endswith("least") else "stay_within"
        return Step(
            words.text(f"step.{key}", value=value), words.text("step.to_the_end", name=name), "figures"
        )
    rows = words.text("step.find_cause_rows", name=name, difference=shortfall(entry, words))
    return Step(words.text("step.find_cause"), rows, "figures")


def need_value(need: Need, entry: EntryRecord, words: Words) -> str:
    """A need as a number: small counts with one decimal, rounded to the safe side."""
    how = form(entry)
    if how.unit in ("share", "money", "hours"):
        return words.beside(need.value, 0.0, how)
    towards = math.ceil if need.kind.endswith("least") else math.floor
    digits = 1 if need.value < _MANY else 0
    return words.number(towards(round(need.value * 10**digits, 6)) / 10**digits, digits)


_MANY = 100
"""From so many a day a need has no decimals."""


def _step(step: NextStep, titles: Mapping[str, str], words: Words) -> Step:
    rows = step["rows"]
    match step["code"]:
        case "answer":
            age = words.plural("step.days", max(1, int(max(row["hours"] for row in rows) // 24)))
            hours = max(row["hours"] for row in rows)
            if hours < 48:
                age = words.value(float(int(hours)), _HOURS)
            told = words.text("step.answer_rows", account=_accounts(rows, titles, words), age=age)
            return Step(words.plural("step.answer", step["count"]), told, "response")
        case "publish":
            first = min(row["due_at"] for row in rows)
            day = words.days(first, first)
            told = words.text("step.publish_rows", account=_accounts(rows, titles, words), day=day)
            return Step(words.plural("step.publish", step["count"]), told, "plan")
        case "qualify" | "review" as code:
            section = "funnel" if code == "qualify" else "plan"
            return Step(words.plural(f"step.{code}", step["count"]), words.text(f"step.{code}_rows"), section)
        case _:
            tables = ", ".join(words.text(f"table.{row['table']}") for row in rows)
            return Step(words.text("step.import", tables=tables), "", "notes")


def _revise(step: NextStep, names: Sequence[str], card: Scorecard, words: Words) -> Step:
    rows = step["rows"]
    first = rows[0]
    what = words.plural("step.revise", len(rows), name=words.quote(names[first["entry"]]))
    if len(rows) > 1:
        told = ", ".join(words.quote(names[row["entry"]]) for row in rows)
        return Step(what, told, "smart")
    fields = {}
    if "chance" in first:
        entry = card["kpis"][first["entry"]]
        target, asked = (proposed_target(first.get(key), entry, words) for key in ("target", "proposal"))
        chance = {"chance": percent_chance(first["chance"], words), "during": words.inside(first["period"])}
        fields["now"] = words.text("step.now" if target else "step.now_chance", target=target, **chance)
        fields["instead"] = words.text("step.instead", target=asked) if asked else ""
    return Step(what, words.text(f"step.revise_rows.{first['code']}", **fields), "smart")


def _accounts(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, str], words: Words) -> str:
    accounts = list(dict.fromkeys(row["account_id"] for row in rows))
    if len(accounts) > 1:
        return words.plural("step.several_accounts", len(accounts))
    return words.quote(titles.get(accounts[0], accounts[0]))


# ---- totals


def total_difference(card: Scorecard, words: Words) -> tuple[str, bool] | None:
    """The printed total less the printed total before, and whether it fell; None without one."""
    before = card.get("total_previous")
    if card["interim"] or card["total"] is None or not before or before["value"] is None:
        return None
    difference = _printed_total(card["total"]) - _printed_total(before["value"])
    number = words.number(float(abs(difference)), 1, keep=True)
    return words.text("number.points", number=number), difference < 0


def _printed_total(total: float) -> Decimal:
    return rounded(round(total, 10) * 100, 1)


def paid_amount(card: Scorecard) -> float | None:
    """What the total pays in money, to the kopeck; None where nothing is paid by it."""
    pay = card.get("variable_pay")
    return None if not pay or pay["payout"] is None else float(rounded(pay["payout"], 2))


def scaled_from(card: Scorecard) -> float | None:
    """The variable pay of the whole period, where fewer days count; None where all of them do."""
    pay = card.get("variable_pay")
    return float(rounded(pay["amount"] / pay["share"], 2)) if pay and 0 < pay["share"] < 1 else None


def is_paid_by_days(card: Scorecard) -> bool:
    """Whether days of the period, or of its part so far, are not paid."""
    passed, days = day_of(card)
    pay, so_far = card.get("variable_pay"), passed / days if card["interim"] else 1.0
    return bool(pay) and required(pay)["share"] < so_far - 1e-9


# ---- the department


def month(
    cards: Sequence[Scorecard],
    named: Mapping[str, Sequence[str]],
    words: Words,
    *,
    in_money: bool | None = None,
) -> list[str]:
    """What the period cost most, a sentence a person, or that nothing is lost.

    Parameters
    ----------
    cards : sequence of mapping
        The scorecards of the department.
    named : mapping
        The names of the entries, by specialist.
    words : Words
    in_money : bool or None
        See :func:`kpi_kit.scorecard.verdict.month_sentence`.
    """
    if not cards:
        return [words.text("lead.nobody")]
    by_id = {card["specialist"]: card for card in cards}
    found = verdict.month_sentence(cards, in_money=in_money)
    if not found:
        interim = any(card["interim"] for card in cards)
        unknown = all(card["total"] is None for card in cards)
        return [words.text("lead.unknown" if unknown else "lead.calm_interim" if interim else "lead.calm")]
    sentences = []
    for specialist, place in found:
        card = by_id[specialist]
        what = entry_sentence(card, place, words.inner(named[specialist][place]), words)
        sentences.append(words.text("lead.whose", who=card["name"], what=what))
    return sentences


def met_of_all(cards: Sequence[Scorecard], words: Words) -> str:
    """How many plans of the department were met, and how many cannot be assessed."""
    told = met(cards, words)
    unknown = sum(not entry["assessable"] for card in cards for entry in card["kpis"])
    if not unknown or told == words.text("lead.unknown"):
        return told
    return f"{told} {words.plural('lead.unassessed', unknown)}"


def day_of(card: Scorecard) -> tuple[int, int]:
    """How many days of an interim period have passed, and how many it has."""
    period = Period.parse(card["period"])
    passed = (dt.date.fromisoformat(card["as_of"][:10]) - period.start).days
    return max(0, min(passed, period.days)), period.days
