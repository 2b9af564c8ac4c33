"""The journal of sending: lines of JSON, on disk before and after each send.

==============  =========================================================================
``sending``     the server is ready; from here on the message may go out
``sent``        the server has accepted it
``refused``     the server has refused it, or the connection was lost before the message was whole
``uncertain``   the message was sent whole, and no answer came
``resolved``    a person has decided: ``answer`` is ``sent`` or ``again``
==============  =========================================================================

A ``sending`` without a following line is left by a crash; it counts as ``uncertain``.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

from kpi_kit.core import file_versions
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import Folder
from kpi_kit.core.json_io import parse_json
from kpi_kit.core.phrases import Phrase
from kpi_kit.mail.letter import Letter

SCHEMA = file_versions.current("journal of the mail")
NAME = "journal.jsonl"
ANSWERS = ("sent", "again")


@dataclass(frozen=True)
class Sent:
    """A message that may have gone out."""

    message_id: str
    content: str
    address: str
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class RecipientState:
    """The messages of a recipient so far.

    Parameters
    ----------
    last : Sent or None
        The last accepted message.
    count : int
        How many messages were accepted.
    open : Sent or None
        An uncertain message.
    """

    last: Sent | None = None
    count: int = 0
    open: Sent | None = None


class Journal:
    """The journal of an outbox, locked while it is open: two runs cannot send at once.

    Parameters
    ----------
    folder : Path
        The outbox.
    clock : callable
        The current time.
    preview : bool
        Whether nothing is sent or resolved, so that a system without file locks will do.

    Attributes
    ----------
    begun : set of str
        The ids of all messages that may have gone out.
    """

    def __init__(self, folder: Path, clock: Callable[[], dt.datetime], *, preview: bool = False) -> None:
        self._preview = preview
        self.path = folder / NAME
        self._clock = clock
        self._states: dict[str, RecipientState] = {}
        self.begun: set[str] = set()
        self._handle = -1
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if fcntl is None and not self._preview:
            raise InputError(Phrase("mail.no_locks"))
        with ExitStack() as open_so_far:
            self.folder = open_so_far.enter_context(Folder(self.path.parent))
            self._handle = self.folder.open(NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            open_so_far.callback(os.close, self._handle)
            try:
                if fcntl is not None:
                    fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(Phrase("mail.busy", path=self.path)) from None
            self.folder.sync()
            self._read()
            self._open = open_so_far.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def state(self, key: str) -> RecipientState:
        """The state of a recipient."""
        return self._states.get(key, RecipientState())

    @property
    def uncertain(self) -> dict[str, Sent]:
        """The uncertain messages by recipient."""
        return {key: state.open for key, state in self._states.items() if state.open is not None}

    def begin(self, letter: Letter) -> None:
        """Record that a message is sent next; send it only after this returns."""
        self._append(
            "sending",
            letter.key,
            message_id=letter.message_id,
            address=letter.address,
            content=letter.content,
            figures=dict(letter.figures),
        )

    def end(self, letter: Letter, event: str, answer: str) -> None:
        """Record the result: ``sent``, ``refused`` or ``uncertain``."""
        self._append(event, letter.key, message_id=letter.message_id, answer=answer)

    def resolve(self, key: str, answer: str) -> None:
        """Record a person's decision on an uncertain message."""
        uncertain = self.state(key).open
        assert uncertain is not None and answer in ANSWERS
        self._append("resolved", key, message_id=uncertain.message_id, answer=answer)

    def _append(self, event: str, key: str, **fields: Any) -> None:
        entry = {
            "schema": SCHEMA,
            "at": self._clock().isoformat(timespec="milliseconds"),
            "event": event,
            "to": key,
            **fields,
        }
        line = (json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n").encode()
        if os.write(self._handle, line) != len(line):
            raise OSError(f"{self.path}: the disk took only a part of a line")
        os.fsync(self._handle)
        self._learn(entry)

    def _read(self) -> None:
        """Read every line; a last line that a crash cut off is removed."""
        content = self.folder.read(NAME)
        whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].splitlines(), 1):
            try:
                entry = parse_json(line)
                file_versions.refuse_other(
                    "journal of the mail", entry.get("schema", 1), self.path, InputError
                )
                self._learn(entry)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise InputError(Phrase("mail.bad_journal", path=self.path, number=number)) from None
        if whole < len(content):
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)

    def _learn(self, entry: Mapping[str, Any]) -> None:
        key, state, message_id = entry["to"], self.state(entry["to"]), entry["message_id"]
        begun = None if state.open is None else state.open.message_id
        match entry["event"]:
            case "sending":
                _require(begun in (None, message_id), f"{begun} was not ended")
                fields = (entry[name] for name in ("message_id", "content", "address", "figures"))
                self._states[key] = replace(state, open=Sent(*fields))
                self.begun.add(message_id)
                return
            case "sent":
                accepted = True
            case "resolved" if entry["answer"] in ANSWERS:
                accepted = entry["answer"] == "sent"
            case "refused":
                accepted = False
            case "uncertain":
                _require(begun == message_id, f"{message_id} was not begun")
                return
            case other:
                raise ValueError(other)
        _require(begun == message_id, f"{message_id} was not begun")
        if accepted:
            self._states[key] = RecipientState(state.open, state.count + 1)
        else:
            self._states[key] = replace(state, open=None)


def _require(fits: bool, sentence: str) -> None:
    """Refuse a journal in which a line is missing: by such a one a message would be sent twice."""
    if not fits:
        raise ValueError(sentence)
