"""The words every other module speaks: a KPI, its unit, a note, a measurement, and the one division."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class Better(StrEnum):
    """Which way is good."""

    HIGHER = "higher"
    LOWER = "lower"


class Unit(StrEnum):
    """What a value counts. Shares are stored 0–1 and durations in hours."""

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
    """The kind of sampling unit, which decides the confidence interval of a change."""

    NONE = "none"
    FLOW = "flow"
    POSTS = "posts"
    COUNTS = "counts"
    BINARY = "binary"
    UNITS = "units"


@dataclass(frozen=True)
class Alternative:
    """Another usual definition of a KPI: what it does otherwise with the same unit frame.

    Parameters
    ----------
    id : str
        Its words are in ``locale/*.yml`` under it.
    stock : Stock or None
        Another stock that divides, or that a level is read from.
    per_unit : bool
        Whether each unit's own ratio is what is put together, not the sums.
    aggregation : Aggregation or None
        Another way to put units together.
    columns : mapping of str to str, as pairs
        Columns of the unit frame, and the ones that take their place.
    admit : tuple of str
        Codes under which the definition leaves rows out; these count here.
    leave_out : tuple of str
        Remarks and traits of rows that count; these are left out here.
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
    """The declaration of one KPI; its words are in ``locale/*.yml`` under its id.

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
        The canonical tables whose coverage counts.
    units : callable
        ``(tables, setting) -> unit frame``; see :mod:`kpi_kit.kpis`.
    source : str
        Where the formula comes from.
    stock : Stock or None
        The stock that divides the sum of the numerators.
    scope : str
        ``account_id`` or ``brand``: whose the units are.
    bounded : bool
        Whether the share cannot be over 1.
    matures : tuple of str
        The figures of posts that it needs: those of young posts still grow, so that changes compare equal
        ages. A snapshot speaks for a post where it knows them all.
    delegable : bool
        Whether units count for the deputy during an absence.
    always_noted : tuple of str
        Note codes that are printed beside the value even where they count nothing.
    shock : str or None
        The weekly measure of whole platforms that it moves with; see
        :mod:`kpi_kit.scorecard.platform_shocks`.
    alternatives : tuple of Alternative
        The other definitions that are usual; see :mod:`kpi_kit.scorecard.sensitivity`.
    family : str
        The file of ``kpis/`` that declares it; filled by the catalogue.
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
    always_noted: tuple[str, ...] = ()
    shock: str | None = None
    alternatives: tuple[Alternative, ...] = ()
    family: str = ""

    @property
    def accruing(self) -> bool:
        """Whether the value grows with the length of the period, so that its targets scale.

        Sums, counts, and sums over a stock accrue; ratios over units, levels and medians do not.
        """
        return self.aggregation in (Aggregation.SUM, Aggregation.TILES) or self.stock is not None


@dataclass(frozen=True)
class Note:
    """A remark on a value: a code, which ``wording.py`` turns into a sentence, and its figures.

    Examples
    --------
    >>> Note("posts_unsettled", {"count": 3}).as_dict()
    {'code': 'posts_unsettled', 'count': 3}
    """

    code: str
    detail: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The note as it stands in the JSON."""
        return {"code": self.code, **self.detail}


@dataclass(frozen=True)
class Measurement:
    """The value of one KPI over one bucket, or the reason why there is none.

    Parameters
    ----------
    value : float or None
        None where the KPI is not assessable; then at least one note says why.
    numerator, denominator : float or None
        The two sums, where the KPI has them.
    units : int
        How many sampling units count.
    coverage : float or None
        The covered share of the expected account-days (or brand-days); None where none is expected.
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
    """The one place that divides measurements: None where the denominator is 0.

    Examples
    --------
    >>> divide(1.0, 4.0), divide(1.0, 0.0)
    (0.25, None)
    """
    return None if denominator == 0 else numerator / denominator
