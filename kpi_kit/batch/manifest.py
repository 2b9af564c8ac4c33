"""``manifest.json``: how each report of a period ended, written when it ends."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from kpi_kit.batch.fingerprints import Entry, Inputs
from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import sync, write_file
from kpi_kit.core.json_io import read_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.store import Stamp, stamp_of

SCHEMA = file_versions.current("manifest")


class Manifest:
    """The manifest of a period.

    Parameters
    ----------
    folder : Path
        The folder of the reports.
    period : str
    people : collection of str
        The specialists in params; entries of others are dropped.

    Raises
    ------
    InputError
        Where there is a file of this name that is no manifest.
    """

    def __init__(self, folder: Path, period: str, people: Collection[str]) -> None:
        self.path = folder / "manifest.json"
        self._period, self._people = period, people
        self.as_of: str | None = None
        self.reports: dict[str, Entry] = {}
        self.department: Entry | None = None
        self.across: Entry | None = None
        self._lines: dict[str, str] = {}
        self._seen: Stamp | None = None
        self._refresh()

    def _refresh(self) -> None:
        """Take what another run has written meanwhile; nothing where nobody has."""
        stamp = _stamp(self.path)
        if stamp is None or stamp == self._seen:
            return
        try:
            content = read_json(self.path)
            self.as_of = content["as_of"]
            reports = {name: _entry(entry) for name, entry in dict(content["reports"]).items()}
            across, department = content.get("across"), content.get("department")
            self.across, self.department = across and _entry(across), department and _entry(department)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(Phrase("batch.no_manifest", file=self.path)) from None
        file_versions.refuse_other("manifest", content.get("schema", 1), self.path, InputError)
        self.reports |= {name: entry for name, entry in reports.items() if name in self._people}
        self._lines = {}
        self._seen = stamp

    def record(self, name: str, entry: Entry, as_of: str | None = None) -> None:
        """Note what became of a specialist's report, and write the file."""
        self._refresh()
        self.reports[name] = entry
        self._lines.pop(name, None)
        self.as_of = as_of or self.as_of
        self.save()

    def confirm(self, name: str, inputs: Inputs) -> None:
        """Note that a report would be made from these inputs, which say the same as those recorded."""
        entry = self.reports[name]
        if entry.get("inputs") != inputs:
            self.reports[name] = {**entry, "inputs": inputs}
            self._lines.pop(name, None)

    def record_across(self, entry: Entry) -> None:
        """Note what the files that cross specialists were made from, and write the file."""
        self._refresh()
        self.across = entry
        self.save()

    def record_department(self, entry: Entry) -> None:
        """Note what became of the department's report, and write the file."""
        self._refresh()
        self.department = entry
        self.save()

    def save(self) -> None:
        """Write the file so that it is old or new, never a part, even where the power fails.

        A line a report: those that have not changed are not put into words again.
        """
        for name in self.reports.keys() - self._lines.keys():
            self._lines[name] = f"  {_json(name)}: {_json(self.reports[name])}"
        reports = ",\n".join(self._lines[name] for name in sorted(self.reports))
        head = f' "schema": {SCHEMA},\n "period": {_json(self._period)},\n "as_of": {_json(self.as_of)},\n'
        others = {"across": self.across, "department": self.department}
        tail = "".join(f",\n {_json(name)}: {_json(entry)}" for name, entry in others.items() if entry)
        write_file(self.path, f'{{\n{head} "reports": {{\n{reports}\n }}{tail}\n}}\n')
        sync(self.path.parent)
        self._seen = _stamp(self.path)


def _entry(value: object) -> Entry:
    """What a file says of a report: a mapping, in which inputs and outputs have names."""
    if not isinstance(value, dict):
        raise TypeError("an entry of the manifest is expected")
    if not all(isinstance(value.get(part) or {}, dict) for part in ("inputs", "outputs")):
        raise TypeError("names of inputs and outputs are expected")
    return value


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stamp(path: Path) -> Stamp | None:
    return stamp_of(path) if path.exists() else None
