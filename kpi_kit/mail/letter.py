"""A message that is ready to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Letter:
    """A finished message with what the journal keeps of it.

    Parameters
    ----------
    key : str
        Whose it is: ``director:<id>``, ``specialist:<id>`` or ``errors``.
    sender, address : str
        From where, to where: one address each.
    message_id : str
        The same for the same recipient, period and content.
    content : str
        A hash of what the message says, whatever it looks like.
    figures : mapping
        The figures that it tells, by specialist and entry, so that a correction can name what changed.
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
