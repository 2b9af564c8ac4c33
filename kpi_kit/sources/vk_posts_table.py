"""VK: a table of posts as scripts write it (id, date, likes, comments, reposts, views) -> posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.sources.cell_values import Style
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.layouts import ON_BRAND, Context, Layout, Values, canonical_field, locate_tables
from kpi_kit.sources.read_tables import read_layouts

FILLS: Mapping[str, str] = {"posts": "post_id published_at views likes comments reposts url text stats_at"}
UNKNOWN = "the time zone of its times (taken as the department's); whose wall it is"
TESTED = "real file"


def _posts(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    if rows:
        context.remark("sources.times_without_zone", zone=context.zone.key)
    return {"posts": values}


TABLE = Layout(
    "vk_posts",
    "posts",
    (
        canonical_field("posts", "post_id", "id|post_id", needed=True),
        canonical_field("posts", "published_at", "date", needed=True),
        canonical_field("posts", "likes", "likes", needed=True),
        canonical_field("posts", "comments", "comments", needed=True),
        canonical_field("posts", "reposts", "reposts", needed=True),
        canonical_field("posts", "views", "views", needed=True),
        canonical_field("posts", "text", "text"),
        ON_BRAND,
        canonical_field("posts", "url", "url|link"),
    ),
    Style(unix=True),
    finish=_posts,
    platform="vk",
)
_LAYOUTS = (TABLE,)


def sniff(head: Head) -> Match:
    """Recognise the API's own names of all figures, in lower case."""
    tables = locate_tables(head, _LAYOUTS)
    if not tables:
        return NO_MATCH
    named = "reposts" in [cell.strip() for cell in tables[0].header]
    return Match(tables[0].score, tables[0].reason) if named else NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read tables of VK posts.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    return read_layouts(paths, options, _LAYOUTS, "table")
