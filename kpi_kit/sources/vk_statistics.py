"""VK: statistics pages of a community saved as a table by day -> figures of days, and audience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.count_back import reckoned
from kpi_kit.sources.layouts import Context, Field, Layout, Values, measure_field, titles
from kpi_kit.sources.read_tables import TableImporter

FILLS: Mapping[str, str] = {
    "audience": "date subscribers joined left",
    "account_stats": "views visitors reach joined left likes comments reposts",
}
UNKNOWN = "the number of members (give --subscribers)"
TESTED = "documented layout"

_MEASURES = (
    measure_field("visitors", "Уникальные посетители|Unique visitors", needed=True),
    measure_field("views", "Просмотры|Просмотры страницы|Views|Page views"),
    measure_field("reach", "Охват|Полный охват|Reach"),
    measure_field("reach_subscribers", "Охват подписчиков|Followers reach"),
    measure_field("joined", "Подписались|Подписалось|Вступили|Joined"),
    measure_field("left", "Отписались|Отписалось|Вышли|Left"),
    measure_field("likes", "Мне нравится|Лайки|Likes"),
    measure_field("comments", "Комментарии|Comments"),
    measure_field("reposts", "Поделились|Рассказать друзьям|Shares"),
)


def _days(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    values["since"] = values["date"]
    return reckoned(values["date"], values, rows, context, "members")


DAYS = Layout(
    "vk_days",
    ACCOUNT_STATS,
    (Field(TABLES["traffic"]["date"], titles("Дата|Date|День"), needed=True), *_MEASURES),
    # other counters of sites have unique visitors, too
    marks=titles(
        "Подписались|Подписалось|Вступили|Отписались|Отписалось|Вышли|Охват|Полный охват|Охват подписчиков|"
        "Joined|Followers reach"
    ),
    finish=_days,
    measures=tuple(field.name for field in _MEASURES),
    platform="vk",
)

IMPORTER = TableImporter("vk_statistics", (DAYS,), FILLS, UNKNOWN, TESTED)
