"""Read YAML 1.2 safely: plain data, no duplicate keys, bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from kpi_kit.core.errors import KitError
from kpi_kit.core.yaml_faults import bad_date, encoding_hint, hint_of

MOST_BYTES = 256 * 1024
MOST_VALUES = 50_000
"""The most values of a file; an alias counts as all values that it stands for."""
DEEPEST = 40


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
    yaml = YAML(typ="safe", pure=True)
    root = None
    try:
        root = yaml.compose(text)
        if root is None:
            return None
        _refuse_bomb(place, root)
        return yaml.constructor.construct_document(root)
    except RecursionError:
        raise KitError(f"{place}: nested too deeply, at most {DEEPEST} levels") from None
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = f", line {mark.line + 1}" if mark is not None else ""
        reason = " ".join(str(fault.problem).split())
        hint = hint_of(reason, text, mark.line + 1) if mark is not None else ""
        more = f"; {hint}" if hint else ""
        raise KitError(f"{place}{where}: this is not YAML that can be read: {reason:.200}{more}") from None
    except (YAMLError, ValueError, TypeError, LookupError) as fault:
        if isinstance(fault, ValueError) and (odd := bad_date(root)):
            line, value = odd
            raise KitError(
                f"{place}, line {line}: expected a date such as 2025-12-31, found {value}"
            ) from None
        reason = " ".join(str(fault).split())
        raise KitError(f"{place}: this is not YAML that can be read: {reason:.200}") from None


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file of at most so many bytes.

    Raises
    ------
    KitError
    """
    if path.exists() and not path.is_file():  # a pipe would block
        raise KitError(f"{path}: an ordinary file is expected, found none")
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as fault:
        raise KitError(f"{path}: cannot be read ({fault.strerror})") from None
    if len(content) > most:
        raise KitError(f"{path}: expected up to {most // 1024} kB, found a larger file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        found = encoding_hint(content)
        raise KitError(f"{path}: expected UTF-8 text, {found}; save the file as UTF-8") from None


def _refuse_bomb(place: str, root: Node) -> None:
    """Refuse a document whose aliases expand to too many values, before it is constructed."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: Node, depth: int) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        where = f"{place}, line {node.start_mark.line + 1}"
        if id(node) in open_nodes:
            raise KitError(f"{where}: an alias stands inside of what it names")
        if depth > DEEPEST:
            raise KitError(f"{where}: nested too deeply, at most {DEEPEST} levels")
        open_nodes.add(id(node))
        total = 1 + sum(size(part, depth + 1) for part in _parts(node))
        open_nodes.discard(id(node))
        sizes[id(node)] = total
        return total

    if (count := size(root, 1)) > MOST_VALUES:
        raise KitError(f"{place}: expected up to {MOST_VALUES} values, aliases counted out; found {count}")


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []
