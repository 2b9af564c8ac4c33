"""Types of the scorecard JSON: one TypedDict for each part, so that mypy follows a field to the page.

A key that is ``NotRequired`` is missing in scorecards of older kits, or where its docstring says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypeAlias, TypedDict, TypeVar

T = TypeVar("T")

NoteRecord: TypeAlias = Mapping[str, Any]
"""``code``, and the figures of that code; :class:`kpi_kit.core.model.Note` as JSON."""

Scope: TypeAlias = dict[str, list[str]]
"""``accounts``, ``platforms`` or ``brands`` to which an entry is narrowed."""

ChanceChecks: TypeAlias = Mapping[str, "ChanceCheck"]
"""The back-test of each KPI."""

PlatformShocks: TypeAlias = Mapping[str, Mapping[str, "WeeklyShocks"]]
"""The weeks of each platform and measure."""

TableHashes: TypeAlias = dict[str, dict[str, dict[str, str]]]
"""Hashes of rows by table, account or brand, and month."""


# ---- an entry


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
    proposal: NotRequired[Proposal | None]


ValueUnit = TypedDict("ValueUnit", {"as": str, "unit": str})
"""How a value is written: its unit, and whether it is a value, change or growth."""

_EntryName = TypedDict(
    "_EntryName", {"kpi": str, "as": str, "versus": str, "scope": Scope | None, "unit": str}
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


# ---- sections


class AudienceRow(TypedDict):
    """Subscribers of an account on the days held."""

    account_id: str
    opening: float | None
    closing: float | None
    joined: float | None
    left: float | None


class PlanRow(TypedDict):
    """An item of the content plan, and its status."""

    plan_id: str
    account_id: str
    due_at: str
    post_id: str | None
    url: str | None
    status: str


class CurvePoint(TypedDict):
    """The share of inquiries answered within some hours."""

    hours: float
    answered: float


class OverdueInquiry(TypedDict):
    """An inquiry without an answer past the SLA, with the hours since it was received."""

    account_id: str
    received_at: str
    hours: float


class ResponseTimes(TypedDict):
    """How fast inquiries were answered."""

    sla_hours: float
    calendar: str
    received: int
    due: int
    in_time: int | None
    unanswered: int
    curve: list[CurvePoint]
    overdue: NotRequired[list[OverdueInquiry]]


class LeadFunnel(TypedDict):
    """Leads, qualified leads and sales; ``unknown``: leads that nobody has qualified."""

    leads: float
    qualified: float | None
    unknown: int
    sold: float | None
    amount: float | None


class PostRow(TypedDict):
    """One of the best or weakest posts."""

    published_at: str
    post_id: str
    account_id: str
    views: float | None
    likes: float | None
    view_rate: float | None
    url: str | None
    text: str | None
    reach: NotRequired[float | None]
    format: NotRequired[str | None]


class RankedPosts(TypedDict):
    """The posts with the highest and the lowest view rate within their account, account by account."""

    best: list[PostRow]
    weakest: list[PostRow]


class DeletedPost(TypedDict):
    """A post that was deleted before the cut-off."""

    post_id: str
    account_id: str
    published_at: str
    deleted_at: str


class Sections(TypedDict):
    """What a report shows beside the entries; None where there is nothing."""

    audience: list[AudienceRow]
    plan: list[PlanRow]
    response: ResponseTimes | None
    funnel: LeadFunnel | None
    posts: RankedPosts
    deleted: list[DeletedPost]


# ---- the whole report


class Brand(TypedDict):
    """The logo as a ``data:`` address, and the accent colour."""

    logo: str | None
    accent: str | None


class ScoringRecord(TypedDict):
    """How attainment is paid; see :class:`kpi_kit.params.targets.Scoring`."""

    threshold: float
    payout_at_threshold: float
    cap: float
    not_assessable: str


class AccountRecord(TypedDict):
    """An account, as the table ``accounts`` has it."""

    account_id: str
    platform: str
    title: str
    url: str | None


class Assignment(AccountRecord):
    """An account of the person, with the days from which and until which it is theirs."""

    since: str | None
    until: str | None


class Absence(TypedDict):
    """Days on which a deputy answers and publishes."""

    since: str
    until: str
    deputy: str | None


class Bonus(TypedDict):
    """A share of the sales, paid beside the total."""

    sales_amount: float | None
    share: float
    cap: float | None
    amount: float | None
    refunds: NotRequired[str]
    months: NotRequired[list[BonusMonth]]


class BonusMonth(TypedDict):
    """The bonus of a calendar month; ``refunds`` are of sales whose own month had settled before."""

    month: str
    sales_amount: float | None
    earned: float | None
    refunds: int
    refunded: float | None
    refund_share: float | None
    amount: float | None


class VariablePay(TypedDict):
    """Variable pay: that of a month, the share of the days that count, and the part by the total."""

    monthly: float
    share: float
    amount: float
    payout: float | None


class DeputisedEntry(TypedDict("_EntryAs", {"as": str})):
    """An entry of an absent colleague over the days of the absence."""

    kpi: str
    versus: str
    scope: Scope | None
    unit: str
    value: float | None
    numerator: float | None
    denominator: float | None
    units: int
    notes: list[NoteRecord]


class DeputyFor(TypedDict):
    """The entries of an absent colleague for whom the person stands in; they are never paid."""

    specialist: str
    name: str
    since: str
    until: str
    kpis: list[DeputisedEntry]


class EventRecord(TypedDict):
    """An event of ``events.yml``; ``title`` is by language, ``concerns`` are accounts and brands."""

    title: dict[str, str]
    kind: str
    since: str
    until: str
    concerns: list[str]


class UnusualDay(TypedDict):
    """A day far outside the account's own pattern; ``events`` are places in the scorecard's events."""

    date: str
    account_id: str
    measure: str
    fact: float
    low: float
    high: float
    direction: str
    kpis: list[str]
    events: list[int]


_Is = TypedDict("_Is", {"is": NotRequired[str]})


class RevisionCause(_Is):
    """Why a figure differs: ``kind`` is ``data``, ``params``, ``kit`` or ``as_of``; the rest says where."""

    kind: str
    table: NotRequired[str | None]
    owners: NotRequired[list[str]]
    imported_at: NotRequired[str | None]
    files: NotRequired[str | None]
    file: NotRequired[str | None]
    keys: NotRequired[list[str]]
    was: NotRequired[str]


Revision = TypedDict(
    "Revision",
    {
        "kpi": str | None,
        "as": str | None,
        "versus": str | None,
        "scope": Scope | None,
        "unit": str | None,
        "field": str,
        "was": Any,
        "is": Any,
        "since": str,
        "cause": list[RevisionCause],
    },
)
"""A figure that differs from the first report; all of kpi to unit are None for total and bonus."""


class Provenance(TypedDict):
    """Hashes of everything that the scorecard was made from."""

    kit: str
    data: str
    params: str
    notebook: str | None
    source: NotRequired[str]
    libraries: NotRequired[dict[str, str]]
    across: NotRequired[str | None]
    tables: NotRequired[TableHashes]
    settings: NotRequired[dict[str, dict[str, Any]]]
    cells: NotRequired[dict[str, str]]
    imported: NotRequired[str | None]
    seal: NotRequired[str]


class _Summary(TypedDict):
    schema: int
    specialist: str
    period: str
    as_of: str
    interim: bool
    preliminary: bool
    total: float | None
    bonus: Bonus | None
    provenance: Provenance


class EarlierScorecard(_Summary):
    """What of a scorecard is compared with a later report of the same period."""

    kpis: list[EarlierEntry]


class Scorecard(_Summary):
    """A person × period: the only source of every number shown."""

    name: str
    agency: str
    language: str
    timezone: str
    currency: str
    brand: Brand
    attained: int
    assessable: int
    scoring: ScoringRecord
    assignments: list[Assignment]
    deputised: list[AccountRecord]
    brands: list[str]
    absences: list[Absence]
    notes: list[NoteRecord]
    kpis: list[EntryRecord]
    audit: list[Finding]
    sections: Sections
    events: list[EventRecord]
    anomalies: list[UnusualDay]
    restated: list[Revision]
    comment: NotRequired[str | None]
    variable_pay: NotRequired[VariablePay | None]
    deputy_for: NotRequired[list[DeputyFor]]
    verdict: NotRequired[str]
    reason: NotRequired[Reason]
    next: NotRequired[list[NextStep]]
    total_previous: NotRequired[PreviousTotal | None]
    totals: NotRequired[list[PastTotal]]


AnyScorecard: TypeAlias = Scorecard | EarlierScorecard


# ---- beside the scorecards


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


class DepartmentView(TypedDict):
    """What the department's report shows beside the scorecards."""

    schema: int
    funnels: list[FunnelRecord]
    shocks: list[DepartmentShock]
    exceptions: list[ExceptionRecord]


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
