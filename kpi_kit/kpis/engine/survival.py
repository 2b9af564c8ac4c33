"""Kaplan–Meier estimate of a median."""

from __future__ import annotations

import numpy as np
from scipy import stats

from kpi_kit.kpis.engine.day_grid import Bools, Floats


def kaplan_meier_median(hours: Floats, observed: Bools) -> float | None:
    """The smallest t at which Kaplan–Meier survival is at most one half.

    Parameters
    ----------
    hours : array of float
        Durations.
    observed : array of bool
        False where the duration is censored: it is longer.

    Returns
    -------
    float or None
        None where survival stays above one half.

    References
    ----------
    Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958).

    Examples
    --------
    >>> kaplan_meier_median(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False]))
    2.0
    >>> kaplan_meier_median(np.array([1.0, 5.0]), np.array([False, False])) is None
    True
    """
    if not observed.any():
        return None
    survival = stats.ecdf(stats.CensoredData.right_censored(hours, ~observed)).sf
    # the product of fractions may be a rounding error above one half
    reached = np.flatnonzero(survival.probabilities <= 0.5 + 1e-12)
    return float(survival.quantiles[reached[0]]) if len(reached) else None
