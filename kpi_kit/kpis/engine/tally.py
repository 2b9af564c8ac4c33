"""Tallies to values: coverage, stocks, and what makes a value not assessable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from kpi_kit.core.model import Aggregation, Kpi, Measurement, Note, Stock, divide
from kpi_kit.core.schema import LEFT
from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, Ints, runs
from kpi_kit.kpis.engine.missing import counts_missing, day_text, missing, uncovered
from kpi_kit.kpis.engine.stocks import StockIndex
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
_MOST_DAYS = 20
_MOST_SPANS = 5
"""The most ranges of days that a note about unknown values names one by one."""
Blocked: TypeAlias = Mapping[str, Mapping[int, list[tuple[str, int]]]]
"""Labels and days of rows that make a value not assessable, by code and flat cell."""
Phrases: TypeAlias = frozenset[tuple[int, str]]
"""Pairs of owner row and phrase."""
_Sums: TypeAlias = tuple[float | None, float | None, float | None, tuple[Note, ...]]
"""Value, numerator, denominator, notes."""


@dataclass(frozen=True)
class Tally:
    """The sums of a KPI by owner and bucket.

    Parameters
    ----------
    kpi : Kpi
    grid : Grid
    numerator, denominator : array of float, shape (owners, buckets)
        For levels the numerator is the level; NaN where unknown.
    units : array of int, shape (owners, buckets)
        Number of sampling units; for counts only the counted events.
    rows, unknown : array of int, shape (owners, buckets)
        Number of rows that the definition includes, and of those with an unknown value.
    unknown_days : array of int, shape (n, 2)
        The flat cells and the days that have rows with an unknown value, in order.
    mentioned : dict of str to array of int
        Number of rows by code of exclusion or remark.
    days : array of int, shape (owners, buckets)
        Number of expected days.
    covered : dict of str to array of int
        Number of covered days by table.
    stocks : StockIndex
    stock : array of float or None
        The denominators of a KPI over a stock, NaN where unknown.
    durations : dict of int to frame
        For medians: the units of each bucket.
    tiles : dict of (int, str) to array
        For tilings, by owner row and phrase: sums (NaN unknown, inf not tiled) and numbers of rows, shape
        (2, buckets).
    is_known : array of bool or None
        Cells whose numerator is known; None where all are.
    whole : array of bool or None
        Cells whose value is that of the whole bucket, though only some of its days count; None where
        there are none.
    from_totals : array of bool or None
        Cells whose value is a total; None where there are none.
    silent : array of bool or None, shape (owners, days)
        Covered days without a row, of a KPI that needs rows.
    blocked : mapping
        Rows that make a value not assessable.
    parts : tuple of Tally
        Of a quotient of two KPIs: the tallies of both.
    """

    kpi: Kpi
    grid: Grid
    numerator: Floats
    denominator: Floats
    units: Ints
    rows: Ints
    unknown: Ints
    unknown_days: Ints
    mentioned: Mapping[str, Ints]
    days: Ints
    covered: Mapping[str, Ints]
    stocks: StockIndex
    stock: Floats | None = None
    durations: Mapping[int, UnitFrame] = field(default_factory=dict)
    tiles: Mapping[tuple[int, str], Floats] = field(default_factory=dict)
    is_known: Bools | None = None
    whole: Bools | None = None
    from_totals: Bools | None = None
    silent: Bools | None = None
    blocked: Blocked = field(default_factory=dict)
    parts: tuple[Tally, ...] = ()

    def all_owners(self) -> Bools:
        """The mask of all owners and buckets."""
        return np.ones(self.grid.shape, bool)

    def measure(self, bucket: int, mask: Bools | None = None, known: Phrases | None = None) -> Measurement:
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
        if self.parts:
            return self._quotient(bucket, who)
        coverage, reason = self._coverage(bucket, who)
        units, rows, unknown = (
            int(cells[who, bucket].sum()) for cells in (self.units, self.rows, self.unknown)
        )
        notes = self._remarks(bucket, who, rows)
        reason = reason or self._blocking(bucket, who) or self._too_many_unknown(bucket, who, rows, unknown)
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
        is_plain = self.stock is None and self.is_known is None and not self.blocked and not self.parts
        if self.kpi.aggregation not in (Aggregation.SUM, Aggregation.RATIO) or not is_plain:
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
        own = who if self.from_totals is None else who & ~self.from_totals[:, bucket]
        gaps = [gap for table in short for gap in uncovered(self.grid, self.kpi.scope, table, bucket, own)]
        figures = {"coverage": coverage, "minimum": self.grid.minimum, "tables": short, "missing": gaps}
        return coverage, Note("not_covered", figures)

    def _blocking(self, bucket: int, who: Bools) -> Note | None:
        """The note about rows that make the value not assessable."""
        buckets = self.grid.shape[1]
        for code, cells in self.blocked.items():
            rows = [
                pair for row in np.flatnonzero(who) for pair in cells.get(int(row) * buckets + bucket, [])
            ]
            if rows:
                days = sorted({day_text(day) for _, day in rows})[:_MOST_DAYS]
                labels = sorted({label for label, _ in rows})
                return Note(code, {"count": len(rows), "labels": labels, "days": days})
        return None

    def _too_many_unknown(self, bucket: int, who: Bools, rows: int, unknown: int) -> Note | None:
        if unknown <= UNKNOWN_LIMIT * rows:
            return None
        lacking = [
            {
                **missing(
                    self.kpi.tables[0],
                    self.kpi.scope,
                    self.grid.owners[row],
                    self._unknown_spans(int(row), bucket),
                ),
                "count": int(self.unknown[row, bucket]),
            }
            for row in np.flatnonzero(who & (self.unknown[:, bucket] > 0))
        ]
        return Note("too_many_unknown", {"count": unknown, "total": rows, "missing": lacking})

    def _unknown_spans(self, row: int, bucket: int) -> list[tuple[int, int]]:
        """The ranges of days with unknown values of a cell; where there are many, one from first to last."""
        cells, days = self.unknown_days.T
        days = days[cells == row * self.grid.shape[1] + bucket]
        parts = np.split(days, np.flatnonzero(np.diff(days) > 1) + 1)
        spans = [(int(part[0]), int(part[-1]) + 1) for part in parts]
        return spans if len(spans) <= _MOST_SPANS else [(spans[0][0], spans[-1][1])]

    def _remarks(self, bucket: int, who: Bools, rows: int) -> tuple[Note, ...]:
        counts = {code: int(cells[who, bucket].sum()) for code, cells in self.mentioned.items()}
        counts |= {code: 0 for code in self.kpi.always_noted if code not in counts}
        remarks = [
            Note(
                code,
                {"count": count, "share": divide(count, rows)}
                if code in self.kpi.always_noted
                else {"count": count},
            )
            for code, count in sorted(counts.items())
            if (count and code not in self.kpi.blocking) or code in self.kpi.always_noted
        ]
        for code, cells in (("whole_period", self.whole), ("from_totals", self.from_totals)):
            names = (
                []
                if cells is None
                else [self.grid.owners[row] for row in np.flatnonzero(who & cells[:, bucket])]
            )
            remarks += [Note(code, {"owners": names})] if names else []
        return (*remarks, *self._silence(bucket, who))

    def _silence(self, bucket: int, who: Bools) -> Iterator[Note]:
        """The note about days without rows that count as 0."""
        if self.silent is None:
            return
        start = int(self.grid.bounds[bucket])
        first, end = start - int(self.grid.bounds[0]), int(self.grid.bounds[bucket + 1] - self.grid.bounds[0])
        silent = self.silent[:, first:end]
        lacking = [
            missing(
                LEFT,
                self.kpi.scope,
                self.grid.owners[row],
                [(start + since, start + until) for since, until in runs(silent[row])],
            )
            for row in np.flatnonzero(who & silent.any(axis=1))
        ]
        if lacking:
            yield Note("days_without_rows", {"missing": lacking})

    def _aggregate(self, bucket: int, who: Bools, known: Phrases | None) -> _Sums:
        match self.kpi.aggregation:
            case Aggregation.MEDIAN:
                return self._median(bucket, who)
            case Aggregation.TILES:
                return self._tiling(bucket, who, known)
            case Aggregation.LEVEL:
                return self._of_known(bucket, who)
            case _ if self.is_known is not None or self.stock is not None:
                return self._of_known(bucket, who)
            case Aggregation.RATIO:
                top, bottom = (
                    float(self.numerator[who, bucket].sum()),
                    float(self.denominator[who, bucket].sum()),
                )
                return _ratio(top, bottom)
            case _:
                total = float(self.numerator[who, bucket].sum())
                return total, total, None, ()

    def _quotient(self, bucket: int, who: Bools) -> Measurement:
        """The numerator's value by the denominator's; an owner without one of them is in neither."""
        halves = [part.measure(bucket, who) for part in self.parts]
        if all(half.assessable for half in halves):
            kept = who.copy()
            for part in self.parts:
                kept[[row for row, _ in part._unknown_cells(bucket, who)]] = False
            halves = [part.measure(bucket, kept) for part in self.parts] if (kept != who).any() else halves
        units = sum(half.units for half in halves)
        coverage = min((half.coverage for half in halves if half.coverage is not None), default=None)
        notes = [note for half in halves if not half.assessable for note in half.notes]
        notes = notes or [note for half in halves for note in half.notes]
        notes = [note for number, note in enumerate(notes) if note not in notes[:number]]
        top, bottom = (half.value for half in halves)
        if top is None or bottom is None:
            return Measurement(None, None, None, units, coverage, tuple(notes))
        value = divide(top, bottom / self.kpi.per) if bottom >= 0 else None
        if value is None:
            code = "zero_denominator" if bottom == 0 else "negative_denominator"
            notes = [Note(code, {"kpi": self.kpi.parts[1].id}), *notes]
        return Measurement(value, top, bottom / self.kpi.per, units, coverage, tuple(notes))

    def _of_known(self, bucket: int, who: Bools) -> _Sums:
        """Sum over the owners whose numerator and stock are known; the others are left out of both sums."""
        present = who & ((self.days[:, bucket] > 0) | (self.units[:, bucket] > 0))
        reasons = dict(self._unknown_cells(bucket, present))
        names = [self.grid.owners[row] for row in reasons]
        if len(names) > UNKNOWN_LIMIT * present.sum():
            code = next(iter(reasons.values()))
            gaps = [
                counts_missing(self.grid, self.stocks, row, bucket, reason) for row, reason in reasons.items()
            ]
            return None, None, None, (Note(code, {"accounts": names, "missing": gaps}),)
        notes = tuple(Note("account_without_stock", {"account_id": name}) for name in names)
        kept = present.copy()
        kept[list(reasons)] = False
        total = float(self.numerator[kept, bucket].sum())
        if self.stock is None or self.kpi.aggregation is Aggregation.LEVEL:
            return total, total, None, notes
        value, top, bottom, more = _ratio(total, float(self.stock[kept, bucket].sum()))
        return value, top, bottom, (*more, *notes)

    def _unknown_cells(self, bucket: int, present: Bools) -> Iterator[tuple[int, str]]:
        """The rows of the present owners whose numerator or stock is unknown, with the code of the reason."""
        for row in np.flatnonzero(present):
            if np.isnan(self.numerator[row, bucket]):
                yield int(row), _reason(self.kpi)
            elif self.stock is not None and np.isnan(self.stock[row, bucket]):
                yield int(row), _UNKNOWN_STOCK[self.kpi.stock or Stock.OPENING]

    def _median(self, bucket: int, who: Bools) -> _Sums:
        sample = self.durations.get(bucket)
        if sample is not None:
            sample = sample[who[sample["row"].to_numpy()]]
        if sample is None or sample.empty:
            return None, None, None, (Note("no_rows"),)
        median = kaplan_meier_median(sample["numerator"].to_numpy(), sample["denominator"].to_numpy() == 1.0)
        if median is None:
            answered = int((sample["denominator"] == 1.0).sum())
            note = Note("median_not_reached", {"answered": answered, "total": len(sample)})
            return None, None, None, (note,)
        return median, None, None, ()

    def _tiling(self, bucket: int, who: Bools, known: Phrases | None) -> _Sums:
        sums = {key: float(cells[0, bucket]) for key, cells in self._tilings(who, known)}
        problems = [
            Note("not_tiled", {"brand": self.grid.owners[row], "phrase": phrase})
            for (row, phrase), total in sums.items()
            if np.isinf(total)
        ]
        overlapped = {row for (row, _), total in sums.items() if not np.isnan(total)}
        problems += [
            Note("not_tiled", {"brand": self.grid.owners[row], "phrase": None})
            for row in np.flatnonzero(who & (self.days[:, bucket] > 0))
            if row not in overlapped
        ]
        if problems:
            return None, None, None, tuple(problems)
        total = float(sum(part for part in sums.values() if not np.isnan(part)))
        return total, total, None, ()

    def _tilings(self, who: Bools, known: Phrases | None) -> Iterator[tuple[tuple[int, str], Floats]]:
        return (
            (key, cells)
            for key, cells in self.tiles.items()
            if who[key[0]] and (known is None or key in known)
        )

    def phrases_known(self, bucket: int) -> Phrases:
        """The (owner row, phrase) pairs that are tiled in a bucket."""
        return frozenset(key for key, cells in self.tiles.items() if np.isfinite(cells[0, bucket]))


def _reason(kpi: Kpi) -> str:
    """Why a numerator can be unknown."""
    if kpi.aggregation is Aggregation.LEVEL:
        return "level_unknown"
    return "gain_unknown" if kpi.gains else "no_counts"


def _ratio(top: float, bottom: float) -> _Sums:
    value = divide(top, bottom)
    return value, top, bottom, () if value is not None else (Note("zero_denominator"),)
