"""A deputy's page shows the colleague's KPIs over the days of the absence, and pays nothing for them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from kpi_kit.report import parts
from kpi_kit.report.wording import words
from tests import cards


def deputising(language: str, **entry: object) -> cards.Card:
    """A scorecard of a deputy for a colleague whose account is not theirs."""
    kpi = {
        "kpi": "response_rate",
        "as": "value",
        "versus": "previous",
        "scope": {"accounts": ["vk-book"]},
        "unit": "share",
        "value": 2 / 3,
        "numerator": 2.0,
        "denominator": 3.0,
        "units": 3,
        "notes": [{"code": "inquiries_not_due", "count": 1}],
        **entry,
    }
    colleague = {"specialist": "bob", "name": "<b>Боб</b>", "since": "2025-10-10", "until": "2025-11-01"}
    account = {"account_id": "vk-book", "platform": "vk", "title": "Книги & чай", "url": None}
    return cards.card(language, deputised=[account], deputy_for=[{**colleague, "kpis": [kpi]}])


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


@pytest.mark.parametrize(
    ("language", "heading", "row"),
    [
        (
            "ru",
            "Замещение: <b>Боб</b>, 10–31 октября (не оплачивается)",
            "Ответы в срок (SLA, Книги & чай) 66,7 % Срок ответа на 1 обращение ещё не истёк.",
        ),
        (
            "en",
            "Standing in for <b>Боб</b>, 10–31 October (not paid)",
            "Answered in time (SLA, Книги & чай) 66.7% The answer to 1 inquiry is not due yet.",
        ),
    ],
)
def test_the_colleagues_kpis_are_folded_away(language: str, heading: str, row: str) -> None:
    card = deputising(language)
    html = str(parts.scorecard(card, words(language)))
    folded = html[html.rindex("<details") :]
    assert heading in text(folded)
    assert row in text(folded)
    assert "<b>Боб" not in html
    before = str(parts.scorecard_table(cards.card(language), words(language)))
    assert str(parts.scorecard_table(card, words(language))) == before, "the colleague's KPIs are not paid"


def test_a_figure_that_is_unknown_has_its_reason() -> None:
    card = deputising("ru", value=None, notes=[{"code": "no_rows"}])
    shown = text(str(parts.scorecard(card, words("ru"))))
    assert "Книги & чай) — За период нет ни одной записи" in shown


def test_without_an_absence_there_is_nothing() -> None:
    shown = text(str(parts.scorecard(cards.card("ru", deputy_for=[]), words("ru"))))
    assert "Замещение" not in shown
    nothing = deputising("ru")
    nothing["deputy_for"][0]["kpis"] = []
    assert "у коллеги нет" in text(str(parts.scorecard(nothing, words("ru"))))
