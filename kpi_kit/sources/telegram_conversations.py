"""Telegram Desktop: conversations -> inquiries; groups -> members who came or were removed."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from kpi_kit.core.errors import InputError
from kpi_kit.data.merge import ACCOUNT_STATS, ANSWERED_BY
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.row_batches import RowBatches
from kpi_kit.sources.rows import counted
from kpi_kit.sources.telegram_json import Chat

_COLUMNS = ("inquiry_id", "account_id", "kind", "received_at", "answered_at")


def read_talks(
    chats: Sequence[Chat], account: str, options: ImportOptions, batches: RowBatches, remarks: list[str]
) -> None:
    """Questions of people, and the first answer of ours to each.

    In a personal chat the other side is the chat's own id. In a group ours are the people whom
    ``attribution.yml`` names; a question is answered by the first reply to it, or else by our next message.

    Raises
    ------
    InputError
        Where a group has neither people of ours nor joined or removed members.
    """
    ours = set(options.attribution.specialists.get("telegram", {}))
    read_members(chats, account, options, batches)
    for chat in chats:
        if chat.type != "personal_chat" and not _senders(chat) & _named(ours):
            if not chat.joined and not chat.left:
                raise InputError(
                    f"{chat.path}: {chat}: nobody of ours writes here; name people under "
                    "specialists: telegram: in "
                    "attribution.yml, by their from_id such as user123"
                )
            remarks.append(
                f"inquiries: none from {chat.name!r}, as attribution.yml names nobody of ours who "
                "writes there"
            )
            continue
        rows, people = _inquiries(chat, account, _named(ours), options)
        columns = {name: [row[name] for row in rows] for name in _COLUMNS}
        batches.add("inquiries", columns, list(range(len(rows))), str(chat.path), "newest", chat.stamp)
        if people:
            answered = {"inquiry_id": list(people), "specialist": list(people.values())}
            batches.add(ANSWERED_BY, answered, list(range(len(people))), str(chat.path), "newest", chat.stamp)
        remarks.append(
            f"inquiries: {counted(len(rows), 'row')} from "
            f"{counted(len(chat.messages), 'message')} of {chat.name!r}"
        )


def _named(ours: Iterable[str]) -> set[str]:
    return {number if number.startswith(("user", "channel")) else f"user{number}" for number in ours}


def _senders(chat: Chat) -> set[str]:
    return {message.sender for message in chat.messages}


def _inquiries(
    chat: Chat, account: str, ours: set[str], options: ImportOptions
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    rows: list[dict[str, Any]] = []
    people: dict[str, str] = {}
    open_ones: dict[str, dict[str, Any]] = {}
    by_message: dict[int, dict[str, Any]] = {}
    other = f"user{chat.id}"
    for message in sorted(chat.messages, key=lambda message: (message.at, message.id)):
        theirs = message.sender == other if chat.type == "personal_chat" else message.sender not in ours
        if theirs:
            row = open_ones.get(message.sender)
            if row is None:
                row = {
                    "inquiry_id": f"{chat.id}_{message.id}",
                    "account_id": account,
                    "kind": "message",
                    "received_at": message.at,
                    "answered_at": None,
                }
                open_ones[message.sender] = row
                rows.append(row)
            by_message[message.id] = row
            continue
        answered = (
            [by_message[message.reply_to]] if message.reply_to in by_message else list(open_ones.values())
        )
        for row in answered:
            if row["answered_at"] is None:
                row["answered_at"] = message.at
                person = options.attribution.specialist(
                    "telegram", message.sender
                ) or options.attribution.specialist("telegram", message.sender.removeprefix("user"))
                if person is not None:
                    people[row["inquiry_id"]] = person
        open_ones = {sender: row for sender, row in open_ones.items() if row["answered_at"] is None}
    return rows, people


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
