"""YouTube Studio: table, chart and totals -> posts (videos) and figures of the channel."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import midnight
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.cell_values import Style, parse_number
from kpi_kit.sources.control_sums import is_total
from kpi_kit.sources.dates import parse_date
from kpi_kit.sources.file_head import head_of
from kpi_kit.sources.interface import DateRange
from kpi_kit.sources.layouts import (
    ON_BRAND,
    Context,
    Field,
    Layout,
    Values,
    canonical_field,
    locate_tables,
    measure_field,
    text_field,
    titles,
)
from kpi_kit.sources.read_tables import TableImporter
from kpi_kit.sources.text_files import normal

FILLS: Mapping[str, str] = {
    "posts": "post_id published_at views likes comments reposts url text stats_at",
    "account_stats": "views watch_time_hours subscribers_gained subscribers_lost subscribers_net "
    "impressions likes",
}
UNKNOWN = (
    "the number of subscribers; the time of day of a video (the table has days); likes and "
    "comments unless their "
    "columns were added; days before the time zone of YouTube (Pacific)"
)
TESTED = "real file"

_TOP = 500
"""Studio lists so many videos at the most."""
_LACKING = Decimal("0.01")  # a real table lacks 15 of 489 680 views
_BEYOND = Decimal("0.000001")  # and has 9 seconds more than its 13 042 hours
_STYLE = Style(decimal=".")
_DATE = titles("Date|Дата|Fecha|Data|Datum|День")
_VIEWS = titles("Views|Просмотры|Visualizaciones|Visualizações|Aufrufe|Перегляди")
_ITEMS = titles(
    "Traffic source|Источник трафика|Источники трафика|Geography|География|Country|"
    "Страна|Device type|Тип устройства|Subscription status|Статус подписки|"
    "Content type|Тип контента|Viewer age|Возраст зрителя|Viewer gender|"
    "Пол зрителя|Playlist|Плейлист|City|Город|Operating system|"
    "Операционная система|Subtitles and CC|Playback location|"
    "Audience by watch behavior|Translation use|YouTube product|"
    "Subscription source|Источник подписки|Sharing service|Date range"
)
_MEASURES = (
    measure_field("views", *_VIEWS),
    measure_field("engaged_views", "Engaged views|Осознанные просмотры"),
    measure_field("watch_time_hours", "Watch time (hours)|Время просмотра (часы)|Время просмотра (ч)"),
    measure_field("subscribers_net", "Subscribers|Подписчики"),
    measure_field("subscribers_gained", "Subscribers gained|Новые подписчики"),
    measure_field("subscribers_lost", "Subscribers lost|Отказавшиеся от подписки"),
    measure_field("impressions", "Impressions|Показы|Показы значков"),
    measure_field("likes", 'Likes|Отметки "Нравится"|Отметки «Нравится»'),
    measure_field("comments", "Comments added|Комментарии|Добавленные комментарии"),
    measure_field("shares", "Shares|Поделились"),
)
_TITLES = tuple(title for field in _MEASURES for title in field.titles)
_FIGURES = ("views", "likes", "comments", "reposts")
_OWN = titles(
    "Watch time (hours)|Время просмотра (часы)|Время просмотра (ч)|Watch time (minutes)|Engaged views|"
    "Осознанные просмотры|Subscribers gained|Subscribers lost|Отказавшиеся от подписки|Comments added|"
    "Добавленные комментарии|Impressions click-through rate (%)|CTR для значков видео (%)|Показы значков|"
    "Average view duration|Средняя продолжительность просмотра|Average percentage viewed (%)|"
    "Likes (vs. dislikes) (%)|Stayed to watch (%)|Average views per viewer"
)
"""Titles that no other export has: `Date` and `Views` are in those of many."""
_OWN_ITEMS = titles(
    "Traffic source|Источник трафика|Источники трафика|Subscription status|Статус подписки|Viewer age|"
    "Возраст зрителя|Viewer gender|Пол зрителя|Subtitles and CC|Playback location|YouTube product|"
    "Audience by watch behavior|Subscription source|Источник подписки|Sharing service|Translation use"
)
_TOTALS_FILE = re.compile(r"totals|итог", re.IGNORECASE)
_CHART_FILE = re.compile(r"chart data|данные диаграммы", re.IGNORECASE)
_TABLE_FILE = re.compile(r"table data|данные таблицы", re.IGNORECASE)
_NAMES = tuple(field.name for field in _MEASURES)
_RATES = titles(
    "Impressions click-through rate (%)|CTR для значков видео (%)|"
    "Average view duration|Duration|Длительность|"
    "Средняя продолжительность просмотра|Average percentage viewed (%)|New viewers|"
    "Returning viewers|Unique viewers|Уникальные зрители|Average views per viewer|"
    "Likes (vs. dislikes) (%)|Dislikes|Your estimated revenue (USD)|Video title|"
    "Название видео|Watch time (minutes)|Stayed to watch (%)"
)


def _videos(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    posts = {name: column for name, column in values.items() if name in TABLES["posts"].names}
    posts["url"] = [f"https://www.youtube.com/watch?v={number}" for number in values["post_id"]]
    posts["text"] = values.get("title", [None] * len(rows))
    figures = {name: posts.pop(name) for name in _FIGURES if name in posts}
    if "published_at" in posts:
        context.remark("sources.day_only")
    span = _stated_span(context)
    if span is None:
        if figures and rows:
            context.remark("sources.figures_without_days")
        return {"posts": posts}
    return _of_span(posts, figures, span, rows, context)


def _of_span(
    posts: Values, figures: Values, span: DateRange, rows: Sequence[int], context: Context
) -> dict[str, Values]:
    """Figures of a span: all of a video that is published within it, increments of an older one."""
    since, until = span
    if len(rows) < _TOP:
        context.coverage["posts"] = (span,)
    end = midnight(until, context.options.timezone)
    older = [at.astimezone(context.zone).date() < since for at in posts["published_at"]]
    for name, column in figures.items():
        posts[name] = [
            None if old else _count(value, context) for old, value in zip(older, column, strict=True)
        ]
    fetched = context.options.stats_at
    posts["stats_at"] = [None if old else min(end, fetched or end) for old in older]
    places = [place for place, old in enumerate(older) if old]
    if not places or not figures:
        return {"posts": posts}
    context.coverage["post_increments"] = (span,)
    context.count("sources.older_videos", len(places), since=since, last=until - dt.timedelta(days=1))
    increments: Values = {
        "post_id": [posts["post_id"][place] for place in places],
        "since": [since] * len(places),
        "until": [until] * len(places),
        "_row": [rows[place] for place in places],
    }
    for name, column in figures.items():
        increments[name] = [None if column[place] is None else int(column[place]) for place in places]
    return {"posts": posts, "post_increments": increments}


def _count(value: float | None, context: Context) -> int | None:
    if value is not None and value < 0:
        context.count("sources.figures_below_0")
        return None
    return None if value is None else int(value)


def _days(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    if "date" in values:
        values["since"] = values["date"]
        return {}
    span = _span(context)
    values["since"], values["until"] = [span[0]] * len(rows), [span[1]] * len(rows)
    context.coverage[ACCOUNT_STATS] = (span,)
    return {}


def _span(context: Context) -> DateRange:
    """The days of a table without days: as stated, or of totals in the same command with the same sum."""
    span = _stated_span(context)
    if span is not None:
        return span
    title = context.sheet.header[0]
    raise InputError(Phrase("sources.days_not_said_youtube", file=context.path, title=title))


def _stated_span(context: Context) -> DateRange | None:
    if context.options.days:
        return context.options.days
    beside = _totals_beside(context.path, context.options.companions)
    if beside is None:
        return None
    context.remark("sources.days_by_total", name=beside[0].name)
    return beside[1]


def _totals_beside(path: Path, companions: Sequence[Path]) -> tuple[Path, DateRange] | None:
    """A file of totals by day in the same command whose sum equals the total of this table."""
    total = _total(path)
    if total is None:
        return None
    matching = []
    for file in (file for file in companions if file != path):
        daily = _sum_by_day(file, total[0])
        if daily is not None and daily[0] == total[1]:
            matching.append((file, daily[1]))
    return matching[0] if len(matching) == 1 else None


def _rows(path: Path, layout: Layout) -> tuple[list[str], list[list[str]]] | None:
    tables = locate_tables(head_of(path), [layout])
    if not tables:
        return None
    records = [
        cells for number, cells in tables[0].raw.records(tables[0].delimiter) if number >= tables[0].row
    ]
    return [normal(cell) for cell in records[0]], records[1:]


def _total(path: Path) -> tuple[str, Decimal] | None:
    table = _rows(path, VIDEOS) or _rows(path, BY_ITEM)
    if table is None:
        return None
    header, records = table
    for cells in records:
        if is_total(cells):
            for field in _MEASURES:
                for title in map(normal, field.titles):
                    if (
                        title in header
                        and (number := parse_number(cells[header.index(title)], ".")) is not None
                    ):
                        return title, number
    return None


def _sum_by_day(path: Path, title: str) -> tuple[Decimal, DateRange] | None:
    table = _rows(path, DAILY)
    if table is None or title not in table[0]:
        return None
    header, records = table
    try:
        days = [parse_date(cells[0])[0].date() for cells in records if not is_total(cells)]
        numbers = [parse_number(cells[header.index(title)], ".") for cells in records if not is_total(cells)]
    except (ValueError, IndexError):
        return None
    counts = [number for number in numbers if number is not None]
    if not days or len(counts) < len(days):
        return None
    return sum(counts, Decimal(0)), (min(days), max(days) + dt.timedelta(days=1))


VIDEOS = Layout(
    "youtube_videos",
    "posts",
    (
        canonical_field("posts", "post_id", "Content|Контент|Видео|Video|Contenido", needed=True),
        canonical_field(
            "posts",
            "published_at",
            "Video publish time|Время публикации видео|Дата публикации видео",
            needed=True,
        ),
        text_field("title", "Video title|Название видео"),
        ON_BRAND,
        measure_field("views", *_VIEWS),
        measure_field("likes", 'Likes|Отметки "Нравится"|Отметки «Нравится»'),
        measure_field("comments", "Comments added|Комментарии|Добавленные комментарии"),
        measure_field("reposts", "Shares|Поделились"),
    ),
    _STYLE,
    marks=titles("Content|Контент|Contenido|Video publish time|Время публикации видео"),
    also=(*_RATES, *(title for field in _MEASURES for title in field.titles)),
    finish=_videos,
    platform="youtube",
    lacking=_LACKING,
    beyond=_BEYOND,
)
_DAY = Field(TABLES["traffic"]["date"], _DATE, needed=True)


def _table(name: str, fields: tuple[Field, ...], **more: Any) -> Layout:
    """A layout of a table of figures, by day or by item."""
    return Layout(
        name,
        ACCOUNT_STATS,
        fields,
        _STYLE,
        finish=_days,
        measures=_NAMES,
        platform="youtube",
        lacking=_LACKING,
        beyond=_BEYOND,
        **more,
    )


DAILY = _table(
    "youtube_days", (_DAY, *_MEASURES), marks=_OWN, also=(*_RATES, *_TITLES), file_marks=_TOTALS_FILE
)
CHART = _table(
    "youtube_chart",
    (_DAY, text_field("item", *_ITEMS, "Content", "Контент", needed=True), *_MEASURES),
    marks=(*_OWN, *_OWN_ITEMS),
    also=(*_RATES, *_TITLES, "Video publish time", "Время публикации видео"),
    file_marks=_CHART_FILE,
)
BY_ITEM = _table(
    "youtube_items",
    (text_field("item", *_ITEMS, needed=True), *_MEASURES),
    marks=(*_OWN, *_OWN_ITEMS),
    also=(*_RATES, *_TITLES),
    file_marks=_TABLE_FILE,
)

IMPORTER = TableImporter("YouTube Studio", (VIDEOS, CHART, DAILY, BY_ITEM), FILLS, UNKNOWN, TESTED)
