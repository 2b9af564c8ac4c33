"""The SMTP server, from ``KPI_SMTP_URL``; its password is never printed."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase

VARIABLE = "KPI_SMTP_URL"
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Server:
    """An SMTP server.

    Parameters
    ----------
    host : str
    port : int
    implicit_tls : bool
        ``smtps``: encrypted from the first byte; otherwise STARTTLS.
    user : str or None
    password : str or None
        Not in ``repr``.
    """

    host: str
    port: int
    implicit_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether the server is this machine; only then may a message be sent unencrypted.

        Examples
        --------
        >>> [Server(host, 25).is_loopback for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1")]
        [True, True, True, False]
        """
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.rstrip(".").lower() == "localhost"

    def clean(self, text: str) -> str:
        """A text, such as a server's answer, without the password."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        """The password in every encoding that SMTP uses, the longest first."""
        if not self.password:
            return []
        plain, user = self.password, self.user or ""
        encoded = [_base64(text) for text in (plain, f"\0{user}\0{plain}", f"{user}\0{plain}")]
        return sorted({plain, quote(plain), quote(plain, safe=""), *encoded}, key=len, reverse=True)


def _expected(more: str = "") -> Phrase:
    return Phrase("mail.server_expected", variable=VARIABLE, more=more)


def from_environment(environment: Mapping[str, str]) -> Server:
    """The server that ``KPI_SMTP_URL`` names.

    Raises
    ------
    InputError
        Where it is missing or cannot be read; the sentence never quotes it.
    """
    url = environment.get(VARIABLE, "").strip()
    if not url:
        raise InputError(Phrase("mail.server_missing", variable=VARIABLE, expected=_expected()))
    return parse(url)


def parse(url: str) -> Server:
    """Read the address of a server.

    Examples
    --------
    >>> parse("smtp://kpi:p%40ss@mail.agency.example")
    Server(host='mail.agency.example', port=587, implicit_tls=False, user='kpi')
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InputError(_expected()) from None  # the fault itself may quote the password
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise InputError(_expected())
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    if bool(user) != bool(password):
        raise InputError(_expected(Phrase("mail.one_of_two")))
    if not _is_plain(user) or not _is_plain(password):
        raise InputError(Phrase("mail.not_ascii", variable=VARIABLE))
    return Server(host, port or _PORTS[parts.scheme], parts.scheme == "smtps", user or None, password or None)


def _is_plain(text: str | None) -> bool:
    return not text or (text.isascii() and text.isprintable())


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
