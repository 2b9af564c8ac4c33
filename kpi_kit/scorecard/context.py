"""The context of a scorecard: params, tables and grids for one person and period, prepared once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.core.doubtful_counts import doubtful
from kpi_kit.core.errors import InputError, SpecialistError, did_you_mean
from kpi_kit.core.model import Aggregation, Kpi
from kpi_kit.core.periods import Period, midnight
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.store import Store
from kpi_kit.kpis.engine.aggregate import tally
from kpi_kit.kpis.engine.business_clock import business_clock
from kpi_kit.kpis.engine.day_grid import Bools, Grid, day_number, local_days
from kpi_kit.kpis.engine.inquiries import all_inquiries
from kpi_kit.kpis.engine.post_figures import with_increments
from kpi_kit.kpis.engine.stocks import STALE_DAYS, StockIndex
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.kpis.engine.tiling import Totals
from kpi_kit.kpis.engine.unit_frame import Clock, Setting
from kpi_kit.kpis.response import always
from kpi_kit.params import Department, Entry, Params, Specialist
from kpi_kit.params.targets import Milestone
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
        """Number of days of the period before the cut-off on which the person is absent."""
        end = max(self.period.start, min(self.period.end, self.known_until))
        present = sum((until - since).days for since, until in self.present([(self.period.start, end)]))
        return (end - self.period.start).days - present

    def present(self, windows: list[Window]) -> list[Window]:
        """The days of some windows on which the person is present."""
        for absence in self.person.absences:
            outside = (dt.date.min, absence.since), (absence.until, dt.date.max)
            windows = [both for part in outside for window in windows if (both := _overlap(part, window))]
        return sorted(windows)

    @property
    def owned(self) -> dict[str, list[str]]:
        """The accounts and brands whose rows are read, including those of absent colleagues."""
        brands = [brand for person in (self.person, *self.absent_colleagues) for brand in person.brands]
        return {"account_id": [*self.held, *self.deputised], "brand": list(dict.fromkeys(brands))}

    @property
    def absent_colleagues(self) -> list[Specialist]:
        """The colleagues for whom the person is a deputy in the period."""
        period = self.period.start, self.period.end
        colleagues = [
            colleague
            for colleague, absence in self.params.deputised(self.person.id)
            if _overlap((absence.since, absence.until), period)
        ]
        return list({colleague.id: colleague for colleague in colleagues}.values())

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
        """The tables that formulas read, of :attr:`owned`.

        Counts that are not plausible are unknown, increments are added to the figures of posts, and inquiries
        include those of conversations.
        """
        rows = self.rows
        audience = rows["audience"]
        return {
            **rows,
            "audience": audience.assign(subscribers=audience["subscribers"].mask(self._doubtful)),
            "posts": with_increments(
                rows["posts"], rows["post_stats"], rows["post_increments"], self._plain_setting
            ),
            "inquiries": self._inquiries,
        }

    @cached_property
    def rows(self) -> dict[str, pd.DataFrame]:
        """The rows of :attr:`owned` as they are in the data, by table."""
        since = needed_since(self.department, self.period, self.as_of)
        return self.store.slice(self.owned["account_id"], self.owned["brand"], since, self.as_of)

    def alike(self, **changes: Any) -> Context:
        """A context with the same rows of data but another person or period."""
        other = replace(self, **changes)
        other.__dict__["rows"] = self.rows  # what the cached property would read again
        return other

    @cached_property
    def _doubtful(self) -> Bools:
        """Which rows of ``audience`` have a count that is not plausible."""
        return doubtful(self.rows["audience"], self.department.audience.accepted)

    @property
    def doubtful_counts(self) -> dict[str, list[dt.date]]:
        """The days with counts that are not plausible, by account."""
        rows = self.rows["audience"][self._doubtful]
        days: dict[str, list[dt.date]] = {}
        for account, day in zip(rows["account_id"], rows["date"].dt.date, strict=True):
            days.setdefault(str(account), []).append(day)
        return {account: sorted(listed) for account, listed in days.items()}

    def concerns(self, day: dt.date) -> bool:
        """Whether a count of subscribers on a day can stand for the period or one of its ends."""
        margin = dt.timedelta(days=STALE_DAYS)
        return self.period.start - margin <= day < self.period.end + margin

    @cached_property
    def _inquiries(self) -> pd.DataFrame:
        """The rows of ``inquiries`` and those that are derived from ``messages``."""
        return all_inquiries(
            self.rows["inquiries"],
            self.rows["messages"],
            self._coverage_rows.get("messages", {}),
            self.department.timezone,
            pd.Timedelta(seconds=self.department.response.automatic_within_seconds),
        )

    @cached_property
    def stocks(self) -> StockIndex:
        """An index of the subscribers of the accounts."""
        return StockIndex.of(self.tables["audience"], self.department.audience.tolerance_days)

    @cached_property
    def totals(self) -> Totals | None:
        """The sums of spans; None where there are none."""
        return None if self.rows["totals"].empty else Totals.of_table(self.rows["totals"])

    @cached_property
    def setting(self) -> Setting:
        """The settings that formulas may use."""
        response = self.department.response
        if response.calendar == "always":
            return self._plain_setting
        clock = business_clock(response.working, self.department.timezone, *self._clock_span())
        return replace(self._plain_setting, elapsed_hours=clock)

    @property
    def _plain_setting(self) -> Setting:
        """The settings with a clock that always runs."""
        rules = self.department.response
        elapsed: Clock = always
        return Setting(
            zone=self.department.timezone,
            as_of=pd.Timestamp(self.as_of).tz_convert("UTC"),
            settle=pd.Timedelta(days=self.department.posts.settle_days),
            tolerance=pd.Timedelta(hours=self.department.posts.on_time_tolerance_hours),
            sla_hours=rules.sla_hours,
            elapsed_hours=elapsed,
            rates=self.params.rates,
        )

    def _clock_span(self) -> Window:
        received, last = self._inquiries["received_at"], self.as_of.date()
        first = min(received.min().date(), last) if len(received) else min(self.period.start, last)
        return first - dt.timedelta(days=7), last + dt.timedelta(days=7)

    @cached_property
    def _coverage_rows(self) -> dict[str, dict[str, list[Window]]]:
        return self.store.covered([*self.owned["account_id"], *self.owned["brand"]])

    @cached_property
    def _covered(self) -> dict[str, dict[str, list[Window]]]:
        """The covered days by table and owner; days of messages are days of inquiries."""
        rows = self._coverage_rows
        inquiries = {owner: list(windows) for owner, windows in rows.get("inquiries", {}).items()}
        for owner, windows in rows.get("messages", {}).items():
            inquiries.setdefault(owner, []).extend(windows)
        return {**rows, "inquiries": inquiries} if inquiries else rows

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

    def split(self, owners: tuple[str, ...], buckets: list[Period], share: float) -> Grid:
        """Each bucket in two: the days of a share of it, and the rest."""
        key = (owners, buckets[0], buckets[-1], share)
        if key not in self._grids:
            parts = [
                day
                for bucket in buckets
                for day in (bucket.start, bucket.start + dt.timedelta(days=round(share * bucket.days)))
            ]
            self._grids[key] = self._new_grid(owners, [*parts, buckets[-1].end])
        return self._grids[key]

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
            closed=self._closed,
        )

    @cached_property
    def _closed(self) -> dict[str, dt.date]:
        """When accounts were closed, where it is known."""
        closed = self.store.accounts["closed"].dropna()
        return {str(account): day.date() for account, day in closed.items()}

    def own_grid(self, entry: Entry, *, absent: bool = False) -> Grid:
        """The grid of the period, on the days that count for the person.

        These are the days on which the accounts are theirs; of KPIs that accrue or are delegable only those
        on which they are present, unless ``absent`` includes the others.
        """
        own = self.owners(entry)
        grid = self.grid(own, [self.period])
        whole = [(self.period.start, self.period.end)]
        is_brand = entry.definition.scope == "brand"
        windows = {owner: whole if is_brand else self.held[owner] for owner in own}
        if not absent and (counts_own_days(entry) or entry.definition.delegable):
            windows = {owner: self.present(held) for owner, held in windows.items()}
        return replace(grid, windows=windows)

    def wholly_held(self, owners: tuple[str, ...], entry: Entry) -> Bools:
        """Which owners the person held on every day of the period."""
        if entry.definition.scope == "brand":
            return np.ones(len(owners), bool)
        days = [sum((until - since).days for since, until in self.held[account]) for account in owners]
        whole: Bools = np.array(days, dtype="int64") == self.period.days
        return whole

    def tally(self, kpi: Kpi, frame: pd.DataFrame, grid: Grid) -> Tally:
        """Add up the units of a frame by owner and bucket."""
        return tally(kpi, frame, grid, self.stocks, self.totals)

    def without_absences(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The units outside the person's absences."""
        days = local_days(frame["at"], self.department.timezone)
        away = np.zeros(len(frame), bool)
        for absence in self.person.absences:
            away |= (days >= day_number(absence.since)) & (days < day_number(absence.until))
        return frame[~away]


def counts_own_days(entry: Entry) -> bool:
    """Whether the fact of an entry counts the days on which the person is present, and its target scales."""
    is_flow = entry.definition.accruing and entry.definition.aggregation is not Aggregation.TILES
    return entry.as_ == "value" and is_flow and not isinstance(entry.target.ask(), Milestone)


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
        place, hint = params.folder / "specialists", did_you_mean(person, known)
        raise InputError(Phrase("scorecard.no_specialist", name=person, place=place, hint=hint))
    moment = cut_off(params.department, period, store, as_of)
    context = Context(params, params.specialists[person], period, moment, store)
    problems = list(_unknown_scopes(context))
    if problems:
        raise SpecialistError(problems)
    return context


def share_rows(contexts: Sequence[Context]) -> None:
    """Read the rows of several people of one period at once: a query a table, not one a person and table."""
    if not contexts:
        return
    one = contexts[0]
    owned = {key: sorted({name for own in contexts for name in own.owned[key]}) for key in one.owned}
    since = needed_since(one.department, one.period, one.as_of)
    everybody = one.store.slice(owned["account_id"], owned["brand"], since, one.as_of)
    for own in contexts:
        own.__dict__["rows"] = {  # what the cached property would read
            name: rows[rows[TABLES[name].scope].isin(own.owned[str(TABLES[name].scope)])].reset_index(
                drop=True
            )
            for name, rows in everybody.items()
        }


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
        yield Phrase("scorecard.no_account", file=file, account=account, hint=hint)
    if unknown:
        return
    platforms = {str(context.store.accounts.loc[account, "platform"]) for account in named}
    for number, entry in enumerate(context.person.kpis, start=1):
        if (
            entry.definition.scope == "account_id"
            and entry.platforms
            and not platforms & set(entry.platforms)
        ):
            yield Phrase(
                "scorecard.no_account_on",
                file=file,
                number=number,
                kpi=entry.kpi,
                platforms=entry.platforms,
                found=sorted(platforms) or Phrase("core.none"),
            )
