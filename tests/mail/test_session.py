"""A conversation with a real SMTP server: what each fault means, and that nothing travels unencrypted."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from postbox import PASSWORD, USER, Postbox, certificates, letter, listening

from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session
from kpi_kit.mail.setbacks import Refused, Temporary, Uncertain, Unreachable, Unusable


@pytest.fixture(scope="module")
def postbox() -> Iterator[tuple[Postbox, int]]:
    box = Postbox()
    with listening(box) as port:
        yield box, port


@pytest.fixture
def box(postbox: tuple[Postbox, int]) -> Postbox:
    postbox[0].arrived.clear()
    postbox[0].fault = lambda stage: None
    return postbox[0]


def send(session: Session, number: int = 0) -> str:
    session.announce(letter(number))
    return session.transmit(letter(number))


def test_messages_arrive_by_one_connection(box: Postbox, postbox: tuple[Postbox, int]) -> None:
    with Session(Server("127.0.0.1", postbox[1]), 5.0) as session:
        assert [send(session, number) for number in (1, 2)] == ["250 queued"] * 2
    assert box.arrived == [(letter(n).address, letter(n).message_id) for n in (1, 2)]


@pytest.mark.parametrize(
    ("stage", "fault", "means", "arrives"),
    [
        ("MAIL", "drop", Temporary, False),
        ("MAIL", "421", Temporary, False),
        ("RCPT", "451", Temporary, False),
        ("RCPT", "550", Refused, False),
        ("RCPT", "drop", Temporary, False),
        ("CUT", "drop", (Temporary, Uncertain), False),
        ("DATA", "421", Temporary, False),
        ("DATA", "451", Temporary, False),
        ("DATA", "550", Refused, False),
        ("DATA", "drop", Uncertain, False),
        ("DONE", "drop", Uncertain, True),
        ("DONE", "999 what", Uncertain, True),
    ],
)
def test_what_a_fault_means(
    box: Postbox,
    postbox: tuple[Postbox, int],
    stage: str,
    fault: str,
    means: type[Exception] | tuple[type[Exception], ...],
    arrives: bool,
) -> None:
    box.fault = lambda at: fault if at == stage else None
    with Session(Server("127.0.0.1", postbox[1]), 5.0) as session:
        with pytest.raises(means):
            send(session)
        assert len(box.arrived) == arrives
        box.fault = lambda at: None
        assert send(session, 7) == "250 queued"  # by a new connection


@pytest.mark.parametrize(("stage", "means"), [("RCPT", Temporary), ("DONE", Uncertain)])
def test_a_server_that_hangs_is_not_waited_for(
    box: Postbox,
    postbox: tuple[Postbox, int],
    stage: str,
    means: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kpi_kit.mail.session._PATIENCE", 1)
    box.fault = lambda at: "hang" if at == stage else None
    with Session(Server("127.0.0.1", postbox[1]), 0.2) as session, pytest.raises(means, match="timed out"):
        send(session)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Session(Server("127.0.0.1", port), 1.0) as session, pytest.raises(Unreachable, match="refused"):
        send(session)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name of this machine that does not look like it."""
    ask = socket.getaddrinfo

    def answer(host: str, *rest: object, **more: object) -> object:
        return ask("127.0.0.1" if host == "mail.agency.example" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return "mail.agency.example"


def test_elsewhere_nothing_goes_out_unencrypted(
    box: Postbox, postbox: tuple[Postbox, int], elsewhere: str
) -> None:
    server = Server(elsewhere, postbox[1], user=USER, password=PASSWORD)
    with Session(server, 5.0) as session, pytest.raises(Unusable, match="offers no STARTTLS"):
        send(session)
    assert box.arrived == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it means STARTTLS alone
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "TLS"])
def test_encrypted_with_a_password(elsewhere: str, implicit: bool) -> None:
    known, trust = certificates(elsewhere)
    box = Postbox()
    with listening(box, tls=known, implicit=implicit, auth=True) as port:
        good = Server(elsewhere, port, implicit, USER, PASSWORD)
        with Session(good, 5.0, trust) as session:
            assert send(session) == "250 queued"
        wrong = Server(elsewhere, port, implicit, USER, "wrong-pass")
        with Session(wrong, 5.0, trust) as session, pytest.raises(Unusable, match="535") as caught:
            send(session)
        assert "wrong-pass" not in str(caught.value)
        logins = box.logins
        with Session(good, 5.0) as session, pytest.raises(Unusable, match="certificate is not to be trusted"):
            send(session)  # nobody has said to believe this authority
    assert (len(box.arrived), box.logins) == (1, logins)


def test_a_certificate_of_another_name_is_not_believed(elsewhere: str) -> None:
    known, trust = certificates("other.agency.example")
    with (
        listening(Postbox(), tls=known) as port,
        Session(Server(elsewhere, port), 5.0, trust) as session,
        pytest.raises(Unusable, match="certificate is not to be trusted"),
    ):
        send(session)


def test_this_machine_may_have_a_certificate_of_its_own_making() -> None:
    known, _ = certificates()
    with listening(Postbox(), tls=known, auth=True) as port:
        server = Server("localhost", port, user=USER, password=PASSWORD)
        with Session(server, 5.0) as session:
            assert send(session) == "250 queued"


@contextmanager
def talking(script: Callable[[socket.socket], object]) -> Iterator[Server]:
    """A server that does nothing but what a script says."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                script(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Server("127.0.0.1", listener.getsockname()[1])
    thread.join(5)
    assert not thread.is_alive()


def endless(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-" + b"y" * 1000 + b"\r\n")


def short_lines(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"220-\r\n" * 1000)


def one_line(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"y" * 1000)


def slow(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"2")
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("script", "means", "sentence"),
    [
        (endless, Unreachable, "an answer of at most 128 lines and 65536 bytes is expected, found more"),
        (short_lines, Unreachable, "an answer of at most 128 lines and 65536 bytes is expected, found more"),
        (one_line, Unusable, "Line too long"),
        (slow, Unreachable, "timed out"),
    ],
)
def test_an_answer_without_an_end_is_given_up_soon_and_with_little_memory(
    script: Callable[[socket.socket], object], means: type[Exception], sentence: str
) -> None:
    tracemalloc.start()
    begun = time.monotonic()
    with talking(script) as server, Session(server, 0.5) as session, pytest.raises(means, match=sentence):
        session.announce(letter(0))
    most, seconds = tracemalloc.get_traced_memory()[1], time.monotonic() - begun
    tracemalloc.stop()
    assert most < 5_000_000
    assert seconds < 5


def test_a_slow_answer_to_a_whole_message_leaves_it_uncertain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kpi_kit.mail.session._PATIENCE", 1)

    def dripping(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                connection.sendall(b"354 go\r\n" if line.startswith(b"DATA") else b"250 ok\r\n")
                if line.startswith(b"DATA"):
                    while lines.readline() != b".\r\n":
                        pass
                    slow(connection)

    with talking(dripping) as server, Session(server, 0.5) as session:
        session.announce(letter(0))
        with pytest.raises(Uncertain, match="timed out"):
            session.transmit(letter(0))
