"""Which numbers of an entry go into which statistics, and what stands in the JSON."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from kpi_kit.scorecard.build import score
from tests.agency import Json, build, cover, entry


def rows(
    folder: Path, kpis: list[Json], period: str = "2025-10", as_of: str | None = "2025-11-08", **tables: Any
) -> list[Json]:
    """The lines of Ann's scorecard."""
    data, params = build(folder, kpis, **tables)
    record = score("ann", period, data=data, params=params, as_of=as_of)
    json.dumps(record, allow_nan=False)
    return list(record["kpis"])


def leads(day: dt.date, count: int, qualified: int) -> list[str]:
    """Leads of account a on a day; the first of them are qualified."""
    return [f"{day}-{n},a,{day}T12:00,{'true' if n < qualified else 'false'}" for n in range(count)]


OCTOBER, SEPTEMBER = dt.date(2025, 10, 7), dt.date(2025, 9, 9)


def test_a_share_is_compared_by_newcombe(tmp_path: Path) -> None:
    lines = [*leads(OCTOBER, 70, 56), *leads(SEPTEMBER, 80, 48)]
    (row,) = rows(tmp_path, [entry("qualified_lead_rate")], leads=lines)
    low, high = confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb")
    assert row["change"]["estimate"] == pytest.approx(56 / 70 - 48 / 80)
    assert (row["change"]["low"], row["change"]["high"]) == pytest.approx((low, high))
    assert row["change"]["real"] is True
    assert row["change"]["q"] == row["change"]["p"], "one KPI is a family of one"


def test_counts_are_compared_as_rates_per_day(tmp_path: Path) -> None:
    """31 leads in October and 30 in September are one a day: no change at all."""
    lines = [
        f"{day},a,2025-{day}T12:00"
        for day in [f"10-{n:02}" for n in range(1, 32)] + [f"09-{n:02}" for n in range(1, 31)]
    ]
    (row,) = rows(tmp_path, [entry("leads")], leads=lines)
    assert row["change"]["raw"] == 1
    assert row["change"]["estimate"] == pytest.approx(0, abs=1e-9)
    assert row["change"]["real"] is False


def test_an_unfinished_period_is_not_compared(tmp_path: Path) -> None:
    lines = [*leads(dt.date(2025, 10, 2), 5, 5), *leads(SEPTEMBER, 80, 48)]
    (row,) = rows(tmp_path, [entry("qualified_lead_rate")], as_of="2025-10-15", leads=lines)
    assert row["change"] is None
    assert row["year_ago"] is None


def test_young_posts_without_snapshots_have_no_verdict(tmp_path: Path) -> None:
    """Likes of posts of unequal age: the difference and its interval stand, the verdict does not."""
    old = [f"s{n},a,2025-09-{n:02}T12:00,100,{n},0,0,,2025-10-20T00:00" for n in range(1, 11)]
    young = [f"o{n},a,2025-10-{n:02}T12:00,100,{n},0,0,,2025-10-{n + 1:02}T00:00" for n in range(1, 11)]
    (row,) = rows(tmp_path, [entry("likes")], posts=[*old, *young])
    assert row["change"]["reason"] == "unsettled_posts"
    assert row["change"]["raw"] == 0
    assert (row["change"]["p"], row["change"]["q"], row["change"]["real"]) == (None, None, None)


def test_no_data_has_an_answer_in_words(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, [entry("leads")], leads=[], coverage=cover("leads", since="2025-10-01"))
    assert row["value"] == 0
    assert row["change"] is None, "September is not covered"
    assert row["trend"]["verdict"] is None
    assert row["trend"]["reason"] == "few_points", "October has 3 full weeks"


def test_discoveries_are_controlled_over_the_report(tmp_path: Path) -> None:
    lines = [*leads(OCTOBER, 70, 56), *leads(SEPTEMBER, 80, 48)]
    both = rows(tmp_path, [entry("qualified_lead_rate"), entry("sales")], leads=lines)
    first, second = (row["change"] for row in both)
    assert second["p"] == 1, "no sales in either month"
    assert first["q"] == pytest.approx(2 * first["p"]), "the smaller of two p: Benjamini–Hochberg doubles it"


def test_the_chance_is_for_the_next_period(tmp_path: Path) -> None:
    lines = [
        f"{year}-{month}-{n},a,{year}-{month:02}-15T12:00"
        for year in (2024, 2025)
        for month in range(1, 13)
        for n in range(50 + month % 3)
    ]
    asked = [entry("leads", target={"at_least": 20}), entry("leads", accounts=["a"], target={"at_least": 90})]
    easy, hard = rows(tmp_path, asked, leads=lines)
    assert easy["chance_period"] == "2025-11"
    assert easy["chance"] > 0.9
    assert hard["chance"] < 0.1
    assert easy["chance_band"][0] < 51 < easy["chance_band"][1]


def test_the_same_inputs_give_the_same_verdicts(tmp_path: Path) -> None:
    posts = [
        f"p{n},a,2025-{9 + n % 2:02}-{1 + n // 2:02}T12:00,{100 + n},5,0,0,,2025-11-01T00:00"
        for n in range(40)
    ]
    first = rows(tmp_path / "1", [entry("views")], posts=posts)
    second = rows(tmp_path / "2", [entry("views")], posts=posts)
    assert first == second
    assert first[0]["change"]["method"] == "weekly_t"


def monthly_leads(counts: list[int]) -> list[str]:
    """So many leads in each month up to October 2025."""
    months = [
        dt.date(2025 - (12 - 10 + back) // 12, (10 - back - 1) % 12 + 1, 15) for back in range(len(counts))
    ]
    pairs = zip(months, reversed(counts), strict=True)
    return [f"{day}-{n},a,{day}T12:00" for day, count in pairs for n in range(count)]


HOUSE = {"history": {"periods": 7, "weeks": 0}}


def test_facts_outside_the_control_limits_are_marked(tmp_path: Path) -> None:
    counts = [20, 21, 20, 21, 20, 21, 90]
    (row,) = rows(tmp_path, [entry("leads")], leads=monthly_leads(counts), department=HOUSE)
    # mean 213/7, moving ranges 1 1 1 1 1 69
    reach = 2.66 * 74 / 6
    assert row["control"] == {
        "n": 7,
        "centre": pytest.approx(213 / 7),
        "low": pytest.approx(max(0.0, 213 / 7 - reach)),
        "high": pytest.approx(213 / 7 + reach),
        "reason": None,
    }
    assert [past["outside"] for past in row["history"]] == [False] * 6 + [213 / 7 + reach < 90]


def test_a_period_that_is_not_over_is_in_no_limits(tmp_path: Path) -> None:
    lines = monthly_leads([20, 21, 20, 21, 20, 21, 0])
    (row,) = rows(tmp_path, [entry("leads")], as_of="2025-10-15", leads=lines, department=HOUSE)
    assert (row["control"]["n"], row["control"]["centre"]) == (6, 20.5)
    assert row["history"][-1]["outside"] is None
    assert row["history"][-1]["value"] == 0


def test_few_facts_have_no_limits(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, [entry("leads")], leads=monthly_leads([20, 21]))
    assert row["control"] == {"n": 2, "centre": None, "low": None, "high": None, "reason": "few_points"}
    assert {past["outside"] for past in row["history"]} == {None}


def test_a_level_has_no_limits_and_its_change_has(tmp_path: Path) -> None:
    """Growing by 10 a month, all but the middle would lie outside of limits around the mean."""
    lines = [f"{dt.date(2025, 10, 31) - dt.timedelta(days=day)},a,{5000 - day},0,0" for day in range(250)]
    kpis = [entry("subscribers"), entry("subscribers", **{"as": "change"})]
    level, change = rows(tmp_path, kpis, audience=lines, department=HOUSE)
    assert level["control"] == {"n": 7, "centre": None, "low": None, "high": None, "reason": "accumulates"}
    assert {past["outside"] for past in level["history"]} == {None}
    # months of 30, 31, 30, 31, 31, 30 and 31 days
    assert change["control"]["centre"] == pytest.approx(214 / 7)
    assert change["control"]["high"] == pytest.approx(214 / 7 + 2.66 * 5 / 6)


def test_growth_has_no_limit_that_cannot_be(tmp_path: Path) -> None:
    """Counts that halve and double: the mean growth less 2.66 moving ranges is far below −100 %."""
    lines = monthly_leads([20, 40, 20, 40, 20, 40, 20])
    house = {"history": {"periods": 6, "weeks": 0}}
    (row,) = rows(tmp_path, [entry("leads", **{"as": "growth"})], leads=lines, department=house)
    assert [past["value"] for past in row["history"]] == [1, -0.5, 1, -0.5, 1, -0.5]
    assert row["control"]["low"] == -1
    assert row["control"]["high"] == pytest.approx(0.25 + 2.66 * 1.5)


def test_only_weeks_that_are_shown_have_a_line(tmp_path: Path) -> None:
    house = {"history": {"periods": 2, "weeks": 12}}
    lines = [
        f"{week}-{n},a,{dt.date(2025, 8, 5) + dt.timedelta(weeks=week)}T12:00"
        for week in range(12)
        for n in range(week + week % 2)
    ]
    kpis = [entry("leads"), entry("leads", **{"as": "growth"})]
    value, growth = rows(tmp_path, kpis, leads=lines, department=house)
    # 0 2 2 4 4 … 10 12: up by one a week, and by a little more where the ends weigh most
    slope = value["trend"]["slope"]
    assert slope == pytest.approx(1.0, abs=0.05)
    assert value["trend"]["line"]["start"][1] == pytest.approx(value["trend"]["line"]["middle"] - 5.5 * slope)
    assert (value["trend"]["line"]["first"], value["trend"]["line"]["last"]) == (0, 11)
    assert (growth["trend"]["grain"], growth["trend"]["line"], growth["weeks"]) == ("week", None, [])


def test_months_of_unequal_length_are_compared_as_equal_ones(tmp_path: Path) -> None:
    """One lead a day more with every month: 31, 60, 93, … leads, some 30 a month more."""
    days = [31, 30, 31, 31, 30, 31]  # from May
    house = {"history": {"periods": 6, "weeks": 0}}
    told = cover("leads", since="2025-05-01")
    for name, counts, slope in (
        ("flat", days, 0.0),
        ("rising", [length * (month + 1) for month, length in enumerate(days)], 184 / 6),
    ):
        # 18 buckets with the year before; those without coverage are unknown
        (row,) = rows(
            tmp_path / name, [entry("leads")], leads=monthly_leads(counts), coverage=told, department=house
        )
        assert (row["trend"]["grain"], row["trend"]["n"]) == ("month", 6)
        assert row["trend"]["slope"] == pytest.approx(slope, rel=0.02, abs=1e-9)


@pytest.mark.parametrize(
    ("absences", "plan", "so_far"),
    [
        ([], 31, 15),
        ([{"since": "2025-10-01", "until": "2025-10-09"}], 23, 7),  # away before
        ([{"since": "2025-10-16", "until": "2025-11-01"}], 15, 15),  # away from now on
        ([{"since": "2025-10-12", "until": "2025-10-20"}], 23, 11),
    ],
)
def test_the_chance_of_a_running_month_is_that_of_the_own_days(
    tmp_path: Path, absences: list[Json], plan: int, so_far: int
) -> None:
    """One or two leads a day, and a plan of one: whoever is away has the chance of who is there."""
    first = dt.date(2024, 10, 1)
    days = [first + dt.timedelta(days=n) for n in range(380)]
    lines = [
        f"{day}-{n},a,{day}T12:00"
        for day in days
        for n in range(1 + (day.toordinal() % 7 == 0))
        if day.day < 31
    ]
    data, params = build(
        tmp_path, [entry("leads", target={"at_least": 31})], leads=lines, person={"absences": absences}
    )
    record = score("ann", "2025-10", data=data, params=params, as_of="2025-10-16")
    (row,) = record["kpis"]
    assert row["value"] >= so_far
    low, high = row["chance_band"]
    assert row["value"] <= low <= high
    assert (high == so_far + 2) is (plan == 15), "nobody who is away from now on adds anything"
    assert row["chance"] > 0.9
