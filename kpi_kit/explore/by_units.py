"""KPIs by properties of their units: weekday, hour, post, source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.model import Aggregation, Kpi
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES, Type
from kpi_kit.explore.measured import Known, plain_entry
from kpi_kit.explore.when import in_pandas
from kpi_kit.kpis.engine.day_grid import day_number, local_days
from kpi_kit.kpis.engine.survival import kaplan_meier_median
from kpi_kit.params import Specialist

DIMENSIONS = ("weekday", "hour", "day", "post", "source", "kind", "format")
"""Properties of units; weekdays are 1 (Monday) to 7."""
_COLUMNS = {"post": "post_id", "source": "source", "kind": "kind", "format": "format"}


_OF_STOCKS = ("specialist", "account", "platform", "brand", "week", "month", "quarter", "year")


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """The units that count: neither excluded nor unknown."""
    known = frame["numerator"].notna() & frame["denominator"].notna()
    return frame[(frame["excluded"] == "") & known]


def refuse_stocks(kpi: Kpi, dimensions: Sequence[str]) -> None:
    """Refuse a KPI that is not a sum over its units alone.

    Raises
    ------
    InputError
    """
    if kpi.stock or kpi.signed or kpi.aggregation in (Aggregation.LEVEL, Aggregation.TILES):
        code = "explore.needs_stocks" if kpi.aggregation is not Aggregation.TILES else "explore.needs_tiles"
        raise InputError(Phrase(code, kpi=kpi.id, names=dimensions, allowed=_OF_STOCKS))


def dimension(units: pd.DataFrame, name: str, kpi: Kpi, rows: pd.DataFrame, zone: str) -> pd.Series:
    """A property of each unit.

    Raises
    ------
    InputError
        Where the units do not have it.
    """
    local = units["at"].dt.tz_convert(zone)
    if name == "weekday":
        return pd.Series(local.dt.day_of_week + 1)
    if name == "day":
        return pd.Series(local.dt.tz_localize(None).dt.normalize())
    if name == "hour":
        for table in (part.tables[0] for part in kpi.parts or (kpi,)):
            if TABLES[table][TABLES[table].clock or ""].type is Type.DATE:
                raise InputError(Phrase("explore.no_hours", kpi=kpi.id, table=table))
        return pd.Series(local.dt.hour)
    column = _COLUMNS[name]
    if kpi.parts:
        raise InputError(Phrase("explore.formula_without", kpi=kpi.id, name=name))
    if column not in rows or (kpi.tables[0] != "posts" and name in ("post", "format")):
        raise InputError(Phrase("explore.table_without", kpi=kpi.id, table=kpi.tables[0], name=name))
    values: pd.Series = rows[column].reindex(units.index)
    return values


def by_units(
    known: Known,
    kpis: Sequence[str],
    people: Mapping[str, Specialist],
    periods: Sequence[Period],
    by: Sequence[str],
    *,
    today: bool,
) -> pd.DataFrame:
    """KPIs by dimensions of owners and of units, one row a group that has units."""
    catalogue = known.catalogue
    frames = [_of_kpi(known, catalogue[name], people, periods, by, today) for name in kpis]
    frame = pd.concat(frames, ignore_index=True)
    frame.attrs["units"] = {name: str(catalogue[name].unit) for name in kpis}
    return frame


def _of_kpi(
    known: Known,
    kpi: Kpi,
    people: Mapping[str, Specialist],
    periods: Sequence[Period],
    by: Sequence[str],
    today: bool,
) -> pd.DataFrame:
    refuse_stocks(kpi, [name for name in by if name in DIMENSIONS])
    context = known.everyone(periods[-1])
    zone = context.department.timezone
    units = counted(known.frame(plain_entry(known.params, kpi.id)))
    days = local_days(units["at"], zone)
    starts = np.array([day_number(period.start) for period in periods])
    ends = np.array([day_number(period.end) for period in periods])
    place = np.searchsorted(starts, days, side="right") - 1
    inside = (place >= 0) & (days < ends[np.maximum(place, 0)])
    units, place, days = units[inside], place[inside], days[inside]
    keys: dict[str, Any] = {"period": pd.array([in_pandas(periods[index]) for index in place])}
    rows = known.tables[kpi.tables[0]]
    for name in by:
        if name in DIMENSIONS:
            keys[name] = dimension(units, name, kpi, rows, zone).to_numpy()
        elif name != "specialist":
            keys[name] = _owner(units, name, kpi, context.store.accounts["platform"])
    table = pd.DataFrame(keys).assign(
        numerator=units["numerator"].to_numpy(),
        denominator=units["denominator"].to_numpy(),
        _owner=units[kpi.scope].to_numpy(),
        _day=days,
    )
    if "specialist" in by or people.keys() != context.params.specialists.keys():
        table = pd.concat(list(_by_person(table, kpi, people, periods[-1], today)), ignore_index=True)
    groups = table.groupby([*by, "period"], observed=True, dropna=False)
    sums = groups[["numerator", "denominator"]].sum()
    sums["units"] = groups.size().astype("Int64")
    sums["value"] = _values(kpi, sums, groups)
    if kpi.aggregation is not Aggregation.RATIO:
        sums["denominator"] = np.nan
    sums = sums.reset_index()
    sums.insert(len(by), "kpi", kpi.id)
    sums["unit"], sums["assessable"] = str(kpi.unit), sums["value"].notna().astype("boolean")
    columns = [*by, "kpi", "period", "unit", "value", "numerator", "denominator", "units", "assessable"]
    return sums[columns]


def _values(kpi: Kpi, sums: pd.DataFrame, groups: Any) -> pd.Series:
    if kpi.aggregation is Aggregation.MEDIAN:
        medians = {
            key: kaplan_meier_median(part["numerator"].to_numpy(), part["denominator"].to_numpy() == 1.0)
            for key, part in groups
        }
        return pd.Series(medians, index=sums.index, dtype="float64")
    if kpi.aggregation is Aggregation.RATIO:
        return sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0)
    return sums["numerator"]


def _owner(units: pd.DataFrame, name: str, kpi: Kpi, platforms: pd.Series) -> Any:
    is_brand = kpi.scope == "brand"
    if is_brand != (name == "brand"):
        raise InputError(
            Phrase("explore.other_owner", kpi=kpi.id, name=name, by="brand" if is_brand else "account")
        )
    owner = units[kpi.scope]
    return owner.map(platforms).to_numpy() if name == "platform" else owner.to_numpy()


def _by_person(
    table: pd.DataFrame, kpi: Kpi, people: Mapping[str, Specialist], last: Period, today: bool
) -> Iterator[pd.DataFrame]:
    """The units of each person, on the days on which the accounts are theirs."""
    for name, person in people.items():
        if kpi.scope == "brand":
            own = table["_owner"].isin(person.brands)
        else:
            own = pd.Series(False, index=table.index)
            for held in person.accounts:
                since, until = held.window
                is_now = since < last.end and last.start < until
                inside = (table["_day"] >= day_number(since)) & (table["_day"] < day_number(until))
                own |= (table["_owner"] == held.account) & (is_now if today else inside)
        yield table[own].assign(specialist=name)
