"""Unusual days with the events beside them, and figures that are others than when they were reported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal, cast

from markupsafe import Markup

from kpi_kit.core.periods import Period
from kpi_kit.report.parts.entries import titles
from kpi_kit.report.parts.markup import Column, block, details, join, paragraph, table
from kpi_kit.report.wording import Form, Words, form
from kpi_kit.scorecard.entry_record import EntryRecord, ValueUnit
from kpi_kit.scorecard.record import EventRecord, Revision, RevisionCause, Scorecard, UnusualDay

_DAY = dt.timedelta(days=1)
_ROWS = 12
"""How many rows are shown at once; the others are folded away."""


def unusual_days(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate the days that are far outside an account's own pattern; name the events of the period."""
    runs = _runs(card["anomalies"])
    period = Period.parse(card["period"])
    beside = {place for run in runs for place in run[0]["events"]}
    others = [
        _event(event, words)
        for place, event in enumerate(card["events"])
        if place not in beside
        and event["since"] < period.end.isoformat()
        and period.start.isoformat() < event["until"]
    ]
    key = "anomalies.others" if runs else "anomalies.happened"
    happened = paragraph(words.sentence(words.text(key, events="; ".join(others))) if others else None)
    if not runs:
        return happened
    shown = _table("unusual", runs[:_ROWS], card, words)
    if runs[_ROWS:]:
        rest = _table("unusual-more", runs[_ROWS:], card, words)
        shown += details(words.plural("anomalies.more", len(runs) - _ROWS), rest)
    return join([shown, happened, paragraph(words.text("anomalies.legend"), "k-legend")])


def restated(card: Scorecard, words: Words) -> Markup | None:
    """Tabulate the figures that differ from the first report of the period, and why."""
    found = card["restated"]
    if not found:
        return None
    lead = words.plural("restated.lead", len(found), since=words.data_until(found[0]["since"]))
    columns = [Column("what", words.text("restated.what"))]
    columns += [Column(key, words.text(f"restated.{key}"), numeric=True) for key in ("was", "is")]
    columns += [Column("cause", words.text("restated.cause"))]
    rows = [
        {
            "what": block(
                "strong_and", _entry(change, card, words), words.text(f"restated.field.{change['field']}")
            ),
            "was": _figure(change, "was", card, words),
            "is": _figure(change, "is", card, words),
            "cause": words.sentence("; ".join(_causes(change, card, words))),
        }
        for change in found
    ]
    heading = words.text("restated.heading")
    return (paragraph(lead) or Markup("")) + table("restated-table", columns, rows, heading)


# ---- unusual days


def _runs(days: Sequence[UnusualDay]) -> list[list[UnusualDay]]:
    """Unusual days of one kind that follow each other, in one row."""
    runs: list[list[UnusualDay]] = []
    last: dict[tuple[Any, ...], list[UnusualDay]] = {}
    for day in days:
        key = (day["account_id"], day["measure"], day["direction"], tuple(day["events"]))
        run = last.get(key)
        if run and dt.date.fromisoformat(run[-1]["date"]) + _DAY == dt.date.fromisoformat(day["date"]):
            run.append(day)
        else:
            last[key] = [day]
            runs.append(last[key])
    return runs


def _table(name: str, runs: Sequence[Sequence[UnusualDay]], card: Scorecard, words: Words) -> Markup:
    named = titles(card, words)
    columns = [Column("days", words.text("anomalies.days"))]
    columns += [Column(key, words.text(f"anomalies.{key}")) for key in ("account", "what")]
    columns += [Column(key, words.text(f"anomalies.{key}"), numeric=True) for key in ("fact", "usual")]
    columns += [Column("event", words.text("anomalies.event"))]
    rows = []
    for run in runs:
        first, account = run[0], str(run[0]["account_id"])
        # the farthest day stands for its run
        top = (max if first["direction"] == "high" else min)(run, key=lambda day: float(day["fact"]))
        told = [_event(card["events"][place], words) for place in first["events"]]
        rows.append(
            {
                "days": words.days(first["date"], run[-1]["date"]),
                "account": named.get(account, account),
                "what": words.text(f"anomalies.measure.{first['measure']}"),
                "fact": _fact(top, run, words),
                "usual": words.range(words.number(top["low"]), words.number(top["high"])),
                "event": "; ".join(told) or words.text("anomalies.unknown"),
            }
        )
    return table(name, columns, rows, words.text("anomalies.heading"))


def _fact(top: UnusualDay, run: Sequence[UnusualDay], words: Words) -> str:
    value = words.number(top["fact"])
    if len(run) == 1:
        return value
    return words.text(f"anomalies.farthest.{top['direction']}", value=value)


def _event(event: EventRecord, words: Words) -> str:
    """An event with its days; its title is a person's text, which is escaped where it meets HTML."""
    last = (dt.date.fromisoformat(event["until"]) - _DAY).isoformat()
    title, days = words.quote(event["title"][words.language]), words.days(event["since"], last)
    return words.text(f"anomalies.kind.{event['kind']}", title=title, days=days)


# ---- restated figures


def _entry(change: Revision, card: Scorecard, words: Words) -> str:
    if change["kpi"] is None:
        return words.text("restated.whole")
    grain = str(Period.parse(card["period"]).grain)
    return words.entry(cast(EntryRecord, change), grain, titles(card, words))


def _figure(change: Revision, side: Literal["was", "is"], card: Scorecard, words: Words) -> str:
    value, other = (change["was"], change["is"]) if side == "was" else (change["is"], change["was"])
    match change["field"]:
        case _ if value is None:
            return "—"
        case "attained":
            return words.text(f"restated.attained.{'yes' if value else 'no'}")
        case "payout":
            return words.number(value, 3)
        case "total":
            return words.beside(value, other, Form("share"))
        case "bonus":
            return words.money(value)
    how = form(cast(ValueUnit, change))
    if isinstance(value, list):
        return words.range(words.bare(value[0], how), words.value(value[1], how))
    return words.beside(value, None if isinstance(other, list) else other, how)


def _causes(change: Revision, card: Scorecard, words: Words) -> list[str]:
    told = [_cause(cause, card, words) for cause in change["cause"]]
    return list(dict.fromkeys(told)) or [words.text("restated.because.unknown")]


def _cause(cause: RevisionCause, card: Scorecard, words: Words) -> str:
    match cause["kind"]:
        case "data" if cause["table"] is None:
            return words.text("restated.because.some_data")
        case "data":
            named = titles(card, words)
            table_name = words.text(f"table.{cause['table']}")
            owners = words.join(words.quote(named.get(owner, owner)) for owner in cause["owners"])
            if cause["imported_at"] is None:
                return words.text("restated.because.data", table=table_name, owners=owners)
            moment = dt.datetime.fromisoformat(cause["imported_at"]).astimezone(
                dt.datetime.fromisoformat(card["as_of"]).tzinfo
            )
            day = words.brief_day(moment.isoformat())
            return words.text("restated.because.import", table=table_name, owners=owners, day=day)
        case "params":
            file = cause["file"] or ""
            kind = "department" if file == "department.yml" else "person" if file else "some"
            return words.text(f"restated.because.params.{kind}")
        case "as_of":
            return words.text("restated.because.as_of", was=words.data_until(cause["was"]))
    return words.text("restated.because.kit")
