"""A stand-in for Telegram's Bot API on loopback: it keeps what it accepts, and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "123456789:AAF-k_secretSecretSecretSecretSecret12"
HANG = 3.0
"""Seconds: longer than any test waits for an answer."""


@dataclass
class Api:
    """What arrived, and what goes wrong.

    Parameters
    ----------
    fault : callable
        Given a method, what happens: an HTTP status with more fields of the answer, or one of ``hang``
        (before the message is taken), ``hang after`` (it is taken), ``drip``, ``endless``, ``drop``,
        ``drop after``; None for an ordinary answer.
    """

    fault: Callable[[str], Any] = field(default=lambda method: None)
    chats: dict[int, dict[str, Any]] = field(default_factory=dict)
    arrived: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def texts(self) -> list[tuple[int, str]]:
        return [(int(one["chat_id"]), one.get("text", one.get("document", ""))) for one in self.arrived]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""

    def do_POST(self) -> None:
        api: Api = self.server.api
        data = self.rfile.read(int(self.headers["Content-Length"]))
        method = self.path.rpartition("/")[2]
        api.asked.append(method)
        self.close_connection = True
        fields = self._fields(data)
        if self.path != f"/bot{TOKEN}/{method}":
            return self._answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})
        found = api.fault(method)
        if found in ("hang after", "drop after") and method.startswith("send"):
            api.arrived.append(fields)
        if isinstance(found, str):
            with suppress(OSError):
                self._misbehave(found)
            return None
        if found is not None:
            return self._answer(found[0], found[1], **(found[2] if len(found) > 2 else {}))
        if method == "getMe":
            return self._ok({"id": 1, "is_bot": True, "username": "kpi_bot"})
        chat = api.chats.get(int(fields["chat_id"]))
        if chat is None:
            return self._answer(400, {"ok": False, "description": "Bad Request: chat not found"})
        if method != "getChat":
            api.arrived.append(fields)
        return self._ok(chat if method == "getChat" else {"message_id": len(api.arrived)})

    def _fields(self, data: bytes) -> dict[str, Any]:
        kind = self.headers["Content-Type"]
        if kind == "application/json":
            return dict(json.loads(data))
        parts = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + data).get_payload()
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()
            for part in parts
        }

    def _ok(self, result: dict[str, Any]) -> None:
        self._answer(200, {"ok": True, "result": result})

    def _answer(self, status: int, body: dict[str, Any], **headers: str) -> None:
        data = json.dumps(body).encode()
        with suppress(OSError):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), "Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    def _misbehave(self, how: str) -> None:
        end = time.monotonic() + HANG
        if how.startswith("drop"):
            return
        if how == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if how == "endless":
            self.send_response(200)
            self.end_headers()
        while time.monotonic() < end and not self.server.stopping.is_set():
            if how == "endless":
                self.wfile.write(b"x" * 65536)
                continue
            if how == "drip":
                self.wfile.write(b"X-a: b\r\n")
            self.server.stopping.wait(0.05)


@contextmanager
def listening(api: Api) -> Iterator[Api]:
    """Let it listen."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.api, server.stopping = api, threading.Event()
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
