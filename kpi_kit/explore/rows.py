"""The rows of an agency with the properties that an analyst asks for, in local time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.measured import Known
from kpi_kit.kpis import CATALOGUE
from kpi_kit.kpis.engine.unit_frame import flagged

COHORTS = ("leads",)


def posts(known: Known, period: Period) -> pd.DataFrame:
    """Posts with local time, hour, weekday, the subscribers of their day, view rate and engagement.

    ``joined`` is who joined the account on the day of the post and the day after, ``joined_over`` is how many
    more than the median of the account's days.
    """
    frame = _local(known, "posts", period)
    rates = CATALOGUE["view_rate"].units(known.tables, known.everyone(period).setting)
    subscribers = rates["denominator"].reindex(frame.index)
    reactions = frame[["likes", "comments", "reposts"]].sum(axis=1, min_count=3)
    views = frame["views"].where(frame["views"] > 0)
    return frame.assign(
        subscribers=subscribers,
        view_rate=frame["views"] / subscribers.where(subscribers > 0),
        engagement_rate=reactions / views,
        **_joined(known.tables["audience"], frame),
    )


def _joined(audience: pd.DataFrame, frame: pd.DataFrame) -> dict[str, pd.Series]:
    daily = audience.pivot_table(
        index="date", columns="account_id", values="joined", aggfunc="sum", min_count=1
    )
    daily = daily.asfreq("D") if len(daily) else daily
    both = daily + daily.shift(-1)
    days = frame["local"].dt.tz_localize(None).dt.normalize()
    keys = pd.MultiIndex.from_arrays([days, frame["account_id"]])
    joined = both.stack().reindex(keys).to_numpy(dtype="float64")
    usual = frame["account_id"].map(both.median()).to_numpy(dtype="float64")
    return {
        "joined": pd.Series(joined, index=frame.index),
        "joined_over": pd.Series(joined - usual, index=frame.index),
    }


def inquiries(known: Known, period: Period) -> pd.DataFrame:
    """Inquiries with local time, hours to the answer by the response calendar, and whether they are late."""
    frame = _local(known, "inquiries", period)
    setting = known.everyone(period).setting
    hours = pd.Series(
        setting.elapsed_hours(frame["received_at"], frame["answered_at"]), index=frame.index, dtype="float64"
    )
    as_of = pd.Series(setting.as_of, index=frame.index).dt.as_unit("us")
    waited = pd.Series(setting.elapsed_hours(frame["received_at"], as_of), index=frame.index, dtype="float64")
    waited = waited.where(hours.isna(), hours)
    state = np.where(
        hours.notna() & (hours <= setting.sla_hours),
        "in time",
        np.where(waited > setting.sla_hours, np.where(hours.isna(), "overdue", "late"), "waiting"),
    )
    return frame.assign(hours=hours, waited=waited, late=waited > setting.sla_hours, state=state)


def leads(known: Known, period: Period) -> pd.DataFrame:
    """Leads with local time, whether they are sold, and the days from the lead to the sale."""
    frame = _local(known, "leads", period)
    lasted = frame["sold_at"] - frame["local"].dt.tz_convert("UTC")
    is_sold = frame["sold_at"].notna() & ~frame["status"].isin(["open", "lost"])
    return frame.assign(sold=is_sold, days_to_sale=(lasted.dt.total_seconds() / 86400).where(is_sold))


def cohorts(known: Known, period: Period, what: str) -> pd.DataFrame:
    """Leads by the month in which they came: how many were qualified, and sold after so many months.

    Raises
    ------
    InputError
        Where cohorts of something else are asked for.
    """
    if what not in COHORTS:
        raise InputError(Phrase("explore.cohorts", found=what, hint=did_you_mean(what, COHORTS)))
    frame = leads(known, period)
    zone = known.everyone(period).department.timezone
    month = frame["local"].dt.tz_localize(None).dt.to_period("M")
    sold = frame["sold_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.to_period("M").where(frame["sold"])
    after = (sold.dt.year - month.dt.year) * 12 + sold.dt.month - month.dt.month
    groups = pd.DataFrame({"month": month, "qualified": flagged(frame["qualified"]), "sold": frame["sold"]})
    table = groups.groupby("month").agg(
        leads=("sold", "size"), qualified=("qualified", "sum"), sold=("sold", "sum")
    )
    matured = pd.crosstab(month, after.fillna(-1).astype(int))
    steps = list(range(int(after.max()) + 1 if after.notna().any() else 0))
    matured = matured.reindex(index=table.index, columns=steps, fill_value=0).cumsum(axis=1)
    last = known.everyone(period).period.start
    begun: pd.PeriodIndex = table.index  # type: ignore[assignment]  # the months
    months = (last.year - begun.year) * 12 + last.month - begun.month
    shares = matured.div(table["leads"], axis=0)
    for step in steps:  # a month that has not come yet is unknown, not without sales
        shares.loc[np.asarray(months) < step, step] = np.nan
    shares.columns = [f"sold_{step}" for step in steps]
    return table.assign(qualified_rate=table["qualified"] / table["leads"]).join(shares)


def _local(known: Known, table: str, period: Period) -> pd.DataFrame:
    """The rows of a table since a period, with local time, its hour, weekday and month, and the platform."""
    clock = {"posts": "published_at", "inquiries": "received_at", "leads": "created_at"}[table]
    context = known.everyone(period)
    rows = known.tables[table]
    local = rows[clock].dt.tz_convert(context.department.timezone)
    times: dict[str, Any] = {
        "local": local,
        "hour": local.dt.hour,
        "weekday": local.dt.day_of_week + 1,
        "month": local.dt.tz_localize(None).dt.to_period("M"),
        "platform": rows["account_id"].map(context.store.accounts["platform"]),
    }
    return rows.assign(**times)
