"""``attribution.yml``: which account a visit, lead or mention belongs to, and which specialist answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.rows import refuse, table_name
from kpi_kit.sources.text_files import normal
from kpi_kit.sources.wordstat_phrases import nested, normal_phrase
from kpi_kit.sources.yaml_problems import entry_places, key_place, read_keys, within, wrong_keys, wrong_value

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
        self._seen: Counter[tuple[tuple[str, str], ...]] = Counter()

    def add(self, fields: Mapping[str, str]) -> None:
        """Count a row that no rule matched."""
        self._seen[tuple((name, text) for name, text in fields.items() if text)] += 1

    def remarks(self) -> Iterable[Phrase]:
        """One sentence that lists the most frequent."""
        if self._seen:
            often = sorted(self._seen.items(), key=lambda pair: (-pair[1], str(pair[0])))
            items = [_in_words(fields, count) for fields, count in often[:_MOST_LISTED]]
            more = " …" if len(often) > _MOST_LISTED else ""
            counts = {"count": self._seen.total(), "items": items, "more": more}
            yield Phrase("sources.rows_unmatched", table=table_name(self.table), **counts)


def _in_words(fields: Sequence[tuple[str, str]], count: int) -> Phrase:
    named = [Phrase("sources.field_of_row", name=name, text=text) for name, text in fields]
    return Phrase("sources.fields_of_row", names=named or Phrase("sources.nothing"), count=count)


def read_attribution(path: Path) -> Attribution:
    """Read and check ``attribution.yml``; without the file nothing is attributed.

    Raises
    ------
    InputError
        Naming everything that is wrong in the file.
    """
    if not path.is_file():
        return NO_ATTRIBUTION
    record, problems = read_keys(path, _KEYS)
    rules = list(_rules(record.get("rules"), path, problems))
    people = _people(record.get("specialists"), path, problems)
    stages = _stages(record.get("stages"), path, problems)
    phrases = _phrases(record, path, problems)
    titles = {normal(title): account for title, account in _texts(record, "titles", path, problems)}
    refuse(problems)
    return Attribution(rules, people, stages, phrases, titles)


def _texts(record: Mapping[str, Any], key: str, path: Path, problems: list[str]) -> Iterable[tuple[str, str]]:
    """The pairs of text in a section of the file."""
    section = record.get(key)
    if section is None:
        return []
    if not isinstance(section, Mapping):
        problems.append(wrong_value(path, key, key, section))
        return []
    return [(str(left), str(right)) for left, right in section.items()]


def _phrases(record: Mapping[str, Any], path: Path, problems: list[str]) -> Mapping[str, str]:
    pairs = _texts(record, "phrases", path, problems)
    brands = {normal_phrase(phrase): brand for phrase, brand in pairs}
    for wide, narrow in nested(brands):
        if brands[wide] == brands[narrow]:
            problems.append(Phrase("sources.phrases_nested", file=path, wide=wide, narrow=narrow))
    return brands


def _stages(section: Any, path: Path, problems: list[str]) -> Mapping[str, Sequence[re.Pattern[str]]]:
    if section is None:
        return {}
    if not isinstance(section, Mapping) or not set(section) <= set(_STAGE_KEYS):
        problems.append(wrong_keys(within(path, "stages"), _STAGE_KEYS, section))
        return {}
    stages = {}
    for meaning, patterns in section.items():
        try:
            listed = patterns if isinstance(patterns, list) else [patterns]
            stages[str(meaning)] = [re.compile(str(pattern), re.IGNORECASE) for pattern in listed]
        except re.error as fault:
            key = within("stages", meaning)
            problems.append(
                Phrase("sources.no_pattern", file=key_place(path, key), key=key, reason=str(fault))
            )
    return stages


def _rules(section: Any, path: Path, problems: list[str]) -> Iterable[Rule]:
    if section is None:
        return
    if not isinstance(section, list):
        problems.append(wrong_value(path, "rules", "rules", section))
        return
    places = entry_places(path, "rules", len(section))
    for number, (rule, place) in enumerate(zip(section, places, strict=True), start=1):
        key = Phrase("sources.key_rule", number=number)
        if not isinstance(rule, Mapping) or set(rule) != set(_RULE_KEYS):
            problems.append(wrong_keys(within(place, key), _RULE_KEYS, rule))
            continue
        try:
            pattern = re.compile(str(rule["match"]), re.IGNORECASE)
        except re.error as fault:
            fields = {"found": rule["match"], "reason": str(fault)}
            problems.append(Phrase("sources.bad_pattern", file=place, key=key, **fields))
            continue
        yield Rule(str(rule["field"]), pattern, str(rule["account"]))


def _people(section: Any, path: Path, problems: list[str]) -> Mapping[str, Mapping[str, str]]:
    if section is None:
        return {}
    if not isinstance(section, Mapping) or not all(
        isinstance(people, Mapping) for people in section.values()
    ):
        problems.append(wrong_value(path, "specialists", "people", section))
        return {}
    return {
        str(platform): {str(number): str(person) for number, person in people.items()}
        for platform, people in section.items()
    }
