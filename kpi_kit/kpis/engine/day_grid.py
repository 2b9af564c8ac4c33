"""The grid of a measurement: owners, days, buckets and coverage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_kit.core.model import Kpi
from kpi_kit.core.schema import LEFT

_EPOCH = dt.date(1970, 1, 1)
_USUAL = np.datetime64("1970", "Y"), np.datetime64("2100", "Y")
"""The years whose midnights are cached."""
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Window = tuple[dt.date, dt.date]


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def runs(marked: Bools) -> list[tuple[int, int]]:
    """The ranges of consecutive marked positions, ends exclusive.

    Examples
    --------
    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype("int8")))
    return [(int(since), int(until)) for since, until in edges.reshape(-1, 2)]


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
        starts = _midnights(zone, first.astype("datetime64[Y]"), moments.max().astype("datetime64[Y]"))
        if starts is not None:
            first_day, midnights = starts
            return np.searchsorted(midnights, moments, side="right") - 1 + first_day
    local = instants.dt.tz_convert(zone).dt.tz_localize(None)
    days: Ints = local.to_numpy(dtype="datetime64[D]").astype("int64")
    return days


@lru_cache(maxsize=64)
def _midnights(zone: str, first: np.datetime64, last: np.datetime64) -> tuple[int, npt.NDArray[Any]] | None:
    """The number of the first day and the instants at which days begin; None where clocks change at midnight.

    A lookup is six times as fast as converting each instant.
    """
    if not _USUAL[0] <= first <= last <= _USUAL[1]:
        return None
    since, until = (first.astype("datetime64[D]") - 2), (last + 1).astype("datetime64[D]") + 3
    days = pd.DatetimeIndex(np.arange(since, until).astype("datetime64[us]"))
    midnights = days.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    if midnights.hasnans:
        return None
    return int(since.astype("int64")), midnights.tz_convert("UTC").tz_localize(None).to_numpy(
        "datetime64[us]"
    )


@dataclass(frozen=True)
class Grid:
    """Owners by buckets: which units count where.

    Parameters
    ----------
    owners : tuple of str
        Account ids or brands.
    bounds : array of int, shape (n_buckets + 1,)
        Day numbers of the starts of consecutive buckets, and of the end of the last.
    windows : dict
        The day ranges of each owner that count; None where all days count.
    opened : dict
        The first day on which rows are expected, where it is known.
    known_until : int
        The first day that is not over at the cut-off.
    zone : str
    covered : mapping of str to mapping
        The covered day ranges by table and owner.
    minimum : float
        The coverage below which a value is not assessable.
    closed : dict
        The day from which rows are not expected any more, where it is known.
    """

    owners: tuple[str, ...]
    bounds: Ints
    windows: Mapping[str, Sequence[Window]] | None
    opened: Mapping[str, dt.date]
    known_until: int
    zone: str
    covered: Mapping[str, Mapping[str, Sequence[Window]]]
    minimum: float
    closed: Mapping[str, dt.date] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Owners and buckets."""
        return len(self.owners), len(self.bounds) - 1

    @cached_property
    def expected(self) -> Bools:
        """Whether data are expected, shape (owners, days)."""
        first, last = int(self.bounds[0]), int(self.bounds[-1])
        days = np.arange(first, last)
        held = (
            self._marked(self.windows)
            if self.windows is not None
            else np.ones((len(self.owners), len(days)), bool)
        )
        since, until = self._existence
        return held & (days >= since[:, None]) & (days < until[:, None])

    @cached_property
    def _existence(self) -> tuple[Ints, Ints]:
        """The first day and the end of each owner within the grid and the cut-off."""
        first, last = int(self.bounds[0]), min(int(self.bounds[-1]), self.known_until)
        opened = [day_number(self.opened[o]) if o in self.opened else first for o in self.owners]
        closed = [day_number(self.closed[o]) if o in self.closed else last for o in self.owners]
        return np.array(opened, dtype="int64"), np.minimum(np.array(closed, dtype="int64"), last)

    def _marked(self, ranges: Mapping[str, Sequence[Window]]) -> Bools:
        first, last = int(self.bounds[0]), int(self.bounds[-1])
        marked = np.zeros((len(self.owners), last - first), bool)
        for row, owner in enumerate(self.owners):
            for since, until in ranges.get(owner, ()):
                marked[row, max(day_number(since) - first, 0) : max(day_number(until) - first, 0)] = True
        return marked

    def days_covered(self, table: str) -> Bools:
        """Whether data are expected and covered, shape (owners, days)."""
        ranges = self.covered.get(table, {})
        if table == LEFT:  # elsewhere the table audience says both
            ranges = {**self.covered.get("audience", {}), **ranges}
        return self.expected & self._marked(ranges)

    def coverage_of(self, kpi: Kpi) -> tuple[str, ...]:
        """The coverage that a KPI needs: its tables, or only those of their days that say who left."""
        apart = kpi.needs_rows and any(owner in self.covered.get(LEFT, {}) for owner in self.owners)
        return tuple(LEFT if apart and table == "audience" else table for table in kpi.tables)

    def per_bucket(self, days: Bools) -> Ints:
        """Count the marked days of each bucket."""
        sums = np.concatenate([np.zeros((len(days), 1), "int64"), days.cumsum(axis=1)], axis=1)
        return np.diff(sums[:, self.bounds - self.bounds[0]], axis=1)

    @cached_property
    def spans(self) -> tuple[Ints, Ints]:
        """First day and end of each cell while the account is open; shape (owners, buckets)."""
        since, until = self._existence
        starts = np.maximum(self.bounds[:-1], since[:, None])
        ends = np.minimum(self.bounds[1:], until[:, None])
        return starts, np.maximum(starts, ends)

    def ranges(self, row: int, bucket: int) -> list[tuple[int, int]]:
        """The ranges of days of a cell that count, within the owner's windows."""
        start, end = int(self.spans[0][row, bucket]), int(self.spans[1][row, bucket])
        if self.windows is None:
            return [(start, end)] if start < end else []
        first = int(self.bounds[0])
        marked = self._marked(self.windows)[row, start - first : end - first]
        return [(start + since, start + until) for since, until in runs(marked)]

    @cached_property
    def edges(self) -> tuple[Ints, Ints]:
        """First and end day of each cell, clipped to the owner's windows; shape (owners, buckets)."""
        starts, ends = (edge.copy() for edge in self.spans)
        for row, owner in enumerate(self.owners if self.windows is not None else ()):
            held = (self.windows or {}).get(owner, ())
            if held:
                starts[row] = np.maximum(starts[row], min(day_number(since) for since, _ in held))
                ends[row] = np.minimum(ends[row], max(day_number(until) for _, until in held))
        return starts, np.maximum(starts, ends)

    def cells(self, owner: pd.Series, days: Ints) -> Ints:
        """The flat index of each unit's cell; -1 where it has none."""
        row = pd.Index(self.owners).get_indexer(pd.Index(owner))
        bucket = np.searchsorted(self.bounds, days, side="right") - 1
        inside = (row >= 0) & (bucket >= 0) & (days < self.bounds[-1])
        if self.windows is not None:
            marked = self._marked(self.windows)
            inside[inside] = marked[row[inside], days[inside] - self.bounds[0]]
        return np.where(inside, row * self.shape[1] + bucket, -1)
