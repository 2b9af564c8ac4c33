"""Execute notebooks with papermill, several at once, each in a kernel of its own, and make their pages."""

from __future__ import annotations

import ast
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.batch.kernels import client
from kpi_kit.batch.kernels.imports import without_slow_grammar
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.report import render

CELL_TIMEOUT = 600
"""Seconds after which a cell is taken to hang."""
DEADLINE = 1800
"""Seconds after which a notebook is taken to hang, whatever its cells do."""


@dataclass(frozen=True)
class Report:
    """One notebook to execute.

    Parameters
    ----------
    id : str
        The name of its files.
    notebook : Path
        The stripped notebook.
    parameters : mapping
        What it is given; all text. ``out`` is a scratch folder.
    folder : Path
        Where the executed notebook goes.
    out : Path
        The folder that the executed notebook shall name instead of the scratch one.
    language : str or None
        Where the page is to be made in the same process, by the embedded renderer: its language.
    style : Path
        The folder with what that page needs.
    deadline : float
        Seconds after which the whole notebook is ended.
    environment : mapping
        What the notebook finds in its environment besides what is there.
    names : mapping of str to str
        Folders that are copies of other places, and how those are called.
    beside : mapping
        Files, with their texts, that the notebook finds in the folder of its period.
    """

    id: str
    notebook: Path
    parameters: Mapping[str, str]
    folder: Path
    out: Path
    language: str | None = None
    style: Path = render.STYLE
    deadline: float = DEADLINE
    environment: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[Path, str] = field(default_factory=dict)

    @property
    def executed(self) -> Path:
        """The executed notebook; where execution failed, as far as it came."""
        return self.folder / f"{self.id}.ipynb"

    @property
    def card(self) -> Path | None:
        """The scorecard that a specialist's notebook saves; a department's saves none."""
        if "specialist" not in self.parameters:
            return None
        return Path(self.parameters["out"]) / self.parameters["period"] / f"{self.id}.json"


@dataclass(frozen=True)
class Result:
    """How the execution of a report ended.

    Parameters
    ----------
    id : str
    error : str or None
        One sentence where it failed.
    seconds : float
    cells : tuple of float
        Seconds of each code cell that was executed.
    memory : int or None
        The most that the kernel held at once, shared pages included, in MiB; None where nobody can say.
    lost : bool
        Whether a process died under it, so that another try may succeed.
    attempts : int
        How often it was tried.
    """

    id: str
    error: str | None
    seconds: float
    cells: tuple[float, ...] = ()
    memory: int | None = None
    lost: bool = False
    attempts: int = 1


def check_declared(notebooks: Mapping[Path, Iterable[str]]) -> None:
    """Refuse notebooks that would not take the parameters named: papermill only logs a warning."""
    problems = []
    for notebook, names in notebooks.items():
        missing = sorted(set(names) - _declared(notebook))
        if missing:
            problems.append(f"{notebook}: its cell tagged 'parameters' does not declare {', '.join(missing)}")
    if problems:
        raise InputError(problems)


def _declared(notebook: Path) -> set[str]:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = [
            "".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", ())
        ]
        nodes = [node for source in tagged for node in ast.walk(ast.parse(source))]
    except (OSError, ValueError, KeyError, TypeError, SyntaxError) as fault:
        raise InputError(f"{notebook}: cannot be read as a notebook ({type(fault).__name__})") from None
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


@contextmanager
def stoppable() -> Iterator[None]:
    """Within it, being told to end (SIGTERM, SIGHUP) is what Ctrl-C is: a KeyboardInterrupt.

    A signal that somebody has already seen to, as ``nohup`` does, is left as it is.
    """
    taken = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                taken[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, earlier in taken.items():
            signal.signal(number, earlier)


def execute(report: Report) -> Result:
    """Execute one notebook and, where it is asked for, make its page.

    Parameters
    ----------
    report : Report

    Returns
    -------
    Result
        Whatever goes wrong is in it: the other reports go on.
    """
    begun = time.perf_counter()
    seen = _Seen()
    try:
        report.folder.mkdir(parents=True, exist_ok=True)
        for place, text in report.beside.items():
            path = report.folder / report.parameters["period"] / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with _environment(report.environment):
            error = _run_notebook(report, seen)
        seen.cells = _name_the_real_folder(report)
        error = error or _unfinished(report) or _fault_of_card(report) or _page(report)
    except OSError as fault:
        error = f"{report.id}: its files cannot be written: {fault.strerror or fault}"
    seconds = time.perf_counter() - begun
    return Result(report.id, error, seconds, seen.cells, seen.memory, seen.lost)


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """Variables that the kernel inherits; this process makes other reports after this one."""
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass
class _Seen:
    """What was noticed besides how it ended."""

    cells: tuple[float, ...] = ()
    memory: int | None = None
    lost: bool = False
    late: bool = False


@contextmanager
def _kernel(report: Report, seen: _Seen) -> Iterator[Any]:
    """A kernel of the interpreter that runs this: not of another that goes by the same name.

    It is forked where that can be. It is ended when the deadline is over, whatever it is doing.
    """
    from nbclient.util import run_sync

    with tempfile.TemporaryDirectory(prefix="k", ignore_cleanup_errors=True) as folder:
        kernel = _manager(Path(folder))
        clients = _clients(kernel)

        def end() -> None:
            seen.late = True
            with suppress(Exception):  # it may have ended by itself in this moment
                kernel.provisioner.process.kill()

        watch = threading.Timer(report.deadline, end)
        watch.daemon = True
        watch.start()
        try:
            yield kernel
        finally:
            watch.cancel()
            for each in clients:
                each.stop_channels()
            if kernel.has_kernel:
                seen.memory = _peak(kernel.provisioner.pid)
                run_sync(kernel.shutdown_kernel)(now=True)


def _clients(kernel: Any) -> list[Any]:
    """The clients that a manager makes from now on: papermill leaves their sockets and threads open."""
    made, new = [], kernel.client

    def client(**options: Any) -> Any:
        made.append(new(**options))
        return made[-1]

    kernel.client = client
    return made


def _manager(folder: Path) -> Any:
    """A manager of a forked kernel, or else of an ordinary one that listens in a folder of its own."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    if client.are_forked():
        from kpi_kit.batch.kernels.provisioner import manager

        return manager()
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
        # where there are such sockets, other users cannot reach them
        transport="ipc" if os.name == "posix" else "tcp",
        connection_file=str(folder / "kernel.json"),
    )


def _peak(pid: int) -> int | None:
    """The most memory that a process held, in MiB, where Linux tells."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return None


def _run_notebook(report: Report, seen: _Seen) -> str | None:
    with without_slow_grammar():
        import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from kpi_kit.batch.kernels.engine import ENGINE

    try:
        with _kernel(report, seen) as kernel:
            papermill.execute_notebook(
                _no_format_string(report.notebook),
                _no_format_string(report.executed),
                parameters=dict(report.parameters),
                engine_name=ENGINE,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                log_output=False,
                request_save_on_cell_execute=False,  # the engine saves it where it does not come to its end
                rescue=report.executed,
                execution_timeout=CELL_TIMEOUT,
                km=kernel,
            )
    except PapermillExecutionError as fault:
        return _sentence(report, fault)
    except CellTimeoutError:
        return f"{report.notebook.name}: a cell did not end within {CELL_TIMEOUT} s"
    except Exception as fault:  # whatever else goes wrong, the other reports go on
        if seen.late:
            return f"{report.notebook.name}: it did not end within {report.deadline:g} s"
        seen.lost = isinstance(fault, DeadKernelError | client.LostError)
        if seen.lost:
            return f"{report.notebook.name}: its kernel died, perhaps for want of memory"
        return f"{report.notebook.name}: {type(fault).__name__}: {_first_line(str(fault))}"
    return None


def _no_format_string(path: Path) -> str:
    """Papermill reads paths as format strings."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")


def _sentence(report: Report, fault: Any) -> str:
    """What the user can mend comes through as it was said; a fault of the notebook names its cell."""
    kinds: list[type[KitError]] = [KitError, *KitError.__subclasses__()]
    if fault.ename in {kind.__name__ for kind in kinds}:
        return "; ".join(str(fault.evalue).splitlines())
    return (
        f"{report.notebook.name}, cell [{fault.exec_count}]: {fault.ename}: {_first_line(str(fault.evalue))}"
    )


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def _unfinished(report: Report) -> str | None:
    """Papermill takes a notebook that calls ``sys.exit(0)`` for a good one."""
    for cell in json.loads(report.executed.read_text(encoding="utf-8"))["cells"]:
        if (
            cell["cell_type"] == "code"
            and "".join(cell["source"]).strip()
            and cell["execution_count"] is None
        ):
            return f"{report.notebook.name}: it stopped before its last cell, without an error"
    return None


def _fault_of_card(report: Report) -> str | None:
    """Whether the notebook saved its scorecard: that of its own specialist and period."""
    if report.card is None:
        return None
    try:
        card = json.loads(report.card.read_text(encoding="utf-8"))
        found = (card["specialist"], card["period"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        return f"{report.notebook.name}: it ended without saving a whole scorecard ({type(fault).__name__})"
    if found != (report.id, report.parameters["period"]):
        return f"{report.notebook.name}: it saved the scorecard of {found[0]} for {found[1]}"
    return None


def _page(report: Report) -> str | None:
    if report.language is None:
        return None
    failed = render.render([report.executed], engine="embedded", language=report.language, style=report.style)
    return failed.get(report.executed)


def _name_the_real_folder(report: Report) -> tuple[float, ...]:
    """Leave no trace of the scratch folder in what the reader keeps; returns the cells' seconds."""
    if not report.executed.is_file():
        return ()
    notebook = json.loads(report.executed.read_text(encoding="utf-8"))
    made = notebook["metadata"]["papermill"]
    made["input_path"], made["output_path"] = report.notebook.name, report.executed.name
    text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    for path in (report.folder.resolve(), report.folder):
        text = text.replace(_in_json(path), _in_json(report.out))
    for copy, name in report.names.items():
        text = text.replace(_in_json(Path(copy)), json.dumps(name, ensure_ascii=False)[1:-1])
    report.executed.write_text(text, encoding="utf-8")
    cells = (
        cell["metadata"].get("papermill", {}) for cell in notebook["cells"] if cell["cell_type"] == "code"
    )
    return tuple(round(cell["duration"], 3) for cell in cells if cell.get("duration") is not None)


def _in_json(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)[1:-1]
