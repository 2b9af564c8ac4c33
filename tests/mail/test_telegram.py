"""A real server in place of Telegram's: what each fault means, and where the token goes."""

from __future__ import annotations

import datetime as dt
import json
import logging
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bot_api import TOKEN, Api, listening

from kpi_kit.core.errors import InputError
from kpi_kit.mail.delivery import MOST_WAIT, Result, deliver
from kpi_kit.mail.journal import Journal
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.setbacks import Refused, Setback, Temporary, Uncertain, Unreachable, Unusable
from kpi_kit.mail.telegram import Telegram, TelegramServer, from_environment

SENDER = Path(__file__).with_name("bot_sender.py")
ANNA = {"type": "private", "first_name": "Анна", "last_name": "П.", "username": "anna"}


@pytest.fixture(scope="module")
def open_api() -> Iterator[Api]:
    with listening(Api()) as api:
        yield api


@pytest.fixture
def api(open_api: Api) -> Api:
    open_api.arrived.clear()
    open_api.asked.clear()
    open_api.chats = {7: dict(ANNA), 8: {"type": "supergroup", "title": "Отдел"}}
    open_api.fault = lambda method: None
    return open_api


def letter(number: int = 1, chat: int = 7) -> Letter:
    fields = {"chat_id": chat, "text": f"text {number}"}
    data = json.dumps({"message_id": f"<{number}@t>", "method": "sendMessage", "fields": fields}).encode()
    return Letter(f"telegram-director:d{number}", "", str(chat), f"<{number}@t>", f"hash-{number}", {}, data)


def talk(api: Api, timeout: float = 1.0) -> Telegram:
    return Telegram(TelegramServer(TOKEN, api.address), timeout)


def once(method: str, *faults: Any) -> Any:
    """Faults of a method, one after the other, and then none."""
    left = list(faults)
    return lambda asked: left.pop(0) if asked == method and left else None


def test_a_message_is_plain_text_without_previews(api: Api) -> None:
    with talk(api) as telegram:
        assert telegram.bot() == "@kpi_bot"
        assert telegram.chat("7") == "Анна П. @anna"
        telegram.announce(letter())
        assert telegram.transmit(letter()) == "message 1"
    assert api.texts == [(7, "text 1")]
    assert api.asked == ["getMe", "getChat", "sendMessage"]


def test_a_document_is_sent_as_a_file(api: Api) -> None:
    file = {"name": "alerts.html", "text": "<p>Лиды</p>"}
    data = json.dumps({"method": "sendDocument", "fields": {"chat_id": "7"}, "file": file}).encode()
    with talk(api) as telegram:
        telegram.transmit(replace(letter(), data=data))
    assert api.texts == [(7, "<p>Лиды</p>")]


@pytest.mark.parametrize(
    ("chat", "error", "words"),
    [
        (8, Refused, "the chat 8 is a supergroup; expected a private chat"),
        (9, Refused, "400 Bad Request: chat not"),
    ],
    ids=["a group", "nobody"],
)
def test_only_private_chats_that_are_there(api: Api, chat: int, error: type[Exception], words: str) -> None:
    with talk(api) as telegram, pytest.raises(error, match=words):
        telegram.announce(letter(chat=chat))
    assert api.asked == ["getChat"]


FAULTS = [
    ((429, {"ok": False, "description": "Too Many", "parameters": {"retry_after": 3}}), Temporary, 0),
    ((403, {"ok": False, "description": "Forbidden: bot was blocked"}), Refused, 0),
    ((401, {"ok": False, "description": "Unauthorized"}), Unusable, 0),
    ((302, {}, {"Location": "http://127.0.0.1:1/"}), Unusable, 0),
    ((500, {"ok": False, "description": "Internal"}), Uncertain, 0),
    ((200, {"ok": False}), Uncertain, 0),
    ((200, [1]), Uncertain, 0),
    ("hang", Uncertain, 0),
    ("hang after", Uncertain, 1),
    ("drip", Uncertain, 0),
    ("endless", Uncertain, 0),
    ("drop", Uncertain, 0),
    ("drop after", Uncertain, 1),
]


@pytest.mark.parametrize(
    ("fault", "error", "arrives"),
    FAULTS,
    ids=[str(row[0] if isinstance(row[0], str) else row[0][0]) for row in FAULTS],
)
def test_what_each_fault_means(api: Api, fault: Any, error: type[Exception], arrives: int) -> None:
    api.fault = once("sendMessage", fault)
    slow = fault in ("hang", "hang after", "drip")
    with talk(api, 0.5 if slow else 5.0) as telegram, pytest.raises(error) as caught:
        telegram.transmit(letter())
    end = time.monotonic() + 2.0
    while len(api.arrived) < arrives and time.monotonic() < end:
        time.sleep(0.01)  # the server may be slower than the client is patient
    assert len(api.arrived) == arrives
    whole = "".join(traceback.format_exception(caught.value)) + repr(telegram.__dict__)
    assert TOKEN not in whole
    assert TOKEN.partition(":")[2] not in whole
    assert caught.value.__context__ is None  # what it came from has the address with the token


def test_a_server_that_echoes_the_token_is_not_believed(api: Api) -> None:
    api.fault = once("sendMessage", (400, {"ok": False, "description": f"bad /bot{TOKEN}/ \x1b[2J"}))
    with talk(api) as telegram, pytest.raises(Refused) as caught:
        telegram.transmit(letter())
    assert str(caught.value) == "400 bad /bot***/ [2J"


def test_logs_do_not_have_the_token(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), talk(api) as telegram:
        telegram.transmit(letter())
    assert "sendMessage" in caplog.text
    assert TOKEN.partition(":")[2] not in caplog.text


def test_no_connection_is_certain(unused_port: int = 1) -> None:
    with Telegram(TelegramServer(TOKEN, f"http://127.0.0.1:{unused_port}"), 1.0) as telegram:
        with pytest.raises(Unreachable, match="the connection fails"):
            telegram.transmit(letter())
        with pytest.raises(Unreachable):
            telegram.announce(letter())


def test_a_proxy_of_the_environment_is_used(api: Api) -> None:
    proxy = api.address.replace("://", "://kpi:hidden@")
    server = from_environment(
        {"KPI_TELEGRAM_TOKEN": TOKEN, "KPI_TELEGRAM_URL": "http://127.0.0.1:1", "KPI_TELEGRAM_PROXY": proxy}
    )
    assert server is not None
    assert "hidden" not in repr(server)
    assert TOKEN not in repr(server)
    with Telegram(server, 1.0) as telegram, pytest.raises(Setback) as caught:
        telegram.bot()
    assert api.asked == ["getMe"]  # the stand-in answered, though the address is another
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "environment",
    [
        {"KPI_TELEGRAM_TOKEN": "secret"},
        {"KPI_TELEGRAM_TOKEN": TOKEN, "KPI_TELEGRAM_URL": "http://api.telegram.org"},
        {"KPI_TELEGRAM_TOKEN": TOKEN, "KPI_TELEGRAM_URL": "https://a:b@api.telegram.org"},
        {"KPI_TELEGRAM_TOKEN": TOKEN, "KPI_TELEGRAM_URL": "https://["},
    ],
)
def test_an_environment_that_cannot_be_used(environment: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        from_environment(environment)
    assert "secret" not in str(caught.value).lower()


def test_without_a_token_there_is_no_server() -> None:
    assert from_environment({}) is None


# ---- with the journal


def delivered(folder: Path, api: Api, *letters: Letter, slept: list[float] | None = None) -> list[Result]:
    pauses = [] if slept is None else slept
    with Journal(folder, lambda: dt.datetime(2025, 11, 9)) as journal, talk(api) as telegram:
        return list(deliver(letters, journal, telegram, sleep=pauses.append))


def test_it_waits_as_long_as_it_is_asked_to_and_not_longer(tmp_path: Path, api: Api) -> None:
    api.fault = once("sendMessage", (429, {"ok": False, "parameters": {"retry_after": 17}}))
    slept: list[float] = []
    assert delivered(tmp_path, api, letter(), slept=slept)[0].status == "sent"
    assert slept == [17.0]
    api.fault = once("sendMessage", (429, {"ok": False, "parameters": {"retry_after": MOST_WAIT + 1}}))
    slept.clear()
    [late] = delivered(tmp_path, api, letter(2), slept=slept)
    assert (late.status, slept, len(api.arrived)) == ("failed", [], 1)


def test_a_server_that_is_down_is_asked_before_anything_is_sent(tmp_path: Path, api: Api) -> None:
    api.fault = once("getChat", (502, {}), "hang", (500, {}))
    slept: list[float] = []
    assert delivered(tmp_path, api, letter(), slept=slept)[0].status == "sent"
    assert slept == [2.0, 10.0, 60.0]
    assert len(api.arrived) == 1


def test_an_unknown_outcome_is_not_sent_again(tmp_path: Path, api: Api) -> None:
    api.fault = once("sendMessage", "hang after")
    found = delivered(tmp_path, api, letter(), letter(2))
    assert [result.status for result in found] == ["uncertain", "sent"]
    with pytest.raises(AssertionError, match="never sent again unasked"):
        delivered(tmp_path, api, letter())
    assert len(api.arrived) == 2


def test_killed_at_any_point_nothing_is_sent_twice(tmp_path: Path, api: Api) -> None:
    for place in ("begun", "transmitted", "ended"):
        folder = tmp_path / place
        folder.mkdir()
        api.arrived.clear()
        killed = subprocess.run(
            [sys.executable, SENDER, folder, str(api.port), place], timeout=60, check=False
        )
        assert killed.returncode == -signal.SIGKILL
        with Journal(folder, lambda: dt.datetime(2025, 11, 9)) as journal:
            state = journal.state(letter().key)
        assert (state.open is not None, state.count) == {
            "begun": (True, 0),
            "transmitted": (True, 0),
            "ended": (False, 1),
        }[place]
        assert len(api.arrived) == (place in ("transmitted", "ended"))
