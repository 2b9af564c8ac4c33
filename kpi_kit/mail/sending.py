"""Messages that are planned: show them, keep them as files, send them, and ask about uncertain ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kpi_kit.core.errors import InputError
from kpi_kit.core.files import Folder
from kpi_kit.core.phrases import Phrase
from kpi_kit.mail.delivery import Carrier, deliver
from kpi_kit.mail.journal import Journal, RecipientState
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.recipients import ENDINGS, Recipient, file_name


@dataclass(frozen=True)
class Plan:
    """What happens to a recipient's message.

    Parameters
    ----------
    recipient : Recipient
    status : str
        ``new``, ``correction``, ``sent``, ``changed``, ``uncertain`` or ``none``.
    line : str
        The rest of the line that is shown.
    letter : Letter or None
        Of ``new`` and ``correction``.
    """

    recipient: Recipient
    status: str
    line: str
    letter: Letter | None = None


Say = Callable[[str], None]


def show(plans: Sequence[Plan], say: Say, warn: Say) -> None:
    """Print a line for each plan; what needs a person goes to ``warn``."""
    for plan in plans:
        tell = warn if plan.status in TROUBLE else say
        tell(Phrase("mail.to", key=plan.recipient.key, address=plan.recipient.address, line=plan.line))


TROUBLE = ("changed", "uncertain", "none")


def resolve(answer: str | None, keys: Collection[str], journal: Journal, say: Say) -> None:
    """Record the answer about the uncertain messages of some recipients; None records nothing."""
    if answer is None:
        return
    uncertain = [key for key in journal.uncertain if key in keys]
    for key in uncertain:
        journal.resolve(key, answer)
        say(Phrase("mail.taken_as_sent" if answer == "sent" else "mail.taken_as_not_sent", key=key))
    if not uncertain:
        say(Phrase("mail.nothing_uncertain"))


def question(state: RecipientState) -> str:
    """What a person must find out about an uncertain message."""
    assert state.open is not None
    return Phrase("mail.question", message=state.open.message_id, address=state.open.address)


def write_files(folder: Folder, plans: Sequence[Plan], journal: Journal) -> None:
    """Write planned messages, move sent ones to ``sent`` and delete stale drafts."""
    waiting = {file_name(plan.recipient.key): plan for plan in plans}
    for name in folder.names():
        if not name.endswith(ENDINGS):
            continue
        plan = waiting.get(name)
        if plan is None:
            folder.remove(name)
            continue
        last = journal.state(plan.recipient.key).last
        if last is not None and last.message_id.encode() in folder.read(name)[:4096]:
            _put_away(folder, name, last.message_id)
        elif plan.letter is None and plan.status != "uncertain":
            folder.remove(name)
    for name, plan in waiting.items():
        if plan.letter is not None:
            folder.write(name, plan.letter.data)


_SENT = re.compile(r".+-(?P<start>[0-9a-f]{8})\.(eml|json)")


def _put_away(folder: Folder, name: str, message_id: str) -> None:
    with folder.folder("sent") as home, suppress(FileNotFoundError):  # moved by hand; the journal has it
        folder.move(name, home, f"{Path(name).stem}-{_start(message_id)}{Path(name).suffix}")


def _start(message_id: str) -> str:
    """What the name of a sent message's file has of its id."""
    return message_id.strip("<")[:8]


def refuse_forgotten(journal: Journal) -> None:
    """Refuse a journal that does not name a message in ``sent``: it would be sent again.

    Raises
    ------
    InputError
    """
    if "sent" not in journal.folder.names():
        return
    begun = {_start(message_id) for message_id in journal.begun}
    with journal.folder.folder("sent") as home:
        for name in home.names():
            match = _SENT.fullmatch(name)
            if match and match["start"] not in begun:
                raise InputError(Phrase("mail.forgotten", file=home.path / name, journal=journal.path))


def send(plans: Sequence[Plan], journal: Journal, carrier: Carrier | None, say: Say, warn: Say) -> bool:
    """Send the planned messages; whether all were sent. Without a carrier nothing is sent."""
    letters = [plan.letter for plan in plans if plan.letter is not None]
    if carrier is None:
        say(Phrase("mail.preview", count=len(letters), folder=journal.folder.path))
        return True
    counts = {"sent": 0, "failed": 0, "uncertain": 0, "not_tried": 0}
    for result in deliver(letters, journal, carrier):
        letter = result.letter
        whose = {"key": letter.key, "address": letter.address, "answer": result.answer}
        counts[result.status] += 1
        if result.status == "sent":
            _put_away(journal.folder, file_name(letter.key), letter.message_id)
            say(Phrase("mail.sent_to", **whose))
        elif result.status == "uncertain":
            asked = question(journal.state(letter.key))
            warn(Phrase("mail.uncertain_to", **whose, question=asked))
        elif result.status == "failed":
            warn(Phrase("mail.not_sent_to", **whose))
    say(_counted(counts) or Phrase("mail.nothing_to_send"))
    return counts["sent"] == len(letters)


def _counted(counts: Mapping[str, int]) -> str:
    counted = ""
    for status, count in counts.items():
        if count:
            part = Phrase(f"mail.count_{status}", count=count)
            counted = Phrase("mail.counts", first=counted, second=part) if counted else part
    return counted
