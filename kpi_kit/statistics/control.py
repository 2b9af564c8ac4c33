"""Limits of what is usual: control chart of one series, funnel of many, and shocks that hit all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kpi_kit.statistics.intervals import upper_t
from kpi_kit.statistics.noise import Floats

XMR = 2.66
"""Three standard deviations in mean moving ranges of two: 3 / 1.128."""

FEWEST = 3
"""Under so many values, or accounts, there is nothing to call usual."""

FEWEST_PEOPLE = 5
"""Under so many people nobody can be told apart: one who is far off widens the limits too much."""

EXCEPTIONAL = 0.998
"""The share of points at least that lies within the outer limits of a funnel."""

PAGES = 0.014
"""The share of pages on which chance alone puts anybody outside the outer limits."""

SAME_WAY = 0.75
"""The share of accounts that must move in one direction for a shock to be common."""


@dataclass(frozen=True)
class Limits:
    """Control limits of a series (XmR chart).

    Parameters
    ----------
    n : int
        How many values are known.
    centre, low, high : float or None
        Their mean, and the limits.
    outside : tuple of bool
        For each position whether its value lies outside; a gap does not.
    reason : str or None
        ``few_points`` or ``no_neighbours`` where there are no limits.
    """

    n: int
    centre: float | None
    low: float | None
    high: float | None
    outside: tuple[bool, ...]
    reason: str | None = None


def control_limits(values: npt.ArrayLike, *, least: float | None = None, most: float | None = None) -> Limits:
    """Mean ± 2.66 mean moving range.

    Parameters
    ----------
    values : array-like of float
        Consecutive values, NaN where there is none; ranges are between neighbours that both exist.
    least, most : float, optional
        Beyond which no value can be, and so no limit.

    Returns
    -------
    Limits

    References
    ----------
    Wheeler and Chambers, "Understanding Statistical Process Control" (1992).

    Examples
    --------
    >>> found = control_limits([10.0, 12.0, 11.0, 13.0, 12.0, 30.0, 11.0])
    >>> round(found.low, 2), round(found.high, 2), found.outside[5]
    (-4.92, 33.21, False)
    >>> control_limits([1.0]).reason
    'few_points'
    """
    series = np.asarray(values, dtype="float64").ravel()
    known = series[np.isfinite(series)]
    nowhere = (False,) * len(series)
    if len(known) < FEWEST:
        return Limits(len(known), None, None, None, nowhere, "few_points")
    ranges = np.abs(np.diff(series))
    ranges = ranges[np.isfinite(ranges)]
    centre = float(known.mean())
    if len(ranges) < FEWEST - 1:
        return Limits(len(known), centre, None, None, nowhere, "no_neighbours")
    reach = XMR * float(ranges.mean())
    low = centre - reach if least is None else max(least, centre - reach)
    high = centre + reach if most is None else min(most, centre + reach)
    slack = 1e-9 * (abs(centre) + reach)
    outside = tuple(bool(v < low - slack or v > high + slack) for v in series)
    return Limits(len(known), centre, low, high, outside)


@dataclass(frozen=True)
class Funnel:
    """Values against volumes, with the limits in which chance alone would keep them.

    Parameters
    ----------
    centre : float or None
        The common value: Σ value · volume / Σ volume.
    dispersion : float or None
        How much more the values vary than their volumes explain; 1 where they do not.
    scale : float or None
        The variance of a value is ``scale`` / volume, before the dispersion; of shares and rates that of
        their arcsine and square root, on whose scale they are judged.
    z : tuple of float or None
        How many (dispersed) standard deviations each value is from the centre.
    outside : tuple of str or None
        ``usual``, ``unusual`` (beyond the limits that hold 95 % of points) or ``exceptional`` (beyond those
        that hold all points of a page in 98 of 100 pages, and at least 99.8 % of points).
    low95, high95, low998, high998 : tuple of float or None
        The limits at each volume.
    people : int
        How many points the limits are for.
    volume : float
        The sum of their volumes.
    bent_centre : float
        The centre on the scale on which values are judged.
    kind : str
        ``share``, ``rate`` or ``free``.
    reason : str or None
        ``few_points`` (under 3), ``few_people`` (under 5) or ``no_variation`` where there are no limits.
    """

    centre: float | None
    dispersion: float | None
    scale: float | None
    z: tuple[float | None, ...]
    outside: tuple[str | None, ...]
    low95: tuple[float | None, ...]
    high95: tuple[float | None, ...]
    low998: tuple[float | None, ...]
    high998: tuple[float | None, ...]
    people: int = 0
    volume: float = 0.0
    bent_centre: float = 0.0
    kind: str = "free"
    reason: str | None = None

    def limits_at(self, volume: float, level: float = 0.95) -> tuple[float, float] | None:
        """The limits at any volume, for the curve of the figure; None where there are none.

        ``level`` is that of a point; from 0.998 on it is raised for the number of points.
        """
        if self.centre is None or self.dispersion is None or self.scale is None or volume <= 0:
            return None
        free = max(1.0 / volume - 1.0 / self.volume, 0.0)
        reach = farthest(self.people, level) * np.sqrt(self.dispersion * self.scale * free)
        ends = np.array([self.bent_centre - reach, self.bent_centre + reach])
        low, high = _unbent(ends, np.full(2, volume), self.kind).tolist()
        return low, high


def farthest(people: int, level: float) -> float:
    """How many standard deviations from the centre a share ``level`` of points lies, among so many.

    A point that is far off also widens the standard deviation, so that none can be further off than
    √(people − 1); the limit allows for that.

    References
    ----------
    Thompson, Annals of Mathematical Statistics 6 (1935) 214–219; Grubbs, ibid. 21 (1950) 27–58.

    Examples
    --------
    >>> round(farthest(5, 0.95), 2), round(farthest(1000, 0.95), 2)
    (1.76, 1.96)
    """
    tail = 1.0 - level
    if level >= EXCEPTIONAL:
        tail = min(tail, PAGES / people)
    t = upper_t(tail / 2, people - 2)
    return float(np.sqrt((people - 1) * t**2 / (people - 2 + t**2)))


def funnel(values: npt.ArrayLike, volumes: npt.ArrayLike, *, kind: str = "rate") -> Funnel:
    """Limits for values of different volumes, with allowance for over-dispersion.

    Parameters
    ----------
    values, volumes : array-like of float
        One each a person; NaN or a volume of 0 is left out.
    kind : {"share", "rate", "free"}
        What chance does: binomial shares, Poisson rates, or any mean, whose variance is estimated
        from the values themselves.

    Returns
    -------
    Funnel

    References
    ----------
    Spiegelhalter, Statistics in Medicine 24 (2005) 1185–1202: multiplicative over-dispersion.

    Examples
    --------
    >>> values, volumes = [0.5, 0.52, 0.48, 0.9, 0.5], [100.0, 400.0, 200.0, 100.0, 100.0]
    >>> found = funnel(values, volumes, kind="share")
    >>> round(found.centre, 4), found.outside[0]
    (0.5489, 'usual')
    >>> found.limits_at(400.0)[0] > found.limits_at(100.0)[0]
    True
    """
    value, volume = (np.asarray(column, dtype="float64").ravel() for column in (values, volumes))
    known = np.isfinite(value) & np.isfinite(volume) & (volume > 0)
    people = int(known.sum())
    if people < FEWEST:
        return _no_funnel(len(value), "few_points")
    whole = float(volume[known].sum())
    centre = float(np.average(value[known], weights=volume[known]))
    if people < FEWEST_PEOPLE:
        return _no_funnel(len(value), "few_people", centre)
    known_volume = np.where(known, volume, np.nan)
    bent = _bent(value, known_volume, kind)
    middle = float(np.average(bent[known], weights=volume[known]))
    mean_square = float((volume[known] * (bent[known] - middle) ** 2).sum()) / (people - 1)
    scale = mean_square if kind == "free" else 0.25
    if not mean_square > 0 or np.ptp(value[known]) == 0:
        return _no_funnel(len(value), "no_variation", centre)
    dispersion = max(1.0, mean_square / scale)
    free = 1.0 / known_volume - 1.0 / whole
    spread = np.sqrt(dispersion * scale * np.maximum(free, 1e-12 / whole))
    z = (bent - middle) / spread
    wide, wider = farthest(people, 0.95), farthest(people, EXCEPTIONAL)
    low95, high95, low998, high998 = (
        _listed(_unbent(middle + way * spread, known_volume, kind)) for way in (-wide, wide, -wider, wider)
    )
    outside = tuple(_strength(one, wide, wider) for one in z)
    limits = low95, high95, low998, high998
    return Funnel(centre, dispersion, scale, _listed(z), outside, *limits, people, whole, middle, kind)


def _bent(values: Floats, volumes: Floats, kind: str) -> Floats:
    """Values on a scale on which their variance does not depend on the centre: 1/4 over the volume.

    References
    ----------
    Anscombe, Biometrika 35 (1948) 246–254.
    """
    if kind == "free":
        return values
    if kind == "share":
        part = (np.clip(values, 0.0, 1.0) * volumes + 0.375) / (volumes + 0.75)
        return np.asarray(np.arcsin(np.sqrt(part)))
    return np.asarray(np.sqrt(np.maximum(values, 0.0) + 0.375 / volumes))


def _unbent(bent: Floats, volumes: Floats, kind: str) -> Floats:
    """Values from that scale."""
    if kind == "free":
        return bent
    if kind == "share":
        part = np.sin(np.clip(bent, 0.0, np.pi / 2)) ** 2
        return np.asarray(np.clip((part * (volumes + 0.75) - 0.375) / volumes, 0.0, 1.0))
    return np.asarray(np.maximum(np.maximum(bent, 0.0) ** 2 - 0.375 / volumes, 0.0))


def _strength(z: float, wide: float, wider: float) -> str | None:
    if not np.isfinite(z):
        return None
    return "exceptional" if abs(z) > wider else "unusual" if abs(z) > wide else "usual"


def _listed(values: Floats) -> tuple[float | None, ...]:
    return tuple(float(value) if np.isfinite(value) else None for value in values)


def _no_funnel(n: int, reason: str, centre: float | None = None) -> Funnel:
    nothing = (None,) * n
    return Funnel(centre, None, None, *(nothing,) * 6, reason=reason)


@dataclass(frozen=True)
class Shock:
    """What all accounts of a platform did in common, week by week.

    Parameters
    ----------
    median : tuple of float or None
        The median change of the accounts; None where fewer than 3 are known.
    accounts : tuple of int
        How many accounts are known in the week.
    same_way : tuple of float or None
        The share of them that moved as the median did.
    common : tuple of str or None
        ``fell``, ``rose`` or ``quiet``: whether the week was a shock to all.
    low, high : float or None
        The limits of the usual median.
    """

    median: tuple[float | None, ...]
    accounts: tuple[int, ...]
    same_way: tuple[float | None, ...]
    common: tuple[str | None, ...]
    low: float | None
    high: float | None

    def own(self, changes: npt.ArrayLike) -> tuple[float | None, ...]:
        """The changes of one account less what all had in common."""
        centres = [np.nan if centre is None else centre for centre in self.median]
        return _listed(np.asarray(changes, dtype="float64").ravel() - np.array(centres, dtype="float64"))


def common_shock(changes: npt.ArrayLike) -> Shock:
    """Tell a week in which all accounts of a platform fell from one person's drop.

    A week is a shock where the median change of the accounts lies outside its own control limits and
    three accounts in four moved that way.

    Parameters
    ----------
    changes : array-like of float, shape (accounts, weeks)
        The relative change of each account in each week, NaN where it is not known.

    Returns
    -------
    Shock

    Examples
    --------
    >>> quiet = [0.01, -0.01, 0.0, 0.01, -0.01, 0.0]
    >>> found = common_shock([quiet + [-0.2], quiet + [-0.3], quiet + [-0.25]])
    >>> found.common[-1], found.median[-1], round(found.own(quiet + [-0.5])[-1], 2)
    ('fell', -0.25, -0.25)
    """
    table = np.atleast_2d(np.asarray(changes, dtype="float64"))
    table = np.where(np.isfinite(table), table, np.nan)
    known = np.isfinite(table).sum(axis=0)
    enough = known >= FEWEST
    median = np.full(table.shape[1], np.nan)
    if enough.any():
        median[enough] = np.nanmedian(table[:, enough], axis=0)
    with_it = (np.sign(table) == np.sign(median)).sum(axis=0) / np.maximum(known, 1)
    low, high = _usual(median)
    common = [
        None
        if not enough[week]
        else _direction(float(median[week]), low, high)
        if with_it[week] >= SAME_WAY
        else "quiet"
        for week in range(table.shape[1])
    ]
    return Shock(
        _listed(median),
        tuple(int(count) for count in known),
        _listed(np.where(enough, with_it, np.nan)),
        tuple(common),
        low,
        high,
    )


def _usual(medians: Floats) -> tuple[float | None, float | None]:
    """Control limits from the median moving range, which a shock does not widen."""
    ranges = np.abs(np.diff(medians))
    ranges = ranges[np.isfinite(ranges)]
    if len(ranges) < FEWEST:
        return None, None
    # 3.145 median moving ranges are three standard deviations, as 2.66 mean ones are
    reach, centre = 3.145 * float(np.median(ranges)), float(np.nanmedian(medians))
    return centre - reach, centre + reach


def _direction(median: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "quiet"
    return "fell" if median < low and median < 0 else "rose" if median > high and median > 0 else "quiet"
