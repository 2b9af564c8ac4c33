"""Versions of the files that outlive a version of the kit: which can be read, and what is said of others.

A file that tells no number is of schema 1, the first. Older ones that are still read are listed here; a
newer one is refused, because this kit cannot know what it would overlook.
"""

from __future__ import annotations

from collections.abc import Mapping

from kpi_kit.core.errors import KitError

READABLE: Mapping[str, tuple[int, ...]] = {
    "scorecard": (1,),
    "manifest": (1,),
    "params": (1,),
    "data folder": (1,),
    "journal of imports": (1,),
    "journal of the mail": (1,),
}
"""The schemas of each kind of file that this kit reads, the one that it writes last."""


def current(kind: str) -> int:
    """The schema that this kit writes.

    Examples
    --------
    >>> current("scorecard")
    1
    """
    return READABLE[kind][-1]


def problem(kind: str, found: object) -> str | None:
    """What keeps a file of a schema from being read; None where nothing does.

    Examples
    --------
    >>> problem("scorecard", 1)
    >>> problem("scorecard", 2)
    'a scorecard of schema 1 is expected, found 2; it was made by a newer kit: update this one'
    >>> problem("params", "one")
    "params of schema 1 is expected, found 'one'"
    """
    allowed = READABLE[kind]
    if found in allowed and not isinstance(found, bool | float):
        return None
    article = "" if kind == "params" else "a "
    said = f"{article}{kind} of schema {', '.join(map(str, allowed))} is expected, found {found!r:.40}"
    newer = isinstance(found, int) and found > allowed[-1]
    return f"{said}; it was made by a newer kit: update this one" if newer else said


def refuse_other(kind: str, found: object, where: object, error: type[KitError] = KitError) -> None:
    """Refuse a file of a schema that this kit does not read.

    Raises
    ------
    KitError
        Or the kind of it that is given.
    """
    if wrong := problem(kind, found):
        raise error(f"{where}: {wrong}")
