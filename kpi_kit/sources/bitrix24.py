"""Bitrix24: exported leads and deals, CSV or the web page that it calls Excel -> leads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import DEAL_LEADS
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import Imported, ImportOptions, Match
from kpi_kit.sources.json_files import read_json
from kpi_kit.sources.layouts import Context, Finish, Layout, Values, canonical_field, text_field, titles
from kpi_kit.sources.lead_rows import amount, attributes, leads, moment
from kpi_kit.sources.raw_tables import sheet_of_records
from kpi_kit.sources.read_tables import ExportReader, TableImporter

FILLS: Mapping[str, str] = {"leads": "lead_id created_at qualified status sold_at sale_amount currency"}
UNKNOWN = (
    "the sum of a deal with several products, as each row has a product's; the day of the sale, "
    "unless the closing date "
    "is among the columns; which stages mean qualified (stages: in attribution.yml); refunds"
)
TESTED = "documented layout"

_WON = titles("сделка успешна|успешная|deal won|won|успех|закрыта успешно|сделка заключена")
_BAD = titles("некачественный лид|junk lead|bad lead")
_LOST = titles("сделка провалена|лид провален|deal lost|lost|lose|apology|junk|отказ")
_GOOD = titles("качественный лид|сконвертирован|good lead|converted|converted lead")


def _stage(stage: str) -> tuple[bool | None, str]:
    stage = stage.rpartition(":")[2]  # C2:WON is won in the second pipeline
    if stage in _WON:
        return True, "won"
    qualified = True if stage in _GOOD else False if stage in _BAD else None
    return qualified, "lost" if stage in (*_LOST, *_BAD) else "open"


def _finish(kind: str) -> Finish:
    """Rows of leads whose ids say the kind: lead 15 and deal 15 are two things."""

    def finish(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
        once, numbers = _once(values, rows, context)
        made = leads(once, numbers, context, _stage)["leads"]
        made["lead_id"] = [f"{kind}:{number}" for number in made["lead_id"]]
        tables = {"leads": made}
        named = zip(once["lead_id"], once.get("of_lead", ()), strict=False)
        pairs = [(f"deal:{deal}", f"lead:{lead}") for deal, lead in named if lead and lead != "0"]
        if pairs:
            deals, of = zip(*pairs, strict=True)
            rows_of = [
                row for row, lead in zip(numbers, once["of_lead"], strict=True) if lead and lead != "0"
            ]
            tables[DEAL_LEADS] = {"deal_id": list(deals), "lead_id": list(of), "_row": rows_of}
        return tables

    return finish


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
                context.refuse(rows[first[number]], "sources.lead_differs", number=number, name=name)
    if often:
        context.count("sources.several_products", len(often))
    kept = list(first.values())
    once = {name: [column[place] for place in kept] for name, column in values.items()}
    if "sale_amount" in once:
        pairs = zip(once["lead_id"], once["sale_amount"], strict=True)
        once["sale_amount"] = [None if number in often else value for number, value in pairs]
    return once, [rows[place] for place in kept]


_COMMON = (
    moment("closed_at", "Дата закрытия|Closed on|Дата завершения|Close date|CLOSEDATE|DATE_CLOSED"),
    amount("Сумма|Возможная сумма|Income|Total|Amount|Opportunity"),
    text_field("currency", "Валюта|Currency|CURRENCY_ID"),
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
    "Цена|Количество|Created by|TITLE|TYPE_ID|CATEGORY_ID|PROBABILITY|BEGINDATE|CLOSED|COMPANY_ID|CONTACT_ID|"
    "ASSIGNED_BY_ID|CREATED_BY_ID|MODIFY_BY_ID|DATE_MODIFY|COMMENTS|IS_RETURN_CUSTOMER|STAGE_SEMANTIC_ID|"
    "STATUS_SEMANTIC_ID|NAME|LAST_NAME|OPENED|IS_NEW|ADDITIONAL_INFO|LOCATION_ID|ORIGIN_ID|SOURCE_DESCRIPTION"
)
_KEYS = (
    canonical_field("leads", "lead_id", "ID", needed=True),
    canonical_field("leads", "created_at", "Дата создания|Created|Created on|DATE_CREATE", needed=True),
)
LEADS = Layout(
    "bitrix_leads",
    "leads",
    (*_KEYS, text_field("stage", "Статус|Status|Стадия|STATUS_ID", needed=True), *_COMMON),
    marks=titles("Название лида|Lead name|Lead Name|Повторный лид|Состояние|STATUS_ID"),
    also=_ALSO,
    finish=_finish("lead"),
)
DEALS = Layout(
    "bitrix_deals",
    "leads",
    (
        *_KEYS,
        text_field("stage", "Стадия сделки|Stage|Стадия|Deal stage|STAGE_ID", needed=True),
        text_field("of_lead", "Лид|ID лида|Lead|Lead ID|LEAD_ID"),
        *_COMMON,
    ),
    marks=titles(
        "Стадия сделки|Группа стадий|Deal Name|Deal name|Повторная сделка|Assumed close date|STAGE_ID"
    ),
    also=(*_ALSO, "Название сделки"),
    finish=_finish("deal"),
)
_TABLES = TableImporter("bitrix24", (LEADS, DEALS), FILLS, UNKNOWN, TESTED)
_RECORDS = {"STAGE_ID": DEALS, "STATUS_ID": LEADS}


def sniff(head: Head) -> Match:
    """Match the titles of the columns, or the fields of answers of crm.deal.list and crm.lead.list."""
    for field, layout in _RECORDS.items():
        if head.below("ID", "DATE_CREATE", field):
            return Match(0.97, Phrase("sources.by_bitrix_fields", field=field, layout=layout.title))
    return _TABLES.sniff(head)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read exports of Bitrix24 or answers of its REST API.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    answers = [path for path in paths if head_of(path).keys]
    if not answers:
        return _TABLES.read(paths, options)
    reader = ExportReader(options, "bitrix24")
    for path in answers:
        records = list(_records(read_json(path, "bitrix_answer"), path))
        field = next((name for name in _RECORDS if any(name in record for record in records)), "STAGE_ID")
        reader.read(_RECORDS[field], sheet_of_records(path, records), path)
    return reader.finish()


def _records(answer: Any, path: Path) -> Iterator[Mapping[str, Any]]:
    """The objects of an answer, of a list of pages, or of a plain list."""
    if isinstance(answer, dict) and isinstance(answer.get("result"), list):
        answer = answer["result"]
    if not isinstance(answer, list) or not all(isinstance(record, dict) for record in answer):
        raise InputError(Phrase("sources.not_bitrix", file=path))
    for record in answer:
        if "result" in record:
            yield from _records(record, path)
        else:
            yield record
