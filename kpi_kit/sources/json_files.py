"""JSON files that fit into memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.sources.size_limits import MOST_JSON, MOST_JSON_PARTS, read_bounded


def read_json(path: Path, kind: str) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : pathlib.Path
    kind : str
        For sentences: what it should be.

    Raises
    ------
    InputError
        Where it is none.
    """
    try:
        content = read_bounded(path, MOST_JSON, kind)
        if content.count(b"{") + content.count(b"[") > MOST_JSON_PARTS:
            raise InputError(f"{path}: not {kind} (more than {MOST_JSON_PARTS // 1_000_000} million parts)")
        return json.loads(content, parse_constant=_no_constant)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror})") from None
    except RecursionError:
        raise InputError(f"{path}: not {kind} (nested too deeply)") from None
    except json.JSONDecodeError as fault:
        several = "; put several values into one list [ … ]" if fault.msg == "Extra data" else ""
        raise InputError(
            f"{path}: not valid JSON (line {fault.lineno}, column {fault.colno}: {fault.msg}){several}"
        ) from None
    except UnicodeDecodeError as fault:
        raise InputError(
            f"{path}: not valid JSON (byte {fault.start} is not UTF-8): save it as UTF-8"
        ) from None
    except ValueError as fault:
        raise InputError(f"{path}: not valid JSON ({fault})") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def whole_number(value: Any, where: str, name: str) -> int | None:
    """A count from an answer; None where it is absent.

    Raises
    ------
    InputError
        Where it is no whole number of 0 or more.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    raise InputError(f"{where}: {name} is {value!r:.40}, expected a whole number of 0 or more")
