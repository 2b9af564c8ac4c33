"""Brand Analytics: mentions as XLSX or CSV -> mentions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from kpi_kit.core.schema import Column, Type
from kpi_kit.sources.dates import parse_date
from kpi_kit.sources.layouts import Context, Field, Layout, Values, text_field, titles
from kpi_kit.sources.mention_rows import mentions
from kpi_kit.sources.read_tables import TableImporter

FILLS: Mapping[str, str] = {"mentions": "mention_id mentioned_at platform sentiment"}
UNKNOWN = "whether the brand itself wrote it, unless a tag says so"
TESTED = "documented layout"

_TIME = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?$")


def _mentions(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    at = [
        _moment(day, time, row, context)
        for day, time, row in zip(values["day"], values.get("time", [None] * len(rows)), rows, strict=True)
    ]
    return {} if context.problems else mentions(values, rows, context, at)


def _moment(day: str, time: str | None, row: int, context: Context) -> dt.datetime | None:
    try:
        moment, timed = parse_date(" ".join(day.split()))
        match = _TIME.search((time or "").strip())
        if match and not timed:
            moment = moment.replace(
                hour=int(match["hour"]), minute=int(match["minute"]), second=int(match["second"] or 0)
            )
        elif time and time.strip() and not timed:
            raise ValueError("allowed is a time such as 14:05")
        return (moment if moment.tzinfo else moment.replace(tzinfo=context.zone)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as fault:
        context.problems.append(
            f"{context.where(row)}: column 'Дата' (mentioned_at): {fault}, found {day!r:.40} {time!r:.20}"
        )
        return None


MESSAGES = Layout(
    "mentions of Brand Analytics",
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
