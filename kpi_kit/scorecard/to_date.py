"""A period that is not over against the same days of earlier periods, both as they were known by then."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from typing import NamedTuple

import numpy as np

from kpi_kit.core.model import Aggregation
from kpi_kit.core.periods import Period, midnight
from kpi_kit.data.store import known_at
from kpi_kit.kpis.engine.day_grid import Bools, Floats, Grid, day_number, local_days
from kpi_kit.kpis.engine.unit_frame import UnitFrame
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.entry_facts import Facts, Tallies
from kpi_kit.scorecard.entry_record import SameDays, ToDate
from kpi_kit.scorecard.inference import Window, change_between
from kpi_kit.scorecard.verdict_records import change_record
from kpi_kit.statistics import Change, false_discoveries, weekday_factors

_YEAR = 364


class Compared(NamedTuple):
    """Two windows of the same days, the change between them, and the accounts or brands in neither."""

    now: Window
    earlier: Window
    change: Change
    left_out: list[str]


def to_date(entries: Sequence[Facts]) -> list[ToDate | None]:
    """The comparison of each entry with the same days of the previous period and of the year before.

    False discoveries are controlled over the report, in one family each. None for entries that cannot be
    compared with either.
    """
    if not entries:
        return []
    period = entries[0].context.period
    points: dict[Period, Context] = {}
    previous, year_ago = (
        _records([_compared(facts, earlier, points) for facts in entries])
        for earlier in (period.previous, period.year_ago)
    )
    if period.previous == period.year_ago:
        year_ago = [None] * len(entries)
    return [
        {"previous": one, "year_ago": other} if one or other else None
        for one, other in zip(previous, year_ago, strict=True)
    ]


def _records(family: Sequence[Compared | None]) -> list[SameDays | None]:
    q_values = false_discoveries([None if one is None else one.change.p for one in family])
    return [None if one is None else _record(one, q) for one, q in zip(family, q_values, strict=True)]


def _record(one: Compared, q: float | None) -> SameDays | None:
    change = change_record(one.change, q)
    value, before = one.now.measured.value, one.earlier.measured.value
    if change is None or value is None or before is None:
        return None
    return {
        "days": [day.isoformat() for day in one.now.days],
        "earlier_days": [day.isoformat() for day in one.earlier.days],
        "value": value,
        "before": before,
        "change": change,
        "left_out": one.left_out,
    }


def compared_days(facts: Facts, earlier: Period) -> int:
    """How many first days of the period are compared with those of an earlier one.

    Of figures that posts go on gathering, only days whose posts have settled.
    """
    context = facts.context
    elapsed = (min(context.known_until, context.period.end) - context.period.start).days
    young = math.ceil(context.department.posts.settle_days) if facts.kpi.matures else 0
    return max(0, min(elapsed - young, earlier.days))


def _compared(facts: Facts, earlier: Period, points: dict[Period, Context]) -> Compared | None:
    """The same days of the period and of an earlier one; None where one of them cannot be assessed."""
    length, context = dt.timedelta(days=compared_days(facts, earlier)), facts.context
    if not length or facts.kpi.aggregation is Aggregation.TILES:
        return None
    spans = [(period.start, period.start + length) for period in (context.period, earlier)]
    owners = context.owners(facts.entry)
    grids = [context.daily(owners, *span) for span in spans]
    held = context.wholly_held(owners, facts.entry)
    compared: Bools = held & _wholly_covered(facts, grids[1])
    tallies = facts.equally_mature(context.period, earlier, compared)
    frames = [tallies.frame, tallies.frame]
    if not facts.kpi.matures:
        frames[1] = _known_by_then(facts, earlier, spans[1][1], points)
    windows = [
        _window(facts, frame, grid, compared, span, uses_snapshots=tallies.uses_snapshots)
        for frame, grid, span in zip(frames, grids, spans, strict=True)
    ]
    if not all(window.measured.assessable for window in windows):
        return None
    weekdays = _weekdays(facts, compared) if facts.kpi.accruing else None
    change = change_between(
        facts, compared, windows[0], windows[1], weekdays=weekdays, purpose=f"same {earlier}"
    )
    return Compared(windows[0], windows[1], change, list(compress(owners, ~compared)))


def _wholly_covered(facts: Facts, grid: Grid) -> Bools:
    """The owners with enough of all days of the only bucket of a grid covered."""
    length = int(grid.bounds[1] - grid.bounds[0])
    tables = {table for kpi in facts.kpi.parts or (facts.kpi,) for table in grid.coverage_of(kpi)}
    shares = [grid.days_covered(table).sum(axis=1) / length for table in sorted(tables)]
    enough: Bools = np.min(shares, axis=0) >= grid.minimum - 1e-9
    return enough


def _known_by_then(facts: Facts, earlier: Period, end: dt.date, points: dict[Period, Context]) -> UnitFrame:
    """The units as they were known at the same point of an earlier period."""
    context = facts.context
    if earlier not in points:
        zone = context.department.zone
        as_of = midnight(end, zone) + (context.as_of - midnight(context.known_until, zone))
        then = replace(context, as_of=as_of)
        then.__dict__["_coverage_rows"] = context._coverage_rows
        then.__dict__["rows"] = known_at(context.rows, as_of, context.department.timezone)
        points[earlier] = then
    frame = Facts(points[earlier], facts.entry).frame
    return context.without_absences(frame) if facts.kpi.delegable else frame


def _window(
    facts: Facts,
    frame: UnitFrame,
    grid: Grid,
    compared: Bools,
    span: tuple[dt.date, dt.date],
    *,
    uses_snapshots: bool,
) -> Window:
    tally = facts.context.tally(facts.kpi, frame, grid)
    tallies = Tallies(frame, tally, tally, uses_snapshots)
    return Window(tallies, 0, tally.measure(0, compared), span)


def _weekdays(facts: Facts, compared: Bools) -> Floats:
    """How much of a usual day each weekday has in the year before the period, its first weekday first."""
    grid, frame = facts.latest.history.grid, facts.latest.frame
    start = day_number(facts.context.period.start)
    owners = list(compress(grid.owners, compared))
    known = frame["numerator"].notna() & (frame["excluded"] == "") & frame[facts.kpi.scope].isin(owners)
    day = local_days(frame["at"], grid.zone)
    inside = known.to_numpy() & (day >= start - _YEAR) & (day < start)
    sums = np.bincount(day[inside] - (start - _YEAR), frame["numerator"].to_numpy()[inside], minlength=_YEAR)
    return weekday_factors([sums.astype("float64")], [np.arange(_YEAR) % 7])
