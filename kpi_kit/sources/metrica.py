"""Yandex Metrica: reports as CSV or XLSX, and answers of the Reports API -> traffic by account and day."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import Column, Type
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.control_sums import ControlSums, why_not_additive
from kpi_kit.sources.dates import parse_date
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.json_files import read_json
from kpi_kit.sources.layouts import (
    Context,
    Field,
    Layout,
    Values,
    locate_tables,
    match_layouts,
    measure_field,
    text_field,
    titles,
)
from kpi_kit.sources.raw_tables import Sheet
from kpi_kit.sources.read_tables import ExportReader, read_layouts, with_owner
from kpi_kit.sources.traffic_rows import visits

FILLS: Mapping[str, str] = {"traffic": "date visits visitors", "account_stats": "visits visitors pageviews"}
UNKNOWN = (
    "the days of a report without the dimension of the date (its figures go to account_stats); "
    "visitors of several "
    "sources of a day, as people repeat; which account of a network, unless attribution.yml tells"
)
TESTED = "documented layout"

_STYLE = Style(decimal=".")
_SOCIAL = re.compile(
    r"соц|social|messeng|мессендж|telegram|телеграм|vk|вконтакте|дзен|dzen|zen|одноклассники|ok\.ru|youtube|instagram",
    re.IGNORECASE,
)
_ATTRIBUTIONS = ("last", "lastsign", "first", "last_yandex_direct_click", "automatic", "")


def _dimension(listed: str, part: str = "") -> tuple[str, ...]:
    """Titles in the pages of Metrica, and those of its APIs."""
    return (*titles(listed), *(f"ym:s:{attribution}{part}" for attribution in _ATTRIBUTIONS if part))


_DIMENSIONS = {
    "network": _dimension("Социальная сеть|Social network", "SocialNetwork"),
    "profile": _dimension(
        "Группа соцсети|Страница соцсети|Социальная сеть (детально)|Social network profile",
        "SocialNetworkProfile",
    ),
    "messenger": _dimension("Мессенджер|Messenger", "Messenger"),
    "recommendation": _dimension("Рекомендательная система|Recommendation system", "RecommendationSystem"),
    "source": _dimension(
        "Источник трафика|Traffic source|Источник трафика (детально)|Источник", "TrafficSource"
    ),
    "utm_source": _dimension("UTM Source|utm_source", "UTMSource"),
    "utm_medium": _dimension("UTM Medium|utm_medium", "UTMMedium"),
    "utm_campaign": _dimension("UTM Campaign|utm_campaign", "UTMCampaign"),
    "utm_content": _dimension("UTM Content|utm_content", "UTMContent"),
    "referrer": _dimension("Реферер|Referer|Сайт-источник|Referring website", "Referer"),
}
_DATE = titles(
    "Дата визита|Интервал дат визита|Дата|Date|Date of visit|Date range of visit|День|Период|ym:s:date|"
    "ym:s:datePeriodday"
)
_OWN = titles(
    "Дата визита|Интервал дат визита|Date of visit|Date range of visit|ym:s:date|ym:s:datePeriodday|"
    "ym:s:visits|Посетители|Новые посетители|Глубина просмотра|Page depth|Время на сайте|Time on site|"
    "Отказы|Bounce rate"
)
"""Titles that no other export has."""
_SPAN = re.compile(r"(20\d{2}-\d{2}-\d{2})\s*[-–—]\s*(20\d{2}-\d{2}-\d{2})")
_MOST_VISITS = 10**11
_VISITS = titles("Визиты|Visits|Sessions|ym:s:visits")
_USERS = titles("Посетители|Users|Visitors|ym:s:users")
_RATES = titles(
    "Отказы|Bounce rate|Глубина просмотра|Page depth|Время на сайте|Time on site|Новые посетители"
)
_IN_NAME = re.compile(r"(20\d{2}-\d{2}-\d{2})[-_ ](20\d{2}-\d{2}-\d{2})")
_DAY = dt.timedelta(days=1)


def _fields() -> tuple[Field, ...]:
    dimensions = tuple(text_field(name, *listed) for name, listed in _DIMENSIONS.items())
    return (
        *dimensions,
        measure_field("visits", *_VISITS, needed=True),
        measure_field("visitors", *_USERS),
        measure_field("pageviews", "Просмотры|Pageviews"),
    )


def _by_day(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    spans = [_span_of(str(text or ""), row, context) for text, row in zip(values["day"], rows, strict=True)]
    for count, row in zip(values["visits"], rows, strict=True):
        if count is not None and count > _MOST_VISITS:
            context.refuse(row, "sources.id_for_visits", found=int(count))
    if context.problems:
        return {}
    by_length: dict[bool, list[int]] = {}
    for place, span in enumerate(spans):
        by_length.setdefault(span[1] - span[0] == _DAY, []).append(place)
    days, longer = by_length.get(True, []), by_length.get(False, [])
    tables: dict[str, Values] = {}
    if days or not rows:
        dates = [spans[place][0] for place in days]
        tables["traffic"] = _traffic(_at_places(values, days), dates, days, rows, context)
        _cover_named_days(dates, context)
    if longer:
        tables["totals"] = _totals(values, spans, longer, rows, context)
    return tables


def _cover_named_days(dates: Sequence[dt.date], context: Context) -> None:
    """Cover the days of the file's name, where it has them: a quiet day has no row."""
    match = _IN_NAME.search(context.path.name)
    if match and dates:
        since, until = dt.date.fromisoformat(match[1]), dt.date.fromisoformat(match[2]) + _DAY
        if since <= min(dates) and max(dates) < until:
            context.coverage["traffic"] = ((since, until),)


def _at_places(values: Values, places: Sequence[int]) -> Values:
    return {name: [column[place] for place in places] for name, column in values.items()}


def _span_of(text: str, row: int, context: Context) -> DateRange:
    """The day, or the days from a first to a last one, of a row."""
    plain = " ".join(text.split())
    try:
        if match := _SPAN.fullmatch(plain):
            return dt.date.fromisoformat(match[1]), dt.date.fromisoformat(match[2]) + _DAY
        day = parse_date(plain)[0].date()
        return day, day + _DAY
    except ValueError as fault:
        context.refuse_cell(row, "Дата", "date", fault, text)
        return dt.date.min, dt.date.min + _DAY


def _traffic(
    values: Values, days: list[dt.date], places: Sequence[int], rows: Sequence[int], context: Context
) -> Values:
    named = {name: values[name] for name in _DIMENSIONS if name in values}
    numbers = [rows[place] for place in places]
    if not named:
        return _of_one(days, values, numbers, context)
    return visits(days, values["visits"], values.get("visitors"), named, numbers, context, _SOCIAL)


def _totals(
    values: Values, spans: Sequence[DateRange], places: Sequence[int], rows: Sequence[int], context: Context
) -> Values:
    """Rows of longer spans than a day as totals of visits."""
    made: Values = {name: [] for name in ("account_id", "since", "until", "measure", "value", "_row")}
    for span in sorted({spans[place] for place in places}):
        own = [place for place in places if spans[place] == span]
        traffic = _traffic(_at_places(values, own), [span[0]] * len(own), own, rows, context)
        accounts = traffic.get("account_id") or [context.options.named_account()] * len(traffic["date"])
        for account, count, row in zip(accounts, traffic["visits"], traffic["_row"], strict=True):
            cells = (account, *span, "visits", float(count), row)
            for column, cell in zip(made.values(), cells, strict=True):
                column.append(cell)
    context.coverage["totals"] = tuple(sorted({spans[place] for place in places}))
    return made


def _logs(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    """A row of the Logs API is one visit."""
    first = list({number: place for place, number in reversed(list(enumerate(values["visit"])))}.values())
    places = sorted(first)
    context.remark("sources.rows_of_visits")
    once = _at_places(values, places)
    days = [_span_of(str(once["day"][n]), rows[place], context)[0] for n, place in enumerate(places)]
    once["visits"] = [1.0] * len(places)
    return {} if context.problems else {"traffic": _traffic(once, days, places, rows, context)}


def _of_one(days: Sequence[dt.date | None], values: Values, rows: Sequence[int], context: Context) -> Values:
    """Traffic from a report by day without sources, taken for the account that ``--account`` names."""
    context.remark("sources.visits_unsplit")
    people = values.get("visitors") or [None] * len(rows)
    counted_rows = [place for place, count in enumerate(values["visits"]) if count is not None]
    return {
        "date": [days[place] for place in counted_rows],
        "visits": [int(values["visits"][place]) for place in counted_rows],
        "visitors": [None if people[place] is None else int(people[place]) for place in counted_rows],
        "_row": [rows[place] for place in counted_rows],
    }


def _by_source(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    since, until = _span(context)
    named = [name for name in _DIMENSIONS if name in values]
    if until - since == _DAY:
        days: list[dt.date | None] = [since] * len(rows)
        sources = {name: values[name] for name in named}
        return {
            "traffic": visits(days, values["visits"], values.get("visitors"), sources, rows, context, _SOCIAL)
        }
    values["since"], values["until"] = [since] * len(rows), [until] * len(rows)
    values["item"] = [
        " | ".join(str(values[name][place] or "?") for name in named) for place in range(len(rows))
    ]
    context.coverage[ACCOUNT_STATS] = ((since, until),)
    return {}


def _span(context: Context) -> tuple[dt.date, dt.date]:
    if context.options.days:
        return context.options.days
    if match := _IN_NAME.search(context.path.name):
        since, last = (dt.date.fromisoformat(match[place]) for place in (1, 2))
        if since <= last:
            return since, last + _DAY
    raise InputError(Phrase("sources.metrica_no_days", file=context.path))


LOGS = Layout(
    "metrica_logs",
    "traffic",
    (
        text_field("visit", "ym:s:visitID", needed=True),
        Field(Column("day", Type.TEXT), ("ym:s:date", "ym:s:dateTime"), needed=True),
        *(text_field(name, *listed) for name, listed in _DIMENSIONS.items()),
    ),
    _STYLE,
    finish=_logs,
    exact=True,
)
BY_DAY = Layout(
    "metrica_days",
    "traffic",
    (Field(Column("day", Type.TEXT, nullable=True), _DATE, needed=True), *_fields()),
    _STYLE,
    marks=_OWN,
    also=_RATES,
    finish=_by_day,
    platform=None,
)
BY_SOURCE = Layout(
    "metrica_sources",
    ACCOUNT_STATS,
    _fields(),
    _STYLE,
    marks=tuple(title for titles in _DIMENSIONS.values() for title in titles),
    also=_RATES,
    finish=_by_source,
    measures=titles("visits|visitors|pageviews"),
    platform=None,
)
_LAYOUTS = (LOGS, BY_DAY, BY_SOURCE)


def sniff(head: Head) -> Match:
    """Recognise visits beside a date or a source, and answers of the API by their query."""
    if {"query.metrics", "data"} <= head.keys and any(key.startswith("query.ids") for key in head.keys):
        return Match(0.98, Phrase("sources.by_metrica_query"))
    return match_layouts(head, _LAYOUTS)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read reports of Metrica: CSV or XLSX from its pages, CSV or JSON of the Reports API.

    Raises
    ------
    InputError
        Naming every cell that could not be read, and every sum that does not agree.
    """
    answers = [path for path in paths if "query.metrics" in head_of(path).keys]
    tables = [path for path in paths if path not in answers]
    if answers and tables:
        raise InputError(Phrase("sources.answer_and_table", file=answers[0], other=tables[0]))
    if tables or not answers:
        layouts: Sequence[Layout] = _LAYOUTS
        for single in (LOGS, BY_DAY):
            if any(locate_tables(head_of(path), [single]) for path in tables):
                layouts = [single]
                break
        return read_layouts(paths, options, layouts, "metrica")
    return _read_answers(answers, options)


# --- the Reports API


def _read_answers(paths: Sequence[Path], options: ImportOptions) -> Imported:
    reader = ExportReader(options, "reports_api")
    coverage: list[tuple[dt.date, dt.date]] = []
    for path in paths:
        try:
            context, made = _answer(path, options)
        except InputError as fault:
            reader.problems += fault.problems
            continue
        reader.problems += context.problems
        if not context.problems:
            rows = made.pop("_row")
            reader.batches.add("traffic", with_owner("traffic", made, options), rows, str(path))
            reader.remarks += [*context.remarks, *context.unmatched.remarks()]
            coverage += context.coverage.get("traffic", ())
    return reader.finish(coverage={"traffic": tuple(coverage)} if coverage else {})


def _answer(path: Path, options: ImportOptions) -> tuple[Context, Values]:
    record = read_json(path, "metrica_answer")
    query = record.get("query") if isinstance(record, dict) else None
    if not isinstance(query, dict) or not isinstance(record.get("data"), list):
        raise InputError(Phrase("sources.not_metrica_answer", file=path))
    metrics = [str(name) for name in query.get("metrics", [])]
    if "ym:s:visits" not in metrics:
        listed = metrics or Phrase("sources.none_found")
        raise InputError(Phrase("sources.metrica_needs_metric", file=path, names=listed))
    if record.get("sampled"):
        raise InputError(Phrase("sources.metrica_sampled", file=path))
    sheet = Sheet(str(path), "json", "\0", tuple(metrics), 0, (), lambda: iter(()))
    context = Context(options, sheet, path, options.timezone)
    names = [_plain(str(name)) for name in query.get("dimensions", [])]
    if "date" not in names and "time_intervals" not in record:
        listed = names or Phrase("sources.none_found")
        raise InputError(Phrase("sources.metrica_needs_date", file=path, names=listed))
    rows = list(_rows(record, names, metrics, path))
    try:
        _check_totals(record, rows, metrics, context)
    except ValueError as fault:
        raise InputError(Phrase("sources.metrica_totals", file=path, problem=fault)) from None
    named: dict[str, list[Any]] = {
        name: [fields.get(name) for _, fields, _, _ in rows] for name in names if name != "date"
    }
    days: list[dt.date | None] = [day for day, *_ in rows]
    for key in ("date1", "date2"):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(query.get(key))):
            break
    else:
        span = dt.date.fromisoformat(query["date1"]), dt.date.fromisoformat(query["date2"]) + _DAY
        context.coverage["traffic"] = (span,)
    counts = [count for _, _, count, _ in rows]
    people = [users for *_, users in rows]
    numbers = list(range(1, len(rows) + 1))
    if not named:
        return context, _of_one(days, {"visits": counts, "visitors": people}, numbers, context)
    return context, visits(days, counts, people, named, numbers, context, _SOCIAL)


def _plain(dimension: str) -> str:
    """The name of a dimension in rules: ``ym:s:lastsignUTMSource`` is ``utm_source``."""
    name = dimension.rpartition(":")[2]
    if name.startswith("datePeriod"):
        return "date" if "day" in name[len("datePeriod") :].casefold() else name
    for ending, plain in (
        ("UTMSource", "utm_source"),
        ("UTMMedium", "utm_medium"),
        ("UTMCampaign", "utm_campaign"),
        ("UTMContent", "utm_content"),
        ("SocialNetworkProfile", "profile"),
        ("SocialNetwork", "network"),
        ("Messenger", "messenger"),
        ("RecommendationSystem", "recommendation"),
        ("TrafficSource", "source"),
        ("SourceEngine", "source_engine"),
    ):
        if name.casefold().endswith(ending.casefold()):
            return plain
    return name


Row = tuple[dt.date, dict[str, str], float, float | None]


def _rows(
    record: Mapping[str, Any], names: Sequence[str], metrics: Sequence[str], path: Path
) -> Iterator[Row]:
    place = metrics.index("ym:s:visits")
    users = metrics.index("ym:s:users") if "ym:s:users" in metrics else None
    intervals = record.get("time_intervals")
    for number, row in enumerate(record["data"], start=1):
        where = {"file": path, "number": number}
        try:
            names_of_row = [
                str((dimension or {}).get("name") or (dimension or {}).get("id") or "")
                for dimension in row["dimensions"]
            ]
            fields = dict(zip(names, names_of_row, strict=True))
            if intervals is None:
                day = dt.date.fromisoformat(fields.pop("date"))
                yield (
                    day,
                    fields,
                    _figure(row["metrics"][place]),
                    None if users is None else _figure(row["metrics"][users]),
                )
                continue
            for at, interval in enumerate(intervals):
                if interval[0] != interval[1]:
                    raise InputError(Phrase("sources.metrica_interval", found=interval, **where))
                people = None if users is None else _figure(row["metrics"][users][at])
                yield dt.date.fromisoformat(interval[0]), fields, _figure(row["metrics"][place][at]), people
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as fault:
            kind = type(fault).__name__
            raise InputError(Phrase("sources.metrica_row", kind=kind, reason=fault, **where)) from None


def _figure(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | Decimal)
        or value < 0
        or value != int(value)
    ):
        raise ValueError(Phrase("sources.expected_figure", found=value))
    return float(value)


def _check_totals(
    record: Mapping[str, Any], rows: Sequence[Row], metrics: Sequence[str], context: Context
) -> None:
    """Check the sums of the rows against the answer's own totals."""
    totals = record.get("totals")
    if not isinstance(totals, list):
        return
    control = ControlSums()
    for name, values in (("visits", [row[2] for row in rows]), ("visitors", [row[3] for row in rows])):
        metric = "ym:s:visits" if name == "visits" else "ym:s:users"
        place = metrics.index(metric) if metric in metrics else len(totals)
        if place >= len(totals):
            continue
        if why_not_additive(name):
            control.leave_out(name, why_not_additive(name))
            continue
        total = totals[place]
        parts = total if isinstance(total, list) else [total]
        control.add(name, values)
        control.add_total(name, sum(map(Decimal, map(str, map(_figure, parts))), Decimal(0)))
    wrong, remarks = control.problems(str(context.path), partial=context.options.partial, many=False)
    context.problems += [Phrase("sources.fetch_all_pages", problem=sentence) for sentence in wrong]
    context.remarks += remarks
    if unchecked := list(control.unchecked()):
        context.remark("sources.totals_unchecked", columns=unchecked)
