"""What a forked process does that is to call functions."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from kpi_kit.batch.kernels import client


def worker(connection: socket.socket, folder: Path, channel: socket.socket | None) -> None:
    """Call one function after the other, and send what each returned, or raised, until the client goes."""
    client.inherit(channel)
    folder.mkdir(mode=0o700)
    tempfile.tempdir = str(folder)  # temporary files go with it
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is in the result
    gc.enable()
    with suppress(EOFError, ConnectionError):
        while True:
            client.send(connection, _answer(client.receive(connection)))
            sys.stdout.flush()
            sys.stderr.flush()


def _answer(message: bytes) -> bytes:
    folder, function, args, kwargs = pickle.loads(message)
    try:
        os.chdir(folder)
        answer = (True, function(*args, **kwargs))
    except Exception as fault:
        answer = (False, fault)
    return pickle.dumps(answer)
