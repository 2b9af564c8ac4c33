"""A message: what it says, that mail clients show it, and that no name can make it somebody else's."""

from __future__ import annotations

import base64
import dataclasses
import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import cards
import mail_clients
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.image import imread
from office import NOW, Office, bodies, files, parsed, team

from kpi_kit.core.errors import ReportError
from kpi_kit.core.files import sha256
from kpi_kit.kpis import CATALOGUE
from kpi_kit.mail import check
from kpi_kit.mail.compose import Envelope, Pictures, attachments, compose, content_hash
from kpi_kit.mail.content import LONGEST_SUBJECT, MessageSettings, errors_content, message_content, plain
from kpi_kit.mail.corrections import figures
from kpi_kit.mail.gate import Held, Mailable
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.recipients import Recipient
from kpi_kit.report import DepartmentReport
from kpi_kit.report.figures import theme
from kpi_kit.report.specialist_page import THEME
from kpi_kit.scorecard import verdict

OLGA = Recipient(
    "director", "olga", "Ольга Смирнова", "olga@agency.example", ("anna-petrova", "ivan-kuznetsov"), True
)
PIXEL = b"\x89PNG tiny"
BAD = [
    "Anna\r\nBcc: all@evil.example",
    'Anna "The" <evil@evil.example>, b@evil.example',
    "Петрова, Анна; (старшая) \\ «Маяк»",
    "👩‍💻 Анна",
    cards.SCRIPT,
    "a" * 300,
    "Ж" * 300,
    "=?utf-8?q?x?= ,",
    "\u202eнна\x00\x1b[31m",
    ".",
]


def sound(people: dict[str, Any] | None = None) -> list[Mailable]:
    return [
        Mailable(person, card, f"page of {person}".encode()) for person, card in (people or team()).items()
    ]


def asked(language: str = "ru", **given: Any) -> MessageSettings:
    return MessageSettings(cards.PERIOD, "Агентство «Маяк»", language, "RUB", **given)


def envelope(**given: Any) -> Envelope:
    return Envelope(
        **{
            "key": "director:olga",
            "period": cards.PERIOD,
            "sender": "kpi@agency.example",
            "sender_name": "Агентство «Маяк»",
            "address": OLGA.address,
            "name": OLGA.name,
            **given,
        }
    )


def letter_of(reports: list[Mailable], **more: Any) -> Letter:
    said = message_content(asked(), OLGA, reports, [])
    to = envelope(**more)
    return compose(
        to,
        said,
        reports,
        attachments(reports, None, to.period, 10),
        lambda picture: PIXEL,
        digest=content_hash(to, said, reports),
        date=NOW,
    )


def expected(reports: list[Mailable], **given: Any) -> check.Expected:
    return check.Expected(
        **{
            "sender": "kpi@agency.example",
            "address": OLGA.address,
            "own": (),
            "others": (),
            "files": {f"{report.id}.html": sha256(report.page) for report in reports},
            **given,
        }
    )


def squeezed(text: str) -> str:
    return " ".join(text.split())


# ---------------------------------------------------------------- what it says


@pytest.mark.parametrize(
    ("language", "subject", "first"),
    [
        (
            "ru",
            "KPI за октябрь 2025: Анна Петрова, лиды: 34 при плане 55",
            "Выполнено 5 планов из 9. Ещё 1 показатель оценить нельзя.",
        ),
        (
            "en",
            "KPIs in October 2025: Анна Петрова, leads: 34, target 55",
            "5 of 9 targets are met. 1 more KPI cannot be assessed.",
        ),
    ],
)
def test_the_subject_has_the_largest_loss(language: str, subject: str, first: str) -> None:
    said = message_content(asked(language), OLGA, sound(team(language)), [])
    assert squeezed(said.subject) == subject
    assert squeezed(said.sentences[0]) == first
    assert len(said.sentences) == 2, "Ivan loses nothing"
    name, fact = squeezed(said.subject).split(": ", 1)[1].split(", ", 1)
    assert said.exceptions[0][0] == name
    assert fact.split(": ")[1].split(" ")[0].rstrip(",") in squeezed(said.exceptions[0][1])


def test_where_all_is_well_the_subject_says_what_was_reached() -> None:
    calm = cards.single() | {"attained": 1}
    said = message_content(asked(), OLGA, sound({"anna-petrova": calm}), [])
    assert squeezed(said.subject) == "KPI за октябрь 2025: план выполнен"
    assert said.exceptions == ()
    assert len(said.pictures) == 1


PERIODS = ["2025-10", "2025-Q2", "2025-W01", "2024"]


@settings(max_examples=60, deadline=None)
@given(
    name=st.text(min_size=1, max_size=100),
    kpi=st.sampled_from(sorted(CATALOGUE)),
    period=st.sampled_from(PERIODS),
    language=st.sampled_from(["ru", "en"]),
    preliminary=st.booleans(),
    corrected=st.booleans(),
)
def test_a_subject_is_short_whatever_is_in_it(
    name: str, kpi: str, period: str, language: str, preliminary: bool, corrected: bool
) -> None:
    card = cards.card(language, name=name, period=period)
    card["notes"] = [{"code": "preliminary", "as_of": card["as_of"], "settled_on": "2025-11-08"}]
    card["notes"] *= preliminary
    for entry in card["kpis"]:
        entry["kpi"], entry["unit"] = kpi, str(CATALOGUE[kpi].unit)
    settings_of = MessageSettings(period, "A", language, "RUB")
    earlier = figures([card]) if corrected else None
    for held in ([], [Held("oleg", name, "stale", "x")]):
        subject = message_content(settings_of, OLGA, sound({"a": card}), held, earlier).subject
        assert 0 < len(subject) <= LONGEST_SUBJECT
        assert subject == plain(subject)
        assert (period[:4] in subject) and (len(errors_content(settings_of, held).subject) <= LONGEST_SUBJECT)


def department(size: int) -> dict[str, Any]:
    """Specialists whose totals and losses differ, one without a total and one without a variable pay."""
    people = {}
    for number in range(size):
        card = cards.card(specialist=f"s{number}", name=f"Специалист {number}", total=(number * 7 % 11) / 10)
        card["kpis"] = card["kpis"][number % 3 :]
        card["variable_pay"] = {"monthly": 9e4, "share": 1.0, "amount": 1e4 * (number + 1), "payout": 1.0}
        people[f"s{number}"] = card
    people["s1"]["total"] = None
    people["s2"]["variable_pay"] = None
    return people


def test_two_directors_read_the_same_order() -> None:
    """In rows, in what needs attention and in the sentences, whoever else is in the message."""
    people = department(6)
    page = [card["name"] for card in verdict.worst_first(people.values())]
    worst = [person for person, _ in verdict.month_sentence(list(people.values()), 6)]
    for own in itertools.combinations(people, 3):
        to = dataclasses.replace(OLGA, specialists=own)
        said = message_content(asked(), to, sound({person: people[person] for person in own}), [])
        rows = [row.cells[0] for row in said.rows]
        assert rows == [name for name in page if name in rows]
        needy = [name for name, _ in said.exceptions]
        assert needy == [name for name in page if name in needy]
        named = [text.split(", ")[0] for text in said.sentences[1:]]
        assert named == [people[person]["name"] for person in worst if person in own][:2]


def test_a_message_says_what_the_department_page_says() -> None:
    people = department(6)
    said = message_content(asked(), OLGA, sound(people), [])
    page = DepartmentReport(cards.PERIOD, list(people.values()), {}, "ru", "RUB")
    header, table = (squeezed(unescape(str(part.html))) for part in (page.header(), page.people()) if part)
    assert len(said.sentences) == 3
    for sentence in said.sentences[1:]:
        assert squeezed(sentence) in header
    assert squeezed(said.sentences[0]) in table
    for row in said.rows:
        assert squeezed(row.cells[0]) in table
        assert squeezed(row.cells[-1]) in table


def test_one_specialists_sentences_are_those_of_the_report() -> None:
    said = message_content(asked(), OLGA, sound({"anna-petrova": cards.card()}), [])
    assert squeezed(said.sentences[0]).startswith("Выполнено 3 плана из 7.")


def test_the_table_has_total_change_payout_and_reason() -> None:
    card = cards.card(variable_pay={"monthly": 4e4, "share": 1.0, "amount": 4e4, "payout": 32271.546})
    card["total_previous"] = {"period": "2025-09", "value": 0.9, "reported": True}
    said = message_content(asked(), OLGA, sound({"anna-petrova": card}), [])
    (row,) = said.rows
    assert said.heads == ("Специалист", "Итог", "К выплате", "Почему")
    assert [squeezed(cell) for cell in row.cells] == [
        "Анна Петрова",
        "80,7 % (−9,3 п. п. к сентябрю)",
        "32 271,55 ₽ + премия 8 200 ₽",
        "лиды: значимо хуже",
    ]
    (plain,) = message_content(asked(), OLGA, sound({"anna-petrova": cards.card(bonus=None)}), []).rows
    assert [squeezed(cell) for cell in plain.cells] == ["Анна Петрова", "80,7 %", "лиды: значимо хуже"]


def test_figures_that_are_not_final_are_said_to_be_so() -> None:
    early = {**cards.unassessable(), "restated": []}
    for record in early["kpis"]:
        record["notes"] = [{"code": "interim_change"}]
    said = message_content(asked(), OLGA, sound({"anna-petrova": early}), [])
    assert said.subject.startswith("Предварительно. KPI за октябрь 2025: планы оценить нельзя")
    assert len(said.banners) == 1
    assert said.exceptions == (), "nobody has to decide anything before the period is over"


def test_what_is_held_back_is_said_without_internals() -> None:
    held = Held("oleg", "Олег Орлов", "failed", "cell 3: KeyError: 'x'")
    said = message_content(asked(), OLGA, sound(), [held])
    assert said.held == (("Олег Орлов", "отчёт не построен, составитель отчётов предупреждён"),)


def test_a_correction_names_what_was_restated() -> None:
    before = figures(list(team().values()))
    people = team()
    people["anna-petrova"]["total"] = 0.9
    people["anna-petrova"]["kpis"][0]["value"] = 1299.0
    del people["ivan-kuznetsov"]["kpis"][1]
    said = message_content(asked(), OLGA, sound(people), [], before)
    assert said.subject.startswith("Исправлено. KPI за октябрь 2025")
    assert [squeezed(line) for line in said.corrections] == [
        "Анна Петрова, итог: было 80,7 %, стало 90,0 %",
        "Анна Петрова, «Прирост подписчиков»: было 1 284, стало 1 299",
    ]
    same = message_content(asked(), OLGA, sound(), [], figures(list(team().values())))
    assert same.corrections == ("Цифры прежние, изменился текст письма.",)
    gone = message_content(
        asked(), OLGA, sound({"anna-petrova": cards.card()}), [], figures(list(team().values()))
    )
    assert gone.corrections == ("Отчёт убран: Иван Кузнецов",)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_plain_text_says_what_the_html_says(language: str) -> None:
    reports = sound(team(language))
    held = Held("oleg", "Олег Орлов", "stale", "x")
    said = message_content(asked(language), OLGA, reports, [held], figures([cards.card(language, total=0.1)]))
    to = envelope()
    message = compose(to, said, reports, [], lambda picture: PIXEL, digest="c", date=NOW)
    text, html = bodies(parsed(message.data))
    text = squeezed(text).casefold()
    legend = {"ru": "линия — факты", "en": "line: actual values"}[language]
    html = re.sub(r"<(title|style).*?</\1>", "", html, flags=re.DOTALL)
    for piece in re.split(r"<[^>]+>", html):
        told = squeezed(unescape(piece)).strip(": ").casefold()
        assert told in text or told.startswith(legend) or told == "", told


# ---------------------------------------------------------------- MIME, names


def test_the_same_letter_is_the_same_bytes() -> None:
    first, second = letter_of(sound()), letter_of(sound())
    assert first.data == second.data
    assert first.message_id == second.message_id
    assert letter_of(sound(), number=1).message_id != first.message_id
    assert letter_of(sound(), key="director:pavel").message_id != first.message_id


def test_what_it_looks_like_is_no_part_of_its_content() -> None:
    said = message_content(asked(), OLGA, sound(), [])
    repainted = [dataclasses.replace(report, page=b"another look") for report in sound()]
    newer = [
        dataclasses.replace(report, card={**report.card, "provenance": {"data": "new"}}) for report in sound()
    ]
    hashes = {content_hash(envelope(), said, reports) for reports in (sound(), repainted, newer)}
    assert len(hashes) == 1
    changed = team()
    changed["anna-petrova"]["kpis"][0]["value"] += 1
    assert content_hash(envelope(), said, sound(changed)) not in hashes
    assert content_hash(envelope(address="o@agency.example"), said, sound()) not in hashes


@pytest.mark.parametrize("name", BAD)
def test_a_name_cannot_change_a_header_or_the_page(name: str) -> None:
    people = {"anna-petrova": cards.card(name=name)}
    people["anna-petrova"]["assignments"][0]["title"] = name
    letter = letter_of(sound(people), name=name, sender_name=name)
    assert check.problems(letter.data, expected(sound(people))) == []
    message = parsed(letter.data)
    assert mail_clients.dropped(bodies(message)[1]) == []
    assert [each.addr_spec for each in message["To"].addresses] == [OLGA.address]
    assert [each.addr_spec for each in message["From"].addresses] == ["kpi@agency.example"]
    assert "bcc" not in {header.lower() for header in message}
    assert "<script" not in bodies(message)[1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(min_size=1, max_size=60), other=st.text(alphabet='",;<>@\\ \r\nЖé=?', max_size=40))
def test_any_name_goes_out_as_it_is_or_not_at_all(name: str, other: str) -> None:
    reports = sound({"anna-petrova": cards.single() | {"name": name}})
    letter = letter_of(reports, name=other, sender_name=name)
    assert check.problems(letter.data, expected(reports)) == []
    assert mail_clients.dropped(bodies(parsed(letter.data))[1]) == []
    assert max(map(len, letter.data.split(b"\r\n"))) <= 998


# ---------------------------------------------------------------- files and links


def test_pages_over_the_limit_go_as_an_archive_and_no_larger() -> None:
    reports = [Mailable("anna", {}, b"a" * 2000), Mailable("ivan", {}, b"b" * 2000)]
    assert [file.name for file in attachments(reports, b"all", "2025-10", 0.01)] == [
        "anna.html",
        "ivan.html",
        "index.html",
    ]
    (archive,) = attachments(reports, b"all", "2025-10", 0.002)
    assert (archive.name, archive.kind) == ("reports-2025-10.zip", "application/zip")
    assert attachments(reports, b"all", "2025-10", 0.002) == [archive]
    with zipfile.ZipFile(io.BytesIO(archive.data)) as packed:
        assert packed.namelist() == ["anna.html", "index.html", "ivan.html"]
        assert packed.read("anna.html") == b"a" * 2000
    with pytest.raises(ReportError, match=r"attach_limit_mb is 0\.0001"):
        attachments(reports, None, "2025-10", 0.0001)


def test_with_a_base_url_reports_are_linked_and_not_attached(tmp_path: Path) -> None:
    office = Office(tmp_path, mail={"base_url": "https://kpi.agency.example/r/"})
    assert office.post() is True
    message = office.message()
    text, html = bodies(message)
    assert files(message) == {}
    for name in ("anna-petrova", "ivan-kuznetsov", "index"):
        address = f"https://kpi.agency.example/r/2025-10/{name}.html"
        assert f'href="{address}"' in html
        assert address in text
    assert "index.html" not in bodies(office.message("director-pavel"))[1]


# ---------------------------------------------------------------- read back


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


def test_a_sound_message_has_no_problems() -> None:
    data = letter_of(sound()).data
    assert check.problems(data, expected(sound())) == []
    assert mail_clients.dropped(bodies(parsed(data))[1]) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda data: changed(data, b"To: ", b"Bcc: evil@evil.example\r\nTo: "),
            "headers that nobody wrote: bcc",
        ),
        (lambda data: changed(data, b"olga@agency", b"oleg@agency"), "To is oleg@agency.example"),
        (
            lambda data: changed(data, b"kpi@agency.example>", b"kpi@evil.example>"),
            "From is kpi@evil.example",
        ),
        (lambda data: changed(data, b"Date: ", b"Date: x\r\nDate: "), "cannot be read back|stands twice"),
        (lambda data: data.replace(b"\r\n", b"\n"), "CRLF"),
        (lambda data: data + b"a" * 1000, "a line has"),
        (lambda data: data + "ж".encode(), "not ASCII"),
        (
            lambda data: changed(data, b"anna-petrova.html", b"oleg-orlov.html"),
            "oleg-orlov.html is not a report",
        ),
        (lambda data: changed(data, b"Auto-Submitted: auto-generated\r\n", b""), "no headers auto-submitted"),
        (lambda data: b"", "no headers"),
    ],
)
def test_a_message_that_was_changed_is_refused(spoil: Any, said: str) -> None:
    assert re.search(said, "\n".join(check.problems(spoil(letter_of(sound()).data), expected(sound()))))


def test_a_specialist_who_is_not_theirs_is_seen() -> None:
    letter = letter_of(sound())
    found = check.problems(letter.data, expected(sound()[:1], others=("Иван Кузнецов",)))
    assert [problem for problem in found if "names Иван Кузнецов" in problem]
    assert "the file ivan-kuznetsov.html is not a report of the recipient's" in found


def test_a_page_with_another_content_is_seen() -> None:
    other = [dataclasses.replace(report, page=report.page + b"!") for report in sound()]
    assert len(check.problems(letter_of(sound()).data, expected(other))) == 2


@pytest.mark.parametrize(
    ("text", "own", "others", "found"),
    [
        ("", [], [], []),
        ("Анна Петрова", ["Анна Петрова"], ["Анна"], []),
        ("анна  ПЕТРОВА", [], ["Анна Петрова"], ["Анна Петрова"]),
        ("Аннабель", [], ["Анна"], []),
        ("Анна, Иван.", ["Анна"], ["Иван", "Иван"], ["Иван"]),
        ("a.b (c)", [], ["a.b (c)"], ["a.b (c)"]),
    ],
)
def test_names_of_others(text: str, own: list[str], others: list[str], found: list[str]) -> None:
    assert check.foreign(text, own, others) == found


# ---------------------------------------------------------------- mail clients


@pytest.mark.parametrize(
    "html",
    [
        "<script>1</script>",
        "<style>p{}</style>",
        "<link rel=stylesheet href=https://x.example/a.css>",
        "<svg></svg>",
        "<iframe></iframe>",
        "<p onclick=x>a</p>",
        "<a href='javascript:x'>a</a>",
        "<a href='cid:x'>a</a>",
        "<p style='display:flex'>a</p>",
        "<p style='color:red; display: inline-grid'>a</p>",
        "<p style='position:absolute'>a</p>",
        "<p style='float:left'>a</p>",
        "<p style='color:var(--k)'>a</p>",
        "<p style='background:url(https://x.example/a.png)'>a</p>",
        "<td background='https://x.example/a.png'>",
        "<img src='data:image/png;base64,AA' alt=a width=1>",
        "<img src='https://x.example/a.png' alt=a width=1>",
        "<img src='cid:a' width=1>",
        "<img src='cid:a' alt=a>",
        "<img src='cid:a' alt=a width=1 srcset='b 2x'>",
        "<table width=800>",
        "<meta http-equiv=refresh content=0>",
        "<p>" + "a" * 110_000 + "</p>",
    ],
)
def test_what_clients_drop_is_found(html: str) -> None:
    assert mail_clients.dropped(html)


def test_every_rule_names_its_source() -> None:
    rules = [*mail_clients.ELEMENTS.values(), *mail_clients.STYLES.values(), mail_clients.DATA_IMAGES]
    assert all(rule.source.startswith("https://") and rule.text for rule in rules)


def test_a_large_team_stays_under_what_gmail_shows() -> None:
    people = {f"s{n}": cards.card(specialist=f"s{n}", name=f"{cards.LONG_NAME} {n}") for n in range(70)}
    recipient = dataclasses.replace(OLGA, specialists=tuple(people))
    said = message_content(asked(), recipient, sound(people), [])
    message = compose(envelope(), said, sound(people), [], lambda picture: PIXEL, digest="c", date=NOW)
    html = bodies(parsed(message.data))[1]
    assert mail_clients.dropped(html) == []
    assert "Ещё 10\u00a0специалистов — в отчётах." in html or "Ещё 10 специалистов — в отчётах." in html


@pytest.fixture(scope="module")
def drawn() -> EmailMessage:
    """A message with its real charts."""
    people = team()
    people["anna-petrova"]["name"] = cards.LONG_NAME
    reports = sound(people)
    said = message_content(asked(), OLGA, reports, [Held("oleg", "Олег Орлов", "stale", "x")])
    pictures = Pictures(dict(people.items()))
    return parsed(compose(envelope(), said, reports, [], pictures.png, digest="c", date=NOW).data)


@pytest.fixture(scope="module")
def shown(drawn: EmailMessage) -> Iterator[str]:
    """The HTML as a mail client shows it, its pictures in place."""
    html = bodies(drawn)[1]
    for part in drawn.walk():
        if part["Content-ID"]:
            source = base64.b64encode(part.get_content()).decode()
            html = html.replace(
                f"cid:{str(part['Content-ID']).strip('<>')}", f"data:image/png;base64,{source}"
            )
    yield html


@pytest.mark.parametrize("width", [600, 390])
def test_it_fits_its_window(browser: Any, shown: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        page.set_content(shown)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        sizes = page.eval_on_selector_all("img", "all => all.map(i => [i.naturalWidth, i.width, i.complete])")
        assert len(sizes) == 3
        assert all(natural == 688 and 300 < wide <= 420 and whole for natural, wide, whole in sizes)
        smallest = page.eval_on_selector_all(
            "td, th, p",
            "all => Math.min(...all.filter(e => e.innerText.trim())"
            ".map(e => parseFloat(getComputedStyle(e).fontSize)))",
        )
        assert smallest >= 12
    finally:
        page.close()


def test_charts_are_drawn_once_and_the_same(drawn: EmailMessage) -> None:
    pictures = Pictures(team())
    said = message_content(asked(), OLGA, sound(), [])
    first = pictures.png(said.pictures[0])
    assert pictures.png(said.pictures[0]) is first
    assert Pictures(team()).png(said.pictures[0]) == first


def test_weekly_points_are_seen(drawn: EmailMessage) -> None:
    """Drawn as strokes of hardly any length, they would vanish if they were snapped to pixels."""
    week = np.array([int(theme(THEME).week[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    shown = [part.get_content() for part in drawn.walk() if part["Content-ID"]]
    counts = [
        int((np.abs(imread(io.BytesIO(image))[..., :3] - week).max(axis=-1) < 0.01).sum()) for image in shown
    ]
    assert counts[0] > 500, "the leads have 55 known weeks, each a dot of some 20 pixels"


@pytest.mark.parametrize(
    ("people", "said"),
    [
        (0, []),
        (1, ["Анна 0: с первого отчёта за период изменились 3 цифры, какие — сказано в отчётах."]),
        (2, ["Анна 0 и Анна 1: с первого отчёта за период изменились 6 цифр, какие — сказано в отчётах."]),
        (6, ["У 6 специалистов: с первого отчёта за период изменились 18 цифр, какие — сказано в отчётах."]),
    ],
)
def test_restated_figures_are_told_in_one_line(people: int, said: list[str]) -> None:
    """The sample card has three; who is not restated is not named."""
    cards_of = {f"s{n}": cards.card(specialist=f"s{n}", name=f"Анна {n}") for n in range(people)}
    cards_of["calm"] = {**cards.card(specialist="calm"), "restated": []}
    recipient = dataclasses.replace(OLGA, specialists=tuple(cards_of))
    found = message_content(asked(), recipient, sound(cards_of), [])
    assert [squeezed(text).replace("изменилось", "изменились") for text in found.banners] == said
