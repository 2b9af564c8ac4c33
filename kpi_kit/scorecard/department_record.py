"""Types of what stands beside the scorecards: the department's view, and the shocks of platforms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypeAlias, TypedDict

from kpi_kit.scorecard.entry_record import ShockRecord

PlatformShocks: TypeAlias = Mapping[str, Mapping[str, "WeeklyShocks"]]
"""The weeks of each platform and measure."""


class WeekOfPlatform(TypedDict):
    """How the accounts of a platform moved in a week; ``common`` is ``fell``, ``rose``, ``quiet`` or None."""

    week: str
    median: float | None
    accounts: int
    same_way: float | None
    common: str | None


class WeeklyShocks(TypedDict):
    """The weeks of a platform's measure; the median change usually lies between ``low`` and ``high``."""

    low: float | None
    high: float | None
    weeks: list[WeekOfPlatform]


class FunnelPoint(TypedDict):
    """A person, or an account of theirs, in a funnel."""

    specialist: str
    name: str
    account_id: NotRequired[str]
    value: float
    volume: float


class FunnelLimits(TypedDict):
    """The 95 % and 99.8 % limits of a funnel at some volume."""

    low95: float | None
    high95: float | None
    low998: float | None
    high998: float | None


class JudgedPoint(FunnelPoint, FunnelLimits):
    """A point with the limits at its volume; ``outside`` is ``unusual``, ``exceptional`` or None."""

    z: float | None
    outside: str | None


class FunnelCurvePoint(FunnelLimits):
    """The limits at a volume of the curve."""

    volume: float


class FunnelRecord(TypedDict):
    """The funnel of a KPI: who differs from the rest by more than chance."""

    kpi: str
    unit: str
    better: str
    by: str
    centre: float | None
    dispersion: float | None
    reason: str | None
    points: list[JudgedPoint]
    curve: list[FunnelCurvePoint]


class DepartmentShock(ShockRecord):
    """A shock with the measure that moved."""

    measure: str | None


class ExceptionRecord(TypedDict):
    """An entry that needs a decision: ``entry`` is its place, ``reasons`` are codes."""

    specialist: str
    kpi: str
    entry: int
    reasons: list[str]
    attainment: float | None
    q_department: float | None


class TableRecord(TypedDict):
    """How much of a table of an account or brand is there: ``here``, ``partial``, … by month."""

    owner: str
    table: str
    months: dict[str, str]


class DepartmentView(TypedDict):
    """What the department's report shows beside the scorecards."""

    schema: int
    funnels: list[FunnelRecord]
    shocks: list[DepartmentShock]
    exceptions: list[ExceptionRecord]
    tables: NotRequired[list[TableRecord]]
