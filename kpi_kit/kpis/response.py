"""Group 11: answers to comments and messages within a deadline."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kpi_kit.core.model import Aggregation, Alternative, Better, Interval, Unit
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, kpi, units

_ANSWERED_ONLY = Alternative("answered_only", leave_out=("unanswered",))


@kpi(
    group=11,
    unit=Unit.SHARE,
    better=Better.HIGHER,
    aggregation=Aggregation.RATIO,
    interval=Interval.BINARY,
    tables=("inquiries",),
    bounded=True,
    delegable=True,
    source="service level: answered within the agreed time",
    alternatives=(_ANSWERED_ONLY, Alternative("all_received", admit=("inquiries_not_due",))),
)
def response_rate(tables: Tables, setting: Setting) -> UnitFrame:
    """Inquiries received in the period and answered within the SLA / those whose deadline has passed."""
    rows = tables["inquiries"]
    cutoff = pd.Series(setting.as_of, index=rows.index)
    not_due = setting.elapsed_hours(rows["received_at"], cutoff) < setting.sla_hours
    taken = setting.elapsed_hours(rows["received_at"], rows["answered_at"])
    in_time = taken <= setting.sla_hours  # False for NaN: not answered
    excluded = first_code(len(rows), ("inquiries_not_due", not_due))
    trait = _unanswered(rows)
    return units(rows["received_at"], rows["account_id"], in_time, excluded=excluded, trait=trait)


def _unanswered(rows: pd.DataFrame) -> np.ndarray:
    return first_code(len(rows), ("unanswered", rows["answered_at"].isna()))


@kpi(
    group=11,
    unit=Unit.HOURS,
    better=Better.LOWER,
    aggregation=Aggregation.MEDIAN,
    interval=Interval.UNITS,
    tables=("inquiries",),
    delegable=True,
    source="Kaplan and Meier 1958: median of a censored duration",
    alternatives=(
        _ANSWERED_ONLY,
        Alternative("mean_of_answered", leave_out=("unanswered",), aggregation=Aggregation.RATIO),
    ),
)
def median_response_time(tables: Tables, setting: Setting) -> UnitFrame:
    """Kaplan–Meier median of the hours to the answer, censored at the cut-off."""
    rows = tables["inquiries"]
    answered = rows["answered_at"].notna()
    ended = rows["answered_at"].fillna(setting.as_of)
    hours = setting.elapsed_hours(rows["received_at"], ended)
    return units(rows["received_at"], rows["account_id"], hours, answered, trait=_unanswered(rows))


def always(begun: pd.Series, ended: pd.Series) -> np.ndarray:
    """Hours between two series of instants, by the clock; NaN where there is no end."""
    hours: np.ndarray = (ended - begun).dt.total_seconds().to_numpy(dtype="float64") / 3600
    return hours
