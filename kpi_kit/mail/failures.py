"""A message to ``mail.errors_to`` about a run, an import or digests that failed; each one once a day."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from kpi_kit.core.errors import InputError, ReportError, reason_of
from kpi_kit.core.files import refuse_links, sha256
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import isolated
from kpi_kit.mail import check
from kpi_kit.mail.compose import Envelope, compose
from kpi_kit.mail.content import MessageSettings, fitting, short_content
from kpi_kit.mail.journal import Journal
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.recipients import Recipient
from kpi_kit.mail.sending import Plan, Say, send, write_files
from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session
from kpi_kit.params import Params
from kpi_kit.params.records import Mail
from kpi_kit.report.wording import words

FOLDER = "failures"
"""The folder of these messages and their journal, in the folder of reports."""


@dataclass(frozen=True)
class Failure:
    """What failed; nothing of the data, whose sentences may name people.

    Parameters
    ----------
    command : str
        ``run``, ``import`` or ``alerts``.
    people : tuple of str
        Ids of the specialists without a report.
    problems : int
        How many problems were printed.
    """

    command: str
    people: tuple[str, ...] = ()
    problems: int = 0


def report_failure(
    failure: Failure,
    params: Params,
    out: Path,
    server: Server,
    *,
    clock: Callable[[], dt.datetime],
    say: Say,
    warn: Say,
) -> bool:
    """Send the message; whether it was sent, now or before.

    Raises
    ------
    InputError
        Where its folder cannot be used.
    """
    mail = params.department.mail
    if mail is None or mail.errors_to is None:
        return True
    folder, now = out / FOLDER, clock()
    key = f"{failure.command}-{now.date().isoformat()}"
    recipient = Recipient("errors", key, "", mail.errors_to, ())
    refuse_links(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Journal(folder, clock) as journal, ExitStack() as opened:
            state = journal.state(recipient.key)
            if state.open is not None:
                warn(Phrase("mail.arrived_maybe", key=recipient.key, address=recipient.address))
                return False
            letter = _letter(failure, params, mail, recipient, state.count, now)
            if state.last is not None and state.last.content == letter.content:
                return True
            plan = Plan(recipient, "new", Phrase("mail.new_plain"), letter)
            write_files(journal.folder, [plan], journal)
            return send([plan], journal, opened.enter_context(Session(server)), say, warn)
    except OSError as fault:
        raise InputError(Phrase("mail.not_usable", folder=folder, reason=reason_of(fault))) from None


def _letter(
    failure: Failure, params: Params, mail: Mail, recipient: Recipient, number: int, now: dt.datetime
) -> Letter:
    """The finished message, read back and checked."""
    house, day = params.department, now.date().isoformat()
    settings = MessageSettings(day, house.agency, house.language, house.currency, house.brand.accent)
    say = words(house.language, house.currency)
    title = say.text(f"alerts.failed.{failure.command}")
    told = _sentences(failure, params)
    content = short_content(settings, fitting([title]), title, told, as_of=say.day(day))
    digest = sha256(json.dumps([recipient.key, recipient.address, asdict(content)], sort_keys=True))
    envelope = Envelope(recipient.key, day, mail.sender, house.agency, recipient.address, "", number)
    letter = compose(envelope, content, [], [], _no_picture, digest=digest, date=now)
    own = (house.agency, *_names(failure.people, params))
    expected = check.Expected(mail.sender, recipient.address, own, (), {})
    if problems := check.problems(letter.data, expected):
        raise ReportError(problems)
    return letter


def _sentences(failure: Failure, params: Params) -> list[str]:
    say = words(params.department.language, params.department.currency)
    told = []
    if failure.people:
        told.append(say.text("alerts.failed_people", names=say.join(_names(failure.people, params))))
    if failure.problems:
        told.append(say.plural("alerts.failed_problems", failure.problems))
    return [*told, say.text("alerts.failed_where", command=f"kpi-kit {failure.command}")]


def _names(people: Sequence[str], params: Params) -> list[str]:
    """The names of people as params have them; the department for what is no specialist."""
    say = words(params.department.language, params.department.currency)
    known = {person: params.specialists[person].name for person in params.specialists}
    known |= {person: person for person in params.broken}
    return list(dict.fromkeys(isolated(known.get(person, say.text("department.title"))) for person in people))


def _no_picture(picture: object) -> bytes:
    raise ReportError(Phrase("mail.failure_has_no_pictures"))
