"""YAML 1.2 files, read safely: plain data only, and no key twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from kpi_kit.errors import KitError


def read_yaml(path: Path) -> Any:
    """Read one YAML document.

    Raises
    ------
    KitError
        One sentence that names the file and, where there is one, the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise KitError(f"{path}: allowed is UTF-8 text, found other bytes") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, place: str) -> Any:
    """Read one YAML document from a text; ``place`` names it where it cannot be read.

    Raises
    ------
    KitError

    Examples
    --------
    >>> parse_yaml("at_least: 60", "--target")
    {'at_least': 60}
    """
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = f", line {mark.line + 1}" if mark is not None else ""
        said = " ".join(str(fault.problem).split())
        raise KitError(f"{place}{where}: this is not YAML that can be read: {said}") from None
    except (YAMLError, ValueError) as fault:
        raise KitError(
            f"{place}: this is not YAML that can be read: {' '.join(str(fault).split())}"
        ) from None


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML document of keys with values.

    Raises
    ------
    KitError
    """
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise KitError(f"{path}: keys with values are expected, found {type(raw).__name__}")
    return raw
