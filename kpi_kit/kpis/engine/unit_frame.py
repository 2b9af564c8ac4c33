"""The unit frame that a formula returns, and the setting that it gets.

A unit frame has one row a sampling unit (a post, an inquiry, a lead, an account-day) and the columns

``at``
    The instant that puts the unit into a bucket.
``account_id`` or ``brand``
    The owner of the unit.
``numerator``, ``denominator``
    The values to add up; NaN where a needed value is unknown: such rows are left out and counted.
``excluded``
    Empty, or the code of the note about rows that the definition excludes.
``remark``
    Empty, or the code of a note about rows that count.
``trait``
    Empty, or a property that only other definitions use.

``label``
    Of a KPI with ``blocking`` codes: what the note names, such as a currency.

Further columns replace these in other definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from kpi_kit.core.model import Kpi
from kpi_kit.kpis.engine.day_grid import local_days
from kpi_kit.kpis.engine.rates import Rates

Tables: TypeAlias = Mapping[str, pd.DataFrame]
UnitFrame: TypeAlias = pd.DataFrame
Clock: TypeAlias = Callable[[pd.Series, pd.Series], np.ndarray]
"""``(from, to) -> hours`` between two series of instants."""
Formula: TypeAlias = Callable[[Tables, "Setting"], UnitFrame]


@dataclass(frozen=True)
class Setting:
    """What a formula gets besides the tables.

    Parameters
    ----------
    zone : str
        The department's time zone.
    as_of : pandas.Timestamp
        The data cut-off.
    settle : pandas.Timedelta
        The age at which figures of a post are settled.
    tolerance : pandas.Timedelta
        The delay with which a planned post is still on time.
    sla_hours : float
        Hours within which an inquiry must be answered.
    elapsed_hours : callable
        ``(from, to) -> hours`` by the response calendar.
    rates : Rates
        The exchange rates of sales.
    sentiments, platforms : tuple of str or None
        The mentions that count; None for all.
    settled_only : bool
        Whether young posts are left out of all rates, for comparisons of periods.
    """

    zone: str
    as_of: pd.Timestamp
    settle: pd.Timedelta
    tolerance: pd.Timedelta
    sla_hours: float
    elapsed_hours: Clock
    rates: Rates = field(default_factory=lambda: Rates("RUB"))
    sentiments: tuple[str, ...] | None = None
    platforms: tuple[str, ...] | None = None
    settled_only: bool = False

    def rate(self, currencies: pd.Series, sold_at: pd.Series) -> pd.Series:
        """The exchange rates of sales on their days, NaN where unknown; no currency means the own one."""
        names = currencies.fillna(self.rates.currency).to_numpy(dtype=object)
        return pd.Series(self.rates.of(names, local_days(sold_at, self.zone)), index=currencies.index)

    def month_settled(self, moments: pd.Series) -> pd.Series:
        """When the figures of the calendar months of some moments are settled."""
        local = moments.dt.tz_convert(self.zone).dt.tz_localize(None)
        months = local.dt.to_period("M")
        return self.midnight((months + 1).dt.to_timestamp().astype("datetime64[us]")) + self.settle

    def midnight(self, days: pd.Series) -> pd.Series:
        """The instants at which days begin in the department's time zone."""
        local: pd.Series = days.dt.tz_localize(self.zone, ambiguous=True, nonexistent="shift_forward")
        instants: pd.Series = local.dt.tz_convert("UTC")
        return instants


def units(
    at: pd.Series,
    owner: pd.Series,
    numerator: Any,
    denominator: Any = 1.0,
    *,
    excluded: Any = "",
    remark: Any = "",
    trait: Any = "",
    **more: Any,
) -> UnitFrame:
    """Make a unit frame; ``owner`` is the series ``account_id`` or ``brand``."""
    columns = {
        "at": at,
        str(owner.name): owner,
        "numerator": _floats(numerator, len(at)),
        "denominator": _floats(denominator, len(at)),
        "excluded": excluded,
        "remark": remark,
        "trait": trait,
        **more,
    }
    return pd.DataFrame(columns, index=at.index)


def _floats(values: Any, length: int) -> np.ndarray:
    if isinstance(values, pd.Series):
        return values.to_numpy(dtype="float64", na_value=np.nan)
    return np.broadcast_to(np.asarray(values, dtype="float64"), length)


def first_code(length: int, *cases: tuple[str, Any]) -> np.ndarray:
    """The code of the first case that holds for each row, or the empty string.

    Examples
    --------
    >>> first_code(3, ("deleted", [True, False, False]), ("young", [True, True, False])).tolist()
    ['deleted', 'young', '']
    """
    codes = np.full(length, "", dtype=object)
    for code, holds in reversed(cases):
        codes[np.asarray(holds, dtype=bool)] = code
    return codes


def flagged(column: pd.Series) -> np.ndarray:
    """Where a nullable flag is true."""
    return column.fillna(False).to_numpy(dtype=bool)


def kpi(**declaration: Any) -> Callable[[Formula], Kpi]:
    """Declare a KPI: the name of the formula is its id, its module the family."""

    def declare(formula: Formula) -> Kpi:
        family = formula.__module__.rpartition(".")[2]
        return Kpi(id=formula.__name__, family=family, units=formula, **declaration)

    return declare
