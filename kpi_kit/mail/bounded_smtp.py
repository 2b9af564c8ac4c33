"""Connections by SMTP whose answers are bounded in lines, bytes and total time."""

from __future__ import annotations

import smtplib
import socket
import time

from kpi_kit.core.phrases import Phrase

MOST_LINES = 128
"""The most lines of an answer; those to EHLO have about twenty."""
MOST_BYTES = 64 * 1024
"""The most bytes of an answer; smtplib allows 8192 of them in a line."""


class BoundedSMTP(smtplib.SMTP):
    """A connection whose timeout is the time of a whole answer, and not that between two bytes."""

    patience = 1.0
    """The factor of the timeout for the next answers."""

    def getreply(self) -> tuple[int, bytes]:
        """See :meth:`smtplib.SMTP.getreply`."""
        assert self.sock is not None
        if self.file is None:
            self.file = _Answers(self.sock)
        self.file.begin(float(self.timeout) * self.patience)
        try:
            return super().getreply()
        finally:
            if self.sock is not None:
                self.sock.settimeout(self.timeout)


class BoundedSMTPS(BoundedSMTP, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


class _Answers:
    """Reads the lines of answers, as the file that smtplib reads from.

    Parameters
    ----------
    connection : socket
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read_ahead = bytearray()
        self.begin(0.0)

    def begin(self, seconds: float) -> None:
        """Begin an answer, which may take this long."""
        self._deadline = time.monotonic() + seconds
        self._lines = self._bytes = 0

    def readline(self, limit: int) -> bytes:
        """The next line, or its first ``limit`` bytes; empty at the end of the connection.

        Raises
        ------
        OSError
            Where the answer takes too long, or has too many lines or bytes.
        """
        while (end := self._read_ahead.find(b"\n", 0, limit) + 1) == 0 and len(self._read_ahead) < limit:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("timed out")
            self._connection.settimeout(remaining)
            received = self._connection.recv(4096)
            if not received:
                break
            self._read_ahead += received
        line = bytes(self._read_ahead[: end or limit])
        del self._read_ahead[: len(line)]
        self._lines, self._bytes = self._lines + 1, self._bytes + len(line)
        if self._lines > MOST_LINES or self._bytes > MOST_BYTES:
            raise ConnectionAbortedError(Phrase("mail.long_answer", lines=MOST_LINES, size=MOST_BYTES))
        if time.monotonic() > self._deadline:
            raise TimeoutError("timed out")
        return line

    def close(self) -> None:
        """Nothing is open here; smtplib closes the connection."""
