"""A specialist's page as a whole: true sentences, no number of its own, no foreign words, odd states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_kit.kpis import CATALOGUE
from kpi_kit.report import THEME, SpecialistReport, parts, summary
from kpi_kit.report.parts import terminal
from kpi_kit.report.wording import messages, words
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
    assert "Analyst" in latin(cards.card(agency="Analyst"))


def test_no_russian_word_has_a_latin_letter_inside() -> None:
    """A Latin "c" in a Russian word looks right and is found by no search."""
    mixed = re.compile(r"[А-Яа-яЁё][A-Za-z]|[A-Za-z][А-Яа-яЁё]")

    def texts(branch: Any) -> Iterator[str]:
        for value in branch.values() if isinstance(branch, dict) else [branch]:
            yield from texts(value) if isinstance(value, dict) else [str(value)]

    fields = re.compile(r"\{\w+\}")
    assert [text for text in texts(messages("ru")) if mixed.search(fields.sub("", text))] == []


# ---------------------------------------------------------------- the summary is true of every card

NAMED = re.compile("«([^»]*)»")


@st.composite
def verdict_cards(draw: st.DrawFn) -> cards.Card:
    """Scorecards with any mixture of verdicts, states and targets."""
    kpis = draw(st.lists(st.sampled_from(sorted(CATALOGUE)), min_size=1, max_size=6, unique=True))
    records = [draw(entry_of(kpi)) for kpi in kpis]
    assessable = sum(record["assessable"] for record in records)
    return cards.card(
        kpis=records,
        interim=draw(st.booleans()),
        total=draw(st.sampled_from([None, 0.9])) if assessable else None,
        assessable=assessable,
        attained=sum(record["attained"] is True for record in records),
    )


@st.composite
def entry_of(draw: st.DrawFn, kpi: str) -> cards.Card:
    better, unit = str(CATALOGUE[kpi].better), str(CATALOGUE[kpi].unit)
    attainment = draw(st.sampled_from([None, 0.0, 0.79, 0.8, 0.95, 1.0, 1.3]))
    kind = draw(st.sampled_from(["at_least", "between"]))
    target = {"kind": kind, "value": [0.2, 0.5] if kind == "between" else 0.4, "base": 0.0}
    change = draw(
        st.sampled_from(
            [
                None,
                cards.change(3.0),
                cards.change(None, reason="median_not_reached"),
                cards.change(4.0, -1.0, 9.0, **cards.NOISE),
                cards.change(4.0, 1.0, 9.0, **cards.UNCONFIRMED),
                cards.change(4.0, 1.0, 9.0),
                cards.change(-4.0, -9.0, -1.0),
            ]
        )
    )
    trend = draw(st.sampled_from([cards.trend(), cards.trend(**cards.RISING), cards.trend(**cards.FALLING)]))
    chance = draw(st.sampled_from([None, 0.03, 0.1, 0.8]))
    check = draw(st.sampled_from([None, "reliable", "not_reliable", "not_checked"]))
    return cards.entry(
        kpi,
        str(CATALOGUE[kpi].family),
        unit,
        None if attainment is None else 0.3,
        better=better,
        target=target,
        attained=None if attainment is None else attainment >= 1,
        attainment=attainment,
        change=change,
        trend=trend,
        chance=chance,
        chance_band=None if chance is None else [0.1, 0.6],
        chance_check=None if check is None else cards.check(check),
        notes=[]
        if attainment is not None
        else [{"code": draw(st.sampled_from(["no_rows", "interim_change"]))}],
    )


def clause(sentence: str, start: str) -> set[str]:
    """The KPIs that a part of a sentence names."""
    found = [part for part in re.split(r"; |: |\. ", sentence) if part.casefold().startswith(start)]
    return {name for part in found for name in NAMED.findall(part)}


def is_real(record: cards.Card, wanted: str) -> bool:
    change = record["change"]
    if change is None or change["real"] is not True or record["target"]["kind"] == "between":
        return False
    return ((change["estimate"] > 0) == (record["better"] == "higher")) == (wanted == "better")


def heads_down(record: cards.Card) -> bool:
    bad = "falling" if record["better"] == "higher" else "rising"
    return record["trend"]["verdict"] == bad and record["target"]["kind"] != "between"


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(verdict_cards())
def test_the_three_sentences_are_true_of_every_card(card: cards.Card) -> None:
    attained, changed, decide = summary.sentences(card, words("ru"))
    named = dict(zip(parts.names(card, words("ru")), card["kpis"], strict=True))

    assert (f"из {card['assessable']} " in attained) is (card["assessable"] > 0)

    if card["interim"] or all(record["change"] is None for record in card["kpis"]):
        assert not NAMED.findall(changed)
        assert ("сравнить не с чем" in changed) is (not card["interim"])
    else:
        for start, wanted in (("подтверждено улучшение", "better"), ("подтверждено ухудшение", "worse")):
            assert clause(changed, start) == {
                name for name, record in named.items() if is_real(record, wanted)
            }
        real = {name for name, record in named.items() if record["change"] and record["change"]["real"]}
        assert set(NAMED.findall(changed)) == real
        assert ("ни одно не подтверждено" in changed) is (not real)
        counts = [int(number) for number in re.findall(r"(?<=—\u00a0)\d+(?=[,)])", changed)]
        assert sum(counts) == len(named) - len(real)

    below = {n for n, r in named.items() if r["attainment"] is not None and r["attainment"] < 0.8}
    worse = {n for n, r in named.items() if is_real(r, "worse")}
    declining = {n for n, r in named.items() if heads_down(r)}
    unlikely = {
        name
        for name, r in named.items()
        if r["chance"] == 0.03 and r["chance_check"] and r["chance_check"]["verdict"] == "reliable"
    }
    assert clause(decide, "ниже порога") == below
    assert clause(decide, "подтверждённое ухудшение") == worse
    assert clause(decide, "тренд к\u00a0худшему") == declining
    assert clause(decide, "цель почти недостижима") == unlikely
    assert ("итоговая оценка отложена" in decide) is (card["total"] is None and card["assessable"] > 0)
    missing = {name for name, record in named.items() if not record["assessable"]}
    assert missing <= set(NAMED.findall(decide)) and ("Нельзя оценить" in decide) is bool(missing)
    assert ("Оценить удалось все" in decide) <= (not missing)
    assert decide.startswith("Показателей ниже порога") <= (not below and not worse and not declining)


def test_an_unreliable_forecast_asks_for_no_decision() -> None:
    card = cards.card()
    card["kpis"][5]["chance_check"] = cards.check("not_reliable")
    assert "«Лиды» (цель" not in summary.sentences(card, words("ru"))[2]


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
    (cards.card(kpis=[], total=None, assessable=0, attained=0), "нельзя оценить ни одну цель"),
    (fresh(), "Сравнить не с чем."),
    (aimless(), "без цели"),
    (cards.unassessable(), "период не закончен"),
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
  unlabelled: [...document.querySelectorAll("#scorecard tbody td")].filter(
    e => getComputedStyle(e, "::before").content === "none" && e.textContent.trim()).length,
  narrow: Math.min(...[...document.querySelectorAll("#scorecard > .k-scroll td")].map(
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
    body = "".join(sections(SpecialistReport(card), ["header", "summary", "scorecard", "definitions"]))
    style = THEME.read_text(encoding="utf-8")
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.emulate_media(media="print" if width == PAPER else "screen")
    opened.set_content(f'<style>{style}</style><main class="kpi-report">{body}</main>')
    opened.evaluate("document.querySelectorAll('#scorecard details').forEach(each => (each.open = true))")
    found = opened.evaluate(OVERFLOW)
    opened.close()
    assert found["page"] <= 0
    assert max(found["tables"]) <= 0
    assert found["narrow"] > (300 if width == PHONE else 20)
    assert found["unlabelled"] == 0 or width != PHONE
