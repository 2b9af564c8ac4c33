"""Measurements of an agency as one tidy frame: a row a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.model import Measurement
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.by_units import DIMENSIONS as OF_UNITS
from kpi_kit.explore.by_units import by_units
from kpi_kit.explore.measured import Known, Measurer, plain_entry
from kpi_kit.explore.when import When, in_pandas, periods_of
from kpi_kit.params import Entry, Params, Specialist
from kpi_kit.params.records import Assignment
from kpi_kit.params.targets import Target
from kpi_kit.scorecard.attainment import outcome, target_in
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.windows import known_until, last_full_month

Accounts = Literal["then", "today"]
OWNERS = ("specialist", "account", "brand", "platform")
GRAINS = {"week": Grain.WEEK, "month": Grain.MONTH, "quarter": Grain.QUARTER, "year": Grain.YEAR}
_WHOLE = (
    "as versus scope period unit value numerator denominator current previous target_kind target target_high "
    "attained attainment payout weight units coverage assessable reason"
).split()
_PARTS = "period unit value numerator denominator units coverage assessable reason".split()
_FLAGS = ("attained", "assessable")
_NUMBERS = (
    "value numerator denominator current previous target target_high attainment payout weight coverage"
).split()


@dataclass(frozen=True)
class Question:
    """What is measured.

    Parameters
    ----------
    kpis : sequence of str
    people : mapping of str to Specialist
    periods : sequence of Period
    by : sequence of str
        Dimensions of owners and of units.
    accounts : str
        Whose accounts earlier periods have.
    entries : bool
        Whether entries of the params are measured besides plain values.
    values : bool
        Whether plain values are measured where nobody has an entry.
    """

    kpis: Sequence[str]
    people: Mapping[str, Specialist]
    periods: Sequence[Period]
    by: Sequence[str]
    accounts: Accounts
    entries: bool = True
    values: bool = True


def question(
    measurer: Measurer,
    kpis: str | Iterable[str],
    specialists: str | Iterable[str] | None,
    periods: int | When | Iterable[When],
    by: str | Iterable[str],
    accounts: str,
) -> Question:
    """A checked question.

    Raises
    ------
    InputError
        With every argument that is not known, and what is allowed.
    """
    dimensions = _listed(by)
    allowed = [*OWNERS, *GRAINS, *OF_UNITS]
    problems: list[str] = [
        Phrase("explore.no_dimension", name=name, hint=did_you_mean(name, allowed), allowed=allowed)
        for name in dimensions
        if name not in allowed
    ]
    grains = [GRAINS[name] for name in dimensions if name in GRAINS]
    if len(grains) > 1:
        problems.append(Phrase("explore.one_grain"))
    catalogue = measurer.params.catalogue
    names = list(catalogue) if kpis in ("all", "own") else _listed(kpis)
    problems += [
        Phrase("explore.no_such", key="kpis", name=name, hint=did_you_mean(name, catalogue))
        for name in names
        if name not in catalogue
    ]
    known = measurer.params.specialists
    people = list(known) if specialists is None else _listed(specialists)
    problems += [
        Phrase("explore.no_such", key="specialists", name=name, hint=did_you_mean(name, known))
        for name in people
        if name not in known
    ]
    if accounts not in ("then", "today"):
        problems.append(Phrase("explore.accounts", found=accounts))
    if problems:
        raise InputError(problems)
    return Question(
        names,
        {name: known[name] for name in people},
        periods_of(periods, _last(measurer, grains[0] if grains else Grain.MONTH)),
        [name for name in dimensions if name not in GRAINS],
        "today" if accounts == "today" else "then",
        values=kpis != "own",
    )


def tidy(measurer: Measurer, asked: Question) -> pd.DataFrame:
    """The measurements of a question; see :meth:`kpi_kit.explore.Agency.tidy`."""
    if set(asked.by) & set(OF_UNITS):
        known = measurer.at(measurer.cut_off(asked.periods[-1]), asked.periods[0])
        return by_units(
            known, asked.kpis, asked.people, asked.periods, asked.by, today=asked.accounts == "today"
        )
    rows = [row for period in asked.periods for row in _of_period(measurer, asked, period)]
    is_whole = list(asked.by) == ["specialist"]
    columns = [*asked.by, "kpi", *(_WHOLE if is_whole else _PARTS)]
    return typed(pd.DataFrame(rows, columns=columns), measurer.params)


def typed(frame: pd.DataFrame, params: Params) -> pd.DataFrame:
    """A frame with columns of numbers and flags; the unit of each KPI is in ``attrs``."""
    kinds: dict[str, Any] = {name: "boolean" for name in _FLAGS if name in frame}
    kinds |= {name: "float64" for name in _NUMBERS if name in frame}
    kinds |= {name: "Int64" for name in ("units", "weekday", "hour") if name in frame}
    frame = frame.astype(kinds)
    frame.attrs["units"] = {kpi: str(params.catalogue[kpi].unit) for kpi in frame["kpi"].unique()}
    frame.attrs["currency"] = params.department.currency
    return frame


def _of_period(measurer: Measurer, asked: Question, period: Period) -> Iterator[dict[str, Any]]:
    last = asked.periods[-1]
    is_past = asked.accounts == "today" and period != last
    known = measurer.at(measurer.cut_off(last if asked.accounts == "today" else period), asked.periods[0])
    if list(asked.by) == ["specialist"]:
        for name, person in asked.people.items():
            context = known.context(_with_todays_accounts(person, last) if is_past else person, period)
            for entry in _entries(person, asked, context.params):
                yield {"specialist": name, **_row(known, context, entry, is_past=is_past)}
    elif "specialist" in asked.by:
        for name, person in asked.people.items():
            context = known.context(_with_todays_accounts(person, last) if is_past else person, period)
            for row in _parts(known, context, asked):
                yield {"specialist": name, **row}
    else:
        yield from _parts(known, known.everyone(period), asked)


def _entries(person: Specialist, asked: Question, params: Params) -> Iterator[Entry]:
    """The person's entries of the KPIs, and the plain value of each KPI without one."""
    for kpi in asked.kpis:
        own = [entry for entry in person.kpis if entry.kpi == kpi]
        yield from own if asked.entries else ()
        is_there = any(entry.as_ == "value" and not entry.scope and not entry.sentiment for entry in own)
        if asked.values and not (is_there and asked.entries):
            yield plain_entry(params, kpi)


def _row(known: Known, context: Context, entry: Entry, *, is_past: bool) -> dict[str, Any]:
    measured, current, previous = _measured(known, context, entry)
    is_own = entry in context.person.kpis
    target = None
    if is_own:
        target = target_in(context, entry, context.period) if not is_past else _asked(context, entry)
    result = outcome(context, target, measured.value)
    return {
        "kpi": entry.kpi,
        "as": entry.as_,
        "versus": entry.versus if entry.as_ != "value" else None,
        "scope": _scope(entry),
        **figures(measured, context.period, str(entry.unit)),
        "current": current,
        "previous": previous,
        **_target(target),
        "attained": result.attained,
        "attainment": result.attainment,
        "payout": result.payout,
        "weight": float(entry.weight) if is_own else None,
    }


def _asked(context: Context, entry: Entry) -> Target | None:
    """The whole target of a past period, as the history of a report has it."""
    return entry.target.ask().at(context.period, entry.accruing)


def _measured(known: Known, context: Context, entry: Entry) -> tuple[Measurement, float | None, float | None]:
    """The measurement of an entry and, of a change or growth, the two quantities."""
    if entry.as_ == "value":
        return known.measured(context, entry), None, None
    facts = known.facts(context, entry)
    if context.interim:
        return facts.measurement, None, None
    sides = facts.comparison(facts.earlier(context.period))
    return facts.measurement, sides.now.value, sides.earlier.value


def figures(measured: Measurement, period: Period, unit: str) -> dict[str, Any]:
    """The columns of a measurement."""
    return {
        "period": in_pandas(period),
        "unit": unit,
        "value": measured.value,
        "numerator": measured.numerator,
        "denominator": measured.denominator,
        "units": measured.units,
        "coverage": measured.coverage,
        "assessable": measured.assessable,
        "reason": None if measured.assessable else measured.notes[0].code,
    }


def _target(target: Target | None) -> dict[str, Any]:
    if target is None:
        return {"target_kind": None, "target": None, "target_high": None}
    low, high = target.value if isinstance(target.value, tuple) else (target.value, None)
    return {"target_kind": str(target.kind), "target": low, "target_high": high}


def _scope(entry: Entry) -> str | None:
    """The narrowing of an entry in one text; None where there is none."""
    parts = [*(entry.scope or {}).values(), entry.sentiment or ()]
    return " ".join(name for names in parts for name in names) or None


def _parts(known: Known, context: Context, asked: Question) -> Iterator[dict[str, Any]]:
    """The KPIs of a context by account, brand or platform."""
    dimensions = [name for name in asked.by if name != "specialist"]
    platforms = context.store.accounts["platform"]
    for kpi in asked.kpis:
        is_brand = context.params.catalogue[kpi].scope == "brand"
        owner = "brand" if is_brand else "account"
        possible = {"brand"} if is_brand else {"account", "platform"}
        if not set(dimensions) <= possible:
            continue
        owners = list(context.owners(plain_entry(context.params, kpi)))
        if (
            "specialist" not in asked.by and owner not in dimensions
        ):  # an account without leads lacks no leads
            owners = known.ever_covered(context.params.catalogue[kpi], owners)
        groups: dict[tuple[str, ...], list[str]] = {}
        for name in owners:
            values = {owner: name, "platform": None if is_brand else str(platforms[name])}
            groups.setdefault(tuple(str(values[part]) for part in dimensions), []).append(name)
        if not dimensions:
            groups = {(): owners}
        for key, names in groups.items():
            if not names:
                continue
            narrowed = {"brands": names} if is_brand else {"accounts": names}
            measured = known.measured(context, plain_entry(context.params, kpi, **narrowed))
            yield {
                **dict(zip(dimensions, key, strict=True)),
                "kpi": kpi,
                **figures(measured, context.period, str(context.params.catalogue[kpi].unit)),
            }


def _with_todays_accounts(person: Specialist, today: Period) -> Specialist:
    """A person who has always had the accounts of a period, and was never absent."""
    held = [one for one in person.accounts if one.window[0] < today.end and today.start < one.window[1]]
    names = dict.fromkeys(one.account for one in held)
    accounts = tuple(Assignment(account=name) for name in names)
    return person.model_copy(update={"accounts": accounts})


def _last(measurer: Measurer, grain: Grain) -> Period:
    """The last full period of a grain."""
    month = last_full_month(measurer.store)
    if grain is Grain.MONTH:
        return month
    end = known_until(measurer.params.department, measurer.cut_off(month.next))
    return Period.containing(end, grain).previous


def _listed(names: str | Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))
