"""Commands in processes of their own, forked from one that has imported the kit: its imports take seconds.

::

    with WarmCommands() as commands:
        code, output, problems = commands.run(["score", "--json"], encoding="ascii")

A forked process makes its standard streams as Python does at its start, and ends as Python ends.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMPORTED = ("score", "check", "mail", "run", "imports", "what_if", "verify", "catalogue")


class WarmCommands:
    """The process that forks others."""

    def __enter__(self) -> WarmCommands:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=ROOT
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.wait()

    def run(
        self,
        words: Sequence[str],
        *,
        stdout: int | None = None,
        closed: bool = False,
        encoding: str = "utf-8",
    ) -> tuple[int, bytes, bytes]:
        """The exit code, the output and the errors of a command.

        ``stdout`` is a descriptor that takes the output; ``closed`` gives the command no standard output.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as problems:
            order = json.dumps({"words": list(words), "closed": closed, "encoding": encoding})
            taker = output.fileno() if stdout is None else stdout
            socket.send_fds(self._socket, [order.encode()], [taker, problems.fileno()])
            code = int(self._socket.recv(16).decode())
            for file in (output, problems):
                file.seek(0)
            return code, output.read(), problems.read()


def serve(connection: socket.socket) -> None:
    """Fork a process for each order; the forked process returns from here when its command has ended."""
    while True:
        order, descriptors, _, _ = socket.recv_fds(connection, 10_000, 2)
        if not order:
            return
        child = os.fork()
        if child == 0:
            connection.close()
            carry_out(json.loads(order), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def carry_out(order: dict[str, object], stdout: int, stderr: int) -> None:
    """Run the command of an order and end as ``python -m kpi_kit`` does."""
    from kpi_kit.cli.main import main

    for descriptor, place in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.stdout = sys.__stdout__ = stream(1, order, "strict")
    sys.stderr = sys.__stderr__ = stream(2, order, "backslashreplace")
    if order["closed"]:
        sys.stdout = sys.__stdout__ = None
        os.close(1)
    sys.exit(main(order["words"]))


def stream(descriptor: int, order: dict[str, object], errors: str) -> io.TextIOWrapper:
    """A standard stream, as ``PYTHONIOENCODING`` makes it."""
    return open(descriptor, "w", encoding=str(order["encoding"]), errors=errors, closefd=False)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for name in IMPORTED:
        importlib.import_module(f"kpi_kit.cli.{name}")
    serve(socket.socket(fileno=int(sys.argv[1])))
