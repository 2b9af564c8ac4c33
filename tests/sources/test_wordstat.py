"""Wordstat: whole periods within the title's days, and of a list the phrase that it is about."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from twins import WORDSTAT_DAYS, WORDSTAT_MONTHS, WORDSTAT_WEEKS

from kpi_kit.core.errors import InputError
from kpi_kit.sources import Imported, ImportOptions, wordstat
from kpi_kit.sources.attribution import Attribution, read_attribution

TOP = (
    "\ufeffФормулировка;Число запросов;Топ запросов с «кофе в зёрнах», 01.09.2025 — 30.09.2025, Россия\r"
    "кофе в зернах;900;\rкофе в зёрнах купить;300;\rкупить кофе;80;\r"
)


def days(*spans: tuple[str, str]) -> tuple[tuple[dt.date, dt.date], ...]:
    return tuple((dt.date.fromisoformat(since), dt.date.fromisoformat(until)) for since, until in spans)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def run(text: str, **options: Any) -> Imported:
        path = tmp_path / "words.csv"
        path.write_bytes(text.encode())
        return wordstat.IMPORTER.read([path], ImportOptions(**{"brand": "b", **options}))

    return run


class TestRange:
    @pytest.mark.parametrize("text", [WORDSTAT_MONTHS, WORDSTAT_WEEKS, WORDSTAT_DAYS])
    def test_a_whole_file_is_covered_as_its_title_says(self, read: Any, text: str) -> None:
        found = read(text)
        assert not any("have no rows" in each or "left out" in each for each in found.remarks)
        assert not any("not read" in each for each in found.remarks), "the title is read as what it is"
        rows = found.tables["brand_queries"]
        whole = (rows["since"].min().date(), rows["until"].max().date())
        assert found.coverage["brand_queries"] == (whole,)

    def test_a_cut_file_is_told_and_covers_its_rows(self, read: Any) -> None:
        """The title says August to September, and September was cut off."""
        found = read(WORDSTAT_MONTHS.partition("сентябрь")[0])
        assert found.coverage["brand_queries"] == days(("2025-08-01", "2025-09-01"))
        assert any(
            "the title says 2025-08-01 to 2025-09-30, but 2025-09-01 to 2025-09-30 have no rows" in each
            for each in found.remarks
        )

    def test_a_gap_is_not_covered(self, read: Any) -> None:
        text = WORDSTAT_DAYS.replace("29.06.2025 —", "28.06.2025 —").replace("\r29.06", "\r28.06")
        found = read(text)
        assert found.coverage["brand_queries"] == days(
            ("2025-06-28", "2025-06-29"), ("2025-06-30", "2025-07-01")
        )
        assert any("but 2025-06-29 to 2025-06-29 have no rows" in each for each in found.remarks)

    @pytest.mark.parametrize(
        ("text", "old", "new", "kept"),
        [
            (WORDSTAT_MONTHS, "01.08.2025 —", "15.08.2025 —", 968),  # half of August
            (WORDSTAT_WEEKS, "— 19.10.2025", "— 15.10.2025", 2895024),  # three days of the second week
        ],
    )
    def test_a_period_that_is_not_whole_is_left_out(
        self, read: Any, text: str, old: str, new: str, kept: int
    ) -> None:
        found = read(text.replace(old, new))
        assert found.tables["brand_queries"]["queries"].tolist() == [kept]
        assert any("is not whole within the days of the title" in each for each in found.remarks)

    def test_a_title_without_days_says_nothing(self, read: Any) -> None:
        found = read(WORDSTAT_MONTHS.replace("01.08.2025 — 30.09.2025, ", ""))
        assert found.coverage["brand_queries"] == days(("2025-08-01", "2025-10-01"))


class TestList:
    def taken(self, found: Imported) -> list[list[Any]]:
        return found.tables["brand_queries"][["brand", "phrase", "queries"]].to_numpy().tolist()

    def test_the_phrase_of_the_title_alone(self, read: Any) -> None:
        found = read(TOP)
        assert self.taken(found) == [["b", "кофе в зернах", 900]]
        assert any(
            "2 other phrases left out, as a wide phrase counts the queries of narrow ones, too" in each
            and "'кофе в зёрнах купить', 'купить кофе'" in each
            for each in found.remarks
        )

    def test_rules_choose_phrases_and_their_brands(self, read: Any) -> None:
        rules = Attribution(phrases={"кофе в зернах купить": "shop", "купить кофе": "other"})
        assert self.taken(read(TOP, attribution=rules)) == [
            ["shop", "кофе в зёрнах купить", 300],
            ["other", "купить кофе", 80],
        ]

    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [("«кофе в зёрнах»", "«чай»", "'чай', is not in it"), ("«кофе в зёрнах»", "кофе", "names no phrase")],
    )
    def test_where_it_is_not_known_which(self, read: Any, old: str, new: str, words: str) -> None:
        with pytest.raises(InputError, match=words):
            read(TOP.replace(old, new))

    def test_rules_that_count_twice_are_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "attribution.yml"
        file.write_text("phrases: {кофе: b, 'кофе купить': b, 'купить чай': b}\n", encoding="utf-8")
        with pytest.raises(InputError, match="the queries of 'кофе купить' are counted in those of 'кофе'"):
            read_attribution(file)
        file.write_text("phrases: {кофе: b, 'кофе купить': shop}\n", encoding="utf-8")
        assert read_attribution(file).phrases == {"кофе": "b", "кофе купить": "shop"}
