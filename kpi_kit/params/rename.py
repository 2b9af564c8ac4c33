"""Give an account another id in the YAML files of a params folder; everything else in them stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.core.yaml_io import parse_yaml, read_text

_VALUES = (
    "accounts/*",
    "accounts/*/account",
    "kpis/*/accounts/*",
    "events/*/accounts/*",
    "rules/*/account",
    "titles/*",
    "files/*/account",
    "files/*/crm",
    "constants/account_id",
)
"""Places of values that are ids of accounts, in any file of a params folder."""
_KEYS = ("audience/accept/*", "expected/*")
"""Places of keys that are ids of accounts."""
_PLAIN = re.compile(r"\w[\w.-]*")
_MARKED = re.compile(r"(?:[&!]\S*\s+)*")


def renamed_files(params: Path, old: str, new: str) -> dict[Path, str]:
    """The files of a params folder that name an account, with their text after it is renamed.

    Parameters
    ----------
    params : Path
    old, new : str

    Raises
    ------
    InputError
        Where a file cannot be read, or names both ids.
    """
    problems: list[str] = []
    texts = {}
    for file in sorted(params.rglob("*.yml")) if params.is_dir() else ():
        try:
            text = read_text(file)
            parse_yaml(text, str(file))  # bounds and duplicate keys
        except KitError as fault:
            problems += fault.problems
            continue
        nodes = list(_account_nodes(YAML(typ="safe", pure=True).compose(text)))
        if not any(node.value == old for node in nodes):
            continue
        if any(node.value == new for node in nodes):
            problems.append(Phrase("params.both_ids", file=file, old=old, new=new))
        texts[file] = renamed(text, old, new)
    if problems:
        raise InputError(problems)
    return texts


def renamed(text: str, old: str, new: str) -> str:
    r"""The text of a YAML document with another id in the places of accounts.

    Examples
    --------
    >>> renamed("name: vk-a\naccounts: [vk-a, 'vk-a']    # vk-a\n", "vk-a", "vk-b")
    "name: vk-a\naccounts: [vk-b, 'vk-b']    # vk-a\n"
    """
    nodes = _account_nodes(YAML(typ="safe", pure=True).compose(text))
    spans = {(node.start_mark.index, node.end_mark.index, node.style) for node in nodes if node.value == old}
    for start, end, style in sorted(spans, reverse=True):
        marked = _MARKED.match(text[start:end])
        start += marked.end() if marked else 0
        text = text[:start] + _spelled(new, style) + text[end:]
    return text


def _spelled(name: str, style: str | None) -> str:
    """An id as YAML has it, in the same quotes, or in none where it needs none."""
    if style == "'":
        return "'" + name.replace("'", "''") + "'"
    read = parse_yaml(name, "id") if _PLAIN.fullmatch(name) else None
    is_id = isinstance(read, str | int) and not isinstance(read, bool) and str(read) == name
    return name if is_id and style is None else json.dumps(name, ensure_ascii=False)


def _account_nodes(node: Node | None, place: tuple[str, ...] = ()) -> Iterator[ScalarNode]:
    """The keys and values of a document that are ids of accounts."""
    if isinstance(node, ScalarNode) and _matches(place, _VALUES):
        yield node
    elif isinstance(node, SequenceNode):
        for number, part in enumerate(node.value):
            yield from _account_nodes(part, (*place, str(number)))
    elif isinstance(node, MappingNode):
        for key, part in node.value:
            inner = (*place, str(key.value))
            if _matches(inner, _KEYS) and not _is_brand(part):
                yield key
            yield from _account_nodes(part, inner)


def _matches(place: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    split = [pattern.split("/") for pattern in patterns]
    return any(
        len(parts) == len(place) and all(part in ("*", step) for part, step in zip(parts, place, strict=True))
        for parts in split
    )


def _is_brand(node: Node) -> bool:
    """Whether a list of expected tables is that of a brand."""
    names = [part.value for part in node.value] if isinstance(node, SequenceNode) else []
    tables = [TABLES[name] for name in names if name in TABLES]
    return bool(tables) and all(table.scope == "brand" for table in tables)
