"""Rows of ``messages``: who wrote when in which conversation. No text of messages is kept."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kpi_kit.sources.rows import Place, Row

MESSAGE_COLUMNS = ("account_id", "dialog_id", "message_id", "kind", "at", "by_brand") + (
    "author",
    "reply_to",
    "closing",
)


def message_row(where: Place, stamp: dt.datetime | None, **values: Any) -> Row:
    """A row of ``messages``; ids are text, and the kind is ``message`` unless stated.

    Parameters
    ----------
    where : Place
    stamp : datetime.datetime or None
        Up to when the file speaks.
    **values
        Values by column.
    """
    ids = {
        name: None if values.get(name) is None else str(values[name])
        for name in ("dialog_id", "message_id", "author", "reply_to")
    }
    return Row({"kind": "message", **values, **ids}, where, stamp)
