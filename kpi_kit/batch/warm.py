"""Processes that execute reports: one a notebook, forked from a server that has imported the libraries.

The server is that of :mod:`multiprocessing`. It starts once for a process, imports
:mod:`kpi_kit.batch.preload` and ends with the process that started it. Where a process cannot be forked, each
report starts a process that imports everything, and that runs an ordinary kernel.

No process outlives the run, also where SIGKILL ends one of them:

- the run kills the group of a process when the process has answered, is late, or the run ends;
- the server ends when the run has ended, and kills the groups of what it has forked;
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import forkserver, util
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from kpi_kit.batch import preload
from kpi_kit.batch.execute import Follower, Report, Result, execute, sentence_of
from kpi_kit.core.errors import ReportError

P = ParamSpec("P")
T = TypeVar("T")
_ENDED = "its process was ended from outside, perhaps for want of memory"
_LONGEST = 60
"""The longest name of a temporary folder in which the socket of the server can be: a path has 107 bytes."""
_PR_SET_PDEATHSIG = 1
_SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
_lock = threading.RLock()
"""Held while a process starts or is waited for: :mod:`multiprocessing` may read an exit code only once."""


class LostError(Exception):
    """A process ended before it answered."""


class NoForkError(Exception):
    """Processes cannot be forked here."""


@dataclass(frozen=True)
class _Call:
    """A function to call in another process, with the environment and temporary folder that it has there.

    A follower is passed on as ``tell``, with which the function sends messages.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    environment: Mapping[str, str]
    folder: Path
    tells: bool


def can_fork() -> bool:
    """Whether processes can be forked: not on Windows, and not where system libraries forbid it.

    Examples
    --------
    >>> can_fork() is (sys.platform not in ("win32", "darwin", "emscripten", "wasi"))
    True
    """
    return "forkserver" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"


def start(params: Path | None = None) -> None:
    """Start the fork server, if it is not there; it imports what it needs while this process goes on.

    Parameters
    ----------
    params : Path or None
        A folder of params that forked processes have read already.

    Raises
    ------
    OSError
        Where the server cannot be started.
    """
    with _lock:
        order = json.dumps([str(_folder()), None if params is None else str(params)])
        forkserver.set_forkserver_preload([preload.__name__])
        kit = {"PYTHONSAFEPATH": "1", "PYTHONPATH": _path_of_the_kit(), preload.ORDER: order}
        with _environment(kit), _blocked_signals():
            forkserver.ensure_running()


@cache
def _folder() -> Path:
    """The temporary folder of this process and of all that it starts."""
    place = tempfile.gettempdir()
    if os.name == "posix" and len(os.fsencode(place)) > _LONGEST:
        place = "/tmp"
    folder = tempfile.mkdtemp(prefix="kpi-", dir=place)
    # after multiprocessing has removed its own folder, which has a priority of -100
    util.Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=-200)
    before, tempfile.tempdir = tempfile.tempdir, folder
    try:
        util.get_temp_dir()  # multiprocessing puts the server's socket there
    finally:
        tempfile.tempdir = before
    return Path(folder)


def _path_of_the_kit() -> str:
    """A PYTHONPATH by which another process imports this very kit."""
    kit = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, [kit, os.environ.get("PYTHONPATH")]))


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            if name in before:
                os.environ[name] = before[name]
            else:
                os.environ.pop(name, None)


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """A process that starts here gets no signal before it has said that it ignores them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Workers:
    """Executes notebooks and calls functions in other processes, several at once.

    Parameters
    ----------
    jobs : int
        How many processes there are at once.
    notice : callable
        Takes a sentence where processes cannot be forked.
    params : Path or None
        A folder of params that forked processes have read already.
    """

    def __init__(
        self, jobs: int, notice: Callable[[str], object] = lambda _: None, params: Path | None = None
    ) -> None:
        self._notice, self._params = notice, params
        self.folder = Path(tempfile.mkdtemp(prefix="r", dir=_folder()))
        self._environment = dict(os.environ)
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="report")
        self._running: set[Any] = set()
        self._stopped = False
        self._forks = True
        if not can_fork():
            self._go_without("this system has no fork")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped = True
        if kind is not None and self._forks:
            _kill_server()  # it may still import, and whoever starts a process waits for it
        with _lock:
            for started in self._running:
                _kill(started.pid, self._forks)
        self._threads.shutdown(cancel_futures=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def warm_up(self) -> None:
        """Start the server before it is needed."""
        if self._forks:
            try:
                start(self._params)
            except OSError as fault:
                self._go_without(str(fault))

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in another process; once more where the process died."""
        return self._threads.submit(lambda: self._twice(function, *args, **kwargs))

    def execute(self, reports: Sequence[Report]) -> Iterator[tuple[Report, Result]]:
        """Execute notebooks, and yield each with its result as it ends.

        A report whose process died is executed once more at the end, alone: one that kills the server ends
        no second try of another.
        """
        futures = {self._threads.submit(self.make, report): report for report in reports}
        lost = []
        for future in as_completed(futures):
            report, result = futures[future], future.result()
            if result.lost:
                lost.append(report)
            else:
                yield report, result
        for report in lost:
            yield report, replace(self.make(report), attempts=2)

    def make(self, report: Report) -> Result:
        """Execute one notebook in a process of its own, and make its page."""
        follower = Follower(report)
        call = (execute, (report,), {"in_kernel": not self._forks})
        begun = time.perf_counter()
        try:
            result: Result = self._call(*call, environment=report.environment, follower=follower)
        except TimeoutError as fault:
            result = Result(report.id, str(fault), 0.0)
        except LostError:
            result = lost_result(report)
        except Exception as fault:  # also for want of memory in its process: the other reports go on
            result = Result(report.id, sentence_of(report, fault), 0.0)
        if result.error is not None:
            cells = follower.leave(result.error)
            result = replace(result, seconds=time.perf_counter() - begun, cells=result.cells or cells)
        return result

    def _twice(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(2):
            try:
                value: T = self._call(function, args, kwargs)
            except LostError:
                if self._stopped:
                    raise
            else:
                return value
        raise ReportError(f"{function.__name__}: {_ENDED}")

    def _call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        environment: Mapping[str, str] = {},
        follower: Follower | None = None,
    ) -> Any:
        """Call a function in a process of its own.

        Raises
        ------
        TimeoutError
            Where the follower's patience is at its end.
        LostError
            Where the process ended before it answered, or the run is being stopped.
        """
        its = {**self._environment, **environment}
        call = _Call(function, args, kwargs, its, self.folder, follower is not None)
        try:
            return self._answer(call, follower)
        except NoForkError as fault:
            self._go_without(str(fault))
        if follower is not None:
            call = replace(call, kwargs={**kwargs, "in_kernel": True})
        return self._answer(call, follower)

    def _answer(self, call: _Call, follower: Follower | None) -> Any:
        receiving, started = self._start(call)
        try:
            while True:
                timeout = None if follower is None else follower.patience()
                ready = wait([receiving, started.sentinel], timeout)
                if not ready:
                    raise TimeoutError("" if follower is None else follower.lateness())
                if receiving not in ready:
                    raise LostError(_ENDED)
                kind, *content = receiving.recv()
                if kind == "returned":
                    return content[0]
                if kind == "raised":
                    raise content[0]
                if follower is not None:
                    follower.hear(kind, *content)
        except (EOFError, ConnectionError) as fault:
            raise LostError(_ENDED) from fault
        finally:
            receiving.close()
            self._end(started)

    def _start(self, call: _Call) -> tuple[Connection, Any]:
        context: Any = multiprocessing.get_context("forkserver" if self._forks else "spawn")
        receiving, sending = context.Pipe(duplex=False)
        with _lock, sending:
            if self._stopped:
                raise LostError("the run is being stopped")
            if self._forks:
                try:
                    start(self._params)
                except OSError as fault:
                    raise NoForkError(str(fault)) from fault
            try:
                started = context.Process(target=_serve, args=(sending, call), name=call.function.__name__)
                with _no_main():
                    started.start()
            except (OSError, EOFError) as fault:
                raise LostError("the server of processes died") from fault
            self._running.add(started)
        return receiving, started

    def _end(self, started: Any) -> None:
        """Kill a process with all that it has started, and remove its files."""
        with _lock:
            self._running.discard(started)
            _kill(started.pid, self._forks)
            started.join()
            shutil.rmtree(self.folder / str(started.pid), ignore_errors=True)
            started.close()

    def _go_without(self, why: str) -> None:
        with _lock:
            if not self._forks:
                return
            self._forks = False
        self._notice(f"reports are made with ordinary kernels, which takes longer: {why}")


def _kill_server() -> None:
    pid = _server()._forkserver_pid
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _server() -> Any:
    """The record that multiprocessing keeps of its server, for what it has no function for."""
    return forkserver._forkserver


def _kill(pid: int, forked: bool) -> None:
    """Kill a process and all that it has started."""
    if forked:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)  # it may have no group yet
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return
    import psutil

    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        for child in [*parent.children(recursive=True), parent]:
            with suppress(psutil.Error):
                child.kill()


@contextmanager
def _no_main() -> Iterator[None]:
    """A process that starts here does not import the main program of this one, which it has no use for."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = type(sys)("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def lost_result(report: Report) -> Result:
    """The result of a report whose process ended before it answered."""
    return Result(report.id, f"{report.notebook.name}: {_ENDED}", 0.0, lost=True)


def _serve(sending: Connection, call: _Call) -> None:
    """In the other process: call the function, and send what it returns or raises."""
    if preload.server is not None:
        if preload.has_threads:
            sending.send(("raised", NoForkError("a library starts threads when it is imported")))
            return
        _settle_forked()
    else:
        _settle_spawned(call)
    _settle(call)
    if call.tells:
        preload.finish()
    kwargs = {**call.kwargs, "tell": lambda *message: sending.send(message)} if call.tells else call.kwargs
    try:
        answer = ("returned", call.function(*call.args, **kwargs))
    except Exception as fault:
        answer = ("raised", fault)
    sending.send(answer)


def _settle_forked() -> None:
    """End with the server, and behave otherwise like a process that was started by itself."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not preload.is_forked():
        os._exit(1)
    # multiprocessing keeps the server for processes of this one; it is to end with the run
    os.close(_server()._forkserver_alive_fd)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.enable()
    import numpy as np

    np.random.seed()  # noqa: NPY002  # after a fork random reseeds itself, NumPy does not


def _settle_spawned(call: _Call) -> None:
    """Leave Ctrl-C to the parent, end with it, and let kernels import this very kit."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(call.folder.parent,), daemon=True).start()


def _end_with_parent(folder: Path) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)


def _settle(call: _Call) -> None:
    """Have the environment of the call, and temporary files that go with this process."""
    os.environ.clear()
    os.environ.update({**preload.INLINE, **call.environment})
    if hasattr(time, "tzset"):
        time.tzset()
    if "matplotlib" in sys.modules:
        import matplotlib as mpl

        mpl.rcParams["backend"] = os.environ["MPLBACKEND"]
    sys.argv[:] = [""]
    if preload.server is None:
        os.environ["PYTHONPATH"] = _path_of_the_kit()
        tempfile.tempdir = str(call.folder)
    else:
        own = call.folder / str(os.getpid())
        own.mkdir(mode=0o700)
        tempfile.tempdir = str(own)
