"""VK: a table of posts as scripts write it (id, date, likes, comments, reposts, views) -> posts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_kit.sources.cells import Style
from kpi_kit.sources.heads import Head
from kpi_kit.sources.interface import NO, Guess, Imported, ImportOptions
from kpi_kit.sources.layouts import Context, Layout, Values, find, of
from kpi_kit.sources.reading import read_layouts

FILLS: Mapping[str, str] = {"posts": "post_id published_at views likes comments reposts url text stats_at"}
UNKNOWN = "the time zone of its times (taken as the department's); whose wall it is"
TESTED = "real file"


def _posts(values: Values, rows: Sequence[int], context: Context) -> Mapping[str, Values]:
    if rows and not context.remarks:
        context.remarks.append(
            f"{context.sheet.label}: times are read as {context.zone.key}, as the file does not say"
        )
    return {"posts": values}


TABLE = Layout(
    "table of VK posts",
    "posts",
    (
        of("posts", "post_id", "id", "post_id", wanted=True),
        of("posts", "published_at", "date", wanted=True),
        of("posts", "likes", "likes", wanted=True),
        of("posts", "comments", "comments", wanted=True),
        of("posts", "reposts", "reposts", wanted=True),
        of("posts", "views", "views", wanted=True),
        of("posts", "text", "text"),
        of("posts", "url", "url", "link"),
    ),
    Style(),
    finish=_posts,
    platform="vk",
)
_LAYOUTS = (TABLE,)


def sniff(head: Head) -> Guess:
    """By the API's own names of all figures, in lower case, and no other columns of note."""
    found = find(head, _LAYOUTS)
    if not found:
        return NO
    cells = next(
        cells for number, cells in found[0].grid.first(found[0].delimiter, 40) if number == found[0].row
    )
    return Guess(found[0].score, found[0].why) if "reposts" in [cell.strip() for cell in cells] else NO


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read tables of VK posts.

    Raises
    ------
    InputError
        Naming every cell that could not be read.
    """
    return read_layouts(paths, options, _LAYOUTS, "the table")
