"""Brand Analytics: mentions as XLSX or CSV -> mentions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.sources.dates import parse_date, parse_moment
from kpi_kit.sources.file_head import head_of
from kpi_kit.sources.interface import DateRange
from kpi_kit.sources.layouts import Context, Field, Layout, Values, text_field, titles
from kpi_kit.sources.mention_rows import mentions
from kpi_kit.sources.read_tables import TableImporter
from kpi_kit.sources.text_files import normal

FILLS: Mapping[str, str] = {"mentions": "mention_id mentioned_at platform sentiment"}
UNKNOWN = "whether the brand itself wrote it, unless a tag says so"
TESTED = "documented layout"

_DAY = dt.timedelta(days=1)


def _mentions(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    at = [
        _moment(day, time, row, context)
        for day, time, row in zip(values["day"], values.get("time", [None] * len(rows)), rows, strict=True)
    ]
    period = _period(context.path)
    if period is not None:
        context.coverage["mentions"] = (period,)
    return {} if context.problems else mentions(values, rows, context, at)


_PERIOD = re.compile(
    r"период:?\s*(?P<since>\d{2}\.\d{2}\.(?:\d{4}|\d{2}))(?: (?P<from>\d{1,2}:\d{2}))?\s*[-–—]\s*"
    r"(?P<until>\d{2}\.\d{2}\.(?:\d{4}|\d{2}))(?: (?P<to>\d{1,2}:\d{2}))?"
)


def _period(path: Path) -> DateRange | None:
    """The whole days that a sheet or lines above the messages name as the period of the report."""
    for _, _, rows in head_of(path).rows():
        for _, cells in rows:
            match = _PERIOD.search(normal(" ".join(cell for cell in cells if cell.strip())))
            if match is None:
                continue
            first, last = (_day(match[name]) for name in ("since", "until"))
            if first is None or last is None:
                continue
            if match["from"] and match["from"].lstrip("0") not in (":00", "0:00"):
                first += _DAY
            partly = match["to"] and match["to"] not in ("23:59", "24:00")
            until = last if partly else last + _DAY
            return (first, until) if first < until else None
    return None


def _day(text: str) -> dt.date | None:
    try:
        return parse_date(re.sub(r"\.(\d\d)$", r".20\1", text))[0].date()
    except ValueError:
        return None


def _moment(day: str, time: str | None, row: int, context: Context) -> dt.datetime | None:
    try:
        moment, timed = parse_moment(day, time, context.zone)
        if time and time.strip() and not timed:
            raise ValueError(Phrase("sources.expected_clock"))
        return moment
    except (ValueError, OverflowError) as fault:
        found = f"{day} {time or ''}".strip()
        context.refuse_cell(row, "Дата", "mentioned_at", fault, found)
        return None


MESSAGES = Layout(
    "brand_analytics",
    "mentions",
    (
        Field(Column("day", Type.TEXT), titles("Дата|Дата публикации|Date"), needed=True),
        text_field("time", "Время|Время публикации|Time"),
        text_field("number", "ID сообщения|Hash сообщения"),
        text_field("source", "Источник|Блог|Где пишет|Source"),
        text_field("url", "Url|Ссылка|Url сообщения"),
        text_field("sentiment", "Тональность|Sentiment"),
        text_field("author", "Url автора|Автор|Кто пишет|Профиль блога"),
        text_field("text", "Текст|Сообщение"),
    ),
    marks=titles("Тональность|Hash сообщения|Тип сообщения|Место публикации|Кто пишет|Профиль блога"),
    also=titles(
        "Заголовок|Тип источника|Сюжет|Тип автора|Url места публикации|Пол|Возраст|"
        "Аудитория|Комментариев|Цитируемость СМИ|Репостов|Лайков|Вовлеченность|"
        "Просмотры|Оценка|Дублей|Аудитория СМИ|Роль объекта|Агрессия|Страна|Регион|"
        "Город|Место|Адрес|Язык|WOM|Обработано"
    ),
    finish=_mentions,
)

IMPORTER = TableImporter("Brand Analytics", (MESSAGES,), FILLS, UNKNOWN, TESTED)
