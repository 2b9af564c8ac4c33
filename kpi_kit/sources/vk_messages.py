"""VK: messages.getHistory of a community -> inquiries, and the administrator who answered each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kpi_kit.sources.interface import ImportOptions
from kpi_kit.sources.rows import Row, counted, instant
from kpi_kit.sources.vk_answers import Item

COLUMNS = ("inquiry_id", "account_id", "kind", "received_at", "answered_at")


def inquiries(
    items: Iterable[Item], account: str, options: ImportOptions, remarks: list[str]
) -> tuple[tuple[list[Row], Sequence[str]], list[Row]]:
    """Inquiries, and who answered them.

    An inquiry begins with the first message of the other side that is not answered yet, and ends with the
    next message of the community; the messages between them belong to it.

    Raises
    ------
    InputError
        Where a message lacks what its row needs.
    """
    dialogs: dict[int, dict[int, Item]] = {}
    for item in items:
        peer = item.whole_number("peer_id", item.raw.get("peer_id"))
        number = item.whole_number("id", item.raw.get("conversation_message_id", item.raw.get("id")))
        dialogs.setdefault(peer, {})[number] = item
    rows: list[Row] = []
    people: list[Row] = []
    messages = service = 0
    unnamed: set[str] = set()
    for peer, messages_of_dialog in sorted(dialogs.items()):
        open_one: dict[str, Any] | None = None
        for number, item in sorted(messages_of_dialog.items()):
            messages += 1
            if "action" in item.raw:
                service += 1
                continue
            at = instant(item.whole_number("date", item.raw.get("date")), item.where)
            ours = item.whole_number("out", item.raw.get("out", 0)) == 1
            if open_one is None and not ours:
                open_one = {
                    "inquiry_id": f"{peer}_{number}",
                    "account_id": account,
                    "kind": "message",
                    "received_at": at,
                    "answered_at": None,
                }
                rows.append(Row(open_one, item.where, item.stamp))
            elif open_one is not None and ours:
                open_one["answered_at"] = at
                people += _who(item, open_one, options, unnamed)
                open_one = None
    remarks.append(
        f"inquiries: {counted(len(rows), 'row')} from {counted(messages, 'message')} of "
        "messages.getHistory; pages "
        "of one dialog belong into one import"
    )
    if service:
        remarks.append(f"inquiries: {counted(service, 'service message')} skipped")
    if unnamed:
        remarks.append(
            f"answered_by: administrators {', '.join(sorted(unnamed))} are not under specialists: "
            "vk: in attribution.yml"
        )
    return (rows, COLUMNS), people


def _who(item: Item, inquiry: dict[str, Any], options: ImportOptions, unnamed: set[str]) -> list[Row]:
    admin = item.raw.get("admin_author_id")
    if admin is None:
        return []
    person = options.attribution.specialist("vk", admin)
    if person is None:
        unnamed.add(str(admin))
        return []
    return [Row({"inquiry_id": inquiry["inquiry_id"], "specialist": person}, item.where, item.stamp)]
