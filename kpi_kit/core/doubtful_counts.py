"""Counts of subscribers that are not credible: an export gone wrong, and no change of the audience."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_DOUBT_OVER, _DOUBT_DAYS, _BACK_WITHIN = 100, 14, 0.2


def doubtful(audience: pd.DataFrame, accepted: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.bool_]:
    """Which counts of subscribers are not credible.

    These are 0 after more than 100, unless the counts stay under half the old level for 14 days; and a count
    more than double or under half of the last credible one (the larger over 100), where the counts are back
    within 20 % inside 14 days.

    Parameters
    ----------
    audience : DataFrame
    accepted : mapping of str to array of datetime64
        The days of each account that are accepted as they are.

    Returns
    -------
    array of bool
        On the rows of ``audience``.
    """
    marked = np.zeros(len(audience), bool)
    days = audience["date"].to_numpy(dtype="datetime64[D]")
    counts = audience["subscribers"].to_numpy(dtype="float64")
    for owner, index in audience.groupby("account_id", sort=False).indices.items():
        rows = np.asarray(index)[np.argsort(days[index], kind="stable")]
        allowed = np.asarray(accepted.get(str(owner), []), dtype="datetime64[D]")
        marked[rows] = _doubtful(days[rows].astype("int64"), counts[rows], np.isin(days[rows], allowed))
    return marked


def _doubtful(days: Ints, counts: Floats, accepted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The counts of one account that are not credible, in order of days."""
    marked = np.zeros(len(days), bool)
    if not _jumps(counts[:-1], counts[1:]).any():
        return marked
    level, row = counts[0], 1
    while row < len(days):
        count = counts[row]
        if accepted[row] or marked[row] or not _jumps(level, count):
            level = level if marked[row] else count
        elif (back := _back(days, counts, row, level)) is not None:
            far = _jumps(level, counts[row:back]) & ~accepted[row:back]
            marked[row:back] |= far
            level = level if marked[row] else count
        elif count == 0 and not _stays_low(days, counts, row, level):
            marked[row] = True
        else:
            level = count
        row += 1
    return marked


def _jumps(level: npt.ArrayLike, count: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether counts are more than double or under half of a level, the larger over 100."""
    low, high = np.minimum(level, count), np.maximum(level, count)
    return np.asarray((high > _DOUBT_OVER) & (2 * low < high))


def _back(days: Ints, counts: Floats, row: int, level: float) -> int | None:
    """The first row within 14 days after ``row`` that is within 20 % of the level."""
    end = int(np.searchsorted(days, days[row] + _DOUBT_DAYS, side="right"))
    near = np.flatnonzero(np.abs(counts[row:end] - level) <= _BACK_WITHIN * level + 1e-9)
    return row + int(near[0]) if len(near) else None


def _stays_low(days: Ints, counts: Floats, row: int, level: float) -> bool:
    """Whether the counts from ``row`` on stay under half of the level for 14 days."""
    end = int(np.searchsorted(days, days[row] + _DOUBT_DAYS))
    return end < len(days) and bool((2 * counts[row : end + 1] < level).all())
