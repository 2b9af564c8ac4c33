"""Periods: months, quarters, ISO weeks and years in the department's time zone."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase

_PATTERN = re.compile(
    r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|W(?P<week>\d{2})|(?P<month>\d{2})))?", re.ASCII
)
YEARS = range(1900, 2200)
"""Years that a period may be in, so that histories and deadlines around it are valid dates."""


class Grain(StrEnum):
    """The kinds of period, shortest first."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


RELATIVE = ("last-month", "last-week", "last-quarter", "this-month")
"""Names of periods that depend on today."""


@dataclass(frozen=True, order=True)
class Period:
    """A calendar period ``[start, end)``.

    Parameters
    ----------
    start : datetime.date
        First day.
    grain : Grain
        Week (ISO), month, quarter or year.

    Examples
    --------
    >>> period = Period.parse("2025-10")
    >>> period.start, period.end, period.days
    (datetime.date(2025, 10, 1), datetime.date(2025, 11, 1), 31)
    >>> [str(p) for p in (period.previous, period.year_ago)]
    ['2025-09', '2024-10']
    >>> [str(Period.parse(text).previous) for text in ("2025-Q1", "2025-W01", "2025")]
    ['2024-Q4', '2024-W52', '2024']
    """

    start: dt.date
    grain: Grain

    @classmethod
    def parse(cls, text: object) -> Period:
        """Read ``2025-10``, ``2025-Q4``, ``2025-W41`` or ``2025``.

        Raises
        ------
        InputError
            Where the text is not a period, or its year is not in :data:`YEARS`.
        """
        match = _PATTERN.fullmatch(str(text))
        if match is None:
            raise InputError(Phrase("core.not_a_period", text=str(text)))
        year = int(match["year"])
        if year not in YEARS:
            raise InputError(
                Phrase(
                    "core.year_of_period", text=str(text), first=YEARS.start, last=YEARS.stop - 1, year=year
                )
            )
        try:
            if match["quarter"]:
                return cls(dt.date(year, 3 * int(match["quarter"]) - 2, 1), Grain.QUARTER)
            if match["week"]:
                return cls(dt.date.fromisocalendar(year, int(match["week"]), 1), Grain.WEEK)
            if match["month"]:
                return cls(dt.date(year, int(match["month"]), 1), Grain.MONTH)
            return cls(dt.date(year, 1, 1), Grain.YEAR)
        except ValueError as fault:
            raise InputError(Phrase("core.no_such_period", text=str(text), fault=fault)) from None

    @classmethod
    def is_name(cls, text: str) -> bool:
        """Whether a text is a period as it is written in names of folders.

        Examples
        --------
        >>> [Period.is_name(text) for text in ("2025-10", "2025-13", "history")]
        [True, False, False]
        """
        try:
            return str(cls.parse(text)) == text
        except InputError:
            return False

    @classmethod
    def containing(cls, day: dt.date, grain: Grain) -> Period:
        """The period of a grain that contains a day.

        Examples
        --------
        >>> str(Period.containing(dt.date(2025, 12, 31), Grain.WEEK))
        '2026-W01'
        """
        match grain:
            case Grain.WEEK:
                return cls(day - dt.timedelta(days=day.weekday()), grain)
            case Grain.MONTH:
                return cls(day.replace(day=1), grain)
            case Grain.QUARTER:
                return cls(day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1), grain)
            case Grain.YEAR:
                return cls(day.replace(month=1, day=1), grain)

    @classmethod
    def relative(cls, name: str, today: dt.date) -> Period:
        """A period named from today: one of :data:`RELATIVE`.

        Examples
        --------
        >>> today = dt.date(2025, 11, 9)
        >>> [str(Period.relative(name, today)) for name in RELATIVE]
        ['2025-10', '2025-W44', '2025-Q3', '2025-11']
        """
        grain = Grain(name.partition("-")[2])
        current = cls.containing(today, grain)
        return current if name.startswith("this-") else current.previous

    def __str__(self) -> str:
        match self.grain:
            case Grain.WEEK:
                iso = self.start.isocalendar()
                return f"{iso.year:04d}-W{iso.week:02d}"
            case Grain.MONTH:
                return f"{self.start.year:04d}-{self.start.month:02d}"
            case Grain.QUARTER:
                return f"{self.start.year:04d}-Q{(self.start.month + 2) // 3}"
            case Grain.YEAR:
                return f"{self.start.year:04d}"

    @property
    def end(self) -> dt.date:
        """The day after the last day."""
        if self.grain is Grain.WEEK:
            return self.start + dt.timedelta(days=7)
        months = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}[self.grain]
        index = self.start.year * 12 + self.start.month - 1 + months
        return dt.date(index // 12, index % 12 + 1, 1)

    @property
    def last_day(self) -> dt.date:
        """The last day of the period."""
        return self.end - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days

    @property
    def previous(self) -> Period:
        """The period before this one."""
        return Period.containing(self.start - dt.timedelta(days=1), self.grain)

    @property
    def next(self) -> Period:
        """The period after this one."""
        return Period.containing(self.end, self.grain)

    @property
    def year_ago(self) -> Period:
        """The same period a year earlier; week 52 for a week 53 that the earlier year does not have."""
        if self.grain is Grain.WEEK:
            iso = self.start.isocalendar()
            last = dt.date(iso.year - 1, 12, 28).isocalendar().week
            return Period(dt.date.fromisocalendar(iso.year - 1, min(iso.week, last), 1), self.grain)
        return Period(self.start.replace(year=self.start.year - 1), self.grain)

    def history(self, count: int) -> list[Period]:
        """The last ``count`` periods, oldest first, ending with this one.

        Examples
        --------
        >>> [str(p) for p in Period.parse("2025-Q1").history(3)]
        ['2024-Q3', '2024-Q4', '2025-Q1']
        """
        periods = [self]
        while len(periods) < count:
            periods.append(periods[-1].previous)
        return periods[::-1]

    def parts(self, grain: Grain) -> list[Period]:
        """The periods of a smaller grain that tile this one (weeks do not tile months).

        Examples
        --------
        >>> [str(p) for p in Period.parse("2025-Q4").parts(Grain.MONTH)]
        ['2025-10', '2025-11', '2025-12']
        """
        parts = [Period.containing(self.start, grain)]
        while parts[-1].end < self.end:
            parts.append(parts[-1].next)
        return parts

    def bounds(self, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
        """Start and end as instants: local midnights."""
        return midnight(self.start, zone), midnight(self.end, zone)


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The instant at which a day begins in a time zone.

    Examples
    --------
    >>> midnight(dt.date(2025, 11, 8), ZoneInfo("Europe/Moscow")).isoformat()
    '2025-11-08T00:00:00+03:00'
    """
    return dt.datetime.combine(day, dt.time(), tzinfo=zone)


def parse_instant(text: str, zone: ZoneInfo, what: str) -> dt.datetime:
    """Read an ISO date or time; a naive time is in ``zone``, a date means its first instant.

    Raises
    ------
    InputError
        Where the text is not ISO 8601, or its year is not in :data:`YEARS`; ``what`` names the argument in
        the sentence.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(Phrase("core.not_an_instant", what=what, text=text)) from None
    if moment.year not in YEARS:
        raise InputError(
            Phrase("core.year_of_instant", what=what, text=text, first=YEARS.start, last=YEARS.stop - 1)
        )
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
