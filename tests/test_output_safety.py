"""Three hundred hostile texts through everything that shows a text: pages, messages, the terminal, CSV.

A page with them has the very elements and attributes of a page with harmless ones, shows each text, runs
nothing, asks for nothing and keeps its shape.
"""

from __future__ import annotations

import copy
import csv
import re
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kpi_kit.batch.execute import Result
from kpi_kit.batch.progress import display as progress
from kpi_kit.cli.main import main
from kpi_kit.core.sanitize import bare, isolated, on_terminal, shown
from kpi_kit.data.merge.journal import guarded
from kpi_kit.report import DepartmentReport, SpecialistReport, specialist
from kpi_kit.report.parts import link
from tests import cards
from tests.agency import FIRST, LAST, entry
from tests.builders import write_params
from tests.mail.test_message import envelope, letter_of, sound
from tests.office import bodies, parsed
from tests.payloads import PAYLOADS
from tests.shown import page, sections
from tests.test_browser import PHONE, WIDE, visit

OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
"""What a terminal or a reader's eye would obey; a line may end."""
Texts = Callable[[int], str]


def test_there_are_three_hundred_of_them() -> None:
    assert len(PAYLOADS) >= 300
    assert all(isinstance(text, str) and text for text in PAYLOADS)


# ---------------------------------------------------------------- pages


def person(text: Texts) -> SpecialistReport:
    """A report with all texts, in lists; other places take some of them."""
    count = len(PAYLOADS)
    card = cards.card(name=text(0), agency=text(1), brands=[text(n) for n in range(count)])
    held = card["assignments"][0]
    card["assignments"] += [{**held, "account_id": f"a{n}", "title": text(n)} for n in range(count)]
    turned = iter(range(0, 10_000, 7))
    for posts in card["sections"]["posts"].values():
        for post in posts:
            post["text"] = text(next(turned) % count)
    for row in card["kpis"]:
        row["scope"] = {"brands": [text(next(turned) % count)]}
        row["notes"] = [*row["notes"], {"code": "brand_left_out", "brand": text(next(turned) % count)}]
    card["kpis"][0]["scope"] = {"brands": [text(n) for n in range(count)]}
    return SpecialistReport(card)


def department(text: Texts) -> DepartmentReport:
    """A report with all texts as what kept reports from being made, and as names."""
    count = len(PAYLOADS)
    people = [cards.card(specialist=f"s{n}", name=f"{text(n * 29 % count)}{n}") for n in range(5)]
    failed = {f"{n} {text(n)}": text(n) for n in range(count)}
    return DepartmentReport("2025-10", people, failed, "ru", "RUB", [text(n) for n in range(count)])


def message(text: Texts) -> str:
    """The HTML of a director's message about people with such names."""
    people = {f"s{n}": cards.card(specialist=f"s{n}", name=f"{text(n)} {n}") for n in range(0, 360, 9)}
    return bodies(parsed(letter_of(sound(people), name=text(5), sender_name=text(6)).data))[1]


def payload(number: int) -> str:
    return PAYLOADS[number % len(PAYLOADS)]


def harmless(number: int) -> str:
    return f"слово {number}"


class Shape(HTMLParser):
    """The elements of a page and the names of their attributes; and all that it says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shape: list[tuple[str, ...]] = []
        self.said: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.mark.parametrize("make", [person, department], ids=["specialist", "department"])
def test_hostile_texts_change_no_element_of_a_page(make: Callable[[Texts], Any]) -> None:
    found = Shape("".join(sections(make(payload))))
    assert found.shape == Shape("".join(sections(make(harmless)))).shape
    said = "".join("".join(found.said).split())
    for text in PAYLOADS:  # and each is there to be read
        assert "".join(isolated(text).split()) in said


def test_hostile_names_change_no_element_of_a_message() -> None:
    assert Shape(message(payload)).shape == Shape(message(harmless)).shape


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nBcc: evil@evil.example", "a\x00", "\u202eevil", "=?utf-8?q?x?="]
)
def test_a_name_adds_no_header(text: str) -> None:
    usual, found = (parsed(letter_of(sound(), name=name, sender_name=name).data) for name in ("Ольга", text))
    assert isinstance(found, EmailMessage)
    assert found.keys() == usual.keys()
    assert [found[name].addresses[0].addr_spec for name in ("To", "From")] == [
        usual[name].addresses[0].addr_spec for name in ("To", "From")
    ]
    assert envelope(name=text).address == envelope().address


INSIDE = """
() => ({
  evil: typeof window.evil === "function" ? null : window.evil ?? null,
  title: document.title,
  outside: [...document.body.children].filter(e => !e.matches("main.kpi-report")).length,
  foreign: [...document.querySelectorAll(
    "script, iframe, object, embed, form, input, video, audio, base, link, marquee, body [onload]")].length,
  fixed: [...document.querySelectorAll("main *")]
    .filter(e => getComputedStyle(e).position === "fixed").length,
})
"""


def look(browser: Any, path: Path, title: str) -> None:
    with visit(browser, path) as found:
        for width in (WIDE, PHONE):
            found.page.set_viewport_size({"width": width, "height": 900})
            assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        inside = found.page.evaluate(INSIDE)
        assert title in " ".join(inside.pop("title").split())
        assert inside == {"evil": None, "outside": 0, "foreign": 0, "fixed": 0}
        assert found.complaints == found.fetched == []


@pytest.mark.parametrize("engine", ["embedded", pytest.param("quarto", marks=pytest.mark.quarto)])
def test_a_browser_runs_and_fetches_nothing(engine: str, browser: Any, tmp_path: Path) -> None:
    look(browser, page(tmp_path / "person", person(payload), engine=engine), "октябрь 2025")
    look(browser, page(tmp_path / "department", department(payload), engine=engine), "октябрь 2025")


def test_a_browser_runs_and_fetches_nothing_of_a_message(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "message.html").write_text(message(payload).replace("cid:", "data:,"), encoding="utf-8")
    with visit(browser, tmp_path / "message.html") as found:
        assert found.page.evaluate("[...document.scripts].length") == 0
        assert found.page.evaluate("window.evil ?? null") is None
        assert found.complaints == found.fetched == []


@pytest.mark.parametrize("engine", ["embedded", pytest.param("quarto", marks=pytest.mark.quarto)])
def test_the_policy_stops_what_escaping_would_have_missed(
    engine: str, executed: Callable[..., Path], style: Path, browser: Any
) -> None:
    from kpi_kit.report import render

    raw = (
        "<h1>x</h1><script>window.evil = 1</script><img src=x onerror='window.evil = 2'>"
        "<img src='https://evil.example/a.png'><link rel=stylesheet href='https://evil.example/b.css'>"
        "<iframe src='https://evil.example/c'></iframe><base href='https://evil.example/'>"
        "<a id=go href='javascript:window.evil = 3'>x</a><form action='https://evil.example/d'><button></form>"
    )
    path = executed(raw)
    assert render.render([path], engine=engine, style=style) == {}
    tab = browser.new_page()
    answered: list[str] = []
    tab.on("response", lambda answer: answered.append(answer.url))
    tab.goto(path.with_suffix(".html").as_uri())
    tab.evaluate("document.getElementById('go').click()")
    assert tab.evaluate("window.evil ?? null") is None
    assert [url for url in answered if not url.startswith("file:")] == []
    tab.close()


@pytest.mark.parametrize("address", PAYLOADS)
def test_an_address_leads_to_the_web_or_nowhere(address: str) -> None:
    (first, *attributes), *others = Shape(str(link(address, "x"))).shape or [("text",)]
    assert others in ([], [("small",)])  # its host
    assert first == "text" or (re.match("https?://", address) and attributes == ["href", "rel"])
    assert Shape(str(link("https://vk.com/?a=" + address, address))).shape == [("a", "href", "rel")]


@pytest.mark.parametrize(
    ("url", "text", "shown"),
    [
        ("https://evil.example/x", "vk.com/wall-1_2", " <small>evil.example</small>"),
        ("https://notvk.com/", "vk.com", " <small>notvk.com</small>"),
        ("https://k.com/", "vk.com", " <small>k.com</small>"),
        ("https://vk.com.evil.example/", "post", " <small>vk.com.evil.example</small>"),
        ("https://v\u043a.com/", "vk.com", " <small>xn--v-ttb.com</small>"),
        ("https://evil.example/", "see evil.example", ""),
        ("https://m.vk.com/wall-1_2", "post", ""),
    ],
)
def test_the_host_of_a_link_is_shown_where_its_text_does_not_show_it(url: str, text: str, shown: str) -> None:
    assert str(link(url, text)).partition("</a>")[2] == shown


@pytest.mark.parametrize(
    "url",
    [
        "https://vk.com@evil.example/",
        "https://:@evil.example",
        "https://vk%2ecom/",
        "ftp://vk.com/",
        "//vk.com",
    ],
)
def test_an_address_with_user_info_or_without_a_plain_host_is_no_link(url: str) -> None:
    assert str(link(url, "post")) == "post"


# ---------------------------------------------------------------- from the tables and params to the page


def tables() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Every text column of every table, and every id, with all texts that a table can have."""
    account = PAYLOADS[0]
    days = [f"2025-10-{1 + n % 30:02d}T12:00:00+03:00" for n in range(len(PAYLOADS))]
    posts = [
        {"post_id": text, "account_id": account, "published_at": day, "views": n + 1, "likes": n % 7,
         "comments": 1, "reposts": 1, "on_brand": "true", "url": text, "text": text}
        for n, (text, day) in enumerate(zip(PAYLOADS, days, strict=True))
    ]  # fmt: skip
    comments = [
        {"comment_id": text, "post_id": text, "account_id": account, "created_at": day, "by_brand": "false",
         "text": text} for text, day in zip(PAYLOADS, days, strict=True)
    ]  # fmt: skip
    leads = [
        {"lead_id": text, "account_id": account, "created_at": day, "currency": "RUB"}
        for text, day in zip(PAYLOADS, days, strict=True)
    ]
    mentions = [
        {"mention_id": text, "brand": PAYLOADS[n % 40], "mentioned_at": day}
        for n, (text, day) in enumerate(zip(PAYLOADS, days, strict=True))
    ]
    plan = [
        {"plan_id": text, "account_id": account, "due_at": day, "approved": "true", "post_id": text}
        for text, day in zip(PAYLOADS[:40], days, strict=False)
    ]
    queries = [
        {
            "since": "2025-10-01",
            "until": "2025-11-01",
            "brand": PAYLOADS[n % 40],
            "phrase": text,
            "queries": 3,
        }
        for n, text in enumerate(PAYLOADS)
    ]
    owners = [{"account_id": text, "platform": "vk", "title": text, "url": text} for text in PAYLOADS]
    names = {"posts": posts, "comments": comments, "leads": leads, "plan": plan}
    covered = [{"table": name, "scope": account, "since": FIRST, "until": LAST} for name in names]
    covered += [
        {"table": name, "scope": brand, "since": FIRST, "until": LAST}
        for name in ("mentions", "brand_queries") for brand in PAYLOADS[:40]
    ]  # fmt: skip
    return {**names, "mentions": mentions, "brand_queries": queries, "accounts": owners, "coverage": covered}


def written(text: str) -> str:
    """A text as YAML can have it: a control character is no character of a YAML file."""
    return re.sub(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text) or "x"


def write_tables(folder: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """As programs write that quote every character which may end a line."""
    folder.mkdir()
    for name, found in rows.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(found[0]))
            writer.writeheader()
            writer.writerows(found)


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agency")
    write_tables(folder / "data", tables())
    kpis = ("posts_published", "views", "meaningful_comments", "leads", "brand_mentions", "brand_queries")
    ann = {
        "name": written(PAYLOADS[30]),
        "accounts": [PAYLOADS[0]],
        "brands": list(dict.fromkeys(map(written, PAYLOADS[:40]))),
        "kpis": [entry(kpi) for kpi in (*kpis, "plan_fulfilment")],
    }
    house = {"agency": written(PAYLOADS[60]), "history": {"periods": 2, "weeks": 0}}
    write_params(folder / "params", house, {"ann": ann})
    return folder


def test_hostile_tables_and_params_make_an_ordinary_report(agency: Path) -> None:
    made = specialist(
        specialist="ann", period="2025-10", as_of="2025-11-08", data=str(agency / "data"),
        params=str(agency / "params"), out=str(agency / "out"),
    )  # fmt: skip
    values = {row["kpi"]: row["value"] for row in made.card["kpis"]}
    assert values["posts_published"] == values["leads"] == len(PAYLOADS)
    assert values["views"] == sum(range(1, len(PAYLOADS) + 1))
    foreign = {"script", "iframe", "object", "embed", "form", "input", "video", "audio", "base", "link"}
    found = Shape("".join(sections(made)))
    assert not {tag for tag, *_ in found.shape} & foreign
    assert not {name for _, *names in found.shape for name in names if name.startswith("on")}


# ---------------------------------------------------------------- the terminal


@pytest.mark.parametrize("arguments", [["score", "--specialist", "ann"], ["check"]], ids=["score", "check"])
def test_no_command_prints_what_a_terminal_obeys(
    arguments: list[str], agency: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--data", str(agency / "data"), "--params", str(agency / "params")]
    assert main([*arguments, *where, "--period", "2025-10", "--out", str(agency / "out")]) == 0
    printed = capsys.readouterr()
    assert not OBEYED.search(printed.out + printed.err)
    assert "evil" in printed.out or arguments == ["check"]


def test_no_refusal_prints_what_a_terminal_obeys(agency: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = agency / "broken"
    write_tables(folder, {"accounts": [{"account_id": "a", "platform": text} for text in PAYLOADS]})
    with (folder / "posts.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerow([*PAYLOADS[:40], *PAYLOADS[-60:]])
    assert main(["check", "--data", str(folder), "--params", str(agency / "params")]) == 2
    (agency / "a.csv").write_text("\x1b[2J,\u202eevil\n1,2\n", encoding="utf-8")
    assert main(["import", "auto", str(agency / "a.csv"), "--into", str(agency / "new")]) == 2
    assert main(["score", "--specialist", "\x1b[2J", "--data", str(folder), "--params", "params"]) == 2
    printed = capsys.readouterr()
    assert "evil" in printed.err
    assert not OBEYED.search(printed.out + printed.err)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_tells_of_failures_without_obeying_them(terminal: bool) -> None:
    stream = StringIO()
    console = Console(file=stream, force_terminal=terminal, width=10_000, color_system=None)
    with progress(console, list(PAYLOADS), 2) as tell:
        for text in PAYLOADS:
            tell(Result(text, text, 1.0))
    told = stream.getvalue()
    lines = [
        line for line in re.split(r"\r?\n", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)) if "failed:" in line
    ]
    for text in PAYLOADS:
        line = " ".join(f"{text}: failed: {text}".splitlines())  # a sentence is one line
        assert f"{on_terminal(line)} " in told.replace("\n", " ")
    assert not any(OBEYED.search(line.replace("\r", "")) for line in lines)


@pytest.mark.parametrize("text", PAYLOADS)
def test_what_is_left_of_a_text_is_harmless(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", on_terminal(text) + bare(text))
    on_page = isolated(text)
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067]", on_page)
    assert all(line.count("\u2068") == line.count("\u2069") <= 1 for line in on_page.split("\n"))
    assert isolated("a") + on_page == isolated("a") + shown({"x": [text]})["x"][0]


@pytest.mark.parametrize(
    ("text", "on_page"),
    [
        ("", ""),
        ("Анна", "Анна"),
        ("a\tb\nc", "a\tb\nc"),
        ("\u202eabc", "abc"),
        ("\u05d0", "\u2068\u05d0\u2069"),
        ("\u05d0\n\nb", "\u2068\u05d0\u2069\n\n\u2068b\u2069"),
        ("\u2069\u05d0\u2066", "\u2068\u05d0\u2069"),
        ("\x1b[31m", "\ufffd[31m"),
        ("\ud800", "\ufffd"),
    ],
)
def test_texts_on_a_page(text: str, on_page: str) -> None:
    assert isolated(text) == on_page


def test_what_is_shown_is_a_copy() -> None:
    card = {"name": "\u202ea", "url": "\u202eb", "notes": [("\u05d0", None, 1.5)]}
    before = copy.deepcopy(card)
    assert shown(card) == {"name": "a", "url": "\u202eb", "notes": [("\u2068\u05d0\u2069", None, 1.5)]}
    assert card == before


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("", ""),
        ("posts.csv", "posts.csv"),
        ("=1+1", "'=1+1"),
        ("+7", "'+7"),
        ("-1", "'-1"),
        ("@a", "'@a"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "'=1"),
        ("a=1", "a=1"),
    ],
)
def test_a_cell_of_a_journal_is_no_formula_and_stays_what_it_is(cell: str, kept: str) -> None:
    assert guarded(cell) == guarded(guarded(cell)) == kept
