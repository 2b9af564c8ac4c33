"""Google Analytics 4: reports and explorations -> traffic by account, and figures of the site by day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.control_sums import is_total, why_not_additive
from kpi_kit.sources.dates import parse_date
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import Context, Field, Layout, Values, measure_field, text_field, titles
from kpi_kit.sources.raw_tables import RawTable, Sheet, distinct_titles
from kpi_kit.sources.read_tables import ExportReader, one_row_per_measure
from kpi_kit.sources.rows import in_quotes
from kpi_kit.sources.text_files import Record, normal
from kpi_kit.sources.traffic_rows import visits

FILLS: Mapping[str, str] = {
    "traffic": "date visits visitors",
    "account_stats": "every figure of the report, such as sessions, total_users or event_count",
}
UNKNOWN = "which account a visit came from, unless the report has its source and attribution.yml names it"
TESTED = "real file"

_STYLE = Style(decimal=".", compact=True)
_DATES = titles(
    "Date|Дата|Nth day|День по порядку|Fecha|Datum|Date + hour (YYYYMMDDHH)|Date + hour|Дата и час|"
    "Дата и час (ГГГГММДДЧЧ)"
)
_OWN = frozenset(
    map(
        normal,
        titles(
            "Event count|Количество событий|Engaged sessions|Сеансы с взаимодействием|"
            "Session source / medium|"
            "Session default channel group|Источник или канал|Session primary channel group"
        ),
    )
)
"""Titles that no other export has, where the lines with # were cut off."""
_BESIDE = frozenset(map(normal, titles("Active users|Активные пользователи|Total users|Всего пользователей")))
"""Titles that prove it beside sessions alone: chats and bots have active users, too."""
_HOUR = re.compile(r"20\d{8}")
_WEEKS = re.compile(r"week \d+|неделя \d+|semana \d+|woche \d+")
_SOURCES = {
    "source_medium": titles(
        "Session source / medium|Source / medium|Источник или канал|Источник/канал сеанса"
    ),
    "utm_source": titles("Session source|Source|Источник сеанса|Session manual source"),
    "utm_medium": titles("Session medium|Medium|Канал сеанса"),
    "utm_campaign": titles("Session campaign|Campaign|Кампания сеанса"),
    "channel": titles(
        "Session default channel group|Default channel group|"
        "Session primary channel group (Default Channel Group)|Основная группа каналов|"
        "Группа каналов по умолчанию для сеанса"
    ),
}
_SESSIONS = titles("Sessions|Сеансы|Sesiones|Sitzungen")
_USERS = titles("Total users|Active users|Users|Всего пользователей|Активные пользователи|Пользователи")
_SOCIAL = re.compile(
    r"social|messag|соц|\bt\.me\b|telegram|vk\.com|\bvk\b|dzen|\bok\.ru|youtube|instagram|tiktok|facebook",
    re.IGNORECASE,
)
_START = re.compile(r"#\s*(?:Start date|Дата начала|Fecha de inicio)\s*:?\s*(\d{8})", re.IGNORECASE)
_END = re.compile(r"#\s*(?:End date|Дата окончания|Fecha de finalización)\s*:?\s*(\d{8})", re.IGNORECASE)
_ADDS_UP = re.compile(
    r"sessions|events?(_|$)|views|conversions|revenue|purchases|transactions|сеанс|событи|просмотр|доход|покупк"
)
_ESTIMATED = Decimal("0.02")  # sessions are estimated (HyperLogLog++), also in their total
_EVERYBODY = frozenset(
    map(normal, titles("All Users|Все пользователи|Todos los usuarios|Alle Nutzer|Усі користувачі"))
)
_SEGMENTS = frozenset(map(normal, titles("Segment|Сегмент|Comparison|Сравнение|Segmento|Сегменты")))
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?%?$")

Block = tuple[list[str], Record, list[Record]]


def _delimiter(grid: RawTable) -> str:
    """The delimiter with which a row has a column of days; a spreadsheet saves semicolons."""
    days = set(map(normal, _DATES))
    for delimiter in grid.delimiters:
        if any(len(cells) > 1 and days & set(map(normal, cells)) for _, cells in grid.first(delimiter, 40)):
            return delimiter
    return ","


def _blocks(grid: RawTable) -> Iterator[Block]:
    """Split a file into tables: lines with # above, header, rows up to the next # or blank line."""
    notes: list[str] = []
    header: Record | None = None
    rows: list[Record] = []
    before = 0
    for number, cells in grid.records(_delimiter(grid)):
        if cells[0].lstrip().startswith("#"):
            if header is not None:
                yield notes, header, rows
                header, rows = None, []
            notes = [*notes, ",".join(cells)]
        elif header is None:
            header = number, cells
        elif number > before + 1 and rows and _looks_like_header(cells, header[1]):
            yield notes, header, rows
            header, rows = (number, cells), []
        else:
            rows.append((number, cells))
        before = number
    if header is not None:
        yield notes, header, rows


def _looks_like_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    return not any(_PLAIN.match(cell.strip()) for cell in cells) and list(cells) != list(header)


def _segment_of(notes: Sequence[str]) -> str:
    """The segment: the line above '# Start date'. It holds for this table and those below."""
    lines = [note.strip().lstrip("#").strip() for note in notes]
    above = [lines[place - 1] for place, note in enumerate(notes) if place and _START.search(note)]
    names = (line for line in reversed(above) if ":" not in line and line.strip("-"))
    return next((line for line in names if not line.endswith("?")), "")  # a question is the title of a card


def _one_segment(
    blocks: Sequence[Block], path: Path, options: ImportOptions, remarks: list[str]
) -> list[Block]:
    """Keep the tables of one segment: segments overlap, so their figures do not add up."""
    split = [part for block in blocks for part in _by_column(block)]
    seen: dict[tuple[str, ...], list[str]] = {}
    for name, (_, header, _) in split:
        seen.setdefault(tuple(header[1]), []).append(name)
    repeated = {header for header, names in seen.items() if len(set(names)) > 1}
    names = list(dict.fromkeys(name for name, (_, header, _) in split if tuple(header[1]) in repeated))
    if not names:
        single = [name for name, _ in split if name and normal(name) not in _EVERYBODY]
        remarks += [Phrase("sources.ga4_one_segment", file=path, name=name) for name in single[:1]]
        return [block for _, block in split]
    wanted = {normal(options.segment)} if options.segment else _EVERYBODY
    chosen = next((name for name in names if normal(name) in wanted), None)
    unnamed = Phrase("sources.segment_unnamed")
    if chosen is None:
        code = "sources.ga4_segment_found" if options.segment else "sources.ga4_segments"
        listed = in_quotes(name or unnamed for name in names)
        raise InputError(Phrase(code, file=path, names=listed, found=options.segment))
    others = in_quotes(name or unnamed for name in names if name != chosen)
    remarks.append(Phrase("sources.ga4_segment_read", file=path, chosen=chosen, names=others))
    return [block for name, block in split if name == chosen or tuple(block[1][1]) not in repeated]


def _by_column(block: Block) -> Iterator[tuple[str, Block]]:
    """Split a table by its column of segments, if any, without the rows of totals."""
    notes, header, rows = block
    place = next((n for n, title in enumerate(header[1]) if normal(title) in _SEGMENTS), None)
    if place is None:
        yield _segment_of(notes), block
        return
    names = dict.fromkeys(cells[place] for _, cells in rows if place < len(cells) and not is_total(cells))
    for name in names:
        mine = [(n, cells) for n, cells in rows if place < len(cells) and cells[place] == name]
        yield name, (notes, header, [(n, cells) for n, cells in mine if not is_total(cells)])


def _slug(title: str) -> str:
    return "_".join(re.findall(r"\w+", normal(title)))


def _layout(header: Sequence[str], rows: Sequence[Record], span: dict[str, dt.date]) -> Layout | None:
    """Build a layout for this table: the day, the figures and the dimensions."""
    titles_ = distinct_titles(header)
    dates = [title for title in titles_ if normal(title) in set(map(normal, _DATES))]
    if not dates or any(_WEEKS.fullmatch(normal(title)) for title in titles_):  # weeks across: cohorts
        return None
    fields: list[Field] = [Field(Column("day", Type.TEXT), (dates[0],), needed=True)]
    names = {normal(title): name for name, listed in _SOURCES.items() for title in listed}
    items: list[str] = []
    for place, title in enumerate(titles_):
        if title == dates[0] or not title or normal(title) in _SEGMENTS:
            continue
        if normal(title) in names:
            fields.append(text_field(names[normal(title)], title))
        elif _is_figure(place, rows):
            fields.append(measure_field(_slug(title), title, apart=_apart(_slug(title))))
        else:
            items.append(_slug(title))
            fields.append(text_field(items[-1], title))
    figures = [field.name for field in fields if field.signed]

    def finish(values: Values, numbers: Sequence[int], context: Context) -> Mapping[str, Values]:
        days = [_day(text, span, row, context) for text, row in zip(values["day"], numbers, strict=True)]
        if any(_HOUR.fullmatch(str(text).strip()) for text in values["day"]) and not context.problems:
            days, values, numbers = _by_day(days, values, figures, numbers, context)
        named = {name: values[name] for name in _SOURCES if name in values}
        split = [*named, *items]
        made: dict[str, Values] = {}
        sessions = next((name for name in map(_slug, _SESSIONS) if name in figures), None)
        users = next((name for name in map(_slug, _USERS) if name in figures), None)
        if sessions and named:
            made["traffic"] = visits(
                days, values[sessions], values[users] if users else None, named, numbers, context, _SOCIAL
            )
        if not context.problems:
            joined = [
                " | ".join(str(values[name][i] or "(not set)") for name in split) for i in range(len(numbers))
            ]
            long = {**values, "since": days, "item": joined if split else ["all"] * len(numbers)}
            made[ACCOUNT_STATS] = one_row_per_measure(long, figures, numbers)
        return made

    return Layout(
        "ga4",
        ACCOUNT_STATS,
        tuple(fields),
        _STYLE,
        finish=finish,
        exact=True,
        lacking=_ESTIMATED,
        beyond=_ESTIMATED,
    )


def _by_day(
    days: Sequence[dt.date | None],
    values: Values,
    figures: Sequence[str],
    numbers: Sequence[int],
    context: Context,
) -> tuple[list[dt.date | None], Values, list[int]]:
    """Add up the hours of each day; people are in several hours, so that their figures are unknown."""
    texts = [name for name in values if name not in figures and name != "day"]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, day in enumerate(days):
        groups.setdefault((day, *(values[name][place] for name in texts)), []).append(place)
    added: Values = {name: [] for name in values}
    unknown = [name for name in figures if why_not_additive(name)]
    for places in groups.values():
        for name, column in values.items():
            cells = [column[place] for place in places]
            if name in figures and len(places) > 1:
                added[name].append(None if name in unknown or None in cells else sum(cells))
            else:
                added[name].append(cells[0])
    tail = Phrase("sources.ga4_hours_people", names=unknown) if unknown else ""
    context.remark("sources.ga4_hours", tail=tail)
    firsts = [places[0] for places in groups.values()]
    return [days[place] for place in firsts], added, [numbers[place] for place in firsts]


def _apart(name: str) -> str:
    """Why a figure is not summed; figures in unknown languages are not checked."""
    return why_not_additive(name) or ("" if _ADDS_UP.search(name) else "unsure")


def _is_figure(place: int, rows: Sequence[Record]) -> bool:
    cells = [cells[place].strip() for _, cells in rows[:200] if place < len(cells) and cells[place].strip()]
    return bool(cells) and all(_PLAIN.match(cell.lstrip("-")) for cell in cells)


def _day(text: Any, span: dict[str, dt.date], row: int, context: Context) -> dt.date | None:
    plain = str(text).strip()
    if _HOUR.fullmatch(plain):
        plain = plain[:8]
    if plain.isdecimal() and len(plain) <= 4 and "start" in span:  # the nth day of the report
        return span["start"] + dt.timedelta(days=int(plain))
    try:
        return parse_date(plain, compact=True)[0].date()
    except ValueError:
        problem = Phrase("sources.expected_day_of_report")
        context.refuse_cell(row, context.sheet.header[0], "date", problem, plain)
        return None


def _span(notes: Sequence[str], options: ImportOptions) -> dict[str, dt.date]:
    span: dict[str, dt.date] = {"start": options.since} if options.since else {}
    for note in notes:
        for name, pattern in (("start", _START), ("end", _END)):
            if match := pattern.search(note):
                try:
                    span[name] = dt.datetime.strptime(match[1], "%Y%m%d").date()
                except ValueError:
                    line = note.strip()
                    raise InputError(Phrase("sources.ga4_no_date", line=line, text=match[1])) from None
    return span


def sniff(head: Head) -> Match:
    """Recognise the lines with # above the table."""
    for grid, delimiter, rows in head.rows():
        first = [" ".join(cells).strip() for _, cells in rows[:25]]
        notes = [line for line in first if line.startswith("#")]
        if delimiter in ",;" and grid.encoding != "sheet" and len(notes) >= 3:
            line = next((note for note in notes if "GA4" in note or _START.search(note)), "")
            if line:
                return Match(0.97, Phrase("sources.by_lines", line=line))
        for _, cells in rows[:1]:
            named = {normal(cell) for cell in cells}
            proofs = named & (_OWN | _BESIDE if named & set(map(normal, _SESSIONS)) else _OWN)
            if named & set(map(normal, _DATES)) and proofs:
                shown = in_quotes(cell for cell in cells if normal(cell) in proofs)
                return Match(0.9, Phrase("sources.by_columns", columns=shown))
    return NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read every table with days of reports and explorations.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    reader = ExportReader(options, "Google Analytics")
    coverage: list[tuple[dt.date, dt.date]] = []
    for path in paths:
        read_any, without = False, 0
        for grid in head_of(path).tables:
            for notes, header, rows in _one_segment(list(_blocks(grid)), path, options, reader.remarks):
                span = _span(notes, options)
                layout = _layout(header[1], rows, span)
                if layout is None:
                    without += 1
                    continue
                titles = distinct_titles(header[1])
                sheet = Sheet(grid.label, grid.encoding, ",", titles, header[0], (), rows.__iter__)
                reader.read(layout, sheet, path)
                read_any = True
                if "start" in span and "end" in span and span["start"] <= span["end"]:
                    coverage.append((span["start"], span["end"] + dt.timedelta(days=1)))
        if not read_any and not reader.problems:
            fields = {"one": _DATES[0], "other": _DATES[2]}
            reader.problems.append(Phrase("sources.ga4_no_days", file=path, **fields))
        if without:
            reader.remarks.append(Phrase("sources.tables_without_days", file=path, count=without))
    done = reader.finish()
    return replace(done, coverage={name: tuple(coverage) for name in done.tables} if coverage else {})
