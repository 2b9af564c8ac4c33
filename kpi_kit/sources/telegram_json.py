"""Read Telegram Desktop's result.json as a stream of chats and messages.

In the export of an account personal chats are passed over; very many messages wait in a file, not in memory.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import pickle
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import ijson
from ijson.common import ObjectBuilder

from kpi_kit.core.errors import InputError, reason_of
from kpi_kit.core.phrases import Phrase
from kpi_kit.sources.json_files import bad_value
from kpi_kit.sources.rows import Place, instant
from kpi_kit.sources.size_limits import JsonGuard

CHANNELS = ("public_channel", "private_channel")
GROUPS = ("public_supergroup", "private_supergroup")
TALKS = ("personal_chat", "private_group")
"""Chats that are read where the file holds nothing else."""

_JOINED = {"join_group_by_link": 1, "join_group_by_request": 1}
_IN_MEMORY = 20_000
_HEAD = 64 << 10

# The whole file is one chat; or it lists the chats that the account is in, and those that it has left.
_CHATS = ("", "chats.list.item", "left_chats.list.item")
_FIELDS = {f"{chat}.{name}".lstrip("."): (chat, name) for chat in _CHATS for name in ("id", "name", "type")}
_LISTS = {f"{chat}.messages".lstrip("."): chat for chat in _CHATS}
_MESSAGES = {f"{messages}.item": chat for messages, chat in _LISTS.items()}

# Control characters are written as \x0B, which is not JSON; a legal \\x0B has an even number of backslashes.
_BROKEN_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_PERHAPS_CUT = re.compile(rb"\\+(?:x[0-9A-Fa-f]?)?\Z")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Message:
    """A message, without what is not used.

    Parameters
    ----------
    id : int
    at : datetime.datetime
    zoned : bool
        Whether the export has its Unix time; otherwise ``at`` was read as local time.
    sender : str
        ``channel123`` or ``user123``; empty where the export does not say.
    text : str
    likes : int or None
        Reactions without the paid ones; None where the message has no reactions.
    stars : int
        Paid reactions, which count Telegram Stars and not people.
    media : str
        ``visual`` (photo, video), ``audio`` or ``document``, the three that make albums; otherwise empty.
    reply_to : int or None
        The message of the same chat that it answers.
    forwarded_from : str
        Where it was forwarded from: ``channel123``, or a name in older exports.
    auto_forwarded : bool
        Whether it is a channel's post that Telegram itself put into the discussion group.
    wordless : bool
        Whether it is a sticker.
    """

    id: int
    at: dt.datetime
    zoned: bool
    sender: str
    text: str
    likes: int | None
    stars: int
    media: str
    reply_to: int | None
    forwarded_from: str
    auto_forwarded: bool
    wordless: bool = False


class Spool:
    """Messages in order; very many are kept in a file.

    Parameters
    ----------
    scratch : pathlib.Path or None
        Where the file goes; without it all are kept in memory.
    """

    def __init__(self, scratch: Path | None) -> None:
        self._scratch = scratch
        self._file: Path | None = None
        self._waiting: list[Message] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, message: Message) -> None:
        """Add a message at the end."""
        self._waiting.append(message)
        self._count += 1
        if self._scratch is not None and len(self._waiting) >= _IN_MEMORY:
            if self._file is None:
                number, name = tempfile.mkstemp(dir=self._scratch, suffix=".messages")
                os.close(number)
                self._file = Path(name)
            with self._file.open("ab") as stream:
                pickle.dump(self._waiting, stream, pickle.HIGHEST_PROTOCOL)
            self._waiting = []

    def __iter__(self) -> Iterator[Message]:
        if self._file is not None:
            with self._file.open("rb") as stream:
                size = self._file.stat().st_size
                while stream.tell() < size:
                    yield from pickle.load(stream)  # written above by this very process
        yield from self._waiting


@dataclass
class Chat:
    """A channel or a supergroup of an export.

    Parameters
    ----------
    path : pathlib.Path
    id, name, type : str
    messages : Spool
    skipped : dict of str to int
        How many of each kind were not read.
    stamp : datetime.datetime or None
        The last moment that it speaks of.
    counting : bool
        Whether some message has reactions.
    naive : int
        How many messages have no Unix time.
    joined, left : Counter of datetime
        People by the moment at which they came or were removed (groups only).
    """

    path: Path
    id: str = ""
    name: str = ""
    type: str = ""
    messages: Spool = field(default_factory=lambda: Spool(None))
    skipped: dict[str, int] = field(default_factory=dict)
    stamp: dt.datetime | None = None
    counting: bool = False
    naive: int = 0
    joined: Counter[dt.datetime] = field(default_factory=Counter)
    left: Counter[dt.datetime] = field(default_factory=Counter)

    @property
    def words(self) -> Phrase:
        """The chat in words."""
        return Phrase("sources.a_chat", name=self.name, id=self.id, type=self.type)


class _Mended:
    """A file whose broken escapes are repaired while it is read."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._guard = JsonGuard(path)
        self._held = b""
        self._begun = False

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        while True:
            fresh = self._file.read(size)
            self._guard.look(fresh)
            chunk = self._held + fresh
            if not self._begun:
                chunk, self._begun = chunk.removeprefix(_BOM), True
            cut = _PERHAPS_CUT.search(chunk) if fresh else None
            chunk, self._held = (chunk, b"") if cut is None else (chunk[: cut.start()], chunk[cut.start() :])
            if chunk or not fresh:
                # the pattern is slow, and nearly no export needs it
                return _BROKEN_ESCAPE.sub(rb"\1\\u00\2", chunk) if b"\\x" in chunk else chunk


def read_chats(path: Path, zone: ZoneInfo, scratch: Path | None = None) -> list[Chat]:
    """Read the chats of a file; types that are not imported come without messages.

    Parameters
    ----------
    path : pathlib.Path
    zone : zoneinfo.ZoneInfo
        Of messages without Unix time.
    scratch : pathlib.Path or None
        Where very many messages wait.

    Raises
    ------
    InputError
        Where the file is no such export.
    """
    try:
        single = _single_chat(path, scratch)
        with path.open("rb") as file:
            chats = [_filled(single, file, zone)] if single else _chats(file, path, zone, scratch)
    except OSError as fault:
        raise InputError(Phrase("core.not_readable", file=path, reason=reason_of(fault))) from None
    except (ijson.JSONError, UnicodeDecodeError) as fault:
        reason = " ".join(str(fault).split())[:120]
        raise InputError(Phrase("sources.json_fault", file=path, reason=reason)) from None
    if not chats:
        raise InputError(Phrase("sources.not_telegram", file=path))
    return chats


def _single_chat(path: Path, scratch: Path | None) -> Chat | None:
    """The chat of a file that holds a single one and begins with its name, type and id."""
    with path.open("rb") as file:
        start = io.BytesIO(file.read(_HEAD))
    texts: dict[str, str] = {}
    try:
        for prefix, event, value in ijson.parse(_Mended(start, path)):
            if prefix in ("id", "name", "type") and event in ("string", "number"):
                texts[prefix] = str(value)
            if prefix == "messages" and event == "start_array":
                if texts.get("type") and "id" in texts:
                    return Chat(path, texts["id"], texts.get("name", ""), texts["type"], Spool(scratch))
                return None
            if prefix.startswith(("chats", "left_chats", "messages")):
                return None
    except (ijson.JSONError, UnicodeDecodeError):
        pass  # the reading of the whole file will tell
    return None


def _filled(chat: Chat, file: IO[bytes], zone: ZoneInfo) -> Chat:
    """Add the messages to a single chat; ijson builds them, which is several times as fast."""
    wanted = chat.type in (*CHANNELS, *GROUPS, *TALKS)
    for raw in ijson.items(_Mended(file, chat.path), "messages.item"):
        if wanted:
            _add(chat, _object(raw, chat.path), zone)
    return chat


def _object(raw: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise InputError(Phrase("sources.among_messages", file=path, found=raw))
    return raw


def _chats(file: IO[bytes], path: Path, zone: ZoneInfo, scratch: Path | None) -> list[Chat]:
    chats: list[Chat] = []
    open_chats: dict[str, Chat] = {}
    builder: ObjectBuilder | None = None
    for prefix, event, value in ijson.parse(_Mended(file, path)):
        if builder is not None:
            builder.event(event, value)
            if event == "end_map" and prefix in _MESSAGES:
                _add(open_chats[_MESSAGES[prefix]], builder.value, zone)
                builder = None
        elif event == "start_map" and prefix in _CHATS:
            open_chats[prefix] = Chat(path, messages=Spool(scratch))
        elif prefix in _FIELDS and _FIELDS[prefix][0] in open_chats and event in ("string", "number"):
            chat, name = _FIELDS[prefix]
            setattr(open_chats[chat], name, str(value))
        elif event == "start_array" and prefix in _LISTS and _LISTS[prefix] in open_chats:
            chats.append(open_chats[_LISTS[prefix]])
        elif event == "start_map" and prefix in _MESSAGES and _wanted(open_chats.get(_MESSAGES[prefix])):
            builder = ObjectBuilder()
            builder.event(event, value)
    return [_emptied(chat) for chat in chats]


def _wanted(chat: Chat | None) -> bool:
    # The type stands before the messages, unless another program has sorted the keys.
    return chat is not None and (not chat.type or chat.type in CHANNELS + GROUPS)


def _emptied(chat: Chat) -> Chat:
    if chat.type not in CHANNELS + GROUPS:
        return Chat(chat.path, chat.id, chat.name, chat.type)
    return chat


def _add(chat: Chat, raw: Mapping[str, Any], zone: ZoneInfo) -> None:
    kind = raw.get("type", "message")
    if kind != "message":
        chat.skipped[str(kind)] = chat.skipped.get(str(kind), 0) + 1
        if kind == "service" and chat.type not in CHANNELS:
            _count_members(chat, raw, zone)
        return
    message = _message(chat, raw, zone)
    chat.messages.append(message)
    chat.counting = chat.counting or message.likes is not None
    chat.naive += not message.zoned
    moments = [message.at, *_edited(raw)]
    chat.stamp = max(moments if chat.stamp is None else [chat.stamp, *moments])


def _count_members(chat: Chat, raw: Mapping[str, Any], zone: ZoneInfo) -> None:
    """Count members who came or were removed; channels do not export it."""
    action, members = raw.get("action"), raw.get("members")
    people = len(members) if isinstance(members, list) else 0
    if action in _JOINED or (action in ("invite_members", "remove_members") and people):
        at, _ = _time(raw, zone, Place("message", chat.path, raw.get("id")))
        (chat.left if action == "remove_members" else chat.joined)[at] += _JOINED.get(str(action), people)


def _edited(raw: Mapping[str, Any]) -> Iterable[dt.datetime]:
    seconds = str(raw.get("edited_unixtime") or "")
    return (
        [dt.datetime.fromtimestamp(int(seconds), dt.UTC)] if seconds.isdecimal() and len(seconds) < 11 else []
    )


def _message(chat: Chat, raw: Mapping[str, Any], zone: ZoneInfo) -> Message:
    number = raw.get("id")
    if not isinstance(number, int):
        raise InputError(Phrase("sources.message_id", file=chat.path, found=number))
    where = Place("message", chat.path, number)
    sender = str(raw.get("from_id") or "")
    forwarded_from = str(raw.get("forwarded_from_id") or raw.get("forwarded_from") or "")
    likes, stars = _reactions(raw.get("reactions"), where)
    at, zoned = _time(raw, zone, where)
    reply_to = raw.get("reply_to_message_id")
    return Message(
        id=number,
        at=at,
        zoned=zoned,
        sender=sender,
        text=_text(raw.get("text", ""), where),
        likes=likes,
        stars=stars,
        media=_media(raw),
        reply_to=reply_to if isinstance(reply_to, int) and "reply_to_peer_id" not in raw else None,
        forwarded_from=forwarded_from,
        auto_forwarded=sender.startswith("channel")
        and ("saved_from" in raw or (bool(forwarded_from) and forwarded_from in (sender, raw.get("from")))),
        wordless=raw.get("media_type") == "sticker",
    )


def _time(raw: Mapping[str, Any], zone: ZoneInfo, where: Place) -> tuple[dt.datetime, bool]:
    seconds, local = raw.get("date_unixtime"), raw.get("date")
    try:
        if seconds is not None:
            return instant(int(seconds), where), True
        return dt.datetime.fromisoformat(str(local)).replace(tzinfo=zone).astimezone(dt.UTC), False
    except (ValueError, TypeError, OverflowError):
        found = {"seconds": seconds, "local": local}
        raise InputError(Phrase("sources.message_time", where=where.words, **found)) from None


def _text(value: Any, where: Place) -> str:
    """The text: a string, or a list of strings and marked-up parts."""
    parts = value if isinstance(value, list) else [value]
    words = [part.get("text", "") if isinstance(part, dict) else part for part in parts]
    if not all(isinstance(word, str) for word in words):
        raise bad_value(where, "text", value, "texts")
    return "".join(words)


def _reactions(value: Any, where: Place) -> tuple[int | None, int]:
    if value is None:
        return None, 0
    if not isinstance(value, list) or not all(
        isinstance(reaction, dict) and isinstance(reaction.get("count"), int) for reaction in value
    ):
        raise InputError(Phrase("sources.bad_reactions", where=where.words, found=value))
    stars = sum(reaction["count"] for reaction in value if reaction.get("type") == "paid")
    return sum(reaction["count"] for reaction in value) - stars, stars


def _media(raw: Mapping[str, Any]) -> str:
    kind = raw.get("media_type")
    if "photo" in raw or kind == "video_file":
        return "visual"
    if kind == "audio_file":
        return "audio"
    return "document" if "file" in raw and kind is None else ""
