"""VK: raw JSON answers of its API -> posts, comments, audience, messages and figures of the account."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.sources.conversations import MESSAGE_COLUMNS
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, DateRange, Imported, ImportOptions, Match
from kpi_kit.sources.rows import (
    FIGURE_COLUMNS,
    Place,
    Row,
    check_fetched,
    collect,
    instant,
    joined,
    post_columns,
    repeated_items,
    rows_from_items,
)
from kpi_kit.sources.vk_answers import Answer, Item, Method, read_answers
from kpi_kit.sources.vk_audience import audience, figures
from kpi_kit.sources.vk_messages import messages
from kpi_kit.sources.vk_reach import of_posts, reaches

FILLS: Mapping[str, str] = {
    "posts": "post_id published_at views likes comments reposts reach url text stats_at",
    "comments": "comment_id post_id created_at by_brand text",
    "audience": "date subscribers joined left",
    "messages": "dialog_id message_id kind at by_brand author reply_to closing",
    "account_stats": "joined left likes comments reposts reach views visitors",
    "post_reach": "number reach",
}
UNKNOWN = (
    "the number of members (give --subscribers); when the figures were fetched (give --fetched-at); which "
    "employee wrote a comment; views of old posts; deleted posts"
)
TESTED = "real file"

_FIGURES = ("views", "likes", "comments", "reposts")
_ON_THE_WALL = ("post", "copy", "photo", "video")


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read raw answers of the VK API.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        JSON files; which method gave each is recognised by its shape. Of what is found twice, the newest
        counts: the last edited, else the one of the answer that speaks of later moments.
    options : ImportOptions
        ``account`` is required; ``stats_at`` dates the figures of posts; ``subscribers_at_end`` lets
        stats.get fill the audience.

    Returns
    -------
    Imported
        Tables ``posts``, ``comments`` and ``audience``, those of which the files hold answers.

    Raises
    ------
    InputError
        Where a file is no such answer, or an item lacks what its row needs.
    """
    account = options.named_account()
    answers = [answer for file in collect(read_answers, paths) for answer in file]
    items: dict[Method, list[Item]] = {}
    for answer in answers:
        items.setdefault(answer.method, []).extend(answer.items)
    rows: dict[str, tuple[list[Row], Sequence[str]]] = {}
    coverage: dict[str, tuple[DateRange, ...]] = {}
    remarks: list[str] = []
    if Method.WALL in items:
        rows["posts"] = _posts(items[Method.WALL], account, options, remarks)
    if Method.REACH in items:
        reaches(items[Method.REACH], account, options, rows)
    if rows:
        of_posts(account, options, rows, remarks)
    if Method.COMMENTS in items:
        rows["comments"] = _comments(items[Method.COMMENTS], account, remarks)
    if Method.MESSAGES in items:
        rows["messages"] = messages(items[Method.MESSAGES], account, options, remarks), MESSAGE_COLUMNS
    if Method.STATS in items:
        stats, coverage[ACCOUNT_STATS] = figures(items[Method.STATS], account, options)
        rows[ACCOUNT_STATS] = [*rows.get(ACCOUNT_STATS, ([], ()))[0], *stats], FIGURE_COLUMNS
        reckoned = audience(items[Method.STATS], account, options, remarks)
        if reckoned is not None:
            rows["audience"], coverage["audience"] = reckoned
    complete = frozenset({"posts"}) if _has_all_pages(answers) else frozenset[str]()
    return replace(Imported.of_rows(rows, coverage, remarks, platform="vk"), complete=complete)


def sniff(head: Head) -> Match:
    """Recognise the keys that only VK writes."""
    if head.below("post_type", "owner_id"):
        return Match(0.98, Phrase("sources.by_wall"))
    if head.below("parents_stack", "date") or head.below("post_id", "owner_id", "from_id", "date"):
        return Match(0.98, Phrase("sources.by_wall_comments"))
    if head.below("period_from", "period_to"):
        return Match(0.98, Phrase("sources.by_stats"))
    if head.below("peer_id", "from_id", "conversation_message_id") or head.below("peer_id", "from_id", "out"):
        return Match(0.98, Phrase("sources.by_history"))
    if head.below("reach_total", "reach_subscribers", "post_id"):
        return Match(0.98, Phrase("sources.by_post_reach"))
    if head.below("error_code", "error_msg"):
        return Match(0.9, Phrase("sources.by_vk_error"))
    if {"response.count", "response.items"} <= head.keys:
        return Match(0.6, Phrase("sources.by_vk_empty"))
    return NO_MATCH


# --- posts


def _has_all_pages(answers: Sequence[Answer]) -> bool:
    """Whether the pages of wall.get hold as many posts as the wall has."""
    pages = [answer for answer in answers if answer.method is Method.WALL]
    ids = {item.raw.get("id") for page in pages for item in page.items}
    return bool(pages) and all(page.count == len(ids) for page in pages)


def _posts(
    items: Iterable[Item], account: str, options: ImportOptions, remarks: list[str]
) -> tuple[list[Row], Sequence[str]]:
    posts = [replace(item, owner=item.raw.get("owner_id", item.raw.get("to_id"))) for item in items]
    live = [post for post in posts if not (post.raw.get("is_deleted") or post.raw.get("deleted"))]
    wall = [post for post in live if post.raw["post_type"] in _ON_THE_WALL]
    own = [post for post in wall if not _is_visitors(post)]
    if visitors := len(wall) - len(own):
        remarks.append(Phrase("sources.posts_of_visitors", count=visitors))
    listed, wall = wall, own
    newest = _newest(wall)
    rows = collect(lambda post: _post(post, account, options.stats_at), newest)
    _one_wall(listed)
    check_fetched(rows, options.stats_at)

    remarks.append(rows_from_items("posts", len(rows), len(posts), "wall.get"))
    if len(wall) > len(newest):
        remarks.append(repeated_items("posts", len(wall) - len(newest), "pinned"))
    if len(live) > len(listed):
        kinds = Counter(
            str(post.raw["post_type"]) for post in live if post.raw["post_type"] not in _ON_THE_WALL
        )
        listed_kinds = [
            Phrase("sources.count_of_kind", count=count, kind=kind) for kind, count in sorted(kinds.items())
        ]
        remarks.append(Phrase("sources.posts_elsewhere", items=listed_kinds))
    if len(posts) > len(live):
        remarks.append(Phrase("sources.deleted_posts", count=len(posts) - len(live)))
    return rows, post_columns(options.stats_at, "url")


def _is_visitors(post: Item) -> bool:
    """Whether somebody else than the owner of the wall wrote the post."""
    author = post.raw.get("from_id")
    return author is not None and str(author) != str(post.owner)


def _post(post: Item, account: str, stats_at: dt.datetime | None) -> Row:
    owner, number = post.whole_number("owner_id", post.owner), post.whole_number("id", post.raw.get("id"))
    values = {
        "post_id": str(number),
        "account_id": account,
        "published_at": instant(post.whole_number("date", post.raw.get("date")), post.where),
        "stats_at": stats_at,
        "url": f"https://vk.com/wall{owner}_{number}",
        "text": _text(post.raw),
    }
    figures = {name: _count(post, name) for name in _FIGURES}
    return Row(values | figures, Place("post", post.path, f"{owner}_{number}"), post.stamp)


def _text(post: Mapping[str, Any]) -> str | None:
    """The post's own words, or those of what it reposts."""
    copies = post.get("copy_history")
    sources = [post, *(copies if isinstance(copies, list) else [])]
    text_field = [source.get("text") for source in sources if isinstance(source, dict)]
    texts = [text for text in text_field if isinstance(text, str)]
    return next((text for text in texts if text), texts[0] if texts else None)


def _count(post: Item, name: str) -> int | None:
    part = post.raw.get(name)
    if part is None or (isinstance(part, dict) and part.get("count") is None):
        return None  # views are absent on old posts: unknown, not zero
    return post.whole_number(f"{name}.count", part.get("count") if isinstance(part, dict) else part, least=0)


def _one_wall(posts: Iterable[Item]) -> None:
    files: dict[str, list[str]] = {}
    for post in posts:
        files.setdefault(str(post.owner), []).append(post.path.name)
    if len(files) > 1:
        each = [
            Phrase("sources.wall_in", owner=owner, files=list(dict.fromkeys(names)))
            for owner, names in files.items()
        ]
        raise InputError(Phrase("sources.several_walls", count=len(files), walls=joined(each)))


# --- comments


def _comments(items: Iterable[Item], account: str, remarks: list[str]) -> tuple[list[Row], Sequence[str]]:
    comments = [comment for item in items for comment in _flattened(item)]
    written = [comment for comment in comments if not _is_deleted(comment.raw)]
    newest = _newest(written)
    rows = collect(lambda comment: _comment(comment, account), newest)

    remarks.append(rows_from_items("comments", len(rows), len(comments), "wall.getComments"))
    if len(written) > len(newest):
        remarks.append(repeated_items("comments", len(written) - len(newest)))
    if len(comments) > len(written):
        remarks.append(Phrase("sources.deleted_comments", count=len(comments) - len(written)))
    if missing := _missing_replies(comments):
        remarks.append(Phrase("sources.replies_missing", count=missing))
    return rows, ("comment_id", "post_id", "account_id", "created_at", "by_brand", "text")


def _flattened(item: Item) -> Iterator[Item]:
    """Yield the comment and the replies in its thread, which inherit owner and post."""
    owner, post = item.raw.get("owner_id", item.owner), item.raw.get("post_id", item.post)
    comment = replace(item, owner=owner, post=post)
    yield comment
    thread = comment.raw.get("thread")
    replies = thread.get("items") or [] if isinstance(thread, dict) else []
    if not isinstance(replies, list) or not all(isinstance(raw, dict) for raw in replies):
        raise InputError(Phrase("sources.not_thread", where=comment.where.words, found=replies))
    for raw in replies:
        reply = Item(comment.path, raw, comment.owner, comment.post, comment.raw.get("id"), comment.stamp)
        yield from _flattened(reply)


def _is_deleted(comment: Mapping[str, Any]) -> bool:
    return bool(comment.get("deleted")) or comment.get("from_id") is None or comment.get("text") is None


def _comment(comment: Item, account: str) -> Row:
    owner, number = (
        comment.whole_number("owner_id", comment.owner),
        comment.whole_number("id", comment.raw.get("id")),
    )
    values = {
        "comment_id": f"{owner}_{number}",
        "post_id": str(comment.whole_number("post_id", comment.post)),
        "account_id": account,
        "created_at": instant(comment.whole_number("date", comment.raw.get("date")), comment.where),
        "by_brand": comment.whole_number("from_id", comment.raw["from_id"]) == owner,
        "text": str(comment.raw["text"]),
    }
    return Row(values, Place("comment", comment.path, f"{owner}_{number}"), comment.stamp)


def _missing_replies(comments: Iterable[Item]) -> int:
    """How many more replies the threads announce than the files hold."""
    announced: dict[str, int] = {}
    present: dict[str, set[str]] = {}
    for comment in comments:
        number, thread, stack = (comment.raw.get(key) for key in ("id", "thread", "parents_stack"))
        if isinstance(thread, dict) and isinstance(thread.get("count"), int):
            announced[str(number)] = thread["count"]
        above = stack[0] if isinstance(stack, list) and stack else comment.thread
        if above is not None:
            present.setdefault(str(above), set()).add(str(number))
    return sum(max(count - len(present.get(number, ())), 0) for number, count in announced.items())


# --- both


def _newest(items: Iterable[Item]) -> list[Item]:
    """Keep one item a key: the last edited, else of the later answer, else the larger."""
    kept: dict[tuple[str, str], Item] = {}
    for item in items:
        identity = (str(item.owner), str(item.raw.get("id")))
        other = kept.get(identity)
        if other is None or _age(item) >= _age(other):
            kept[identity] = item
    return list(kept.values())


def _age(item: Item) -> tuple[int, float, int, str]:
    edited = item.raw.get("edited")
    parts = [item.raw.get(name) for name in _FIGURES]
    grown = [part["count"] for part in parts if isinstance(part, dict) and isinstance(part.get("count"), int)]
    return (
        edited if isinstance(edited, int) else 0,
        item.stamp.timestamp() if item.stamp else 0.0,
        sum(grown),
        str(item.raw),
    )
