"""Signals that end a command as Ctrl-C does, so that it removes its temporary files."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_OF_A_QUERY = "Query interrupted"
"""What DuckDB raises in place of KeyboardInterrupt when a signal comes during a query."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Within this, SIGTERM and SIGHUP raise KeyboardInterrupt as Ctrl-C does.

    A signal that is already handled or ignored, for example by ``nohup``, stays as it is.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, signal.default_int_handler)
    try:
        yield
    except RuntimeError as fault:
        if str(fault) != _OF_A_QUERY:
            raise
        raise KeyboardInterrupt from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def kill_session(pid: int) -> None:
    """Kill a process that was started in a session of its own, and all that it has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return
    kill_tree(pid)


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants, also where there are no groups of processes."""
    import psutil

    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [*parent.children(recursive=True), parent]:
            with suppress(psutil.Error):
                process.kill()
