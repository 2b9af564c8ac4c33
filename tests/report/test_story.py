"""What the first screens say of the entry that costs most, of what to do next, and of pay by days."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kpi_kit.report import DepartmentReport, SpecialistReport, parts
from kpi_kit.report.wording import story, words
from kpi_kit.scorecard import verdict
from tests import cards

TARGET = {"kind": "at_least", "value": 40.0, "base": None}
LEADS = {"target": TARGET, "attained": False, "attainment": 0.5, "payout": 0.0, "previous": 30.0}


def card(language: str = "ru", **given: Any) -> Any:
    """Somebody with 20 leads of 40."""
    return cards.card(language, kpis=[cards.entry("leads", "sales", "leads", 20.0, **LEADS)], **given)


def squeezed(text: str) -> str:
    return re.sub(r"[ \n\u00a0\u202f]+", " ", text).strip()


def step(found: Any, language: str = "ru") -> list[str]:
    """The first step: what, and its rows."""
    found["next"] = verdict.next_steps(found)
    first = story.steps(found, ["Лиды"], {}, words(language))[0]
    return [squeezed(first.what), squeezed(first.rows)]


CHANGES = [
    (False, "; изменение к сентябрю может быть случайным.", " (возможно, случайно)"),
    (None, ".", ""),
    (True, " (по тем же аккаунтам: 15 против 30 в сентябре, значимо).", ", значимо"),
]


@pytest.mark.parametrize(("real", "sentence", "mark"), CHANGES)
def test_whether_the_worst_change_is_significant_is_said_also_where_other_figures_are_compared(
    real: bool | None, sentence: str, mark: str
) -> None:
    found = card()
    change = None if real is None else cards.change(-15.0, -20.0, -10.0) | {"real": real}
    left_out = {"code": "account_left_out", "account_id": "tg-roastery", "reason": "partly_held"}
    found["kpis"][0] |= {"current": 15.0, "change": change, "notes": [left_out]}
    assert squeezed(story.lead(found, ["Лиды"], words("ru"))[-1]) == f"Лиды: 20 при плане 40{sentence}"
    row = parts.person_row(found, words("ru"))
    assert squeezed(row["difference"]) == f"по тем же аккаунтам: 15 против 30 в сентябре{mark}"


def test_a_difference_that_may_be_chance_is_called_that_in_both_languages() -> None:
    change = cards.change(-10.0, -25.0, 5.0) | {"real": False}
    for language, ends in (
        ("ru", "разница может быть случайной."),
        ("en", "(30 in September; the difference may be chance)."),
    ):
        found = card(language)
        found["kpis"][0] |= {"change": change}
        assert story.lead(found, ["Лиды"], words(language))[-1].endswith(ends)


def test_the_first_step_is_about_the_worst_entry() -> None:
    assert step(card()) == ["Выяснить причину", "«Лиды», −20 к плану"]
    assert step(card("en"), "en") == ["Find the cause", "“Leads”, −20 to target"]
    early = {"interim": True, "as_of": "2025-10-21T00:00:00+03:00"}
    assert step(card(**early)) == ["Нужно 1,9 в день", "«Лиды», до конца периода"]
    ceiling = card("en", **early)
    ceiling["kpis"][0] |= {"target": TARGET | {"kind": "at_most"}, "value": 35.0}
    ceiling["kpis"][0] |= {"verdict": "behind"}
    assert step(ceiling, "en")[0] == "Keep to at most 0.4 a day"
    ceiling["kpis"][0] |= {"verdict": "impossible"}
    assert step(ceiling, "en")[0] == "Find the cause"


def test_the_plan_stands_beside_a_proposal() -> None:
    found = card()
    finding: dict[str, Any] = {"letter": "achievable", "code": "out_of_reach", "chance": 0.02}
    finding |= {"period": "2025-11", "proposal": {"kind": "at_least", "per": None, "value": 22.0}}
    found["kpis"][0]["audit"] = [finding]
    assert step(found)[1] == "шанс выполнить его в ноябре 2 %, предложено не меньше 22"
    finding["target"] = {"kind": "at_least", "per": None, "value": 40.0}
    assert step(found) == [
        "Изменить план по показателю «Лиды»",
        "в ноябре не меньше 40 (шанс 2 %), предложено не меньше 22",
    ]


def test_pay_by_days_is_said_where_days_are_not_paid() -> None:
    pay = {"monthly": 40_000.0, "share": 0.75, "amount": 30_000.0, "payout": 24_000.0}
    for share, of in ((0.75, "из 30 000 ₽ за отработанные дни (за все дни 40 000 ₽)"), (1.0, "из 30 000 ₽")):
        found = card(variable_pay=pay | {"share": share})
        header = squeezed(re.sub("<[^>]*>", "", SpecialistReport(found).header().html))  # type: ignore[union-attr]
        assert f"К выплате 24 000 ₽ {of}" in header
        assert ("отработанные" in header) == (share < 1)
        people = DepartmentReport("2025-10", [found], {}, "ru", "RUB").people()
        assert people is not None
        assert ("<small>за отработанные дни</small>" in people.html) == (share < 1)
        assert "К выплате — переменная часть за отработанные дни, умноженная на итог." in people.html
    early = card(interim=True, as_of="2025-10-11T00:00:00+03:00", variable_pay=pay | {"share": 10 / 31})
    assert parts.person_row(early, words("ru"))["by_days"] == "", "all days so far are paid"
