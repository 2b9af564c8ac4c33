"""The units behind a value."""

from __future__ import annotations

from kpi_kit.core.errors import InputError
from kpi_kit.core.model import Aggregation
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.kpis import UnitFrame
from kpi_kit.kpis.engine.day_grid import day_number, local_days
from kpi_kit.scorecard.entry_facts import Facts


def units_in(facts: Facts, bucket: Period) -> UnitFrame:
    """The units of an entry in a bucket.

    In the period itself these are the units on the days held, and those of a deputy; in earlier buckets, the
    units on all days of the accounts of the period, as in the history.

    Raises
    ------
    InputError
        Where the bucket is not within the history.
    """
    context, zone = facts.context, facts.setting.zone
    first, last = context.buckets[0].start, context.period.end
    if context.weeks:
        first = min(first, context.weeks[0].start)
    if bucket.start < first or bucket.end > last:
        raise InputError(Phrase("explore.bucket", bucket=bucket, first=first, last=context.period.last_day))
    frame, own = facts.latest.frame, bucket == context.period
    grid = context.own_grid(facts.entry) if own else context.grid(context.owners(facts.entry), [bucket])
    days = local_days(frame["at"], zone)
    if facts.kpi.aggregation is Aggregation.TILES:  # a row counts in every bucket that it overlaps
        ends = local_days(frame["until"], zone)
        inside = (days < day_number(bucket.end)) & (ends > day_number(bucket.start))
        units = frame[inside & frame["brand"].isin(grid.owners)]
    else:
        units = frame[grid.cells(frame[facts.kpi.scope], days) >= 0]
    return units.assign(at=units["at"].dt.tz_convert(zone))
