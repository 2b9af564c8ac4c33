"""TGStat: answers of its API -> posts, audience and figures of the channel."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.json_files import bad_value, read_json, whole_number
from kpi_kit.sources.rows import (
    FIGURE_COLUMNS,
    Place,
    Row,
    check_fetched,
    collect,
    figure_row,
    instant,
    newest,
    post_columns,
    rows_from_items,
)

FILLS: Mapping[str, str] = {
    "posts": "post_id published_at views likes comments reposts url text stats_at",
    "audience": "date subscribers",
    "account_stats": "views",
}
UNKNOWN = "who joined and who left; when the figures were fetched (give --fetched-at)"
TESTED = "documented layout"

_MARKUP = re.compile(r"<[^>]+>")
_DAY = dt.timedelta(days=1)


def sniff(head: Head) -> Match:
    """Recognise the keys that only TGStat writes."""
    if "status" in head.keys and head.below("link", "views", "channel_id"):
        return Match(0.98, Phrase("sources.by_tgstat_posts"))
    if "status" in head.keys and head.below("period", "participants_count"):
        return Match(0.98, Phrase("sources.by_tgstat_subscribers"))
    if "status" in head.keys and head.below("period", "views_count"):
        return Match(0.95, Phrase("sources.by_tgstat_views"))
    if {"status", "error"} <= head.keys:
        return Match(0.7, Phrase("sources.by_tgstat_error"))
    return NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read answers of channels/posts, channels/subscribers and channels/views.

    Raises
    ------
    InputError
        Where a file is no such answer, or an item lacks what its row needs.
    """
    account = options.named_account()
    posts: list[Row] = []
    days: list[Row] = []
    figures: list[Row] = []
    for path, items in collect(_items, paths):
        for number, item in enumerate(items, start=1):
            where = Place("item", path, number)
            if "link" in item or "channel_id" in item:
                posts += _post(item, account, options.stats_at, where)
            elif "participants_count" in item:
                day = _period(item, where)
                count = whole_number(item["participants_count"], where, "participants_count")
                days.append(
                    Row({"date": day, "account_id": account, "subscribers": count}, where, _stamp(day))
                )
            elif "views_count" in item:
                day = _period(item, where)
                count = whole_number(item["views_count"], where, "views_count")
                figure = "views", float(count or 0)
                figures.append(figure_row((day, day + _DAY), account, figure, where, _stamp(day)))
            else:
                raise InputError(Phrase("sources.tgstat_item", where=where.words, keys=sorted(item)[:6]))
    remarks = []
    tables: dict[str, tuple[Sequence[Row], Sequence[str]]] = {}
    for name, rows, columns in (
        ("posts", posts, post_columns(options.stats_at, "url")),
        ("audience", days, ("date", "account_id", "subscribers")),
        (ACCOUNT_STATS, figures, FIGURE_COLUMNS),
    ):
        if rows:
            kept, dropped = newest(name, rows)
            tables[name] = kept, columns
            remarks.append(rows_from_items(name, len(kept), len(rows), "TGStat", dropped))
    check_fetched(posts, options.stats_at)
    return Imported.of_rows(tables, {}, remarks, "telegram")


def _items(path: Path) -> tuple[Path, list[dict[str, Any]]]:
    return path, list(_found(read_json(path, "tgstat_answer"), path))


def _found(record: Any, path: Path) -> Iterator[dict[str, Any]]:
    if isinstance(record, dict) and record.get("status") == "error":
        message = str(record.get("error"))
        raise InputError(Phrase("sources.tgstat_error", file=path, message=message))
    if (
        isinstance(record, list)
        and record
        and all(isinstance(page, dict) and "response" in page for page in record)
    ):
        for page in record:
            yield from _found(page, path)
        return
    inner = record.get("response") if isinstance(record, dict) else None
    items = inner.get("items") if isinstance(inner, dict) else inner
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError(Phrase("sources.tgstat_expected", file=path))
    yield from items


def _post(item: Mapping[str, Any], account: str, stats_at: dt.datetime | None, where: Place) -> list[Row]:
    if item.get("is_deleted"):
        return []
    number, seconds = whole_number(item.get("id"), where, "id"), whole_number(item.get("date"), where, "date")
    link = str(item.get("link") or "")
    if seconds is None or (number is None and not link):
        raise InputError(Phrase("sources.id_or_date_missing", where=where.words))
    at = instant(seconds, where)
    in_channel = link.rstrip("/").rpartition("/")[2]
    channel = whole_number(item.get("channel_id"), where, "channel_id")
    values = {
        # without a link the number in the channel is unknown, and must not look like one
        "post_id": in_channel if in_channel.isdecimal() else f"tgstat{channel}:{number}",
        "account_id": account,
        "published_at": at,
        "views": whole_number(item.get("views"), where, "views"),
        "likes": whole_number(item.get("reactions_count"), where, "reactions_count"),
        "comments": whole_number(item.get("comments_count"), where, "comments_count"),
        "reposts": whole_number(item.get("shares_count", item.get("forwards_count")), where, "shares_count"),
        "url": f"https://{link.removeprefix('https://')}" if link else None,
        "text": _MARKUP.sub("", str(item.get("text") or "")),
        "stats_at": stats_at,
    }
    return [Row(values, where, at)]


def _period(item: Mapping[str, Any], where: Place) -> dt.date:
    try:
        return dt.date.fromisoformat(str(item.get("period")))
    except ValueError:
        raise bad_value(where, "period", item.get("period"), "day") from None


def _stamp(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day + _DAY, dt.time(), dt.UTC)
