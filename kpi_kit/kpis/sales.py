"""Groups 5 and 6: leads from social media, their qualification, and sales."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Unit
from kpi_kit.core.schema import FURTHER_DEAL
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, flagged, kpi, units


@kpi(
    group=5,
    unit=Unit.LEADS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("leads",),
    total="leads",
    source="CRM: leads created",
    shock="leads",
)
def leads(tables: Tables, setting: Setting) -> UnitFrame:
    """Leads created in the period."""
    rows = _leads(tables)
    return units(rows["created_at"], rows["account_id"], 1.0)


@kpi(
    group=5,
    unit=Unit.LEADS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("leads",),
    total="qualified_leads",
    source="CRM: leads that the sales department has qualified",
    shock="leads",
    alternatives=(Alternative("unknown_qualified", columns=(("numerator", "possible"),)),),
)
def qualified_leads(tables: Tables, setting: Setting) -> UnitFrame:
    """Leads created in the period that are qualified; unknown ones do not count."""
    rows = _leads(tables)
    remark = first_code(len(rows), ("qualification_unknown", rows["qualified"].isna()))
    possible = ~flagged(rows["qualified"].eq(False))
    return units(
        rows["created_at"], rows["account_id"], flagged(rows["qualified"]), remark=remark, possible=possible
    )


@kpi(
    group=5,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    interval=Interval.BINARY,
    tables=("leads",),
    bounded=True,
    source="CRM: qualified leads over leads with a known qualification",
    alternatives=(Alternative("of_all_leads", admit=("qualification_unknown",)),),
)
def qualified_lead_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Qualified leads / leads whose qualification is known."""
    rows = _leads(tables)
    excluded = first_code(len(rows), ("qualification_unknown", rows["qualified"].isna()))
    return units(rows["created_at"], rows["account_id"], flagged(rows["qualified"]), excluded=excluded)


def _leads(tables: Tables) -> pd.DataFrame:
    """The leads, without further deals of a lead: those are sales alone."""
    rows = tables["leads"]
    return rows[~rows["lead_id"].str.contains(FURTHER_DEAL, regex=False)]


_WITH_REFUNDS = Alternative("with_refunds", admit=("sales_refunded",))
_BY_LEAD_DATE = Alternative("by_lead_date", columns=(("at", "created_at"),))


def sold(leads: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """The leads that were sold, with ``refunded`` where the sale was refunded before its month settled."""
    is_sold = leads["sold_at"].notna() & ~leads["status"].isin(("open", "lost"))
    rows = leads[is_sold]
    return rows.assign(refunded=rows["refunded_at"] <= setting.month_settled(rows["sold_at"]))


def late_refunds(tables: Tables, setting: Setting) -> pd.DataFrame:
    """Refunds of sales whose month had settled: ``at``, ``account_id``, and ``amount`` as it was sold."""
    rows = sold(tables["leads"], setting)
    rows = rows[rows["refunded_at"].notna() & ~rows["refunded"]]
    amount = rows["sale_amount"] * setting.rate(rows["currency"], rows["sold_at"])
    return pd.DataFrame({"at": rows["refunded_at"], "account_id": rows["account_id"], "amount": amount})


def _sale_units(tables: Tables, setting: Setting, amounts: bool) -> UnitFrame:
    """Units of sales, and of won leads without a day of sale, which do not count."""
    rows = sold(tables["leads"], setting)
    undated = tables["leads"]
    undated = undated[(undated["status"] == "won") & undated["sold_at"].isna()]
    rate = setting.rate(rows["currency"], rows["sold_at"]) if amounts else pd.Series(1.0, index=rows.index)
    numerator = rows["sale_amount"] * rate if amounts else rate
    no_rate = rate.isna() & ~rows["refunded"] & rows["sale_amount"].notna()
    sales = units(
        rows["sold_at"],
        rows["account_id"],
        numerator,
        excluded=first_code(len(rows), ("sales_refunded", rows["refunded"])),
        remark=first_code(len(rows), ("rate_missing", no_rate)),
        created_at=rows["created_at"],
        label=rows["currency"],
    )
    won = units(
        undated["created_at"],
        undated["account_id"],
        np.nan,
        excluded="won_undated",
        created_at=undated["created_at"],
        label=undated["currency"],
    )
    return pd.concat([sales, won]) if len(won) else sales


@kpi(
    group=6,
    unit=Unit.SALES,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("leads",),
    total="sales",
    source="CRM: won deals from social media",
    alternatives=(_WITH_REFUNDS, _BY_LEAD_DATE),
)
def sales(tables: Tables, setting: Setting) -> UnitFrame:
    """Won leads sold in the period, without sales that were refunded before their month settled."""
    return _sale_units(tables, setting, amounts=False)


@kpi(
    group=6,
    unit=Unit.MONEY,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.FLOW,
    tables=("leads",),
    total="sales_amount",
    blocking=("rate_missing",),
    source="CRM: amounts of won deals from social media",
    alternatives=(_WITH_REFUNDS, _BY_LEAD_DATE),
)
def sales_amount(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ sale_amount of these in the department's currency, by the rate of the day of the sale."""
    return _sale_units(tables, setting, amounts=True)
