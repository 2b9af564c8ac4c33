"""``check``: what to mend in params and data, and where payout starts, without rendering."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.output import say
from kpi_kit.cli.shared import chosen_period, name_of, titles_of, warn
from kpi_kit.cli.status import print_inputs
from kpi_kit.core.errors import InputError, SpecialistError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.snapshot import has_large
from kpi_kit.data.validate import doubles
from kpi_kit.params import Entry, Params, load, read_comment
from kpi_kit.params.comments import DEPARTMENT
from kpi_kit.params.titles import titled_entries
from kpi_kit.report import wording
from kpi_kit.report.wording import Words, audit
from kpi_kit.scorecard import cohort, smart_audit
from kpi_kit.scorecard.attainment import target_of
from kpi_kit.scorecard.build import note_record
from kpi_kit.scorecard.chances import expectation
from kpi_kit.scorecard.context import Context, prepare, share_rows
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import EntryRecord

_MOST_DAYS = 20


class Finding(NamedTuple):
    """What to mend: whose, of which entry, and the sentence."""

    person: str
    entry: str
    text: str


class Payout(NamedTuple):
    """The facts at which the payout of a target starts, is full and is capped, and what scales the target."""

    person: str
    entry: str
    starts: str
    full: str
    capped: str
    part: str


def carry_out(options: argparse.Namespace) -> int:
    """Print the findings, then where payout starts; 1 where a person's file cannot be used."""
    loaded = load(options.params)
    warn(loaded.warnings)
    broken = [problem for problems in loaded.broken.values() for problem in problems]
    try:
        loaded, store = open_inputs(options.data, options.params, whole=True)
    except InputError as fault:
        raise InputError([*fault.problems, *broken]) from None
    words = wording.words(options.language, loaded.department.currency)
    findings: list[Finding] = []
    payouts: list[Payout] = []
    with store:
        warn([*store.warnings, *doubles(store), *_idle(loaded)])
        period = chosen_period(options, store)
        measured = cohort.read(options.out / str(period))
        try:
            read_comment(options.params, str(period), DEPARTMENT)
        except SpecialistError as fault:
            broken += fault.problems
        contexts = []
        for person in loaded.specialists:
            try:
                read_comment(options.params, str(period), person)
                contexts.append(prepare(person, period, params=loaded, store=store, as_of=options.as_of))
            except SpecialistError as fault:
                broken += fault.problems
        if not has_large(store):
            share_rows(contexts)
        for context in contexts:
            findings += _findings(context, measured, words)
            payouts += _payouts(context, words)
    for titled in titled_entries([loaded.file_of(person) for person in loaded.specialists], loaded.formulas):
        say(words.text("check.titled", **titled._asdict()))
    say(words.text("check.period", name=words.period(str(period)), period=period))
    _print_findings(findings, words)
    _print_payouts(payouts, words)
    if options.status:
        print_inputs(options.data, options.params, period, words)
    for problem in broken:
        say(problem, sys.stderr)
    people = len(loaded.specialists) + len(loaded.broken)
    fields = {"people": people, "faults": len(broken), "data": options.data_name}
    say(words.text("check.done", **fields))
    return SOME_FAILED if broken else OK


def _print_findings(findings: Sequence[Finding], words: Words) -> None:
    """A table of the findings, or that there are none."""
    if not findings:
        say(words.text("notes.none"))
        return
    table = Table(title=_cell(words.plural("check.findings", len(findings))), show_lines=True)
    for key in ("people.name", "row.kpi", "check.finding"):
        table.add_column(_cell(words.text(key)), no_wrap=key == "people.name")
    for finding in findings:
        table.add_row(*map(_cell, finding))
    Console().print(table)


def _print_payouts(payouts: Sequence[Payout], words: Words) -> None:
    """A table a person of the facts at which payout starts."""
    if payouts:
        say(words.text("check.payouts"))
    for person, own in groupby(payouts, key=lambda row: row.person):
        rows = list(own)
        scaled = any(row.part for row in rows)
        table = Table(title=_cell(person), title_justify="left")
        keys = ["row.kpi", "check.starts", "check.full", "check.capped", "check.part"]
        for key in keys if scaled else keys[:-1]:
            table.add_column(_cell(words.text(key)), no_wrap=key not in ("row.kpi", "check.part"))
        for row in rows:
            table.add_row(*map(_cell, row[1:] if scaled else row[1:-1]))
        Console().print(table)


def _cell(text: str) -> Text:
    return Text(on_terminal(text))


def _idle(loaded: Params) -> Iterator[str]:
    """Warnings on specialists without accounts and brands."""
    for person in loaded.specialists.values():
        if not person.accounts and not person.brands:
            yield Phrase("cli.nothing_to_measure", file=loaded.file_of(person.id))


def _findings(context: Context, measured: cohort.Cohort, words: Words) -> Iterator[Finding]:
    """What to mend: KPIs that cannot be assessed, then targets and counts that are not plausible."""
    person, named = context.person.name, titles_of(context)
    every = [(entry, Facts(context, entry), name_of(context, entry, words)) for entry in context.person.kpis]
    for _, facts, name in every:
        if facts.measurement.value is None:
            notes = [note_record(note, context) for note in facts.measurement.notes]
            why = [words.note(note, named) for note in notes if words.is_reason(note)]
            if facts.kpi.id == "plan_fulfilment" and any(
                note["code"] == "too_many_unknown" for note in notes
            ):
                why.append(words.text("check.on_brand"))
            yield Finding(person, name, " ".join([words.text("check.unassessed"), *why]))
    for entry, facts, name in every:
        reliable = measured.is_reliable(entry.kpi, entry.as_)
        _, findings = smart_audit.audit(facts, expectation(facts)[0], reliable=reliable)
        shown = cast(EntryRecord, {"unit": str(entry.unit), "as": entry.as_})
        for finding in findings:
            yield Finding(person, name, " ".join(audit.entry_sentences(finding, shown, words)))
    for finding in smart_audit.audit_set(context.person):
        yield Finding(person, words.text("smart.whole"), audit.set_sentence(finding, words))
    for account, days in context.doubtful_counts.items():
        note = {
            "code": "doubtful_counts",
            "account_id": account,
            "days": [day.isoformat() for day in days[-_MOST_DAYS:]],
        }
        yield Finding(person, words.text("table.audience"), words.note(note, named))


def _payouts(context: Context, words: Words) -> Iterator[Payout]:
    """For each target the facts at which the payout starts, is full and is capped."""
    scoring = context.department.scoring.curve()
    for entry in context.person.kpis:
        target, notes = target_of(context, entry)
        name = name_of(context, entry, words)
        part = ", ".join(
            words.text(
                f"check.scaled.{note.detail['why']}", share=words.share(cast(float, note.detail["share"]), 0)
            )
            for note in notes
            if note.code == "target_prorated"
        )
        # away all the time, or the period has not begun
        if target is None or target.attainment(0.0) is None:
            yield Payout(context.person.name, name, words.text("check.no_plan"), "", "", part)
            continue
        form = wording.form({"unit": str(entry.unit), "as": entry.as_})
        starts, full, capped = (
            words.either(
                [words.value(fact, form) for fact in target.facts_at(share) if _possible(entry, fact)]
            )
            for share in (scoring.threshold, 1.0, scoring.cap)
        )
        yield Payout(context.person.name, name, starts, full, capped or "—", part)


def _possible(entry: Entry, fact: float) -> bool:
    """Whether a fact is possible: some shares cannot be over 1."""
    return not (entry.definition.bounded and entry.as_ == "value" and fact > 1.0)
