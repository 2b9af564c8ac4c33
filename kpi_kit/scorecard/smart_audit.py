"""The SMART audit: is a target specific, measurable, achievable, relevant and time-bound.

A letter that fails has a finding, with a proposal where another target would pass. A person's whole set
of KPIs is audited, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from kpi_kit.core.periods import Grain, Period
from kpi_kit.params import Entry, Specialist
from kpi_kit.params.targets import Goal, Kind, Milestone, Target
from kpi_kit.scorecard.chances import WHOLE, chance_of, target_ahead
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import Finding, Proposal
from kpi_kit.statistics import Chance

LETTERS = ("specific", "measurable", "achievable", "relevant", "time_bound")

OUT_OF_REACH, ALREADY_GIVEN = 0.1, 0.9
"""A target is achievable where its chance lies between these."""

ENOUGH, LAST_PERIODS = 3, 4
"""A KPI is measurable where it was assessable in 3 of the last 4 periods."""

FEW, MANY = 4, 7
"""How many KPIs a person usually has."""

HEAVY = 0.6
"""The largest usual share of the weight in one family."""

PAIRS: Sequence[tuple[frozenset[str], tuple[str, ...]]] = (
    (frozenset({"subscribers", "subscriber_gain", "subscriber_growth"}), ("churn_rate", "unsubscribed")),
    (frozenset({"posts_published"}), ("plan_fulfilment",)),
    (frozenset({"leads"}), ("qualified_lead_rate", "qualified_leads")),
)
"""Volumes that can rise at the cost of quality, and the KPIs that show the quality."""

_FAIR = (0.4, 0.6)
"""The chance of a proposed target: about one half, after rounding."""


class Audit(NamedTuple):
    """The result for one entry.

    Parameters
    ----------
    letters : dict
        Whether each letter holds; None where it cannot be judged (a history too short for a chance,
        accounts too new to have been measured, a person without duties).
    findings : list of Finding
        One for each letter that fails.
    """

    letters: dict[str, bool | None]
    findings: list[Finding]


def audit(facts: Facts, chance: Chance | None, *, reliable: bool = True) -> Audit:
    """Audit one entry.

    Parameters
    ----------
    facts : Facts
    chance : Chance or None
        The chance of the target ahead; None where there is no target.
    reliable : bool
        Whether the back-test confirms such chances. An unreliable chance is not used.
    """
    periods = _last_periods(facts)
    findings = [
        *_specific(facts),
        *(_measurable(facts, periods) if periods else _too_new(facts)),
        *(_achievable(facts, chance) if reliable else ()),
        *_relevant(facts),
        *_timely(facts),
    ]
    failed = {finding["letter"] for finding in findings}
    unknown = {"measurable"} if not periods and "measurable" not in failed else set()
    if not facts.context.person.duties:
        unknown.add("relevant")
    has_chance = reliable and chance is not None and chance.probability is not None
    if not has_chance and not facts.entry.standard:
        unknown.add("achievable")
    letters = {letter: None if letter in unknown else letter not in failed for letter in LETTERS}
    return Audit(letters, findings)


def audit_set(person: Specialist) -> list[Finding]:
    """Findings on a person's whole set of KPIs."""
    return [*_number(person.kpis), *_weights(person.kpis), *_missing_pairs(person.kpis)]


def _specific(facts: Facts) -> Iterator[Finding]:
    """Whether the scope holds an account or brand; KPI and unit are checked when params are read."""
    if not facts.context.owners(facts.entry):
        yield {"letter": "specific", "code": "empty_scope"}


def _last_periods(facts: Facts) -> list[tuple[Period, float | None]]:
    """The last whole periods in which the accounts existed, with their values."""
    whole = facts.history[:-1] if facts.context.interim else facts.history
    return [(period, value) for period, value in whole[-LAST_PERIODS:] if _existed(facts, period)]


def _existed(facts: Facts, period: Period) -> bool:
    """Whether an account existed in a period and, for a change, in all of the period before it."""
    if not _days(facts, period):
        return False
    if facts.entry.as_ == "value":
        return True
    earlier = facts.earlier(period)
    return _days(facts, earlier) >= facts.context.department.coverage.minimum * earlier.days


def _days(facts: Facts, period: Period) -> int:
    """The most days of a period on which an account or brand in the scope existed."""
    days = facts.latest.history.days[:, facts.context.buckets.index(period)]
    return int(days.max(initial=0))


def _measurable(facts: Facts, periods: Sequence[tuple[Period, float | None]]) -> Iterator[Finding]:
    """Accounts younger than four periods must have been assessable in all of them."""
    missing = [period for period, value in periods if value is None]
    assessable = len(periods) - len(missing)
    if assessable < min(ENOUGH, len(periods)):
        yield {
            "letter": "measurable",
            "code": "rarely_assessable",
            "count": assessable,
            "of": len(periods),
            "periods": [str(period) for period in missing],
            "proposal": _missing_data(facts, missing),
        }


def _missing_data(facts: Facts, missing: Sequence[Period]) -> Proposal | None:
    """The tables to import for some periods; None where missing data are not the reason of each."""
    lacking = {str(period): _uncovered(facts, period) for period in missing}
    if not all(lacking.values()):
        return None
    return {"tables": sorted(set().union(*lacking.values())), "periods": list(lacking)}


def _uncovered(facts: Facts, period: Period) -> set[str]:
    """The tables that cover too little of a period or, for a change, of the period before it."""
    sides = [period] if facts.entry.as_ == "value" else [period, facts.earlier(period)]
    history, buckets = facts.latest.history, facts.context.buckets
    notes = [note for side in sides for note in history.measure(buckets.index(side)).notes]
    return {str(table) for note in notes if note.code == "not_covered" for table in note.detail["tables"]}


def _too_new(facts: Facts) -> Iterator[Finding]:
    """A finding where accounts did not exist a year ago and the entry is a change against it."""
    period = facts.context.period
    if facts.entry.as_ != "value" and facts.entry.versus == "year_ago" and _days(facts, period):
        yield {"letter": "measurable", "code": "no_year_ago", "period": str(period.year_ago)}


def _achievable(facts: Facts, chance: Chance | None) -> Iterator[Finding]:
    """Judged by the chance; a standard need not be achievable."""
    target, ahead = target_ahead(facts)
    if facts.entry.standard or target is None or chance is None or chance.probability is None:
        return
    if OUT_OF_REACH <= chance.probability <= ALREADY_GIVEN:
        return
    code = "out_of_reach" if chance.probability < OUT_OF_REACH else "already_given"
    yield {
        "letter": "achievable",
        "code": code,
        "chance": chance.probability,
        "period": str(ahead),
        "target": _as_asked(facts, target, ahead),
        "proposal": near_half(facts, target, ahead, chance),
    }


def _grain_of_its_own(facts: Facts, ahead: Period) -> Grain | None:
    """The grain of a target that is asked for another span than the period ahead; else None."""
    ask = facts.entry.target.ask()
    other_grain = isinstance(ask, Goal) and facts.entry.accruing and ask.per is not ahead.grain
    return ask.per if isinstance(ask, Goal) and other_grain else None


def _as_asked(facts: Facts, target: Target, ahead: Period) -> Proposal:
    """The target of the period ahead in the form of a proposal."""
    per = _grain_of_its_own(facts, ahead)
    scale, value = _periods_ahead(facts, ahead, per), target.value
    bounds = [bound / scale for bound in value] if isinstance(value, tuple) else value / scale
    return {"kind": str(target.kind), "per": None if per is None else str(per), "value": bounds}


def near_half(facts: Facts, target: Target, ahead: Period, chance: Chance) -> Proposal | None:
    """A round target of the same kind with a chance of about one half; for a band, the 80 % band.

    A target per week is proposed per week, also where the period is a month.
    """
    if chance.low is None or chance.high is None or chance.expected is None:
        return None
    per = _grain_of_its_own(facts, ahead)
    scale = _periods_ahead(facts, ahead, per)

    def chance_of_value(value: float | tuple[float, float]) -> float:
        scaled = (value[0] * scale, value[1] * scale) if isinstance(value, tuple) else value * scale
        return chance_of(facts, replace(target, value=scaled), ahead).probability or 0.0

    proposal: Proposal = {"kind": str(target.kind), "per": None if per is None else str(per)}
    if target.kind is Kind.BETWEEN:
        low, high = chance.low / scale, chance.high / scale
        if low == high:
            return None
        return {**proposal, "value": [low, high], "chance": chance_of_value((low, high))}
    chances: dict[float, float] = {}
    for value in _candidates(chance.expected / scale, whole=per is not None and facts.entry.unit in WHOLE):
        chances[value] = chance_of_value(value)
        if _FAIR[0] <= chances[value] <= _FAIR[1]:
            break
    # where counts are small no whole number may have a chance of one half
    best = min(chances, key=lambda value: abs(chances[value] - 0.5))
    return {**proposal, "value": best, "chance": chances[best]}


def _periods_ahead(facts: Facts, ahead: Period, per: Grain | None) -> float:
    """How many spans of a grain the period ahead amounts to; 1 without a grain."""
    if per is None:
        return 1.0
    one = Goal(Target(Kind.AT_LEAST, 1.0, 0.0), per).at(ahead, facts.entry.accruing)
    return one.value if one is not None and isinstance(one.value, float) else 1.0


def _candidates(expected: float, *, whole: bool) -> Iterator[float]:
    """The expected value with 2, 3 and 4 digits, then the whole numbers near it."""
    for digits in (2, 3, 4):
        value = _rounded(expected, digits)
        yield float(round(value)) if whole else value
    if abs(expected) >= 1:
        yield from (math.floor(expected) + step for step in (0.0, 1.0, -1.0))


def _rounded(value: float, digits: int) -> float:
    """A value to some significant digits.

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
    """Whether a milestone lies ahead when the period begins; other targets have periods of their own."""
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
        present = sorted(volumes & named)
        if present and not named & set(qualities):
            yield {"code": "no_quality_pair", "kpi": present[0], "pairs": list(qualities)}
