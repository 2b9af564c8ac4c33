"""Forked kernels: as fresh as any other, gone when their client goes, and served by one thread."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.util import run_sync
from nbformat import v4

from kpi_kit.batch import execute
from kpi_kit.batch.kernels import client, forkserver
from kpi_kit.batch.kernels.provisioner import PROVISIONER, ForkProvisioner, manager

pytestmark = pytest.mark.skipif(not client.can_fork(), reason="there are no forks here")

STATE = """
import builtins, decimal, gc, json, locale, logging, os, signal, sys, textwrap, warnings
import matplotlib as mpl
import matplotlib.pyplot, scipy.stats, seaborn
import numpy as np
import kpi_kit.report.notebook_api

rc = {key: str(value) for key, value in mpl.rcParams.items() if not key.startswith("backend")}
json.dumps({
    "cwd": os.getcwd(),
    "env": {k: v for k, v in os.environ.items() if k not in ("JPY_PARENT_PID", "PYTHONPATH")},
    "path": [p for p in sys.path if p != KIT],
    "argv": sys.argv[0].rpartition("/")[2].removesuffix(".py"),
    "precision": decimal.getcontext().prec,
    "patched": textwrap.dedent.__module__,
    "rc": rc,
    "backend": mpl.get_backend(),
    "filters": sorted({str(f) for f in warnings.filters}),
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


def run(*cells: str, km: Any = None, cwd: Path | None = None) -> list[str]:
    """The text that each cell showed, in one kernel, which is ended then."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    kernel = km or manager()
    place = {"metadata": {"path": str(cwd or Path.cwd())}}
    asking = NotebookClient(notebook, km=kernel, resources=place, timeout=30)
    try:
        asking.execute()
    finally:
        asking.kc.stop_channels()
        run_sync(kernel.shutdown_kernel)(now=True)
    return ["".join(_shown(cell)) for cell in notebook.cells]


def _shown(cell: nbformat.NotebookNode) -> Iterator[str]:
    for output in cell.outputs:
        yield output.get("text", "") or ", ".join(output.data) + ": " + output.data["text/plain"]


def state(text: str) -> dict[str, Any]:
    return json.loads(text.partition(": ")[2].strip("'").encode().decode("unicode_escape"))


def given_kit(code: str) -> str:
    return f"KIT = {str(Path(client.__file__).parents[3])!r}\n{code}"


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


@pytest.fixture(scope="module")
def server() -> Iterator[client.ForkServer]:
    with tempfile.TemporaryDirectory(prefix="t") as folder, client.ForkServer(Path(folder)) as server:
        client._shared, before = server, client._shared
        yield server
        client._shared = before


def test_papermill_finds_the_provisioner_by_its_entry_point(server):
    factory = KernelProvisionerFactory.instance()
    assert factory.provisioners[PROVISIONER].load() is ForkProvisioner


def test_a_forked_kernel_is_as_fresh_as_an_ordinary_one(server, tmp_path):
    """Also after another has left behind whatever a notebook can leave behind."""
    ordinary = AsyncKernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[])
    )
    (wanted,) = run(given_kit(STATE), km=ordinary, cwd=tmp_path)
    dirty, dirtied = run(DIRT, given_kit(STATE), cwd=tmp_path)
    (found,) = run(given_kit(STATE), cwd=tmp_path)
    assert dirty == ""
    assert dirtied != found
    assert state(found) == state(wanted)


def test_each_kernel_has_dice_and_files_of_its_own(server):
    code = "import random, numpy as np, os\nprint(random.random(), np.random.random())"
    files = "sorted(os.readlink(f'/proc/self/fd/{n}').split(':')[0] for n in os.listdir('/proc/self/fd')"
    count = f"print({files} if os.path.exists(f'/proc/self/fd/{{n}}')))"
    first, opened = run(code, count)
    held, _ = run("import os; held = [open(os.devnull) for _ in range(9)]", "1")
    second, opened_again = run(code, count)
    assert held == ""
    assert not set(first.split()) & set(second.split())
    assert opened == opened_again


def test_figures_are_shown_as_in_an_ordinary_kernel(server):
    (shown,) = run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert "image/png" in shown


def test_the_import_that_costs_most_is_avoided_and_stays_possible(server):
    loaded, can = run("import sys\n'rfc3987_syntax' in sys.modules", "import rfc3987_syntax")
    assert loaded.endswith("False")
    assert can == ""


def test_the_server_has_one_thread_and_no_event_loop(server):
    server.call_within(60, os.getpid)
    assert len(list(Path(f"/proc/{server.pid}/task").iterdir())) == 1
    links = [str(link.readlink()) for link in Path(f"/proc/{server.pid}/fd").iterdir()]
    assert sum("eventpoll" in link for link in links) == 1, "its own; ZeroMQ and asyncio would bring theirs"


def test_many_processes_leave_nothing_in_the_server(server):
    def held() -> tuple[int, int]:
        home = next(Path(server.folder).iterdir())
        return len(list(Path(f"/proc/{server.pid}/fd").iterdir())), len(list(home.iterdir()))

    server.call_within(60, os.getpid)  # by now it has imported everything
    assert soon(lambda: held()[1] == 1), "the worker, which waits for more"
    before = held()
    for _ in range(30):
        server.call(os.getpid)
    assert soon(lambda: held() == before)


def test_a_worker_serves_some_calls_and_then_another_does(server):
    server.call_within(60, os.getpid)  # so that one which computes is a new one
    pids = [server.call(os.getpid) for _ in range(2 * client._CALLS)]
    assert pids == [pids[0]] * client._CALLS + [pids[-1]] * client._CALLS
    assert pids[0] != pids[-1]
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(server.call, os.getpid).result() not in pids, "each thread has its own"


def test_a_worker_that_was_not_heard_out_or_has_died_is_not_asked_again(server, monkeypatch):
    first = server.call(os.getpid)
    receive = client.receive
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(client, "receive", lambda connection: (receive(connection), interrupt()))
        server.call(str, "stale")
    second = server.call(os.getpid)
    assert second != first
    os.kill(second, signal.SIGKILL)
    assert soon(lambda: not Path(f"/proc/{second}").exists())
    assert server.call(os.getpid) != second


def interrupt() -> None:
    raise KeyboardInterrupt


def test_a_report_leaves_no_socket_and_no_thread_in_its_worker(server, tmp_path):
    given = {"specialist": "anna", "period": "2025-10", "out": str(tmp_path)}
    notebook = Path(__file__).parents[1] / "notebooks/good.ipynb"

    def held() -> tuple[int, int]:
        return server.call_within(60, eval, "tuple(len(__import__('os').listdir(f'/proc/self/{what}'))"
                                  " for what in ('fd', 'task'))")  # fmt: skip

    seen = []
    for number in range(3):
        report = execute.Report("anna", notebook, given, tmp_path / str(number), tmp_path)
        assert server.call_within(60, execute.execute, report).error is None
        seen.append(held())
    assert seen[1] == seen[2]


def test_what_is_raised_in_a_process_is_raised_here(server):
    with pytest.raises(FileNotFoundError):
        server.call(os.stat, "/nowhere")
    with pytest.raises(client.LateError):
        server.call_within(0.2, time.sleep, 60)
    with pytest.raises(client.LostError):
        server.call(os.abort)


PARENT = """
import os, subprocess
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid)
"""


def test_a_kernel_goes_with_all_that_it_started(server):
    kernel = manager()
    (said,) = run(PARENT, km=kernel)
    assert soon(lambda: not any(map(is_alive, map(int, said.split()))))
    assert soon(lambda: not Path(kernel.connection_file).parent.exists())


def start_and_hang(note: str) -> None:
    """In a worker: a kernel that has a child, then nothing for long."""
    kernel = manager()
    notebook = v4.new_notebook(cells=[v4.new_code_cell(PARENT)])
    NotebookClient(notebook, km=kernel).execute()
    text = f"{notebook.cells[0].outputs[0].text} {os.getpid()} {kernel.connection_file}"
    Path(note).with_suffix(".new").write_text(text)
    Path(note).with_suffix(".new").rename(note)
    time.sleep(600)


def begin(server: client.ForkServer, note: Path) -> tuple[client.Forked, list[int], Path]:
    """A worker that hangs, with the processes under it and its kernel's connection file."""
    forked = server.start().fork(forkserver.WORKER)
    client.send(forked.connection, pickle.dumps(("/", exec, (code_of_start_and_hang(note), {}), {})))
    assert soon(note.exists)
    kernel, child, worker, file = note.read_text().split()
    return forked, [int(kernel), int(child), int(worker)], Path(file)


def code_of_start_and_hang(note: Path) -> str:
    """For a process that cannot import the tests."""
    head = (
        "import os, time\nfrom pathlib import Path\nfrom nbclient import NotebookClient\n"
        f"from nbformat import v4\n"
        f"from kpi_kit.batch.kernels.provisioner import manager\nPARENT = {PARENT!r}\n"
    )
    return f"{head}{inspect.getsource(start_and_hang)}\nstart_and_hang({str(note)!r})"


@pytest.mark.parametrize("how", ["the client closes", "the worker is killed", "the server is killed"])
def test_however_the_client_goes_its_processes_and_files_go(server, tmp_path, how):
    forked, pids, file = begin(server, tmp_path / "note")
    assert all(map(is_alive, pids))
    assert file.is_file()
    match how:
        case "the client closes":
            forked.close()
        case "the worker is killed":
            os.kill(pids[-1], signal.SIGKILL)
        case _:
            before = server.pid
            os.kill(before, signal.SIGKILL)
            assert soon(lambda: not is_alive(before))
            server.call(os.getpid)  # another takes its place, and what was left over is found
    assert soon(lambda: not any(map(is_alive, pids)))
    forked.close()
    assert soon(lambda: not file.parent.exists())


def test_a_server_that_was_killed_is_started_again(server):
    before = server.call(os.getppid)
    os.kill(before, signal.SIGKILL)
    soon(lambda: not is_alive(before))
    assert server.call(os.getppid) != before


def test_where_a_folders_name_is_too_long_for_sockets_loopback_serves(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="t" * 90) as folder, client.ForkServer(Path(folder)) as server:
        monkeypatch.setattr(client, "_shared", server)
        assert run("1 + 1")[0].endswith(": 2")


def test_who_computes_finds_what_computes_imported():
    """Also the first, however soon it asks."""
    with client.ForkServer() as server:
        assert server.call(eval, "'scipy.stats' in __import__('sys').modules")


def test_a_server_that_cannot_import_leaves_the_folder_of_its_owner(tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/seaborn.py").write_text("raise ImportError('broken')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    with tempfile.TemporaryDirectory(prefix="t") as folder, client.ForkServer(Path(folder)) as server:
        for _ in range(2):  # another is started, and fails likewise
            with pytest.raises(client.ServerDiedError):
                server.call_within(60, os.getpid)
        assert Path(folder).is_dir()


def test_a_server_that_has_threads_refuses(monkeypatch):
    code = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        (Path(folder) / "sitecustomize.py").write_text(code, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", folder)
        with client.ForkServer() as server, pytest.raises(client.CrowdedError):
            server.call(os.getpid)
