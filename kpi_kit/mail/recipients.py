"""Who gets whose reports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpi_kit.core.files import sha256
from kpi_kit.params import Params


@dataclass(frozen=True)
class Recipient:
    """One person, and the specialists whose reports they may see.

    Parameters
    ----------
    kind : str
        ``director``, ``specialist``, or ``errors`` for whoever prepares the reports.
    id, name, address : str
    specialists : tuple of str
        The ids of those who are theirs, and of nobody else.
    sees_all : bool
        Whether the department's page is theirs, too.
    """

    kind: str
    id: str
    name: str
    address: str
    specialists: tuple[str, ...]
    sees_all: bool = False

    @property
    def key(self) -> str:
        """Their name in the journal."""
        return f"{self.kind}:{self.id}" if self.id else self.kind


def recipients(params: Params) -> list[Recipient]:
    """Everyone who gets a message: directors, and specialists where ``mail.to_specialists`` says so."""
    return [*_directors(params), *_specialists(params)]


def _directors(params: Params) -> Iterator[Recipient]:
    everyone = sorted([*params.specialists, *params.broken])
    for director in params.department.directors:
        theirs = everyone if director.specialists is None else dict.fromkeys(director.specialists)
        sees_all = director.specialists is None
        yield Recipient("director", director.id, director.name, director.email, tuple(theirs), sees_all)


def _specialists(params: Params) -> Iterator[Recipient]:
    mail = params.department.mail
    if mail is None or not mail.to_specialists:
        return
    for person in params.specialists.values():
        if person.email is not None:
            yield Recipient("specialist", person.id, person.name, person.email, (person.id,))


def file_name(key: str) -> str:
    """A name for the file of a recipient; an id may hold anything.

    Examples
    --------
    >>> file_name("director:head-content")
    'director-head-content.eml'
    >>> file_name("director:../../etc")
    'director-______etc-30c64acd.eml'
    """
    plain = key.replace(":", "-", 1)
    safe = re.sub(r"[^\w-]", "_", plain)[:60]
    return f"{safe}.eml" if safe == plain else f"{safe}-{sha256(key)[:8]}.eml"
