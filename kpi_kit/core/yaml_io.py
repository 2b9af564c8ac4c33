"""Read YAML 1.2 safely: plain data, no duplicate keys, bounded size."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from kpi_kit.core.errors import KitError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_faults import bad_date, encoding_hint, hint_of

MOST_BYTES = 256 * 1024
MOST_VALUES = 50_000
"""The most values of a file; an alias counts as all values that it stands for."""
DEEPEST = 40
_FAULTS = (YAMLError, ValueError, TypeError, LookupError)


def read_yaml(path: Path) -> Any:
    """Read one YAML document.

    Raises
    ------
    KitError
        One sentence with the file and the line.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, place: str) -> Any:
    """Read one YAML document from a text; ``place`` names it in errors.

    Raises
    ------
    KitError

    Examples
    --------
    >>> parse_yaml("at_least: 60", "--target")
    {'at_least': 60}
    """
    with suppress(RecursionError, *_FAULTS):
        if _is_shallow(text):
            quick = YAML(typ="safe")
            return _constructed(quick, quick.compose(text), place)
    return _slowly_parsed(text, place)


def _slowly_parsed(text: str, place: str) -> Any:
    """Read a text that the quick parser does not accept: this one is the judge, and says what is wrong."""
    yaml = YAML(typ="safe", pure=True)
    root = None
    try:
        root = yaml.compose(text)
        return _constructed(yaml, root, place)
    except RecursionError:
        raise KitError(Phrase("core.too_deep", where=place, most=DEEPEST)) from None
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = place if mark is None else Phrase("core.line", file=place, line=mark.line + 1)
        reason = " ".join(str(fault.problem).split())
        hint = hint_of(reason, text, mark.line + 1) if mark is not None else ""
        more = Phrase("core.hint", hint=hint) if hint else ""
        raise KitError(Phrase("core.not_yaml", where=where, reason=reason, more=more)) from None
    except _FAULTS as fault:
        if isinstance(fault, ValueError) and (odd := bad_date(root)):
            line, value = odd
            where = Phrase("core.line", file=place, line=line)
            raise KitError(Phrase("core.bad_date", where=where, value=value)) from None
        reason = " ".join(str(fault).split())
        raise KitError(Phrase("core.not_yaml", where=place, reason=reason, more="")) from None


def _constructed(yaml: YAML, root: Node | None, place: str) -> Any:
    if root is None:
        return None
    _refuse_bomb(place, root)
    return yaml.constructor.construct_document(root)


def _is_shallow(text: str) -> bool:
    """Whether nothing is nested deeper than allowed; the quick parser, written in C, dies of deep nesting."""
    depth = 0
    for event in YAML(typ="safe").parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEEPEST:
            return False
    return True


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file of at most so many bytes.

    Raises
    ------
    KitError
    """
    if path.exists() and not path.is_file():  # a pipe would block
        raise KitError(Phrase("core.not_ordinary", file=path))
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as fault:
        raise KitError(Phrase("core.not_readable", file=path, reason=reason_of(fault))) from None
    if len(content) > most:
        raise KitError(Phrase("core.file_too_large", file=path, most=most // 1024))
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        found = encoding_hint(content)
        raise KitError(Phrase("core.not_utf8", file=path, found=found)) from None


def _refuse_bomb(place: str, root: Node) -> None:
    """Refuse a document whose aliases expand to too many values, before it is constructed."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: Node, depth: int) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        if id(node) in open_nodes:
            raise KitError(Phrase("core.alias_inside", where=_place_of(node, place)))
        if depth > DEEPEST:
            raise KitError(Phrase("core.too_deep", where=_place_of(node, place), most=DEEPEST))
        open_nodes.add(id(node))
        total = 1 + sum(size(part, depth + 1) for part in _parts(node))
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    if (count := size(root, 1)) > MOST_VALUES:
        raise KitError(Phrase("core.too_many_values", file=place, most=MOST_VALUES, count=count))


def _place_of(node: Node, place: str) -> Phrase:
    return Phrase("core.line", file=place, line=node.start_mark.line + 1)


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []
