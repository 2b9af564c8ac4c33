"""The grid of a measurement: whose units count on which days, in which buckets, and what was covered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

STALE_DAYS = 7
"""How old the last row of a stock may be to stand for a boundary."""

_EPOCH = dt.date(1970, 1, 1)
_USUAL = np.datetime64("1970", "Y"), np.datetime64("2100", "Y")
"""The first and the last year whose midnights are worth keeping."""
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Window = tuple[dt.date, dt.date]


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def local_days(instants: pd.Series, zone: str) -> Ints:
    """The local calendar day of each instant, as a day number.

    Examples
    --------
    >>> late = pd.Series(pd.to_datetime(["1970-01-01T23:30Z", "1970-01-02T20:59Z"]))
    >>> local_days(late, "Europe/Moscow").tolist()
    [1, 1]
    """
    moments = instants.to_numpy(dtype="datetime64[us]")
    if len(moments) and not np.isnat(first := moments.min()):
        begun = _midnights(zone, first.astype("datetime64[Y]"), moments.max().astype("datetime64[Y]"))
        if begun is not None:
            first_day, midnights = begun
            return np.searchsorted(midnights, moments, side="right") - 1 + first_day
    local = instants.dt.tz_convert(zone).dt.tz_localize(None)
    days: Ints = local.to_numpy(dtype="datetime64[D]").astype("int64")
    return days


@lru_cache(maxsize=64)
def _midnights(zone: str, first: np.datetime64, last: np.datetime64) -> tuple[int, npt.NDArray[Any]] | None:
    """When the days of some years begin, and the number of the first; None where clocks change at midnight.

    To look a day up is six times as fast as to convert each instant, unless a mistaken date makes them many.
    """
    if not _USUAL[0] <= first <= last <= _USUAL[1]:
        return None
    since, until = (first.astype("datetime64[D]") - 2), (last + 1).astype("datetime64[D]") + 3
    days = pd.DatetimeIndex(np.arange(since, until).astype("datetime64[us]"))
    begun = days.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    if begun.hasnans:
        return None
    return int(since.astype("int64")), begun.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[us]")


@dataclass(frozen=True)
class Grid:
    """Whose units count in which buckets.

    Parameters
    ----------
    owners : tuple of str
        Account ids or brands.
    bounds : array of int, shape (n_buckets + 1,)
        Day numbers at which the consecutive buckets begin, and the end of the last.
    windows : dict
        For each owner the day ranges that count; None where every day does.
    opened : dict
        The day from which rows are expected, where it is known.
    known_until : int
        The first day number that was not over at the cut-off.
    zone : str
    covered : mapping of str to mapping
        ``covered[table][owner]``: the covered day ranges.
    minimum : float
        The coverage under which a value is not assessable.
    """

    owners: tuple[str, ...]
    bounds: Ints
    windows: Mapping[str, Sequence[Window]] | None
    opened: Mapping[str, dt.date]
    known_until: int
    zone: str
    covered: Mapping[str, Mapping[str, Sequence[Window]]]
    minimum: float

    @property
    def shape(self) -> tuple[int, int]:
        """Owners and buckets."""
        return len(self.owners), len(self.bounds) - 1

    @cached_property
    def expected(self) -> Bools:
        """The days on which an owner is expected to have data, shape (owners, days)."""
        first, last = int(self.bounds[0]), int(self.bounds[-1])
        days = np.arange(first, last)
        held = (
            self._marked(self.windows)
            if self.windows is not None
            else np.ones((len(self.owners), len(days)), bool)
        )
        opened = [day_number(self.opened[o]) if o in self.opened else first for o in self.owners]
        return held & (days >= np.array(opened, dtype="int64")[:, None]) & (days < self.known_until)

    def _marked(self, ranges: Mapping[str, Sequence[Window]]) -> Bools:
        first, last = int(self.bounds[0]), int(self.bounds[-1])
        marked = np.zeros((len(self.owners), last - first), bool)
        for row, owner in enumerate(self.owners):
            for since, until in ranges.get(owner, ()):
                marked[row, max(day_number(since) - first, 0) : max(day_number(until) - first, 0)] = True
        return marked

    def days_covered(self, table: str) -> Bools:
        """The expected days that were imported, shape (owners, days)."""
        return self.expected & self._marked(self.covered.get(table, {}))

    def per_bucket(self, days: Bools) -> Ints:
        """Count marked days by bucket."""
        sums = np.concatenate([np.zeros((len(days), 1), "int64"), days.cumsum(axis=1)], axis=1)
        return np.diff(sums[:, self.bounds - self.bounds[0]], axis=1)

    @cached_property
    def edges(self) -> tuple[Ints, Ints]:
        """First and end day of each cell, clipped to the owner's windows; shape (owners, buckets)."""
        starts = np.broadcast_to(self.bounds[:-1], self.shape).copy()
        ends = np.broadcast_to(np.minimum(self.bounds[1:], self.known_until), self.shape).copy()
        for row, owner in enumerate(self.owners if self.windows is not None else ()):
            held = (self.windows or {}).get(owner, ())
            if held:
                starts[row] = np.maximum(starts[row], min(day_number(since) for since, _ in held))
                ends[row] = np.minimum(ends[row], max(day_number(until) for _, until in held))
        return starts, np.maximum(starts, ends)

    def cells(self, owner: pd.Series, days: Ints) -> Ints:
        """The flat cell of each unit; -1 where it lies in none."""
        row = pd.Index(self.owners).get_indexer(pd.Index(owner))
        bucket = np.searchsorted(self.bounds, days, side="right") - 1
        inside = (row >= 0) & (bucket >= 0) & (days < self.bounds[-1])
        if self.windows is not None:
            marked = self._marked(self.windows)
            inside[inside] = marked[row[inside], days[inside] - self.bounds[0]]
        return np.where(inside, row * self.shape[1] + bucket, -1)


@dataclass(frozen=True)
class StockIndex:
    """The daily states of each owner (subscribers), searchable by day.

    Parameters
    ----------
    days, values : dict of str to array
        Ascending day numbers of an owner's rows, and the state on each.
    before : dict of str to array
        The state before the flows of each row: subscribers − joined + left; NaN where unknown.
    """

    days: Mapping[str, Ints]
    values: Mapping[str, Floats]
    before: Mapping[str, Floats]

    @classmethod
    def of(cls, audience: pd.DataFrame) -> StockIndex:
        """Index the table ``audience``."""
        rows = audience.sort_values(["account_id", "date"])
        days = rows["date"].to_numpy(dtype="datetime64[D]").astype("int64")
        values = rows["subscribers"].to_numpy(dtype="float64")
        groups = {
            str(owner): np.asarray(index)
            for owner, index in rows.groupby("account_id", sort=False).indices.items()
        }
        opening = (rows["subscribers"] - rows["joined"] + rows["left"]).to_numpy(
            dtype="float64", na_value=np.nan
        )
        return cls(
            {owner: days[index] for owner, index in groups.items()},
            {owner: values[index] for owner, index in groups.items()},
            {owner: opening[index] for owner, index in groups.items()},
        )

    def opening(self, owner: str, starts: Ints, ends: Ints) -> Floats:
        """The last state before each start, at most 7 days old; else what the next row set out from."""
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        last = np.searchsorted(days, starts) - 1
        upcoming = np.minimum(last + 1, len(days) - 1)
        inside = (last + 1 < len(days)) & (days[upcoming] < ends)
        set_out = np.where(inside, self.before[owner][upcoming], np.nan)
        fresh = (last >= 0) & (starts - days[np.maximum(last, 0)] <= STALE_DAYS)
        return np.where(fresh, self.values[owner][np.maximum(last, 0)], set_out)

    def closing(self, owner: str, starts: Ints, ends: Ints) -> Floats:
        """The last state before each end, at most 7 days old; NaN where there is none."""
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        last = np.searchsorted(days, ends) - 1
        fresh = (last >= 0) & (ends - days[np.maximum(last, 0)] <= STALE_DAYS)
        return np.where(fresh, self.values[owner][np.maximum(last, 0)], np.nan)

    def mean(self, owner: str, starts: Ints, ends: Ints) -> Floats:
        """The mean over the rows that exist in each cell; NaN where there is none."""
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        low, high = np.searchsorted(days, starts), np.searchsorted(days, ends)
        total = np.concatenate([[0.0], self.values[owner].cumsum()])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(high > low, (total[high] - total[low]) / (high - low), np.nan)

    def stale_until(self, owner: str, starts: Ints, ends: Ints) -> Ints:
        """The end of the uncovered days at each start, where the last row is older than 7 days."""
        days = self.days.get(owner)
        if days is None:
            return starts
        last = np.searchsorted(days, starts) - 1
        upcoming = np.append(days, np.iinfo("int64").max)[last + 1]
        stale = (last >= 0) & (starts - days[np.maximum(last, 0)] > STALE_DAYS)
        return np.where(stale, np.minimum(upcoming, ends), starts)
