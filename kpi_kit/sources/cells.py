"""Text of a cell -> value of a canonical column; None is unknown, a ValueError says what is allowed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.tables import Column, Type

_UNKNOWN = frozenset({"", "-", "–", "—", "undefined", "nan", "n/a", "null", "none"})
_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "да"), True),
    **dict.fromkeys(("false", "0", "no", "нет"), False),
}
_NUMBER = re.compile(
    r"(?P<whole>[+-]?(?:[0-9]{1,3}(?: [0-9]{3})+|[0-9]+))(?:[.,](?P<part>[0-9]+))?(?P<percent> ?%)?"
)
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?: ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?)?"
)
_DOTTED = re.compile(
    r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"
    r"(?:,? (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?"
)


def read_cell(text: str, column: Column, zone: ZoneInfo) -> Any:
    """The value of a cell for a column of a canonical table.

    Parameters
    ----------
    text : str
    column : Column
    zone : zoneinfo.ZoneInfo
        Of naive times.

    Raises
    ------
    ValueError
        Where the text is no such value; the message says what is allowed.

    Examples
    --------
    >>> from kpi_kit.tables import TABLES
    >>> read_cell("1 234", TABLES["posts"]["views"], ZoneInfo("UTC"))
    1234
    >>> read_cell("07.08.2025 00:16", TABLES["posts"]["published_at"], ZoneInfo("Europe/Moscow")).isoformat()
    '2025-08-06T21:16:00+00:00'
    """
    if column.type is Type.TEXT:
        return _listed(text.strip(), column) if column.allowed else (text.strip() or None)
    plain = " ".join(text.split())
    return None if plain.casefold() in _UNKNOWN else _READERS[column.type](plain, zone)


def read_number(text: str) -> Decimal | None:
    r"""A number as people and programs write it: thousands with any space, decimal point or comma, per cent.

    Examples
    --------
    >>> [str(read_number(text)) for text in ("1\u00a0234", "0,0115", "36.68%", "undefined", "")]
    ['1234', '0.0115', '0.3668', 'None', 'None']
    """
    plain = " ".join(text.split()).replace("\u2212", "-")
    if plain.casefold() in _UNKNOWN:
        return None
    match = _NUMBER.fullmatch(plain)
    if match is None:
        raise ValueError("allowed is a number such as 1 234 or 0,0115")
    number = Decimal(match["whole"].replace(" ", "") + "." + (match["part"] or "0"))
    number = number.scaleb(-2) if match["percent"] else number
    return number.to_integral_value() if number == number.to_integral_value() else number.normalize()


def _number(text: str, _zone: ZoneInfo) -> float | None:
    number = read_number(text)
    if number is not None and number < 0:
        raise ValueError("allowed is a number of 0 or more")
    return None if number is None else float(number)


def _count(text: str, _zone: ZoneInfo) -> int | None:
    allowed = "allowed is a whole number of 0 or more"
    try:
        number = read_number(text)
    except ValueError:
        raise ValueError(allowed) from None
    if number is not None and ("%" in text or number < 0 or number != int(number) or number >= 2**63):
        raise ValueError(allowed)
    return None if number is None else int(number)


def _flag(text: str, _zone: ZoneInfo) -> bool:
    try:
        return _FLAGS[text.casefold()]
    except KeyError:
        raise ValueError("allowed are true, false, 1, 0, yes, no, да, нет") from None


def _moment(text: str) -> tuple[dt.datetime, bool]:
    """The date and time, naive where it has no offset, and whether it has a time of day."""
    dotted = _DOTTED.fullmatch(text)
    try:
        if dotted is not None:
            parts = {name: int(value) for name, value in dotted.groupdict().items() if value is not None}
            return dt.datetime(**parts), "hour" in parts  # type: ignore[arg-type]
        if _ISO.fullmatch(text):
            return dt.datetime.fromisoformat(re.sub(r" (?=Z|[+-])", "", text)), ":" in text
    except ValueError:
        pass  # a thirteenth month and the like
    raise ValueError("allowed is a date or time such as 2025-10-31, 2025-10-31 14:05 or 31.10.2025 14:05")


def _time(text: str, zone: ZoneInfo) -> dt.datetime:
    moment, _ = _moment(text)
    try:
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("allowed is a time within the calendar") from None


def _date(text: str, zone: ZoneInfo) -> dt.date:
    moment, _ = _moment(text)
    return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()


def _listed(text: str, column: Column) -> str | None:
    if not text:
        return None
    if text.casefold() not in column.allowed:
        raise ValueError(f"allowed are {', '.join(column.allowed)}")
    return text.casefold()


_READERS: Mapping[Type, Callable[[str, ZoneInfo], Any]] = MappingProxyType(
    {Type.NUMBER: _number, Type.COUNT: _count, Type.FLAG: _flag, Type.TIME: _time, Type.DATE: _date}
)
