"""VK: days of stats.get -> audience, counted back from the members at the end of the last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import midnight
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.count_back import count_back
from kpi_kit.sources.interface import DateRange, ImportOptions
from kpi_kit.sources.json_files import bad_value
from kpi_kit.sources.rows import Row, collect, figure_row, instant, newest
from kpi_kit.sources.vk_answers import Item

_DAY = dt.timedelta(days=1)
_ACTIVITY = {
    "likes": "likes",
    "comments": "comments",
    "copies": "reposts",
    "hidden": "hidden",
    "subscribed": "joined",
    "unsubscribed": "left",
}


def audience(
    periods: Iterable[Item], account: str, options: ImportOptions, remarks: list[str]
) -> tuple[tuple[list[Row], Sequence[str]], tuple[DateRange, ...]] | None:
    """The audience table and its coverage; None, with a remark, where the number of members is not given.

    Raises
    ------
    InputError
        Where a period is not a day, or members would be below 0.
    """
    if options.subscribers_at_end is None:
        remarks.append(Phrase("sources.no_members_of_stats"))
        return None
    periods = list(periods)
    with_activity = files_with_activity(periods)
    listed = collect(lambda period: _day(period, account, options, with_activity), periods)
    days, repeated = newest("audience", listed)
    days.sort(key=lambda day: day.values["date"])
    if repeated:
        remarks.append(Phrase("sources.repeated_days", count=repeated))
    counts = _count_back(days, options.subscribers_at_end)
    known_days = [day for day in days if _date(day) in counts]
    if unknown := sum(day.values["joined"] is None for day in days):
        remarks.append(Phrase("sources.flows_unknown", count=unknown))
    elif gap := len(days) - len(known_days):
        ends = {"last": _date(days[gap - 1]), "next": _date(known_days[0])}
        remarks.append(Phrase("sources.days_apart", count=gap, **ends))
    rows = [
        Row({**day.values, "subscribers": counts[_date(day)]}, day.where, day.stamp) for day in known_days
    ]
    fields = {"members": options.subscribers_at_end, "day": _date(known_days[-1])}
    remarks.append(Phrase("sources.members_reckoned", count=len(rows), **fields))
    return (rows, ("date", "account_id", "subscribers", "joined", "left")), _covered(
        known_days, options, remarks
    )


def files_with_activity(periods: Iterable[Item]) -> frozenset[Path]:
    """The files whose answers have the group ``activity``: elsewhere its figures are unknown, not 0."""
    return frozenset(period.path for period in periods if "activity" in period.raw)


def _count_back(days: Sequence[Row], at_end: int) -> dict[dt.date, int]:
    """Members by day; before a day whose flows are unknown they are unknown, too."""
    unknown = max((_date(day) for day in days if day.values["joined"] is None), default=dt.date.min)
    later = [day for day in days if _date(day) > unknown]
    if not later:
        return {_date(days[-1]): at_end}
    return count_back({_date(day): (day.values["joined"], day.values["left"]) for day in later}, at_end)


def figures(
    periods: Iterable[Item], account: str, options: ImportOptions
) -> tuple[list[Row], tuple[DateRange, ...]]:
    """Rows of ``account_stats`` for each period of stats.get; the reach of days does not add up.

    Raises
    ------
    InputError
        Where a figure is none.
    """
    periods = list(periods)
    with_activity = files_with_activity(periods)
    rows = [
        row
        for group in collect(lambda period: _figures_of(period, account, options, with_activity), periods)
        for row in group
    ]
    kept, _ = newest(ACCOUNT_STATS, rows)
    spans = {(row.values["since"], row.values["until"]) for row in kept}
    return kept, tuple(sorted(spans))


def _figures_of(
    period: Item, account: str, options: ImportOptions, with_activity: frozenset[Path]
) -> list[Row]:
    begin, end = (period.whole_number(key, period.raw[key]) for key in ("period_from", "period_to"))
    since = instant(begin, period.where).astimezone(options.timezone).date()
    span = since, since + max(1, round((end - begin) / _DAY.total_seconds())) * _DAY
    activity, reach, visitors = (_part(period, name) for name in ("activity", "reach", "visitors"))
    has_activity = period.path in with_activity
    figures = {name: activity.get(key, 0) for key, name in _ACTIVITY.items()} if has_activity else {}
    figures |= {name: reach.get(name) for name in ("reach", "reach_subscribers", "mobile_reach")}
    figures |= {name: visitors.get(name) for name in ("views", "visitors", "mobile_views")}
    return [
        figure_row(span, account, (name, period.whole_number(name, value, 0)), period.where, period.stamp)
        for name, value in figures.items()
        if value is not None
    ]


def _part(period: Item, name: str) -> Mapping[str, Any]:
    """A part of a period; PHP writes an empty object as an empty list."""
    part = period.raw.get(name) or {}
    if not isinstance(part, dict):
        raise bad_value(period.where, name, part, "object")
    return part


def _date(day: Row) -> dt.date:
    date: dt.date = day.values["date"]
    return date


def _day(period: Item, account: str, options: ImportOptions, with_activity: frozenset[Path]) -> Row:
    begin, end = (period.whole_number(key, period.raw[key]) for key in ("period_from", "period_to"))
    if not 0 <= end - begin <= _DAY.total_seconds():
        ends = {name: instant(at, period.where).date() for name, at in (("first", begin), ("last", end))}
        raise InputError(Phrase("sources.not_a_day", file=period.path, **ends))
    activity = _part(period, "activity")
    joined: int | None = None
    left: int | None = None
    if period.path in with_activity:
        # stats.get leaves out keys that are zero: the only place where an absent figure is not unknown
        joined = period.whole_number("subscribed", activity.get("subscribed", 0), least=0)
        left = period.whole_number("unsubscribed", activity.get("unsubscribed", 0), least=0)
    date = instant(begin, period.where).astimezone(options.timezone).date()
    values = {"date": date, "account_id": account, "joined": joined, "left": left}
    return Row(values, period.where, period.stamp)


def _covered(days: Sequence[Row], options: ImportOptions, remarks: list[str]) -> tuple[DateRange, ...]:
    since, last = _date(days[0]), _date(days[-1])
    until = last + _DAY
    if options.stats_at is not None and options.stats_at < midnight(until, options.timezone):
        remarks.append(Phrase("sources.day_not_over", day=last))
        until = last
    return ((since, until),) if since < until else ()
