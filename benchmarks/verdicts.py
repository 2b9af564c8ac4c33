"""What the verdicts are worth: false alarms, power and coverage on simulated data of known truth.

Run ``python benchmarks/verdicts.py [SHARE]``. Every table stands beside the reference figures of
section 6 of the design and the limits of the acceptance; a figure past its limit is marked ``!`` and
the exit code is 1. Everything is seeded. ``SHARE`` (1 by default) scales the number of series.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process a core below; threads would only fight

import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pymannkendall
from scipy import stats

from kpi_kit.statistics import (
    Begun,
    Change,
    Goal,
    Side,
    backtest,
    chance,
    change,
    control_limits,
    false_discoveries,
    forecasts,
    trend,
)

Floats = npt.NDArray[np.float64]
RHOS = (0.0, 0.3, 0.6)
SHARE = float(sys.argv[1]) if sys.argv[1:] else 1.0
SERIES = max(20, int(2_000 * SHARE))


@dataclass(frozen=True)
class Line:
    """One measured figure in percent, what it may be, and the reference."""

    name: str
    figure: float
    least: float = -np.inf
    most: float = np.inf
    reference: str = ""

    @property
    def fails(self) -> bool:
        return not self.least <= round(self.figure, 2) <= self.most

    def __str__(self) -> str:
        limits = f"{self.least:g} …" if np.isinf(self.most) else f"… {self.most:g}"
        if not np.isinf(self.least) and not np.isinf(self.most):
            limits = f"{self.least:g} … {self.most:g}"
        if np.isinf(self.least) and np.isinf(self.most):
            limits = ""
        return (
            f"{self.name:66} {self.figure:7.1f}{'!' if self.fails else ' '} {limits:>11} {self.reference:>10}"
        )


def generator(*key: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def ar(rng: np.random.Generator, rho: float, length: int) -> Floats:
    noise = rng.standard_normal(length)
    for at in range(1, length):
        noise[at] = rho * noise[at - 1] + np.sqrt(1 - rho**2) * noise[at]
    return noise


def share(hits: Iterator[bool]) -> float:
    found = list(hits)
    return 100 * sum(found) / len(found)


# --- trends ---------------------------------------------------------------------------------------

ALARMS = {12: (6, 8, 13), 24: (6, 7, 10), 52: (6, 7, 8), 104: (6, 7, 9)}
ALARM_REFERENCE = {12: (4, 6, 12), 24: ("", "", ""), 52: (3, 6, 6), 104: (4, 5, 7)}
POWER = {12: (60, None, None), 24: (None, None, None), 52: (95, None, 75), 104: (99, None, 90)}
POWER_REFERENCE = {12: (63, 47, 43), 24: ("", "", ""), 52: (100, 98, 81), 104: (100, 100, 94)}


def series(rng: np.random.Generator, length: int, rho: float) -> Floats:
    cycle = 1.5 * np.sin(2 * np.pi * (np.arange(length) / 52.18 + rng.random())) if length == 104 else 0.0
    return ar(rng, rho, length) + cycle


def trend_lines(length: int, place: int) -> list[Line]:
    rho = RHOS[place]
    rng = generator("trend", length, rho)
    noise = [series(rng, length, rho) for _ in range(SERIES)]
    rise = 3 * np.arange(length) / (length - 1)
    alarms = share((trend(x).p or 0) <= 0.05 for x in noise)
    power = share(trend(x + rise).verdict == "rising" for x in noise)
    name = f"n = {length:3}, ρ = {rho}"
    return [
        Line(f"trend, false alarms, {name}", alarms, most=ALARMS[length][place],
             reference=str(ALARM_REFERENCE[length][place])),
        Line(f"trend, power for 3σ, {name}", power, least=POWER[length][place] or -np.inf,
             reference=str(POWER_REFERENCE[length][place])),
    ]  # fmt: skip


LUMPS: dict[str, Callable[[Floats], Floats]] = {
    "negative binomial": lambda u: stats.nbinom.ppf(u, 1.0, 0.4),
    "zero-inflated sums": lambda u: np.where(
        u < 0.6, 0.0, np.exp(stats.norm.ppf((u - 0.6) / 0.4 * 0.999 + 5e-4))
    ),
    "share near 0": lambda u: stats.binom.ppf(u, 40, 0.02) / 40,
    "share near 1": lambda u: stats.binom.ppf(u, 30, 0.97) / 30,
}


def lumpy_lines(length: int, place: int) -> list[Line]:
    rho, count = RHOS[place], SERIES
    found = []
    for kind, make in LUMPS.items():
        rng = generator("lumpy", kind, length, rho)
        made = (make(np.clip(stats.norm.cdf(ar(rng, rho, length)), 1e-9, 1 - 1e-9)) for _ in range(count))
        alarms = share((trend(x).p or 0) <= 0.05 for x in made)
        name = f"trend of lumps, false alarms, {kind}, n = {length}, ρ = {rho}"
        found.append(Line(name, alarms, most=ALARMS[length][place] + 3))
    return found


def others_lines(length: int, place: int) -> list[Line]:
    """The tests of pymannkendall on the same kind of noise."""
    rho, count = RHOS[place], max(20, SERIES // 8)
    rng = generator("others", length, rho)
    noise = [series(rng, length, rho) for _ in range(count)]
    tests = {
        "plain Mann–Kendall": (pymannkendall.original_test, {12: (5, 12, 24)}),
        "Hamed–Rao": (pymannkendall.hamed_rao_modification_test, {12: (8, 14, 27)}),
        "Yue–Wang": (pymannkendall.yue_wang_modification_test, {12: (41, 45, 55)}),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            Line(f"{name}, false alarms, n = {length}, ρ = {rho}",
                 share(bool(test(x).h) for x in noise),
                 reference=str(reference.get(length, [""] * 3)[place]))
            for name, (test, reference) in tests.items()
        ]  # fmt: skip


def level_lines(length: int, place: int) -> list[Line]:
    rho = RHOS[place]
    rng = generator("level", length, rho)
    walks = [30_000 + 50 * np.cumsum(ar(rng, rho, length)) for _ in range(SERIES)]
    alarms = share((trend(x, level=True).p or 0) <= 0.05 for x in walks)
    plain = share(bool(pymannkendall.original_test(x).h) for x in walks[: max(20, SERIES // 10)])
    drift = 50 * np.arange(length) * 0.75
    power = share(trend(x + drift, level=True).verdict == "rising" for x in walks)
    limit = 8 if length == 52 and rho == 0 else np.inf
    name = f"n = {length}, gains of ρ = {rho}"
    return [
        Line(f"level, driftless walk, false alarms, {name}", alarms, most=limit),
        Line(f"level, the same by plain Mann–Kendall, {name}", plain),
        Line(f"level, power for a gain of 0.75σ a week, {name}", power),
    ]


def gap_lines() -> list[Line]:
    rng = generator("gaps")

    def holed(length: int, rho: float) -> Floats:
        x = series(rng, length, rho)
        x[rng.choice(length, length // 12, replace=False)] = np.nan
        return x

    return [
        Line(f"trend with a twelfth missing, false alarms, n = {length}, ρ = {rho}",
             share((trend(holed(length, rho)).p or 0) <= 0.05 for _ in range(SERIES // 2)),
             most=ALARMS[length][place])
        for length in (24, 52, 104)
        for place, rho in enumerate(RHOS)
    ]  # fmt: skip


# --- changes --------------------------------------------------------------------------------------


def covered(found: Change, truth: float) -> bool:
    low = -np.inf if found.low is None else found.low
    high = np.inf if found.high is None else found.high
    return low <= truth <= high


def coverage(
    name: str, make: Callable[[np.random.Generator, int], Change], truth: float, least: float = 92
) -> Line:
    rng = generator("coverage", name)
    made = (make(rng, seed) for seed in range(max(20, SERIES // 2)))
    return Line(f"coverage, {name}", share(covered(c, truth) for c in made if c.p is not None), least, 97)


def binary_lines() -> list[Line]:
    cases = [
        (10, 12, 0.5, 0.5),
        (20, 25, 0.7, 0.8),
        (30, 40, 0.9, 0.9),
        (60, 50, 0.1, 0.2),
        (150, 120, 0.97, 0.9),
    ]
    return [
        coverage(
            f"binary, {n} of {p} and {m} of {q}",
            lambda rng, _, n=n, m=m, p=p, q=q: change(
                "binary", Side([rng.binomial(n, p)], [n]), Side([rng.binomial(m, q)], [m])
            ),
            p - q,
        )
        for n, m, p, q in cases
    ]


def daily_counts(rng: np.random.Generator, mean: float, size: float, days: int) -> Floats:
    return rng.negative_binomial(size, size / (size + mean), days).astype(float)


def counts_lines() -> list[Line]:
    cases = [(20, 20, 1e6), (2, 2.5, 1e6), (0.5, 0.4, 1e6), (5, 6, 2.0), (1, 1.5, 1.0), (0.5, 0.5, 0.5)]
    return [
        coverage(
            f"counts, {a} and {b} a day, over-dispersion {1 + a / k:.1f}",
            lambda rng, _, a=a, b=b, k=k: change(
                "counts", Side(daily_counts(rng, a, k, 28)), Side(daily_counts(rng, b, k, 31))
            ),
            28 * (a - b),
        )
        for a, b, k in cases
    ]


def rate_side(rng: np.random.Generator, n: int, spread: float) -> Side:
    views = np.floor(rng.lognormal(6, spread, n))
    rate = np.clip(0.03 * rng.gamma(4, 0.25, n), 0, 1)
    return Side(rng.binomial(views.astype(int), rate).astype(float), views)


def posts_lines() -> list[Line]:
    found = []
    for n in (10, 20, 60):
        for spread in (0.5, 1.0):
            found.append(
                coverage(
                    f"posts, a sum over {n} and {n + 3}, log-spread {spread}",
                    lambda rng, seed, n=n, s=spread: change(
                        "posts",
                        Side(rng.lognormal(0, s, n), days=30),
                        Side(rng.lognormal(0, s, n + 3), days=30),
                        seed=seed,
                    ),
                    -3 * float(np.exp(spread**2 / 2)),
                )
            )
            found.append(
                coverage(
                    f"posts, a ratio of sums over {n} and {n + 5}, log-spread {spread}",
                    lambda rng, seed, n=n, s=spread: change(
                        "posts", rate_side(rng, n, s), rate_side(rng, n + 5, s), seed=seed
                    ),
                    0.0,
                )
            )
    return found


def bca_lines() -> list[Line]:
    """The same bootstrap as BCa and as a plain percentile, for the choice made."""
    found = []
    for method in ("BCa", "percentile"):
        for n in (10, 20):
            rng, hits = generator("bca", n), []
            for _ in range(max(20, SERIES // 4)):
                sides = rate_side(rng, n, 1.0), rate_side(rng, n + 5, 1.0)

                def ratio(
                    first: Floats, second: Floats, axis: int = -1, sides: tuple[Side, Side] = sides
                ) -> Floats:
                    ends = [
                        np.asarray(s.values)[i].sum(axis) / np.asarray(s.weights)[i].sum(axis)
                        for s, i in zip(sides, (first.astype(int), second.astype(int)), strict=True)
                    ]
                    return ends[0] - ends[1]

                units = np.arange(n), np.arange(n + 5)
                low, high = stats.bootstrap(
                    units, ratio, n_resamples=999, method=method, vectorized=True, rng=rng
                ).confidence_interval
                hits.append(bool(low <= 0 <= high))
            found.append(
                Line(f"coverage of scipy's {method} alone, a ratio over {n} and {n + 5}", share(iter(hits)))
            )
    return found


def durations(rng: np.random.Generator, n: int) -> Side:
    hours, until = rng.lognormal(2, 1, n), rng.uniform(20, 100, n)
    return Side(np.minimum(hours, until), (hours <= until).astype(float))


def units_lines() -> list[Line]:
    return [
        coverage(
            f"units, medians of {n} and {n + 5} censored durations",
            lambda rng, seed, n=n: change("units", durations(rng, n), durations(rng, n + 5), seed=seed),
            0.0,
        )
        for n in (10, 25, 80)
    ]


def flow_change(rng: np.random.Generator, grain: str, rho: float, gap: int) -> Change:
    length = 364 + 70
    if grain == "days":
        days = ar(rng, rho, length)
    else:
        days = np.repeat(ar(rng, rho, length // 7 + 2), 7)[rng.integers(7) :][:length] / 7
        days = days + 0.2 * rng.standard_normal(length)
    earlier = days[-31 - gap - 30 : -31 - gap]
    return change(
        "flow", Side(days[-31:]), Side(earlier), history=days[-364:].reshape(52, 7).sum(axis=1), gap_days=gap
    )


def flow_lines() -> list[Line]:
    return [
        coverage(
            f"flow, {grain} of ρ = {rho}, {'the month before' if gap == 0 else 'a year ago'}",
            lambda rng, _, grain=grain, rho=rho, gap=gap: flow_change(rng, grain, rho, gap),
            0.0,
            least=90,
        )
        for grain in ("days", "weeks")
        for rho in RHOS
        for gap in (0, 335)
    ]


def months_lines() -> list[Line]:
    """February against January at the same rate of 20 a day."""
    rng = generator("months")
    pairs = [(rng.poisson(20, 28).astype(float), rng.poisson(20, 31).astype(float)) for _ in range(SERIES)]
    ours = share((change("counts", Side(a), Side(b)).p or 0) <= 0.05 for a, b in pairs)
    raw = share(stats.binomtest(int(a.sum()), int(a.sum() + b.sum())).pvalue <= 0.05 for a, b in pairs)
    return [
        Line("February against January, false alarms", ours, most=6),
        Line("February against January, totals compared", raw, reference="42"),
    ]


# --- many at once ---------------------------------------------------------------------------------


def noise_change(rng: np.random.Generator, number: int) -> Change:
    match number % 5:
        case 0:
            return change("binary", Side([rng.binomial(60, 0.9)], [60]), Side([rng.binomial(50, 0.9)], [50]))
        case 1:
            return change("counts", Side(daily_counts(rng, 3, 5, 31)), Side(daily_counts(rng, 3, 5, 30)))
        case 2:
            return change("posts", rate_side(rng, 30, 0.7), rate_side(rng, 25, 0.7), seed=number)
        case 3:
            return change("units", durations(rng, 40), durations(rng, 50), seed=number)
        case _:
            return flow_change(rng, "days", 0.3, 0)


def any_real(p_values: Sequence[float | None]) -> bool:
    return any(q is not None and q <= 0.05 for q in false_discoveries(p_values))


def discovery_lines(part: str) -> list[Line]:
    rng, reports = generator("discoveries", part), range(max(5, int(200 * SHARE)))
    if part == "change":
        found = share(any_real([noise_change(rng, k).p for k in range(60)]) for _ in reports)
        return [Line("reports with any real change among 60 KPIs of noise", found, most=6)]
    found = share(any_real([trend(ar(rng, float(part), 52)).p for _ in range(60)]) for _ in reports)
    return [Line(f"reports with any real trend among 60 KPIs of noise, ρ = {part}", found,
                 most=6 if part in ("0", "0.3") else np.inf)]  # fmt: skip


def past(rng: np.random.Generator, kind: int) -> tuple[Floats, bool]:
    months, rho = 26, RHOS[rng.integers(3)]
    match kind % 4:
        case 0:
            return 100 + 10 * ar(rng, rho, months) + rng.choice([-1, 0, 0, 1]) * np.arange(months), False
        case 1:
            return 1_000 + np.cumsum(20 + 10 * ar(rng, rho, months)), True
        case 2:
            mean = 40 * np.exp(0.1 * ar(rng, rho, months))
            return rng.negative_binomial(5, 5 / (5 + mean)).astype(float), False
        case _:
            return np.exp(0.4 * ar(rng, rho, months)), False


def chance_lines() -> list[Line]:
    """400 histories, each forecast from its months 13 on, against a target of its own."""
    made = []
    for number in range(max(40, int(400 * SHARE))):
        rng = generator("chance", number)
        values, level = past(rng, number)
        for now in range(13, len(values)):
            if level:
                target = values[now - 1] + 20 + 12 * rng.standard_normal()
            else:
                target = float(np.quantile(values, rng.random()))
            made += forecasts(
                values[: now + 1], Goal(low=target), level=level, bounds=(0.0, None), seed=number, fewest=now
            )
    said = np.array([f.probability for f in made])
    came = np.array([f.attained for f in made])
    found = []
    for tenth in range(10):
        inside = (said >= tenth / 10) & ((said < (tenth + 1) / 10) | (tenth == 9))
        off = 100 * float(came[inside].mean() - said[inside].mean()) if inside.any() else 0.0
        found.append(Line(f"chance of {tenth * 10}–{tenth * 10 + 10} %: realised less predicted, points "
                          f"({inside.sum()} forecasts)", off, -10, 10))  # fmt: skip
    pooled = backtest(made)
    assert pooled.brier is not None and pooled.base_brier is not None and pooled.coverage80 is not None
    found.append(
        Line(
            "Brier score × 100 (limit: that of the base rate)",
            100 * pooled.brier,
            most=100 * pooled.base_brier,
        )
    )
    found.append(Line("facts inside the 80 % band", 100 * pooled.coverage80, 72, 88, "80"))
    return found


def cpu_lines() -> list[Line]:
    """Everything that one specialist's 12 KPIs need, the median of five rounds, in hundredths of a second."""
    rng = generator("cpu")
    times = []
    for _ in range(5):
        begun = time.process_time()
        p: list[list[float | None]] = [[], [], []]
        for number in range(12):
            p[0].append(noise_change(rng, number).p)
            p[1].append(noise_change(rng, number).p)
            p[2].append(trend(series(rng, 104, 0.3), level=number == 0).p)
            months, level = past(rng, number)
            chance(months[-13:], Goal(low=float(months.mean())), level=level)
            chance(months[-13:], Goal(low=float(months.mean())), level=level, begun=Begun(0.5, 20.0), ahead=3)
            control_limits(months)
        _ = [false_discoveries(family) for family in p]
        times.append(time.process_time() - begun)
    return [Line("CPU of 12 KPIs, hundredths of a second", 100 * float(np.median(times)), most=50)]


def main() -> int:
    """Print the table; exit 1 where a figure is past its limit."""
    begun = time.perf_counter()
    jobs: list[tuple[Callable[..., list[Line]], tuple[object, ...]]] = []
    jobs += [(trend_lines, (n, k)) for n in (104, 52, 24, 12) for k in range(3)]
    jobs += [(level_lines, (n, k)) for n in (52, 104) for k in range(3)]
    jobs += [(lumpy_lines, (n, k)) for n in (12, 24, 52) for k in range(3)]
    jobs += [
        (make, ()) for make in (gap_lines, binary_lines, counts_lines, posts_lines, bca_lines, units_lines)
    ]
    jobs += [(make, ()) for make in (flow_lines, months_lines, chance_lines, cpu_lines)]
    jobs += [(discovery_lines, (part,)) for part in ("change", "0", "0.3", "0.6")]
    jobs += [(others_lines, (n, k)) for n in (12, 52) for k in range(3)]
    print(f"{'in %, unless it says otherwise':66} {'is':>7}  {'may be':>11} {'reference':>10}")
    failed = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for running in [pool.submit(job, *arguments) for job, arguments in jobs]:
            for line in running.result():
                print(line, flush=True)
                failed += line.fails
    print(f"\n{failed} past their limits; {SERIES} series each; {time.perf_counter() - begun:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
