"""Field types of the params: numbers, percentages, ids, addresses; and the base of all records."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
)

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import PLATFORMS

_PERCENT = re.compile(r"\s*-?\d+(?:[.,]\d+)?\s?%\s*")


SMALLEST, LARGEST = 1e-9, 1e15
"""The sizes of numbers in params."""
YEARS = range(1990, 2100)
"""The years of dates in params."""
_Number = TypeVar("_Number", bound=float)


class Percent(float):
    """A share that was written with a percent sign."""


def _amount(value: object) -> float:
    """Read a number or a text such as ``3%``."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return check_size(float(value))
    if isinstance(value, str) and len(value) < 40 and _PERCENT.fullmatch(value):
        return check_size(Percent(Decimal(value.strip().rstrip("% ").replace(",", ".")) / 100))
    raise ValueError(Phrase("params.amount"))


def check_size(number: _Number) -> _Number:
    """The number, where it is 0 or of a size that can be computed with.

    Raises
    ------
    ValueError
        Where it is too small or too large.
    """
    if number and not SMALLEST <= abs(number) <= LARGEST:
        raise ValueError(Phrase("params.size", least=SMALLEST, most=LARGEST))
    return number


def check_day(day: dt.date) -> dt.date:
    """The day, where its year makes sense.

    Raises
    ------
    ValueError
        Where it does not.
    """
    if day.year not in YEARS:
        raise ValueError(Phrase("params.years", first=YEARS.start, last=YEARS.stop - 1))
    return day


def _text_id(value: object) -> object:
    """Turn an id that YAML reads as a number into text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def all_or_ids(value: object) -> object:
    """Read ``all`` as None."""
    return None if value == "all" else value


def one_account(value: object) -> object:
    """Read a bare id as an assignment without dates."""
    return value if isinstance(value, dict) else {"account": value}


def _address(value: str) -> str:
    """One e-mail address in ASCII; hosts of the local network may have no dot."""
    try:
        address = validate_email(
            value, allow_smtputf8=False, check_deliverability=False, globally_deliverable=False
        )
    except EmailNotValidError as fault:
        reason = str(fault).rstrip(".")
        raise ValueError(Phrase("params.address", reason=reason)) from None
    return str(address.ascii_email)


def web_address(value: str) -> str:
    """A web address without query, fragment, credentials and trailing slash."""
    parts = urlsplit(value)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc) and not re.search(r"[\s<>\"']", value)
    if parts.scheme not in ("https", "http") or not parts.hostname or not plain:
        raise ValueError(Phrase("params.web_address"))
    return value.rstrip("/")


Text = Annotated[str, StringConstraints(min_length=1)]
PercentText = Annotated[str, StringConstraints(pattern=f"^{_PERCENT.pattern}$")]
Amount = Annotated[float, PlainValidator(_amount, json_schema_input_type=float | PercentText)]
Day = Annotated[dt.date, AfterValidator(check_day)]
Id = Annotated[
    str, BeforeValidator(_text_id, json_schema_input_type=Text | int), StringConstraints(min_length=1)
]
Address = Annotated[str, AfterValidator(_address)]
Ids = Annotated[tuple[Id, ...], Field(min_length=1)]
Platforms = Annotated[tuple[Literal[PLATFORMS], ...], Field(min_length=1)]  # type: ignore[valid-type]  # a literal made of the closed list


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekday_numbers(text: str) -> list[int]:
    """The weekdays of a text such as ``mon-fri`` or ``sat``, Monday as 0.

    Raises
    ------
    ValueError
        Where the text is something else.

    Examples
    --------
    >>> weekday_numbers("mon-fri"), weekday_numbers("sat")
    ([0, 1, 2, 3, 4], [5])
    """
    first, _, last = text.lower().replace(" ", "").partition("-")
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS[WEEKDAYS.index(first) :]:
        raise ValueError(Phrase("params.weekdays"))
    return list(range(WEEKDAYS.index(first), WEEKDAYS.index(last or first) + 1))


def _weekdays(text: str) -> str:
    weekday_numbers(text)
    return text


WeekdaysText = Annotated[str, AfterValidator(_weekdays)]
Hours = tuple[Annotated[int, Field(ge=0, le=23)], Annotated[int, Field(ge=1, le=24)]]


class Record(BaseModel):
    """A frozen record; unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=False,
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
    )
