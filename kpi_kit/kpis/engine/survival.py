"""Kaplan–Meier estimates."""

from __future__ import annotations

import numpy as np

from kpi_kit.kpis.engine.day_grid import Bools, Floats


def kaplan_meier(hours: Floats, observed: Bools) -> tuple[Floats, Floats]:
    """The share of durations that are longer than each time; ``scipy.stats.ecdf`` is slow to import.

    Parameters
    ----------
    hours : array of float
        Durations.
    observed : array of bool
        False where the duration is censored: it is longer.

    Returns
    -------
    tuple of array of float
        The times, ascending, and the estimated survival after each.

    References
    ----------
    Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958).

    Examples
    --------
    >>> times, survival = kaplan_meier(np.array([1.0, 2.0, 2.0, 4.0]), np.array([True, True, False, True]))
    >>> times.tolist(), survival.tolist()
    ([1.0, 2.0, 4.0], [0.75, 0.5, 0.0])
    """
    times, place = np.unique(hours, return_inverse=True)
    ended = np.bincount(place, weights=observed, minlength=len(times))
    at_risk = np.bincount(place, minlength=len(times))[::-1].cumsum()[::-1]
    return times, np.cumprod((at_risk - ended) / at_risk)


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

    Examples
    --------
    >>> kaplan_meier_median(np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, True, False]))
    2.0
    >>> kaplan_meier_median(np.array([1.0, 5.0]), np.array([False, False])) is None
    True
    """
    if not observed.any():
        return None
    times, survival = kaplan_meier(hours, observed)
    # the product of fractions may be a rounding error above one half
    reached = np.flatnonzero(survival <= 0.5 + 1e-12)
    return float(times[reached[0]]) if len(reached) else None
