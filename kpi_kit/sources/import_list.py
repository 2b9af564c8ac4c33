"""``import.yml``: whose the files of an inbox are, and which tables are expected each month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.schema import TABLES
from kpi_kit.core.yaml_io import read_yaml
from kpi_kit.data.status import expected_of
from kpi_kit.sources import SOURCES
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.rows import refuse

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
    try:
        content = read_yaml(file)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if content is None:
        return ImportList()
    if not isinstance(content, Mapping):
        raise InputError(f"{file}: expected the keys {', '.join(_KEYS)}, found {content!r:.60}")
    problems = [
        f"{file}: key {key!r} is unknown{did_you_mean(key, _KEYS)}" for key in content if key not in _KEYS
    ]
    lines = tuple(_lines(content.get("files"), file, problems))
    expected = expected_of(content.get("expected"), file, problems)
    refuse(problems)
    return ImportList(lines, expected)


def _lines(section: Any, file: Path, problems: list[str]) -> Iterator[Line]:
    for number, raw in enumerate(_list_of(section, file, problems), start=1):
        where = f"{file}: files, line {number}"
        if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
            problems.append(f"{where}: expected {{name: 'vk/*', account: vk-a}}, found {raw!r:.80}")
            continue
        unknown = [key for key in raw if key not in _LINE]
        problems += [f"{where}: key {key!r} is unknown{did_you_mean(key, _LINE)}" for key in unknown]
        source = raw.get("source")
        if source is not None and source not in SOURCES:
            problems.append(f"{where}: source: found {source!r:.40}{did_you_mean(source, SOURCES)}")
        options = dict(_options(raw, where, file, problems))
        yield Line(str(raw["name"]), source, raw.get("skip") is True, options)


def _list_of(section: Any, file: Path, problems: list[str]) -> list[Any]:
    if section is None or isinstance(section, list):
        return section or []
    problems.append(f"{file}: files: expected a list of lines with name: and account:, found {section!r:.80}")
    return []


def _options(
    raw: Mapping[str, Any], where: str, file: Path, problems: list[str]
) -> Iterator[tuple[str, Any]]:
    for key, name in _TEXTS.items():
        if key in raw:
            yield name, str(raw[key])
    for key, name in _FLAGS.items():
        if key in raw and not isinstance(raw[key], bool):
            problems.append(f"{where}: {key}: expected true or false, found {raw[key]!r:.40}")
        elif key in raw:
            yield name, raw[key]
    if "segment" in raw:
        yield "segment", str(raw["segment"])
    if "subscribers" in raw:
        if isinstance(raw["subscribers"], int) and raw["subscribers"] >= 0:
            yield "subscribers_at_end", raw["subscribers"]
        else:
            problems.append(f"{where}: subscribers: expected a number, found {raw['subscribers']!r:.40}")
    if "table" in raw:
        if raw["table"] not in TABLES:
            problems.append(f"{where}: table: found {raw['table']!r:.40}{did_you_mean(raw['table'], TABLES)}")
        yield "table", str(raw["table"])
    if "map" in raw:
        yield "mapping", file.parent / str(raw["map"])
