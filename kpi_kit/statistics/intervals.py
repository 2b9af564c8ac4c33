"""Score intervals of shares and rates, and the interval of their difference."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from scipy import special


class Estimate(NamedTuple):
    """A share or a rate with its interval."""

    value: float
    low: float
    high: float


def upper_t(tail: float, free: float) -> float:
    """The value that t exceeds with this probability; ``scipy.stats``, which has it too, is slow to import.

    Examples
    --------
    >>> round(upper_t(0.025, 10), 4)
    2.2281
    """
    return -float(special.stdtrit(free, tail))


def critical_value(level: float, free: float) -> float:
    """The two-sided quantile of t; that of the normal distribution where no degrees of freedom are known."""
    return upper_t(level / 2, free) if free > 0 else -float(special.ndtri(level / 2))


def wilson(hits: float, trials: float, z: float) -> Estimate:
    """A share with Wilson's interval; hits and trials need not be whole.

    References
    ----------
    Wilson, Journal of the American Statistical Association 22 (1927) 209–212.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(56, 70, 1.96)]
    [0.8, 0.6918, 0.877]
    """
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    reach = z * sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2) / (1 + z**2 / trials)
    return Estimate(share, centre - reach, centre + reach)


def poisson_score(count: float, exposure: float, z: float) -> Estimate:
    """A rate with the score interval of a Poisson count, which need not be whole.

    Examples
    --------
    >>> [round(end, 3) for end in poisson_score(10, 2, 1.96)]
    [5.0, 2.716, 9.205]
    """
    centre, reach = count + z**2 / 2, z * sqrt(count + z**2 / 4)
    return Estimate(count / exposure, (centre - reach) / exposure, (centre + reach) / exposure)


def interval_of_difference(first: Estimate, second: Estimate) -> tuple[float, float]:
    """The interval of a difference from those of its two sides (MOVER).

    References
    ----------
    Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10; Donner and Zou, Statistical Methods in
    Medical Research 21 (2012) 347–359.

    Examples
    --------
    >>> low, high = interval_of_difference(wilson(56, 70, 1.96), wilson(48, 80, 1.96))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    difference = first.value - second.value
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return difference - below, difference + above
