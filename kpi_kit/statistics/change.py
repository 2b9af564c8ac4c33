"""Is the change real: the difference between two periods, its 95 % interval, and its p.

The interval depends on the sampling units, and p always inverts the very interval that is shown: it
is the level at which that interval would just touch 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep  # type: ignore[import-untyped]
from statsmodels.stats.rates import confint_poisson_2indep  # type: ignore[import-untyped]

from kpi_kit.statistics.calibration import Floats, lag_one, null

ALPHA = 0.05
RESAMPLES = 2_999
FEWEST_UNITS = 5
"""Under so many posts or inquiries on a side a bootstrap knows too little of their spread."""

FEWEST_WEEKS = 10
"""Under so many weekly sums the spread of a flow is not known."""

_SMALLEST_P = 1e-12
_WEEKS_APART = 200.0  # beyond this no memory is left, whatever the ρ
_LEAST_RHO = -0.2
_NEVER = 1e100  # the median of a resample that does not come down to one half
Interval = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Side:
    """One side of a change.

    Parameters
    ----------
    values : array-like of float
        ``binary``: successes a unit; ``counts``, ``flow``: a total a covered day; ``posts``:
        numerators; ``units``: durations; ``none``: the value, alone.
    weights : array-like of float, optional
        ``binary``: trials a unit (1 each where left out); ``posts``: denominators of a ratio of sums
        (left out: a sum); ``units``: 1 where the duration is whole, 0 where it is only known to be longer.
    days : float, optional
        Covered days, by which a value that accrues is made comparable; for ``counts`` and ``flow``
        the number of values where left out.
    stock : float
        What divides the sum: subscribers, taken as fixed.
    """

    values: npt.ArrayLike
    weights: npt.ArrayLike | None = None
    days: float | None = None
    stock: float = 1.0


@dataclass(frozen=True)
class Change:
    """The difference of the later from the earlier period, in the unit of the value.

    Parameters
    ----------
    estimate : float or None
        Of values that accrue, the difference of the rates per covered day times the days of the later
        period: what the change would be between two periods of its length.
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
        Of counts, how much more than Poisson the days vary.
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
        For ``flow`` the last year's weekly sums, NaN where a week is not known.
    gap_days : float
        For ``flow``, the days between the end of the earlier and the start of the later period.
    seed : int
        For the bootstrap.

    Returns
    -------
    Change

    References
    ----------
    Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10; Donner and Zou, Statistical Methods
    in Medical Research 21 (2012) 347–359 (MOVER); Hesterberg, American Statistician 69 (2015) 371–386
    (expanded percentile interval).

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
    if kind not in _KINDS:
        raise ValueError(f"kind: one of {', '.join(_KINDS)} is expected, found {kind!r}")
    if kind == "flow":
        return _flow(_read(now), _read(earlier), history, gap_days)
    if kind in ("posts", "units"):
        return _KINDS[kind](_read(now), _read(earlier), seed)
    return _KINDS[kind](_read(now), _read(earlier))


@dataclass(frozen=True)
class _Known:
    """A side whose every value is known."""

    values: Floats
    weights: Floats | None
    days: float | None
    stock: float

    @property
    def total(self) -> float:
        return float(self.values.sum())


def _read(side: Side) -> _Known:
    values = np.atleast_1d(np.asarray(side.values, dtype="float64")).ravel()
    weights = None if side.weights is None else np.atleast_1d(np.asarray(side.weights, "float64")).ravel()
    known = np.isfinite(values) if weights is None else np.isfinite(values) & np.isfinite(weights)
    return _Known(values[known], None if weights is None else weights[known], side.days, float(side.stock))


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


def _binary(now: _Known, earlier: _Known) -> Change:
    trials = [len(s.values) if s.weights is None else float(s.weights.sum()) for s in (now, earlier)]
    if min(trials) <= 0:
        return _without("newcombe", None, None, "no_data")
    estimate = now.total / trials[0] - earlier.total / trials[1]

    def interval(level: float) -> tuple[float, float]:
        low, high = confint_proportions_2indep(
            now.total, trials[0], earlier.total, trials[1], method="newcomb", compare="diff", alpha=level
        )
        return float(low), float(high)

    return _judged("newcombe", interval, estimate, estimate)


def _accrued(now: _Known, earlier: _Known, days: tuple[float, float]) -> tuple[float, float, float, float]:
    """The two divisors that make sums comparable, the estimate, and the raw difference."""
    over = now.stock, earlier.stock * days[1] / days[0]
    estimate = now.total / over[0] - earlier.total / over[1]
    return *over, estimate, now.total / now.stock - earlier.total / earlier.stock


def _lengths(now: _Known, earlier: _Known) -> tuple[float, float]:
    return (
        float(len(now.values) if now.days is None else now.days),
        float(len(earlier.values) if earlier.days is None else earlier.days),
    )


def _counts(now: _Known, earlier: _Known) -> Change:
    days = _lengths(now, earlier)
    if min(days) <= 0 or not (len(now.values) and len(earlier.values)):
        return _without("poisson", None, None, "no_data")
    if min(now.stock, earlier.stock) <= 0:
        return _without("poisson", None, None, "no_denominator")
    over, over_earlier, estimate, raw = _accrued(now, earlier, days)
    dispersion, free = _dispersion(now.values, earlier.values)

    def interval(level: float) -> tuple[float, float]:
        # counts ÷ φ over an exposure ÷ φ have the same rate and φ times the variance; the normal
        # quantile of this level is the t quantile of the one asked for
        wider = 2 * stats.norm.sf(stats.t.isf(level / 2, free)) if free else level
        low, high = confint_poisson_2indep(
            now.total / dispersion,
            over / dispersion,
            earlier.total / dispersion,
            over_earlier / dispersion,
            method="mover",
            compare="diff",
            alpha=max(float(wider), 1e-300),
            method_mover="score",
        )
        return float(low), float(high)

    return _judged("poisson", interval, estimate, raw, dispersion=dispersion)


def _dispersion(*sides: Floats) -> tuple[float, int]:
    """Pearson's dispersion of the daily counts about the mean of their side, and its degrees of freedom."""
    varying = [values for values in sides if values.sum() > 0]
    free = sum(len(values) - 1 for values in varying)
    if free <= 0:
        return 1.0, 0
    squares = sum(float(((values - values.mean()) ** 2).sum() / values.mean()) for values in varying)
    return max(1.0, squares / free), free


def _posts(now: _Known, earlier: _Known, seed: int) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return _without("bootstrap", None, None, "no_data")
    ratio = now.weights is not None and earlier.weights is not None
    if ratio:
        below = [0.0 if side.weights is None else float(side.weights.sum()) for side in (now, earlier)]
    else:
        days = now.days or 1.0, earlier.days or 1.0
        below = [now.stock, earlier.stock * days[1] / days[0]]
    if min(below) <= 0 or min(now.stock, earlier.stock) <= 0:
        return _without("bootstrap", None, None, "no_denominator")
    estimate = now.total / below[0] - earlier.total / below[1]
    raw = estimate if ratio else now.total / now.stock - earlier.total / earlier.stock
    if min(len(now.values), len(earlier.values)) < FEWEST_UNITS:
        return _without("bootstrap", estimate, raw, "few_units")
    statistics = [_ratio_of(side, divisor) for side, divisor in zip((now, earlier), below, strict=True)]
    return _bootstrapped("bootstrap", now, earlier, statistics, estimate, raw, seed)


def _ratio_of(side: _Known, divisor: float) -> Callable[[npt.NDArray[np.intp]], Floats]:
    def value(units: npt.NDArray[np.intp]) -> Floats:
        top = side.values[units].sum(axis=-1)
        if side.weights is None:
            return np.asarray(top / divisor)
        bottom = side.weights[units].sum(axis=-1)
        # a resample without a denominator says nothing: it stands at the value itself
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), side.total / divisor)

    return value


def _units(now: _Known, earlier: _Known, seed: int) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return _without("bootstrap_median", None, None, "no_data")
    now, earlier = _sorted(now), _sorted(earlier)
    statistics = [_median_of(side) for side in (now, earlier)]
    medians = [
        float(median(np.arange(len(side.values))))
        for median, side in zip(statistics, (now, earlier), strict=True)
    ]
    if max(medians) >= _NEVER:
        return _without("bootstrap_median", None, None, "median_not_reached")
    estimate = medians[0] - medians[1]
    if min(len(now.values), len(earlier.values)) < FEWEST_UNITS:
        return _without("bootstrap_median", estimate, estimate, "few_units")
    return _bootstrapped("bootstrap_median", now, earlier, statistics, estimate, estimate, seed)


def _sorted(side: _Known) -> _Known:
    """By duration; whole durations before those of the same length that are only known to be longer."""
    whole = np.ones(len(side.values)) if side.weights is None else side.weights
    order = np.lexsort((-whole, side.values))
    return _Known(side.values[order], whole[order], side.days, side.stock)


def _median_of(side: _Known) -> Callable[[npt.NDArray[np.intp]], Floats]:
    """Kaplan–Meier medians of resamples, ``_NEVER`` where survival never comes down to one half."""
    whole = np.asarray(side.weights) == 1.0

    def medians(units: npt.NDArray[np.intp]) -> Floats:
        rows = units.reshape(-1, units.shape[-1])
        n = len(side.values)
        drawn = np.bincount((rows + n * np.arange(len(rows))[:, None]).ravel(), minlength=n * len(rows))
        drawn = drawn.reshape(len(rows), n)
        at_risk = drawn[:, ::-1].cumsum(axis=1)[:, ::-1]
        staying = np.where(at_risk > 0, (at_risk - drawn * whole) / np.maximum(at_risk, 1), 1.0)
        below = np.cumprod(staying, axis=1) <= 0.5 + 1e-12
        found = np.where(below.any(axis=1), side.values[below.argmax(axis=1)], _NEVER)
        return found.reshape(units.shape[:-1])

    return medians


def _bootstrapped(
    method: str,
    now: _Known,
    earlier: _Known,
    values: Sequence[Callable[[npt.NDArray[np.intp]], Floats]],
    estimate: float,
    raw: float,
    seed: int,
) -> Change:
    """A percentile interval over resampled units."""

    def difference(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], axis: int = -1) -> Floats:
        return values[0](first.astype(np.intp)) - values[1](second.astype(np.intp))

    drawn = stats.bootstrap(
        (np.arange(len(now.values)), np.arange(len(earlier.values))),
        difference,
        n_resamples=RESAMPLES,
        method="percentile",
        vectorized=True,
        batch=1_000,
        rng=np.random.default_rng(seed),
    ).bootstrap_distribution
    drawn = np.sort(drawn)
    if drawn[0] == drawn[-1]:
        return _without(method, estimate, raw, "no_variation")
    widen = _widening(len(now.values), len(earlier.values)) if method == "bootstrap" else _narrowing

    def interval(level: float) -> tuple[float, float]:
        tail = widen(level / 2)
        low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
        return float(low), float(high)

    low, high = interval(ALPHA)
    p = max(inverted(interval, estimate), 1 / (RESAMPLES + 1))
    low_end, high_end = (end if abs(end) < _NEVER / 2 else None for end in (low, high))
    reason = "open_end" if low_end is None or high_end is None else None
    return Change(estimate, low_end, high_end, p, raw, method, reason)


def _widening(first: int, second: int) -> Callable[[float], float]:
    """From the tail asked for to the percentile that has it in small samples.

    A bootstrap's spread is too small by √((n − 1) / n), and it knows of no t quantile.
    """
    fewer = min(first, second)
    free, narrow = first + second - 2, np.sqrt(fewer / (fewer - 1))

    def tail(asked: float) -> float:
        return float(stats.norm.sf(narrow * stats.t.isf(asked, free)))

    return tail


def _narrowing(asked: float) -> float:
    """From the tail asked for to the percentile of resampled medians that has it.

    Resampled medians spread more than medians do, at any usual number of units: measured, their
    plain percentiles cover 97 % for 95.
    """
    return float(stats.norm.sf(0.95 * stats.norm.isf(asked)))


def _flow(now: _Known, earlier: _Known, history: npt.ArrayLike | None, gap_days: float) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return _without("weekly_t", None, None, "no_data")
    days = _lengths(now, earlier)
    if min(now.stock, earlier.stock) <= 0 or min(days) <= 0:
        return _without("weekly_t", None, None, "no_denominator")
    over, over_earlier, estimate, raw = _accrued(now, earlier, days)
    weeks = np.asarray([] if history is None else history, dtype="float64").ravel()
    if np.isfinite(weeks).sum() < FEWEST_WEEKS:
        return _without("weekly_t", estimate, raw, "short_history")
    sigma, rho, free = weekly_noise(weeks)
    if sigma == 0:
        return _without("weekly_t", estimate, raw, "no_variation")
    first, second, apart = days[0] / 7, days[1] / 7, min(gap_days / 7, _WEEKS_APART)
    variances = [_spread_of_sum(length, rho) for length in (first, second)]
    shared = 0.5 * (
        _spread_of_sum(first + apart + second, rho)
        + _spread_of_sum(apart, rho)
        - _spread_of_sum(first + apart, rho)
        - _spread_of_sum(second + apart, rho)
    )
    variance = variances[0] / over**2 + variances[1] / over_earlier**2 - 2 * shared / (over * over_earlier)
    error = sigma * float(np.sqrt(max(variance, 0.0)))

    def interval(level: float) -> tuple[float, float]:
        reach = error * float(stats.t.isf(level / 2, free))
        return estimate - reach, estimate + reach

    low, high = interval(ALPHA)
    p = max(float(2 * stats.t.sf(abs(estimate) / error, free)), _SMALLEST_P)
    return Change(estimate, low, high, p, raw, "weekly_t")


def weekly_noise(weeks: Floats) -> tuple[float, float, float]:
    """The noise of weekly sums about their Theil–Sen line.

    Returns
    -------
    float, float, float
        Its standard deviation, its lag-1 autocorrelation, and the degrees of freedom of the first.
    """
    known = np.flatnonzero(np.isfinite(weeks))
    weeks = weeks[known[0] : known[-1] + 1]
    at = np.flatnonzero(np.isfinite(weeks)).astype(float)
    values = weeks[np.isfinite(weeks)]
    if np.ptp(values) == 0:
        return 0.0, 0.0, 1.0
    slope = float(stats.theilslopes(values, at)[0])
    residuals = weeks - slope * np.arange(len(weeks))
    table, r1 = null("trend", len(values)), float(lag_one(residuals))
    # half of all series without memory read below ρ = 0: cut off there, they would look as if they had some
    rho = table.rho(r1) if r1 >= table.r1[0] else max(r1 - float(table.r1[0]), _LEAST_RHO)
    centred = values - slope * at
    centred = centred - centred.mean()
    # a fitted line takes more from the variance of noise that remembers
    line = np.linalg.qr(np.vstack([np.ones_like(at), at]).T)[0]
    taken = float(np.trace(line.T @ (rho ** np.abs(at[:, None] - at)) @ line))
    sigma = float(np.sqrt((centred**2).sum() / max(len(values) - taken, 1.0)))
    return sigma, rho, max(3.0, len(values) * (1 - rho**2) / (1 + rho**2) - 2)


def _spread_of_sum(weeks: float, rho: float) -> float:
    """The variance of a sum over so many weeks, in variances of one.

    Examples
    --------
    >>> _spread_of_sum(4.0, 0.0), _spread_of_sum(2.0, 0.5)
    (4.0, 3.0)
    """
    lags = np.arange(1, int(min(np.ceil(weeks), 400)))
    return float(weeks + 2 * ((weeks - lags) * rho**lags).sum())


def _none(now: _Known, earlier: _Known) -> Change:
    if not (len(now.values) and len(earlier.values)):
        return _without("difference", None, None, "no_data")
    days = now.days or 1.0, earlier.days or 1.0
    *_, estimate, raw = _accrued(now, earlier, days)
    return _without("difference", estimate, raw, "no_interval")


_KINDS: dict[str, Callable[..., Change]] = {
    "binary": _binary,
    "counts": _counts,
    "posts": _posts,
    "units": _units,
    "flow": _flow,
    "none": _none,
}
