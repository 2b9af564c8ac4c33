"""Read a params file: keys with values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import KitError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_faults import line_of
from kpi_kit.core.yaml_io import parse_yaml, read_text

_REST = re.compile(r"\d+ ?%?")
"""What stands behind the comma of a number."""
_PARSED: dict[str, dict[str, Any]] = {}
"""Mappings by the text of their files: a process parses a text once, also from copies of a file."""


def read_mapping(file: Path) -> dict[str, Any]:
    """Read a YAML mapping whose keys are texts.

    Raises
    ------
    KitError
        Where the document is something else.
    """
    text = read_text(file)
    if text not in _PARSED:
        _PARSED[text] = parse_mapping(text, file)
    return deepcopy(_PARSED[text])


def parse_mapping(text: str, file: Path) -> dict[str, Any]:
    """The keys and values of a YAML document with the text of a file.

    Raises
    ------
    KitError
        Where it is none, or a key is no text.
    """
    raw = parse_yaml(text, str(file))
    if raw is None:
        expected = "agency: …" if file.stem == "department" else "name: …, accounts: …, kpis: …"
        raise KitError(Phrase("params.empty_file", file=file, expected=expected))
    if not isinstance(raw, dict):
        where = Phrase("core.line", file=file, line=line_of(text, []))
        found = Phrase("params.a_list") if isinstance(raw, list) else f"{raw!r:.60}"
        raise KitError(Phrase("params.not_a_mapping", where=where, found=found))
    split = [
        Phrase(
            "params.comma", file=file, line=line_of(text, path), whole=whole, point=whole.replace(",", ".")
        )
        for path, whole in _split_numbers(raw, ())
    ]
    if split:
        raise KitError(split)
    odd = [Phrase("params.odd_key", file=file, where=where, key=key) for where, key in _odd_keys(raw, "")]
    if odd:
        raise KitError(odd)
    return raw


def _split_numbers(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[list[str | int], str]]:
    """Numbers with a decimal comma within braces, which YAML reads as a value and a key without one."""
    if isinstance(value, dict):
        last: tuple[object, object] = (None, None)
        for key, part in value.items():
            if part is None and isinstance(last[1], int) and _REST.fullmatch(str(key)):
                yield [*path, str(last[0])], f"{last[0]}: {last[1]},{key}"
            last = key, part
            yield from _split_numbers(part, (*path, str(key)))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _split_numbers(part, (*path, number))


def _odd_keys(value: object, where: str) -> Iterator[tuple[str, object]]:
    """Keys that are not texts; those of schedules and days are periods and dates."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str) and where not in ("schedule", "days"):
                yield where or Phrase("params.at_top"), key
            yield from _odd_keys(part, str(key))
    elif isinstance(value, list):
        for part in value:
            yield from _odd_keys(part, where)
