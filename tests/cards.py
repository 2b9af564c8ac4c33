"""Scorecards made by hand for tests of what is shown: every kind of target, unit and trouble."""

from __future__ import annotations

import copy
import math
from typing import Any

from kpi_kit.core.periods import Grain, Period
from kpi_kit.kpis import CATALOGUE

PERIOD = "2025-10"
LONG_NAME = "Константинопольская-Преображенская Александра-Виктория Всеволодовна Нижнекамская"
SCRIPT = "<script>alert('$x_1$')</script>"

Card = dict[str, Any]


def entry(kpi: str, family: str, unit: str, value: float | None, **given: Any) -> Card:
    """Build one KPI of a scorecard with a year of history that ends in its value."""
    last = value if value is not None else given.get("previous") or 1.0
    target = given.get("target")
    record: Card = {
        "kpi": kpi,
        "as": "value",
        "versus": "previous",
        "scope": None,
        "unit": unit,
        "value": value,
        "numerator": value,
        "denominator": None,
        "units": 93,
        "coverage": 1.0,
        "assessable": value is not None,
        "notes": [],
        "current": None,
        "previous": None,
        "change": None,
        "year_ago": None,
        "trend": trend(value is not None),
        "target": None,
        "attained": None,
        "attainment": None,
        "robustness": None,
        "payout": None,
        "weight": 10,
        "chance": None,
        "chance_band": None,
        "chance_period": "2025-11",
        "chance_check": None,
        "control": limits(last),
        "shocks": [],
        "smart": dict.fromkeys(("specific", "measurable", "achievable", "relevant", "time_bound"), True),
        "audit": [],
        "group": 1,
        "family": family,
        "better": "higher",
        "standard": False,
        "accruing": True,
        "accounts": [],
        "brands": [],
        "history": history(last, value, target and target["value"]),
        "weeks": weeks(last / 4.3 if unit not in ("share", "hours") else last),
    }
    return record | given


def history(last: float, value: float | None, target: Any) -> list[Card]:
    """Thirteen months around a value; the last is the value itself, which may be None."""
    months = Period.parse(PERIOD).history(13)
    values = [last * (0.78 + 0.018 * i + 0.06 * math.sin(1.7 * i)) for i in range(13)]
    return [
        {
            "period": str(month),
            "value": value if i == 12 else None if i == 2 else values[i],
            "target": target,
            "outside": None if i == 2 or (i == 12 and value is None) else False,
        }
        for i, month in enumerate(months)
    ]


def limits(last: float) -> Card:
    """Build control limits around a value."""
    return {"n": 12, "centre": 0.9 * last, "low": 0.7 * last, "high": 1.1 * last, "reason": None}


def change(estimate: float | None, low: float | None = None, high: float | None = None, **given: Any) -> Card:
    """Build a change: real where nothing else is said, without an interval where it has no ends."""
    judged = low is not None or high is not None
    found: Card = {
        "estimate": estimate,
        "low": low,
        "high": high,
        "p": 0.001 if judged else None,
        "raw": estimate,
        "method": "poisson" if judged else "difference",
        "reason": None if judged else "no_interval",
        "dispersion": None,
        "q": 0.004 if judged else None,
        "real": True if judged else None,
    }
    return found | given


NO_LIMITS = {"n": 0, "centre": None, "low": None, "high": None, "reason": "few_points"}
NOISE = {"p": 0.4, "q": 0.6, "real": False}
UNCONFIRMED = {"p": 0.02, "q": 0.09, "real": False}


def trend(known: bool = True, **given: Any) -> Card:
    """Build a trend over weeks: none to be seen where nothing else is said."""
    found: Card = {
        "grain": "week",
        "n": 55 if known else 0,
        "slope": 0.2 if known else None,
        "low": -0.1 if known else None,
        "high": 0.5 if known else None,
        "rho": 0.3 if known else None,
        "p": 0.2 if known else None,
        "q": 0.3 if known else None,
        "verdict": "no_clear_trend" if known else None,
        "seasonal": False,
        "method": "slope",
        "reason": None if known else "no_data",
        "line": None,
        "since": None,
        "p_season": None,
        "p_break": None,
    }
    return found | given


TURNED = {
    "attained": 2,
    "of": 3,
    "definitions": [
        {"id": "reported", "value": 0.0213, "attained": True, "turns": False, "reason": None},
        {"id": "over_mean", "value": 0.0207, "attained": True, "turns": False, "reason": None},
        {"id": "over_closing", "value": 0.0312, "attained": False, "turns": True, "reason": None},
        {
            "id": "joined_less_left",
            "value": None,
            "attained": None,
            "turns": False,
            "reason": {"code": "too_many_unknown", "count": 20, "total": 31},
        },
    ],
}
RISING = {"slope": 0.4, "low": 0.2, "high": 0.6, "p": 0.001, "q": 0.003, "verdict": "rising"}
FALLING = {"slope": -0.4, "low": -0.6, "high": -0.2, "p": 0.001, "q": 0.003, "verdict": "falling"}


def check(verdict: str, n: int = 120) -> Card:
    """Build a back-test."""
    worse = 0.31 if verdict == "not_reliable" else 0.12
    return {"n": n, "brier": worse, "base_brier": 0.2, "coverage80": 0.775, "verdict": verdict}


def weeks(level: float, count: int = 56) -> list[Card]:
    """Full weeks that wave around a level, one of them unknown."""
    last = Period.containing(Period.parse(PERIOD).last_day, Grain.WEEK).previous
    values = [level * (0.85 + 0.003 * i + 0.12 * math.sin(2.3 * i) * math.cos(0.9 * i)) for i in range(count)]
    return [
        {"week": str(week), "value": None if i == 20 else values[i]}
        for i, week in enumerate(last.history(count))
    ]


def milestone() -> Card:
    """Build a level on its way from 28 000 to 35 000."""
    record = entry(
        "subscribers",
        "audience",
        "people",
        33412.0,
        previous=33001.0,
        target={"kind": "at_least", "value": 33849.31506849315, "base": 28000.0},
        attained=False,
        attainment=0.9252459,
        payout=0.8131148,
        weight=15,
        accruing=False,
        change=change(411.0),
        year_ago={"value": 27512.0, "change": change(5900.0)},
        trend=trend(**RISING, method="mean_gain"),
        chance=0.04,
        chance_band=[34100.0, 34900.0],
        chance_period="2025-12",
        chance_check=check("reliable", 64),
        weeks=weeks(33000.0),
    )
    for i, past in enumerate(record["history"]):
        past["value"] = None if i == 2 else 27500.0 + i * 492.67
        past["target"] = None if i < 3 else 28000.0 + (i - 2) * 584.93
    record["history"][-1]["value"] = 33412.0
    return record


def entries() -> list[Card]:
    """Build eight KPIs of different kinds."""
    by_account = [
        {"account_id": "vk-roastery", "value": 0.02, "numerator": 400.0, "denominator": 20000.0},
        {"account_id": "tg-roastery", "value": None, "numerator": None, "denominator": None},
    ]
    return [
        entry(
            "subscriber_gain",
            "audience",
            "people",
            1284.0,
            previous=1012.0,
            change=change(239.35, 80.2, 398.5, raw=272.0, method="weekly_t"),
            trend=trend(**RISING, seasonal=True),
            chance=0.81,
            chance_band=[910.0, 1420.0],
            chance_check=check("reliable"),
            target={"kind": "at_least", "value": 1000.0, "base": 0.0},
            attained=True,
            attainment=1.284,
            payout=1.2,
            weight=20,
            accounts=[
                {"account_id": "vk-roastery", "value": 984.0, "numerator": 984.0, "denominator": None},
                {"account_id": "tg-roastery", "value": 300.0, "numerator": 300.0, "denominator": None},
            ],
        ),
        milestone(),
        entry(
            "churn_rate",
            "audience",
            "share",
            0.0213,
            previous=0.0241,
            change=change(-0.0035, -0.0061, 0.0009, **NOISE, raw=-0.0028, method="weekly_t"),
            trend=trend(
                rho=0.6, n=8, verdict="weak_falling", slope=-0.0004, low=-0.0007, high=-0.0001, p=0.02, q=0.04
            ),
            chance=0.9,
            chance_band=[0.012, 0.037],
            chance_check=check("not_reliable"),
            numerator=588.0,
            denominator=27606.0,
            better="lower",
            target={"kind": "at_most", "value": 0.03, "base": 0.06},
            attained=True,
            attainment=1.29,
            payout=1.2,
            robustness=TURNED,
            accounts=by_account,
        ),
        entry(
            "view_rate",
            "engagement",
            "share",
            0.2231,
            previous=0.2604,
            change=change(-0.0373, -0.0701, -0.0045, **UNCONFIRMED, method="bootstrap"),
            trend=trend(**FALLING | {"q": 0.08, "p": 0.03, "slope": -0.0021, "low": -0.004, "high": -0.0002}),
            chance=0.35,
            chance_band=[0.19, 0.27],
            chance_check=check("not_checked", 12),
            shocks=[
                {"platform": "vk", "week": "2025-W41", "direction": "fell", "median": -0.23, "accounts": 14}
            ],
            group=3,
            accruing=False,
            target={"kind": "between", "value": [0.25, 0.6], "base": None},
            attained=False,
            attainment=0.8462857,
            payout=0.6157143,
            notes=[{"code": "posts_unsettled", "count": 3}, {"code": "posts_deleted", "count": 1}],
        ),
        entry(
            "likes",
            "engagement",
            "share",
            0.1214,
            **{"as": "growth"},
            current=4620.0,
            previous=4120.0,
            change=change(360.5, reason="few_units", raw=500.0, method="bootstrap"),
            numerator=500.0,
            denominator=4120.0,
            group=4,
            target={"kind": "at_least", "value": 0.1, "base": 0.0},
            attained=True,
            attainment=1.214,
            payout=1.2,
            weeks=[],
        ),
        entry(
            "leads",
            "sales",
            "leads",
            34.0,
            previous=41.0,
            change=change(-12.4, -21.3, -3.5, raw=-7.0, dispersion=1.2),
            trend=trend(**FALLING),
            chance=0.07,
            chance_band=[21.0, 44.0],
            chance_check=check("reliable", 118),
            group=5,
            target={"kind": "at_least", "value": 55.0, "base": 0.0},
            attained=False,
            attainment=0.6181818,
            payout=0.0,
            weight=20,
            year_ago={"value": 28.0, "change": change(6.0, -9.0, 21.0, **NOISE)},
        ),
        entry(
            "response_rate",
            "response",
            "share",
            0.9964,
            previous=0.981,
            change=change(0.0154, -0.004, 0.034, **NOISE, method="newcombe"),
            group=11,
            standard=True,
            accruing=False,
            target={"kind": "at_least", "value": 1.0, "base": 0.8},
            attained=False,
            attainment=0.982,
            payout=0.955,
            weight=15,
            notes=[{"code": "inquiries_not_due", "count": 2}],
        ),
        entry(
            "subscribers",
            "audience",
            "people",
            None,
            **{"as": "change"},
            scope={"platforms": ["telegram"]},
            previous=None,
            target={"kind": "at_least", "value": 300.0, "base": 0.0},
            weight=5,
            coverage=0.61,
            notes=[
                {"code": "not_covered", "coverage": 0.61, "minimum": 0.9, "tables": ["audience"]},
            ],
            weeks=[],
        ),
    ]


def sections() -> Card:
    """Build the parts of a report that are not KPIs."""
    post = {
        "post_id": "p1",
        "account_id": "vk-roastery",
        "published_at": "2025-10-09T12:00:00+03:00",
        "views": 18211,
        "likes": 412,
        "view_rate": 0.72,
        "url": "https://vk.com/wall-1_1",
        "text": "Как мы обжариваем зерно: от зелёного до тёмного за двенадцать минут.\nВидео внутри",
    }
    plan = [
        {
            "plan_id": f"i{i}",
            "account_id": "vk-roastery",
            "due_at": f"2025-10-{i + 1:02d}T12:00:00+03:00",
            "post_id": f"p{i}" if status not in ("missing", "cancelled") else None,
            "url": f"https://vk.com/wall-1_{i}" if status not in ("missing", "cancelled") else None,
            "status": status,
        }
        for i, status in enumerate(["fulfilled"] * 14 + ["late", "missing", "off_brand", "cancelled"])
    ]
    hours = [0.1, 0.4, 0.7, 1.0, 1.6, 2.2, 3.0, 4.1, 6.0, 9.0, 14.0, 20.0, 26.0]
    return {
        "audience": [
            {"account_id": "vk-roastery", "opening": 27606, "closing": 28590, "joined": 1572, "left": 588},
            {"account_id": "tg-roastery", "opening": None, "closing": 4822, "joined": None, "left": None},
        ],
        "plan": plan,
        "response": {
            "sla_hours": 24.0,
            "calendar": "always",
            "received": 281,
            "due": 279,
            "in_time": 278,
            "unanswered": 1,
            "curve": [{"hours": hour, "answered": 0.9964 * (i + 1) / 13} for i, hour in enumerate(hours)],
        },
        "funnel": {"leads": 34, "qualified": 21, "unknown": 3, "sold": 8, "amount": 410000.0},
        "posts": {
            "best": [post, post | {"post_id": "p2", "text": None, "view_rate": None, "likes": None}],
            "weakest": [post | {"post_id": "p3", "views": 902, "likes": 0, "view_rate": 0.031, "url": None}],
        },
        "deleted": [
            {
                "post_id": "p9",
                "account_id": "vk-roastery",
                "published_at": "2025-10-03T12:00:00+03:00",
                "deleted_at": "2025-10-05T12:00:00+03:00",
            }
        ],
    }


def restated() -> list[Card]:
    """Build three figures that are others than in the first report, each for a reason of its own."""
    whole = {"kpi": None, "as": None, "versus": None, "scope": None, "unit": None}
    leads = {"kpi": "leads", "as": "value", "versus": "previous", "scope": None, "unit": "leads"}
    since = {"since": "2025-11-08T00:00:00+03:00"}
    entered = {
        "kind": "data",
        "table": "leads",
        "owners": ["vk-roastery"],
        "imported_at": "2025-11-12T09:00:00+00:00",
        "files": "crm.csv",
    }
    return [
        leads | since | {"field": "value", "was": 412.0, "is": 405.0, "cause": [entered]},
        leads
        | since
        | {
            "field": "attained",
            "was": True,
            "is": False,
            "cause": [{"kind": "params", "file": None, "keys": []}],
        },
        whole | since | {"field": "total", "was": 0.81, "is": 0.80678865, "cause": []},
    ]


def events() -> list[Card]:
    """Build a campaign of the period."""
    return [
        {
            "title": {"ru": "Осенний запуск", "en": "Autumn launch"},
            "kind": "campaign",
            "since": "2025-10-06",
            "until": "2025-10-13",
            "concerns": ["vk-roastery", "roastery"],
        }
    ]


def anomalies() -> list[Card]:
    """Build two days in a row with an event, and one without."""
    shared = {"account_id": "vk-roastery", "low": 4.0, "high": 27.0, "kpis": ["subscriber_gain"]}
    joined = shared | {"measure": "joined", "direction": "high"}
    return [
        joined | {"date": "2025-10-06", "fact": 90.0, "events": [0]},
        joined | {"date": "2025-10-07", "fact": 120.0, "events": [0]},
        shared | {"measure": "left", "direction": "low", "date": "2025-10-20", "fact": 0.0, "events": []},
    ]


def card(language: str = "ru", **given: Any) -> Card:
    """Build the rich scorecard of one specialist; keywords replace top-level keys."""
    record: Card = {
        "schema": 1,
        "specialist": "anna-petrova",
        "name": "Анна Петрова",
        "agency": "Агентство «Маяк»",
        "language": language,
        "currency": "RUB",
        "timezone": "Europe/Moscow",
        "brand": {"logo": None, "accent": None},
        "deputised": [],
        "period": PERIOD,
        "as_of": "2025-11-08T00:00:00+03:00",
        "interim": False,
        "preliminary": False,
        "total": 0.80678865,
        "attained": 3,
        "assessable": 7,
        "assignments": [
            {
                "account_id": "vk-roastery",
                "platform": "vk",
                "title": "Обжарка на Маяке",
                "url": "https://vk.com/roastery",
                "since": None,
                "until": None,
            },
            {
                "account_id": "tg-roastery",
                "platform": "telegram",
                "title": "Кофе. Коротко",
                "url": None,
                "since": "2025-03-01",
                "until": None,
            },
        ],
        "brands": ["roastery"],
        "scoring": {
            "threshold": 0.8,
            "payout_at_threshold": 0.5,
            "cap": 1.2,
            "not_assessable": "reweight",
        },
        "absences": [],
        "notes": [
            {"code": "coverage_inferred"},
            {"code": "duplicates_dropped", "table": "posts", "count": 3},
        ],
        "sections": sections(),
        "kpis": entries(),
        "audit": [],
        "restated": restated(),
        "events": events(),
        "anomalies": anomalies(),
        "bonus": {"sales_amount": 410000.0, "share": 0.02, "cap": None, "amount": 8200.0},
        "provenance": {
            "kit": "0.1.0",
            "data": "sha256:4e1243bd22c66e76c2ba9eddc1f91394e57f9f83",
            "params": "sha256:8d2f9cbf6a3c3d2b9f6a2a6f5ce2ad2c1f7e7e11",
            "notebook": "sha256:1f7e7e118d2f9cbf6a3c3d2b9f6a2a6f5ce2ad2c",
        },
    }
    return record | given


def hostile(language: str = "ru") -> Card:
    """Build a card in which every text that comes from data is a script."""
    record = card(language, name=SCRIPT, agency=SCRIPT, brands=[SCRIPT])
    for account in record["assignments"]:
        account |= {"title": SCRIPT, "url": "javascript:alert(1)"}
    for posts in record["sections"]["posts"].values():
        for post in posts:
            post |= {"text": SCRIPT, "url": 'https://x.example/"onmouseover="alert(1)'}
    record["sections"]["plan"][0]["url"] = "javascript:alert(1)"
    record["kpis"][0]["scope"] = {"accounts": [SCRIPT]}
    record["kpis"][3]["notes"].append({"code": "brand_left_out", "brand": SCRIPT})
    record["events"][0]["title"] = {"ru": SCRIPT, "en": SCRIPT}
    record["provenance"]["data"] = SCRIPT
    return record


def unassessable(language: str = "ru") -> Card:
    """Build a card of which nothing can be assessed, before the period is over."""
    record = card(language, total=None, attained=0, assessable=0, interim=True, preliminary=True, bonus=None)
    record |= {"as_of": "2025-10-20T12:30:00+03:00", "restated": [], "events": [], "anomalies": []}
    record["notes"] = [{"code": "interim", "as_of": record["as_of"]}]
    for kpi in record["kpis"]:
        kpi |= {"value": None, "assessable": False, "attained": None, "attainment": None, "payout": None}
        kpi["notes"] = [{"code": "no_rows"}]
        kpi["history"] = [past | {"value": None, "outside": None} for past in kpi["history"]]
        kpi |= {"weeks": [], "change": None, "year_ago": None, "previous": None, "current": None}
        kpi |= {"trend": trend(known=False), "shocks": [], "control": {**limits(1.0), **NO_LIMITS}}
        kpi |= {"chance": None, "chance_band": None, "chance_period": None, "chance_check": None}
    record["sections"] = {
        "audience": [],
        "plan": [],
        "response": None,
        "funnel": None,
        "posts": {"best": [], "weakest": []},
        "deleted": [],
    }
    return record


def single(language: str = "ru") -> Card:
    """Build a card with one KPI."""
    record = card(language, attained=1, assessable=1, total=1.2, bonus=None, brands=[], notes=[])
    record["kpis"] = [copy.deepcopy(entries()[0])]
    record["sections"] = unassessable()["sections"]
    return record


def long_named(language: str = "ru") -> Card:
    """Build a card whose names are as long as names get."""
    record = card(language, name=LONG_NAME)
    record["assignments"][0]["title"] = LONG_NAME
    return record


def many(language: str = "ru") -> Card:
    """Fifteen KPIs over twelve accounts, with names of eighty letters."""
    record = long_named(language)
    kpis = [kpi for kpi in CATALOGUE if CATALOGUE[kpi].scope == "account_id"][:15]
    accounts = [f"account-{number}" for number in range(12)]
    record["assignments"] = [
        record["assignments"][0] | {"account_id": account, "title": f"{LONG_NAME} {number}"}
        for number, account in enumerate(accounts)
    ]
    parts = [
        {"account_id": account, "value": 5.0, "numerator": 5.0, "denominator": None} for account in accounts
    ]
    record["kpis"] = [
        entry(kpi, str(CATALOGUE[kpi].family), str(CATALOGUE[kpi].unit), 0.5, accounts=copy.deepcopy(parts))
        for kpi in kpis
    ]
    return record


def team() -> dict[str, Card]:
    """Build the cards of a department."""
    second = card(specialist="ivan-kuznetsov", name="Иван Кузнецов", total=1.034, attained=4, assessable=4)
    second["kpis"] = [copy.deepcopy(kpi) for kpi in entries() if kpi["kpi"] in ("likes", "churn_rate")]
    return {
        "anna-petrova": card(),
        "ivan-kuznetsov": second,
        "maria-sidorova": unassessable() | {"specialist": "maria-sidorova", "name": "Мария Сидорова"},
    }


def manifest() -> Card:
    """Build the manifest of a run in which one report failed."""
    done = {name: {"status": "done", "error": None, "seconds": 5.1} for name in team()}
    failed = {
        "status": "failed",
        "error": "oleg.yml: key kpis[2]: kpi 'lieks': did you mean likes?",
        "seconds": 0.0,
    }
    return {
        "schema": 1,
        "period": PERIOD,
        "as_of": "2025-11-08T00:00:00+03:00",
        "reports": done | {"oleg-orlov": failed},
    }
