"""The pages as Chromium shows and prints them: the sample's own, and the odd ones.

A page says nothing on the console, asks for nothing, never scrolls sideways, can be read with a screen
reader, and loses nothing on paper.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from kpi_kit import report
from kpi_kit.report import DepartmentReport, SpecialistReport, parts
from kpi_kit.report.wording import words
from tests import cards, shown

ROOT = Path(__file__).parent.parent
PERIOD = "2025-10"
PEOPLE = ("anna-petrova", "elena-volkova", "maria-sokolova")
"""Three of the sample's six: of the others the department's page says that their reports are not there."""
BROKEN = "oleg-orlov.yml: key kpis[2]: kpi 'lieks': did you mean likes?"
WIDE, PHONE = 1280, 390
PRINTED = round((210 - 2 * 12) / 25.4 * 96)
"""Pixels between the margins of A4."""


# ---------------------------------------------------------------- the pages


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports of the sample in ``ru`` and ``en``, with their JSON; the cards are computed once."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "params/specialists").mkdir(parents=True)
    shutil.copy(ROOT / "params/department.yml", folder / "params")
    for file in (ROOT / "params/specialists").glob("*.yml"):
        shutil.copy(file, folder / "params/specialists")
    given = {"period": PERIOD, "data": str(ROOT / "data/sample"), "params": str(folder / "params")}
    made = folder / "ru" / PERIOD
    for person in PEOPLE:
        report.specialist(specialist=person, as_of="", out=str(folder / "ru"), save=True, **given)
    shutil.copytree(folder / "ru", folder / "en")
    for path in (folder / "en" / PERIOD).glob("*.json"):
        card = json.loads(path.read_text(encoding="utf-8")) | {"language": "en"}
        path.write_text(json.dumps(card, ensure_ascii=False), encoding="utf-8")
    for language in ("ru", "en"):
        settings = folder / "params/department.yml"
        text = (ROOT / "params/department.yml").read_text(encoding="utf-8")
        settings.write_text(text.replace("language: ru", f"language: {language}"), encoding="utf-8")
        made = folder / language / PERIOD
        card = json.loads((made / "maria-sokolova.json").read_text(encoding="utf-8"))
        shown.page(made / "maria-sokolova", SpecialistReport(card), language=language)
        whole = report.department(out=str(folder / language), save=True, **given)
        shown.page(made / "index", whole, language=language)
    return folder


def scripted() -> cards.Card:
    """A card in which every text that anybody may write is a script: also ids, and what notes name."""
    written = {"specialist", "name", "agency", "title", "text", "account_id", "post_id", "plan_id", "brand"}

    def spoilt(found: Any, key: str = "") -> Any:
        match found:
            case dict():
                return {name: spoilt(value, name) for name, value in found.items()}
            case list():
                return [spoilt(value, key) for value in found]
            case str() if key in written | {"brands", "accounts", "timezone", "kit", "data", "params"}:
                return cards.SCRIPT if key != "account_id" else f"{cards.SCRIPT}{found}"
        return found

    card: cards.Card = spoilt(cards.hostile())
    return card


def preliminary() -> cards.Card:
    """A card with one KPI whose figures may still grow."""
    note = {"code": "preliminary", "as_of": "2025-11-03T00:00:00+03:00", "settled_on": "2025-11-08"}
    return cards.single() | {"preliminary": True, "notes": [note]}


def department(*more: cards.Card, language: str = "ru") -> DepartmentReport:
    """A department with a report that failed, and somebody whose report is not there."""
    failed = {"Олег Орлов": BROKEN, cards.SCRIPT: cards.SCRIPT}
    team = [*cards.team().values(), *more]
    return DepartmentReport(PERIOD, team, failed, language, "RUB", [cards.LONG_NAME])


def large() -> DepartmentReport:
    """Fifteen people, twelve of whom have names as long as names get."""
    named = [f"{cards.LONG_NAME} {number}" for number in range(12)]
    return department(*(cards.card(specialist=f"s{n}", name=name) for n, name in enumerate(named)))


ODD: dict[str, Callable[[], shown.Report]] = {
    "not assessable, interim": lambda: SpecialistReport(cards.unassessable()),
    "one KPI, preliminary": lambda: SpecialistReport(preliminary()),
    "15 KPIs, 12 accounts, 80 letters": lambda: SpecialistReport(cards.many()),
    "scripts": lambda: SpecialistReport(scripted()),
    "department of 15": large,
    "department of scripts": lambda: department(scripted()),
    "department of nobody": lambda: DepartmentReport(PERIOD, [], {}, "ru", "RUB"),
}
SAMPLE = [f"{language}/{name}" for language in ("ru", "en") for name in ("maria-sokolova", "index")]


@pytest.fixture(scope="module")
def paths(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where a page is; the odd ones are made when they are first asked for."""
    folder = tmp_path_factory.mktemp("odd")

    def find(name: str) -> Path:
        if name in SAMPLE:
            return sample / name.replace("/", f"/{PERIOD}/")
        path = folder / f"{list(ODD).index(name)}"
        return path if path.with_suffix(".html").is_file() else shown.page(path, ODD[name]())

    return lambda name: find(name).with_suffix(".html")


class Visit:
    """A page that is open in a browser, and what went wrong with it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))

    @property
    def fetched(self) -> list[str]:
        return [url for url in self.requests if not url.startswith("data:")][1:]  # the first is the page


@contextmanager
def visit(browser: Any, path: Path) -> Iterator[Visit]:
    """Open a page, unfold what is folded away."""
    found = Visit(browser.new_page(viewport={"width": WIDE, "height": 900}))
    found.page.goto(path.as_uri())
    found.page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    yield found
    found.page.close()


# ---------------------------------------------------------------- on a screen

STRUCTURE = """
() => ({
  levels: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(e => Number(e.tagName[1])),
  images: [
    ...[...document.images].map(e => [e.alt.trim().length, e.naturalWidth]),
    ...[...document.querySelectorAll("svg.k-chart")].map(
      e => [e.getAttribute("aria-label").trim().length, e.getBoundingClientRect().width]),
  ],
  within: Math.max(0, ...[...document.querySelectorAll(".k-rows-table, .k-people")].map(
    e => e.scrollWidth - e.parentElement.clientWidth)),
})
"""


def serious(page: Any) -> list[str]:
    """What axe-core finds that keeps somebody from reading the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node.get('failureSummary')}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def headed(levels: list[int]) -> bool:
    """One first heading, before all others, and no level left out on the way down."""
    steps = zip(levels, levels[1:], strict=False)
    return levels[:1] == [1] and levels.count(1) == 1 and all(after <= before + 1 for before, after in steps)


@pytest.mark.parametrize("name", [*SAMPLE, *ODD])
def test_a_page_is_quiet_ordered_and_readable_by_all(
    name: str, paths: Callable[[str], Path], browser: Any
) -> None:
    with visit(browser, paths(name)) as found:
        for width in (WIDE, PHONE):
            found.page.set_viewport_size({"width": width, "height": 900})
            structure = found.page.evaluate(STRUCTURE)
            assert found.page.evaluate("document.documentElement.scrollWidth") <= width
            assert structure["within"] <= 0, "the table of the KPIs scrolls within itself"
        assert headed(structure["levels"]), structure["levels"]
        assert all(alt and width for alt, width in structure["images"])
        assert structure["images"] or name not in SAMPLE
        assert found.page.locator("script").count() == 0
        assert found.complaints == found.fetched == []
        assert serious(found.page) == []


def test_the_checks_would_find_what_they_look_for(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<html lang="ru"><title>x</title><h1>a</h1><h3>b</h3><img src="data:image/png;base64,AAAA">'
        '<img src="else.png" alt="x"><script>console.log("said")</script>'
        '<p style="color: #ccc; width: 2000px">pale</p>',
        encoding="utf-8",
    )
    with visit(browser, tmp_path / "page.html") as found:
        structure = found.page.evaluate(STRUCTURE)
        assert not headed(structure["levels"])
        assert structure["images"][0] == [0, 0]
        assert "said" in found.complaints
        assert [url.rsplit("/", 1)[1] for url in found.fetched] == ["else.png"]
        assert found.page.evaluate("document.documentElement.scrollWidth") > WIDE
        assert {problem.split(":")[0] for problem in serious(found.page)} == {"color-contrast", "image-alt"}


@pytest.mark.parametrize(
    ("levels", "fine"),
    [([], False), ([1], True), ([1, 2, 2, 3, 2], True), ([1, 3], False), ([2, 1], False), ([1, 2, 1], False)],
)
def test_headings_in_order(levels: list[int], fine: bool) -> None:
    assert headed(levels) is fine


# ---------------------------------------------------------------- on paper

BEYOND = """
width => [...document.querySelectorAll("main *")].filter(e => {
  const box = e.getBoundingClientRect();
  const hidden = getComputedStyle(e).clipPath === "inset(50%)" || e.closest("svg") !== null;
  return !hidden && box.width > 0 && (box.left < -0.5 || box.right > width + 0.5);
}).map(e => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40))
"""
CUT = """
() => [...document.querySelectorAll("th, td, .k-scroll, .k-wide")]
  .filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => e.tagName + " " + e.textContent.slice(0, 40))
"""
ON_PAPER = [*SAMPLE, *(name for name in ODD if name != "department of nobody")]


@pytest.mark.parametrize("name", ON_PAPER)
def test_paper_loses_nothing_and_each_page_has_its_head(
    name: str, paths: Callable[[str], Path], browser: Any, tmp_path: Path
) -> None:
    with visit(browser, paths(name)) as found:
        found.page.emulate_media(media="print")
        found.page.set_viewport_size({"width": PRINTED, "height": 1000})
        assert found.page.evaluate(BEYOND, PRINTED) == []
        assert found.page.evaluate(CUT) == []
        title = found.page.title()
        found.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True, format="A4")
    sheets = PdfReader(tmp_path / "page.pdf").pages
    for number, sheet in enumerate(sheets, 1):
        said = "".join(sheet.extract_text().split())
        assert "".join(title.split()) in said
        assert f"{number}/{len(sheets)}" in said
        assert [round(float(side)) for side in sheet.mediabox[2:]] == [595, 842]


# ---------------------------------------------------------------- what is said


def known_numbers(folder: Path) -> set[str]:
    """Every number of the scorecards and of the department's JSON, and what a page may count of them."""
    files = [*sorted(folder.glob("*.json")), folder / "department/department.json"]
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    people = found[:-1]
    assert len(people) == len(PEOPLE)
    everyone = len(list((ROOT / "params/specialists").glob("*.yml")))
    totals = [sum(card[key] for card in people) for key in ("attained", "assessable")]
    counts = [*range(max(len(card["kpis"]) for card in people) + 1), everyone, *totals]
    return set(shown.numbers_of(found)) | set(map(str, counts)) | shown.LEGENDS | derived(people)


def derived(people: list[Any]) -> set[str]:
    """Differences of printed figures, which tests/report/test_recompute.py computes anew."""
    texts = []
    for card in people:
        for language in ("ru", "en"):
            row = parts.person_row({**card, "language": language}, words(language, card["currency"]))
            texts += [(row[key], language) for key in ("change", "why", "difference")]
    return {number for text, language in texts for number in shown.shown_numbers(text, language)}


OWN = {"ru": {"20", "500"}, "en": {"20", "500"}}
"""The words name these themselves: one point in 20 is outside the inner limits, one in 500 the outer."""


@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_number_of_the_departments_page_is_in_a_json(language: str, sample: Path) -> None:
    folder = sample / language / PERIOD
    text = shown.Reader((folder / "index.html").read_text(encoding="utf-8")).text
    numbers = shown.shown_numbers(text, language)
    assert len(numbers) > 30
    assert numbers - known_numbers(folder) - OWN[language] == set()


def test_a_number_of_the_departments_own_would_be_found(sample: Path) -> None:
    assert "4321.5" not in known_numbers(sample / "ru" / PERIOD)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_of_the_sample_is_light(name: str, paths: Callable[[str], Path]) -> None:
    assert 50_000 < paths(name).stat().st_size < 400_000


@pytest.mark.quarto
@pytest.mark.parametrize("name", ["maria-sokolova", "index", "scripts"])
def test_both_engines_say_the_same(name: str, sample: Path, tmp_path: Path, browser: Any) -> None:
    """And Quarto's page is a little heavier at the most."""
    folder = sample / "ru" / PERIOD
    reports: dict[str, Callable[[], shown.Report]] = {
        "maria-sokolova": lambda: SpecialistReport(
            json.loads((folder / "maria-sokolova.json").read_text(encoding="utf-8"))
        ),
        "index": lambda: DepartmentReport(
            PERIOD,
            [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))],
            {"Олег Орлов": BROKEN},
            "ru",
            "RUB",
        ),
        "scripts": ODD["scripts"],
    }
    said = []
    for engine in ("embedded", "quarto"):
        path = shown.page(tmp_path / engine, reports[name](), engine=engine)
        assert path.stat().st_size < 450_000
        with visit(browser, path) as found:
            said.append((found.page.title(), found.page.locator("body").inner_text().split()))
            assert found.complaints == found.fetched == []
    assert said[0] == said[1]


def test_the_readme_shows_both_reports_in_small_pictures() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = [ROOT / path for path in re.findall(r"\]\((docs/pictures/[^)]+)\)", readme)]
    assert sorted(picture.name for picture in pictures) == ["department.png", "specialist.png"]
    assert sum(picture.stat().st_size for picture in pictures) < 300_000
