"""Read a folder of params into frozen records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import ErrorDetails

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_faults import located
from kpi_kit.core.yaml_io import read_text
from kpi_kit.params.brand import brand_record, problems_of_brand
from kpi_kit.params.comments import comment_file, read_comment, stray_comments
from kpi_kit.params.events import read_events, unknown_scopes
from kpi_kit.params.files import parse_mapping, read_mapping
from kpi_kit.params.formula_file import Formulas, read_formulas
from kpi_kit.params.formulas import Formula
from kpi_kit.params.ids import RESERVED_IDS, collisions, problem_of_id
from kpi_kit.params.rates import read_rates
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
    NO_FORMULAS,
    large_shares,
    problems_of_department,
    problems_of_entry,
    problems_of_specialist,
    shared_kpis,
    unknown_names,
)
from kpi_kit.params.sentences import findings, sentence, without
from kpi_kit.params.titles import with_ids

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
    "check_person",
    "check_target",
    "comment_file",
    "entry_name",
    "load",
    "problem_of_id",
    "read_comment",
]

_PARSED: dict[tuple[str, str, tuple[Formula, ...]], Specialist] = {}
"""Specialists by id, text of their file, and formulas of the agency."""


def load(folder: Path) -> Params:
    """Read and check a folder of params.

    Parameters
    ----------
    folder : Path
        With ``department.yml``, ``specialists/`` and optionally ``events.yml``, ``kpis.yml``, ``rates.csv``.

    Returns
    -------
    Params

    Raises
    ------
    InputError
        Where one of these files is invalid, or there are no specialists.
    """
    faults: list[str] = []
    department = None
    try:
        department = _department(folder / "department.yml")
    except KitError as fault:
        faults += fault.problems
    try:
        events = read_events(folder)
    except KitError as fault:
        faults += fault.problems
    try:
        rates = read_rates(folder, "RUB" if department is None else department.currency)
    except KitError as fault:
        faults += fault.problems
    formulas = Formulas()
    try:
        formulas = read_formulas(folder)
        faults += formulas.problems
    except KitError as fault:
        faults += fault.problems
    files = sorted((folder / "specialists").glob("*.yml"))
    if not files and folder.is_dir():
        faults.append(Phrase("params.no_specialists", folder=folder / "specialists"))
    people: dict[str, Specialist] = {}
    broken: dict[str, tuple[str, ...]] = {}
    twins = collisions(file.stem for file in files)
    for file in files:
        try:
            if other := twins.get(file.stem):
                raise KitError(Phrase("params.twin_files", file=file, id=file.stem, other=other))
            if not file.is_file():
                raise KitError(Phrase("core.not_ordinary", file=file))
            people[file.stem] = _specialist(file, formulas)
        except KitError as fault:
            broken[file.stem] = fault.problems
    if faults or department is None:
        raise InputError([*faults, *(problem for problems in broken.values() for problem in problems)])
    warnings = (
        *unknown_names(department, people, broken),
        *shared_kpis(people),
        *large_shares(people),
        *unknown_scopes(events, people),
        *stray_comments(folder, [*people, *broken]),
    )
    strays = sorted((folder / "specialists").glob("*.yaml"))
    stray_names = tuple(Phrase("params.only_yml", file=file) for file in strays)
    return Params(
        folder, department, people, broken, (*warnings, *stray_names), events, rates, formulas.valid
    )


def check_target(target: object, entry: Entry, person: Specialist) -> Entry:
    """An entry with another target, checked as in the specialist's file.

    Parameters
    ----------
    target : mapping or TargetParams
        As written in params, such as ``{"at_least": 60}``.
    entry : Entry
    person : Specialist

    Raises
    ------
    InputError
        With the problems of the target.
    """
    if isinstance(target, TargetParams):
        return entry.model_copy(update={"target": target})
    own = entry.model_dump(by_alias=True, exclude={"target"}, exclude_none=True)
    raw = {**own, "target": target}
    problems = [sentence(error, raw, Entry) for error in findings(Entry, raw)]
    if not problems:
        formulas = {} if entry.formula is None else {entry.kpi: entry.formula}
        retargeted = Entry.model_validate(raw, context={"formulas": formulas})
        problems = list(problems_of_entry(retargeted, person))
    if problems:
        raise InputError(problems)
    return retargeted


def _department(file: Path) -> Department:
    if not file.is_file():
        raise KitError(Phrase("core.file_missing", file=file))
    raw = read_mapping(file)
    errors = findings(Department, raw)
    rest = SoundDepartment.model_validate(without(raw, errors))
    others = [*problems_of_department(rest), *problems_of_brand(rest.brand, file.parent)]
    if errors or others:
        text = read_text(file)
        problems = [located(sentence(error, raw, Department), file, text, error["loc"]) for error in errors]
        raise KitError([*problems, *(located(problem, file, text) for problem in others)])
    return Department.model_validate(raw)


def _specialist(file: Path, formulas: Formulas) -> Specialist:
    """A person's file; a process parses a text once, also where copies of the file have it."""
    text = read_text(file)
    if formulas.unread:
        return _parsed_specialist(file, text, formulas)
    key = (file.stem, text, tuple(formulas.valid.values()))
    person = _PARSED.get(key)
    if person is None:
        person = _PARSED[key] = _parsed_specialist(file, text, formulas)
    return person


def check_person(file: Path, text: str) -> Specialist:
    """The record of a specialist's file with another text.

    Raises
    ------
    KitError
        With every problem of the text.
    """
    return _parsed_specialist(file, text, read_formulas(file.parent.parent))


def _parsed_specialist(file: Path, text: str, formulas: Formulas = NO_FORMULAS) -> Specialist:
    if wrong := problem_of_id(file.stem):
        raise KitError(Phrase("params.bad_id", file=file, id=file.stem, wrong=wrong))
    raw = with_ids(parse_mapping(text, file), formulas.valid)
    others = []
    if "id" in raw:
        others.append(Phrase("params.id_key"))
    raw = {**raw, "id": file.stem}
    errors = findings(Specialist, raw)
    problems = [located(sentence(error, raw, Specialist), file, text, error["loc"]) for error in errors]
    rest = [located(problem, file, text) for problem in _problems_of_the_rest(raw, errors, formulas)]
    if others or problems or rest:
        raise KitError([*(located(problem, file, text) for problem in others), *problems, *rest])
    return Specialist.model_validate(raw, context={"formulas": formulas.valid})


def _problems_of_the_rest(
    raw: dict[str, Any], errors: Sequence[ErrorDetails], formulas: Formulas
) -> Iterator[str]:
    """Problems of the valid part of a file, so that all problems are reported together."""
    entries = raw["kpis"] if isinstance(raw.get("kpis"), list) else []
    invalid = {error["loc"][1] for error in errors if error["loc"][0] == "kpis" and len(error["loc"]) > 1}
    valid = [index for index in range(len(entries)) if index not in invalid]
    rest = {**without(raw, errors), "kpis": [entries[index] for index in valid]}
    person = SoundSpecialist.model_validate(rest, context={"formulas": formulas.valid})
    invalid_keys = {str(error["loc"][0]) for error in errors}
    yield from problems_of_specialist(person, [index + 1 for index in valid], invalid_keys, formulas)
