"""What if: another target for one KPI of a person, over the last periods and the next one.

::

    ask = what_if.question("anna-petrova", "2025-10", "leads", data=data, params=params)
    ask({"at_least": 60}).reached          # quick: the facts are measured once
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.periods import Period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.params import Entry, check_target
from kpi_kit.params.targets import Target
from kpi_kit.scorecard import cohort as crossing
from kpi_kit.scorecard.build import target_of
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.inference import asked_ahead, chance_of

PERIODS = 12
"""How many last periods are looked at, if the history has so many."""

Json = dict[str, Any]
Values: TypeAlias = Sequence[tuple[Entry, float | None]]
"""The entries of a person with their facts."""


@dataclass(frozen=True)
class Past:
    """One period under a target.

    Parameters
    ----------
    period : str
    value : float or None
        The fact.
    target : float, tuple of float or None
        What would have been asked of it; None where nothing would.
    attained : bool or None
    attainment, payout : float or None
        None where the fact is unknown or nothing was asked.
    """

    period: str
    value: float | None
    target: float | tuple[float, float] | None
    attained: bool | None
    attainment: float | None
    payout: float | None


@dataclass(frozen=True)
class Total:
    """A total with the payout that goes into it."""

    payout: float | None
    total: float | None


@dataclass(frozen=True)
class Answer:
    """What another target would mean.

    Parameters
    ----------
    specialist, period, entry, kpi, as_, unit : str
        Whose and which; ``entry`` tells it from others of the same KPI.
    asked : dict
        The target as it was given.
    past : tuple of Past
        The last periods, the reported one last.
    reached, known : int
        In how many of these the target would have been attained, and in how many that can be said.
    chance : float or None
        That of the period ahead; None where the history is short or nothing is asked.
    chance_period : str or None
    chance_band : tuple of float or None
        Where the value will be with a probability of 80 %.
    chance_check : dict or None
        How well such chances have come true, as in the scorecard; None where no run has checked.
    present, then : Total
        The payout and total of the period as it is reported, and as it would have been.
    """

    specialist: str
    period: str
    entry: str
    kpi: str
    as_: str
    unit: str
    asked: Json
    past: tuple[Past, ...]
    reached: int
    known: int
    chance: float | None
    chance_period: str | None
    chance_band: tuple[float, float] | None
    chance_check: Mapping[str, Any] | None
    present: Total
    then: Total

    @property
    def reliable(self) -> bool | None:
        """Whether the chance may be relied on; None where that has not been checked."""
        verdict = (self.chance_check or {}).get("verdict", "not_checked")
        return {"reliable": True, "not_reliable": False}.get(verdict)

    def as_dict(self) -> Json:
        """The answer as JSON types."""
        found = asdict(self)
        return {("as" if name == "as_" else name): value for name, value in found.items()}


Question: TypeAlias = Callable[[object], Answer]
"""Takes a target as it is written in params, such as ``{"at_least": 60}``."""


def question(
    specialist: str,
    period: str,
    kpi: str,
    *,
    data: Path,
    params: Path,
    beside: Path | None = None,
    as_of: str | None = None,
    as_: str | None = None,
    versus: str | None = None,
    scope: Mapping[str, Sequence[str]] | None = None,
) -> Question:
    """Measure a person once, to ask of any number of targets what they would mean.

    Parameters
    ----------
    specialist, period, kpi : str
    data, params : Path
    beside : Path, optional
        The folder of the period's reports, where a run has left how well chances come true.
    as_of : str, optional
        The data cut-off.
    as_, versus : str, optional
    scope : mapping, optional
        Which entry is meant, where the person has several of the KPI.

    Raises
    ------
    InputError
        Where there is no such entry, or more than one.
    KitError
        As :func:`kpi_kit.scorecard.build.score`.
    """
    cohort = Cohort() if beside is None else crossing.read(beside)
    loaded, store = open_inputs(data, params)
    with store:
        context = prepare(specialist, Period.parse(period), params=loaded, store=store, as_of=as_of)
        entry = find_entry(context, kpi, as_=as_, versus=versus, scope=scope)
        found = question_of(context, entry, cohort)
        found(entry.target)  # whatever has to be read is read now, while the data are open
    return found


def what_if(specialist: str, period: str, kpi: str, target: object, **given: Any) -> Answer:
    """Say what another target would mean: :func:`question`, asked once.

    Raises
    ------
    KitError
        As :func:`question`, or where the target could not stand in params.
    """
    return question(specialist, period, kpi, **given)(target)


def find_entry(
    context: Context,
    kpi: str,
    *,
    as_: str | None = None,
    versus: str | None = None,
    scope: Mapping[str, Sequence[str]] | None = None,
) -> Entry:
    """The one entry of a person that is meant.

    Raises
    ------
    InputError
    """
    file = context.params.file_of(context.person.id)
    own = [entry for entry in context.person.kpis if entry.kpi == kpi]
    if not own:
        hint = did_you_mean(kpi, {entry.kpi for entry in context.person.kpis})
        raise InputError(f"kpi {kpi!r}: {file} has no such entry{hint}")
    narrowed = None if scope is None else {key: sorted(names) for key, names in scope.items()}
    fitting = [
        entry
        for entry in own
        if (as_ is None or entry.as_ == as_)
        and (versus is None or entry.versus == versus)
        and (narrowed is None or narrowed == {key: sorted(n) for key, n in (entry.scope or {}).items()})
    ]
    if len(fitting) != 1:
        found = "none" if not fitting else "; ".join(each.called for each in fitting)
        told = "; ".join(each.called for each in own)
        raise InputError(
            f"kpi {kpi!r}: as, versus and scope must leave one entry of {file} ({told}), found {found}"
        )
    return fitting[0]


def question_of(context: Context, entry: Entry, cohort: Cohort) -> Question:
    """What another target for an entry of a prepared case would mean."""
    facts = Facts(context, entry)
    values = [(each, Facts(context, each).measurement.value) for each in context.person.kpis]

    def ask(target: object) -> Answer:
        asked = check_target(target, entry, context.person)
        return _answer(facts, asked, values, cohort)

    return ask


def _answer(facts: Facts, asked: Entry, values: Values, cohort: Cohort) -> Answer:
    context, entry = facts.context, facts.entry
    past = tuple(_past(facts, asked, period, value) for period, value in facts.history[-PERIODS:])
    # the facts do not depend on the target: what is measured of the entry serves for any
    target, ahead = asked_ahead(Facts(context, asked))
    found = None if target is None else chance_of(facts, target, ahead)
    band = None if found is None or found.low is None or found.high is None else (found.low, found.high)
    attained = [each.attained for each in past if each.attained is not None]
    return Answer(
        specialist=context.person.id,
        period=str(context.period),
        entry=entry.called,
        kpi=entry.kpi,
        as_=entry.as_,
        unit=str(entry.unit),
        asked=asked.target.model_dump(mode="json", exclude_none=True, by_alias=True),
        past=past,
        reached=sum(attained),
        known=len(attained),
        chance=None if found is None else found.probability,
        chance_period=None if found is None else str(ahead),
        chance_band=band,
        chance_check=cohort.backtest.get(entry.kpi),
        present=_total(context, values, entry, entry),
        then=_total(context, values, entry, asked),
    )


def _past(facts: Facts, asked: Entry, period: Period, value: float | None) -> Past:
    """A period of the history; the reported one is pro-rated as in the scorecard."""
    context = facts.context
    if period == context.period:
        target, _ = target_of(context, asked)
    else:
        target = asked.target.ask().at(period, asked.accruing)
    if target is None or value is None:
        return Past(str(period), value, None if target is None else target.value, None, None, None)
    attainment = target.attainment(value)
    return Past(
        str(period), value, target.value, target.attained(value), attainment, _payout(context, target, value)
    )


def _payout(context: Context, target: Target | None, value: float | None) -> float | None:
    attainment = None if target is None or value is None else target.attainment(value)
    return None if attainment is None else context.department.scoring.curve().payout(attainment)


def _total(context: Context, values: Values, entry: Entry, asked: Entry) -> Total:
    """The total of the period with one entry asked for something else."""
    paid = []
    own = None
    for each, value in values:
        target, _ = target_of(context, asked if each is entry else each)
        payout = _payout(context, target, value)
        if each is entry:
            own = payout
        if target is not None:
            paid.append((float(each.weight), payout))
    return Total(own, context.department.scoring.curve().total(paid))
