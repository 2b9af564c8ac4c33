"""What a forked process does that is to be a kernel."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from ipykernel.kernelapp import IPKernelApp

from kpi_kit.batch.kernels import client

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

_SET_AT_IMPORT = {"PYDEVD_USE_FRAME_EVAL": "NO"}
"""What the debugger of a kernel puts into the environment when it is imported."""
_LONGEST = 90
"""The longest folder name in which sockets can be; a path of theirs has at most 107 bytes."""


class ForkedKernelApp(IPKernelApp):
    """ipykernel's application, given its connection by word of mouth instead of by a file."""

    given: dict[str, Any] = {}

    def init_connection_file(self) -> None:
        """Take what was given."""
        self.load_connection_info(cast("KernelConnectionInfo", self.given))

    def write_connection_file(self, **_: Any) -> None:
        """The client knows it already."""


def kernel(connection: socket.socket, folder: Path, _: socket.socket | None) -> None:
    """Be a kernel: in the client's environment and folder, with fresh dice.

    The client learns of the sockets when they are bound.
    """
    asked = json.loads(client.receive(connection))
    _take_environment(asked["env"])
    os.chdir(asked["cwd"])
    np.random.seed()  # noqa: NPY002  # Python's own dice are thrown anew by the fork
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[:] = ["ipykernel_launcher", *asked["arguments"]]
    gc.enable()
    ForkedKernelApp.given = {"key": asked["key"], "signature_scheme": asked["signature_scheme"]}
    ForkedKernelApp.given |= _place_of_sockets(folder)
    # a parent of 1 is taken for none, and so nobody polls for it: the server sees to this process's end
    app: Any = ForkedKernelApp.instance(connection_file=str(folder / "kernel.json"), parent_handle=1)
    app.initialize(asked["arguments"])
    ports = {f"{name}_port": port for name, port in app._ports.items()}
    client.send(
        connection,
        json.dumps(
            {"pid": os.getpid(), "folder": str(folder), "ip": app.ip, "transport": app.transport, **ports}
        ).encode(),
    )
    app.start()


def _take_environment(env: dict[str, str]) -> None:
    """What was read from the environment at import is read again."""
    os.environ.clear()
    os.environ.update({**_SET_AT_IMPORT, **env})
    time.tzset()
    backend = env.get("MPLBACKEND")
    if backend:
        import matplotlib as mpl

        mpl.rcParams["backend"] = backend


def _place_of_sockets(folder: Path) -> dict[str, Any]:
    """In a folder that other users cannot enter; where its name is too long for that, on loopback."""
    folder.mkdir(mode=0o700)
    if len(os.fsencode(folder)) > _LONGEST:
        return {"transport": "tcp", "ip": "127.0.0.1"}
    return {"transport": "ipc", "ip": str(folder / "k")}
