"""What a notebook is given: every parameter checked inside, because papermill passes anything on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.params import problem_of_id

PROJECT = Path(__file__).resolve().parents[2]


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
        f"parameter {name}: text is needed, found {value!r}"
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
        raise InputError(
            f"parameter specialist: a name such as anna-petrova is needed: {wrong}; found {text!r:.120}"
        )
    return text


def folders(given: Mapping[str, str]) -> dict[str, Path]:
    """Folders that must exist; relative ones start at the current folder, in notebooks/ at the project.

    Raises
    ------
    InputError
        Naming every folder that does not exist.
    """
    found = {name: resolve(text) for name, text in given.items()}
    problems = [f"parameter {name}: there is no {path}" for name, path in found.items() if not path.exists()]
    if problems:
        raise InputError(problems)
    return found


def resolve(text: str) -> Path:
    """A path as the notebook means it: Jupyter starts a kernel in the notebook's own folder."""
    base = PROJECT if Path.cwd() == PROJECT / "notebooks" else Path()
    return base / text


def period(text: str) -> Period:
    """The period of the report.

    Raises
    ------
    InputError
    """
    return Period.parse(text)
