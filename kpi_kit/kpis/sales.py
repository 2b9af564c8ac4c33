"""Groups 5 and 6: leads from social media, their qualification, and sales."""

from __future__ import annotations

import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Unit
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, flagged, kpi, units


@kpi(
    group=5,
    unit=Unit.LEADS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("leads",),
    source="CRM: leads created",
    shock="leads",
)
def leads(tables: Tables, setting: Setting) -> UnitFrame:
    """Leads created in the period."""
    rows = tables["leads"]
    return units(rows["created_at"], rows["account_id"], 1.0)


@kpi(
    group=5,
    unit=Unit.LEADS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("leads",),
    source="CRM: leads that the sales department has qualified",
    shock="leads",
    alternatives=(Alternative("unknown_qualified", columns=(("numerator", "possible"),)),),
)
def qualified_leads(tables: Tables, setting: Setting) -> UnitFrame:
    """Leads created in the period that are qualified; unknown ones do not count."""
    rows = tables["leads"]
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
    rows = tables["leads"]
    excluded = first_code(len(rows), ("qualification_unknown", rows["qualified"].isna()))
    return units(rows["created_at"], rows["account_id"], flagged(rows["qualified"]), excluded=excluded)


_WITH_REFUNDS = Alternative("with_refunds", admit=("sales_refunded",))
_BY_LEAD_DATE = Alternative("by_lead_date", columns=(("at", "created_at"),))


def _sold(tables: Tables) -> tuple[pd.DataFrame, object]:
    """Leads that were sold, and the code for those whose sale was refunded."""
    rows = tables["leads"]
    rows = rows[rows["sold_at"].notna()]
    return rows, first_code(len(rows), ("sales_refunded", rows["refunded_at"].notna()))


@kpi(
    group=6,
    unit=Unit.SALES,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("leads",),
    source="CRM: won deals from social media",
    alternatives=(_WITH_REFUNDS, _BY_LEAD_DATE),
)
def sales(tables: Tables, setting: Setting) -> UnitFrame:
    """Leads sold in the period, without refunded sales."""
    rows, refunded = _sold(tables)
    return units(rows["sold_at"], rows["account_id"], 1.0, excluded=refunded, created_at=rows["created_at"])


@kpi(
    group=6,
    unit=Unit.MONEY,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.FLOW,
    tables=("leads",),
    source="CRM: amounts of won deals from social media",
    alternatives=(_WITH_REFUNDS, _BY_LEAD_DATE),
)
def sales_amount(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ sale_amount of the leads sold in the period, without refunded sales."""
    rows, refunded = _sold(tables)
    created = rows["created_at"]
    return units(
        rows["sold_at"], rows["account_id"], rows["sale_amount"], excluded=refunded, created_at=created
    )
