"""The fork server of :mod:`multiprocessing`, and the processes that run one call each.

No process outlives the run, even if one of them is killed with SIGKILL:

- the run kills the group of a process when the process has answered, is late, or the run ends;
- the server ends when the run has ended, and kills the groups of its processes;
- Linux kills a forked process when the server has ended.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kpi_kit.batch import preload
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.stopping import kill_tree

_LONGEST = 60
"""The longest temporary folder that has room for the server's socket: the path of a socket has 107 bytes."""
_PR_SET_PDEATHSIG = 1
_SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
lock = threading.RLock()
"""Held while a process starts or is joined: :mod:`multiprocessing` can read an exit code only once."""


class NoForkError(Exception):
    """Processes cannot be forked here."""


@dataclass(frozen=True)
class Call:
    """A function to call in another process.

    Parameters
    ----------
    function : callable
    args : tuple
    kwargs : mapping
    environment : mapping
        The whole environment of the process.
    folder : Path
        A folder for temporary files.
    tells : bool
        Whether the function takes ``tell``, a callable that sends messages to the caller.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    environment: Mapping[str, str]
    folder: Path
    tells: bool = False


def can_fork() -> bool:
    """Whether processes can be forked: not on Windows, and not where system libraries forbid it.

    Examples
    --------
    >>> can_fork() is (sys.platform not in ("win32", "darwin", "emscripten", "wasi"))
    True
    """
    return "forkserver" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"


def start_server(params: Path | None = None) -> None:
    """Start the fork server if it is not running; it imports libraries while this process goes on.

    Parameters
    ----------
    params : Path or None
        A folder of params for the server to read.

    Raises
    ------
    OSError
        If the server cannot be started.
    """
    with lock:
        forkserver.set_forkserver_preload([preload.__name__])
        order = [os.getpid(), str(folder()), None if params is None else str(params)]
        variables = {
            preload.ORDER: json.dumps(order),
            "PYTHONPATH": _path_of_the_kit(),
            "PYTHONSAFEPATH": "1",  # modules in the current folder are not the server's
        }
        resource_tracker.ensure_running()  # the server needs it, and its start unblocks signals
        with _environment(variables), _blocked_signals():
            forkserver.ensure_running()


def kill_server() -> None:
    """Kill the fork server, also while it imports."""
    pid = _server()._forkserver_pid
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _server() -> Any:
    """The record that multiprocessing keeps of its server; it has no public function for what we need."""
    return forkserver._forkserver


@cache
def folder() -> Path:
    """The temporary folder of this process and of all processes that it starts."""
    place = tempfile.gettempdir()
    if os.name == "posix" and len(os.fsencode(place)) > _LONGEST:
        place = "/tmp"
    path = tempfile.mkdtemp(prefix="kpi-", dir=place)
    # multiprocessing removes its own folder, which is in this one, with priority -100
    util.Finalize(None, shutil.rmtree, (path,), {"ignore_errors": True}, exitpriority=-200)
    before, tempfile.tempdir = tempfile.tempdir, path
    try:
        util.get_temp_dir()  # the folder of the server's socket
    finally:
        tempfile.tempdir = before
    return Path(path)


def _path_of_the_kit() -> str:
    """A PYTHONPATH with which another process imports this kit and no other."""
    kit = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [kit, os.environ.get("PYTHONPATH")]))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the signals that end a run: the server inherits this, and unblocks them when it ignores them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(call: Call, params: Path | None, *, forked: bool) -> tuple[Connection, Any]:
    """Start the process of a call; returns the connection with its messages, and the process.

    Raises
    ------
    NoForkError
        If the server cannot be started.
    OSError, EOFError
        If the server dies.
    """
    context: Any = multiprocessing.get_context("forkserver" if forked else "spawn")
    receiving, sending = context.Pipe(duplex=False)
    try:
        with sending:
            if forked:
                try:
                    start_server(params)
                except OSError as fault:
                    raise NoForkError(str(fault)) from fault
            process = context.Process(target=_serve, args=(sending, call), name=call.function.__name__)
            with _without_main():
                process.start()
    except BaseException:
        receiving.close()
        raise
    return receiving, process


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main program: multiprocessing would import it again in each process."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = type(sys)("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def kill(pid: int, *, forked: bool) -> None:
    """Kill a process and all that it has started."""
    if forked:
        for kill_one in (os.kill, os.killpg):  # a process that has just begun has no group yet
            with suppress(ProcessLookupError, PermissionError):
                kill_one(pid, signal.SIGKILL)
        return
    kill_tree(pid)


def _serve(sending: Connection, call: Call) -> None:
    """In the new process: call the function and send its value or exception."""
    if preload.server is None:
        _set_up_spawned(call)
    elif preload.has_threads:
        sending.send(("raised", NoForkError(Phrase("batch.library_threads"))))
        return
    else:
        _set_up_forked(call)
    kwargs = dict(call.kwargs)
    if call.tells:
        preload.finish()
        kwargs["tell"] = lambda *message: sending.send(message)
    try:
        answer = ("returned", call.function(*call.args, **kwargs))
    except Exception as fault:
        answer = ("raised", fault)
    sending.send(answer)


def _set_up_forked(call: Call) -> None:
    """Make a forked process like one that was started anew, and bind its life to the server's."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != preload.server:  # the server died before
        os._exit(1)
    # with this descriptor the process could fork others, and the server would wait for its end
    os.close(_server()._forkserver_alive_fd)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()
    own = call.folder / str(os.getpid())
    own.mkdir(mode=0o700)
    _set_up(call, own)
    import numpy as np

    np.random.seed()  # noqa: NPY002  # Python reseeds random after a fork, NumPy does not


def _set_up_spawned(call: Call) -> None:
    """Leave Ctrl-C to the run, end with it, and let kernels import this kit."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_run, args=(call.folder.parent,), daemon=True).start()
    _set_up(call, call.folder)
    os.environ["PYTHONPATH"] = _path_of_the_kit()


def _end_with_run(temporary: Path) -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(1)


def _set_up(call: Call, temporary: Path) -> None:
    """Set what a process has of its own: environment, temporary folder, arguments."""
    os.environ.clear()
    os.environ.update({**preload.INLINE, **call.environment})
    if hasattr(time, "tzset"):
        time.tzset()
    if "matplotlib" in sys.modules:  # it has read the variable already
        import matplotlib as mpl

        mpl.rcParams["backend"] = os.environ["MPLBACKEND"]
    tempfile.tempdir = str(temporary)
    sys.argv[:] = [""]
