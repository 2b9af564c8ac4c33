"""Telegram Desktop's result.json, read as a stream: channels, supergroups, and of their messages what counts.

Personal chats are passed over and not held in memory.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import ijson
from ijson.common import ObjectBuilder

from kpi_kit.errors import InputError
from kpi_kit.sources.rows import instant

CHANNELS = ("public_channel", "private_channel")
GROUPS = ("public_supergroup", "private_supergroup")

# The whole file is one chat; or it lists the chats that the account is in, and those that it has left.
_CHATS = ("", "chats.list.item", "left_chats.list.item")
_FIELDS = {f"{chat}.{name}".lstrip("."): (chat, name) for chat in _CHATS for name in ("id", "name", "type")}
_LISTS = {f"{chat}.messages".lstrip("."): chat for chat in _CHATS}
_MESSAGES = {f"{messages}.item": chat for messages, chat in _LISTS.items()}

# Control characters are written as \x0B, which is not JSON; a legal \\x0B has an even number of backslashes.
_BROKEN_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
_PERHAPS_CUT = re.compile(rb"\\+(?:x[0-9A-Fa-f]?)?\Z")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Message:
    """What counts of a message.

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


@dataclass
class Chat:
    """A channel or a supergroup of an export."""

    path: Path
    id: str = ""
    name: str = ""
    type: str = ""
    messages: list[Message] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name!r} ({self.id}, {self.type})"


class _Mended:
    """A file whose broken escapes are mended while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._held = b""
        self._begun = False

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        while True:
            fresh = self._file.read(size)
            chunk = self._held + fresh
            if not self._begun:
                chunk, self._begun = chunk.removeprefix(_BOM), True
            cut = _PERHAPS_CUT.search(chunk) if fresh else None
            chunk, self._held = (chunk, b"") if cut is None else (chunk[: cut.start()], chunk[cut.start() :])
            if chunk or not fresh:
                return _BROKEN_ESCAPE.sub(rb"\1\\u00\2", chunk)


def read_chats(path: Path, zone: ZoneInfo) -> list[Chat]:
    """The chats of a file, of whatever type; those that are no channel or supergroup come without messages.

    Parameters
    ----------
    path : pathlib.Path
    zone : zoneinfo.ZoneInfo
        Of messages without Unix time.

    Raises
    ------
    InputError
        Where the file is no such export.
    """
    try:
        with path.open("rb") as file:
            chats = _chats(file, path, zone)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror})") from None
    except (ijson.JSONError, UnicodeDecodeError) as fault:
        reason = " ".join(str(fault).split())
        raise InputError(f"{path}: not valid JSON ({reason:.120})") from None
    if not chats:
        raise InputError(
            f"{path}: allowed is Telegram Desktop's result.json, found no chat with messages in it"
        )
    return chats


def _chats(file: IO[bytes], path: Path, zone: ZoneInfo) -> list[Chat]:
    chats: list[Chat] = []
    open_chats: dict[str, Chat] = {}
    builder: ObjectBuilder | None = None
    for prefix, event, value in ijson.parse(_Mended(file)):
        if builder is not None:
            builder.event(event, value)
            if event == "end_map" and prefix in _MESSAGES:
                _add(open_chats[_MESSAGES[prefix]], builder.value, zone)
                builder = None
        elif event == "start_map" and prefix in _CHATS:
            open_chats[prefix] = Chat(path)
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
        chat.messages, chat.skipped = [], {}
    return chat


def _add(chat: Chat, raw: Mapping[str, Any], zone: ZoneInfo) -> None:
    kind = raw.get("type", "message")
    if kind == "message":
        chat.messages.append(_message(chat, raw, zone))
    else:
        chat.skipped[str(kind)] = chat.skipped.get(str(kind), 0) + 1


def _message(chat: Chat, raw: Mapping[str, Any], zone: ZoneInfo) -> Message:
    number = raw.get("id")
    if not isinstance(number, int):
        raise InputError(f"{chat.path}: a message has the id {number!r:.40}, allowed is a whole number")
    where = f"{chat.path}: message {number}"
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
    )


def _time(raw: Mapping[str, Any], zone: ZoneInfo, where: str) -> tuple[dt.datetime, bool]:
    seconds, local = raw.get("date_unixtime"), raw.get("date")
    try:
        if seconds is not None:
            return instant(int(seconds), where), True
        return dt.datetime.fromisoformat(str(local)).replace(tzinfo=zone).astimezone(dt.UTC), False
    except (ValueError, TypeError, OverflowError):
        raise InputError(
            f"{where}: allowed is a date_unixtime in seconds or a date such as 2025-10-31T14:05:00, "
            f"found {seconds!r:.40} and {local!r:.40}"
        ) from None


def _text(value: Any, where: str) -> str:
    """The words: a string, or a list of strings and marked-up parts."""
    parts = value if isinstance(value, list) else [value]
    words = [part.get("text", "") if isinstance(part, dict) else part for part in parts]
    if not all(isinstance(word, str) for word in words):
        raise InputError(f"{where}: text is {value!r:.40}, allowed is text or a list of texts")
    return "".join(words)


def _reactions(value: Any, where: str) -> tuple[int | None, int]:
    if value is None:
        return None, 0
    if not isinstance(value, list) or not all(
        isinstance(reaction, dict) and isinstance(reaction.get("count"), int) for reaction in value
    ):
        raise InputError(f"{where}: reactions are {value!r:.60}, allowed is a list of objects with a count")
    stars = sum(reaction["count"] for reaction in value if reaction.get("type") == "paid")
    return sum(reaction["count"] for reaction in value) - stars, stars


def _media(raw: Mapping[str, Any]) -> str:
    kind = raw.get("media_type")
    if "photo" in raw or kind == "video_file":
        return "visual"
    if kind == "audio_file":
        return "audio"
    return "document" if "file" in raw and kind is None else ""
