"""``verify``: compute reports anew, and print what differs and why."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.sanitize import on_terminal
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
            lines = sentences(verification)
        except KitError as fault:
            problems += fault.problems
            continue
        different |= not verification.identical
        for line in lines:
            print(on_terminal(line))
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return DIFFERENT if different else IDENTICAL


def sentences(verification: Verification) -> list[str]:
    """The lines for a terminal: the result, then the causes, then the figures.

    Raises
    ------
    InputError
        Where the file has figures that cannot be written.
    """
    try:
        return list(_lines(verification))
    except MALFORMED as fault:
        raise malformed(verification.path, "a part of it", fault) from None


def _lines(verification: Verification) -> Iterator[str]:
    if verification.identical:
        harmless = list(_cause_lines([cause for cause in verification.causes if cause.kind in HARMLESS]))
        remarks = f" ({'; '.join(harmless)})" if harmless else ""
        yield f"{verification.path}: identical, {verification.figures} figures{remarks}"
        return
    count = len(verification.differences)
    figures = (
        f"{count} of {verification.figures} figures are different" if count else "no figure is different"
    )
    yield f"{verification.path}: different; {figures}"
    if verification.altered:
        yield "  report: the report itself was altered after it was made"
    if not verification.sealed:
        kit = verification.kit or "an earlier state of this version"
        yield f"  kit: the report was made by {kit}, which kept no hashes of tables and keys"
    yield from (f"  {line}" for line in _cause_lines(verification.causes))
    yield from (
        f"  {line}" for line in _figure_lines(verification.differences, words("en", verification.currency))
    )


def _cause_lines(causes: Sequence[Cause]) -> Iterator[str]:
    for cause in causes:
        match cause:
            case Cause("data", ""):
                yield "data: some table has changed"
            case Cause("data", table, owner, months):
                when = "" if months == (WHOLE,) else f", {_spans(months)}"
                yield f"data: table {table}, {owner}{when}: its rows have changed"
            case Cause("params", ""):
                yield "params: some file has changed"
            case Cause("params", file, key):
                yield f"params: {file}: {key}: was {_plain(cause.was)}, is {_plain(cause.now)}"
            case Cause("notebook", ""):
                yield "notebook: it has changed"
            case Cause("notebook", cell):
                yield f"notebook: cell {cell} has changed"
            case Cause("across"):
                yield "across: backtest.json or shocks.json are of a later run; the report's own were used"
            case Cause("kit", "source"):
                yield "kit: its source has changed"
            case Cause("kit", "version"):
                yield f"kit: was {cause.was}, is {cause.now}"
            case Cause("kit", library):
                yield f"kit: {library} was {cause.was}, is {cause.now}"


def _spans(months: Sequence[str]) -> str:
    """Up to three months by name, more by the first and the last."""
    return ", ".join(months) if len(months) <= 3 else f"{len(months)} months from {months[0]} to {months[-1]}"


def _figure_lines(differences: Sequence[Difference], say: Words) -> Iterator[str]:
    """The important figures of each entry, and the number of the others."""
    by_entry: dict[str, list[Difference]] = {}
    for difference in differences:
        by_entry.setdefault(_name(difference), []).append(difference)
    for name, own in by_entry.items():
        listed = [one for one in own if one.key is None or one.field in _IN_FULL][:_MOST_FIGURES]
        for difference in listed:
            was, now = _readable(difference, say)
            yield f"{name or 'report'}: {difference.field}: was {was}, is {now}"
        others = [difference for difference in own if difference not in listed]
        if others:
            parts = dict.fromkeys(one.field.split(".")[0].split("[")[0] for one in others)
            count = "1 more figure" if len(others) == 1 else f"{len(others)} more figures"
            yield f"{name or 'report'}: {count} in {', '.join(parts)}"


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
        return "nothing"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
