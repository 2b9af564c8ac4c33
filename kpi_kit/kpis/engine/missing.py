"""What data are missing for a value: the table, the account or brand, and the days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from kpi_kit.core.schema import LEFT
from kpi_kit.kpis.engine.day_grid import Bools, Grid, runs
from kpi_kit.kpis.engine.stocks import STALE_DAYS, StockIndex

Missing: TypeAlias = dict[str, Any]
"""``table``, ``account_id`` or ``brand``, and ``days``: ranges of ISO dates, ends exclusive."""
Spans: TypeAlias = Sequence[tuple[int, int]]
_MOST = 50
"""The most entries of a note."""


def missing(table: str, scope: str, owner: str, spans: Spans = ()) -> Missing:
    """One entry about the missing data of an owner."""
    days = [[day_text(since), day_text(until)] for since, until in spans[:_MOST]]
    return {"table": table, scope: owner, "days": days}


def day_text(day: int) -> str:
    """The ISO date of a day number."""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def uncovered(grid: Grid, scope: str, table: str, bucket: int, who: Bools) -> Iterator[Missing]:
    """The owners and expected days of a bucket that a table does not cover."""
    start = int(grid.bounds[bucket])
    first, end = start - int(grid.bounds[0]), int(grid.bounds[bucket + 1] - grid.bounds[0])
    lacks = (grid.expected & ~grid.days_covered(table))[:, first:end]
    for row in np.flatnonzero(who & lacks.any(axis=1)):
        spans = [(start + since, start + until) for since, until in runs(lacks[row])]
        yield missing(table, scope, grid.owners[row], spans)


def counts_missing(grid: Grid, stocks: StockIndex, row: int, bucket: int, reason: str) -> Missing:
    """The days without counts that make a numerator or a stock of a cell unknown."""
    owner = grid.owners[row]
    start, end = int(grid.spans[0][row, bucket]), int(grid.spans[1][row, bucket])
    if reason == "no_counts":
        return missing(LEFT, "account_id", owner, grid.ranges(row, bucket))
    if reason == "gain_unknown":
        spans = [gap for part in grid.ranges(row, bucket) for gap in stocks.gaps(owner, *part)]
        low, high = start - STALE_DAYS, end + STALE_DAYS
    elif reason == "opening_unknown":
        spans, low, high = [stocks.gap(owner, start)], start - STALE_DAYS, end
    elif reason == "level_unknown":
        spans, low, high = [stocks.gap(owner, end)], start, end
    else:
        spans, low, high = [(start, end)], start, end
    clipped = [(max(since, low), min(until, high)) for since, until in dict.fromkeys(spans)]
    kept = [(since, until) for since, until in clipped if since < until] or [(start, end)]
    return missing("audience", "account_id", owner, kept)
