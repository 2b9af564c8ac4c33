"""VK: days of stats.get -> audience, the members reckoned back from the number at the end of the last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import pandas as pd

from kpi_kit.errors import InputError
from kpi_kit.periods import midnight
from kpi_kit.sources.interface import DateRange, ImportOptions
from kpi_kit.sources.rows import Row, collect, counted, frame, instant, newest
from kpi_kit.sources.vk_answers import Item

_DAY = dt.timedelta(days=1)


def audience(
    periods: Iterable[Item], account: str, options: ImportOptions, remarks: list[str]
) -> tuple[pd.DataFrame, tuple[DateRange, ...]] | None:
    """The audience table and its coverage; None, with a remark, where the number of members is not given.

    Raises
    ------
    InputError
        Where a period is not a day, or members would be below 0.
    """
    found = collect(lambda period: _day(period, account, options), periods)
    days, repeated = newest("audience", found)
    days.sort(key=lambda day: day.values["date"])
    if repeated:
        remarks.append(f"audience: {counted(repeated, 'repeated day')} dropped, the one given last is kept")
    if options.subscribers_at_end is None:
        remarks.append(
            f"audience: no rows from {counted(len(days), 'day')} of stats.get, which does not tell the "
            f"members; give --subscribers N, the members at the end of {_date(days[-1])}"
        )
        return None
    known = _after_last_gap(days, remarks)
    rows = _reckoned(known, options.subscribers_at_end)
    remarks.append(
        f"audience: {counted(len(rows), 'row')}, the members of each day reckoned back from "
        f"{options.subscribers_at_end} at the end of {_date(known[-1])}"
    )
    table = frame("audience", rows, ["date", "account_id", "subscribers", "joined", "left"])
    return table, _covered(known, options, remarks)


def _date(day: Row) -> dt.date:
    date: dt.date = day.values["date"]
    return date


def _day(period: Item, account: str, options: ImportOptions) -> Row:
    begin, end = (period.whole(key, period.raw[key]) for key in ("period_from", "period_to"))
    if not 0 <= end - begin <= _DAY.total_seconds():
        raise InputError(
            f"{period.path}: a period from {begin} to {end} is not a day; the audience needs interval=day"
        )
    activity = period.raw.get("activity") or {}
    if not isinstance(activity, dict):
        raise InputError(f"{period.where}: activity is {activity!r:.40}, allowed is an object")
    # stats.get leaves out activity keys that are zero: the only place where an absent figure is not unknown.
    joined, left = (
        period.whole(key, activity.get(key, 0), least=0) for key in ("subscribed", "unsubscribed")
    )
    date = instant(begin, str(period.path)).astimezone(options.timezone).date()
    values = {"date": date, "account_id": account, "joined": joined, "left": left}
    return Row(values, period.where)


def _after_last_gap(days: Sequence[Row], remarks: list[str]) -> Sequence[Row]:
    """The days without a gap up to the last; before a gap the members are not known."""
    first = max((i for i in range(1, len(days)) if _date(days[i]) - _date(days[i - 1]) > _DAY), default=0)
    if first:
        remarks.append(
            f"audience: {counted(first, 'day')} up to {_date(days[first - 1])} left out, as the next day in "
            f"the files is {_date(days[first])}; import them by themselves with their own --subscribers"
        )
    return days[first:]


def _reckoned(days: Sequence[Row], members_at_end: int) -> list[Row]:
    rows, members = [], members_at_end
    for day in reversed(days):
        rows.append(Row({**day.values, "subscribers": members}, day.where))
        before = members + day.values["left"] - day.values["joined"]
        if min(members, before) < 0:
            raise InputError(
                f"--subscribers {members_at_end}: reckoned back, {_date(day)} would begin with {before}"
            )
        members = before
    return rows[::-1]


def _covered(days: Sequence[Row], options: ImportOptions, remarks: list[str]) -> tuple[DateRange, ...]:
    since, last = _date(days[0]), _date(days[-1])
    until = last + _DAY
    if options.stats_at is not None and options.stats_at < midnight(until, options.timezone):
        remarks.append(f"audience: {last} was not over at --fetched-at and does not count as covered")
        until = last
    return ((since, until),) if since < until else ()
