"""Facts: the value of an entry, what it is compared with, and its history.

An entry is measured ``as`` a value, or as the change or growth against the period before or a year
ago. Both sides of a comparison cover the same accounts: those held for the whole period and covered
in the earlier one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Kpi, Measurement, Note, divide
from kpi_kit.core.periods import Period
from kpi_kit.kpis.engine.day_grid import Bools, day_number, local_days
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame
from kpi_kit.params import Entry
from kpi_kit.scorecard.context import Context


@dataclass(frozen=True)
class Part:
    """The share of one account or brand in a fact."""

    owner: str
    measurement: Measurement


@dataclass(frozen=True)
class Comparison:
    """Two like-for-like sides.

    Parameters
    ----------
    now, earlier : Measurement
    left_out : tuple of Note
        The accounts or brands that are in neither side, each with its reason.
    uses_snapshots : bool
        Whether the figures are those of snapshots of equal age, not those in ``posts``.
    """

    now: Measurement
    earlier: Measurement
    left_out: tuple[Note, ...] = ()
    uses_snapshots: bool = False


@dataclass(frozen=True)
class Sides:
    """One way of reading the figures of an entry.

    Parameters
    ----------
    frame : UnitFrame
    now : Tally
        The period on the days held.
    history : Tally
        Consecutive periods on all days.
    uses_snapshots : bool
        Whether the figures of posts are those of snapshots.
    """

    frame: UnitFrame
    now: Tally
    history: Tally
    uses_snapshots: bool = False


@dataclass(frozen=True)
class Facts:
    """Everything that is measured for one entry of a context.

    Parameters
    ----------
    context : Context
    entry : Entry
    """

    context: Context
    entry: Entry

    @property
    def kpi(self) -> Kpi:
        """The KPI of the entry."""
        return self.entry.definition

    @cached_property
    def setting(self) -> Setting:
        """The case's setting, narrowed to the mentions that the entry asks for."""
        mentions = self.kpi.scope == "brand"
        platforms = self.entry.platforms if mentions else None
        return replace(self.context.setting, sentiments=self.entry.sentiment, platforms=platforms)

    @cached_property
    def frame(self) -> UnitFrame:
        """The unit frame of the entry, with the rows of a deputy's colleagues."""
        return self.kpi.units(self.context.tables, self.setting)

    def _side(self, tables: Tables, setting: Setting) -> Sides:
        """Tally a way of reading the figures: the period on the days held, the history on all days."""
        frame = (
            self.frame
            if setting is self.setting and tables is self.context.tables
            else self.kpi.units(tables, setting)
        )
        own = self.context.without_absences(frame) if self.kpi.delegable else frame
        history = self.context.grid(self.context.owners(self.entry), self.context.buckets)
        return Sides(
            own,
            self.context.tally(self.kpi, own, self.context.own_grid(self.entry)),
            self.context.tally(self.kpi, own, history),
        )

    @cached_property
    def plain(self) -> Sides:
        """The figures as they are in ``posts``."""
        return self._side(self.context.tables, self.setting)

    @cached_property
    def _settled(self) -> Sides:
        """Equally mature figures where posts have no snapshots: settled posts only."""
        return self._side(self.context.tables, replace(self.setting, settled_only=True))

    @cached_property
    def _snapshots(self) -> pd.DataFrame:
        """The snapshots that know all that the KPI needs."""
        return self.context.tables["post_stats"].dropna(subset=list(self.kpi.matures))

    @cached_property
    def _matured(self) -> Sides:
        """The figures of snapshots nearest to the settling age."""
        posts = matured(self.context.tables["posts"], self._snapshots, self.kpi.matures, self.setting)
        tables = {**self.context.tables, "posts": posts}
        return replace(self._side(tables, self.setting), uses_snapshots=True)

    @cached_property
    def measurement(self) -> Measurement:
        """What is compared with the target."""
        if self.entry.as_ == "value":
            measured = self.plain.now.measure(0)
            return replace(measured, notes=(*measured.notes, *self._deputised(), *self._not_compared()))
        if self.context.interim:
            measured = self.plain.now.measure(0)
            return Measurement(None, None, None, measured.units, measured.coverage, (Note("interim_change"),))
        return self._changed(self.comparison(self._versus), self._versus)

    def under(
        self, kpi: Kpi, redefine: Callable[[UnitFrame], UnitFrame], *, moves: bool = False
    ) -> Measurement:
        """What would be compared with the target if the KPI were defined otherwise.

        A change or growth takes the other definition on both of its sides.

        Parameters
        ----------
        kpi : Kpi
            How units are put together.
        redefine : callable
            From the KPI's own unit frame to that of the other definition.
        moves : bool
            Whether that puts units into other periods.
        """
        if self.entry.as_ == "value":
            frame = redefine(self.plain.frame if moves else self._units_of_period)
            return self.context.tally(kpi, frame, self.plain.now.grid).measure(0)
        kept = self.comparable(self._versus)
        sides = self.mature_sides(self.context.period, self._versus, kept)
        frame = redefine(sides.frame)
        now, history = (self.context.tally(kpi, frame, side.grid) for side in (sides.now, sides.history))
        other = replace(sides, frame=frame, now=now, history=history)
        return self._changed(self._over(other, self._versus, kept), self._versus)

    @cached_property
    def _units_of_period(self) -> UnitFrame:
        """The units of the period: all that its value is made of."""
        frame, grid = self.plain.frame, self.plain.now.grid
        inside = grid.cells(frame[self.kpi.scope], local_days(frame["at"], grid.zone)) >= 0
        units: UnitFrame = frame[inside]
        return units

    @property
    def _versus(self) -> Period:
        return (
            self.context.period.previous if self.entry.versus == "previous" else self.context.period.year_ago
        )

    def _deputised(self) -> tuple[Note, ...]:
        if not self.kpi.delegable:
            return ()
        total = self.context.tally(self.kpi, self.frame, self.context.own_grid(self.entry)).units.sum()
        count = int(total - self.plain.now.units.sum())
        return (Note("deputised", {"count": count}),) if count else ()

    def _not_compared(self) -> tuple[Note, ...]:
        """The owners that count in the value and not in what it is shown beside."""
        shown = [self.comparison(self.context.period.previous), self.comparison(self.context.period.year_ago)]
        notes = [note for sides in shown if sides.earlier.assessable for note in sides.left_out]
        return tuple(note for index, note in enumerate(notes) if note not in notes[:index])

    @property
    def current(self) -> float | None:
        """The like-for-like value of the period that a change or growth is about."""
        return None if self.entry.as_ == "value" else self.comparison(self._versus).now.value

    @property
    def previous(self) -> float | None:
        """The like-for-like value of the period before."""
        return self.comparison(self.context.period.previous).earlier.value

    @property
    def year_ago(self) -> float | None:
        """The like-for-like value of the year before."""
        return self.comparison(self.context.period.year_ago).earlier.value

    @cached_property
    def _comparisons(self) -> dict[Period, Comparison]:
        """The comparisons made so far."""
        return {}

    def comparison(self, earlier: Period) -> Comparison:
        """Both sides of a comparison of the period with an earlier one.

        For the value itself the figures are those in ``posts``; a change or growth takes equally
        mature ones.
        """
        if earlier not in self._comparisons:
            self._comparisons[earlier] = self._compared(earlier)
        return self._comparisons[earlier]

    def _compared(self, earlier: Period) -> Comparison:
        kept = self.comparable(earlier)
        is_value = self.entry.as_ == "value"
        sides = self.plain if is_value else self.mature_sides(self.context.period, earlier, kept)
        return self._over(sides, earlier, kept)

    def _over(self, sides: Sides, earlier: Period, kept: Bools) -> Comparison:
        """Both sides of a comparison over the kept owners."""
        bucket = self.context.buckets.index(earlier)
        owners = self.plain.history.grid.owners
        held = self.context.wholly_held(owners, self.entry)
        own, history = sides.now, sides.history
        left_out = tuple(
            self._left_out(owner, "partly_held" if not held[row] else "not_covered_earlier")
            for row, owner in enumerate(owners)
            if not kept[row]
        )
        mask = np.zeros(len(own.grid.owners), bool)
        mask[: len(owners)] = kept  # colleagues' accounts come after the own and are never compared
        known = (
            own.phrases_known(0) & history.phrases_known(bucket)
            if self.kpi.aggregation is Aggregation.TILES
            else None
        )
        now, before = own.measure(0, mask, known), history.measure(bucket, kept, known)
        return Comparison(now, before, left_out, sides.uses_snapshots)

    def comparable(self, earlier: Period) -> Bools:
        """The owners that are in both sides of a comparison with an earlier period."""
        held = self.context.wholly_held(self.plain.history.grid.owners, self.entry)
        return held & self._wholly_covered(self.plain.history, self.context.buckets.index(earlier))

    def mature_sides(self, now: Period, earlier: Period, kept: Bools) -> Sides:
        """The figures that are equally mature on both sides of a change over the kept accounts."""
        if not self.kpi.matures:
            return self.plain
        both = self._has_snapshots(now, kept) and self._has_snapshots(earlier, kept)
        return self._matured if both else self._settled

    def _has_snapshots(self, period: Period, kept: Bools) -> bool:
        """Whether a post that counts for the kept accounts in a period has a snapshot."""
        posts = self.context.tables["posts"]
        owners = [owner for owner, counts in zip(self.plain.history.grid.owners, kept, strict=True) if counts]
        has_one = posts["post_id"].isin(self._snapshots["post_id"])
        known = posts[has_one & posts["account_id"].isin(owners) & posts["deleted_at"].isna()]
        days = local_days(known["published_at"], self.setting.zone)
        return bool(((days >= day_number(period.start)) & (days < day_number(period.end))).any())

    def _wholly_covered(self, history: Tally, bucket: int) -> Bools:
        """Owners with enough of *all* days of a bucket covered: half a month is not like for like."""
        length = int(history.grid.bounds[bucket + 1] - history.grid.bounds[bucket])
        shares = [covered[:, bucket] / length for covered in history.covered.values()]
        enough: Bools = np.min(shares, axis=0) >= history.grid.minimum - 1e-9
        return enough

    def _left_out(self, owner: str, reason: str) -> Note:
        if self.kpi.scope == "brand":
            return Note("brand_left_out", {"brand": owner})
        return Note("account_left_out", {"account_id": owner, "reason": reason})

    def _changed(self, sides: Comparison, earlier: Period) -> Measurement:
        """The change or growth between two sides, or why there is none."""
        now, before = sides.now, sides.earlier
        told = (Note("matured_figures"),) if sides.uses_snapshots else ()
        notes = (*sides.left_out, *told, *now.notes)
        if now.units == 0 and before.units == 0 and sides.left_out and now.coverage is None:
            return Measurement(None, None, None, 0, None, (Note("no_comparable_accounts"), *sides.left_out))
        if now.value is None:
            return Measurement(None, None, None, now.units, now.coverage, (*now.notes, *sides.left_out))
        if before.value is None:
            reason = Note("previous_not_assessable", {"period": str(earlier)})
            return Measurement(None, None, None, now.units, now.coverage, (reason, *notes))
        change = now.value - before.value
        if self.entry.as_ == "change":
            return Measurement(change, change, None, now.units, now.coverage, notes)
        if before.value < 0:
            return Measurement(None, None, None, now.units, now.coverage, (Note("negative_previous"), *notes))
        growth = divide(change, before.value)
        reasons = () if growth is not None else (Note("zero_previous"),)
        return Measurement(growth, change, before.value, now.units, now.coverage, (*reasons, *notes))

    @cached_property
    def history(self) -> list[tuple[Period, float | None]]:
        """The value, change or growth of each period of the history; the last is the fact itself."""
        buckets = self.context.buckets
        wanted = [buckets.index(period) for period in self.context.history]
        if self.entry.as_ == "value":
            series = self.plain.history.series()
            past = [series[bucket] for bucket in wanted[:-1]]
        else:
            past = [self._past_change(bucket) for bucket in wanted[:-1]]
        return list(zip(self.context.history, [*past, self.measurement.value], strict=True))

    def _past_change(self, bucket: int) -> float | None:
        """The change or growth that an earlier period had, over the accounts of today."""
        period = self.context.buckets[bucket]
        earlier = period.previous if self.entry.versus == "previous" else period.year_ago
        before = self.context.buckets.index(earlier)
        kept = self._wholly_covered(self.plain.history, before)
        history = self.mature_sides(period, earlier, kept).history
        known = None
        if self.kpi.aggregation is Aggregation.TILES:
            known = history.phrases_known(bucket) & history.phrases_known(before)
        sides = Comparison(history.measure(bucket, kept, known), history.measure(before, kept, known))
        return self._changed(sides, earlier).value

    @cached_property
    def weekly(self) -> Tally | None:
        """The last full weeks, where there are any."""
        if not self.context.weeks:
            return None
        grid = self.context.grid(self.context.owners(self.entry), self.context.weeks)
        return self.context.tally(self.kpi, self.plain.frame, grid)

    @cached_property
    def weeks(self) -> list[tuple[Period, float | None]]:
        """The value of each full week; none for a change or growth, whose weeks would be noise."""
        if self.entry.as_ != "value" or self.weekly is None:
            return []
        return list(zip(self.context.weeks, self.weekly.series(), strict=True))

    @property
    def parts(self) -> list[Part]:
        """The fact of each account or brand alone."""
        own = self.plain.now
        return [Part(owner, self._part(own, row)) for row, owner in enumerate(own.grid.owners)]

    def _part(self, own: Tally, row: int) -> Measurement:
        alone = np.zeros(len(own.grid.owners), bool)
        alone[row] = True
        return own.measure(0, alone)


def matured(
    posts: pd.DataFrame, snapshots: pd.DataFrame, figures: Sequence[str], setting: Setting
) -> pd.DataFrame:
    """Posts with the figures of the snapshot nearest to the settling age, where they have any.

    Young and old posts are then equally mature. A post without snapshots keeps its figures. A post
    that had not reached the settling age at the cut-off stays unsettled: its snapshot is a younger one.

    Parameters
    ----------
    posts, snapshots : DataFrame
        Rows of ``posts`` and of ``post_stats``.
    figures : sequence of str
        The columns that the snapshots all know.
    setting : Setting

    Returns
    -------
    DataFrame
        Like ``posts``, with ``stats_at`` at the settling age or, for young posts, at the snapshot.
    """
    shots = snapshots.merge(posts[["post_id", "published_at"]], on="post_id")
    shots["distance"] = (shots["stats_at"] - shots["published_at"] - setting.settle).abs()
    nearest = (
        shots.sort_values(["distance", "stats_at"], kind="stable")
        .drop_duplicates("post_id")
        .set_index("post_id")
    )
    found = nearest.reindex(posts["post_id"]).set_index(posts.index)
    taken = {name: found[name].fillna(posts[name]) for name in figures}
    settled_at = posts["published_at"] + setting.settle
    taken_at = found["stats_at"].where(settled_at > setting.as_of, settled_at)
    return posts.assign(**taken, stats_at=posts["stats_at"].where(found["stats_at"].isna(), taken_at))
