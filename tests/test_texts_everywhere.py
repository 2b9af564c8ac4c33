"""The three hundred texts in every place where anybody can write one: no column and no key is left out."""

from __future__ import annotations

import base64
import copy
import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.parsers import expat

import nbformat
import pytest
from nbformat import v4
from pydantic import BaseModel

from kpi_kit import params as settings
from kpi_kit.cli.main import main
from kpi_kit.core.errors import KitError
from kpi_kit.core.schema import TABLES, Type
from kpi_kit.mail.compose import _address
from kpi_kit.mail.recipients import file_name
from kpi_kit.params import events
from kpi_kit.params.records import Department, Events, Specialist
from kpi_kit.report import SpecialistReport, department, render, specialist
from kpi_kit.report.parts import page as paged
from kpi_kit.scorecard.build import score
from tests import cards
from tests.agency import FIRST, LAST, entry
from tests.builders import _write_yaml, write_params
from tests.office import Office, bodies
from tests.payloads import PAYLOADS
from tests.shown import sections
from tests.test_output_safety import OBEYED, Shape, look, payload, person, write_tables
from tests.test_output_safety import department as whole
from tests.test_output_safety import message as letter

pytestmark = pytest.mark.no_cover  # what runs here, other tests reach; being watched doubles its time
Way = tuple[Any, ...]

TEXTS = tuple(text for text in PAYLOADS if "\x85" not in text)
"""Those that YAML can hold: it takes NEL for the end of a line."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"

# ---------------------------------------------------------------- every string of params


def strings(schema: Mapping[str, Any], root: Mapping[str, Any], way: Way = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every text that a file can have, by its JSON schema."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    for kind in schema.get("anyOf", ()):
        yield from strings(kind, root, way)
    if schema.get("type") == "string":
        yield way
    for name, part in schema.get("properties", {}).items():
        yield from strings(part, root, (*way, name))
    for number, part in enumerate(schema.get("prefixItems", ())):
        yield from strings(part, root, (*way, number))
    if isinstance(schema.get("items"), Mapping):
        yield from strings(schema["items"], root, (*way, 0))


def all_strings(model: type[BaseModel]) -> list[Way]:
    schema = model.model_json_schema(by_alias=True)
    return list(dict.fromkeys(strings(schema, schema)))


TARGET = {"at_least": "3%", "worst": "1%", "by": "2025-12-31", "from": {"value": "1%", "on": "2024-12-31"}}
WHOLE: dict[type[BaseModel], dict[str, Any]] = {
    Department: {
        "schema": 1,
        "agency": "Маяк",
        "language": "ru",
        "timezone": "Europe/Moscow",
        "currency": "RUB",
        "response": {"country": "RU", "calendar": "business"},
        "coverage": {"minimum": "90%"},
        "scoring": {
            "threshold": "80%",
            "payout_at_threshold": "50%",
            "cap": "120%",
            "not_assessable": "reweight",
        },
        "directors": [
            {"id": "olga", "name": "Ольга", "email": "olga@agency.example", "specialists": ["ann"]},
        ],
        "brand": {"accent": "#1b5a96", "logo": None},
        "mail": {
            "sender": "kpi@agency.example",
            "errors_to": "kpi@agency.example",
            "base_url": "https://a.example",
        },
    },
    Specialist: {
        "name": "Анна",
        "email": "ann@agency.example",
        "duties": ["content"],
        "accounts": [{"account": "a", "since": "2025-01-01", "until": "2026-01-01"}],
        "brands": ["x"],
        "kpis": [
            {
                "kpi": "likes",
                "as": "growth",
                "versus": "previous",
                "accounts": ["a"],
                "platforms": ["vk"],
                "brands": ["x"],
                "sentiment": ["positive"],
                "target": {**TARGET, "at_most": None, "between": [None, None], "per": "month"},
                "weight": "10%",
            }
        ],
        "bonus": {"share_of_sales": "2%", "cap": "3%"},
        "absences": [{"since": "2025-07-14", "until": "2025-07-28", "deputy": "ivan"}],
    },
    Events: {
        "events": [
            {
                "title": {"ru": "Событие", "en": "Event"},
                "kind": "other",
                "on": "2025-10-01",
                "since": None,
                "until": None,
                "accounts": ["a"],
                "platforms": ["vk"],
                "brands": ["x"],
            }
        ]
    },
}
"""A file of each kind with all its texts."""


def put(record: dict[str, Any], way: Way, text: str) -> dict[str, Any]:
    """A file with another text in one place."""
    made = copy.deepcopy(record)
    held = made
    for key in way[:-1]:
        held = held[key]
    held[way[-1]] = text
    return made


def read(model: type[BaseModel], raw: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
    """As the loader reads it, without YAML in between."""
    patch.setattr(settings, "read_mapping", lambda _: raw)
    patch.setattr(settings, "parse_mapping", lambda *_: raw)
    patch.setattr(events, "read_mapping", lambda _: raw)
    here = Path(__file__)
    if model is Department:
        settings._department(here)
    elif model is Specialist:
        settings._parsed_specialist(here.with_name("ann.yml"), "")
    else:
        patch.setattr(events, "FILE", here.name)
        events.read_events(here.parent)


SHORT = [("directors", 0, "specialists"), ("accounts", 0), ("events", 0, "title")]
"""Where one text may stand for a list or for a record."""
PLACES = {model: [way for way in all_strings(model) if way not in (("id",), *SHORT)] for model in WHOLE}


@pytest.mark.parametrize("model", PLACES, ids=lambda model: model.__name__)
def test_every_string_of_params_is_accepted_or_refused_in_a_sentence(
    model: type[BaseModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    for turn in range(len(PAYLOADS)):  # each text comes to each place once, another one to each at a time
        raw = WHOLE[model]
        for number, way in enumerate(PLACES[model]):
            raw = put(raw, way, PAYLOADS[(turn + 7 * number) % len(PAYLOADS)])
        with pytest.raises(KitError) as caught:
            read(model, raw, monkeypatch)
        assert caught.value.problems
        for said in caught.value.problems:
            assert len(said.splitlines()) == 1, (raw, said)
            assert len(said) < 2000, (raw, said)


@pytest.mark.parametrize(("model", "way"), list(zip(PLACES, SHORT, strict=True)), ids=str)
def test_one_text_in_place_of_more_is_accepted_or_refused_in_a_sentence(
    model: type[BaseModel], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in PAYLOADS[::7]:
        try:
            read(model, put(WHOLE[model], way, text), monkeypatch)
        except KitError as fault:
            assert all(len(said.splitlines()) == 1 for said in fault.problems), text


@pytest.mark.parametrize(
    ("model", "way"),
    [
        (Department, ("agency",)),
        (Department, ("directors", 0, "id")),
        (Department, ("directors", 0, "name")),
        (Specialist, ("name",)),
        (Specialist, ("brands", 0)),
        (Events, ("events", 0, "title")),
    ],
    ids=str,
)
def test_a_name_may_be_any_text(model: type[BaseModel], way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = WHOLE[model]
    for other in (("brand", "logo"), ("kpis", 0)):
        if other[0] in raw:
            raw = {**raw, "kpis": [entry("views")]} if model is Specialist else {**raw, "brand": {}}
    for text in PAYLOADS[::7]:
        read(model, put(raw, way, text), monkeypatch)


def test_the_places_are_all_places() -> None:
    assert sum(map(len, PLACES.values())) > 45
    assert {("agency",), ("directors", 0, "id"), ("mail", "base_url")} <= set(PLACES[Department])
    assert {("absences", 0, "deputy"), ("kpis", 0, "accounts", 0)} <= set(PLACES[Specialist])
    assert {("events", 0, "title", "ru"), ("events", 0, "brands", 0)} <= set(PLACES[Events])


# ---------------------------------------------------------------- every text of every table, and of params


CLOSED = {"platform": "vk", "kind": "comment", "sentiment": "positive", "currency": "RUB", "status": "won"}
CLOCKS = {Type.DATE: "2025-10-{:02d}", Type.TIME: "2025-10-{:02d}T12:00:00+03:00"}
TRUE = ("approved", "on_brand", "meaningful")
LAST_OF = {
    "opened": "2025-10-01",
    "closed": "2025-11-01",
    "stats_at": "2025-11-07T12:00:00+03:00",
    "since": "2025-10-01",
    "until": "2025-11-01",
    "answered_at": "2025-10-31T12:00:00+03:00",
}


def rows_of(name: str) -> list[dict[str, Any]]:
    """A row for each text, which stands in every column that is free to hold any."""
    rows = []
    for number, text in enumerate(TEXTS):
        row: dict[str, Any] = {}
        for column in TABLES[name].columns:
            match column.type:
                case Type.TEXT:
                    row[column.name] = CLOSED.get(column.name, text)
                case Type.DATE | Type.TIME:
                    row[column.name] = CLOCKS[column.type].format(1 + number % 28)
                case Type.FLAG:
                    row[column.name] = (
                        "true" if column.name in ("approved", "on_brand", "meaningful") else "false"
                    )
                case _:
                    row[column.name] = 1
            row[column.name] = LAST_OF.get(column.name, row[column.name])
        for gone in ("deleted_at", "cancelled_at", "refunded_at"):
            row.pop(gone, None)
        rows.append(row)
    return rows


def tables() -> dict[str, list[dict[str, Any]]]:
    found = {name: rows_of(name) for name in TABLES if name != "coverage"}
    scoped = {name: TABLES[name].scope for name in found if TABLES[name].scope}
    found["coverage"] = [
        {"table": name, "scope": text, "since": FIRST, "until": LAST} for name in scoped for text in TEXTS
    ]
    return found


def test_no_text_column_is_left_out() -> None:
    for name, rows in tables().items():
        free = [c.name for c in TABLES[name].columns if c.type is Type.TEXT and c.name not in CLOSED]
        for column in set(free) - {"table"}:
            assert {row[column] for row in rows} == set(TEXTS), (name, column)


HELD = TEXTS[::12]
"""The accounts and brands of one person: all of them are on the page of ``person``."""
KPIS = (
    "posts_published",
    "views",
    "meaningful_comments",
    "leads",
    "brand_mentions",
    "brand_queries",
    "social_visits",
)


@pytest.fixture(scope="module")
def agency(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody who has every account and every brand, and others for whom she stands in."""
    folder = tmp_path_factory.mktemp("everywhere")
    write_tables(folder / "data", tables())
    narrowed = [{**entry("likes"), "accounts": list(HELD[start::8])} for start in range(4)] + [
        {**entry("brand_mentions"), "brands": list(HELD[start::8])} for start in range(4, 8)
    ]
    ann = {
        "name": TEXTS[0],
        "accounts": list(HELD),
        "brands": list(HELD),
        "kpis": [*(entry(kpi) for kpi in KPIS), *narrowed],
    }
    away = {"since": "2025-10-02", "until": "2025-10-09", "deputy": "ann"}
    bob = {**ann, "name": TEXTS[7], "kpis": [entry("views")], "absences": [away]}
    house = {"agency": TEXTS[40], "history": {"periods": 2, "weeks": 0}}
    write_params(folder / "params", house, {"ann": ann, "bob": bob})
    listed = [
        {"title": text, "on": "2025-10-15", "accounts": [text], "brands": [TEXTS[-1 - number]]}
        for number, text in enumerate(TEXTS)
    ]
    _write_yaml(folder / "params" / "events.yml", {"events": listed})
    return folder


def where(agency: Path) -> dict[str, str]:
    return {"data": str(agency / "data"), "params": str(agency / "params"), "out": str(agency / "out")}


@pytest.fixture(scope="module")
def ann(agency: Path) -> SpecialistReport:
    return specialist(specialist="ann", period="2025-10", as_of="2025-11-08", save=True, **where(agency))


@pytest.fixture(scope="module")
def shown(agency: Path, ann: SpecialistReport) -> dict[str, str]:
    """The sections of each kind of page, as HTML."""
    made = {
        "ann": ann,
        "department": department(period="2025-10", **where(agency)),
        "person": person(payload),
        "whole": whole(payload),
    }
    return {name: "".join(sections(report)) for name, report in made.items()}


FOREIGN = {"script", "iframe", "object", "embed", "form", "input", "video", "audio", "base", "link", "meta"}


def test_texts_in_every_column_and_key_make_an_ordinary_report(ann: SpecialistReport) -> None:
    values = {row["kpi"]: row["value"] for row in ann.card["kpis"] if not row["scope"]}
    assert [values[kpi] for kpi in KPIS] == [len(HELD)] * len(KPIS)


def test_no_page_has_an_element_that_acts(shown: dict[str, str]) -> None:
    for name, html in shown.items():
        found = Shape(html)
        assert not {tag for tag, *_ in found.shape} & FOREIGN, name
        assert not {name for _, *names in found.shape for name in names if name.startswith("on")}, name


def rendered(folder: Path, shown: Mapping[str, str], engine: str) -> dict[str, Path]:
    """The pages, by name."""
    paths = {name: folder / f"{name}.ipynb" for name in shown}
    for name, path in paths.items():
        output = v4.new_output("display_data", {"text/html": shown[name]}, metadata={"kpi_kit": {"id": name}})
        nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("", outputs=[output])]), path)
    assert render.render(paths.values(), engine=engine, language="ru") == {}
    return {name: path.with_suffix(".html") for name, path in paths.items()}


@pytest.mark.parametrize("engine", ["embedded", pytest.param("quarto", marks=pytest.mark.quarto)])
def test_a_browser_runs_and_fetches_nothing_of_them(
    engine: str, shown: dict[str, str], browser: Any, tmp_path: Path
) -> None:
    own = {name: shown[name] for name in ("ann", "department")}
    for path in rendered(tmp_path, own, engine).values():
        look(browser, path, "октябрь 2025")


# ---------------------------------------------------------------- pages


def test_any_name_and_any_agency_leave_a_page_its_shape() -> None:
    def shape(text: str, names: list[str]) -> list[tuple[str, ...]]:
        report = SpecialistReport(cards.card(name=text, agency=text))
        return Shape("".join(sections(report, names))).shape

    others = ["scorecard", "total", "provenance"]
    usual, more = shape("слово", ["header"]), shape("слово", others)
    assert [text for text in PAYLOADS if shape(text, ["header"]) != usual] == []
    assert [text for text in PAYLOADS[::25] if shape(text, others) != more] == []


def test_the_running_head_of_a_printed_page_ends_where_it_should() -> None:
    def style(text: str) -> str:
        return str(paged.branded({"accent": None, "logo": None}, text, text))

    usual = style("слово")
    for text in PAYLOADS:
        told = style(text)
        assert Shape(told).shape == [("style",)]
        assert re.sub(r'"[^"]*"', '""', told) == re.sub(r'"[^"]*"', '""', usual), text


class Links(HTMLParser):
    """The links of a page, and its pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[dict[str, str | None]] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs))
        if tag == "img":
            self.images.append(dict(attrs))
        for name, value in attrs:
            assert name not in ("srcset", "ping", "poster", "background", "srcdoc", "formaction")
            assert name != "style" or "url(" not in str(value)


def test_every_link_of_a_page_leads_to_the_web_and_tells_nothing(shown: dict[str, str]) -> None:
    count = 0
    for html in shown.values():
        found = Links(html)
        for link in found.links:
            # in the page, to a colleague's, to the list of periods
            if re.fullmatch(r"#[\w-]+|[\w.-]+\.html|\.\./index\.html", str(link["href"])):
                continue
            count += 1
            assert re.match("https?://", str(link["href"]), re.IGNORECASE), link
            assert link["rel"] == "noopener noreferrer"
        assert all(str(image["src"]).startswith("data:image/") and image["alt"] for image in found.images)
    assert count > 0


def test_every_link_of_a_message_leads_to_the_web_and_its_pictures_come_with_it() -> None:
    found = Links(letter(payload))
    for link in found.links:
        assert re.match("https?://", str(link["href"]))
        assert link["rel"] == "noopener noreferrer"
    assert found.images
    assert all(str(image["src"]).startswith("cid:") for image in found.images)


def pictures(html: str) -> Iterator[bytes]:
    """The drawings of a page: those that stand in it, and those inside addresses."""
    for drawing in re.finditer(r"<svg\b.*?</svg>", html, re.DOTALL):
        yield drawing[0].encode()
    for address in re.finditer(r'data:image/svg\+xml;base64,([^"]+)"', html):
        yield base64.b64decode(address[1])


def test_a_drawing_holds_no_more_than_a_drawing(shown: dict[str, str]) -> None:
    count = 0
    for html in shown.values():
        for drawing in pictures(html):
            count += 1
            elements: list[tuple[str, dict[str, str]]] = []
            parser = expat.ParserCreate()
            parser.StartElementHandler = lambda name, given, seen=elements: seen.append((name, given))
            parser.Parse(drawing, True)  # one text too many would be no XML
            assert not {name.lower() for name, _ in elements} & {
                "script",
                "foreignobject",
                "image",
                "a",
                "iframe",
            }
            for name, given in elements:
                for key, value in given.items():
                    assert not key.lower().startswith("on"), (name, key)
                    assert "href" not in key or value.startswith("#"), (name, key, value)
                    is_words = key == "aria-label"  # names of brands stand there
                    assert is_words or "url(" not in value or "url(#" in value, (name, key, value)
    assert count > 3


@pytest.mark.parametrize("engine", ["embedded", pytest.param("quarto", marks=pytest.mark.quarto)])
def test_every_page_forbids_scripts_and_requests(engine: str, shown: dict[str, str], tmp_path: Path) -> None:
    for path in rendered(tmp_path, shown, engine).values():
        head, _, rest = path.read_text(encoding="utf-8").partition("<main")
        read = unescape(head)  # Quarto writes ' as &#39;
        assert read.count(f'http-equiv="Content-Security-Policy" content="{POLICY}"') == 1
        assert "http-equiv" not in re.sub(r"&[#\w]+;", "", rest).replace("meta http-equiv=", "")
        before = head.partition("Content-Security-Policy")[0]
        assert not re.search(
            "<(script|link|img)" if engine == "quarto" else "<(script|style|link|img)", before
        )


def test_quarto_is_told_the_same_policy() -> None:
    told = (render.STYLE / "_quarto.yml").read_text(encoding="utf-8")
    assert told.count("Content-Security-Policy") == told.count(f'content="{POLICY}"') == 1


# ---------------------------------------------------------------- the terminal


@pytest.mark.parametrize(
    "command",
    [
        ["score", "--specialist", "ann"],
        ["check"],
        ["what-if", "--specialist", "bob", "--kpi", "views", "--target", "at_least: 5", "--json"],
        ["what-if", "--specialist", "ann", "--kpi", "likes", "--target", "at_least: 5"],
        ["mail"],
    ],
    ids=" ".join,
)
def test_no_command_prints_what_a_terminal_obeys(
    command: list[str], agency: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [part for name, place in where(agency).items() for part in (f"--{name}", place)]
    main([*command, *given, "--period", "2025-10"])
    printed = capsys.readouterr()
    assert printed.out + printed.err
    assert not OBEYED.search(printed.out + printed.err)
    if "--json" in command:
        json.loads(printed.out)


def test_verify_prints_nothing_that_a_terminal_obeys(
    agency: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = score("bob", "2025-10", data=agency / "data", params=agency / "params")
    record["name"] = record["kpis"][0]["unit"] = "\x1b[2J\u202eevil"
    record["provenance"]["settings"] = {text: {text: text} for text in TEXTS[::5]}
    record["provenance"]["tables"] = {text: {text: {text: text}} for text in TEXTS[::5]}
    record["provenance"]["libraries"] = dict.fromkeys(TEXTS, "\x1b[2J")
    (agency / "altered.json").write_text(json.dumps(record), encoding="utf-8")
    given = where(agency)
    assert (
        main(["verify", str(agency / "altered.json"), "--data", given["data"], "--params", given["params"]])
        == 1
    )
    printed = capsys.readouterr()
    assert "evil" in printed.out
    assert not OBEYED.search(printed.out + printed.err)


def test_a_file_of_any_name_is_imported_or_refused_without_obeying_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, text in enumerate(PAYLOADS[5::90]):
        name = f"{text.replace('/', '_').replace(chr(0), '_')[:60]}.csv"
        (tmp_path / "in").mkdir(exist_ok=True)
        file = tmp_path / "in" / name
        file.write_text(f"Дата,Просмотры\n2025-10-{1 + number % 28:02d},5\n", encoding="utf-8")
        options = ["--into", str(tmp_path / "data"), "--account", f"a{number}", "--brand", text]
        mapping = tmp_path / "map.yml"
        mapping.write_text("columns: {date: Дата, visits: Просмотры}\n", encoding="utf-8")
        csv_options = ["--table", "traffic", "--map", str(mapping), "--title", text, "--platform", "other"]
        assert main(["import", "csv", str(file), *options, *csv_options]) == 0
        main(["import", "auto", str(file), *options])
    printed = capsys.readouterr()
    assert not OBEYED.search(printed.out + printed.err)
    journal = (tmp_path / "data" / "imports" / "journal.csv").read_text(encoding="utf-8")
    lines = list(csv.DictReader(io.StringIO(journal)))
    assert len(lines) >= len(PAYLOADS[5::90])
    assert not [
        cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "-", "@", "\t"))
    ]


# ---------------------------------------------------------------- mail


def test_any_name_makes_one_address_in_one_header() -> None:
    from email.message import EmailMessage
    from email.policy import SMTP

    for text in PAYLOADS:
        message = EmailMessage(policy=SMTP)
        message["To"] = _address(text, "olga@agency.example")
        lines = re.sub(rb"\r\n[ \t]", b"", message.as_bytes().rstrip(b"\r\n")).split(b"\r\n")
        assert len(lines) == 1 and lines[0].isascii(), text
        assert [each.addr_spec for each in message["To"].addresses] == ["olga@agency.example"]


def test_any_id_makes_one_file_in_the_outbox() -> None:
    names = [file_name(f"director:{text}") for text in PAYLOADS]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[\w-]{1,90}\.eml", name)
        assert len(name.encode()) < 255


def test_directors_of_any_name_get_their_own_messages_and_no_other_header(tmp_path: Path) -> None:
    chosen = PAYLOADS[::60]
    directors = [
        {"id": text, "name": text, "email": f"d{number}@agency.example", "specialists": "all"}
        for number, text in enumerate(chosen)
    ]
    office = Office(tmp_path, directors=directors, agency=PAYLOADS[61])
    assert office.post()
    usual = Office(tmp_path / "usual")
    usual.post()
    for number, text in enumerate(chosen):
        found = office.message(file_name(f"director:{text}").removesuffix(".eml"))
        assert found.keys() == usual.message().keys()
        assert [each.addr_spec for each in found["To"].addresses] == [f"d{number}@agency.example"]
        said = str(found["Subject"]) + bodies(found)[0].replace("\r\n", "\n")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said)
    made = {path for path in tmp_path.rglob("*.eml") if tmp_path / "usual" not in path.parents}
    assert {path.parent for path in made} == {office.outbox}
