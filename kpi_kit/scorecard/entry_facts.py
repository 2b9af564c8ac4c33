"""The facts of an entry: its value, the values it is compared with, and its history.

An entry is measured ``as`` a value, or as the change or growth against the previous period or the year
before. Both sides of a comparison cover the same accounts: those held for the whole period and covered in
the earlier one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import compress

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Kpi, Measurement, Note, divide
from kpi_kit.core.periods import Period
from kpi_kit.kpis.engine.day_grid import Bools, Ints, day_number, local_days
from kpi_kit.kpis.engine.tally import Tally
from kpi_kit.kpis.engine.unit_frame import Setting, UnitFrame
from kpi_kit.params import Entry
from kpi_kit.scorecard.context import Context, counts_own_days


@dataclass(frozen=True)
class Part:
    """The measurement of one account or brand."""

    owner: str
    measurement: Measurement


@dataclass(frozen=True)
class Comparison:
    """The two like-for-like sides of a comparison.

    Parameters
    ----------
    now, earlier : Measurement
    left_out : tuple of Note
        The accounts or brands in neither side, each with its reason.
    uses_snapshots : bool
        Whether the figures of posts are those of ``post_stats`` at equal age, not those in ``posts``.
    """

    now: Measurement
    earlier: Measurement
    left_out: tuple[Note, ...] = ()
    uses_snapshots: bool = False


@dataclass(frozen=True)
class Tallies:
    """The tallies of one unit frame of an entry.

    Parameters
    ----------
    frame : UnitFrame
    now : Tally
        The period, on the days held.
    history : Tally
        Consecutive periods, on all days.
    uses_snapshots : bool
        Whether the figures of posts are those of ``post_stats``.
    """

    frame: UnitFrame
    now: Tally
    history: Tally
    uses_snapshots: bool = False


@dataclass(frozen=True)
class Facts:
    """Every measurement of one entry.

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
        """The setting of the context, narrowed to the entry's mentions."""
        mentions = self.kpi.scope == "brand"
        platforms = self.entry.platforms if mentions else None
        return replace(self.context.setting, sentiments=self.entry.sentiment, platforms=platforms)

    @cached_property
    def frame(self) -> UnitFrame:
        """The unit frame of the entry."""
        return self.kpi.units(self.context.tables, self.setting)

    def _tallies(self, frame: UnitFrame, *, uses_snapshots: bool = False) -> Tallies:
        own = self.context.without_absences(frame) if self.kpi.delegable else frame
        history = self.context.grid(self.context.owners(self.entry), self.context.buckets)
        return Tallies(
            own,
            self.context.tally(self.kpi, own, self.context.own_grid(self.entry)),
            self.context.tally(self.kpi, own, history),
            uses_snapshots,
        )

    @cached_property
    def latest(self) -> Tallies:
        """The latest figures of posts, as in ``posts``."""
        return self._tallies(self.frame)

    @cached_property
    def _settled_only(self) -> Tallies:
        """Settled posts only: figures of equal age where posts have no snapshots."""
        return self._tallies(self.kpi.units(self.context.tables, replace(self.setting, settled_only=True)))

    @cached_property
    def _snapshots(self) -> pd.DataFrame:
        """The rows of ``post_stats`` with every figure that the KPI needs."""
        return self.context.tables["post_stats"].dropna(subset=list(self.kpi.matures))

    @cached_property
    def _at_settling_age(self) -> Tallies:
        """The figures of posts in the snapshot nearest to the settling age."""
        posts = at_settling_age(self.context.tables["posts"], self._snapshots, self.kpi.matures, self.setting)
        frame = self.kpi.units({**self.context.tables, "posts": posts}, self.setting)
        return self._tallies(frame, uses_snapshots=True)

    @cached_property
    def measurement(self) -> Measurement:
        """The fact: the value, change or growth that is compared with the target."""
        if self.entry.as_ == "value":
            measured = self.latest.now.measure(0)
            notes = measured.notes
            if not measured.assessable and notes[0].code == "no_days" and self.context.absent_days:
                notes = (Note("absent"), *notes[1:])
            return replace(measured, notes=(*notes, *self._absent(), *self._not_compared()))
        if self.context.interim:
            measured = self.latest.now.measure(0)
            return Measurement(None, None, None, measured.units, measured.coverage, (Note("interim_change"),))
        return self._changed(self.comparison(self._versus), self._versus)

    def measured_as(
        self, kpi: Kpi, redefine: Callable[[UnitFrame], UnitFrame], *, moves: bool = False
    ) -> Measurement:
        """The fact under another definition of the KPI; a change takes it on both sides.

        Parameters
        ----------
        kpi : Kpi
            The KPI with the other definition's aggregation and stock.
        redefine : callable
            Makes the other definition's unit frame from the KPI's own.
        moves : bool
            Whether that puts units into other periods.
        """
        if self.entry.as_ == "value":
            frame = redefine(self.latest.frame if moves else self._units_of_period)
            return self.context.tally(kpi, frame, self.latest.now.grid).measure(0)
        compared = self.comparable(self._versus)
        own = self.equally_mature(self.context.period, self._versus, compared)
        frame = redefine(own.frame)
        history = self.context.tally(kpi, frame, own.history.grid)
        other = replace(own, frame=frame, history=history)
        return self._changed(self._compare(other, self._versus, compared), self._versus)

    @cached_property
    def _units_of_period(self) -> UnitFrame:
        """The units of the period."""
        frame, grid = self.latest.frame, self.latest.now.grid
        inside = grid.cells(frame[self.kpi.scope], local_days(frame["at"], grid.zone)) >= 0
        units: UnitFrame = frame[inside]
        return units

    @property
    def _versus(self) -> Period:
        return self.earlier(self.context.period)

    def earlier(self, period: Period) -> Period:
        """The period against which a change or growth compares a period."""
        return period.previous if self.entry.versus == "previous" else period.year_ago

    def _absent(self) -> tuple[Note, ...]:
        """The note about units of an absence, which are left out of a rate."""
        if not self.kpi.delegable or not self.context.person.absences:
            return ()
        held = self.context.own_grid(self.entry, absent=True)
        count = int(self.context.tally(self.kpi, self.frame, held).units.sum() - self.latest.now.units.sum())
        return (Note("absence_left_out", {"count": count}),) if count else ()

    @property
    def own_share(self) -> Fraction:
        """The share of the period's days up to the cut-off that count, as a mean over the entry's owners."""
        return self._share_until(self.context.known_until)

    @property
    def whole_share(self) -> Fraction:
        """The share of the period's days that will count at its end."""
        return self._share_until(self.context.period.end)

    def _share_until(self, known_until: dt.date) -> Fraction:
        period = self.context.period
        whole = Fraction(max(0, (min(period.end, known_until) - period.start).days), period.days)
        windows = list((self.context.own_grid(self.entry).windows or {}).values())
        shares = [Fraction(days_until(held, known_until), period.days) for held in windows]
        if not counts_own_days(self.entry) or all(share == whole for share in shares):
            return whole
        kept = self.latest.now.whole
        shares = [whole if kept is not None and kept[row, 0] else share for row, share in enumerate(shares)]
        return sum(shares, Fraction()) / len(shares)

    def _not_compared(self) -> tuple[Note, ...]:
        """The owners that count in the value, but not in the earlier values shown beside it."""
        period = self.context.period
        sides = [self.comparison(period.previous), self.comparison(period.year_ago)]
        notes = [note for side in sides if side.earlier.assessable for note in side.left_out]
        return tuple(note for index, note in enumerate(notes) if note not in notes[:index])

    @property
    def current(self) -> float | None:
        """The like-for-like value of the period, where it is not the fact itself."""
        now = self.comparison(self._versus).now.value
        return None if self.entry.as_ == "value" and now == self.measurement.value else now

    @property
    def previous(self) -> float | None:
        """The like-for-like value of the previous period."""
        return self.comparison(self.context.period.previous).earlier.value

    @property
    def year_ago(self) -> float | None:
        """The like-for-like value of the year before."""
        return self.comparison(self.context.period.year_ago).earlier.value

    @cached_property
    def _comparisons(self) -> dict[Period, Comparison]:
        """A cache of :meth:`comparison`."""
        return {}

    def comparison(self, earlier: Period) -> Comparison:
        """Compare the period with an earlier one.

        A value is compared by the latest figures of posts, a change or growth by figures of equal age.
        """
        if earlier not in self._comparisons:
            compared = self.comparable(earlier)
            is_value = self.entry.as_ == "value"
            tallies = self.latest if is_value else self.equally_mature(self.context.period, earlier, compared)
            self._comparisons[earlier] = self._compare(tallies, earlier, compared)
        return self._comparisons[earlier]

    def _compare(self, tallies: Tallies, earlier: Period, compared: Bools) -> Comparison:
        """Compare the period with an earlier one over some owners."""
        bucket = self.context.buckets.index(earlier)
        owners = self.latest.history.grid.owners
        held = self.context.wholly_held(owners, self.entry)
        history = tallies.history
        left_out = tuple(
            self._left_out(owner, "partly_held" if not held[row] else "not_covered_earlier")
            for row, owner in enumerate(owners)
            if not compared[row]
        )
        last = len(self.context.buckets) - 1
        known = (
            history.phrases_known(last) & history.phrases_known(bucket)
            if self.kpi.aggregation is Aggregation.TILES
            else None
        )
        now, before = history.measure(last, compared, known), history.measure(bucket, compared, known)
        return Comparison(now, before, left_out, tallies.uses_snapshots)

    def comparable(self, earlier: Period) -> Bools:
        """The owners in both sides of a comparison with an earlier period."""
        held = self.context.wholly_held(self.latest.history.grid.owners, self.entry)
        return held & self._wholly_covered(self.latest.history, self.context.buckets.index(earlier))

    def equally_mature(self, now: Period, earlier: Period, compared: Bools) -> Tallies:
        """Tallies in which the posts of two periods have figures of equal age."""
        if not self.kpi.matures:
            return self.latest
        both = self._has_snapshots(now, compared) and self._has_snapshots(earlier, compared)
        return self._at_settling_age if both else self._settled_only

    def _has_snapshots(self, period: Period, compared: Bools) -> bool:
        """Whether a post of the compared accounts in a period has a snapshot."""
        accounts, days = self._posts_with_snapshots
        inside = (days >= day_number(period.start)) & (days < day_number(period.end))
        owners = list(compress(self.latest.history.grid.owners, compared))
        return bool(accounts[inside].isin(owners).any())

    @cached_property
    def _posts_with_snapshots(self) -> tuple[pd.Series, Ints]:
        """The account and the local day of each post that has a snapshot and is not deleted."""
        posts = self.context.tables["posts"]
        counted = posts[keys_of(posts).isin(keys_of(self._snapshots)) & posts["deleted_at"].isna()]
        return counted["account_id"], local_days(counted["published_at"], self.setting.zone)

    def _wholly_covered(self, history: Tally, bucket: int) -> Bools:
        """The owners with enough of *all* days of a bucket covered, not only of the days held."""
        length = int(history.grid.bounds[bucket + 1] - history.grid.bounds[bucket])
        shares = [covered[:, bucket] / length for covered in history.covered.values()]
        enough: Bools = np.min(shares, axis=0) >= history.grid.minimum - 1e-9
        return enough

    def _left_out(self, owner: str, reason: str) -> Note:
        if self.kpi.scope == "brand":
            return Note("brand_left_out", {"brand": owner})
        return Note("account_left_out", {"account_id": owner, "reason": reason})

    def _changed(self, sides: Comparison, earlier: Period) -> Measurement:
        """The change or growth between two sides, or the reason why there is none."""
        now, before = sides.now, sides.earlier
        matured = (Note("matured_figures"),) if sides.uses_snapshots else ()
        notes = (*sides.left_out, *matured, *now.notes)
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
        """The value, change or growth of each period of the history; the last is the fact."""
        buckets = self.context.buckets
        wanted = [buckets.index(period) for period in self.context.history]
        if self.entry.as_ == "value":
            series = self.latest.history.series()
            past = [series[bucket] for bucket in wanted[:-1]]
        else:
            past = [self._past_change(bucket) for bucket in wanted[:-1]]
        return list(zip(self.context.history, [*past, self.measurement.value], strict=True))

    def _past_change(self, bucket: int) -> float | None:
        """The change or growth of an earlier period, over the accounts of today."""
        period = self.context.buckets[bucket]
        earlier = self.earlier(period)
        before = self.context.buckets.index(earlier)
        compared = self._wholly_covered(self.latest.history, before)
        history = self.equally_mature(period, earlier, compared).history
        known = None
        if self.kpi.aggregation is Aggregation.TILES:
            known = history.phrases_known(bucket) & history.phrases_known(before)
        sides = Comparison(history.measure(bucket, compared, known), history.measure(before, compared, known))
        return self._changed(sides, earlier).value

    @cached_property
    def weekly(self) -> Tally | None:
        """The last full weeks; None where the history has no weeks."""
        if not self.context.weeks:
            return None
        grid = self.context.grid(self.context.owners(self.entry), self.context.weeks)
        return self.context.tally(self.kpi, self.latest.frame, grid)

    @cached_property
    def weeks(self) -> list[tuple[Period, float | None]]:
        """The value of each full week; empty for a change or growth, whose weeks would be noise."""
        if self.entry.as_ != "value" or self.weekly is None:
            return []
        return list(zip(self.context.weeks, self.weekly.series(), strict=True))

    @property
    def parts(self) -> list[Part]:
        """The value of each account or brand alone."""
        own = self.latest.now
        alone = np.eye(len(own.grid.owners), dtype=bool)
        return [Part(owner, own.measure(0, alone[row])) for row, owner in enumerate(own.grid.owners)]


def days_until(windows: Sequence[tuple[dt.date, dt.date]], end: dt.date) -> int:
    """Number of days of some windows before an end."""
    return sum(max(0, (min(until, end) - since).days) for since, until in windows)


def keys_of(rows: pd.DataFrame) -> pd.MultiIndex:
    """The keys of posts."""
    return pd.MultiIndex.from_frame(rows[["account_id", "post_id"]])


def at_settling_age(
    posts: pd.DataFrame, snapshots: pd.DataFrame, figures: Sequence[str], setting: Setting
) -> pd.DataFrame:
    """Posts with the figures of the snapshot nearest to the settling age.

    Old and young posts then have figures of equal age. A post without snapshots keeps its figures. A post
    younger than the settling age at the cut-off stays unsettled.

    Parameters
    ----------
    posts, snapshots : DataFrame
        Rows of ``posts`` and of ``post_stats``.
    figures : sequence of str
        Columns that no snapshot lacks.
    setting : Setting

    Returns
    -------
    DataFrame
        ``posts`` with ``stats_at`` at the settling age or, for young posts, at the snapshot.
    """
    key = ["account_id", "post_id"]
    shots = snapshots.merge(posts[[*key, "published_at"]], on=key)
    shots["distance"] = (shots["stats_at"] - shots["published_at"] - setting.settle).abs()
    nearest = shots.sort_values(["distance", "stats_at"], kind="stable").drop_duplicates(key).set_index(key)
    snapshot = nearest.reindex(keys_of(posts)).set_axis(posts.index)
    columns = {name: snapshot[name].fillna(posts[name]) for name in figures}
    settled_at = posts["published_at"] + setting.settle
    stats_at = snapshot["stats_at"].where(settled_at > setting.as_of, settled_at)
    return posts.assign(**columns, stats_at=posts["stats_at"].where(snapshot["stats_at"].isna(), stats_at))
