"""The SMART audit: is a target specific, measurable, achievable, relevant and time-bound.

Each letter that fails comes with a finding, and where another target would pass, with a proposal. A
person's whole set of KPIs is looked at, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kpi_kit.facts import Facts
from kpi_kit.params import Entry, Specialist
from kpi_kit.periods import Period
from kpi_kit.statistics import Chance
from kpi_kit.targets import Kind, Milestone, Target
from kpi_kit.verdicts import Verdicts, asked_ahead, chance_of

LETTERS = ("specific", "measurable", "achievable", "relevant", "time_bound")

OUT_OF_REACH, ALREADY_GIVEN = 0.1, 0.9
"""Between these chances a target is achievable and still one."""

ENOUGH, LOOKED_AT = 3, 4
"""In so many of so many last periods a KPI must have been assessable."""

FEW, MANY = 4, 7
"""How many KPIs a person usually has."""

HEAVY = 0.6
"""The share of the weight that one family may have."""

PAIRS: Sequence[tuple[frozenset[str], tuple[str, ...]]] = (
    (frozenset({"subscribers", "subscriber_gain", "subscriber_growth"}), ("churn_rate", "unsubscribed")),
    (frozenset({"posts_published"}), ("plan_fulfilment",)),
    (frozenset({"leads"}), ("qualified_lead_rate", "qualified_leads")),
)
"""A volume that can be bought at the cost of quality, and the KPIs that would show it."""

_FAIR = (0.35, 0.65)
"""A proposal's chance: about one half, after rounding."""

Finding = dict[str, Any]


def audit(
    facts: Facts, said: Verdicts, *, reliable: bool = True
) -> tuple[dict[str, bool | None], list[Finding]]:
    """Look at one entry.

    Parameters
    ----------
    facts : Facts
    said : Verdicts
        The verdicts on it, for the chance of its target.
    reliable : bool
        Whether that chance may be relied on; an unreliable one decides nothing.

    Returns
    -------
    dict
        Each of the five letters: whether it holds, None where that cannot be said (a history too short
        for a chance, a person without duties).
    list of dict
        ``letter``, ``code`` and figures of each letter that fails.
    """
    found = [
        *_specific(facts),
        *_measurable(facts),
        *(_achievable(facts, said) if reliable else ()),
        *_relevant(facts),
        *_timely(facts),
    ]
    failed = {finding["letter"] for finding in found}
    unknown = set()
    if not facts.case.person.duties:
        unknown.add("relevant")
    unsaid = said.chance is None or said.chance.probability is None or not reliable
    if unsaid and not facts.entry.standard:
        unknown.add("achievable")
    return {letter: None if letter in unknown else letter not in failed for letter in LETTERS}, found


def audit_set(person: Specialist) -> list[Finding]:
    """Look at a person's whole set of KPIs: ``code`` and figures of what is unusual."""
    return [*_number(person.kpis), *_weights(person.kpis), *_missing_pairs(person.kpis)]


def _specific(facts: Facts) -> Iterator[Finding]:
    """The KPI and its unit are checked when params are read; the scope may still hold nothing."""
    if not facts.case.owners(facts.entry):
        yield {"letter": "specific", "code": "empty_scope"}


def _measurable(facts: Facts) -> Iterator[Finding]:
    whole = facts.history[:-1] if facts.case.interim else facts.history
    last = whole[-LOOKED_AT:]
    known = sum(value is not None for _, value in last)
    if last and known < min(ENOUGH, len(last)):
        missing = [str(period) for period, value in last if value is None]
        yield {
            "letter": "measurable", "code": "rarely_assessable",
            "count": known, "of": len(last), "periods": missing,
        }  # fmt: skip


def _achievable(facts: Facts, said: Verdicts) -> Iterator[Finding]:
    """By the chance; of a norm it is not asked."""
    (target, ahead), found = asked_ahead(facts), said.chance
    if facts.entry.standard or target is None or found is None:
        return
    if found.probability is None or OUT_OF_REACH <= found.probability <= ALREADY_GIVEN:
        return
    code = "out_of_reach" if found.probability < OUT_OF_REACH else "already_given"
    yield {
        "letter": "achievable",
        "code": code,
        "chance": found.probability,
        "period": str(ahead),
        "proposal": _proposal(facts, target, ahead, found),
    }


def _proposal(facts: Facts, target: Target, ahead: Period, found: Chance) -> dict[str, Any] | None:
    """A rounder target of the same kind with a chance of about one half; of a band, the likely one."""
    if target.kind is Kind.BETWEEN:
        if found.low is None or found.high is None or found.low == found.high:
            return None
        chance = chance_of(facts, replace(target, value=(found.low, found.high)), ahead).probability
        return {"kind": str(target.kind), "value": [found.low, found.high], "chance": chance}
    if found.expected is None:
        return None
    tried: dict[float, float] = {}
    for value in _candidates(found.expected):
        chance = chance_of(facts, replace(target, value=value), ahead).probability
        tried[value] = 0.0 if chance is None else chance
        if _FAIR[0] <= tried[value] <= _FAIR[1]:
            break
    # where counts are small no whole number may have a chance of one half
    best = min(tried, key=lambda value: abs(tried[value] - 0.5))
    return {"kind": str(target.kind), "value": best, "chance": tried[best]}


def _candidates(expected: float) -> Iterator[float]:
    """The middle of what is to be expected, ever less rounded, and its neighbours among whole numbers."""
    for digits in (2, 3, 4):
        yield _rounded(expected, digits)
    if abs(expected) >= 1:
        yield from (math.floor(expected) + step for step in (0.0, 1.0, -1.0))


def _rounded(value: float, digits: int) -> float:
    """To so many significant digits.

    Examples
    --------
    >>> [_rounded(value, 2) for value in (637.4, 0.02345, 0.0)]
    [640.0, 0.023, 0.0]
    """
    if value == 0:
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def _relevant(facts: Facts) -> Iterator[Finding]:
    duties = facts.case.person.duties
    if duties and facts.kpi.family not in duties:
        yield {"letter": "relevant", "code": "not_a_duty", "family": facts.kpi.family}


def _timely(facts: Facts) -> Iterator[Finding]:
    """A goal and a schedule have their periods; a milestone must lie ahead when the period begins."""
    ask = facts.entry.target.ask()
    if isinstance(ask, Milestone) and ask.by < facts.case.period.start:
        yield {"letter": "time_bound", "code": "deadline_passed", "by": ask.by.isoformat()}


def _number(entries: Sequence[Entry]) -> Iterator[Finding]:
    if entries and not FEW <= len(entries) <= MANY:
        code = "few_kpis" if len(entries) < FEW else "many_kpis"
        yield {"code": code, "count": len(entries), "least": FEW, "most": MANY}


def _weights(entries: Sequence[Entry]) -> Iterator[Finding]:
    whole = sum(entry.weight for entry in entries)
    by_family: Mapping[str, float] = {
        family: sum(entry.weight for entry in entries if entry.definition.family == family)
        for family in dict.fromkeys(entry.definition.family for entry in entries)
    }
    if whole > 0 and len(entries) > 1:
        for family, weight in by_family.items():
            if weight / whole > HEAVY:
                yield {"code": "heavy_family", "family": family, "share": weight / whole}


def _missing_pairs(entries: Sequence[Entry]) -> Iterator[Finding]:
    named = {entry.kpi for entry in entries}
    for volumes, qualities in PAIRS:
        asked = sorted(volumes & named)
        if asked and not named & set(qualities):
            yield {"code": "no_quality_pair", "kpi": asked[0], "pairs": list(qualities)}
