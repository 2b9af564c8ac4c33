"""VK: stats.getPostReach -> the reach of posts that the same import or the data have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kpi_kit.errors import InputError
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.rows import FIGURE_COLUMNS, Row, counted
from kpi_kit.sources.vk_answers import Item
from kpi_kit.upsert import ACCOUNT_STATS

_MEASURES = (
    "reach_total",
    "reach_subscribers",
    "reach_viral",
    "reach_ads",
    "links",
    "to_group",
    "join_group",
)


def reaches(
    items: Iterable[Item],
    account: str,
    options: ImportOptions,
    rows: dict[str, tuple[list[Row], Sequence[str]]],
    remarks: list[str],
) -> None:
    """Put the reach into the rows of posts; the answer itself says neither wall nor time of a post.

    Of a post that is nowhere known the figures go to ``account_stats`` on the day of ``--fetched-at``.

    Raises
    ------
    InputError
        Where no post is known and there is no such day.
    """
    posts, columns = rows.get("posts", ([], ("post_id", "account_id", "published_at")))
    at = {str(row.values["post_id"]).rpartition("_")[2]: place for place, row in enumerate(posts)}
    known = options.known_posts() if options.known_posts is not None else {}
    found = list(items)
    strange: list[Item] = []
    for item in found:
        number = str(item.whole("post_id", item.raw.get("post_id"), least=1))
        reach = item.whole("reach_total", item.raw.get("reach_total"), least=0)
        if number in at:
            row = posts[at[number]]
            posts[at[number]] = replace(row, values={**row.values, "reach": reach})
        elif number in known:
            post_id, published = known[number]
            values = {"post_id": post_id, "account_id": account, "published_at": published, "reach": reach}
            posts.append(Row(values, f"{item.path}: post {post_id}", item.stamp))
        else:
            strange.append(item)
    if len(strange) < len(found):
        rows["posts"] = posts, (*columns, "reach")
        remarks.append(
            f"posts: reach of {counted(len(found) - len(strange), 'post')} from stats.getPostReach"
        )
    if strange:
        _of_strangers(strange, account, options, rows, remarks)


def _of_strangers(
    items: Sequence[Item],
    account: str,
    options: ImportOptions,
    rows: dict[str, tuple[list[Row], Sequence[str]]],
    remarks: list[str],
) -> None:
    numbers = ", ".join(str(item.raw["post_id"]) for item in items[:10]) + (" …" if len(items) > 10 else "")
    if options.stats_at is None:
        raise InputError(
            f"{items[0].path}: stats.getPostReach tells no dates, and "
            f"{counted(len(items), 'post')} ({numbers}) are not "
            "in the data: import the answers of wall.get first or together with it, or give --fetched-at"
        )
    day = options.stats_at.astimezone(options.timezone).date()
    told = [
        Row(
            {
                "since": day,
                "until": day + dt.timedelta(days=1),
                "account_id": account,
                "measure": name,
                "item": f"post {item.raw['post_id']}",
                "value": float(item.whole(name, item.raw[name], least=0)),
            },
            item.where,
            item.stamp,
        )
        for item in items
        for name in _MEASURES
        if name in item.raw
    ]
    rows[ACCOUNT_STATS] = told, FIGURE_COLUMNS
    remarks.append(
        f"account_stats: reach of {counted(len(items), 'post')} that the data do not have "
        f"({numbers}), as of {day}"
    )
