"""Yandex Wordstat: how often a phrase was searched for, by month, week or day -> brand_queries."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.data.merge import union
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.dates import parse_date, parse_month
from kpi_kit.sources.interface import DateRange
from kpi_kit.sources.layouts import Context, Field, Layout, Values, canonical_field, titles
from kpi_kit.sources.read_tables import TableImporter
from kpi_kit.sources.rows import in_quotes, shortened
from kpi_kit.sources.wordstat_phrases import normal_phrase

FILLS: Mapping[str, str] = {"brand_queries": "since until phrase queries"}
UNKNOWN = (
    "which queries were the brand's own; narrow phrases of a list (the wide one counts their queries, too); "
    "the region is in the title alone: import one region"
)
TESTED = "real file"

_STYLE = Style(decimal=",")
_COUNT = titles("Число запросов|Number of queries|Number of searches|Показов в месяц")
_SHARE = titles("Доля от всех запросов, %|Доля от всех запросов|Share of all queries, %")
_PHRASE = re.compile(r"[«\"“](?P<phrase>[^»\"”]+)[»\"”]")
_SPAN = re.compile(r"(?P<since>\d{2}\.\d{2}\.\d{4})\s*[—–-]\s*(?P<until>\d{2}\.\d{2}\.\d{4})")
_NESTED = "nested"
_DAY = dt.timedelta(days=1)
_MOST_LISTED = 10


def _text(name: str, *listed: str) -> Field:
    return Field(Column(name, Type.TEXT), titles(*listed), needed=True)


def _title(context: Context) -> str:
    """The long header cell that names the phrase."""
    header = context.sheet.header
    return next((cell for mark in (_PHRASE, _SPAN) for cell in header if mark.search(cell)), "")


def _phrase(context: Context) -> str | None:
    match = _PHRASE.search(_title(context))
    return " ".join(match["phrase"].split()) if match else None


def _range(context: Context) -> DateRange | None:
    """The days in the title, the last one as written."""
    match = _SPAN.search(_title(context))
    try:
        days = [parse_date(match[name])[0].date() for name in ("since", "until")] if match else []
    except ValueError:
        return None
    return (days[0], days[1]) if days and days[0] <= days[1] else None


def _dynamics(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    phrase = _phrase(context)
    if phrase is None:
        raise InputError(Phrase("sources.phrase_unknown", file=context.sheet.label))
    weekly = "day" not in values and "week" in values
    spans = [
        _span(" ".join(text.split()), weekly, row, context)
        for text, row in zip(values["week" if weekly else "day"], rows, strict=True)
    ]
    whole_rows = [(span, *cells) for span, *cells in zip(spans, values["queries"], rows, strict=True) if span]
    context.remark("sources.wordstat_title", title=_title(context))
    kept = _within_title(whole_rows, context)
    _cover([span for span, *_ in kept], context)
    columns: Values = {
        "since": [span[0] for span, *_ in kept],
        "until": [span[1] for span, *_ in kept],
        "phrase": [phrase] * len(kept),
        "queries": [count for _, count, _ in kept],
        "_row": [row for *_, row in kept],
    }
    return {"brand_queries": _branded(columns, context)}


def _branded(columns: Values, context: Context) -> Values:
    """Add the brand that attribution.yml gives each phrase, else the named one."""
    brands = context.options.attribution.phrases
    own = [brands.get(normal_phrase(phrase), context.options.brand) for phrase in columns["phrase"]]
    return {**columns, "brand": own} if own and None not in own else columns


def _within_title(
    rows: Sequence[tuple[DateRange, Any, int]], context: Context
) -> list[tuple[DateRange, Any, int]]:
    """Drop rows of periods that reach beyond the days of the title: they are counted in part."""
    title = _range(context)
    if title is None:
        return list(rows)
    kept = [entry for entry in rows if title[0] <= entry[0][0] and entry[0][1] <= title[1] + _DAY]
    for (since, until), _, row in (entry for entry in rows if entry not in kept):
        ends = {"first": since, "last": until - _DAY, "since": title[0], "until": title[1]}
        context.remarks.append(Phrase("sources.span_cut", where=context.where(row), **ends))
    return kept


def _cover(spans: Sequence[DateRange], context: Context) -> None:
    """Cover the days that have rows; remark on days of the title without rows."""
    covered = tuple(union(spans))
    context.coverage["brand_queries"] = covered
    title = _range(context)
    if title is None or not covered:
        return
    daily = all(until - since == _DAY for since, until in spans)
    end = title[1] if daily else title[1] + _DAY  # in a daily title the last day is the first without a row
    starts = [title[0], *(until for _, until in covered)]
    ends = [*(since for since, _ in covered), end]
    gaps = [
        Phrase("sources.days_from_to", first=a, last=b - _DAY)
        for a, b in zip(starts, ends, strict=True)
        if a < b
    ]
    if gaps:
        context.remark("sources.title_gaps", since=title[0], until=title[1], gaps=gaps)


def _span(text: str, weekly: bool, row: int, context: Context) -> DateRange | None:
    month = parse_month(text)
    try:
        if month is not None and not weekly:
            return month, (month.replace(day=28) + 4 * _DAY).replace(day=1)
        day = parse_date(text)[0].date()
        return day, day + (7 * _DAY if weekly else _DAY)
    except (ValueError, OverflowError):
        problem = Phrase("sources.expected_month_or_day")
        context.refuse_cell(row, context.sheet.header[0], "since", problem, text)
        return None


def _top(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    """The phrase that a list is about, or those that attribution.yml names: others are counted in it."""
    options = context.options
    since, until = _days_of_list(context)
    wanted, title = set(options.attribution.phrases), _phrase(context)
    chosen = [place for place, phrase in enumerate(values["phrase"]) if normal_phrase(phrase) in wanted]
    if not chosen and title is not None:
        chosen = [
            place
            for place, phrase in enumerate(values["phrase"])
            if normal_phrase(phrase) == normal_phrase(title)
        ]
    if rows and not chosen:
        code = "sources.phrase_not_in_list" if title else "sources.title_without_phrase"
        reason = Phrase(code, title=title)
        fields = {"reason": reason, "example": values["phrase"][0]}
        raise InputError(Phrase("sources.phrase_of_list", file=context.path, **fields))
    others = in_quotes(phrase for place, phrase in enumerate(values["phrase"]) if place not in set(chosen))
    if others:
        taken = in_quotes(values["phrase"][place] for place in chosen)
        listed = shortened(others, _MOST_LISTED)
        context.remark("sources.phrases_taken", taken=taken, count=len(others), **listed)
    context.coverage["brand_queries"] = ((since, until),)
    columns: Values = {
        "since": [since] * len(chosen),
        "until": [until] * len(chosen),
        "phrase": [values["phrase"][place] for place in chosen],
        "queries": [values["queries"][place] for place in chosen],
        "_row": [rows[place] for place in chosen],
    }
    return {"brand_queries": _branded(columns, context)}


def _days_of_list(context: Context) -> DateRange:
    if context.options.days:
        return context.options.days
    title = _range(context)
    if title is None:
        raise InputError(Phrase("sources.list_without_days", file=context.path))
    return title[0], title[1] + _DAY


def _dynamics_by(name: str, day: Field) -> Layout:
    """A layout of the queries of one phrase over time."""
    return Layout(
        name,
        "brand_queries",
        (day, canonical_field("brand_queries", "queries", *_COUNT, needed=True)),
        _STYLE,
        also=_SHARE,
        finish=_dynamics,
        speaking=_PHRASE,
    )


DYNAMICS = _dynamics_by("wordstat_dynamics", _text("day", "Период|Дата|Period|Date|Месяц"))
WEEKS = _dynamics_by("wordstat_weeks", _text("week", "Неделя с|Неделя|Week from|Week"))
TOP = Layout(
    "wordstat_top",
    "brand_queries",
    (
        canonical_field(
            "brand_queries", "phrase", "Формулировка|Запросы со словами|Фраза|Phrase", needed=True
        ),
        replace(canonical_field("brand_queries", "queries", *_COUNT, needed=True), apart=_NESTED),
    ),
    _STYLE,
    finish=_top,
    speaking=_PHRASE,
)

IMPORTER = TableImporter("wordstat", (DYNAMICS, WEEKS, TOP), FILLS, UNKNOWN, TESTED)
