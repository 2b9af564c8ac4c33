"""What a notebook is given: every parameter checked inside, because papermill passes anything on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.open_inputs import SNAPSHOT
from kpi_kit.params import problem_of_id

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOK = "KPI_KIT_NOTEBOOK"
"""The environment variable in which a run names the notebook that it executes."""
_SAVE = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


def texts(given: Mapping[str, object]) -> dict[str, str]:
    """The parameters, all of them text.

    Raises
    ------
    InputError
        Naming every parameter that is not text, or empty where it must not be.

    Examples
    --------
    >>> texts({"period": "2025-10", "as_of": ""})
    {'period': '2025-10', 'as_of': ''}
    """
    problems = [
        Phrase("report.needs_text", name=name, found=value)
        for name, value in given.items()
        if not isinstance(value, str) or (not value.strip() and name != "as_of")
    ]
    if problems:
        raise InputError(problems)
    return {name: str(value).strip() for name, value in given.items()}


def specialist_id(text: str) -> str:
    """An id that is safe as a file name.

    Raises
    ------
    InputError
    """
    if wrong := problem_of_id(text):
        raise InputError(Phrase("report.needs_id", reason=wrong, found=text))
    return text


def saves(save: object) -> bool:
    """Whether a notebook saves its scorecard: in a run of the kit always, by hand only on request.

    Raises
    ------
    InputError
        Where the parameter is neither true nor false.
    """
    text = str(save).strip().lower()
    if text not in _SAVE:
        raise InputError(Phrase("report.needs_flag", found=save))
    return in_run() or _SAVE[text]


def in_run() -> bool:
    """Whether a run of the kit executes this notebook."""
    return bool(os.environ.get(SNAPSHOT))


def folders(given: Mapping[str, str]) -> dict[str, Path]:
    """Folders that must exist, see :func:`resolve`.

    Raises
    ------
    InputError
        Naming every folder that does not exist.
    """
    found = {name: resolve(text) for name, text in given.items()}
    problems = [
        Phrase("report.no_folder", name=name, path=path) for name, path in found.items() if not path.exists()
    ]
    if problems:
        raise InputError(problems)
    return found


def resolve(text: str) -> Path:
    """A path; a relative one starts at the current folder in a run, and elsewhere at the project.

    The project is the nearest folder above the current one that has ``params/department.yml``. Where there is
    none, a path that exists in the current folder is meant, else one of the kit's own project.
    """
    here = Path.cwd()
    if in_run() or Path(text).is_absolute():
        return Path(text)
    above = [place for place in (here, *here.parents) if (place / "params" / "department.yml").is_file()]
    if above:
        return Path(text) if above[0] == here else above[0] / text
    is_here = Path(text).exists() or not (PROJECT / "params" / "department.yml").is_file()
    return Path(text) if is_here else PROJECT / text


def period(text: str) -> Period:
    """The period of the report.

    Raises
    ------
    InputError
    """
    return Period.parse(text)
