"""The target of a period, and how far a fact attains it: for the reported period and for past ones."""

from __future__ import annotations

from dataclasses import dataclass

from kpi_kit.core.model import Aggregation, Note
from kpi_kit.core.periods import Period
from kpi_kit.params import Entry
from kpi_kit.params.targets import Target
from kpi_kit.scorecard.context import Context, counts_own_days
from kpi_kit.scorecard.entry_facts import Facts


@dataclass(frozen=True)
class Outcome:
    """What a fact comes to; None where there is no target or no fact."""

    attained: bool | None = None
    attainment: float | None = None
    payout: float | None = None


def outcome(context: Context, target: Target | None, fact: float | None) -> Outcome:
    """Whether a fact attains a target, how far, and what that pays by the department's scoring."""
    if target is None or fact is None:
        return Outcome()
    attainment = target.attainment(fact)
    payout = None if attainment is None else context.department.scoring.curve().payout(attainment)
    return Outcome(target.attained(fact), attainment, payout)


def target_in(context: Context, entry: Entry, period: Period) -> Target | None:
    """The target of a period of the history; that of the reported period is pro-rated."""
    if period == context.period:
        return target_of(context, entry)[0]
    return entry.target.ask().at(period, entry.accruing)


def target_of(context: Context, entry: Entry) -> tuple[Target | None, list[Note]]:
    """The target of the reported period, and notes on it.

    The target of an accruing KPI is scaled to the days of the period that count.
    """
    whole = entry.target.ask().at(context.period, entry.accruing)
    if whole is None:
        return None, [Note("no_target")]
    notes = []
    target = whole
    facts = Facts(context, entry)
    share = facts.own_share
    if entry.accruing and share < 1:
        target = whole.scaled(share)
        detail: dict[str, float | str] = {"share": float(share), "why": _why_scaled(context, entry)}
        if facts.whole_share < 1:
            detail["whole"] = float(facts.whole_share)
        notes.append(Note("target_prorated", detail))
    elif entry.definition.aggregation is Aggregation.TILES and entry.as_ == "value" and context.absent_days:
        notes.append(Note("whole_period", {"owners": list(context.owners(entry))}))
    if target.value == target.base:
        notes.append(Note("target_equals_base"))
    return target, notes


def _why_scaled(context: Context, entry: Entry) -> str:
    """Why a target is smaller: an absence, an account held for a part of the period, or its length so far."""
    if counts_own_days(entry):
        if context.absent_days:
            return "absence"
        if not context.wholly_held(context.owners(entry), entry).all():
            return "held"
    return "interim"
