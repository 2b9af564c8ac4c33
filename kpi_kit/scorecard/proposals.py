"""Propose targets: a set of KPIs for a person from what the data can measure, and the next targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.model import Better, Kpi
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.store import Store
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import Entry, Params, Specialist
from kpi_kit.params.targets import Kind, Target
from kpi_kit.scorecard.chances import chance_of
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.smart_audit import ALREADY_GIVEN, LAST_PERIODS, MANY, OUT_OF_REACH, near_half
from kpi_kit.scorecard.windows import last_full_month

CHOICES: Mapping[int, tuple[str, ...]] = {
    1: ("subscriber_gain",),
    5: ("leads",),
    11: ("response_rate", "median_response_time"),
    6: ("sales_amount", "sales"),
    10: ("plan_fulfilment", "posts_published"),
    3: ("engagement_rate", "views"),
    7: ("social_visits",),
    4: ("likes", "meaningful_comments"),
    2: ("churn_rate",),
    8: ("brand_queries",),
    9: ("brand_mentions",),
}
"""The KPIs of each group, the preferred one first; groups in the order in which they matter."""

WEIGHTS: Mapping[int, float] = {1: 20, 5: 20, 6: 20, 3: 15, 10: 15, 11: 15, 7: 10, 4: 10, 2: 10, 8: 10, 9: 10}
"""The weight of a group's KPI before all are scaled to 100."""

PAIRS: Mapping[str, tuple[str, ...]] = {"leads": ("qualified_lead_rate", "qualified_leads")}
"""A KPI of quality to add to a KPI of volume."""

_MONTHS = 13
STEP = 5
"""Weights are multiples of it."""


@dataclass(frozen=True)
class Proposed:
    """An entry with a proposed target.

    Parameters
    ----------
    kpi : str
    kind : Kind
    value : float
    accounts : tuple of str
        The accounts that can be measured, where the person has others, too.
    chance : float or None
        The chance of the target in the next period; None where the history is too short.
    facts : tuple of (Period, float)
        The last known periods.
    standard : bool
        Whether it is a norm, not a goal.
    weight : int
    """

    kpi: str
    kind: Kind
    value: float
    accounts: tuple[str, ...]
    chance: float | None
    facts: tuple[tuple[Period, float], ...]
    standard: bool = False
    weight: int = 0


@dataclass(frozen=True)
class _Subject:
    """A person whose KPIs are proposed: accounts and brands count, the KPIs do not."""

    person: Specialist
    period: Period
    context: Context

    def facts(self, kpi: str, accounts: tuple[str, ...]) -> Facts:
        """The measurements of a KPI as if it were an entry of the person."""
        raw: dict[str, Any] = {"kpi": kpi, "weight": 1, "target": {str(_kind(CATALOGUE[kpi])): 1}}
        if accounts:
            raw["accounts"] = list(accounts)
        entry = Entry.model_validate(raw)
        own = self.person.model_copy(update={"kpis": (entry,)})
        return Facts(self.context.alike(person=own), entry)

    def first(self, kpis: Iterable[str]) -> Proposed | None:
        """A proposal for the first KPI that can be measured, narrowed to the accounts that can."""
        for kpi in kpis:
            of_accounts = CATALOGUE[kpi].scope == "account_id"
            owned = [held.account for held in self.person.accounts] if of_accounts else []
            measured = tuple(owner for owner in owned if _known(self.facts(kpi, (owner,)), self.period))
            if owned and not measured or (not owned and of_accounts):
                continue
            scope = measured if len(measured) < len(owned) else ()
            proposed = _proposed(self.facts(kpi, scope), scope, self.period)
            if proposed is not None:
                return proposed
        return None


def propose_set(person: Specialist, period: Period, params: Params, store: Store) -> list[Proposed]:
    """Propose KPIs, targets and weights for a person from the data up to a period.

    Parameters
    ----------
    person : Specialist
        Accounts and brands count; the KPIs do not.
    period : Period
        The last whole period.
    params : Params
        For the department's settings.
    store : Store

    Returns
    -------
    list of Proposed
        At most seven, whose weights add up to 100; none where nothing can be measured.
    """
    alone = replace(params, specialists={person.id: person}, broken={})
    subject = _Subject(person, period, prepare(person.id, period, params=alone, store=store))
    made = []
    for choices in CHOICES.values():
        proposed = subject.first(choices)
        if proposed is not None:
            pair = subject.first(PAIRS.get(proposed.kpi, ()))
            made += [proposed] if pair is None else [proposed, pair]
    return with_weights(made[:MANY])


def last_useful_month(person: Specialist, store: Store) -> Period:
    """The last full month of which at least half as much is there as of the fullest month of the last year.

    One export that reaches further than all others does not decide.
    """
    last = last_full_month(store)
    owners = [*(held.account for held in person.accounts), *person.brands]
    windows = [
        window
        for table, by_owner in store.covered(owners).items()
        if table != "plan"
        for ranges in by_owner.values()
        for window in ranges
    ]
    months = last.history(_MONTHS)
    counts = [sum(since <= month.last_day < until for since, until in windows) for month in months]
    enough = [
        month for month, count in zip(months, counts, strict=True) if count and 2 * count >= max(counts)
    ]
    return enough[-1] if enough else last


def _kind(definition: Kpi) -> Kind:
    return Kind.AT_MOST if definition.better is Better.LOWER else Kind.AT_LEAST


def _known(facts: Facts, period: Period) -> list[tuple[Period, float]]:
    """The last periods with a value; none where the last period has none."""
    known = [(bucket, value) for bucket, value in facts.history if value is not None]
    return known if known and known[-1][0] == period else []


def _proposed(facts: Facts, scope: tuple[str, ...], period: Period) -> Proposed | None:
    known = _known(facts, period)
    if not known or all(value == 0 for _, value in known[-LAST_PERIODS:]):
        return None
    kind = _kind(facts.kpi)
    last = tuple(known[-LAST_PERIODS:])
    if facts.kpi.id == "response_rate":
        return Proposed(facts.kpi.id, kind, 1.0, scope, None, last, standard=True)
    found = next_target(facts, Target(kind, last[-1][1], None), period.next)
    if found is None or found[0] <= 0 or (facts.kpi.bounded and found[0] > 1):
        return None
    if found[1] is not None and not OUT_OF_REACH <= found[1] <= ALREADY_GIVEN:
        return None  # it does not vary, so no target would mean anything
    return Proposed(facts.kpi.id, kind, found[0], scope, found[1], last)


def next_target(facts: Facts, target: Target, ahead: Period) -> tuple[float, float | None] | None:
    """A round target of the same kind for a period ahead with a chance of about one half, and that chance.

    With a history too short for a chance it is the median of the known values. None where nothing is known.
    """
    chance = chance_of(facts, target, ahead)
    proposal = near_half(facts, target, ahead, chance)
    if proposal is not None and isinstance(proposal["value"], float):
        return proposal["value"], proposal["chance"]
    known = sorted(value for _, value in facts.history if value is not None)
    return (known[len(known) // 2], None) if known else None


def with_weights(entries: Sequence[Proposed]) -> list[Proposed]:
    """The entries with weights that add up to 100, in steps of 5.

    Examples
    --------
    >>> listed = [Proposed(kpi, Kind.AT_LEAST, 1.0, (), None, ()) for kpi in ("leads", "views", "likes")]
    >>> [entry.weight for entry in with_weights(listed)]
    [45, 35, 20]
    """
    if not entries:
        return []
    raw = [WEIGHTS[CATALOGUE[entry.kpi].group] for entry in entries]
    exact = [100 * weight / sum(raw) for weight in raw]
    whole = [max(STEP, int(share // STEP) * STEP) for share in exact]
    order = sorted(range(len(raw)), key=lambda place: whole[place] - exact[place])
    for place in order[: (100 - sum(whole)) // STEP]:
        whole[place] += STEP
    return [replace(entry, weight=weight) for entry, weight in zip(entries, whole, strict=True)]


@dataclass(frozen=True)
class Next:
    """The next target of an entry.

    Parameters
    ----------
    entry : Entry
    number : int
        Its place in the file, from 0.
    last : Target or None
        That of the period before.
    value : float or None
        The fact of that period.
    attained : bool or None
    chance : float or None
        The chance of the last target in the next period.
    proposal : float or None
        None where nothing can be proposed: a norm, a milestone or a band, or no history.
    proposal_chance : float or None
    reason : str
        Why there is no proposal: ``standard``, ``milestone``, ``band``, ``scheduled``, ``same``, ``unknown``.
    """

    entry: Entry
    number: int
    last: Target | None
    value: float | None
    attained: bool | None
    chance: float | None
    proposal: float | None
    proposal_chance: float | None
    reason: str = ""


def next_targets(context: Context, ahead: Period) -> Iterator[Next]:
    """What each entry of a person was asked, and a proposal for a period.

    Parameters
    ----------
    context : Context
        Of the last whole period before.
    ahead : Period

    Raises
    ------
    InputError
        Where the period is not after that of the context.
    """
    if ahead.start < context.period.end:
        raise InputError(Phrase("scorecard.period_ahead", ahead=ahead, period=context.period))
    for number, entry in enumerate(context.person.kpis):
        facts = Facts(context, entry)
        ask = entry.target.ask()
        last = ask.at(context.period, entry.accruing)
        value = facts.measurement.value
        attained = None if value is None or last is None else last.attained(value)
        reason = _reason(entry, ahead, last)
        chance = chance_of(facts, last, ahead).probability if last is not None else None
        found = next_target(facts, last, ahead) if last is not None and not reason else None
        if not reason and (found is None or found[0] <= 0):
            found, reason = None, "unknown"
        if found is not None and last is not None and found[0] == last.value and not entry.target.schedule:
            found, reason = None, "same"
        proposal, likely = found or (None, None)
        yield Next(entry, number, last, value, attained, chance, proposal, likely, reason)


def _reason(entry: Entry, ahead: Period, last: Target | None) -> str:
    """Why no target is proposed; empty where one can be."""
    target = entry.target
    if entry.standard:
        return "standard"
    if target.by is not None:
        return "milestone"
    if target.between is not None or (last is not None and last.kind is Kind.BETWEEN):
        return "band"
    if target.schedule is not None and target.ask().at(ahead, entry.accruing) is not None:
        return "scheduled"
    if last is None or target.per is not None:
        return "unknown"
    return ""
