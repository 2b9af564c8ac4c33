"""Texts that strangers wrote, made harmless where they are shown; in tables they stay as they are.

Escaping is done where HTML, SQL or YAML is written. Here is what escaping leaves: characters that move a
terminal's cursor, and those that turn the direction of writing for all that follows.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LEFTWARD = ("R", "AL")
_KEPT = ("specialist", "url", "logo")
"""Keys of what is no text to read but an address or a part of one."""
_ISOLATE, _END = "\u2068", "\u2069"


def on_terminal(text: str) -> str:
    r"""A text as a terminal may have it: what would not be printed but obeyed is spelled out.

    Examples
    --------
    >>> print(on_terminal("Анна\x1b[2J\r, \u202etxt"))
    Анна\x1b[2J\r, \u202etxt
    """
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def json_on_terminal(text: str) -> str:
    r"""JSON as a terminal may have it: the same value, with its odd characters spelled out.

    Examples
    --------
    >>> print(json_on_terminal('{"name": "\u202eАнна"}'))
    {"name": "\u202eАнна"}
    """
    return _UNPRINTABLE.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)


def bare(text: str) -> str:
    r"""A text without characters that cannot be drawn: controls, and those that only turn the direction.

    Examples
    --------
    >>> bare("a\x1b\u202eb")
    'ab'
    """
    return _UNPRINTABLE.sub("", text)


def isolated(text: str) -> str:
    r"""A text that cannot turn what stands around it, nor hold what no page may.

    Marks that embed or override a direction go; a text with letters that are read from right to left is
    set apart from its surroundings, each line for itself.

    Examples
    --------
    >>> isolated("Анна"), ascii(isolated("\u202eАнна\x00"))
    ('Анна', "'\\u0410\\u043d\\u043d\\u0430\\ufffd'")
    >>> ascii(isolated("a \u05d0"))
    "'\\u2068a \\u05d0\\u2069'"
    """
    if text.isascii() and text.isprintable():
        return text
    plain = "".join(_replaced(sign) for sign in _DIRECTIONS.sub("", text))
    if not any(unicodedata.bidirectional(sign) in _LEFTWARD for sign in plain):
        return plain
    return "\n".join(f"{_ISOLATE}{line}{_END}" if line else "" for line in plain.split("\n"))


def _replaced(sign: str) -> str:
    if "\ud800" <= sign <= "\udfff":
        return "\ufffd"
    return "\ufffd" if _CONTROLS.match(sign) and sign not in "\t\n\r" else sign


def shown(value: Any) -> Any:
    """A record with every text in it isolated; addresses, and texts that are HTML already, stay.

    Examples
    --------
    >>> shown({"name": "Анна", "kpis": [{"value": 1.5, "notes": []}]})
    {'name': 'Анна', 'kpis': [{'value': 1.5, 'notes': []}]}
    """
    if type(value) is str:
        return isolated(value)
    if isinstance(value, dict):
        return {key: part if key in _KEPT else shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(shown, value))
    return value
