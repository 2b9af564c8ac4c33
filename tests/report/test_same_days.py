"""The table of a period so far against the same days before: a reader can recompute its differences."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_kit.report import parts
from kpi_kit.report.parts.same_days import same_days
from kpi_kit.report.wording import story, words
from tests import cards

CHANGE = {
    "estimate": 0.0, "low": None, "high": None, "p": None, "raw": 0.0, "method": "weekly_t", "reason": None,
    "dispersion": None, "q": None, "real": None,
}  # fmt: skip


def side(value: float, before: float, month: str, day: str = "19", real: bool | None = None) -> Any:
    until = f"{int(day) + 1:02d}"
    change = {**CHANGE, "estimate": value - before, "raw": value - before, "real": real}
    return {
        "days": ["2025-10-01", f"2025-10-{until}"],
        "earlier_days": [f"{month}-01", f"{month}-{until}"],
        "value": value,
        "before": before,
        "change": change,
        "left_out": [],
    }


def record(kpi: str, unit: str, to_date: Any, **given: Any) -> dict[str, Any]:
    found = cards.entry(kpi, "sales", unit, 0.5)
    return {**found, "to_date": to_date, **given}


def card(language: str, *records: dict[str, Any]) -> Any:
    return {**cards.card(language), "interim": True, "kpis": list(records)}


def rows(html: str) -> list[list[str]]:
    found = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        for row in re.findall(r"<tr>(.*?)</tr>", html, re.S)
    ]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in found]


def both(value: float, before: float, year: float, real: bool | None = None) -> Any:
    return {"previous": side(value, before, "2025-09", real=real), "year_ago": side(value, year, "2024-10")}


def test_a_row_has_both_comparisons_and_says_what_is_significant() -> None:
    shown = same_days(card("ru", record("leads", "leads", both(42, 20, 40, real=True))), words("ru"))
    head, row = rows(str(shown))
    assert head == [
        "Показатель", "1–19 октября", "1–19 сентября", "Разница к сентябрю",
        "1–19 октября 2024", "Разница к октябрю 2024",
    ]  # fmt: skip
    assert row == ["Лиды", "42", "20", "+22 значимо", "40", "+2"]
    assert "k-is-good" in str(shown)


def test_in_english() -> None:
    head, row = rows(str(same_days(card("en", record("leads", "leads", both(42, 20, 40))), words("en"))))
    assert head[1:4] == ["1–19 October", "1–19 September", "Difference vs September"]
    assert row == ["Leads", "42", "20", "+22", "40", "+2"]


def test_a_missing_side_is_a_dash_and_other_days_have_their_own_table() -> None:
    views = {"previous": side(900, 700, "2025-09", "12"), "year_ago": None}
    leads = {"previous": side(42, 20, "2025-09"), "year_ago": side(42, 40, "2024-10")}
    sales = {"previous": side(4, 2, "2025-09"), "year_ago": None}
    shown = str(
        same_days(
            card(
                "ru",
                record("views", "views", views),
                record("leads", "leads", leads),
                record("sales", "sales", sales),
            ),
            words("ru"),
        )
    )
    found = rows(shown)
    assert [row[0] for row in found] == ["Показатель", "Лиды", "Продажи", "Показатель", "Просмотры"]
    assert found[2][3:] == ["+2", "—", "—"]
    assert found[3][1:] == ["1–12 октября", "1–12 сентября", "Разница к сентябрю"]


def test_comparisons_over_other_accounts_have_rows_of_their_own() -> None:
    year_ago = side(30, 25, "2024-10") | {"left_out": ["b"]}
    compared = {"previous": side(42, 20, "2025-09"), "year_ago": year_ago}
    head, first, second = rows(str(same_days(card("ru", record("leads", "leads", compared)), words("ru"))))
    assert first == ["Лиды", "42", "20", "+22", "—", "—"]
    note = "только аккаунты и бренды, по которым есть данные и за те дни"
    assert [re.sub(r"\s+", " ", cell) for cell in second] == [f"Лиды {note}", "30", "—", "—", "25", "+5"]


def test_nothing_to_compare_is_no_table() -> None:
    assert same_days(card("ru", record("leads", "leads", None)), words("ru")) is None
    assert same_days({**cards.card("ru")}, words("ru")) is None


@pytest.mark.parametrize("language", ["ru", "en"])
def test_titles_of_formulas_are_escaped(language: str) -> None:
    title = '<img src=x onerror="alert(1)">{kpi}'
    formula = {
        "id": "mine", "title": {"ru": title, "en": title}, "numerator": "spend", "denominator": "leads",
        "per": 1.0, "unit": "money", "better": "lower", "family": "sales",
    }  # fmt: skip
    for as_ in ("value", "growth"):
        own = record("mine", "money", both(10, 20, 30), formula=formula) | {"as": as_}
        html = str(parts.scorecard(card(language, own), words(language))) + str(
            parts.definitions(card(language, own), words(language))
        )
        assert "<img" not in html
        assert "{kpi}" in unescape(html)


@given(
    unit=st.sampled_from(["leads", "share", "money", "hours", "number"]),
    values=st.tuples(*[st.floats(0, 500, allow_subnormal=False).map(lambda x: round(x, 4))] * 3),
)
def test_differences_follow_from_what_is_printed(unit: str, values: tuple[float, float, float]) -> None:
    if unit == "leads":
        values = tuple(float(round(value)) for value in values)  # type: ignore[assignment]
    kpi = {"share": "view_rate", "money": "sales_amount", "hours": "median_response_time"}.get(unit, "leads")
    formula = {
        "id": "mine", "title": {"ru": "Р", "en": "R"}, "numerator": "leads", "denominator": "views",
        "per": 1.0, "unit": "number", "better": "higher", "family": "sales",
    }  # fmt: skip
    more = {"formula": formula, "kpi": "mine"} if unit == "number" else {}
    shown = same_days(card("en", record(kpi, unit, both(*values)) | more), words("en"))
    now, before, difference, year, since = (_number(cell) for cell in rows(str(shown))[1][1:])
    assert (now - before, now - year) == (difference, since)


def _number(text: str) -> Decimal:
    """A printed figure; durations in minutes."""
    plain = text.replace("−", "-").replace(",", "").replace("\N{NO-BREAK SPACE}", " ")
    if "h" in plain or "min" in plain:
        sign = -1 if plain.startswith("-") else 1
        parts_of_time = {"h": 60, "min": 1}
        found = re.findall(r"(\d+) (h|min)", plain)
        return Decimal(sign * sum(int(number) * parts_of_time[name] for number, name in found))
    return Decimal(re.sub(r"[^\d.+-]", "", plain))


@pytest.mark.parametrize(
    ("language", "real", "sentence", "difference"),
    [
        (
            "ru",
            None,
            "20 при плане 40 на эту дату; 1–19 сентября было 42.",
            "на 22 меньше, чем 1–19 сентября",
        ),
        (
            "ru",
            False,
            "20 при плане 40 на эту дату; 1–19 сентября было 42, разница может быть случайной.",
            "на 22 меньше, чем 1–19 сентября (возможно, случайно)",
        ),
        (
            "ru",
            True,
            "20 при плане 40 на эту дату — значимо меньше, чем 1–19 сентября (42).",
            "на 22 меньше, чем 1–19 сентября, значимо",
        ),
        (
            "en",
            True,
            "20 against a target of 40 so far, significantly less than on 1–19 September (42).",
            "22 less than on 1–19 September, significant",
        ),
    ],
)
def test_the_worst_entry_so_far_is_compared_with_the_same_days(
    language: str, real: bool | None, sentence: str, difference: str
) -> None:
    target = {"kind": "at_least", "value": 40.0, "base": None}
    given = {"value": 20.0, "target": target, "attained": False, "attainment": 0.5, "payout": 0.0}
    team = [card(language, record("leads", "leads", both(20, 42, 40, real=real), **given))]
    say = words(language)
    shown = " ".join(story.lead(team[0], ["Лиды"], say))
    assert re.sub(r"[\u00a0\u202f]", " ", shown).endswith(f"Лиды: {sentence}")
    assert parts.person_row(team[0], say)["difference"].replace("\u00a0", " ") == difference
    other = [card(language, record("leads", "leads", both(19, 42, 40), **given))]
    assert parts.person_row(other[0], say)["difference"] == "", "the value counts other days"
