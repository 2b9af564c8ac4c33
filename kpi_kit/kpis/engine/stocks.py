"""Stocks: the subscribers of accounts at an instant, and their mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kpi_kit.kpis.engine.day_grid import Floats, Ints

STALE_DAYS = 7
"""The most days by which a count of subscribers may precede the instant that it stands for."""


@dataclass(frozen=True)
class StockIndex:
    """The subscribers of each account by day.

    Parameters
    ----------
    days, values : dict of str to array
        Day numbers of an account's rows in ascending order, and the subscribers at the end of each day.
    before : dict of str to array
        Subscribers before each row's day: subscribers − joined + left; NaN where unknown.
    """

    days: Mapping[str, Ints]
    values: Mapping[str, Floats]
    before: Mapping[str, Floats]

    @classmethod
    def of(cls, audience: pd.DataFrame) -> StockIndex:
        """The index of the table ``audience``."""
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
        """The last count before each start, at most 7 days old; else the next row less its own changes."""
        days = self.days.get(owner)
        if days is None:
            return np.full(len(starts), np.nan)
        last = np.searchsorted(days, starts) - 1
        upcoming = np.minimum(last + 1, len(days) - 1)
        inside = (last + 1 < len(days)) & (days[upcoming] < ends)
        implied = np.where(inside, self.before[owner][upcoming], np.nan)
        fresh = (last >= 0) & (starts - days[np.maximum(last, 0)] <= STALE_DAYS)
        return np.where(fresh, self.values[owner][np.maximum(last, 0)], implied)

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

    def stale_until(self, owner: str, starts: Ints, ends: Ints) -> Ints:
        """The first day with a row after each start, where the last row before it is too old."""
        days = self.days.get(owner)
        if days is None:
            return starts
        last = np.searchsorted(days, starts) - 1
        upcoming = np.append(days, np.iinfo("int64").max)[last + 1]
        stale = (last >= 0) & (starts - days[np.maximum(last, 0)] > STALE_DAYS)
        return np.where(stale, np.minimum(upcoming, ends), starts)
