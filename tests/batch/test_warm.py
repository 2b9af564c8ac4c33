"""Warm processes: each is fresh, and ends with all that it has started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat import v4

from kpi_kit.batch import execute, processes, warm
from kpi_kit.core.errors import ReportError

pytestmark = pytest.mark.skipif(not processes.can_fork(), reason="there are no forks here")

ROOT = Path(warm.__file__).parents[2]
STATE = """
import builtins, decimal, gc, json, locale, logging, os, signal, sys, textwrap, warnings
import matplotlib as mpl
import matplotlib.pyplot, scipy.stats, seaborn
import numpy as np
import kpi_kit.report.notebook_api

rc = {key: str(value) for key, value in mpl.rcParams.items() if not key.startswith("backend")}
json.dumps({
    "cwd": os.getcwd(),
    "env": {k: v for k, v in os.environ.items() if k not in OF_KERNELS},
    "path": [p for p in sys.path if p not in OF_TESTS],
    "precision": decimal.getcontext().prec,
    "patched": textwrap.dedent.__module__,
    "rc": rc,
    "backend": mpl.get_backend(),
    "filters": sorted({str(f) for f in warnings.filters if "Trio" not in str(f)}),  # that is ipykernel's
    "errors": np.geterr(),
    "locale": locale.setlocale(locale.LC_ALL),
    "level": logging.getLogger().level,
    "signals": [str(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
    "umask": os.umask(0o022),
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "builtins": sorted(set(dir(builtins)) & {"left_behind"}),
    "hook": type(sys.excepthook).__name__,
    "gc": gc.isenabled(),
    "session": os.getsid(0) == os.getpid(),
})
"""
DIRT = """
import builtins, decimal, logging, os, random, sys, textwrap, warnings
import matplotlib as mpl
import numpy as np

os.chdir("/")
os.environ["LEFT"] = "behind"
sys.path.insert(0, "/left/behind")
decimal.getcontext().prec = 3
textwrap.dedent = sys.exit
mpl.rcParams["figure.dpi"] = 11
warnings.simplefilter("ignore")
np.seterr(all="raise")
random.seed(1)
np.random.seed(1)
logging.getLogger().setLevel(1)
os.umask(0o077)
builtins.left_behind = held = open(os.devnull)
"""


OF_KERNELS = """
OF_KERNELS = {"JPY_PARENT_PID", "JPY_SESSION_NAME", "PYTHONPATH", "PYDEVD_USE_FRAME_EVAL"}
OF_KERNELS |= {"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "PAGER", "TERM"}
"""
"""What ipykernel sets in its environment."""


def make(workers: warm.Workers, folder: Path, *cells: str, **options: Any) -> tuple[execute.Result, Any]:
    """A notebook of these cells, executed, with its result."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "cells.ipynb")
    report = execute.Report("some", folder / "cells.ipynb", {}, folder, folder, **options)
    result = workers.make(report)
    return result, nbformat.read(report.executed, 4) if report.executed.is_file() else None


def run(workers: warm.Workers, folder: Path, *cells: str, **options: Any) -> list[str]:
    """The text that each cell showed."""
    result, notebook = make(workers, folder, *cells, **options)
    assert result.error is None
    return ["".join(_shown(cell)) for cell in notebook.cells]


def _shown(cell: nbformat.NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        yield output.get("text", "") or ", ".join(output.data) + ": " + output.data["text/plain"]


def state(text: str) -> dict[str, Any]:
    return json.loads(text.partition(": ")[2].strip("'").encode().decode("unicode_escape"))


def code_of_state() -> str:
    """The code that shows the state of a process, without what differs because tests run it."""
    return f"OF_TESTS = {[str(ROOT), str(ROOT / 'tests'), *sys.path[:1]]!r}\n{OF_KERNELS}\n{STATE}"


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def soon(condition: Callable[[], bool]) -> bool:
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def of_server(workers: warm.Workers) -> int:
    """The process id of the server."""
    return workers.submit(os.getppid).result()


@pytest.fixture
def workers() -> Iterator[warm.Workers]:
    with warm.Workers(2) as workers:
        yield workers


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> Iterator[warm.Workers]:
    with monkeypatch.context() as patch:
        patch.setattr(processes, "can_fork", lambda: False)
        workers = warm.Workers(1)
    with workers:
        yield workers


def test_a_process_is_as_fresh_as_an_ordinary_kernel(workers, ordinary, tmp_path, monkeypatch):
    """Also after another has left behind whatever a notebook can leave behind."""
    monkeypatch.chdir(tmp_path)
    (wanted,) = run(ordinary, tmp_path, code_of_state())
    dirty, dirtied = run(workers, tmp_path, DIRT, code_of_state())
    (fresh,) = run(workers, tmp_path, code_of_state())
    assert dirty == ""
    assert dirtied != fresh
    print(*(set(state(fresh)["filters"]) ^ set(state(wanted)["filters"])), sep="\n")
    assert state(fresh) == state(wanted)


def test_each_process_has_dice_and_files_of_its_own(workers, tmp_path):
    code = "import random, numpy as np, os\nprint(random.random(), np.random.random())"
    files = "sorted(os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in os.listdir('/proc/self/fd')"
    count = f"print(len({files} if os.path.exists(f'/proc/self/fd/{{n}}'))))"
    first, opened = run(workers, tmp_path, code, count)
    held, _ = run(workers, tmp_path, "import os; held = [open(os.devnull) for _ in range(9)]", "1")
    second, opened_again = run(workers, tmp_path, code, count)
    assert held == ""
    assert not set(first.split()) & set(second.split())
    assert opened == opened_again


def test_a_notebook_finds_its_own_environment_and_no_others(workers, tmp_path, monkeypatch):
    monkeypatch.setenv("LATER", "1")  # the workers were there before
    code = "import os\nprint(os.environ.get('MINE'), os.environ['HOME'], os.environ.get('LATER'))"
    home = os.environ["HOME"]
    assert run(workers, tmp_path, code, environment={"MINE": "yes"}) == [f"yes {home} None\n"]
    assert run(workers, tmp_path, code, environment={"HOME": "there"}) == ["None there None\n"]
    assert os.environ["HOME"] == home


def test_figures_are_shown_as_in_an_ordinary_kernel(workers, tmp_path):
    (shown,) = run(workers, tmp_path, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert "image/png" in shown


def test_the_import_that_costs_most_is_avoided_and_stays_possible(workers, tmp_path):
    loaded, can = run(
        workers, tmp_path, "import sys\n'rfc3987_syntax' in sys.modules", "import rfc3987_syntax"
    )
    assert loaded.endswith("False")
    assert can == ""


def test_neither_the_server_nor_a_notebook_has_a_thread_or_a_port(workers, tmp_path):
    code = "import os, psutil\nme = psutil.Process()\nprint(me.num_threads(), len(me.net_connections('all')))"
    assert run(workers, tmp_path, code) == ["1 0\n"]
    server = psutil.Process(of_server(workers))
    assert server.num_threads() == 1
    assert [socket.family.name for socket in server.net_connections("all")] == ["AF_UNIX"]


def test_many_processes_leave_nothing(workers):
    server = of_server(workers)

    def held() -> tuple[int, int, int]:
        files = [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in (server, os.getpid())]
        return *files, len(list(workers._folder.iterdir()))

    assert soon(lambda: held()[2] == 0)
    before = held()
    pids = [workers.submit(os.getpid).result() for _ in range(30)]
    assert len(set(pids)) == 30
    assert soon(lambda: held() == before)


def test_what_is_raised_in_a_process_is_raised_here(workers):
    with pytest.raises(FileNotFoundError):
        workers.submit(os.stat, "/nowhere").result()
    with pytest.raises(ReportError, match="abort: its process was ended from outside"):
        workers.submit(os.abort).result()


def test_a_call_that_is_interrupted_ends_its_process(workers, monkeypatch):
    """As by Ctrl-C while the run waits."""
    started: list[int] = []

    def interrupted(connections: Sequence[Any], timeout: float | None) -> None:
        started.extend(process.pid for process in workers._running)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(warm, "wait", interrupted)
        workers._call(time.sleep, (600,), {})
    assert len(started) == 1
    assert not is_alive(started[0])
    assert workers.submit(abs, -1).result() == 1


PARENT = """
import os, subprocess
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid)
"""


def test_a_process_goes_with_all_that_it_started(workers, tmp_path):
    (said,) = run(workers, tmp_path, PARENT)
    assert soon(lambda: not any(map(is_alive, map(int, said.split()))))
    assert list(workers._folder.iterdir()) == []


HANGS = f"""{PARENT}
import pathlib, sys, time
note = pathlib.Path(os.environ["NOTE"])
note.with_suffix(".new").write_text(f"{{os.getpid()}} {{child.pid}}")
note.with_suffix(".new").rename(note)
time.sleep(600)
"""


@pytest.mark.parametrize("who", ["nobody", "the process", "the server"])
def test_whoever_is_killed_all_processes_and_files_go(tmp_path, who):
    note = tmp_path / "note"
    with warm.Workers(1) as workers:
        server = of_server(workers)
        hanging = workers._threads.submit(make, workers, tmp_path, HANGS, environment={"NOTE": str(note)})
        assert soon(note.exists)
        pids = [int(pid) for pid in note.read_text().split()]
        assert all(map(is_alive, pids))
        if who == "the process":
            os.kill(pids[0], signal.SIGKILL)
        elif who == "the server":
            os.kill(server, signal.SIGKILL)
        if who != "nobody":
            result, notebook = hanging.result(10)
            assert result.lost
            assert notebook.cells[0].metadata.papermill.status == "failed"
            assert notebook.cells[0].outputs[-1].evalue == result.error
            assert soon(lambda: not any(map(is_alive, pids)))
    assert soon(lambda: not any(map(is_alive, pids)))
    assert not workers._folder.exists()


def test_a_server_that_was_killed_is_started_again(workers):
    before = of_server(workers)
    os.kill(before, signal.SIGKILL)
    soon(lambda: not is_alive(before))
    assert of_server(workers) != before


def test_a_notebook_that_kills_the_server_costs_no_other_a_second_try(workers, tmp_path):
    notebook = v4.new_notebook(cells=[v4.new_code_cell("import os, signal, time")])
    notebook.cells.append(
        v4.new_code_cell("if kills: os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(0.5)")
    )
    notebook.cells[0].metadata.tags = ["parameters"]
    notebook.cells[0].source += "\nkills = ''"
    nbformat.write(notebook, tmp_path / "killer.ipynb")
    reports = [
        execute.Report(name, tmp_path / "killer.ipynb", {"kills": kills}, tmp_path / name, tmp_path)
        for name, kills in (("killer", "yes"), ("other", ""))
    ]
    results = {report.id: result for report, result in workers.execute(reports)}
    assert {name for name, result in results.items() if result.error} == {"killer"}
    assert results["killer"].attempts == 2


CHILD = """
import os, sys
from kpi_kit.batch import warm
{more}
if __name__ == "__main__":
    with warm.Workers(1, print) as workers:
        print(workers.submit({call}).result())
"""


def in_a_process(folder: Path, call: str, more: str = "", **environment: str) -> list[str]:
    """What a process says that has a server of its own."""
    script = folder / "script.py"
    script.write_text(CHILD.format(call=call, more=more), encoding="utf-8")
    paths = [str(ROOT), *filter(None, [environment.pop("PYTHONPATH", None)])]
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_where_a_folders_name_is_too_long_for_sockets_another_serves(tmp_path):
    place = tmp_path / ("t" * 90)
    place.mkdir()
    said = in_a_process(tmp_path, "os.getcwd", TMPDIR=str(place))
    assert said == [str(tmp_path)]
    assert list(place.iterdir()) == []


def test_a_process_does_not_import_the_main_program(tmp_path):
    said = in_a_process(tmp_path, "abs, -1", more="print('main')", TMPDIR=str(tmp_path))
    assert said == ["main", "1"]


def test_who_computes_finds_what_computes_imported(tmp_path):
    """Also the first, however soon it asks."""
    said = in_a_process(tmp_path, "eval, \"'kpi_kit.scorecard.inference' in __import__('sys').modules\"")
    assert said == ["True"]


def test_modules_beside_a_run_are_not_taken_for_the_servers(tmp_path):
    (tmp_path / "seaborn.py").write_text("raise SystemExit('taken')", encoding="utf-8")
    (tmp_path / "random.py").write_text("raise SystemExit('taken')", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert in_a_process(elsewhere, "abs, -1", more="os.chdir('..')") == ["1"]


def test_a_module_that_cannot_be_imported_is_named_by_who_needs_it(tmp_path):
    (tmp_path / "seaborn.py").write_text("raise ImportError('broken')", encoding="utf-8")
    more = "import nbformat\nfrom pathlib import Path\nfrom kpi_kit.batch.execute import Report\n"
    more += "here = Path(os.getcwd())\n"
    more += "book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('import seaborn')])\n"
    more += "nbformat.write(book, 'b.ipynb')\nreport = Report('b', here / 'b.ipynb', {}, here / 'o', here)\n"
    said = in_a_process(
        tmp_path,
        "abs, -1).result() and workers._threads.submit(workers.make, report",
        more=more,
        PYTHONPATH=str(tmp_path),
    )
    assert "cell [1]: ImportError: broken" in said[0]


def test_a_server_that_has_threads_is_done_without(tmp_path):
    code = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    (tmp_path / "sitecustomize.py").write_text(code, encoding="utf-8")
    said = in_a_process(tmp_path, "abs, -1", PYTHONPATH=str(tmp_path))
    assert said == [
        "reports are made with ordinary kernels, which takes longer: "
        "a library starts threads when it is imported",
        "1",
    ]
