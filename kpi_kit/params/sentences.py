"""Sentences for the validation errors of params: where, what is expected, what was found."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kpi_kit.core.errors import did_you_mean
from kpi_kit.core.yaml_faults import line_of
from kpi_kit.params import formulas, records

_SHOWN = 200
"""The most letters of a value that a sentence quotes."""
HOMES: Mapping[str, type[BaseModel]] = {
    "history": records.History,
    "response": records.Response,
    "audience": records.Audience,
    "posts": records.Posts,
    "coverage": records.Coverage,
    "scoring": records.ScoringParams,
    "directors": records.Director,
    "brand": records.Brand,
    "alerts": records.Alerts,
    "mail": records.Mail,
    "accounts": records.Assignment,
    "kpis": records.Entry,
    "target": records.TargetParams,
    "schedule": records.TargetParams,
    "from": records.From,
    "bonus": records.Bonus,
    "absences": records.Absence,
    "events": records.Event,
    "title": formulas.Title,
}
"""The records by the key that holds them."""


def findings(model: type[BaseModel], raw: dict[str, Any]) -> list[ErrorDetails]:
    """The validation errors of a file."""
    try:
        model.model_validate(raw)
    except ValidationError as fault:
        # pydantic also reports a list as empty where all its entries are invalid
        return [error for error in fault.errors() if not (error["type"] == "too_short" and error["input"])]
    return []


def without(raw: dict[str, Any], errors: Sequence[ErrorDetails]) -> dict[str, Any]:
    """The keys of a file that have no errors."""
    invalid = {error["loc"][0] for error in errors}
    return {key: value for key, value in raw.items() if key not in invalid}


def sentence(error: ErrorDetails, raw: object, model: type[BaseModel]) -> str:
    """A validation error of pydantic as a sentence."""
    where = _where(error["loc"], raw)
    match error["type"]:
        case "extra_forbidden":
            allowed = _siblings(error["loc"][:-1], model)
            return f"{where}: unknown key{did_you_mean(error['loc'][-1], allowed)}"
        case "missing":
            return f"{where}: this key is missing"
        case "literal_error" | "enum":
            allowed = [name.strip("'") for name in re.findall(r"'[^']*'", str(error["ctx"]["expected"]))]
            return f"{where}: found {_found(error['input'])}{did_you_mean(error['input'], allowed)}"
        case "too_short":
            return f"{where}: at least one entry is expected, found none"
        case "too_long":
            most = error["ctx"]["max_length"]
            return f"{where}: at most {most} entries are expected, found {_found(error['input'])}"
        case "tuple_type":
            return f"{where}: a list is expected, found {_found(error['input'])}{_as_list(error)}"
        case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
            expected = "expected a date such as 2025-12-31"
            return f"{where}: {expected}, found {_found(error['input'])}{_as_date(error)}"
        case "less_than_equal" if _is_percent(error):
            value = error["input"]
            return f"{where}: expected at most 1 or 100%, found {_found(value)}; write {value}%"
        case "model_type" | "dict_type":
            return f"{where}: keys with values are expected, found {_found(error['input'])}"
        case "value_error":
            hint = _without_spaces(error["input"])
            return f"{where}: {error['ctx']['error']}, found {_found(error['input'])}{hint}"
        case _:
            return f"{where}: {error['msg'][0].lower()}{error['msg'][1:]}, found {_found(error['input'])}"


def _as_list(error: ErrorDetails) -> str:
    """How a list would be written from what was found."""
    value = error["input"]
    if error["loc"] == ("kpis",) and isinstance(value, dict) and value:
        return "; a hyphen begins each entry: - {kpi: …}"
    return ""


def _as_date(error: ErrorDetails) -> str:
    """The date that a text most likely means, as it is written here."""
    match = re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", str(error["input"]).strip())
    if match is None:
        return ""
    try:
        return f"; write {dt.date(int(match[3]), int(match[2]), int(match[1]))}"
    except ValueError:
        return ""


def _is_percent(error: ErrorDetails) -> bool:
    """Whether a number is most likely a share whose percent sign is missing."""
    value, most = error["input"], error.get("ctx", {}).get("le")
    return most == 1 and isinstance(value, int | float) and 2 <= value <= 100


def _without_spaces(value: object) -> str:
    """The number that a text with spaces means."""
    plain = re.sub(r"\s", "", value) if isinstance(value, str) else ""
    return f"; write {plain}" if plain != value and re.fullmatch(r"-?\d+", plain) else ""


def located(problem: str, file: Path, text: str, loc: Sequence[int | str] | None = None) -> str:
    """A problem with its file and line.

    Parameters
    ----------
    problem : str
    file : Path
    text : str
        The content of the file.
    loc : sequence of int or str, optional
        The place of the problem; by default that with which the sentence begins.
    """
    path = list(loc) if loc is not None else _loc_of(problem)
    line = line_of(text, path) if path else None
    return f"{file}: {problem}" if line is None else f"{file}, line {line}: {problem}"


def _loc_of(problem: str) -> list[int | str]:
    """The place that a sentence names: ``kpis, entry 3 (churn_rate): target: …``.

    Examples
    --------
    >>> _loc_of("kpis, entry 3 (churn_rate): target: at_most: …"), _loc_of("timezone: 'MSK' …")
    (['kpis', 2, 'target', 'at_most'], ['timezone'])
    """
    match = re.match(r"(\w+), entry (\d+)(?: \([^)]*\))?", problem)
    if match is None:
        named = re.match(r"([a-z_]+(?:\.[a-z_]+)*):", problem)
        return list(named[1].split(".")) if named else []
    path: list[int | str] = [match[1], int(match[2]) - 1]
    for part in re.split(r"[:,] ", problem[match.end() :].lstrip(":, "))[:2]:
        if not re.fullmatch(r"[a-z_.]+", part):
            break
        path += part.split(".")
    return path


def _found(value: object) -> str:
    """A value on one line, shortened."""
    shown = value.isoformat() if isinstance(value, dt.date) else repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} …"


def _where(loc: tuple[int | str, ...], raw: object) -> str:
    """The place of a key, entries counted from 1: ``kpis, entry 3 (churn_rate), target.at_most``."""
    words: list[str] = []
    for step in loc:
        if isinstance(step, int):
            raw = raw[step] if isinstance(raw, list) and step < len(raw) else None
            name = raw.get("kpi" if words else "id") if isinstance(raw, dict) else None
            words.append(f"entry {step + 1}" + (f" ({name})" if isinstance(name, str) else ""))
        else:
            raw = raw.get(step) if isinstance(raw, dict) else None
            if words and not words[-1].startswith("entry "):
                words[-1] = f"{words[-1]}.{step}"
            else:
                words.append(str(step))
    return ", ".join(words)


def _siblings(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The allowed keys at the place of an unknown one."""
    holders = [step for step in loc if isinstance(step, str) and step in HOMES]
    home = HOMES[holders[-1]] if holders else model
    fields = home.model_fields.items()
    return [field.alias or name for name, field in fields if (home, name) != (records.Specialist, "id")]
