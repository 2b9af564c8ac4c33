"""The recipients, each with the specialists whose reports they may see."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.files import sha256
from kpi_kit.core.phrases import Phrase
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


def with_ids(everyone: Sequence[Recipient], only: Sequence[str]) -> list[Recipient]:
    """The recipients with some ids, all of them where none are named.

    Raises
    ------
    InputError
        Where there is no such recipient.
    """
    names = {recipient.id for recipient in everyone}
    if unknown := [name for name in only if name not in names]:
        raise InputError(
            [Phrase("mail.no_such_recipient", name=name, hint=did_you_mean(name, names)) for name in unknown]
        )
    return [recipient for recipient in everyone if not only or recipient.id in only]


def recipients(params: Params) -> list[Recipient]:
    """Everyone who receives a message: directors, and specialists where ``mail.to_specialists`` is set."""
    mail = params.department.mail
    own = _specialists(params) if mail is not None and mail.to_specialists else ()
    return [recipient for recipient, _ in (*_directors(params), *own) if recipient.address]


def digest_recipients(params: Params) -> list[Recipient]:
    """Everyone who receives digests, by mail and by Telegram: directors, and specialists where asked for."""
    asked = params.department.alerts
    found = [*_directors(params), *(_specialists(params) if asked.to_specialists else ())]
    by_mail = asked.by_mail and params.department.mail is not None
    return [
        *(recipient for recipient, _ in found if by_mail and recipient.address),
        *(
            replace(recipient, kind=TELEGRAM + recipient.kind, address=str(chat))
            for recipient, chat in found
            if chat is not None
        ),
    ]


def _directors(params: Params) -> Iterator[tuple[Recipient, int | None]]:
    """The directors, each with the chat in Telegram."""
    everyone = sorted([*params.specialists, *params.broken])
    for director in params.department.directors:
        people = everyone if director.specialists is None else dict.fromkeys(director.specialists)
        sees_all = director.specialists is None
        recipient = Recipient(
            "director",
            director.id,
            director.name,
            director.email,
            tuple(people),
            sees_all,
            director.language,
        )
        yield recipient, director.telegram


def _specialists(params: Params) -> Iterator[tuple[Recipient, int | None]]:
    """The specialists, each with the chat in Telegram; the address is empty where there is none."""
    for person in params.specialists.values():
        own = (person.id,)
        recipient = Recipient("specialist", person.id, person.name, person.email or "", own)
        yield replace(recipient, language=person.language), person.telegram


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
