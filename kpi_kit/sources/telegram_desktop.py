"""Telegram Desktop: result.json of a channel -> posts; of its discussion group -> comments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from kpi_kit.errors import InputError
from kpi_kit.sources.interface import Imported, ImportOptions
from kpi_kit.sources.rows import Row, check_fetched, collect, counted, frame, newest
from kpi_kit.sources.telegram_json import CHANNELS, GROUPS, Chat, Message, read_chats

_LARGEST_ALBUM = 10  # Telegram's own limit


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read exports of Telegram Desktop.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        ``result.json`` of a channel, of its discussion group, or of the whole account. Of a message in
        several files the last one counts, so name them in the order in which they were exported.
    options : ImportOptions
        ``account`` is required; ``chat`` names the channel or the group where there are several;
        ``stats_at`` dates the figures of posts; ``timezone`` is that of times without offset, which old
        versions write.

    Returns
    -------
    Imported
        Tables ``posts`` and ``comments``, those that the chosen chats fill.

    Raises
    ------
    InputError
        Where a file is no such export, or the chat is not clear.
    """
    account = options.named_account()
    chats = [
        chat for file in collect(lambda path: read_chats(path, options.timezone), paths) for chat in file
    ]
    channels, groups = _chosen(chats, options.chat)
    remarks: list[str] = []
    tables: dict[str, pd.DataFrame] = {}
    if channels:
        tables["posts"] = _posts(channels, chats, account, options.stats_at, remarks)
    if groups:
        tables["comments"] = _comments(
            groups, {f"channel{channel.id}" for channel in channels}, account, remarks
        )
    remarks.extend(_left_out(channels + groups, options))
    return Imported(tables, {}, tuple(remarks))


# --- which chats


def _chosen(chats: Sequence[Chat], wanted: str | None) -> tuple[list[Chat], list[Chat]]:
    """The parts of one channel with those of its discussion group, or of one group."""
    usable = [chat for chat in chats if chat.type in CHANNELS + GROUPS]
    if not usable:
        files = ", ".join(dict.fromkeys(str(chat.path) for chat in chats))
        types = ", ".join(sorted({chat.type or "no type" for chat in chats}))
        raise InputError(
            f"{files}: allowed are channels and supergroups, found only chats of the type {types}"
        )
    named = [chat for chat in usable if wanted is None or wanted.strip() in (chat.id, chat.name.strip())]
    if not named:
        raise InputError(
            f"--chat {wanted}: there is no such channel or supergroup; the files hold {_listed(usable)}"
        )
    choice = [chat for chat in named if chat.type in CHANNELS] or named
    if len({chat.id for chat in choice}) > 1:
        raise InputError(
            f"--chat is needed to say which (by its id or name): the files hold {_listed(choice)}"
        )
    if choice[0].type in GROUPS:
        return [], choice
    channel = f"channel{choice[0].id}"
    linked = [chat for chat in usable if chat.type in GROUPS and channel in _channels_of(chat)]
    return choice, linked


def _listed(chats: Iterable[Chat]) -> str:
    return ", ".join(dict.fromkeys(map(str, chats)))


def _channels_of(group: Chat) -> set[str]:
    """The channels whose posts Telegram forwards into the group; a group's own id is no channel of it."""
    return {
        message.sender
        for message in group.messages
        if message.auto_forwarded and message.sender != f"channel{group.id}"
    }


# --- posts


def _posts(
    channels: Sequence[Chat],
    chats: Iterable[Chat],
    account: str,
    stats_at: dt.datetime | None,
    remarks: list[str],
) -> pd.DataFrame:
    # Old versions write no reactions at all; only where some message of the export has them, none means 0.
    counting = {chat.path for chat in chats if any(message.likes is not None for message in chat.messages)}
    rows: list[Row] = []
    for channel in channels:
        albums = _albums(channel.messages)
        rows += [_post(channel, album, account, stats_at, channel.path in counting) for album in albums]
        remarks.append(_merged("posts", channel, albums))
    kept, repeated = newest("posts", rows)
    check_fetched(kept, stats_at)
    if repeated:
        remarks.append(f"posts: {counted(repeated, 'row')} of earlier files dropped for those of later ones")
    if any(row.values["likes"] is None for row in kept):
        remarks.append("posts: likes are unknown, as no message of the export has reactions")
    if stars := sum(message.stars for channel in channels for message in channel.messages):
        remarks.append(f"posts: {counted(stars, 'paid reaction')} (Telegram Stars) not counted as likes")
    remarks.append("posts: views, comments and reposts are unknown, as Telegram Desktop does not export them")
    columns = ["post_id", "account_id", "published_at", "likes", "text"]
    return frame("posts", kept, columns if stats_at is None else [*columns, "stats_at"])


def _post(
    channel: Chat, album: Sequence[Message], account: str, stats_at: dt.datetime | None, counting: bool
) -> Row:
    first = album[0]
    values = {
        "post_id": f"{channel.id}_{first.id}",
        "account_id": account,
        "published_at": first.at,
        "stats_at": stats_at,
        "likes": sum(message.likes or 0 for message in album) if counting else None,
        "text": _words(album),
    }
    return Row(values, f"{channel.path}: message {first.id}")


def _albums(messages: Iterable[Message]) -> list[list[Message]]:
    """Messages by post: each picture of an album is exported as a message of its own, without a group id."""
    albums: list[list[Message]] = []
    for message in messages:
        if albums and _belongs(message, albums[-1]):
            albums[-1].append(message)
        else:
            albums.append([message])
    return albums


def _belongs(message: Message, album: Sequence[Message]) -> bool:
    last = album[-1]
    return (
        len(album) < _LARGEST_ALBUM
        and message.media == last.media != ""
        and (message.at, message.sender, message.forwarded_from)
        == (last.at, last.sender, last.forwarded_from)
        and message.id > last.id
        and sum(bool(each.text) for each in (*album, message)) <= 1
    )


def _words(album: Iterable[Message]) -> str:
    return next((message.text for message in album if message.text), "")


# --- comments


def _comments(groups: Sequence[Chat], channels: set[str], account: str, remarks: list[str]) -> pd.DataFrame:
    rows: list[Row] = []
    for group in groups:
        rows += _comments_of(group, channels or _only_channel(group), account, remarks)
    kept, repeated = newest("comments", rows)
    if repeated:
        remarks.append(
            f"comments: {counted(repeated, 'row')} of earlier files dropped for those of later ones"
        )
    return frame("comments", kept, ["comment_id", "post_id", "account_id", "created_at", "by_brand", "text"])


def _only_channel(group: Chat) -> set[str]:
    channels = _channels_of(group)
    if len(channels) == 1:
        return channels
    found = ", ".join(sorted(channels)) or "none"
    raise InputError(
        f"{group.path}: {group}: allowed is the discussion group of one channel, found posts of {found}"
    )


def _comments_of(group: Chat, channels: set[str], account: str, remarks: list[str]) -> list[Row]:
    """The messages whose chain of replies begins at a post that Telegram forwarded from the channel."""
    brand = channels | {f"channel{group.id}"}  # administrators can write as the group itself
    albums = _albums(group.messages)
    posts: list[list[Message]] = []
    others: list[list[Message]] = []
    for album in albums:
        (posts if album[0].auto_forwarded and album[0].sender in channels else others).append(album)
    roots = {message.id: album[0].id for album in posts for message in album}
    for album in sorted(others, key=lambda album: album[0].id):  # a reply comes after what it answers
        if album[0].reply_to in roots:
            roots.update((message.id, roots[album[0].reply_to]) for message in album)
    under = [album for album in others if album[0].id in roots]
    remarks.append(_merged("comments", group, under))
    if apart := sum(map(len, others)) - sum(map(len, under)):
        remarks.append(
            f"comments: {counted(apart, 'message')} of {group.name!r} under no post of the channel left out"
        )
    return [_comment(group, album, roots[album[0].id], account, brand) for album in under]


def _comment(group: Chat, album: Sequence[Message], root: int, account: str, brand: set[str]) -> Row:
    first = album[0]
    values = {
        "comment_id": f"{group.id}_{first.id}",
        "post_id": f"{group.id}_{root}",  # the export does not say the post's number in the channel
        "account_id": account,
        "created_at": first.at,
        "by_brand": first.sender in brand,
        "text": _words(album),
    }
    return Row(values, f"{group.path}: message {first.id}")


# --- both


def _merged(table: str, chat: Chat, albums: Sequence[Sequence[Message]]) -> str:
    messages = counted(sum(map(len, albums)), "message")
    sentence = f"{table}: {counted(len(albums), 'row')} from {messages} of {chat.name!r}"
    if several := [album for album in albums if len(album) > 1]:
        sentence += f", {sum(map(len, several))} of them merged into {counted(len(several), 'album')}"
    return sentence


def _left_out(chats: Iterable[Chat], options: ImportOptions) -> Iterable[str]:
    for chat in chats:
        for kind, count in sorted(chat.skipped.items()):
            tail = ", which are exported without date and text" if kind == "unsupported" else ""
            yield f"{chat.name!r}: {counted(count, f'{kind} message')} skipped{tail}"
        if naive := sum(not message.zoned for message in chat.messages):
            yield (
                f"{chat.name!r}: {counted(naive, 'message')} without Unix time, read as "
                f"{options.timezone.key}; the export has the local time of the computer that made it"
            )
