"""Parse dates and times in the formats and languages of exports."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from babel import Locale

from kpi_kit.core.phrases import Phrase

LANGUAGES = ("en", "ru", "uk", "be", "es", "pt", "de", "fr", "it", "tr", "pl", "nl", "bg")

_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]{1,6})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?: ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_DOTTED = re.compile(rf"(?P<day>[0-9]{{1,2}})\.(?P<month>[0-9]{{1,2}})\.(?P<year>[0-9]{{4}})(?:,? {_CLOCK})?")
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_SHORT = re.compile(r"[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{2}(?: .*)?")
_SERIAL = re.compile(r"[3-6][0-9]{4}(?:[.,][0-9]+)?")
"""Days since 1900: how a spreadsheet writes a date as a number."""
_DASHED = re.compile(rf"(?P<day>[0-9]{{1,2}})-(?P<month>[0-9]{{1,2}})-(?P<year>[0-9]{{4}})(?:,? {_CLOCK})?")
_YEAR_FIRST = re.compile(
    rf"(?P<year>[0-9]{{4}})/(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})(?:,? {_CLOCK})?"
)
_COMPACT = re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})")
_SLASHED = {
    "mdy": re.compile(rf"(?P<month>[0-9]{{1,2}})/(?P<day>[0-9]{{1,2}})/(?P<year>[0-9]{{4}})(?:,? {_CLOCK})?"),
    "dmy": re.compile(rf"(?P<day>[0-9]{{1,2}})/(?P<month>[0-9]{{1,2}})/(?P<year>[0-9]{{4}})(?:,? {_CLOCK})?"),
}
_NAMED = (  # 28 августа 2025 г., 8 de marzo de 2025; Aug 28, 2025
    re.compile(
        r"(?P<day>[0-9]{1,2})\.?(?: de)? (?P<name>[^\W\d_]+)\.?"
        r"(?:,?(?: de)? (?P<year>[0-9]{4}))?(?: г\.?)?"
        rf"(?:,?(?: в| at)? {_CLOCK})?"
    ),
    re.compile(
        rf"(?P<name>[^\W\d_]+)\.? (?P<day>[0-9]{{1,2}})(?:,? (?P<year>[0-9]{{4}}))?(?:,?(?: at)? {_CLOCK})?"
    ),
)
_MONTH = re.compile(r"(?P<name>[^\W\d_]+)\.? (?P<year>[0-9]{4})(?: г\.?)?")


@lru_cache(maxsize=1)
def month_names() -> Mapping[str, int]:
    """Month by its name or abbreviation in any of the languages; a name of two different months is left out.

    Examples
    --------
    >>> [month_names()[name] for name in ("aug", "августа", "август", "marzo")]
    [8, 8, 8, 3]
    """
    names: dict[str, int] = {}
    doubtful = set()
    for language in LANGUAGES:
        months = Locale(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    plain = name.casefold().rstrip(".")
                    if names.setdefault(plain, number) != number:
                        doubtful.add(plain)
    names.update({"сен": 9, "ноя": 11, "фев": 2, "sept": 9})  # as spreadsheets and people shorten them
    return MappingProxyType({name: number for name, number in names.items() if name not in doubtful})


def parse_date(text: str, order: str | None = None, *, compact: bool = False) -> tuple[dt.datetime, bool]:
    """Parse a date; returns a datetime (naive without an offset) and whether the text has a time of day.

    Parameters
    ----------
    text : str
    order : {"mdy", "dmy"} or None
        How dates with slashes are to be read; without it ``10/31/2025`` is refused.
    compact : bool
        Whether ``20251031`` is a date.

    Raises
    ------
    ValueError
        Where the text is none, with what is allowed.

    Examples
    --------
    >>> [parse_date(text)[0].date().isoformat() for text in ("31.10.2025", "Aug 28, 2025", "3 мая 2025 г.")]
    ['2025-10-31', '2025-08-28', '2025-05-03']
    """
    try:
        if _ISO.fullmatch(text):
            return dt.datetime.fromisoformat(re.sub(r" (?=Z|[+-])", "", text)), ":" in text
        for pattern in (_DOTTED, _DASHED, _YEAR_FIRST, *([_SLASHED[order]] if order else [])):
            if match := pattern.fullmatch(text):
                return _built(match.groupdict())
        if compact and (match := _COMPACT.fullmatch(text)):
            return _built(match.groupdict())
        for pattern in _NAMED:
            match = pattern.fullmatch(text)
            if match and match["year"] and (month := month_names().get(match["name"].casefold())):
                return _built({**match.groupdict(), "month": str(month)})
    except ValueError:
        pass  # a thirteenth month and the like
    raise ValueError(Phrase("sources.expected_date", hint=_hint(text, order)))


def parse_moment(day: str, clock: str | None, zone: dt.tzinfo) -> tuple[dt.datetime, bool]:
    """Parse a day with its time in another cell; returns a moment in UTC and whether there was a time.

    Raises
    ------
    ValueError
        Where one of them is none.

    Examples
    --------
    >>> str(parse_moment("31.10.2025", "в 14:05", dt.UTC)[0])
    '2025-10-31 14:05:00+00:00'
    """
    moment, timed = parse_date(" ".join(day.split()))
    match = None if timed else _TIME_OF_DAY.search(clock or "")
    if match:
        moment = moment.replace(hour=int(match[1]), minute=int(match[2]), second=int(match[3] or 0))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return moment.astimezone(dt.UTC), timed or match is not None


def _hint(text: str, order: str | None) -> str:
    """What is wrong with the text, for the end of a sentence; empty where that is not known."""
    if _SERIAL.fullmatch(text):
        day = dt.date(1899, 12, 30) + dt.timedelta(days=int(text[:5]))
        return Phrase("sources.hint_serial", day=day)
    if _SHORT.fullmatch(text):
        return Phrase("sources.hint_short_year")
    if _SLASHED["mdy"].fullmatch(text):
        return Phrase("sources.hint_turned" if order else "sources.hint_either")
    return ""


def _built(parts: Mapping[str, str | None]) -> tuple[dt.datetime, bool]:
    year, month, day, hour, minute, second = (
        int(parts.get(name) or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    half = (parts.get("half") or "").casefold()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("an hour of 1 to 12")
        hour = hour % 12 + (12 if half == "p" else 0)
    return dt.datetime(year, month, day, hour, minute, second), parts.get("hour") is not None


def parse_month(text: str) -> dt.date | None:
    """The first day of ``август 2024``; None where the text is something else.

    Examples
    --------
    >>> parse_month("август 2024"), parse_month("31.10.2025")
    (datetime.date(2024, 8, 1), None)
    """
    match = _MONTH.fullmatch(text)
    month = month_names().get(match["name"].casefold()) if match else None
    return dt.date(int(match["year"]), month, 1) if match and month else None


def month_and_day(text: str) -> tuple[int, int] | None:
    """Month and day of a date without a year (``April 12``, ``8 de marzo``); None where it is something else.

    Examples
    --------
    >>> month_and_day("April 12"), month_and_day("8 de marzo"), month_and_day("12.04")
    ((4, 12), (3, 8), None)
    """
    for pattern in _NAMED:
        match = pattern.fullmatch(text)
        month = month_names().get(match["name"].casefold()) if match else None
        if match and month and not match["year"] and match["hour"] is None:
            return month, int(match["day"])
    return None


def with_years(days: Sequence[tuple[int, int]], until: dt.date) -> list[dt.date]:
    """Add years to days in order, the last one before ``until``.

    Raises
    ------
    ValueError
        Where the days are in no order, or are none of the calendar.

    Examples
    --------
    >>> [str(day) for day in with_years([(12, 31), (1, 1)], dt.date(2026, 2, 1))]
    ['2025-12-31', '2026-01-01']
    """
    if len(days) > 1 and days[0] > days[1] and days[1] != (1, 1):
        return with_years(days[::-1], until)[::-1]
    dates: list[dt.date] = []
    later = until
    for month, day in reversed(days):
        moment = _before(month, day, later)
        if dates and later.toordinal() - moment.toordinal() > 180:
            raise ValueError(Phrase("sources.days_unordered"))
        dates.append(moment)
        later = moment
    return dates[::-1]


def _before(month: int, day: int, later: dt.date) -> dt.date:
    for year in range(later.year, later.year - 9, -1):
        try:
            moment = dt.date(year, month, day)
        except ValueError:
            continue  # the 29th of February of another year
        if moment < later:
            return moment
    raise ValueError(Phrase("sources.no_such_day", day=day, month=month))
