"""Telethon: messages of a channel as scripts dump them (``to_dict``, ``to_json``) -> posts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.json_files import bad_value, read_json, whole_number
from kpi_kit.sources.rows import Place, Row, check_fetched, collect, newest, post_columns, rows_from_items

FILLS: Mapping[str, str] = {"posts": "post_id published_at views likes comments reposts text stats_at"}
UNKNOWN = "subscribers; when the figures were fetched (give --fetched-at); messages of groups are left out"
TESTED = "documented layout"


def sniff(head: Head) -> Match:
    """Recognise the type names of Telegram's API, which Telethon writes as ``_``."""
    if head.below("_", "id", "peer_id._", "date") or head.below("_", "id", "to_id._", "date"):
        return Match(0.98, Phrase("sources.by_telethon"))
    return NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read dumps of one channel.

    Raises
    ------
    InputError
        Where a file is no such dump, or holds several channels.
    """
    account = options.named_account()
    messages = [pair for pairs in collect(_messages, paths) for pair in pairs]
    posts = [(where, raw) for where, raw in messages if _is_post(raw)]
    if messages and not posts:
        raise InputError(Phrase("sources.no_posts_of_channel", files=paths, count=len(messages)))
    channels = {_channel(raw) for _, raw in posts}
    if len(channels) > 1:
        names = sorted(map(str, channels))
        raise InputError(Phrase("sources.several_channels", files=paths, count=len(channels), names=names))
    rows = collect(lambda pair: _post(*pair, account, options.stats_at), _albums(posts))
    kept, dropped = newest("posts", rows)
    check_fetched(kept, options.stats_at)
    remarks = [rows_from_items("posts", len(kept), len(messages), "Telethon", dropped)]
    if left_out := len(messages) - len(posts):
        remarks.append(Phrase("sources.messages_of_no_channel", count=left_out))
    return Imported.of_rows({"posts": (kept, post_columns(options.stats_at))}, {}, remarks, "telegram")


def _messages(path: Path) -> list[tuple[Place, Mapping[str, Any]]]:
    record = read_json(path, "telethon_dump")
    listed = record.get("messages", [record]) if isinstance(record, dict) else record
    if not isinstance(listed, list) or not all(isinstance(raw, dict) for raw in listed):
        raise InputError(Phrase("sources.not_telethon", file=path))
    return [(Place("message", path, raw.get("id")), raw) for raw in listed]


def _peer(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    peer = raw.get("peer_id") or raw.get("to_id")
    return peer if isinstance(peer, dict) else {}


def _channel(raw: Mapping[str, Any]) -> object:
    return _peer(raw).get("channel_id")


def _is_post(raw: Mapping[str, Any]) -> bool:
    return raw.get("_") == "Message" and _channel(raw) is not None and raw.get("post") is not False


def _albums(
    posts: Sequence[tuple[Place, Mapping[str, Any]]],
) -> Iterator[tuple[Place, Sequence[Mapping[str, Any]]]]:
    """Pictures of one album are one post."""
    albums: dict[object, list[Mapping[str, Any]]] = {}
    places: dict[object, Place] = {}
    for where, raw in posts:
        key = raw.get("grouped_id") or (raw.get("id"),)
        albums.setdefault(key, []).append(raw)
        places.setdefault(key, where)
    for key, album in albums.items():
        yield places[key], sorted(album, key=lambda raw: str(raw.get("id")).zfill(20))


def _post(
    where: Place, album: Sequence[Mapping[str, Any]], account: str, stats_at: dt.datetime | None
) -> Row:
    first = album[0]
    number = whole_number(first.get("id"), where, "id")
    if number is None:
        raise bad_value(where, "id", None, "count")
    at = _moment(first.get("date"), where)
    replies = first.get("replies")
    comments = replies.get("replies") if isinstance(replies, dict) else None
    views = [whole_number(raw.get("views"), where, "views") for raw in album]
    texts = [str(raw.get("message") or "") for raw in album]
    values = {
        "post_id": str(number),
        "account_id": account,
        "published_at": at,
        "views": max((count for count in views if count is not None), default=None),
        "likes": _likes([raw.get("reactions") for raw in album], where),
        "comments": whole_number(comments, where, "replies"),
        "reposts": whole_number(first.get("forwards"), where, "forwards"),
        "text": next((text for text in texts if text), ""),
        "stats_at": stats_at,
    }
    return Row(values, where, at)


def _moment(value: Any, where: Place) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        raise bad_value(where, "date", value, "moment") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def _likes(reactions_of: Sequence[Any], where: Place) -> int | None:
    """Reactions without the paid ones, which count Telegram Stars; None where the dump has none."""
    listed = [reactions.get("results") or [] for reactions in reactions_of if isinstance(reactions, dict)]
    if not listed:
        return None
    counts = [
        whole_number(result.get("count"), where, "count") or 0
        for results in listed
        for result in results
        if isinstance(result, dict) and (result.get("reaction") or {}).get("_") != "ReactionPaid"
    ]
    return sum(counts)
