"""What-if: another target for one entry, over the last periods and the next one.

::

    ask = what_if.question("anna-petrova", "2025-10", "leads", data=data, params=params)
    ask({"at_least": 60}).reached          # quick: the facts are measured once
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.params import Entry, check_target
from kpi_kit.scorecard.attainment import outcome, target_in, target_of
from kpi_kit.scorecard.chances import chance_of, target_ahead
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.cohort import read as read_cohort
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.entry_facts import Facts

PERIODS = 12
"""The most past periods of an answer."""

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
        The trial target of the period; None where there is none.
    attained : bool or None
    attainment, payout : float or None
        None where there is no fact or no target.
    """

    period: str
    value: float | None
    target: float | tuple[float, float] | None
    attained: bool | None
    attainment: float | None
    payout: float | None


@dataclass(frozen=True)
class Total:
    """The entry's payout, and the total of the report."""

    payout: float | None
    total: float | None


@dataclass(frozen=True)
class Answer:
    """The consequences of another target.

    Parameters
    ----------
    specialist, period, entry, kpi, as_, unit : str
        ``entry`` tells entries of the same KPI apart.
    asked : dict
        The trial target, as in params.
    past : tuple of Past
        The last periods, the reported one last.
    reached, known : int
        In how many of these the target would have been attained, and how many have a fact and a target.
    chance : float or None
        That of the period ahead; None where the history is short or there is no target.
    chance_period : str or None
    chance_band : tuple of float or None
        The band that holds the value with a probability of 80 %.
    chance_check : dict or None
        The back-test, as in the scorecard; None where no run has made one.
    present, then : Total
        Payout and total of the period as reported, and under the trial target.
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
        """Whether the back-test confirms such chances; None where it has not been made."""
        verdict = (self.chance_check or {}).get("verdict", "not_checked")
        return {"reliable": True, "not_reliable": False}.get(verdict)

    def as_dict(self) -> Json:
        """The answer as JSON types."""
        return {("as" if name == "as_" else name): value for name, value in asdict(self).items()}


Question: TypeAlias = Callable[[object], Answer]
"""A function from a target as in params, such as ``{"at_least": 60}``, to the answer."""


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
    """Measure a person once, then answer for any number of trial targets.

    Parameters
    ----------
    specialist, period, kpi : str
    data, params : Path
    beside : Path, optional
        The folder of the period's reports, where a run has left the back-test.
    as_of : str, optional
        The data cut-off.
    as_, versus : str, optional
    scope : mapping, optional
        Which entry, where the person has several of the KPI.

    Raises
    ------
    InputError
        Where there is no such entry, or more than one.
    KitError
        As :func:`kpi_kit.scorecard.build.score`.
    """
    cohort = Cohort() if beside is None else read_cohort(beside)
    loaded, store = open_inputs(data, params)
    with store:
        context = prepare(specialist, Period.parse(period), params=loaded, store=store, as_of=as_of)
        entry = find_entry(context, kpi, as_=as_, versus=versus, scope=scope)
        answer = question_of(context, entry, cohort)
        answer(entry.target)  # reads everything it needs while the data are open
    return answer


def what_if(specialist: str, period: str, kpi: str, target: object, **options: Any) -> Answer:
    """The answer of :func:`question` for one target.

    Raises
    ------
    KitError
        As :func:`question`, or where the target could not stand in params.
    """
    return question(specialist, period, kpi, **options)(target)


def find_entry(
    context: Context,
    kpi: str,
    *,
    as_: str | None = None,
    versus: str | None = None,
    scope: Mapping[str, Sequence[str]] | None = None,
) -> Entry:
    """The one entry of a person with a KPI, ``as``, ``versus`` and scope.

    Raises
    ------
    InputError
    """
    file = context.params.file_of(context.person.id)
    own = [entry for entry in context.person.kpis if entry.kpi == kpi]
    if not own:
        hint = did_you_mean(kpi, {entry.kpi for entry in context.person.kpis})
        raise InputError(Phrase("scorecard.no_entry", kpi=kpi, file=file, hint=hint))
    narrowed = None if scope is None else {key: sorted(names) for key, names in scope.items()}
    fitting = [
        entry
        for entry in own
        if (as_ is None or entry.as_ == as_)
        and (versus is None or entry.versus == versus)
        and (narrowed is None or narrowed == {key: sorted(n) for key, n in (entry.scope or {}).items()})
    ]
    if len(fitting) != 1:
        found = "; ".join(entry.called for entry in fitting) or Phrase("core.none")
        choice = "; ".join(entry.called for entry in own)
        raise InputError(Phrase("scorecard.one_entry", kpi=kpi, file=file, choice=choice, found=found))
    return fitting[0]


def question_of(context: Context, entry: Entry, cohort: Cohort) -> Question:
    """The :class:`Question` for an entry of a prepared context."""
    facts = Facts(context, entry)
    values = [(own, Facts(context, own).measurement.value) for own in context.person.kpis]

    def answer(target: object) -> Answer:
        return _answer(facts, check_target(target, entry, context.person), values, cohort)

    return answer


def _answer(facts: Facts, trial: Entry, values: Values, cohort: Cohort) -> Answer:
    context, entry = facts.context, facts.entry
    past = tuple(_past(facts, trial, period, value) for period, value in facts.history[-PERIODS:])
    # facts do not depend on the target: those of the entry serve for every trial target
    target, ahead = target_ahead(Facts(context, trial))
    chance = None if target is None else chance_of(facts, target, ahead)
    has_band = chance is not None and chance.low is not None and chance.high is not None
    attained = [step.attained for step in past if step.attained is not None]
    return Answer(
        specialist=context.person.id,
        period=str(context.period),
        entry=entry.called,
        kpi=entry.kpi,
        as_=entry.as_,
        unit=str(entry.unit),
        asked=trial.target.model_dump(mode="json", exclude_none=True, by_alias=True),
        past=past,
        reached=sum(attained),
        known=len(attained),
        chance=None if chance is None else chance.probability,
        chance_period=None if chance is None else str(ahead),
        chance_band=cast(tuple[float, float], (chance.low, chance.high)) if chance and has_band else None,
        chance_check=cohort.check_of(entry.kpi, entry.as_),
        present=_total(context, values, entry, entry),
        then=_total(context, values, entry, trial),
    )


def _past(facts: Facts, trial: Entry, period: Period, value: float | None) -> Past:
    """A period of the history under the trial target."""
    target = target_in(facts.context, trial, period)
    result = outcome(facts.context, target, value)
    bounds = None if target is None else target.value
    return Past(str(period), value, bounds, result.attained, result.attainment, result.payout)


def _total(context: Context, values: Values, replaced: Entry, trial: Entry) -> Total:
    """The total of the period with one entry replaced by another."""
    payouts = []
    own = None
    for entry, value in values:
        target, _ = target_of(context, trial if entry is replaced else entry)
        payout = outcome(context, target, value).payout
        if entry is replaced:
            own = payout
        if target is not None:
            payouts.append((float(entry.weight), payout))
    return Total(own, context.department.scoring.curve().total(payouts))
