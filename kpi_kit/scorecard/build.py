"""Specialist × period to a scorecard: one JSON record, the only source of every number shown."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from kpi_kit.core.model import Note
from kpi_kit.core.periods import Period
from kpi_kit.data import validate
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.params import Entry, TargetParams, brand_record
from kpi_kit.params.targets import Target
from kpi_kit.scorecard import unusual_days
from kpi_kit.scorecard.card_files import SCHEMA, dumps, is_sealed, load, save, sealed
from kpi_kit.scorecard.cohort import Cohort, read
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.details import sections
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.inference import VerdictRecord, records, verdicts
from kpi_kit.scorecard.provenance import provenance
from kpi_kit.scorecard.record import (
    Absence,
    AccountRecord,
    Assignment,
    Bonus,
    Brand,
    EntryRecord,
    Finding,
    Scorecard,
    ScoringRecord,
    TargetRecord,
)
from kpi_kit.scorecard.sensitivity import robustness
from kpi_kit.scorecard.smart_audit import audit, audit_set

__all__ = ["SCHEMA", "Scorecard", "card", "dumps", "is_sealed", "load", "save", "score", "sealed"]


def score(
    specialist: str,
    period: str,
    *,
    data: Path,
    params: Path,
    as_of: str | None = None,
    beside: Path | None = None,
    notebook: Path | None = None,
) -> Scorecard:
    """Measure one person over one period.

    Parameters
    ----------
    specialist : str
        The id: the name of the file in ``params/specialists``.
    period : str
        ``2025-10``, ``2025-Q4``, ``2025-W41`` or ``2025``.
    data, params : Path
        A data folder or database, and a folder of params.
    as_of : str, optional
        The data cut-off; by default the end of the period plus the settling days, but not beyond
        the end of coverage.
    beside : Path, optional
        The folder in which a batch left what crosses specialists.
    notebook : Path, optional
        The notebook that asks, for the provenance.

    Returns
    -------
    dict
        The record of section 7 of the design, made of JSON types only.

    Raises
    ------
    InputError, SpecialistError
        With every problem of the inputs.
    """
    asked = Period.parse(period)
    cohort = Cohort() if beside is None else read(beside)
    loaded, store = open_inputs(data, params)
    with store:
        return card(prepare(specialist, asked, params=loaded, store=store, as_of=as_of), cohort, notebook)


def card(context: Context, cohort: Cohort | None = None, notebook: Path | None = None) -> Scorecard:
    """The scorecard of a prepared context."""
    cohort = cohort or Cohort()
    facts = [Facts(context, entry) for entry in context.person.kpis]
    found = [verdicts(entry) for entry in facts]
    audits = [
        audit(entry, said, reliable=cohort.is_reliable(entry.kpi.id))
        for entry, said in zip(facts, found, strict=True)
    ]
    rows = [
        entry_record(entry, verdict, cohort, audited)
        for entry, verdict, audited in zip(facts, records(found), audits, strict=True)
    ]
    happened = unusual_days.events(context)
    asked = [row for row in rows if row["target"] is not None]
    scoring = context.department.scoring.curve()
    record: Scorecard = {
        "schema": SCHEMA,
        "specialist": context.person.id,
        "name": context.person.name,
        "agency": context.department.agency,
        "language": context.department.language,
        "timezone": context.department.timezone,
        "currency": context.department.currency,
        "brand": cast(Brand, brand_record(context.department.brand, context.params.folder)),
        "period": str(context.period),
        "as_of": context.as_of.isoformat(),
        "interim": context.interim,
        "preliminary": context.as_of < context.settled_on,
        "total": scoring.total((row["weight"], row["payout"]) for row in asked),
        "attained": sum(row["attained"] is True for row in asked),
        "assessable": sum(row["assessable"] for row in asked),
        "scoring": cast(ScoringRecord, context.department.scoring.model_dump()),
        "assignments": list(_assignments(context)),
        "deputised": [
            _account(context, account) for account in context.deputised if account not in context.held
        ],
        "brands": list(context.person.brands),
        "absences": [cast(Absence, absence.model_dump(mode="json")) for absence in context.person.absences],
        "notes": [note.as_dict() for note in _report_notes(context)],
        "kpis": rows,
        "bonus": _bonus(context),
        "audit": audit_set(context.person),
        "sections": sections(context),
        "events": happened,
        "anomalies": unusual_days.unusual(context, happened),
        "restated": [],
        "provenance": provenance(context, cohort.digest, notebook),
    }
    return sealed(record)


def entry_record(
    facts: Facts,
    verdict: VerdictRecord,
    cohort: Cohort,
    audited: tuple[dict[str, bool | None], list[Finding]],
) -> EntryRecord:
    """One line of the scorecard."""
    context, entry = facts.context, facts.entry
    measured = facts.measurement
    target, target_notes = target_of(context, entry)
    attained = attainment = payout = None
    if target is not None and measured.value is not None:
        attained = target.attained(measured.value)
        attainment = target.attainment(measured.value)
        payout = None if attainment is None else context.department.scoring.curve().payout(attainment)
    kpi, parts = entry.definition, facts.parts
    year_ago = facts.year_ago
    by_owner: list[Any] = [
        {kpi.scope: part.owner, "value": m.value, "numerator": m.numerator, "denominator": m.denominator}
        for part in parts
        for m in [part.measurement]
    ]
    return {
        "kpi": kpi.id,
        "group": kpi.group,
        "family": kpi.family,
        "as": entry.as_,
        "versus": entry.versus,
        "scope": entry.scope,
        "unit": str(entry.unit),
        "better": str(kpi.better),
        "standard": entry.standard,
        "accruing": entry.accruing,
        "value": measured.value,
        "numerator": measured.numerator,
        "denominator": measured.denominator,
        "units": measured.units,
        "coverage": measured.coverage,
        "assessable": measured.assessable,
        "notes": [note.as_dict() for note in (*measured.notes, *target_notes, *_filter_notes(entry))],
        "current": facts.current,
        "previous": facts.previous,
        "change": verdict["change"],
        "year_ago": None if year_ago is None else {"value": year_ago, "change": verdict["year_ago_change"]},
        "trend": verdict["trend"],
        "target": None if target is None else cast(TargetRecord, target.as_dict()),
        "attained": attained,
        "attainment": attainment,
        "robustness": robustness(facts, target),
        "payout": payout,
        "weight": float(entry.weight),
        "chance": verdict["chance"],
        "chance_band": verdict["chance_band"],
        "chance_period": verdict["chance_period"],
        "chance_check": cohort.backtest.get(kpi.id),
        "control": verdict["control"],
        "shocks": cohort.shocks_of(kpi, _platforms(facts), context.period),
        "history": [
            {
                "period": str(period),
                "value": value,
                "target": _line(context, entry, period, target),
                "outside": outside,
            }
            for (period, value), outside in zip(facts.history, verdict["outside"], strict=True)
        ],
        "weeks": [{"week": str(week), "value": value} for week, value in facts.weeks],
        "accounts": by_owner if kpi.scope == "account_id" else [],
        "brands": by_owner if kpi.scope == "brand" else [],
        "smart": audited[0],
        "audit": audited[1],
    }


def target_of(context: Context, entry: Entry) -> tuple[Target | None, list[Note]]:
    """The target of the period, pro-rated where it is not whole, and what there is to say of it."""
    whole = entry.target.ask().at(context.period, entry.accruing)
    if whole is None:
        return None, [Note("no_target")]
    notes = []
    target = whole
    elapsed = (min(context.period.end, context.known_until) - context.period.start).days
    left = max(0, elapsed) - context.absent_days
    if entry.accruing and left < context.period.days:
        target = whole.scaled(Fraction(left, context.period.days))
        reasons = [
            why
            for why, holds in (("interim", context.interim), ("absence", context.absent_days > 0))
            if holds
        ]
        notes.append(Note("target_prorated", {"share": left / context.period.days, "why": reasons[-1]}))
    if target.value == target.base:
        notes.append(Note("target_equals_base"))
    return target, notes


def _line(
    context: Context, entry: Entry, period: Period, target: Target | None
) -> float | list[float] | None:
    """The target of a period of the history, for the line in its figure."""
    asked = target if period == context.period else entry.target.ask().at(period, entry.accruing)
    return None if asked is None else cast(TargetRecord, asked.as_dict())["value"]


def _platforms(facts: Facts) -> list[str]:
    """Where the accounts of an entry are; nowhere for brands."""
    if facts.kpi.scope == "brand":
        return []
    return [
        str(facts.context.store.accounts.loc[account, "platform"])
        for account in facts.context.owners(facts.entry)
    ]


def _filter_notes(entry: Entry) -> Iterator[Note]:
    if entry.sentiment:
        yield Note("sentiment_filter", {"sentiments": list(entry.sentiment)})


def _assignments(context: Context) -> Iterator[Assignment]:
    for held in context.person.accounts:
        if held.account in context.held:
            yield {
                **_account(context, held.account),
                "since": None if held.since is None else held.since.isoformat(),
                "until": None if held.until is None else held.until.isoformat(),
            }


def _account(context: Context, account: str) -> AccountRecord:
    row = context.store.accounts.loc[account]
    return {
        "account_id": account,
        "platform": str(row["platform"]),
        "title": str(row["title"]),
        "url": None if row.isna()["url"] else str(row["url"]),
    }


def _report_notes(context: Context) -> Iterator[Note]:
    """What is to be said of the whole report."""
    if not context.store.has_coverage:
        yield Note("coverage_inferred")
    for table, count in sorted(validate.duplicates(context.store, context.owned).items()):
        yield Note("duplicates_dropped", {"table": table, "count": count})
    if context.interim:
        yield Note("interim", {"as_of": context.as_of.isoformat()})
    elif context.as_of < context.settled_on:
        yield Note(
            "preliminary", {"as_of": context.as_of.isoformat(), "settled_on": context.settled_on.isoformat()}
        )
    for absence in context.person.absences:
        if absence.since < context.period.end and context.period.start < absence.until:
            yield Note("absence", absence.model_dump(mode="json"))
    for colleague, absence in context.params.deputised(context.person.id):
        if absence.since < context.period.end and context.period.start < absence.until:
            span = {"since": absence.since.isoformat(), "until": absence.until.isoformat()}
            yield Note("deputy", {"for": colleague.id, **span})


def _bonus(context: Context) -> Bonus | None:
    """A share of the sales of all the person's accounts, printed and never deducted."""
    rule = context.person.bonus
    if rule is None:
        return None
    asked = Entry(kpi="sales_amount", target=TargetParams(at_least=1.0), weight=1.0)
    amount = Facts(context, asked).measurement.value
    paid = None if amount is None else max(0.0, min(amount * rule.share_of_sales, rule.cap or float("inf")))
    return {"sales_amount": amount, "share": float(rule.share_of_sales), "cap": rule.cap, "amount": paid}
