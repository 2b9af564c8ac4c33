"""Groups 1 and 2: subscribers, their growth, and churn."""

from __future__ import annotations

import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Stock, Unit
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, kpi, units

_OVER_MEAN = Alternative("over_mean", stock=Stock.MEAN)
_OVER_CLOSING = Alternative("over_closing", stock=Stock.CLOSING)
_BY_FLOWS = Alternative("joined_less_left", columns=(("numerator", "net"),))


@kpi(
    group=1,
    unit=Unit.PEOPLE,
    better=Better.HIGHER,
    aggregation=Aggregation.LEVEL,
    interval=Interval.NONE,
    tables=("audience",),
    source="platform statistics: members at the end of the day",
    shock="subscribers",
    alternatives=(Alternative("mean_level", stock=Stock.MEAN),),
)
def subscribers(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ accounts of the last `subscribers` in the period, at most 7 days before its end."""
    rows = tables["audience"]
    return units(setting.midnight(rows["date"]), rows["account_id"], rows["subscribers"])


def _gains(tables: Tables, setting: Setting) -> UnitFrame:
    """Account-days of the difference to the day before; unknown without a count of the day before.

    The gain of a bucket is the difference of the counts at its two ends, not the sum of these days.
    """
    rows = tables["audience"].sort_values(["account_id", "date"])
    by_account = rows.groupby("account_id", sort=False)
    gained = by_account["subscribers"].diff().where(by_account["date"].diff() == pd.Timedelta(days=1))
    net = rows["joined"] - rows["left"]
    return units(setting.midnight(rows["date"]), rows["account_id"], gained, net=net)


@kpi(
    group=1,
    unit=Unit.PEOPLE,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.FLOW,
    tables=("audience",),
    gains=True,
    source="difference of the member counts at both ends",
    shock="subscribers",
    alternatives=(_BY_FLOWS,),
)
def subscriber_gain(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ accounts of subscribers at the end of the period − at its start."""
    return _gains(tables, setting)


@kpi(
    group=1,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    stock=Stock.OPENING,
    interval=Interval.FLOW,
    tables=("audience",),
    gains=True,
    source="net growth rate: gain over the opening stock",
    shock="subscribers",
    alternatives=(_OVER_MEAN, _OVER_CLOSING, _BY_FLOWS),
)
def subscriber_growth(tables: Tables, setting: Setting) -> UnitFrame:
    """subscriber_gain / Σ accounts of the subscribers at the start of the period."""
    return _gains(tables, setting)


def _lost(tables: Tables, setting: Setting) -> UnitFrame:
    rows = tables["audience"]
    return units(setting.midnight(rows["date"]), rows["account_id"], rows["left"])


@kpi(
    group=2,
    unit=Unit.PEOPLE,
    better=Better.LOWER,
    aggregation=Aggregation.SUM,
    interval=Interval.FLOW,
    tables=("audience",),
    needs_rows=True,
    total="left",
    source="platform statistics: people who left",
    shock="unsubscribed",
)
def unsubscribed(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ left."""
    return _lost(tables, setting)


@kpi(
    group=2,
    unit=Unit.SHARE,
    better=Better.LOWER,
    aggregation=Aggregation.RATIO,
    stock=Stock.OPENING,
    interval=Interval.FLOW,
    tables=("audience",),
    needs_rows=True,
    bounded=True,
    source="churn rate: people lost over the opening stock",
    shock="unsubscribed",
    alternatives=(_OVER_MEAN, _OVER_CLOSING),
)
def churn_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ left / Σ accounts of the subscribers at the start of the period."""
    return _lost(tables, setting)
