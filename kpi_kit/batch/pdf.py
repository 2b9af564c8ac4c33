"""PDFs of the pages of a period that have none yet; a page that is made again loses its PDF."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kpi_kit.batch.fingerprints import Entry, as_made, of_file
from kpi_kit.batch.manifest import Manifest
from kpi_kit.batch.plan import DEPARTMENT, Run
from kpi_kit.batch.progress import say
from kpi_kit.batch.publish import Outcome
from kpi_kit.batch.workspace import locked, scratch_folder
from kpi_kit.core.errors import ReportError
from kpi_kit.core.files import sync
from kpi_kit.report.pdf import to_pdf


def make(run: Run, people: Collection[str], everyone: Collection[str], outcome: Outcome) -> None:
    """Make the PDFs that are missing of some people and of the department.

    Parameters
    ----------
    run : Run
        Its ``browser`` is the command that starts Chromium.
    people, everyone : collection of str
        Whose PDFs are made, and all specialists in params.
    outcome : Outcome
        Is told what was written and what failed.
    """
    manifest = Manifest(run.folder, run.parameters["period"], everyone)
    names = [name for name in (*people, DEPARTMENT) if _is_missing(manifest, name, run.folder)]
    if not names:
        return
    with scratch_folder(run.folder) as scratch, ThreadPoolExecutor(run.jobs, "pdf") as pool:

        def printed(name: str) -> str | None:
            try:
                to_pdf(run.folder / f"{name}.html", scratch / f"{name}.pdf", list(run.browser))
            except (ReportError, OSError) as fault:
                return str(fault)
            return None

        for name, error in zip(names, pool.map(printed, names), strict=True):
            file = f"{name}.pdf"
            if error is not None:
                outcome.failed[file] = error
            else:
                with locked(run.folder):
                    _publish(manifest, name, scratch / file, run.folder / file)
                outcome.written.append(run.folder / file)
            say(run.console, f"{file}: {error or 'done'}")


def _entry(manifest: Manifest, name: str) -> Entry | None:
    return manifest.department if name == DEPARTMENT else manifest.reports.get(name)


def _is_missing(manifest: Manifest, name: str, folder: Path) -> bool:
    """Whether a page is done and there is no PDF of it."""
    entry = _entry(manifest, name)
    if entry is None or entry.get("status") != "done" or not as_made(entry, folder, [f"{name}.html"]):
        return False
    return not as_made(entry, folder, [f"{name}.pdf"])


def _publish(manifest: Manifest, name: str, made: Path, place: Path) -> None:
    """Move a PDF into place and record it beside its page."""
    sync(made)
    digest = of_file(made)
    made.replace(place)
    sync(place.parent)
    entry = dict(_entry(manifest, name) or {})
    entry["outputs"] = {**(entry.get("outputs") or {}), place.name: digest}
    if name == DEPARTMENT:
        manifest.record_department(entry)
    else:
        manifest.record(name, entry)
