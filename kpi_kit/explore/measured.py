"""KPIs of any accounts and people, measured together: tables are read once, units are made once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.core.model import Kpi, Measurement
from kpi_kit.core.periods import Period, midnight
from kpi_kit.data.store import Store, known_at
from kpi_kit.kpis import UnitFrame
from kpi_kit.kpis.engine.day_grid import Grid
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.params import Entry, Params, Specialist, TargetParams
from kpi_kit.params.records import Assignment
from kpi_kit.scorecard.context import Context, counts_own_days
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.windows import cut_off, needed_since

_SHARED = ("rows", "tables", "stocks", "totals", "setting", "_inquiries", "_coverage_rows", "_covered")
"""What contexts of one cut-off share; ``_grids`` they fill together."""


def plain_entry(params: Params, kpi: str, accounts: Sequence[str] = (), brands: Sequence[str] = ()) -> Entry:
    """An entry that measures a KPI as a value; its target is never asked for."""
    raw = {
        "kpi": kpi,
        "accounts": tuple(accounts) or None,
        "brands": tuple(brands) or None,
        "target": TargetParams(at_least=1.0),
        "weight": 1.0,
    }
    return Entry.model_validate(raw, context={"formulas": params.formulas})


class Known:
    """The data of the whole agency as they were known at a cut-off.

    Parameters
    ----------
    params : Params
    store : Store
    holder : Specialist
        Someone with every account and brand.
    rows : mapping of str to DataFrame
        The rows of every table up to this cut-off or later.
    as_of : datetime
    period : Period
        Any period up to the cut-off.
    """

    def __init__(
        self,
        params: Params,
        store: Store,
        holder: Specialist,
        rows: dict[str, pd.DataFrame],
        as_of: dt.datetime,
        period: Period,
    ) -> None:
        self._whole = Context(params, holder, period, as_of, store)
        self._whole.__dict__["rows"] = known_at(rows, as_of, params.department.timezone)
        self._frames: dict[tuple[object, ...], UnitFrame] = {}
        self._tallies: dict[tuple[object, ...], Tally] = {}
        self._grids: dict[Any, Grid] = {}
        self.as_of = as_of

    @property
    def params(self) -> Params:
        """The params of the agency."""
        return self._whole.params

    @property
    def catalogue(self) -> dict[str, Kpi]:
        """The KPIs of the kit and of the agency, by id."""
        return self._whole.params.catalogue

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that formulas read."""
        return self._whole.tables

    def context(self, person: Specialist, period: Period) -> Context:
        """The context of a person and a period, with these data."""
        whole = self._whole
        context = Context(whole.params, person, period, self.as_of, whole.store)
        for name in _SHARED:
            context.__dict__[name] = getattr(whole, name)
        context.__dict__["_grids"] = self._grids
        return context

    def everyone(self, period: Period) -> Context:
        """The context of someone with every account and brand."""
        return self.context(self._whole.person, period)

    def frame(self, entry: Entry) -> UnitFrame:
        """The units of an entry, of all accounts and brands."""
        platforms = entry.platforms if entry.definition.scope == "brand" else None
        key = (entry.kpi, entry.sentiment, platforms)
        if key not in self._frames:
            self._frames[key] = Facts(self._whole, entry).frame
        return self._frames[key]

    def ever_covered(self, kpi: Kpi, owners: Sequence[str]) -> list[str]:
        """The accounts or brands of which the tables of a KPI have been imported, whatever the days."""
        covered = self._whole._covered
        return [owner for owner in owners if all(owner in covered.get(table, {}) for table in kpi.tables)]

    def facts(self, context: Context, entry: Entry) -> Facts:
        """The facts of an entry, with its units."""
        facts = Facts(context, entry)
        facts.__dict__["frame"] = self.frame(entry)
        return facts

    def measured(self, context: Context, entry: Entry) -> Measurement:
        """The value of an entry in the period of a context, on the days that count for its person."""
        kpi, period = entry.definition, context.period
        grid = self._own_grid(context, entry)
        windows = grid.windows or {}
        is_absent = kpi.delegable and any(
            absence.since < period.end and period.start < absence.until for absence in context.person.absences
        )
        if not is_absent and all(windows[owner] == [(period.start, period.end)] for owner in grid.owners):
            whole = self.whole(entry, period)
            return whole.measure(0, np.isin(whole.grid.owners, grid.owners))
        frame = context.without_absences(self.frame(entry)) if kpi.delegable else self.frame(entry)
        return context.tally(kpi, frame, grid).measure(0)

    def value(self, context: Context, entry: Entry) -> float | None:
        """The value, change or growth of an entry in the period of a context."""
        if entry.as_ == "value":
            return self.measured(context, entry).value
        return self.facts(context, entry).measurement.value

    def _own_grid(self, context: Context, entry: Entry) -> Grid:
        """The grid of a context, made once for the entries whose owners and days are the same."""
        made: dict[tuple[object, ...], Grid] = context.__dict__.setdefault("_own_grids", {})
        kpi = entry.definition
        counted = counts_own_days(entry), kpi.delegable
        key = (kpi.scope, counted, entry.accounts, entry.platforms, entry.brands)
        if key not in made:
            made[key] = context.own_grid(entry)
        return made[key]

    def whole(self, entry: Entry, period: Period) -> Tally:
        """The sums of an entry's KPI by account or brand in a period, on all days."""
        kpi: Kpi = entry.definition
        key = (entry.kpi, entry.sentiment, entry.platforms if kpi.scope == "brand" else None, period)
        if key not in self._tallies:
            context = self.everyone(period)
            grid = context.grid(context.owners(plain_entry(context.params, entry.kpi)), [period])
            self._tallies[key] = context.tally(kpi, self.frame(entry), grid)
        return self._tallies[key]


class Measurer:
    """The data of an agency at any cut-off, read once.

    Parameters
    ----------
    params : Params
    store : Store
    """

    def __init__(self, params: Params, store: Store) -> None:
        self.params, self.store = params, store
        self._rows: tuple[dt.datetime, dt.datetime, dict[str, pd.DataFrame]] | None = None
        self._known: dict[dt.datetime, Known] = {}

    @cached_property
    def holder(self) -> Specialist:
        """Someone with every account and brand of the data and the params."""
        brands = [brand for person in self.params.specialists.values() for brand in person.brands]
        for table in ("mentions", "brand_queries"):
            if table in self.store.sources:
                brands += [str(brand) for brand in self.store.frame(table)["brand"].unique()]
        return Specialist.model_construct(
            id="everyone",
            name="everyone",
            duties=(),
            accounts=tuple(Assignment(account=str(name)) for name in self.store.accounts.index),
            brands=tuple(dict.fromkeys(brands)),
            kpis=(),
            absences=(),
        )

    def cut_off(self, period: Period) -> dt.datetime:
        """The usual cut-off of a period."""
        return cut_off(self.params.department, period, self.store)

    def at(self, as_of: dt.datetime, first: Period) -> Known:
        """The data known at a cut-off, for periods since a first one."""
        since = needed_since(self.params.department, first, as_of)
        if self._rows is None or since < self._rows[0] or as_of > self._rows[1]:
            since = since if self._rows is None else min(since, self._rows[0])
            end = self.store.covered_until
            until = as_of if end is None else max(as_of, midnight(end, self.params.department.zone))
            accounts = [held.account for held in self.holder.accounts]
            rows = self.store.slice(accounts, self.holder.brands, since, until)
            self._rows, self._known = (since, until, rows), {}
        if as_of not in self._known:
            self._known.clear()  # each holds the units of every KPI
            self._known[as_of] = Known(self.params, self.store, self.holder, self._rows[2], as_of, first)
        return self._known[as_of]
