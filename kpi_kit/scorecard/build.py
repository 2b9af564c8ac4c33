"""The scorecard of a specialist and a period: a JSON record, the only source of every number shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from kpi_kit.core.model import Note
from kpi_kit.core.periods import Period
from kpi_kit.data import validate
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.params import Entry, brand_record, read_comment
from kpi_kit.params.targets import Target
from kpi_kit.scorecard import unusual_days
from kpi_kit.scorecard.attainment import outcome, target_in, target_of
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.cohort import read as read_cohort
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.deputies import deputy_for
from kpi_kit.scorecard.details import sections
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import EntryRecord, HistoryPoint, OwnerValue, TargetRecord, formula_record
from kpi_kit.scorecard.inference import verdicts
from kpi_kit.scorecard.json_file import SCHEMA, sealed
from kpi_kit.scorecard.pay import bonus, refund_notes, variable_pay
from kpi_kit.scorecard.provenance import provenance
from kpi_kit.scorecard.record import Absence, AccountRecord, Assignment, Brand, Scorecard, ScoringRecord
from kpi_kit.scorecard.sensitivity import robustness
from kpi_kit.scorecard.smart_audit import Audit, audit, audit_set
from kpi_kit.scorecard.to_date import to_date
from kpi_kit.scorecard.verdict import with_verdicts
from kpi_kit.scorecard.verdict_records import VerdictRecord, verdict_records


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
        The data cut-off; see :func:`kpi_kit.scorecard.windows.cut_off`.
    beside : Path, optional
        The folder of the period's reports, where a run has left the cohort.
    notebook : Path, optional
        The notebook that calls, for the provenance.

    Returns
    -------
    dict
        A :class:`~kpi_kit.scorecard.record.Scorecard`, made of JSON types only.

    Raises
    ------
    InputError, SpecialistError
        With every problem of the inputs.
    """
    span = Period.parse(period)
    cohort = Cohort() if beside is None else read_cohort(beside)
    loaded, store = open_inputs(data, params)
    with store:
        context = prepare(specialist, span, params=loaded, store=store, as_of=as_of)
        return scorecard(context, cohort, notebook)


def scorecard(context: Context, cohort: Cohort | None = None, notebook: Path | None = None) -> Scorecard:
    """The scorecard of a prepared context."""
    cohort = cohort or Cohort()
    facts = [Facts(context, entry) for entry in context.person.kpis]
    judged = [verdicts(entry) for entry in facts]
    rows = [
        entry_record(entry, verdict, audit(entry, unrecorded.chance, reliable=reliable), cohort)
        for entry, unrecorded, verdict in zip(facts, judged, verdict_records(judged), strict=True)
        for reliable in [cohort.is_reliable(entry.kpi.id, entry.entry.as_)]
    ]
    if context.interim:
        for row, found in zip(rows, to_date(facts), strict=True):
            row["to_date"] = found
    events = unusual_days.events(context)
    with_target = [row for row in rows if row["target"] is not None]
    scoring = context.department.scoring.curve()
    total = scoring.total((row["weight"], row["payout"]) for row in with_target)
    totals = [*_past_totals(facts), total]
    record: Scorecard = {
        "schema": SCHEMA,
        "specialist": context.person.id,
        "name": context.person.name,
        "agency": context.department.agency,
        "language": context.person.language or context.department.language,
        "timezone": context.department.timezone,
        "currency": context.department.currency,
        "brand": cast(Brand, brand_record(context.department.brand, context.params.folder)),
        "period": str(context.period),
        "as_of": context.as_of.isoformat(),
        "interim": context.interim,
        "preliminary": context.as_of < context.settled_on,
        "total": total,
        "total_previous": {"period": str(context.period.previous), "value": totals[-2], "reported": False}
        if len(totals) > 1
        else None,
        "totals": [
            {"period": str(period), "value": value}
            for period, value in zip(context.history, totals, strict=True)
        ],
        "attained": sum(row["attained"] is True for row in with_target),
        "assessable": sum(row["assessable"] for row in with_target),
        "scoring": cast(ScoringRecord, context.department.scoring.model_dump()),
        "assignments": list(_assignments(context)),
        "deputised": [
            _account(context, account) for account in context.deputised if account not in context.held
        ],
        "brands": list(context.person.brands),
        "called": _called(context),
        "absences": [cast(Absence, absence.model_dump(mode="json")) for absence in context.person.absences],
        "notes": [note.as_dict() for note in _report_notes(context)],
        "kpis": rows,
        "bonus": bonus(context),
        "variable_pay": variable_pay(context, total),
        "deputy_for": deputy_for(context),
        "audit": audit_set(context.person),
        "sections": sections(context),
        "events": events,
        "anomalies": unusual_days.unusual(context, events),
        "restated": [],
        "comment": read_comment(context.params.folder, str(context.period), context.person.id),
        "provenance": provenance(context, cohort.digest, notebook),
    }
    return sealed(with_verdicts(record))


def _called(context: Context) -> dict[str, str]:
    """The titles of the brands, and the names of colleagues who stand in or are stood in for."""
    brands = {
        brand: title for brand in context.owned["brand"] if (title := context.department.brands.get(brand))
    }
    people = context.params.specialists
    colleagues = [absence.deputy for absence in context.person.absences if absence.deputy]
    colleagues += [colleague.id for colleague in context.absent_colleagues]
    return brands | {name: people[name].name for name in colleagues if name in people}


def _past_totals(entries: Sequence[Facts]) -> list[float | None]:
    """The totals of the earlier periods of the history, computed anew for the accounts of today."""
    if not entries:
        return []
    context = entries[0].context
    totals = []
    for place, period in enumerate(context.history[:-1]):
        targets = [(facts, target_in(context, facts.entry, period)) for facts in entries]
        paid = [
            (float(facts.entry.weight), outcome(context, target, facts.history[place][1]).payout)
            for facts, target in targets
            if target is not None
        ]
        totals.append(context.department.scoring.curve().total(paid))
    return totals


def entry_record(facts: Facts, verdict: VerdictRecord, audited: Audit, cohort: Cohort) -> EntryRecord:
    """An entry of the scorecard."""
    context, entry, kpi = facts.context, facts.entry, facts.kpi
    measured, year_ago = facts.measurement, facts.year_ago
    target, target_notes = target_of(context, entry)
    result = outcome(context, target, measured.value)
    by_owner = _by_owner(facts)
    record: EntryRecord = {
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
        "notes": [
            note_record(note, context)
            for note in (*measured.notes, *target_notes, *refund_notes(facts), *_filter_notes(entry))
        ],
        "current": facts.current if entry.as_ != "value" else _comparable(facts),
        "previous": facts.previous,
        "change": verdict["change"],
        "year_ago": None if year_ago is None else {"value": year_ago, "change": verdict["year_ago_change"]},
        "trend": verdict["trend"],
        "target": _target_record(target),
        "attained": result.attained,
        "attainment": result.attainment,
        "robustness": robustness(facts, target),
        "payout": result.payout,
        "weight": float(entry.weight),
        "chance": verdict["chance"],
        "chance_band": verdict["chance_band"],
        "chance_period": verdict["chance_period"],
        "chance_check": cohort.check_of(kpi.id, entry.as_),
        "control": verdict["control"],
        "shocks": cohort.shocks_of(kpi, _platforms(facts), context.period),
        "history": _history(facts, verdict["outside"]),
        "weeks": [{"week": str(week), "value": value} for week, value in facts.weeks],
        "accounts": by_owner if kpi.scope == "account_id" else [],
        "brands": by_owner if kpi.scope == "brand" else [],
        "smart": audited.letters,
        "audit": audited.findings,
    }
    if entry.formula is not None:
        record["formula"] = formula_record(entry.formula)
    return record


def _by_owner(facts: Facts) -> list[OwnerValue]:
    """The value of each account or brand alone."""
    values = [
        {
            facts.kpi.scope: part.owner,
            "value": part.measurement.value,
            "numerator": part.measurement.numerator,
            "denominator": part.measurement.denominator,
        }
        for part in facts.parts
    ]
    return cast(list[OwnerValue], values)


def _comparable(facts: Facts) -> float | None:
    """The value over what can be compared with the period before; None where that is the value itself."""
    sides = facts.comparison(facts.context.period.previous)
    if not sides.earlier.assessable or not sides.now.assessable:
        return None
    return None if sides.now.value == facts.measurement.value else sides.now.value


def _history(facts: Facts, outside: Sequence[bool | None]) -> list[HistoryPoint]:
    """The periods of the history, each with its fact and target."""
    points: list[HistoryPoint] = []
    for (period, value), is_outside in zip(facts.history, outside, strict=True):
        target = _target_record(target_in(facts.context, facts.entry, period))
        bounds = None if target is None else target["value"]
        points.append({"period": str(period), "value": value, "target": bounds, "outside": is_outside})
    return points


def _target_record(target: Target | None) -> TargetRecord | None:
    return None if target is None else cast(TargetRecord, target.as_dict())


def note_record(note: Note, context: Context) -> dict[str, Any]:
    """A note for the record; missing data are named with the platform of their account."""
    record = note.as_dict()
    if "missing" not in record:
        return record
    platforms = context.store.accounts["platform"]
    return {
        **record,
        "missing": [
            {**entry, "platform": str(platforms[entry["account_id"]])} if "account_id" in entry else entry
            for entry in record["missing"]
        ],
    }


def _platforms(facts: Facts) -> list[str]:
    """The platforms of an entry's accounts; none for brands."""
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
    """Notes on the whole report: data, cut-off and absences."""
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
    for account, days in context.doubtful_counts.items():
        near = [day.isoformat() for day in days if context.concerns(day)]
        if near and account in context.held:
            yield Note("doubtful_counts", {"account_id": account, "days": near})
    for colleague, absence in context.params.deputised(context.person.id):
        if absence.since < context.period.end and context.period.start < absence.until:
            span = {"since": absence.since.isoformat(), "until": absence.until.isoformat()}
            yield Note("deputy", {"for": colleague.id, **span})
