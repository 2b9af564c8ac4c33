"""Sheets with months across and accounts or figures down, or the other way round -> audience, totals."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kpi_kit.core.errors import did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import union
from kpi_kit.sources.cell_values import is_unknown, parse_number
from kpi_kit.sources.control_sums import is_total
from kpi_kit.sources.dates import month_names, parse_date
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import NO_MATCH, DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.raw_tables import RawTable
from kpi_kit.sources.rows import Place, Row, refuse, table_name
from kpi_kit.sources.text_files import normal

FILLS: Mapping[str, str] = {"audience": "date subscribers", "totals": "measure since until value"}
UNKNOWN = "days within a month; which account a row is, unless it is named in titles: of attribution.yml"
TESTED = "documented layout"

_STOCK = "subscribers"
_WORDS = {
    _STOCK: r"подписчик|участник|фолловер|subscriber|follower|member",
    "views": r"просмотр|view",
    "reach": r"охват|reach",
    "visits": r"визит|посещен|переход|visit|session",
    "leads": r"лид|заявк|lead",
    "sales": r"продаж|сделк|sales|deals",
    "likes": r"лайк|нравится|like",
    "comments": r"коммент|comment",
    "reposts": r"репост|repost|share",
    "posts": r"постов|публикац|posts",
    "mentions": r"упоминан|mention",
}
_MEASURES = {measure: re.compile(rf"\b(?:{words})") for measure, words in _WORDS.items()}
_MONTH = re.compile(r"(?P<name>[^\W\d_]+)\.?[ ,.\-/']*(?P<year>20\d{2}|\d{2})?(?: ?г\.?)?")
_NUMBERS = re.compile(
    r"(?:(?P<month>\d{1,2})[./](?P<year>20\d{2})|(?P<year2>20\d{2})[-./](?P<month2>\d{1,2}))"
)
_YEAR = re.compile(r"(20\d{2})(?: ?г(?:од|\.)?)?")
_HEADER_WITHIN = 12
_LEAST = 2
_DAY = dt.timedelta(days=1)

Cells = list[list[str]]


@dataclass(frozen=True)
class _Wide:
    """A wide table: the span of each column, its labels to the left, and where its rows begin."""

    label: str
    cells: Cells
    header: int
    spans: Mapping[int, DateRange]
    measures: Mapping[int, str]
    title: str
    turned: bool

    @property
    def first(self) -> int:
        """The first row of figures."""
        return self.header + (2 if self.measures else 1)


def measure_in(text: str) -> str | None:
    """The measure that a text names; None where it names none or several.

    Examples
    --------
    >>> measure_in("Подписчики, шт."), measure_in("Визиты на сайт"), measure_in("ВКонтакте")
    ('subscribers', 'visits', None)
    """
    measures = [measure for measure, words in _MEASURES.items() if words.search(normal(text))]
    return measures[0] if len(measures) == 1 else None


def span_in(text: str, year: int | None = None) -> DateRange | None:
    """The month or day that a cell names.

    Examples
    --------
    >>> span_in("янв. 2025"), span_in("Итого")
    ((datetime.date(2025, 1, 1), datetime.date(2025, 2, 1)), None)
    >>> [str(span_in(text, 2025)[0]) for text in ("Фев", "03.2025", "апрель 25")]
    ['2025-02-01', '2025-03-01', '2025-04-01']
    """
    plain = normal(text)
    if match := _NUMBERS.fullmatch(plain):
        return _month(int(match["year"] or match["year2"]), int(match["month"] or match["month2"]))
    match = _MONTH.fullmatch(plain)
    month = month_names().get(match["name"]) if match else None
    if match and month:
        digits = match["year"]
        in_year = int(digits) + (2000 if len(digits) == 2 else 0) if digits else year
        return None if in_year is None else _month(in_year, month)
    try:
        day = parse_date(" ".join(text.split()))[0].date()
    except ValueError:
        return None
    return day, day + _DAY


def _month(year: int, month: int) -> DateRange | None:
    if not 1 <= month <= 12:
        return None
    first = dt.date(year, month, 1)
    return first, (first.replace(day=28) + 4 * _DAY).replace(day=1)


def sniff(head: Head) -> Match:
    """Recognise months across or down, beside a word for what is counted."""
    for raw in head.tables:
        for wide in _wide_tables(raw):
            days = [span[0] for span in list(wide.spans.values())[:3]]
            if _measure_of_table(wide) or wide.measures or any(_labels(wide)):
                return Match(0.74, Phrase("sources.by_months", days=days))
            return Match(0.5, Phrase("sources.by_months_unclear", days=days))
    return NO_MATCH


def _wide_tables(raw: RawTable) -> Iterator[_Wide]:
    """The wide table of a sheet, with any delimiter, as it is or turned."""
    for delimiter in raw.delimiters:
        cells = [row for _, row in raw.first(delimiter, 400)]
        width = max(map(len, cells), default=0)
        if width < _LEAST + 1:
            continue
        square = [row + [""] * (width - len(row)) for row in cells]
        turned = [list(column) for column in zip(*square, strict=True)]
        for table, is_turned in ((square, False), (turned, True)):
            wide = _located(raw, table, turned=is_turned)
            if wide is not None:
                yield wide
                return


def _located(raw: RawTable, cells: Cells, *, turned: bool) -> _Wide | None:
    for number, row in enumerate(cells[:_HEADER_WITHIN]):
        years = _years_above(cells[number - 1]) if number else {}
        spans = {
            place: span
            for place, cell in enumerate(row)
            if cell.strip() and (span := span_in(cell, years.get(place)))
        }
        months = [span for span in spans.values() if span[1] - span[0] > _DAY]
        titles = sum(bool(cell.strip()) for cell in row[min(spans, default=0) :])
        if (
            len(spans) < _LEAST
            or len(spans) * 2 < titles
            or number + 1 == len(cells)
            or (turned and not months)
            or len(set(spans.values())) < len(spans)
        ):
            continue
        below = cells[number + 1] if number + 1 < len(cells) else []
        measures = {place: name for place, cell in enumerate(below) if place and (name := measure_in(cell))}
        if len(measures) >= _LEAST and len(measures) >= len(spans):  # figures under each month
            spans = _filled(spans, len(row))
        else:
            measures = {}
        above = [cell for line in cells[:number] for cell in line if cell.strip()]
        title = " ".join([*above, *row[: min(spans)], raw.label, raw.path.stem])
        return _Wide(raw.label, cells, number, spans, measures, title, turned)
    return None


def _years_above(row: Sequence[str]) -> dict[int, int]:
    """The year of each column, where merged cells above name it once."""
    years: dict[int, int] = {}
    last = None
    for place, cell in enumerate(row):
        if match := _YEAR.fullmatch(normal(cell)):
            last = int(match[1])
        if last is not None:
            years[place] = last
    return years


def _filled(spans: Mapping[int, DateRange], width: int) -> dict[int, DateRange]:
    """Spans of merged cells for all of their columns."""
    filled: dict[int, DateRange] = {}
    last = None
    for place in range(width):
        last = spans.get(place, last)
        if last is not None:
            filled[place] = last
    return filled


def _measure_of_table(wide: _Wide) -> str | None:
    return measure_in(wide.title)


def _labels(wide: _Wide) -> list[str | None]:
    """The measures that the labels of rows name."""
    first = min(wide.spans)
    return [measure_in(" ".join(row[:first])) for row in wide.cells[wide.first :]]


def titles_in(path: Path) -> list[str]:
    """The labels of rows that name no figure: titles of accounts, most likely."""
    titles: dict[str, None] = {}
    for wide in (wide for raw in head_of(path).tables for wide in _wide_tables(raw)):
        for cells in wide.cells[wide.first :]:
            labels = [" ".join(cell.split()) for cell in cells[: min(wide.spans)] if cell.strip()]
            if labels and not is_total(cells):
                titles |= dict.fromkeys(label for label in labels[:1] if measure_in(label) is None)
    return list(titles)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read wide sheets: stocks as the last day of each month, the rest as totals of it.

    Raises
    ------
    InputError
        Naming every row whose account or figure is not clear, and every cell that is no number.
    """
    rows: list[tuple[str, Row]] = []
    problems: list[str] = []
    remarks: list[str] = []
    spans: dict[dt.date, DateRange] = {}
    for path in paths:
        tables = [wide for raw in head_of(path).tables for wide in _wide_tables(raw)]
        if not tables:
            problems.append(Phrase("sources.no_months", file=path))
        for wide in tables:
            spans |= {span[1] - _DAY: span for span in wide.spans.values()}
            _read(wide, options, rows, problems, remarks)
    if not rows and not problems:
        problems.append(Phrase("sources.no_figures_below", files=paths))
    problems += _contradictions(rows)
    refuse(problems)
    audience = [row for table, row in rows if table == "audience"]
    totals = [row for table, row in rows if table == "totals"]
    made: dict[str, tuple[Sequence[Row], Sequence[str]]] = {}
    coverage: dict[str, tuple[DateRange, ...]] = {}
    if audience:
        made["audience"] = audience, ("date", "account_id", _STOCK)
        # whole months: the sheet will never say more of them, and a count is never known by silence
        coverage["audience"] = tuple(union([spans[row.values["date"]] for row in audience]))
    if totals:
        made["totals"] = totals, ("account_id", "measure", "since", "until", "value")
        coverage["totals"] = tuple(sorted({(row.values["since"], row.values["until"]) for row in totals}))
    for name, (listed, _) in made.items():
        remarks.append(Phrase("sources.rows_of_months", table=table_name(name), count=len(listed)))
    return Imported.of_rows(made, coverage, remarks, None)


def _contradictions(rows: Sequence[tuple[str, Row]]) -> Iterator[str]:
    """Sentences on figures that stand twice and differ: two accounts under one name, most likely."""
    seen: dict[tuple[object, ...], Row] = {}
    for table, row in rows:
        key = (table, *(value for name, value in row.values.items() if name not in (_STOCK, "value")))
        other = seen.setdefault(key, row)
        if other.values != row.values:
            fields = {"where": row.where.words, "other": other.where.words}
            yield Phrase("sources.figures_differ", account=row.values["account_id"], **fields)


def _read(
    wide: _Wide, options: ImportOptions, rows: list[tuple[str, Row]], problems: list[str], remarks: list[str]
) -> None:
    first = min(wide.spans)
    of_table = _measure_of_table(wide)
    account = ""
    skipped = 0
    for number, cells in enumerate(wide.cells[wide.first :], start=wide.first + 1):
        labels = [cell for cell in cells[:first] if cell.strip()]
        if not labels or is_total(cells) or not any(cells[place].strip() for place in wide.spans):
            skipped += bool(labels)
            if labels and not is_total(cells):
                account = labels[0]  # a heading above the figures of an account
            continue
        where = Place("column" if wide.turned else "row", wide.label, number)
        named = next((name for label in labels if (name := measure_in(label))), None)
        others = [label for label in labels if measure_in(label) is None] or ([account] if account else [])
        owner = _owner(others, options, where, problems, figure_named=named is not None)
        for place, span in wide.spans.items():
            measure = wide.measures.get(place) or named or of_table
            if measure is None:
                fields = {"labels": " ".join(labels), "names": list(_WORDS)[:4]}
                problems.append(Phrase("sources.what_is_counted", where=where.words, **fields))
                break
            value = _value(cells[place], where, span[0], problems)
            if owner and value is not None:
                rows.append(_row(owner, measure, span, value, where))
    if skipped:
        remarks.append(Phrase("sources.rows_skipped", file=wide.label, count=skipped))


def _owner(
    labels: Sequence[str], options: ImportOptions, where: Place, problems: list[str], *, figure_named: bool
) -> str | None:
    """The account of a row: by ``titles:``, by its id, or the one that ``--account`` names."""
    titles = options.attribution.titles
    for label in labels:
        account = titles.get(normal(label)) or (label.strip() if label.strip() in options.accounts else None)
        if account:
            return account
    if options.account and (figure_named or not labels or not titles):
        return options.account
    label = " ".join(labels)
    nearest = did_you_mean(label, titles) if titles else ""
    problems.append(Phrase("sources.whose_figures", where=where.words, labels=label, nearest=nearest))
    return None


def _value(text: str, where: Place, day: dt.date, problems: list[str]) -> float | None:
    if is_unknown(text):
        return None
    try:
        number = parse_number(text, ",")
    except ValueError as fault:
        fields = {"day": day, "problem": fault, "found": text}
        problems.append(Phrase("sources.bad_figure", where=where.words, **fields))
        return None
    return None if number is None else float(number)


def _row(owner: str, measure: str, span: DateRange, value: float, where: Place) -> tuple[str, Row]:
    since, until = span
    if measure == _STOCK:
        return "audience", Row({"date": until - _DAY, "account_id": owner, _STOCK: int(value)}, where)
    cells = {"account_id": owner, "measure": measure, "since": since, "until": until, "value": value}
    return "totals", Row(cells, where)
