"""The SMART audit: is a target specific, measurable, achievable, relevant and time-bound.

Each letter that fails comes with a finding, and where another target would pass, with a proposal. A
person's whole set of KPIs is looked at, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from kpi_kit.core.periods import Grain, Period
from kpi_kit.params import Entry, Specialist
from kpi_kit.params.targets import Goal, Kind, Milestone, Target
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.inference import WHOLE, Verdicts, asked_ahead, chance_of
from kpi_kit.scorecard.record import Finding, Proposal
from kpi_kit.statistics import Chance

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

_FAIR = (0.4, 0.6)
"""A proposal's chance: about one half, after rounding."""


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
        for a chance, accounts too new to have been measured, a person without duties).
    list of dict
        ``letter``, ``code`` and figures of each letter that fails.
    """
    seen = _seen(facts)
    found = [
        *_specific(facts),
        *(_measurable(facts, seen) if seen else _too_new(facts)),
        *(_achievable(facts, said) if reliable else ()),
        *_relevant(facts),
        *_timely(facts),
    ]
    failed = {finding["letter"] for finding in found}
    unknown = {"measurable"} if not seen and "measurable" not in failed else set()
    if not facts.context.person.duties:
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
    if not facts.context.owners(facts.entry):
        yield {"letter": "specific", "code": "empty_scope"}


def _seen(facts: Facts) -> list[tuple[Period, float | None]]:
    """The last whole periods in which the accounts existed already: a new one has missed none."""
    whole = facts.history[:-1] if facts.context.interim else facts.history
    return [(period, value) for period, value in whole[-LOOKED_AT:] if _existed(facts, period)]


def _existed(facts: Facts, period: Period) -> bool:
    """Whether an account was there in a period, and for all of the one it is compared with."""
    if not _days(facts, period):
        return False
    if facts.entry.as_ == "value":
        return True
    earlier = _compared_with(facts, period)
    return _days(facts, earlier) >= facts.context.department.coverage.minimum * earlier.days


def _compared_with(facts: Facts, period: Period) -> Period:
    return period.previous if facts.entry.versus == "previous" else period.year_ago


def _days(facts: Facts, period: Period) -> int:
    """The most days of a period on which an account or brand in the scope existed."""
    days = facts.plain.history.days[:, facts.context.buckets.index(period)]
    return int(days.max(initial=0))


def _measurable(facts: Facts, seen: Sequence[tuple[Period, float | None]]) -> Iterator[Finding]:
    """Of accounts younger than four periods all periods must have been assessable, but one of three."""
    known = sum(value is not None for _, value in seen)
    if known < min(ENOUGH, len(seen)):
        missing = [period for period, value in seen if value is None]
        yield {
            "letter": "measurable",
            "code": "rarely_assessable",
            "count": known,
            "of": len(seen),
            "periods": [str(period) for period in missing],
            "proposal": _import(facts, missing),
        }


def _import(facts: Facts, missing: Sequence[Period]) -> Proposal | None:
    """What the data lack of these periods; None where something else keeps the KPI from its value."""
    lacking = {str(period): _uncovered(facts, period) for period in missing}
    if not all(lacking.values()):
        return None
    return {"tables": sorted(set().union(*lacking.values())), "periods": list(lacking)}


def _uncovered(facts: Facts, period: Period) -> set[str]:
    """The tables that cover too little of a period, or of the one it is compared with."""
    sides = [period] if facts.entry.as_ == "value" else [period, _compared_with(facts, period)]
    history, buckets = facts.plain.history, facts.context.buckets
    notes = [note for side in sides for note in history.measure(buckets.index(side)).notes]
    return {str(table) for note in notes if note.code == "not_covered" for table in note.detail["tables"]}


def _too_new(facts: Facts) -> Iterator[Finding]:
    """Accounts that did not exist a year ago cannot be compared with it, however good the data are."""
    period = facts.context.period
    if facts.entry.as_ != "value" and facts.entry.versus == "year_ago" and _days(facts, period):
        yield {"letter": "measurable", "code": "no_year_ago", "period": str(period.year_ago)}


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


def _proposal(facts: Facts, target: Target, ahead: Period, found: Chance) -> Proposal | None:
    """A rounder target of the same kind with a chance of about one half; of a band, the likely one."""
    if found.low is None or found.high is None or found.expected is None:
        return None
    asked, per = _as_given(facts, target, ahead)
    unit = _of_one(facts, ahead, per)

    def chance(value: float | tuple[float, float]) -> float:
        said = chance_of(facts, asked(value), ahead).probability
        return 0.0 if said is None else said

    told: Proposal = {"kind": str(target.kind), "per": None if per is None else str(per)}
    if target.kind is Kind.BETWEEN:
        low, high = found.low / unit, found.high / unit
        return None if low == high else {**told, "value": [low, high], "chance": chance((low, high))}
    tried: dict[float, float] = {}
    for value in _candidates(found.expected / unit, whole=per is not None and facts.entry.unit in WHOLE):
        tried[value] = chance(value)
        if _FAIR[0] <= tried[value] <= _FAIR[1]:
            break
    # where counts are small no whole number may have a chance of one half
    best = min(tried, key=lambda value: abs(tried[value] - 0.5))
    return {**told, "value": best, "chance": tried[best]}


def _as_given(
    facts: Facts, target: Target, ahead: Period
) -> tuple[Callable[[float | tuple[float, float]], Target], Grain | None]:
    """What a proposed value asks of the period ahead, and its grain where that is another one.

    Who asked for 9 posts a week is told how many a week to ask for, not how many a month.
    """
    ask = facts.entry.target.ask()
    if not isinstance(ask, Goal) or not facts.entry.accruing or ask.per is ahead.grain:
        return lambda value: replace(target, value=value), None
    share = _of_one(facts, ahead, ask.per)

    def asked(value: float | tuple[float, float]) -> Target:
        if isinstance(value, tuple):
            return replace(target, value=(value[0] * share, value[1] * share))
        return replace(target, value=value * share)

    return asked, ask.per


def _of_one(facts: Facts, ahead: Period, per: Grain | None) -> float:
    """What a target of 1 a week, quarter or year asks of the period ahead; 1 where it is of its grain."""
    if per is None:
        return 1.0
    one = Goal(Target(Kind.AT_LEAST, 1.0, 0.0), per).at(ahead, facts.entry.accruing)
    return one.value if one is not None and isinstance(one.value, float) else 1.0


def _candidates(expected: float, *, whole: bool) -> Iterator[float]:
    """The middle of what is to be expected, ever less rounded, and its neighbours among whole numbers."""
    for digits in (2, 3, 4):
        value = _rounded(expected, digits)
        yield float(round(value)) if whole else value
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
    duties = facts.context.person.duties
    if duties and facts.kpi.family not in duties:
        yield {"letter": "relevant", "code": "not_a_duty", "family": facts.kpi.family}


def _timely(facts: Facts) -> Iterator[Finding]:
    """A goal and a schedule have their periods; a milestone must lie ahead when the period begins."""
    ask = facts.entry.target.ask()
    if isinstance(ask, Milestone) and ask.by < facts.context.period.start:
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
