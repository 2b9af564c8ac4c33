"""Alerts on a running period in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kpi_kit.report.wording import Words, story
from kpi_kit.report.wording.rows import Row, fact_and_plan, plan_text
from kpi_kit.report.wording.verdicts import percent_chance
from kpi_kit.scorecard import alerts, verdict
from kpi_kit.scorecard.alerts import Alert
from kpi_kit.scorecard.entry_record import EntryRecord, required
from kpi_kit.scorecard.record import Scorecard


class Told(NamedTuple):
    """The words for a person's entries: their names, the titles of accounts, and their rows by place."""

    names: Sequence[str]
    titles: dict[str, str]
    rows: dict[int, Row]


def summary(found: Sequence[Alert], words: Words) -> str:
    """How many alerts there are of each kind, in one sentence."""
    counts = dict.fromkeys(alerts.CODES, 0)
    for alert in found:
        counts[alert.code] += alert.step["count"] if alert.step else 1
    told = [words.plural(f"alerts.count.{code}", count) for code, count in counts.items() if count]
    return words.sentence("; ".join(told)) + "." if told else words.text("alerts.none")


def subject(alert: Alert, told: Told, words: Words) -> str:
    """What an alert is about: the name of the entry, or what is overdue."""
    return told.names[alert.entry] if alert.entry is not None else words.text(f"alerts.about.{alert.code}")


def sentence(alert: Alert, card: Scorecard, told: Told, words: Words) -> str:
    """What is wrong, and what the rest of the period must bring."""
    if alert.entry is None:
        card = {**card, "next": [required(alert.step)]}
        [step] = story.steps(card, told.names, told.titles, words)
        return words.text("alerts.overdue", what=words.inner(step.what), rows=step.rows)
    entry, row = card["kpis"][alert.entry], told.rows[alert.entry]
    fact, plan = fact_and_plan(entry, words)
    so_far = plan_text(entry, plan, words, "plan_in_words")
    fields = {
        "fact": fact.text if fact else "—",
        "plan": so_far if alert.code == "over_pace" else row.plan_whole,
    }
    if alert.code == "at_risk":
        fields["chance"] = percent_chance(alert.chance, words)
    parts = [words.text(f"alerts.said.{alert.code}", **fields)]
    rest = alerts.need(entry, card)
    if rest is not None and alert.code != "impossible":
        parts.append(words.text(f"alerts.need.{rest.kind}", value=story.need_value(rest, entry, words)))
    return " ".join(parts)


def need_cell(entry: EntryRecord, card: Scorecard, words: Words) -> str:
    """A need in a table; a dash where there is none."""
    rest = alerts.need(entry, card)
    return (
        "—"
        if rest is None
        else words.text(f"alerts.cell.{rest.kind}", value=story.need_value(rest, entry, words))
    )


def chance_cell(entry: EntryRecord, card: Scorecard, words: Words) -> str:
    """The chance in a table; a dash where it is not known or its back-test failed."""
    chance = verdict.running_chance(entry, card)
    if entry.get("verdict") == "impossible":
        chance = 0.0
    return "—" if chance is None else percent_chance(chance, words)
