"""People, the catalogue and parts of a scorecard as frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from kpi_kit.params import Event, Params, Specialist
from kpi_kit.params.formulas import kpi_records
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard


def people(specialists: Mapping[str, Specialist]) -> pd.DataFrame:
    """People by id: name, accounts, brands, and how many KPIs they have."""
    rows = {
        name: {
            "name": person.name,
            "accounts": ", ".join(dict.fromkeys(held.account for held in person.accounts)),
            "brands": ", ".join(person.brands),
            "kpis": len(person.kpis),
        }
        for name, person in specialists.items()
    }
    columns = ["name", "accounts", "brands", "kpis"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("specialist")


def catalogue(params: Params, words: Words) -> pd.DataFrame:
    """The KPIs of the kit and the agency by id: name, formula, family, unit, and which way is better."""
    records = kpi_records(params.formulas)
    rows = {
        kpi.id: {
            "name": words.name_of(records[kpi.id]),
            "formula": words.meaning(records[kpi.id])[1],
            "family": kpi.family,
            "unit": str(kpi.unit),
            "better": str(kpi.better),
        }
        for kpi in params.catalogue.values()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("kpi")


def entries(shown: Mapping[str, tuple[str, str, EntryRecord]]) -> pd.DataFrame:
    """One row an entry, by key: name, target, value, attained, attainment, payout, weight, chance."""
    columns = ("value", "attained", "attainment", "payout", "weight", "chance")
    rows = {
        key: {"name": name, "target": target, **{column: dict(record)[column] for column in columns}}
        for key, (name, target, record) in shown.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("kpi")


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
