"""A reader recomputes pages and messages from what is printed: differences exactly, attainments within 1 %.

``KPI_RECOMPUTE=100`` tries a hundred random agencies.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kpi_kit.core.errors import KitError
from kpi_kit.mail.content import MessageSettings, message_content
from kpi_kit.mail.gate import Mailable
from kpi_kit.mail.recipients import Recipient
from kpi_kit.report import DepartmentReport, SpecialistReport, parts
from kpi_kit.report.wording import words
from kpi_kit.scorecard import build, verdict
from tests import cards, random_agency

ROOT = Path(__file__).parents[2]
AGENCIES = int(os.environ.get("KPI_RECOMPUTE", "2"))
"""Random agencies of a run."""


class Cells(HTMLParser):
    """The rows of the table of KPIs: the text of each cell by its class, and the small texts beside."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self._place = ""
        self._small = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "tr" and "data-entry" in given:
            self.rows.append({})
        elif tag in ("td", "th") and self.rows:
            names = (given.get("class") or "").split()
            self._place = next((name[2:] for name in names if name not in ("k-n",)), "name")
        elif tag == "small":
            self._small = True
        elif tag in ("thead", "p"):
            self._place = ""

    def handle_endtag(self, tag: str) -> None:
        self._small = self._small and tag != "small"

    def handle_data(self, data: str) -> None:
        if self.rows and self._place:
            place = f"{self._place}.small" if self._small else self._place
            self.rows[-1][place] = self.rows[-1].get(place, "") + data


class Figure(NamedTuple):
    """A number as it is printed, and how fine."""

    value: Decimal
    step: Decimal


def figures(text: str, language: str) -> list[Figure]:
    """The numbers of a text; hours and minutes are minutes."""
    text = text.replace("\N{MINUS SIGN}", "-").replace("\u00a0", " ").replace("\u202f", "")
    if language == "en":
        text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    clock = re.compile(r"([-+]?)(?:(\d+) (?:ч|h)\b)? ?(?:(\d+) (?:мин|min)\b)?")
    found = []
    place = 0
    while place < len(text):
        hit = clock.match(text, place)
        if hit and (hit[2] or hit[3]):
            minutes = int(hit[2] or 0) * 60 + int(hit[3] or 0)
            step = Decimal(1 if hit[3] else 60)  # long times are printed in whole hours
            found.append(Figure(Decimal(-minutes if hit[1] == "-" else minutes), step))
            place = hit.end()
            continue
        number = re.compile(r"[-+]?(?:RUB |₽|\$)?\d+(?:\.\d+)?").match(text, place)
        if number:
            plain = Decimal(re.sub(r"[^\d.+-]", "", number[0]))
            found.append(Figure(plain, Decimal(1).scaleb(int(plain.as_tuple().exponent))))
            place = number.end()
        else:
            place += 1
    return found


def check_row(row: dict[str, str], entry: cards.Card, language: str) -> Iterator[str]:
    """What of a row does not follow from its other figures."""
    fact, plan, difference = (figures(row.get(key, ""), language) for key in ("fact", "plan", "difference"))
    before = figures(row.get("previous", ""), language)
    both = figures(row.get("name.small", ""), language) if "compared" in row or entry_compares(row) else []
    if difference:
        sides = (both[0], both[1]) if len(both) >= 2 else (fact[0], before[0])
        if sides[0].value - sides[1].value != difference[0].value:
            yield f"difference {row}"
    if entry["as"] == "growth" and fact and len(both) >= 2 and both[1].value:
        growth = (both[0].value - both[1].value) / both[1].value * 100
        # the sides are rounded too: a step of each moves the growth by the first order of the ratio
        ratio = abs(both[0].value / both[1].value)
        slack = fact[0].step + (both[0].step + ratio * both[1].step) / abs(both[1].value) * 100
        if abs(growth - fact[0].value) > slack:
            yield f"growth {row}"
    reached = figures(row.get("attainment", ""), language)
    if not reached or not plan or not fact:
        return
    if entry["target"]["kind"] == "between":
        low, high = plan[0].value, plan[1].value
        off = max(low - fact[0].value, fact[0].value - high, Decimal(0))
        recomputed = max(Decimal(0), 1 - off / ((high - low) / 2)) * 100 if high > low else None
        slack = 1 + (fact[0].step + plan[0].step) / (high - low) * 200 if high > low else Decimal(0)
    else:
        small = figures(row.get("attainment.small", ""), language)
        base = small[0].value if small else Decimal(0)
        if small and small[1].value != plan[0].value:
            yield f"end of the way {row}"
        way = plan[0].value - base
        recomputed = max(Decimal(0), (fact[0].value - base) / way) * 100 if way else None
        slack = Decimal(1)
    if recomputed is not None and re.search("более|over", row["attainment"]):
        assert reached[0].value == 1000
        recomputed, slack = min(recomputed, Decimal(1000)), slack + 10
    if recomputed is not None and abs(recomputed - reached[0].value) > slack:
        yield f"attainment {recomputed} {row}"


def entry_compares(row: dict[str, str]) -> bool:
    """Whether the row has a line with both sides of a comparison."""
    return bool(re.search(r"против| vs ", row.get("name.small", "")))


def recompute(card: cards.Card, language: str) -> list[str]:
    """What on a specialist's page a reader cannot recompute."""
    card = card | {"language": language}
    table = str(parts.scorecard_table(card, words(language, card["currency"])))
    numbers = [int(number) for number in re.findall(r'data-entry="(\d+)"', table)]
    assert sorted(numbers) == list(range(1, len(card["kpis"]) + 1))
    wrong = []
    for number, row in zip(numbers, Cells(table).rows, strict=True):
        wrong += check_row(row, card["kpis"][number - 1], language)
    return wrong


def page_rows(card: cards.Card, language: str) -> dict[int, dict[str, str]]:
    """The rows of the table of KPIs, by the place of their entry."""
    table = str(parts.scorecard_table(card, words(language, card["currency"])))
    numbers = [int(number) - 1 for number in re.findall(r'data-entry="(\d+)"', table)]
    return dict(zip(numbers, Cells(table).rows, strict=True))


def percents(text: str, language: str) -> list[Decimal]:
    """The percentages of a text."""
    hits = re.findall(r"[-\N{MINUS SIGN}]?[\d.,\u202f]*\d[\u202f ]?%", text)
    return [figures(hit, language)[0].value for hit in hits]


def text_of(section: Any) -> str:
    """The text of a section of a page."""
    return re.sub(r"[ \n\u00a0]+", " ", unescape(re.sub(r"<[^>]*>", " ", section.html)))


def check_total(card: cards.Card, language: str) -> Iterator[str]:
    """What of the total and its payout does not follow from the figures beside them."""
    if card["total"] is None:
        return
    computed, header = (
        text_of(part) for part in (SpecialistReport(card).total(), SpecialistReport(card).header())
    )
    said = re.search(r"(?:Итог|Total): ([^=]*)=[^%]*?([\d.,\u202f]+)[\u202f ]?%", computed)
    assert said is not None, computed
    points, weights = (figure.value for figure in figures(said[1], language)[-2:])
    total = figures(said[2], language)[0]
    if abs(points / weights * 100 - total.value) > total.step:
        yield f"total {said[0]}"
    if total.value not in percents(header, language):
        yield f"total of the header {said[0]} {header}"
    pay = card.get("variable_pay")
    if pay and pay["payout"] is not None:
        text = re.search(r"(?:К выплате|Пока к выплате|Payout|Payout so far) ([^%]*)", header)
        assert text is not None
        paid, whole = figures(text[1], language)[:2]
        if abs(whole.value * total.value / 100 - paid.value) > whole.value * total.step / 100:
            yield f"payout {text[0]} {total}"


def recompute_message(team: list[Any], language: str) -> list[str]:
    """What in a director's message a reader cannot recompute from the pages."""
    team = verdict.worst_first([card | {"language": language} for card in team])
    to = Recipient("director", "o", "O", "o@agency.example", tuple(card["specialist"] for card in team))
    settings = MessageSettings(team[0]["period"], "A", language, team[0]["currency"])
    said = message_content(settings, to, [Mailable(card["specialist"], card, b"") for card in team], [])
    outcomes = {words(language).text(f"outcome.{code}").replace("\u00a0", " ") for code in verdict.MET}
    wrong: list[str] = []
    met = asked = 0
    for card, row in zip(team, said.rows, strict=True):
        rows = page_rows(card, language)
        wrong += check_total(card, language)
        wrong += check_message_row(card, row.cells, rows, language)
        for place, cells in rows.items():
            if card["kpis"][place]["assessable"] and card["kpis"][place]["target"]:
                asked += 1
                met += cells["verdict"].replace("\u00a0", " ").strip() in outcomes
        about = next((text for name, text in said.exceptions if name == card["name"]), None)
        worst = verdict.worst_entry(card)
        if about and worst is not None and card["kpis"][worst]["assessable"]:
            printed = [figure.value for figure in figures(about, language)]
            for key in ("fact", "plan"):
                own = [figure.value for figure in figures(rows[worst][key], language)]
                if not all(value in printed for value in own):
                    wrong.append(f"{key} of the message: {about} {rows[worst]}")
    if 0 < met < asked:
        counts = [figure.value for figure in figures(said.sentences[0], language)][:2]
        if sorted(counts) != sorted(map(Decimal, (met, asked))):
            wrong.append(f"plans met: {met} of {asked}, {said.sentences[0]}")
    return wrong


def check_message_row(
    card: cards.Card, cells: tuple[str, ...], rows: dict[int, dict[str, str]], language: str
) -> Iterator[str]:
    """What of a person's row in a message differs from their page."""
    if card["total"] is not None:
        header = str(SpecialistReport(card).header().html).split("k-box")[1]  # type: ignore[union-attr]
        totals = percents(unescape(re.sub(r"<[^>]*>", " ", header)), language)
        if percents(cells[1], language)[0] != totals[0]:
            yield f"total {cells} {totals}"
        change = re.search(r"\(([^)]*)\)", cells[1])
        if change and totals[0] - totals[1] != figures(change[1], language)[0].value:
            yield f"change {cells} {totals}"
    reason = card.get("reason") or verdict.card_reason(card)
    if reason["code"] == "short_of_plan":
        row = rows[reason["entry"]]
        fact, plan = (figures(row[key], language) for key in ("fact", "plan"))
        if fact and plan:
            differences = {fact[0].value - bound.value for bound in plan}
            if figures(cells[-1], language)[-1].value not in differences:
                yield f"difference to the plan {cells[-1]} {row}"


DMITRY, MARIA = "dmitry-orlov", "maria-sokolova"
PAGES = [
    (DMITRY, "2025-10", None),
    (MARIA, "2025-10", None),
    (MARIA, "2025-11", None),
    (DMITRY, "2025-W41", None),
    (MARIA, "2025-Q3", None),
    (DMITRY, "2024", None),
    (DMITRY, "2025-11", "2025-11-21"),
    (MARIA, "2025-Q4", "2025-11-21"),
]


@pytest.mark.parametrize(("person", "period", "as_of"), PAGES)
def test_the_pages_of_the_sample_recompute(person: str, period: str, as_of: str | None) -> None:
    card: Any = build.score(person, period, data=ROOT / "data/sample", params=ROOT / "params", as_of=as_of)
    for language in ("ru", "en"):
        assert recompute(card, language) == []
        assert recompute_message([card], language) == []


@pytest.mark.parametrize("seed", range(AGENCIES))
def test_the_pages_of_random_agencies_recompute(seed: int, tmp_path: Path) -> None:
    period, as_of = random_agency.write_agency(tmp_path, seed)
    team: list[Any] = []
    for person in random_agency.PEOPLE:
        with contextlib.suppress(KitError):
            team.append(
                build.score(person, period, data=tmp_path / "data", params=tmp_path / "params", as_of=as_of)
            )
    for language in ("ru", "en"):
        for card in team:
            assert recompute(card, language) == []
        if team:
            assert recompute_message(team, language) == []


@pytest.mark.parametrize("language", ["ru", "en"])
def test_totals_and_payouts_recompute(language: str) -> None:
    pay = {"monthly": 4e4, "share": 1.0, "amount": 4e4, "payout": 4e4 * 0.80678865}
    previous = {"period": "2025-09", "value": 0.9, "reported": True}
    card = cards.card(language, variable_pay=pay, total_previous=previous)
    assert recompute_message([card], language) == []
    spoilt = card | {"variable_pay": pay | {"payout": pay["payout"] * 1.01}}
    assert [text.split(" ")[0] for text in check_total(spoilt, language)] == ["payout"]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_wrong_figure_would_be_found(language: str) -> None:
    card = cards.card(language)
    assert recompute(card, language) == []
    table = str(parts.scorecard_table(card, words(language, "RUB")))
    spoilt = table.replace("+411", "+412").replace("93", "97")
    numbers = [int(number) for number in re.findall(r'data-entry="(\d+)"', spoilt)]
    wrong = [
        text
        for number, row in zip(numbers, Cells(spoilt).rows, strict=True)
        for text in check_row(row, card["kpis"][number - 1], language)
    ]
    assert [text.split(" ")[0] for text in wrong] == ["difference", "attainment"]


FIGURES = [
    ("1 284", "ru", ["1284"]),
    ("−39,8 %", "ru", ["-39.8"]),
    ("RUB 1,234.50", "en", ["1234.50"]),
    ("−RUB 56,850", "en", ["-56850"]),
    ("2 ч 5 мин", "ru", ["125"]),
    ("+5 min", "en", ["5"]),
    ("984 против 900", "ru", ["984", "900"]),
    ("—", "ru", []),
]


@pytest.mark.parametrize(("text", "language", "expected"), FIGURES)
def test_figures_are_read_as_they_are_printed(text: str, language: str, expected: list[str]) -> None:
    text = re.sub(r"(?<=\d) (?=\d)", "\u202f", text)
    assert [figure.value for figure in figures(text, language)] == list(map(Decimal, expected))


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_change_of_a_total_is_the_difference_of_the_printed_totals(language: str) -> None:
    for now, before in ((0.3548, 0.7374), (1.0005, 0.9995), (0.68, 0.68), (0.9, None), (None, 0.9)):
        previous = {"period": "2025-09", "value": before, "reported": True}
        card = cards.card(language, total=now, total_previous=previous)
        html = DepartmentReport("2025-10", [card], {}, language, "RUB").people()
        header = SpecialistReport(card).header()
        assert html is not None and header is not None
        shown = re.search(r'k-change".*?([▼▲])&nbsp;([^<]*)<|k-change"', html.html)
        totals = [
            figures(text, language) for text in re.findall(r"[\d,.]+\s?%", header.html.split("k-box")[1])
        ]
        if now is None or before is None:
            assert shown is None
            continue
        assert shown is not None
        size = figures(shown[2], language)[0].value
        assert totals[0][0].value - totals[1][0].value == (-size if shown[1] == "▼" else size)


def test_data_end_on_their_last_whole_day() -> None:
    card = cards.card(as_of=dt.datetime(2025, 12, 1).isoformat() + "+03:00")
    assert "данные по 30 ноября 2025" in str(SpecialistReport(card).header().html)  # type: ignore[union-attr]
