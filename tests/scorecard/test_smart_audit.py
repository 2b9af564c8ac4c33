"""The SMART audit: which letters fail, what is proposed instead, and what is said of a whole set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpi_kit.params import Entry, Specialist
from kpi_kit.report.wording import words
from kpi_kit.report.wording.audit import entry_sentences, set_sentence
from kpi_kit.scorecard.build import score
from kpi_kit.scorecard.smart_audit import audit_set
from kpi_kit.statistics import Goal, chance
from tests.agency import Json, build, cover, entry
from tests.scorecard.test_inference import monthly_leads

HOUSE = {"history": {"periods": 13, "weeks": 0}}
STEADY = [50 + month % 5 for month in range(25)]
"""50 to 54 leads a month."""
HOLDS = dict.fromkeys(("specific", "measurable", "achievable", "relevant", "time_bound"), True)


def audited(folder: Path, target: Json, *, person: Json | None = None, **given: Any) -> Json:
    """The only line of Ann's scorecard: leads, 50 to 54 a month."""
    told = given.pop("coverage", cover("leads", since="2023-01-01"))
    kpi = entry("leads", target=target, **given)
    data, params = build(
        folder,
        [kpi],
        department=HOUSE,
        person={"duties": ["sales"], **(person or {})},
        leads=monthly_leads(STEADY),
        coverage=told,
    )
    (row,) = score("ann", "2025-10", data=data, params=params, as_of="2025-11-08")["kpis"]
    return row


def test_a_sane_target_passes(tmp_path: Path) -> None:
    row = audited(tmp_path, {"at_least": 52})
    assert (row["smart"], row["audit"]) == (HOLDS, [])


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"at_least": 90}, "out_of_reach"),
        ({"at_least": 30}, "already_given"),
        ({"at_most": 20}, "out_of_reach"),
    ],
)
def test_a_target_that_is_hopeless_or_given_away_comes_with_one_that_is_not(
    tmp_path: Path, target: Json, code: str
) -> None:
    row = audited(tmp_path, target)
    assert row["smart"] == HOLDS | {"achievable": False}
    (finding,) = row["audit"]
    assert (finding["letter"], finding["code"], finding["period"]) == ("achievable", code, "2025-11")
    assert finding["chance"] == row["chance"]
    assert 50 <= finding["proposal"]["value"] <= 54
    assert 0.3 <= finding["proposal"]["chance"] <= 0.7, "51, 52 and 53 are what there is to choose from"
    said = " ".join(entry_sentences(finding, row, words("ru"))).replace("\u00a0", " ").replace("\u202f", " ")
    hard = "трудная" if code == "out_of_reach" else "лёгкая"
    ((kind, value),) = target.items()
    assert finding["target"] == {"kind": kind, "per": None, "value": value}
    asked = f"не {'меньше' if kind == 'at_least' else 'больше'} {value}"
    assert said.startswith(f"Цель слишком {hard} ({asked}). Шанс выполнить её в ноябре: ")
    assert "При цели не " in said


def test_the_proposal_is_as_likely_as_it_says(tmp_path: Path) -> None:
    row = audited(tmp_path, {"at_least": 90})
    value = row["audit"][0]["proposal"]["value"]
    again = audited(tmp_path / "again", {"at_least": value})
    assert again["chance"] == row["audit"][0]["proposal"]["chance"]
    assert again["smart"]["achievable"] is True


def test_an_unreliable_chance_decides_nothing(tmp_path: Path) -> None:
    data, params = build(
        tmp_path,
        [entry("leads", target={"at_least": 90})],
        department=HOUSE,
        person={"duties": ["sales"]},
        leads=monthly_leads(STEADY),
    )
    check = {"n": 40, "brier": 0.3, "base_brier": 0.2, "coverage80": 0.7, "verdict": "not_reliable"}
    (tmp_path / "backtest.json").write_text(json.dumps({"leads": check}), encoding="utf-8")
    (row,) = score("ann", "2025-10", data=data, params=params, as_of="2025-11-08", beside=tmp_path)["kpis"]
    assert (row["smart"], row["audit"]) == (HOLDS | {"achievable": None}, [])


def test_a_norm_need_not_be_achievable(tmp_path: Path) -> None:
    row = audited(tmp_path, {"at_least": 90}, standard=True)
    assert (row["smart"], row["audit"]) == (HOLDS, [])


def test_a_band_is_answered_by_the_likely_band(tmp_path: Path) -> None:
    (finding,) = audited(tmp_path, {"between": [10, 20]})["audit"]
    low, high = finding["proposal"]["value"]
    assert 45 <= low < 52 < high <= 60
    assert finding["proposal"]["chance"] == pytest.approx(0.8, abs=0.1)


def test_what_was_rarely_assessable_is_not_measurable(tmp_path: Path) -> None:
    told = [*cover("leads", since="2023-01-01", until="2025-08-01"), *cover("leads", since="2025-09-01")]
    row = audited(tmp_path, {"at_least": 52}, coverage=told)
    assert row["smart"]["measurable"] is True, "all of July to October but August"
    told = [*cover("leads", since="2023-01-01", until="2025-07-01"), *cover("leads", since="2025-10-01")]
    row = audited(tmp_path / "fewer", {"at_least": 52}, coverage=told)
    assert row["smart"]["measurable"] is False
    assert row["audit"][0]["periods"] == ["2025-07", "2025-08", "2025-09"]


def test_the_data_that_are_missing_are_named(tmp_path: Path) -> None:
    told = [*cover("leads", since="2023-01-01", until="2025-07-01"), *cover("leads", since="2025-10-01")]
    (finding,) = audited(tmp_path, {"at_least": 52}, coverage=told)["audit"]
    assert finding["proposal"] == {"tables": ["leads"], "periods": ["2025-07", "2025-08", "2025-09"]}
    assert "September 2025" in entry_sentences(finding, {"unit": "leads", "as": "value"}, words("en"))[1]


@pytest.mark.parametrize(
    ("opened", "given", "measurable", "code"),
    [
        ("2025-08-20", {}, True, None),
        ("2025-08-20", {"as": "growth", "versus": "previous"}, True, None),
        ("2025-10-05", {}, True, None),
        ("2025-10-05", {"as": "change", "versus": "previous"}, None, None),
        ("2025-08-20", {"as": "growth", "versus": "year_ago"}, False, "no_year_ago"),
        ("2024-06-10", {"as": "growth", "versus": "year_ago"}, True, None),
    ],
)
def test_a_new_account_has_missed_nothing(
    tmp_path: Path, opened: str, given: Json, measurable: bool | None, code: str | None
) -> None:
    """August to October: three values, and October against September; a year ago there was nothing."""
    data, params = build(
        tmp_path,
        [entry("leads", target={"at_least": 1}, **given)],
        department=HOUSE,
        accounts=["account_id,platform,title,opened", f"a,vk,VK,{opened}"],
        leads=[line for line in monthly_leads(STEADY) if line >= opened],
        coverage=cover("leads", scopes=["a"], since=opened),
    )
    (row,) = score("ann", "2025-10", data=data, params=params, as_of="2025-11-08")["kpis"]
    assert row["smart"]["measurable"] is measurable
    assert [one["code"] for one in row["audit"] if one["letter"] == "measurable"] == ([code] if code else [])


def test_a_proposal_is_of_the_grain_that_was_asked_for(tmp_path: Path) -> None:
    """50 to 54 a month: 30 days of 12 a week are 51.4; a quarter has 3 of them."""
    (weekly,) = audited(tmp_path, {"at_least": 30, "per": "week"})["audit"]
    assert (weekly["proposal"]["value"], weekly["proposal"]["per"]) == (12, "week")
    (quarterly,) = audited(tmp_path / "2", {"at_least": 30, "per": "quarter"})["audit"]
    assert 150 <= quarterly["proposal"]["value"] <= 162
    assert quarterly["proposal"]["per"] == "quarter"
    (band,) = audited(tmp_path / "3", {"between": [1, 2], "per": "week"})["audit"]
    low, high = band["proposal"]["value"]
    assert 45 <= low * 30 / 7 <= high * 30 / 7 <= 60


def test_what_is_no_duty_is_not_relevant(tmp_path: Path) -> None:
    row = audited(tmp_path, {"at_least": 52}, person={"duties": ["content"]})
    assert row["smart"] == HOLDS | {"relevant": False}
    assert row["audit"] == [{"letter": "relevant", "code": "not_a_duty", "family": "sales"}]
    unknown = audited(tmp_path / "2", {"at_least": 52}, person={"duties": []})
    assert unknown["smart"] == HOLDS | {"relevant": None}


def test_a_deadline_that_has_passed_is_no_time(tmp_path: Path) -> None:
    milestone = {"at_least": 60, "by": "2025-09-30", "from": {"value": 40, "on": "2025-01-01"}}
    row = audited(tmp_path, milestone)
    assert row["smart"] == HOLDS | {"time_bound": False, "achievable": None}
    assert row["audit"] == [{"letter": "time_bound", "code": "deadline_passed", "by": "2025-09-30"}]
    last = audited(tmp_path / "2", milestone | {"by": "2025-10-31"})
    assert last["smart"]["time_bound"] is True, "it falls due in the period itself"


def test_a_short_history_cannot_say_what_is_achievable(tmp_path: Path) -> None:
    told = cover("leads", since="2025-09-01")
    row = audited(tmp_path, {"at_least": 52}, coverage=told)
    assert row["smart"]["achievable"] is None


@pytest.mark.parametrize("asked", [0.1, 0.5, 0.9])
def test_targets_are_reached_as_often_as_their_chance_says(asked: float) -> None:
    """Over simulated histories of 24 months: the target whose chance is claimed, against what then came."""
    rng = np.random.default_rng(7)
    met, count = 0, 150
    for number in range(count):
        months = 100 + 10 * rng.standard_normal(25)
        low, high = 50.0, 150.0
        for _ in range(9):  # bisect: a higher target is less likely
            middle = (low + high) / 2
            said = chance(months[:24], Goal(low=middle), seed=number).probability
            low, high = (middle, high) if said is not None and said > asked else (low, middle)
        met += months[24] >= low
    least, most = {0.1: (0.05, 0.15), 0.5: (0.42, 0.58), 0.9: (0.85, 0.95)}[asked]
    assert least <= met / count <= most


def person(*kpis: Json) -> Specialist:
    return Specialist.model_validate(
        {"id": "ann", "name": "Ann", "kpis": [Entry.model_validate(kpi) for kpi in kpis]}
    )


def codes(*kpis: Json) -> list[str]:
    return [finding["code"] for finding in audit_set(person(*kpis))]


def test_a_usual_set_passes() -> None:
    names = ("subscriber_gain", "churn_rate", "leads", "qualified_lead_rate", "views")
    assert codes(*(entry(name) for name in names)) == []


def test_few_many_and_heavy() -> None:
    assert codes(entry("views")) == ["few_kpis"]
    eight = (
        "views",
        "likes",
        "sales",
        "sales_amount",
        "social_visits",
        "brand_queries",
        "response_rate",
        "churn_rate",
    )
    assert codes(*(entry(name) for name in eight)) == ["many_kpis"]
    heavy = [
        entry("views", weight=30),
        entry("likes", weight=31),
        entry("sales", weight=39),
        entry("churn_rate", weight=0),
    ]
    (finding,) = audit_set(person(*heavy))
    assert finding == {"code": "heavy_family", "family": "engagement", "share": pytest.approx(0.61)}


@pytest.mark.parametrize(
    ("volume", "quality"),
    [
        ("subscriber_growth", "unsubscribed"),
        ("posts_published", "plan_fulfilment"),
        ("leads", "qualified_leads"),
    ],
)
def test_a_volume_needs_its_quality(volume: str, quality: str) -> None:
    others = [entry(name) for name in ("views", "social_visits", "response_rate")]
    (finding,) = audit_set(person(entry(volume), *others))
    assert (finding["code"], finding["kpi"]) == ("no_quality_pair", volume)
    assert quality in finding["pairs"]
    assert audit_set(person(entry(volume), entry(quality), *others)) == []
    for language in ("ru", "en"):
        assert words(language).text(f"kpi.{quality}.name") in set_sentence(finding, words(language))


def test_every_finding_has_words() -> None:
    ru = words("ru")
    assert set_sentence({"code": "many_kpis", "count": 8, "least": 4, "most": 7}, ru).startswith(
        "Показателей 8;"
    )
    assert set_sentence({"code": "heavy_family", "family": "sales", "share": 0.62}, ru).count("62") == 1
    shown = {"unit": "leads", "as": "value"}
    hopeless = {"code": "out_of_reach", "chance": 0.001, "period": "2025-11", "proposal": None}
    assert len(entry_sentences(hopeless, shown, ru)) == 1
    for finding in (
        {"code": "empty_scope"},
        {"code": "rarely_assessable", "count": 2, "of": 4, "proposal": None},
        {"code": "no_year_ago", "period": "2024-10"},
        {"code": "not_a_duty", "family": "sales"},
        {"code": "deadline_passed", "by": "2025-09-30"},
    ):
        assert all(text.endswith(".") for text in entry_sentences(finding, shown, ru))
