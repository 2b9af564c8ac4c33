"""``verify``: compute reports anew, and print what differs and why."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from kpi_kit.cli.output import say
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.phrases import Phrase
from kpi_kit.params import entry_name
from kpi_kit.report.notebook_api import NOTEBOOK
from kpi_kit.report.wording import Form, Words, form, words
from kpi_kit.scorecard.provenance import WHOLE, Cause
from kpi_kit.scorecard.verification import (
    ABSENT,
    HARMLESS,
    MALFORMED,
    Difference,
    Verification,
    malformed,
    verify,
)

IDENTICAL, DIFFERENT = 0, 1

_IN_FULL = (
    "value",
    "target.value",
    "attained",
    "attainment",
    "payout",
    "weight",
    "previous",
    "change.estimate",
    "trend.verdict",
    "chance",
)
"""Figures of an entry that are printed; the others are counted."""

_MOST_FIGURES = 12
"""The most figures that are printed of an entry."""


def carry_out(options: argparse.Namespace) -> int:
    """Verify each report; a problem with one does not stop the others."""
    usual = NOTEBOOK if NOTEBOOK.is_file() else None
    notebook = options.notebook or usual
    data, different = options.data, False
    problems: list[str] = []
    for path in options.reports:
        try:
            verification = verify(path, data=data, params=options.params, notebook=notebook)
            lines = sentences(verification, options.language)
        except KitError as fault:
            problems += fault.problems
            continue
        different |= not verification.identical
        for line in lines:
            say(line)
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return DIFFERENT if different else IDENTICAL


def sentences(verification: Verification, language: str = "en") -> list[str]:
    """The lines for a terminal: the result, then the causes, then the figures.

    Raises
    ------
    InputError
        Where the file has figures that cannot be written.
    """
    try:
        return list(_lines(verification, language))
    except MALFORMED as fault:
        raise malformed(verification.path, Phrase("cli.part_of_report"), fault) from None


def _lines(verification: Verification, language: str) -> Iterator[str]:
    if verification.identical:
        harmless = list(_cause_lines([cause for cause in verification.causes if cause.kind in HARMLESS]))
        remarks = Phrase("cli.remarks", remarks=harmless) if harmless else ""
        fields = {"path": verification.path, "count": verification.figures, "remarks": remarks}
        yield Phrase("cli.identical", **fields)
        return
    count = len(verification.differences)
    figures: str = Phrase("cli.no_figure_differs")
    if count:
        figures = Phrase("cli.figures_differ", count=count, all=verification.figures)
    yield Phrase("cli.different", path=verification.path, figures=figures)
    if verification.altered:
        yield Phrase("cli.altered")
    if not verification.sealed:
        kit = verification.kit or Phrase("cli.earlier_kit")
        yield Phrase("cli.not_sealed", kit=kit)
    say = words(language, verification.currency)
    lines = [*_cause_lines(verification.causes), *_figure_lines(verification.differences, say)]
    yield from (Phrase("core.indented", line=line) for line in lines)


def _cause_lines(causes: Sequence[Cause]) -> Iterator[str]:
    for cause in causes:
        match cause:
            case Cause("data", ""):
                yield Phrase("cli.cause_data")
            case Cause("data", table, owner, months):
                when = "" if months == (WHOLE,) else Phrase("cli.when", months=_spans(months))
                yield Phrase("cli.cause_table", table=table, owner=owner, when=when)
            case Cause("params", ""):
                yield Phrase("cli.cause_params")
            case Cause("params", file, key):
                yield Phrase(
                    "cli.cause_param", file=file, key=key, was=_plain(cause.was), now=_plain(cause.now)
                )
            case Cause("notebook", ""):
                yield Phrase("cli.cause_notebook")
            case Cause("notebook", cell):
                yield Phrase("cli.cause_cell", cell=cell)
            case Cause("across"):
                yield Phrase("cli.cause_across")
            case Cause("kit", "source"):
                yield Phrase("cli.cause_source")
            case Cause("kit", "version"):
                yield Phrase("cli.cause_version", was=cause.was, now=cause.now)
            case Cause("kit", library):
                yield Phrase("cli.cause_library", library=library, was=cause.was, now=cause.now)


def _spans(months: Sequence[str]) -> str:
    """Up to three months by name, more by the first and the last."""
    if len(months) <= 3:
        return ", ".join(months)
    return Phrase("cli.spans", count=len(months), first=months[0], last=months[-1])


def _figure_lines(differences: Sequence[Difference], say: Words) -> Iterator[str]:
    """The important figures of each entry, and the number of the others."""
    by_entry: dict[str, list[Difference]] = {}
    for difference in differences:
        by_entry.setdefault(_name(difference) or Phrase("cli.whole_report"), []).append(difference)
    for name, own in by_entry.items():
        listed = [one for one in own if one.key is None or one.field in _IN_FULL][:_MOST_FIGURES]
        for difference in listed:
            was, now = _readable(difference, say)
            yield Phrase("cli.figure", entry=name, field=difference.field, was=was, now=now)
        others = [difference for difference in own if difference not in listed]
        if others:
            parts = dict.fromkeys(one.field.split(".")[0].split("[")[0] for one in others)
            yield Phrase("cli.more_figures", entry=name, count=len(others), parts=list(parts))


def _name(difference: Difference) -> str:
    """The name of the entry; empty for the whole report."""
    if difference.key is None:
        return ""
    kpi, as_, versus, scope = difference.key
    return entry_name(kpi, as_, versus, json.loads(scope))


def _readable(difference: Difference, say: Words) -> tuple[str, str]:
    """Both figures in readable units; unrounded where rounding hides the difference."""
    was, now = (_figure(value, difference, say) for value in (difference.was, difference.now))
    if was == now and difference.key is not None:
        return repr(difference.was), repr(difference.now)
    return was, now


def _figure(value: Any, difference: Difference, say: Words) -> str:
    entry, field = difference.entry, difference.field
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _plain(value)
    if field in ("attainment", "chance") or (entry is None and field == "total"):
        return say.value(value, Form("share", finer=1))
    if entry is None:
        return _plain(value)
    if field == "change.estimate":
        return say.delta_amount(value, str(entry["unit"]))
    if field in ("value", "target.value", "previous", "current") or field.endswith(".value"):
        return say.amount(value, form(entry))
    return _plain(value)


def _plain(value: Any) -> str:
    if value is ABSENT or value is None:
        return Phrase("core.nothing")
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
