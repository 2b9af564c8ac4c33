"""Measurements as frames: the same as the scorecards say, with typed columns, whatever is asked by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest

import kpi_kit as kk
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.explore.when import period_of, periods_of

IVAN, PERIOD = "ivan-kuznetsov", "2025-10"


@pytest.fixture(scope="module")
def ivan(opened_sample: kk.Agency) -> kk.Card:
    """Someone who gave an account away in the middle of the month."""
    return opened_sample.score(IVAN, PERIOD)


@pytest.mark.parametrize(("person", "period"), [(IVAN, PERIOD), ("anna-petrova", "2025-07")])
def test_then_is_what_the_scorecard_of_the_period_says(
    opened_sample: kk.Agency, person: str, period: str
) -> None:
    """Also of a month with an absence."""
    card = opened_sample.score(person, period)
    found = opened_sample.tidy("own", person, period, accounts="then")
    keys = [entry.kpi for entry in opened_sample.params.specialists[person].kpis]
    assert found["kpi"].tolist() == sorted(keys, key=list(opened_sample.kpis.index).index)
    for row in found.to_dict("records"):
        record = next(one for one in card.values() if (one.kpi.id, one.entry.as_) == (row["kpi"], row["as"]))
        target = record.target or {"value": None}
        assert (row["value"], row["attained"]) == pytest.approx((record.value, record.attained))
        for name, value in (("payout", record.payout), ("target", target["value"])):
            assert row[name] == pytest.approx(float("nan") if value is None else value, nan_ok=True)
        if record.entry.as_ != "value":
            assert row["current"] - row["previous"] == pytest.approx(row["numerator"])


def test_today_is_the_history_of_the_report(opened_sample: kk.Agency, ivan: kk.Card) -> None:
    found = opened_sample.tidy(
        "own", IVAN, [str(p) for p in ivan["sales"].history.index[-4:]], accounts="today"
    )
    for key, record in ivan.items():
        own = found[(found["kpi"] == record.kpi.id) & (found["as"] == record.entry.as_)]
        history = record.history[-4:]
        assert own["value"].tolist() == pytest.approx(history["value"].astype(float).tolist(), nan_ok=True), (
            key
        )
        assert own["payout"].tolist() == pytest.approx(
            history["payout"].astype(float).tolist(), nan_ok=True
        ), key


def test_columns_are_typed_and_units_are_said(opened_sample: kk.Agency) -> None:
    found = opened_sample.tidy(["leads", "view_rate", "likes"], periods=2)
    kinds = {"period": "period[M]", "attained": "boolean", "assessable": "boolean", "target": "float64"}
    assert {name: str(found[name].dtype) for name in kinds} == kinds
    assert found.attrs["units"] == {"leads": "leads", "view_rate": "share", "likes": "likes"}
    growth = found[(found["as"] == "growth")].iloc[0]
    assert (growth["unit"], growth["kpi"]) == ("share", "likes")
    assert growth["value"] == pytest.approx(growth["current"] / growth["previous"] - 1)
    band = opened_sample.tidy("engagement_rate", "elena-volkova", 1).iloc[0]
    assert (band["target_kind"], band["target"], band["target_high"]) == ("between", 0.048, 0.065)
    unknown = found[~found["assessable"]]
    assert unknown["reason"].notna().all() and unknown["value"].isna().all()


def test_parts_add_up(opened_sample: kk.Agency) -> None:
    whole = opened_sample.tidy("leads", "anna-petrova", 3)["value"].tolist()
    for by in (["specialist", "account"], ["specialist", "platform"], ["specialist", "account", "hour"]):
        parts = opened_sample.tidy("leads", "anna-petrova", 3, by=by)
        assert parts.groupby("period")["value"].sum().tolist() == whole, by
    hours = opened_sample.tidy("leads", "anna-petrova", 3, by=["weekday", "source"])
    assert hours.groupby("period")["value"].sum().tolist() == whole
    weeks = opened_sample.tidy("leads", periods=4, by=["account", "week"])
    assert weeks["period"].dtype == "period[W-SUN]" and weeks["period"].nunique() == 4


def test_a_kpi_without_params(opened_sample: kk.Agency) -> None:
    both = opened_sample.measure("leads", account=["vk-roastery", "tg-roastery"], periods=2)
    alone = [
        opened_sample.measure("leads", account=name, periods=2) for name in ("vk-roastery", "tg-roastery")
    ]
    assert both["value"].tolist() == (alone[0]["value"] + alone[1]["value"]).tolist()
    held = opened_sample.measure("leads", specialist="anna-petrova", periods=2)
    assert held["value"].tolist() == both["value"].tolist()
    assert opened_sample.measure("brand_queries", brand="school", periods=1)["unit"].tolist() == ["queries"]


def test_a_change_is_made_of_its_parts(opened_sample: kk.Agency, ivan: kk.Card) -> None:
    for key, by in (("sales", "account"), ("sales", ["weekday", "source"]), ("unsubscribed", "account")):
        parts = ivan[key].explain(by=by)
        sides = ivan.facts(ivan[key].number).comparison(ivan.period.previous)
        assert parts["change"].sum() == pytest.approx(sides.now.value - sides.earlier.value), (key, by)
    for key in ("subscriber_growth", "plan_fulfilment"):  # ratios, over a stock and over units
        parts = ivan[key].explain(by="account")
        sides = ivan.facts(ivan[key].number).comparison(ivan.period.previous)
        assert parts["change"].sum() == pytest.approx(sides.now.value - sides.earlier.value), key
        assert (parts["rate"] + parts["mix"]).tolist() == pytest.approx(parts["change"].tolist())


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda a: a.tidy("lead"), "kpis: there is no 'lead'; did you mean leads?"),
        (lambda a: a.tidy("leads", "ann"), "specialists: there is no 'ann'"),
        (lambda a: a.tidy("leads", by="hours"), "by: there is no 'hours'; did you mean hour?"),
        (lambda a: a.tidy("leads", periods=0), "periods: expected a number of at least 1"),
        (lambda a: a.tidy("leads", accounts="now"), "accounts: expected 'then' or 'today', found 'now'"),
        (lambda a: a.tidy("churn_rate", by="hour"), "churn_rate: it needs counts of subscribers"),
        (lambda a: a.tidy("social_visits", by="hour"), "the table traffic has days and no hours"),
        (lambda a: a.measure("leads", account="vk"), "account: there is no 'vk'"),
        (lambda a: a.measure("leads", brand="school"), "leads: it has no brand"),
        (lambda a: a.explain("leads", by="colour"), "by: expected some of account"),
        (lambda a: a.explain("median_response_time"), "a median is not a sum of parts"),
        (lambda a: a.explain("leads", versus="2019-01"), "versus 2019-01: expected a period from"),
        (
            lambda a: a.what_if(weights={"lead": 3}),
            "weights: nobody has an entry 'lead'; did you mean leads?",
        ),
        (lambda a: a.what_if(scoring={"cap": 0}), "scoring: cap"),
        (lambda a: a.what_if(weights={"leads": "much"}), "weights: leads"),
        (
            lambda a: a.forecast("2025-10"),
            "forecast 2025-10: expected a period of the same length from 2025-12 on",
        ),
        (lambda a: a.cohorts("lead"), "cohorts: expected leads, found 'lead'; did you mean leads?"),
        (lambda a: a.compare(["anna-petrova", IVAN]), "compare: expected one specialist and periods"),
    ],
)
def test_a_slip_is_one_sentence(opened_sample: kk.Agency, ask: Callable[..., object], said: str) -> None:
    with pytest.raises(KitError) as fault:
        ask(opened_sample)
    assert said in str(fault.value) and len(fault.value.problems) == 1


def test_periods_as_one_writes_them() -> None:
    assert [
        str(period_of(when)) for when in ("2025-W41", pd.Timestamp("2025-10-31"), dt.date(2025, 1, 2))
    ] == [
        "2025-W41",
        "2025-10",
        "2025-01",
    ]
    assert [str(period) for period in periods_of(["2025-10", "2025-09"], period_of("2025-11"))] == [
        "2025-09",
        "2025-10",
    ]
    with pytest.raises(InputError, match="expected months, quarters, weeks or years"):
        period_of(pd.Period("2025-10-01", "D"))
