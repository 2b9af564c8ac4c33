"""``check``: check params and data, without rendering."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import cast

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.shared import chosen_period, warn
from kpi_kit.core.errors import InputError, SpecialistError
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.validate import doubles
from kpi_kit.params import Entry, Params, load, read_comment
from kpi_kit.params.comments import DEPARTMENT
from kpi_kit.report import wording
from kpi_kit.report.wording import audit
from kpi_kit.scorecard import cohort, smart_audit
from kpi_kit.scorecard.attainment import target_of
from kpi_kit.scorecard.build import note_record
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.inference import verdicts
from kpi_kit.scorecard.record import EntryRecord
from kpi_kit.sources.rows import counted

_MOST_DAYS = 20


def carry_out(options: argparse.Namespace) -> int:
    """Print the findings on each person; 1 where a file of theirs cannot be used."""
    loaded = load(options.params)
    warn(loaded.warnings)
    broken = [problem for problems in loaded.broken.values() for problem in problems]
    try:
        loaded, store = open_inputs(options.data, options.params, whole=True)
    except InputError as fault:
        raise InputError([*fault.problems, *broken]) from None
    with store:
        warn([*store.warnings, *doubles(store), *_idle(loaded)])
        period = chosen_period(options, store)
        print(f"period {period}, {period.start} to {period.last_day}")
        measured = cohort.read(options.out / str(period))
        try:
            read_comment(options.params, str(period), DEPARTMENT)
        except SpecialistError as fault:
            broken += fault.problems
        for person in loaded.specialists:
            try:
                read_comment(options.params, str(period), person)
                context = prepare(person, period, params=loaded, store=store, as_of=options.as_of)
            except SpecialistError as fault:
                broken += fault.problems
                continue
            lines = (*_doubtful(context), *_missing(context), *_payouts(context))
            for line in (*lines, *_audited(context, measured)):
                print(on_terminal(line))
    for problem in broken:
        print(on_terminal(problem), file=sys.stderr)
    people = counted(len(loaded.specialists) + len(loaded.broken), "specialist")
    faults = counted(len(broken), "problem")
    print(on_terminal(f"{people}, {faults} in their files; no problems in {options.data_name}"))
    return SOME_FAILED if broken else OK


def _idle(loaded: Params) -> Iterator[str]:
    """Warnings on specialists without accounts and brands."""
    for person in loaded.specialists.values():
        if not person.accounts and not person.brands:
            yield f"{loaded.file_of(person.id)}: there are no accounts and no brands, so nothing is measured"


def _doubtful(context: Context) -> Iterator[str]:
    """Counts of subscribers that are not used because they are not plausible."""
    words = wording.words("en", context.department.currency)
    for account, days in context.doubtful_counts.items():
        note = {
            "code": "doubtful_counts",
            "account_id": account,
            "days": [day.isoformat() for day in days[-_MOST_DAYS:]],
        }
        yield f"{context.person.id}: {words.note(note, _titles(context))}"


def _missing(context: Context) -> Iterator[str]:
    """Why KPIs are not assessable."""
    words = wording.words("en", context.department.currency)
    for entry in context.person.kpis:
        measured = Facts(context, entry).measurement
        if measured.value is None:
            notes = [note_record(note, context) for note in measured.notes]
            why = " ".join(words.note(note, _titles(context)) for note in notes if words.is_reason(note))
            yield f"{context.person.id}: {entry.called}: not assessable. {why}"


def _titles(context: Context) -> dict[str, str]:
    accounts = context.store.accounts["title"]
    return {account: str(accounts[account]) for account in context.owned["account_id"]}


def _payouts(context: Context) -> Iterator[str]:
    """For each target the facts at which the payout starts, is full and is capped."""
    scoring = context.department.scoring.curve()
    words = wording.words("en", context.department.currency)
    for entry in context.person.kpis:
        target, notes = target_of(context, entry)
        name = f"{context.person.id}: {entry.called}"
        if target is None:
            yield f"{name}: no target in {context.period}"
            continue
        part = "".join(
            f" (for {words.share(note.detail['share'], 0)} of the period: {note.detail['why']})"
            for note in notes
            if note.code == "target_prorated"
        )
        if target.attainment(0.0) is None:  # away all the time, or the period has not begun
            yield f"{name}: nothing is asked{part}"
            continue
        form = wording.form({"unit": str(entry.unit), "as": entry.as_})
        starts, full, capped = (
            " or ".join(words.value(fact, form) for fact in target.facts_at(share) if _possible(entry, fact))
            for share in (scoring.threshold, 1.0, scoring.cap)
        )
        tail = f", is capped at {capped}" if capped else ", and does not rise above that"
        yield f"{name}: payout starts at {starts}, is full at {full}{tail}{part}"


def _audited(context: Context, measured: cohort.Cohort) -> Iterator[str]:
    """The findings of the SMART audit, with proposals."""
    words = wording.words("en", context.department.currency)
    for entry in context.person.kpis:
        facts = Facts(context, entry)
        reliable = measured.is_reliable(entry.kpi, entry.as_)
        _, findings = smart_audit.audit(facts, verdicts(facts), reliable=reliable)
        shown = {"unit": str(entry.unit), "as": entry.as_}
        for finding in findings:
            letter = words.text(f"smart.{finding['letter']}")
            sentences = " ".join(audit.entry_sentences(finding, cast(EntryRecord, shown), words))
            yield f"{context.person.id}: {entry.called}: not {letter}: {sentences}"
    for finding in smart_audit.audit_set(context.person):
        yield f"{context.person.id}: {audit.set_sentence(finding, words)}"


def _possible(entry: Entry, fact: float) -> bool:
    """Whether a fact is possible: some shares cannot be over 1."""
    return not (entry.definition.bounded and entry.as_ == "value" and fact > 1.0)
