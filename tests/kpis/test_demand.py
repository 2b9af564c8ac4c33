"""Groups 7, 8 and 9: visits, branded search and mentions to values worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kpi_kit.kpis.engine.tiling import tile
from tests.agency import codes, days, detail, measure

EMPTY: list[str] = []
VISITS = ["2025-09-30,a,5", "2025-10-01,a,7", "2025-10-31,a,1", "2025-11-01,a,9", "2025-10-10,b,50"]


@pytest.mark.parametrize(
    ("rows", "value"),
    [(EMPTY, 0), (["2025-10-01,a,7"], 7), ([f"{day},a,2" for day in days(1, 31)], 62), (VISITS, 8)],
)
def test_social_visits(rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, "social_visits", traffic=rows).value == value


# since, until, brand, phrase, queries
MONTH = "2025-10-01,2025-11-01,X,кофе,100"
HALVES = ["2025-10-01,2025-10-16,X,кофе,40", "2025-10-16,2025-11-01,X,кофе,70"]
OTHER = "2025-10-01,2025-11-01,X,кофе тверь,10"
OTHER_BRAND = "2025-10-01,2025-11-01,Y,чай,1000"
SEPTEMBER = "2025-09-01,2025-10-01,X,кофе,90"
QUARTER = "2025-10-01,2026-01-01,X,кофе,300"
WEEKS = [f"2025-{since},2025-{until},X,кофе,25" for since, until in (("10-06", "10-13"), ("10-13", "10-20"))]


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([MONTH], 100),
        ([MONTH, SEPTEMBER, OTHER_BRAND], 100),
        (HALVES, 110),
        ([MONTH, *HALVES, *WEEKS], 100),  # the coarsest rows win, and each day counts once
        ([MONTH, OTHER], 110),
        ([*HALVES, OTHER], 120),
        ([MONTH, QUARTER], 100),  # what is longer than P tiles nothing, and spoils nothing
    ],
)
def test_brand_queries(rows: list[str], value: float, tmp_path: Path) -> None:
    assert measure(tmp_path, "brand_queries", brand_queries=rows).value == value


@pytest.mark.parametrize(
    ("rows", "phrase"),
    [
        (EMPTY, None),
        ([SEPTEMBER], None),
        (HALVES[:1], "кофе"),  # a gap at the end
        (HALVES[1:], "кофе"),  # a gap at the start
        (WEEKS, "кофе"),
        ([OTHER, *WEEKS], "кофе"),  # one phrase is tiled, the other is not
    ],
)
def test_what_does_not_tile_is_not_assessable(rows: list[str], phrase: str | None, tmp_path: Path) -> None:
    measured = measure(tmp_path, "brand_queries", brand_queries=rows)
    assert measured.value is None
    assert detail(measured.notes, "not_tiled") == {"brand": "X", "phrase": phrase}


def test_a_row_that_begins_before_the_period_does_not_tile_it(tmp_path: Path) -> None:
    week, month = "2025-10-06,2025-10-13,X,кофе,25", "2025-10-01,2025-11-01,X,кофе тверь,99"
    measured = measure(tmp_path, "brand_queries", period="2025-W41", brand_queries=[week, month])
    assert detail(measured.notes, "not_tiled") == {"brand": "X", "phrase": "кофе тверь"}


def test_a_row_that_ends_after_the_cut_off_is_not_known(tmp_path: Path) -> None:
    week, month = "2025-10-06,2025-10-13,X,кофе,25", "2025-10-01,2025-11-01,X,кофе тверь,99"
    agency: dict[str, Any] = {"period": "2025-W41", "as_of": "2025-10-20", "brand_queries": [week, month]}
    assert measure(tmp_path, "brand_queries", **agency).value == 25


def test_a_change_uses_the_phrases_known_in_both_periods(tmp_path: Path) -> None:
    rows = [MONTH, OTHER, SEPTEMBER]  # "кофе тверь" has no September
    assert measure(tmp_path, "brand_queries", brand_queries=rows, more={"as": "change"}).value == 100 - 90


def test_tile_takes_the_fewest_rows() -> None:
    weeks = [(day, day + 7, 1.0) for day in (0, 7, 14, 21)]
    assert tile(sorted([*weeks, (0, 14, 10.0), (14, 28, 20.0)]), 0, 28) == (30.0, 2)
    assert tile(sorted([*weeks, (0, 14, 10.0)]), 0, 28) == (12.0, 3)


# mention_id, brand, mentioned_at, platform, sentiment, by_brand
GLAD = "m1,X,2025-10-01T00:00,vk,positive,false"
CALM = "m2,X,2025-10-31T23:59,other,neutral"  # by_brand unknown is not by the brand
ANGRY = "m3,X,2025-10-10T12:00,vk,negative,false"
OWN = "m4,X,2025-10-10T12:00,vk,positive,true"
OUTSIDE = ["m5,X,2025-09-30T23:59,vk,positive,false", "m6,X,2025-11-01T00:00,vk,positive,false"]
MUTE = "m7,X,2025-10-10T12:00,,,false"
ALL = [GLAD, CALM, ANGRY, OWN, *OUTSIDE]
NINE_GLAD = [f"g{n},X,2025-10-10T12:00,vk,positive,false" for n in range(9)]


@pytest.mark.parametrize(
    ("rows", "more", "value"),
    [
        (EMPTY, {}, 0),
        ([GLAD], {}, 1),
        (ALL, {}, 3),
        ([*ALL, MUTE], {}, 4),  # an unknown sentiment matters only to a filter
        (ALL, {"sentiment": ["positive", "neutral"]}, 2),
        (ALL, {"sentiment": ["negative"]}, 1),
        (ALL, {"platforms": ["vk"]}, 2),
        ([*NINE_GLAD, MUTE], {"sentiment": ["positive"]}, 9),  # exactly 10 % unknown
        ([*NINE_GLAD[1:], MUTE], {"sentiment": ["positive"]}, None),
        ([*NINE_GLAD[1:], MUTE], {"platforms": ["vk"]}, None),
    ],
)
def test_brand_mentions(rows: list[str], more: dict[str, Any], value: float | None, tmp_path: Path) -> None:
    person = {"accounts": ["a"]}
    assert measure(tmp_path, "brand_mentions", mentions=rows, more=more, person=person).value == value


def test_the_negative_share_is_always_printed(tmp_path: Path) -> None:
    measured = measure(tmp_path / "some", "brand_mentions", mentions=ALL, more={"sentiment": ["positive"]})
    assert detail(measured.notes, "mentions_negative") == {"count": 1, "share": pytest.approx(1 / 3)}
    measured = measure(tmp_path / "none", "brand_mentions", mentions=[GLAD])
    assert detail(measured.notes, "mentions_negative") == {"count": 0, "share": 0}
    assert "sentiment_unknown" not in codes(measured.notes)


def test_a_mention_of_unknown_sentiment_is_not_a_negative_one(tmp_path: Path) -> None:
    measured = measure(tmp_path, "brand_mentions", mentions=[GLAD, ANGRY, MUTE])
    assert detail(measured.notes, "mentions_negative") == {"count": 1, "share": pytest.approx(1 / 3)}
    assert detail(measured.notes, "sentiment_unknown") == {"count": 1}
