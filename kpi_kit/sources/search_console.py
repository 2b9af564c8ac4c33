"""Google Search Console: clicks and impressions by day, query, page … -> figures of the site."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.control_sums import is_total
from kpi_kit.sources.dates import parse_date
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import (
    Context,
    Field,
    Layout,
    Values,
    by_day,
    locate_tables,
    match_layouts,
    measure_field,
    text_field,
    titles,
)
from kpi_kit.sources.raw_tables import sheet_at
from kpi_kit.sources.read_tables import ExportReader, read_layouts
from kpi_kit.sources.text_files import normal

FILLS: Mapping[str, str] = {"account_stats": "clicks impressions position"}
UNKNOWN = (
    "how often something was searched for (impressions are no searches); the days of queries and "
    "pages (give --since, --until)"
)
TESTED = "real file"

_STYLE = Style(decimal=".")
_CLICKS = titles("Clicks|Клики|Clics|Klicks|Cliques")
_IMPRESSIONS = titles("Impressions|Показы|Impresiones|Impressionen|Impressões")
_POSITION = titles("Position|Позиция|Posición|Posição|Средняя позиция")
_CTR = ("CTR",)
_ITEMS = titles(
    "Top queries|Популярные запросы|Самые популярные запросы|Search query|Query|Запрос|Запросы|Top pages|"
    "Популярные страницы|Самые популярные страницы|Page|Страница|Country|Страна|Device|Устройство|"
    "Search Appearance|Search appearance|Вид в поиске"
)
_FIGURES = (
    measure_field("clicks", *_CLICKS, needed=True),
    measure_field("impressions", *_IMPRESSIONS, needed=True),
    measure_field("position", *_POSITION),
)
_NAMES = tuple(field.name for field in _FIGURES)
_COMPARED = re.compile(r"^(?P<span>.+?) (?P<title>clicks|клики|impressions|показы|ctr|position|позиция)$")
_EARLIER = re.compile(r"previous|предыдущ|прошл|anterior|vorherig|précédent|year ago")
_BY_DAY = titles("Dates.csv|Chart.csv|Даты.csv|Диаграмма.csv")


def _items(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    span = context.options.days or _beside(context)
    if span is None:
        raise InputError(Phrase("sources.days_not_said", file=context.path, title=context.sheet.header[0]))
    values["since"], values["until"] = [span[0]] * len(rows), [span[1]] * len(rows)
    return {}


def _beside(context: Context) -> DateRange | None:
    """The days of the table by day in the same archive."""
    for file in context.options.companions:
        together = file.parent == context.path.parent and file.name in _BY_DAY
        tables = locate_tables(head_of(file), [DATES]) if together else []
        if tables:
            below = sheet_at(tables[0].raw, tables[0].delimiter, tables[0].row).below()
            days = [parse_date(cells[0].strip())[0].date() for _, cells in below if not is_total(cells)]
            if days:
                context.remark("sources.days_of_file", name=file.name)
                return min(days), max(days) + dt.timedelta(days=1)
    return None


DATES = Layout(
    "gsc_days",
    ACCOUNT_STATS,
    (Field(TABLES["traffic"]["date"], titles("Date|Дата|Fecha|Datum|Data"), needed=True), *_FIGURES),
    _STYLE,
    marks=_POSITION,
    also=_CTR,
    finish=by_day,
    measures=_NAMES,
)
ITEMS = Layout(
    "gsc_items",
    ACCOUNT_STATS,
    (text_field("item", *_ITEMS, needed=True), *_FIGURES),
    _STYLE,
    marks=_POSITION,
    also=_CTR,
    finish=_items,
    measures=_NAMES,
    lacking=Decimal(1),  # rare queries are left out
)
_LAYOUTS = (DATES, ITEMS)


def sniff(head: Head) -> Match:
    """Recognise clicks, impressions and CTR, also of two spans, and the list of filters."""
    if _is_filters(head):
        return Match(0.9, Phrase("sources.by_filters"))
    compared = _compared(head)
    return match_layouts(head, compared or _LAYOUTS)


def _is_filters(head: Head) -> bool:
    first = [[normal(cell) for cell in rows[0][1]] for _, _, rows in head.rows() if rows]
    return any(cells in (["filter", "value"], ["фильтр", "значение"]) for cells in first)


def _compared(head: Head) -> tuple[Layout, ...]:
    """Layouts for tables that compare two spans; only the current one is read."""
    for _, _, rows in head.rows():
        for _, cells in rows[:1]:
            matches = [match for cell in cells if (match := _COMPARED.match(normal(cell)))]
            spans = list(dict.fromkeys(match["span"] for match in matches))
            if len(spans) == 2 and len(matches) >= 4:
                current, earlier = sorted(spans, key=lambda span: bool(_EARLIER.search(span)))
                return tuple(_of_span(layout, current, earlier) for layout in _LAYOUTS)
    return ()


def _of_span(layout: Layout, span: str, other: str) -> Layout:
    titles = [normal(title) for field in _FIGURES for title in field.titles] + ["ctr"]
    fields = tuple(
        replace(field, titles=tuple(f"{span} {title}" for title in field.titles))
        if field.name in _NAMES
        else field
        for field in layout.fields
    )
    return replace(
        layout,
        name=Phrase("sources.layout_two_spans", layout=layout.title, span=span),
        fields=fields,
        marks=tuple(f"{span} {title}" for title in titles),
        also=tuple(f"{other} {title}" for title in titles),
    )


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read files of Search Console, one table a file.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    tables = []
    remarks: list[str] = []
    for path in paths:
        head = head_of(path)
        compared = _compared(head)
        if compared and (located := locate_tables(head, compared)):
            tables.append((path, located[0]))
        elif not locate_tables(head, _LAYOUTS) and _is_filters(head):
            remarks.append(Phrase("sources.filters_only", file=path))
    if not tables:
        plain = [path for path in paths if locate_tables(head_of(path), _LAYOUTS)]
        if not plain and remarks:
            return Imported({}, {}, tuple(remarks))
        plain = plain or list(paths)
        done = read_layouts(plain, options, _LAYOUTS, "Search Console")
        return replace(done, remarks=(*done.remarks, *remarks))
    reader = ExportReader(options, "Search Console")
    for path, table in tables:
        reader.read_located(table, path)
    reader.remarks = [*remarks]
    reader.remarks += [Phrase("sources.table_read", layout=table.layout.title) for _, table in tables]
    return reader.finish()
