"""The client's side: start a server, have it fork, call functions in its workers."""

from __future__ import annotations

import atexit
import os
import pickle
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, Self, TypeVar, cast

from kpi_kit.batch.kernels.forkserver import COMPUTER, CROWDED, FAREWELL, KERNEL, WORKER

P = ParamSpec("P")
T = TypeVar("T")
_LENGTH = struct.Struct("!Q")
_CALLS = 8
"""How many calls a worker serves: to fork one costs time, and an old one holds more memory."""
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A pool of threads does not survive a fork; with several kernels at once, one a kernel is right anyway."""
_NO_ADVICE = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
"""The debugger that a kernel has would tell whoever imports it how to start Python."""
_INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
"""What ipykernel sets before matplotlib is imported."""


class LostError(Exception):
    """A forked process ended before it answered."""


class LateError(LostError):
    """A forked process took longer than it was given, and was ended."""


class ServerDiedError(LostError):
    """The server of warm processes died, and with it all that it had forked."""


class CrowdedError(Exception):
    """The server cannot fork, because a library starts threads when it is imported."""


class Forked:
    """A process that was forked; it lives as long as this is open.

    Parameters
    ----------
    connection : socket
        Speaks with the process.
    life : int
        Descriptor of the life line, whose closing ends the process and its group.
    """

    def __init__(self, connection: socket.socket, life: int) -> None:
        self.connection = connection
        self.idle = True
        self._life: int | None = life

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, patience: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a process that is a worker, in the current folder.

        Raises
        ------
        LateError
            Where it took longer than ``patience`` seconds.
        LostError
            Where the process ended before it answered. It is of no more use where it was not heard out.
        """
        self.connection.settimeout(patience)
        self.idle = False
        try:
            send(self.connection, pickle.dumps((str(Path.cwd()), function, args, kwargs)))
            well, answer = pickle.loads(receive(self.connection))
            self.idle = True
        except TimeoutError as fault:
            raise LateError(f"its process did not end within {patience:g} s") from fault
        except (OSError, EOFError) as fault:
            raise LostError("its process was ended from outside") from fault
        if not well:
            raise answer
        return cast(T, answer)

    def close(self) -> None:
        """End the process, its whole group, and remove its files."""
        life, self._life = self._life, None
        if life is not None:
            os.close(life)
        self.connection.close()


class Channel:
    """A way to a server, on which processes are wished for.

    Parameters
    ----------
    way : socket
    """

    def __init__(self, way: socket.socket) -> None:
        self._way = way
        self._lock = threading.Lock()

    def fork(self, kind: bytes) -> Forked:
        """Have a process forked.

        Raises
        ------
        LostError
            Where the server is gone.
        """
        ours, theirs = socket.socketpair()
        ending, life = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._way, [kind], [theirs.fileno(), ending])
        except OSError as fault:
            ours.close()
            os.close(life)
            raise LostError("the server of warm processes is gone") from fault
        finally:
            theirs.close()
            os.close(ending)
        return Forked(ours, life)

    def kernel(self) -> Forked:
        """Have a kernel forked; it waits for what :func:`kpi_kit.batch.kernels.kernel.kernel` is told."""
        return self.fork(KERNEL)

    def close(self) -> None:
        """Close the way, with a word that this is meant."""
        with self._lock, suppress(OSError):
            self._way.send(FAREWELL)
        self._way.close()


@dataclass
class _Worker:
    """A worker that a thread of its own calls, one time after the other."""

    kind: bytes
    channel: Channel
    process: Forked
    calls: int = 0

    def serves(self, kind: bytes, channel: Channel) -> bool:
        """Whether it is of use for one more call: it was heard out, and has not died since."""
        same = self.kind == kind and self.channel is channel and self.calls < _CALLS
        said = select.poll()
        said.register(self.process.connection, select.POLLIN)
        return same and self.process.idle and not said.poll(0)


class ForkServer:
    """A server of warm processes and the way to it; another is started when it has died.

    Parameters
    ----------
    folder : Path or None
        Where its processes have their files, and clients may have theirs; None for a folder of its own.
        A server whose owner is killed removes it.
    params : Path or None
        A folder of params that its processes find read already.
    """

    def __init__(self, folder: Path | None = None, params: Path | None = None) -> None:
        self._params = params
        self._own = None if folder else tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True)
        self.folder = folder or Path(cast("tempfile.TemporaryDirectory[str]", self._own).name)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        self._channel: Channel | None = None
        self._closed = False
        self._asked = False
        self._workers: dict[int, _Worker] = {}
        """By the thread that calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The server's process id; None before it was needed."""
        return None if self._process is None else self._process.pid

    def start(self) -> Channel:
        """The way to the server, which is started where it is not there.

        Raises
        ------
        LostError
            Where this was closed.
        CrowdedError
            Where a server cannot fork.
        """
        with self._lock:
            if self._closed:
                raise LostError("the run is being stopped")
            if self._process is not None and self._process.poll() is not None:
                if self._process.returncode == CROWDED:
                    raise CrowdedError("a library starts threads when it is imported")
                self._stop()
            if self._channel is None:
                self._launch()
            return cast(Channel, self._channel)

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        self._home = Path(tempfile.mkdtemp(prefix="f", dir=self.folder))
        params = [] if self._params is None else [str(self._params)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kpi_kit.batch.kernels.forkserver", str(self._home), *params],
                stdin=theirs.fileno(),
                process_group=0,  # Ctrl-C is for its owner
                env={**_INLINE, **_NO_ADVICE, **os.environ, **_ONE_THREAD, "PYTHONPATH": path_of_the_kit()},
            )
        self._channel = Channel(ours)

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that computes, in another process, however long it takes.

        It does not wait until all is imported that only reports need.
        """
        return self._call(COMPUTER, None, function, *args, **kwargs)

    def call_within(self, patience: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in another process, which has imported everything.

        The process is ended if it takes longer than ``patience`` seconds.
        """
        return self._call(WORKER, patience, function, *args, **kwargs)

    def _call(
        self, kind: bytes, patience: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        channel, process = self.start(), self._process
        self._asked = True
        try:
            worker = self._worker(kind, channel)
            worker.calls += 1
            return worker.process.call(patience, function, *args, **kwargs)
        except LateError:
            self._let_go()
            raise
        except LostError as fault:
            self._let_go()
            code = None if process is None else self._ended(process)
            if code == CROWDED:
                raise CrowdedError("a library starts threads when it is imported") from None
            if code is not None:
                raise ServerDiedError("the server of warm processes died") from fault
            raise

    def _worker(self, kind: bytes, channel: Channel) -> _Worker:
        """The worker of this thread; a new one where there is none that serves."""
        thread = threading.get_ident()
        if thread not in self._workers or not self._workers[thread].serves(kind, channel):
            self._let_go()
            self._workers[thread] = _Worker(kind, channel, channel.fork(kind))
        return self._workers[thread]

    def _let_go(self) -> None:
        """End the worker of this thread, if it has one."""
        worker = self._workers.pop(threading.get_ident(), None)
        if worker is not None:
            worker.process.close()

    @staticmethod
    def _ended(process: subprocess.Popen[bytes]) -> int | None:
        """The exit code of a server that is about to end, if it is."""
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> None:
        """End the server and all that it forked."""
        with self._lock:
            self._closed = True
            self._stop()
            while self._workers:  # only who takes one out may close it
                self._workers.popitem()[1].process.close()
        if self._own is not None:
            self._own.cleanup()

    def _stop(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None and not self._asked:
            self._process.kill()  # nothing was forked, and it would finish its imports first
            self._process.wait()
        elif self._process is not None:
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process is not None and self._process.returncode < 0 and self._home is not None:
            _end_orphans(self._home)
        self._process = self._channel = self._home = None


def _end_orphans(home: Path) -> None:
    """End what the children of a killed server had started: they went with it, those did not.

    Programs are known by the session or the group of the child that started them. Its number is given
    to no other process as long as there is one of these.
    """
    import psutil

    if not home.is_dir():  # it was killed in the middle of its end, after it had ended them itself
        return
    children = {int(folder.name) for folder in home.iterdir() if folder.name.isdigit()}
    for pid in psutil.pids() if children else ():
        with suppress(ProcessLookupError, PermissionError):
            if {os.getsid(pid), os.getpgid(pid)} & children:
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(home, ignore_errors=True)


def can_fork() -> bool:
    """Whether warm processes can be had here: not on Windows, and not where system libraries forbid forks.

    Examples
    --------
    >>> can_fork() is (sys.platform not in ("win32", "darwin", "emscripten", "wasi"))
    True
    """
    return hasattr(os, "fork") and sys.platform != "darwin"


_ordinary = False
_inherited: Channel | None = None
_shared: ForkServer | None = None
_guard = threading.Lock()


def use_ordinary_kernels() -> None:
    """From now on this process starts its kernels as everyone does."""
    global _ordinary
    _ordinary = True


def are_forked() -> bool:
    """Whether this process gets its kernels by fork."""
    return can_fork() and not _ordinary


def inherit(way: socket.socket | None) -> None:
    """In a worker: the server that forked it serves it, too."""
    global _inherited
    _inherited = None if way is None else Channel(way)


def current() -> Channel:
    """The way to this process's server: that which forked it, or else one of its own, started now."""
    global _shared
    if _inherited is not None:
        return _inherited
    with _guard:
        if _shared is None:
            _shared = ForkServer()
            atexit.register(_shared.close)
        return _shared.start()


def send(connection: socket.socket, data: bytes) -> None:
    """Send a message."""
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket) -> bytes:
    """Receive a whole message.

    Raises
    ------
    EOFError
        Where the other side is gone.
    """
    (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise EOFError("the other side is gone")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def path_of_the_kit() -> str:
    """A PYTHONPATH by which every process imports the very kit that runs this."""
    kit = str(Path(__file__).resolve().parents[3])
    return os.pathsep.join(filter(None, [kit, os.environ.get("PYTHONPATH")]))
