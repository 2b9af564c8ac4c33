"""YouScan: mentions as XLSX, in the language of its pages -> mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kpi_kit.sources.layouts import Context, Layout, Values, canonical_field, text_field, titles
from kpi_kit.sources.mention_rows import mentions
from kpi_kit.sources.read_tables import TableImporter

FILLS: Mapping[str, str] = {"mentions": "mention_id mentioned_at platform sentiment"}
UNKNOWN = "whether the brand itself wrote it"
TESTED = "documented layout"


def _mentions(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    return {} if context.problems else mentions(values, rows, context, values["mentioned_at"])


MENTIONS = Layout(
    "youscan",
    "mentions",
    (
        canonical_field(
            "mentions",
            "mentioned_at",
            "Fecha|Date|Published|Published at|Дата|Дата публикации|Data",
            needed=True,
        ),
        text_field("text", "Texto|Text|Текст", needed=True),
        text_field("source", "Fuente|Source|Источник|Fonte"),
        text_field("url", "URL"),
        text_field("sentiment", "Sentimiento|Sentiment|Тональность|Sentimento", needed=True),
        text_field("author", "Autor|Author|Автор"),
        text_field("number", "ID|Mention ID"),
    ),
    marks=titles(
        "Engagement|Вовлечение|Alcance potencial|Potential reach|Потенциальный охват|Suscriptores|Subscribers"
    ),
    also=titles(
        "Me gusta|Comentarios|Republicaciones|Visualizaciones|País|Likes|Comments|"
        "Reposts|Views|Country|Suscriptores del lugar de publicación|Лайки|Комментарии|"
        "Репосты|Просмотры|Страна"
    ),
    finish=_mentions,
)

IMPORTER = TableImporter("YouScan", (MENTIONS,), FILLS, UNKNOWN, TESTED)
