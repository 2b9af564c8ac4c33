"""Alerts on a running period: targets that will probably be missed, and standards that are broken now.

Everything is computed from the scorecard record. Whether a target is at risk is the verdict of the interim
page, :func:`kpi_kit.scorecard.verdict.entry_verdict`; what is overdue is its list of next steps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from kpi_kit.core.model import Aggregation
from kpi_kit.core.periods import Period
from kpi_kit.params.formulas import definition_of
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.entry_record import EntryRecord, NextStep, required
from kpi_kit.scorecard.record import Scorecard

CODES = ("impossible", "at_risk", "over_pace", "answer", "publish")
"""The codes of alerts, the most serious first."""
_STEPS = ("answer", "publish")
_LIKELY = 0.5
"""From this chance on a ceiling that is above its pace is no alert."""


@dataclass(frozen=True)
class Alert:
    """Something about a person that the head should know now.

    Parameters
    ----------
    specialist : str
    code : str
        One of :data:`CODES`.
    entry : int or None
        The place of the entry in the scorecard.
    chance : float
        The chance that the target is attained; 0 for ``impossible``, 1 where it is not known.
    marks : tuple of str
        What the alert is about; a recipient is told each of them once in a period.
    step : mapping or None
        The overdue inquiries or plan items.
    """

    specialist: str
    code: str
    entry: int | None
    chance: float
    marks: tuple[str, ...]
    step: NextStep | None = None


@dataclass(frozen=True)
class Need:
    """What the rest of a period must bring.

    Parameters
    ----------
    kind : str
        ``day_least`` or ``day_most``: a day; ``rest_least`` or ``rest_most``: a rate over the rest.
    value : float
    """

    kind: str
    value: float


def alerts(card: Scorecard) -> list[Alert]:
    """The alerts of an interim scorecard, the most serious first; none of a period that is over."""
    if not card["interim"]:
        return []
    found = [alert for place in range(len(card["kpis"])) if (alert := _of_entry(card, place))]
    return sorted(found, key=urgency) + [_of_step(card, step) for step in _steps(card)]


def urgency(alert: Alert) -> tuple[float, int]:
    """The order of alerts: by chance, then by code."""
    return alert.chance, CODES.index(alert.code)


def _of_entry(card: Scorecard, place: int) -> Alert | None:
    entry = card["kpis"][place]
    code = entry.get("verdict") or verdict.entry_verdict(entry, card)
    chance = verdict.running_chance(entry, card)
    if code == "behind" and _is_ceiling(entry) and (chance is None or chance < _LIKELY):
        code = "over_pace"
    if code not in CODES:
        return None
    mark = f"{card['specialist']}|{code}|{_key(entry)}"
    certain = 0.0 if code == "impossible" else 1.0 if chance is None else chance
    return Alert(card["specialist"], code, place, certain, (mark,))


def _is_ceiling(entry: EntryRecord) -> bool:
    """Whether an entry has a ceiling that holds now: of churn, or a standard."""
    target = required(entry["target"])
    watched = entry["standard"] or entry["kpi"] == "churn_rate"
    return watched and entry["accruing"] and target["kind"] == "at_most"


def _key(entry: EntryRecord) -> str:
    scope = ";".join(f"{key}={','.join(names)}" for key, names in sorted((entry["scope"] or {}).items()))
    return "|".join([entry["kpi"], entry["as"], entry["versus"], scope])


def _steps(card: Scorecard) -> list[NextStep]:
    return [step for step in card.get("next", ()) if step["code"] in _STEPS]


def _of_step(card: Scorecard, step: NextStep) -> Alert:
    which = {"answer": "received_at", "publish": "plan_id"}[step["code"]]
    start = f"{card['specialist']}|{step['code']}"
    marks = tuple(f"{start}|{row['account_id']}|{row[which]}" for row in step["rows"])
    return Alert(card["specialist"], step["code"], None, 1.0, marks, step)


def days_left(card: Scorecard) -> int:
    """The days of the period that are not over at the cut-off."""
    end = Period.parse(card["period"]).end
    return max(0, (end - dt.date.fromisoformat(card["as_of"][:10])).days)


def need(entry: EntryRecord, card: Scorecard) -> Need | None:
    """What the rest of the period must bring; None where the target is attained or no rate a day says it.

    A sum or level needs so much a day; a ratio a rate over the rest, if its denominator grows as before.
    """
    left, target, value = days_left(card), entry["target"], entry["value"]
    if target is None or value is None or entry["as"] != "value" or not left:
        return None
    bound = target["value"]
    if isinstance(bound, Sequence):
        return None
    is_ceiling = target["kind"] == "at_most"
    if entry["accruing"] or definition_of(entry).aggregation is Aggregation.LEVEL:
        whole = verdict.whole_target(entry)
        rest = (bound if whole is None else whole) - value
        return Need("day_most" if is_ceiling else "day_least", rest / left) if rest > 0 else None
    numerator, denominator = entry["numerator"], entry["denominator"]
    passed = Period.parse(card["period"]).days - left
    if numerator is None or not denominator or passed <= 0:
        return None
    ahead = denominator * left / passed
    rate = (bound * (denominator + ahead) - numerator) / ahead
    possible = rate > 0 and (rate <= 1 or not definition_of(entry).bounded)
    return Need("rest_most" if is_ceiling else "rest_least", rate) if possible else None
