"""What each report is made from, as hashes: a report whose hashes are those of the last run is up to date."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from kpi_kit.across import Across
from kpi_kit.case import cut_off
from kpi_kit.params import Params, Specialist
from kpi_kit.periods import Period
from kpi_kit.provenance import LIBRARIES, source
from kpi_kit.scorecard import checked
from kpi_kit.store import Store
from kpi_kit.tables import TABLES, Type

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
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        *,
        loaded: Params,
        store: Store,
        as_of: str,
        files: Iterable[Path],
    ) -> None:
        self._settings, self._loaded, self._store = dict(settings), loaded, store
        self._as_of = cut_off(loaded.department, Period.parse(settings["period"]), store, as_of or None)
        self._files = tuple(files)

    @cached_property
    def checked(self) -> str:
        """A hash of all data, and of all that decides whether they are sound."""
        return _of_text([self.sound, kit()])

    @cached_property
    def sound(self) -> str:
        """What names the data once they have been checked."""
        return checked(self._store, self._loaded)

    @cached_property
    def _common(self) -> Inputs:
        return {
            "kit": kit(),
            "style": _of_files(self._files),
            "settings": _of_text({**self._settings, "as_of": self._as_of.isoformat()}),
        }

    @cached_property
    def _slices(self) -> dict[str, dict[str, str]]:
        return slices(self._store, self._as_of)

    def across(self) -> Inputs:
        """The inputs of what crosses specialists: all rows, and all params."""
        rows = {table: sorted(found.items()) for table, found in self._slices.items()}
        return {
            **self._common,
            "params": self._everyones_params,
            "data": _of_text({"rows": rows, "spans": self._spans}),
        }

    @cached_property
    def _everyones_params(self) -> str:
        files = sorted((self._loaded.folder / "specialists").glob("*.yml"))
        return _of_files([*self._loaded.common_files, *files])

    def specialist(self, name: str, notebook: Path, crossing: Across) -> Inputs:
        """The inputs of a person's report: their rows of the data, their params and the department's.

        Of what crosses specialists only the verdicts count: with each change of anybody's data or target
        the figures behind them move a little, and that makes nobody else's report wrong.
        """
        person = self._loaded.specialists[name]
        colleagues = {colleague.id: colleague for colleague, _ in self._loaded.deputised(name)}
        people = [person, *colleagues.values()]
        accounts = [held.account for each in people for held in each.accounts]
        owners = sorted({*accounts, *person.brands})
        rows = {table: [found.get(owner) for owner in owners] for table, found in self._slices.items()}
        files = [*self._loaded.common_files, *(self._loaded.file_of(each.id) for each in people)]
        return {
            **self._common,
            "notebook": _of_files([notebook]),
            "params": _of_files(files),
            "data": _of_text({"owners": owners, "rows": rows, "spans": self._spans}),
            "across": _of_text(self._verdicts(person, accounts, crossing)),
        }

    def _verdicts(self, person: Specialist, accounts: Iterable[str], crossing: Across) -> dict[str, Any]:
        """Whether the chances of a person's KPIs are reliable, and which weeks shook their platforms."""
        known = self._store.accounts
        platforms = {str(known.loc[account, "platform"]) for account in accounts if account in known.index}
        return {
            "reliable": {
                entry.kpi: crossing.backtest.get(entry.kpi, {}).get("verdict") for entry in person.kpis
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
    versions = {name: metadata.version(name) for name in ("kpi-kit", *LIBRARIES)}
    return _of_text({"versions": versions, "files": source()})


def slices(store: Store, as_of: dt.datetime) -> dict[str, dict[str, str]]:
    """For each table a hash of the rows of each account or brand that are not timed after the cut-off.

    The order of rows does not matter. DuckDB computes it, one pass a table, whatever its size.
    """
    found = {}
    for name, home in store.sources.items():
        table = TABLES[name]
        owner, rows, values = _owner(name), f"({home.typed()})", []
        if name == "post_stats":
            if "posts" not in store.sources:
                continue
            posts = store.sources["posts"].typed()
            rows = f"(SELECT s.*, p.account_id FROM {rows} s JOIN ({posts}) p USING (post_id))"
        where = "true"
        if table.clock and not table.scheduled and name != "coverage":
            day = table[table.clock].type is Type.DATE
            moment = "CAST(? AS TIMESTAMPTZ)"
            where = f"{table.clock} <= " + (f"CAST({moment} AS DATE)" if day else moment)
            values = [as_of.isoformat()]
        sql = (
            f"SELECT {owner}, count(*), CAST(sum(hash(t)) AS VARCHAR) FROM {rows} t WHERE {where} GROUP BY 1"
        )
        found[name] = {str(whose): f"{count}:{total}" for whose, count, total in store.query(sql, values)}
    return found


def _owner(table: str) -> str:
    """The column that says whose a row is."""
    if table == "coverage":
        return "scope"
    return TABLES[table].scope or "account_id"


def of_file(path: Path) -> str | None:
    """A hash of a file; None where it is not there.

    Examples
    --------
    >>> of_file(Path("nowhere")) is None
    True
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None


def _of_files(files: Iterable[Path]) -> str:
    return _of_text([of_file(file) for file in files])


def _of_text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
