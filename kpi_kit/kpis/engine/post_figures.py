"""Figures of posts with the increments of ranges that platforms report."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd

from kpi_kit.kpis.engine.day_grid import local_days
from kpi_kit.kpis.engine.tiling import tile
from kpi_kit.kpis.engine.unit_frame import Setting

FIGURES = ("views", "likes", "comments", "reposts")
Key: TypeAlias = tuple[str, str]
_Spans: TypeAlias = list[tuple[int, int, float]]


def with_increments(
    posts: pd.DataFrame, snapshots: pd.DataFrame, increments: pd.DataFrame, setting: Setting
) -> pd.DataFrame:
    """Posts with their figures at the cut-off: the latest known ones plus the increments since then.

    The increments must tile the days from the latest figure, or from publication, to the last increment;
    otherwise the figure is unknown. ``stats_at`` is the end of the increments of the figure that ends first.

    Parameters
    ----------
    posts, snapshots, increments : DataFrame
        Rows of ``posts``, ``post_stats`` and ``post_increments``.
    setting : Setting

    Returns
    -------
    DataFrame
        Like ``posts``.
    """
    if increments.empty:
        return posts
    end = int(local_days(pd.Series([setting.as_of]), setting.zone)[0])
    places = {key: row for row, key in enumerate(zip(posts["account_id"], posts["post_id"], strict=True))}
    changed = posts.copy()
    columns = {name: changed[name].to_numpy(dtype="float64", copy=True) for name in FIGURES}
    stats_at = changed["stats_at"].copy()
    shots = dict(list(snapshots.groupby(["account_id", "post_id"])))
    for key, rows in increments.groupby(["account_id", "post_id"]):
        place = places.get(key)  # type: ignore[arg-type]  # a pair
        if place is None:
            continue
        post, ends = posts.iloc[place], []
        for name in FIGURES:
            spans = _spans(rows, name, end)
            if not spans:
                continue
            start, figure = _base(post, shots.get(key), name, setting)
            if start is None:
                continue
            later = [span for span in spans if span[1] > start]
            if not later:
                columns[name][place] = figure
                continue
            last = max(span[1] for span in later)
            total, _ = tile(later, start, last)
            columns[name][place] = figure + total if np.isfinite(total) else np.nan
            ends.append(last)
        if ends:
            stats_at.iloc[place] = setting.midnight(_day(min(ends))).iloc[0]
    return changed.assign(**columns, stats_at=stats_at)


def _day(number: int) -> pd.Series:
    return pd.Series(np.array([number], dtype="datetime64[D]").astype("datetime64[us]"))


def _spans(rows: pd.DataFrame, name: str, end: int) -> _Spans:
    """The known increments of a figure that end before the cut-off, sorted."""
    known = rows[rows[name].notna()]
    since, until = (
        known[edge].to_numpy(dtype="datetime64[D]").astype("int64").tolist() for edge in ("since", "until")
    )
    spans = zip(since, until, known[name].astype("float64").tolist(), strict=True)
    return sorted(span for span in spans if span[1] <= end)


def _base(
    post: pd.Series, shots: pd.DataFrame | None, name: str, setting: Setting
) -> tuple[float | None, float]:
    """The day from which increments count and the figure at its start; None where that day is unknown.

    Increments begin at midnight, so none follow a figure of another time: its day is not a whole number.
    """
    moments: list[tuple[pd.Timestamp, float]] = []
    if pd.notna(post[name]):
        if pd.isna(post["stats_at"]):
            return None, float(post[name])
        moments.append((post["stats_at"], float(post[name])))
    if shots is not None:
        known = shots[shots[name].notna() & (shots["stats_at"] <= setting.as_of)]
        moments += zip(known["stats_at"], known[name].astype("float64"), strict=True)
    day = int(local_days(pd.Series([post["published_at"]]), setting.zone)[0])
    if not moments:
        return day, 0.0
    at, figure = max(moments, key=lambda pair: pair[0])
    base = int(local_days(pd.Series([at]), setting.zone)[0])
    return (base if setting.midnight(_day(base)).iloc[0] == at else base + 0.5), figure
