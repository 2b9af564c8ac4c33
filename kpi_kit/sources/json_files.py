"""JSON files that fit into memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.rows import Place
from kpi_kit.sources.size_limits import MOST_JSON, MOST_JSON_PARTS, read_bounded


def read_json(path: Path, kind: str) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : pathlib.Path
    kind : str
        What it should be: a key of the locale after ``kind_``.

    Raises
    ------
    InputError
        Where it is none.
    """
    answer = Phrase(f"sources.kind_{kind}")
    try:
        content = read_bounded(path, MOST_JSON, kind)
        if content.count(b"{") + content.count(b"[") > MOST_JSON_PARTS:
            most = MOST_JSON_PARTS // 1_000_000
            raise InputError(Phrase("sources.json_parts", file=path, kind=answer, most=most))
        return json.loads(content, parse_constant=_no_constant)
    except OSError as fault:
        raise InputError(Phrase("core.not_readable", file=path, reason=reason_of(fault))) from None
    except RecursionError:
        raise InputError(Phrase("sources.json_nested", file=path, kind=answer)) from None
    except json.JSONDecodeError as fault:
        place = {"line": fault.lineno, "column": fault.colno}
        if fault.msg == "Extra data":
            raise InputError(Phrase("sources.json_several", file=path, **place)) from None
        reason = Phrase("sources.json_place", reason=fault.msg, **place)
        raise InputError(Phrase("sources.json_fault", file=path, reason=reason)) from None
    except UnicodeDecodeError as fault:
        raise InputError(Phrase("sources.json_not_utf8", file=path, place=fault.start)) from None
    except ValueError as fault:
        raise InputError(Phrase("sources.json_fault", file=path, reason=fault)) from None


def _no_constant(name: str) -> None:
    raise ValueError(Phrase("sources.json_constant", name=name))


def bad_value(where: Place, name: str, found: object, expected: str, **fields: object) -> InputError:
    """The error of a value in an answer.

    Parameters
    ----------
    where : Place
    name : str
        The key of the value.
    found : object
    expected : str
        A key of the locale after ``value_``, which ``fields`` fill.
    **fields
    """
    wanted = Phrase(f"sources.value_{expected}", **fields)
    if found is None:
        return InputError(Phrase("sources.missing_value", where=where.words, name=name, expected=wanted))
    return InputError(Phrase("sources.bad_value", where=where.words, name=name, found=found, expected=wanted))


def whole_number(value: Any, where: Place, name: str) -> int | None:
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
    raise bad_value(where, name, value, "count")
