"""Unit frames to tallies: add up units by owner and bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Interval, Kpi, Stock
from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, Ints, local_days
from kpi_kit.kpis.engine.formula import part_of
from kpi_kit.kpis.engine.stocks import STALE_DAYS, StockIndex
from kpi_kit.kpis.engine.tally import Blocked, Tally
from kpi_kit.kpis.engine.tiling import Totals, tile
from kpi_kit.kpis.engine.unit_frame import UnitFrame

_FEWEST_ROWS = 7
"""Days per count of subscribers above which a gain cannot be split by days."""


def tally(kpi: Kpi, frame: UnitFrame, grid: Grid, stocks: StockIndex, totals: Totals | None = None) -> Tally:
    """Add up the units of a frame by owner and bucket.

    Parameters
    ----------
    kpi : Kpi
    frame : UnitFrame
        The units of the KPI.
    grid : Grid
    stocks : StockIndex
        The subscribers of the accounts.
    totals : Totals, optional
        Sums of spans, for the buckets that have no rows.

    Returns
    -------
    Tally
    """
    if kpi.parts and kpi.stock is None:
        return _divided(kpi, frame, grid, stocks, totals)
    days = local_days(frame["at"], grid.zone)
    cell = grid.cells(frame[kpi.scope], days)
    inside, whole = cell >= 0, frame
    frame, cell, days = frame[inside], cell[inside], days[inside]
    size, shape = grid.shape[0] * grid.shape[1], grid.shape

    def add(which: Bools, weights: Floats | None = None) -> np.ndarray:
        sums = np.bincount(cell[which], None if weights is None else weights[which], minlength=size)
        return sums.reshape(shape)

    top, bottom = frame["numerator"].to_numpy(), frame["denominator"].to_numpy()
    excluded, remark = frame["excluded"].to_numpy(dtype=object), frame["remark"].to_numpy(dtype=object)
    included = excluded == ""
    counts = included & ~np.isnan(top) & ~np.isnan(bottom)
    codes = {code: excluded == code for code in set(excluded) - {""}}
    codes |= {code: included & (remark == code) for code in set(remark[included]) - {""}}
    sums = Tally(
        kpi=kpi,
        grid=grid,
        numerator=add(counts, top).astype("float64"),
        denominator=add(counts, bottom).astype("float64"),
        units=add(counts & (top != 0)) if kpi.interval is Interval.COUNTS else add(counts),
        rows=add(included),
        unknown=add(included & ~counts),
        unknown_days=np.unique(np.stack([cell, days], axis=1)[included & ~counts], axis=0),
        mentioned={code: add(which) for code, which in codes.items()},
        days=grid.per_bucket(grid.expected),
        covered={table: grid.per_bucket(grid.days_covered(table)) for table in grid.coverage_of(kpi)},
        stocks=stocks,
        stock=_stock(kpi, grid, stocks) if kpi.stock else None,
        durations=_by_bucket(frame[counts], cell[counts], shape[1])
        if kpi.aggregation is Aggregation.MEDIAN
        else {},
        blocked=_blocked(kpi, frame, cell, days, codes),
    )
    if kpi.gains:
        return _with_gains(sums)
    if kpi.aggregation is Aggregation.LEVEL:
        return _levelled(sums, frame[counts], cell[counts], days[counts])
    if kpi.aggregation is Aggregation.TILES:
        # a row that begins before the first bucket may extend into it
        return _tiled(sums, whole)
    if kpi.needs_rows:
        sums = _without_silence(sums, add(counts))
        sums = replace(sums, silent=_silent_days(sums, frame, days))
    return sums if totals is None or kpi.total is None else _with_totals(sums, totals)


def _divided(kpi: Kpi, frame: UnitFrame, grid: Grid, stocks: StockIndex, totals: Totals | None) -> Tally:
    """The tallies of a quotient's parts, and their sums."""
    above, below = (
        tally(part, part_of(frame, number), grid, stocks, totals) for number, part in enumerate(kpi.parts)
    )

    def either(one: Bools | None, other: Bools | None) -> Bools | None:
        return other if one is None else one if other is None else one | other

    return replace(
        above,
        kpi=kpi,
        denominator=below.numerator / kpi.per,
        units=above.units + below.units,
        rows=above.rows + below.rows,
        unknown=above.unknown + below.unknown,
        covered={**above.covered, **below.covered},
        is_known=None,
        whole=either(above.whole, below.whole),
        from_totals=either(above.from_totals, below.from_totals),
        parts=(above, below),
    )


def _stock(kpi: Kpi, grid: Grid, stocks: StockIndex) -> Floats:
    """The stock of each cell; a denominator is that of the bucket, whatever days of it count."""
    read = {Stock.OPENING: stocks.opening, Stock.MEAN: stocks.mean, Stock.CLOSING: stocks.closing}
    starts, ends = grid.edges if kpi.aggregation is Aggregation.LEVEL else grid.spans
    rows = [
        read[cast(Stock, kpi.stock)](owner, starts[row], ends[row]) for row, owner in enumerate(grid.owners)
    ]
    return np.array(rows, dtype="float64").reshape(grid.shape) / kpi.per


def _by_bucket(frame: UnitFrame, cell: Ints, buckets: int) -> dict[int, UnitFrame]:
    located = frame[["numerator", "denominator"]].assign(row=cell // buckets)
    return {int(bucket): part for bucket, part in located.groupby(cell % buckets)}  # type: ignore[call-overload]  # the key is an int


def _blocked(kpi: Kpi, frame: UnitFrame, cell: Ints, days: Ints, codes: Mapping[str, Bools]) -> Blocked:
    """The rows whose remark makes a value not assessable, by code and cell: their labels and days."""
    blocked: dict[str, dict[int, list[tuple[str, int]]]] = {}
    for code in set(kpi.blocking) & codes.keys():
        labels = frame["label"].to_numpy(dtype=object)
        for row in np.flatnonzero(codes[code]):
            blocked.setdefault(code, {}).setdefault(int(cell[row]), []).append(
                (str(labels[row]), int(days[row]))
            )
    return blocked


def _with_gains(sums: Tally) -> Tally:
    """Replace each numerator by the gain of the stock over the days of the cell that count.

    Where an account has no daily counts, the gain of the whole bucket counts.
    """
    grid, stocks = sums.grid, sums.stocks
    gains, whole = np.zeros(grid.shape), np.zeros(grid.shape, bool)
    for row, owner in enumerate(grid.owners):
        for bucket in range(grid.shape[1]):
            gains[row, bucket], whole[row, bucket] = _gain(grid, stocks, row, owner, bucket)
    return replace(
        sums, numerator=gains, is_known=~np.isnan(gains), whole=whole, unknown=np.zeros_like(sums.unknown)
    )


def _gain(grid: Grid, stocks: StockIndex, row: int, owner: str, bucket: int) -> tuple[float, bool]:
    """The gain of a cell, and whether it is that of the whole bucket though only some of its days count."""
    ranges = grid.ranges(row, bucket)
    start, end = int(grid.spans[0][row, bucket]), int(grid.spans[1][row, bucket])
    gain = float(sum(stocks.gain(owner, *span) for span in ranges))
    is_part = bool(ranges) and ranges != [(start, end)]
    if is_part and np.isnan(gain) and stocks.rows_within(owner, start, end) * _FEWEST_ROWS < end - start:
        return stocks.gain(owner, start, end), True
    return gain, False


def _without_silence(sums: Tally, rows: Ints) -> Tally:
    """Cells with expected days and no row with a known value are unknown, not 0."""
    silent = (sums.days > 0) & (rows == 0)
    return replace(sums, numerator=np.where(silent, np.nan, sums.numerator), is_known=~silent)


def _silent_days(sums: Tally, frame: UnitFrame, days: Ints) -> Bools:
    """The covered days without a row, in cells that have daily rows; shape (owners, days)."""
    grid = sums.grid
    (table,) = sums.covered
    seen = np.zeros(grid.expected.shape, bool)
    seen[pd.Index(grid.owners).get_indexer(pd.Index(frame["account_id"])), days - grid.bounds[0]] = True
    is_daily = grid.per_bucket(seen) * _FEWEST_ROWS >= sums.days
    return grid.days_covered(table) & ~seen & np.repeat(is_daily, np.diff(grid.bounds), axis=1)


def _levelled(sums: Tally, frame: UnitFrame, cell: Ints, days: Ints) -> Tally:
    """The last numerator before the end of each cell, at most 7 days old; or its stock."""
    level = np.full(sums.grid.shape, np.nan).ravel()
    order = np.argsort(days, kind="stable")
    _, ends = sums.grid.edges
    age = ends.ravel()[cell[order]] - days[order]  # rows after the account's closing do not count
    fresh = order[(age > 0) & (age <= STALE_DAYS)]
    level[cell[fresh]] = frame["numerator"].to_numpy()[fresh]
    level = level.reshape(sums.grid.shape) if sums.stock is None else sums.stock
    units = np.where(np.isnan(level), 0, 1)
    return replace(sums, numerator=level, units=units, rows=units, unknown=np.zeros_like(units))


def _with_totals(sums: Tally, totals: Totals) -> Tally:
    """Use totals in the cells that have no rows and too little coverage, where they tile the bucket."""
    grid = sums.grid
    numerator, whole = sums.numerator.copy(), np.zeros(grid.shape, bool)
    from_totals = np.zeros(grid.shape, bool)
    covered = np.min([*sums.covered.values()], axis=0)
    for row, owner in enumerate(grid.owners):
        spans = totals.of(owner, sums.kpi.total or "", grid.known_until)
        for bucket in range(grid.shape[1]) if spans else ():
            lacks = sums.rows[row, bucket] == 0
            lacks &= covered[row, bucket] < grid.minimum * sums.days[row, bucket] - 1e-9
            start, end = int(grid.bounds[bucket]), int(grid.bounds[bucket + 1])
            total, _ = tile(spans, start, end) if lacks else (np.nan, 0)
            if np.isfinite(total):
                numerator[row, bucket], from_totals[row, bucket] = total, True
                whole[row, bucket] = grid.windows is not None and grid.ranges(row, bucket) != [(start, end)]
    if not from_totals.any():
        return sums
    first = next(iter(sums.covered))
    filled = {
        table: np.where(from_totals, sums.days, days) if table == first else days
        for table, days in sums.covered.items()
    }
    units = np.where(from_totals, 1, sums.units)
    return replace(
        sums, numerator=numerator, covered=filled, units=units, whole=whole, from_totals=from_totals
    )


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
