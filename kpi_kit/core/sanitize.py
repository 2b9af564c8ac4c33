"""Make untrusted texts safe to show: control characters and marks of writing direction.

HTML, SQL and YAML are escaped where they are written. Tables keep the texts as they are.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")  # the last two are not XML
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LEFTWARD = ("R", "AL")
_KEPT = ("specialist", "url", "logo")
"""Keys whose texts are addresses or parts of addresses: they stay as they are."""
_ISOLATE, _END = "\u2068", "\u2069"


def on_terminal(text: str) -> str:
    r"""A text for a terminal: unprintable characters are written as escapes.

    Examples
    --------
    >>> print(on_terminal("Анна\x1b[2J\r, \u202etxt"))
    Анна\x1b[2J\r, \u202etxt
    """
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def json_on_terminal(text: str) -> str:
    r"""JSON for a terminal: the same value, with unprintable characters written as escapes.

    Examples
    --------
    >>> print(json_on_terminal('{"name": "\u202eАнна"}'))
    {"name": "\u202eАнна"}
    """
    return _UNPRINTABLE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


def bare(text: str) -> str:
    r"""A text without control characters and marks of writing direction.

    Examples
    --------
    >>> bare("a\x1b\u202eb")
    'ab'
    """
    return _UNPRINTABLE.sub("", text)


def isolated(text: str) -> str:
    r"""A text that cannot change the direction of the text around it and has no control characters.

    Marks that embed or override a direction are removed; each line of a text with right-to-left letters
    is isolated.

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
    """A record with all its texts isolated; addresses and HTML stay as they are.

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
