"""The recipients, each with the specialists whose reports they may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpi_kit.core.files import sha256
from kpi_kit.params import Params


@dataclass(frozen=True)
class Recipient:
    """A person who receives a message.

    Parameters
    ----------
    kind : str
        ``director``, ``specialist``, or ``errors`` for the person who makes the reports.
    id, name, address : str
    specialists : tuple of str
        Ids of the specialists whose reports they may see.
    sees_all : bool
        Whether they may see the department's page.
    language : str or None
        Of the message; None is the department's.
    """

    kind: str
    id: str
    name: str
    address: str
    specialists: tuple[str, ...]
    sees_all: bool = False
    language: str | None = None

    @property
    def key(self) -> str:
        """The key in the journal."""
        return f"{self.kind}:{self.id}" if self.id else self.kind


def recipients(params: Params) -> list[Recipient]:
    """Everyone who receives a message: directors, and specialists where ``mail.to_specialists`` is set."""
    return [*_directors(params), *_specialists(params)]


def _directors(params: Params) -> Iterator[Recipient]:
    everyone = sorted([*params.specialists, *params.broken])
    for director in params.department.directors:
        people = everyone if director.specialists is None else dict.fromkeys(director.specialists)
        sees_all = director.specialists is None
        yield Recipient(
            "director",
            director.id,
            director.name,
            director.email,
            tuple(people),
            sees_all,
            director.language,
        )


def _specialists(params: Params) -> Iterator[Recipient]:
    mail = params.department.mail
    if mail is None or not mail.to_specialists:
        return
    for person in params.specialists.values():
        if person.email is not None:
            own = (person.id,)
            yield Recipient("specialist", person.id, person.name, person.email, own, language=person.language)


ENDINGS = (".eml", ".json")
"""The endings of files of messages: by mail and by Telegram."""
TELEGRAM = "telegram-"
"""How the keys of recipients by Telegram begin."""


def file_name(key: str) -> str:
    """The file name of a recipient's message; an id may hold any characters.

    Examples
    --------
    >>> file_name("director:head-content"), file_name("telegram-director:olga")
    ('director-head-content.eml', 'telegram-director-olga.json')
    >>> file_name("director:../../etc")
    'director-______etc-30c64acd.eml'
    """
    plain = key.replace(":", "-", 1)
    safe = re.sub(r"[^\w-]", "_", plain)[:60]
    ending = ENDINGS[key.startswith(TELEGRAM)]
    return f"{safe}{ending}" if safe == plain else f"{safe}-{sha256(key)[:8]}{ending}"
