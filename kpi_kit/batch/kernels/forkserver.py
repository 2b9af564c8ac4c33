"""The server: one thread that waits for wishes, forks, and cleans up after what it forked.

It is run as ``python -m kpi_kit.batch.kernels.forkserver``, with its owner's channel as standard input. A
wish is one byte, which says what is to be forked, with two descriptors: the connection, which the child alone
keeps, and the reading end of the client's life line, which the server alone keeps.

What computes is imported first, and who only computes is served at once; between two such wishes the
server goes on with its imports, which a kernel waits for.
"""

from __future__ import annotations

import ctypes
import gc
import os
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KERNEL, WORKER, COMPUTER, FAREWELL = b"k", b"w", b"c", b"q"
"""A kernel; a worker; a worker that needs no more than what computes; a word that the end is meant."""
CROWDED = 3
"""The exit code of a server that has more than one thread after an import, so that it must not fork."""
_DONE = object()
_PR_SET_PDEATHSIG = 1
_SILENCED = ("SIGINT", "SIGTERM", "SIGHUP")
"""Whoever stops a run tells its owner; the server ends with that one, after it has cleaned up."""

Children = Mapping[bytes, Callable[[socket.socket, Path, socket.socket | None], None]]
"""What each kind of child does with its connection, its folder and its channel to the server."""


@dataclass(frozen=True)
class _Child:
    """A process that was forked."""

    pid: int
    life: int
    folder: Path

    def end(self) -> None:
        """End the process and its whole group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it has no group of its own yet
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class Server:
    """Forks what its clients wish for; is orphaned where its owner went without a word.

    Parameters
    ----------
    owner : socket
        The owner's channel; the server ends when it does.
    home : Path
        The folder in which each child may have one, named by its process id.
    children : mapping
        What each kind of child does.
    warming : iterator
        What is still to be imported, step by step.
    """

    def __init__(self, owner: socket.socket, home: Path, children: Children, warming: Iterator[None]) -> None:
        self._owner, self._home, self._kinds = owner, home, children
        self._warming: Iterator[None] | None = warming
        self._forked: dict[int, _Child] = {}
        self._channels: dict[int, socket.socket] = {owner.fileno(): owner}
        self._wake, wakes = socket.socketpair()
        self._wake.setblocking(False)
        wakes.setblocking(False)
        self._wakes = wakes
        self._selector = selectors.DefaultSelector()
        self._dismissed = False
        self.orphaned = False

    def serve(self) -> None:
        """Until the owner is gone; then everything that was forked ends, too."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._owner, selectors.EVENT_READ, self._listen)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)
        self._warm_on()  # before any wish: what computes
        while self._owner.fileno() in self._channels:
            watched = self._selector.get_map()
            ready = self._selector.select(None if self._warming is None else 0)
            for key, _ in ready:
                if watched.get(key.fd) is key:  # not let go of, nor replaced, by what came before it
                    key.data(key.fileobj)
            if not ready:
                self._warm_on()
        for child in self._forked.values():
            child.end()
        while self._forked:
            self._bury(os.waitpid(-1, 0)[0])

    def _warm_on(self) -> None:
        """One step further with the imports; what they made stays out of collections, and so is shared."""
        if self._warming is not None and next(self._warming, _DONE) is _DONE:
            self._warming = None
        _refuse_threads()
        gc.freeze()

    def _listen(self, channel: socket.socket) -> None:
        try:
            kind, descriptors, _, _ = socket.recv_fds(channel, 1, 2)
        except ConnectionError:
            kind, descriptors = b"", []
        if not kind:
            self.orphaned |= channel is self._owner and not self._dismissed
            self._selector.unregister(channel)
            del self._channels[channel.fileno()]
            channel.close()
            return
        if kind == FAREWELL:
            self._dismissed = True
            return
        connection = socket.socket(fileno=descriptors[0])
        self._fork(kind, connection, descriptors[1])
        connection.close()

    def _fork(self, kind: bytes, connection: socket.socket, life: int) -> None:
        while self._warming is not None and kind != COMPUTER:
            self._warm_on()
        _refuse_threads()
        mine, its = (None, None) if kind == KERNEL else socket.socketpair()
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.close(life)
            if mine is not None:
                mine.close()
            self._become(kind, connection, its, server)
        self._forked[life] = _Child(pid, life, self._home / str(pid))
        self._selector.register(life, selectors.EVENT_READ, self._client_went)
        if mine is not None and its is not None:
            its.close()
            self._channels[mine.fileno()] = mine
            self._selector.register(mine, selectors.EVENT_READ, self._listen)

    def _become(
        self, kind: bytes, connection: socket.socket, channel: socket.socket | None, server: int
    ) -> None:
        """In the child: let go of all that is the server's, do the work, never return."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # a kernel has a session of its own, as Jupyter starts one; a worker stays in its run's
            os.setsid() if kind == KERNEL else os.setpgid(0, 0)
            end_with_parent(server)
            self._selector.close()
            for own in (self._wake, self._wakes, *self._channels.values()):
                own.close()
            for life in self._forked:
                os.close(life)
            self._kinds[kind](connection, self._home / str(os.getpid()), channel)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _client_went(self, life: int) -> None:
        self._forked[life].end()
        self._selector.unregister(life)  # it is buried when it has ended

    def _reap(self, wake: socket.socket) -> None:
        with suppress(BlockingIOError):
            wake.recv(4096)
        with suppress(ChildProcessError):
            while True:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                self._bury(pid)

    def _bury(self, pid: int) -> None:
        child = next(child for child in self._forked.values() if child.pid == pid)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # what it started and left behind
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.life)
        del self._forked[child.life]
        os.close(child.life)
        shutil.rmtree(child.folder, ignore_errors=True)


def _refuse_threads() -> None:
    """End here rather than fork while another thread may hold a lock."""
    if threads() > 1:
        os._exit(CROWDED)


def threads() -> int:
    """How many threads this process has, those of libraries included.

    Examples
    --------
    >>> threads() >= 1
    True
    """
    tasks = Path("/proc/self/task")
    if tasks.is_dir():
        return sum(1 for _ in tasks.iterdir())
    import threading

    return threading.active_count()


def end_with_parent(parent: int) -> None:
    """Have the kernel (Linux's) end this process when its parent dies, however that dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _kernel(connection: socket.socket, folder: Path, channel: socket.socket | None) -> None:
    from kpi_kit.batch.kernels.kernel import kernel  # it is among the last imports

    kernel(connection, folder, channel)


def main() -> None:
    """Import what computes, then serve."""
    for name in _SILENCED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    del sys.path[0]  # the current folder, which ``-m`` puts there, and a kernel does not
    from kpi_kit.batch.kernels.imports import warming
    from kpi_kit.batch.kernels.worker import worker

    owner = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    home, params = Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]
    del sys.argv[1:]
    gc.disable()
    server = Server(owner, home, {KERNEL: _kernel, WORKER: worker, COMPUTER: worker}, warming(home, *params))
    status = 1
    try:
        server.serve()
        status = 0
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        # an owner that was killed cannot clear up, neither after itself nor after a server that was
        shutil.rmtree(home.parent if server.orphaned else home, ignore_errors=True)
        os._exit(status)  # there is nothing that could be in order to leave behind


if __name__ == "__main__":
    main()
