"""Execute notebooks with papermill, several at once, each in a kernel of its own."""

from __future__ import annotations

import ast
import json
import logging
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from kpi_kit.errors import InputError, KitError

P = ParamSpec("P")
T = TypeVar("T")
CELL_TIMEOUT = 600
"""Seconds after which a cell is taken to hang."""


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
    """

    id: str
    notebook: Path
    parameters: Mapping[str, str]
    folder: Path
    out: Path

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
    """

    id: str
    error: str | None
    seconds: float


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


class Workers:
    """Processes that execute notebooks; stopped together at the end, by Ctrl-C, or when this one dies.

    Parameters
    ----------
    jobs : int
        How many notebooks are executed at once.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool: ProcessPoolExecutor | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is not None:
            if kind is not None:
                # A kernel ends by itself when the process that started it is gone.
                for process in multiprocessing.active_children():
                    process.terminate()
            self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in one of the processes, which have much imported already."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._jobs,
                multiprocessing.get_context("spawn"),
                initializer=_begin_worker,
                initargs=(self._folder.name,),
            )
        return self._pool.submit(function, *args, **kwargs)

    def execute(self, reports: Sequence[Report], tell: Callable[[Result], None]) -> dict[str, Result]:
        """Execute notebooks and tell of each as it ends.

        Parameters
        ----------
        reports : sequence of Report
        tell : callable
            Called with each result.

        Returns
        -------
        dict
            Results by the reports' ids.
        """
        results: dict[str, Result] = {}
        futures = {self.submit(_execute, report): report for report in reports}
        for future in as_completed(futures):
            report = futures[future]
            try:
                result = future.result()
            except BrokenProcessPool:
                self._pool = None
                result = Result(
                    report.id, "its process was ended from outside, perhaps for want of memory", 0.0
                )
            results[report.id] = result
            tell(result)
        return results


def _begin_worker(folder: str) -> None:
    """Leave Ctrl-C to the parent, end with it, and let kernels import the very kit that runs them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    tempfile.tempdir = folder
    kit = str(Path(__file__).resolve().parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [kit, os.environ.get("PYTHONPATH")]))
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the result


def _end_with_parent(folder: str) -> None:
    """Wait for the parent's death, however it dies; a kernel ends when its worker is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def _execute(report: Report) -> Result:
    begun = time.perf_counter()
    report.folder.mkdir(parents=True, exist_ok=True)
    error = _run_notebook(report) or _unfinished(report) or _fault_of_card(report)
    _name_the_real_folder(report)
    return Result(report.id, error, time.perf_counter() - begun)


@contextmanager
def _kernel() -> Iterator[Any]:
    """A kernel of the interpreter that runs this: not of another that goes by the same name.

    It listens on sockets in a folder of its own, which other users cannot reach; a path in the
    usual place may be too long for a socket.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.util import run_sync

    with tempfile.TemporaryDirectory(prefix="k") as folder:
        kernel = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            transport="ipc" if os.name == "posix" else "tcp",
            connection_file=str(Path(folder) / "kernel.json"),
        )
        try:
            yield kernel
        finally:
            if kernel.has_kernel:
                run_sync(kernel.shutdown_kernel)(now=True)


def _run_notebook(report: Report) -> str | None:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    try:
        with _kernel() as kernel:
            papermill.execute_notebook(
                _no_format_string(report.notebook),
                _no_format_string(report.executed),
                parameters=dict(report.parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                log_output=False,
                autosave_cell_every=0,
                execution_timeout=CELL_TIMEOUT,
                km=kernel,
            )
    except PapermillExecutionError as fault:
        return _sentence(report, fault)
    except DeadKernelError:
        return f"{report.notebook.name}: its kernel died, perhaps for want of memory"
    except CellTimeoutError:
        return f"{report.notebook.name}: a cell did not end within {CELL_TIMEOUT} s"
    except Exception as fault:  # whatever else goes wrong, the other reports go on
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


def _name_the_real_folder(report: Report) -> None:
    """Leave no trace of the scratch folder in what the reader keeps."""
    if not report.executed.is_file():
        return
    notebook = json.loads(report.executed.read_text(encoding="utf-8"))
    made = notebook["metadata"]["papermill"]
    made["input_path"], made["output_path"] = report.notebook.name, report.executed.name
    text = json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
    for path in (report.folder.resolve(), report.folder):
        text = text.replace(_in_json(path), _in_json(report.out))
    report.executed.write_text(text, encoding="utf-8")


def _in_json(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)[1:-1]
