"""The page of alerts: the riskiest first, in both languages, and every text escaped."""

from __future__ import annotations

import re

import pytest
from cards import SCRIPT, card, check, hostile
from running import churn_entry, lead_entry, running

from kpi_kit.report.alerts_page import AlertsReport, alerts_page

NO_BRAND = {"logo": None, "accent": None}


def page(*cards: object, language: str = "ru", broken: dict[str, str] | None = None) -> str:
    report = AlertsReport(list(cards), language, "RUB")  # type: ignore[arg-type]
    made = alerts_page(report, "2025-10", "Маяк", NO_BRAND, theme="", broken=broken)  # type: ignore[arg-type]
    return made.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "ru",
            ["Что под угрозой, октябрь 2025", "1 план недостижим; 1 план под угрозой; 2 поста",
             "2,4 в день", "8 %", "план недостижим", "под угрозой", "10-й день из 31, остался 21 день"],
        ),
        (
            "en",
            ["What is at risk, October 2025", "1 target is out of reach; 1 target is at risk; 2 posts",
             "2.4 a day", "8%", "out of reach", "at risk", "day 10 of 31, 21 days left"],
        ),
    ],
)  # fmt: skip
def test_the_page_in_both_languages(language: str, expected: list[str]) -> None:
    rows = [
        lead_entry(10, 0.9, scope={"platforms": ["vk"]}),
        lead_entry(10, 0.08),
        churn_entry(10, 0.1, 0.04),
    ]
    unchecked = lead_entry(10, 0.01, scope={"platforms": ["ok"]}, chance_check=check("not_reliable"))
    shown = page(running(10, *rows, unchecked, missing=["a", "b"]), language=language)
    plain = re.sub(r"<[^>]+>", "", shown)
    for text in expected:
        assert text.casefold() in plain.casefold()
    table = shown[shown.index("alerts-entries") :]
    chances = re.findall(r'data-label="(?:Шанс|Chance)">([^<]*)<', table)
    assert [chance.replace(" ", "") for chance in chances] == [
        "0%",
        "8%",
        "—",
        "90%",
    ]  # behind, of unknown chance: in the middle
    assert '<html lang="' + language in shown


def test_nothing_at_risk_and_people_left_out() -> None:
    shown = page(running(10), broken={"Иван": "ivan.yml: kpis: <b>"})
    assert "Под угрозой ничего нет." in shown
    assert "ivan.yml: kpis: &lt;b&gt;" in shown
    assert "alerts-entries" not in shown
    assert page().count("<section") == 1


def test_texts_from_data_are_escaped() -> None:
    rows = [lead_entry(10, 0.08, scope={"accounts": ["vk-roastery"]}), churn_entry(10, None, 0.012)]
    known = hostile()
    given = {key: known[key] for key in ("name", "agency", "assignments")}
    shown = page(running(10, *rows, missing=[SCRIPT], **given), broken={SCRIPT: SCRIPT})
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_a_period_that_is_over_has_no_alerts() -> None:
    assert AlertsReport([card()], "ru", "RUB").alerts == []  # type: ignore[list-item]
