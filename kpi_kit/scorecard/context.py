"""The context of a scorecard: params, tables and grids for one person and period, prepared once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from kpi_kit.core.errors import InputError, SpecialistError, did_you_mean
from kpi_kit.core.model import Kpi
from kpi_kit.core.periods import Period, midnight
from kpi_kit.data.store import Store
from kpi_kit.kpis.engine.aggregate import tally
from kpi_kit.kpis.engine.day_grid import Bools, Grid, day_number, local_days
from kpi_kit.kpis.engine.stocks import StockIndex
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.kpis.engine.unit_frame import Clock, Setting
from kpi_kit.kpis.response import always, business_hours
from kpi_kit.params import Department, Entry, Params, Specialist
from kpi_kit.scorecard.windows import buckets_of, cut_off, full_weeks, known_until, needed_since, settled_on

Window = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Context:
    """What is needed to measure one person over one period.

    Parameters
    ----------
    params : Params
    person : Specialist
    period : Period
    as_of : datetime
        The data cut-off.
    store : Store
    """

    params: Params
    person: Specialist
    period: Period
    as_of: dt.datetime
    store: Store

    @property
    def department(self) -> Department:
        """The department's params."""
        return self.params.department

    @property
    def interim(self) -> bool:
        """Whether the period is not over at the cut-off."""
        return self.as_of < midnight(self.period.end, self.department.zone)

    @property
    def settled_on(self) -> dt.datetime:
        """The instant at which the last posts of the period are settled."""
        return settled_on(self.department, self.period)

    @property
    def known_until(self) -> dt.date:
        """The first day that was not over at the cut-off."""
        return known_until(self.department, self.as_of)

    @cached_property
    def held(self) -> dict[str, list[Window]]:
        """The person's accounts in the period, each with the days of its assignments."""
        windows: dict[str, list[Window]] = {}
        for assignment in self.person.accounts:
            overlap = _overlap(assignment.window, (self.period.start, self.period.end))
            if overlap:
                windows.setdefault(assignment.account, []).append(overlap)
        return windows

    @cached_property
    def deputised(self) -> dict[str, list[Window]]:
        """The accounts for which the person is a deputy in the period, each with the days."""
        windows: dict[str, list[Window]] = {}
        for colleague, absence in self.params.deputised(self.person.id):
            for assignment in colleague.accounts:
                away = _overlap((absence.since, absence.until), (self.period.start, self.period.end))
                overlap = away and _overlap(away, assignment.window)
                if overlap and assignment.account in self.store.accounts.index:
                    windows.setdefault(assignment.account, []).append(overlap)
        return windows

    @property
    def absent_days(self) -> int:
        """The days of the person's absences in the period before the cut-off."""
        end = min(self.period.end, self.known_until)
        return sum(
            (until - since).days
            for absence in self.person.absences
            for since, until in [
                _overlap((absence.since, absence.until), (self.period.start, end)) or (end, end)
            ]
        )

    @property
    def owned(self) -> dict[str, list[str]]:
        """The accounts and brands whose rows are read, including those held as a deputy."""
        return {"account_id": [*self.held, *self.deputised], "brand": list(self.person.brands)}

    @cached_property
    def history(self) -> list[Period]:
        """The periods of the history, the reported one last."""
        return self.period.history(self.department.history.periods)

    @cached_property
    def buckets(self) -> list[Period]:
        """Consecutive periods from a year before the history's first to the reported one."""
        return buckets_of(self.department, self.period)

    @cached_property
    def weeks(self) -> list[Period]:
        """The last full weeks before the end of the period and the cut-off."""
        return full_weeks(self.department, self.period, self.as_of)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The rows of :attr:`owned`, by table."""
        since = needed_since(self.department, self.period, self.as_of)
        return self.store.slice([*self.held, *self.deputised], self.person.brands, since, self.as_of)

    @cached_property
    def stocks(self) -> StockIndex:
        """An index of the subscribers of the accounts."""
        return StockIndex.of(self.tables["audience"])

    @cached_property
    def setting(self) -> Setting:
        """The settings that formulas may use."""
        rules = self.department.response
        elapsed: Clock = always
        if rules.calendar == "business":
            first, last = self._clock_span()
            elapsed = business_hours(self.department.timezone, *rules.hours, rules.country, first, last)
        return Setting(
            zone=self.department.timezone,
            as_of=pd.Timestamp(self.as_of).tz_convert("UTC"),
            settle=pd.Timedelta(days=self.department.posts.settle_days),
            tolerance=pd.Timedelta(hours=self.department.posts.on_time_tolerance_hours),
            sla_hours=rules.sla_hours,
            elapsed_hours=elapsed,
        )

    def _clock_span(self) -> Window:
        received = self.tables["inquiries"]["received_at"]
        first = received.min().date() if len(received) else self.period.start
        return first - dt.timedelta(days=7), self.as_of.date() + dt.timedelta(days=7)

    @cached_property
    def _covered(self) -> dict[str, dict[str, list[Window]]]:
        return self.store.covered([*self.held, *self.deputised, *self.person.brands])

    def owners(self, entry: Entry) -> tuple[str, ...]:
        """The person's own accounts or brands in the scope of an entry."""
        if entry.definition.scope == "brand":
            return tuple(brand for brand in self.person.brands if not entry.brands or brand in entry.brands)
        return tuple(account for account in self.held if self._in_scope(account, entry))

    def _in_scope(self, account: str, entry: Entry) -> bool:
        platform = self.store.accounts.loc[account, "platform"]
        return (not entry.accounts or account in entry.accounts) and (
            not entry.platforms or platform in entry.platforms
        )

    @cached_property
    def _grids(self) -> dict[tuple[object, ...], Grid]:
        """A cache of :meth:`grid`: entries of the same scope share grids."""
        return {}

    def grid(self, owners: tuple[str, ...], buckets: list[Period]) -> Grid:
        """The grid of consecutive buckets over accounts or brands, on all days."""
        key = (owners, buckets[0], buckets[-1])
        if key not in self._grids:
            self._grids[key] = self._new_grid(
                owners, [*(bucket.start for bucket in buckets), buckets[-1].end]
            )
        return self._grids[key]

    def daily(self, owners: tuple[str, ...], first: dt.date, end: dt.date) -> Grid:
        """The grid of the days from ``first`` up to ``end`` as one bucket."""
        return self._new_grid(owners, [first, end])

    def _new_grid(self, owners: tuple[str, ...], bounds: list[dt.date]) -> Grid:
        return Grid(
            owners=owners,
            bounds=np.array([day_number(day) for day in bounds], dtype="int64"),
            windows=None,
            opened=self.store.opened,
            known_until=day_number(self.known_until),
            zone=self.department.timezone,
            covered=self._covered,
            minimum=self.department.coverage.minimum,
        )

    def own_grid(self, entry: Entry) -> Grid:
        """The grid of the period, on the days held."""
        own = self.owners(entry)
        grid = self.grid(own, [self.period])
        if entry.definition.scope == "brand":
            return grid
        windows = {account: self.held[account] for account in own}
        if entry.definition.delegable:
            for account, days in self.deputised.items():
                if self._in_scope(account, entry):
                    windows[account] = [*windows.get(account, ()), *days]
        return replace(grid, owners=tuple(windows), windows=windows)

    def wholly_held(self, owners: tuple[str, ...], entry: Entry) -> Bools:
        """Which owners the person held on every day of the period."""
        if entry.definition.scope == "brand":
            return np.ones(len(owners), bool)
        days = [sum((until - since).days for since, until in self.held[account]) for account in owners]
        whole: Bools = np.array(days, dtype="int64") == self.period.days
        return whole

    def tally(self, kpi: Kpi, frame: pd.DataFrame, grid: Grid) -> Tally:
        """Add up the units of a frame by owner and bucket."""
        return tally(kpi, frame, grid, self.stocks)

    def without_absences(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The units outside the person's absences; the others count for the deputy."""
        days = local_days(frame["at"], self.department.timezone)
        away = np.zeros(len(frame), bool)
        for absence in self.person.absences:
            away |= (days >= day_number(absence.since)) & (days < day_number(absence.until))
        return frame[~away]


def prepare(
    person: str, period: Period, *, params: Params, store: Store, as_of: str | dt.datetime | None = None
) -> Context:
    """Prepare the context of a scorecard.

    Parameters
    ----------
    person : str
        Id of a specialist.
    period : Period
    params : Params
    store : Store
    as_of : str or datetime, optional
        The data cut-off, see :func:`cut_off`.

    Raises
    ------
    InputError
        Where there is no such specialist.
    SpecialistError
        Where their file cannot be used, or names accounts that are not in the data.
    """
    if person in params.broken:
        raise SpecialistError(params.broken[person])
    if person not in params.specialists:
        known = [*params.specialists, *params.broken]
        place = f"{params.folder / 'specialists'}{did_you_mean(person, known)}"
        raise InputError(f"specialist {person!r}: there is no such file in {place}")
    moment = cut_off(params.department, period, store, as_of)
    context = Context(params, params.specialists[person], period, moment, store)
    problems = list(_unknown_scopes(context))
    if problems:
        raise SpecialistError(problems)
    return context


def _overlap(first: Window, second: Window) -> Window | None:
    since, until = max(first[0], second[0]), min(first[1], second[1])
    return (since, until) if since < until else None


def _unknown_scopes(context: Context) -> Iterator[str]:
    """Problems: accounts that are not in the data, and entries without an account in their scope."""
    file = context.params.file_of(context.person.id)
    known = context.store.accounts.index
    named = dict.fromkeys(assignment.account for assignment in context.person.accounts)
    unknown = [account for account in named if account not in known]
    for account in unknown:
        hint = did_you_mean(account, known)
        yield f"{file}: accounts: there is no account {account!r} in the table accounts{hint}"
    if unknown:
        return
    platforms = {str(context.store.accounts.loc[account, "platform"]) for account in named}
    for number, entry in enumerate(context.person.kpis, start=1):
        if (
            entry.definition.scope == "account_id"
            and entry.platforms
            and not platforms & set(entry.platforms)
        ):
            actual = ", ".join(sorted(platforms)) or "no accounts"
            where = f"{file}: kpis, entry {number} ({entry.kpi}): platforms"
            yield f"{where}: none of the accounts is on {', '.join(entry.platforms)}, found {actual}"
