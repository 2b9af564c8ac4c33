"""amoCRM (Kommo): exported deals -> leads."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping, Sequence

from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.layouts import Context, Layout, Values, canonical_field, text_field, titles
from kpi_kit.sources.lead_rows import amount, attributes, leads, moment
from kpi_kit.sources.read_tables import TableImporter

FILLS: Mapping[str, str] = {"leads": "lead_id created_at qualified status sold_at sale_amount currency"}
UNKNOWN = (
    "which stages mean qualified (stages: in attribution.yml); refunds; the currency, unless the "
    "title of the budget has "
    "its sign (give --currency)"
)
TESTED = "documented layout"

_WON = titles("успешно реализовано|closed - won|closed won|успешно реализована")
_LOST = titles("закрыто и не реализовано|closed - lost|closed lost|не реализовано|closed and not realized")
_EXPORTED = re.compile(r"amocrm_export_\w+?_(\d{4}-\d{2}-\d{2})")


def _stage(stage: str) -> tuple[bool | None, str]:
    return (True, "won") if stage in _WON else (None, "lost" if stage in _LOST else "open")


def _leads(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    match = _EXPORTED.search(context.path.name)
    if match and context.fetched_at is None:
        with contextlib.suppress(ValueError):  # some other number that looks like a date
            context.fetched_at = dt.datetime.fromisoformat(match[1]).replace(tzinfo=dt.UTC) + dt.timedelta(
                days=1
            )
    return leads(values, rows, context, _stage)


DEALS = Layout(
    "amocrm_deals",
    "leads",
    (
        canonical_field("leads", "lead_id", "ID|ID сделки", needed=True),
        canonical_field(
            "leads",
            "created_at",
            "Дата создания сделки|Дата создания|Created at|Дата создания лида",
            needed=True,
        ),
        text_field("stage", "Этап сделки|Статус сделки|Lead stage|Stage|Этап", needed=True),
        moment(
            "closed_at",
            "Дата закрытия|Closed at|Дата закрытия сделки",
            blanks=("не закрыта", "не закрыто", "not closed"),
        ),
        amount("Бюджет|Бюджет ₽|Бюджет, ₽|Бюджет сделки|Sale|Lead value|Бюджет, руб|Бюджет, руб."),
        *attributes(),
    ),
    Style(),
    marks=titles("Название сделки|Воронка|Lead title|Lead name|Pipeline|Кем создана сделка|Этап сделки"),
    also=titles(
        "Ответственный|Кем создана сделка|Дата редактирования|Кем редактирована|"
        "Примечание|Примечание 2|Примечание 3|Примечание 4|Примечание 5|"
        "Полное имя контакта|Компания контакта|Компания|Ответственный за контакт|Товар|"
        "cid|uid|tid|roistat|_ym_uid|_ym_counter|openstat_service|openstat_campaign|"
        "openstat_ad|openstat_source|gclientid|gclid|yclid|fbclid|Основной контакт|"
        "Рабочий телефон (контакт)|Рабочий телефон|Рабочий email|Responsible user|"
        "Full name"
    ),
    finish=_leads,
    platform=None,
)

IMPORTER = TableImporter("amoCRM", (DEALS,), FILLS, UNKNOWN, TESTED)
