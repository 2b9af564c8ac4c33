"""The calendar of the content plan: its days, its marks, and what it says without them."""

from __future__ import annotations

import re

import pytest

from kpi_kit.report import parts
from kpi_kit.report.wording import Words, words


@pytest.fixture
def say() -> Words:
    return words("ru", "RUB")


def item(day: str, status: str = "fulfilled") -> dict[str, str]:
    return {"due_at": f"{day}T12:00+03:00", "status": status, "account_id": "vk"}


def days(html: str) -> list[str]:
    """The day of every cell, empty outside the period."""
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    return [found[1] if (found := re.search(r"<b>(\d+)</b>", cell)) else "" for cell in cells]


def test_a_month_begins_on_its_weekday(say: Words) -> None:
    """October 2025 begins on a Wednesday and ends on a Friday."""
    html = str(parts.calendar([], "2025-10", say))
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == "Пн Вт Ср Чт Пт Сб Вс".split()
    assert days(html) == ["", "", *map(str, range(1, 32)), "", ""]


def test_a_february_of_four_weeks_has_no_empty_cells(say: Words) -> None:
    """February 2021 begins on a Monday."""
    assert days(str(parts.calendar([], "2021-02", say))) == [*map(str, range(1, 29))]


def test_a_week_is_one_row_over_the_end_of_a_month(say: Words) -> None:
    html = str(parts.calendar([item("2025-10-01")], "2025-W40", say))
    assert days(html) == ["29", "30", "1", "2", "3", "4", "5"]
    assert html.count("<svg") == 1


@pytest.mark.parametrize(("period", "months"), [("2025-10", 1), ("2025-Q4", 3), ("2024", 12)])
def test_longer_periods_have_a_grid_a_month(say: Words, period: str, months: int) -> None:
    html = str(parts.calendar([], period, say))
    assert html.count("<table>") == months
    total = {"2025-10": 31, "2025-Q4": 92, "2024": 366}[period]
    assert len([day for day in days(html) if day]) == total


def test_every_item_is_a_mark_that_says_what_it_is(say: Words) -> None:
    plan = [item("2025-10-02"), item("2025-10-02"), item("2025-10-02", "deleted"), item("2025-10-31", "late")]
    html = str(parts.calendar(plan, "2025-10", say))
    assert html.count("<svg") == 4
    assert 'aria-label="выполнен: 2, удалён: 1"' in html
    assert 'aria-label="вышел с опозданием: 1"' in html


def test_states_differ_in_shape(say: Words) -> None:
    statuses = list(say.lookup("plan_status"))
    shapes = {status: re.sub(r'class="k-icon[^"]*"', "", str(parts.plan_mark(status))) for status in statuses}
    assert shapes["missing"] == shapes["deleted"]
    apart = {shapes[status] for status in ("fulfilled", "late", "missing", "off_brand", "cancelled")}
    assert len(apart) == 5
    assert set(shapes.values()) == apart


def test_the_days_are_in_the_language_of_the_report() -> None:
    html = str(parts.calendar([], "2025-10", words("en", "RUB")))
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == "Mo Tu We Th Fr Sa Su".split()
    assert "<caption>October 2025</caption>" in html
