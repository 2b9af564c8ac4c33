"""A message that is ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Letter:
    """A finished message, with the fields that the journal keeps.

    Parameters
    ----------
    key : str
        ``director:<id>``, ``specialist:<id>`` or ``errors``.
    sender, address : str
        One address each.
    message_id : str
        The same for the same recipient, period and content.
    content : str
        The hash of its words and figures.
    figures : mapping
        By specialist and entry, so that a correction can name the changes.
    data : bytes
        The message with CRLF line ends.
    """

    key: str
    sender: str
    address: str
    message_id: str
    content: str
    figures: Mapping[str, Any] = field(repr=False)
    data: bytes = field(repr=False)
