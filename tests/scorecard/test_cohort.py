"""Pooled back-test and platform shocks, and how reports get them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard import cohort
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.statistics import Forecast
from tests.agency import build, entry

OCTOBER = Period.parse("2025-10")
WEEK = {"median": -0.3, "accounts": 5, "same_way": 1.0}
FELL = {"low": -0.1, "high": 0.1, "weeks": [
    {"week": "2025-W38", "common": "fell", **WEEK},
    {"week": "2025-W40", "common": "fell", **WEEK},
    {"week": "2025-W41", "common": "quiet", **WEEK},
    {"week": "2025-W44", "common": "rose", **WEEK},
    {"week": "2025-W45", "common": "fell", **WEEK},
]}  # fmt: skip


def test_forecasts_of_all_are_pooled_by_kpi() -> None:
    sure, wrong = Forecast(0.9, True, True), Forecast(0.9, False, False)
    found = cohort.pooled([{"leads": [sure] * 15, "sales": []}, {"leads": [wrong] * 15}, {}])
    assert found["leads"]["n"] == 30
    assert found["leads"]["brier"] == pytest.approx((0.01 + 0.81) / 2)
    assert found["leads"]["base_brier"] == pytest.approx(0.25), "half of them came true"
    assert found["leads"]["coverage80"] == 0.5
    assert found["leads"]["verdict"] == "not_reliable"
    assert found["sales"] == {
        "n": 0, "brier": None, "base_brier": None, "coverage80": None, "verdict": "not_checked", "why": None
    }  # fmt: skip


def test_shocks_are_those_of_the_measure_in_the_weeks_of_the_period() -> None:
    held = Cohort(shocks={"vk": {"views": FELL}, "telegram": {"likes": FELL}})
    found = held.shocks_of(CATALOGUE["view_rate"], ["vk", "vk", "telegram"], OCTOBER)
    assert [(week["week"], week["direction"]) for week in found] == [
        ("2025-W40", "fell"),
        ("2025-W44", "rose"),
    ]
    assert found[0] == {
        "platform": "vk", "week": "2025-W40", "direction": "fell", "median": -0.3, "accounts": 5
    }  # fmt: skip
    assert held.shocks_of(CATALOGUE["sales"], ["vk"], OCTOBER) == [], "sales move with no measure"


def leads(*months: int) -> list[str]:
    return [
        f"{year}-{month}-{n},a,{year}-{month:02}-15T12:00"
        for year in (2024, 2025)
        for month in months
        for n in range(50 + month % 3)
    ]


def test_everyone_is_asked_and_a_person_who_fails_is_left_out(tmp_path: Path) -> None:
    kpis = [entry("leads", target={"at_least": 51})]
    stranger = {"accounts": ["nobody"], "kpis": kpis}
    data, params = build(
        tmp_path,
        kpis,
        department={"history": {"periods": 13, "weeks": 0}},
        colleagues={"ben": {"accounts": ["a"], "kpis": kpis}, "eve": stranger},
        leads=leads(*range(1, 13)),
    )
    with ThreadPoolExecutor(1) as pool:
        found, made = cohort.compute(
            ["ann", "ben", "eve"], OCTOBER, data=data, params=params, submit=pool.submit
        )
        again, same = cohort.compute(
            ["ann", "ben", "eve"], OCTOBER, data=data, params=params, submit=pool.submit, jobs=2,
            made={"ben": made["ben"], "gone": made["ben"]},
        )  # fmt: skip
        fewer, _ = cohort.compute(
            ["ann", "ben"], OCTOBER, data=data, params=params, submit=pool.submit, made={"ben": {}}
        )
    assert (again, same) == (found, made)
    assert [*made] == ["ann", "ben"], "of eve, who has no such account, there is nothing"
    assert fewer.backtest["leads"]["n"] == 25 - 6, "what is known already is not made again"
    # 25 buckets from October 2023, of which the first 3 are before the data and count as 0
    assert found.backtest["leads"]["n"] == 2 * (25 - 6)
    assert set(found.backtest) == {"leads"}
    assert found.shocks == {}


def test_reports_read_what_a_batch_left(tmp_path: Path) -> None:
    data, params = build(tmp_path, [entry("leads"), entry("sales")], leads=leads(9, 10))
    beside = tmp_path / "beside"
    (beside / "department").mkdir(parents=True)
    checked = {"leads": {"n": 40, "brier": 0.1, "base_brier": 0.2, "coverage80": 0.8, "verdict": "reliable"}}
    made = Cohort(checked, {"vk": {"leads": FELL}})
    for part, place in cohort.FILES.items():
        (beside / place).write_text(made.text(part), encoding="utf-8")
    assert cohort.read(beside) == made
    assert json.loads((beside / "backtest.json").read_text(encoding="utf-8")) == {"schema": 1, **checked}

    card = score("ann", "2025-10", data=data, params=params, beside=beside)
    with_it, without = card["kpis"]
    assert with_it["chance_check"] == checked["leads"]
    assert [week["week"] for week in with_it["shocks"]] == ["2025-W40", "2025-W44"]
    assert (without["chance_check"], without["shocks"]) == (None, [])
    assert card["provenance"]["across"] == made.digest

    alone = score("ann", "2025-10", data=data, params=params)
    assert (alone["kpis"][0]["chance_check"], alone["provenance"]["across"]) == (None, None)


def test_forecasts_are_remembered_for_the_same_inputs_alone(tmp_path: Path) -> None:
    made: dict[str, cohort.ForecastRows] = {"ann": {"leads": [(0.1 + 0.2, True, False, 0.25)]}, "ben": {}}
    assert cohort.read_forecasts(tmp_path, {"ann": "1"}) == {}
    file = tmp_path / cohort.FORECASTS
    file.parent.mkdir()
    file.write_text(cohort.forecasts_text(made, {"ann": "1", "ben": "2", "eve": "3"}), encoding="utf-8")
    assert cohort.read_forecasts(tmp_path, {"ann": "1", "ben": "2"}) == made
    assert cohort.read_forecasts(tmp_path, {"ann": "2", "eve": "3"}) == {}
    entries = ('"leads": [[0.5, 1]]', '"leads": [[0.5, 1, 1, 2]]', '"leads": [["nan", true, true]]',
               '"leads": [[1e200, true, true]]',
               '"leads": [[NaN, true, true]]', '"leads": [[0.5, "no", true]]', '"leads": "123"',
               '"\\ud800": []')  # fmt: skip
    hostile = [f'{{"ann": {{"inputs": "1", "forecasts": {{{entry}}}}}}}' for entry in entries]
    for text in ("[]", '{"ann": 1}', "{", *hostile):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"forecasts\.json: what a run of the kit wrote is expected"):
            cohort.read_forecasts(tmp_path, {"ann": "1"})


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    assert cohort.read(tmp_path) == Cohort()
    (tmp_path / "backtest.json").write_text("[1", encoding="utf-8")
    with pytest.raises(InputError, match=r"backtest\.json: what a run of the kit wrote is expected"):
        cohort.read(tmp_path)


def test_files_of_another_schema_are_refused_and_those_without_one_are_read(tmp_path: Path) -> None:
    (tmp_path / "department").mkdir()
    for place in (*cohort.FILES.values(), cohort.FORECASTS):
        (tmp_path / place).write_text('{"schema": 2}', encoding="utf-8")
        with pytest.raises(
            InputError, match=rf"{place.name}: .*schema 1 is expected, found 2; .* run again$"
        ):
            cohort.read_forecasts(tmp_path, {}) if place == cohort.FORECASTS else cohort.read(tmp_path)
        (tmp_path / place).write_text("{}", encoding="utf-8")
    assert cohort.read(tmp_path) == Cohort()
    assert cohort.read_forecasts(tmp_path, {}) == {}
