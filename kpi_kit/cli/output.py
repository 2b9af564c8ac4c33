"""Standard output and standard error: closed pipes, and encodings that do not have every character."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from kpi_kit.core.errors import InputError, KitError, reason_of
from kpi_kit.core.phrases import Phrase, renamed, shown
from kpi_kit.core.sanitize import json_on_terminal, on_terminal

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Colours and movements of terminals."""


def prepare_output() -> None:
    """Write characters that the encoding does not have as escapes; write nothing where a stream is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output(stream: TextIO) -> None:
    """Let further output go nowhere: its reader has closed the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Tee(io.TextIOBase):
    """A stream that also writes its whole lines to a log, without the codes of terminals."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream = stream
        self._log = log
        self._begun = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a read-only attribute of the base
        """The encoding of the stream."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write to both."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._log.write(_CODES.sub("", line.rpartition("\r")[2]) + "\n")
        return self._stream.write(text)

    def write_line(self, line: str, logged: str) -> None:
        """Write a line, and another one to the log."""
        self._log.write(f"{logged}\n")
        print(line, file=self._stream, flush=True)

    def flush(self) -> None:
        """Flush both."""
        self._log.flush()
        self._stream.flush()

    def fileno(self) -> int:
        """The descriptor of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """True."""
        return True


@contextmanager
def logged(file: Path | None, words: Sequence[str], clock: Callable[[], dt.datetime]) -> Iterator[None]:
    """Append what a command prints to a file, below its time and words; None logs nothing.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    if file is None:
        yield
        return
    try:
        log = file.open("a", encoding="utf-8")
    except OSError as fault:
        raise InputError(Phrase("cli.log_not_writable", file=file, reason=reason_of(fault))) from None
    out, err = sys.stdout, sys.stderr
    with log:
        log.write(f"# {clock().isoformat(timespec='seconds')} kpi-kit {' '.join(words)}\n")
        sys.stdout, sys.stderr = _Tee(out, log), _Tee(err, log)
        try:
            yield
        except KitError as fault:  # the command line prints it
            log.writelines(f"{problem}\n" for problem in fault.problems)
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = out, err


def say(line: str, stream: TextIO | None = None) -> None:
    """Print a line at once, in the language of the user; a closed pipe does not stop the command.

    A log has it in English.
    """
    stream = sys.stdout if stream is None else stream
    try:
        if isinstance(stream, _Tee):
            stream.write_line(on_terminal(shown(line)), on_terminal(line))
        else:
            print(on_terminal(shown(line)), file=stream, flush=True)
    except BrokenPipeError:
        discard_output(stream)


def say_problems(fault: KitError, names: Mapping[str, str]) -> None:
    """Print the sentences of an error; ``names`` are those of the places of which folders are copies."""
    for problem in fault.problems:
        say(renamed(problem, names), sys.stderr)


def print_json(text: str) -> None:
    """Print JSON; in an encoding that does not have its characters, with all of them escaped."""
    text = json_on_terminal(text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=1) + "\n"
    sys.stdout.write(text)
