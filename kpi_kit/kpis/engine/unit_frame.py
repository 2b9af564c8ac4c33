"""The unit frame: what every formula returns, and the setting that it may look at.

A unit frame has one row a sampling unit (a post, an inquiry, a lead, an account-day) and the columns

``at``
    The instant that puts the unit into a bucket.
``account_id`` or ``brand``
    Whose the unit is.
``numerator``, ``denominator``
    What is added up; NaN where a needed value is unknown: the kit leaves the row out and counts it.
``excluded``
    Empty, or the note code under which the definition leaves the row out.
``remark``
    Empty, or the note code under which a row that does count is mentioned.
``trait``
    Empty, or what another usual definition may look at: nothing is said of it.

Further columns are those that another definition may take instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from kpi_kit.core.model import Kpi

Tables: TypeAlias = Mapping[str, pd.DataFrame]
UnitFrame: TypeAlias = pd.DataFrame
Clock: TypeAlias = Callable[[pd.Series, pd.Series], np.ndarray]
"""``(from, to) -> hours`` between two series of instants."""
Formula: TypeAlias = Callable[[Tables, "Setting"], UnitFrame]


@dataclass(frozen=True)
class Setting:
    """What a formula may know besides the tables.

    Parameters
    ----------
    zone : str
        The department's time zone.
    as_of : pandas.Timestamp
        The data cut-off.
    settle : pandas.Timedelta
        Age at which the figures of a post count as settled.
    tolerance : pandas.Timedelta
        How late a planned post still counts as on time.
    sla_hours : float
        Hours within which an inquiry is to be answered.
    elapsed_hours : callable
        ``(from, to) -> hours`` between two series of instants by the response calendar.
    sentiments, platforms : tuple of str or None
        The mentions that count; None for all.
    settled_only : bool
        Whether every rate over posts leaves young posts out, as a comparison of periods does.
    """

    zone: str
    as_of: pd.Timestamp
    settle: pd.Timedelta
    tolerance: pd.Timedelta
    sla_hours: float
    elapsed_hours: Clock
    sentiments: tuple[str, ...] | None = None
    platforms: tuple[str, ...] | None = None
    settled_only: bool = False

    def midnight(self, days: pd.Series) -> pd.Series:
        """The instants at which calendar days begin in the department's time zone."""
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
    """Put a unit frame together; ``owner`` is the series ``account_id`` or ``brand``."""
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
    """Where a nullable flag is known to be true."""
    return column.fillna(False).to_numpy(dtype=bool)


def kpi(**declaration: Any) -> Callable[[Formula], Kpi]:
    """Declare a KPI: the decorated formula's name is its id, its module the family."""

    def declare(formula: Formula) -> Kpi:
        family = formula.__module__.rpartition(".")[2]
        return Kpi(id=formula.__name__, family=family, units=formula, **declaration)

    return declare
