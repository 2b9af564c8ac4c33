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
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise KitError(f"{path}: allowed is UTF-8 text, found other bytes") from None
    except MarkedYAMLError as fault:
        mark = fault.problem_mark
        where = f", line {mark.line + 1}" if mark is not None else ""
        said = " ".join(str(fault.problem).split())
        raise KitError(f"{path}{where}: this is not YAML that can be read: {said}") from None
    except (YAMLError, ValueError) as fault:
        raise KitError(f"{path}: this is not YAML that can be read: {' '.join(str(fault).split())}") from None
