"""What a deputy answers for: the entries of absent colleagues over the days of the absence, never paid."""

from __future__ import annotations

from kpi_kit.params import Specialist
from kpi_kit.params.records import Absence
from kpi_kit.scorecard.context import Context, counts_own_days
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import formula_record
from kpi_kit.scorecard.record import DeputisedEntry, DeputyFor


def deputy_for(context: Context) -> list[DeputyFor]:
    """The colleagues for whom the person stands in during the period, with their entries over those days."""
    return [
        _record(context, colleague, absence)
        for colleague, absence in context.params.deputised(context.person.id)
        if absence.since < context.period.end and context.period.start < absence.until
    ]


def _record(context: Context, colleague: Specialist, absence: Absence) -> DeputyFor:
    since, until = max(absence.since, context.period.start), min(absence.until, context.period.end)
    # the colleague is measured as absent on all other days of the period
    spans = [(context.period.start, since), (until, context.period.end)]
    others = tuple(Absence(since=first, until=end) for first, end in spans if first < end)
    own = context.alike(person=colleague.model_copy(update={"absences": others}))
    entries = [
        _entry(Facts(own, entry))
        for entry in colleague.kpis
        if counts_own_days(entry) or (entry.as_ == "value" and entry.definition.delegable)
    ]
    return {
        "specialist": colleague.id,
        "name": colleague.name,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "kpis": entries,
    }


def _entry(facts: Facts) -> DeputisedEntry:
    measured = facts.latest.now.measure(0)
    record: DeputisedEntry = {
        "kpi": facts.kpi.id,
        "as": facts.entry.as_,
        "versus": facts.entry.versus,
        "scope": facts.entry.scope,
        "unit": str(facts.entry.unit),
        "value": measured.value,
        "numerator": measured.numerator,
        "denominator": measured.denominator,
        "units": measured.units,
        "notes": [note.as_dict() for note in measured.notes],
    }
    if facts.entry.formula is not None:
        record["formula"] = formula_record(facts.entry.formula)
    return record
