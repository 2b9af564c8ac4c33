"""VK: stats.getPostReach -> the reach of posts, imported before or after the posts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS, POST_REACH
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.rows import FIGURE_COLUMNS, Place, Row, newest, shortened
from kpi_kit.sources.vk_answers import Item

_MEASURES = (
    "reach_total",
    "reach_subscribers",
    "reach_viral",
    "reach_ads",
    "links",
    "to_group",
    "join_group",
)
_MOST_LISTED = 10
UNDATED = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
"""Of an answer that says nothing of its age: of several the largest reach counts, as reach only grows."""

Rows = dict[str, tuple[list[Row], Sequence[str]]]


def reaches(items: Sequence[Item], account: str, options: ImportOptions, rows: Rows) -> None:
    """Keep the reach by the post's number; the answer has neither wall nor time of a post.

    With ``--fetched-at`` all figures go to ``account_stats`` on that day, too.
    """
    numbers = [str(item.whole_number("post_id", item.raw.get("post_id"), least=1)) for item in items]
    reach_rows = [
        Row(
            {
                "account_id": account,
                "number": number,
                "reach": item.whole_number("reach_total", item.raw.get("reach_total"), least=0),
            },
            Place("post", item.path, number),
            UNDATED,
        )
        for number, item in zip(numbers, items, strict=True)
    ]
    kept, _ = newest(POST_REACH, reach_rows)
    rows[POST_REACH] = kept, ("account_id", "number", "reach")
    if options.stats_at is not None:
        rows[ACCOUNT_STATS] = _figures(items, account, options.stats_at, options), FIGURE_COLUMNS


def of_posts(account: str, options: ImportOptions, rows: Rows, remarks: list[str]) -> None:
    """Add the reach to the posts of these files and, where these files tell a reach, to those of the data.

    A row of its own, as old as can be: whichever of the two answers comes first, the same comes of them.
    """
    posts, columns = rows.get("posts", ([], ("post_id", "account_id", "published_at")))
    reach_by_number = {
        row.values["number"]: (row.values["reach"], row.where) for row in rows.get(POST_REACH, ([], ()))[0]
    }
    stored = dict(options.known_posts()) if reach_by_number and options.known_posts is not None else {}
    here = {
        str(row.values["post_id"]).rpartition("_")[2]: (row.values["post_id"], row.values["published_at"])
        for row in posts
    }
    earlier = {} if options.known_reach is None else dict(options.known_reach())
    filled: dict[str, Row] = {}
    for number, (post_id, published) in {**stored, **here}.items():
        kept = earlier.get(number) if number in here else None
        reach, where = reach_by_number.get(number, (kept, Place("object", "post_reach.csv", number)))
        if reach is not None:
            values = {"post_id": post_id, "account_id": account, "published_at": published, "reach": reach}
            filled[number] = Row(values, where, UNDATED)
    if filled:
        rows["posts"] = [*posts, *filled.values()], (*columns, "reach")
        remarks.append(Phrase("sources.reach_of_posts", count=len(filled)))
    unknown = [number for number in reach_by_number if number not in filled]
    if unknown:
        remarks.append(Phrase("sources.reach_waits", count=len(unknown), **shortened(unknown, _MOST_LISTED)))


def _figures(items: Iterable[Item], account: str, at: dt.datetime, options: ImportOptions) -> list[Row]:
    day = at.astimezone(options.timezone).date()
    return [
        Row(
            {
                "since": day,
                "until": day + dt.timedelta(days=1),
                "account_id": account,
                "measure": name,
                "item": f"post {item.raw['post_id']}",
                "value": float(item.whole_number(name, item.raw[name], least=0)),
            },
            item.where,
            at,
        )
        for item in items
        for name in _MEASURES
        if name in item.raw
    ]
