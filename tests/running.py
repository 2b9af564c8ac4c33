"""Scorecards of a period that is not over, for tests of alerts."""

from __future__ import annotations

from typing import Any

import cards

from kpi_kit.core.periods import Period
from kpi_kit.scorecard.verdict import with_verdicts

RELIABLE = cards.check("reliable")


def lead_entry(day: int, chance: float | None, value: float | None = None, **given: Any) -> cards.Card:
    """Leads with a plan of 62 in October; a day is over at its end."""
    so_far = round(day * 1.2) if value is None else value
    target = {"kind": "at_least", "value": 62 * day / 31, "base": 0.0}
    return cards.entry("leads", "sales", "leads", so_far, **{**_running(day, chance, target), **given})


def churn_entry(day: int, chance: float | None, value: float, **given: Any) -> cards.Card:
    """Churn with a ceiling of 3.1 % in October."""
    target = {"kind": "at_most", "value": 0.031 * day / 31, "base": 0.062 * day / 31}
    more = {
        "better": "lower",
        "numerator": value * 1000,
        "denominator": 1000.0,
        "attained": value <= target["value"],
    }
    fields = {**_running(day, chance, target), **more, **given}
    return cards.entry("churn_rate", "audience", "share", value) | fields


def _running(day: int, chance: float | None, target: cards.Card) -> cards.Card:
    return {
        "target": target,
        "attained": False,
        "attainment": 0.6,
        "payout": 0.0,
        "chance": chance,
        "chance_period": cards.PERIOD,
        "chance_check": RELIABLE,
        "notes": [{"code": "target_prorated", "share": day / 31, "why": "interim"}],
    }


def running(day: int, *entries: cards.Card, **given: Any) -> cards.Card:
    """The card after some days of October, with its verdicts.

    ``overdue`` are received instants of late inquiries, ``missing`` ids of late plan items.
    """
    period = Period.parse(cards.PERIOD)
    overdue, missing = given.pop("overdue", ()), given.pop("missing", ())
    sections = cards.sections()
    sections["response"] = {
        **sections["response"],
        "overdue": [{"account_id": "vk-roastery", "received_at": at, "hours": 30.0} for at in overdue],
    }
    sections["plan"] = [
        {"plan_id": name, "account_id": "vk-roastery", "due_at": "2025-10-02T12:00+03:00", "post_id": None,
         "url": None, "status": "missing"}
        for name in missing
    ]  # fmt: skip
    as_of = f"{period.start.replace(day=day + 1) if day < 31 else period.end}T00:00:00+03:00"
    fields = {"interim": day < 31, "preliminary": True, "as_of": as_of, "kpis": list(entries), "notes": []}
    fields |= {
        "sections": sections,
        "variable_pay": None,
        "restated": [],
        "bonus": None,
        "events": [],
        "anomalies": [],
    }
    return with_verdicts(cards.card(**{**fields, **given}))
