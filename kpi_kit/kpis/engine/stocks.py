"""Stocks: the subscribers of accounts at an instant, and their mean.

A row of a day holds at the end of that day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kpi_kit.kpis.engine.day_grid import Floats, Ints

STALE_DAYS = 7
"""The most days between a count and the day for which a level or a denominator takes it."""
_NONE: Ints = np.empty(0, dtype="int64")


@dataclass(frozen=True)
class StockIndex:
    """The subscribers of each account by day.

    Parameters
    ----------
    days, values : dict of str to array
        Day numbers of an account's rows in ascending order, and the subscribers at the end of each day.
    before : dict of str to array
        Subscribers before each row's day: subscribers − joined + left; NaN where unknown.
    tolerance : int
        The most days between a count and an end of a bucket for which a gain takes it.
    """

    days: Mapping[str, Ints]
    values: Mapping[str, Floats]
    before: Mapping[str, Floats]
    tolerance: int = 2

    @classmethod
    def of(cls, audience: pd.DataFrame, tolerance: int = 2) -> StockIndex:
        """The index of the table ``audience``; rows without subscribers are left out."""
        rows = audience[audience["subscribers"].notna()].sort_values(["account_id", "date"])
        days = rows["date"].to_numpy(dtype="datetime64[D]").astype("int64")
        values = rows["subscribers"].to_numpy(dtype="float64")
        groups = {
            str(owner): np.asarray(index)
            for owner, index in rows.groupby("account_id", sort=False).indices.items()
        }
        before = (rows["subscribers"] - rows["joined"] + rows["left"]).to_numpy(
            dtype="float64", na_value=np.nan
        )
        return cls(
            {owner: days[index] for owner, index in groups.items()},
            {owner: values[index] for owner, index in groups.items()},
            {owner: before[index] for owner, index in groups.items()},
            tolerance,
        )

    def gain(self, owner: str, start: int, end: int) -> float:
        """Subscribers at the start of day ``end`` − at the start of day ``start``; NaN where unknown.

        The two counts come from different rows.
        """
        count, row = self._at(owner, start, end)
        last, last_row = self._at(owner, end, end)
        return float("nan") if row == last_row else last - count

    def _at(self, owner: str, instant: int, end: int) -> tuple[float, int]:
        """The subscribers at the start of a day and the number of their row; NaN and −1 where unknown."""
        days = self.days.get(owner, _NONE)
        upcoming = int(np.searchsorted(days, instant))
        if upcoming and instant - (days[upcoming - 1] + 1) <= self.tolerance:
            return float(self.values[owner][upcoming - 1]), upcoming - 1
        if upcoming == len(days):
            return float("nan"), -1
        before = float(self.before[owner][upcoming])
        if days[upcoming] + 1 - instant <= self.tolerance:
            return float(self.values[owner][upcoming]) if np.isnan(before) else before, upcoming
        if upcoming == 0 and days[0] < end and not np.isnan(before):
            return before, 0
        return float("nan"), -1

    def opening(self, owner: str, starts: Ints, ends: Ints) -> Floats:
        """The last count before each start, at most 7 days old, else the first one after it.

        A count after the start is taken less the changes of its own day, within 7 days; the first count of an
        account at any distance before the end.
        """
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        upcoming = np.searchsorted(days, starts)
        last, row = np.maximum(upcoming - 1, 0), np.minimum(upcoming, len(days) - 1)
        before, values = self.before[owner][row], self.values[owner][row]
        near = (upcoming < len(days)) & (days[row] + 1 - starts <= STALE_DAYS) & (days[row] < ends)
        first = (upcoming == 0) & (days[row] < ends)
        implied = np.where(near & np.isnan(before), values, np.where(near | first, before, np.nan))
        fresh = (upcoming > 0) & (starts - days[last] <= STALE_DAYS)
        return np.where(fresh, self.values[owner][last], implied)

    def closing(self, owner: str, starts: Ints, ends: Ints) -> Floats:
        """The last count before each end, at most 7 days old; NaN where there is none."""
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        last = np.searchsorted(days, ends) - 1
        fresh = (last >= 0) & (ends - days[np.maximum(last, 0)] <= STALE_DAYS)
        return np.where(fresh, self.values[owner][np.maximum(last, 0)], np.nan)

    def mean(self, owner: str, starts: Ints, ends: Ints) -> Floats:
        """The mean of the rows in each cell; NaN where there are none."""
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        low, high = np.searchsorted(days, starts), np.searchsorted(days, ends)
        total = np.concatenate([[0.0], self.values[owner].cumsum()])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(high > low, (total[high] - total[low]) / (high - low), np.nan)

    def rows_within(self, owner: str, start: int, end: int) -> int:
        """Number of counts on the days from ``start`` to before ``end``."""
        days = self.days.get(owner, _NONE)
        return int(np.searchsorted(days, end) - np.searchsorted(days, start))

    def gaps(self, owner: str, start: int, end: int) -> list[tuple[int, int]]:
        """The days without counts that make the gain between two days unknown."""
        ends = [day for day in (start, end) if self._at(owner, day, end)[1] < 0]
        return [self.gap(owner, day) for day in ends or (start, end)]

    def gap(self, owner: str, instant: int) -> tuple[int, int]:
        """The days without counts around the start of a day: after the last one, before the next one."""
        days = self.days.get(owner, _NONE)
        upcoming = int(np.searchsorted(days, instant))
        first = int(days[upcoming - 1]) + 1 if upcoming else instant - STALE_DAYS
        return first, int(days[upcoming]) if upcoming < len(days) else max(instant, first)
