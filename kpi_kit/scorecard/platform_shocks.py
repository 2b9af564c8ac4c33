"""Common shocks: the weeks in which all accounts of a platform moved together.

A drop that every account of a platform shares is not one person's doing. DuckDB adds up the weeks of all
accounts in the data, so that their number does not matter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from kpi_kit.core.periods import Period, midnight
from kpi_kit.core.schema import Type
from kpi_kit.data.store import Store
from kpi_kit.data.table_source import Source, quoted
from kpi_kit.kpis.engine.day_grid import Floats, Grid, day_number
from kpi_kit.params import Department
from kpi_kit.scorecard.department_record import PlatformShocks, WeeklyShocks
from kpi_kit.statistics import Shock, common_shock


@dataclass(frozen=True)
class Measure:
    """A measure that is compared week by week.

    Parameters
    ----------
    table : str
    column : str or None
        None where rows are counted.
    figure : str
        The figure of a week, a key of ``_FIGURES``.
    only : str
        SQL of the rows that count; it may use ``$as_of``.
    known : str
        SQL of the rows whose figure is known; it may use ``$settle``.
    """

    table: str
    column: str | None = None
    figure: str = "sum"
    only: str = "true"
    known: str = "true"


_FIGURES = {
    "sum": "CASE WHEN count({amount}) = count(*) THEN sum({amount}) END",
    "mean": "CASE WHEN count({amount}) = count(*) THEN avg({amount}) END",
    "last": "arg_max({amount}, moment)",
    "count": "count(*)",
}
"""SQL of the figure of a week; NULL where a value is unknown."""

_WEEK = 7 * 24 * 3600 * 1_000_000
"""Microseconds."""
_MANY = 1_000_000
"""Rows above which finding copies takes long."""
_LATE = 8
"""In such a table copies are searched in the last 7 weeks: a period and some more."""

_NOTHING = ("sum", "count")
"""Figures that are 0 in a covered week without rows."""

_KEPT = "(deleted_at IS NULL OR deleted_at > CAST($as_of AS TIMESTAMPTZ))"
_GROWN = "coalesce(stats_at - published_at >= $settle * INTERVAL 1 HOUR, true)"
"""Unsettled posts are unknown: they still grow and would look like a fall."""

MEASURES: Mapping[str, Measure] = {
    "subscribers": Measure("audience", "subscribers", "last"),
    "unsubscribed": Measure("audience", "left"),
    "views": Measure("posts", "views", "mean", only=_KEPT, known=_GROWN),
    "likes": Measure("posts", "likes", "mean", only=_KEPT, known=_GROWN),
    "comments": Measure("comments", figure="count", only="by_brand IS NOT true"),
    "leads": Measure("leads", figure="count"),
    "visits": Measure("traffic", "visits"),
}
"""By name; a KPI declares its measure.

Views and likes are means per post: a change in the number of posts is no shock of the platform.
"""


def shocks(
    store: Store, department: Department, weeks: Sequence[Period], as_of: dt.datetime
) -> PlatformShocks:
    """The weeks in which the accounts of each platform moved together.

    Parameters
    ----------
    store : Store
    department : Department
    weeks : sequence of Period
        Consecutive full weeks.
    as_of : datetime
        The data cut-off.

    Returns
    -------
    dict
        By platform and measure, where at least 3 accounts have data. A week's change is relative to the
        week before; it is unknown where either week is not covered or the earlier one is 0. Weeks are
        judged by the logarithm of the ratio, in which halving is as far as doubling.
    """
    if len(weeks) < 2:
        return {}
    accounts = store.accounts
    grid = _grid(store, department, weeks, as_of)
    by_platform: dict[str, dict[str, WeeklyShocks]] = {}
    for name, figures in _all_figures(store, department, grid, weeks, as_of):
        ratios = _ratios(figures)
        for platform in sorted(accounts["platform"].unique()):
            rows = (accounts["platform"] == platform).to_numpy()
            common = common_shock(ratios[rows])
            if any(median is not None for median in common.median):
                by_platform.setdefault(platform, {})[name] = _record(common, weeks[1:])
    return by_platform


def _grid(store: Store, department: Department, weeks: Sequence[Period], as_of: dt.datetime) -> Grid:
    owners = tuple(str(account) for account in store.accounts.index)
    return Grid(
        owners=owners,
        bounds=np.array([*(day_number(week.start) for week in weeks), day_number(weeks[-1].end)]),
        windows=None,
        opened=store.opened,
        known_until=day_number(as_of.astimezone(department.zone).date()),
        zone=department.timezone,
        covered=store.covered(owners),
        minimum=department.coverage.minimum,
    )


def _all_figures(
    store: Store, department: Department, grid: Grid, weeks: Sequence[Period], as_of: dt.datetime
) -> Iterator[tuple[str, Floats]]:
    """The figures of each measure by account and week; NaN where unknown or not wholly covered.

    Measures of the same rows are read in one query.
    """
    starts = [midnight(day, department.zone) for day in (*(week.start for week in weeks), weeks[-1].end)]
    together: dict[tuple[str, str], dict[str, Measure]] = {}
    for name, measure in MEASURES.items():
        together.setdefault((measure.table, measure.only), {})[name] = measure
    for (table, _), measures in together.items():
        if table not in store.sources:
            continue
        sums = _sums(store, store.sources[table], measures, starts, as_of, department.posts.settle_days * 24)
        whole = grid.per_bucket(grid.days_covered(table)) == 7
        row = pd.Index(grid.owners).get_indexer(pd.Index(sums["account_id"]))
        week = sums["week"].to_numpy(dtype="int64")
        known = row >= 0
        for name, measure in measures.items():
            figures = np.full(grid.shape, 0.0 if measure.figure in _NOTHING else np.nan)
            figures[row[known], week[known]] = sums[name].to_numpy(dtype="float64", na_value=np.nan)[known]
            yield name, np.where(whole, figures, np.nan)


def _sums(
    store: Store,
    source: Source,
    measures: Mapping[str, Measure],
    starts: Sequence[dt.datetime],
    as_of: dt.datetime,
    settle: float,
) -> pd.DataFrame:
    """One row for each account and week, one column for each measure."""
    rows, late = _rows(source, measures, starts), _rows(source, measures, starts[-_LATE:])
    variables: dict[str, object] = {"as_of": as_of.isoformat()}
    if "$settle" in rows:
        variables["settle"] = settle
    if _may_have_copies(store, source, late, variables):
        rows = f"SELECT DISTINCT * FROM ({rows})"
    figures = ", ".join(
        f"{_FIGURES[measure.figure].format(amount=quoted('of ' + name))} AS {quoted(name)}"
        for name, measure in measures.items()
    )
    return store.connection.execute(
        f"SELECT account_id, week, {figures} FROM ({rows}) GROUP BY account_id, week", variables
    ).df()


def _rows(source: Source, measures: Mapping[str, Measure], starts: Sequence[dt.datetime]) -> str:
    """SQL of the rows of some weeks, with the number of each row's week, from 0."""
    table, clock = source.table, str(source.table.clock)
    amounts = ", ".join(
        f"CASE WHEN {measure.known} THEN {'NULL' if measure.column is None else quoted(measure.column)} END "
        f"AS {quoted('of ' + name)}"
        for name, measure in measures.items()
    )
    (only,) = {measure.only for measure in measures.values()}
    first, end = starts[0], starts[-1]
    if table[clock].type is Type.DATE:
        number = f"({clock} - DATE '{first.date()}') // 7"
        span = f"{clock} >= DATE '{first.date()}' AND {clock} < DATE '{end.date()}'"
    else:
        number = _week_of(clock, starts)
        span = f"{clock} >= TIMESTAMPTZ '{first.isoformat()}' AND {clock} < TIMESTAMPTZ '{end.isoformat()}'"
    return f"""
        SELECT account_id, {number} AS week, {clock} AS moment, {", ".join(map(quoted, table.key))},
            {amounts}
        FROM ({source.typed(near=source.near(None, first, end))})
        WHERE {span} AND {clock} <= CAST($as_of AS TIMESTAMPTZ) AND {only}
    """


def _week_of(clock: str, starts: Sequence[dt.datetime]) -> str:
    """SQL of the number of an instant's week, by arithmetic: ten times as fast as by local dates."""
    bounds = [round(start.timestamp()) * 1_000_000 for start in starts]
    moment = f"epoch_us({clock})"
    number = f"({moment} - {bounds[0]}) // {_WEEK}"
    if all(later - earlier == _WEEK for earlier, later in pairwise(bounds)):
        return number
    # after a clock change a week begins an hour earlier or later than whole weeks after the first
    start = f"CAST({bounds} AS BIGINT[])[{number} + {{}}]"
    early, late = f"{moment} < {start.format(1)}", f"{moment} >= {start.format(2)}"
    return f"{number} + CASE WHEN {early} THEN -1 WHEN {late} THEN 1 ELSE 0 END"


def _may_have_copies(store: Store, source: Source, rows: str, variables: Mapping[str, object]) -> bool:
    """Whether a table may hold copies of rows, from files that were imported twice.

    In Parquet tables of more than ``_MANY`` rows, a sample of the last weeks decides: removing copies takes
    long there, and a few copies change no median over accounts.
    """
    if source.kind == "csv" or store.query(f"SELECT count(*) FROM ({source.raw()})")[0][0] <= _MANY:
        return True
    key = ", ".join(map(quoted, source.table.key))
    sample = f"SELECT {key} FROM ({rows}) WHERE hash(moment) % 16 = 0"
    sql = f"SELECT {key} FROM ({sample}) GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
    return bool(store.connection.execute(sql, variables).fetchall())


def _ratios(figures: Floats) -> Floats:
    """The logarithm of each week's ratio to the week before, NaN where the earlier is 0."""
    earlier, later = figures[:, :-1], figures[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        # half a unit keeps a week of nothing on the scale
        return np.where(earlier > 0, np.log((later + 0.5) / (earlier + 0.5)), np.nan)


def _record(shock: Shock, weeks: Sequence[Period]) -> WeeklyShocks:
    listed = zip(weeks, shock.median, shock.accounts, shock.same_way, shock.common, strict=True)
    return {
        "low": _relative(shock.low),
        "high": _relative(shock.high),
        "weeks": [
            {
                "week": str(week),
                "median": _relative(median),
                "accounts": count,
                "same_way": same,
                "common": common,
            }
            for week, median, count, same, common in listed
        ],
    }


def _relative(ratio: float | None) -> float | None:
    """A change from the logarithm of a ratio."""
    return None if ratio is None else float(np.expm1(ratio))
