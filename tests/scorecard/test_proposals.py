"""Proposed targets are attained in about half of the next months; the file keeps its comments."""

from __future__ import annotations

import calendar
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import write_data, write_params

from kpi_kit.cli.main import main
from kpi_kit.core.periods import Grain, Period
from kpi_kit.data.store import open_store
from kpi_kit.params import load
from kpi_kit.params.records import SoundSpecialist
from kpi_kit.params.targets import Kind, Target
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.proposals import (
    Proposed,
    _Subject,
    last_useful_month,
    next_target,
    propose_set,
    with_weights,
)

PEOPLE = 50
MONTHS = [Period(dt.date(2024 + (8 + n) // 12, (8 + n) % 12 + 1, 1), Grain.MONTH) for n in range(14)]


def simulated(people: int, seed: int) -> pd.DataFrame:
    """Visits by day: levels, trends, autocorrelated months and noise of days of many sizes."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(people):
        level, trend = rng.uniform(2, 60), rng.normal(0, 0.01)
        spread, rho, months = rng.uniform(0.02, 0.25), rng.uniform(0, 0.6), 0.0
        for place, month in enumerate(MONTHS):
            months = rho * months + rng.normal(0, spread)
            mean = level * np.exp(trend * place + months)
            counts = rng.poisson(mean, calendar.monthrange(month.start.year, month.start.month)[1])
            days = [month.start + dt.timedelta(days=day) for day in range(len(counts))]
            rows += [(day, f"vk-{number}", int(count)) for day, count in zip(days, counts, strict=True)]
    return pd.DataFrame(rows, columns=["date", "account_id", "visits"])


def write_visits(folder: Path, visits: pd.DataFrame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    visits.to_csv(folder / "traffic.csv", index=False)
    names = sorted(set(visits["account_id"]))
    accounts = pd.DataFrame({"account_id": names, "platform": "vk", "title": names})
    accounts.to_csv(folder / "accounts.csv", index=False)
    return folder


def share_attained(folder: Path, people: int, seed: int) -> float:
    """The share of proposals from 13 months that the 14th attains."""
    data = write_visits(folder / "data", simulated(people, seed))
    names = [f"vk-{number}" for number in range(people)]
    kpis = [{"kpi": "social_visits", "target": {"at_least": 1}, "weight": 100}]
    params = load(write_params(folder / "params", None, {"all": {"accounts": names, "kpis": kpis}}))
    last, ahead = MONTHS[-2], MONTHS[-1]
    attained = []
    with open_store(data, "Europe/Moscow") as store:
        person = params.specialists["all"]
        before = _Subject(person, last, prepare("all", last, params=params, store=store))
        after = _Subject(person, ahead, prepare("all", ahead, params=params, store=store))
        for name in names:
            found = next_target(
                before.facts("social_visits", (name,)), Target(Kind.AT_LEAST, 1.0, 0.0), ahead
            )
            value = after.facts("social_visits", (name,)).measurement.value
            assert found is not None and value is not None
            attained.append(value >= found[0])
    return float(np.mean(attained))


def test_proposals_are_attained_in_about_half_of_the_next_months(tmp_path: Path) -> None:
    assert 0.33 <= share_attained(tmp_path, PEOPLE, 7) <= 0.67


KPIS = """
name: Anna    # the head of the shop
accounts: [vk-0]
kpis:
  # visits of the shop
  - {kpi: social_visits, target: {at_least: 10}, weight: 60}    # too easy
  - {kpi: social_visits, as: growth, standard: true, target: {at_least: 5%}, weight: 40}
"""


def test_accepted_targets_become_a_schedule_and_comments_stay(tmp_path: Path) -> None:
    data = write_visits(tmp_path / "data", simulated(1, 3))
    params = write_params(tmp_path / "params", {"language": "en"}, {"anna": KPIS})
    line = ["targets", "next", "--data", str(data), "--params", str(params), "--period", "2025-11"]
    assert main([*line, "--dry-run"]) == 0
    assert (params / "specialists" / "anna.yml").read_text("utf-8") == KPIS
    assert main([*line, "--yes"]) == 0
    text = (params / "specialists" / "anna.yml").read_text("utf-8")
    assert {"# the head of the shop", "# visits of the shop", "# too easy"} <= {
        "#" + line.partition("#")[2] for line in text.splitlines() if "#" in line
    }
    first, second = load(params).specialists["anna"].kpis
    schedule: dict[Any, Any] = first.target.schedule or {}
    assert schedule["2025-10"].at_least == 10 < schedule["2025-11"].at_least
    assert second.target.schedule is None  # a norm
    assert main([*line, "--yes"]) == 0  # set already: nothing changes
    assert (params / "specialists" / "anna.yml").read_text("utf-8") == text


def test_asks_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_visits(tmp_path / "data", simulated(1, 3))
    params = write_params(tmp_path / "params", {"language": "en"}, {"anna": KPIS})
    asked: list[str] = []

    def answer(question: str, flag: str) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("kpi_kit.cli.targets.ask_yes", answer)
    assert main(["targets", "next", "--data", str(data), "--params", str(params)]) == 0
    assert len(asked) == 1 and "Visits from social media: set" in asked[0]
    assert (params / "specialists" / "anna.yml").read_text("utf-8") == KPIS


def test_only_what_can_be_measured_is_proposed(tmp_path: Path) -> None:
    data = write_visits(tmp_path / "data", simulated(1, 5))
    params = load(write_params(tmp_path / "params", None, {"anna": KPIS}))
    with open_store(data, "Europe/Moscow") as store:
        person = SoundSpecialist(id="x", name="X", accounts=[{"account": "vk-0"}])
        made = propose_set(person, MONTHS[-1], params, store)
    assert [(entry.kpi, entry.weight) for entry in made] == [("social_visits", 100)]


def test_one_export_that_reaches_further_does_not_decide_the_month(tmp_path: Path) -> None:
    accounts = [{"account_id": name, "platform": "vk", "title": name} for name in ("vk-a", "vk-b", "vk-c")]
    coverage = [
        {"table": "traffic", "scope": name, "since": "2025-01-01", "until": until}
        for name, until in (("vk-a", "2025-11-01"), ("vk-b", "2025-11-01"), ("vk-c", "2026-03-01"))
    ]
    visits = [{"date": dt.date(2025, 1, 1), "account_id": "vk-a", "visits": 1}]
    data = write_data(tmp_path / "data", {"accounts": accounts, "traffic": visits, "coverage": coverage})
    held = [{"account": name} for name in ("vk-a", "vk-b", "vk-c")]
    with open_store(data, "Europe/Moscow") as store:
        assert str(last_useful_month(SoundSpecialist(id="x", accounts=held), store)) == "2025-10"
        assert str(last_useful_month(SoundSpecialist(id="x", accounts=held[2:]), store)) == "2026-02"


@pytest.mark.parametrize("count", range(1, 8))
def test_weights_add_up(count: int) -> None:
    kpis = ["subscriber_gain", "leads", "sales", "posts_published", "views", "likes", "churn_rate"]
    entries = [Proposed(kpi, Kind.AT_LEAST, 1.0, (), None, ()) for kpi in kpis[:count]]
    weights = [entry.weight for entry in with_weights(entries)]
    assert sum(weights) == 100 and all(weight % 5 == 0 for weight in weights)
