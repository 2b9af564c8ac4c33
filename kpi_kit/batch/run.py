"""Plan, execute, render, publish: every report of a period, and the department's.

A report is made in a scratch folder of its own and moved into place when its notebook, its JSON
and its page are all there, so a run that fails or is stopped leaves the earlier files as they were.
One whose inputs are those of the last run is not made again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from kpi_kit import params as settings
from kpi_kit.batch.dask_cluster import Cluster
from kpi_kit.batch.execute import DEADLINE, Report, Result, check_declared, stoppable
from kpi_kit.batch.fingerprints import Freshness, Inputs, of_file
from kpi_kit.batch.kernels.client import ForkServer
from kpi_kit.batch.manifest import Entry, Manifest, sync_folder, up_to_date
from kpi_kit.batch.plan import (
    DEPARTMENT,
    NEEDS,
    NOTEBOOKS,
    ROWS,
    Run,
    department,
    how_many,
    specialist,
    wanted,
)
from kpi_kit.batch.progress import display, line, say
from kpi_kit.batch.remote import RemoteError, destination, is_url, shown, source
from kpi_kit.batch.workers import Workers
from kpi_kit.batch.workspace import has_manifest, locked, scratch_folder
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import write_file
from kpi_kit.core.periods import Period
from kpi_kit.data import validate
from kpi_kit.data.open_inputs import CHECKED
from kpi_kit.data.store import open_store
from kpi_kit.report import render
from kpi_kit.scorecard import archive, cohort
from kpi_kit.scorecard.cohort import Cohort

_OFTEN = 5.0
"""Seconds after which finished reports are carried to a place that is not on this machine."""
_GROUP = 8
"""How many notebooks one call of Quarto renders: starting it costs as much as several pages."""
_ROOM = 2 * 2**20
"""Bytes that a report takes on the disk, its scratch files included, at the most."""


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    folder : Path
        ``<out>/<period>``; where that is a URL, its copy on this machine.
    written : list of Path
        Files that were written or replaced, the manifest included.
    unchanged : list of str
        Reports that are up to date, and so were not made again.
    failed : dict
        Reports that failed, each with one sentence; the department's is ``index``.
    seconds : float
        How long the run took.
    """

    folder: Path
    written: list[Path] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


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
    force: bool = False,
    deadline: float = DEADLINE,
    scheduler: str | None = None,
    server: ForkServer | None = None,
    console: Console | None = None,
) -> Outcome:
    """Make the reports of a period, and the department's page from all that are there.

    Parameters
    ----------
    period : Period or str
    data, params, out : Path or str
        Folders, relative to the current one, in which the notebooks run; ``data`` and ``out`` may be
        URLs that fsspec knows.
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
    style : Path
        The folder with ``_quarto.yml`` and ``theme.css``.
    force : bool
        Whether reports are made again that are up to date.
    deadline : float
        Seconds after which a notebook is ended, whatever it is doing.
    scheduler : str or None
        The address of a dask scheduler whose workers are to execute; None for this machine.
    server : ForkServer or None
        The server of warm processes where it has been started already; None for one of the run's own.
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
    names = wanted(specialists, [*loaded.specialists, *loaded.broken])
    check_declared({notebooks / name: needs for name, needs in NEEDS.items()})
    when = str(period if isinstance(period, Period) else Period.parse(period))
    place, target = source(data), destination(out, when)
    this = Run(
        given={"period": when, "data": str(place), "params": str(params), "as_of": as_of or ""},
        out=Path(out) if target is None else target.folder.parent,
        names={place: shown(str(data))} if is_url(data) else {},
        target=target,
        jobs=how_many(jobs, len(names)),
        engine=render.choose(engine),
        language=loaded.department.language,
        notebooks=notebooks,
        style=style,
        deadline=deadline,
        console=console or Console(quiet=True),
    )
    outcome = Outcome(this.folder)
    with stoppable(), _workers(this, scheduler, server) as workers:
        if force or not has_manifest(this.folder):
            workers.warm_up()  # it imports while this looks at params and data
        manifest = Manifest(this.folder, this.given["period"], {*loaded.specialists, *loaded.broken})
        with (
            scratch_folder(this.folder) as scratch,
            _open_inputs(this, loaded, manifest, scratch / ROWS, workers.folder) as fresh,
        ):
            making = _Making(this, workers, manifest, fresh, outcome)
            for name in names:
                if name in loaded.broken:
                    making.failed(Result(name, "; ".join(loaded.broken[name]), 0.0))
            whose = [name for name in names if name in loaded.specialists]
            fresh.read_rows(loaded.specialists)  # while others import what they need
            crossing = making.across(loaded.specialists, fresh.across(), force=force)
            beside = _texts(crossing)
            usable = [replace(specialist(this, name, scratch), beside=beside) for name in whose]
            inputs = {report.id: fresh.specialist(report.id, report.notebook, crossing) for report in usable}
            making.make(usable, inputs, force=force)
            making.publish_across()
            making.close()
            whole = department(this, scratch)
            its = fresh.department(whole.notebook, making.manifest.reports)
            making.make([whole], {DEPARTMENT: its}, force=force)
            making.close()
    outcome.seconds = time.perf_counter() - begun
    say(this.console, this.named(_summary(outcome)))
    return outcome


def _workers(this: Run, scheduler: str | None, server: ForkServer | None) -> Workers | Cluster:
    if scheduler is not None:
        return Cluster(scheduler)
    return Workers(this.jobs, lambda text: say(this.console, text), Path(this.given["params"]), server)


def _summary(outcome: Outcome) -> str:
    count = sum(path.suffix == ".html" for path in outcome.written)
    pages = f"{count} page" if count == 1 else f"{count} pages"
    same = f", {len(outcome.unchanged)} up to date" if outcome.unchanged else ""
    failed = f"; failed: {', '.join(sorted(outcome.failed))}" if outcome.failed else ""
    return f"{pages}{same} in {outcome.folder} after {outcome.seconds:.1f} s{failed}"


@contextmanager
def _open_inputs(
    this: Run, loaded: settings.Params, manifest: Manifest, folder: Path, kept: Path | None
) -> Iterator[Freshness]:
    """The hashes of all inputs; a table that cannot be used stops the run here, before each report.

    Data that an earlier run has found sound are not looked through again, here or by the notebooks.
    """
    told = {name: this.named(text) for name, text in this.given.items() if name != "as_of"}
    told |= {"out": this.named(str(this.out)), "language": this.language, "engine": this.engine}
    zone = loaded.department.timezone
    with open_store(Path(this.given["data"]), zone, manifest.known, also=(folder,)) as store:
        files = [this.style / name for name in ("_quarto.yml", "theme.css")]
        if manifest.known is None or manifest.known.fingerprint != store.fingerprint:
            manifest.rows.clear()
        manifest.known = replace(store.known or store.learn(), extracts={})
        where: dict[str, Any] = {"folder": folder, "kept": kept, "rows": manifest.rows, "files": files}
        fresh = Freshness(told, loaded=loaded, store=store, as_of=this.given["as_of"], **where)
        if manifest.checked != fresh.checked:
            problems = validate.problems(fresh.store, loaded.department.currency)
            if problems:
                raise InputError(map(this.named, problems))
            manifest.checked = fresh.checked
        yield fresh


def _texts(found: Cohort) -> dict[Path, str]:
    """The files of what crosses specialists, where reports look for them."""
    return {place: found.text(name) for name, place in cohort.FILES.items()}


def _with_earlier(report: Report, folder: Path) -> Report:
    """A report that finds what was reported of its person and period before."""
    if report.card is None:
        return report
    return replace(report, beside={**report.beside, **archive.beside(folder, report.id)})


class _Making:
    """Execute, render, publish, record: each report as soon as it is ready.

    Parameters
    ----------
    this : Run
    workers : Workers or Cluster
    manifest : Manifest
    fresh : Freshness
    outcome : Outcome
    """

    def __init__(
        self, this: Run, workers: Workers | Cluster, manifest: Manifest, fresh: Freshness, outcome: Outcome
    ) -> None:
        self._this, self._workers, self.manifest, self._outcome = this, workers, manifest, outcome
        self._fresh = fresh
        self._inputs: dict[str, Inputs] = {}
        self._found: tuple[Cohort, Inputs, str] | None = None
        self._carried = time.monotonic()

    def across(self, people: Iterable[str], inputs: Inputs, *, force: bool) -> Cohort:
        """What crosses specialists: of all of them, also where only some reports are asked for."""
        this, folder = self._this, self._this.folder
        if not force and up_to_date(self.manifest.across, inputs, folder):
            return cohort.read(folder)
        given: dict[str, Any] = {"data": Path(this.given["data"]), "params": Path(this.given["params"])}
        period, as_of = Period.parse(this.given["period"]), this.given["as_of"] or None
        given |= {"known": self._fresh.known, "jobs": this.jobs}
        own = {person: self._fresh.forecasts(person) for person in people}
        if not force and self._is_left(cohort.FORECASTS):
            given["made"] = cohort.remembered(folder, own)
        if not force and self._same_shocks(inputs):
            given["shocked"] = cohort.read(folder).shocks
        found, made = cohort.collect(people, period, submit=self._workers.submit, as_of=as_of, **given)
        self._found = (found, inputs, cohort.to_remember(made, own))
        return found

    def _is_left(self, place: Path) -> bool:
        """Whether a file that crosses specialists is that of the last run."""
        outputs = (self.manifest.across or {}).get("outputs") or {}
        return str(place) in outputs and of_file(self._this.folder / place) == outputs[str(place)]

    def _same_shocks(self, inputs: Inputs) -> bool:
        """Whether the shocks are those of the last run: whose targets are what does not matter to them."""
        entry = self.manifest.across
        if entry is None or {**entry.get("inputs", {}), "params": ""} != {**inputs, "params": ""}:
            return False
        return up_to_date({**entry, "inputs": inputs}, inputs, self._this.folder)

    def publish_across(self) -> None:
        """Put what crosses specialists beside the reports that were made with it."""
        if self._found is None:
            return
        (found, inputs, forecasts), folder = self._found, self._this.folder
        texts = {**_texts(found), cohort.FORECASTS: forecasts}
        with self._writing():
            for place, text in texts.items():
                (folder / place).parent.mkdir(exist_ok=True)
                write_file(folder / place, text)
                self._outcome.written.append(folder / place)
            outputs = {str(place): of_file(folder / place) for place in texts}
            self.manifest.record_across({"status": "done", "inputs": inputs, "outputs": outputs})

    def make(self, reports: Sequence[Report], inputs: Mapping[str, Inputs], *, force: bool) -> None:
        """Make the reports that are not up to date."""
        self._inputs = dict(inputs)
        missing = [report for report in reports if force or not self._is_fresh(report.id)]
        made = {report.id for report in missing}
        self._outcome.unchanged += [report.id for report in reports if report.id not in made]
        if not missing:
            return
        missing = [_with_earlier(report, self._this.folder) for report in missing]
        _need_room(self._this.folder, len(missing))
        if reports[0].card is not None:  # the department's reads no data
            told = {CHECKED: self._fresh.sound}
            missing = [replace(report, environment=told) for report in missing]
        with display(self._this.console, [report.id for report in missing], self._this.jobs) as tell:
            for report, result in self._rendered(self._workers.execute(missing)):
                tell(self._publish(report, result))

    def _is_fresh(self, name: str) -> bool:
        entry = self.manifest.department if name == DEPARTMENT else self.manifest.reports.get(name)
        return up_to_date(entry, self._inputs[name], self._this.folder)

    def _rendered(self, executed: Iterator[tuple[Report, Result]]) -> Iterator[tuple[Report, Result]]:
        """With the embedded renderer each has its page already; Quarto renders groups, several at a time."""
        if self._this.engine != "quarto":
            yield from executed
            return
        calls: list[Future[list[tuple[Report, Result]]]] = []
        waiting: list[tuple[Report, Result]] = []
        with _quarto_calls(self._this.jobs) as submit:
            for report, result in executed:
                if result.error is not None:
                    yield report, result
                    continue
                waiting.append((report, result))
                if len(waiting) == _GROUP:
                    calls.append(submit(self._quarto, waiting))
                    waiting = []
                while calls and calls[0].done():
                    yield from calls.pop(0).result()
            if waiting:
                calls.append(submit(self._quarto, waiting))
            for call in calls:
                yield from call.result()

    def _quarto(self, group: list[tuple[Report, Result]]) -> list[tuple[Report, Result]]:
        notebooks = [report.executed for report, _ in group]
        begun = time.perf_counter()
        failed = render.render(
            notebooks, engine="quarto", language=self._this.language, style=self._this.style
        )
        share = (time.perf_counter() - begun) / len(group)
        return [
            (report, replace(result, error=failed.get(report.executed), seconds=result.seconds + share))
            for report, result in group
        ]

    def _publish(self, report: Report, result: Result) -> Result:
        """Move a whole report into place; of one that failed, leave the notebook for reading."""
        folder, error = self._this.folder, result.error and self._this.named(result.error)
        outputs: dict[str, str | None] = {}
        try:
            with locked(folder):
                if error is None:
                    outputs = self._move(report)
                elif report.executed.is_file():
                    report.executed.replace(folder / f"{report.id}.failed.ipynb")
        except OSError as fault:
            error = f"{report.id}: its files cannot be written to {folder}: {fault.strerror or fault}"
        result = replace(result, error=error)
        as_of = _cut_off(folder / f"{report.id}.json") if error is None and report.card else None
        self._record(result, outputs, as_of)
        return result

    def _move(self, report: Report) -> dict[str, str | None]:
        files = [report.executed, report.executed.with_suffix(".html")]
        if report.card is not None:
            files.insert(0, report.card)
            kept = archive.keep(self._this.folder, report.id, report.card)
            if kept is not None:
                sync_folder(kept.parent)
        for file in files:
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        outputs = {file.name: of_file(file) for file in files}
        folder = self._this.folder
        self._outcome.written += [file.replace(folder / file.name) for file in files]
        (folder / f"{report.id}.failed.ipynb").unlink(missing_ok=True)
        sync_folder(folder)
        return outputs

    def failed(self, result: Result) -> None:
        """Record a report that failed without a notebook."""
        say(self._this.console, line(result))
        self._record(result, {}, None)

    def _record(self, result: Result, outputs: Mapping[str, str | None], as_of: str | None) -> None:
        entry: Entry = {
            "status": "done" if result.error is None else "failed",
            "error": result.error,
            "seconds": round(result.seconds, 1),
            "attempts": result.attempts,
            "cells": list(result.cells),
            "memory_mib": result.memory,
            "inputs": self._inputs.get(result.id, {}),
            "outputs": dict(outputs),
        }
        if result.error is not None:
            self._outcome.failed[result.id] = result.error
        with self._writing():
            if result.id == DEPARTMENT:
                self.manifest.record_department(entry)
            else:
                self.manifest.record(result.id, entry, as_of)
        self._carry(_OFTEN)

    def close(self) -> None:
        """Have the manifest on the disk, whatever became of the reports."""
        with self._writing():
            self.manifest.save()
        self._carry()

    def _carry(self, every: float = 0.0) -> None:
        """Put what is new where the reports are to be, if that was not done a moment ago."""
        target = self._this.target
        if target is None or time.monotonic() - self._carried < every:
            return
        try:
            target.publish()
        except RemoteError as fault:
            self._outcome.failed["out"] = str(fault)
            return
        self._outcome.failed.pop("out", None)
        self._carried = time.monotonic()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A manifest that cannot be written is a failure of its own, which the next entry may mend."""
        written, failed = self._outcome.written, self._outcome.failed
        try:
            with locked(self._this.folder):
                yield
        except OSError as fault:
            failed["manifest"] = f"{self.manifest.path}: it cannot be written: {fault.strerror or fault}"
            return
        failed.pop("manifest", None)
        if self.manifest.path not in written:
            written.append(self.manifest.path)


@contextmanager
def _quarto_calls(jobs: int) -> Iterator[Callable[..., Future[list[tuple[Report, Result]]]]]:
    """Several calls at a time; when the run is stopped, they end."""
    with ThreadPoolExecutor(jobs, thread_name_prefix="quarto") as pool:
        try:
            yield pool.submit
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            render.end_calls()
            raise


def _need_room(folder: Path, reports: int) -> None:
    """Refuse a disk that is too full, before the work instead of after."""
    free, need = shutil.disk_usage(folder).free, reports * _ROOM
    if free < need:
        raise InputError(
            f"{folder}: {reports} reports take up to {need // 2**20} MB, and {free // 2**20} MB are free"
        )


def _cut_off(card: Path) -> str | None:
    found = json.loads(card.read_text(encoding="utf-8")).get("as_of")
    return None if found is None else str(found)
