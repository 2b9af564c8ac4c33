"""Text of a cell -> value of a canonical column; None is unknown, a ValueError says what is allowed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.sources.dates import month_names, parse_date

_UNKNOWN = frozenset({"", "-", "–", "—", "--", "undefined", "nan", "n/a", "#n/a", "null", "none"})
_ERROR = re.compile(
    r"#(?:REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|N/A|SPILL!|CALC!|FIELD!|GETTING_DATA|ERROR!"
    r"|ССЫЛКА!|ЗНАЧ!|ДЕЛ/0!|ИМЯ\?|ЧИСЛО!|ПУСТО!|Н/Д)",
    re.IGNORECASE,
)

_FLAGS = {
    **dict.fromkeys(("true", "1", "yes", "да", "y", "+", "✓", "✔", "истина"), True),
    **dict.fromkeys(("false", "0", "no", "нет", "n", "ложь"), False),
}
_NUMBER = re.compile(
    r"(?P<whole>[+-]?(?:[0-9]{1,3}(?: [0-9]{3})+|[0-9]+))(?:(?P<mark>[.,])(?P<part>[0-9]+))?(?P<percent> ?%)?"
)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?: ?%)?")
_DOUBTFUL = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}(?: ?%)?")
_NOT_YET = frozenset(
    "scheduled draft private unlisted unpublished запланировано запланирована черновик неопубликовано".split()
) | {"not published", "не опубликовано", "не опубликована", "доступ ограничен", "доступ по ссылке"}
"""What services write for the time of a post that is not published."""
_UNIX = re.compile(r"1[0-9]{9}")
_ROUNDED = re.compile(r"[0-9][0-9.,]* ?(?:тыс\.?|млн\.?|[KkMmКк])")
# A spreadsheet makes 3.4 the 3rd of April, and 4.85 April of 1985.
_SPREADSHEET_DAY = re.compile(r"0?(?P<whole>[0-9]{1,2})[.\- ](?P<name>[^\W\d_]+)\.?")
_SPREADSHEET_MONTH = re.compile(r"(?P<name>[^\W\d_]+)\.?[.\- ](?P<part>[0-9]{2})")


@dataclass(frozen=True)
class Style:
    """How a file writes numbers and dates.

    Parameters
    ----------
    order : {"mdy", "dmy"} or None
        Of dates with slashes; None refuses them.
    decimal : {",", "."} or None
        What stands before decimals; None refuses ``1,234``, which can be read in two ways.
    compact : bool
        Whether 20251031 is a date.
    unix : bool
        Whether 1759309200 is a time.
    """

    order: str | None = None
    decimal: str | None = None
    compact: bool = False
    unix: bool = False


PLAIN = Style()


def parse_cell(text: str, column: Column, zone: ZoneInfo, style: Style = PLAIN) -> Any:
    """Parse the text of a cell for a column of a canonical table.

    Parameters
    ----------
    text : str
    column : Column
    zone : zoneinfo.ZoneInfo
        Of naive times.
    style : Style

    Raises
    ------
    ValueError
        Where the text is no such value; the message says what is allowed.

    Examples
    --------
    >>> from kpi_kit.core.schema import TABLES
    >>> parse_cell("1 234", TABLES["posts"]["views"], ZoneInfo("UTC"))
    1234
    >>> parse_cell("07.08.2025 00:16", TABLES["posts"]["published_at"], ZoneInfo("Europe/Moscow")).isoformat()
    '2025-08-06T21:16:00+00:00'
    """
    if column.type is Type.TEXT:
        return _listed(text.strip(), column) if column.allowed else (text.strip() or None)
    plain = " ".join(text.split())
    return None if is_unknown(plain) else _READERS[column.type](plain, zone, style)


def is_unknown(text: str) -> bool:
    """Whether the text means: no value."""
    return text.strip().casefold() in _UNKNOWN


def is_error(text: str) -> bool:
    """Whether a cell holds an error of a spreadsheet, in English or Russian.

    Examples
    --------
    >>> is_error("#REF!"), is_error("#ЗНАЧ!"), is_error("#1")
    (True, True, False)
    """
    return text.startswith("#") and _ERROR.fullmatch(text.strip()) is not None


def parse_number(text: str, decimal: str | None = None) -> Decimal | None:
    r"""Parse a number: thousands grouped by any space, decimal point or comma, per cent sign.

    Parameters
    ----------
    text : str
    decimal : {",", "."} or None
        What stands before decimals in this file; with a point, commas may group thousands.

    Examples
    --------
    >>> [str(parse_number(text)) for text in ("1\u00a0234", "0,0115", "36.68%", "undefined", "")]
    ['1234', '0.0115', '0.3668', 'None', 'None']
    >>> str(parse_number("1,234,567.5", decimal="."))
    '1234567.5'
    """
    plain = " ".join(text.split()).replace("\u2212", "-")
    if is_unknown(plain):
        return None
    if decimal == "." and _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    match = _NUMBER.fullmatch(plain)
    if match is None or (decimal == "." and match["mark"] == ","):
        raise ValueError(Phrase("sources.expected_number"))
    if decimal is None and _DOUBTFUL.fullmatch(plain):
        raise ValueError(Phrase("sources.expected_plain_number"))
    number = Decimal(match["whole"].replace(" ", "") + "." + (match["part"] or "0"))
    return _plain(number.scaleb(-2) if match["percent"] else number)


def _plain(number: Decimal) -> Decimal:
    return number.to_integral_value() if number == number.to_integral_value() else number.normalize()


def undo_date_format(text: str) -> Decimal | None:
    """Restore the decimal that a spreadsheet has turned into a date; None for any other text.

    Examples
    --------
    >>> str(undo_date_format("3.апр")), str(undo_date_format("апр.85")), undo_date_format("апрель")
    ('3.4', '4.85', None)
    """
    plain = " ".join(text.casefold().split())
    if match := _SPREADSHEET_DAY.fullmatch(plain):
        month = month_names().get(match["name"])
        return Decimal(f"{match['whole']}.{month}") if month else None
    if match := _SPREADSHEET_MONTH.fullmatch(plain):
        month = month_names().get(match["name"])
        return Decimal(f"{month}.{match['part']}") if month else None
    return None


def signed_number(text: str, decimal: str | None) -> float | None:
    """Parse a number, also one that a spreadsheet has turned into a date.

    Raises
    ------
    ValueError
        Where the text is none.
    """
    try:
        number = parse_number(text, decimal)
    except ValueError:
        number = undo_date_format(text)
        if number is None:
            raise
    return None if number is None else float(number)


def _number(text: str, _zone: ZoneInfo, style: Style) -> float | None:
    number = signed_number(text, style.decimal)
    if number is not None and number < 0:
        raise ValueError(Phrase("sources.expected_number_from_0"))
    return number


def _count(text: str, _zone: ZoneInfo, style: Style) -> int | None:
    if text.isdecimal() and text.isascii() and len(text) < 19:
        return int(text)
    try:
        number = parse_number(text, style.decimal)
    except ValueError:
        kind = "unrounded" if _ROUNDED.fullmatch(text) else "count"
        raise ValueError(Phrase(f"sources.expected_{kind}")) from None
    if number is not None and ("%" in text or number < 0 or number != int(number) or number >= 2**63):
        raise ValueError(Phrase("sources.expected_count"))
    return None if number is None else int(number)


def _flag(text: str, _zone: ZoneInfo, _style: Style) -> bool:
    try:
        return _FLAGS[text.casefold()]
    except KeyError:
        raise ValueError(Phrase("sources.expected_flag")) from None


def _time(text: str, zone: ZoneInfo, style: Style) -> dt.datetime | None:
    if text.casefold() in _NOT_YET:
        return None
    if style.unix and _UNIX.fullmatch(text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    moment, _ = parse_date(text, style.order, compact=style.compact)
    try:
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(dt.UTC)
    except OverflowError:
        raise ValueError(Phrase("sources.expected_calendar")) from None


def _date(text: str, zone: ZoneInfo, style: Style) -> dt.date:
    moment, _ = parse_date(text, style.order, compact=style.compact)
    return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()


def _listed(text: str, column: Column) -> str | None:
    if not text:
        return None
    if text.casefold() not in column.allowed:
        raise ValueError(Phrase("sources.expected_listed", names=column.allowed))
    return text.casefold()


_READERS: Mapping[Type, Callable[[str, ZoneInfo, Style], Any]] = MappingProxyType(
    {Type.NUMBER: _number, Type.COUNT: _count, Type.FLAG: _flag, Type.TIME: _time, Type.DATE: _date}
)
