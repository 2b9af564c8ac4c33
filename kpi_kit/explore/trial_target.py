"""A person's params with another target, validated like a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.params import Specialist, TargetParams, check_target

_KINDS = ("at_least", "at_most", "between", "schedule")


def with_target(person: Specialist, number: int, key: str, given: Mapping[str, Any]) -> Specialist:
    """A person with another target of one entry.

    Parameters
    ----------
    person : Specialist
    number : int
        The place of the entry, counted from 0.
    key : str
        The name of the entry, for errors.
    given : mapping
        Keys of a target; missing keys are kept where the kind stays the same.

    Raises
    ------
    InputError
        With every problem that the params would have.
    """
    entry = person.kpis[number]
    now = {
        field.alias or name: getattr(entry.target, name)
        for name, field in TargetParams.model_fields.items()
        if getattr(entry.target, name) is not None
    }
    inherited = {"worst", "per"} if any(kind in now and kind in given for kind in _KINDS) else set()
    raw = {name: value for name, value in now.items() if name in inherited} | dict(given)
    try:
        trial = check_target(raw, entry, person)
    except InputError as fault:
        raise InputError(
            [Phrase("core.within", where=key, problem=problem) for problem in fault.problems]
        ) from None
    return person.model_copy(update={"kpis": (*person.kpis[:number], trial, *person.kpis[number + 1 :])})
