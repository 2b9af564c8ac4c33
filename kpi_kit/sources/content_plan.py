"""A content plan in a spreadsheet, as people keep it -> plan."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from kpi_kit.core.files import sha256
from kpi_kit.core.post_ids import post_number
from kpi_kit.core.schema import Column, Type
from kpi_kit.sources.dates import parse_moment
from kpi_kit.sources.layouts import ON_BRAND, Context, Field, Layout, Values, text_field, titles
from kpi_kit.sources.read_tables import TableImporter
from kpi_kit.sources.text_files import normal

FILLS: Mapping[str, str] = {"plan": "plan_id due_at approved post_id on_brand approved_at cancelled_at"}
UNKNOWN = (
    "when a post was approved or cancelled, unless there are columns for it; a status that is none "
    "of the known words"
)
TESTED = "documented layout"

_APPROVED = titles(
    "согласовано|утверждено|одобрено|опубликовано|готово|запланировано|approved|published|scheduled|done|ok"
)
_OPEN = titles(
    "черновик|на согласовании|идея|в работе|draft|in progress|idea|review|"
    "не согласовано|на доработке|доработать|"
)
_CANCELLED = titles("отменено|отменен|снято|cancelled|canceled|перенесено")


_COLUMNS = ("plan_id", "due_at", "approved", "post_id", "on_brand", "approved_at", "cancelled_at", "_row")
_HOSTS = {"vk": "vk.", "telegram": "t.me", "dzen": "dzen.", "ok": "ok.ru", "youtube": "youtu"}


def post_in(text: str, platform: str = "") -> str | None:
    """The number of the post that a cell links to; of several links that of the platform, else the first.

    Examples
    --------
    >>> post_in("готово: https://vk.com/wall-7_101?reply=5"), post_in("t.me/c/12/34"), post_in("скоро")
    ('101', '34', None)
    """
    links = {part: post_number(part) for part in re.split(r"[\s,;]+", text)}
    posts = {part: number for part, number in links.items() if number != part or part.isdecimal()}
    host = _HOSTS.get(platform, platform or "//")
    own = [number for part, number in posts.items() if host in part]
    return next(iter([*own, *posts.values()]), None)


def _plan(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    made: Values = {name: [] for name in _COLUMNS}
    wanted = _platforms(context)
    seen: Counter[str] = Counter()
    for place, row in enumerate(rows):
        cells = {name: column[place] for name, column in values.items()}
        if (
            wanted
            and cells.get("platform")
            and not any(word in normal(str(cells["platform"])) for word in wanted)
        ):
            context.count("sources.other_platforms", platform=wanted[-1])
            continue
        due = _due(str(cells.get("day") or ""), cells.get("time"), row, context)
        status = normal(str(cells.get("status") or ""))
        approved = _approved(status, cells.get("approved_at"), row, context)
        name = "|".join(str(cells.get(part) or "") for part in ("day", "time", "platform", "topic"))
        seen[name] += 1
        number = str(cells["number"]) if cells.get("number") else sha256(f"{name}|{seen[name]}")[:16]
        cancelled = cells.get("cancelled_at")
        if status in _CANCELLED and due is not None and cancelled is None:
            cancelled = due - dt.timedelta(seconds=1)  # when is not said, but before it was due
        made_row = (
            number,
            due,
            approved,
            post_in(str(cells.get("link") or ""), wanted[-1] if wanted else ""),
            cells.get("on_brand"),
            cells.get("approved_at"),
            cancelled,
            row,
        )
        for column, value in zip(made, made_row, strict=True):
            made[column].append(value)
    return {"plan": made}


def _platforms(context: Context) -> tuple[str, ...]:
    """Words for the platform of the account, where its name says it; the last is the platform itself."""
    words = {
        "vk": ("вк", "вконтакте", "vk"),
        "tg": ("телеграм", "tg", "тг", "telegram"),
        "telegram": ("телеграм", "tg", "тг", "telegram"),
        "dzen": ("дзен", "dzen"),
        "ok": ("одноклассники", "ok"),
        "youtube": ("ютуб", "youtube"),
        "instagram": ("инстаграм", "instagram"),
        "tiktok": ("тикток", "tiktok"),
    }
    return words.get((context.options.account or "").partition("-")[0], ())


def _due(day: str, time: str | None, row: int, context: Context) -> dt.datetime | None:
    try:
        moment, timed = parse_moment(day, time, context.zone)
        if not timed:
            context.count("sources.due_at_end_of_day")
            moment = parse_moment(day, "23:59", context.zone)[0]
        return moment
    except (ValueError, OverflowError) as fault:
        context.refuse_cell(row, "Дата", "due_at", fault, f"{day} {time or ''}".strip())
        return None


def _approved(status: str, at: dt.datetime | None, row: int, context: Context) -> bool:
    if at is not None or status in _APPROVED:
        return True
    if status not in (*_OPEN, *_CANCELLED):
        allowed = {"approved": _APPROVED[:4], "open": _OPEN[:4], "cancelled": _CANCELLED[:2]}
        context.refuse(row, "sources.status_unknown", found=status, **allowed)
    return False


def _time(name: str, *listed: str) -> Field:
    return Field(Column(name, Type.TIME, nullable=True), titles(*listed))


PLAN = Layout(
    "plan",
    "plan",
    (
        Field(
            Column("day", Type.TEXT),
            titles("Дата|Дата публикации|Date|День|Дата выхода|Publish date"),
            needed=True,
        ),
        text_field("time", "Время|Time|Время публикации|Время выхода"),
        text_field("status", "Статус|Status|Согласование|Состояние", needed=True),
        text_field("topic", "Тема|Topic|Рубрика|Заголовок|Рубрика/тема|Тема поста|Название"),
        text_field("platform", "Площадка|Соцсеть|Канал|Platform|Социальная сеть"),
        text_field("link", "Ссылка|Link|Ссылка на пост|URL|Ссылка на публикацию"),
        text_field("number", "ID|№|Номер"),
        ON_BRAND,
        _time("approved_at", "Дата согласования|Согласовано|Approved at"),
        _time("cancelled_at", "Дата отмены|Отменено|Cancelled at"),
    ),
    marks=titles("Рубрика|Тема|Площадка|Topic|Platform|Рубрика/тема|Тема поста|Соцсеть|Формат|Format"),
    also=titles("Формат|Текст|Ответственный|Автор|Format|Text|Responsible|Комментарий|Визуал|Теги|Хештеги"),
    finish=_plan,
)

IMPORTER = TableImporter("plan", (PLAN,), FILLS, UNKNOWN, TESTED)
