"""Unit frames to values: buckets, coverage, stocks, and what makes a value not assessable.

Everything that is common to all KPIs happens here, once. A :class:`Grid` says which buckets and
whose; :func:`tally` adds the units of a frame up, one cell an owner and bucket; :class:`Tally` turns
cells into measurements, for all owners or some.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from scipy import stats

from kpi_kit.core.model import Aggregation, Interval, Kpi, Measurement, Note, Stock, divide
from kpi_kit.kpis.engine.day_grid import STALE_DAYS, Bools, Floats, Grid, Ints, StockIndex, local_days
from kpi_kit.kpis.engine.unit_frame import UnitFrame

UNKNOWN_LIMIT = 0.1
"""The share of unknown rows above which a KPI is not assessable."""


_UNKNOWN_STOCK = {
    Stock.OPENING: "opening_unknown",
    Stock.MEAN: "mean_unknown",
    Stock.CLOSING: "level_unknown",
}
"""Why a value has no stock to divide by."""


@dataclass(frozen=True)
class Tally:
    """The sums of one KPI, one cell an owner and bucket.

    Parameters
    ----------
    kpi : Kpi
    grid : Grid
    numerator, denominator : array of float, shape (owners, buckets)
        For levels the numerator is the level, NaN where it is unknown.
    units : array of int, shape (owners, buckets)
        Sampling units; for counts only the events themselves (the comments that are meaningful).
    rows, unknown : array of int, shape (owners, buckets)
        Rows that were looked at, and those of them left out because a needed value is unknown.
    mentioned : dict of str to array of int
        Rows by note code: excluded by definition, or counted with a remark.
    days : array of int, shape (owners, buckets)
        Expected days.
    covered : dict of str to array of int
        Covered days a table.
    stock : array of float or None
        The denominators of a stock KPI, NaN where unknown.
    durations : dict of int to frame
        For medians: the units by bucket.
    tiles : dict of (int, str) to array
        For tilings: owner row and phrase to the sums (NaN unknown, inf not tiled) and the numbers
        of rows used, shape (2, buckets).
    """

    kpi: Kpi
    grid: Grid
    numerator: Floats
    denominator: Floats
    units: Ints
    rows: Ints
    unknown: Ints
    mentioned: Mapping[str, Ints]
    days: Ints
    covered: Mapping[str, Ints]
    stock: Floats | None = None
    durations: Mapping[int, UnitFrame] = field(default_factory=dict)
    tiles: Mapping[tuple[int, str], Floats] = field(default_factory=dict)

    def all_owners(self) -> Bools:
        """The mask that includes everyone."""
        return np.ones(self.grid.shape, bool)

    def measure(
        self, bucket: int, mask: Bools | None = None, known: frozenset[tuple[int, str]] | None = None
    ) -> Measurement:
        """The value of a bucket over the masked owners, or why there is none.

        Parameters
        ----------
        bucket : int
        mask : array of bool, shape (owners,), optional
            The owners to include; all by default.
        known : set of (owner row, phrase), optional
            For tilings: the phrases to include.
        """
        who = np.ones(len(self.grid.owners), bool) if mask is None else mask
        coverage, reason = self._coverage(bucket, who)
        units, rows, unknown = (
            int(cells[who, bucket].sum()) for cells in (self.units, self.rows, self.unknown)
        )
        notes = self._remarks(bucket, who, rows)
        if reason is None and unknown > UNKNOWN_LIMIT * rows:
            reason = Note("too_many_unknown", {"count": unknown, "total": rows})
        if reason is not None:
            return Measurement(None, None, None, units, coverage, (reason, *notes))
        if self.kpi.aggregation is Aggregation.TILES:
            units = int(sum(cells[1, bucket] for _, cells in self._tilings(who, known)))
        if unknown:
            notes = (Note("unknown_left_out", {"count": unknown, "total": rows}), *notes)
        value, numerator, denominator, more = self._aggregate(bucket, who, known)
        return Measurement(value, numerator, denominator, units, coverage, (*more, *notes))

    def series(self, mask: Bools | None = None) -> list[float | None]:
        """The value of each bucket, None where it is not assessable; ``mask`` has shape (owners, buckets)."""
        who = self.all_owners() if mask is None else mask
        if self.kpi.aggregation not in (Aggregation.SUM, Aggregation.RATIO) or self.stock is not None:
            return [self.measure(bucket, who[:, bucket]).value for bucket in range(self.grid.shape[1])]
        expected = np.where(who, self.days, 0).sum(axis=0)
        covered = np.min([np.where(who, days, 0).sum(axis=0) for days in self.covered.values()], axis=0)
        rows, unknown = np.where(who, self.rows, 0).sum(axis=0), np.where(who, self.unknown, 0).sum(axis=0)
        covered_enough = covered >= self.grid.minimum * expected - 1e-9
        usable = (expected > 0) & covered_enough & (unknown <= UNKNOWN_LIMIT * rows)
        numerator, denominator = (
            np.where(who, cells, 0.0).sum(axis=0) for cells in (self.numerator, self.denominator)
        )
        if self.kpi.aggregation is Aggregation.SUM:
            denominator = np.ones_like(numerator)
        return [
            divide(float(top), float(bottom)) if fine else None
            for top, bottom, fine in zip(numerator, denominator, usable, strict=True)
        ]

    def _coverage(self, bucket: int, who: Bools) -> tuple[float | None, Note | None]:
        expected = int(self.days[who, bucket].sum())
        if expected == 0:
            begun = self.grid.bounds[bucket] < self.grid.known_until
            return None, Note("no_days" if begun else "period_not_begun")
        shares = {table: float(days[who, bucket].sum()) / expected for table, days in self.covered.items()}
        coverage = min(shares.values())
        if coverage >= self.grid.minimum - 1e-9:
            return coverage, None
        short = [table for table, share in shares.items() if share < self.grid.minimum - 1e-9]
        return coverage, Note(
            "not_covered", {"coverage": coverage, "minimum": self.grid.minimum, "tables": short}
        )

    def _remarks(self, bucket: int, who: Bools, rows: int) -> tuple[Note, ...]:
        counts = {code: int(cells[who, bucket].sum()) for code, cells in self.mentioned.items()}
        counts |= {code: 0 for code in self.kpi.always_noted if code not in counts}
        return tuple(
            Note(
                code,
                {"count": count, "share": divide(count, rows)}
                if code in self.kpi.always_noted
                else {"count": count},
            )
            for code, count in sorted(counts.items())
            if count or code in self.kpi.always_noted
        )

    def _aggregate(
        self, bucket: int, who: Bools, known: frozenset[tuple[int, str]] | None
    ) -> tuple[float | None, float | None, float | None, tuple[Note, ...]]:
        match self.kpi.aggregation:
            case Aggregation.MEDIAN:
                return self._median(bucket, who)
            case Aggregation.TILES:
                return self._tiling(bucket, who, known)
            case Aggregation.LEVEL:
                return self._over_states(self.numerator, bucket, who, "level_unknown")
            case _ if self.stock is not None and self.kpi.stock is not None:
                return self._over_states(self.stock, bucket, who, _UNKNOWN_STOCK[self.kpi.stock])
            case Aggregation.RATIO:
                top, bottom = (
                    float(self.numerator[who, bucket].sum()),
                    float(self.denominator[who, bucket].sum()),
                )
                return _ratio(top, bottom)
            case _:
                total = float(self.numerator[who, bucket].sum())
                return total, total, None, ()

    def _over_states(
        self, states: Floats, bucket: int, who: Bools, reason: str
    ) -> tuple[float | None, float | None, float | None, tuple[Note, ...]]:
        """Sum a level, or divide by a stock; an owner whose state is unknown is left out of both sides."""
        present = who & ((self.days[:, bucket] > 0) | (self.units[:, bucket] > 0))
        missing = present & np.isnan(states[:, bucket])
        names = [self.grid.owners[row] for row in np.flatnonzero(missing)]
        if len(names) > UNKNOWN_LIMIT * present.sum():
            return None, None, None, (Note(reason, {"accounts": names}),)
        notes = tuple(Note("account_without_stock", {"account_id": name}) for name in names)
        kept = present & ~missing
        total = float(self.numerator[kept, bucket].sum())
        if self.kpi.aggregation is Aggregation.LEVEL:
            return total, total, None, notes
        value, top, bottom, more = _ratio(total, float(states[kept, bucket].sum()))
        return value, top, bottom, (*more, *notes)

    def _median(
        self, bucket: int, who: Bools
    ) -> tuple[float | None, float | None, float | None, tuple[Note, ...]]:
        sample = self.durations.get(bucket)
        if sample is not None:
            sample = sample[who[sample["row"].to_numpy()]]
        if sample is None or sample.empty:
            return None, None, None, (Note("no_rows"),)
        median = kaplan_meier_median(sample["numerator"].to_numpy(), sample["denominator"].to_numpy() == 1.0)
        if median is None:
            answered = int((sample["denominator"] == 1.0).sum())
            return (
                None,
                None,
                None,
                (Note("median_not_reached", {"answered": answered, "total": len(sample)}),),
            )
        return median, None, None, ()

    def _tiling(
        self, bucket: int, who: Bools, known: frozenset[tuple[int, str]] | None
    ) -> tuple[float | None, float | None, float | None, tuple[Note, ...]]:
        sums = {key: float(cells[0, bucket]) for key, cells in self._tilings(who, known)}
        problems = [
            Note("not_tiled", {"brand": self.grid.owners[row], "phrase": phrase})
            for (row, phrase), total in sums.items()
            if np.isinf(total)
        ]
        told = {row for (row, _), total in sums.items() if not np.isnan(total)}
        expected = np.flatnonzero(who & (self.days[:, bucket] > 0))
        problems += [
            Note("not_tiled", {"brand": self.grid.owners[row], "phrase": None})
            for row in expected
            if row not in told
        ]
        if problems:
            return None, None, None, tuple(problems)
        total = float(sum(part for part in sums.values() if not np.isnan(part)))
        return total, total, None, ()

    def _tilings(
        self, who: Bools, known: frozenset[tuple[int, str]] | None
    ) -> Iterator[tuple[tuple[int, str], Floats]]:
        return (
            (key, cells)
            for key, cells in self.tiles.items()
            if who[key[0]] and (known is None or key in known)
        )

    def phrases_known(self, bucket: int) -> frozenset[tuple[int, str]]:
        """The (owner row, phrase) pairs that are tiled in a bucket."""
        return frozenset(key for key, cells in self.tiles.items() if np.isfinite(cells[0, bucket]))


def _ratio(top: float, bottom: float) -> tuple[float | None, float, float, tuple[Note, ...]]:
    value = divide(top, bottom)
    return value, top, bottom, () if value is not None else (Note("zero_denominator"),)


def kaplan_meier_median(hours: Floats, observed: Bools) -> float | None:
    """The smallest t at which the Kaplan–Meier survival is at most one half.

    Parameters
    ----------
    hours : array of float
        Durations.
    observed : array of bool
        False where the duration is only known to be longer.

    Returns
    -------
    float or None
        None where survival never comes down to one half.

    References
    ----------
    Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958).

    Examples
    --------
    >>> kaplan_meier_median(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False]))
    2.0
    >>> kaplan_meier_median(np.array([1.0, 5.0]), np.array([False, False])) is None
    True
    """
    if not observed.any():
        return None
    survival = stats.ecdf(stats.CensoredData.right_censored(hours, ~observed)).sf
    # the product of exact fractions may end a rounding error above one half
    reached = np.flatnonzero(survival.probabilities <= 0.5 + 1e-12)
    return float(survival.quantiles[reached[0]]) if len(reached) else None


def tally(kpi: Kpi, frame: UnitFrame, grid: Grid, stocks: StockIndex) -> Tally:
    """Add the units of a frame up, one cell an owner and bucket.

    Parameters
    ----------
    kpi : Kpi
    frame : UnitFrame
        What ``kpi.units`` returned.
    grid : Grid
    stocks : StockIndex
        The subscribers of the owners.

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
    asked = excluded == ""
    counts = asked & ~np.isnan(top) & ~np.isnan(bottom)
    codes = {code: excluded == code for code in set(excluded) - {""}}
    codes |= {code: asked & (remark == code) for code in set(remark[asked]) - {""}}
    days_covered = {table: grid.per_bucket(grid.days_covered(table)) for table in kpi.tables}
    if "audience" in days_covered:
        days_covered["audience"] = _without_stale(grid, stocks)
    sums = Tally(
        kpi=kpi,
        grid=grid,
        numerator=add(counts, top).astype("float64"),
        denominator=add(counts, bottom).astype("float64"),
        units=add(counts & (top != 0)) if kpi.interval is Interval.COUNTS else add(counts),
        rows=add(asked),
        unknown=add(asked & ~counts),
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
    # a row that begins before the first bucket may still reach into it
    return _tiled(sums, whole) if kpi.aggregation is Aggregation.TILES else sums


def _without_stale(grid: Grid, stocks: StockIndex) -> Ints:
    """Covered days of ``audience``, less those at a bucket's start whose last row is too old."""
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
    """Keep of each cell its last numerator, at most 7 days before the cell's end, or its stock."""
    level = np.full(sums.grid.shape, np.nan).ravel()
    order = np.argsort(days, kind="stable")
    _, ends = sums.grid.edges
    fresh = order[days[order] >= ends.ravel()[cell[order]] - STALE_DAYS]
    level[cell[fresh]] = frame["numerator"].to_numpy()[fresh]
    level = level.reshape(sums.grid.shape) if sums.stock is None else sums.stock
    units = np.where(np.isnan(level), 0, 1)
    return replace(sums, numerator=level, units=units, rows=units, unknown=np.zeros_like(units))


def _tiled(sums: Tally, frame: UnitFrame) -> Tally:
    """Add for each owner and phrase the sum of the coarsest rows that tile each bucket exactly."""
    grid = sums.grid
    owners = {owner: row for row, owner in enumerate(grid.owners)}
    over = local_days(frame["until"], grid.zone) <= grid.known_until  # others are not known at the cut-off
    frame = frame[over & frame["brand"].isin(owners) & frame["numerator"].notna()]
    since, until = local_days(frame["at"], grid.zone), local_days(frame["until"], grid.zone)
    amounts = frame["numerator"].to_numpy()
    spans = list(
        zip(grid.bounds[:-1].tolist(), np.minimum(grid.bounds[1:], grid.known_until).tolist(), strict=True)
    )
    found = {}
    for key, index in frame.groupby(["brand", "phrase"], sort=True).indices.items():
        owner, phrase = map(str, cast("tuple[object, object]", key))
        rows = sorted(zip(since[index].tolist(), until[index].tolist(), amounts[index].tolist(), strict=True))
        found[owners[owner], phrase] = np.array([tile(rows, *span) for span in spans], dtype="float64").T
    return replace(sums, tiles=found)


def tile(rows: Sequence[tuple[int, int, float]], start: int, end: int) -> tuple[float, int]:
    """Sum the fewest rows ``(since, until, amount)`` that tile ``[start, end)`` exactly.

    Returns
    -------
    float, int
        The sum and how many rows it took; the sum is NaN where no row touches the range, and inf
        where rows do but none of them tile it.

    Examples
    --------
    >>> month, halves = [(0, 30, 9.0)], [(0, 15, 4.0), (15, 30, 4.5)]
    >>> tile(month + halves, 0, 30), tile(halves, 0, 30)
    ((9.0, 1), (8.5, 2))
    >>> tile(halves, 0, 20), tile(month, 30, 60)
    ((inf, 0), (nan, 0))
    """
    touching = [row for row in rows if row[0] < end and row[1] > start]
    if not touching:
        return float("nan"), 0
    best: dict[int, tuple[int, float]] = {start: (0, 0.0)}
    for since, until, amount in touching:  # ascending by since, so every way to reach it is known
        if since in best and until <= end:
            steps, total = best[since]
            if until not in best or steps + 1 < best[until][0]:
                best[until] = (steps + 1, total + amount)
    if end not in best:
        return float("inf"), 0
    steps, total = best[end]
    return total, steps
