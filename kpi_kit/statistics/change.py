"""Is the change real: the difference between two periods, its 95 % interval, and its p.

The noise is that of the series a KPI has, not that of its units alone: weeks differ more than chance
explains, answers cluster by day, and the number of posts varies. The interval depends on the sampling
units, and p always inverts the interval that is shown: it is the level at which that interval would
just touch 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from kpi_kit.statistics.intervals import (
    critical_value,
    interval_of_difference,
    poisson_score,
    upper_t,
    wilson,
)
from kpi_kit.statistics.noise import Floats, Ints, Model, autocorrelations, capped, model, two_sided
from kpi_kit.statistics.resampling import change_of_medians, change_of_rates
from kpi_kit.statistics.roots import root
from kpi_kit.statistics.sides import ALPHA, SMALLEST_P, Change, Known, Side, judged, read_side, without

FEWEST_WEEKS = 12
"""Under so many weekly sums the spread of weeks is not known."""

FEWEST_MONTHS = 8
"""The same where the history is of longer steps than weeks."""

_CAUTION = 1.3
"""How much the kinds of noise that a series does not have enlarge p; measured on unchanged counts."""

_WEEK = 7.0
_ROUNDS = 4
_FARTHEST = 400  # steps apart beyond which memory is the same


def change(
    kind: str,
    now: Side,
    earlier: Side,
    *,
    history: npt.ArrayLike | None = None,
    below: npt.ArrayLike | None = None,
    weekdays: npt.ArrayLike | None = None,
    step_days: float = _WEEK,
    gap_days: float = 0.0,
    seed: int = 0,
) -> Change:
    """Compare two periods.

    Parameters
    ----------
    kind : {"binary", "counts", "posts", "units", "flow", "ratio", "none"}
        The sampling units.
    now, earlier : Side
    history : array-like of float, optional
        For ``counts``, ``flow`` and sums over ``posts`` the sums of the last year's weeks, NaN where a week
        is not known; the last of them are those of the later period. For ``ratio`` the numerators' sums.
    below : array-like of float, optional
        For ``ratio`` the denominators' sums of the same weeks.
    weekdays : array-like of float, optional
        Of what accrues: how much of a usual day each weekday has, that of the later period's first day
        first. By default it is estimated from both periods, where they are long enough.
    step_days : float
        The length of a step of the history, where it is not of weeks.
    gap_days : float
        The days between the end of the earlier and the start of the later period.
    seed : int
        For the bootstrap.

    Returns
    -------
    Change

    References
    ----------
    Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10, with sample sizes divided by the design
    effect of days (Kish, "Survey Sampling", 1965); Donner and Zou, Statistical Methods in Medical Research
    21 (2012) 347–359 (MOVER); Hesterberg, American Statistician 69 (2015) 371–386 (expanded percentile
    interval).

    Examples
    --------
    >>> found = change("binary", Side([56.0], [70.0]), Side([48.0], [80.0]))
    >>> round(found.estimate, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    >>> found.p < 0.05
    True
    >>> change("none", Side([5.0]), Side([3.0])).raw
    2.0
    """
    if kind not in KINDS_OF_UNITS:
        raise ValueError(f"kind: one of {', '.join(KINDS_OF_UNITS)} is expected, found {kind!r}")
    sides = read_side(now), read_side(earlier)
    if kind == "binary":
        return _binary(*sides)
    if kind == "units":
        return change_of_medians(*sides, seed)
    if kind == "posts" and now.weights is not None and earlier.weights is not None:
        return change_of_rates(*sides, seed)
    if kind == "none":
        return _none(*sides)
    weeks = np.asarray([] if history is None else history, dtype="float64").ravel()
    if kind == "ratio":
        return _ratio(sides, weeks, np.asarray([] if below is None else below), gap_days, seed)
    factors = None if weekdays is None else np.asarray(weekdays, dtype="float64")
    return _accruing(kind, sides, weeks, step_days, gap_days, factors)


KINDS_OF_UNITS = ("binary", "counts", "posts", "units", "flow", "ratio", "none")


# ---------------------------------------------------------------- shares


def _binary(now: Known, earlier: Known) -> Change:
    sides = [_trials(side) for side in (now, earlier)]
    sizes = [float(trials.sum()) for _, trials in sides]
    if min(sizes) <= 0:
        return without("newcombe", None, None, "no_data")
    hits = [float(successes.sum()) for successes, _ in sides]
    estimate = hits[0] / sizes[0] - hits[1] / sizes[1]
    effect, free = design_effect(sides)

    def interval(level: float) -> tuple[float, float]:
        z = critical_value(level, free)
        parts = [wilson(count / effect, size / effect, z) for count, size in zip(hits, sizes, strict=True)]
        return interval_of_difference(*parts)

    return judged("newcombe", interval, estimate, estimate, dispersion=effect)


def _trials(side: Known) -> tuple[Floats, Floats]:
    """Successes and trials of the days on which there were any."""
    trials = np.ones(len(side.values)) if side.weights is None else side.weights
    return side.values[trials > 0], trials[trials > 0]


def design_effect(sides: Sequence[tuple[Floats, Floats]]) -> tuple[float, int]:
    """How much more shares vary than their trials explain, because those of a day are alike.

    Parameters
    ----------
    sides : sequence of pairs of arrays
        Successes and trials by day.

    Returns
    -------
    float, int
        The variance of both shares from day to day over that of independent trials, at least 1; and its
        degrees of freedom, 0 where no side has two days.

    Examples
    --------
    >>> design_effect([(np.array([4.0, 0.0, 4.0, 0.0]), np.full(4, 4.0))])[0] > 3
    True
    >>> design_effect([(np.array([5.0]), np.array([9.0]))])
    (1.0, 0)
    """
    between = within = 0.0
    free = 0
    for successes, trials in sides:
        days, size = len(trials), float(trials.sum())
        if days < 2 or size <= 0:
            continue
        share = float(successes.sum()) / size
        off = successes - share * trials
        between += days / (days - 1) * float(off @ off) / size**2
        within += share * (1 - share) / size
        free += days - 1
    return (max(1.0, between / within) if within > 0 else 1.0), free


# ---------------------------------------------------------------- what accrues


def _accruing(
    kind: str,
    sides: tuple[Known, Known],
    history: Floats,
    step_days: float,
    gap_days: float,
    weekdays: Floats | None,
) -> Change:
    """Sums over days: by the noise of past weeks; counts with a short history by their own."""
    now, earlier = sides
    days = _lengths(now, earlier)
    method = "poisson" if kind == "counts" else "weekly_t"
    if not (len(now.values) and len(earlier.values)) or (kind == "counts" and min(days) <= 0):
        return without(method, None, None, "no_data")
    if min(now.stock, earlier.stock) <= 0 or min(days) <= 0:
        return without(method, None, None, "no_denominator")
    over = now.stock, earlier.stock * _length_ratio(sides, days, gap_days, weekdays)
    estimate = now.total / over[0] - earlier.total / over[1]
    raw = now.total / now.stock - earlier.total / earlier.stock
    enough = FEWEST_WEEKS if step_days <= _WEEK else FEWEST_MONTHS
    if np.isfinite(history).sum() < enough:
        if kind == "counts":
            return _poisson(sides, over, estimate, raw)
        return without("weekly_t", estimate, raw, "short_history")
    lengths = days[0] / step_days, days[1] / step_days
    noise = _noise(history, lengths[0])
    if noise is None:
        if kind == "counts":
            return _poisson(sides, over, estimate, raw)
        return without("weekly_t", estimate, raw, "no_variation")
    weights, sigmas, free = noise
    errors = sigmas * np.sqrt(_contrast_variance(lengths, gap_days / step_days, over))
    errors = errors * np.sqrt(_swelling(sides, lengths, history))
    return _by_t(weights, errors, free, estimate, raw)


def _lengths(now: Known, earlier: Known) -> tuple[float, float]:
    return (
        float(len(now.values) if now.days is None else now.days),
        float(len(earlier.values) if earlier.days is None else earlier.days),
    )


def _length_ratio(
    sides: tuple[Known, Known], days: tuple[float, float], gap_days: float, weekdays: Floats | None
) -> float:
    """The length of the earlier period in lengths of the later one, by the weekdays that they have."""
    now, earlier = sides
    start = -round(gap_days) - (int(earlier.at[-1]) + 1)
    places = [now.at % 7, (earlier.at + start) % 7]
    shorter = min(len(place) for place in places)
    if shorter < (14 if weekdays is None else 2):
        return days[1] / days[0]
    factor = weekday_factors([now.values, earlier.values], places) if weekdays is None else weekdays
    return days[1] * float(factor[places[1]].mean()) / (days[0] * float(factor[places[0]].mean()))


def weekday_factors(values: Sequence[Floats], places: Sequence[Ints]) -> Floats:
    """How much of a usual day each weekday has, drawn towards 1 as far as chance explains the differences.

    Parameters
    ----------
    values, places : sequence of arrays
        For each side the daily values, and their weekdays counted from any day.

    Examples
    --------
    >>> week = np.array([12.0, 12, 12, 12, 12, 5, 5])
    >>> weekday_factors([np.tile(week, 4)] * 2, [np.arange(28) % 7] * 2).round(1).tolist()
    [1.2, 1.2, 1.2, 1.2, 1.2, 0.5, 0.5]
    """
    place = np.concatenate(list(places))
    counts = np.bincount(place, minlength=7)
    if counts.min() < 2 or min(float(side.sum()) for side in values) <= 0:
        return np.ones(7)
    means = np.ones(7)
    for _ in range(_ROUNDS):  # a side with more weekends has a lower mean, which is not its level
        levels = [float(side.sum() / means[at].sum()) for side, at in zip(values, places, strict=True)]
        relative = np.concatenate([side / level for side, level in zip(values, levels, strict=True)])
        means = np.bincount(place, relative, minlength=7) / counts
    inside = float(((relative - means[place]) ** 2).sum()) / (len(place) - 7)
    between = float((counts * (means - means.mean()) ** 2).sum()) / 6
    kept = max(0.0, 1.0 - inside / between) if between > 0 else 0.0
    return np.asarray(1.0 + kept * (means - means.mean()))


# ---------------------------------------------------------------- ratios of two sums


def _ratio(sides: tuple[Known, Known], above: Floats, below: Floats, gap_days: float, seed: int) -> Change:
    """A ratio of two sums over days, by the delta method: its noise is that of past weeks.

    With R the ratio of the history, a period's ratio is R + Σ (numerator − R · denominator) / Σ denominator,
    so that the change is one of such sums. With less history a bootstrap over days.
    """
    by_days = change_of_rates(*sides, seed)
    known = np.isfinite(above) & np.isfinite(below)
    if by_days.estimate is None or by_days.reason == "few_units" or known.sum() < FEWEST_WEEKS:
        return by_days
    usual, whole = float(below[known].mean()), float(below[known].sum())
    if whole <= 0:
        return by_days
    series = np.where(known, above - above[known].sum() / whole * below, np.nan)
    now, earlier = sides
    days = _lengths(now, earlier)
    over = float(np.asarray(now.weights).sum()), float(np.asarray(earlier.weights).sum())
    lengths = days[0] / _WEEK, days[1] / _WEEK
    noise = _noise(series, lengths[0])
    if noise is None:
        return by_days
    weights, sigmas, free = noise
    errors = sigmas * np.sqrt(_contrast_variance(lengths, gap_days / _WEEK, over))
    errors = errors * np.sqrt(max(1.0, sum(over) / sum(lengths) / usual))
    return _by_t(weights, errors, free, by_days.estimate, by_days.estimate)


def _noise(history: Floats, period: float) -> tuple[Floats, Floats, int] | None:
    """How likely each kind of noise is, its standard deviation a step, and the degrees of freedom.

    The steps of the later period have a mean of their own: what is asked is whether it differs.
    """
    at = np.flatnonzero(np.isfinite(history))
    at = at.astype("int64")
    values = history[at]
    if np.ptp(values) == 0:
        return None
    own = round(period) if len(at) - round(period) >= FEWEST_MONTHS else 0
    fitted = _model(at.tobytes(), own)
    series = capped(values, _design(at, own))
    squares = np.maximum(fitted.squares(series[:, None]), 1e-300)
    return fitted.kinds(squares)[:, 0], np.sqrt(squares[:, 0] / fitted.free), fitted.free


def _design(at: Ints, own: int) -> Floats:
    """A line, and a step where the later period begins."""
    columns = [np.ones(len(at)), (at - at.mean()) / max(1.0, float(np.ptp(at)))]
    if own and 0 < (late := at > at[-1] - own).sum() < len(at):
        columns.append(late.astype("float64"))
    return np.array(columns).T


@lru_cache(maxsize=32)
def _model(positions: bytes, own: int) -> Model:
    at = np.frombuffer(positions, dtype="int64")
    return model(at, _design(at, own))


def _contrast_variance(lengths: tuple[float, float], apart: float, over: tuple[float, float]) -> Floats:
    """The variance of the difference for noise of variance 1 a step, of each kind."""
    first, second = lengths
    variances = [_spread_of_sum(length) for length in (first, second)]
    shared = 0.5 * (
        _spread_of_sum(first + apart + second)
        + _spread_of_sum(apart)
        - _spread_of_sum(first + apart)
        - _spread_of_sum(second + apart)
    )
    found = variances[0] / over[0] ** 2 + variances[1] / over[1] ** 2 - 2 * shared / (over[0] * over[1])
    return np.maximum(found, 1e-12 * variances[0] / over[0] ** 2)


def _spread_of_sum(steps: float) -> Floats:
    """The variance of a sum over so many steps for each kind of noise, in variances of one."""
    lags = np.arange(1, int(min(np.ceil(steps), _FARTHEST)))
    memory = autocorrelations(_FARTHEST)[:, lags]
    return np.asarray(steps + 2 * memory @ (steps - lags))


def _swelling(sides: tuple[Known, Known], lengths: tuple[float, float], history: Floats) -> float:
    """How much larger variances are than in the history, where the periods stand higher than it does."""
    usual = float(np.nanmean(history))
    if usual <= 0:
        return 1.0
    level = sum(side.total for side in sides) / sum(lengths)
    return max(1.0, level / usual)


def _by_t(weights: Floats, errors: Floats, free: int, estimate: float, raw: float) -> Change:
    """A t interval, each standard error with its weight."""

    def tail(reach: float) -> float:
        return float(weights @ two_sided(reach / errors, free)) / _CAUTION

    widest = float(errors.max() * upper_t(ALPHA / 4, free))
    reach = root(lambda reach: tail(reach) - ALPHA, 0.0, widest, 1e-9 * widest)
    p = min(1.0, max(tail(abs(estimate)), SMALLEST_P))
    return Change(estimate, estimate - reach, estimate + reach, p, raw, "weekly_t")


def _poisson(sides: tuple[Known, Known], over: tuple[float, float], estimate: float, raw: float) -> Change:
    """Poisson rates with the over-dispersion of the days and weeks of both periods."""
    dispersion, free = dispersion_of(sides[0].values, sides[1].values)

    def interval(level: float) -> tuple[float, float]:
        z = critical_value(level, free)
        # counts ÷ φ over an exposure ÷ φ have the same rate and φ times the variance
        parts = [
            poisson_score(side.total / dispersion, exposure / dispersion, z)
            for side, exposure in zip(sides, over, strict=True)
        ]
        return interval_of_difference(*parts)

    return judged("poisson", interval, estimate, raw, dispersion=dispersion)


def dispersion_of(*sides: Floats) -> tuple[float, int]:
    """The larger of Pearson's dispersions of days and of weeks, and the degrees of freedom of weeks.

    Each count stands against the mean of its side; without whole weeks those of the days are returned.

    Examples
    --------
    >>> dispersion_of(np.array([1.0, 2.0, 3.0, 6.0]))[1]
    3
    """
    by_day, free_days = _pearson(sides)
    weeks = [side[len(side) % 7 :].reshape(-1, 7).sum(axis=1) for side in sides if len(side) >= 7]
    by_week, free_weeks = _pearson(weeks)
    return max(1.0, by_day, by_week), free_weeks or free_days


def _pearson(sides: Sequence[Floats]) -> tuple[float, int]:
    varying = [values for values in sides if values.sum() > 0]
    free = sum(len(values) - 1 for values in varying)
    if free <= 0:
        return 1.0, 0
    squares = sum(float(((values - values.mean()) ** 2).sum() / values.mean()) for values in varying)
    return squares / free, free


def _none(now: Known, earlier: Known) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return without("difference", None, None, "no_data")
    days = now.days or 1.0, earlier.days or 1.0
    estimate = now.total / now.stock - earlier.total / (earlier.stock * days[1] / days[0])
    raw = now.total / now.stock - earlier.total / earlier.stock
    return without("difference", estimate, raw, "no_interval")
