"""What the sample is arranged to show: the audit's findings, and the arithmetic of every total."""

from __future__ import annotations

import collections
import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpi_kit.core.periods import Period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.report.parts import terminal
from kpi_kit.report.wording import LANGUAGES, words
from kpi_kit.report.wording.audit import entry_sentences, set_sentence
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.cohort import Cohort, forecasts_of, pooled
from kpi_kit.scorecard.context import prepare
from tests.calculator import agrees, computations

ROOT = Path(__file__).parent.parent
PERIOD = "2025-10"
Cards = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def cards() -> Cards:
    """The six scorecards of a run, by first name."""
    params, store = open_inputs(ROOT / "data/sample", ROOT / "params", check=False)
    with store:
        cases = [
            prepare(person, Period.parse(PERIOD), params=params, store=store) for person in params.specialists
        ]
        cohort = Cohort(backtest=pooled(map(forecasts_of, cases)))
        return {case.person.id.split("-")[0]: scorecard(case, cohort) for case in cases}


def findings(cards: Cards) -> dict[tuple[str, str], Any]:
    """Every finding by person and code, with its entry."""
    found = {}
    for person, record in cards.items():
        for row in record["kpis"]:
            for finding in row["audit"]:
                assert (person, finding["code"]) not in found
                found[person, finding["code"]] = (row["kpi"], finding)
        for finding in record["audit"]:
            assert (person, finding["code"]) not in found
            found[person, finding["code"]] = (finding.get("kpi"), finding)
    return found


def test_the_audit_finds_one_of_each_kind_and_nothing_else(cards: Cards) -> None:
    assert {key: kpi for key, (kpi, _) in findings(cards).items()} == {
        ("anna", "out_of_reach"): "subscribers",
        # 40 % more than the 130,576 of November 2024 are 182,806: no month had more than 157,770
        ("ivan", "out_of_reach"): "views",
        ("ivan", "already_given"): "posts_published",
        ("maria", "rarely_assessable"): "social_visits",
        ("dmitry", "no_quality_pair"): "subscriber_gain",
    }


def test_what_it_proposes_is_right(cards: Cards) -> None:
    """Each as likely as not by a simulation of its own, or what is really missing."""
    found = findings(cards)

    hopeless = found["anna", "out_of_reach"][1]["proposal"]
    last, gains = closing("vk-roastery", "tg-roastery")
    first, second = continued(gains, 1), continued(gains, 2)
    ends = last + np.add.outer(first, second)
    assert 0.4 <= np.mean(ends >= hopeless["value"]) <= 0.6
    assert 0.4 <= hopeless["chance"] <= 0.6
    assert np.mean(ends >= 35_000) < 0.1, "and the present one is out of reach"

    given = found["ivan", "already_given"][1]["proposal"]
    assert (given["kind"], given["per"]) == ("at_least", "week")
    weekly = continued(published("vk-linen", "ok-linen", "tg-linen", "tg-tours"), 1)
    assert 0.4 <= np.mean(weekly >= given["value"]) <= 0.6
    assert 0.4 <= given["chance"] <= 0.6
    assert np.mean(weekly >= 9) > 0.9, "and 9 a week is given"

    unmeasured = found["maria", "rarely_assessable"][1]
    assert unmeasured["proposal"] == {"tables": ["traffic"], "periods": ["2025-08", "2025-10"]}
    assert found["dmitry", "no_quality_pair"][1]["pairs"] == ["churn_rate", "unsubscribed"]


def continued(series: np.ndarray, ahead: int) -> np.ndarray:
    """A straight line through the series, and what may come: each of its residuals, as likely as another."""
    at = np.arange(len(series))
    slope, start = np.polyfit(at, series, 1)
    return slope * (len(series) - 1 + ahead) + start + (series - slope * at - start)


def rows(table: str, accounts: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a table of the sample, up to the period's end."""
    day = {"audience": "date", "posts": "published_at"}[table]
    with (ROOT / f"data/sample/{table}.csv").open(encoding="utf-8") as lines:
        return [
            row for row in csv.DictReader(lines) if row["account_id"] in accounts and row[day] < "2025-11-01"
        ]


def closing(*accounts: str) -> tuple[float, np.ndarray]:
    """The subscribers at the end of the period, and the gains of the 24 months up to it."""
    ends = {
        (row["account_id"], row["date"][:7]): float(row["subscribers"]) for row in rows("audience", accounts)
    }
    months = sorted({month for _, month in ends})
    sums = [sum(ends[account, month] for account in accounts) for month in months]
    return sums[-1], np.diff(sums)


def published(*accounts: str) -> np.ndarray:
    """Posts a week, of each of the 25 months up to the period."""
    kept = [row["published_at"][:7] for row in rows("posts", accounts) if not row["deleted_at"]]
    return np.array(
        [7 * count / Period.parse(month).days for month, count in sorted(collections.Counter(kept).items())]
    )


def entry(record: dict[str, Any], kpi: str) -> dict[str, Any]:
    """The only entry of a KPI."""
    (row,) = (row for row in record["kpis"] if row["kpi"] == kpi)
    return dict(row)


def test_the_findings_in_words(cards: Cards) -> None:
    found, ru, en = findings(cards), words("ru"), words("en")

    def said(key: tuple[str, str], say: Any) -> str:
        kpi, finding = found[key]
        text = " ".join(entry_sentences(finding, entry(cards[key[0]], kpi), say))
        return text.replace("\u00a0", " ").replace("\u202f", " ")

    assert said(("anna", "out_of_reach"), en).endswith(
        "A target of at least 34,500 would have a chance of 43%."
    )
    assert said(("ivan", "already_given"), ru).endswith("При цели не меньше 12 в неделю шанс составит 47 %.")
    assert said(("maria", "rarely_assessable"), ru) == (
        "Показатель удалось оценить только в 2 из 4 последних периодов. Если загрузить данные "
        "(переходы на сайт) за август 2025 и октябрь 2025, показатель можно будет оценить."
    )
    pair = set_sentence(found["dmitry", "no_quality_pair"][1], ru)
    assert "«Прирост подписчиков»" in pair and "«Доля отписок» или «Отписки»" in pair


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("person", ["anna", "dmitry", "elena", "ivan", "maria", "timur"])
def test_every_printed_computation_is_right(person: str, language: str, cards: Cards) -> None:
    """A computation for each KPI that is paid, its points and its product, the sums, total and bonus."""
    record = {**cards[person], "language": language}
    printed = terminal.computation(record)
    done = computations(printed, language)
    assert [one for one in done if not agrees(*one)] == []
    paid = sum(row["payout"] is not None for row in record["kpis"])
    assert len(done) >= 2 * paid + 3
    assert any(line.endswith(words(language).total(record["total"])) for line in printed)
    bonus = record["bonus"]
    assert (bonus is None) or words(language, "RUB").money(bonus["amount"]) in printed[-1]


def test_a_verdict_that_hangs_on_a_definition_is_said(cards: Cards) -> None:
    """Elena's engagement: 5.3 % of all views is in the band of 4.8 to 6.5 %, the median post is not."""
    firm = entry(cards["elena"], "engagement_rate")["robustness"]
    assert (firm["attained"], firm["of"]) == (3, 4)
    assert [one["id"] for one in firm["definitions"] if one["turns"]] == ["median_of_posts"]
    assert [one["id"] for one in firm["definitions"] if one["reason"]] == ["over_reach"]
