"""Types of one entry of the scorecard JSON, and of what its statistics say.

A key that is ``NotRequired`` is missing in scorecards of older kits, or where its docstring says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypeAlias, TypedDict, TypeVar, cast

from kpi_kit.params.formulas import Formula

T = TypeVar("T")

NoteRecord: TypeAlias = Mapping[str, Any]
"""``code``, and the figures of that code; :class:`kpi_kit.core.model.Note` as JSON."""

Scope: TypeAlias = dict[str, list[str]]
"""``accounts``, ``platforms`` or ``brands`` to which an entry is narrowed."""

ChanceChecks: TypeAlias = Mapping[str, "ChanceCheck"]
"""The back-test of each KPI."""

REAL = 0.05
"""The false-discovery rate at which a change is called real."""


class ChangeRecord(TypedDict):
    """A change against an earlier period: its interval, p, q, and whether it is real (q ≤ 0.05)."""

    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    raw: float | None
    method: str
    reason: str | None
    dispersion: float | None
    q: float | None
    real: bool | None


class YearAgo(TypedDict):
    """The value of a year ago, and the change against it."""

    value: float
    change: ChangeRecord | None


class SameDays(TypedDict):
    """The first days of a period that is not over, and the same days of an earlier one.

    ``days`` and ``earlier_days`` are the first day and the day after the last one; ``left_out`` are the
    accounts or brands that are in neither.
    """

    days: list[str]
    earlier_days: list[str]
    value: float
    before: float
    change: ChangeRecord
    left_out: list[str]


class ToDate(TypedDict):
    """The comparisons of an entry, as a value, with the same days of earlier periods."""

    previous: SameDays | None
    year_ago: SameDays | None


class TrendLine(TypedDict):
    """The line through the weeks; ``start`` and ``end`` hold low, middle and high."""

    first: int
    last: int
    start: list[float]
    middle: float
    end: list[float]


class TrendRecord(TypedDict):
    """The trend of the weeks, or of the periods where a KPI has no weekly data."""

    grain: str
    n: int
    slope: float | None
    low: float | None
    high: float | None
    rho: float | None
    p: float | None
    verdict: str | None
    seasonal: bool
    method: str
    reason: str | None
    line: TrendLine | None
    since: str | None
    p_season: float | None
    p_break: float | None
    q: float | None


class TargetRecord(TypedDict):
    """A target: ``kind`` is ``at_least``, ``at_most`` or ``between``; a band has two values and no base."""

    kind: str
    value: float | list[float]
    base: float | None


class Definition(TypedDict):
    """The value of an entry under one definition of its KPI; ``turns``: it contradicts the reported one."""

    id: str
    value: float | None
    attained: bool | None
    turns: bool
    reason: NoteRecord | None


class Robustness(TypedDict):
    """Under how many of the definitions the target is met."""

    attained: int
    of: int
    definitions: list[Definition]


class ChanceCheck(TypedDict):
    """The back-test of a KPI's chances, over all specialists."""

    n: int
    brier: float | None
    base_brier: float | None
    coverage80: float | None
    verdict: str
    why: str | None


class ControlLimits(TypedDict):
    """Limits between which the facts of the history usually lie."""

    n: int
    centre: float | None
    low: float | None
    high: float | None
    reason: str | None


class ShockRecord(TypedDict):
    """A week in which all accounts of a platform moved the same way."""

    platform: str
    week: str
    direction: str
    median: float
    accounts: int


class HistoryPoint(TypedDict):
    """A period of the history: its fact, its target, and whether the fact is outside the limits."""

    period: str
    value: float | None
    target: float | list[float] | None
    outside: bool | None


class WeekPoint(TypedDict):
    """The value of a week."""

    week: str
    value: float | None


class OwnerValue(TypedDict):
    """The value of one account or one brand."""

    account_id: NotRequired[str]
    brand: NotRequired[str]
    value: float | None
    numerator: float | None
    denominator: float | None


class Proposal(TypedDict):
    """What the audit proposes: another target with its chance, or the data to import."""

    kind: NotRequired[str]
    per: NotRequired[str | None]
    value: NotRequired[float | list[float]]
    chance: NotRequired[float]
    tables: NotRequired[list[str]]
    periods: NotRequired[list[str]]


class Finding(TypedDict):
    """What the SMART audit finds wrong: a code, and the figures of that code."""

    code: str
    letter: NotRequired[str]
    count: NotRequired[int]
    of: NotRequired[int]
    least: NotRequired[int]
    most: NotRequired[int]
    periods: NotRequired[list[str]]
    period: NotRequired[str]
    chance: NotRequired[float]
    by: NotRequired[str]
    family: NotRequired[str]
    share: NotRequired[float]
    kpi: NotRequired[str]
    pairs: NotRequired[list[str]]
    target: NotRequired[Proposal]
    proposal: NotRequired[Proposal | None]


ValueUnit = TypedDict("ValueUnit", {"as": str, "unit": str})
"""How a value is written: its unit, and whether it is a value, change or growth."""


class FormulaRecord(TypedDict):
    """The formula of a KPI of ``kpis.yml``; ``title`` is by language."""

    id: str
    title: dict[str, str]
    numerator: str
    denominator: str
    per: float
    unit: str
    better: str
    family: str


_EntryName = TypedDict(
    "_EntryName",
    {
        "kpi": str,
        "as": str,
        "versus": str,
        "scope": Scope | None,
        "unit": str,
        "formula": NotRequired[FormulaRecord],
    },
)


class EarlierEntry(_EntryName):
    """What of an entry is compared with a later report of the same period."""

    value: float | None
    target: TargetRecord | None
    attained: bool | None
    payout: float | None


class EntryRecord(EarlierEntry):
    """An entry of the scorecard: one KPI of the person, measured."""

    group: int
    family: str
    better: str
    standard: bool
    accruing: bool
    numerator: float | None
    denominator: float | None
    units: int
    coverage: float | None
    assessable: bool
    notes: list[NoteRecord]
    current: float | None
    previous: float | None
    change: ChangeRecord | None
    year_ago: YearAgo | None
    trend: TrendRecord
    attainment: float | None
    robustness: Robustness | None
    weight: float
    chance: float | None
    chance_band: list[float] | None
    chance_period: str | None
    chance_check: ChanceCheck | None
    control: ControlLimits
    shocks: list[ShockRecord]
    history: list[HistoryPoint]
    weeks: list[WeekPoint]
    accounts: list[OwnerValue]
    brands: list[OwnerValue]
    smart: dict[str, bool | None]
    audit: list[Finding]
    to_date: NotRequired[ToDate | None]
    verdict: NotRequired[str]
    reason: NotRequired[Reason | None]


class Reason(TypedDict):
    """Why an entry or a total falls short: a code of :mod:`kpi_kit.scorecard.verdict`, and its figures.

    ``entry`` is the place of the entry that a total is about.
    """

    code: str
    count: NotRequired[int]
    share: NotRequired[float]
    platform: NotRequired[str]
    entry: NotRequired[int]


class NextStep(TypedDict):
    """Something to do: a code, how many rows it is about, and the rows."""

    code: str
    count: int
    rows: list[Any]


class PastTotal(TypedDict):
    """The total of a period, computed anew."""

    period: str
    value: float | None


class PreviousTotal(PastTotal):
    """The total of the previous period; ``reported``: as its report has it, not computed anew."""

    reported: bool


def effect(record: EntryRecord, difference: float) -> str | None:
    """Whether a difference of an entry is ``better`` or ``worse``; None for 0 and for a band.

    Examples
    --------
    >>> effect({"better": "lower", "target": None}, -3.0)
    'better'
    >>> effect({"better": "lower", "target": {"kind": "between"}}, -3.0)
    """
    if difference == 0 or (record["target"] is not None and record["target"]["kind"] == "between"):
        return None
    return "better" if (difference > 0) == (record["better"] == "higher") else "worse"


def formula_record(formula: Formula) -> FormulaRecord:
    """A formula for a record."""
    return cast(FormulaRecord, formula.record())


def required(value: T | None) -> T:
    """The value of a field that cannot be None, because another field says so.

    Examples
    --------
    >>> required(0.04)
    0.04
    """
    if value is None:
        raise ValueError("the scorecard lacks a figure that its other fields promise")
    return value
