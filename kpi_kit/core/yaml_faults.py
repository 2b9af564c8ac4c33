"""Sentences on YAML that cannot be read: what stands there, and what to write."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kpi_kit.core.phrases import Phrase

_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_NO_SPACE = re.compile(r"^\s*(?:- )?[\w]+:[^\s/]")
_ODD_DASH = re.compile(r"^\s*[–—−]")
_TWO_COLONS = re.compile(r"^[^{\[\"']*: [^{\[\"']*: ")
_CYRILLIC = re.compile("[А-Яа-яЁё]{3}")


def hint_of(problem: str, text: str, line: int) -> str:
    r"""What to write where the parser stopped; empty where that is not clear.

    Parameters
    ----------
    problem : str
        The parser's words.
    text : str
        The document.
    line : int
        The line of the problem, from 1.

    Examples
    --------
    >>> hint_of("found character '\\t' that cannot start any token", "a:\n\tb: 1", 2)
    'a tab stands at the beginning; indent with spaces'
    >>> hint_of("mapping values are not allowed here", "name:Anna\nkpis: []", 2)
    'line 1 lacks a space after the colon'
    """
    lines = text.splitlines()
    own = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\\t" in problem or own.startswith("\t"):
        return Phrase("core.yaml_tab")
    if own.lstrip(" ").startswith("\u00a0"):
        return Phrase("core.yaml_space")
    if "another document" in problem:
        return Phrase("core.yaml_documents")
    if "undefined alias" in problem or "constructor for the tag" in problem:
        return Phrase("core.yaml_star")
    if "'%'" in problem:
        return Phrase("core.yaml_percent")
    if "duplicate key" in problem:
        return Phrase("core.yaml_twice")
    if "unexpected end of stream" in problem:
        return Phrase("core.yaml_quote")
    if "','" in problem:
        return Phrase("core.yaml_bracket")
    if any(words in problem for words in ("mapping values", "could not find", "block end", "block mapping")):
        return _block_hint(lines, line)
    return ""


def _block_hint(lines: Sequence[str], line: int) -> str:
    """What is wrong with the layout of a line, or of the one above."""
    for number in (line, line - 1):
        own = lines[number - 1] if 0 < number <= len(lines) else ""
        if _ODD_DASH.match(own):
            return Phrase("core.yaml_long_dash", number=number)
        if _NO_SPACE.match(own):
            return Phrase("core.yaml_colon", number=number)
        if _TWO_COLONS.match(own):
            return Phrase("core.yaml_two_colons", number=number)
        if own.lstrip().startswith("{"):
            return Phrase("core.yaml_hyphen", number=number)
    return Phrase("core.yaml_indent")


def bad_date(root: Node | None) -> tuple[int, str] | None:
    """The line and text of the first value that looks like a date and is none."""
    for node in _scalars(root):
        if _DATE.fullmatch(str(node.value)):
            year, month, day = map(int, str(node.value).split("-"))
            try:
                dt.date(year, month, day)
            except ValueError:
                return node.start_mark.line + 1, str(node.value)
    return None


def _scalars(node: Node | None) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for part in node.value:
            yield from _scalars(part)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value)


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    r"""The line of a key or entry in a document; of what is missing, that of its holder.

    Parameters
    ----------
    text : str
    path : sequence of str or int
        Keys, and places in lists from 0.

    Examples
    --------
    >>> text = "name: A\nkpis:\n- {kpi: leads}\n- {kpi: likes,\n   weight: x}\n"
    >>> line_of(text, ["kpis", 1, "weight"]), line_of(text, ["kpis", 1, "target"]), line_of(text, ["nam"])
    (5, 4, 1)
    """
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError, RecursionError):
        return None
    line = None if node is None else node.start_mark.line + 1
    for step in path:
        if isinstance(node, MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line


def entry_lines(text: str, key: str) -> list[int]:
    r"""The lines of the entries of a list at the top of a readable document.

    Examples
    --------
    >>> entry_lines("files:\n- {name: a}\n\n- {name: b}\n", "files"), entry_lines("a: 1", "files")
    ([2, 4], [])
    """
    root = YAML(typ="safe", pure=True).compose(text)
    pairs = root.value if isinstance(root, MappingNode) else []
    listed = next((value for name, value in pairs if name.value == key), None)
    entries = listed.value if isinstance(listed, SequenceNode) else []
    return [entry.start_mark.line + 1 for entry in entries]


def located(problem: str, file: Path, text: str, loc: Sequence[int | str] | None = None) -> str:
    """A problem of a YAML file with the file and the line.

    Parameters
    ----------
    problem : str
    file : Path
    text : str
        The content of the file.
    loc : sequence of int or str, optional
        The place of the problem; by default that with which the sentence begins.
    """
    path = list(loc) if loc is not None else _place_of(problem)
    line = line_of(text, path) if path else None
    where = str(file) if line is None else Phrase("core.line", file=file, line=line)
    return Phrase("core.within", where=where, problem=problem)


def _place_of(problem: str) -> list[int | str]:
    """The place that a sentence names: ``kpis, entry 3 (churn_rate): target: …``.

    Examples
    --------
    >>> _place_of("kpis, entry 3 (churn_rate): target: at_most: …"), _place_of("timezone: 'MSK' …")
    (['kpis', 2, 'target', 'at_most'], ['timezone'])
    """
    match = re.match(r"(\w+), entry (\d+)(?: \([^)]*\))?", problem)
    if match is None:
        named = re.match(r"(\w+(?:\.\w+)*):", problem)
        return list(named[1].split(".")) if named else []
    path: list[int | str] = [match[1], int(match[2]) - 1]
    for part in re.split(r"[:,] ", problem[match.end() :].lstrip(":, "))[:2]:
        if not re.fullmatch(r"[a-z_.]+", part):
            break
        path += part.split(".")
    return path


def encoding_hint(content: bytes) -> str:
    """How a file that is not UTF-8 is most likely encoded, and what to do."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Phrase("core.found_utf16")
    try:
        if _CYRILLIC.search(content.decode("cp1251")):
            return Phrase("core.found_cp1251")
    except UnicodeDecodeError:
        pass  # neither
    return Phrase("core.found_other_bytes")
