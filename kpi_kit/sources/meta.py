"""Meta Business Suite: overviews by day -> figures of days; content of Instagram and Facebook -> posts."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.dates import parse_date
from kpi_kit.sources.file_head import Head, head_of
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import (
    ON_BRAND,
    Context,
    Field,
    Layout,
    Values,
    by_day,
    canonical_field,
    locate_tables,
    match_layouts,
    measure_field,
    text_field,
    titles,
)
from kpi_kit.sources.raw_tables import RawTable, Sheet
from kpi_kit.sources.read_tables import ExportReader, read_layouts
from kpi_kit.sources.text_files import Record, normal

FILLS: Mapping[str, str] = {
    "posts": "post_id published_at views likes comments reposts reach url text stats_at",
    "account_stats": "the metric of the file, such as reach, views or follows",
}
UNKNOWN = (
    "followers who left; the number of followers; the time zone of publication (taken as the department's)"
)
TESTED = "real file"

_STYLE = Style(order="mdy", decimal=".")
_IN_NAME = re.compile(r"([A-Z][a-z]{2}-\d{2}-\d{4})_([A-Z][a-z]{2}-\d{2}-\d{4})")
_DAY = dt.timedelta(days=1)
_PRIMARY = frozenset(map(normal, titles("Primary|Основной|Основная|Основное|Principal|Primär|Primaria")))
_DATE = frozenset(map(normal, titles("Date|Дата|Fecha|Data|Datum")))
_MEASURES = {
    "охват": "reach",
    "просмотры": "views",
    "взаимодействия": "interactions",
    "взаимодействия с контентом": "content_interactions",
    "подписки": "follows",
    "посещения": "visits",
    "клики по ссылкам": "link_clicks",
}
_LIFETIME = frozenset(
    map(normal, titles("Lifetime|За все время|За всё время|Весь период|Histórico|Toda la vida"))
)


def _posts(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    for dates, row in zip(values.get("span", []), rows, strict=False):
        if dates and normal(dates) not in _LIFETIME:
            context.refuse(row, "sources.figures_of_days", found=dates)
            break
    span = _days_in_name(context.path)
    if span is not None:
        context.coverage["posts"] = (span,)
        for at, row in zip(values["published_at"], rows, strict=True):
            if not span[0] - _DAY <= at.date() <= span[1]:
                ends = {"since": span[0], "until": span[1] - _DAY}
                context.refuse(row, "sources.outside_of_name", day=at.date(), **ends)
    posts = {name: column for name, column in values.items() if name in TABLES["posts"].names}
    return {"posts": posts}


def _days_in_name(path: Path) -> DateRange | None:
    """The days that a name such as ``Mar-18-2025_Apr-14-2025_123.csv`` says.

    Examples
    --------
    >>> _days_in_name(Path("Mar-18-2025_Apr-14-2025_123.csv"))
    (datetime.date(2025, 3, 18), datetime.date(2025, 4, 15))
    """
    match = _IN_NAME.search(path.name)
    try:
        days = [parse_date(part.replace("-", " "))[0].date() for part in match.groups()] if match else []
    except ValueError:
        return None
    return (days[0], days[1] + _DAY) if days and days[0] <= days[1] else None


def _content(name: str, marks: tuple[str, ...], likes: tuple[str, ...], platform: str) -> Layout:
    return Layout(
        name,
        "posts",
        (
            canonical_field(
                "posts", "post_id", "Post ID|Идентификатор публикации|ID публикации", needed=True
            ),
            canonical_field(
                "posts", "published_at", "Publish time|Время публикации|Hora de publicación", needed=True
            ),
            canonical_field("posts", "url", "Permalink|Постоянная ссылка|Enlace permanente"),
            canonical_field("posts", "text", "Description|Описание|Descripción|Title|Название"),
            canonical_field("posts", "views", "Views|Просмотры|Visualizaciones"),
            canonical_field("posts", "reach", "Reach|Охват|Alcance"),
            canonical_field("posts", "likes", *likes),
            canonical_field("posts", "comments", "Comments|Комментарии|Comentarios"),
            canonical_field("posts", "reposts", "Shares|Репосты|Поделились|Veces que se compartió"),
            text_field("span", "Date|Дата|Fecha"),
            ON_BRAND,
        ),
        _STYLE,
        marks=marks,
        also=titles(
            "Duration (sec)|Post type|Data comment|Saves|Follows|Caption type|Is crosspost|"
            "Is share|Languages|Custom labels|Funded content status|Total clicks|"
            "Impressions|Plays|Reactions, Comments and Shares|Account ID|Page ID|Title|"
            "Likes|Reactions|Account name|Имя аккаунта|Название аккаунта"
        ),
        finish=_posts,
        platform=platform,
    )


INSTAGRAM = _content(
    "meta_instagram",
    titles("Account username|Account ID|Имя пользователя аккаунта|Идентификатор аккаунта"),
    titles('Likes|Лайки|Отметки "Нравится"|Отметки «Нравится»|Me gusta'),
    "instagram",
)
FACEBOOK = _content(
    "meta_facebook",
    titles("Page ID|Page name|Идентификатор страницы|Название страницы|ID страницы"),
    titles("Reactions|Реакции|Reacciones|Likes"),
    "other",
)
_CONTENT = (INSTAGRAM, FACEBOOK)


# --- overviews


def _blocks(grid: RawTable, delimiter: str) -> Iterator[tuple[str, Record, list[Record]]]:
    """Split an overview into tables: title, header and rows."""
    title = ""
    header: Record | None = None
    left_out: dict[str, int] = {}
    rows: list[Record] = []
    for number, cells in grid.records(delimiter):
        filled = [cell for cell in cells if cell.strip()]
        if _is_header(cells):
            if header is not None and rows:
                yield title, header, rows
            header, rows = (number, cells), []
        elif len(filled) == 1 and (header is None or rows or len(cells) == 1):
            if header is not None:
                yield title, header, rows
            title, header, rows = filled[0].strip(), None, []
        elif header is not None:
            rows.append((number, cells))
        else:
            left_out.setdefault(title, number)
    if header is not None:
        yield title, header, rows
    for name, number in left_out.items():  # demographics and the like
        yield name, (number, []), []


def _is_header(cells: Sequence[str]) -> bool:
    titles = [normal(cell) for cell in cells if cell.strip()]
    return len(titles) >= 2 and titles[0] in _DATE and titles[1] in _PRIMARY


def _overview(name: str, title: str) -> Layout:
    return Layout(
        Phrase("sources.layout_meta_overview", title=title),
        ACCOUNT_STATS,
        (
            Field(TABLES["traffic"]["date"], tuple(_DATE), needed=True),
            measure_field(name, *_PRIMARY, needed=True),
        ),
        _STYLE,
        finish=by_day,
        measures=(name,),
    )


def _platform(title: str) -> str | None:
    return "instagram" if "instagram" in normal(title) else "other" if "facebook" in normal(title) else None


def _measure_of(title: str) -> str:
    """The measure's name without the name of the network.

    Examples
    --------
    >>> _measure_of("Facebook reach"), _measure_of("Охват Instagram"), _measure_of("Link clicks")
    ('reach', 'reach', 'link_clicks')
    """
    words = [
        word for word in re.findall(r"\w+", normal(title)) if word not in ("facebook", "instagram", "в", "на")
    ]
    return _MEASURES.get(" ".join(words), "_".join(words)) or "primary"


def _overview_grid(head: Head) -> tuple[RawTable, str, str] | None:
    for grid, delimiter, rows in head.rows():
        for place, (_, cells) in enumerate(rows):
            if _is_header(cells) and sum(bool(cell.strip()) for cell in cells) <= 3:
                above = [cell for _, row in rows[:place] for cell in row if cell.strip()]
                return grid, delimiter, above[-1] if above else ""
    return None


def sniff(head: Head) -> Match:
    """Recognise the columns Date and Primary under a title, or the columns of content."""
    overview = _overview_grid(head)
    if overview is not None and overview[2]:
        return Match(0.97, Phrase("sources.by_primary", title=overview[2]))
    return match_layouts(head, _CONTENT)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read files of Meta Business Suite: overviews by day, or content of Instagram or Facebook.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    heads = [head_of(path) for path in paths]
    overviews = [
        (path, overview)
        for path, head in zip(paths, heads, strict=True)
        if (overview := _overview_grid(head))
    ]
    contents = [path for path, head in zip(paths, heads, strict=True) if locate_tables(head, _CONTENT)]
    if contents and overviews:
        raise InputError(Phrase("sources.overview_and_content", file=overviews[0][0], other=contents[0]))
    if not overviews:
        return read_layouts(paths, options, _CONTENT, "Meta Business Suite")
    reader = ExportReader(options, "Meta Business Suite")
    platform = None
    for path, (grid, delimiter, _) in overviews:
        for title, header, rows in _blocks(grid, delimiter):
            place = {"file": grid.label, "number": header[0]}
            if not header[1]:
                reader.remarks.append(Phrase("sources.table_without_days", title=title, **place))
                continue
            if not title:
                reader.problems.append(Phrase("sources.table_without_title", **place))
                continue
            platform = platform or _platform(title)
            titles = tuple(header[1])
            sheet = Sheet(grid.label, grid.encoding, delimiter, titles, header[0], (), rows.__iter__)
            reader.read(_overview(_measure_of(title), title), sheet, path)
    return reader.finish(platform)
