"""Groups 7, 8 and 9: traffic to the site, branded search, and mentions."""

from __future__ import annotations

import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Unit
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, flagged, kpi, units


@kpi(
    group=7,
    unit=Unit.VISITS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.FLOW,
    tables=("traffic",),
    total="visits",
    source="web analytics: visits from the account",
    shock="visits",
)
def social_visits(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ visits."""
    rows = tables["traffic"]
    return units(setting.midnight(rows["date"]), rows["account_id"], rows["visits"])


@kpi(
    group=8,
    unit=Unit.QUERIES,
    better=Better.HIGHER,
    aggregation=Aggregation.TILES,
    interval=Interval.NONE,
    tables=("brand_queries",),
    scope="brand",
    source="search engine statistics: queries with the brand's name",
)
def brand_queries(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ queries of the rows that tile the period exactly, each phrase once, by its coarsest rows."""
    rows = tables["brand_queries"]
    until = setting.midnight(rows["until"])
    return units(
        setting.midnight(rows["since"]), rows["brand"], rows["queries"], until=until, phrase=rows["phrase"]
    )


@kpi(
    group=9,
    unit=Unit.MENTIONS,
    better=Better.HIGHER,
    aggregation=Aggregation.SUM,
    interval=Interval.COUNTS,
    tables=("mentions",),
    scope="brand",
    always_noted=("mentions_negative",),
    source="media monitoring: mentions of the brand or product",
    alternatives=(Alternative("author_known", leave_out=("unsigned",)),),
)
def brand_mentions(tables: Tables, setting: Setting) -> UnitFrame:
    """Mentions in the period, not by the brand; of some sentiments where the entry says so."""
    rows = tables["mentions"]
    rows = rows[~flagged(rows["by_brand"])]
    remark = first_code(
        len(rows),
        ("mentions_negative", (rows["sentiment"] == "negative").fillna(False)),
        ("sentiment_unknown", rows["sentiment"].isna()),
    )
    counted = _among(rows["sentiment"], setting.sentiments) * _among(rows["platform"], setting.platforms)
    trait = first_code(len(rows), ("unsigned", rows["by_brand"].isna()))
    return units(rows["mentioned_at"], rows["brand"], counted, remark=remark, trait=trait)


def _among(values: pd.Series, wanted: tuple[str, ...] | None) -> pd.Series:
    """1 where a value is among the wanted ones, 0 where not, NaN where unknown."""
    if wanted is None:
        return pd.Series(1.0, index=values.index)
    return values.isin(wanted).astype("float64").where(values.notna())
