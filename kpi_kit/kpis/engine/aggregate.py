"""Unit frames to tallies: add up units by owner and bucket."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from kpi_kit.core.model import Aggregation, Interval, Kpi, Stock
from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, Ints, local_days
from kpi_kit.kpis.engine.stocks import STALE_DAYS, StockIndex
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.kpis.engine.tiling import tile
from kpi_kit.kpis.engine.unit_frame import UnitFrame


def tally(kpi: Kpi, frame: UnitFrame, grid: Grid, stocks: StockIndex) -> Tally:
    """Add up the units of a frame by owner and bucket.

    Parameters
    ----------
    kpi : Kpi
    frame : UnitFrame
        The units of the KPI.
    grid : Grid
    stocks : StockIndex
        The subscribers of the accounts.

    Returns
    -------
    Tally
    """
    days = local_days(frame["at"], grid.zone)
    cell = grid.cells(frame[kpi.scope], days)
    inside, whole = cell >= 0, frame
    frame, cell, days = frame[inside], cell[inside], days[inside]
    size, shape = grid.shape[0] * grid.shape[1], grid.shape

    def add(which: Bools, weights: Floats | None = None) -> np.ndarray:
        return np.bincount(cell[which], None if weights is None else weights[which], minlength=size).reshape(
            shape
        )

    top, bottom = frame["numerator"].to_numpy(), frame["denominator"].to_numpy()
    excluded, remark = frame["excluded"].to_numpy(dtype=object), frame["remark"].to_numpy(dtype=object)
    included = excluded == ""
    counts = included & ~np.isnan(top) & ~np.isnan(bottom)
    codes = {code: excluded == code for code in set(excluded) - {""}}
    codes |= {code: included & (remark == code) for code in set(remark[included]) - {""}}
    days_covered = {table: grid.per_bucket(grid.days_covered(table)) for table in kpi.tables}
    if "audience" in days_covered:
        days_covered["audience"] = _without_stale(grid, stocks)
    sums = Tally(
        kpi=kpi,
        grid=grid,
        numerator=add(counts, top).astype("float64"),
        denominator=add(counts, bottom).astype("float64"),
        units=add(counts & (top != 0)) if kpi.interval is Interval.COUNTS else add(counts),
        rows=add(included),
        unknown=add(included & ~counts),
        mentioned={code: add(which) for code, which in codes.items()},
        days=grid.per_bucket(grid.expected),
        covered=days_covered,
        stock=_stock(kpi.stock, grid, stocks) if kpi.stock else None,
        durations=_by_bucket(frame[counts], cell[counts], shape[1])
        if kpi.aggregation is Aggregation.MEDIAN
        else {},
    )
    if kpi.aggregation is Aggregation.LEVEL:
        return _levelled(sums, frame[counts], cell[counts], days[counts])
    # a row that begins before the first bucket may extend into it
    return _tiled(sums, whole) if kpi.aggregation is Aggregation.TILES else sums


def _without_stale(grid: Grid, stocks: StockIndex) -> Ints:
    """Covered days of ``audience``, without days at a bucket's start that have no recent row."""
    covered = grid.days_covered("audience")
    counted = grid.per_bucket(covered)
    starts, ends = grid.edges
    first = int(grid.bounds[0])
    for row, owner in enumerate(grid.owners):
        until = stocks.stale_until(owner, starts[row], ends[row])
        for bucket in np.flatnonzero(until > starts[row]):
            counted[row, bucket] -= covered[row, starts[row, bucket] - first : until[bucket] - first].sum()
    return counted


def _stock(kind: Stock, grid: Grid, stocks: StockIndex) -> Floats:
    read = {Stock.OPENING: stocks.opening, Stock.MEAN: stocks.mean, Stock.CLOSING: stocks.closing}[kind]
    starts, ends = grid.edges
    rows = [read(owner, starts[row], ends[row]) for row, owner in enumerate(grid.owners)]
    return np.array(rows, dtype="float64").reshape(grid.shape)


def _by_bucket(frame: UnitFrame, cell: Ints, buckets: int) -> dict[int, UnitFrame]:
    located = frame[["numerator", "denominator"]].assign(row=cell // buckets)
    return {int(bucket): part for bucket, part in located.groupby(cell % buckets)}  # type: ignore[call-overload]  # the key is an int


def _levelled(sums: Tally, frame: UnitFrame, cell: Ints, days: Ints) -> Tally:
    """The last numerator of each cell, at most 7 days before its end; or its stock."""
    level = np.full(sums.grid.shape, np.nan).ravel()
    order = np.argsort(days, kind="stable")
    _, ends = sums.grid.edges
    fresh = order[days[order] >= ends.ravel()[cell[order]] - STALE_DAYS]
    level[cell[fresh]] = frame["numerator"].to_numpy()[fresh]
    level = level.reshape(sums.grid.shape) if sums.stock is None else sums.stock
    units = np.where(np.isnan(level), 0, 1)
    return replace(sums, numerator=level, units=units, rows=units, unknown=np.zeros_like(units))


def _tiled(sums: Tally, frame: UnitFrame) -> Tally:
    """The sums of the coarsest rows that tile each bucket, by owner and phrase."""
    grid = sums.grid
    owners = {owner: row for row, owner in enumerate(grid.owners)}
    over = local_days(frame["until"], grid.zone) <= grid.known_until  # later rows are unknown at the cut-off
    frame = frame[over & frame["brand"].isin(owners) & frame["numerator"].notna()]
    since, until = local_days(frame["at"], grid.zone), local_days(frame["until"], grid.zone)
    amounts = frame["numerator"].to_numpy()
    spans = list(
        zip(grid.bounds[:-1].tolist(), np.minimum(grid.bounds[1:], grid.known_until).tolist(), strict=True)
    )
    tiles = {}
    for key, index in frame.groupby(["brand", "phrase"], sort=True).indices.items():
        owner, phrase = map(str, cast("tuple[object, object]", key))
        rows = sorted(zip(since[index].tolist(), until[index].tolist(), amounts[index].tolist(), strict=True))
        tiles[owners[owner], phrase] = np.array([tile(rows, *span) for span in spans], dtype="float64").T
    return replace(sums, tiles=tiles)
