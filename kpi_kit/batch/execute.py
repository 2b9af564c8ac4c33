"""Execute one notebook with papermill and make its page; follow that from another process."""

from __future__ import annotations

import ast
import json
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError, KitError
from kpi_kit.report import render

CELL_TIMEOUT = 600
"""Seconds after which a cell is taken to hang."""
DEADLINE = 1800
"""Seconds after which a notebook is taken to hang, whatever its cells do."""
GRACE = 60.0
"""Seconds for a process to begin, and again to make the page when the notebook has ended."""


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
        Environment variables of the notebook's process besides those of the run.
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
        The most that the process held at once, shared pages included, in MiB; None where it is unknown.
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


class Follower:
    """Follows a notebook that another process executes: how long to wait for it, and what it has come to.

    Parameters
    ----------
    report : Report
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._notebook: str | None = None
        self._cells: dict[int, str] = {}
        self._late = f"it did not end within {report.deadline:g} s"
        self._cell_late = f"a cell did not end within {CELL_TIMEOUT} s"
        self._sentence = self._late
        self._end = self._due = time.monotonic() + report.deadline + GRACE

    def hear(self, kind: str, *content: Any) -> None:
        """Take a message of :func:`execute`."""
        now = time.monotonic()
        match kind, content:
            case "notebook", [text]:
                self._notebook = text
                self._end = self._due = now + self._report.deadline
            case "cell", [index, text]:
                self._cells[index] = text
                self._due = min(self._end, now + CELL_TIMEOUT)
                self._sentence = self._late if self._due == self._end else self._cell_late
            case "executed", []:
                self._due, self._sentence = now + GRACE, self._late

    def patience(self) -> float:
        """For how many seconds to wait for the next message."""
        return max(0.0, self._due - time.monotonic())

    def lateness(self) -> str:
        """The sentence to say when the patience is at its end."""
        return f"{self._report.notebook.name}: {self._sentence}"

    def leave(self, error: str) -> tuple[float, ...]:
        """Save the notebook as far as it came, if the other process could not; returns the cells' seconds."""
        executed = self._report.executed
        if self._notebook is None or _read(executed) is not None:
            return ()
        notebook = json.loads(self._notebook)
        for index, text in self._cells.items():
            notebook["cells"][index] = json.loads(text)
        for cell in notebook["cells"]:
            if cell["metadata"]["papermill"]["status"] == "running":
                _mark_failed(cell, error)
        with suppress(OSError):  # the result says why the report failed
            executed.write_text(json.dumps(notebook), encoding="utf-8")
            return _name_the_real_folder(self._report)
        return ()


def _read(notebook: Path) -> dict[str, Any] | None:
    """A saved notebook; None where it is missing or torn."""
    try:
        content: dict[str, Any] = json.loads(notebook.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def _mark_failed(cell: dict[str, Any], error: str) -> None:
    cell["metadata"]["papermill"] |= {"exception": True, "status": "failed"}
    if cell["cell_type"] == "code":
        output = {"output_type": "error", "ename": "ProcessEnded", "evalue": error, "traceback": [error]}
        cell["outputs"].append(output)


def execute(report: Report, tell: Callable[..., None], *, in_kernel: bool = False) -> Result:
    """Execute one notebook and, where a language is given, make its page.

    Parameters
    ----------
    report : Report
    tell : callable
        Takes messages for a :class:`Follower`.
    in_kernel : bool
        Whether the cells run in an ordinary kernel, and not in this process.

    Returns
    -------
    Result
        It also says what went wrong: other reports go on.
    """
    begun = time.perf_counter()
    cells: tuple[float, ...] = ()
    lost = False
    try:
        report.folder.mkdir(parents=True, exist_ok=True)
        for place, text in report.beside.items():
            path = report.folder / report.parameters["period"] / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        error, lost = _run_notebook(report, tell, in_kernel)
        tell("executed")
        cells = _name_the_real_folder(report)
        error = error or _unfinished(report) or _fault_of_card(report) or _page(report)
    except OSError as fault:
        error = f"{report.id}: its files cannot be written: {fault.strerror or fault}"
    memory = None if in_kernel else _peak()
    return Result(report.id, error, time.perf_counter() - begun, cells, memory, lost)


def _peak() -> int | None:
    """The most memory that this process has held, in MiB; only Linux says so."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return None


def _run_notebook(report: Report, tell: Callable[..., None], in_kernel: bool) -> tuple[str | None, bool]:
    """Run the cells; returns what went wrong, and whether a process died."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from kpi_kit.batch import engine

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # the result has what it would say
    name = report.notebook.name
    try:
        with engine.kernel(ordinary=in_kernel) as options:
            papermill.execute_notebook(
                _no_format_string(report.notebook),
                _no_format_string(report.executed),
                parameters=dict(report.parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                tell=tell,
                **options,
            )
    except PapermillExecutionError as fault:
        return _sentence(report, fault), False
    except CellTimeoutError:
        return f"{name}: a cell did not end within {CELL_TIMEOUT} s", False
    except DeadKernelError:
        return f"{name}: its kernel died, perhaps for want of memory", True
    except Exception as fault:  # whatever else goes wrong, the other reports go on
        return sentence_of(report, fault), False
    return None, False


def sentence_of(report: Report, fault: Exception) -> str:
    """What to say of an exception that nothing else is known of."""
    return f"{report.notebook.name}: {type(fault).__name__}: {_first_line(str(fault))}"


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
    notebook = _read(report.executed)
    if notebook is None:
        return ()
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
