"""The figures that the journal keeps, and those that a correction restates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kpi_kit.report import parts
from kpi_kit.report.wording import Words, form
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard

_DIGITS = 9
"""Significant digits; the last bits of a float differ between machines."""


def figures(cards: Sequence[Scorecard]) -> dict[str, Any]:
    """The figures of some scorecards, by specialist and entry."""
    return {
        card["specialist"]: {
            "name": card["name"],
            "total": _rounded(card["total"]),
            "kpis": {_key(record): _rounded(record["value"]) for record in card["kpis"]},
        }
        for card in cards
    }


def corrections(earlier: Mapping[str, Any], cards: Sequence[Scorecard], say: Words) -> Iterator[str]:
    """The differences from an earlier message, one line each.

    Parameters
    ----------
    earlier : mapping
        The result of :func:`figures` at that time.
    cards : sequence of mapping
        The scorecards now.
    say : Words
    """
    now = figures(cards)
    for card in cards:
        old, new = earlier.get(card["specialist"]), now[card["specialist"]]
        if old is None:
            yield say.text("mail.added", what=card["name"])
            continue
        if old["total"] != new["total"]:
            totals = ("—" if total is None else say.total(total) for total in (old["total"], new["total"]))
            yield _restated(card["name"], say.text("mail.the_total"), *totals, say=say)
        for record, name in zip(card["kpis"], parts.names(card, say), strict=True):
            yield from _of_entry(card, record, name, old["kpis"], say)
    yield from (
        say.text("mail.removed", what=old["name"]) for person, old in earlier.items() if person not in now
    )


def _of_entry(
    card: Scorecard, record: EntryRecord, name: str, old: Mapping[str, float | None], say: Words
) -> Iterator[str]:
    key, now = _key(record), _rounded(record["value"])
    if key not in old:
        yield say.text("mail.added", what=say.text("mail.label", name=card["name"], kpi=say.quote(name)))
    elif old[key] != now:
        before = old[key]
        yield _restated(
            card["name"],
            say.quote(name),
            _value(before, now, record, say),
            _value(now, before, record, say),
            say=say,
        )


def _restated(who: str, what: str, before: str, now: str, *, say: Words) -> str:
    return say.text("mail.restated", who=who, what=what, before=before, now=now)


def _value(value: float | None, other: float | None, record: EntryRecord, say: Words) -> str:
    """A value with enough digits to differ from the other one."""
    return "—" if value is None else say.beside(value, other, form(record))


def _key(record: EntryRecord) -> str:
    named = [record["kpi"], record["as"], record["versus"], record["scope"]]
    return json.dumps(named, ensure_ascii=False, sort_keys=True)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
