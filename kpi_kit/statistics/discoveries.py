"""False discoveries: what is left of many p-values once it counts how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def false_discoveries(p_values: Sequence[float | None]) -> list[float | None]:
    """Benjamini–Hochberg q of each p of one family; None stays None and does not count.

    Parameters
    ----------
    p_values : sequence of float or None
        From 0 to 1.

    Returns
    -------
    list of float or None
        The share of false alarms to be expected among all that are at most so surprising.

    References
    ----------
    Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995) 289–300.

    Examples
    --------
    >>> false_discoveries([0.01, None, 0.04])
    [0.02, None, 0.04]
    >>> false_discoveries([None])
    [None]
    """
    known = [p for p in p_values if p is not None]
    if not known:
        return list(p_values)
    order = np.argsort(known)[::-1]
    ranked = np.asarray(known)[order] * len(known) / np.arange(len(known), 0, -1)
    adjusted = np.empty(len(known))
    adjusted[order] = np.minimum.accumulate(np.minimum(ranked, 1.0))
    values = iter(adjusted.tolist())
    return [None if p is None else next(values) for p in p_values]
