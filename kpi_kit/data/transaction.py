"""How a data folder changes: by one writer at a time, and all at once.

An import puts its files into a folder beside the data folder and gives it a name by which it counts. From
then on it is only a matter of moving: whoever opens the data folder next, to write or to read, finishes
what a crash has interrupted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kpi_kit.core.errors import InputError
from kpi_kit.core.json_io import read_json

_PATIENCE = 60.0
_PLAN = "plan.json"


@contextmanager
def alone(folder: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Let one import at a time write to a data folder; another waits for its turn.

    Raises
    ------
    InputError
        Where the other takes too long.
    """
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock.acquire(timeout=patience):
            yield
    except Timeout:
        raise InputError(
            f"{folder}: another import has been writing to it for {patience:.0f} seconds; try "
            "again when it is done"
        ) from None
    except OSError as fault:
        raise InputError(f"{folder.parent}: cannot be written to ({fault.strerror})") from None


def beside(folder: Path) -> str:
    """How the names of folders begin in which imports into a data folder work."""
    return f".{folder.name}-import-"


def _ready(folder: Path) -> Path:
    return folder.parent / f"{beside(folder)}ready"


def publish(folder: Path, scratch: Path, new: Sequence[str], gone: Sequence[str]) -> None:
    """Put files into their places; what a crash interrupts, the next who opens the folder finishes.

    Parameters
    ----------
    folder : Path
        The data folder.
    scratch : Path
        Beside it; the files are in its folder ``new``.
    new, gone : sequence of str
        Names in the data folder of files that come, and of files and folders that go.
    """
    plan = scratch / _PLAN
    plan.write_text(json.dumps({"new": list(new), "gone": list(gone)}), encoding="utf-8")
    for path in (*(scratch / "new" / name for name in new), plan, scratch):
        _sync(path)
    scratch.rename(_ready(folder))  # from here on the import counts
    _sync(folder.parent)
    try:
        finish(folder)
    except OSError as fault:
        raise InputError(
            f"{folder}: the import counts, but its files could not all be moved ({fault.strerror}); "
            "whatever opens the folder next goes on with it"
        ) from None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def pending(folder: Path) -> bool:
    """Whether an import that counts has files that are not yet in their places."""
    return (_ready(folder) / _PLAN).is_file()


def settle(folder: Path) -> None:
    """Wait for an import that is putting its files into place, or finish one that died of it.

    Raises
    ------
    InputError
        Where that cannot be done here.
    """
    if pending(folder):
        with alone(folder):
            finish(folder)


def finish(folder: Path) -> None:
    """Finish an import that was decided on and then interrupted, where there is one; call it alone."""
    ready = _ready(folder)
    if pending(folder):
        new, gone = _planned(ready / _PLAN, folder)
        for name in new:
            source, target = ready / "new" / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
        for name in gone:
            target = folder / name
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            elif name not in new:
                target.unlink(missing_ok=True)
        (ready / _PLAN).unlink()
    shutil.rmtree(ready, ignore_errors=True)


def _planned(plan: Path, folder: Path) -> tuple[list[str], list[str]]:
    """The files of a plan that come, and those that go, all of them in the data folder.

    Raises
    ------
    InputError
        Where it is none: what is beside a data folder may have come with it, from anybody.
    """
    try:
        told = read_json(plan)
        new, gone = list(told["new"]), list(told["gone"])
        whole = folder.resolve()
        for name in (*new, *gone):
            path = folder / name
            outside = {".", ".."} & set(Path(name).parts) or Path(name).is_absolute() or path == folder
            if outside or not path.parent.resolve().is_relative_to(whole):
                raise ValueError(f"{name!r:.100} is not in the data folder")
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise InputError(
            f"{plan}: is no plan of an import ({fault}); remove {plan.parent.name} if you know nothing of it"
        ) from None
    return new, gone


def sweep(folder: Path) -> None:
    """Remove what imports that were killed have left; call it alone."""
    for left in folder.parent.glob(f"{beside(folder)}*"):
        if left != _ready(folder):
            shutil.rmtree(left, ignore_errors=True)
