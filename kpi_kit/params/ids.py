"""Ids of specialists: they are file names on every system that reports reach."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from kpi_kit.core.phrases import Phrase

RESERVED_IDS = ("index", "manifest", "backtest", "department", "payout", "alerts")
"""Names of files beside the reports and of the department's comment, which no specialist can have."""

_ID = re.compile(r"[\w][\w.-]{0,99}")
_MOST_BYTES = 200
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.DOTALL)
"""Names that Windows reserves for devices, with any ending."""


def problem_of_id(text: str) -> str | None:
    """Why an id cannot be a file name; None where it can.

    Examples
    --------
    >>> problem_of_id("anna-petrova") is problem_of_id("Анна.2") is None
    True
    >>> problem_of_id("../anna")
    'expected letters, digits, ., - and _, up to 100 of them'
    >>> problem_of_id("Index")
    'index, manifest, backtest, department, payout, alerts are names of files beside the reports'
    >>> problem_of_id("nul.2")
    'Windows cannot have a file of this name'
    """
    if not _ID.fullmatch(text) or len(text.encode("utf-8", "replace")) > _MOST_BYTES:
        return Phrase("params.id_letters")
    if same_file(text) in RESERVED_IDS:
        return Phrase("params.id_reserved", names=", ".join(RESERVED_IDS))
    if _DEVICES.fullmatch(same_file(text)) or text.endswith("."):
        return Phrase("params.id_device")
    if same_file(text).endswith(".failed"):
        return Phrase("params.id_failed")
    return None


def same_file(text: str) -> str:
    """A form that is equal for names that some disks do not distinguish: case and composed letters.

    Examples
    --------
    >>> same_file("Anna") == same_file("anna")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def collisions(ids: Iterable[str]) -> dict[str, str]:
    """Ids that some disks cannot distinguish, with the id that they collide with.

    Examples
    --------
    >>> collisions(["anna", "Anna", "ivan"])
    {'anna': 'Anna', 'Anna': 'anna'}
    """
    groups: dict[str, list[str]] = {}
    for name in ids:
        groups.setdefault(same_file(name), []).append(name)
    return {
        one: next(other for other in group if other != one)
        for group in groups.values()
        for one in group
        if len(group) > 1
    }
