"""Schema versions of the kit's own files: which ones this kit reads, and the error for all others.

A file without a version has schema 1. Files of a newer schema are refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from kpi_kit.core.errors import KitError
from kpi_kit.core.phrases import Phrase

READABLE: Mapping[str, tuple[int, ...]] = {
    "scorecard": (1,),
    "manifest": (1,),
    "params": (1,),
    "data folder": (1, 2),
    "journal of imports": (1,),
    "journal of the mail": (1,),
    "snapshot": (1,),
    "file of the cohort": (1,),
}
"""The schemas that this kit reads, by kind of file; the last one is the one it writes."""


def current(kind: str) -> int:
    """The schema that this kit writes for a kind of file.

    Examples
    --------
    >>> current("scorecard")
    1
    """
    return READABLE[kind][-1]


def problem(kind: str, schema: object) -> str | None:
    """Why a file of this schema cannot be read; None where it can.

    Examples
    --------
    >>> problem("scorecard", 1)
    >>> problem("scorecard", 2)
    'a scorecard of schema 1 is expected, found 2; it was made by a newer kit: update this one'
    >>> problem("params", "one")
    "params of schema 1 is expected, found 'one'"
    """
    readable = READABLE[kind]
    if schema in readable and not isinstance(schema, bool | float):
        return None
    kind_name = Phrase(f"core.kind_{kind.replace(' ', '_')}")
    newer = isinstance(schema, int) and schema > readable[-1]
    more = Phrase("core.newer_kit") if newer else ""
    return Phrase(
        "core.other_schema", kind=kind_name, schemas=list(map(str, readable)), found=schema, more=more
    )


def refuse_other(kind: str, schema: object, where: object, error: type[KitError] = KitError) -> None:
    """Refuse a file of a schema that this kit does not read.

    Raises
    ------
    KitError
        Of the class ``error``.
    """
    if reason := problem(kind, schema):
        raise error(Phrase("core.within", where=where, problem=reason))
