"""How well past forecasts came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kpi_kit.statistics.chance import Goal, chance
from kpi_kit.statistics.noise import Floats

CHECKED_FROM = 30
"""Under so many forecasts a back-test says nothing."""


SIMULATIONS_OF_THE_PAST = 1_000
"""A back-test pools thirty forecasts and more: an error of 0.016 of each is 0.0003 of its Brier score."""


class _Bound(NamedTuple):
    """From where on a fault counts: in size and in standard errors."""

    matters: float
    sure: float


class _Deviation(NamedTuple):
    """How far forecasts are off, in size and in standard errors."""

    size: float
    errors: float

    def beyond(self, bound: _Bound) -> bool:
        return self.size > bound.matters and self.errors > bound.sure


LOSS = _Bound(0.035, 1.9)
"""Of the squared error, over that of the earlier frequency."""

BIAS = _Bound(0.09, 2.3)
"""Of the share that came true, over or under the mean chance."""

TIMID = _Bound(0.1, 1.0)
"""Of chances too near to one half; decent forecasts are never that."""

BOLD = _Bound(0.35, 3.5)
"""Of chances too far from one half; forecasts from few periods are so a little."""


@dataclass(frozen=True)
class Forecast:
    """One forecast of the past, and what came.

    Parameters
    ----------
    probability : float
    attained, inside : bool
        Whether the target was attained, and whether the value came to lie in the 80 % band.
    base : float or None
        The share of earlier periods of the same entry that attained it, as Laplace's rule has it.
    """

    probability: float
    attained: bool
    inside: bool
    base: float | None = None


@dataclass(frozen=True)
class Backtest:
    """How well forecasts came true.

    Parameters
    ----------
    n : int
    brier : float or None
        Mean squared error of the probabilities: 0 is best.
    base_brier : float or None
        The same of each entry's own earlier frequency.
    coverage80 : float or None
        The share of facts inside the 80 % band.
    verdict : str
        ``not_checked`` under 30 forecasts, ``reliable`` or ``not_reliable``.
    why : str or None
        Of what is not reliable: ``worse_than_usual`` (than the earlier frequency, by more than chance) or
        ``not_calibrated`` (what was said does not fit what came, by more than chance).
    """

    n: int
    brier: float | None
    base_brier: float | None
    coverage80: float | None
    verdict: str
    why: str | None = None


def forecasts(
    history: npt.ArrayLike,
    goal: Goal | Sequence[Goal | None],
    *,
    level: bool = False,
    accrues: bool = False,
    lengths: npt.ArrayLike | None = None,
    bounds: tuple[float | None, float | None] = (None, None),
    whole: bool = False,
    units: float | None = None,
    year: float | None = 12.0,
    seed: int = 0,
    fewest: int = 6,
) -> list[Forecast]:
    """Forecast every period of a history from those before it.

    Parameters
    ----------
    history : array-like of float
        Consecutive periods.
    goal : Goal or sequence of Goal or None
        The present target; of a level what it asks to be gained is asked of each period. Or a target a
        period, None where there was none.
    fewest : int
        How many periods must come before the first forecast.
    level, accrues, lengths, bounds, whole, units, year, seed
        As in :func:`chance`.

    Returns
    -------
    list of Forecast
        To be pooled over all specialists by :func:`backtest`.

    Examples
    --------
    >>> len(forecasts([3.0, 5.0, 4.0, 6.0, 4.0, 5.0, 5.0, 4.0], Goal(low=4.0)))
    2
    """
    series = np.asarray(history, dtype="float64").ravel()
    days = None if lengths is None else np.asarray(lengths, dtype="float64").ravel()
    goals = _goals(series, goal, level)
    met = [
        bool(asked.met(value)) if asked is not None and np.isfinite(value) else None
        for value, asked in zip(series, goals, strict=True)
    ]
    made = []
    for now in range(max(fewest, 1), len(series)):
        asked = goals[now]
        if not np.isfinite(series[now]) or asked is None:
            continue
        said = chance(
            series[:now],
            asked,
            level=level,
            accrues=accrues,
            lengths=None if days is None else days[:now],
            length=None if days is None else float(days[now]),
            bounds=bounds,
            whole=whole,
            units=units,
            year=year,
            simulations=SIMULATIONS_OF_THE_PAST,
            seed=seed + now,
        )
        if said.probability is not None and said.low is not None and said.high is not None:
            fact = float(series[now])
            earlier = [one for one in met[:now] if one is not None]
            base = (sum(earlier) + 1) / (len(earlier) + 2)
            inside = bool(said.low <= fact <= said.high)
            made.append(Forecast(said.probability, bool(asked.met(fact)), inside, base))
    return made


def _goals(series: Floats, goal: Goal | Sequence[Goal | None], level: bool) -> list[Goal | None]:
    """The target of each period."""
    if not isinstance(goal, Goal):
        return list(goal)
    if not level or not np.isfinite(series).any():
        return [goal] * len(series)
    last = float(series[np.isfinite(series)][-1])
    before = np.concatenate([[np.nan], series[:-1]])
    return [goal.moved(float(start) - last) if np.isfinite(start) else None for start in before]


def backtest(made: Sequence[Forecast]) -> Backtest:
    """Pool forecasts, compare them with each entry's own earlier frequency, and check their calibration.

    Forecasts without a ``base`` are compared with the share of all that were attained.

    References
    ----------
    Spiegelhalter, Statistics in Medicine 5 (1986) 421–433 (the check of calibration).

    Examples
    --------
    >>> good = [Forecast(0.9, True, True)] * 18 + [Forecast(0.1, False, True)] * 18
    >>> good += [Forecast(0.9, False, True)] * 2 + [Forecast(0.1, True, True)] * 2
    >>> found = backtest(good)
    >>> found.n, round(found.brier, 2), round(found.base_brier, 2), found.verdict
    (40, 0.09, 0.25, 'reliable')
    >>> backtest(good[:3]).verdict
    'not_checked'
    """
    n = len(made)
    if n == 0:
        return Backtest(0, None, None, None, "not_checked")
    said = np.array([forecast.probability for forecast in made])
    came = np.array([forecast.attained for forecast in made], dtype="float64")
    # a base rate of 0 or 1 is not known for sure either
    overall = (came.sum() + 1) / (n + 2)
    base = np.array([overall if forecast.base is None else forecast.base for forecast in made])
    errors, base_errors = (said - came) ** 2, (base - came) ** 2
    why = _fault(said, came, errors - base_errors) if n >= CHECKED_FROM else None
    verdict = "not_checked" if n < CHECKED_FROM else "reliable" if why is None else "not_reliable"
    inside = float(np.mean([forecast.inside for forecast in made]))
    return Backtest(n, float(errors.mean()), float(base_errors.mean()), inside, verdict, why)


def _fault(said: Floats, came: Floats, worse: Floats) -> str | None:
    """What speaks against forecasts, by more than chance and by as much as matters."""
    n = len(said)
    loss, sure = float(worse.mean()), float(worse.std()) / np.sqrt(n)
    if loss > LOSS.matters and loss > LOSS.sure * sure:
        return "worse_than_usual"
    off, tilt = came - said, 1 - 2 * said
    variance = np.maximum(said * (1 - said), 1e-6)
    bias = _Deviation(float(off.mean()), float(off.sum() / np.sqrt(variance.sum())))
    stretched = float((off * tilt).sum())
    # by how much all chances should be drawn to one half (above 0) or away from it
    extremes = _Deviation(
        stretched / max(float((tilt**2).sum()), 1e-12),
        stretched / max(float(np.sqrt((tilt**2 * variance).sum())), 1e-12),
    )
    too_timid = _Deviation(-extremes.size, -extremes.errors)
    high, low = bias, _Deviation(-bias.size, -bias.errors)
    if high.beyond(BIAS) or low.beyond(BIAS) or too_timid.beyond(TIMID) or extremes.beyond(BOLD):
        return "not_calibrated"
    return None
