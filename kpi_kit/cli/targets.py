"""``targets next``: propose the targets of the next period, and write those that are accepted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.init_files import amount
from kpi_kit.cli.output import say
from kpi_kit.cli.questions import ask_yes
from kpi_kit.cli.shared import name_of, warn
from kpi_kit.core.errors import InputError, KitError, SpecialistError, did_you_mean
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.params import Entry, Params
from kpi_kit.params.edit import change_person, set_target
from kpi_kit.params.targets import Kind
from kpi_kit.report import wording
from kpi_kit.report.wording import Words, form
from kpi_kit.scorecard.context import Context, prepare
from kpi_kit.scorecard.proposals import Next, next_targets
from kpi_kit.scorecard.windows import last_full_month


def carry_out(options: argparse.Namespace) -> int:
    """Show what was asked and what is proposed, ask, and write; 1 where a file cannot be used."""
    loaded, store = open_inputs(options.data, options.params)
    words = wording.words(options.language, loaded.department.currency)
    broken = False
    with store:
        warn([*loaded.warnings, *store.warnings])
        known = last_full_month(store)
        ahead = Period.parse(options.period) if options.period else known.next
        period = ahead.previous if ahead.grain is not known.grain else min(ahead.previous, known)
        for person in _chosen(options, loaded):
            try:
                context = prepare(person, period, params=loaded, store=store)
                entries = list(next_targets(context, ahead))
                _print(context, ahead, entries, words)
                if not options.dry_run:
                    _accept(context, ahead, entries, words, every=options.yes)
            except SpecialistError as fault:
                broken = True
                for problem in fault.problems:
                    say(problem, sys.stderr)
    return SOME_FAILED if broken else OK


def _chosen(options: argparse.Namespace, loaded: Params) -> list[str]:
    known = [*loaded.specialists, *loaded.broken]
    for name in options.specialist or ():
        if name not in known:
            raise InputError(Phrase("cli.no_such_specialist", name=name, hint=did_you_mean(name, known)))
    return options.specialist or known


def _print(context: Context, ahead: Period, entries: Sequence[Next], words: Words) -> None:
    """A table of one person."""
    title = f"{context.person.name}. {words.text('targets.title', period=words.period(str(ahead)))}"
    table = Table(title=_cell(title))
    headings = [
        words.text("row.kpi"),
        words.text("targets.last", period=words.period(str(context.period))),
        *(words.text(f"targets.{key}") for key in ("fact", "met", "chance", "proposal")),
    ]
    for heading in headings:
        table.add_column(_cell(heading))
    for one in entries:
        how = form({"unit": str(one.entry.unit), "as": one.entry.as_})
        last = "—"
        if one.last is not None:
            bounds = one.last.value if isinstance(one.last.value, tuple) else (one.last.value,)
            last = "–".join(words.value(bound, how) for bound in bounds)
        met = "—" if one.attained is None else words.text("targets.yes" if one.attained else "targets.no")
        cells = [
            name_of(context, one.entry, words),
            last,
            "—" if one.value is None else words.value(one.value, how),
            met,
            "—" if one.chance is None else words.share(one.chance, 0),
            _proposal(one, words),
        ]
        table.add_row(*map(_cell, cells))
    Console().print(table)


def _proposal(one: Next, words: Words) -> str:
    if one.proposal is None:
        return words.text(f"targets.reasons.{one.reason}")
    how = form({"unit": str(one.entry.unit), "as": one.entry.as_})
    value = words.value(one.proposal, how)
    return value if one.proposal_chance is None else f"{value} ({words.share(one.proposal_chance, 0)})"


def _accept(context: Context, ahead: Period, entries: Sequence[Next], words: Words, *, every: bool) -> None:
    """Ask about each proposal, and write those that are accepted into the person's file."""
    file = context.params.file_of(context.person.id)
    accepted = []
    for one in entries:
        if one.proposal is None:
            continue
        question = words.text(
            "targets.accept",
            name=f"{context.person.name}, {name_of(context, one.entry, words)}",
            proposal=_proposal(one, words),
            period=words.period(str(ahead)),
        )
        if every or ask_yes(question, "--yes"):
            accepted.append(one)

    def change(content: object) -> None:
        for one in accepted:
            set_target(one.number, schedule_of(context, one, ahead))(content)

    if accepted:
        try:
            change_person(file, change)
        except KitError as fault:
            raise SpecialistError(fault.problems) from None
    if accepted:
        say(words.plural("targets.written", len(accepted), file=file))
    else:
        print(words.text("targets.none"))


def schedule_of(context: Context, one: Next, ahead: Period) -> dict[str, dict[str, object]]:
    """The targets of the past periods as they were, and the new one, as written in params."""
    entry, target = one.entry, one.entry.target
    schedule: dict[str, dict[str, object]] = {}
    if target.schedule is None and one.last is not None:
        between = ahead
        past = [*context.history]
        while between.previous > context.period:
            between = between.previous
            past.append(between)
        old = _asked(entry, one.last.kind, float(cast(float, one.last.value)), target.worst)
        schedule = {str(period): dict(old) for period in sorted(past)}
    if one.last is not None and one.proposal is not None:
        worst = _kept_worst(one)
        schedule[str(ahead)] = _asked(entry, one.last.kind, one.proposal, worst)
    return schedule


def _kept_worst(one: Next) -> float | None:
    """The value without points of the last target, where the proposal is still better than it."""
    if one.last is None or one.proposal is None:
        return None
    parts = (one.entry.target.schedule or {}).values()
    stated = [one.entry.target.worst, *(part.worst for part in parts if part.worst is not None)]
    worst = stated[-1]
    if worst is None:
        return None
    better = one.proposal < worst if one.last.kind is Kind.AT_MOST else one.proposal > worst
    return float(worst) if better else None


def _asked(entry: Entry, kind: Kind, value: float, worst: float | None) -> dict[str, object]:
    made: dict[str, object] = {str(kind): _scalar(entry, value)}
    return made if worst is None else {**made, "worst": _scalar(entry, float(worst))}


def _scalar(entry: Entry, value: float) -> object:
    text = amount(value, entry.unit)
    if text.endswith("%"):
        return text
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _cell(text: str) -> Text:
    return Text(on_terminal(text))
