"""Tallies to values: coverage, stocks, and what makes a value not assessable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from kpi_kit.core.model import Aggregation, Kpi, Measurement, Note, Stock, divide
from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, Ints
from kpi_kit.kpis.engine.survival import kaplan_meier_median
from kpi_kit.kpis.engine.unit_frame import UnitFrame

UNKNOWN_LIMIT = 0.1
"""The share of rows with unknown values above which a KPI is not assessable."""


_UNKNOWN_STOCK = {
    Stock.OPENING: "opening_unknown",
    Stock.MEAN: "mean_unknown",
    Stock.CLOSING: "level_unknown",
}
"""The note where a stock is unknown."""


@dataclass(frozen=True)
class Tally:
    """The sums of a KPI by owner and bucket.

    Parameters
    ----------
    kpi : Kpi
    grid : Grid
    numerator, denominator : array of float, shape (owners, buckets)
        For levels the numerator is the level, NaN where unknown.
    units : array of int, shape (owners, buckets)
        Number of sampling units; for counts only the counted events.
    rows, unknown : array of int, shape (owners, buckets)
        Number of rows that the definition includes, and of those with an unknown value.
    mentioned : dict of str to array of int
        Number of rows by code of exclusion or remark.
    days : array of int, shape (owners, buckets)
        Number of expected days.
    covered : dict of str to array of int
        Number of covered days by table.
    stock : array of float or None
        The denominators of a KPI over a stock, NaN where unknown.
    durations : dict of int to frame
        For medians: the units of each bucket.
    tiles : dict of (int, str) to array
        For tilings, by owner row and phrase: sums (NaN unknown, inf not tiled) and numbers of rows, shape
        (2, buckets).
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
        """The mask of all owners and buckets."""
        return np.ones(self.grid.shape, bool)

    def measure(
        self, bucket: int, mask: Bools | None = None, known: frozenset[tuple[int, str]] | None = None
    ) -> Measurement:
        """The value of a bucket over some owners, or why there is none.

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
        """The values by bucket, None where not assessable; ``mask`` has shape (owners, buckets)."""
        who = self.all_owners() if mask is None else mask
        if self.kpi.aggregation not in (Aggregation.SUM, Aggregation.RATIO) or self.stock is not None:
            return [self.measure(bucket, who[:, bucket]).value for bucket in range(self.grid.shape[1])]
        expected = np.where(who, self.days, 0).sum(axis=0)
        covered = np.min([np.where(who, days, 0).sum(axis=0) for days in self.covered.values()], axis=0)
        rows, unknown = np.where(who, self.rows, 0).sum(axis=0), np.where(who, self.unknown, 0).sum(axis=0)
        covered_enough = covered >= self.grid.minimum * expected - 1e-9
        assessable = (expected > 0) & covered_enough & (unknown <= UNKNOWN_LIMIT * rows)
        numerator, denominator = (
            np.where(who, cells, 0.0).sum(axis=0) for cells in (self.numerator, self.denominator)
        )
        if self.kpi.aggregation is Aggregation.SUM:
            denominator = np.ones_like(numerator)
        return [
            divide(float(top), float(bottom)) if sound else None
            for top, bottom, sound in zip(numerator, denominator, assessable, strict=True)
        ]

    def _coverage(self, bucket: int, who: Bools) -> tuple[float | None, Note | None]:
        expected = int(self.days[who, bucket].sum())
        if expected == 0:
            has_begun = self.grid.bounds[bucket] < self.grid.known_until
            return None, Note("no_days" if has_begun else "period_not_begun")
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
        """Sum a level, or divide by a stock; owners with an unknown state are left out of both sums."""
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
        overlapped = {row for (row, _), total in sums.items() if not np.isnan(total)}
        expected = np.flatnonzero(who & (self.days[:, bucket] > 0))
        problems += [
            Note("not_tiled", {"brand": self.grid.owners[row], "phrase": None})
            for row in expected
            if row not in overlapped
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
