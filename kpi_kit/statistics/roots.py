"""Roots of functions of one variable."""

from __future__ import annotations

from collections.abc import Callable


def root(function: Callable[[float], float], low: float, high: float, precision: float) -> float:
    """Where a function that changes its sign between two points is 0, by Brent's method.

    Raises
    ------
    ValueError
        Where its signs at both points are the same.

    Examples
    --------
    >>> round(root(lambda x: x * x - 2, 0, 2, 1e-9), 6)
    1.414214
    """
    from scipy.optimize import brentq  # its import takes 0.1 s, which not all commands need

    return float(brentq(function, low, high, xtol=precision))
