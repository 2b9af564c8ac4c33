"""Types of the scorecard JSON: one TypedDict for each part, so that mypy follows a field to the page.

A key that is ``NotRequired`` is missing in scorecards of older kits, or where its docstring says so.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypeAlias, TypedDict

from kpi_kit.scorecard.entry_record import (
    EarlierEntry,
    EntryRecord,
    Finding,
    FormulaRecord,
    NextStep,
    NoteRecord,
    PastTotal,
    PreviousTotal,
    Reason,
    Scope,
)

TableHashes: TypeAlias = dict[str, dict[str, dict[str, str]]]
"""Hashes of rows by table, account or brand, and month."""


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
    formula: NotRequired[FormulaRecord]
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
        "formula": NotRequired[FormulaRecord],
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
    """A person × period: the only source of every number shown.

    ``called`` has the titles of brands and the names of colleagues, by id.
    """

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
    called: NotRequired[dict[str, str]]
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
