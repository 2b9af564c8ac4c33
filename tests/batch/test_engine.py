"""The engine that runs cells in its own process writes what an ordinary kernel would have written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from kpi_kit.batch import execute, processes, warm

pytestmark = pytest.mark.skipif(not processes.can_fork(), reason="there are no forks here")

CELLS = {
    "prints": "print(1)\nprint(2)\nprint(3, end='')",
    "complains": "import sys\nprint('no', file=sys.stderr)",
    "result": "from IPython.display import HTML, display, clear_output, update_display\nHTML('<b>x</b>')",
    "silent": "1 + 1;",
    "nothing": "None",
    "empty": "   ",
    "displays": "print('before')\ndisplay(HTML('<i>y</i>'), {'a': 1})\nprint('after')\n[1, 2]",
    "bytes": "class Picture:\n    def _repr_png_(self): return b'\\x89PNG'\nPicture()",
    "metadata": "display(HTML('z'), metadata={'text/html': {'isolated': True}})",
    "named": "shown = display('first', display_id='d')",
    "updates": "update_display('second', display_id='d')\nprint('updated')",
    "cleared": "print('gone')\nclear_output()\nprint('stays')",
    "cleared later": "print('gone')\nclear_output(wait=True)\nprint('stays')",
    "shell": "!echo from a shell",
    "magic": "%%capture held\nprint('captured')",
    "underscore": "41 + 1",
    "of before": "_ + Out[_oh and max(_oh)]",
    "awaits": "import asyncio\nawait asyncio.sleep(0, 'awaited')",
    "warns": "import warnings\nwarnings.warn_explicit('look', UserWarning, 'f', 1)",
    "figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('t')\nplt.show()",
    "module": "__name__, __doc__, get_ipython() is not None",
}
ERRORS = {
    "raises": "def f():\n    raise KeyError('k')\nf()",
    "syntax": "1 +",
    "exits": "import sys\nsys.exit(3)",
    "cannot be shown": "class Bad:\n    def __repr__(self): raise ValueError('no repr')\nBad()",
    "usage": "%no_such_magic",
    "interrupts": "raise KeyboardInterrupt",
}


def executed(workers: warm.Workers, folder: Path, *cells: str) -> tuple[execute.Result, Any]:
    """The result and the notebook of some cells."""
    folder.mkdir(parents=True)
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "cells.ipynb")
    report = execute.Report("some", folder / "cells.ipynb", {}, folder, folder)
    return workers.make(report), nbformat.read(report.executed, 4)


def plain(cell: Any) -> dict[str, Any]:
    """A cell without what names a process, a place or a time."""
    text = re.sub("0x[0-9a-f]{6,}", "0x", nbformat.writes(v4.new_notebook(cells=[cell])))
    (cell,) = nbformat.reads(text, 4).cells
    cell.metadata.pop("execution", None)
    for name in ("start_time", "end_time", "duration"):
        assert cell.metadata.papermill.pop(name) is not None
    for output in cell.outputs:
        output.pop("traceback", None)
    return dict(cell) | {"id": ""}


@pytest.fixture(scope="module")
def both() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "can_fork", lambda: False)
        ordinary = warm.Workers(1)
    with warm.Workers(1) as workers, ordinary:
        yield workers, ordinary


def test_cells_have_the_outputs_and_times_of_a_kernel(both, tmp_path):
    made = [executed(one, tmp_path / str(n), *CELLS.values()) for n, one in enumerate(both)]
    assert [result.error for result, _ in made] == [None, None]
    (_, mine), (_, its) = made
    for name, cell, wanted in zip(CELLS, mine.cells, its.cells, strict=True):
        assert (name, plain(cell)) == (name, plain(wanted))
    assert mine.metadata.language_info == its.metadata.language_info
    assert mine.metadata.papermill.keys() == its.metadata.papermill.keys()


@pytest.mark.parametrize("name", ERRORS)
def test_a_notebook_ends_at_an_error_as_in_a_kernel(both, tmp_path, name):
    cells = ["1", ERRORS[name], "'never'"]
    (result, mine), (other, its) = (executed(one, tmp_path / str(n), *cells) for n, one in enumerate(both))
    assert without_file(result.error) == without_file(other.error)
    assert [plain_state(cell) for cell in mine.cells] == [plain_state(cell) for cell in its.cells]


def without_file(text: str) -> str:
    """A text without the name that stands for the file of a cell."""
    return re.sub(r"<ipython-input-[\w-]+>|\d+\.py", "FILE", text)


def plain_state(cell: Any) -> Any:
    """What a cell shows and how it ended; the cells that papermill adds have no more than a text."""
    if cell.cell_type != "code":
        return cell.source
    outputs = [
        {key: without_file(str(value)) for key, value in output.items() if key not in ("traceback", "text")}
        for output in cell.outputs
    ]
    state = cell.metadata.papermill
    return outputs, cell.execution_count, state.status, state.exception


def test_what_other_languages_print_is_in_the_notebook(both, tmp_path):
    _, notebook = executed(both[0], tmp_path / "a", "import os\nos.write(2, b'deep')", "print('later')")
    assert [output.get("text") for output in notebook.cells[0].outputs] == [None, "deep"]
    assert [output.get("text") for output in notebook.cells[1].outputs] == ["later\n"]


def test_a_notebook_leaves_no_files_at_home(both, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with warm.Workers(1) as workers:
        result, _ = executed(workers, tmp_path / "a", "import os\nassert os.environ['HOME'].endswith('home')")
    assert result.error is None
    assert list(home.iterdir()) == []
