"""The hashes of the inputs of reports as they are now, in the terms of the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kpi_kit.batch.fingerprints import InputHashes
from kpi_kit.data.store import Store
from kpi_kit.params import Params
from kpi_kit.scorecard import cohort

INPUTS = ("data", "params", "across")
"""The inputs that change figures; a newer kit or stylesheet does not make a report stale."""


class CurrentInputs:
    """Hashes of inputs as a run would make them now.

    Parameters
    ----------
    folder : Path
        The folder of the reports.
    params : Params
    store : Store
    """

    def __init__(self, folder: Path, params: Params, store: Store) -> None:
        self._folder, self._params, self._store = folder, params, store
        self._hashes = cache(self._hashes_of)

    def specialist(self, name: str, as_of: str, entry: Mapping[str, Any] | None = None) -> Mapping[str, str]:
        """The hashes of a person's inputs up to a cut-off, by :data:`INPUTS`.

        With the manifest's entry they are those by which a run decides: it does not read rows of which the
        entry shows that they are the same.
        """
        crossing, recorded = cohort.read(self._folder), None if entry is None else dict(entry)
        hashes = self._hashes(as_of).specialist(name, self._folder, crossing, recorded)
        return {key: hashes[key] for key in INPUTS}

    def department(self, reports: Mapping[str, Any]) -> Mapping[str, str]:
        """The hashes of what the department's page shows, from the manifest's reports and the params."""
        hashes = self._hashes("").department(self._folder, reports)
        return {key: hashes[key] for key in ("reports", "params")}

    def _hashes_of(self, as_of: str) -> InputHashes:
        settings = {"period": self._folder.name}
        return InputHashes(settings, loaded=self._params, store=self._store, as_of=as_of, files=())
