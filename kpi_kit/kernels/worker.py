"""What a forked process does that is to call one function."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import socket
import sys
import tempfile
from pathlib import Path

from kpi_kit.kernels import client


def worker(connection: socket.socket, folder: Path, channel: socket.socket | None) -> None:
    """Call a function and send what it returned, or raised; its temporary files go with it."""
    client.inherit(channel)
    folder.mkdir(mode=0o700)
    tempfile.tempdir = str(folder)
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the result
    gc.enable()
    folder_now, function, args, kwargs = pickle.loads(client.receive(connection))
    try:
        os.chdir(folder_now)
        answer = (True, function(*args, **kwargs))
    except Exception as fault:
        answer = (False, fault)
    client.send(connection, pickle.dumps(answer))
    sys.stdout.flush()
    sys.stderr.flush()
