"""A specialist's page as a whole: true sentences, no number of its own, no foreign words, odd states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from kpi_kit.report import THEME, DepartmentReport, SpecialistReport
from kpi_kit.report.parts import terminal
from kpi_kit.report.wording import messages
from tests import cards
from tests.calculator import agrees, computations
from tests.shown import LEGENDS, SPECIALIST, Reader, numbers_of, rounded, sections, shown_numbers

WITHOUT_FIGURES = [name for name in SPECIALIST if name not in ("figures", "response")]


def page(card: cards.Card, names: list[str] = SPECIALIST) -> Reader:
    """The page of a card, or some sections of it."""
    return Reader("".join(sections(SpecialistReport(card), names)))


# ---------------------------------------------------------------- every number is one of the scorecard's


def counted(card: cards.Card) -> Iterator[str]:
    """Numbers that a page has to count or to add up itself."""
    statuses = Counter(item["status"] for item in card["sections"]["plan"])
    yield from map(str, statuses.values())
    yield from map(str, range(len(card["kpis"]) + 1))
    for record in card["kpis"]:
        yield str(sum(past["value"] is not None for past in record["history"][-13:]))
    for computation, result in computations(terminal.computation(card), card["language"]):
        assert agrees(computation, result)
        yield from rounded(float(abs(result)))


CARDS = {"rich": cards.card, "single": cards.single, "unassessable": cards.unassessable}


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("name", CARDS)
def test_every_number_shown_is_one_of_the_scorecard(name: str, language: str) -> None:
    card = CARDS[name](language)
    known = set(numbers_of(card)) | set(counted(card)) | LEGENDS
    assert shown_numbers(page(card).text, language) - known == set()


def test_a_number_of_the_pages_own_would_be_found() -> None:
    card = cards.card()
    known = set(numbers_of(card)) | set(counted(card)) | LEGENDS
    assert shown_numbers("за месяц 77\u202f123,45 лида", "ru") - known == {"77123.45"}
    assert shown_numbers("77,123.45 leads", "en") - known == {"77123.45"}


# ---------------------------------------------------------------- no foreign words

LATIN = re.compile(r"[A-Za-z][A-Za-z_]*")
RUSSIAN_ALL_THE_SAME = {
    "VR",
    "ERV",
    "LR",
    "SLA",
    "SMART",
    "SMM",
    "KPI",
    "Brier",
    "XmR",
    "q",
    "kpi_kit",
    "sha",
}
RUSSIAN_ALL_THE_SAME |= {"Telegram", "YouTube", "Instagram", "TikTok"}


def latin(card: cards.Card) -> set[str]:
    """The Latin words of a page that do not come from data."""
    text = page(card).text
    data = [*card["brands"], card["timezone"], *(value for value in card["provenance"].values() if value)]
    data += [account["account_id"] for account in card["assignments"]]
    data += [post["post_id"] for kind in card["sections"]["posts"].values() for post in kind]
    data += [item["post_id"] for item in card["sections"]["deleted"]]
    for value in sorted(data, key=len, reverse=True):
        text = text.replace(value, " ").replace(value[:19], " ")
    return set(LATIN.findall(text)) - RUSSIAN_ALL_THE_SAME


@pytest.mark.parametrize("name", CARDS)
def test_a_russian_page_has_no_latin_words(name: str) -> None:
    assert latin(CARDS[name]("ru")) == set()


def test_a_latin_word_would_be_found() -> None:
    assert "Analyst" in latin(cards.card(name="Analyst"))


def test_no_russian_word_has_a_latin_letter_inside() -> None:
    """A Latin "c" in a Russian word looks right and is found by no search."""
    mixed = re.compile(r"[А-Яа-яЁё][A-Za-z]|[A-Za-z][А-Яа-яЁё]")

    def texts(branch: Any) -> Iterator[str]:
        for value in branch.values() if isinstance(branch, dict) else [branch]:
            yield from texts(value) if isinstance(value, dict) else [str(value)]

    fields = re.compile(r"\{\w+\}")
    assert [text for text in texts(messages("ru")) if mixed.search(fields.sub("", text))] == []


# ---------------------------------------------------------------- odd states


def fresh() -> cards.Card:
    """The first report of somebody: nothing before it."""
    card = cards.card()
    for record in card["kpis"]:
        record |= {"history": record["history"][-1:], "weeks": [], "previous": None, "year_ago": None}
        record |= {"change": None, "trend": cards.trend(known=False), "control": {**cards.NO_LIMITS}}
        record |= {"chance": None, "chance_band": None, "chance_check": None}
    return card


def aimless() -> cards.Card:
    """Targets without data beside data without targets."""
    card = cards.card(total=None, attained=0, assessable=0)
    for record in card["kpis"]:
        if record["assessable"]:
            record |= {
                "target": None,
                "attained": None,
                "attainment": None,
                "payout": None,
                "chance_period": None,
            }
            record |= {"chance": None, "chance_band": None, "notes": [{"code": "no_target"}]}
    return card


ODD = [
    (cards.many(), "Прирост подписчиков"),
    (cards.card(kpis=[], total=None, assessable=0, attained=0), "Планы оценить нельзя"),
    (fresh(), "Сравнить не с чем."),
    (aimless(), "без плана"),
    (cards.unassessable(), "19-й день из 31"),
    (cards.card(preliminary=True), "Анна Петрова"),
    (cards.single(), "Замечаний нет."),
    (cards.hostile(), "alert"),
    (cards.hostile("en"), "alert"),
]


@pytest.mark.parametrize(
    ("card", "text"), ODD, ids="many none fresh aimless interim preliminary single hostile hostile-en".split()
)
def test_odd_states_are_pages_too(card: cards.Card, text: str) -> None:
    shown = page(card, WITHOUT_FIGURES)
    assert text in shown.text
    assert "script" not in shown.tags
    assert not re.search(r"\bNone\b|\bnan\b|\{|\}", shown.text)


def test_every_kpi_without_an_assessment_says_why_and_who_can_mend_it() -> None:
    text = page(cards.unassessable(), ["notes"]).text
    assert text.count("За период нет ни одной записи") == 8
    assert text.count("Аналитику нужно проверить, полная ли выгрузка.") == 8


def test_what_was_left_out_stands_beside_the_formula() -> None:
    card = cards.card()
    card["kpis"][3]["notes"].append({"code": "comments_by_rule", "count": 7, "share": 0.35})
    text = page(card, ["definitions"]).text.replace("\u202f", " ")
    assert "3 поста ещё набирают статистику." in text
    assert "7 комментариев (35 %) оценены автоматическим правилом, а не вручную." in text


# ---------------------------------------------------------------- wide and narrow

OVERFLOW = """
() => ({
  page: document.documentElement.scrollWidth - window.innerWidth,
  tables: [...document.querySelectorAll(".k-scroll")].map(e => e.scrollWidth - e.clientWidth),
  unlabelled: [...document.querySelectorAll(".k-scroll tbody td")].filter(
    e => getComputedStyle(e, "::before").content === "none" && e.textContent.trim()).length,
  narrow: Math.min(...[...document.querySelectorAll(".k-rows-table tbody tr")].map(
    e => e.getBoundingClientRect().width)),
})
"""
WIDE, PHONE, PAPER = 1280, 390, 703
"""Pixels of a screen, of a phone, and of A4 between its margins."""


@pytest.mark.parametrize("width", [WIDE, PHONE, PAPER])
@pytest.mark.parametrize("name", ["rich", "many", "fresh"])
def test_no_page_scrolls_sideways(name: str, width: int, browser: Any) -> None:
    """A table on a screen and on paper; on a phone a card a KPI, each of whose cells says what it is."""
    card = {"rich": cards.card, "many": cards.many, "fresh": fresh}[name]()
    body = "".join(sections(SpecialistReport(card), ["header", "scorecard", "total", "definitions"]))
    style = THEME.read_text(encoding="utf-8")
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.emulate_media(media="print" if width == PAPER else "screen")
    opened.set_content(f'<style>{style}</style><main class="kpi-report">{body}</main>')
    opened.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    found = opened.evaluate(OVERFLOW)
    opened.close()
    assert found["page"] <= 0
    assert max(found["tables"]) <= 0
    assert found["narrow"] > (300 if width == PHONE else 20)
    assert found["unlabelled"] == 0 or width != PHONE


CUT = """
() => [...document.querySelectorAll(".k-people tbody :is(th, td)")].flatMap(cell => {
  const words = document.createRange(), box = cell.getBoundingClientRect();
  words.selectNodeContents(cell);
  const text = words.getBoundingClientRect();
  const cut = [cell, ...cell.querySelectorAll("*")].some(
    e => getComputedStyle(e).display !== "inline"
      && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1));
  return cut || text.left < box.left - 1 || text.right > box.right + 1 ? [cell.textContent] : [];
})
"""


@pytest.mark.parametrize("language", ["ru", "en"])
def test_no_cell_of_the_departments_table_is_cut_or_touches_the_next(language: str, browser: Any) -> None:
    amounts = {"variable_pay": {"amount": 40000.0, "share": 1.0, "payout": 29495.33}}
    team = [cards.card(language, specialist=f"p{number}", **amounts) for number in range(2)]
    for place, card in zip((2, 6), team, strict=True):
        card["bonus"]["amount"] = 13798.6
        for number, entry in enumerate(card["kpis"]):
            entry["payout"] = None if entry["payout"] is None else float(number != place)
    sales = cards.entry("sales_amount", "sales", "money", 216510.0, previous=481500.0, payout=0.0, weight=100)
    sales |= {"target": {"kind": "at_least", "value": 335483.87, "base": None}, "attained": False}
    sales |= {"attainment": 0.645, "verdict": "below_threshold"}
    rises = {
        **sales,
        "as": "growth",
        "versus": "year_ago",
        "unit": "share",
        "value": -0.45,
        "current": 216510.0,
    }
    rises["target"] = {"kind": "at_least", "value": 0.2, "base": None}
    team += [
        cards.card(language, specialist=kind, kpis=[entry], **amounts)
        for kind, entry in (("sum", sales), ("growth", rises))
    ]
    made = DepartmentReport("2025-10", team, {}, language, "RUB").people()
    assert made is not None
    style = THEME.read_text(encoding="utf-8")
    opened = browser.new_page(viewport={"width": WIDE, "height": 900})
    opened.set_content(f'<style>{style}</style><main class="kpi-report">{made.html}</main>')
    assert opened.evaluate("document.querySelectorAll('.k-people tbody tr').length") == 4
    assert opened.evaluate(CUT) == []
    opened.close()
