"""Is the change real: the difference between two periods, its 95 % interval, and its p.

The noise is that of the series a KPI has, not that of its units alone: weeks differ more than chance
explains, answers cluster by day, and the number of posts varies. The interval depends on the sampling
units, and p always inverts the interval that is shown: it is the level at which that interval would
just touch 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep  # type: ignore[import-untyped]
from statsmodels.stats.rates import confint_poisson_2indep  # type: ignore[import-untyped]

from kpi_kit.statistics.noise import Floats, Ints, Model, autocorrelations, capped, model, two_sided

ALPHA = 0.05
RESAMPLES = 2_999
FEWEST_UNITS = 5
"""Under so many days with posts or inquiries on a side a bootstrap knows too little of their spread."""

FEWEST_WEEKS = 12
"""Under so many weekly sums the spread of weeks is not known."""

FEWEST_MONTHS = 8
"""The same where the history is of longer steps than weeks."""

_CAUTION = 1.3
"""How much the kinds of noise that a series does not have enlarge p; measured on unchanged counts."""

_SMALLEST_P = 1e-12
_NEVER = 1e100  # the median of a resample that does not come down to one half
_WEEK = 7.0
_ROUNDS = 4
_FARTHEST = 400  # steps apart beyond which memory is the same
Interval = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Side:
    """One side of a change.

    Parameters
    ----------
    values : array-like of float
        ``binary``: successes a day (or a unit); ``counts``, ``flow``: a total a day, NaN where the day is
        not covered; ``posts``: numerators; ``units``: durations; ``none``: the value, alone.
    weights : array-like of float, optional
        ``binary``: trials a day (or a unit; 1 each where left out); ``posts``: denominators of a ratio of
        sums (left out: a sum a day); ``units``: 1 where the duration is whole, 0 where it is only known to
        be longer.
    days : float, optional
        Covered days, by which a value that accrues is made comparable; the number of values where left out.
    stock : float
        What divides the sum: subscribers, taken as fixed.
    clusters : array-like of int, optional
        ``posts`` with weights and ``units``: the day of each unit, for units of one day are alike; each is
        a day of its own where left out.
    """

    values: npt.ArrayLike
    weights: npt.ArrayLike | None = None
    days: float | None = None
    stock: float = 1.0
    clusters: npt.ArrayLike | None = None


@dataclass(frozen=True)
class Change:
    """The difference of the later from the earlier period, in the unit of the value.

    Parameters
    ----------
    estimate : float or None
        Of values that accrue, what the change would be between two periods of the length and the weekdays
        of the later one.
    low, high : float or None
        The 95 % interval of the estimate; None where there is none, or no end.
    p : float or None
        The level at which the interval would just touch 0.
    raw : float or None
        The plain difference of the two values.
    method : str
        ``newcombe``, ``poisson``, ``bootstrap``, ``bootstrap_median``, ``weekly_t`` or ``difference``.
    reason : str or None
        Why there is no interval, or no end of it: ``no_data``, ``no_denominator``, ``few_units``,
        ``no_variation``, ``median_not_reached``, ``open_end``, ``short_history``, ``no_interval``.
    dispersion : float or None
        Of counts and shares, how much more they vary than chance explains.
    """

    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    raw: float | None
    method: str
    reason: str | None = None
    dispersion: float | None = None


def change(
    kind: str,
    now: Side,
    earlier: Side,
    *,
    history: npt.ArrayLike | None = None,
    step_days: float = _WEEK,
    gap_days: float = 0.0,
    seed: int = 0,
) -> Change:
    """Compare two periods.

    Parameters
    ----------
    kind : {"binary", "counts", "posts", "units", "flow", "none"}
        The sampling units.
    now, earlier : Side
    history : array-like of float, optional
        For ``counts``, ``flow`` and sums over ``posts`` the sums of the last year's weeks, NaN where a week
        is not known; the last of them are those of the later period.
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
    sides = _read(now), _read(earlier)
    if kind == "binary":
        return _binary(*sides)
    if kind == "units":
        return _units(*sides, seed)
    if kind == "posts" and now.weights is not None and earlier.weights is not None:
        return _rates(*sides, seed)
    if kind == "none":
        return _none(*sides)
    weeks = np.asarray([] if history is None else history, dtype="float64").ravel()
    return _accruing(kind, sides, weeks, step_days, gap_days)


KINDS_OF_UNITS = ("binary", "counts", "posts", "units", "flow", "none")


@dataclass(frozen=True)
class _Known:
    """A side whose every value is known.

    Parameters
    ----------
    at : array of int
        The positions of the values among all that were given, or the clusters.
    """

    values: Floats
    weights: Floats | None
    days: float | None
    stock: float
    at: Ints

    @property
    def total(self) -> float:
        return float(self.values.sum())


def _read(side: Side) -> _Known:
    values = np.atleast_1d(np.asarray(side.values, dtype="float64")).ravel()
    weights = None if side.weights is None else np.atleast_1d(np.asarray(side.weights, "float64")).ravel()
    known = np.isfinite(values) if weights is None else np.isfinite(values) & np.isfinite(weights)
    at = np.arange(len(values)) if side.clusters is None else np.asarray(side.clusters, dtype="int64").ravel()
    kept = None if weights is None else weights[known]
    return _Known(values[known], kept, side.days, float(side.stock), at[known])


def _without(method: str, estimate: float | None, raw: float | None, reason: str) -> Change:
    return Change(estimate, None, None, None, raw, method, reason)


def inverted(interval: Interval, estimate: float) -> float:
    """The level at which an interval, which grows as the level falls, just touches 0."""
    if estimate == 0:
        return 1.0

    def near(log_level: float) -> float:
        low, high = interval(float(np.exp(log_level)))
        return low if estimate > 0 else -high

    least, most = float(np.log(_SMALLEST_P)), float(np.log(1 - 1e-9))
    if near(least) >= 0:
        return _SMALLEST_P
    if near(most) <= 0:
        return 1.0
    return float(np.exp(optimize.brentq(near, least, most, xtol=1e-6)))


def _judged(method: str, interval: Interval, estimate: float, raw: float, **more: float) -> Change:
    low, high = interval(ALPHA)
    return Change(estimate, low, high, inverted(interval, estimate), raw, method, None, **more)


def _as_normal(level: float, free: float) -> float:
    """The level whose normal quantile is the t quantile of another level."""
    return max(2 * float(stats.norm.sf(stats.t.isf(level / 2, free))), 1e-300) if free > 0 else level


# ---------------------------------------------------------------- shares


def _binary(now: _Known, earlier: _Known) -> Change:
    sides = [_trials(side) for side in (now, earlier)]
    sizes = [float(trials.sum()) for _, trials in sides]
    if min(sizes) <= 0:
        return _without("newcombe", None, None, "no_data")
    hits = [float(successes.sum()) for successes, _ in sides]
    estimate = hits[0] / sizes[0] - hits[1] / sizes[1]
    effect, free = design_effect(sides)

    def interval(level: float) -> tuple[float, float]:
        low, high = confint_proportions_2indep(
            hits[0] / effect,
            sizes[0] / effect,
            hits[1] / effect,
            sizes[1] / effect,
            method="newcomb",
            compare="diff",
            alpha=_as_normal(level, free),
        )
        return float(low), float(high)

    return _judged("newcombe", interval, estimate, estimate, dispersion=effect)


def _trials(side: _Known) -> tuple[Floats, Floats]:
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
    kind: str, sides: tuple[_Known, _Known], history: Floats, step_days: float, gap_days: float
) -> Change:
    """Sums over days: by the noise of past weeks; counts with a short history by their own."""
    now, earlier = sides
    days = _lengths(now, earlier)
    method = "poisson" if kind == "counts" else "weekly_t"
    if not (len(now.values) and len(earlier.values)) or (kind == "counts" and min(days) <= 0):
        return _without(method, None, None, "no_data")
    if min(now.stock, earlier.stock) <= 0 or min(days) <= 0:
        return _without(method, None, None, "no_denominator")
    over = now.stock, earlier.stock * _length_ratio(sides, days, gap_days)
    estimate = now.total / over[0] - earlier.total / over[1]
    raw = now.total / now.stock - earlier.total / earlier.stock
    enough = FEWEST_WEEKS if step_days <= _WEEK else FEWEST_MONTHS
    if np.isfinite(history).sum() < enough:
        if kind == "counts":
            return _poisson(sides, over, estimate, raw)
        return _without("weekly_t", estimate, raw, "short_history")
    lengths = days[0] / step_days, days[1] / step_days
    noise = _noise(history, lengths[0])
    if noise is None:
        if kind == "counts":
            return _poisson(sides, over, estimate, raw)
        return _without("weekly_t", estimate, raw, "no_variation")
    weights, sigmas, free = noise
    errors = sigmas * np.sqrt(_contrast_variance(lengths, gap_days / step_days, over))
    errors = errors * np.sqrt(_swelling(sides, lengths, history))
    return _by_t(weights, errors, free, estimate, raw)


def _lengths(now: _Known, earlier: _Known) -> tuple[float, float]:
    return (
        float(len(now.values) if now.days is None else now.days),
        float(len(earlier.values) if earlier.days is None else earlier.days),
    )


def _length_ratio(sides: tuple[_Known, _Known], days: tuple[float, float], gap_days: float) -> float:
    """The length of the earlier period in lengths of the later one, by the weekdays that they have."""
    now, earlier = sides
    start = -round(gap_days) - (int(earlier.at[-1]) + 1)
    places = [now.at % 7, (earlier.at + start) % 7]
    if min(len(place) for place in places) < 14:
        return days[1] / days[0]
    factor = weekday_factors([now.values, earlier.values], places)
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


def _swelling(sides: tuple[_Known, _Known], lengths: tuple[float, float], history: Floats) -> float:
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

    widest = float(errors.max() * stats.t.isf(ALPHA / 4, free))
    reach = float(optimize.brentq(lambda r: tail(r) - ALPHA, 0.0, widest, xtol=1e-9 * widest))
    p = min(1.0, max(tail(abs(estimate)), _SMALLEST_P))
    return Change(estimate, estimate - reach, estimate + reach, p, raw, "weekly_t")


def _poisson(sides: tuple[_Known, _Known], over: tuple[float, float], estimate: float, raw: float) -> Change:
    """Poisson rates with the over-dispersion of the days and weeks of both periods."""
    dispersion, free = dispersion_of(sides[0].values, sides[1].values)

    def interval(level: float) -> tuple[float, float]:
        # counts ÷ φ over an exposure ÷ φ have the same rate and φ times the variance
        low, high = confint_poisson_2indep(
            sides[0].total / dispersion,
            over[0] / dispersion,
            sides[1].total / dispersion,
            over[1] / dispersion,
            method="mover",
            compare="diff",
            alpha=_as_normal(level, free),
            method_mover="score",
        )
        return float(low), float(high)

    return _judged("poisson", interval, estimate, raw, dispersion=dispersion)


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


# ---------------------------------------------------------------- rates over posts, medians


def _rates(now: _Known, earlier: _Known, seed: int) -> Change:
    """Ratios of sums over posts, by a bootstrap over days."""
    if not (len(now.values) and len(earlier.values)):
        return _without("bootstrap", None, None, "no_data")
    sides = _by_day(now), _by_day(earlier)
    below = [0.0 if side.weights is None else float(side.weights.sum()) for side in sides]
    if min(below) <= 0:
        return _without("bootstrap", None, None, "no_denominator")
    estimate = now.total / below[0] - earlier.total / below[1]
    if min(len(side.values) for side in sides) < FEWEST_UNITS:
        return _without("bootstrap", estimate, estimate, "few_units")
    statistics = [_ratio_of(side) for side in sides]
    return _bootstrapped("bootstrap", sides, statistics, estimate, seed)


def _by_day(side: _Known) -> _Known:
    """The sums of each day."""
    days, day = np.unique(side.at, return_inverse=True)

    def summed(of_units: Floats) -> Floats:
        return np.bincount(day, of_units, minlength=len(days)).astype("float64")

    weights = None if side.weights is None else summed(side.weights)
    return replace(side, values=summed(side.values), weights=weights, at=days)


def _ratio_of(side: _Known) -> Callable[[Floats], Floats]:
    """The ratio of resamples, each given as how often it has each day."""
    bottoms = np.ones(len(side.values)) if side.weights is None else side.weights

    def ratio(drawn: Floats) -> Floats:
        top, bottom = drawn @ side.values, drawn @ bottoms
        # a resample without a denominator says nothing: it stands at the value itself
        usual = side.total / float(bottoms.sum())
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), usual)

    return ratio


def _units(now: _Known, earlier: _Known, seed: int) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return _without("bootstrap_median", None, None, "no_data")
    sides = _sorted(now), _sorted(earlier)
    statistics = [_median_of(side) for side in sides]
    days = [len(np.unique(side.at)) for side in sides]
    medians = [float(median(np.ones((1, count)))[0]) for median, count in zip(statistics, days, strict=True)]
    if max(medians) >= _NEVER:
        return _without("bootstrap_median", None, None, "median_not_reached")
    estimate = medians[0] - medians[1]
    if min(days) < FEWEST_UNITS:
        return _without("bootstrap_median", estimate, estimate, "few_units")
    return _bootstrapped("bootstrap_median", sides, statistics, estimate, seed)


def _sorted(side: _Known) -> _Known:
    """By duration; whole durations before those of the same length that are only known to be longer."""
    whole = np.ones(len(side.values)) if side.weights is None else side.weights
    order = np.lexsort((-whole, side.values))
    return replace(side, values=side.values[order], weights=whole[order], at=side.at[order])


def _median_of(side: _Known) -> Callable[[Floats], Floats]:
    """Kaplan–Meier medians of resamples of days, ``_NEVER`` where survival never comes down to one half."""
    whole = np.asarray(side.weights) == 1.0
    day = np.unique(side.at, return_inverse=True)[1]

    def medians(drawn_days: Floats) -> Floats:
        drawn = drawn_days[:, day]
        at_risk = drawn[:, ::-1].cumsum(axis=1)[:, ::-1]
        staying = np.where(at_risk > 0, (at_risk - drawn * whole) / np.maximum(at_risk, 1), 1.0)
        below = np.cumprod(staying, axis=1) <= 0.5 + 1e-12
        return np.where(below.any(axis=1), side.values[below.argmax(axis=1)], _NEVER)

    return medians


def _bootstrapped(
    method: str,
    sides: tuple[_Known, _Known],
    statistics: Sequence[Callable[[Floats], Floats]],
    estimate: float,
    seed: int,
) -> Change:
    """A percentile interval over resampled days."""
    rng = np.random.default_rng(seed)
    days = [len(np.unique(side.at)) for side in sides]
    first, second = (
        statistic(rng.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype("float64"))
        for statistic, count in zip(statistics, days, strict=True)
    )
    drawn = np.sort(first - second)
    if drawn[0] == drawn[-1]:
        return _without(method, estimate, estimate, "no_variation")
    widen = _widening(*days, exact=method == "bootstrap")

    def interval(level: float) -> tuple[float, float]:
        tail = widen(level / 2)
        low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
        return float(low), float(high)

    low, high = interval(ALPHA)
    p = max(inverted(interval, estimate), 1 / (RESAMPLES + 1))
    low_end, high_end = (end if abs(end) < _NEVER / 2 else None for end in (low, high))
    reason = "open_end" if low_end is None or high_end is None else None
    return Change(estimate, low_end, high_end, p, estimate, method, reason)


def _widening(first: int, second: int, *, exact: bool) -> Callable[[float], float]:
    """From a tail to the percentile that has it in small samples.

    A bootstrap has no t quantile, and the spread of its sums is too small by √((n − 1) / n); that of its
    medians is too large by about as much (``exact`` is false).
    """
    fewer = min(first, second)
    free, narrow = first + second - 2, np.sqrt(fewer / (fewer - 1)) if exact else 0.97

    def tail(asked: float) -> float:
        return float(stats.norm.sf(narrow * stats.t.isf(asked, free)))

    return tail


def _none(now: _Known, earlier: _Known) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return _without("difference", None, None, "no_data")
    days = now.days or 1.0, earlier.days or 1.0
    estimate = now.total / now.stock - earlier.total / (earlier.stock * days[1] / days[0])
    raw = now.total / now.stock - earlier.total / earlier.stock
    return _without("difference", estimate, raw, "no_interval")
