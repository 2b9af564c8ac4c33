"""One verdict for each entry, the reason for a person's total, what to do next, and who comes first.

Pages, messages, the terminal and JupyterLab all use these codes, so that they rank and name the same things.
Everything is computed from the scorecard record alone.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kpi_kit.core.periods import Period
from kpi_kit.scorecard.entry_record import (
    REAL,
    ChangeRecord,
    EntryRecord,
    NextStep,
    Reason,
    ShockRecord,
    effect,
    required,
)
from kpi_kit.scorecard.record import Scorecard

AT_RISK = 0.15
"""Below this chance an interim target is at risk."""
EARLIEST = 0.15
"""Before this share of a period no chance says that a target is at risk: a day without posts is no month."""
ENOUGH_WEIGHT = 0.7
"""Below this share of assessed weight the total says little."""
MANY_BELOW = 3
MOST_STEPS = 3
MOST_ATTENTION = 3

VERDICTS = (
    "unknown",
    "worse",
    "better",
    "none",
    "impossible",
    "at_risk",
    "behind",
    "on_track",
    "below_threshold",
    "missed_worse",
    "missed",
    "met_worse",
    "met_declining",
    "met",
)
MET = frozenset({"met", "met_worse", "met_declining", "on_track"})
"""Verdicts on plans that are met or on track."""
_ANSWERS = frozenset({"response_rate", "median_response_time"})
_PROVABLE = frozenset({"response_rate", "plan_fulfilment"})
"""Shares of events whose misses stay misses until the end of the period."""


# ---- an entry


def judged_change(entry: EntryRecord) -> ChangeRecord | None:
    """The change that an entry is about: against a year ago for a growth against a year ago."""
    if entry["as"] != "value" and entry["versus"] == "year_ago":
        year_ago = entry["year_ago"]
        return None if year_ago is None else year_ago["change"]
    return entry["change"]


def change_effect(entry: EntryRecord) -> str | None:
    """``better`` or ``worse`` where the change is real; None otherwise."""
    change = judged_change(entry)
    if change is None or not change["real"] or change["estimate"] is None:
        return None
    return effect(entry, change["estimate"])


def trend_effect(entry: EntryRecord) -> str | None:
    """``better`` or ``worse`` where the trend is clear; None otherwise."""
    trend = entry["trend"]
    if trend["verdict"] not in ("rising", "falling") or trend["q"] is None or trend["q"] > REAL:
        return None
    return effect(entry, 1.0 if trend["verdict"] == "rising" else -1.0)


def entry_verdict(entry: EntryRecord, card: Scorecard) -> str:
    """The first code of :data:`VERDICTS` that holds.

    Parameters
    ----------
    entry : mapping
        One of ``card["kpis"]``.
    card : mapping
        The scorecard: whether the period is over, and the threshold of payment.
    """
    if not entry["assessable"]:
        return "unknown"
    changed = change_effect(entry)
    if entry["target"] is None:
        return changed or "none"
    if card["interim"]:
        return _interim_verdict(entry, card)
    if not entry["attained"]:
        attainment = entry["attainment"]
        if attainment is not None and attainment < card["scoring"]["threshold"]:
            return "below_threshold"
        return "missed_worse" if changed == "worse" else "missed"
    if changed == "worse":
        return "met_worse"
    return "met_declining" if changed is None and trend_effect(entry) == "worse" else "met"


def _interim_verdict(entry: EntryRecord, card: Scorecard) -> str:
    if is_out_of_reach(entry, card):
        return "impossible"
    chance = running_chance(entry, card)
    if chance is not None and chance < AT_RISK:
        return "at_risk"
    return "on_track" if entry["attained"] else "behind"


def running_chance(entry: EntryRecord, card: Scorecard) -> float | None:
    """The chance that the running period is attained; None where it is early, unknown or not reliable.

    Under 30 past forecasts a back-test says nothing. Such chances count: alarms by them are as often right.
    """
    check = entry["chance_check"]
    if check is None or check["verdict"] == "not_reliable" or entry["chance_period"] != card["period"]:
        return None
    period, day = Period.parse(card["period"]), dt.date.fromisoformat(card["as_of"][:10])
    return entry["chance"] if (day - period.start).days >= EARLIEST * period.days else None


def whole_target(entry: EntryRecord) -> Any:
    """The target of the whole period, by the days that will count at its end; None where it is not scaled."""
    shares = [
        note["share"] / note.get("whole", 1.0) if note["share"] else 0.0
        for note in entry["notes"]
        if note["code"] == "target_prorated"
    ]
    if entry["target"] is None or not shares or not shares[0]:
        return None
    value = entry["target"]["value"]
    return [bound / shares[0] for bound in value] if isinstance(value, Sequence) else value / shares[0]


def is_out_of_reach(entry: EntryRecord, card: Scorecard) -> bool:
    """Whether the target of an interim period is missed even if the rest of the period is perfect."""
    target = required(entry["target"])
    if entry["as"] != "value" or isinstance(target["value"], list) or entry["value"] is None:
        return False
    if target["kind"] == "at_most":
        limit = whole_target(entry)
        return bool(entry["accruing"] and limit is not None and entry["value"] > limit)
    if entry["kpi"] not in _PROVABLE or not entry["denominator"]:
        return False
    reached = required(entry["numerator"])
    if target["value"] >= 1:
        return reached < entry["denominator"]
    if entry["kpi"] == "plan_fulfilment" and entry["scope"] is None:
        left = sum(item["status"] == "not_due" for item in card["sections"]["plan"])
        return (reached + left) / (entry["denominator"] + left) < target["value"]
    return False


def entry_reason(entry: EntryRecord, card: Scorecard) -> Reason | None:
    """Why an entry falls short of its target, as a code with its figures; None where it does not."""
    if not entry["assessable"] or entry["target"] is None or entry["attained"]:
        return None
    shock = _shock_for_the_worse(entry)
    if shock is not None:
        return {"code": "platform_shock", "platform": shock["platform"]}
    if change_effect(entry) == "worse":
        return {"code": "worse"}
    late = _answers_late(entry, card)
    if late:
        return {"code": "answers_late", "count": late}
    unpublished = _posts_missing(entry, card)
    if unpublished:
        return {"code": "posts_missing", "count": unpublished}
    return {"code": "short_of_plan"}


def _shock_for_the_worse(entry: EntryRecord) -> ShockRecord | None:
    wanted = "fell" if entry["better"] == "higher" else "rose"
    return next((shock for shock in entry["shocks"] if shock["direction"] == wanted), None)


def _answers_late(entry: EntryRecord, card: Scorecard) -> int:
    if entry["kpi"] == "response_rate" and entry["as"] == "value" and entry["denominator"]:
        return round(entry["denominator"] - required(entry["numerator"]))
    response = card["sections"]["response"]
    if entry["kpi"] in _ANSWERS and response and response["in_time"] is not None:
        return int(response["due"] - response["in_time"])
    return 0


def _posts_missing(entry: EntryRecord, card: Scorecard) -> int:
    if entry["kpi"] == "posts_published" and entry["as"] == "value":
        target = required(entry["target"])
        least = target["value"][0] if isinstance(target["value"], list) else target["value"]
        missing = math.ceil(least - required(entry["value"]) - 1e-9)
        return max(0, missing) if target["kind"] != "at_most" else 0
    if entry["kpi"] == "plan_fulfilment" and entry["as"] == "value":
        return sum(item["status"] == "missing" for item in card["sections"]["plan"])
    return 0


# ---- a person


def losses(card: Scorecard) -> list[float]:
    """For each entry the part of the total that it costs: weight × (1 − min(payout, 1)) / Σ weight."""
    zero = card["scoring"]["not_assessable"] == "zero"
    counted = [
        (entry["weight"], 0.0 if entry["payout"] is None and zero else entry["payout"])
        if entry["target"] is not None
        else (0.0, None)
        for entry in card["kpis"]
    ]
    weights = sum(weight for weight, payout in counted if payout is not None)
    return [
        weight * (1 - min(payout, 1.0)) / weights if payout is not None and weights else 0.0
        for weight, payout in counted
    ]


def assessed_weight(card: Scorecard) -> float:
    """The share of the weight of all entries with a target that could be assessed."""
    asked = [entry for entry in card["kpis"] if entry["target"] is not None]
    weight = sum(entry["weight"] for entry in asked)
    return sum(entry["weight"] for entry in asked if entry["payout"] is not None) / weight if weight else 0.0


def worst_entry(card: Scorecard) -> int | None:
    """The place of the entry with the largest loss; None where nothing is lost."""
    lost = losses(card)
    most = max(lost, default=0.0)
    return lost.index(most) if most > 0 else None


def costliest_first(card: Scorecard) -> list[int]:
    """The places of the entries in the order of the page: the largest loss, then what cannot be assessed."""
    lost = losses(card)
    return sorted(
        range(len(lost)), key=lambda place: (-lost[place], card["kpis"][place]["assessable"], place)
    )


def card_reason(card: Scorecard) -> Reason:
    """Why the total is what it is: the first of the codes that holds, with its figures.

    Returns
    -------
    dict
        ``code`` is ``no_total``, ``weight_assessed``, ``all_met``, ``below_threshold``, or the code
        of the entry with the largest loss, whose place is then ``entry``.
    """
    if card["total"] is None:
        return {"code": "no_total"}
    share = assessed_weight(card)
    if share < ENOUGH_WEIGHT:
        return {"code": "weight_assessed", "share": share}
    worst = worst_entry(card)
    if worst is None:
        return {"code": "all_met"}
    below = sum(is_below(entry, card) for entry in card["kpis"])
    if below >= MANY_BELOW:
        return {"code": "below_threshold", "count": below}
    return {**(entry_reason(card["kpis"][worst], card) or {"code": "short_of_plan"}), "entry": worst}


def is_below(entry: EntryRecord, card: Scorecard) -> bool:
    """Whether the target is missed by so much that nothing is paid."""
    attainment = entry["attainment"]
    return attainment is not None and not entry["attained"] and attainment < card["scoring"]["threshold"]


def card_verdict(card: Scorecard) -> str:
    """The verdict on the total, in the words of the verdicts on entries."""
    total = card["total"]
    if total is None:
        return "unknown"
    reached = worst_entry(card) is None
    if card["interim"]:
        return "on_track" if reached else "behind"
    if total < card["scoring"]["threshold"]:
        return "below_threshold"
    return "met" if reached else "missed"


def next_steps(card: Scorecard) -> list[NextStep]:
    """What to do next, at most three; each with the rows that it is about.

    What concerns the entry with the largest loss comes first, then the most urgent.
    """
    steps = [*_to_answer(card), *_to_publish(card), *_to_qualify(card), *_to_import(card), *_to_revise(card)]
    worst = worst_entry(card)
    if worst is not None:
        about = [step for step in steps if _is_about(step, worst, card)]
        rest = [step for step in steps if step not in about]
        steps = [*(about or _to_make_up(worst, card)), *rest]
    return steps[:MOST_STEPS]


def _is_about(step: NextStep, place: int, card: Scorecard) -> bool:
    """Whether a step concerns an entry: by its KPI, or because its rows name the entry."""
    if step["code"] in _KPIS_OF_STEPS:
        return card["kpis"][place]["kpi"] in _KPIS_OF_STEPS[step["code"]]
    return any(place == row.get("entry") or place in row.get("entries", ()) for row in step["rows"])


def _to_make_up(place: int, card: Scorecard) -> list[NextStep]:
    """The entry with the largest loss, unless it cannot be assessed or its platform fell for everybody."""
    entry = card["kpis"][place]
    if not entry["assessable"] or (not card["interim"] and _shock_for_the_worse(entry)):
        return []
    return [{"code": "shortfall", "count": 1, "rows": [{"entry": place}]}]


def _to_answer(card: Scorecard) -> list[NextStep]:
    response = card["sections"]["response"]
    rows = response.get("overdue", []) if response else []
    return [{"code": "answer", "count": len(rows), "rows": list(rows)}] if rows else []


def _to_publish(card: Scorecard) -> list[NextStep]:
    rows = [item for item in card["sections"]["plan"] if item["status"] == "missing"]
    return [{"code": "publish", "count": len(rows), "rows": rows}] if rows else []


def _to_qualify(card: Scorecard) -> list[NextStep]:
    funnel = card["sections"]["funnel"]
    if not funnel or not funnel["unknown"]:
        return []
    return [{"code": "qualify", "count": funnel["unknown"], "rows": []}]


def _to_import(card: Scorecard) -> list[NextStep]:
    """Data that are missing: posts whose style nobody reviewed, and exports that were not imported."""
    steps: list[NextStep] = []
    unknown = [(place, entry) for place, entry in enumerate(card["kpis"]) if not entry["assessable"]]
    style = [item for item in card["sections"]["plan"] if item["status"] == "not_reviewed"]
    if style and any(entry["kpi"] == "plan_fulfilment" for _, entry in unknown):
        steps.append({"code": "review", "count": len(style), "rows": style})
    tables: dict[str, list[int]] = {}
    for place, entry in unknown:
        for note in entry["notes"]:
            names = note.get("tables") or _TABLES_OF_NOTES.get(note["code"], ())
            for table in names:
                tables.setdefault(table, []).append(place)
    if tables:
        rows = [{"table": table, "entries": places} for table, places in tables.items()]
        steps.append({"code": "import", "count": len(rows), "rows": rows})
    return steps


_KPIS_OF_STEPS: Mapping[str, frozenset[str]] = {
    "answer": _ANSWERS,
    "publish": frozenset({"posts_published", "plan_fulfilment"}),
    "qualify": frozenset({"qualified_leads", "qualified_lead_rate"}),
    "review": frozenset({"plan_fulfilment"}),
}
_TABLES_OF_NOTES: Mapping[str, tuple[str, ...]] = {
    "opening_unknown": ("audience",),
    "mean_unknown": ("audience",),
    "level_unknown": ("audience",),
    "not_tiled": ("brand_queries",),
}
_SENSELESS_EARLY = frozenset({"deadline_passed", "empty_scope"})
_SENSELESS = _SENSELESS_EARLY | {"out_of_reach", "already_given"}


def _to_revise(card: Scorecard) -> list[NextStep]:
    """Targets that the audit finds senseless; chances say that only of a period that has not begun."""
    senseless = _SENSELESS_EARLY if card["interim"] else _SENSELESS
    rows = [
        {**finding, "entry": place}
        for place, entry in enumerate(card["kpis"])
        for finding in entry["audit"]
        if finding["code"] in senseless
    ]
    return [{"code": "revise", "count": len(rows), "rows": rows}] if rows else []


def with_verdicts(card: Scorecard) -> Scorecard:
    """The record with verdict and reason of each entry, and verdict, reason and next steps of the whole."""
    for entry in card["kpis"]:
        entry["verdict"] = entry_verdict(entry, card)
        entry["reason"] = entry_reason(entry, card)
    card["verdict"], card["reason"], card["next"] = card_verdict(card), card_reason(card), next_steps(card)
    return card


# ---- the department


def worst_first(cards: Iterable[Scorecard]) -> list[Scorecard]:
    """Scorecards in the order of attention: unknown totals, then the lowest total, largest loss, id."""
    return sorted(cards, key=_urgency)


def _urgency(card: Scorecard) -> tuple[bool, float, float, str]:
    total = card["total"]
    return total is not None, 0.0 if total is None else total, -sum(losses(card)), card["specialist"]


def attention(cards: Iterable[Scorecard]) -> list[Scorecard]:
    """The first three with an unknown total or an entry below the threshold."""
    wanted = [
        card
        for card in worst_first(cards)
        if card["total"] is None or any(is_below(entry, card) for entry in card["kpis"])
    ]
    return wanted[:MOST_ATTENTION]


def month_sentence(
    cards: Sequence[Scorecard], most: int = 2, *, in_money: bool | None = None
) -> list[tuple[str, int]]:
    """Which entries the sentence of the month is about: specialist and place of the largest losses.

    Losses are in money where everybody has a variable pay, otherwise in points; one entry a person.

    Parameters
    ----------
    cards : sequence of mapping
    most : int
    in_money : bool or None
        Whether everybody in the department has a variable pay; None looks at these scorecards.
    """
    pays = {card["specialist"]: card.get("variable_pay") for card in cards}
    if in_money is None:
        in_money = all(pays.values())
    amounts = {person: required(pay)["amount"] if in_money else 1.0 for person, pay in pays.items()}
    ranked = sorted(
        (-max(losses(card)) * amounts[card["specialist"]], card["specialist"], worst)
        for card in cards
        if (worst := worst_entry(card)) is not None
    )
    return [(specialist, entry) for _, specialist, entry in ranked[:most]]
