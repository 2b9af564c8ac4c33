"""Parts of a scorecard as frames: unusual days, bonus, events."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from kpi_kit.params import Event
from kpi_kit.scorecard.record import Scorecard


def anomalies(card: Scorecard) -> pd.DataFrame:
    """The unusual days of a scorecard's period, with the titles of the events of these days."""
    language = card["language"]
    rows = [
        {
            "date": day["date"],
            "account": day["account_id"],
            "measure": day["measure"],
            "value": day["fact"],
            "low": day["low"],
            "high": day["high"],
            "direction": day["direction"],
            "events": "; ".join(card["events"][place]["title"][language] for place in day["events"]),
        }
        for day in card["anomalies"]
    ]
    frame = pd.DataFrame(
        rows, columns=["date", "account", "measure", "value", "low", "high", "direction", "events"]
    )
    return frame.astype({"value": "float64", "low": "float64", "high": "float64"}).assign(
        date=pd.to_datetime(frame["date"])
    )


def bonus(card: Scorecard) -> pd.DataFrame:
    """The bonus of a scorecard by calendar month; empty where the person has none."""
    rule = card["bonus"]
    months = [] if rule is None else rule["months"]
    columns = ["month", "sales_amount", "share", "cap", "earned", "refunds", "refunded", "amount"]
    rows = [{**month, "share": rule["share"], "cap": rule["cap"]} for month in months] if rule else []
    frame = pd.DataFrame(rows, columns=columns)
    frame["month"] = pd.PeriodIndex(frame["month"], freq="M")
    frame = frame.astype({name: "float64" for name in columns if name not in ("month", "refunds")})
    frame.attrs["currency"] = card["currency"]
    return frame.set_index("month")


def events(listed: Iterable[Event], language: str) -> pd.DataFrame:
    """Events with their first day, the day after the last, and whom they concern."""
    rows = [
        {
            "title": event.called(language),
            "kind": event.kind,
            "since": event.first,
            "until": event.end,
            "accounts": ", ".join(event.accounts or ()),
            "platforms": ", ".join(event.platforms or ()),
            "brands": ", ".join(event.brands or ()),
        }
        for event in listed
    ]
    frame = pd.DataFrame(rows, columns=["title", "kind", "since", "until", "accounts", "platforms", "brands"])
    return frame.assign(since=pd.to_datetime(frame["since"]), until=pd.to_datetime(frame["until"]))
