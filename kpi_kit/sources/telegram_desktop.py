"""Telegram Desktop's result.json -> posts of channels, comments of groups, messages of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.file_head import Head
from kpi_kit.sources.interface import NO_MATCH, Imported, ImportOptions, Match
from kpi_kit.sources.row_batches import RowBatches
from kpi_kit.sources.rows import Place, collect, has_lone_surrogate, refuse, table_name
from kpi_kit.sources.telegram_conversations import read_conversations, read_members
from kpi_kit.sources.telegram_json import CHANNELS, GROUPS, TALKS, Chat, Message, read_chats

FILLS: Mapping[str, str] = {
    "posts": "post_id published_at likes text stats_at",
    "comments": "comment_id post_id created_at by_brand text",
    "messages": "dialog_id message_id kind at by_brand author reply_to closing",
    "account_stats": "joined left",
}
UNKNOWN = "views, reposts, numbers of comments, subscribers, links, which employee wrote a comment"
TESTED = "real file"

_AT_ONCE = 10_000
_LARGEST_ALBUM = 10  # Telegram's own limit


def sniff(head: Head) -> Match:
    """Recognise chats by their type and messages."""
    for chat in ("", "chats.list.item.", "left_chats.list.item."):
        if {f"{chat}type", f"{chat}messages"} <= head.keys and f"{chat}messages.item.type" in head.keys:
            kind = head.values.get(f"{chat}type")
            return Match(0.98, Phrase("sources.by_chat", kind=kind))
    if {"chats.list", "chats.about"} <= head.keys or {"type", "id", "messages"} <= head.keys:
        return Match(0.95, Phrase("sources.by_chats"))
    return NO_MATCH


def read(paths: Sequence[Path], options: ImportOptions) -> Imported:
    """Read exports of Telegram Desktop.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        ``result.json`` of a channel, of its discussion group, of another chat, or of the whole account. Of a
        message in several files that of the latest export counts.
    options : ImportOptions
        ``account`` is required; ``chat`` names the channel or the group where there are several;
        ``stats_at`` dates the figures of posts; ``timezone`` is that of times without offset, which old
        versions write; ``attribution`` names the people who answer.

    Returns
    -------
    Imported
        Tables ``posts``, ``comments`` and ``inquiries``, those that the chosen chats fill.

    Raises
    ------
    InputError
        Where a file is no such export, or the chat is not clear.
    """
    account = options.named_account()
    read_one = partial(read_chats, zone=options.timezone, scratch=options.scratch)
    chats = [chat for file in collect(read_one, paths) for chat in file]
    batches = RowBatches(options.scratch, "export")
    remarks: list[str] = []
    talks = [
        chat for chat in chats if chat.type in TALKS and options.chat in (None, chat.id, chat.name.strip())
    ]
    if talks and not any(chat.type in CHANNELS + GROUPS for chat in chats):
        read_conversations(_one_talk(talks), account, options, batches, remarks)
        chosen = talks
    else:
        channels, groups = _chosen(chats, options.chat)
        chosen = [*channels, *groups]
        if channels:
            _posts(channels, chats, account, options, batches, remarks)
        if groups:
            _comments(
                groups, {f"channel{channel.id}" for channel in channels}, account, options, batches, remarks
            )
        read_members(groups, account, options, batches)
    remarks.extend(_left_out(chosen, options))
    batch_remarks, tables = batches.finish()
    latest = [chat.stamp for chat in chosen if chat.stamp is not None]
    dropped = [remark for remark in batch_remarks if "dropped" in remark]
    return Imported(
        tables, {}, (*remarks, *dropped), max(latest, default=None), "telegram", dict(batches.stamps)
    )


def _one_talk(talks: Sequence[Chat]) -> Sequence[Chat]:
    if len({chat.id for chat in talks}) > 1:
        raise InputError(Phrase("sources.chat_needed", chats=_listed(talks)))
    return talks


# --- which chats


def _chosen(chats: Sequence[Chat], wanted: str | None) -> tuple[list[Chat], list[Chat]]:
    """The parts of one channel with those of its discussion group, or of one group."""
    usable = [chat for chat in chats if chat.type in CHANNELS + GROUPS]
    if not usable:
        files = list(dict.fromkeys(chat.path for chat in chats))
        types = sorted({chat.type or Phrase("sources.no_type") for chat in chats})
        raise InputError(Phrase("sources.only_chats", files=files, types=types))
    named = [chat for chat in usable if wanted is None or wanted.strip() in (chat.id, chat.name.strip())]
    if not named:
        raise InputError(Phrase("sources.no_such_chat", chat=wanted, chats=_listed(usable)))
    choice = [chat for chat in named if chat.type in CHANNELS] or named
    if len({chat.id for chat in choice}) > 1:
        raise InputError(Phrase("sources.chat_needed", chats=_listed(choice)))
    if choice[0].type in GROUPS:
        return [], choice
    channel = f"channel{choice[0].id}"
    linked = [chat for chat in usable if chat.type in GROUPS and channel in _channels_of(chat)]
    return choice, linked


def _listed(chats: Iterable[Chat]) -> list[Phrase]:
    return list(dict.fromkeys(chat.words for chat in chats))


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
    options: ImportOptions,
    batches: RowBatches,
    remarks: list[str],
) -> None:
    # Old versions write no reactions at all; only where some message of the export has them, none means 0.
    counting = {chat.path for chat in chats if chat.counting}
    for channel in channels:
        albums = _AlbumCounter("posts", channel)
        emit = _Emitter(batches, "posts", channel)
        for album in albums.albums(channel.messages):
            first = album[0]
            if options.stats_at is not None and first.at > options.stats_at:
                place = Place("message", channel.path, first.id)
                ends = {"at": first.at.isoformat(), "fetched": options.stats_at.isoformat()}
                emit.refuse(Phrase("sources.after_fetched_at", where=place.words, **ends))
            likes = sum(message.likes or 0 for message in album) if channel.path in counting else None
            row = {
                "post_id": str(first.id),
                "account_id": account,
                "published_at": first.at,
                "likes": likes,
                "text": _words(album),
            }
            emit.add(row if options.stats_at is None else {**row, "stats_at": options.stats_at}, first.id)
        emit.finish(("post_id", "account_id", "published_at", "likes", "text"))
        remarks.append(albums.sentence())
        if channel.path not in counting and len(channel.messages):
            remarks.append(Phrase("sources.likes_unknown"))
        if albums.stars:
            remarks.append(Phrase("sources.stars_not_counted", count=albums.stars))
    remarks.append(Phrase("sources.figures_not_exported"))


class _Emitter:
    """Adds rows of one chat to the batches."""

    def __init__(self, batches: RowBatches, table: str, chat: Chat) -> None:
        self._batches, self._table, self._chat = batches, table, chat
        self._waiting: list[dict[str, object]] = []
        self._numbers: list[int] = []
        self._problems: list[str] = []

    def refuse(self, problem: Phrase) -> None:
        """Add a problem."""
        self._problems.append(problem)

    def add(self, row: dict[str, object], number: int) -> None:
        """Add a row that was made of a message."""
        text = row.get("text")
        if isinstance(text, str) and has_lone_surrogate(text):
            place = Place("message", self._chat.path, number)
            self.refuse(Phrase("sources.not_storable", where=place.words, name="text", value=text))
        self._waiting.append(row)
        self._numbers.append(number)
        if len(self._waiting) >= _AT_ONCE:
            self._flush(tuple(row))

    def finish(self, columns: Sequence[str]) -> None:
        """Add the waiting rows.

        Raises
        ------
        InputError
            With every problem.
        """
        refuse(self._problems)
        self._flush(tuple(self._waiting[0]) if self._waiting else columns)

    def _flush(self, columns: Sequence[str]) -> None:
        values = {name: [row[name] for row in self._waiting] for name in columns}
        where = str(self._chat.path)
        self._batches.add(self._table, values, self._numbers, where, "newest", self._chat.stamp)
        self._waiting, self._numbers = [], []


class _AlbumCounter:
    """Counts the albums of a chat."""

    def __init__(self, table: str, chat: Chat) -> None:
        self._table, self._chat = table, chat
        self.rows = self.messages = self.several = self.merged = self.stars = 0

    def albums(self, messages: Iterable[Message]) -> Iterator[list[Message]]:
        """Messages by post: each picture of an album is a message of its own, without a group id."""
        for album in split_into_albums(messages):
            self.count(album)
            yield album

    def count(self, album: Sequence[Message]) -> None:
        """Count a row and the messages that it was made of."""
        self.rows += 1
        self.messages += len(album)
        self.stars += sum(message.stars for message in album)
        if len(album) > 1:
            self.several += 1
            self.merged += len(album)

    def sentence(self) -> Phrase:
        """How many rows came of how many messages."""
        merged = {"merged": self.merged, "count": self.several}
        tail = Phrase("sources.albums_merged", **merged) if self.several else ""
        fields = {"read": self.messages, "name": self._chat.name, "tail": tail}
        return Phrase("sources.rows_of_messages", table=table_name(self._table), count=self.rows, **fields)


def split_into_albums(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Messages by post or album, in order."""
    album: list[Message] = []
    for message in messages:
        if album and not _belongs(message, album):
            yield album
            album = []
        album.append(message)
    if album:
        yield album


def _belongs(message: Message, album: Sequence[Message]) -> bool:
    last = album[-1]
    return (
        len(album) < _LARGEST_ALBUM
        and message.media == last.media != ""
        and (message.at, message.sender, message.forwarded_from)
        == (last.at, last.sender, last.forwarded_from)
        and message.id > last.id
        and sum(bool(part.text) for part in (*album, message)) <= 1
    )


def _words(album: Iterable[Message]) -> str:
    return next((message.text for message in album if message.text), "")


# --- comments


def _comments(
    groups: Sequence[Chat],
    channels: set[str],
    account: str,
    options: ImportOptions,
    batches: RowBatches,
    remarks: list[str],
) -> None:
    for group in groups:
        of_channels = channels or _only_channel(group, options)
        if of_channels:
            _comments_of(group, of_channels, account, batches, remarks)
        else:
            read_conversations([group], account, options, batches, remarks)


def _only_channel(group: Chat, options: ImportOptions) -> set[str]:
    """The channel that a group discusses; none for a group of its own where our people answer."""
    channels = _channels_of(group)
    if len(channels) == 1 or (not channels and options.attribution.specialists.get("telegram")):
        return channels
    names = sorted(channels) or Phrase("sources.none_found")
    raise InputError(Phrase("sources.not_discussion", file=group.path, chat=group.words, names=names))


def _comments_of(
    group: Chat, channels: set[str], account: str, batches: RowBatches, remarks: list[str]
) -> None:
    """The messages whose chain of replies begins at a post that Telegram forwarded from the channel."""
    brand = channels | {f"channel{group.id}"}  # administrators can write as the group itself
    roots = _roots(group, channels)
    albums = _AlbumCounter("comments", group)
    emit = _Emitter(batches, "comments", group)
    apart = 0
    for album in split_into_albums(group.messages):
        first = album[0]
        if _is_post(first, channels):
            continue
        if first.id not in roots:
            apart += len(album)
            continue
        albums.count(album)
        row = {
            "comment_id": f"{group.id}_{first.id}",
            # the export does not say the post's number in the channel, so that this one must not look like it
            "post_id": f"group{group.id}:{roots[first.id]}",
            "account_id": account,
            "created_at": first.at,
            "by_brand": first.sender in brand,
            "text": _words(album),
        }
        emit.add(row, first.id)
    emit.finish(("comment_id", "post_id", "account_id", "created_at", "by_brand", "text"))
    remarks.append(albums.sentence())
    if apart:
        remarks.append(Phrase("sources.messages_apart", count=apart, name=group.name))


def _is_post(message: Message, channels: set[str]) -> bool:
    return message.auto_forwarded and message.sender in channels


def _roots(group: Chat, channels: set[str]) -> dict[int, int]:
    """The post under which each message stands; a reply comes after what it answers."""
    roots: dict[int, int] = {}
    replies: list[tuple[int, int, list[int]]] = []
    for album in split_into_albums(group.messages):
        first = album[0]
        ids = [message.id for message in album]
        if _is_post(first, channels):
            roots.update(dict.fromkeys(ids, first.id))
        elif first.reply_to is not None:
            replies.append((first.id, first.reply_to, ids))
    for _, answered, ids in sorted(replies):
        if answered in roots:
            roots.update(dict.fromkeys(ids, roots[answered]))
    return roots


# --- both


def _left_out(chats: Iterable[Chat], options: ImportOptions) -> Iterable[Phrase]:
    for chat in chats:
        for kind, count in sorted(chat.skipped.items()):
            tail = Phrase("sources.kind_unsupported") if kind == "unsupported" else ""
            messages = Phrase("sources.noun_messages", count=count, kind=kind)
            yield Phrase("sources.kind_skipped", name=chat.name, messages=messages, tail=tail)
        if chat.naive:
            fields = {"name": chat.name, "zone": options.timezone.key}
            yield Phrase("sources.messages_naive", count=chat.naive, **fields)
