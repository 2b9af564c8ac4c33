"""What a run is to make: whose reports, how many at once, from which notebook to where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from kpi_kit.batch import machine
from kpi_kit.batch.execute import Report
from kpi_kit.batch.remote import Remote
from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.shipped import shipped

NOTEBOOKS = shipped("notebooks")
ROWS = ".rows"
"""Where rows of large data are kept, in the scratch folder: no specialist has this id."""
DEPARTMENT = "index"
"""The department's report: no specialist has this id."""
_COMMON = ("period", "data", "params", "out")
NEEDS = {
    "specialist_report.ipynb": ("specialist", *_COMMON, "as_of"),
    "department_report.ipynb": _COMMON,
}


@dataclass(frozen=True)
class Run:
    """A run's arguments, checked.

    Parameters
    ----------
    given : mapping of str to str
        What notebooks are told: period, data, params, as_of.
    out : Path
        Where the folder of the period is.
    jobs : int
    engine, language : str
    notebooks, style : Path
    deadline : float
    console : Console
    names : mapping of Path to str
        What ``data`` is a copy of, where it is a URL.
    target : Remote or None
        The place at a URL of which the folder is a copy.
    """

    given: Mapping[str, str]
    out: Path
    jobs: int
    engine: str
    language: str
    notebooks: Path
    style: Path
    deadline: float
    console: Console
    names: Mapping[Path, str] = field(default_factory=dict)
    target: Remote | None = None

    @property
    def folder(self) -> Path:
        """Where the reports are."""
        return self.out / self.given["period"]

    @property
    def copies(self) -> dict[str, str]:
        """What folders on this machine are copies of."""
        found = {str(place): name for place, name in self.names.items()}
        if self.target is not None:
            found[str(self.out)] = self.target.name.removesuffix(f"/{self.given['period']}")
        return found

    def named(self, text: str) -> str:
        """A text in which places are called as they were in the arguments."""
        for copy, name in self.copies.items():
            text = text.replace(copy, name)
        return text


def wanted(specialists: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """The ids of those whose reports are to be made.

    Raises
    ------
    InputError
        Where there are none, or not those that are asked for.
    """
    if not known:
        raise InputError("params: there are no specialists; allowed is a file each in specialists/<id>.yml")
    strangers = [name for name in specialists or () if name not in known]
    if strangers:
        raise InputError(
            [
                f"specialist {name!r}: there is none of this id{did_you_mean(name, known)}"
                for name in strangers
            ]
        )
    return sorted(set(known if specialists is None else specialists))


def how_many(jobs: int | None, reports: int) -> int:
    """How many notebooks are executed at once."""
    if jobs is None:
        return max(1, min(machine.jobs(machine.cores(), machine.memory()), reports))
    if jobs < 1:
        raise InputError(f"jobs {jobs}: allowed are 1 and more")
    return jobs


def specialist(this: Run, name: str, scratch: Path) -> Report:
    """The report of a person."""
    return Report(
        id=name,
        notebook=this.notebooks / "specialist_report.ipynb",
        parameters={**this.given, "specialist": name, "out": str(scratch / name)},
        folder=scratch / name,
        out=this.out,
        names=this.copies,
        language=this.language if this.engine == "embedded" else None,
        style=this.style,
        deadline=this.deadline,
    )


def department(this: Run, scratch: Path) -> Report:
    """The department's report: it reads what is published by now, also by earlier runs."""
    given = {name: value for name, value in this.given.items() if name in _COMMON}
    return Report(
        id=DEPARTMENT,
        notebook=this.notebooks / "department_report.ipynb",
        parameters={**given, "out": str(this.out)},
        folder=scratch / DEPARTMENT,
        out=this.out,
        names=this.copies,
        language=this.language if this.engine == "embedded" else None,
        style=this.style,
        deadline=this.deadline,
    )
