"""KPI_SMTP_URL: what is allowed, and that its password is shown nowhere."""

from __future__ import annotations

import base64

import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.mail.server import Server, from_environment, parse


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", Server("localhost", 587)),
        ("smtp://127.0.0.1:25/", Server("127.0.0.1", 25)),
        ("smtps://mail.agency.example", Server("mail.agency.example", 465, True)),
        ("smtp://a%40b:p%2F%25@h.example:1", Server("h.example", 1, False, "a@b", "p/%")),
        ("smtp://[::1]:25", Server("::1", 25)),
    ],
)
def test_an_address_of_a_server(url: str, server: Server) -> None:
    assert parse(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "localhost:25",
        "http://u:SECRET@h",
        "smtp://u:SECRET@",
        "smtp://u:SECRET@h:notaport",
        "smtp://u:SECRET@h:99999",
        "smtp://u:SECRET@h/path",
        "smtp://u:SECRET@h?starttls=no",
        "smtp://:SECRET@h",
        "smtp://SECRET@h",
        "smtp://u:SECRET\u044f@h",
        "smtp://u:SECRET%0d%0a@h",
        "smtp://u:SECRET@[::1",
    ],
)
def test_what_is_refused_is_not_quoted(url: str) -> None:
    with pytest.raises(InputError, match="KPI_SMTP_URL") as caught:
        parse(url)
    assert "SECRET" not in f"{caught.value!r} {caught.value}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("environment", [{}, {"KPI_SMTP_URL": " "}])
def test_without_a_server_nothing_can_be_sent(environment: dict[str, str]) -> None:
    with pytest.raises(InputError, match="KPI_SMTP_URL is not set"):
        from_environment(environment)


def test_the_password_is_taken_out_of_what_servers_say() -> None:
    server = Server("h", 25, user="kpi", password="p@ss/w")
    assert "p@ss" not in repr(server)
    for form in ("p@ss/w", "p%40ss/w", "p%40ss%2Fw", "\0kpi\0p@ss/w", "p@ss/w"):
        encoded = base64.b64encode(form.encode()).decode()
        assert server.clean(f"535 {form} no") == "535 *** no" or "\0" in form
        assert encoded not in server.clean(f"535 {encoded}") or form.startswith("p%")
    assert Server("h", 25).clean("535 no") == "535 no"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.0.1", False),
        ("0.0.0.0", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert Server(host, 25).is_loopback is loopback
