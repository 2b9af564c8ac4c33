"""Telegram Desktop: conversations -> messages; groups -> members who came or were removed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import ACCOUNT_STATS
from kpi_kit.kpis.engine.closing import is_closing
from kpi_kit.sources.conversations import MESSAGE_COLUMNS, message_row
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.row_batches import RowBatches
from kpi_kit.sources.rows import Place, Row, table_name
from kpi_kit.sources.telegram_json import Chat, Message

_AT_ONCE = 10_000


def read_conversations(
    chats: Sequence[Chat], account: str, options: ImportOptions, batches: RowBatches, remarks: list[str]
) -> None:
    """Add the messages of conversations; their text is read for closing thanks, and not kept.

    In a personal chat the other side is the chat's own id. In a group ours are the people whom
    ``attribution.yml`` names, and the group itself.

    Raises
    ------
    InputError
        Where a group has neither people of ours nor joined or removed members.
    """
    people = options.attribution.specialists.get("telegram", {})
    read_members(chats, account, options, batches)
    for chat in chats:
        ours = {*_sender_ids(people), f"channel{chat.id}"}
        if chat.type != "personal_chat" and not {message.sender for message in chat.messages} & ours:
            if not chat.joined and not chat.left:
                raise InputError(Phrase("sources.nobody_of_ours", file=chat.path, chat=chat.words))
            remarks.append(Phrase("sources.none_of_ours", name=chat.name))
            continue
        _add_messages(chat, ours, account, options, batches)
        fields = {"count": len(chat.messages), "name": chat.name}
        remarks.append(Phrase("sources.rows_of_chat", table=table_name("messages"), **fields))


def _add_messages(
    chat: Chat, ours: set[str], account: str, options: ImportOptions, batches: RowBatches
) -> None:
    where, count = str(chat.path), 0
    waiting: list[Row] = []
    for message in chat.messages:
        waiting.append(_row(message, chat, ours, account, options))
        if len(waiting) == _AT_ONCE:
            _add(waiting, where, chat.stamp, batches)
            waiting = []
        count += 1
    if waiting or not count:
        _add(waiting, where, chat.stamp, batches)


def _add(rows: Sequence[Row], where: str, stamp: dt.datetime | None, batches: RowBatches) -> None:
    columns = {name: [row.values.get(name) for row in rows] for name in MESSAGE_COLUMNS}
    batches.add("messages", columns, list(range(len(rows))), where, "newest", stamp)


def _row(message: Message, chat: Chat, ours: set[str], account: str, options: ImportOptions) -> Row:
    by_brand = message.sender != f"user{chat.id}" if chat.type == "personal_chat" else message.sender in ours
    attribution = options.attribution
    person = attribution.specialist("telegram", message.sender) or attribution.specialist(
        "telegram", message.sender.removeprefix("user")
    )
    return message_row(
        Place("message", chat.path, message.id),
        chat.stamp,
        account_id=account,
        dialog_id=chat.id,
        message_id=message.id,
        at=message.at,
        by_brand=by_brand,
        author=(person if by_brand else None) or message.sender or None,
        reply_to=message.reply_to,
        closing=None if by_brand else is_closing(message.text, wordless=message.wordless),
    )


def _sender_ids(people: Iterable[str]) -> set[str]:
    return {number if number.startswith(("user", "channel")) else f"user{number}" for number in people}


def read_members(chats: Sequence[Chat], account: str, options: ImportOptions, batches: RowBatches) -> None:
    """Count members who joined a group or were removed, by day; exports do not say who left."""
    for chat in chats:
        columns: dict[str, list[Any]] = {
            "since": [],
            "until": [],
            "account_id": [],
            "measure": [],
            "item": [],
            "value": [],
        }
        for measure, moments in (("joined", chat.joined), ("removed", chat.left)):
            days: Counter[dt.date] = Counter()
            for at, people in moments.items():
                days[at.astimezone(options.timezone).date()] += people
            for day, people in sorted(days.items()):
                cells = (
                    day,
                    day + dt.timedelta(days=1),
                    account,
                    measure,
                    chat.name or chat.id,
                    float(people),
                )
                for name, value in zip(columns, cells, strict=True):
                    columns[name].append(value)
        if columns["value"]:
            rows = list(range(len(columns["value"])))
            batches.add(ACCOUNT_STATS, columns, rows, str(chat.path), "newest", chat.stamp)
