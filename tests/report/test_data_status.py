"""The department's page shows which data are there, as the commands do."""

from __future__ import annotations

import cards
import pytest

from kpi_kit.core.periods import Period
from kpi_kit.data.status import Row, State
from kpi_kit.report import DepartmentReport

MONTHS = Period.parse("2025-10").history(3)
HERE, PARTIAL, MISSING, DOUBTFUL, CLOSED = State
ROWS = [
    Row("vk-a", "posts", dict(zip(MONTHS, (HERE, PARTIAL, MISSING), strict=True)), "<b>Кофе</b>", "vk"),
    Row("vk-a", "inquiries", dict(zip(MONTHS, (HERE, HERE, HERE), strict=True)), "<b>Кофе</b>", "vk"),
    Row("vk-a", "leads", dict(zip(MONTHS, (HERE, HERE, HERE), strict=True)), "<b>Кофе</b>", "vk"),
    Row("tg-a", "audience", dict(zip(MONTHS, (CLOSED, HERE, DOUBTFUL), strict=True)), "ТГ", "telegram"),
    Row("Маяк", "mentions", dict(zip(MONTHS, (HERE, HERE, HERE), strict=True)), "Маяк"),
]
EXPECTED = {
    "ru": (
        "<summary>Какие данные есть: 2 пропуска</summary>",
        '<th scope="row">ВКонтакте, «&lt;b&gt;Кофе&lt;/b&gt;»</th><td data-label="Данные">посты</td>',
        '<td data-label="Данные">обращения, лиды</td>',
        '<td data-label="август 2025">—</td>',
        "посты, сентябрь 2025, октябрь 2025: ответ wall.get (JSON)",
        "Telegram, «ТГ», аудитория, октябрь 2025: число подписчиков резко скачет.",
    ),
    "en": (
        "<summary>Data on hand: 2 gaps</summary>",
        '<td data-label="Data">inquiries, leads</td>',
        "posts, September 2025, October 2025: ",
        "the number of subscribers jumps.",
    ),
}


@pytest.mark.parametrize("language", EXPECTED)
def test_the_matrix_is_folded_and_names_each_export(language: str) -> None:
    made = DepartmentReport("2025-10", [cards.card()], {}, language, "RUB", rows=ROWS)
    section = made.data()
    assert section is not None
    html = str(section.html)
    for text in EXPECTED[language]:
        assert text in html
    assert "<b>Кофе" not in html and "vk-a" not in html
    assert made.view["tables"][0] == {
        "owner": "vk-a",
        "table": "posts",
        "months": {"2025-08": "here", "2025-09": "partial", "2025-10": "missing"},
    }


def test_whole_data_have_no_gaps() -> None:
    made = DepartmentReport("2025-10", [cards.card()], {}, "ru", "RUB", rows=ROWS[1:3]).data()
    assert made is not None
    assert "Какие данные есть: всё на месте" in made.html and "Чего не хватает" not in made.html
