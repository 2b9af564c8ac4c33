"""``import kpi_kit as kk``: open an agency's data and params once, then explore them.

>>> import kpi_kit as kk
>>> agency = kk.open("data/sample", "params")
>>> card = agency.score("anna-petrova", "2025-10")
>>> round(card["churn_rate"].value, 4)
0.0253
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.schema import TABLES
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.data.store import Store
from kpi_kit.explore.card import Card, Record
from kpi_kit.explore.comparison import Comparison
from kpi_kit.explore.explorer import Explorer, is_live
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import Params
from kpi_kit.report import inputs, wording
from kpi_kit.scorecard import cohort
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.windows import last_full_month

__all__ = ["Agency", "Card", "Comparison", "Explorer", "Record", "open"]


def open(data: str | Path, params: str | Path, *, out: str | Path = "reports") -> Agency:
    """Open an agency: read its params, check its data.

    Parameters
    ----------
    data : str or Path
        A data folder or database. In a notebook of ``notebooks/`` relative paths start at the project.
    params : str or Path
        The folder of ``department.yml``.
    out : str or Path
        The folder of reports; the cohort of a run (back-test, common shocks) is read from there.

    Returns
    -------
    Agency

    Raises
    ------
    KitError
        With every problem of the department's params and of the data, a sentence each.

    Examples
    --------
    >>> open("data/sample", "params")
    Агентство «Маяк»: 6 specialists, 16 accounts, data until 2025-12-01
    """
    places = inputs.folders({"data": str(data), "params": str(params)})
    loaded, store = open_inputs(places["data"], places["params"])
    return Agency(loaded, store, inputs.resolve(str(out)))


class Agency:
    """Opened data and params; :func:`open` makes one.

    Data and params are read once: after an import or a change of params open again.

    Parameters
    ----------
    params : Params
    store : Store
    out : Path
    """

    def __init__(self, params: Params, store: Store, out: Path) -> None:
        self.params = params
        self.store = store
        self._out = out
        self._cards: dict[tuple[str, str, str | None], Card] = {}

    def __repr__(self) -> str:
        people, broken = len(self.params.specialists), len(self.params.broken)
        parts = [f"{people} specialists", f"{len(self.store.accounts)} accounts"]
        parts += [f"{broken} files that cannot be used"] if broken else []
        until = self.store.covered_until
        parts += ["no data" if until is None else f"data through {until - dt.timedelta(days=1)}"]
        return f"{self.params.department.agency}: {', '.join(parts)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the data."""
        self.store.close()

    # ---------------------------------------------------------------- contents

    @property
    def specialists(self) -> pd.DataFrame:
        """The people by id: name, accounts, brands, and how many KPIs they have.

        Files that cannot be used are in ``agency.params.broken``, with their problems.
        """
        people = self.params.specialists
        rows = {
            name: {
                "name": person.name,
                "accounts": ", ".join(dict.fromkeys(held.account for held in person.accounts)),
                "brands": ", ".join(person.brands),
                "kpis": len(person.kpis),
            }
            for name, person in people.items()
        }
        return pd.DataFrame.from_dict(
            rows, orient="index", columns=["name", "accounts", "brands", "kpis"]
        ).rename_axis("specialist")

    @property
    def kpis(self) -> pd.DataFrame:
        """The catalogue by id: name, formula, family, unit, and which way is better."""
        words = wording.words(self.params.department.language)
        rows = {
            kpi.id: {
                "name": words.text(f"kpi.{kpi.id}.name"),
                "formula": words.text(f"kpi.{kpi.id}.formula"),
                "family": kpi.family,
                "unit": str(kpi.unit),
                "better": str(kpi.better),
            }
            for kpi in CATALOGUE.values()
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("kpi")

    @property
    def accounts(self) -> pd.DataFrame:
        """The table ``accounts``."""
        return self.table("accounts")

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that the data have."""
        return tuple(self.store.sources)

    def table(self, name: str) -> pd.DataFrame:
        """A whole table of the data; a column that the files lack is all unknown.

        Examples
        --------
        >>> open("data/sample", "params").table("post")
        Traceback (most recent call last):
        kpi_kit.core.errors.InputError: there is no table 'post'; did you mean posts?
        """
        if name not in TABLES:
            raise InputError(f"there is no table {name!r}{did_you_mean(name, TABLES)}")
        return self.store.frame(name)

    @cached_property
    def periods(self) -> tuple[str, ...]:
        """The full months that the data cover, the latest first."""
        begins = [span[0] for span in self.store.inferred_coverage.values()]
        if not begins:
            return ()
        months = [last_full_month(self.store)]
        first = Period.containing(min(begins), Grain.MONTH)
        while months[-1].previous.start > first.start:
            months.append(months[-1].previous)
        return tuple(map(str, months))

    # ---------------------------------------------------------------- results

    def score(self, specialist: str, period: str | None = None, *, as_of: str | None = None) -> Card:
        """The scorecard of a person and a period; a second call returns the same object.

        Parameters
        ----------
        specialist : str
            The id: one of ``agency.specialists.index``.
        period : str, optional
            ``2025-10``, ``2025-Q4``, ``2025-W41`` or ``2025``; by default the last full month.
        as_of : str, optional
            The data cut-off; by default the end of the period plus the settling days.

        Raises
        ------
        KitError
            Where there is no such specialist or period, or their file cannot be used.

        Examples
        --------
        >>> open("data/sample", "params").score("ana-petrova")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kpi_kit.core.errors.InputError: specialist 'ana-petrova': ...; did you mean anna-petrova?
        """
        when = last_full_month(self.store) if period is None else Period.parse(period)
        key = (specialist, str(when), as_of)
        if key not in self._cards:
            case = prepare(specialist, when, params=self.params, store=self.store, as_of=as_of)
            self._cards[key] = Card(case, cohort.read(self._out / str(when)))
        return self._cards[key]

    def __getitem__(self, key: tuple[str, str]) -> Card:
        """``agency["anna-petrova", "2025-10"]``, with both completed by Tab."""
        return self.score(*key)

    def _ipython_key_completions_(self) -> list[tuple[str, str]]:
        return [(person, period) for person in self.params.specialists for period in self.periods]

    def compare(self, specialist: str, *periods: str) -> Comparison:
        """The scorecards of a person side by side, by default of the last full month and the one before.

        Each column is the scorecard of its period: its targets, and the accounts of that time. Whether
        a change is real is what the scorecard itself says, like for like.

        Examples
        --------
        >>> found = open("data/sample", "params").compare("anna-petrova", "2025-09", "2025-10")
        >>> list(found.frame.columns)
        ['2025-09', '2025-10', 'difference']
        """
        last = last_full_month(self.store)
        names = periods or (str(last.previous), str(last))
        return Comparison([self.score(specialist, period) for period in names])

    def explore(
        self, specialist: str | None = None, period: str | None = None, *, live: bool | None = None
    ) -> Explorer:
        """Widgets to choose a person, a period and a KPI, and panels that show them.

        Parameters
        ----------
        specialist, period : str, optional
            The first choice; by default the first person and the last full month.
        live : bool, optional
            Whether widgets are shown; by default where a browser page has started the kernel and
            ipywidgets is installed.

        Examples
        --------
        >>> view = open("data/sample", "params").explore("anna-petrova", "2025-10")
        >>> view.choose(kpi="leads")
        >>> view.figure()
        agency.score("anna-petrova", "2025-10")["leads"]
        """
        first = next(iter(self.params.specialists), "") if specialist is None else specialist
        when = str(last_full_month(self.store)) if period is None else str(Period.parse(period))
        return Explorer(self, first, when, live=is_live() if live is None else live)
