"""Ids of specialists: they name files, here and on the machines of those who get the reports."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

RESERVED_IDS = ("index", "manifest", "backtest")
"""File names beside the reports; no specialist can be called so."""

_ID = re.compile(r"[\w][\w.-]{0,99}")
_MOST_BYTES = 200
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.DOTALL)
"""Names that Windows keeps for devices, whatever the ending."""


def problem_of_id(text: str) -> str | None:
    """What keeps an id from being the name of files; None where nothing does.

    Examples
    --------
    >>> problem_of_id("anna-petrova") is problem_of_id("Анна.2") is None
    True
    >>> problem_of_id("../anna")
    'allowed are letters, digits, ., - and _, up to 100 of them'
    >>> problem_of_id("Index")
    'index, manifest, backtest are names of files beside the reports'
    >>> problem_of_id("nul.2")
    'Windows cannot have a file of this name'
    """
    if not _ID.fullmatch(text) or len(text.encode("utf-8", "replace")) > _MOST_BYTES:
        return "allowed are letters, digits, ., - and _, up to 100 of them"
    if same_file(text) in RESERVED_IDS:
        return f"{', '.join(RESERVED_IDS)} are names of files beside the reports"
    if _DEVICES.fullmatch(same_file(text)) or text.endswith("."):
        return "Windows cannot have a file of this name"
    if same_file(text).endswith(".failed"):
        return "names that end with .failed are those of notebooks that failed"
    return None


def same_file(text: str) -> str:
    """What is equal for two names that some disks take for one: case, and how letters are composed.

    Examples
    --------
    >>> same_file("Anna") == same_file("anna")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def collisions(ids: Iterable[str]) -> dict[str, str]:
    """Ids that some disks cannot tell apart, each with another one of these.

    Examples
    --------
    >>> collisions(["anna", "Anna", "ivan"])
    {'anna': 'Anna', 'Anna': 'anna'}
    """
    groups: dict[str, list[str]] = {}
    for each in ids:
        groups.setdefault(same_file(each), []).append(each)
    return {
        one: next(other for other in group if other != one)
        for group in groups.values()
        for one in group
        if len(group) > 1
    }
