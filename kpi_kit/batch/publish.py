"""Put finished reports into place, and record them in the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from kpi_kit.batch import payout
from kpi_kit.batch.execute import Report, Result
from kpi_kit.batch.fingerprints import Entry, Inputs, of_file
from kpi_kit.batch.manifest import Manifest
from kpi_kit.batch.plan import DEPARTMENT, Run
from kpi_kit.batch.progress import say
from kpi_kit.batch.workspace import PAYOUT, locked
from kpi_kit.core.errors import reason_of
from kpi_kit.core.files import Folder, sync
from kpi_kit.core.phrases import Phrase
from kpi_kit.scorecard import archive


@dataclass
class Outcome:
    """What a run did.

    Parameters
    ----------
    folder : Path
        ``<out>/<period>``.
    written : list of Path
        Files that were written or replaced, the manifest included.
    unchanged : list of str
        Reports that are up to date, and so were not made again.
    failed : dict
        Reports that failed, each with one sentence; the department's is ``index``.
    not_shown : dict
        Reports with outputs that their pages cannot show, each with a line an output.
    seconds : float
        How long the run took.
    """

    folder: Path
    written: list[Path] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_shown: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0


class Publisher:
    """Publishes the reports of a run, each when it is ready.

    Parameters
    ----------
    run : Run
    manifest : Manifest
    outcome : Outcome
        Is told what was written and what failed.
    """

    def __init__(self, run: Run, manifest: Manifest, outcome: Outcome) -> None:
        self._run, self._manifest, self._outcome = run, manifest, outcome

    def publish(self, report: Report, result: Result, inputs: Inputs) -> Result:
        """Move a whole report into place and record it; where it failed, leave the notebook for reading."""
        folder, error = self._run.folder, result.error and self._run.named(result.error)
        outputs: dict[str, str | None] = {}
        try:
            with locked(folder):
                if error is None:
                    outputs = self._move(report)
                elif report.executed.is_file():
                    report.executed.replace(folder / f"{report.id}.failed.ipynb")
        except OSError as fault:
            error = Phrase("batch.files_not_written_to", id=report.id, folder=folder, reason=reason_of(fault))
        result = replace(result, error=error)
        as_of = _cut_off(folder / f"{report.id}.json") if error is None and report.card else None
        self.record(result, inputs, outputs, as_of)
        return result

    def _move(self, report: Report) -> dict[str, str | None]:
        folder = self._run.folder
        files = [report.executed, report.executed.with_suffix(".html")]
        if report.id == DEPARTMENT:
            files += self._statement(report)
        if report.card is not None:
            files.insert(0, report.card)
            earlier = archive.keep(folder, report.id, report.card)
            if earlier is not None:
                sync(earlier.parent)
        for file in files:
            sync(file)
        outputs = {file.name: of_file(file) for file in files}
        self._outcome.written += [file.replace(folder / file.name) for file in files]
        for gone in (f"{report.id}.failed.ipynb", f"{report.id}.pdf"):
            (folder / gone).unlink(missing_ok=True)
        sync(folder)
        return outputs

    def _statement(self, report: Report) -> list[Path]:
        """The payout statement under a name that overwrites no file that was changed by hand."""
        name = payout.clear_place(self._run.folder, (self._manifest.department or {}).get("outputs") or {})
        made = report.folder / PAYOUT
        if not made.is_file():
            return []
        if name != PAYOUT:
            kept = Phrase("batch.statement_kept", file=PAYOUT, new=name)
            say(self._run.console, kept)
        return [made.rename(report.folder / name)]

    def record(
        self,
        result: Result,
        inputs: Inputs,
        outputs: Mapping[str, str | None] | None = None,
        as_of: str | None = None,
    ) -> None:
        """Record how a report ended."""
        entry: Entry = {
            "status": "done" if result.error is None else "failed",
            "error": result.error,
            "seconds": round(result.seconds, 1),
            "attempts": result.attempts,
            "cells": list(result.cells),
            "memory_mib": result.memory,
            "inputs": inputs,
            "outputs": dict(outputs or {}),
        }
        if result.not_shown:
            entry["not_shown"] = list(result.not_shown)
            self._outcome.not_shown[result.id] = list(result.not_shown)
        if result.error is not None:
            self._outcome.failed[result.id] = result.error
        with self._writing():
            if result.id == DEPARTMENT:
                self._manifest.record_department(entry)
            else:
                self._manifest.record(result.id, entry, as_of)

    def publish_cohort(self, texts: Mapping[Path, str], inputs: Inputs) -> None:
        """Put the files about the whole cohort beside the reports that were made with them."""
        folder = self._run.folder
        with self._writing():
            for place, text in texts.items():
                with Folder((folder / place).parent, make=True) as home:
                    home.write(place.name, text)
                self._outcome.written.append(folder / place)
            outputs = {str(place): of_file(folder / place) for place in texts}
            self._manifest.record_across({"status": "done", "inputs": inputs, "outputs": outputs})

    def close(self) -> None:
        """Write the manifest, whatever became of the reports."""
        with self._writing():
            self._manifest.save()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A manifest that cannot be written is a failure of its own, which the next entry may mend."""
        written, failed = self._outcome.written, self._outcome.failed
        try:
            with locked(self._run.folder):
                yield
        except OSError as fault:
            failed["manifest"] = Phrase(
                "batch.not_written", file=self._manifest.path, reason=reason_of(fault)
            )
            return
        failed.pop("manifest", None)
        if self._manifest.path not in written:
            written.append(self._manifest.path)


def _cut_off(card: Path) -> str | None:
    as_of = json.loads(card.read_text(encoding="utf-8")).get("as_of")
    return None if as_of is None else str(as_of)
