"""Domain words: KPI, unit, note, measurement; and the only division of measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Better(StrEnum):
    """Which direction is good."""

    HIGHER = "higher"
    LOWER = "lower"


class Unit(StrEnum):
    """What a value counts. Shares are stored 0–1 and durations in hours; a number is of no unit."""

    PEOPLE = "people"
    SHARE = "share"
    VIEWS = "views"
    LIKES = "likes"
    COMMENTS = "comments"
    LEADS = "leads"
    SALES = "sales"
    MONEY = "money"
    VISITS = "visits"
    QUERIES = "queries"
    MENTIONS = "mentions"
    POSTS = "posts"
    HOURS = "hours"
    NUMBER = "number"


class Aggregation(StrEnum):
    """How the units of a bucket become its value.

    ``sum``: Σ numerator. ``ratio``: Σ numerator / Σ denominator over the units, or over a stock.
    ``level``: the last numerator of each account. ``tiles``: Σ numerator of the rows that tile the
    bucket exactly. ``median``: Kaplan–Meier median of numerator, censored where denominator is 0.
    """

    SUM = "sum"
    RATIO = "ratio"
    LEVEL = "level"
    TILES = "tiles"
    MEDIAN = "median"


class Stock(StrEnum):
    """A denominator that is a state, not a flow: the subscribers of each account."""

    OPENING = "opening"
    MEAN = "mean"
    CLOSING = "closing"


class Interval(StrEnum):
    """The kind of sampling unit, which determines the confidence interval of a change."""

    NONE = "none"
    FLOW = "flow"
    POSTS = "posts"
    COUNTS = "counts"
    BINARY = "binary"
    UNITS = "units"
    RATIO = "ratio"


@dataclass(frozen=True)
class Alternative:
    """Another common definition of a KPI, computed from the same unit frame.

    Parameters
    ----------
    id : str
        Its texts are in ``locale/*.yml`` under this id.
    stock : Stock or None
        Another stock for the denominator, or from which a level is read.
    per_unit : bool
        Whether the ratios of the units are aggregated instead of the sums.
    aggregation : Aggregation or None
        Another aggregation of the units.
    columns : mapping of str to str, as pairs
        Columns of the unit frame and the columns that replace them.
    admit : tuple of str
        Codes of excluded rows that count under this definition.
    leave_out : tuple of str
        Remarks and traits of rows that this definition excludes.
    """

    id: str
    stock: Stock | None = None
    per_unit: bool = False
    aggregation: Aggregation | None = None
    columns: tuple[tuple[str, str], ...] = ()
    admit: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kpi:
    """The declaration of a KPI; its texts are in ``locale/*.yml`` under its id.

    Parameters
    ----------
    id : str
        Name in params and JSON.
    group : int
        One of the eleven KPI groups.
    unit : Unit
    better : Better
    aggregation : Aggregation
    interval : Interval
    tables : tuple of str
        The canonical tables that it needs; their coverage counts.
    units : callable
        ``(tables, setting) -> unit frame``.
    source : str
        Where the formula comes from.
    stock : Stock or None
        The stock that the sum of the numerators is divided by.
    scope : str
        ``account_id`` or ``brand``: what a unit belongs to.
    bounded : bool
        Whether the share is at most 1.
    matures : tuple of str
        The figures of posts that it needs. They grow with the age of a post, so a change compares posts
        of equal age, by snapshots that have all of these figures.
    delegable : bool
        Whether units of an absence are left out of a rate.
    gains : bool
        Whether the numerator is the difference of the subscribers at the two ends of a bucket.
    needs_rows : bool
        Whether a covered bucket without rows is unknown, not 0; days with counts of subscribers alone are
        not covered.
    total : str or None
        The measure of the table ``totals`` that stands for missing rows.
    blocking : tuple of str
        Codes of remarks that make a value not assessable.
    always_noted : tuple of str
        Codes of notes that are printed even where their count is 0.
    shock : str or None
        The weekly measure of whole platforms that it follows; see
        :mod:`kpi_kit.scorecard.platform_shocks`.
    alternatives : tuple of Alternative
        Other common definitions; see :mod:`kpi_kit.scorecard.sensitivity`.
    family : str
        The file of ``kpis/`` that declares it.
    parts : tuple of Kpi
        Of a KPI by formula: numerator and denominator.
    per : float
        Of a KPI by formula: how many units of the denominator the value is for.
    """

    id: str
    group: int
    unit: Unit
    better: Better
    aggregation: Aggregation
    interval: Interval
    tables: tuple[str, ...]
    units: Callable[..., pd.DataFrame] = field(repr=False)
    source: str
    stock: Stock | None = None
    scope: str = "account_id"
    bounded: bool = False
    matures: tuple[str, ...] = ()
    delegable: bool = False
    gains: bool = False
    needs_rows: bool = False
    total: str | None = None
    blocking: tuple[str, ...] = ()
    always_noted: tuple[str, ...] = ()
    shock: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    family: str = ""
    parts: tuple[Kpi, ...] = ()
    per: float = 1.0

    @property
    def signed(self) -> bool:
        """Whether the value can be negative."""
        return self.gains or any(part.gains for part in self.parts)

    @property
    def accruing(self) -> bool:
        """Whether the value grows with the length of the period, so that targets scale with it.

        Sums, counts, and sums over a stock accrue; ratios over units, levels and medians do not.
        """
        return self.aggregation in (Aggregation.SUM, Aggregation.TILES) or self.stock is not None


@dataclass(frozen=True)
class Note:
    """A remark on a value: a code, which ``report/wording`` turns into a sentence, and its figures.

    Examples
    --------
    >>> Note("posts_unsettled", {"count": 3}).as_dict()
    {'code': 'posts_unsettled', 'count': 3}
    """

    code: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The note as written to the scorecard."""
        return {"code": self.code, **self.detail}


@dataclass(frozen=True)
class Measurement:
    """The value of a KPI in a bucket, or the reason why there is none.

    Parameters
    ----------
    value : float or None
        None where it is not assessable; at least one note then says why.
    numerator, denominator : float or None
        The sums, where the KPI has them.
    units : int
        Number of sampling units.
    coverage : float or None
        The covered share of the expected account-days or brand-days; None where none are expected.
    notes : tuple of Note
    """

    value: float | None
    numerator: float | None
    denominator: float | None
    units: int
    coverage: float | None
    notes: tuple[Note, ...] = ()

    @property
    def assessable(self) -> bool:
        """Whether there is a value."""
        return self.value is not None


def divide(numerator: float, denominator: float) -> float | None:
    """Divide; None where the denominator is 0. The only division of measurements.

    Examples
    --------
    >>> divide(1.0, 4.0), divide(1.0, 0.0)
    (0.25, None)
    """
    return None if denominator == 0 else numerator / denominator
