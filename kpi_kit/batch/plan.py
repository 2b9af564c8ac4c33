"""What a run is to make: whose reports, how many at once, from which notebook to where."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from kpi_kit.batch import machine
from kpi_kit.batch.execute import DEADLINE, Report, check_declared
from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase, renamed
from kpi_kit.core.shipped import shipped
from kpi_kit.data.open_inputs import SNAPSHOT
from kpi_kit.data.snapshot import Snapshot
from kpi_kit.params import Params
from kpi_kit.report import pdf, render
from kpi_kit.report.inputs import NOTEBOOK

NOTEBOOKS = shipped("notebooks")
DEPARTMENT = "index"
"""The department's report: no specialist has this id."""
_COMMON = ("period", "data", "params", "out")
NEEDS = {
    "specialist_report.ipynb": ("specialist", *_COMMON, "as_of"),
    "department_report.ipynb": _COMMON,
}


@dataclass(frozen=True)
class RunOptions:
    """The arguments of a run.

    Parameters
    ----------
    period : Period or str
    data, params, out : Path or str
        Folders, relative to the current one, in which the notebooks run.
    specialists : sequence of str or None
        Whose reports; None for everyone's.
    jobs : int or None
        How many notebooks are executed at once; None for one a core, as far as the memory goes.
    engine : str
        ``auto``, ``quarto`` or ``embedded``; see :func:`kpi_kit.report.render.render`.
    as_of : str or None
        The data cut-off; None for the scorecard's default.
    notebooks : Path
        The folder with ``specialist_report.ipynb`` and ``department_report.ipynb``.
    notebook : Path or None
        The notebook of all specialists, in place of ``specialist_report.ipynb`` and of those in params.
    style : Path
        The folder with ``_quarto.yml`` and ``theme.css``.
    force : bool
        Whether reports are made again that are up to date.
    deadline : float
        Seconds after which a notebook is ended, whatever it is doing.
    scheduler : str or None
        The address of a dask scheduler whose workers are to execute; None for this machine.
    names : mapping of str to str
        Folders that are copies of other places, with the names of these, which reports show.
    published : collection of str
        Files of other periods that are there beside those in ``out``, for the list of periods.
    pdf : bool
        Whether pages are also made as PDF.
    """

    period: Period | str
    data: Path | str
    params: Path | str
    out: Path | str
    specialists: Sequence[str] | None = None
    jobs: int | None = None
    engine: str = "auto"
    as_of: str | None = None
    notebooks: Path = NOTEBOOKS
    notebook: Path | None = None
    style: Path = render.STYLE
    force: bool = False
    deadline: float = DEADLINE
    scheduler: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    published: Collection[str] = ()
    pdf: bool = False


@dataclass(frozen=True)
class Run:
    """The checked arguments of a run.

    Parameters
    ----------
    options : RunOptions
    parameters : mapping of str to str
        Parameters of the notebooks: period, data, params, as_of.
    out : Path
        The folder that holds the folder of the period.
    jobs : int
    engine, language : str
    console : Console
    languages : mapping of str to str
        By specialist, where it is not the department's.
    notebooks : mapping of str to Path
        The notebooks of specialists who have one of their own.
    unusable : mapping of str to tuple of str
        The problems of those notebooks that cannot be executed, by specialist: their reports fail.
    snapshot : Snapshot or None
        The snapshot from which everything is computed, once it is taken.
    browser : tuple of str
        The command that starts Chromium; empty where no PDF is asked for.
    """

    options: RunOptions
    parameters: Mapping[str, str]
    out: Path
    jobs: int
    engine: str
    language: str
    console: Console
    notebooks: Mapping[str, Path] = field(default_factory=dict)
    unusable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)
    snapshot: Snapshot | None = None
    browser: tuple[str, ...] = ()

    def language_of(self, report: str) -> str:
        """The language of a report: the person's own, else the department's."""
        return self.languages.get(report, self.language)

    @property
    def folder(self) -> Path:
        """The folder of the reports."""
        return self.out / self.parameters["period"]

    @property
    def data(self) -> Path:
        """The user's data."""
        return Path(self.parameters["data"])

    @property
    def params(self) -> Path:
        """The user's params."""
        return Path(self.parameters["params"])

    @property
    def copies(self) -> dict[str, str]:
        """Folders that are copies of other places, with the names of these."""
        names = self.options.names
        if self.snapshot is None:
            return dict(names)
        data = names.get(str(self.data), str(self.data))
        return {str(self.snapshot.data): data, str(self.snapshot.params): str(self.params), **names}

    def named(self, text: str) -> str:
        """A text in which folders have the names of the places that they are copies of."""
        return renamed(text, self.copies)


def check_inputs(options: RunOptions, loaded: Params, console: Console | None) -> Run:
    """The arguments of a run, checked against the params.

    Raises
    ------
    InputError
        Where one of them cannot be used.
    """
    people = chosen_people(options.specialists, [*loaded.specialists, *loaded.broken])
    own, unusable = _own_notebooks(options, loaded, people)
    check_declared({options.notebooks / name: needs for name, needs in NEEDS.items()})
    period = str(options.period if isinstance(options.period, Period) else Period.parse(options.period))
    return Run(
        options=options,
        parameters={
            "period": period,
            "data": str(options.data),
            "params": str(options.params),
            "as_of": options.as_of or "",
        },
        out=Path(options.out),
        jobs=how_many(options.jobs, len(people)),
        engine=render.choose(options.engine),
        language=loaded.department.language,
        console=console or Console(quiet=True),
        browser=tuple(pdf.browser()) if options.pdf else (),
        notebooks=own,
        unusable=unusable,
        languages={name: own.language for name, own in loaded.specialists.items() if own.language},
    )


def _own_notebooks(
    options: RunOptions, loaded: Params, people: Collection[str]
) -> tuple[dict[str, Path], dict[str, tuple[str, ...]]]:
    """The notebooks of the specialists who do not have the usual one, by id; and why some are unusable.

    Params name only a file of ``notebooks/``, beside the params or beside the usual notebook: a run executes
    code of the project alone.
    """
    if options.notebook is not None:
        if not options.notebook.is_file():
            raise InputError(Phrase("batch.no_notebook", notebook=options.notebook))
        check_declared({options.notebook: NEEDS["specialist_report.ipynb"]})
        return dict.fromkeys(people, options.notebook), {}
    own: dict[str, Path] = {}
    unusable: dict[str, tuple[str, ...]] = {}
    folders = [loaded.folder.resolve().parent / "notebooks", options.notebooks]
    for name in people:
        person = loaded.specialists.get(name)
        if person is None or person.notebook is None:
            continue
        places = [folder / person.notebook for folder in folders]
        notebook = next((place for place in places if place.is_file()), None)
        if notebook is None:
            fields = {"notebook": person.notebook, "folders": list(map(str, dict.fromkeys(folders)))}
            problem = Phrase("batch.no_own_notebook", file=loaded.file_of(name), **fields)
            unusable[name] = (problem,)
            continue
        own[name] = notebook
        try:
            check_declared({notebook: NEEDS["specialist_report.ipynb"]})
        except InputError as fault:
            unusable[name] = fault.problems
    return own, unusable


def chosen_people(specialists: Sequence[str] | None, everyone: Sequence[str]) -> list[str]:
    """The ids of the specialists whose reports are to be made.

    Raises
    ------
    InputError
        Where there are no specialists, or not all that were named.
    """
    if not everyone:
        raise InputError(Phrase("batch.no_specialists"))
    strangers = [name for name in specialists or () if name not in everyone]
    if strangers:
        raise InputError(
            [Phrase("batch.no_such", name=name, hint=did_you_mean(name, everyone)) for name in strangers]
        )
    return sorted(set(everyone if specialists is None else specialists))


def how_many(jobs: int | None, reports: int) -> int:
    """How many notebooks are executed at once."""
    if jobs is None:
        return max(1, min(machine.jobs(machine.cores(), machine.memory()), reports))
    if jobs < 1:
        raise InputError(Phrase("batch.jobs", jobs=jobs))
    return jobs


def specialist(run: Run, name: str, scratch: Path) -> Report:
    """The report of a person."""
    parameters = {**run.parameters, "specialist": name, "out": str(scratch / name)}
    notebook = run.notebooks.get(name, run.options.notebooks / "specialist_report.ipynb")
    return _report(run, name, notebook, parameters, scratch)


def department(run: Run, scratch: Path) -> Report:
    """The department's report: it reads what is published by now, also by earlier runs."""
    parameters = {name: value for name, value in run.parameters.items() if name in _COMMON}
    notebook = run.options.notebooks / "department_report.ipynb"
    return _report(run, DEPARTMENT, notebook, {**parameters, "out": str(run.out)}, scratch)


def _report(run: Run, name: str, notebook: Path, parameters: Mapping[str, str], scratch: Path) -> Report:
    return Report(
        id=name,
        notebook=notebook,
        parameters=parameters,
        folder=scratch / name,
        out=run.out,
        names=run.copies,
        environment={}
        if run.snapshot is None
        else {SNAPSHOT: str(run.snapshot), NOTEBOOK: str(notebook.resolve())},
        language=run.language_of(name) if run.engine == "embedded" else None,
        style=run.options.style,
        deadline=run.options.deadline,
    )
