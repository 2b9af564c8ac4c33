"""What each report is made from, as hashes: a report whose hashes are those of the last run is up to date."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kpi_kit.core.files import sha256, sha256_of_file
from kpi_kit.core.periods import Period
from kpi_kit.core.schema import TABLES, Type
from kpi_kit.core.versions import source, versions
from kpi_kit.data.extract import TEXT, has_large, narrowed
from kpi_kit.data.known import Known
from kpi_kit.data.open_inputs import owned, pass_on
from kpi_kit.data.store import TIMELESS, Store
from kpi_kit.data.validate import duplicates
from kpi_kit.params import Params, Specialist
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.windows import cut_off, needed_since

Inputs = dict[str, str]
"""A name for each kind of input, and its hash."""


class Freshness:
    """The inputs of the reports of a run.

    Parameters
    ----------
    settings : mapping
        What the run was asked for and a report shows: period, language, engine, folders.
    loaded : Params
    store : Store
        The data, open while this is used.
    as_of : str
        The data cut-off, or empty for the default.
    files : iterable of Path
        The stylesheet and whatever else all pages are made with.
    folder : Path or None
        Where rows of large tables may be kept, so that they are looked for once; None to look anew.
    kept : Path or None
        A folder into which nobody else can write, where the processes of the run keep what they have read.
    rows : mutable mapping of str to str
        The hashes of rows that an earlier run has computed; new ones are added.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        loaded: Params,
        store: Store,
        as_of: str,
        files: Iterable[Path],
        folder: Path | None = None,
        kept: Path | None = None,
        rows: MutableMapping[str, str] | None = None,
    ) -> None:
        self._settings, self._loaded, self._store = dict(settings), loaded, store
        period = Period.parse(settings["period"])
        self._as_of = cut_off(loaded.department, period, store, as_of or None)
        self._since = needed_since(loaded.department, period, self._as_of)
        self._files, self._folder, self._kept = tuple(files), folder, kept
        self._remembered = {} if rows is None else rows

    @cached_property
    def store(self) -> Store:
        """The data as far as they concern the people in params; what is read is checked, too."""
        if self._folder is None or not has_large(self._store):
            return self._store
        return narrowed(self._store, owned(self._loaded), self._since, self._folder)

    @cached_property
    def checked(self) -> str:
        """A hash of all data, and of all that decides whether they are sound."""
        department = self._loaded.department
        told: list[object] = [self._store.fingerprint, department.timezone, department.currency, self._kit]
        if has_large(self._store):
            told += [self._since.isoformat(), {key: sorted(own) for key, own in owned(self._loaded).items()}]
        return _of_text(told)

    @cached_property
    def known(self) -> Known:
        """What every process of the run may know of the data: CSV files are read once for all of them."""
        if self._folder is None:
            return self.store.known or self.store.learn()
        everyone = owned(self._loaded)
        store = narrowed(self.store, everyone, self._since, self._folder, TEXT)
        copies = duplicates(store, everyone)
        single = tuple(name for name in store.sources if name not in copies)
        return replace(store.known or store.learn(), single=single, kept=self._kept)

    @property
    def sound(self) -> str:
        """What tells notebooks that the data have been checked, and what is known of them."""
        return pass_on(self.known, self._loaded)

    @cached_property
    def _kit(self) -> str:
        return kit()

    @cached_property
    def _common(self) -> Inputs:
        return {
            "kit": self._kit,
            "style": _of_files(self._files),
            "settings": _of_text({**self._settings, "as_of": self._as_of.isoformat()}),
        }

    @cached_property
    def _slices(self) -> dict[str, dict[str, str]]:
        return slices(self.store, owned(self._loaded), self._since, self._as_of)

    def _rows(self, owners: Sequence[str]) -> str:
        """A hash of all rows of some accounts and brands that a report reads."""
        key = _of_text(
            [self._store.fingerprint, self._kit, self._as_of.isoformat(), str(self._since), owners]
        )
        if key not in self._remembered:
            rows = {table: [found.get(owner) for owner in owners] for table, found in self._slices.items()}
            self._remembered[key] = _of_text({"owners": owners, "rows": rows, "spans": self._spans})
        return self._remembered[key]

    def _people(self, person: Specialist) -> list[Specialist]:
        """A person, and those whom they stand in for."""
        colleagues = {colleague.id: colleague for colleague, _ in self._loaded.deputised(person.id)}
        return [person, *colleagues.values()]

    def _owners(self, person: Specialist) -> list[str]:
        accounts = {held.account for each in self._people(person) for held in each.accounts}
        return sorted({*accounts, *person.brands})

    def read_rows(self, names: Iterable[str]) -> None:
        """Read now the rows of some people that :meth:`specialist` needs."""
        for name in names:
            self._rows(self._owners(self._loaded.specialists[name]))

    def across(self) -> Inputs:
        """The inputs of what crosses specialists: all data, and all params."""
        department = _of_files(self._loaded.common_files)
        own = {"params": self._everyones_params, "department": department, "data": self._store.fingerprint}
        return {**self._common, **own}

    @cached_property
    def _everyones_params(self) -> str:
        files = sorted((self._loaded.folder / "specialists").glob("*.yml"))
        return _of_files([*self._loaded.common_files, *files])

    def specialist(self, name: str, notebook: Path, crossing: Cohort) -> Inputs:
        """The inputs of a person's report: their rows of the data, their params and the department's.

        Of what crosses specialists only the verdicts count: with each change of anybody's data or target
        the figures behind them move a little, and that makes nobody else's report wrong.
        """
        person = self._loaded.specialists[name]
        accounts = [held.account for each in self._people(person) for held in each.accounts]
        return {
            **self._common,
            "notebook": _of_files([notebook]),
            **self._own(person),
            "across": _of_text(self._verdicts(person, accounts, crossing)),
        }

    def forecasts(self, name: str) -> str:
        """A hash of what a person's past forecasts are made from."""
        return _of_text({**self._common, **self._own(self._loaded.specialists[name])})

    def _own(self, person: Specialist) -> Inputs:
        files = [
            *self._loaded.common_files,
            *(self._loaded.file_of(each.id) for each in self._people(person)),
        ]
        return {"params": _of_files(files), "data": self._rows(self._owners(person))}

    def _verdicts(self, person: Specialist, accounts: Iterable[str], crossing: Cohort) -> dict[str, Any]:
        """Whether the chances of a person's KPIs are reliable, and which weeks shook their platforms."""
        known = self._store.accounts
        platforms = {str(known.loc[account, "platform"]) for account in accounts if account in known.index}
        return {
            "reliable": {
                entry.kpi: crossing.backtest[entry.kpi].get("verdict")
                if entry.kpi in crossing.backtest
                else None
                for entry in person.kpis
            },
            "shocks": {
                f"{platform} {measure}": [[week["week"], week["common"]] for week in found.get("weeks", ())]
                for platform in platforms
                for measure, found in crossing.shocks.get(platform, {}).items()
            },
        }

    @property
    def _spans(self) -> str:
        """Where nothing says what was imported, the first and the last row of all do."""
        return "" if self._store.has_coverage else str(sorted(self._store.inferred_coverage.items()))

    def department(self, notebook: Path, reports: Mapping[str, Any]) -> Inputs:
        """The inputs of the department's report: what became of each of the others, and all names."""
        return {
            **self._common,
            "notebook": _of_files([notebook]),
            "params": self._everyones_params,
            "reports": _of_text(
                {
                    name: [entry["status"], entry["error"], entry.get("outputs", {}).get(f"{name}.json")]
                    for name, entry in reports.items()
                }
            ),
        }


def kit() -> str:
    """A hash of the kit: its version, its files, and the versions of what it computes and draws with."""
    return _of_text({"versions": versions(), "files": source()})


def slices(
    store: Store, owned: Mapping[str, Collection[str]], since: dt.datetime, as_of: dt.datetime
) -> dict[str, dict[str, str]]:
    """For each table a hash of those rows of each account or brand that reports read.

    The order of rows does not matter. DuckDB computes it, one pass a table, whatever its size.

    Parameters
    ----------
    store : Store
    owned : mapping of str to collection of str
        The accounts by ``account_id``, the brands by ``brand``.
    since, as_of : datetime
        Rows before and after are not read; see :meth:`kpi_kit.data.store.Store.slice`.
    """
    found = {}
    for name in store.sources:
        first = None if name in TIMELESS else since
        where, moments = _within(name, first, as_of)
        rows = f"SELECT * FROM ({store.theirs(name, owned, first)}) WHERE {where}"
        counted = store.query(
            f"SELECT _owner, count(*), CAST(sum(hash(t)) AS VARCHAR) FROM ({rows}) t GROUP BY 1", moments
        )
        found[name] = {str(whose): f"{count}:{total}" for whose, count, total in counted}
    return found


def _within(name: str, first: dt.datetime | None, as_of: dt.datetime) -> tuple[str, list[str]]:
    """SQL of the time from which rows are read, with its values."""
    table = TABLES[name]
    if table.clock is None or name == "coverage":
        return "true", []
    moment = "CAST(? AS TIMESTAMPTZ)"
    until = f"CAST({moment} AS DATE)" if table[table.clock].type is Type.DATE else moment
    held = {
        f"{table.clock} >= {moment}": first,
        f"{table.clock} <= {until}": None if table.scheduled else as_of,
    }
    told = {sql: value.isoformat() for sql, value in held.items() if value is not None}
    return " AND ".join(["true", *told]), list(told.values())


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
    return _of_text([of_file(file) for file in files])


def _of_text(value: object) -> str:
    return sha256(json.dumps(value, ensure_ascii=False, sort_keys=True))
