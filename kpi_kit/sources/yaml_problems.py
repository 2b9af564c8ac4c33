"""Read the YAML files of imports, and say what is wrong in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_faults import entry_lines, line_of
from kpi_kit.core.yaml_io import read_text, read_yaml


def read_keys(
    file: Path, keys: Sequence[str], *, may_be_empty: bool = False
) -> tuple[Mapping[Any, Any], list[str]]:
    """The content of a file, and a sentence on each key that is unknown.

    Raises
    ------
    InputError
        Where the file is no mapping.
    """
    try:
        content = read_yaml(file)
    except KitError as fault:
        raise InputError(fault.problems) from None
    if content is None and may_be_empty:
        return {}, []
    if not isinstance(content, Mapping):
        raise InputError(wrong_keys(file, keys, content))
    return content, unknown_keys(file, content, keys)


def entry_places(file: Path, key: str, count: int) -> list[object]:
    """The file with the line of each entry of a list in it, as sentences begin."""
    lines = entry_lines(read_text(file), key)
    return (
        [Phrase("core.line", file=file, line=line) for line in lines]
        if len(lines) == count
        else [file] * count
    )


def within(where: object, key: object) -> Phrase:
    """A place within a file or a section."""
    return Phrase("sources.key_within", outer=key_place(where, key), inner=key)


def unknown_keys(where: object, section: Collection[object], keys: Sequence[str]) -> list[str]:
    """A sentence on each key that is none of the known ones."""
    return [
        Phrase("sources.unknown_key", file=key_place(where, key), key=key, nearest=did_you_mean(key, keys))
        for key in section
        if key not in keys
    ]


def wrong_keys(where: object, keys: Sequence[str], found: object) -> Phrase:
    """The sentence on a section that should have certain keys."""
    return Phrase("sources.expected_keys", file=where, keys=keys, found=_found(found))


def wrong_value(where: object, key: object, wanted: str, found: object) -> Phrase:
    """The sentence on a value that should be another; ``wanted`` is a key of the locale after ``want_``."""
    expected = Phrase(f"sources.want_{wanted}")
    return Phrase(
        "sources.expected_in", file=key_place(where, key), key=key, expected=expected, found=_found(found)
    )


def wrong_name(where: object, key: object, found: object, allowed: Collection[str]) -> Phrase:
    """The sentence on a name that is none of the allowed ones."""
    return Phrase(
        "sources.found_in",
        file=key_place(where, key),
        key=key,
        found=found,
        nearest=did_you_mean(found, allowed),
    )


def key_place(where: object, key: object) -> object:
    """The file with the line of a key, which may be within a section; any other place as it is."""
    if not isinstance(where, Path) or not where.is_file():
        return where
    path: list[object] = [key]
    if isinstance(key, Phrase) and key.code == "sources.key_within":
        path = [key.fields["outer"], key.fields["inner"]]
    line = line_of(read_text(where), [str(part) for part in path])
    return where if line is None else Phrase("core.line", file=where, line=line)


def _found(value: object) -> Phrase:
    return Phrase("sources.nothing") if value is None else Phrase("sources.yaml_value", value=value)
