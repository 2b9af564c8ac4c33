"""amoCRM (Kommo): exported deals -> leads."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.sources.cells import Style
from kpi_kit.sources.heads import Head
from kpi_kit.sources.interface import Guess, Imported, ImportOptions
from kpi_kit.sources.layouts import Context, Layout, Values, guess, of, texts
from kpi_kit.sources.leads import amount, attributes, leads, moment
from kpi_kit.sources.reading import read_layouts

FILLS: Mapping[str, str] = {"leads": "lead_id created_at qualified sold_at sale_amount currency"}
UNKNOWN = (
    "which stages mean qualified (stages: in attribution.yml); refunds; the currency, unless the "
    "title of the budget has "
    "its sign (give --currency)"
)
TESTED = "documented layout"

_WON = ("успешно реализовано", "closed - won", "closed won", "успешно реализована")
_EXPORTED = re.compile(r"amocrm_export_\w+?_(\d{4}-\d{2}-\d{2})")


def _stage(stage: str) -> tuple[bool | None, bool]:
    return (True, True) if stage in _WON else (None, False)


def _leads(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    match = _EXPORTED.search(context.path.name)
    if match and context.stamp is None:
        with contextlib.suppress(ValueError):  # some other number that looks like a date
            context.stamp = dt.datetime.fromisoformat(match[1]).replace(tzinfo=dt.UTC) + dt.timedelta(days=1)
    return leads(values, rows, context, _stage)


DEALS = Layout(
    "deals of amoCRM",
    "leads",
    (
        of("leads", "lead_id", "ID", "ID сделки", wanted=True),
        of(
            "leads",
            "created_at",
            "Дата создания сделки",
            "Дата создания",
            "Created at",
            "Дата создания лида",
            wanted=True,
        ),
        texts("stage", "Этап сделки", "Статус сделки", "Lead stage", "Stage", "Этап", wanted=True),
        moment(
            "closed_at",
            "Дата закрытия",
            "Closed at",
            "Дата закрытия сделки",
            blanks=("не закрыта", "не закрыто", "not closed"),
        ),
        amount(
            "Бюджет",
            "Бюджет ₽",
            "Бюджет, ₽",
            "Бюджет сделки",
            "Sale",
            "Lead value",
            "Бюджет, руб",
            "Бюджет, руб.",
        ),
        *attributes(),
    ),
    Style(),
    marks=(
        "Название сделки",
        "Воронка",
        "Lead title",
        "Lead name",
        "Pipeline",
        "Кем создана сделка",
        "Этап сделки",
    ),
    also=tuple(
        (
            "Ответственный|Кем создана сделка|Дата редактирования|Кем редактирована|Примечание|"
            "Примечание 2|Примечание 3|Примечание 4|Примечание 5|Полное имя контакта|Компания контакта|"
            "Компания|Ответственный за контакт|Товар|cid|uid|tid|roistat|_ym_uid|_ym_counter|"
            "openstat_service|openstat_campaign|openstat_ad|openstat_source|gclientid|gclid|yclid|fbclid|"
            "Основной контакт|Рабочий телефон (контакт)|Рабочий телефон|Рабочий email|Responsible user|"
            "Full name"
        ).split("|")
    ),
    finish=_leads,
    platform=None,
)
LAYOUTS = (DEALS,)


def sniff(head: Head) -> Guess:
    """By the titles of the columns."""
    return guess(head, LAYOUTS)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read exports of amoCRM, CSV or XLSX.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    return read_layouts(paths, options, LAYOUTS, "amoCRM")
