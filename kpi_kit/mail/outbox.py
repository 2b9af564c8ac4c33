"""Compose everyone's message, show what would go to whom, and send what has not been sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kpi_kit.core.errors import InputError, ReportError, did_you_mean
from kpi_kit.core.files import sha256, write_file
from kpi_kit.mail import check
from kpi_kit.mail.compose import Attachment, Envelope, Pictures, attachments, compose, content_hash
from kpi_kit.mail.content import Asked, Content, content, errors, link
from kpi_kit.mail.delivery import deliver
from kpi_kit.mail.gate import DEPARTMENT, Gate, Held, Sound
from kpi_kit.mail.journal import Journal, Known
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.origins import Origins
from kpi_kit.mail.recipients import Recipient, file_name, recipients
from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session
from kpi_kit.params import Params
from kpi_kit.params.records import Mail

ERRORS = "errors"


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Parameters
    ----------
    period : str
    out : Path
        The folder of reports.
    server : Server or None
        Where to send; None to write the messages and send none.
    resend : bool
        Send a correction to those whose message would say something else by now.
    resolve : str or None
        What a person found out about uncertain messages: ``sent`` or ``again``.
    preliminary : bool
        Mail reports whose figures are not final.
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


@dataclass(frozen=True)
class Plan:
    """What is to become of a recipient's message.

    Parameters
    ----------
    recipient : Recipient
    status : str
        ``new``, ``correction``, ``sent``, ``changed``, ``uncertain`` or ``none``.
    told : str
        The rest of the line that is shown.
    letter : Letter or None
        Of ``new`` and ``correction``.
    """

    recipient: Recipient
    status: str
    told: str
    letter: Letter | None = None


Say = Callable[[str], None]


def post(
    wish: Wish, params: Params, origins: Origins, *, clock: Callable[[], dt.datetime], say: Say, warn: Say
) -> bool:
    """Write, show and, where a server is given, send the messages of a period.

    Parameters
    ----------
    wish : Wish
    params : Params
    origins : Origins
        What the reports would be made from now.
    clock : callable
        What time it is, with its zone.
    say, warn : callable
        Where lines go: what is done, and what somebody has to see to.

    Returns
    -------
    bool
        Whether all is well: nobody was left out, nothing failed, nothing is uncertain.

    Raises
    ------
    InputError
    """
    mail = params.department.mail
    if mail is None:
        raise InputError(f"{params.folder / 'department.yml'}: mail: this key is missing; see docs/mail.md")
    everyone = _wanted(params, wish.only)
    gate = Gate(wish.out / wish.period, wish.period, params, origins, wish.preliminary)
    sound, held = gate.examine()
    for each in held.values():
        warn(f"{each.id}: its report is not mailed: {each.detail}")
    folder = gate.folder / "outbox"
    try:
        folder.mkdir(exist_ok=True)
        with Journal(folder, clock) as journal:
            _resolve(wish, everyone, journal, say)
            pictures = Pictures({person: report.card for person, report in sound.items()})
            desk = _Desk(wish, params, mail, sound, held, gate.department(sound, held), pictures, clock())
            plans = [desk.plan(recipient, journal.known(recipient.key)) for recipient in everyone]
            if held and mail.errors_to and not wish.only:
                plans.append(desk.plan_errors(mail.errors_to, journal.known(ERRORS)))
            _file(folder, plans, journal)
            _show(plans, say, warn)
            delivered = _send(wish, plans, journal, folder, say, warn)
    except OSError as fault:
        raise InputError(f"{folder}: cannot be used: {fault.strerror or fault}") from None
    return delivered and not held and not any(plan.status in _TROUBLE for plan in plans)


def _show(plans: Sequence[Plan], say: Say, warn: Say) -> None:
    for plan in plans:
        tell = warn if plan.status in _TROUBLE else say
        tell(f"{plan.recipient.key} <{plan.recipient.address}>: {plan.told}")


_TROUBLE = ("changed", "uncertain", "none")


def _letters(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"


def _wanted(params: Params, only: Sequence[str]) -> list[Recipient]:
    everyone = recipients(params)
    if not everyone:
        raise InputError(
            f"{params.folder / 'department.yml'}: there is nobody to write to: directors is empty, "
            "and mail.to_specialists finds no specialist with an email"
        )
    names = {recipient.id for recipient in everyone}
    if strangers := [name for name in only if name not in names]:
        raise InputError(
            [f"--to {name}: there is no such recipient{did_you_mean(name, names)}" for name in strangers]
        )
    return [recipient for recipient in everyone if not only or recipient.id in only]


def _resolve(wish: Wish, everyone: Sequence[Recipient], journal: Journal, say: Say) -> None:
    """Take a person's word for what became of uncertain messages."""
    if wish.resolve is None:
        return
    keys = {recipient.key for recipient in everyone} | (set() if wish.only else {ERRORS})
    found = [key for key in journal.uncertain if key in keys]
    for key in found:
        journal.resolve(key, wish.resolve)
        say(f"{key}: taken as {'sent' if wish.resolve == 'sent' else 'not sent'}")
    if not found:
        say("there is nothing uncertain to resolve")


@dataclass(frozen=True)
class _Desk:
    """Where messages are composed, from the reports that may be mailed."""

    wish: Wish
    params: Params
    mail: Mail
    sound: Mapping[str, Sound]
    held: Mapping[str, Held]
    department: bytes | None
    pictures: Pictures
    now: dt.datetime

    def plan(self, recipient: Recipient, known: Known) -> Plan:
        """What is to become of a recipient's message."""
        if known.open is not None:
            return Plan(recipient, "uncertain", _question(known))
        theirs = [self.sound[person] for person in recipient.specialists if person in self.sound]
        absent = [self.held[person] for person in recipient.specialists if person in self.held]
        if not theirs:
            return Plan(recipient, "none", "no message: not one of the reports may be mailed")
        said = content(self._asked(), recipient, theirs, absent)
        envelope = self._envelope(recipient, known)
        told = content_hash(envelope, said, theirs)
        if known.last is not None and known.last.content == told:
            return Plan(recipient, "sent", "sent already, nothing has changed")
        status = "new"
        if known.last is not None:
            if not self.wish.resend:
                return Plan(
                    recipient, "changed", "its content has changed since it was sent; --resend corrects it"
                )
            status, said = "correction", content(self._asked(), recipient, theirs, absent, known.last.figures)
        try:
            files = self._files(recipient, theirs)
            letter = self._letter(envelope, said, theirs, files, told)
            self._check(letter, recipient)
        except ReportError as fault:
            return Plan(recipient, "none", f"no message: {fault}")
        size = sum(len(file.data) for file in files)
        carried = f"{len(theirs)} reports, {size / 1e6:.1f} MB" if files else f"{len(theirs)} reports, linked"
        return Plan(recipient, status, f"{status}: {said.subject!r}; {carried}", letter)

    def plan_errors(self, address: str, known: Known) -> Plan:
        """The list of what is held back, for whoever can mend it."""
        recipient = Recipient(ERRORS, "", "", address, ())
        if known.open is not None:
            return Plan(recipient, "uncertain", _question(known))
        said = errors(self._asked(), list(self.held.values()))
        envelope = self._envelope(recipient, known)
        told = content_hash(envelope, said, [])
        if known.last is not None and known.last.content == told:
            return Plan(recipient, "sent", "sent already, nothing has changed")
        try:
            letter = self._letter(envelope, said, [], [], told)
            self._refuse(check.problems(letter.data, check.Expected(self.mail.sender, address, (), (), {})))
        except ReportError as fault:
            return Plan(recipient, "none", f"no message: {fault}")
        return Plan(recipient, "new", f"new: {said.subject!r}", letter)

    def _asked(self) -> Asked:
        house = self.params.department
        return Asked(
            self.wish.period,
            house.agency,
            house.language,
            house.currency,
            house.brand.accent,
            self.mail.base_url,
        )

    def _envelope(self, recipient: Recipient, known: Known) -> Envelope:
        return Envelope(
            recipient.key,
            self.wish.period,
            self.mail.sender,
            self.params.department.agency,
            recipient.address,
            recipient.name,
            known.count,
        )

    def _files(self, recipient: Recipient, theirs: Sequence[Sound]) -> list[Attachment]:
        if strangers := {report.id for report in theirs} - set(recipient.specialists):
            raise ReportError(f"{', '.join(sorted(strangers))}: not the recipient's")
        if self.mail.base_url:
            return []
        department = self.department if recipient.sees_all else None
        return attachments(theirs, department, self.wish.period, self.mail.attach_limit_mb)

    def _letter(
        self,
        envelope: Envelope,
        said: Content,
        theirs: Sequence[Sound],
        files: Sequence[Attachment],
        told: str,
    ) -> Letter:
        return compose(envelope, said, theirs, files, self.pictures.png, content=told, date=self.now)

    def _check(self, letter: Letter, recipient: Recipient) -> None:
        """Read the finished message back and compare it with whose it is."""
        names = {person: each.name for person, each in self.held.items()}
        names |= {person: str(each.card["name"]) for person, each in self.sound.items()}
        theirs = [person for person in recipient.specialists if person in names]
        titles = [
            held["title"]
            for person in theirs
            if person in self.sound
            for held in self.sound[person].card["assignments"]
        ]
        pages = {f"{person}.html": self.sound[person].page for person in theirs if person in self.sound}
        if recipient.sees_all and self.department is not None:
            pages[f"{DEPARTMENT}.html"] = self.department
        base = self.mail.base_url
        expected = check.Expected(
            sender=self.mail.sender,
            address=recipient.address,
            own=(
                recipient.name,
                self.params.department.agency,
                *(names[person] for person in theirs),
                *titles,
            ),
            others=tuple(name for person, name in names.items() if person not in theirs),
            files={name: sha256(page) for name, page in pages.items()},
            links=tuple(
                link(base, self.wish.period, Path(name).stem) for name in [*pages, f"{DEPARTMENT}.html"]
            )
            if base
            else (),
        )
        self._refuse(check.problems(letter.data, expected))

    @staticmethod
    def _refuse(found: Sequence[str]) -> None:
        if found:
            raise ReportError("; ".join(found))


def _question(known: Known) -> str:
    assert known.open is not None
    return (
        f"whether {known.open.message_id} to {known.open.address} was accepted is unknown: "
        "look for it there, then say --resolve sent, or --resolve again to send it once more"
    )


# ---------------------------------------------------------------- files


def _file(folder: Path, plans: Sequence[Plan], journal: Journal) -> None:
    """The outbox holds what waits, ``sent`` what is gone; a message that nobody plans any more goes."""
    waiting = {file_name(plan.recipient.key): plan for plan in plans}
    for path in sorted(folder.glob("*.eml")):
        plan = waiting.get(path.name)
        if plan is None:
            path.unlink()
            continue
        last = journal.known(plan.recipient.key).last
        if last is not None and last.message_id.encode() in path.read_bytes()[:4096]:
            _put_away(path, last.message_id)
        elif plan.letter is None and plan.status != "uncertain":
            path.unlink()
    for name, plan in waiting.items():
        if plan.letter is not None:
            write_file(folder / name, plan.letter.data)


def _put_away(path: Path, message_id: str) -> None:
    home = path.parent / "sent"
    home.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):  # somebody has tidied up; the journal knows that it was sent
        path.replace(home / f"{path.stem}-{message_id.strip('<')[:8]}.eml")


# ---------------------------------------------------------------- sending


def _send(wish: Wish, plans: Sequence[Plan], journal: Journal, folder: Path, say: Say, warn: Say) -> bool:
    letters = [plan.letter for plan in plans if plan.letter is not None]
    if wish.server is None:
        say(f"{_letters(len(letters))} in {folder}; nothing is sent without --send")
        return True
    counts = {"sent": 0, "failed": 0, "uncertain": 0, "not_tried": 0}
    with Session(wish.server, wish.timeout) as session:
        for result in deliver(letters, journal, session):
            letter = result.letter
            counts[result.status] += 1
            if result.status == "sent":
                _put_away(folder / file_name(letter.key), letter.message_id)
                say(f"{letter.key} <{letter.address}>: sent ({result.answer})")
            elif result.status == "uncertain":
                question = _question(journal.known(letter.key))
                warn(f"{letter.key} <{letter.address}>: {question} ({result.answer})")
            elif result.status == "failed":
                warn(f"{letter.key} <{letter.address}>: not sent: {result.answer}")
    say("; ".join(_counted(counts)) or "nothing to send")
    return counts["sent"] == len(letters)


def _counted(counts: Mapping[str, int]) -> Iterator[str]:
    for status, count in counts.items():
        if count:
            yield f"{count} {status.replace('_', ' ')}"
