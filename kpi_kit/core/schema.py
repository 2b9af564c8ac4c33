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
    """

    name: str
    type: Type
    nullable: bool = False
    required: bool = True
    allowed: tuple[str, ...] = ()


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
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    clock: str | None = None
    scope: str | None = None
    ordered: tuple[tuple[str, str], ...] = ()
    scheduled: bool = False

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


def _column(text: str) -> Column:
    """Read ``name:type``; ``name?`` may be empty or absent, ``name!`` may be empty but not absent."""
    head, _, kind = text.partition(":")
    name = head.rstrip("?!")
    allowed = {"platform": PLATFORMS, "kind": INQUIRY_KINDS, "sentiment": SENTIMENTS}.get(name, ())
    return Column(name, Type(kind or "text"), name != head, not head.endswith("?"), allowed)


def _table(
    name: str,
    columns: str,
    key: str,
    clock: str | None = None,
    scope: str | None = None,
    ordered: tuple[tuple[str, str], ...] = (),
    scheduled: bool = False,
) -> Table:
    described = tuple(map(_column, columns.split()))
    return Table(name, described, tuple(key.split()), clock, scope, ordered, scheduled)


_ALL = (
    _table("accounts", "account_id platform title url? opened?:date", "account_id"),
    _table(
        "audience",
        "date:date account_id subscribers:count joined?:count left?:count",
        "date account_id",
        clock="date",
        scope="account_id",
    ),
    _table(
        "posts",
        "post_id account_id published_at:time views?:count likes?:count comments?:count reposts?:count "
        "reach?:count on_brand?:flag stats_at?:time deleted_at?:time url? text?",
        "post_id",
        clock="published_at",
        scope="account_id",
    ),
    _table(
        "post_stats",
        "post_id stats_at:time views?:count likes?:count comments?:count reposts?:count",
        "post_id stats_at",
        clock="stats_at",
    ),
    _table(
        "comments",
        "comment_id post_id account_id created_at:time by_brand!:flag text? meaningful?:flag",
        "comment_id",
        clock="created_at",
        scope="account_id",
    ),
    _table(
        "inquiries",
        "inquiry_id account_id kind received_at:time answered_at?:time",
        "inquiry_id",
        clock="received_at",
        scope="account_id",
        ordered=(("received_at", "answered_at"),),
    ),
    _table(
        "leads",
        "lead_id account_id created_at:time qualified?:flag sold_at?:time sale_amount?:number currency? "
        "refunded_at?:time",
        "lead_id",
        clock="created_at",
        scope="account_id",
    ),
    _table(
        "traffic",
        "date:date account_id visits:count visitors?:count",
        "date account_id",
        clock="date",
        scope="account_id",
    ),
    _table(
        "brand_queries",
        "since:date until:date brand phrase queries:count",
        "since until brand phrase",
        clock="since",
        scope="brand",
        ordered=(("since", "until"),),
    ),
    _table(
        "mentions",
        "mention_id brand mentioned_at:time platform? sentiment? by_brand?:flag",
        "mention_id",
        clock="mentioned_at",
        scope="brand",
    ),
    _table(
        "plan",
        "plan_id account_id due_at:time approved:flag post_id? approved_at?:time cancelled_at?:time",
        "plan_id",
        clock="due_at",
        scope="account_id",
        scheduled=True,
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
