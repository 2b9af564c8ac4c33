"""One conversation with an SMTP server, which knows at every point whether a message may have gone out."""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
from types import TracebackType
from typing import Self

from kpi_kit.mail.letter import Letter
from kpi_kit.mail.server import Server

_log = logging.getLogger("kpi_kit.mail")
_FIRST_DOT = re.compile(rb"^\.", re.MULTILINE)
_PATIENCE = 10
"""How many times as long the answer to a whole message may take: RFC 5321, 4.5.3.2 grants ten minutes."""


class Setback(Exception):
    """Something went wrong, and the message has surely not been accepted."""


class Temporary(Setback):
    """Worth another try: a 4xx answer, a lost connection, a silent server."""


class Unreachable(Temporary):
    """There is no connection to send by."""


class Refused(Setback):
    """The server will not take this message: a 5xx answer."""


class Unusable(Setback):
    """The server will take no message at all: no TLS, a wrong certificate, a wrong password."""


class Uncertain(Exception):
    """The message went out whole and no answer came: it may have been accepted, or not."""


class Session:
    """A connection that is made when it is needed, and made anew after a fault.

    Parameters
    ----------
    server : Server
    timeout : float
        Seconds that the server may take to answer.
    trust : ssl.SSLContext or None
        Whose certificates are believed; None for those of the system.
    """

    def __init__(self, server: Server, timeout: float = 60.0, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._timeout = timeout
        self._trust = trust
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is not None and kind is None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):  # all is sent, and each answer is known
                _log.debug("the server did not say goodbye")
        self.close()

    def close(self) -> None:
        """Hang up; the next message has a new connection."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def announce(self, letter: Letter) -> None:
        """Say from whom and to whom, and ask to send: nothing of the message goes out yet.

        Raises
        ------
        Setback
        """
        try:
            self._say(f"MAIL FROM:<{letter.sender}>", 250)
            self._say(f"RCPT TO:<{letter.address}>", 250, 251)
            self._say("DATA", 354)
        except (Temporary, Refused):
            self.close()
            raise

    def transmit(self, letter: Letter) -> str:
        """Send the message that was announced; returns the server's answer.

        Raises
        ------
        Setback
            Where the server has surely not accepted it.
        Uncertain
            Where nobody knows.
        """
        smtp = self._connection()
        assert smtp.sock is not None
        try:
            smtp.send(_FIRST_DOT.sub(b"..", letter.data.rstrip(b"\r\n")) + b"\r\n")
        except (OSError, smtplib.SMTPException) as fault:  # the closing dot has not gone out
            self.close()
            raise Temporary(self._told(fault)) from None
        try:
            smtp.send(b".\r\n")
            smtp.sock.settimeout(self._timeout * _PATIENCE)
            code, answer = smtp.getreply()
            smtp.sock.settimeout(self._timeout)
        except (OSError, smtplib.SMTPException) as fault:
            self.close()
            raise Uncertain(self._told(fault)) from None
        said = self._answer(code, answer)
        if 200 <= code < 300:
            return said
        self.close()
        if 400 <= code < 500:
            raise Temporary(said)
        if 500 <= code < 600:
            raise Refused(said)
        raise Uncertain(said)

    def _say(self, line: str, *expected: int) -> None:
        smtp = self._connection()
        try:
            code, answer = smtp.docmd(line)
        except (OSError, smtplib.SMTPException) as fault:
            raise Temporary(self._told(fault)) from None
        said = self._answer(code, answer)
        _log.debug("%s: %s", line, said)
        if code not in expected:
            raise (Refused if 500 <= code < 600 else Temporary)(said)

    def _connection(self) -> smtplib.SMTP:
        if self._smtp is None:
            try:
                self._smtp = self._connect()
            except ssl.SSLCertVerificationError as fault:
                raise Unusable(f"its certificate is not to be trusted ({fault.verify_message})") from None
            except smtplib.SMTPResponseException as fault:
                said = self._answer(fault.smtp_code, fault.smtp_error)
                # A code of -1 is no answer that SMTP knows.
                raise (Unusable if 500 <= fault.smtp_code < 600 else Unreachable)(said) from None
            except smtplib.SMTPNotSupportedError as fault:
                raise Unusable(self._told(fault)) from None
            except (OSError, smtplib.SMTPException) as fault:
                raise Unreachable(self._told(fault)) from None
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        server, trust = self._server, self._context()
        if server.implicit_tls:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=trust
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
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
            raise smtplib.SMTPNotSupportedError(
                "it offers no STARTTLS, and messages go out encrypted; use smtps:// if it has that"
            )

    def _context(self) -> ssl.SSLContext:
        """Certificates are checked; of this very machine there is nobody between to check for."""
        context = self._trust or ssl.create_default_context()
        if self._trust is None and self._server.is_loopback:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _answer(self, code: int, answer: bytes | str) -> str:
        text = answer if isinstance(answer, str) else answer.decode("utf-8", "replace")
        return self._server.clean(f"{code} {' '.join(text.split())}"[:300])

    def _told(self, fault: Exception) -> str:
        text = " ".join(str(fault).split()) or type(fault).__name__
        return self._server.clean(text[:300])


def _cipher(smtp: smtplib.SMTP) -> str:
    return str(smtp.sock.version()) if isinstance(smtp.sock, ssl.SSLSocket) else "not encrypted"
