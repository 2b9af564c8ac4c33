"""The texts of the files that ``init`` writes."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from kpi_kit.core.model import Unit
from kpi_kit.core.periods import Period
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.kpis import CATALOGUE
from kpi_kit.report.wording import Words, form
from kpi_kit.scorecard.proposals import Proposed
from kpi_kit.sources.onboarding import Agency

_MOST_UNMATCHED = 20


@dataclass
class Person:
    """A person and what they look after."""

    id: str
    name: str
    accounts: list[str] = field(default_factory=list)
    brands: list[str] = field(default_factory=list)


def department_text(agency: str, language: str, words: Words) -> str:
    """``department.yml`` with the settings that people change first."""
    return (
        f"# {words.text('init.head_department')}\n"
        f"agency: {quoted(agency)}\nlanguage: {language}\ntimezone: Europe/Moscow\ncurrency: RUB\n"
        "response: {sla_hours: 24, calendar: always}\n"
        "scoring: {threshold: 0.8, payout_at_threshold: 0.5, cap: 1.2}\n"
        "# directors:\n#   - {id: director, name: …, email: director@agency.example, specialists: all}\n"
        "# mail: {sender: kpi@agency.example}\n"
    )


def attribution_text(agency: Agency, words: Words) -> str:
    """``attribution.yml``: rules of sources, titles of accounts, phrases."""
    lines = [f"# {words.text('init.head_attribution')}"]
    if agency.rules:
        lines.append("rules:")
        for name, value, account in agency.rules:
            pattern = quoted(f"^{re.escape(value)}$")
            lines.append(f"- {{field: {name}, match: {pattern}, account: {account}}}")
    for name, values in agency.unmatched.items():
        listed = ", ".join(f"{value} ({count})" for value, count in values.most_common(_MOST_UNMATCHED))
        if listed:
            lines.append(f"# {words.text('init.unmatched')}: {name}: {on_terminal(listed)}")
    lines.append("titles:")
    lines += [f"  {quoted(account.title)}: {account.id}" for account in agency.accounts.values()]
    return "\n".join(lines) + "\n"


def import_text(agency: Agency, skipped: Sequence[str], words: Words) -> str:
    """``import.yml``: whose the files are; the same names with other digits are the same files."""
    lines: dict[str, None] = {}
    sources = {export.name: export.source for export in agency.exports}
    for name, owner in agency.owners.items():
        key = "brand" if owner in agency.brands and owner not in agency.accounts else "account"
        lines[f"- {{name: {quoted(_pattern(name, agency))}, {key}: {owner}}}"] = None
    for name in skipped:
        lines[f"- {{name: {quoted(glob.escape(name))}, skip: true}}    # {sources[name]}"] = None
    text = f"# {words.text('init.head_import')}\n"
    return text + ("files:\n" + "\n".join(lines) + "\n" if lines else "files: []\n")


def _pattern(name: str, agency: Agency) -> str:
    """A pattern for a file: its folder where all in it have one owner, else its name without digits."""
    folder = PurePosixPath(name).parent.as_posix()
    beside = {owner for other, owner in agency.owners.items() if other.startswith(f"{folder}/")}
    if folder != "." and len(beside) == 1:
        return f"{glob.escape(folder)}/*"
    return re.sub(r"\d+", "*", glob.escape(name))


def person_text(person: Person, entries: Sequence[Proposed], period: Period, words: Words) -> str:
    """The file of a specialist: each KPI with the reason for its target."""
    families = dict.fromkeys(CATALOGUE[entry.kpi].family for entry in entries)
    lines = [
        f"# {words.text('init.head_person', period=words.period(str(period)))}",
        f"name: {quoted(person.name)}",
        f"duties: [{', '.join(families) or 'audience'}]",
        f"accounts: [{', '.join(person.accounts)}]",
    ]
    if person.brands:
        lines.append(f"brands: [{', '.join(person.brands)}]")
    lines.append("kpis:")
    for entry in entries:
        lines += [f"  # {_reason(entry, words)}", f"  - {_entry(entry)}"]
    if not entries:
        lines.append(f"  # {words.text('init.none')}")
        lines.append("  - {kpi: subscriber_gain, target: {at_least: 1}, weight: 100}")
    return "\n".join(lines) + "\n"


def _reason(entry: Proposed, words: Words) -> str:
    how = form({"unit": str(CATALOGUE[entry.kpi].unit), "as": "value"})
    facts = ", ".join(
        f"{words.short(str(period))} — {words.value(value, how)}" for period, value in entry.facts
    )
    name = words.text(f"kpi.{entry.kpi}.name")
    if entry.standard:
        return f"{name}: {words.text('init.norm', facts=facts)}"
    if entry.chance is None:
        return f"{name}: {words.text('init.short', facts=facts)}"
    return f"{name}: {words.text('init.fit', facts=facts, chance=words.share(entry.chance, 0))}"


def _entry(entry: Proposed) -> str:
    parts = [f"kpi: {entry.kpi}"]
    if entry.accounts:
        parts.append(f"accounts: [{', '.join(entry.accounts)}]")
    if entry.standard:
        parts.append("standard: true")
    parts.append(f"target: {{{entry.kind}: {amount(entry.value, CATALOGUE[entry.kpi].unit)}}}")
    parts.append(f"weight: {entry.weight}")
    return f"{{{', '.join(parts)}}}"


def amount(value: float, unit: Unit) -> str:
    """A number as people write it into params.

    Examples
    --------
    >>> amount(0.0235, Unit.SHARE), amount(1200.0, Unit.LEADS), amount(1.25, Unit.HOURS)
    ('2.35%', '1200', '1.25')
    """
    if unit is Unit.SHARE:
        return f"{round(value * 100, 6):.10g}%"
    return f"{round(value, 6):.12g}"


def quoted(text: str) -> str:
    """A text as a YAML scalar."""
    return json.dumps(text, ensure_ascii=False)
