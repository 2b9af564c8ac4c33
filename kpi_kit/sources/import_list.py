"""``import.yml``: whose the files of an inbox are, and which tables are expected each month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.status import expected_of
from kpi_kit.sources import SOURCES
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.rows import refuse
from kpi_kit.sources.yaml_problems import (
    entry_places,
    read_keys,
    unknown_keys,
    within,
    wrong_name,
    wrong_value,
)

_KEYS = ("files", "expected")
_TEXTS = {"account": "account", "brand": "brand", "crm": "source", "currency": "currency", "chat": "chat"}
"""Keys of a line that are texts, with the options of the import that they set."""
_FLAGS = {"partial": "partial", "confirmed": "confirmed", "replace": "replace"}
_OTHER = ("name", "source", "skip", "subscribers", "segment", "table", "map")
_LINE = (*_OTHER, *_TEXTS, *_FLAGS)


@dataclass(frozen=True)
class Line:
    """What ``import.yml`` says of the files whose name matches.

    Parameters
    ----------
    name : str
        A pattern for the path within the inbox, such as ``vk/*.json``.
    source : str or None
        An importer; None recognises the file.
    skip : bool
        Whether the files are never imported.
    options : mapping of str to object
        Fields of :class:`ImportOptions`.
    """

    name: str
    source: str | None = None
    skip: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, options: ImportOptions) -> ImportOptions:
        """The options with those of the line."""
        return replace(options, **self.options)


@dataclass(frozen=True)
class ImportList:
    """The content of ``import.yml``.

    Parameters
    ----------
    lines : tuple of Line
    expected : mapping of str to tuple of str
        Tables that each month brings, by account or brand; for others the KPIs decide.
    """

    lines: tuple[Line, ...] = ()
    expected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def line_of(self, path: str) -> Line | None:
        """The first line that matches a path; the case of letters does not matter.

        Examples
        --------
        >>> listed = ImportList((Line("metrica*"), Line("vk/*", options={"account": "vk-a"})))
        >>> listed.line_of("VK/wall.json").options["account"], listed.line_of("deals.csv")
        ('vk-a', None)
        """
        return next((line for line in self.lines if fnmatchcase(path.lower(), line.name.lower())), None)


def read_import_list(file: Path) -> ImportList:
    """Read and check ``import.yml``; without the file nothing is said.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    if not file.is_file():
        return ImportList()
    content, problems = read_keys(file, _KEYS, may_be_empty=True)
    lines = tuple(_lines(content.get("files"), file, problems))
    expected = expected_of(content.get("expected"), file, problems)
    refuse(problems)
    return ImportList(lines, expected)


def _lines(section: Any, file: Path, problems: list[str]) -> Iterator[Line]:
    listed = _list_of(section, file, problems)
    places = entry_places(file, "files", len(listed))
    for number, (raw, place) in enumerate(zip(listed, places, strict=True), start=1):
        key = Phrase("sources.key_line", number=number)
        if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
            problems.append(wrong_value(place, key, "line", raw))
            continue
        where = within(place, key)
        problems += unknown_keys(where, raw, _LINE)
        source = raw.get("source")
        if source is not None and source not in SOURCES:
            problems.append(wrong_name(where, "source", source, SOURCES))
        options = dict(_options(raw, where, file, problems))
        yield Line(str(raw["name"]), source, raw.get("skip") is True, options)


def _list_of(section: Any, file: Path, problems: list[str]) -> list[Any]:
    if section is None or isinstance(section, list):
        return section or []
    problems.append(wrong_value(file, "files", "lines", section))
    return []


def _options(
    raw: Mapping[str, Any], where: object, file: Path, problems: list[str]
) -> Iterator[tuple[str, Any]]:
    for key, name in _TEXTS.items():
        if key in raw:
            yield name, str(raw[key])
    for key, name in _FLAGS.items():
        if key in raw and not isinstance(raw[key], bool):
            problems.append(wrong_value(where, key, "flag", raw[key]))
        elif key in raw:
            yield name, raw[key]
    if "segment" in raw:
        yield "segment", str(raw["segment"])
    if "subscribers" in raw:
        if isinstance(raw["subscribers"], int) and raw["subscribers"] >= 0:
            yield "subscribers_at_end", raw["subscribers"]
        else:
            problems.append(wrong_value(where, "subscribers", "number", raw["subscribers"]))
    if "table" in raw:
        if raw["table"] not in TABLES:
            problems.append(wrong_name(where, "table", raw["table"], TABLES))
        yield "table", str(raw["table"])
    if "map" in raw:
        yield "mapping", file.parent / str(raw["map"])
