"""A conversation with the Bot API of Telegram, bounded in time and bytes; its token is never printed."""

from __future__ import annotations

import io
import ipaddress
import json
import logging
import re
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from kpi_kit.core.errors import InputError
from kpi_kit.core.json_io import parse_json
from kpi_kit.core.phrases import Phrase, words_of
from kpi_kit.core.sanitize import bare
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.setbacks import Refused, Setback, Temporary, Uncertain, Unreachable, Unusable

# requests is imported where a request is made: most commands do not need it.

TOKEN, ADDRESS, PROXY = "KPI_TELEGRAM_TOKEN", "KPI_TELEGRAM_URL", "KPI_TELEGRAM_PROXY"
"""Variables of the environment."""
MOST_BYTES = 64 * 1024
"""The most bytes of an answer; an ordinary one has about a thousand."""
_TOKEN = re.compile(r"\d{1,20}:[\w-]{20,200}", re.ASCII)
_LOGS = ("urllib3.connectionpool", "urllib3.util.retry")
"""Loggers that write addresses, which contain the token."""


@dataclass(frozen=True)
class TelegramServer:
    """Where the Bot API is, and as which bot to speak.

    Parameters
    ----------
    token : str
        Not in ``repr``.
    address : str
    proxies : mapping
        Of ``requests``; not in ``repr``, because they may contain passwords.
    """

    token: str = field(repr=False)
    address: str = "https://api.telegram.org"
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)

    def clean(self, text: str) -> str:
        """A text, such as a server's answer, without the token and the passwords of proxies."""
        secrets = {self.token, quote(self.token, safe=""), self.token.partition(":")[2]}
        secrets |= {urlsplit(proxy).password or "" for proxy in self.proxies.values()}
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def from_environment(environment: Mapping[str, str]) -> TelegramServer | None:
    """The server that the environment names; None without a token.

    Raises
    ------
    InputError
        Where a variable cannot be read; the sentence never quotes the token.
    """
    token = environment.get(TOKEN, "").strip()
    if not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise InputError(Phrase("mail.bad_token", variable=TOKEN))
    address = environment.get(ADDRESS, "").strip().rstrip("/") or TelegramServer.address
    if not _is_safe(address):
        raise InputError(Phrase("mail.bad_telegram_address", variable=ADDRESS))
    proxy = environment.get(PROXY, "").strip()
    if not proxy:
        from requests.utils import get_environ_proxies

        return TelegramServer(token, address, get_environ_proxies(address))
    return TelegramServer(token, address, {"http": proxy, "https": proxy})


def _is_safe(address: str) -> bool:
    """Whether the token may be sent to an address: encrypted, or on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Body(io.BytesIO):
    """The body of a request, which records whether any of it was sent."""

    begun = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.begun = True
        return super().read(size)


@dataclass(frozen=True)
class Answer:
    """An answer of the server: the HTTP status, and the JSON object of its body."""

    status: int
    body: Mapping[str, Any]

    @property
    def result(self) -> Mapping[str, Any]:
        """What was asked for; empty where the answer has none."""
        result = self.body.get("result")
        return result if isinstance(result, Mapping) else {}

    @property
    def wait(self) -> float:
        """The seconds that the server asks to wait."""
        parameters = self.body.get("parameters")
        asked = parameters.get("retry_after") if isinstance(parameters, Mapping) else None
        return float(asked) if isinstance(asked, int | float) and asked > 0 else 0.0


class Telegram:
    """Sends letters by the Bot API; a :class:`~kpi_kit.mail.delivery.Carrier`.

    Parameters
    ----------
    server : TelegramServer
    timeout : float
        Seconds that an answer may take, from the connection to the last byte.
    """

    def __init__(self, server: TelegramServer, timeout: float = 60.0) -> None:
        self._server = server
        self._timeout = timeout
        self._chats: dict[str, str] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        import requests

        self._session = requests.Session()
        self._session.trust_env = False  # it would read passwords from .netrc
        self._session.proxies = dict(self._server.proxies)
        self._open.callback(self._session.close)
        mask = _Mask(self._server)
        for name in _LOGS:
            logging.getLogger(name).addFilter(mask)
            self._open.callback(logging.getLogger(name).removeFilter, mask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def bot(self) -> str:
        """The name of the bot.

        Raises
        ------
        Setback
        """
        return f"@{self._line(self._ask('getMe', {}).get('username', '?'))}"

    def chat(self, number: str) -> str:
        """The title of a private chat.

        Raises
        ------
        Setback
            Where there is no such chat, or it is not private.
        """
        if number not in self._chats:
            found = self._ask("getChat", {"chat_id": int(number)})
            if found.get("type") != "private":
                kind = self._line(found.get("type", "?"))
                raise Refused(Phrase("mail.not_private", chat=number, kind=kind))
            names = [self._line(found[key]) for key in ("first_name", "last_name") if found.get(key)]
            user = [f"@{self._line(found['username'])}"] if found.get("username") else []
            self._chats[number] = " ".join([*names, *user]) or "?"
        return self._chats[number]

    def announce(self, letter: Letter) -> None:
        """Check that the chat is there and private; nothing of the message is sent yet.

        Raises
        ------
        Setback
        """
        self.chat(letter.address)

    def transmit(self, letter: Letter) -> str:
        """Send the message; returns the number that it has in the chat.

        Raises
        ------
        Setback
            Where the server has certainly not accepted it.
        Uncertain
            Where it may have accepted it.
        """
        request = json.loads(letter.data)
        answer = self._call(request["method"], request["fields"], request.get("file"))
        self._check(answer)
        return f"message {self._line(answer.result.get('message_id', '?'))}"

    def _ask(self, method: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a method returns that changes nothing, so that it may be called again."""
        try:
            answer = self._call(method, fields)
            self._check(answer)
        except Uncertain as fault:
            text = words_of(fault)
        else:
            return answer.result
        raise Temporary(text)

    def _check(self, answer: Answer) -> None:
        """Raise what an answer means, unless it is a success."""
        status, said = answer.status, self._line(answer.body.get("description", ""))
        text = f"{status} {said}".strip()
        if status == 200 and answer.body.get("ok") is True:
            return
        if 300 <= status < 400:
            raise Unusable(Phrase("mail.redirects", answer=text, variable=ADDRESS))
        if status in (401, 404):
            raise Unusable(Phrase("mail.no_such_bot", answer=text, variable=TOKEN))
        if status == 429:
            raise Temporary(
                Phrase("mail.wait", answer=text, seconds=answer.wait) if answer.wait else text, answer.wait
            )
        if 400 <= status < 500:
            raise Refused(text)
        raise Uncertain(text)

    def _call(self, method: str, fields: Mapping[str, Any], file: Mapping[str, str] | None = None) -> Answer:
        """Make a request, in a thread, so that a server that sends byte after byte cannot hold it."""
        import requests

        address = f"{self._server.address}/bot{self._server.token}/{method}"
        if file is None:
            asked = requests.Request("POST", address, json=dict(fields))
        else:
            page = (file["name"], file["text"].encode(), "text/html")
            asked = requests.Request("POST", address, data=dict(fields), files={"document": page})
        request = asked.prepare()
        request.headers["Accept-Encoding"] = "identity"
        body = _Body(request.body if isinstance(request.body, bytes) else str(request.body).encode())
        request.body = body
        outcome: list[Answer | Setback | Uncertain] = []
        worker = threading.Thread(target=lambda: outcome.append(self._sent(request, body)), daemon=True)
        worker.start()
        worker.join(self._timeout)
        if not outcome:
            text = Phrase("mail.no_answer", seconds=self._timeout)
            raise Uncertain(text) if body.begun else Unreachable(text)
        if isinstance(outcome[0], Answer):
            return outcome[0]
        raise outcome[0]

    def _sent(self, request: Any, body: _Body) -> Answer | Setback | Uncertain:
        """The answer to a request, or the fault; faults of libraries are not kept, they have the token."""
        import requests

        try:
            with self._session.send(
                request, stream=True, timeout=self._timeout, allow_redirects=False
            ) as response:
                status, content = response.status_code, response.raw.read(MOST_BYTES + 1)
        except requests.exceptions.SSLError as fault:
            is_certificate = "CERTIFICATE" in str(fault)
            reason = Phrase("mail.certificate", reason="") if is_certificate else Phrase("mail.tls_fails")
            return Uncertain(reason) if body.begun else Unusable(reason)
        except Exception as fault:  # requests, urllib3 and sockets have errors of many kinds
            text = Phrase("mail.connection_fails", reason=type(fault).__name__)
            return Uncertain(text) if body.begun else Unreachable(text)
        try:
            answer = parse_json(content) if len(content) <= MOST_BYTES else None
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return Answer(status, answer)
        if status != 200:
            return Answer(status, {})
        return Uncertain(Phrase("mail.not_json", status=status, most=MOST_BYTES >> 10))

    def _line(self, value: object) -> str:
        """A value of an answer as a short line without control characters and secrets."""
        return bare(self._server.clean(" ".join(str(value).split())))[:200]


class _Mask(logging.Filter):
    """Takes the token out of lines of logs.

    Parameters
    ----------
    server : TelegramServer
    """

    def __init__(self, server: TelegramServer) -> None:
        super().__init__()
        self._server = server

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._server.clean(record.getMessage()), ()
        return True
