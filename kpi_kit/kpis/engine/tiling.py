"""Sums of rows that tile a range of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd


def tile(rows: Sequence[tuple[int, int, float]], start: float, end: int) -> tuple[float, int]:
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
    best: dict[float, tuple[int, float]] = {start: (0, 0.0)}
    for since, until, amount in overlapping:  # ascending by since: all ways to reach it come first
        if since in best and until <= end:
            steps, total = best[since]
            if until not in best or steps + 1 < best[until][0]:
                best[until] = (steps + 1, total + amount)
    if end not in best:
        return float("inf"), 0
    steps, total = best[end]
    return total, steps


@dataclass(frozen=True)
class Totals:
    """Sums of spans by account and measure.

    Parameters
    ----------
    spans : dict of (str, str) to list of (int, int, float)
        By account and measure: first day, end and sum, sorted.
    """

    spans: Mapping[tuple[str, str], list[tuple[int, int, float]]]

    @classmethod
    def of_table(cls, totals: pd.DataFrame) -> Totals:
        """The totals of the table ``totals``."""
        spans: dict[tuple[str, str], list[tuple[int, int, float]]] = {}
        since, until = (
            totals[name].to_numpy(dtype="datetime64[D]").astype("int64").tolist()
            for name in ("since", "until")
        )
        rows = zip(totals["account_id"], totals["measure"], since, until, totals["value"], strict=True)
        for account, measure, first, end, value in rows:
            spans.setdefault((str(account), str(measure)), []).append((first, end, float(value)))
        return cls({key: sorted(rows) for key, rows in spans.items()})

    def of(self, owner: str, measure: str, known_until: int) -> list[tuple[int, int, float]]:
        """The spans of an account and measure that end before the cut-off."""
        return [span for span in self.spans.get((owner, measure), []) if span[1] <= known_until]
