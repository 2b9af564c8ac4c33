"""Open params and data together, and check them."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import weakref
from dataclasses import replace
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.data import validate
from kpi_kit.data.snapshot import Snapshot, has_large, made_of, narrowed, open_snapshot, owned
from kpi_kit.data.store import Store, look
from kpi_kit.params import Params
from kpi_kit.params import load as load_params

SNAPSHOT = "KPI_KIT_SNAPSHOT"
"""The environment variable in which a run names its snapshot to its notebooks."""


def open_inputs(
    data: Path,
    params: Path,
    *,
    check: bool = True,
    whole: bool = False,
    snapshot: Snapshot | None = None,
) -> tuple[Params, Store]:
    """Read params, open the data, and check both.

    Inside a run both are those of its snapshot, which has been checked.

    Parameters
    ----------
    data, params : Path
    check : bool
        Whether to look at rows; without it only at which tables and columns there are.
    whole : bool
        Whether to look at all rows, also of large tables, and not only at those of the accounts and
        brands in params.
    snapshot : Snapshot, optional
        A snapshot of these folders; by default the one that the environment names, if it is of them.

    Returns
    -------
    Params, Store

    Raises
    ------
    InputError
        With every problem of ``department.yml`` and of the data tables.
    """
    snapshot = snapshot or named_snapshot(data, params)
    if snapshot is not None:
        return open_snapshot(snapshot, params, whole=whole)
    loaded = load_params(params)
    # the name is chosen before the store is opened, because queries reach no folder that is added later
    scratch = Path(tempfile.gettempdir()).resolve() / f"kpi-rows-{uuid.uuid4().hex}"
    store = look(data, loaded.department.timezone, also=(scratch,))
    if not store.faults:
        if not check:
            return loaded, store
        if not whole and has_large(store):
            store = _of_people(store, loaded, scratch)
    problems = validate.problems(store)
    if problems:
        store.close()
        raise InputError(problems)
    return loaded, store


def _of_people(store: Store, loaded: Params, folder: Path) -> Store:
    """The same data with those rows of large tables that concern anybody, in a folder that goes with it."""
    folder.mkdir(mode=0o700)
    scratch = weakref.finalize(store.connection, shutil.rmtree, folder, ignore_errors=True)
    return replace(narrowed(store, owned(loaded), None, folder), scratch=scratch)


def named_snapshot(data: Path, params: Path) -> Snapshot | None:
    """The snapshot that the environment names, where it was made of these folders.

    Raises
    ------
    InputError
        Where it is not the one that the run has made.
    """
    text = os.environ.get(SNAPSHOT)
    if not text:
        return None
    snapshot = Snapshot.parse(text)
    return snapshot if made_of(snapshot, data, params) else None


def folders(data: Path, params: Path) -> tuple[Path, Path]:
    """The folders to read in place of these: inside a run those of its snapshot."""
    snapshot = named_snapshot(data, params)
    return (data, params) if snapshot is None else (snapshot.data, snapshot.params)
