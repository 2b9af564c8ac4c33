"""Sheets with months across and accounts or figures down, as agencies keep them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import xlsx

from kpi_kit.core.errors import InputError
from kpi_kit.sources import SOURCES, Imported, ImportOptions
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.coverage import covered_days
from kpi_kit.sources.recognise import recognise

KNOWN = {name: source for name, source in SOURCES.items() if name != "csv"}
NAMES = ["Янв", "Февраль", "марта", "апр.", "Май", "июнь"]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    (tmp_path / "attribution.yml").write_text(
        "titles:\n  Лавка ВК: vk-l\n  лавка TG: tg-l\n", encoding="utf-8"
    )
    titles = read_attribution(tmp_path / "attribution.yml")

    def run(content: str | bytes, name: str = "sheet.csv", **options: Any) -> Imported:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        assert recognise(path, KNOWN).source == "wide-sheet"
        return SOURCES["wide-sheet"].read([path], ImportOptions(**{"attribution": titles, **options}))

    return run


def rows(found: Imported, table: str) -> list[list[Any]]:
    return found.tables[table].astype(str).sort_values(list(found.tables[table].columns)).to_numpy().tolist()


ACROSS = "Подписчики;Янв 2026;Фев 2026\nЛавка ВК;1 200;1 250\nЛавка TG;300;\nИтого;1 500;1 250\n"


def test_stocks_stand_on_the_last_day_of_each_month(read: Any) -> None:
    found = read(ACROSS)
    assert rows(found, "audience") == [
        ["2026-01-31", "tg-l", "300"],
        ["2026-01-31", "vk-l", "1200"],
        ["2026-02-28", "vk-l", "1250"],
    ]
    assert found.coverage["audience"] == ((dt.date(2026, 1, 1), dt.date(2026, 3, 1)),)


def test_a_sheet_covers_counts_but_not_who_left(read: Any) -> None:
    """Beside a daily export of some days the others are not days on which nobody left."""
    covered, said = covered_days(read(ACROSS), ImportOptions())
    ends = [(dt.date(2026, 1, 31), dt.date(2026, 2, 1)), (dt.date(2026, 2, 28), dt.date(2026, 3, 1))]
    assert covered["audience", "vk-l"] == ends
    assert covered["subscribers", "vk-l"] == ((dt.date(2026, 1, 1), dt.date(2026, 3, 1)),)
    assert any(text.startswith("coverage of subscribers for vk-l: 2026-01-01 to 2026-02-28") for text in said)


def test_daily_rows_cover_their_days(read: Any) -> None:
    days = pd.DataFrame({"date": pd.date_range("2026-01-01", "2026-01-31").date, "account_id": "vk-l"})
    for columns in ({"subscribers": 5}, {"subscribers": 5, "joined": 1, "left": 0}):
        covered, _ = covered_days(Imported({"audience": days.assign(**columns)}), ImportOptions())
        assert covered == {("audience", "vk-l"): [(dt.date(2026, 1, 1), dt.date(2026, 2, 1))]}


def test_sums_are_totals_of_each_month(read: Any) -> None:
    found = read(ACROSS.replace("Подписчики", "Визиты на сайт"))
    assert ["vk-l", "visits", "2026-02-01", "2026-03-01", "1250.0"] in rows(found, "totals")
    assert len(found.tables["totals"]) == 3


def test_the_other_way_round_is_the_same(read: Any) -> None:
    turned = "Подписчики;Лавка ВК;Лавка TG\nЯнв 2026;1 200;300\nФев 2026;1 250;\n"
    assert rows(read(turned), "audience") == rows(read(ACROSS), "audience")


def test_years_in_merged_cells_above_and_figures_down(read: Any) -> None:
    table: list[list[str | float]] = [
        ["Лавка", "", "2025", "", "2026", ""],
        ["Показатель", "Ед.", "Ноя", "Дек", "Янв", "Фев"],
        ["Подписчики", "чел.", 10.0, 20.0, 30.0, 40.0],
        ["Лиды", "шт.", 1.0, 2.0, "-", 4.0],
    ]
    found = read(xlsx(Отчёт=table), "k.xlsx", account="vk-l")
    assert [row[0] for row in rows(found, "audience")] == [
        "2025-11-30",
        "2025-12-31",
        "2026-01-31",
        "2026-02-28",
    ]
    assert [row[4] for row in rows(found, "totals")] == ["1.0", "2.0", "4.0"]


def test_figures_under_each_month(read: Any) -> None:
    text = ";Янв 2026;;Фев 2026;\n;Подписчики;Визиты;Подписчики;Визиты\nЛавка ВК;5;6;7;8\n"
    found = read(text)
    assert [row[2] for row in rows(found, "audience")] == ["5", "7"]
    assert [row[4] for row in rows(found, "totals")] == ["6.0", "8.0"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Лавка ВК", "Киоск", "unclear whose figures 'Киоск' are: add them to titles:"),
        ("1 250", "много", "expected a number"),
        ("Лавка TG;300;", "Лавка ВК;300;", "states another figure than"),
    ],
)
def test_what_is_not_clear_is_refused(read: Any, old: str, new: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(ACROSS.replace(old, new))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2020, 2030),
    st.lists(st.one_of(st.none(), st.integers(0, 99_999)), min_size=2, max_size=6).filter(any),
)
def test_every_number_stands_at_the_end_of_its_month(
    tmp_path_factory: pytest.TempPathFactory, year: int, counts: list[int | None]
) -> None:
    path = tmp_path_factory.mktemp("w") / "Подписчики.csv"
    header = ";".join(f"{NAMES[month]} {year}" for month in range(len(counts)))
    path.write_text(
        f"Аккаунт;{header}\nX;{';'.join('' if c is None else str(c) for c in counts)}\n", encoding="utf-8"
    )
    found = SOURCES["wide-sheet"].read([path], ImportOptions(account="vk-x")).tables["audience"]
    expected = {month: count for month, count in enumerate(counts, start=1) if count is not None}
    assert dict(zip(found["date"].dt.month, found["subscribers"], strict=True)) == expected
    assert ((found["date"] + dt.timedelta(days=1)).dt.day == 1).all()
