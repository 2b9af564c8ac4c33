"""Sums of rows that tile a range of days."""

from __future__ import annotations

from collections.abc import Sequence


def tile(rows: Sequence[tuple[int, int, float]], start: int, end: int) -> tuple[float, int]:
    """Sum the fewest rows ``(since, until, amount)`` that tile ``[start, end)`` exactly.

    Returns
    -------
    float, int
        The sum and the number of rows. The sum is NaN where no row overlaps the range, and inf where the
        overlapping rows do not tile it.

    Examples
    --------
    >>> month, halves = [(0, 30, 9.0)], [(0, 15, 4.0), (15, 30, 4.5)]
    >>> tile(month + halves, 0, 30), tile(halves, 0, 30)
    ((9.0, 1), (8.5, 2))
    >>> tile(halves, 0, 20), tile(month, 30, 60)
    ((inf, 0), (nan, 0))
    """
    overlapping = [row for row in rows if row[0] < end and row[1] > start]
    if not overlapping:
        return float("nan"), 0
    best: dict[int, tuple[int, float]] = {start: (0, 0.0)}
    for since, until, amount in overlapping:  # ascending by since: all ways to reach it come first
        if since in best and until <= end:
            steps, total = best[since]
            if until not in best or steps + 1 < best[until][0]:
                best[until] = (steps + 1, total + amount)
    if end not in best:
        return float("inf"), 0
    steps, total = best[end]
    return total, steps
