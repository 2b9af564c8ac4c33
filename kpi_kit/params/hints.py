"""What to write instead of a value that params refuse, where its meaning is clear."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from kpi_kit.core.phrases import Phrase

_OF_IDS = ("accounts", "brands", "duties", "platforms", "sentiment", "specialists", "accept")
"""Keys whose lists hold ids or dates."""
_NUMBER = re.compile(
    r"(?:[<>=≥≤]+)?\s*(?P<sign>-?)(?P<digits>\d[\d\s]*(?:[.,]\d+)?)\s*"
    r"(?:(?P<percent>%|процент\w*|percent)|₽|€|\$|р(?:уб\w*)?\.?)?",
    re.IGNORECASE,
)
_LATIN, _CYRILLIC = re.compile("[A-Za-z]"), re.compile("[А-Яа-яЁё]")


def hint_of(error: ErrorDetails) -> str:
    """The end of a sentence about a validation error: ``; write 20``, or nothing.

    Parameters
    ----------
    error : dict
        As pydantic gives it.
    """
    value, kind = error["input"], error["type"]
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        return Phrase("params.mixed_letters") if _LATIN.search(key) and _CYRILLIC.search(key) else ""
    if kind == "tuple_type" and error["loc"] == ("kpis",):
        return Phrase("params.hyphens")
    if kind == "tuple_type":
        written = _as_list(error["loc"], value)
    elif kind in ("model_type", "dict_type"):
        written = _as_keys(error["loc"], value)
    elif kind.startswith("date_"):
        written = _as_date(str(value))
    elif kind == "less_than_equal" and _is_percent(error):
        written = f"{value}%"
    elif kind in ("value_error", "float_parsing", "int_parsing") and isinstance(value, str):
        written = _as_number(value)
    else:
        written = ""
    return Phrase("params.write", value=written) if written else ""


def _as_list(loc: Sequence[int | str], value: object) -> str:
    """The list that was meant, of ids or of two numbers."""
    if loc[-1] in ("between", "hours") and isinstance(value, str):
        numbers = re.findall(r"\d+(?:[.,]\d+)?%?", value)
        return f"[{', '.join(part.replace(',', '.') for part in numbers)}]" if len(numbers) == 2 else ""
    is_id = isinstance(value, str | int | dt.date) and not isinstance(value, bool)
    if not is_id or not any(step in _OF_IDS for step in loc[-2:]):
        return ""
    return f"[{value}]"


def _as_keys(loc: Sequence[int | str], value: object) -> str:
    """The keys that were meant: a number alone is a target, a text alone a KPI."""
    if loc[-1] == "target" or "schedule" in loc[-2:-1]:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        written = str(value) if is_number else _as_number(value) if isinstance(value, str) else ""
        return Phrase("params.either_bound", value=written) if written else ""
    if len(loc) == 2 and loc[0] == "kpis" and isinstance(value, str):
        return f"{{kpi: {value}, target: {{at_least: …}}, weight: …}}"
    return ""


def _as_date(text: str) -> str:
    """The date that a text most likely means.

    Examples
    --------
    >>> _as_date("31.12.2025"), _as_date("2025/1/5"), _as_date("March")
    ('2025-12-31', '2025-01-05', '')
    """
    first = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", text.strip())
    last = re.fullmatch(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})", text.strip())
    parts = (first[3], first[2], first[1]) if first else last.groups() if last else None
    if parts is None:
        return ""
    try:
        return dt.date(*map(int, parts)).isoformat()
    except ValueError:
        return ""


def _as_number(text: str) -> str:
    """The number that a text most likely means; nothing where it is written like one.

    Examples
    --------
    >>> [_as_number(text) for text in ("1 000", ">= 40", "2,5 процента", "40 000 ₽", "1k", "40")]
    ['1000', '40', '2.5%', '40000', '', '']
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return ""
    number = match["sign"] + re.sub(r"\s", "", match["digits"]).replace(",", ".")
    written = f"{number}%" if match["percent"] else number
    return "" if written == text.strip() else written


def _is_percent(error: ErrorDetails) -> bool:
    """Whether a number is most likely a share whose percent sign is missing."""
    value, most = error["input"], error.get("ctx", {}).get("le")
    return most == 1 and isinstance(value, int | float) and 2 <= value <= 100
