"""Subscribers by day, counted back from the number at the end of the last day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from kpi_kit.core.errors import InputError

_DAY = dt.timedelta(days=1)


def count_back(changes: Mapping[dt.date, tuple[int, int]], at_end: int) -> dict[dt.date, int]:
    """Subscribers at the end of each day, up to the last gap; before a gap they are unknown.

    Parameters
    ----------
    changes : mapping of date to (joined, left)
    at_end : int
        Subscribers at the end of the last day.

    Raises
    ------
    InputError
        Where a day would begin with fewer than 0.

    Examples
    --------
    >>> day = dt.date(2025, 10, 1)
    >>> list(count_back({day: (5, 1), day + _DAY: (3, 2)}, 100).values())
    [99, 100]
    """
    counts: dict[dt.date, int] = {}
    count = at_end
    for day in sorted(changes, reverse=True):
        if counts and day + _DAY not in counts:
            break
        joined, left = changes[day]
        counts[day] = count
        count += left - joined
        if count < 0:
            raise InputError(f"--subscribers {at_end}: reckoned back, {day} would begin with {count}")
    return dict(sorted(counts.items()))
