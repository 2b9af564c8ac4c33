"""The map of attainment: every state has a sign and words, and names stay text."""

from __future__ import annotations

import re

import pytest

from kpi_kit.report import parts
from kpi_kit.report.parts import Cell
from kpi_kit.report.wording import Words, words


@pytest.fixture
def say() -> Words:
    return words("ru", "RUB")


def test_cells_have_attainment_a_sign_and_words(say: Words) -> None:
    people = {"anna": "Анна", "ivan": "Иван"}
    kpis = {
        "Лиды": {"anna": Cell("below", "61 %"), "ivan": Cell("attained", "120 %")},
        "Лайки": {"anna": Cell("not_assessable", None)},
    }
    html = str(parts.heatmap(people, kpis, say))
    assert re.findall(r'data-label="(\w+)" class="(\S+)"', html) == [
        ("Анна", "k-on-below"),
        ("Иван", "k-on-attained"),
        ("Анна", "k-on-not_assessable"),
    ]
    assert html.count("<svg") == 3 and html.count("<td></td>") == 1
    assert re.sub(r"<svg.*?</svg>|<[^>]*>", "|", html).replace("|", "").endswith("Лайки— нельзя оценить")


def test_nobody_and_nothing_is_an_empty_table(say: Words) -> None:
    assert str(parts.heatmap({}, {}, say)).count("<th") == 2


def test_names_are_only_text(say: Words) -> None:
    html = str(parts.heatmap({"x": "<script>"}, {"<b>": {"x": Cell("missed", "9 %")}}, say))
    assert "<script" not in html and "<b>9" not in html and html.count("&lt;script&gt;") == 2


def test_the_key_has_every_state(say: Words) -> None:
    html = str(parts.key(say))
    assert all(text in html for text in say.lookup("state").values())
