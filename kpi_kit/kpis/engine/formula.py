"""KPIs by formula: a KPI or spend, divided by another KPI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import pandas as pd

from kpi_kit.core.model import Aggregation, Better, Interval, Kpi, Stock, Unit
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame, first_code, kpi, units

Maker: TypeAlias = Callable[[str, str, str, float, Unit, Better, str], Kpi]
"""``(id, numerator, denominator, per, unit, better, family) -> KPI``; the same arguments, the same object."""


@kpi(
    group=0,
    unit=Unit.MONEY,
    better=Better.LOWER,
    aggregation=Aggregation.SUM,
    interval=Interval.FLOW,
    tables=("spend",),
    blocking=("spend_rate_missing",),
    source="ad account: costs",
)
def spend(tables: Tables, setting: Setting) -> UnitFrame:
    """Σ amount in the department's currency, by the rate of the day; a part of formulas, not a KPI."""
    rows = tables["spend"]
    at = setting.midnight(rows["date"])
    rate = setting.rate(rows["currency"], at)
    remark = first_code(len(rows), ("spend_rate_missing", rate.isna()))
    return units(at, rows["account_id"], rows["amount"] * rate, remark=remark, label=rows["currency"])


def numerators(catalogue: Iterable[Kpi]) -> dict[str, Kpi]:
    """What can be divided by another KPI: spend, and sums over rows of accounts."""
    return {kpi.id: kpi for kpi in (*catalogue, spend) if _is_sum(kpi)}


def denominators(catalogue: Iterable[Kpi]) -> dict[str, Kpi]:
    """By what it can be divided: by the same, and by levels of accounts."""
    return {
        kpi.id: kpi for kpi in (*catalogue, spend) if _is_sum(kpi) or kpi.aggregation is Aggregation.LEVEL
    }


def _is_sum(kpi: Kpi) -> bool:
    return kpi.aggregation is Aggregation.SUM and kpi.scope == "account_id"


def maker(above: Mapping[str, Kpi], below: Mapping[str, Kpi], catalogue: Sequence[Kpi]) -> Maker:
    """The function that makes KPIs of these parts; the group is that of the first KPI of the family."""

    @lru_cache(maxsize=256)
    def make(
        name: str, numerator: str, denominator: str, per: float, unit: Unit, better: Better, family: str
    ) -> Kpi:
        parts = above[numerator], below[denominator]
        group = next(kpi.group for kpi in (*parts, *catalogue) if kpi.family == family)
        return quotient(*parts, per, id=name, group=group, unit=unit, better=better, family=family)

    return make


def quotient(numerator: Kpi, denominator: Kpi, per: float, **declaration: Any) -> Kpi:
    """The KPI ``per × numerator / denominator``.

    The value of a bucket is the quotient of the values that both KPIs have in it. Over a level it accrues
    like the numerator.

    Parameters
    ----------
    numerator, denominator : Kpi
        See :func:`numerators` and :func:`denominators`.
    per : float
    **declaration
        Id, group, unit, better and family of the KPI.
    """
    tables = tuple(dict.fromkeys((*numerator.tables, *denominator.tables)))
    common: dict[str, Any] = {
        "tables": tables,
        "aggregation": Aggregation.RATIO,
        "source": f"{numerator.id} / {denominator.id}",
        "parts": (numerator, denominator),
        "per": per,
        **declaration,
    }
    if denominator.aggregation is Aggregation.LEVEL:
        return replace(numerator, stock=Stock.CLOSING, shock=None, alternatives=(), **common)
    has_gains = numerator.gains or denominator.gains
    return Kpi(
        units=_Quotient(numerator, denominator, per),
        interval=Interval.NONE if has_gains else Interval.RATIO,
        matures=tuple(dict.fromkeys((*numerator.matures, *denominator.matures))),
        **common,
    )


@dataclass(frozen=True)
class _Quotient:
    """The formula of a quotient: the units of the numerator, then those of the denominator.

    ``part`` is 0 or 1, ``amount`` what their own KPI counts.
    """

    numerator: Kpi
    denominator: Kpi
    per: float

    def __call__(self, tables: Tables, setting: Setting) -> UnitFrame:
        above, below = (_plain(part.units(tables, setting)) for part in (self.numerator, self.denominator))
        above = above.assign(part=0, amount=above["numerator"], denominator=0.0)
        amount = below["numerator"]
        below = below.assign(part=1, amount=amount, numerator=0.0, denominator=amount / self.per)
        filled = [frame for frame in (above, below) if len(frame)]
        frame: UnitFrame = pd.concat(filled) if filled else above
        return frame


def _plain(frame: UnitFrame) -> UnitFrame:
    """The columns that every unit frame has, and the labels of blocking rows."""
    labelled = frame if "label" in frame else frame.assign(label="")
    return labelled[["at", "account_id", "numerator", "excluded", "remark", "trait", "label"]]


def part_of(frame: UnitFrame, number: int) -> UnitFrame:
    """The units of a quotient's numerator (0) or denominator (1), as their own KPI has them."""
    rows = frame[frame["part"] == number]
    part: UnitFrame = rows.assign(numerator=rows["amount"], denominator=1.0)
    return part
