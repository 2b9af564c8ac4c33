"""Execute one notebook with papermill and make its page; follow this from another process."""

from __future__ import annotations

import ast
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.batch.preload import without_slow_grammar
from kpi_kit.core.errors import InputError, KitError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.report import render

CELL_TIMEOUT = 600
"""Seconds after which a cell hangs."""
DEADLINE = 1800
"""Seconds after which a notebook hangs."""
GRACE = 60.0
"""Seconds for the start of a process, and for the page after the last cell."""


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
        Values of its parameters; all text. ``out`` is a scratch folder.
    folder : Path
        The folder of the executed notebook.
    out : Path
        The folder that the executed notebook names instead of the scratch folder.
    language : str or None
        The language of the page, if the embedded renderer makes it in the same process.
    style : Path
        The folder with the stylesheet of that page.
    deadline : float
        Seconds after which the notebook is ended.
    environment : mapping
        Environment variables of the notebook's process besides those of the run.
    names : mapping of str to str
        Names of the places of which folders are copies, by folder.
    beside : mapping
        Texts of files to write into the folder of the period before the notebook runs.
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
        """The executed notebook; of a failed one, up to the failing cell."""
        return self.folder / f"{self.id}.ipynb"

    @property
    def card(self) -> Path | None:
        """The scorecard that a specialist's notebook saves; a department's notebook saves none."""
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
        One sentence if it failed.
    seconds : float
    cells : tuple of float
        Seconds of each executed code cell.
    memory : int or None
        The most memory of the process in MiB, with shared pages; None if unknown.
    lost : bool
        Whether its process died, so that another try may succeed.
    attempts : int
        Number of tries.
    not_shown : tuple of str
        A line for each output of the notebook that its page cannot show.
    """

    id: str
    error: str | None
    seconds: float
    cells: tuple[float, ...] = ()
    memory: int | None = None
    lost: bool = False
    attempts: int = 1
    not_shown: tuple[str, ...] = ()


def check_declared(notebooks: Mapping[Path, Iterable[str]]) -> None:
    """Refuse notebooks that do not declare the named parameters: papermill only logs a warning."""
    problems = []
    for notebook, names in notebooks.items():
        missing = sorted(set(names) - _declared(notebook))
        if missing:
            problems.append(Phrase("batch.not_declared", file=notebook, names=missing))
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
        raise InputError(
            Phrase("report.not_a_notebook", file=notebook, reason=type(fault).__name__)
        ) from None
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


class Follower:
    """The time and the state of a notebook that another process executes.

    Parameters
    ----------
    report : Report
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._notebook: str | None = None
        self._cells: dict[int, str] = {}
        self._whole_late = Phrase("batch.late", seconds=report.deadline)
        self._cell_late = Phrase("batch.cell_late", seconds=CELL_TIMEOUT)
        self._late = self._whole_late
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
                self._late = self._whole_late if self._due == self._end else self._cell_late
            case "executed", []:
                self._due, self._late = now + GRACE, self._whole_late

    def left(self) -> float:
        """Seconds until the next message is late."""
        return max(0.0, self._due - time.monotonic())

    def late(self) -> str:
        """The error of a notebook that is late."""
        return Phrase("core.within", where=self._report.notebook.name, problem=self._late)

    def save_unfinished(self, error: str) -> tuple[float, ...]:
        """Save the notebook with the cells so far, unless its process has; returns the cells' seconds."""
        executed = self._report.executed
        if self._notebook is None or _read(executed) is not None:
            return ()
        notebook = json.loads(self._notebook)
        for index, text in self._cells.items():
            notebook["cells"][index] = json.loads(text)
        for cell in notebook["cells"]:
            if cell["metadata"]["papermill"]["status"] == "running":
                _mark_failed(cell, error)
        with suppress(OSError):  # the report has failed anyway
            executed.write_text(json.dumps(notebook), encoding="utf-8")
        return _name_the_real_folder(self._report)


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
        With an error if the report failed: other reports go on.
    """
    begun = time.perf_counter()
    cells: tuple[float, ...] = ()
    hidden: tuple[str, ...] = ()
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
        hidden = () if error else tuple(render.not_shown(report.executed))
    except OSError as fault:
        error = Phrase("batch.files_not_written", id=report.id, reason=reason_of(fault))
    memory = None if in_kernel else _peak()
    seconds = time.perf_counter() - begun
    return Result(report.id, error, seconds, cells, memory, lost, not_shown=hidden)


def _peak() -> int | None:
    """The most memory of this process so far in MiB; None where there is no /proc."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return None


def _run_notebook(report: Report, tell: Callable[..., None], in_kernel: bool) -> tuple[str | None, bool]:
    """Run the cells; returns the error, if any, and whether a kernel died."""
    with without_slow_grammar():
        import papermill
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
        from papermill.exceptions import PapermillExecutionError

        from kpi_kit.batch import engine

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # its errors are in the result
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
        return Phrase(
            "core.within", where=name, problem=Phrase("batch.cell_late", seconds=CELL_TIMEOUT)
        ), False
    except DeadKernelError:
        return Phrase("batch.kernel_died", notebook=name), True
    except Exception as fault:  # whatever else goes wrong, the other reports go on
        return sentence_of(report, fault), False
    return None, False


def sentence_of(report: Report, fault: Exception) -> str:
    """The error of a report for any other exception."""
    return f"{report.notebook.name}: {type(fault).__name__}: {_first_line(str(fault))}"


def _no_format_string(path: Path) -> str:
    """A path in which papermill, which formats paths, changes nothing."""
    return str(path.resolve()).replace("{", "{{").replace("}", "}}")


def _sentence(report: Report, fault: Any) -> str:
    """Errors of the kit as they are; other errors with the cell."""
    kinds: list[type[KitError]] = [KitError, *KitError.__subclasses__()]
    if fault.ename in {kind.__name__ for kind in kinds}:
        return "; ".join(str(fault.evalue).splitlines())
    return (
        f"{report.notebook.name}, cell [{fault.exec_count}]: {fault.ename}: {_first_line(str(fault.evalue))}"
    )


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def _unfinished(report: Report) -> str | None:
    """The error of a notebook that called ``sys.exit(0)``: papermill reports success."""
    for cell in json.loads(report.executed.read_text(encoding="utf-8"))["cells"]:
        if (
            cell["cell_type"] == "code"
            and "".join(cell["source"]).strip()
            and cell["execution_count"] is None
        ):
            return Phrase("batch.stopped_early", notebook=report.notebook.name)
    return None


def _fault_of_card(report: Report) -> str | None:
    """The error if the notebook did not save the scorecard of its specialist and period."""
    if report.card is None:
        return None
    try:
        card = json.loads(report.card.read_text(encoding="utf-8"))
        owner = (card["specialist"], card["period"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        return Phrase("batch.no_scorecard", notebook=report.notebook.name, kind=type(fault).__name__)
    if owner != (report.id, report.parameters["period"]):
        return Phrase("batch.other_scorecard", notebook=report.notebook.name, id=owner[0], period=owner[1])
    return None


def _page(report: Report) -> str | None:
    if report.language is None:
        return None
    failed = render.render([report.executed], engine="embedded", language=report.language, style=report.style)
    return failed.get(report.executed)


def _name_the_real_folder(report: Report) -> tuple[float, ...]:
    """Replace the scratch folder in the executed notebook; returns the cells' seconds."""
    notebook = _read(report.executed)
    if notebook is None:
        return ()
    metadata = notebook["metadata"]["papermill"]
    metadata["input_path"], metadata["output_path"] = report.notebook.name, report.executed.name
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
