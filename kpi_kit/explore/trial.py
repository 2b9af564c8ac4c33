"""A scorecard under another target of one entry, from the facts of the first: nothing is measured again."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any, cast

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.params import Params, Specialist
from kpi_kit.scorecard.attainment import outcome, target_in
from kpi_kit.scorecard.build import entry_record
from kpi_kit.scorecard.chances import expectation
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import EntryRecord, PastTotal
from kpi_kit.scorecard.inference import Verdicts, verdicts
from kpi_kit.scorecard.json_file import sealed
from kpi_kit.scorecard.pay import variable_pay
from kpi_kit.scorecard.record import Scorecard
from kpi_kit.scorecard.smart_audit import audit, audit_set
from kpi_kit.scorecard.verdict import with_verdicts
from kpi_kit.scorecard.verdict_records import verdict_records

_READ = (
    "rows",
    "tables",
    "stocks",
    "totals",
    "setting",
    "_inquiries",
    "_coverage_rows",
    "_covered",
    "_grids",
)


def same_data(case: Context, person: Specialist) -> Context:
    """The context of a person with other targets, with everything that was read for the first."""
    other = replace(case, person=person)
    for name in _READ:
        if name in case.__dict__:
            other.__dict__[name] = case.__dict__[name]
    return other


class FromRecord(Context):
    """The context of a scorecard that was read back: a period and params, no data.

    Parameters
    ----------
    params : Params
    person : Specialist
    period : Period
    as_of : datetime
    """

    def __init__(self, params: Params, person: Specialist, period: Period, as_of: dt.datetime) -> None:
        for name, value in (("params", params), ("person", person), ("period", period), ("as_of", as_of)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise InputError(Phrase("explore.no_data_kept"))


class Measured:
    """The facts and statistics of one entry, for any number of trial targets.

    Parameters
    ----------
    case : Context
    number : int
        The place of the entry, counted from 0.
    """

    def __init__(self, case: Context, number: int) -> None:
        self.facts = Facts(case, case.person.kpis[number])
        self._verdicts: Verdicts = verdicts(self.facts)

    def trial(self, case: Context, number: int) -> tuple[Facts, Verdicts]:
        """The facts and statistics under the target of another context."""
        facts = Facts(case, case.person.kpis[number])
        facts.__dict__.update(self.facts.__dict__ | {"context": case, "entry": facts.entry})
        chance, ahead = expectation(facts)
        return facts, replace(self._verdicts, chance=chance, ahead=ahead)


def trial_record(
    base: Scorecard, case: Context, number: int, cohort: Cohort, measured: Measured
) -> Scorecard:
    """The record of a scorecard whose entry ``number`` has another target.

    Parameters
    ----------
    base : Scorecard
        The record under the first target.
    case : Context
        With the other target.
    number : int
    cohort : Cohort
    measured : Measured
        The facts of the entry.
    """
    facts, judged = measured.trial(case, number)
    first = base["kpis"][number]
    year_ago = first["year_ago"]
    verdict = verdict_records([judged])[0]
    verdict["change"], verdict["trend"] = first["change"], first["trend"]
    verdict["year_ago_change"] = None if year_ago is None else year_ago["change"]
    reliable = cohort.is_reliable(facts.kpi.id, facts.entry.as_)
    changed = entry_record(facts, verdict, audit(facts, judged.chance, reliable=reliable), cohort)
    rows = [changed if place == number else dict(row) for place, row in enumerate(base["kpis"])]
    totals = _totals(case, cast("list[EntryRecord]", rows))
    scored = [row for row in rows if row["target"] is not None]
    previous = base["total_previous"]
    if previous is not None and not previous["reported"]:
        previous = {**previous, "value": totals[-2]["value"]}
    record = {
        **base,
        "kpis": rows,
        "total": totals[-1]["value"],
        "totals": totals,
        "total_previous": previous,
        "attained": sum(row["attained"] is True for row in scored),
        "assessable": sum(bool(row["assessable"]) for row in scored),
        "variable_pay": variable_pay(case, totals[-1]["value"]),
        "audit": audit_set(case.person),
    }
    return sealed(with_verdicts(cast(Scorecard, record)))


def _totals(case: Context, rows: list[EntryRecord]) -> list[PastTotal]:
    """The totals of the periods of the history; that of the last from the entries themselves."""
    curve, totals = case.department.scoring.curve(), []
    for place, period in enumerate(case.history):
        paid = []
        for entry, row in zip(case.person.kpis, rows, strict=True):
            if period == case.period:
                has_target, payout = row["target"] is not None, row["payout"]
            else:
                target = target_in(case, entry, Period.parse(str(period)))
                has_target = target is not None
                payout = outcome(case, target, row["history"][place]["value"]).payout
            if has_target:
                paid.append((float(entry.weight), payout))
        totals.append(cast("PastTotal", {"period": str(period), "value": curve.total(paid)}))
    return totals
