"""YouScan: mentions as XLSX, in the language of its pages -> mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.sources.heads import Head
from kpi_kit.sources.interface import Guess, Imported, ImportOptions
from kpi_kit.sources.layouts import Context, Layout, Values, guess, of, texts
from kpi_kit.sources.mentions import mentions
from kpi_kit.sources.reading import read_layouts

FILLS: Mapping[str, str] = {"mentions": "mention_id mentioned_at platform sentiment"}
UNKNOWN = "whether the brand itself wrote it"
TESTED = "documented layout"


def _mentions(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    return {} if context.problems else mentions(values, rows, context, values["mentioned_at"])


MENTIONS = Layout(
    "mentions of YouScan",
    "mentions",
    (
        of(
            "mentions",
            "mentioned_at",
            "Fecha",
            "Date",
            "Published",
            "Published at",
            "Дата",
            "Дата публикации",
            "Data",
            wanted=True,
        ),
        texts("text", "Texto", "Text", "Текст", wanted=True),
        texts("source", "Fuente", "Source", "Источник", "Fonte"),
        texts("url", "URL"),
        texts("sentiment", "Sentimiento", "Sentiment", "Тональность", "Sentimento", wanted=True),
        texts("author", "Autor", "Author", "Автор"),
        texts("number", "ID", "Mention ID"),
    ),
    marks=(
        "Engagement",
        "Вовлечение",
        "Alcance potencial",
        "Potential reach",
        "Потенциальный охват",
        "Suscriptores",
        "Subscribers",
    ),
    also=tuple(
        (
            "Me gusta|Comentarios|Republicaciones|Visualizaciones|País|Likes|Comments|Reposts|Views|"
            "Country|Suscriptores del lugar de publicación|Лайки|Комментарии|Репосты|Просмотры|Страна"
        ).split("|")
    ),
    finish=_mentions,
)
_LAYOUTS = (MENTIONS,)


def sniff(head: Head) -> Guess:
    """By the titles of the columns."""
    return guess(head, _LAYOUTS)


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read exports of YouScan.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    return read_layouts(paths, options, _LAYOUTS, "YouScan")
