"""The kit's engines for papermill: one runs cells in an IPython shell of this process, one in a kernel.

Both send each change of the notebook to a callable and do not save it: saving after each cell takes longer
than most cells. Another process saves the notebook if this one is killed.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode, v4
from papermill.engines import Engine, NBClientEngine, NotebookExecutionManager, papermill_engines
from traitlets import Type
from traitlets.config import Config

IN_PROCESS, IN_KERNEL = "kpi-kit", "kpi-kit-kernel"
_LANGUAGE = {
    "name": "python",
    "version": sys.version.split()[0],
    "mimetype": "text/x-python",
    "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
    "pygments_lexer": "ipython3",
    "nbconvert_exporter": "python",
    "file_extension": ".py",
}
"""The metadata that ipykernel writes into a notebook."""

Tell = Callable[..., None]
"""Takes ``"notebook", JSON`` when execution begins, ``"cell", index, JSON`` when a cell begins or ends."""


class _Manager(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no types
    """Writes times and states as papermill does, and sends each change."""

    def __init__(self, notebook: NotebookNode, tell: Tell) -> None:
        super().__init__(notebook, progress_bar=False)
        self._tell = tell

    def notebook_start(self, **options: Any) -> None:
        super().notebook_start(**options)
        self._tell("notebook", json.dumps(self.nb))

    def cell_start(self, cell: NotebookNode, cell_index: int | None = None, **options: Any) -> None:
        super().cell_start(cell, cell_index, **options)
        self._tell("cell", cell_index, json.dumps(cell))

    def cell_complete(self, cell: NotebookNode, cell_index: int | None = None, **options: Any) -> None:
        super().cell_complete(cell, cell_index, **options)
        self._tell("cell", cell_index, json.dumps(cell))


class _TellingEngine(Engine):  # type: ignore[misc]
    """Executes a notebook with the manager that sends its changes."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, *, tell: Tell, **options: Any) -> Any:
        """Execute a notebook, and return it."""
        manager = _Manager(nb, tell)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, **options)
        finally:
            manager.notebook_complete()
        return manager.nb


class KernelEngine(_TellingEngine, NBClientEngine):  # type: ignore[misc]
    """Runs the cells in a kernel, as papermill's default engine does."""


class ProcessEngine(_TellingEngine):
    """Runs the cells in this process, which must not have run a notebook before."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: _Manager, kernel_name: str, **options: Any) -> None:
        """Run the cells up to the first error."""
        notebook = nb_man.nb
        notebook.metadata["language_info"] = _LANGUAGE
        with _new_shell() as shell:
            for index, cell in enumerate(notebook.cells):
                nb_man.cell_start(cell, index)
                is_code = cell.cell_type == "code" and cell.source.strip()
                failed = is_code and not shell.run(cell)
                if failed:
                    nb_man.cell_exception(cell, index)
                nb_man.cell_complete(cell, index)
                if failed:
                    break


class _Stream(io.TextIOBase):
    """A standard stream whose text becomes an output of the cell."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, shell: _Shell, name: str) -> None:
        self._shell, self.name = shell, name

    def write(self, text: str) -> int:
        self._shell.add_text(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1 if self.name == "stdout" else 2


class _Hook(DisplayHook):
    """Makes the value of a cell's last expression an output."""

    shell: Any

    def write_output_prompt(self) -> None:
        """Write nothing: the output has the number."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        self.shell.add(
            v4.new_output(
                "execute_result",
                _text(format_dict),
                metadata=md_dict or {},
                execution_count=self.prompt_count,
            )
        )

    def finish_displayhook(self) -> None:
        self._is_active = False


class _Publisher(DisplayPublisher):
    """Makes what a cell displays an output."""

    shell: Any

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        output = v4.new_output("display_data", _text(data), metadata=metadata or {})
        self.shell.display(output, (transient or {}).get("display_id"), update)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.clear(wait)


def _text(data: dict[str, Any]) -> dict[str, Any]:
    """The data with bytes as base64, as in a message of a kernel."""
    return {
        kind: b2a_base64(value, newline=False).decode("ascii") if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


class _Shell(InteractiveShell):
    """An IPython shell whose outputs go to the cell that runs."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    def __init__(self, written: IO[str], **options: Any) -> None:
        self._written = written  # text that was written to file descriptors 1 and 2
        self._outputs: list[NotebookNode] = []
        self._named: dict[str, list[NotebookNode]] = {}
        self._clears_next = False
        self._cannot_show = False
        super().__init__(**options)  # type: ignore[no-untyped-call]  # IPython has few types

    def init_virtualenv(self) -> None:
        """Add no folder to the path."""

    def run(self, cell: NotebookNode) -> bool:
        """Run a cell and fill its outputs; returns whether it ended without an error."""
        cell.execution_count = self.execution_count
        self._outputs, self._clears_next, self._cannot_show = cell.outputs, False, False
        result = self.run_cell(  # type: ignore[no-untyped-call]
            cell.source, store_history=True, cell_id=cell.get("id")
        )
        self.add_text("stdout", self._written.read())
        return bool(result.success) and not self._cannot_show

    def add(self, output: NotebookNode) -> None:
        """Add an output to the cell."""
        if self._clears_next:
            self.clear(wait=False)
        self._outputs.append(output)

    def add_text(self, name: str, text: str) -> None:
        """Add text of a stream; consecutive texts of a stream are one output."""
        last = self._outputs[-1] if self._outputs and not self._clears_next else {}
        if text and last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        elif text:
            self.add(v4.new_output("stream", name=name, text=text))

    def display(self, output: NotebookNode, display_id: str | None, update: bool) -> None:
        """Add an output; outputs with the same display id are replaced."""
        named = self._named.setdefault(display_id, []) if display_id else []
        for earlier in named:
            earlier.update(data=output.data, metadata=output.metadata)
        if not update:
            named.append(output)
            self.add(output)

    def clear(self, wait: bool) -> None:
        """Remove the outputs of the cell, now or when the next output comes."""
        self._clears_next = wait
        if not wait:
            self._outputs.clear()

    def ask_exit(self) -> None:
        """End the notebook for ``exit()``."""
        raise SystemExit(0)

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self._cannot_show |= self.displayhook.is_active
        self.add(v4.new_output("error", ename=etype.__name__, evalue=str(evalue), traceback=stb))


@contextmanager
def _new_shell() -> Iterator[_Shell]:
    """A shell that leaves no files; restores the streams and the current folder at the end."""
    before = sys.stdout, sys.stderr, sys.displayhook, sys.excepthook
    place = Path.cwd()
    with (
        tempfile.TemporaryDirectory(prefix="i", ignore_cleanup_errors=True) as folder,
        _descriptors_in(Path(folder) / "written") as written,
    ):
        _import_from_here()
        config = Config({"HistoryManager": {"enabled": False}})
        shell = _Shell.instance(written=written, ipython_dir=folder, config=config)
        sys.stdout, sys.stderr = (_Stream(shell, name) for name in ("stdout", "stderr"))
        try:
            yield shell
        finally:
            os.chdir(place)
            sys.stdout, sys.stderr, sys.displayhook, sys.excepthook = before


def _import_from_here() -> None:
    """Put the current folder on the path where a kernel has it: after the standard library."""
    if "" not in sys.path:
        names = [Path(place).name for place in sys.path]
        sys.path.insert(names.index("site-packages") if "site-packages" in names else len(names), "")


@contextmanager
def _descriptors_in(file: Path) -> Iterator[IO[str]]:
    """Redirect file descriptors 1 and 2 to a file; yields it for reading."""
    saved = [os.dup(number) for number in (1, 2)]
    with file.open("ab") as stream, file.open(encoding="utf-8", errors="replace") as written:
        for number in (1, 2):
            os.dup2(stream.fileno(), number)
        try:
            yield written
        finally:
            for number, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, number)
                os.close(copy)


@contextmanager
def kernel(*, ordinary: bool) -> Iterator[dict[str, Any]]:
    """Options with which papermill runs cells in this process, or in an ordinary kernel.

    The kernel runs this interpreter: the user may have installed another kernel with the same name.
    """
    if not ordinary:
        yield {"engine_name": IN_PROCESS}
        return
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.util import run_sync

    with tempfile.TemporaryDirectory(prefix="k", ignore_cleanup_errors=True) as folder:
        manager = AsyncKernelManager(
            kernel_name="python3",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            # other users cannot reach sockets in this folder
            transport="ipc" if os.name == "posix" else "tcp",
            connection_file=str(Path(folder) / "kernel.json"),
        )
        try:
            yield {"engine_name": IN_KERNEL, "km": manager, "execution_timeout": None}
        finally:
            if manager.has_kernel:
                run_sync(manager.shutdown_kernel)(now=True)


papermill_engines.register(IN_PROCESS, ProcessEngine)
papermill_engines.register(IN_KERNEL, KernelEngine)
