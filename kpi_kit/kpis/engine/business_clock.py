"""A clock that runs in working hours only, in local time with clock changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import numpy.typing as npt
import pandas as pd

from kpi_kit.kpis.engine.unit_frame import Clock

Hours = tuple[int, int]
"""The local hours at which a working day begins and ends."""
_FRIDAY = 4
_DAY = 86400


@dataclass(frozen=True)
class WorkingTime:
    """When a department works.

    Parameters
    ----------
    weekdays : tuple of (int, int) or None
        The hours of Monday to Sunday; None for days off.
    country : str
        Its public holidays are off, and its transferred working days have Friday's hours.
    days : mapping of date to (int, int) or None
        Exceptions.
    """

    weekdays: tuple[Hours | None, ...]
    country: str
    days: Mapping[dt.date, Hours | None] = field(default_factory=dict)

    def working_days(self, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, Hours]]:
        """The working days of a range, last day included, with their hours."""
        calendar = holidays.country_holidays(self.country)
        for number in range((last - first).days + 1):
            day = first + dt.timedelta(days=number)
            hours = self.days[day] if day in self.days else self._usual(day, calendar)
            if hours is not None:
                yield day, hours

    def _usual(self, day: dt.date, calendar: holidays.HolidayBase) -> Hours | None:
        hours = self.weekdays[day.weekday()]
        if day in calendar:  # also computes the year's transferred working days
            return None
        return self.weekdays[_FRIDAY] or hours if day in calendar.weekend_workdays else hours


def business_clock(working: WorkingTime, zone: str, first: dt.date, last: dt.date) -> Clock:
    """A clock that runs in working hours.

    Hours that a clock change skips or repeats count as they pass.

    Parameters
    ----------
    working : WorkingTime
    zone : str
        The time zone of the working hours.
    first, last : datetime.date
        The range of days in which the clock runs; it never runs where ``last`` is before ``first``.

    Returns
    -------
    callable
        ``(begin, end) -> working hours``, NaN where there is no end.
    """
    epoch = dt.date(1970, 1, 1)
    local = np.array(
        [
            ((day - epoch).days * _DAY + opens * 3600, (day - epoch).days * _DAY + closes * 3600)
            for day, (opens, closes) in working.working_days(first, last)
        ],
        dtype="float64",
    ).reshape(-1, 2)
    spans = _in_utc(local, zone, first, max(first, last))
    worked = np.concatenate([[0.0], np.diff(spans, axis=1).ravel().cumsum()])
    at = spans.ravel()
    total = np.repeat(worked, 2)[1:-1]

    def elapsed(begin: pd.Series, end: pd.Series) -> np.ndarray:
        if not len(at):
            return np.where(end.isna(), np.nan, 0.0)
        seconds: np.ndarray = np.interp(_seconds(end), at, total) - np.interp(_seconds(begin), at, total)
        # rounded to microseconds, so that the sum of two parts equals the whole
        return seconds.round(6) / 3600

    return elapsed


def _in_utc(
    local: npt.NDArray[np.float64], zone: str, first: dt.date, last: dt.date
) -> npt.NDArray[np.float64]:
    """Local spans as spans of UTC seconds; a span around a clock change is cut at the change."""
    parts = []
    for begin, end, offset in _offsets(zone, first, last):
        inside = np.clip(local, begin + offset, end + offset) - offset
        parts.append(inside[inside[:, 1] > inside[:, 0]])
    return np.concatenate(parts)


def _offsets(zone: str, first: dt.date, last: dt.date) -> Iterator[tuple[float, float, float]]:
    """Consecutive ranges of UTC seconds that have one offset from UTC, with the offset."""
    days = pd.date_range(first - dt.timedelta(days=2), last + dt.timedelta(days=3), tz="UTC")
    local = days.tz_convert(zone).tz_localize(None)
    offsets = (local - days.tz_localize(None)).total_seconds().to_numpy()
    seconds = np.asarray(days.as_unit("s").asi8)
    begin = -np.inf
    for number in np.flatnonzero(np.diff(offsets)):
        change = _change(zone, int(seconds[number]), int(seconds[number + 1]))
        yield begin, change, offsets[number]
        begin = change
    yield begin, np.inf, offsets[-1]


def _change(zone: str, low: int, high: int) -> float:
    """The second between two instants at which the offset of a zone changes."""
    place = ZoneInfo(zone)

    def offset(second: int) -> dt.timedelta | None:
        return dt.datetime.fromtimestamp(second, place).utcoffset()

    before = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return float(high)


def _seconds(instants: pd.Series) -> Any:
    """Seconds since 1970, NaN where there is no instant."""
    return (instants - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(dtype="float64")
