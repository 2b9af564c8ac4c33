"""An SMTP session that tells at every point whether a message may have been accepted."""

from __future__ import annotations

import logging
import re
import smtplib
import socket
import ssl
from types import TracebackType
from typing import Self

from kpi_kit.core.phrases import Phrase
from kpi_kit.mail.bounded_smtp import BoundedSMTP, BoundedSMTPS
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.server import Server
from kpi_kit.mail.setbacks import Refused, Temporary, Uncertain, Unreachable, Unusable

_log = logging.getLogger("kpi_kit.mail")
_REASONS: dict[type[Exception], str] = {
    ConnectionRefusedError: "mail.refused",
    TimeoutError: "mail.timed_out",
    socket.gaierror: "mail.no_such_host",
}
"""The usual faults of connections that have words in both languages."""
_FIRST_DOT = re.compile(rb"^\.", re.MULTILINE)
_PATIENCE = 10
"""The factor of the timeout after a whole message: RFC 5321, 4.5.3.2 allows ten minutes."""


class Session:
    """A connection that is opened on first use, and again after a fault.

    Parameters
    ----------
    server : Server
    timeout : float
        Seconds that the server may take to answer, from the first byte to the last.
    trust : ssl.SSLContext or None
        The trusted certificates; None for those of the system.
    """

    def __init__(self, server: Server, timeout: float = 60.0, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._timeout = timeout
        self._trust = trust
        self._smtp: BoundedSMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is not None and kind is None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):  # every answer has been received
                _log.debug("the server did not say goodbye")
        self.close()

    def close(self) -> None:
        """Close the connection; the next message opens a new one."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def announce(self, letter: Letter) -> None:
        """Send the envelope; nothing of the message is sent yet.

        Raises
        ------
        Setback
        """
        try:
            self._command(f"MAIL FROM:<{letter.sender}>", 250)
            self._command(f"RCPT TO:<{letter.address}>", 250, 251)
            self._command("DATA", 354)
        except (Temporary, Refused):
            self.close()
            raise

    def transmit(self, letter: Letter) -> str:
        """Send the message that was announced; returns the server's answer.

        Raises
        ------
        Setback
            Where the server has certainly not accepted it.
        Uncertain
            Where it may have accepted it.
        """
        smtp = self._connection()
        try:
            smtp.send(_FIRST_DOT.sub(b"..", letter.data.rstrip(b"\r\n")) + b"\r\n")
        except (OSError, smtplib.SMTPException) as fault:  # the closing dot has not gone out
            self.close()
            raise Temporary(self._text(fault)) from None
        try:
            smtp.send(b".\r\n")
            smtp.patience = _PATIENCE
            code, answer = smtp.getreply()
            smtp.patience = 1.0
        except (OSError, smtplib.SMTPException) as fault:
            self.close()
            raise Uncertain(self._text(fault)) from None
        text = self._answer(code, answer)
        if 200 <= code < 300:
            return text
        self.close()
        if 400 <= code < 500:
            raise Temporary(text)
        if 500 <= code < 600:
            raise Refused(text)
        raise Uncertain(text)

    def _command(self, line: str, *expected: int) -> None:
        smtp = self._connection()
        try:
            code, answer = smtp.docmd(line)
        except (OSError, smtplib.SMTPException) as fault:
            raise Temporary(self._text(fault)) from None
        text = self._answer(code, answer)
        _log.debug("%s: %s", line, text)
        if code not in expected:
            raise (Refused if 500 <= code < 600 else Temporary)(text)

    def _connection(self) -> BoundedSMTP:
        if self._smtp is None:
            try:
                self._smtp = self._connect()
            except ssl.SSLCertVerificationError as fault:
                raise Unusable(Phrase("mail.certificate", reason=f" ({fault.verify_message})")) from None
            except smtplib.SMTPResponseException as fault:
                text = self._answer(fault.smtp_code, fault.smtp_error)
                # smtplib uses the code -1 where the answer is not SMTP
                raise (Unusable if 500 <= fault.smtp_code < 600 else Unreachable)(text) from None
            except smtplib.SMTPNotSupportedError as fault:
                raise Unusable(self._text(fault)) from None
            except (OSError, smtplib.SMTPException) as fault:
                raise Unreachable(self._text(fault)) from None
        return self._smtp

    def _connect(self) -> BoundedSMTP:
        server, trust = self._server, self._context()
        if server.implicit_tls:
            smtp: BoundedSMTP = BoundedSMTPS(server.host, server.port, timeout=self._timeout, context=trust)
        else:
            smtp = BoundedSMTP(server.host, server.port, timeout=self._timeout)
        try:
            smtp.ehlo_or_helo_if_needed()
            if not server.implicit_tls:
                self._encrypt(smtp, trust)
            if server.user and server.password:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        _log.debug("connected to %s:%d, %s", server.host, server.port, _cipher(smtp))
        return smtp

    def _encrypt(self, smtp: smtplib.SMTP, trust: ssl.SSLContext) -> None:
        if smtp.has_extn("starttls"):
            smtp.starttls(context=trust)
            smtp.ehlo()
        elif not self._server.is_loopback:
            raise smtplib.SMTPNotSupportedError(Phrase("mail.no_starttls"))

    def _context(self) -> ssl.SSLContext:
        """Certificates are checked; a loopback connection needs no check."""
        context = self._trust or ssl.create_default_context()
        if self._trust is None and self._server.is_loopback:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _answer(self, code: int, answer: bytes | str) -> str:
        text = answer if isinstance(answer, str) else answer.decode("utf-8", "replace")
        return self._server.clean(f"{code} {' '.join(text.split())}"[:300])

    def _text(self, fault: Exception) -> str:
        if fault.args and isinstance(fault.args[0], Phrase):
            return fault.args[0]
        if reason := _REASONS.get(type(fault)):
            return Phrase(reason)
        text = " ".join(str(fault).split()) or type(fault).__name__
        return self._server.clean(text[:300])


def _cipher(smtp: smtplib.SMTP) -> str:
    return str(smtp.sock.version()) if isinstance(smtp.sock, ssl.SSLSocket) else "not encrypted"
