"""``manifest.json``: what became of each report of a period, durable as each ends."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from kpi_kit.batch.fingerprints import Inputs, of_file
from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import write_file
from kpi_kit.core.json_io import read_json
from kpi_kit.data.known import Known

SCHEMA = file_versions.current("manifest")
Entry = dict[str, Any]


class Manifest:
    """The manifest of a period.

    Parameters
    ----------
    folder : Path
        The folder of the reports.
    period : str
    known : collection of str
        The specialists that there are; what the file says of others is forgotten.

    Raises
    ------
    InputError
        Where there is a file of this name that is no manifest.
    """

    def __init__(self, folder: Path, period: str, known: Collection[str]) -> None:
        self.path = folder / "manifest.json"
        self._period, self._known = period, known
        self.as_of: str | None = None
        self.reports: dict[str, Entry] = {}
        self.department: Entry | None = None
        self.across: Entry | None = None
        self.checked: str | None = None
        self.known: Known | None = None
        self.rows: dict[str, str] = {}
        self._lines: dict[str, str] = {}
        self._seen: tuple[int, int] | None = None
        self._refresh()

    def _refresh(self) -> None:
        """Take what another run has written meanwhile; nothing where nobody has."""
        stamp = _stamp(self.path)
        if stamp is None or stamp == self._seen:
            return
        try:
            found = read_json(self.path)
            self.as_of, self.across, department = found["as_of"], found.get("across"), found.get("department")
            if self._seen is None:  # what is known of the data by now is newer than what another run knew
                self.checked, data = found.get("checked"), found.get("data")
                self.known, self.rows = (
                    data and Known.loads(data["known"]),
                    dict(data["rows"] if data else {}),
                )
            reports = {name: _entry(entry) for name, entry in dict(found["reports"]).items()}
            self.across, self.department = (each and _entry(each) for each in (self.across, department))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{self.path}: it is no manifest of this kit; move it away and run again"
            ) from None
        file_versions.refuse_other("manifest", found.get("schema", 1), self.path, InputError)
        self.reports |= {name: entry for name, entry in reports.items() if name in self._known}
        self._lines = {}
        self._seen = stamp

    def record(self, name: str, entry: Entry, as_of: str | None = None) -> None:
        """Note what became of a specialist's report, and write the file."""
        self._refresh()
        self.reports[name] = entry
        self._lines.pop(name, None)
        self.as_of = as_of or self.as_of
        self.save()

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
        data = {"known": self.known.dumps(), "rows": self.rows} if self.known else None
        others = {
            "across": self.across,
            "department": self.department,
            "checked": self.checked,
            "data": data,
        }
        tail = "".join(f",\n {_json(name)}: {_json(entry)}" for name, entry in others.items() if entry)
        write_file(self.path, f'{{\n{head} "reports": {{\n{reports}\n }}{tail}\n}}\n')
        sync_folder(self.path.parent)
        self._seen = _stamp(self.path)


def _entry(found: object) -> Entry:
    """What a file says of a report; the files that were made of it, where there are any, by name."""
    if not isinstance(found, dict) or not isinstance(found.get("outputs") or {}, dict):
        raise TypeError("an entry of the manifest is expected")
    return found


def up_to_date(entry: Entry | None, inputs: Inputs, folder: Path) -> bool:
    """Whether a report was made from these very inputs, and its files are those that were made."""
    if entry is None or entry.get("status") != "done" or entry.get("inputs") != inputs:
        return False
    outputs: Mapping[str, str] = entry.get("outputs") or {}
    return bool(outputs) and all(of_file(folder / name) == made for name, made in outputs.items())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
