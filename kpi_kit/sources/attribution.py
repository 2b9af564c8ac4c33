"""``attribution.yml``: which account a visit, lead or mention belongs to, and which specialist answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.sources.rows import counted, refuse
from kpi_kit.sources.text_files import normal
from kpi_kit.sources.wordstat_phrases import nested, normal_phrase

_KEYS = ("rules", "specialists", "stages", "phrases", "titles")
_STAGE_KEYS = ("qualified", "not_qualified", "sold")
_RULE_KEYS = ("field", "match", "account")
_MOST_LISTED = 10


@dataclass(frozen=True)
class Rule:
    """Rows whose field matches belong to the account.

    Parameters
    ----------
    field : str
        ``utm_source``, ``source``, ``network`` …; ``any`` looks at all that the file has.
    pattern : re.Pattern
        Searched for, whatever the case.
    account : str
    """

    field: str
    pattern: re.Pattern[str]
    account: str


@dataclass(frozen=True)
class Attribution:
    """What ``attribution.yml`` says: rules (the first match counts), people, stages and phrases.

    Parameters
    ----------
    rules : sequence of Rule
    specialists : mapping of str to mapping
        By platform: the specialist of each id.
    stages : mapping of str to sequence of re.Pattern
        What stages of a CRM mean: ``qualified``, ``not_qualified``, ``sold``.
    phrases : mapping of str to str
        The brand of each phrase of Wordstat, spelled alike.
    titles : mapping of str to str
        The account of each title in sheets that people keep, normalised.
    """

    rules: Sequence[Rule] = ()
    specialists: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stages: Mapping[str, Sequence[re.Pattern[str]]] = field(default_factory=dict)
    phrases: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def account_of(self, fields: Mapping[str, str]) -> str | None:
        """The account of the first rule that matches; None where none does.

        Examples
        --------
        >>> rules = Attribution([Rule("utm_source", re.compile("^vk"), "vk-cafe")])
        >>> rules.account_of({"utm_source": "vk_ads"}), rules.account_of({"utm_source": "direct"})
        ('vk-cafe', None)
        """
        for rule in self.rules:
            text_field = fields.values() if rule.field == "any" else [fields.get(rule.field, "")]
            if any(text and rule.pattern.search(text) for text in text_field):
                return rule.account
        return None

    def means(self, stage: str, meaning: str) -> bool:
        """Whether a stage of the CRM means ``qualified``, ``not_qualified`` or ``sold``, as the file says."""
        return any(pattern.search(stage) for pattern in self.stages.get(meaning, ()))

    def specialist(self, platform: str, number: object) -> str | None:
        """The specialist with this id on the platform."""
        return self.specialists.get(platform, {}).get(str(number))


NO_ATTRIBUTION = Attribution()
"""Without a file: nothing is attributed."""


class UnmatchedRows:
    """Counts the rows that no rule matched."""

    def __init__(self) -> None:
        self.table = ""
        self._seen: Counter[str] = Counter()

    def add(self, fields: Mapping[str, str]) -> None:
        """Count a row that no rule matched."""
        self._seen[
            ", ".join(f"{name} {text!r:.40}" for name, text in fields.items() if text) or "nothing"
        ] += 1

    def remarks(self) -> Iterable[str]:
        """One sentence that lists the most frequent."""
        if self._seen:
            most = "; ".join(
                f"{what} ({count})" for what, count in sorted(self._seen.items(), key=_often)[:_MOST_LISTED]
            )
            tail = " …" if len(self._seen) > _MOST_LISTED else ""
            rows = counted(self._seen.total(), "row")
            yield f"{self.table}: {rows} left out, as no rule of attribution.yml matches: {most}{tail}"


def _often(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


def read_attribution(path: Path) -> Attribution:
    """Read and check ``attribution.yml``; without the file nothing is attributed.

    Raises
    ------
    InputError
        Naming everything that is wrong in the file.
    """
    if not path.is_file():
        return NO_ATTRIBUTION
    try:
        record = read_yaml(path)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if not isinstance(record, Mapping):
        raise InputError(f"{path}: expected the keys {', '.join(_KEYS)}, found {record!r:.60}")
    problems = [
        f"{path}: key {key!r} is unknown{did_you_mean(key, _KEYS)}" for key in record if key not in _KEYS
    ]
    rules = list(_rules(record.get("rules"), path, problems))
    people = _people(record.get("specialists"), path, problems)
    stages = _stages(record.get("stages"), path, problems)
    phrases = _phrases(record, path, problems)
    titles = {
        normal(title): account
        for title, account in _texts(record, "titles", "title: account", path, problems)
    }
    refuse(problems)
    return Attribution(rules, people, stages, phrases, titles)


def _texts(
    record: Mapping[str, Any], key: str, expected: str, path: Path, problems: list[str]
) -> Iterable[tuple[str, str]]:
    """The pairs of text in a section of the file."""
    section = record.get(key)
    if section is None:
        return []
    if not isinstance(section, Mapping):
        problems.append(f"{path}: {key}: expected {expected}, found {section!r:.80}")
        return []
    return [(str(left), str(right)) for left, right in section.items()]


def _phrases(record: Mapping[str, Any], path: Path, problems: list[str]) -> Mapping[str, str]:
    pairs = _texts(record, "phrases", "phrase: brand", path, problems)
    brands = {normal_phrase(phrase): brand for phrase, brand in pairs}
    for wide, narrow in nested(brands):
        if brands[wide] == brands[narrow]:
            problems.append(
                f"{path}: phrases: the queries of {narrow!r} are counted in those of {wide!r} already; give "
                "one of them a brand of its own"
            )
    return brands


def _stages(section: Any, path: Path, problems: list[str]) -> Mapping[str, Sequence[re.Pattern[str]]]:
    if section is None:
        return {}
    if not isinstance(section, Mapping) or not set(section) <= set(_STAGE_KEYS):
        problems.append(f"{path}: stages: expected the keys {', '.join(_STAGE_KEYS)}, found {section!r:.80}")
        return {}
    stages = {}
    for meaning, patterns in section.items():
        try:
            listed = patterns if isinstance(patterns, list) else [patterns]
            stages[str(meaning)] = [re.compile(str(pattern), re.IGNORECASE) for pattern in listed]
        except re.error as fault:
            problems.append(f"{path}: stages: {meaning}: no regular expression ({fault})")
    return stages


def _rules(section: Any, path: Path, problems: list[str]) -> Iterable[Rule]:
    if section is None:
        return
    if not isinstance(section, list):
        problems.append(f"{path}: rules: expected a list of {{field, match, account}}, found {section!r:.60}")
        return
    for number, rule in enumerate(section, start=1):
        where = f"{path}: rules: rule {number}"
        if not isinstance(rule, Mapping) or set(rule) != set(_RULE_KEYS):
            problems.append(f"{where}: expected the keys {', '.join(_RULE_KEYS)}, found {rule!r:.80}")
            continue
        try:
            pattern = re.compile(str(rule["match"]), re.IGNORECASE)
        except re.error as fault:
            problems.append(f"{where}: match: {rule['match']!r:.60} is no regular expression ({fault})")
            continue
        yield Rule(str(rule["field"]), pattern, str(rule["account"]))


def _people(section: Any, path: Path, problems: list[str]) -> Mapping[str, Mapping[str, str]]:
    if section is None:
        return {}
    if not isinstance(section, Mapping) or not all(
        isinstance(people, Mapping) for people in section.values()
    ):
        problems.append(f"{path}: specialists: expected platform: {{id: specialist}}, found {section!r:.80}")
        return {}
    return {
        str(platform): {str(number): str(person) for number, person in people.items()}
        for platform, people in section.items()
    }
