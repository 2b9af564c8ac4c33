"""papermill's engine, saving a notebook as it begins, and at its end or where it stopped.

papermill would save it before and after each cell, which costs more than all else that it does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat import v4
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.iorw import write_ipynb

ENGINE = "kpi-kit"


class SavingOnce(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """The engine for nbclient; where a notebook does not come to its end, it is left for reading."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, rescue: Path, **options: Any
    ) -> Any:
        """Execute; where that fails otherwise than by an error in a cell, name the cell that was running.

        It is saved before, too: whatever ends this process leaves a notebook for reading.
        """
        _leave(nb_man.nb, rescue)
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        except Exception as fault:
            _name_cell(nb_man.nb, fault)
            _leave(nb_man.nb, rescue)
            raise


def _leave(notebook: Any, path: Path) -> None:
    """Save it whole or not at all: this process may be ended at any moment."""
    made = path.with_suffix(".part.ipynb")
    write_ipynb(notebook, str(made))
    made.replace(path)


def _name_cell(notebook: Any, fault: Exception) -> None:
    """Papermill says "completed" of every cell of a notebook whose kernel died."""
    begun = [cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("start_time")]
    for cell in begun[-1:]:
        cell.metadata.papermill.update(exception=True, status="failed")
        if cell.cell_type == "code":
            words = str(fault).splitlines() or [""]
            cell.outputs.append(
                v4.new_output("error", ename=type(fault).__name__, evalue=words[0], traceback=words)
            )


papermill_engines.register(ENGINE, SavingOnce)
