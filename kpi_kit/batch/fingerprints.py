"""What each report is made from, as hashes: a report is up to date while they are those of its last run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from kpi_kit.core.files import sha256, sha256_of_file
from kpi_kit.core.periods import Period
from kpi_kit.core.schema import TABLES, Type
from kpi_kit.core.versions import source, versions
from kpi_kit.data.snapshot import owned
from kpi_kit.data.store import TIMELESS, Store
from kpi_kit.params import Params, Specialist, comment_file
from kpi_kit.params.comments import DEPARTMENT
from kpi_kit.scorecard.cohort import Cohort, pool_of
from kpi_kit.scorecard.windows import cut_off, needed_since

Inputs = dict[str, str]
"""A hash for each kind of input."""

Entry = dict[str, Any]
"""What a manifest records of a report."""


class InputHashes:
    """The hashes of the inputs of reports as they are now.

    Parameters
    ----------
    settings : mapping
        The arguments of the run that a report shows: period, language, engine, folders.
    loaded : Params
    store : Store
        The data, open while this is used.
    as_of : str
        The data cut-off, or empty for the default.
    files : iterable of Path
        The files of the style.
    """

    def __init__(
        self, settings: Mapping[str, str], *, loaded: Params, store: Store, as_of: str, files: Iterable[Path]
    ) -> None:
        self._settings, self._loaded, self._store = dict(settings), loaded, store
        period = Period.parse(settings["period"])
        self._as_of = cut_off(loaded.department, period, store, as_of or None)
        self._since = needed_since(loaded.department, period, self._as_of)
        self._files = tuple(files)
        self._rows_of: dict[tuple[str, ...], str] = {}

    @cached_property
    def _common(self) -> Inputs:
        return {
            "kit": kit(),
            "style": _of_files(self._files),
            "settings": _of_json({**self._settings, "as_of": self._as_of.isoformat()}),
        }

    # ---- one person

    def specialist(self, name: str, notebook: Path, cohort: Cohort, entry: Entry | None = None) -> Inputs:
        """The inputs of a person's report: their params and the department's, and the rows of their accounts.

        Of the files for the cohort only the verdicts count: the figures behind them change a little with
        every change of anybody's data, and that makes nobody else's report wrong.

        Parameters
        ----------
        name : str
        notebook : Path
        cohort : Cohort
        entry : mapping or None
            What the manifest records of the report; where that shows that its rows are the same, they are
            not read.
        """
        person = self._loaded.specialists[name]
        verdicts = _of_json(self._verdicts(person, cohort))
        own = {**self._common, "notebook": _of_files([notebook]), "across": verdicts}
        own |= self._params_and_rows(person, entry)
        return own | {"params": self._with_comment(own["params"], name)}

    def forecasts(self, name: str) -> str:
        """A hash of the inputs of a person's past forecasts."""
        own = self._params_and_rows(self._loaded.specialists[name])
        return _of_json({**self._common, "params": own["params"], "data": own["data"]})

    def _params_and_rows(self, person: Specialist, entry: Entry | None = None) -> Inputs:
        people = self._people(person)
        files = [*self._loaded.common_files, *(self._loaded.file_of(each.id) for each in people)]
        params = _of_files(files)

        def whole(rows: object) -> str:
            """A hash of all that decides which rows are read, and of their hash."""
            return _of_json([self._store.fingerprint, params, self._as_of.isoformat(), rows])

        recorded = (entry or {}).get("inputs") or {}
        rows = recorded.get("data")
        if rows is None or recorded.get("files") != whole(rows):
            accounts = {held.account for each in people for held in each.accounts}
            rows = self._rows(tuple(sorted({*accounts, *person.brands})))
        return {"params": params, "data": rows, "files": whole(rows)}

    def _with_comment(self, params: str, name: str) -> str:
        """A hash of params and of a comment; without a comment that of the params."""
        comment = of_file(comment_file(self._loaded.folder, self._settings["period"], name))
        return params if comment is None else _of_json([params, comment])

    def _people(self, person: Specialist) -> list[Specialist]:
        """A person, and those whom they stand in for."""
        colleagues = {colleague.id: colleague for colleague, _ in self._loaded.deputised(person.id)}
        return [person, *colleagues.values()]

    def _verdicts(self, person: Specialist, cohort: Cohort) -> dict[str, Any]:
        """Whether the chances of a person's KPIs are reliable, and which weeks shook their platforms."""
        accounts = self._store.accounts
        held = {assignment.account for each in self._people(person) for assignment in each.accounts}
        platforms = {str(accounts.loc[account, "platform"]) for account in held if account in accounts.index}
        return {
            "reliable": {
                pool_of(entry.kpi, entry.as_): None if check is None else check.get("verdict")
                for entry in person.kpis
                for check in [cohort.check_of(entry.kpi, entry.as_)]
            },
            "shocks": {
                f"{platform} {measure}": [[week["week"], week["common"]] for week in shock.get("weeks", ())]
                for platform in platforms
                for measure, shock in cohort.shocks.get(platform, {}).items()
            },
        }

    # ---- rows

    def _rows(self, owners: tuple[str, ...]) -> str:
        """A hash of all rows of some accounts and brands that a report reads."""
        if owners not in self._rows_of:
            rows = {table: [hashes.get(owner) for owner in owners] for table, hashes in self._slices.items()}
            self._rows_of[owners] = _of_json({"owners": owners, "rows": rows, "spans": self._spans})
        return self._rows_of[owners]

    @cached_property
    def _slices(self) -> dict[str, dict[str, str]]:
        return slices(self._store, owned(self._loaded), self._since, self._as_of)

    @property
    def _spans(self) -> str:
        """The first and the last row of each table, where no table ``coverage`` says what was imported."""
        return "" if self._store.has_coverage else str(sorted(self._store.inferred_coverage.items()))

    # ---- everyone

    def across(self) -> Inputs:
        """The inputs of the files for the cohort: all data, and all params."""
        return {
            **self._common,
            "params": self._everyones_params,
            "department": _of_files(self._loaded.common_files),
            "data": self._store.fingerprint,
        }

    def department(self, notebook: Path, reports: Mapping[str, Any]) -> Inputs:
        """The inputs of the department's report: the fate of the others, names, a comment, ``import.yml``."""
        statuses = {
            name: [entry["status"], entry["error"], entry.get("outputs", {}).get(f"{name}.json")]
            for name, entry in reports.items()
        }
        return {
            **self._common,
            "notebook": _of_files([notebook]),
            "params": self._with_comment(self._everyones_params, DEPARTMENT),
            "reports": _of_json(statuses),
            "expected": str(of_file(self._loaded.folder / "import.yml")),
        }

    @cached_property
    def _everyones_params(self) -> str:
        files = sorted((self._loaded.folder / "specialists").glob("*.yml"))
        return _of_files([*self._loaded.common_files, *files])


def kit() -> str:
    """A hash of the kit: its version, its files, and the versions of what it computes and draws with."""
    return _of_json({"versions": versions(), "files": source()})


def slices(
    store: Store, owned: Mapping[str, Collection[str]], since: dt.datetime, as_of: dt.datetime
) -> dict[str, dict[str, str]]:
    """For each table a hash of those rows of each account or brand that reports read.

    The order of rows does not matter. DuckDB computes it in one pass a table.

    Parameters
    ----------
    store : Store
    owned : mapping of str to collection of str
        The accounts by ``account_id``, the brands by ``brand``.
    since, as_of : datetime
        Rows before and after are not read; see :meth:`kpi_kit.data.store.Store.slice`.
    """
    hashes = {}
    for name in store.sources:
        first = None if name in TIMELESS else since
        where, moments = _within(name, first, as_of)
        rows = f"SELECT * FROM ({store.rows_of(name, owned, first)}) WHERE {where}"
        sums = store.query(
            f"SELECT _owner, count(*), CAST(sum(hash(t)) AS VARCHAR) FROM ({rows}) t GROUP BY 1", moments
        )
        hashes[name] = {str(owner): f"{count}:{total}" for owner, count, total in sums}
    return hashes


def _within(name: str, first: dt.datetime | None, as_of: dt.datetime) -> tuple[str, list[str]]:
    """SQL of the time from which rows are read, with its values."""
    table = TABLES[name]
    if table.clock is None or name == "coverage":
        return "true", []
    moment = "CAST(? AS TIMESTAMPTZ)"
    until = f"CAST({moment} AS DATE)" if table[table.clock].type is Type.DATE else moment
    bounds = {
        f"{table.clock} >= {moment}": first,
        f"{table.clock} <= {until}": None if table.scheduled else as_of,
    }
    values = {sql: bound.isoformat() for sql, bound in bounds.items() if bound is not None}
    return " AND ".join(["true", *values]), list(values.values())


# ---- one decision for all who ask whether a report is up to date


def changed_inputs(entry: Mapping[str, Any], inputs: Mapping[str, str]) -> list[str]:
    """The inputs that are others than those from which a report was made.

    Other files of data are no change where the rows that the report reads are the same.

    Examples
    --------
    >>> entry = {"inputs": {"files": "1", "data": "2", "params": "3"}}
    >>> changed_inputs(entry, {"files": "9", "data": "2", "params": "9"})
    ['params']
    """
    recorded = entry.get("inputs") or {}
    return [part for part, now in inputs.items() if part != "files" and recorded.get(part) != now]


def as_made(entry: Mapping[str, Any], folder: Path, names: Sequence[str] | None = None) -> bool:
    """Whether the files of a report, or those of some names, are those that a run has made."""
    outputs: Mapping[str, str] = entry.get("outputs") or {}
    made = {name: outputs.get(name) for name in (outputs if names is None else names)}
    return bool(made) and all(
        digest is not None and of_file(folder / name) == digest for name, digest in made.items()
    )


def up_to_date(entry: Entry | None, inputs: Mapping[str, str], folder: Path) -> bool:
    """Whether a report was made from these very inputs, and its files are those that were made.

    A payout statement may be signed: one that was changed by hand is no reason to make it again.
    """
    if entry is None or entry.get("status") != "done":
        return False
    names = [
        name
        for name in entry.get("outputs") or {}
        if not (name.endswith(".xlsx") and (folder / name).exists())
    ]
    return not changed_inputs(entry, inputs) and as_made(entry, folder, names)


# ---- hashes


def of_file(path: Path) -> str | None:
    """A hash of a file; None where it is not there.

    Examples
    --------
    >>> of_file(Path("nowhere")) is None
    True
    """
    try:
        return sha256_of_file(path)
    except OSError:
        return None


def _of_files(files: Iterable[Path]) -> str:
    return _of_json([of_file(file) for file in files])


def _of_json(value: object) -> str:
    return sha256(json.dumps(value, ensure_ascii=False, sort_keys=True))
