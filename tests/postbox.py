"""A real SMTP server for tests: it keeps what it accepts, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from kpi_kit.mail.letter import Letter

USER, PASSWORD = "kpi", "p@ss/w0rd%"
HANG = 3.0
"""Seconds: longer than any test waits for an answer."""
CHOICES = ("drop", "421", "451", "550", "hang")


@dataclass
class Postbox:
    """What arrived, and what goes wrong.

    Parameters
    ----------
    fault : callable
        Given a stage (``MAIL``, ``RCPT``, ``CUT`` within the message, ``DATA`` before and ``DONE`` after it
        was accepted), what happens: one of :data:`CHOICES`, another answer, or None.
    """

    fault: Callable[[str], str | None] = field(default=lambda stage: None)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    logins: int = 0

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.mail_from = address
        return await self._act("MAIL", server) or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        envelope.rcpt_tos.append(address)
        return await self._act("RCPT", server) or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if answer := await self._act("DATA", server):
            return answer
        (name,) = re.findall(rb"(?im)^Message-ID: *(?:\r\n )?(\S+)", envelope.content)
        self.arrived += [(address, name.decode()) for address in envelope.rcpt_tos]
        return await self._act("DONE", server) or "250 queued"

    async def _act(self, stage: str, server: SMTP) -> str | None:
        found = self.fault(stage)
        if stage == "DONE" and found in ("421", "451", "550"):
            return None  # such an answer would mean that it was not accepted after all
        if found == "drop":
            server.transport.abort()
            return "421 gone"
        if found == "hang":
            await asyncio.sleep(HANG)
            server.transport.abort()
            return "421 gone"
        return {"421": "421 later", "451": "451 busy", "550": "550 no"}.get(found or "", found)


class _Server(SMTP):
    """It may hang up in the middle of a message."""

    async def smtp_DATA(self, arg: str) -> None:
        if self.event_handler.fault("CUT") == "drop":
            await self.push("354 go on")
            await self._reader.read(100)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


@contextmanager
def listening(
    postbox: Postbox, *, tls: ssl.SSLContext | None = None, implicit: bool = False, auth: bool = False
) -> Iterator[int]:
    """Let it listen; gives the port."""

    def authenticate(
        server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        postbox.logins += 1
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=good)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given: dict[str, Any] = {"auth_require_tls": tls is not None and not implicit}
    if auth:
        given |= {"authenticator": authenticate, "auth_required": True}
    if tls is not None and not implicit:
        given |= {"tls_context": tls, "require_starttls": True}
    controller = _Controller(
        postbox,
        hostname="127.0.0.1",
        port=port,
        ssl_context=tls if implicit else None,
        ready_timeout=20,
        **given,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def certificates(name: str = "localhost") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a server of this name, and for a client that believes it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


def letter(number: int = 0, **given: Any) -> Letter:
    """A small message to somebody of its own."""
    name, address = f"<{number:04d}.2025-10@agency.example>", f"d{number}@agency.example"
    lines = [
        "From: kpi@agency.example",
        f"To: {address}",
        f"Message-ID: {name}",
        "Subject: KPI",
        "",
        ".",
        "..text",
        "",
    ]
    fields = {
        "key": f"director:d{number}",
        "sender": "kpi@agency.example",
        "address": address,
        "message_id": name,
        "content": f"hash-{number}",
        "figures": {},
        "data": "\r\n".join(lines).encode(),
    }
    return Letter(**{**fields, **given})
