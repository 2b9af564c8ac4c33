"""Change a data folder as a transaction: one writer at a time, all files at once.

An import writes its files to a folder beside the data folder. Renaming that folder commits the import. The
files are then moved into place; after a crash, the next process that opens the data folder moves the rest.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.files import sync
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase

_PATIENCE = 60.0
_PLAN = "plan.json"


@contextmanager
def exclusive(folder: Path, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock of a data folder; another import waits for it.

    Raises
    ------
    InputError
        Where the other import takes too long.
    """
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock.acquire(timeout=patience):
            yield
    except Timeout:
        raise InputError(Phrase("data.other_import", folder=folder, seconds=round(patience))) from None
    except OSError as fault:
        raise InputError(
            Phrase("data.no_room_beside", folder=folder.parent, reason=reason_of(fault))
        ) from None


def scratch_prefix(folder: Path) -> str:
    """Return the beginning of the names of scratch folders for a data folder."""
    return f".{folder.name}-import-"


def _ready(folder: Path) -> Path:
    return folder.parent / f"{scratch_prefix(folder)}ready"


def publish(folder: Path, scratch: Path, new: Sequence[str], gone: Sequence[str]) -> None:
    """Commit an import, and move its files into place.

    Parameters
    ----------
    folder : Path
        The data folder.
    scratch : Path
        A folder beside it; the new files are in its folder ``new``.
    new, gone : sequence of str
        Names in the data folder: files to add, and files and folders to remove.
    """
    plan = scratch / _PLAN
    plan.write_text(json.dumps({"new": list(new), "gone": list(gone)}), encoding="utf-8")
    for path in (*(scratch / "new" / name for name in new), plan, scratch):
        sync(path)
    scratch.rename(_ready(folder))  # this commits the import
    sync(folder.parent)
    try:
        finish(folder)
    except OSError as fault:
        raise InputError(Phrase("data.not_all_moved", folder=folder, reason=reason_of(fault))) from None


def pending(folder: Path) -> bool:
    """Return whether a committed import has files that are not in place yet."""
    return (_ready(folder) / _PLAN).is_file()


def settle(folder: Path) -> None:
    """Wait for a committed import to move its files, or move them where its process died.

    Raises
    ------
    InputError
        Where that cannot be done here.
    """
    if pending(folder):
        with exclusive(folder):
            finish(folder)


def finish(folder: Path) -> None:
    """Finish a committed import that was interrupted, if any; the caller holds the lock."""
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
    """Return the files that a plan adds and those that it removes.

    Raises
    ------
    InputError
        Where a name leads out of the data folder: the plan may come from anybody.
    """
    try:
        content = read_json(plan)
        new, gone = list(content["new"]), list(content["gone"])
        root = folder.resolve()
        for name in (*new, *gone):
            path = folder / name
            outside = {".", ".."} & set(Path(name).parts) or Path(name).is_absolute() or path == folder
            if outside or not path.parent.resolve().is_relative_to(root):
                raise ValueError(f"{name!r:.100} is not in the data folder")
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise InputError(Phrase("data.not_a_plan", file=plan, fault=fault, folder=plan.parent.name)) from None
    return new, gone


def remove_leftovers(folder: Path) -> None:
    """Remove the scratch folders of killed imports; the caller holds the lock."""
    for leftover in folder.parent.glob(f"{scratch_prefix(folder)}*"):
        if leftover != _ready(folder):
            shutil.rmtree(leftover, ignore_errors=True)
