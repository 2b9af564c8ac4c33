"""Bitrix24: exported leads and deals, CSV or the web page that it calls Excel -> leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kpi_kit.sources.layouts import Context, Layout, Values, canonical_field, text_field, titles
from kpi_kit.sources.lead_rows import amount, attributes, leads, moment
from kpi_kit.sources.read_tables import TableImporter

FILLS: Mapping[str, str] = {"leads": "lead_id created_at qualified sold_at sale_amount currency"}
UNKNOWN = (
    "the sum of a deal with several products, as each row has a product's; the day of the sale, "
    "unless the closing date "
    "is among the columns; which stages mean qualified (stages: in attribution.yml); refunds"
)
TESTED = "documented layout"

_WON = titles("сделка успешна|успешная|deal won|won|успех|закрыта успешно|сделка заключена")
_BAD = titles("некачественный лид|junk lead|bad lead")
_GOOD = titles("качественный лид|сконвертирован|good lead|converted|converted lead")


def _stage(stage: str) -> tuple[bool | None, bool]:
    if stage in _WON:
        return True, True
    return (True if stage in _GOOD else False if stage in _BAD else None), False


def _leads(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    once, numbers = _once(values, rows, context)
    return leads(once, numbers, context, _stage)


def _once(values: Values, rows: Sequence[int], context: Context) -> tuple[Values, list[int]]:
    """One row a lead. Bitrix24 repeats it for each product, with the product's sum in place of the deal's."""
    first: dict[Any, int] = {}
    often: set[Any] = set()
    for place, number in enumerate(values["lead_id"]):
        if number in first:
            often.add(number)
        first.setdefault(number, place)
    for number in sorted(often, key=str):
        places = (
            [place for place, other in enumerate(values["lead_id"]) if other == number]
            if len(often) < 50
            else []
        )
        for name in ("created_at", "stage", "closed_at"):
            if name in values and len({values[name][place] for place in places}) > 1:
                context.problems.append(
                    f"{context.where(rows[first[number]])}: lead {number} stands in several rows, "
                    f"but {name} differs"
                )
    if often:
        context.counts[
            "# leads stand in several rows, one a product; they count once, and their sum is unknown"
        ] += len(often)
    kept = list(first.values())
    once = {name: [column[place] for place in kept] for name, column in values.items()}
    if "sale_amount" in once:
        pairs = zip(once["lead_id"], once["sale_amount"], strict=True)
        once["sale_amount"] = [None if number in often else value for number, value in pairs]
    return once, [rows[place] for place in kept]


_COMMON = (
    moment("closed_at", "Дата закрытия|Closed on|Дата завершения|Close date"),
    amount("Сумма|Возможная сумма|Income|Total|Amount|Opportunity"),
    text_field("currency", "Валюта|Currency"),
    *attributes(),
)
_ALSO = titles(
    "Имя|Фамилия|Отчество|Ответственный|Дата изменения|Кем создан|Кем изменен|"
    "Кем создана|Товар|Телефон|E-mail|Комментарий|Название компании|"
    "Создан CRM-формой|Повторный лид|Состояние|Воронка|Группа стадий|Вероятность|"
    "Вероятность, %|Тип|Дата начала|Предполагаемая дата закрытия|Сделка закрыта|"
    "Повторная сделка|Pipeline|Deal status|Probability, %|Type|Start date|"
    "Assumed close date|Closed|Responsible|Modified|Name|Last name|Phone|Comment|"
    "Product|Рабочий телефон|Мобильный телефон|Рабочий e-mail|Контакт|Компания|"
    "Цена|Количество|Created by"
)
LEADS = Layout(
    "leads of Bitrix24",
    "leads",
    (
        canonical_field("leads", "lead_id", "ID", needed=True),
        canonical_field("leads", "created_at", "Дата создания|Created|Created on", needed=True),
        text_field("stage", "Статус|Status|Стадия", needed=True),
        *_COMMON,
    ),
    marks=titles("Название лида|Lead name|Lead Name|Повторный лид|Состояние"),
    also=_ALSO,
    finish=_leads,
)
DEALS = Layout(
    "deals of Bitrix24",
    "leads",
    (
        canonical_field("leads", "lead_id", "ID", needed=True),
        canonical_field("leads", "created_at", "Дата создания|Created|Created on", needed=True),
        text_field("stage", "Стадия сделки|Stage|Стадия|Deal stage", needed=True),
        *_COMMON,
    ),
    marks=titles("Стадия сделки|Группа стадий|Deal Name|Deal name|Повторная сделка|Assumed close date"),
    also=(*_ALSO, "Название сделки"),
    finish=_leads,
)

IMPORTER = TableImporter("Bitrix24", (LEADS, DEALS), FILLS, UNKNOWN, TESTED)
