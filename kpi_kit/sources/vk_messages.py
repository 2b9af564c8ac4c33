"""VK: messages.getHistory of a community -> messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kpi_kit.core.phrases import Phrase
from kpi_kit.kpis.engine.closing import is_closing
from kpi_kit.sources.conversations import message_row
from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.rows import Row, instant, table_name
from kpi_kit.sources.vk_answers import Item

_WORDLESS = ("sticker", "graffiti", "gift")


def messages(items: Iterable[Item], account: str, options: ImportOptions, remarks: list[str]) -> list[Row]:
    """Rows of ``messages``, one a message; their text is read for closing thanks, and not kept.

    Raises
    ------
    InputError
        Where a message lacks what its row needs.
    """
    rows: dict[tuple[int, int], Row] = {}
    count = service = 0
    unnamed: set[str] = set()
    for item in items:
        count += 1
        if "action" in item.raw:
            service += 1
            continue
        row = _row(item, account, options, unnamed)
        rows[row.values["dialog_id"], row.values["message_id"]] = row
    fields = {"count": len(rows), "read": count, "name": "messages.getHistory"}
    remarks.append(Phrase("sources.messages_read", table=table_name("messages"), **fields))
    if service:
        remarks.append(Phrase("sources.service_messages", count=service))
    if unnamed:
        remarks.append(Phrase("sources.admins_unnamed", names=sorted(unnamed)))
    return list(rows.values())


def _row(item: Item, account: str, options: ImportOptions, unnamed: set[str]) -> Row:
    peer = item.whole_number("peer_id", item.raw.get("peer_id"))
    by_brand = _by_brand(item, peer)
    author = item.raw.get("admin_author_id") if by_brand else item.raw.get("from_id")
    if by_brand and author is not None and options.attribution.specialist("vk", author) is None:
        unnamed.add(str(author))
    person = options.attribution.specialist("vk", author) if by_brand else None
    return message_row(
        item.where,
        item.stamp,
        account_id=account,
        dialog_id=peer,
        message_id=item.whole_number("id", item.raw.get("conversation_message_id", item.raw.get("id"))),
        at=instant(item.whole_number("date", item.raw.get("date")), item.where),
        by_brand=by_brand,
        author=person or author,
        reply_to=_reply_to(item.raw),
        closing=None
        if by_brand
        else is_closing(str(item.raw.get("text") or ""), wordless=_wordless(item.raw)),
    )


def _by_brand(item: Item, peer: int) -> bool:
    """Whether the community wrote it: ``out``, else a sender that is a community itself."""
    if item.raw.get("out") is not None:
        return item.whole_number("out", item.raw["out"]) == 1
    sender = item.whole_number("from_id", item.raw.get("from_id"))
    return sender < 0 and sender != peer


def _reply_to(raw: Any) -> object:
    answered = raw.get("reply_message")
    if not isinstance(answered, dict):
        return None
    return answered.get("conversation_message_id") or answered.get("id")


def _wordless(raw: Any) -> bool:
    """Whether it is a sticker and the like."""
    attachments = raw.get("attachments")
    kinds = [part.get("type") for part in attachments or [] if isinstance(part, dict)]
    return bool(kinds) and all(kind in _WORDLESS for kind in kinds)
