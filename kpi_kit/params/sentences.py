"""Sentences for the validation errors of params: where, what is expected, what was found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kpi_kit.core.errors import did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.params import formulas, records
from kpi_kit.params.hints import hint_of

_FORM = re.compile(r"(?:tuple|dict|literal|union)\[|constrained-|function-")
"""Steps of pydantic that name a form of a value and no key."""
_DATE_KEY = re.compile(r"datetime\.date\((\d+), (\d+), (\d+)\)")
"""How pydantic writes a key that is a date."""
_KINDS = {
    "tuple_": "list",
    "date_": "date",
    "model_": "keys",
    "dict_": "keys",
    "string_": "text",
    "bool_": "flag",
    "int_": "whole",
    "float_": "number",
    "finite_number": "number",
}
"""What is expected, by the beginning of pydantic's code: the end of a code of a phrase."""
_LIMITS = ("ge", "gt", "le", "lt")
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
            hints = [did_you_mean(error["loc"][-1], allowed), hint_of(error)]
            return Phrase("params.unknown_key", where=where, hint=hints[0], mixed=hints[1])
        case "missing":
            is_entry = isinstance(error["loc"][-1], int)
            return Phrase("params.missing_entry" if is_entry else "params.missing_key", where=where)
        case "literal_error" | "enum":
            allowed = [name.strip("'") for name in re.findall(r"'[^']*'", str(error["ctx"]["expected"]))]
            return Phrase("params.not_allowed", where=where, found=value, hint=did_you_mean(value, allowed))
        case "too_short":
            return Phrase("params.no_entry", where=where)
        case "too_long":
            most = error["ctx"]["max_length"]
            return Phrase("params.too_many_entries", where=where, most=most, found=value)
        case _:
            fields = {"expected": _expected(error), "found": value, "hint": hint_of(error)}
            return Phrase("params.other_value", where=where, **fields)


def _expected(error: ErrorDetails) -> object:
    """What is expected in place of a value."""
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return limits["error"]
    if kind == "string_pattern_mismatch":
        return Phrase(f"params.form_{error['loc'][-1]}")
    for sign in _LIMITS:
        if sign in limits:
            share = Phrase("params.or_percent") if limits[sign] == 1 and sign == "le" else ""
            return Phrase(f"params.limit_{sign}", limit=limits[sign], share=share)
    known = (Phrase(f"params.kind_{end}") for start, end in _KINDS.items() if kind.startswith(start))
    return next(known, kind)


def _where(loc: tuple[int | str, ...], raw: object) -> Phrase:
    """The place of a key, entries counted from 1: ``kpis, entry 3 (churn_rate), target.at_most``."""
    words: list[str] = []
    for step in loc:
        raw = _part(raw, step)
        if isinstance(step, str) and (date := _DATE_KEY.fullmatch(step)):
            step = "{:0>4}-{:0>2}-{:0>2}".format(*date.groups())
        if isinstance(step, int):
            name = _part(raw, "kpi" if words else "id")
            fields = {"kpi": name} if isinstance(name, str) else {}
            words.append(Phrase("params.entry_of" if fields else "params.entry", number=step + 1, **fields))
        elif words and not isinstance(words[-1], Phrase):
            words[-1] = f"{words[-1]}.{step}"
        else:
            words.append(str(step))
    return Phrase("params.place", steps=words)


def _siblings(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The allowed keys at the place of an unknown one."""
    holders = [step for step in loc if isinstance(step, str) and step in HOMES]
    home = HOMES[holders[-1]] if holders else model
    fields = home.model_fields.items()
    return [field.alias or name for name, field in fields if (home, name) != (records.Specialist, "id")]
