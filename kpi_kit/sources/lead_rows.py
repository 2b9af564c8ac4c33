"""Deals of a CRM -> rows of ``leads``: account, qualification and sale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.sources.layouts import Context, Field, Values, canonical_field, text_field, titles
from kpi_kit.sources.text_files import normal

ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "utm_source": titles("utm_source|UTM Source|UTM_SOURCE"),
    "utm_medium": titles("utm_medium|UTM Medium|UTM_MEDIUM"),
    "utm_campaign": titles("utm_campaign|UTM Campaign|UTM_CAMPAIGN"),
    "utm_content": titles("utm_content|UTM Content|UTM_CONTENT"),
    "utm_term": titles("utm_term|UTM Term|UTM_TERM"),
    "source": titles("Источник|Source|Источник сделки|Источник лида|SOURCE_ID"),
    "source_details": titles("Дополнительно об источнике|Source information|Описание источника"),
    "tags": titles("Теги|Теги сделки|Tags"),
    "referrer": ("referrer", "utm_referrer"),
    "from": ("from",),
}
"""Fields that rules of ``attribution.yml`` can look at, with their titles."""


def attributes() -> tuple[Field, ...]:
    """The fields by which a lead belongs to an account."""
    return tuple(text_field(name, *named) for name, named in ATTRIBUTES.items())


def moment(name: str, *listed: str, blanks: Sequence[str] = ()) -> Field:
    """A time that may be empty."""
    return Field(Column(name, Type.TIME, nullable=True), titles(*listed), blanks=tuple(map(normal, blanks)))


def amount(*listed: str) -> Field:
    """The sum of a deal."""
    return canonical_field("leads", "sale_amount", *listed, empty=True)


_COLUMNS = ("lead_id", "account_id", "created_at", "qualified", "status") + (
    "sold_at",
    "sale_amount",
    "currency",
)
_MINUTE = dt.timedelta(minutes=1)

Stage = Callable[[str], tuple[bool | None, str]]
"""Stage -> whether the lead is qualified (None: unknown), and its status: open, won or lost."""


def leads(values: Values, rows: Sequence[int], context: Context, stage: Stage) -> Mapping[str, Values]:
    """Rows of ``leads``: the account by the rules, the sale by the stage.

    Parameters
    ----------
    values : dict of str to list
        ``lead_id``, ``created_at`` and, where the export has them, ``stage``, ``closed_at``, ``sale_amount``,
        ``currency`` and the attributes.
    rows : sequence of int
    context : Context
    stage : callable
        What the service's own names of stages mean; ``attribution.yml`` goes before it.
    """
    names = [name for name in ATTRIBUTES if name in values]
    made: Values = {name: [] for name in (*_COLUMNS, "_row")}
    for place, row in enumerate(rows):
        account = _account({name: str(values[name][place] or "") for name in names}, context)
        if account is None:
            continue
        stage_name = str(_at(values, "stage", place) or "")
        qualified, status = _meaning(stage_name, context, stage)
        sold = status == "won"
        closed = _not_before(_at(values, "closed_at", place), values["created_at"][place], context)
        sum_ = _at(values, "sale_amount", place)
        if sold and closed is None:
            context.count("sources.won_without_closing")
        if sold and sum_ == 0:
            context.count("sources.sales_of_0")
        currency = _currency(values, place, context) if sold and sum_ is not None else None
        if sold and sum_ is not None and currency is None:
            context.count("sources.no_currency")
        cells = (
            values["lead_id"][place],
            account,
            values["created_at"][place],
            qualified,
            status if "stage" in values and stage_name else None,
            closed if sold else None,
            sum_ if sold else None,
            currency,
            row,
        )
        for name, value in zip(made, cells, strict=True):
            made[name].append(value)
        if "stage" in values and stage_name and qualified is None and not sold:
            context.count("sources.stage_unclear")
    return {"leads": made}


def _at(values: Values, name: str, place: int) -> Any:
    return values[name][place] if name in values else None


def _account(fields: Mapping[str, str], context: Context) -> str | None:
    options = context.options
    if options.account is not None:
        return options.account
    if not options.attribution.rules:
        raise InputError(Phrase("sources.account_missing_leads"))
    account = options.attribution.account_of(fields)
    if account is None:
        context.unmatched.table = "leads"
        context.unmatched.add(fields)
    return account


def _not_before(
    closed: dt.datetime | None, created: dt.datetime | None, context: Context
) -> dt.datetime | None:
    """The closing time, or the creation where the closing time has no seconds, or no time of day."""
    if closed is None or created is None or closed >= created:
        return closed
    local = closed.astimezone(context.zone)
    midnight = local.time() == dt.time() and local.date() == created.astimezone(context.zone).date()
    return created if midnight or created - closed < _MINUTE else closed


def _meaning(stage_name: str, context: Context, stage: Stage) -> tuple[bool | None, str]:
    attribution = context.options.attribution
    qualified, status = stage(normal(stage_name))
    if attribution.means(stage_name, "sold"):
        qualified, status = True, "won"
    elif attribution.means(stage_name, "qualified"):
        qualified = True
    elif attribution.means(stage_name, "not_qualified"):
        qualified, status = False, "lost"
    return qualified, status


def _currency(values: Values, place: int, context: Context) -> str | None:
    text = _at(values, "currency", place)
    if text:
        return _CURRENCIES.get(normal(str(text)), str(text).strip().upper())
    title = next(
        (
            title
            for title in context.sheet.header
            if normal(title).startswith(("бюджет", "сумма", "sale", "income"))
        ),
        "",
    )
    named = next((code for sign, code in _SIGNS.items() if sign in title), None)
    return named or context.options.currency


_CURRENCIES = {
    "российский рубль": "RUB",
    "рубль": "RUB",
    "руб.": "RUB",
    "₽": "RUB",
    "russian ruble": "RUB",
    "доллар сша": "USD",
    "us dollar": "USD",
    "евро": "EUR",
    "euro": "EUR",
    "тенге": "KZT",
    "белорусский рубль": "BYN",
}
_SIGNS = {"₽": "RUB", "$": "USD", "€": "EUR", "₸": "KZT", "RUB": "RUB", "USD": "USD", "EUR": "EUR"}
