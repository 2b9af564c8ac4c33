"""Params: ``department.yml``, ``specialists/<id>.yml`` and ``events.yml`` to frozen records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.params.brand import brand_record, problems_of_brand
from kpi_kit.params.events import read_events, unknown_scopes
from kpi_kit.params.files import read_mapping
from kpi_kit.params.ids import RESERVED_IDS, collisions, problem_of_id
from kpi_kit.params.records import (
    Assignment,
    Department,
    Entry,
    Event,
    Params,
    SoundDepartment,
    SoundSpecialist,
    Specialist,
    TargetParams,
    entry_name,
)
from kpi_kit.params.rules import (
    problems_of_department,
    problems_of_entry,
    problems_of_specialist,
    shared_kpis,
    unknown_names,
)
from kpi_kit.params.sentences import findings, sentence, without

__all__ = [
    "RESERVED_IDS",
    "Assignment",
    "Department",
    "Entry",
    "Event",
    "Params",
    "Specialist",
    "TargetParams",
    "brand_record",
    "check_target",
    "entry_name",
    "load",
    "problem_of_id",
]


def load(folder: Path) -> Params:
    """Read and check a folder of params.

    Parameters
    ----------
    folder : Path
        Holds ``department.yml``, ``specialists/`` and perhaps ``events.yml``.

    Returns
    -------
    Params

    Raises
    ------
    InputError
        Where ``department.yml`` or ``events.yml`` cannot be used, or there are no specialists at all.
    """
    faults: list[str] = []
    try:
        department = _department(folder / "department.yml")
    except KitError as fault:
        faults += fault.problems
    try:
        events = read_events(folder)
    except KitError as fault:
        faults += fault.problems
    files = sorted((folder / "specialists").glob("*.yml"))
    if not files and folder.is_dir():
        faults.append(f"{folder / 'specialists'}: at least one <id>.yml is expected, found none")
    people: dict[str, Specialist] = {}
    broken: dict[str, tuple[str, ...]] = {}
    twins = collisions(file.stem for file in files)
    for file in files:
        try:
            if other := twins.get(file.stem):
                raise KitError(
                    f"{file}: some disks cannot tell the reports of {file.stem} from those of {other}"
                )
            if not file.is_file():
                raise KitError(f"{file}: an ordinary file is expected, found none")
            people[file.stem] = _specialist(file, _stamp(file))
        except KitError as fault:
            broken[file.stem] = fault.problems
    if faults:
        raise InputError([*faults, *(problem for problems in broken.values() for problem in problems)])
    warnings = (
        *unknown_names(department, people, broken),
        *shared_kpis(people),
        *unknown_scopes(events, people),
    )
    strays = sorted((folder / "specialists").glob("*.yaml"))
    stray_names = tuple(f"{file}: only files named <id>.yml are read" for file in strays)
    return Params(folder, department, people, broken, (*warnings, *stray_names), events)


def check_target(target: object, entry: Entry, person: Specialist) -> Entry:
    """An entry with another target, if that could stand in the person's file.

    Parameters
    ----------
    target : mapping or TargetParams
        As it is written in params, such as ``{"at_least": 60}``.
    entry : Entry
    person : Specialist

    Raises
    ------
    InputError
        With what params would say of it.
    """
    if isinstance(target, TargetParams):
        return entry.model_copy(update={"target": target})
    own = entry.model_dump(by_alias=True, exclude={"target"}, exclude_none=True)
    raw = {**own, "target": target}
    problems = [sentence(error, raw, Entry) for error in findings(Entry, raw)]
    if not problems:
        asked = Entry.model_validate(raw)
        problems = list(problems_of_entry(asked, person))
    if problems:
        raise InputError(problems)
    return asked


def _department(file: Path) -> Department:
    if not file.is_file():
        raise KitError(f"{file}: this file is missing")
    raw = read_mapping(file)
    found = findings(Department, raw)
    rest = SoundDepartment.model_validate(without(raw, found))
    problems = [
        *(sentence(error, raw, Department) for error in found),
        *problems_of_department(rest),
        *problems_of_brand(rest.brand, file.parent),
    ]
    if problems:
        raise KitError([f"{file}: {problem}" for problem in problems])
    return Department.model_validate(raw)


def _stamp(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@cache
def _specialist(file: Path, _stamp: tuple[int, ...]) -> Specialist:
    """A person's file, read once a process as long as it is the same: a run of many reads all for each."""
    if wrong := problem_of_id(file.stem):
        raise KitError(f"{file}: {file.stem:.100} cannot be a specialist's id: {wrong}")
    raw = read_mapping(file)
    problems = []
    if "id" in raw:
        problems.append("id: unknown key; the id of a specialist is the name of the file")
    raw = {**raw, "id": file.stem}
    found = findings(Specialist, raw)
    problems += [sentence(error, raw, Specialist) for error in found]
    problems += _problems_of_the_rest(raw, found)
    if problems:
        raise KitError([f"{file}: {problem}" for problem in problems])
    return Specialist.model_validate(raw)


def _problems_of_the_rest(raw: dict[str, Any], found: Sequence[ErrorDetails]) -> Iterator[str]:
    """What is wrong with the part of a file that can be read, so that all problems come at once."""
    entries = raw["kpis"] if isinstance(raw.get("kpis"), list) else []
    unread = {error["loc"][1] for error in found if error["loc"][0] == "kpis" and len(error["loc"]) > 1}
    sound = [index for index in range(len(entries)) if index not in unread]
    rest = {**without(raw, found), "kpis": [entries[index] for index in sound]}
    person = SoundSpecialist.model_validate(rest)
    unread_keys = {str(error["loc"][0]) for error in found}
    yield from problems_of_specialist(person, [index + 1 for index in sound], unread_keys)
