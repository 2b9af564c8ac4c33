"""Plan, execute, render, publish: every report of a period, and the department's.

A report is made in a scratch folder of its own and moved into place when its notebook, its JSON
and its page are all there, so a run that fails or is stopped leaves the earlier files as they were.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

from rich.console import Console

from kpi_kit import across, render
from kpi_kit import params as settings
from kpi_kit.across import Across
from kpi_kit.errors import InputError, did_you_mean
from kpi_kit.execute import Report, Result, Workers, check_declared, stoppable
from kpi_kit.periods import Period
from kpi_kit.progress import display, line, say
from kpi_kit.store import open_store

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
DEPARTMENT = "index"
"""The department's report: no specialist has this id."""
_COMMON = ("period", "data", "params", "out")
_NEEDS = {
    "specialist_report.ipynb": ("specialist", *_COMMON, "as_of"),
    "department_report.ipynb": _COMMON,
}


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    folder : Path
        ``<out>/<period>``.
    written : list of Path
        Files that were written or replaced, the manifest included.
    failed : dict
        Reports that failed, each with one sentence; the department's is ``index``.
    seconds : float
        How long the run took.
    """

    folder: Path
    written: list[Path] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class _Run:
    """A run's arguments, checked."""

    given: Mapping[str, str]
    out: Path
    jobs: int
    engine: str
    language: str
    notebooks: Path
    style: Path
    console: Console

    @property
    def folder(self) -> Path:
        return self.out / self.given["period"]


def run(
    period: Period | str,
    *,
    data: Path | str,
    params: Path | str,
    out: Path | str,
    specialists: Sequence[str] | None = None,
    jobs: int | None = None,
    engine: str = "auto",
    as_of: str | None = None,
    notebooks: Path = NOTEBOOKS,
    style: Path = render.STYLE,
    console: Console | None = None,
) -> Outcome:
    """Make the reports of a period, and the department's page from all that are there.

    Parameters
    ----------
    period : Period or str
    data, params, out : Path or str
        Folders, relative to the current one, in which the notebooks run.
    specialists : sequence of str or None
        Whose reports; None for everyone's.
    jobs : int or None
        How many notebooks are executed at once; None for one a core.
    engine : str
        ``auto``, ``quarto`` or ``embedded``; see :func:`kpi_kit.render.render`.
    as_of : str or None
        The data cut-off; None for the scorecard's default.
    notebooks : Path
        The folder with ``specialist_report.ipynb`` and ``department_report.ipynb``.
    style : Path
        The folder with ``_quarto.yml`` and ``theme.css``.
    console : rich.console.Console or None
        Where progress is shown: a bar on a terminal, plain lines elsewhere; None for silence.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        Where an argument, ``department.yml``, a data table or a notebook's parameters cell cannot be
        used, or ``out`` cannot be written to; nothing is written then.
    KeyboardInterrupt
        On Ctrl-C, and likewise on SIGTERM and SIGHUP; what was published by then stands.
    """
    begun = time.perf_counter()
    loaded = settings.load(Path(params))
    names = _wanted(specialists, [*loaded.specialists, *loaded.broken])
    this = _Run(
        given={
            "period": str(period if isinstance(period, Period) else Period.parse(period)),
            "data": str(data),
            "params": str(params),
            "as_of": as_of or "",
        },
        out=Path(out),
        jobs=_at_least_one(jobs),
        engine=render.choose(engine),
        language=loaded.department.language,
        notebooks=notebooks,
        style=style,
        console=console or Console(quiet=True),
    )
    with open_store(Path(data), loaded.department.timezone):
        pass  # a table that cannot be used stops the run here, before each report stumbles over it
    check_declared({notebooks / name: needs for name, needs in _NEEDS.items()})
    outcome = Outcome(this.folder)
    results = {
        name: Result(name, "; ".join(loaded.broken[name]), 0.0) for name in names if name in loaded.broken
    }
    outcome.failed |= {name: str(result.error) for name, result in results.items()}
    with stoppable(), _scratch(this.folder) as scratch, Workers(this.jobs) as workers:
        earlier = _read_manifest(this.folder / "manifest.json")
        for result in results.values():
            say(this.console, line(result))
        crossing = _crossing(this, loaded.specialists, workers)
        usable = [_specialist(this, name, scratch) for name in names if name not in results]
        for report in usable:
            _keep(crossing, report.folder / this.given["period"])
        results |= _make(this, usable, workers, outcome)
        outcome.written += _keep(crossing, this.folder)
        _record(this, results, earlier, {*loaded.specialists, *loaded.broken})
        outcome.written.append(this.folder / "manifest.json")
        _make(this, [_department(this, scratch)], workers, outcome)
    outcome.seconds = time.perf_counter() - begun
    count = sum(path.suffix == ".html" for path in outcome.written)
    pages = f"{count} page" if count == 1 else f"{count} pages"
    failed = f"; failed: {', '.join(sorted(outcome.failed))}" if outcome.failed else ""
    say(this.console, f"{pages} in {outcome.folder} after {outcome.seconds:.1f} s{failed}")
    return outcome


def _wanted(specialists: Sequence[str] | None, known: Sequence[str]) -> list[str]:
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


def _at_least_one(jobs: int | None) -> int:
    if jobs is None:
        return os.cpu_count() or 1
    if jobs < 1:
        raise InputError(f"jobs {jobs}: allowed are 1 and more")
    return jobs


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder on the same file system, so that moving a file out of it is atomic.

    It is locked while its run lives, so that the next run can tell the remains of one that was killed.
    Folders that were made for nothing go again.
    """
    new: list[Path] = []
    try:
        new += [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _sweep(folder)
            made = Path(tempfile.mkdtemp(prefix=".work-", dir=folder))
            lock = _lock(made)
    except OSError as fault:
        _remove_empty(new)
        raise InputError(f"{folder}: reports cannot be written here: {fault.strerror or fault}") from None
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        _unlock(lock)
        _remove_empty(new)


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, as long as nothing is in them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _sweep(folder: Path) -> None:
    """Remove the scratch folders of runs that are no more."""
    for left in folder.glob(".work-*"):
        with suppress(OSError):
            lock = _lock(left)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
            _unlock(lock)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One run at a time sweeps and makes its scratch folder, so that none is swept before it is locked."""
    lock = _lock(folder, wait=True)
    try:
        yield
    finally:
        _unlock(lock)


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """Lock a folder until it is unlocked or this process ends; None where it is not to be had."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # a live run has it, or the file system knows no locks
        os.close(handle)
        return None
    return handle


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _crossing(this: _Run, people: Iterable[str], workers: Workers) -> Across:
    """What crosses specialists: of all of them, also where only some reports are asked for."""
    given: dict[str, Any] = {"data": Path(this.given["data"]), "params": Path(this.given["params"])}
    given["as_of"] = this.given["as_of"] or None
    return across.collect(people, Period.parse(this.given["period"]), submit=workers.submit, **given)


def _keep(found: Across, folder: Path) -> list[Path]:
    """Write what crosses specialists to where reports look for it."""
    paths = {name: folder / place for name, place in across.FILES.items()}
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        render.write_text(path, found.text(name))
    return list(paths.values())


def _specialist(this: _Run, name: str, scratch: Path) -> Report:
    return Report(
        id=name,
        notebook=this.notebooks / "specialist_report.ipynb",
        parameters={**this.given, "specialist": name, "out": str(scratch / name)},
        folder=scratch / name,
        out=this.out,
    )


def _department(this: _Run, scratch: Path) -> Report:
    """It reads what is published by now, also by earlier runs."""
    given = {name: value for name, value in this.given.items() if name in _COMMON}
    return Report(
        id=DEPARTMENT,
        notebook=this.notebooks / "department_report.ipynb",
        parameters={**given, "out": str(this.out)},
        folder=scratch / DEPARTMENT,
        out=this.out,
    )


def _make(this: _Run, reports: Sequence[Report], workers: Workers, outcome: Outcome) -> dict[str, Result]:
    """Execute, render, publish."""
    with display(this.console, [report.id for report in reports], this.jobs) as tell:
        results = workers.execute(reports, tell)
    good = [report for report in reports if results[report.id].error is None]
    failed = _render(this, [report.executed for report in good], workers)
    for report in good:
        if report.executed in failed:
            results[report.id] = Result(report.id, failed[report.executed], results[report.id].seconds)
            say(this.console, line(results[report.id]))
    for report in reports:
        _publish(this, report, results[report.id].error, outcome)
    return results


def _render(this: _Run, notebooks: Sequence[Path], workers: Workers) -> dict[Path, str]:
    """All in one call of Quarto; or by the embedded renderer, in the processes that have it loaded."""
    if this.engine == "quarto":
        return render.render(notebooks, engine="quarto", language=this.language, style=this.style)
    calls = [
        workers.submit(render.render, [notebook], engine="embedded", language=this.language, style=this.style)
        for notebook in notebooks
    ]
    return {notebook: error for call in calls for notebook, error in call.result().items()}


def _publish(this: _Run, report: Report, error: str | None, outcome: Outcome) -> None:
    """Move a whole report into place; of one that failed, leave the notebook for reading."""
    for_reading = this.folder / f"{report.id}.failed.ipynb"
    if error is not None:
        outcome.failed[report.id] = error
        if report.executed.is_file():
            report.executed.replace(for_reading)
        return
    files = [report.executed, report.executed.with_suffix(".html")]
    if report.card is not None:
        files.insert(0, report.card)
    outcome.written += [file.replace(this.folder / file.name) for file in files]
    for_reading.unlink(missing_ok=True)


def _record(this: _Run, results: Mapping[str, Result], earlier: dict[str, Any], known: set[str]) -> None:
    """Write ``manifest.json``; what earlier runs say of other specialists stands."""
    reports = {name: entry for name, entry in earlier["reports"].items() if name in known}
    for name, result in results.items():
        status = "done" if result.error is None else "failed"
        reports[name] = {"status": status, "error": result.error, "seconds": round(result.seconds, 1)}
    record = {
        "schema": 1,
        "period": this.given["period"],
        "as_of": next(_cut_offs(this, results), earlier["as_of"]),
        "reports": dict(sorted(reports.items())),
    }
    render.write_text(this.folder / "manifest.json", json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def _cut_offs(this: _Run, results: Mapping[str, Result]) -> Iterator[Any]:
    for name, result in results.items():
        if result.error is None:
            yield json.loads((this.folder / f"{name}.json").read_text(encoding="utf-8")).get("as_of")


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {"as_of": None, "reports": {}}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {"as_of": found["as_of"], "reports": dict(found["reports"])}
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: it is no manifest of this kit; move it away and run again") from None
