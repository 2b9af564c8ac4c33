"""Group 11: answers to comments and messages within a deadline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import holidays
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


def business_hours(
    zone: str, opens: int, closes: int, country: str, first: dt.date, last: dt.date
) -> Callable[[pd.Series, pd.Series], np.ndarray]:
    """A clock that runs in working hours, Monday to Friday without public holidays.

    Parameters
    ----------
    zone : str
        Time zone of the working day.
    opens, closes : int
        Hours of the local day.
    country : str
        Country code for the library ``holidays``.
    first, last : datetime.date
        The days that the clock must know.

    Returns
    -------
    callable
        ``(begun, ended) -> working hours``, NaN where there is no end.
    """
    days = pd.date_range(first, last, freq="D")
    free = holidays.country_holidays(country)  # computes a year at its first lookup
    working = [day for day in days if day.weekday() < 5 and day.date() not in free]
    midnights = pd.DatetimeIndex(working)
    edges = [
        (midnights + pd.Timedelta(hours=hour)).tz_localize(zone).tz_convert("UTC") for hour in (opens, closes)
    ]
    seconds = np.column_stack([_seconds(edge.to_series()) for edge in edges]).ravel()
    worked = np.repeat(np.arange(len(working) + 1) * (closes - opens) * 3600, 2)[1:-1].astype("float64")

    def elapsed(begun: pd.Series, ended: pd.Series) -> np.ndarray:
        span: np.ndarray = np.interp(_seconds(ended), seconds, worked) - np.interp(
            _seconds(begun), seconds, worked
        )
        # rounded to microseconds, so that the sum of two parts equals the whole
        return span.round(6) / 3600

    return elapsed


def _seconds(instants: pd.Series) -> np.ndarray:
    """Seconds since 1970, NaN where there is no instant."""
    seconds: np.ndarray = (instants - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(dtype="float64")
    return seconds
