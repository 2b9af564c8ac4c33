"""Series that have turned or moved to a new level: scans over every place where that may have happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from kpi_kit.statistics import calibration
from kpi_kit.statistics.noise import KINDS, Floats, Ints, Model, covariances
from kpi_kit.statistics.season import design, fitted_to

ALPHA = 0.05
FEWEST_AROUND = 8
"""So many values must lie on either side of a break, and a tenth of all."""

_SURE = 1.64
"""In standard errors, how steep both parts of a series that has turned must be."""


class Break(NamedTuple):
    """What happened to a series.

    Parameters
    ----------
    kind : str
        ``turned_down`` (it rose until then and falls since), ``turned_up``, ``level_up`` or ``level_down``
        (a new level since then).
    place : int
        The position of the first value after the break.
    p : float
        How likely chance alone makes a series look as if it had a break.
    """

    kind: str
    place: int
    p: float


@dataclass(frozen=True)
class Scan:
    """A step or hinge added to a design at one place after another.

    Parameters
    ----------
    fitted : Model
        Of the design without any of them.
    gaps : array of float or None
        Of hinges the distance of each position from the one before; None of steps.
    places : array of int
        The indices at which they begin.
    norms : array, shape (kinds, places)
        The squared lengths of what the design leaves of them, in each kind of noise.
    """

    fitted: Model
    gaps: Floats | None
    places: Ints
    norms: Floats

    def statistic(self, series: Floats) -> tuple[Floats, Floats]:
        """How much likelier any break makes series in columns, and how likely each kind of noise is then.

        Returns
        -------
        array, shape (series,)
        array, shape (kinds, series)
        """
        rest = self.fitted.rest @ series
        squares = np.maximum((series * rest).sum(axis=1), 1e-300)
        without = self.fitted.log_likelihoods(squares)
        explained = _added(rest, self.gaps)[:, self.places] ** 2 / self.norms[:, :, None]
        share = np.minimum(explained / squares[:, None], 1.0 - 1e-9)
        with_one = without[:, None] - 0.5 * self.fitted.free * np.log1p(-share)
        top = with_one.max(axis=(0, 1))
        likely = np.exp(with_one - top).sum(axis=1)
        value = np.log(likely.sum(axis=0)) + top - _log_sum(without)
        return value, likely / likely.sum(axis=0)


def _added(values: Floats, gaps: Floats | None) -> Floats:
    """For each index the sum along the second axis with the step, or hinge, that begins there."""
    steps = np.flip(np.flip(values, axis=1).cumsum(axis=1), axis=1)
    if gaps is None:
        return np.asarray(steps)
    spaced = steps * gaps[:, None]
    return np.asarray(np.flip(np.flip(spaced, axis=1).cumsum(axis=1), axis=1) - spaced)


def find_break(at: Ints, values: Floats, statistic: str) -> Break | None:
    """Tell whether a series has turned or moved to a new level.

    Gaps, which are few where this is asked, are filled with the fit of the design.

    Parameters
    ----------
    at : array of int, shape (n,)
        Positions of the values, from 0 on.
    values : array, shape (n,)
        The values of a flow (``statistic`` is ``trend``), or the gains of a level (``gain``).
    statistic : {"trend", "gain"}

    Returns
    -------
    Break or None
    """
    at, values = _without_gaps(at, values, statistic)
    scans = ("step", "kink") if statistic == "trend" else ("turn",)
    chances = []
    for name in scans:
        value, kinds = _scan(at.tobytes(), name).statistic(values[:, None])
        tails = calibration.chance_of_scan(name, len(values), float(value[0]))
        chances.append((float(kinds[:, 0] @ tails), int(kinds[:, 0].argmax())))
    p, kind = min(chances)
    if p > ALPHA:
        return None
    described = _of_flow(at, values, kind) if statistic == "trend" else _of_gains(at, values, kind)
    return None if described is None else Break(*described, p)


def _without_gaps(at: Ints, values: Floats, statistic: str) -> tuple[Ints, Floats]:
    everywhere = np.arange(at[-1] + 1)
    if len(everywhere) == len(at):
        return at, values
    columns = design(everywhere, statistic, seasonal=True)
    filled = columns @ np.linalg.lstsq(columns[at], values, rcond=None)[0]
    filled[at] = values
    return everywhere, filled


def scan_of(statistic: str, length: int) -> Callable[[Floats], Floats]:
    """The statistic of a scan, for whole series of a length in columns."""
    scan = _scan(np.arange(length, dtype="int64").tobytes(), statistic)
    return lambda series: scan.statistic(series)[0]


@lru_cache(maxsize=16)
def _scan(positions: bytes, statistic: str) -> Scan:
    at = np.frombuffer(positions, dtype="int64")
    fitted = fitted_to(positions, "gain" if statistic == "turn" else "trend", True)
    gaps = np.diff(at, prepend=at[0]).astype("float64") if statistic == "kink" else None
    places = _columns(at)[0]
    both = _added(_added(fitted.rest, gaps).transpose(0, 2, 1), gaps)
    return Scan(fitted, gaps, places, np.diagonal(both, axis1=1, axis2=2)[:, places])


def _columns(at: Ints) -> tuple[Ints, Floats, Floats]:
    """The places where a break may be, and for each a step and a hinge."""
    around = max(FEWEST_AROUND, len(at) // 10)
    places = np.arange(around, len(at) - around + 1)
    later = at[:, None] - at[places]
    return places, (later >= 0).astype("float64"), np.maximum(later, 0) / max(1.0, float(np.ptp(at)))


def _log_sum(values: Floats) -> Floats:
    top = values.max(axis=0)
    return np.asarray(np.log(np.exp(values - top).sum(axis=0)) + top)


def _of_flow(at: Ints, values: Floats, kind: int) -> tuple[str, int] | None:
    """The likelier of a new level and a turn, each with and without a yearly pattern.

    Two years of a straight line look like a step and a yearly saw; Schwarz's criterion counts the
    coefficients that each takes.
    """
    places, steps, hinges = _columns(at)
    white = _whitener(at, kind)
    fits = []
    for name, statistic, columns in (("level", "gain", steps), ("turn", "trend", hinges)):
        for seasonal in (True, False):
            base = design(at, statistic, seasonal=seasonal)
            left = _squares_left(white @ base, white @ columns, white @ values)
            cost = len(values) * np.log(left.min()) + base.shape[1] * np.log(len(values))
            fits.append((float(cost), name, seasonal, int(left.argmin())))
    _, name, seasonal, best = min(fits)
    columns = hinges if name == "turn" else steps
    base = design(at, "trend" if name == "turn" else "gain", seasonal=seasonal)
    whole = np.column_stack([base, columns[:, best]])
    if name == "turn":
        return _turned(*_fitted(white, whole, values, (1, -1)), int(places[best]))
    step = np.linalg.lstsq(white @ whole, white @ values, rcond=None)[0][-1]
    return ("level_up" if step > 0 else "level_down"), int(places[best])


def _of_gains(at: Ints, values: Floats, kind: int) -> tuple[str, int] | None:
    """A level has turned where its mean gain has changed its sign."""
    places, steps, _ = _columns(at)
    white = _whitener(at, kind)
    base = design(at, "gain", seasonal=True)
    best = int(_squares_left(white @ base, white @ steps, white @ values).argmin())
    coefficients, errors = _fitted(white, np.column_stack([base, steps[:, best]]), values, (0, -1))
    return _turned(coefficients, errors, int(places[best]))


def _whitener(at: Ints, kind: int) -> Floats:
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariances(at)[kind] + 1e-9 * np.eye(len(at)))))


def _squares_left(base: Floats, columns: Floats, values: Floats) -> Floats:
    """Residual sums of squares of a design with each of some columns added."""
    basis = np.linalg.qr(base)[0]
    rest = values - basis @ (basis.T @ values)
    added = columns - basis @ (basis.T @ columns)
    norms = np.maximum((added**2).sum(axis=0), 1e-12)
    return np.asarray(np.maximum(rest @ rest - (rest @ added) ** 2 / norms, 1e-12 * (values @ values)))


def _fitted(
    white: Floats, whole: Floats, values: Floats, terms: tuple[int, int]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The slope before a break and that after it, which is the sum of two terms; and their errors."""
    rows, target = white @ whole, white @ values
    inverse = np.linalg.inv(rows.T @ rows)
    coefficients = inverse @ (rows.T @ target)
    left = target - rows @ coefficients
    variance = float(left @ left) / max(1, len(values) - whole.shape[1])
    first, added = terms
    after = np.zeros(whole.shape[1])
    after[[first, added]] = 1.0
    spreads = inverse[first, first], float(after @ inverse @ after)
    errors = tuple(float(np.sqrt(variance * spread)) for spread in spreads)
    return (float(coefficients[first]), float(after @ coefficients)), (errors[0], errors[1])


def _turned(slopes: tuple[float, float], errors: tuple[float, float], place: int) -> tuple[str, int] | None:
    sure = all(abs(slope) > _SURE * error for slope, error in zip(slopes, errors, strict=True))
    if not sure or slopes[0] * slopes[1] >= 0:
        return None
    return ("turned_down" if slopes[0] > 0 else "turned_up"), place


assert len(KINDS) == 20, "the shipped tables have a row for each kind of noise"
