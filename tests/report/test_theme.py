"""The stylesheet: contrast, nothing fetched, phone width, and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from kpi_kit.params.brand import contrast
from kpi_kit.report import THEME, DepartmentReport, SpecialistReport
from tests import cards, shown

CSS = THEME.read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--k-([\w-]+): (#[0-9a-f]{6});", part))
    for part in CSS.split("@media screen and (prefers-color-scheme: dark)", 1)
)


def between(one: str, other: str) -> float:
    """The contrast of two colours, from that of each against white."""
    first, second = contrast(one), contrast(other)
    return max(first, second) / min(first, second)


TEXTS = [
    *((name, ground) for name in ("ink", "muted", "fact") for ground in ("page", "wash")),
    *((name, "page") for name in ("target", "good", "warn", "bad")),
    *((name, f"{name}-wash") for name in ("good", "warn", "bad")),
    *(("ink", f"{name}-wash") for name in ("good", "warn", "bad")),
]
SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])


@SCHEMES
@pytest.mark.parametrize(("text", "ground"), TEXTS)
def test_texts_have_the_contrast_of_wcag_aa(text: str, ground: str, scheme: dict[str, str]) -> None:
    assert between(scheme[text], scheme[ground]) >= 4.5


@SCHEMES
@pytest.mark.parametrize("mark", ["week", "fact", "target", "bad"])
def test_marks_have_the_contrast_of_wcag_aa(mark: str, scheme: dict[str, str]) -> None:
    assert between(scheme[mark], scheme["surface"]) >= 3


def test_every_colour_has_one_for_the_dark() -> None:
    assert set(LIGHT) == set(DARK)


def test_every_token_that_is_used_is_set() -> None:
    used = set(re.findall(r"var\(--k-([\w-]+)\)", CSS))
    assert used <= set(re.findall(r"--k-([\w-]+):", CSS))


def test_the_stylesheet_fetches_nothing() -> None:
    assert not re.search(r"url\(|@import|@font-face", CSS)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[dict[str, Any]]:
    """Both reports in a browser as wide as a phone, with names as long as names get."""
    folder = tmp_path_factory.mktemp("pages")
    long = cards.long_named()
    long["sections"]["plan"] += [
        item | {"due_at": "2025-10-09T12:00:00+03:00"} for item in long["sections"]["plan"]
    ]
    team = [*cards.team().values(), *(long | {"specialist": f"s{n}"} for n in range(12))]
    reports = {
        "specialist": SpecialistReport(long),
        "department": DepartmentReport("2025-10", team, {}, "ru", "RUB"),
    }
    opened = {}
    for name, report in reports.items():
        path = shown.page(folder / name, report)
        opened[name] = browser.new_page(viewport={"width": 390, "height": 800})
        opened[name].goto(path.as_uri())
    yield opened
    for page in opened.values():
        page.close()


@pytest.mark.parametrize("name", ["specialist", "department"])
@pytest.mark.parametrize("width", [390, 640, 700, 1280])
def test_no_page_scrolls_sideways(pages: dict[str, Any], name: str, width: int) -> None:
    page = pages[name]
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_text_in_figures_is_not_tiny_on_a_phone(pages: dict[str, Any]) -> None:
    """Their smallest text is 10.5 pixels high at their natural width."""
    page = pages["specialist"]
    page.set_viewport_size({"width": 390, "height": 800})
    scales = page.evaluate(
        "[...document.querySelectorAll('figure svg.k-chart')].map("
        "e => e.getBoundingClientRect().width / (e.viewBox.baseVal.width * 4 / 3))"
    )
    assert len(scales) == 9
    assert min(scales) * 10.5 >= 10


@pytest.mark.parametrize("name", ["specialist", "department"])
def test_every_image_and_mark_has_a_name(pages: dict[str, Any], name: str) -> None:
    nameless = """[...document.querySelectorAll('img, [role=img], [role=region]')]
        .filter(e => !(e.alt || e.getAttribute('aria-label'))).length"""
    hidden = "[...document.querySelectorAll('svg:not([role=img])')].every(e => e.getAttribute('aria-hidden'))"
    assert pages[name].evaluate(nameless) == 0
    assert pages[name].evaluate(hidden)


@pytest.mark.parametrize("name", ["specialist", "department"])
def test_rows_and_figures_stay_whole_on_paper(pages: dict[str, Any], name: str) -> None:
    page = pages[name]
    page.emulate_media(media="print")
    split = """[...document.querySelectorAll('tr, figure')]
        .filter(e => getComputedStyle(e).breakInside != 'avoid').length"""
    heads = "[...document.querySelectorAll('.k-scroll thead')].map(e => getComputedStyle(e).display)"
    assert page.evaluate(split) == 0
    assert set(page.evaluate(heads.replace(".k-scroll", "main"))) == {"table-header-group"}
    page.emulate_media(media="screen")


def test_each_page_of_paper_has_a_head_and_a_number() -> None:
    assert 'content: counter(page) " / " counter(pages)' in CSS
    header = SpecialistReport(cards.card()).header()
    assert header is not None
    assert '@top-left { content: "Анна\\000020Петрова\\00002c\\000020октябрь\\0000202025"; }' in header.html
