"""The canonical data tables: columns, types, keys and order of columns.

Importers produce these tables, the store checks and reads them, formulas use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

PLATFORMS = ("vk", "telegram", "dzen", "ok", "youtube", "instagram", "tiktok", "other")
INQUIRY_KINDS = ("comment", "message", "review")
SENTIMENTS = ("positive", "neutral", "negative")
LEAD_STATUSES = ("open", "won", "lost")
FURTHER_DEAL = "/deal:"
"""Stands in the id of a further deal of a lead, ``lead:15/deal:17``: a sale, but no lead."""
UNKNOWN_SOURCE = ""
"""``leads.source`` of rows that are older than the column or written by hand."""
COUNTS = "subscribers"
"""Stands in ``coverage`` in place of ``audience``: days of which only counts of subscribers were imported."""
LEFT = "left"
"""Coverage of the days of which ``audience`` also says who left."""


def covered_table(name: str) -> str:
    """The table whose days a row of ``coverage`` names."""
    return "audience" if name == COUNTS else name


class Type(StrEnum):
    """Column types."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"
    COUNT = "count"
    NUMBER = "number"
    FLAG = "flag"


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Parameters
    ----------
    name : str
    type : Type
    nullable : bool
        Whether a cell may be empty, which means *unknown*.
    required : bool
        Whether the column must be present; an absent nullable column means that all its cells are unknown.
    allowed : tuple of str
        The allowed values; empty where any text is.
    default : str or None
        The value of an empty cell or absent column, where data may be older than the column.
    """

    name: str
    type: Type
    nullable: bool = False
    required: bool = True
    allowed: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class Table:
    """One canonical table.

    Parameters
    ----------
    name : str
    columns : tuple of Column
    key : tuple of str
        The columns that identify a row.
    clock : str or None
        The column that dates a row, for coverage and slicing.
    scope : str or None
        The column of the owner: ``account_id`` or ``brand``.
    ordered : tuple of (str, str)
        Pairs of columns in order of time: the first is not after the second, and ``since`` is before
        ``until``.
    scheduled : bool
        Whether rows after the cut-off are kept, as those of a plan.
    signed : bool
        Whether numbers may be negative.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    clock: str | None = None
    scope: str | None = None
    ordered: tuple[tuple[str, str], ...] = ()
    scheduled: bool = False
    signed: bool = False

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that a file must have."""
        return tuple(column.name for column in self.columns if column.required)


_ALLOWED = {
    "platform": PLATFORMS,
    "kind": INQUIRY_KINDS,
    "sentiment": SENTIMENTS,
    "status": LEAD_STATUSES,
}


def _column(text: str) -> Column:
    """Read ``name:type``; ``name?`` may be empty or absent, ``name!`` may be empty but not absent."""
    head, _, kind = text.partition(":")
    name = head.rstrip("?!")
    allowed = _ALLOWED.get(name, ())
    default = UNKNOWN_SOURCE if name == "source" else None
    return Column(name, Type(kind or "text"), name != head, not head.endswith("?"), allowed, default)


def _table(
    name: str,
    columns: str,
    key: str,
    clock: str | None = None,
    scope: str | None = None,
    ordered: tuple[tuple[str, str], ...] = (),
    scheduled: bool = False,
    signed: bool = False,
) -> Table:
    described = tuple(map(_column, columns.split()))
    return Table(name, described, tuple(key.split()), clock, scope, ordered, scheduled, signed)


_ALL = (
    _table("accounts", "account_id platform title url? opened?:date closed?:date", "account_id"),
    _table(
        "audience",
        "date:date account_id subscribers:count joined?:count left?:count",
        "account_id date",
        clock="date",
        scope="account_id",
    ),
    _table(
        "posts",
        "account_id post_id published_at:time views?:count likes?:count comments?:count reposts?:count "
        "reach?:count on_brand?:flag stats_at?:time deleted_at?:time url? text? format?",
        "account_id post_id",
        clock="published_at",
        scope="account_id",
    ),
    _table(
        "post_stats",
        "account_id post_id stats_at:time views?:count likes?:count comments?:count reposts?:count",
        "account_id post_id stats_at",
        clock="stats_at",
        scope="account_id",
    ),
    _table(
        "post_increments",
        "account_id post_id since:date until:date views?:count likes?:count comments?:count reposts?:count",
        "account_id post_id since until",
        clock="since",
        scope="account_id",
        ordered=(("since", "until"),),
        signed=True,
    ),
    _table(
        "comments",
        "account_id comment_id post_id created_at:time by_brand!:flag text? meaningful?:flag",
        "account_id comment_id",
        clock="created_at",
        scope="account_id",
    ),
    _table(
        "messages",
        "account_id dialog_id message_id kind at:time by_brand:flag author? reply_to? automatic?:flag "
        "closing?:flag",
        "account_id dialog_id message_id",
        clock="at",
        scope="account_id",
    ),
    _table(
        "inquiries",
        "account_id inquiry_id kind received_at:time answered_at?:time",
        "account_id inquiry_id",
        clock="received_at",
        scope="account_id",
        ordered=(("received_at", "answered_at"),),
    ),
    _table(
        "leads",
        "source lead_id account_id created_at:time qualified?:flag status? sold_at?:time "
        "sale_amount?:number currency? refunded_at?:time",
        "source lead_id",
        clock="created_at",
        scope="account_id",
    ),
    _table(
        "traffic",
        "date:date account_id visits:count visitors?:count",
        "account_id date",
        clock="date",
        scope="account_id",
    ),
    _table(
        "brand_queries",
        "since:date until:date brand phrase queries:count",
        "brand phrase since until",
        clock="since",
        scope="brand",
        ordered=(("since", "until"),),
    ),
    _table(
        "mentions",
        "brand mention_id mentioned_at:time platform? sentiment? by_brand?:flag",
        "brand mention_id",
        clock="mentioned_at",
        scope="brand",
    ),
    _table(
        "plan",
        "account_id plan_id due_at:time approved:flag post_id? on_brand?:flag approved_at?:time "
        "cancelled_at?:time",
        "account_id plan_id",
        clock="due_at",
        scope="account_id",
        scheduled=True,
    ),
    _table(
        "totals",
        "account_id measure since:date until:date value:number",
        "account_id measure since until",
        clock="since",
        scope="account_id",
        ordered=(("since", "until"),),
    ),
    _table(
        "spend",
        "date:date account_id amount:number currency",
        "account_id date",
        clock="date",
        scope="account_id",
    ),
    _table(
        "coverage",
        "table scope since:date until:date",
        "table scope since",
        clock="since",
        ordered=(("since", "until"),),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})
"""Every canonical table by name."""
