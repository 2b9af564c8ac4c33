"""A run: every report of a period, and the department's.

A report is made in a scratch folder of its own and moved into place when its notebook, its JSON
and its page are all there, so a run that fails or is stopped leaves the earlier files as they were.
One whose inputs are those of the last run is not made again.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from kpi_kit import params as settings
from kpi_kit.batch import payout, pdf, periods_index, quarto
from kpi_kit.batch.dask_cluster import Cluster
from kpi_kit.batch.execute import Report, Result
from kpi_kit.batch.fingerprints import InputHashes, Inputs, of_file, up_to_date
from kpi_kit.batch.manifest import Manifest
from kpi_kit.batch.plan import (
    DEPARTMENT,
    Run,
    RunOptions,
    check_inputs,
    chosen_people,
    department,
    specialist,
)
from kpi_kit.batch.progress import display, line, say
from kpi_kit.batch.publish import Outcome, Publisher
from kpi_kit.batch.warm import Workers
from kpi_kit.batch.workspace import PAYOUT, PERIODS, SNAPSHOT, has_manifest, scratch_folder
from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.files import refuse_links
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.stopping import stoppable
from kpi_kit.data.snapshot import open_snapshot, take
from kpi_kit.data.store import Store, open_store
from kpi_kit.params import Params
from kpi_kit.report import render
from kpi_kit.scorecard import archive, cohort
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.windows import cut_off, needed_since

__all__ = ["Outcome", "RunOptions", "run"]

_ROOM = 2 * 2**20
"""Bytes that a report takes on the disk, its scratch files included, at the most."""


def run(options: RunOptions, *, console: Console | None = None) -> Outcome:
    """Make the reports of a period, and the department's page from all that are there.

    Parameters
    ----------
    options : RunOptions
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
    loaded = settings.load(Path(options.params))
    this = check_inputs(options, loaded, console)
    refuse_links(this.folder)
    outcome = Outcome(this.folder)
    with stoppable():
        if not options.force and has_manifest(this.folder) and _is_unchanged(this, loaded):
            outcome.unchanged = [*chosen_people(options.specialists, list(loaded.specialists)), DEPARTMENT]
        else:
            with _workers(this) as workers:
                workers.warm_up()  # processes import while this one copies and checks the inputs
                _make(this, workers, outcome)
        if this.browser:
            people = chosen_people(options.specialists, [*loaded.specialists, *loaded.broken])
            pdf.make(this, people, {*loaded.specialists, *loaded.broken}, outcome)
        if outcome.written or not (this.out / PERIODS).is_file():
            _renew_periods(this, loaded, outcome)
    outcome.seconds = time.perf_counter() - begun
    say(this.console, this.named(_summary(outcome)))
    if outcome.not_shown:
        say(this.console, _not_shown(outcome))
    return outcome


def _make(this: Run, workers: Workers | Cluster, outcome: Outcome) -> None:
    """Make the reports that are not up to date."""
    with scratch_folder(this.folder) as scratch, _inputs(this, scratch / SNAPSHOT) as (this, loaded, hashes):
        manifest = Manifest(this.folder, this.parameters["period"], {*loaded.specialists, *loaded.broken})
        steps = _Steps(this, workers, loaded, hashes, manifest, outcome)
        steps.record_broken()
        across, files = steps.compute_cohort()
        steps.make_specialists(across, scratch)
        steps.publish_cohort(files)
        steps.make_department(scratch)


def _renew_periods(this: Run, loaded: Params, outcome: Outcome) -> None:
    try:
        periods_index.renew(this, loaded)
    except OSError as fault:
        place = this.out / PERIODS
        outcome.failed["periods"] = Phrase("batch.not_written", file=place, reason=reason_of(fault))


def _workers(this: Run) -> Workers | Cluster:
    if this.options.scheduler is not None:
        return Cluster(this.options.scheduler)
    return Workers(this.jobs, lambda text: say(this.console, text), this.params)


def _summary(outcome: Outcome) -> str:
    count = sum(path.suffix == ".html" for path in outcome.written)
    same = Phrase("batch.up_to_date", count=len(outcome.unchanged)) if outcome.unchanged else ""
    failed = Phrase("batch.failed_names", names=sorted(outcome.failed)) if outcome.failed else ""
    fields = {"count": count, "same": same, "folder": outcome.folder, "failed": failed}
    return Phrase("batch.summary", seconds=round(outcome.seconds, 1), **fields)


def _not_shown(outcome: Outcome) -> str:
    """One line that names what cells show and pages cannot."""
    reports: dict[str, list[str]] = {}
    for name, lines in sorted(outcome.not_shown.items()):
        for what in lines:
            reports.setdefault(what, []).append(name)
    named = [f"{what} ({', '.join(names)})" for what, names in reports.items()]
    return Phrase("batch.not_shown", named="; ".join(named))


# ---- inputs


@contextmanager
def _inputs(this: Run, folder: Path) -> Iterator[tuple[Run, Params, InputHashes]]:
    """A snapshot of the inputs: the run that computes from it, its params, and the hashes of its inputs.

    A table that cannot be used stops the run here, before each report.
    """

    def since(loaded: Params, store: Store) -> dt.datetime:
        period = Period.parse(this.parameters["period"])
        moment = cut_off(loaded.department, period, store, this.options.as_of or None)
        return needed_since(loaded.department, period, moment)

    try:
        snapshot = take(this.data, this.params, folder, since, period=this.parameters["period"])
    except InputError as fault:
        raise InputError(map(this.named, fault.problems)) from None
    this = replace(this, snapshot=snapshot)
    loaded, store = open_snapshot(snapshot, this.params)
    with store:
        yield this, loaded, _hashes(this, loaded, store)


def _hashes(this: Run, loaded: Params, store: Store) -> InputHashes:
    shown = {name: this.named(text) for name, text in this.parameters.items() if name != "as_of"}
    shown |= {"out": this.named(str(this.out)), "language": this.language, "engine": this.engine}
    files = [this.options.style / name for name in ("_quarto.yml", "theme.css")]
    return InputHashes(shown, loaded=loaded, store=store, as_of=this.parameters["as_of"], files=files)


def _is_unchanged(this: Run, loaded: Params) -> bool:
    """Whether every report that is asked for, and the department's, is up to date now.

    The inputs are read where they lie: nothing is computed from them.
    """
    if loaded.broken or this.unusable:
        return False
    people = chosen_people(this.options.specialists, list(loaded.specialists))
    manifest = Manifest(this.folder, this.parameters["period"], set(loaded.specialists))
    with open_store(this.data, loaded.department.timezone) as store:
        hashes = _hashes(this, loaded, store)
        if not up_to_date(manifest.across, hashes.across(), this.folder):
            return False
        across = cohort.read(this.folder)
        for name in people:
            report = specialist(this, name, this.folder)
            entry = manifest.reports.get(name)
            if not up_to_date(entry, hashes.specialist(name, report.notebook, across, entry), this.folder):
                return False
        inputs = hashes.department(department(this, this.folder).notebook, manifest.reports)
        return up_to_date(manifest.department, inputs, this.folder)


# ---- steps


class _Steps:
    """The steps of a run, in order.

    Parameters
    ----------
    this : Run
    workers : Workers or Cluster
    loaded : Params
    hashes : InputHashes
    manifest : Manifest
    outcome : Outcome
    """

    def __init__(
        self,
        this: Run,
        workers: Workers | Cluster,
        loaded: Params,
        hashes: InputHashes,
        manifest: Manifest,
        outcome: Outcome,
    ) -> None:
        self._this, self._workers, self._loaded, self._hashes = this, workers, loaded, hashes
        self._manifest, self._outcome = manifest, outcome
        self._publisher = Publisher(this, manifest, outcome)
        self._quarto = render.Quarto()
        self._people = chosen_people(this.options.specialists, [*loaded.specialists, *loaded.broken])

    def record_broken(self) -> None:
        """Record the reports that fail because a specialist's file or own notebook cannot be used."""
        broken = {**self._this.unusable, **self._loaded.broken}
        for name in self._people:
            if name in broken:
                result = Result(name, "; ".join(broken[name]), 0.0)
                say(self._this.console, line(result))
                self._publisher.record(result, {})

    def compute_cohort(self) -> tuple[Cohort, dict[Path, str]]:
        """What needs all specialists, also where only some reports are asked for; and its files, if new."""
        this, folder, force = self._this, self._this.folder, self._this.options.force
        inputs = self._hashes.across()
        if not force and up_to_date(self._manifest.across, inputs, folder):
            return cohort.read(folder), {}
        people = list(self._loaded.specialists)
        own = {person: self._hashes.forecasts(person) for person in people}
        reused: dict[str, Any] = {}
        if not force and self._is_left(cohort.FORECASTS):
            reused["made"] = cohort.read_forecasts(folder, own)
        if not force and self._has_same_shocks(inputs):
            reused["shocks"] = cohort.read(folder).shocks
        across, forecasts = cohort.compute(
            people,
            Period.parse(this.parameters["period"]),
            data=this.data,
            params=this.params,
            as_of=this.options.as_of or None,
            snapshot=this.snapshot,
            jobs=this.jobs,
            submit=self._workers.submit,
            **reused,
        )
        return across, {**_texts(across), cohort.FORECASTS: cohort.forecasts_text(forecasts, own)}

    def _is_left(self, place: Path) -> bool:
        """Whether a file about the cohort is that of the last run."""
        outputs = (self._manifest.across or {}).get("outputs") or {}
        return str(place) in outputs and of_file(self._this.folder / place) == outputs[str(place)]

    def _has_same_shocks(self, inputs: Inputs) -> bool:
        """Whether the shocks are those of the last run: targets do not matter to them."""
        entry = self._manifest.across
        if entry is None or {**(entry.get("inputs") or {}), "params": ""} != {**inputs, "params": ""}:
            return False
        return up_to_date({**entry, "inputs": inputs}, inputs, self._this.folder)

    def make_specialists(self, across: Cohort, scratch: Path) -> None:
        """Make the reports of the specialists that are not up to date."""
        beside = _texts(across)
        reports, inputs = [], {}
        for name in self._people:
            if name in self._loaded.specialists and name not in self._this.unusable:
                report = replace(specialist(self._this, name, scratch), beside=beside)
                entry = self._manifest.reports.get(name)
                inputs[name] = self._hashes.specialist(name, report.notebook, across, entry)
                reports.append(report)
        self._make(reports, inputs)

    def publish_cohort(self, files: Mapping[Path, str]) -> None:
        """Put the files about the cohort beside the reports that were made with them."""
        if files:
            self._publisher.publish_cohort(files, self._hashes.across())
        self._publisher.close()

    def make_department(self, scratch: Path) -> None:
        """Make the department's report from all that are published by now."""
        report = department(self._this, scratch)
        self._make([report], {DEPARTMENT: self._hashes.department(report.notebook, self._manifest.reports)})
        self._publisher.close()

    def _make(self, reports: Sequence[Report], inputs: Mapping[str, Inputs]) -> None:
        """Execute, render and publish the reports that are not up to date."""
        this = self._this
        missing = [report for report in reports if this.options.force or not self._is_current(report, inputs)]
        made = {report.id for report in missing}
        self._outcome.unchanged += [report.id for report in reports if report.id not in made]
        if not missing:
            return
        missing = [_with_earlier(report, this.folder) for report in missing]
        _need_room(this.folder, len(missing))
        with (
            display(this.console, [report.id for report in missing], this.jobs) as tell,
            ThreadPoolExecutor(1) as beside,  # this process is idle while the department's notebook runs
        ):
            statements = [
                beside.submit(payout.write, this, self._loaded, self._manifest, report.folder / PAYOUT)
                for report in missing
                if report.id == DEPARTMENT
            ]
            for report, result in self._rendered(self._workers.execute(missing), len(missing)):
                for statement in statements:
                    statement.result()
                tell(self._publisher.publish(report, result, inputs[report.id]))

    def _is_current(self, report: Report, inputs: Mapping[str, Inputs]) -> bool:
        """Whether a report is up to date; the manifest then records from which files it would be made now."""
        whole = report.id == DEPARTMENT
        entry = self._manifest.department if whole else self._manifest.reports.get(report.id)
        if not up_to_date(entry, inputs[report.id], self._this.folder):
            return False
        if not whole:
            self._manifest.confirm(report.id, inputs[report.id])
        return True

    def _rendered(self, executed: Iterator[quarto.Executed], reports: int) -> Iterator[quarto.Executed]:
        """With their pages; the embedded renderer has made them where the notebooks were executed."""
        if self._this.engine != "quarto":
            return executed
        return quarto.rendered(self._this, executed, reports, self._quarto)


def _texts(across: Cohort) -> dict[Path, str]:
    """The files about the cohort, where reports look for them."""
    return {place: across.text(name) for name, place in cohort.FILES.items()}


def _with_earlier(report: Report, folder: Path) -> Report:
    """A report that finds the earlier reports of its person: of its own period and of the previous one."""
    if report.card is None:
        return report
    period = Period.parse(report.parameters["period"])
    earlier = archive.of_previous_period(folder.parent, period, report.id)
    return replace(report, beside={**report.beside, **earlier, **archive.beside(folder, report.id)})


def _need_room(folder: Path, reports: int) -> None:
    """Refuse a disk that is too full, before the work instead of after."""
    free, need = shutil.disk_usage(folder).free, reports * _ROOM
    if free < need:
        raise InputError(
            Phrase("batch.disk_full", folder=folder, count=reports, need=need // 2**20, free=free // 2**20)
        )
