"""Yandex Wordstat: how often a phrase was searched for, by month, week or day -> brand_queries."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kpi_kit.errors import InputError
from kpi_kit.sources.cells import Style
from kpi_kit.sources.heads import Head
from kpi_kit.sources.interface import Guess, Imported, ImportOptions
from kpi_kit.sources.layouts import Context, Field, Layout, Values, guess, of
from kpi_kit.sources.moments import read_moment, read_month
from kpi_kit.sources.reading import read_layouts
from kpi_kit.tables import Column, Type

FILLS: Mapping[str, str] = {"brand_queries": "since until phrase queries"}
UNKNOWN = "which queries were the brand's own; the region is in the title alone: import one region"
TESTED = "real file"

_STYLE = Style(decimal=",")
_COUNT = ("Число запросов", "Number of queries", "Number of searches", "Показов в месяц")
_SHARE = ("Доля от всех запросов, %", "Доля от всех запросов", "Share of all queries, %")
_PHRASE = re.compile(r"[«\"“](?P<phrase>[^»\"”]+)[»\"”]")
_SPAN = re.compile(r"(?P<since>\d{2}\.\d{2}\.\d{4})\s*[—–-]\s*(?P<until>\d{2}\.\d{2}\.\d{4})")
_NESTED = "a wide phrase counts the narrow ones, too"
_DAY = dt.timedelta(days=1)


def _text(name: str, *titles: str) -> Field:
    return Field(Column(name, Type.TEXT), titles, wanted=True)


def _title(context: Context) -> str:
    """The long header cell that says what the table is about."""
    return next((cell for cell in context.sheet.header if _PHRASE.search(cell)), "")


def _phrase(context: Context) -> str:
    match = _PHRASE.search(_title(context))
    if match is None:
        raise InputError(
            f"{context.sheet.label}: the header does not say which phrase was searched for («…» "
            "in its last cell)"
        )
    return " ".join(match["phrase"].split())


def _dynamics(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    phrase = _phrase(context)
    weekly = "day" not in values and "week" in values
    found: Values = {"since": [], "until": [], "phrase": [phrase] * len(rows), "queries": values["queries"]}
    for text, row in zip(values["week" if weekly else "day"], rows, strict=True):
        since, until = _span(" ".join(text.split()), weekly, row, context)
        found["since"].append(since)
        found["until"].append(until)
    if context.stamp is None:
        context.remarks.append(f"{context.sheet.label}: {_title(context)}")
    return {"brand_queries": found}


def _span(text: str, weekly: bool, row: int, context: Context) -> tuple[dt.date | None, dt.date | None]:
    month = read_month(text)
    if month is not None and not weekly:
        return month, (month.replace(day=28) + 4 * _DAY).replace(day=1)
    try:
        day = read_moment(text)[0].date()
    except ValueError:
        context.problems.append(
            f"{context.where(row)}: column {context.sheet.header[0]!r} (since): allowed is a "
            "month such as август 2024 "
            f"or a day such as 31.10.2025, found {text!r:.60}"
        )
        return None, None
    return day, day + (7 * _DAY if weekly else _DAY)


def _top(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    options = context.options
    match = _SPAN.search(_title(context))
    if options.since and options.until:
        since, until = options.since, options.until
    elif match:
        since, until = (read_moment(match[name])[0].date() for name in ("since", "until"))
        until += _DAY
    else:
        raise InputError(
            f"{context.path}: a list of phrases does not say which days it is of: give --since and --until"
        )
    count = len(rows)
    return {"brand_queries": {"since": [since] * count, "until": [until] * count, **values}}


DYNAMICS = Layout(
    "dynamics of Wordstat",
    "brand_queries",
    (
        _text("day", "Период", "Дата", "Period", "Date", "Месяц"),
        of("brand_queries", "queries", *_COUNT, wanted=True),
    ),
    _STYLE,
    also=_SHARE,
    finish=_dynamics,
)
WEEKS = Layout(
    "dynamics of Wordstat by week",
    "brand_queries",
    (
        _text("week", "Неделя с", "Неделя", "Week from", "Week"),
        of("brand_queries", "queries", *_COUNT, wanted=True),
    ),
    _STYLE,
    also=_SHARE,
    finish=_dynamics,
)
TOP = Layout(
    "phrases of Wordstat",
    "brand_queries",
    (
        of("brand_queries", "phrase", "Формулировка", "Фраза", "Phrase", wanted=True),
        replace(of("brand_queries", "queries", *_COUNT, wanted=True), apart=_NESTED),
    ),
    _STYLE,
    finish=_top,
)
_LAYOUTS = (DYNAMICS, WEEKS, TOP)


def sniff(head: Head) -> Guess:
    """By the number of queries beside a month, week, day or phrase."""
    return guess(head, _LAYOUTS)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read files of Wordstat: dynamics by month, week or day, or a list of phrases.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    return read_layouts(paths, options, _LAYOUTS, "Wordstat")
