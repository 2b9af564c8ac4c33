"""What one process of a run has read, kept for those that need the same."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from kpi_kit.core.files import write_file

T = TypeVar("T")
_SPARE = 2**30
"""Bytes of the disk that are left to others."""


def kept(path: Path, read: Callable[[], T]) -> T:
    """What was kept in a file; where it is not there, what is read now, which is kept then.

    Only processes of the run may be able to write into the folder: what is there is unpickled.

    Parameters
    ----------
    path : Path
        Where it is kept. Where there is no such folder, or little room, it is read only.
    read : callable
        Reads it.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "figures.pickle"
    ...     kept(path, lambda: [1, 2]), kept(path, lambda: [3])
    ([1, 2], [1, 2])
    >>> kept(Path("nowhere") / "figures.pickle", lambda: [3])
    [3]
    """
    content = None
    with suppress(OSError):
        content = path.read_bytes()
    if content is not None:
        return pickle.loads(content)  # type: ignore[no-any-return]  # it is what was read
    found = read()
    with suppress(OSError):
        _keep(path, pickle.dumps(found))
    return found


def _keep(path: Path, content: bytes) -> None:
    """Whole or not at all: others may be looking; and not where others need the room more."""
    if shutil.disk_usage(path.parent).free < _SPARE + len(content):
        return
    write_file(path, content)
