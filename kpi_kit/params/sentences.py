"""Sentences for the validation errors of params: where, what is expected, what was found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kpi_kit.core.errors import did_you_mean
from kpi_kit.params import formulas, records
from kpi_kit.params.hints import hint_of, plain

_SHOWN = 200
"""The most letters of a value that a sentence quotes."""
_FORM = re.compile(r"(?:tuple|dict|literal|union)\[|constrained-|function-")
"""Steps of pydantic that name a form of a value and no key."""
_KINDS = {
    "tuple_": "a list is expected",
    "date_": "expected a date such as 2025-12-31",
    "model_": "keys with values are expected",
    "dict_": "keys with values are expected",
    "string_": "a text is expected",
    "bool_": "expected true or false",
    "int_": "expected a whole number",
    "float_": "expected a number",
    "finite_number": "expected a number",
}
"""What is expected, by the beginning of pydantic's code."""
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_PATTERNS = {
    "currency": "expected three capital letters such as RUB",
    "id": "expected lower-case Latin letters, digits and _",
    "notebook": "expected the name of a notebook such as anna.ipynb",
}
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
        found = (error for error in fault.errors() if not (error["type"] == "too_short" and error["input"]))
        return [error for each in found if (error := _of_one_form(each, raw)) is not None]
    return []


def _of_one_form(error: ErrorDetails, raw: object) -> ErrorDetails | None:
    """An error without pydantic's steps for values of several forms; None for a form that is not meant."""
    loc: list[int | str] = []
    for step in error["loc"]:
        if isinstance(step, str) and _FORM.match(step):
            if step.startswith("dict[") != isinstance(raw, dict):
                return None
        elif step != "[key]":
            loc.append(step)
            raw = _part(raw, step)
    return {**error, "loc": tuple(loc)}


def _part(value: object, step: int | str) -> object:
    """The value of a key or at a place of a list; None where there is none."""
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def without(raw: dict[str, Any], errors: Sequence[ErrorDetails]) -> dict[str, Any]:
    """The keys of a file that have no errors."""
    invalid = {error["loc"][0] for error in errors}
    return {key: value for key, value in raw.items() if key not in invalid}


def sentence(error: ErrorDetails, raw: object, model: type[BaseModel]) -> str:
    """A validation error of pydantic as a sentence."""
    where, value = _where(error["loc"], raw), error["input"]
    match error["type"]:
        case "extra_forbidden":
            allowed = _siblings(error["loc"][:-1], model)
            return f"{where}: unknown key{did_you_mean(error['loc'][-1], allowed)}{hint_of(error)}"
        case "missing":
            what = "entry" if isinstance(error["loc"][-1], int) else "key"
            return f"{where}: this {what} is missing"
        case "literal_error" | "enum":
            allowed = [name.strip("'") for name in re.findall(r"'[^']*'", str(error["ctx"]["expected"]))]
            return f"{where}: found {_found(value)}{did_you_mean(value, allowed)}"
        case "too_short":
            return f"{where}: at least one entry is expected, found none"
        case "too_long":
            most = error["ctx"]["max_length"]
            return f"{where}: at most {most} entries are expected, found {_found(value)}"
        case _:
            return f"{where}: {_expected(error)}, found {_found(value)}{hint_of(error)}"


def _expected(error: ErrorDetails) -> str:
    """What is expected in place of a value."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(limits["error"])
    if kind == "string_pattern_mismatch":
        return _PATTERNS[str(error["loc"][-1])]
    for sign, words in _LIMITS.items():
        if sign in limits:
            share = " or 100%" if limits[sign] == 1 and sign == "le" else ""
            return f"expected {words} {limits[sign]:g}{share}"
    return next((words for start, words in _KINDS.items() if kind.startswith(start)), kind)


def _found(value: object) -> str:
    """A value on one line, shortened."""
    shown = plain(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} …"


def _where(loc: tuple[int | str, ...], raw: object) -> str:
    """The place of a key, entries counted from 1: ``kpis, entry 3 (churn_rate), target.at_most``."""
    words: list[str] = []
    for step in loc:
        raw = _part(raw, step)
        if isinstance(step, int):
            name = _part(raw, "kpi" if words else "id")
            words.append(f"entry {step + 1}" + (f" ({name})" if isinstance(name, str) else ""))
        elif words and not words[-1].startswith("entry "):
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
