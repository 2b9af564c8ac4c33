"""The outbox: compose a message for each recipient, print the plan, and send what was not sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kpi_kit.batch.workspace import PAYOUT
from kpi_kit.core.errors import InputError, ReportError, reason_of
from kpi_kit.core.files import refuse_links, sha256
from kpi_kit.core.phrases import Phrase
from kpi_kit.mail import check
from kpi_kit.mail.compose import Attachment, Envelope, Pictures, attachments, compose, content_hash, pages
from kpi_kit.mail.content import Content, MessageSettings, errors_content, link, message_content, plain
from kpi_kit.mail.current_inputs import CurrentInputs
from kpi_kit.mail.gate import DEPARTMENT, Gate, Held, Mailable
from kpi_kit.mail.journal import Journal, RecipientState
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.recipients import Recipient, recipients, with_ids
from kpi_kit.mail.sending import (
    TROUBLE,
    Plan,
    Say,
    question,
    refuse_forgotten,
    resolve,
    send,
    show,
    write_files,
)
from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session
from kpi_kit.params import Params, read_comment
from kpi_kit.params.comments import DEPARTMENT as COMMENT
from kpi_kit.params.records import Mail
from kpi_kit.report import parts

ERRORS = "errors"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class MailOptions:
    """The options of the command ``mail``.

    Parameters
    ----------
    period : str
    out : Path
        The folder of reports.
    server : Server or None
        Where to send; None to write messages without sending.
    resend : bool
        Send corrections where the content has changed since a message was sent.
    resolve : str or None
        What to do about uncertain messages: ``sent`` or ``again``.
    preliminary : bool
        Mail interim and preliminary reports, too.
    only : tuple of str
        Ids of recipients; empty for all.
    timeout : float
        Seconds that the server may take to answer.
    """

    period: str
    out: Path
    server: Server | None = None
    resend: bool = False
    resolve: str | None = None
    preliminary: bool = False
    only: tuple[str, ...] = ()
    timeout: float = 60.0


def post(
    options: MailOptions,
    params: Params,
    inputs: CurrentInputs,
    *,
    clock: Callable[[], dt.datetime],
    say: Say,
    warn: Say,
) -> bool:
    """Write, show and, where a server is given, send the messages of a period.

    Parameters
    ----------
    options : MailOptions
    params : Params
    inputs : CurrentInputs
        The hashes of the inputs as they are now.
    clock : callable
        The time with its zone.
    say, warn : callable
        Print a line: progress, and problems.

    Returns
    -------
    bool
        Whether nobody is left out, nothing failed and nothing is uncertain.

    Raises
    ------
    InputError
    """
    mail = params.department.mail
    if mail is None:
        raise InputError(Phrase("mail.no_mail_key", file=params.folder / "department.yml"))
    everyone = _selected(params, options.only)
    refuse_links(options.out / options.period)
    gate = Gate(options.out / options.period, options.period, params, inputs, options.preliminary)
    mailable, held = gate.examine()
    for report in held.values():
        warn(Phrase("mail.held", specialist=report.id, reason=report.detail))
    folder = gate.folder / "outbox"
    try:
        folder.mkdir(exist_ok=True)
        preview = options.server is None and options.resolve is None
        with Journal(folder, clock, preview=preview) as journal:
            refuse_forgotten(journal)
            keys = {recipient.key for recipient in everyone} | (set() if options.only else {ERRORS})
            resolve(options.resolve, keys, journal, say)
            pictures = Pictures({person: report.card for person, report in mailable.items()})
            department = gate.department(mailable, held)
            payout = gate.payout(mailable, held) if mail.payroll else None
            composer = _Composer(options, params, mail, mailable, held, department, payout, pictures, clock())
            plans = [composer.plan(recipient, journal.state(recipient.key)) for recipient in everyone]
            if held and mail.errors_to and not options.only:
                plans.append(composer.plan_errors(mail.errors_to, journal.state(ERRORS)))
            write_files(journal.folder, plans, journal)
            show(plans, say, warn)
            with ExitStack() as opened:
                server = options.server
                session = opened.enter_context(Session(server, options.timeout)) if server else None
                delivered = send(plans, journal, session, say, warn)
    except OSError as fault:
        raise InputError(Phrase("mail.not_usable", folder=folder, reason=reason_of(fault))) from None
    return delivered and not held and not any(plan.status in TROUBLE for plan in plans)


def _selected(params: Params, only: Sequence[str]) -> list[Recipient]:
    everyone = recipients(params)
    if not everyone:
        raise InputError(Phrase("mail.nobody", file=params.folder / "department.yml"))
    return with_ids(everyone, only)


@dataclass(frozen=True)
class _Composer:
    """Plans and composes messages from the reports that may be mailed."""

    options: MailOptions
    params: Params
    mail: Mail
    mailable: Mapping[str, Mailable]
    held: Mapping[str, Held]
    department: bytes | None
    payout: bytes | None
    pictures: Pictures
    now: dt.datetime

    def plan(self, recipient: Recipient, state: RecipientState) -> Plan:
        """Plan a recipient's message."""
        if state.open is not None:
            return Plan(recipient, "uncertain", question(state))
        reports = [self.mailable[person] for person in recipient.specialists if person in self.mailable]
        absent = [self.held[person] for person in recipient.specialists if person in self.held]
        if not reports:
            return Plan(recipient, "none", Phrase("mail.none_ready"))
        settings = self._settings(recipient)
        content = message_content(settings, recipient, reports, absent)
        envelope = self._envelope(recipient, state)
        digest = content_hash(envelope, content, reports)
        if state.last is not None and state.last.content == digest:
            return Plan(recipient, "sent", Phrase("mail.sent_already"))
        status = "new"
        if state.last is not None:
            if not self.options.resend:
                return Plan(recipient, "changed", Phrase("mail.changed"))
            status, content = (
                "correction",
                message_content(settings, recipient, reports, absent, state.last.figures),
            )
        try:
            files = self._files(recipient, reports)
            letter = self._letter(envelope, content, reports, files, digest)
            self._check(letter, recipient, content)
        except ReportError as fault:
            return Plan(recipient, "none", Phrase("mail.no_message", reason=fault))
        size = sum(len(file.data) for file in files)
        carried = (
            Phrase("mail.linked", count=len(reports))
            if self.mail.base_url
            else Phrase("mail.attached", count=len(reports), size=round(size / 1e6, 1))
        )
        return Plan(
            recipient, status, Phrase(f"mail.{status}_with", subject=content.subject, carried=carried), letter
        )

    def plan_errors(self, address: str, state: RecipientState) -> Plan:
        """Plan the list of held reports, for the person who makes the reports."""
        recipient = Recipient(ERRORS, "", "", address, ())
        if state.open is not None:
            return Plan(recipient, "uncertain", question(state))
        content = errors_content(self._settings(recipient), list(self.held.values()))
        envelope = self._envelope(recipient, state)
        digest = content_hash(envelope, content, [])
        if state.last is not None and state.last.content == digest:
            return Plan(recipient, "sent", Phrase("mail.sent_already"))
        try:
            letter = self._letter(envelope, content, [], [], digest)
            self._refuse(check.problems(letter.data, check.Expected(self.mail.sender, address, (), (), {})))
        except ReportError as fault:
            return Plan(recipient, "none", Phrase("mail.no_message", reason=fault))
        return Plan(recipient, "new", Phrase("mail.new", subject=content.subject), letter)

    def _settings(self, recipient: Recipient) -> MessageSettings:
        house, period = self.params.department, self.options.period
        sees_department = recipient.sees_all and self.department is not None
        return MessageSettings(
            period,
            house.agency,
            recipient.language or house.language,
            house.currency,
            house.brand.accent,
            self.mail.base_url,
            read_comment(self.params.folder, period, COMMENT) if sees_department else None,
            all(person.variable_pay is not None for person in self.params.specialists.values()),
        )

    def _envelope(self, recipient: Recipient, state: RecipientState) -> Envelope:
        return Envelope(
            recipient.key,
            self.options.period,
            self.mail.sender,
            self.params.department.agency,
            recipient.address,
            recipient.name,
            state.count,
        )

    def _files(self, recipient: Recipient, reports: Sequence[Mailable]) -> list[Attachment]:
        if foreign := {report.id for report in reports} - set(recipient.specialists):
            raise ReportError(Phrase("mail.not_theirs", people=sorted(foreign)))
        statement = [Attachment(PAYOUT, _XLSX, self.payout)] if recipient.sees_all and self.payout else []
        if self.mail.base_url:
            return statement
        department = self.department if recipient.sees_all else None
        attached = attachments(reports, department, self.options.period, self.mail.attach_limit_mb)
        return [*attached, *statement]

    def _letter(
        self,
        envelope: Envelope,
        content: Content,
        reports: Sequence[Mailable],
        files: Sequence[Attachment],
        digest: str,
    ) -> Letter:
        png = partial(self.pictures.png, language=content.language)
        return compose(envelope, content, reports, files, png, digest=digest, date=self.now)

    def _check(self, letter: Letter, recipient: Recipient, content: Content) -> None:
        """Read the finished message back and check that it is the recipient's."""
        base = self.mail.base_url
        names = {person: report.name for person, report in self.held.items()}
        names |= {person: str(report.card["name"]) for person, report in self.mailable.items()}
        theirs = [person for person in recipient.specialists if person in names]
        cards = [self.mailable[person].card for person in theirs if person in self.mailable]
        titles = [held["title"] for card in cards for held in card["assignments"]]
        titles += [title for card in cards for title in card.get("called", {}).values()]
        reports = [self.mailable[person] for person in theirs if person in self.mailable]
        files = pages(reports, self.department if recipient.sees_all else None)
        linked = [
            link(base, self.options.period, name)
            for name in (*(report.id for report in reports), DEPARTMENT)
            if base
        ]
        if recipient.sees_all and self.payout is not None:
            files[PAYOUT] = self.payout  # the head of the department may name and link to whatever they like
        comments = [text for _, text in content.comments]
        rendered = [check.read(str(parts.comment(text) or "")) for text in comments]
        expected = check.Expected(
            sender=self.mail.sender,
            address=recipient.address,
            own=(
                recipient.name,
                self.params.department.agency,
                *(names[person] for person in theirs),
                *titles,
                *(plain(text) for text in (*comments, *(page.text for page in rendered))),
            ),
            others=tuple(name for person, name in names.items() if person not in theirs),
            files={name: sha256(data) for name, data in files.items()},
            links=(*linked, *(address for page in rendered for address in page.links)),
        )
        self._refuse(check.problems(letter.data, expected))

    @staticmethod
    def _refuse(problems: Sequence[str]) -> None:
        if problems:
            raise ReportError(problems)
