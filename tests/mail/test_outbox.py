"""The whole of it: each their own, once; corrections only when asked; what is uncertain is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import DIRECTORS, Office, bodies, files, parsed, team
from postbox import Postbox, listening

from kpi_kit.core.errors import InputError
from kpi_kit.mail import outbox
from kpi_kit.mail.compose import Pictures
from kpi_kit.mail.content import Content
from kpi_kit.mail.gate import Mailable
from kpi_kit.mail.recipients import Recipient
from kpi_kit.mail.server import Server
from kpi_kit.params import comment_file

ANNA, IVAN = "anna-petrova", "ivan-kuznetsov"


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are looked at in test_message.py; here they would cost most of the time."""
    monkeypatch.setattr(Pictures, "png", lambda self, picture, language=None: b"PNG")


@pytest.fixture(scope="module")
def open_box() -> Iterator[tuple[Postbox, Server]]:
    box = Postbox()
    with listening(box) as port:
        yield box, Server("127.0.0.1", port)


@pytest.fixture
def box(open_box: tuple[Postbox, Server]) -> Postbox:
    open_box[0].arrived.clear()
    open_box[0].fault = lambda stage: None
    return open_box[0]


@pytest.fixture
def server(open_box: tuple[Postbox, Server]) -> Server:
    return open_box[1]


def addresses(box: Postbox) -> list[str]:
    return [address.partition("@")[0] for address, _ in box.arrived]


def restate(office: Office, value: float = 1299.0) -> None:
    office.cards[ANNA]["kpis"][0]["value"] = value
    office.make()


def test_each_director_has_their_own_and_nothing_is_sent_unasked(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.post() is True
    assert sorted(files(office.message("director-olga"))) == [f"{ANNA}.html", "index.html", f"{IVAN}.html"]
    pavel = office.message("director-pavel")
    assert list(files(pavel)) == [f"{IVAN}.html"]
    assert "Анна" not in "".join(bodies(pavel)) + str(pavel["Subject"])
    assert (office.outbox / "journal.jsonl").read_bytes() == b""
    assert office.said[-1] == f"2 messages in {office.outbox}; nothing is sent without --send"
    assert office.said[0].startswith("director:olga <olga@agency.example>: new: 'KPI за октябрь 2025: ")


def test_a_second_run_sends_nothing(tmp_path: Path, box: Postbox, server: Server) -> None:
    office = Office(tmp_path)
    assert office.post(server) is True
    assert addresses(box) == ["olga", "pavel"]
    assert office.post(server) is True
    assert addresses(box) == ["olga", "pavel"]
    assert office.said[-1] == "nothing to send"
    assert list(office.outbox.glob("*.eml")) == []
    kept = sorted((office.outbox / "sent").glob("*.eml"))
    assert [path.name.rpartition("-")[0] for path in kept] == ["director-olga", "director-pavel"]
    assert [str(parsed(path.read_bytes())["Message-ID"]) for path in kept] == [
        name for _, name in box.arrived
    ]


def test_reports_made_again_with_the_same_figures_are_not_news(
    tmp_path: Path, box: Postbox, server: Server
) -> None:
    office = Office(tmp_path)
    office.post(server)
    office.cards[ANNA]["provenance"]["kit"] = "9.9.9"
    office.make()
    assert office.post(server, resend=True) is True
    assert len(box.arrived) == 2


def test_changed_figures_are_sent_only_as_a_correction(tmp_path: Path, box: Postbox, server: Server) -> None:
    office = Office(tmp_path)
    office.post(server)
    restate(office)
    assert office.post(server) is False
    assert office.warned == [
        "director:olga <olga@agency.example>: the content has changed since it was sent; "
        "send the correction with --resend"
    ]
    assert office.post(resend=True) is True
    message = office.message()
    assert str(message["Subject"]).startswith("Исправлено. KPI за октябрь 2025")
    assert "«Прирост подписчиков»: было 1\u202f284, стало 1\u202f299" in bodies(message)[0].replace(
        "\u00a0", "\u202f"
    )
    assert office.post(server, resend=True) is True
    assert office.post(server, resend=True) is True
    assert addresses(box) == ["olga", "pavel", "olga"]
    restate(office, 1284.0)  # back again: that is one more correction, not the first message
    assert office.post(server, resend=True) is True
    assert addresses(box)[3:] == ["olga"]
    assert len({name for _, name in box.arrived}) == 4


def test_what_is_uncertain_is_asked(tmp_path: Path, box: Postbox, server: Server) -> None:
    office = Office(tmp_path)
    box.fault = lambda stage: "drop" if stage == "DONE" and len(box.arrived) == 1 else None
    assert office.post(server) is False
    assert addresses(box) == ["olga", "pavel"]
    assert "was accepted is unknown" in office.warned[0]
    before = (office.outbox / "director-olga.eml").read_bytes()
    assert office.post(server, resend=True) is False, "it is not guessed"
    assert "--resolve sent, or --resolve again" in office.warned[0]
    assert len(box.arrived) == 2
    assert (office.outbox / "director-olga.eml").read_bytes() == before, "what to look for is kept"
    assert office.post(server, resolve="sent") is True
    assert office.said[0] == "director:olga: taken as sent"
    assert len(box.arrived) == 2
    assert office.post(server, resolve="again") is True
    assert office.said[0] == "there is nothing uncertain to resolve"


def test_what_did_not_arrive_is_sent_again_when_a_person_says_so(
    tmp_path: Path, box: Postbox, server: Server
) -> None:
    office = Office(tmp_path)
    faults = iter(["drop"])
    box.fault = lambda stage: next(faults, None) if stage == "DATA" else None
    assert office.post(server) is False
    assert addresses(box) == ["pavel"]
    assert office.post(server, resolve="again") is True
    assert addresses(box) == ["pavel", "olga"]


def test_a_crash_before_the_answer_was_written_leaves_a_question(
    tmp_path: Path, box: Postbox, server: Server
) -> None:
    office = Office(tmp_path)
    office.post(server)
    journal = office.outbox / "journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    assert [json.loads(line)["event"] for line in lines] == ["sending", "sent"] * 2
    journal.write_text("".join(lines[:3]), encoding="utf-8")
    assert office.post(server) is False
    assert [line.split(" ")[0] for line in office.warned] == ["director:pavel"]
    assert len(box.arrived) == 2


def test_a_report_that_failed_is_not_mailed_and_both_sides_are_told(
    tmp_path: Path, box: Postbox, server: Server
) -> None:
    office = Office(tmp_path, mail={"errors_to": "kpi-errors@agency.example"})
    office.make(**{ANNA: {"status": "failed", "error": "cell 3: KeyError", "seconds": 0.0}})
    assert office.post(server) is False
    assert office.warned == [f"{ANNA}: report not mailed: cell 3: KeyError"]
    assert addresses(box) == ["olga", "pavel", "kpi-errors"]
    (olga,) = (office.outbox / "sent").glob("director-olga-*.eml")
    assert list(files(parsed(olga.read_bytes()))) == [f"{IVAN}.html"], "nor the department's page"
    text = bodies(parsed(olga.read_bytes()))[0]
    assert "Анна Петрова: отчёт не построен" in text
    assert "KeyError" not in text
    (errors,) = (office.outbox / "sent").glob("errors-*.eml")
    message = parsed(errors.read_bytes())
    assert str(message["Subject"]) == "KPI за октябрь 2025: не отправлен 1 отчёт"
    assert "Анна Петрова: отчёт не построен" in bodies(message)[0]
    assert "cell 3: KeyError" in bodies(message)[0]
    assert office.post(server) is False
    assert len(box.arrived) == 3, "the list of errors, too, goes once"


def test_a_director_without_a_sound_report_gets_no_message(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.make(**{IVAN: {"status": "failed", "error": "x"}})
    assert office.post() is False
    assert not (office.outbox / "director-pavel.eml").exists()
    assert (
        office.warned[-1] == "director:pavel <pavel@agency.example>: no message: no reports are ready to send"
    )
    office.make()
    office.post()
    office.make(**{IVAN: {"status": "failed", "error": "x"}})
    office.post()
    assert not (office.outbox / "director-pavel.eml").exists(), "a message of an earlier run is taken back"


def test_specialists_get_their_own_where_it_is_asked_for(tmp_path: Path) -> None:
    office = Office(tmp_path, mail={"to_specialists": True})
    assert office.post() is True
    message = office.message(f"specialist-{ANNA}")
    assert list(files(message)) == [f"{ANNA}.html"]
    assert "Иван" not in "".join(bodies(message))
    assert office.post(only=("pavel",)) is True
    assert [path.name for path in office.outbox.glob("*.eml")] == ["director-pavel.eml"]


def test_figures_that_are_not_final_need_a_word(tmp_path: Path) -> None:
    people = team()
    people[IVAN] |= {"preliminary": True}
    people[IVAN]["notes"] = [
        {
            "code": "preliminary",
            "as_of": "2025-11-03T00:00:00+03:00",
            "settled_on": "2025-11-08T00:00:00+03:00",
        }
    ]
    office = Office(tmp_path, people)
    assert office.post() is False
    assert list(files(office.message())) == [f"{ANNA}.html"]
    assert office.post(preliminary=True) is True
    assert str(office.message("director-pavel")["Subject"]).startswith("Предварительно. KPI за октябрь 2025")


def test_a_fault_in_composing_is_caught_in_the_finished_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever breaks the composing: a director never gets a specialist who is not theirs."""
    office = Office(tmp_path)
    good = outbox.message_content

    def careless(asked: object, recipient: Recipient, theirs: list[Mailable], *rest: object) -> Content:
        return good(asked, recipient, list(office.gate().examine()[0].values()), *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "message_content", careless)
    assert office.post() is False
    assert "names Анна Петрова, who is not the recipient's" in office.warned[0]
    assert [path.name for path in office.outbox.glob("*.eml")] == ["director-olga.eml"]


def test_a_stranger_among_the_reports_is_caught_when_composing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path)
    everyone = [Recipient("director", "pavel", "Павел Громов", "pavel@agency.example", (IVAN,))]
    monkeypatch.setattr(outbox, "recipients", lambda params: everyone)
    examine = outbox.Gate.examine

    def mixed(gate: outbox.Gate) -> object:
        sound, held = examine(gate)
        return {**sound, IVAN: sound[ANNA]}, held

    monkeypatch.setattr(outbox.Gate, "examine", mixed)
    assert office.post() is False
    assert office.warned == [
        "director:pavel <pavel@agency.example>: no message: anna-petrova: not for this recipient"
    ]


def test_a_server_that_refuses_leaves_the_message_for_the_next_run(
    tmp_path: Path, box: Postbox, server: Server
) -> None:
    office = Office(tmp_path)
    faults = iter(["550"])
    box.fault = lambda stage: next(faults, None) if stage == "RCPT" else None
    assert office.post(server) is False
    assert office.warned == ["director:olga <olga@agency.example>: not sent: 550 no"]
    assert office.said[-1] == "1 sent; 1 failed"
    assert (office.outbox / "director-olga.eml").exists()
    assert office.post(server) is True
    assert addresses(box) == ["pavel", "olga"]


@pytest.mark.parametrize(
    ("given", "wish", "said"),
    [
        ({"directors": []}, {}, "no recipients: directors is empty"),
        ({}, {"only": ("olgaa",)}, "--to olgaa: no such recipient; did you mean olga"),
    ],
)
def test_bad_wishes_are_one_sentence(tmp_path: Path, given: dict, wish: dict, said: str) -> None:
    office = Office(tmp_path, {ANNA: team()[ANNA]}, **{"directors": DIRECTORS[:1], **given})
    with pytest.raises(InputError, match=said):
        office.post(**wish)
    assert not office.outbox.exists()


def test_without_the_key_mail_there_is_no_mail(tmp_path: Path) -> None:
    office = Office(tmp_path, {ANNA: team()[ANNA]}, directors=DIRECTORS[:1])
    path = office.root / "params" / "department.yml"
    path.write_text("agency: Маяк\n", encoding="utf-8")
    with pytest.raises(InputError, match="mail: this key is missing"):
        office.post()


def test_an_outbox_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    office = Office(tmp_path, {IVAN: team()[IVAN]}, directors=DIRECTORS[1:])
    office.outbox.write_text("a file", encoding="utf-8")
    with pytest.raises(InputError, match="outbox: cannot be used: File exists"):
        office.post()


NAMES = ["../../etc/passwd", "Ольга", "a" * 200, ".", "con:x", "a\nb"]


def test_an_id_cannot_leave_the_outbox(tmp_path: Path) -> None:
    directors = [
        {"id": name, "name": "О", "email": f"o{number}@agency.example", "specialists": [IVAN]}
        for number, name in enumerate(NAMES)
    ]
    office = Office(tmp_path, {IVAN: team()[IVAN]}, directors=directors)
    assert office.post() is True
    found = [path.name for path in office.outbox.glob("*.eml")]
    assert len(found) == len(NAMES)
    assert all(name.startswith("director-") and len(name) < 90 for name in found)
    assert sorted(entry.name for entry in office.root.iterdir()) == ["out", "params"]


@pytest.mark.parametrize(
    "where", ["outbox", "outbox/journal.jsonl", "outbox/sent", "outbox/.director-olga.eml"]
)
def test_a_link_in_the_folder_of_reports_is_refused_and_not_followed(tmp_path: Path, where: str) -> None:
    office = Office(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    if where.endswith("l"):
        elsewhere.write_text("a secret without a line end", encoding="utf-8")
    else:
        elsewhere.mkdir()
        (elsewhere / "from-mum.eml").write_text("hi", encoding="utf-8")
    before = {path: path.read_bytes() for path in elsewhere.rglob("*")} or elsewhere.read_bytes()
    link = office.outbox.parent / where
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"^\S+: is a link, [^\n]+$"):
        office.post()
    after = {path: path.read_bytes() for path in elsewhere.rglob("*")} or elsewhere.read_bytes()
    assert after == before


@pytest.mark.parametrize("kept", [0, 2], ids=["no journal", "an older copy"])
def test_a_journal_that_forgot_a_sent_message_is_refused(
    tmp_path: Path, box: Postbox, server: Server, kept: int
) -> None:
    office = Office(tmp_path)
    assert office.post(server) is True
    path = office.outbox / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    with pytest.raises(InputError, match=r"sent/\S+\.eml: sent, but missing from \S+journal\.jsonl"):
        office.post(server)
    assert len(box.arrived) == 2


def test_comments_stand_in_the_message_and_may_name_and_link_to_anybody(tmp_path: Path) -> None:
    people = team()
    people["ivan-kuznetsov"]["comment"] = (
        "Лучше, чем *Анна Петрова*: [план](https://plan.example/?a=1&b=2) <b>"
    )
    office = Office(tmp_path, people)
    comment = comment_file(office.root / "params", office.folder.name, "department")
    comment.parent.mkdir(parents=True)
    comment.write_text("- Сильный месяц", encoding="utf-8")
    office.make()
    office.post()
    for name in ("director-olga", "director-pavel"):
        plain, html = bodies(office.message(name))
        assert "КОММЕНТАРИЙ РУКОВОДИТЕЛЯ" in plain.splitlines()
        assert "Лучше, чем *Анна Петрова*: [план]" in plain
        assert ">план</a>" in html
        assert "&lt;b&gt;" in html
        assert ("Сильный месяц</li>" in html) == ("Сильный месяц" in plain) == (name == "director-olga")


def test_attached_pages_link_only_to_what_is_attached(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.post()
    links = {
        name: set(
            re.findall(r'<a href="([^"#]*\.html)"', files(office.message(name))[f"{IVAN}.html"].decode())
        )
        for name in ("director-olga", "director-pavel")
    }
    assert links == {"director-olga": {"index.html"}, "director-pavel": set()}


@pytest.mark.parametrize("linked", [False, True])
def test_the_payout_statement_goes_only_to_who_sees_all_and_only_when_asked(
    tmp_path: Path, linked: bool
) -> None:
    base = {"base_url": "https://agency.example/kpi"} if linked else {}
    for payroll in (True, False):
        office = Office(tmp_path / str(payroll), mail={"payroll": payroll, **base})
        office.add_payout(b"statement")
        office.post()
        olga, pavel = (files(office.message(name)) for name in ("director-olga", "director-pavel"))
        assert (olga.get("payout.xlsx"), pavel.get("payout.xlsx")) == (
            b"statement" if payroll else None,
            None,
        )
        assert (set(olga) <= {"payout.xlsx"}) == linked
        (office.folder / "payout.xlsx").write_bytes(b"of somebody else")
        office.post()
        assert "payout.xlsx" not in files(office.message("director-olga"))


def test_pdfs_are_attached_in_place_of_pages_where_asked_for(tmp_path: Path) -> None:
    office = Office(tmp_path, mail={"attach": "pdf"})
    assert office.post() is False
    assert any("no PDF of the page; run make reports PDF=yes" in line for line in office.warned)
    office.add_pdfs()
    assert office.post() is True
    assert sorted(files(office.message("director-olga"))) == [f"{ANNA}.pdf", "index.pdf", f"{IVAN}.pdf"]
    assert files(office.message("director-pavel")) == {f"{IVAN}.pdf": b"%PDF ivan-kuznetsov"}
