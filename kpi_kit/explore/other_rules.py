"""Totals and money of everybody under other weights, targets, scoring or bonus; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.keys import keys_of
from kpi_kit.explore.measured import Known
from kpi_kit.explore.trial import same_data
from kpi_kit.explore.trial_target import with_target
from kpi_kit.params import Entry, Specialist
from kpi_kit.params.records import Bonus, ScoringParams
from kpi_kit.params.sentences import findings, sentence
from kpi_kit.scorecard.attainment import outcome, target_of
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.pay import bonus as bonus_of
from kpi_kit.scorecard.pay import variable_pay

Rules = Mapping[str, Any]


def under(
    known: Known,
    contexts: Sequence[Context],
    *,
    weights: Rules | None,
    scoring: Rules | None,
    targets: Rules | None,
    bonus: Rules | None,
) -> pd.DataFrame:
    """Everybody's total, payout and bonus as they are and under other rules.

    Raises
    ------
    InputError
        Where a rule could not stand in params, or names an entry that nobody has.
    """
    keys = {key for context in contexts for key in keys_of(context.person.kpis)}
    people = {context.person.id for context in contexts}
    for name, rules in (("weights", weights), ("targets", targets)):
        unknown = [key for key in rules or {} if key not in keys and key not in people]
        if unknown:
            raise InputError(
                Phrase("explore.nobody_has", key=name, name=unknown[0], hint=did_you_mean(unknown[0], keys))
            )
    now = contexts[0].department.scoring if contexts else None
    curve = _validated(ScoringParams, "scoring", now, scoring)
    rows = {
        context.person.id: _of(known, context, weights or {}, curve, targets or {}, bonus)
        for context in contexts
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", dtype="float64").rename_axis("specialist")
    frame.attrs["currency"] = contexts[0].department.currency if contexts else ""
    return frame


def _of(
    known: Known,
    case: Context,
    weights: Rules,
    scoring: ScoringParams | None,
    targets: Rules,
    bonus: Rules | None,
) -> dict[str, Any]:
    values = [known.value(case, entry) for entry in case.person.kpis]
    person = _changed(case, weights, targets, bonus)
    department = (
        case.department if scoring is None else case.department.model_copy(update={"scoring": scoring})
    )
    then = replace(same_data(case, person), params=replace(case.params, department=department))
    total, total_then = (_total(context, values) for context in (case, then))
    pay, pay_then = _amount(case, total), _amount(then, total_then)
    own, own_then = (bonus_of(context) for context in (case, then))
    return {
        "total": total,
        "total_then": total_then,
        "difference": None if total is None or total_then is None else total_then - total,
        "payout": pay,
        "payout_then": pay_then,
        "bonus": None if own is None else own["amount"],
        "bonus_then": None if own_then is None else own_then["amount"],
    }


def _total(case: Context, values: Sequence[float | None]) -> float | None:
    """The total of a person's values under the targets, weights and scoring of a context."""
    paid = []
    for entry, value in zip(case.person.kpis, values, strict=True):
        target, _ = target_of(case, entry)
        if target is not None:
            paid.append((float(entry.weight), outcome(case, target, value).payout))
    return case.department.scoring.curve().total(paid)


def _amount(context: Context, total: float | None) -> float | None:
    pay = variable_pay(context, total)
    return None if pay is None else pay["payout"]


def _changed(case: Context, weights: Rules, targets: Rules, bonus: Rules | None) -> Specialist:
    """The person with other weights, targets and bonus, each by entry or by person and entry."""
    person, keys = case.person, keys_of(case.person.kpis)
    own_weights, own_targets = (
        {key: rule for key, rule in rules.items() if key in keys} | dict(rules.get(person.id, {}))
        for rules in (weights, targets)
    )
    unknown = [key for key in (*own_weights, *own_targets) if key not in keys]
    if unknown:
        raise InputError(
            Phrase("explore.no_entry", name=person.id, key=unknown[0], hint=did_you_mean(unknown[0], keys))
        )
    for number, key in enumerate(keys):
        if key in own_targets:
            person = with_target(person, number, key, own_targets[key])
        if key in own_weights:
            entry = person.kpis[number]
            changed = _validated(Entry, f"weights: {key}", entry, {"weight": own_weights[key]})
            kpis = (*person.kpis[:number], changed, *person.kpis[number + 1 :])
            person = person.model_copy(update={"kpis": kpis})
    if bonus is not None and person.bonus is not None:
        person = person.model_copy(update={"bonus": _validated(Bonus, "bonus", person.bonus, bonus)})
    return person


def _validated(kind: Any, name: str, now: Any, changes: Rules | None) -> Any:
    """A record of the params with some keys changed, checked as in a file."""
    if changes is None:
        return None
    raw = {} if now is None else now.model_dump(exclude_none=True, by_alias=True)
    raw = {**raw, **changes}
    if errors := findings(kind, raw):
        sentences = (sentence(error, raw, kind) for error in errors)
        raise InputError([Phrase("core.within", where=name, problem=problem) for problem in sentences])
    return kind.model_validate(raw)
