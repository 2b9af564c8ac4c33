"""Scratch folders of runs, and locks between runs that write into one folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase

PERIODS = "index.html"
"""The list of periods in the folder of reports."""
PAYOUT = "payout.xlsx"
"""The payout statement of a period, beside its reports."""
SNAPSHOT = ".snapshot"
"""The folder of the snapshot in the scratch folder of a run: no specialist has this id."""


def has_manifest(folder: Path) -> bool:
    """Whether a run has left its manifest in a folder; where no folder can be, none has.

    Examples
    --------
    >>> has_manifest(Path("x" * 300))
    False
    """
    with suppress(OSError):
        return (folder / "manifest.json").is_file()
    return False


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder in a folder, on the same file system, so that moving a file out of it is atomic.

    It is locked while its run lives, so that the next run can tell the remains of one that was killed.
    Folders that were made for nothing go again.

    Raises
    ------
    InputError
        Where it cannot be made.
    """
    new: list[Path] = []
    try:
        new += [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            _sweep(folder)
            made = Path(tempfile.mkdtemp(prefix=".work-", dir=folder))
            lock = _lock(made)
    except OSError as fault:
        _remove_empty(new)
        raise InputError(Phrase("core.reports_not_writable", path=folder, reason=reason_of(fault))) from None
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        _unlock(lock)
        _remove_empty(new)


def _remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, as long as nothing is in them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _sweep(folder: Path) -> None:
    """Remove the scratch folders of runs that are no more."""
    for left in folder.glob(".work-*"):
        with suppress(OSError):
            lock = _lock(left)
            if lock is not None:
                shutil.rmtree(left, ignore_errors=True)
            _unlock(lock)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One run at a time works on a folder: makes its scratch folder, or moves files into place."""
    lock = _lock(folder, wait=True)
    try:
        yield
    finally:
        _unlock(lock)


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """Lock a folder until it is unlocked or this process ends; None where it is not to be had."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # a live run has it, or the file system knows no locks
        os.close(handle)
        return None
    return handle


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
