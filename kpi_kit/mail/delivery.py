"""Send letters at most once: journal before and after, retry only what was certainly not accepted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kpi_kit.core.phrases import words_of
from kpi_kit.mail.journal import Journal
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.setbacks import Refused, Temporary, Uncertain, Unreachable, Unusable

BACK_OFF = (2.0, 10.0, 60.0)
"""Seconds before the second, third and fourth try."""


MOST_WAIT = 120.0
"""Of a server that asks to wait longer than these seconds, nothing is waited for."""


class Carrier(Protocol):
    """What sends messages: a session of a mail server or of Telegram."""

    def announce(self, letter: Letter) -> None:
        """Do all that can fail before anything of the message is sent."""

    def transmit(self, letter: Letter) -> str:
        """Send the message; returns the server's answer."""


@dataclass(frozen=True)
class Result:
    """The result for a letter: ``sent``, ``failed``, ``uncertain`` or ``not_tried``."""

    letter: Letter
    status: str
    answer: str


def deliver(
    letters: Iterable[Letter],
    journal: Journal,
    session: Carrier,
    back_off: Sequence[float] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Result]:
    """Send letters one after the other.

    Parameters
    ----------
    letters : iterable of Letter
        None of them may be uncertain in the journal.
    journal : Journal
        Open, so that no other run sends.
    session : Session
    back_off : sequence of float or None
        Seconds before each further try after a temporary fault; None for :data:`BACK_OFF`.
    sleep : callable

    Yields
    ------
    Result
        One for each letter. Where the server is unusable, the rest is not tried.
    """
    pauses = BACK_OFF if back_off is None else back_off
    unusable = None
    for letter in letters:
        if unusable is not None:
            yield Result(letter, "not_tried", unusable)
            continue
        try:
            yield _send(letter, journal, session, pauses, sleep)
        except Unusable as fault:
            unusable = words_of(fault)
            yield Result(letter, "failed", unusable)


def _send(
    letter: Letter,
    journal: Journal,
    session: Carrier,
    pauses: Sequence[float],
    sleep: Callable[[float], None],
) -> Result:
    assert journal.state(letter.key).open is None, "what is uncertain is never sent again unasked"
    last = Temporary()
    for pause in (0.0, *pauses):
        pause = max(pause, last.wait)
        if pause > MOST_WAIT:
            break
        if pause:
            sleep(pause)
        try:
            session.announce(letter)
            return _transmit(letter, journal, session)
        except Temporary as fault:
            last = fault
        except Refused as fault:
            return Result(letter, "failed", words_of(fault))
    if isinstance(last, Unreachable):  # the next letter would fail, too
        raise Unusable(words_of(last))
    return Result(letter, "failed", words_of(last))


def _transmit(letter: Letter, journal: Journal, session: Carrier) -> Result:
    journal.begin(letter)
    try:
        answer = session.transmit(letter)
    except (Temporary, Refused) as fault:
        journal.end(letter, "refused", words_of(fault))
        raise
    except Uncertain as fault:
        journal.end(letter, "uncertain", words_of(fault))
        return Result(letter, "uncertain", words_of(fault))
    journal.end(letter, "sent", answer)
    return Result(letter, "sent", answer)
