"""What the fork server imports, and what it does once because it is slow the first time.

:mod:`multiprocessing` imports this module in its fork server, see :mod:`kpi_kit.batch.processes`. The server
first imports what computes. It imports the rest while it has nothing to fork. In other processes the import
of this module does nothing.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import selectors
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

ORDER = "KPI_KIT_FORK_SERVER"
"""The environment variable for the fork server: in JSON the run's process id, temporary folder and params."""
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
"""The backend of matplotlib for figures in a notebook; matplotlib reads it at its import."""
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A pool of threads does not survive a fork, and several reports at once use all cores."""
_SLOW = "rfc3987_syntax"
"""An optional part of jsonschema for a format that no notebook has; its import takes over a second."""
_COMPUTING = (
    "holidays.countries",
    "kpi_kit.scorecard.cohort",
    "kpi_kit.scorecard.context",
    "kpi_kit.scorecard.platform_shocks",
    "kpi_kit.scorecard.inference",
    "kpi_kit.batch.processes",
)
"""For the cohort, which a run computes first."""
_NOTEBOOK = (
    "IPython.core.application",
    "IPython.core.completerlib",
    "IPython.core.crashhandler",
    "IPython.core.logger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.utf_8_sig",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "seaborn",
    "kpi_kit.report.notebook_api",
)
"""For the cells of a report."""
_TOOLS = (
    "nbconvert.exporters.templateexporter",
    "papermill",
    "kpi_kit.batch.engine",
    "kpi_kit.batch.execute",
)
"""For the execution and the page of a report."""

_GRACE = 2.0
"""Seconds in which a run that has closed its connection to the server ends."""

server: int | None = None
"""The process id of the fork server; None in processes that it has not forked."""
has_threads = False
"""Whether a library has started threads in the fork server: a forked process may hang then."""
_place = Path()
"""The temporary folder of the run."""
_steps: Iterator[Callable[[], object]] = iter(())
"""The steps that the server, or a process that it has forked, has still to take."""


def finish() -> None:
    """In a forked process: take the steps that the server had not taken before the fork."""
    for step in _steps:
        _take(step)


def _serve(run: int, folder: Path, params: Path | None) -> None:
    """Set up the fork server, and import what computes."""
    global server, _place, _steps
    server, _place = os.getpid(), folder
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the run handles them and ends the server
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # they were blocked during the start
    os.setpgid(0, 0)
    atexit.register(_clear_up, run, folder)
    os.environ.update({**INLINE, **_ONE_THREAD})
    gc.disable()
    for name in _COMPUTING:
        if os.getppid() != run:
            raise SystemExit
        _take(partial(importlib.import_module, name))
    languages = [] if params is None else _read_params(params)
    gc.freeze()
    _steps = _later_steps(folder, languages)
    selectors.DefaultSelector = _Selector  # type: ignore[misc]  # multiprocessing waits for requests with it


class _Selector(selectors.DefaultSelector):
    """Takes a step when there is no request."""

    def select(self, timeout: float | None = None) -> Any:
        while True:
            ready = super().select(0)
            step = None if ready else next(_steps, None)
            if step is None:
                return ready or super().select(timeout)
            _take(step)
            gc.freeze()  # forked processes share the memory of what is not collected


def _take(step: Callable[[], object]) -> None:
    global has_threads
    try:
        step()
    except ImportError:  # the report that needs the module names it
        pass
    except OSError:
        if _place.is_dir():
            raise
        raise SystemExit from None  # the run has removed its files, because it ends
    has_threads = has_threads or _threads() > 1


def _clear_up(run: int, folder: Path) -> None:
    """At the end of the server, kill its processes and remove the files of a run that was killed."""
    import psutil

    for child in psutil.Process().children():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    _remove_after(run, folder)
    os._exit(0)  # without the messages of libraries about what they leave behind


def _remove_after(run: int, folder: Path) -> None:
    """Remove the files of a run when it has ended.

    The system closes the files of an ending process, which ends the server, a little before the process is
    no parent any more. A step of the server may have written into the folder while the run removed it.
    """
    end = time.monotonic() + _GRACE
    while os.getppid() == run and time.monotonic() < end:
        time.sleep(0.01)
    if os.getppid() != run:
        shutil.rmtree(folder, ignore_errors=True)


def _threads() -> int:
    """How many threads this process has; on Linux with those of libraries."""
    tasks = Path("/proc/self/task")
    return sum(1 for _ in tasks.iterdir()) if tasks.is_dir() else threading.active_count()


def _later_steps(folder: Path, languages: Collection[str]) -> Iterator[Callable[[], object]]:
    """The steps for what only a report needs."""
    for name in _NOTEBOOK:
        yield partial(importlib.import_module, name)
    for name in _TOOLS:
        yield partial(_load_tool, name)
    yield partial(_load_words, languages)
    yield _compute
    yield _draw
    yield partial(_render, folder)


def _load_tool(name: str) -> None:
    with without_slow_grammar(), warnings.catch_warnings():  # the tools' filters are not the notebook's
        importlib.import_module(name)


@contextmanager
def without_slow_grammar() -> Iterator[None]:
    """Import libraries without the optional grammar that takes a second; later imports of it succeed."""
    hidden = _SLOW not in sys.modules
    if hidden:
        sys.modules[_SLOW] = None  # type: ignore[assignment]  # makes the import fail
    try:
        yield
    finally:
        if hidden:
            sys.modules.pop(_SLOW, None)


def _read_params(folder: Path) -> list[str]:
    """Fill the cache of params; returns the language of the reports."""
    from kpi_kit.core.errors import KitError
    from kpi_kit.params import load

    try:
        return [load(folder).department.language]
    except KitError:  # the run reports it
        return []


def _load_words(languages: Collection[str]) -> None:
    """Read the data of the languages, or of all."""
    from kpi_kit.core.phrases import LANGUAGES
    from kpi_kit.report import wording

    for language in languages or LANGUAGES:
        wording.words(language, "RUB").period("2025-01")


def _compute() -> None:
    """Compute a trend, which loads distributions, and the hash of the kit."""
    from kpi_kit.core import versions
    from kpi_kit.scorecard import inference

    inference.load_distributions()
    versions.source()
    versions.versions()


def _draw() -> None:
    """Draw a figure, which finds fonts and compiles the paths of marks."""
    from matplotlib.figure import Figure

    from kpi_kit.report import figures
    from kpi_kit.report.figures.canvas import SIZE, SMALL, text_width

    for size, weight in ((SMALL, "normal"), (SIZE, "normal"), (SIZE, "bold")):
        text_width("1", size, weight)
    with figures.drawing():
        figure = Figure(figsize=(2, 1))
        axes = figure.add_subplot()
        axes.plot([0, 1], [1, 2], marker="o", label="1")
        for weight in ("normal", "bold"):
            axes.text(0, 1, "Ж1", weight=weight)
        figure.savefig(io.BytesIO(), format="svg")


def _render(place: Path) -> None:
    """Compile the templates, and render an empty page."""
    from nbformat import v4, write

    from kpi_kit.report import render
    from kpi_kit.report.parts import markup

    markup.load_templates()
    with tempfile.TemporaryDirectory(dir=place) as folder:
        empty = Path(folder) / "empty.ipynb"
        write(v4.new_notebook(), empty)
        render.render([empty], engine="embedded")


_order = os.environ.pop(ORDER, None)
if _order is not None:
    _run, _folder, _params = json.loads(_order)
    _serve(_run, Path(_folder), None if _params is None else Path(_params))
