"""VK: raw JSON answers of wall.get, wall.getComments and stats.get -> posts, comments, audience."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from kpi_kit.errors import InputError
from kpi_kit.sources.interface import DateRange, Imported, ImportOptions
from kpi_kit.sources.rows import Row, check_fetched, collect, counted, frame, instant
from kpi_kit.sources.vk_answers import Item, Method, read_answers
from kpi_kit.sources.vk_audience import audience

_FIGURES = ("views", "likes", "comments", "reposts")
_POST_COLUMNS = ("post_id", "account_id", "published_at", *_FIGURES, "url", "text")
_ON_THE_WALL = ("post", "copy", "photo", "video")


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read raw answers of the VK API.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        JSON files; which method gave each is recognised by its shape. Of what is found twice, the newest
        counts, so name files in the order in which they were fetched.
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
    answers = collect(read_answers, paths)
    found: dict[Method, list[Item]] = {}
    for answer in (answer for file in answers for answer in file):
        found.setdefault(answer.method, []).extend(answer.items)
    tables: dict[str, pd.DataFrame] = {}
    coverage: dict[str, tuple[DateRange, ...]] = {}
    remarks: list[str] = []
    if Method.WALL in found:
        tables["posts"] = _posts(found[Method.WALL], account, options, remarks)
    if Method.COMMENTS in found:
        tables["comments"] = _comments(found[Method.COMMENTS], account, remarks)
    if Method.STATS in found:
        reckoned = audience(found[Method.STATS], account, options, remarks)
        if reckoned is not None:
            tables["audience"], coverage["audience"] = reckoned
    return Imported(tables, coverage, tuple(remarks))


# --- posts


def _posts(items: Iterable[Item], account: str, options: ImportOptions, remarks: list[str]) -> pd.DataFrame:
    posts = [replace(item, owner=item.raw.get("owner_id", item.raw.get("to_id"))) for item in items]
    live = [post for post in posts if not (post.raw.get("is_deleted") or post.raw.get("deleted"))]
    wall = [post for post in live if post.raw["post_type"] in _ON_THE_WALL]
    newest = _newest(wall)
    rows = collect(lambda post: _post(post, account, options.stats_at), newest)
    _one_wall(newest)
    check_fetched(rows, options.stats_at)

    remarks.append(f"posts: {counted(len(rows), 'row')} from {counted(len(posts), 'item')} of wall.get")
    if len(wall) > len(newest):
        remarks.append(
            f"posts: {counted(len(wall) - len(newest), 'repeated item')} dropped (a pinned post, or pages "
            "that overlap); the newest is kept"
        )
    if len(live) > len(wall):
        kinds = Counter(
            str(post.raw["post_type"]) for post in live if post.raw["post_type"] not in _ON_THE_WALL
        )
        what = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        remarks.append(f"posts: skipped as not published on the wall: {what}")
    if len(posts) > len(live):
        remarks.append(
            f"posts: {counted(len(posts) - len(live), 'deleted post')} skipped, as VK does not say the time "
            "of deletion"
        )
    return frame("posts", rows, _POST_COLUMNS if options.stats_at is None else (*_POST_COLUMNS, "stats_at"))


def _post(post: Item, account: str, stats_at: dt.datetime | None) -> Row:
    owner, number = post.whole("owner_id", post.owner), post.whole("id", post.raw.get("id"))
    values = {
        "post_id": f"{owner}_{number}",
        "account_id": account,
        "published_at": instant(post.whole("date", post.raw.get("date")), post.where),
        "stats_at": stats_at,
        "url": f"https://vk.com/wall{owner}_{number}",
        "text": _text(post.raw),
    }
    figures = {name: _count(post, name) for name in _FIGURES}
    return Row(values | figures, f"{post.path}: post {owner}_{number}")


def _text(post: Mapping[str, Any]) -> str | None:
    """The post's own words, or those of what it reposts."""
    copies = post.get("copy_history")
    sources = [post, *(copies if isinstance(copies, list) else [])]
    texts = [source.get("text") for source in sources if isinstance(source, dict)]
    known = [text for text in texts if isinstance(text, str)]
    return next((text for text in known if text), known[0] if known else None)


def _count(post: Item, name: str) -> int | None:
    part = post.raw.get(name)
    if part is None or (isinstance(part, dict) and part.get("count") is None):
        return None  # views are absent on old posts: unknown, not zero
    return post.whole(f"{name}.count", part.get("count") if isinstance(part, dict) else part, least=0)


def _one_wall(posts: Iterable[Item]) -> None:
    owners = sorted({str(post.owner) for post in posts})
    if len(owners) > 1:
        raise InputError(
            f"posts of {len(owners)} walls (owner_id {', '.join(owners)}): import one account at a time"
        )


# --- comments


def _comments(items: Iterable[Item], account: str, remarks: list[str]) -> pd.DataFrame:
    comments = [comment for item in items for comment in _flattened(item)]
    written = [comment for comment in comments if not _is_deleted(comment.raw)]
    newest = _newest(written)
    rows = collect(lambda comment: _comment(comment, account), newest)

    remarks.append(
        f"comments: {counted(len(rows), 'row')} from {counted(len(comments), 'item')} of wall.getComments"
    )
    if len(written) > len(newest):
        remarks.append(f"comments: {counted(len(written) - len(newest), 'repeated item')} dropped")
    if len(comments) > len(written):
        remarks.append(f"comments: {counted(len(comments) - len(written), 'deleted comment')} skipped")
    if missing := _missing_replies(comments):
        remarks.append(
            f"comments: {counted(missing, 'reply', 'replies')} in threads not in the files; fetch them with "
            "thread_items_count or comment_id, and import again"
        )
    return frame("comments", rows, ["comment_id", "post_id", "account_id", "created_at", "by_brand", "text"])


def _flattened(item: Item) -> Iterator[Item]:
    """The comment and the replies in its thread, which inherit what they do not say themselves."""
    owner, post = item.raw.get("owner_id", item.owner), item.raw.get("post_id", item.post)
    comment = replace(item, owner=owner, post=post)
    yield comment
    thread = comment.raw.get("thread")
    replies = thread.get("items") or [] if isinstance(thread, dict) else []
    if not isinstance(replies, list) or not all(isinstance(raw, dict) for raw in replies):
        raise InputError(f"{comment.where}: its thread holds {replies!r:.40}, allowed are comments")
    for raw in replies:
        yield from _flattened(Item(comment.path, raw, comment.owner, comment.post, comment.raw.get("id")))


def _is_deleted(comment: Mapping[str, Any]) -> bool:
    return bool(comment.get("deleted")) or comment.get("from_id") is None or comment.get("text") is None


def _comment(comment: Item, account: str) -> Row:
    owner, number = comment.whole("owner_id", comment.owner), comment.whole("id", comment.raw.get("id"))
    values = {
        "comment_id": f"{owner}_{number}",
        "post_id": f"{owner}_{comment.whole('post_id', comment.post)}",
        "account_id": account,
        "created_at": instant(comment.whole("date", comment.raw.get("date")), comment.where),
        "by_brand": comment.whole("from_id", comment.raw["from_id"]) == owner,
        "text": str(comment.raw["text"]),
    }
    return Row(values, f"{comment.path}: comment {owner}_{number}")


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
    """One item a key: the last edited one, or of equal ones the one given last, in the place of the first."""
    kept: dict[tuple[str, str], Item] = {}
    for item in items:
        identity = (str(item.owner), str(item.raw.get("id")))
        other = kept.get(identity)
        if other is None or _edited(item) >= _edited(other):
            kept[identity] = item
    return list(kept.values())


def _edited(item: Item) -> int:
    edited = item.raw.get("edited")
    return edited if isinstance(edited, int) else 0
