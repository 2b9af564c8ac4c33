"""A KPI by formula has what every KPI has: history, interval, trend, chance, audit, page, payout."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_kit.core.model import Better, Unit
from kpi_kit.kpis import by_formula
from kpi_kit.report import parts
from kpi_kit.report.wording import words
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.record import Scorecard
from tests.agency import COST_PER_LEAD, LEADS_PER_VIEWS, build, case_of, entry, scored
from tests.test_catalogue import FORMULAS

FIRST, LAST = dt.date(2024, 9, 1), dt.date(2025, 10, 31)


def every_day(seed: int = 1, *, costs_rise: float = 1.0) -> dict[str, list[str]]:
    """Fourteen months of two accounts: costs, leads and posts of every day; October may cost more."""
    random = np.random.default_rng(seed)
    tables: dict[str, list[str]] = {"spend": [], "leads": [], "posts": []}
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=number)
        for account in "ab":
            rise = costs_rise if day >= dt.date(2025, 10, 1) else 1.0
            tables["spend"].append(f"{day},{account},{round(1000 * rise * random.uniform(0.8, 1.2), 2)},RUB")
            tables["posts"].append(
                f"{account}{number},{account},{day}T12:00,{random.integers(400, 600)},1,1,1,true,"
                f"{day + dt.timedelta(days=8)}T12:00"
            )
            for lead in range(random.poisson(2)):
                tables["leads"].append(f"{account}{number}-{lead},{account},{day}T12:00")
    return tables


PERSON = {"person": {"accounts": ["a", "b"]}, "department": {"history": {"periods": 13, "weeks": 60}}}
KPIS = [entry("cost_per_lead", target={"at_most": 600}, weight=3), entry("leads_per_views", weight=1)]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Scorecard:
    folder = tmp_path_factory.mktemp("formulas")
    return scored(folder, *KPIS, formulas=FORMULAS, **PERSON, **every_day())


@cache
def sums(month: str) -> tuple[float, float, float]:
    """Costs, leads and views of a month, counted from the lines."""
    tables = every_day()
    costs = sum(float(line.split(",")[2]) for line in tables["spend"] if line.startswith(month))
    leads = sum(line.split(",")[2].startswith(month) for line in tables["leads"])
    views = sum(float(line.split(",")[3]) for line in tables["posts"] if line.split(",")[2].startswith(month))
    return costs, leads, views


def test_the_history_is_what_a_hand_counts(card: Scorecard) -> None:
    cost, per_views = card["kpis"]
    assert len(cost["history"]) == 13
    for past in cost["history"]:
        costs, leads, views = sums(past["period"])
        assert past["value"] == pytest.approx(costs / leads)
    for past in per_views["history"]:
        costs, leads, views = sums(past["period"])
        assert past["value"] == pytest.approx(1000 * leads / views)
    costs, leads, _ = sums("2025-10")
    assert (cost["numerator"], cost["denominator"]) == (pytest.approx(costs), leads)


def test_it_has_all_that_a_kpi_has(card: Scorecard) -> None:
    for row in card["kpis"]:
        assert row["assessable"] and row["change"] and row["year_ago"] and row["year_ago"]["change"]
        for change in (row["change"], row["year_ago"]["change"]):
            assert change["method"] == "weekly_t" and change["reason"] is None
            assert change["low"] < change["estimate"] < change["high"]
        assert row["change"]["estimate"] == pytest.approx(row["history"][-1]["value"] - row["previous"])
        assert row["trend"]["verdict"] is not None and row["trend"]["n"] > 50
        assert row["chance"] is not None and row["chance_band"] is not None
        assert set(row["smart"]) == {"specific", "measurable", "achievable", "relevant", "time_bound"}
        assert len(row["weeks"]) == 60 and len(row["accounts"]) == 2
    cost = card["kpis"][0]
    assert cost["payout"] is not None and cost["attainment"] == pytest.approx((cost["value"] - 1200) / -600)
    assert (cost["formula"]["numerator"], cost["formula"]["per"]) == ("spend", 1)


def test_a_rise_is_real_and_an_unchanged_month_is_not(card: Scorecard, tmp_path: Path) -> None:
    assert not card["kpis"][0]["change"]["real"]
    risen = scored(tmp_path, *KPIS, formulas=FORMULAS, **PERSON, **every_day(costs_rise=1.6))
    assert risen["kpis"][0]["change"]["real"]
    assert not risen["kpis"][1]["change"]["real"]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_it_stands_on_the_page(language: str, card: Scorecard) -> None:
    shown = str(parts.scorecard(card, words(language)))
    meaning = str(parts.definitions(card, words(language)))
    title = "Показатель cost_per_lead" if language == "ru" else "KPI cost_per_lead"
    assert title in shown and title in meaning
    costs, leads, _ = sums("2025-10")
    assert words(language).number(costs / leads) in shown
    spent = "Расходы на рекламу ÷ лиды" if language == "ru" else "Advertising costs ÷ leads"
    per = "Лиды ÷ просмотры × 1" if language == "ru" else "Leads ÷ views × 1"
    assert spent in meaning and per in meaning


def test_parts_of_accounts_add_up(card: Scorecard) -> None:
    for row in card["kpis"]:
        numerators = [part["numerator"] for part in row["accounts"]]
        denominators = [part["denominator"] for part in row["accounts"]]
        assert row["value"] == pytest.approx(sum(numerators) / sum(denominators))


@pytest.mark.parametrize("days", [range(1, 4), range(1, 20)])
def test_with_little_history_the_interval_is_a_bootstrap_over_days(days: range, tmp_path: Path) -> None:
    spend = [f"2025-{month}-{day:02d},a,{100 + 10 * day},RUB" for month in ("09", "10") for day in days]
    leads = [
        f"{month}{day}{n},a,2025-{month}-{day:02d}T12:00"
        for month in ("09", "10")
        for day in days
        for n in range(1 + day % 3)
    ]
    (row,) = scored(tmp_path, entry("cost_per_lead"), formulas=[COST_PER_LEAD], spend=spend, leads=leads)[
        "kpis"
    ]
    assert row["change"]["method"] == "bootstrap"
    assert row["change"]["reason"] == ("few_units" if len(days) < 5 else None)


def test_the_scorecard_names_the_formula_among_its_settings(tmp_path: Path) -> None:
    kpis = [entry("cost_per_lead"), entry("leads")]
    data, params = build(tmp_path, kpis, formulas=[COST_PER_LEAD, LEADS_PER_VIEWS], spend=[], leads=[])
    settings_of = score("ann", "2025-10", data=data, params=params)["provenance"]["settings"]
    assert json.loads(settings_of["kpis.yml"]["cost_per_lead"])["numerator"] == "spend"
    assert list(settings_of["kpis.yml"]) == ["cost_per_lead"]


# properties -------------------------------------------------------------------------------------------------

OCTOBER = dt.date(2025, 10, 1), dt.date(2025, 11, 1)
AMOUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def setting_of_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    data, params = build(tmp_path_factory.mktemp("case"), [entry("leads")], leads=[], spend=[])
    with case_of(data, params) as case:
        yield case


def value(case: Any, costs: list[int], leads: int, per: float) -> float | None:
    """A quotient's value over costs and leads of the first days of October."""
    kpi = by_formula("mine", "spend", "leads", per, Unit.MONEY, Better.LOWER, "sales")
    days = pd.date_range("2025-10-01", periods=len(costs))
    spend = pd.DataFrame({"date": days, "account_id": "a", "amount": np.array(costs, float)})
    names = pd.array([f"l{number}" for number in range(leads)], dtype="string")
    made = pd.DataFrame({"lead_id": names}).assign(
        account_id="a", created_at=pd.Timestamp("2025-10-02T09:00Z"), qualified=pd.NA
    )
    tables = {"spend": spend.assign(currency="RUB"), "leads": made}
    frame = kpi.units(tables, case.setting)
    return case.tally(kpi, frame, case.daily(("a",), *OCTOBER)).measure(0).value


@settings(deadline=None, max_examples=15)
@given(costs=AMOUNTS, leads=st.integers(1, 30), per=st.sampled_from([1.0, 10.0, 1000.0, 0.5]))
def test_it_is_the_quotient_of_sums_and_scales_with_per(
    costs: list[int], leads: int, per: float, setting_of_case: Any
) -> None:
    found = value(setting_of_case, costs, leads, per)
    assert found == pytest.approx(per * sum(costs) / leads)
    assert found == pytest.approx(per * (value(setting_of_case, costs, leads, 1.0) or 0.0))
    assert value(setting_of_case, sorted(costs), leads, per) == pytest.approx(found)
    assert value(setting_of_case, [sum(costs)], leads, per) == pytest.approx(found)
    doubled = value(setting_of_case, [2 * cost for cost in costs], 2 * leads, per)
    assert doubled == pytest.approx(found)


@settings(deadline=None, max_examples=10)
@given(costs=AMOUNTS)
def test_without_leads_there_is_no_value(costs: list[int], setting_of_case: Any) -> None:
    assert value(setting_of_case, costs, 0, 1.0) is None
