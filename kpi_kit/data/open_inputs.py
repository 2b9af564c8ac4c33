"""Open params and data together, check them, and tell other processes that they have been checked."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
import weakref
from dataclasses import replace
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.data import validate
from kpi_kit.data.extract import has_large, narrowed
from kpi_kit.data.known import Known
from kpi_kit.data.store import Store, look
from kpi_kit.params import Params
from kpi_kit.params import load as load_params

CHECKED = "KPI_KIT_CHECKED"
"""The environment variable in which a run tells its notebooks which data it has checked for all of them."""


def open_inputs(data: Path, params: Path, *, check: bool = True, whole: bool = False) -> tuple[Params, Store]:
    """Read params, open the data, and check both.

    Parameters
    ----------
    data, params : Path
    check : bool
        Whether to look at rows; without it only at which tables and columns there are.
    whole : bool
        Whether to look at all rows, also of large tables, and not only at those of the accounts and
        brands in params.

    Returns
    -------
    Params, Store

    Raises
    ------
    InputError
        With every problem of ``department.yml`` and of the data tables.
    """
    loaded = load_params(params)
    # made where it is needed; queries must be told of it before
    scratch = Path(tempfile.gettempdir()).resolve() / f"kpi-rows-{uuid.uuid4().hex}"
    store = look(data, loaded.department.timezone, _told(loaded), also=(scratch,))
    if not store.faults:
        if not check or store.known is not None:
            return loaded, store
        if not whole and has_large(store):
            store = _of_people(store, loaded, scratch)
    problems = validate.problems(store, loaded.department.currency)
    if problems:
        store.close()
        raise InputError(problems)
    return loaded, store


def _of_people(store: Store, loaded: Params, folder: Path) -> Store:
    """Those rows of large tables that concern anybody, in a folder that goes with the store."""
    folder.mkdir(mode=0o700)
    scratch = weakref.finalize(store.connection, shutil.rmtree, folder, ignore_errors=True)
    return replace(narrowed(store, owned(loaded), None, folder), scratch=scratch)


def owned(loaded: Params) -> dict[str, set[str]]:
    """The accounts and brands of all specialists."""
    people = loaded.specialists.values()
    return {
        "account_id": {held.account for person in people for held in person.accounts},
        "brand": {brand for person in people for brand in person.brands},
    }


def pass_on(known: Known, loaded: Params) -> str:
    """The text in which a run tells its notebooks what it knows of the data, and that it has checked them."""
    kept = None if known.kept is None else str(known.kept.resolve())
    return json.dumps([_against(loaded), known.dumps(), kept])


def _told(loaded: Params) -> Known | None:
    """What a run knows of the data; None where there is no run, or it checked them against other params."""
    text = os.environ.get(CHECKED)
    if text is None:
        return None
    try:
        against, known, kept = json.loads(text)
        if against != _against(loaded):
            return None
        return replace(Known.loads(known), kept=None if kept is None else Path(kept))
    except (ValueError, TypeError, AttributeError):
        return None


def _against(loaded: Params) -> list[str | None]:
    return [loaded.department.timezone, loaded.department.currency]
