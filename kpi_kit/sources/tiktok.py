"""TikTok: overview, videos and followers of any account -> posts, audience, figures of days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES, Column, Type
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.count_back import reckoned
from kpi_kit.sources.dates import month_and_day, parse_date, with_years
from kpi_kit.sources.layouts import (
    ON_BRAND,
    Context,
    Field,
    Layout,
    Values,
    canonical_field,
    measure_field,
    text_field,
    titles,
)
from kpi_kit.sources.read_tables import TableImporter

FILLS: Mapping[str, str] = {
    "posts": "post_id published_at views likes comments reposts url text stats_at",
    "audience": "date subscribers joined left",
    "account_stats": "views reach profile_views likes comments shares joined left",
}
UNKNOWN = (
    "the number of followers in the overview (give --subscribers, or import FollowerHistory); "
    "the year of the dates of "
    "creator accounts (taken from --until or the file name)"
)
TESTED = "real file"

_STYLE = Style(decimal=".")
_LINK = re.compile(r"/(?:video|photo)/([0-9]{8,20})")
_YEAR_IN_NAME = re.compile(r"(20[0-9]{2})[-_]?([0-9]{2})[-_]?([0-9]{2})(?![0-9])")
_FIRST_DAY_OF_IDS = dt.datetime(2014, 1, 1, tzinfo=dt.UTC)
_MEASURES = (
    measure_field(
        "views",
        "Video views|Video Views|Просмотры видео|Reproducciones de vídeo|Visualizaciones de vídeo",
        needed=True,
    ),
    measure_field("reach", "Reached audience|Охваченная аудитория|Unique viewers"),
    measure_field("profile_views", "Profile views|Просмотры профиля|Visualizaciones del perfil"),
    measure_field("likes", "Likes|Лайки|Me gusta"),
    measure_field("comments", "Comments|Комментарии|Comentarios"),
    measure_field("shares", "Shares|Репосты|Поделились|Compartidos"),
    measure_field("joined", "New followers|Новые подписчики"),
    measure_field("left", "Lost followers|Отписавшиеся|Потерянные подписчики"),
    measure_field("net_growth", "Net growth|Чистый прирост"),
)


def _day_of(name: str, *listed: str) -> Field:
    return Field(Column(name, Type.TEXT), titles(*listed), needed=True)


def _overview(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    days = _days(values["day"], rows, context)
    values["since"] = days
    return reckoned(days, values, rows, context, "followers", "FollowerHistory")


def _viewers(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    values["since"] = _days(values["day"], rows, context)
    return {}


def _followers(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    days = _days(values["day"], rows, context)
    keep = [place for place, count in enumerate(values["subscribers"]) if count is not None and days[place]]
    if len(keep) < len(rows):
        context.count("sources.days_without_followers", len(rows) - len(keep))
    values["since"] = days
    audience: Values = {
        "date": [days[place] for place in keep],
        "subscribers": [values["subscribers"][place] for place in keep],
        "_row": [rows[place] for place in keep],
    }
    if "joined" in values:
        joined = [values["joined"][place] for place in keep]
        audience["joined"] = [None if count is None else int(count) for count in joined]
    return {"audience": audience}


def _videos(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    posts: Values = {
        name: values[name] for name in ("views", "likes", "comments", "reposts", "on_brand") if name in values
    }
    posts |= {
        "post_id": [],
        "published_at": [],
        "url": values["link"],
        "text": values.get("title", [None] * len(rows)),
    }
    for link, posted, row in zip(values["link"], values["posted"], rows, strict=True):
        match = _LINK.search(link or "")
        if match is None:
            context.refuse_cell(row, "Video link", "post_id", Phrase("sources.expected_video_link"), link)
        number = int(match[1]) if match else 0
        posts["post_id"].append(str(number))
        posts["published_at"].append(_published(number, posted, row, context))
    return {"posts": posts}


def _published(number: int, posted: str | None, row: int, context: Context) -> dt.datetime | None:
    """The time as exported, in UTC; without a year, the time that the video's number holds."""
    try:
        moment, timed = parse_date(" ".join((posted or "").split()))
        if timed:
            return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except ValueError:
        if not posted or month_and_day(" ".join(posted.split())) is None:
            problem = Phrase("sources.expected_video_time")
            context.refuse_cell(row, "Post time", "published_at", problem, posted)
            return None
    held = dt.datetime.fromtimestamp(min(number >> 32, 2**33), dt.UTC)
    if held < _FIRST_DAY_OF_IDS or held.year > 2100:
        context.refuse(row, "sources.number_without_time", number=number)
        return None
    return held


def _days(texts_: Sequence[str], rows: Sequence[int], context: Context) -> list[dt.date | None]:
    """Parse days; without years, the file name or ``--until`` gives the last one."""
    plain = [" ".join(text.split()) for text in texts_]
    without = [month_and_day(text) for text in plain]
    if plain and all(without):
        last = context.options.until or _until_in_name(context.path)
        if last is None:
            fields = {"file": context.sheet.label, "found": plain[-1]}
            context.problems.append(Phrase("sources.dates_without_year", **fields))
            return [None] * len(plain)
        try:
            return list(with_years([pair for pair in without if pair is not None], last))
        except ValueError as fault:
            code = "sources.dates_without_year_fault"
            context.problems.append(Phrase(code, file=context.sheet.label, problem=fault))
            return [None] * len(plain)
    days: list[dt.date | None] = []
    for text, row in zip(plain, rows, strict=True):
        try:
            days.append(parse_date(text)[0].date())
        except ValueError as fault:
            context.refuse_cell(row, "Date", "date", fault, text)
            days.append(None)
    return days


def _until_in_name(path: Path) -> dt.date | None:
    """The day after the last date in the name of a file."""
    try:
        dates = [dt.date(*map(int, match)) for match in _YEAR_IN_NAME.findall(path.name)]
    except ValueError:
        return None
    return max(dates) + dt.timedelta(days=1) if dates else None


OVERVIEW = Layout(
    "tiktok_overview",
    ACCOUNT_STATS,
    (_day_of("day", "Date|Дата|Fecha"), *_MEASURES),
    _STYLE,
    marks=titles(
        "Profile views|Просмотры профиля|Visualizaciones del perfil|Reached audience|Охваченная аудитория"
    ),
    also=titles(
        "Phone number clicks|Leads submission|Email clicks|Address clicks|Website clicks|App downloads"
    ),
    finish=_overview,
    measures=tuple(field.name for field in _MEASURES),
    platform="tiktok",
)
VIDEOS = Layout(
    "tiktok_videos",
    "posts",
    (
        text_field("link", "Video link|Ссылка на видео|Enlace del vídeo", needed=True),
        text_field("posted", "Post time|Время публикации|Hora de publicación", needed=True),
        text_field("title", "Video title|Название видео|Título del vídeo"),
        ON_BRAND,
        canonical_field("posts", "views", "Video views|Total views|Всего просмотров|Просмотры видео"),
        canonical_field("posts", "likes", "Likes|Total likes|Лайки|Всего лайков"),
        canonical_field("posts", "comments", "Comments|Total comments|Комментарии|Всего комментариев"),
        canonical_field("posts", "reposts", "Shares|Total shares|Репосты|Всего репостов"),
    ),
    _STYLE,
    also=titles("Time|Add to Favorites|Saves"),
    finish=_videos,
    platform="tiktok",
)
FOLLOWERS = Layout(
    "tiktok_followers",
    "audience",
    (
        _day_of("day", "Date|Дата|Fecha"),
        Field(
            Column("subscribers", TABLES["audience"]["subscribers"].type, nullable=True),
            titles("Followers|Подписчики|Всего подписчиков TikTok|Seguidores"),
            needed=True,
        ),
        measure_field("joined", "New followers|Новые подписчики"),
        measure_field("reach", "Reached audience|Охваченная аудитория"),
        measure_field("engaged", "Engaged audience"),
    ),
    _STYLE,
    marks=titles("Difference in followers from previous day|Всего подписчиков TikTok"),
    also=titles("Difference|Разница|New followers|Reached audience|Engaged audience"),
    file_marks=re.compile("FollowerHistory", re.IGNORECASE),
    measures=("reach", "engaged"),
    finish=_followers,
    platform="tiktok",
)

VIEWERS = Layout(
    "tiktok_viewers",
    ACCOUNT_STATS,
    (
        _day_of("day", "Date|Дата|Fecha"),
        measure_field("viewers", "Total Viewers", needed=True),
        measure_field("new_viewers", "New Viewers"),
        measure_field("returning_viewers", "Returning Viewers"),
    ),
    _STYLE,
    marks=titles("Total Viewers|Returning Viewers"),
    finish=_viewers,
    measures=("viewers", "new_viewers", "returning_viewers"),
    platform="tiktok",
)

IMPORTER = TableImporter("TikTok", (OVERVIEW, VIDEOS, FOLLOWERS, VIEWERS), FILLS, UNKNOWN, TESTED)
