"""A page as PDF, printed by Chromium without JavaScript and without the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpi_kit.core.errors import InputError, ReportError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.stopping import kill_session
from kpi_kit.report.links import without_dead_links

SECONDS = 60.0
"""How long Chromium may take for a page."""
NO_SANDBOX = "KPI_PDF_NO_SANDBOX"
"""The environment variable that allows Chromium to run as root, where it has no sandbox."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PREFERENCES = {"profile": {"default_content_setting_values": {"javascript": 2}}}
"""Chromium's setting that blocks JavaScript on all pages."""
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",  # nothing listens there
    "--proxy-bypass-list=<-loopback>",  # this machine is reached by no other way either
)


def browser() -> list[str]:
    """The command that starts Chromium here.

    Raises
    ------
    InputError
        Where there is no Chromium, or it may not run.
    """
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        raise InputError(Phrase("report.no_chromium"))
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root and os.environ.get(NO_SANDBOX) != "1":
        raise InputError(Phrase("report.as_root", variable=NO_SANDBOX))
    return [program, *_OPTIONS, *(["--no-sandbox"] if is_root else [])]


def to_pdf(page: Path, pdf: Path, command: list[str], seconds: float = SECONDS) -> None:
    """Print a page; links to other pages become text, because a PDF would hold paths of this machine.

    Parameters
    ----------
    page, pdf : Path
    command : list of str
        The result of :func:`browser`.
    seconds : float
        How long Chromium may take.

    Raises
    ------
    ReportError
        Where it makes no PDF in that time.
    """
    with tempfile.TemporaryDirectory(prefix="kpi-kit-pdf-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        settings = home / "profile" / "Default" / "Preferences"
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(_PREFERENCES), encoding="utf-8")
        copy, made = home / "page.html", home / "page.pdf"
        copy.write_bytes(without_dead_links({"": page.read_bytes()})[""])
        options = [f"--user-data-dir={home / 'profile'}", f"--print-to-pdf={made}", copy.as_uri()]
        with _started([*command, *options], home) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                raise ReportError(Phrase("report.chromium_late", file=pdf.name, seconds=seconds)) from None
        if not made.is_file():
            raise ReportError(Phrase("report.no_pdf", file=pdf.name, code=process.returncode))
        shutil.copyfile(made, pdf)


@contextmanager
def _started(command: list[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, which ends with all that it has started."""
    try:
        process = subprocess.Popen(
            command,
            env={**os.environ, "HOME": str(home), "TMPDIR": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as fault:
        raise ReportError(Phrase("report.chromium_not_started", reason=reason_of(fault))) from None
    try:
        yield process
    finally:
        kill_session(process.pid)
        process.wait()
