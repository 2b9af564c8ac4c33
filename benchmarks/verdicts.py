# ruff: noqa: E501  a row of the table is a line
"""What the verdicts are worth: false alarms, power and calibration on simulated series of known truth.

Run ``python benchmarks/verdicts.py [--quick] [WORD ...]``. A row stands for one kind of series: what was
measured before the verdicts were made for such series, what is measured now with its binomial error, and
the mark. A figure past its mark by more than two errors is marked ``!``, and the exit code is then 1.
Everything is seeded. ``--quick`` takes 200 series a row instead of 1 000; words choose rows by name.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process a core below; threads would only fight

import sys
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from simulated_months import ar, attained_after_alarm, found_by_half

from kpi_kit.statistics import (
    Begun,
    Change,
    Forecast,
    Goal,
    Side,
    backtest,
    chance,
    change,
    false_discoveries,
    forecasts,
    funnel,
    trend,
    unusual_days,
)

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator
Measure = Callable[[Generator, int], "tuple[float, float]"]
"""From a generator and a number of series to a figure and its standard error."""

WORDS = [word for word in sys.argv[1:] if not word.startswith("-")]
SERIES = 200 if "--quick" in sys.argv else 1_000
YEAR = 52.18
RISING = ("rising", "falling")


@dataclass(frozen=True)
class Row:
    """One kind of series: its name, the earlier figure, the mark (from and to), and how it is measured."""

    name: str
    before: str
    least: float
    most: float
    measure: Measure
    cost: int = 1

    def line(self) -> tuple[str, bool]:
        """The row as it is printed, and whether the figure is past its mark."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        figure, error = self.measure(rng, max(20, SERIES // self.cost))
        past = not self.least - 2 * error <= figure <= self.most + 2 * error
        limits = f"≤ {self.most:g}" if np.isinf(self.least) else f"≥ {self.least:g}"
        if not np.isinf(self.least) and not np.isinf(self.most):
            limits = f"{self.least:g} … {self.most:g}"
        mark = "!" if past else " "
        return f"{self.name:68} {self.before:>11} {figure:8.1f}{mark} ± {error:4.1f}   {limits}", past


def row(name: str, before: object, measure: Measure, *, least: float = -np.inf, most: float = np.inf,
        cost: int = 1) -> Row:  # fmt: skip
    return Row(name, str(before), least, most, measure, cost)


def share(one: Callable[[Generator], bool]) -> Measure:
    """The share of series, in per cent, of which something is so."""

    def measure(rng: Generator, count: int) -> tuple[float, float]:
        part = float(np.mean([one(rng) for _ in range(count)]))
        return 100 * part, 100 * float(np.sqrt(max(part * (1 - part), 1 / count / 4) / count))

    return measure


# ---------------------------------------------------------------- changes


def daily(rng: Generator, mean: float, rho: float, spread: float, dispersion: float = 1.0) -> Floats:
    """Counts of 420 days at one unchanged average, whose weeks vary."""
    sigma = np.sqrt(np.log(1 + spread**2))
    weeks = np.exp(sigma * ar(rng, rho, 62) - sigma**2 / 2)
    rate = mean * np.repeat(weeks, 7)[rng.integers(7) :][:420]
    if dispersion == 1:
        return rng.poisson(rate).astype(float)
    return rng.negative_binomial(rate / (dispersion - 1), 1 / dispersion).astype(float)


def compared(kind: str, days: Floats, gap: int) -> Change:
    """The last 30 days against the 31 before, or those a year ago."""
    earlier = days[-61 - gap : -30 - gap]
    weeks = days[-364:].reshape(52, 7).sum(axis=1)
    return change(kind, Side(days[-30:]), Side(earlier), history=weeks, gap_days=float(gap))


def significant(found: Change) -> bool:
    return found.p is not None and found.p <= 0.05


def counts(rng: Generator, rho: float, gap: int, *, mean: float = 10, spread: float = 0.2,
           dispersion: float = 1, more: float = 0) -> bool:  # fmt: skip
    days = daily(rng, mean, rho, spread, dispersion)
    days[-30:] += rng.poisson(more * mean, 30)
    return significant(compared("counts", days, gap))


def views(rng: Generator, rho: float, spread: float, gap: int) -> bool:
    posts = rng.poisson(2 / 3, 420)
    sigma = np.sqrt(np.log(1 + spread**2))
    factor = np.repeat(np.exp(sigma * ar(rng, rho, 62)), 7)[rng.integers(7) :][:420]
    return significant(
        compared("posts", factor * np.array([rng.lognormal(6, 0.7, n).sum() for n in posts]), gap)
    )


def shares(rng: Generator, days: int, of_day: int) -> bool:
    def side() -> Side:
        bad = rng.beta(0.85 * 0.7 / 0.3, 0.15 * 0.7 / 0.3, days)  # intraclass correlation 0.3
        return Side(rng.binomial(of_day, bad).astype(float), np.full(days, float(of_day)))

    return significant(change("binary", side(), side()))


def medians(rng: Generator, days: int, of_day: int, spread: float) -> bool:
    def side() -> Side:
        day = np.repeat(np.arange(days), np.maximum(1, rng.poisson(of_day, days)))
        hours = np.exp(2 + spread * rng.standard_normal(days)[day] + rng.standard_normal(len(day)))
        until = rng.uniform(20, 100, len(day))
        return Side(np.minimum(hours, until), (hours <= until).astype(float), clusters=day)

    return not significant(change("units", side(), side(), seed=int(rng.integers(2**31))))


def weekdays(rng: Generator) -> bool:
    factor = np.array([1.3, 1.25, 1.2, 1.1, 1.0, 0.6, 0.55])
    factor /= factor.mean()
    days = rng.negative_binomial(1000 * factor[(np.arange(420) + rng.integers(7)) % 7], 0.5).astype(float)
    return significant(compared("flow", days, 0))


def family(rng: Generator, kind: str) -> bool:
    """Whether a report of eight entries without any change calls one real."""
    gap = 335 if kind == "year ago" else 0
    if kind == "trend":
        p: list[float | None] = [trend(ar(rng, rng.choice([0.0, 0.3, 0.6]), 104)).p for _ in range(8)]
    elif kind == "dependent":
        common = daily(rng, 10, 0.3, 0.2)
        p = [compared("counts", common + rng.poisson(3, 420), gap).p for _ in range(8)]
    else:
        p = [compared("counts", daily(rng, 10, rng.choice([0.0, 0.3, 0.6]), 0.2), gap).p for _ in range(8)]
    return any(q is not None and q <= 0.05 for q in false_discoveries(p))


def change_rows() -> list[Row]:
    rows = [
        row(f"change: counts, weeks vary by 20 %, ρ = {rho}", before,
            share(partial(counts, rho=rho, gap=0)), most=most)
        for rho, before, most in ((0.0, 23.6, 6), (0.3, 30.6, 7), (0.6, 36.0, 8))
    ]  # fmt: skip
    year = share(partial(counts, rho=0.6, gap=335))
    power = partial(counts, rho=0.0, gap=0, spread=0.0, more=0.4)
    rows += [
        row("change: counts, weeks vary by 20 %, ρ = 0.6, year ago", 41.5, year, most=8),
        row("change: Poisson counts", 4.2, share(partial(counts, rho=0.0, gap=0, spread=0.0)), most=6),
        row("change: counts of dispersion 5", 6.7,
            share(partial(counts, rho=0.0, gap=0, spread=0.0, dispersion=5)), most=7),
        row("change: power, +40 % on 1 Poisson count a day", 26.4, share(partial(power, mean=1)), least=18.4),
        row("change: power, +40 % on 2 a day", 48.5, share(partial(power, mean=2)), least=40.5),
        row("change: power, +40 % on 5 a day", 86.6, share(partial(power, mean=5)), least=78.6),
        row("change: shares, 40 units in 10 days, ICC 0.3", 15.8, share(partial(shares, days=10, of_day=4)),
            most=7),
        row("change: shares, 200 units in 25 days, ICC 0.3", 27.5, share(partial(shares, days=25, of_day=8)),
            most=7),
        row("change: sums over a random number of posts", 24.2,
            share(partial(views, rho=0.0, spread=0.0, gap=0)), most=7),
        row("change: sums over posts with a weekly factor, ρ = 0.3", 20.2,
            share(partial(views, rho=0.3, spread=0.3, gap=0)), most=8),
        row("change: sums over posts with a weekly factor, year ago", 16.8,
            share(partial(views, rho=0.6, spread=0.3, gap=335)), most=8),
        row("change: median hours with a day effect, coverage", 87,
            share(partial(medians, days=25, of_day=4, spread=0.6)), least=92, cost=2),
        row("change: flow with weekdays, 1 000 a day", 50.6, share(weekdays), most=7),
    ]  # fmt: skip
    marks = {"independent": 31.7, "dependent": 12.5, "year ago": 25, "trend": ""}
    rows += [
        row(f"a report of eight entries, any false, {kind}", before, share(partial(family, kind=kind)), most=8, cost=2)
        for kind, before in marks.items()
    ]  # fmt: skip
    return rows


# ---------------------------------------------------------------- trends


def long_memory(rng: Generator, length: int) -> Floats:
    memory = np.ones(length)
    for lag in range(1, length):
        memory[lag] = memory[lag - 1] * (lag - 0.7) / (lag - 0.3)
    apart = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    return np.asarray(np.linalg.cholesky(memory[apart]) @ rng.standard_normal(length))


def series(rng: Generator, kind: str, length: int) -> Floats:
    if kind == "long memory":
        return long_memory(rng, length)
    if kind == "random walk":
        return np.cumsum(rng.standard_normal(length))
    if kind == "half AR(.9), half white":
        return ar(rng, 0.9, length) + rng.standard_normal(length)
    if kind == "t2":
        return rng.standard_t(2, length)
    noise = ar(rng, float(kind), length)
    return noise + (cycle(rng, length) if length >= 104 else 0.0)


def cycle(rng: Generator, length: int) -> Floats:
    return np.asarray(1.5 * np.sin(2 * np.pi * (np.arange(length) / YEAR + rng.random())))


def false_trend(rng: Generator, kind: str, length: int) -> bool:
    found = trend(series(rng, kind, length))
    return found.p is not None and found.p <= 0.05 and found.p_break is None


def seen_trend(rng: Generator, kind: str, length: int) -> bool:
    found = trend(series(rng, kind, length) + 3 * np.arange(length) / (length - 1))
    return found.verdict in ("rising", "maybe_season_rising")


def false_in_cycle(rng: Generator, length: int) -> bool:
    return trend(rng.standard_normal(length) + cycle(rng, length)).verdict in RISING


def seen_in_cycle(rng: Generator, length: int) -> bool:
    rise = 3 * np.arange(length) / (length - 1)
    return trend(rng.standard_normal(length) + cycle(rng, length) + rise).verdict == "rising"


def outlier(rng: Generator) -> bool:
    values = rng.standard_normal(104)
    values[rng.integers(104)] += 20
    return (trend(values).p or 1.0) <= 0.05


def turned(rng: Generator) -> bool:
    weeks = np.arange(104.0)
    tent = np.where(weeks < 78, 3 * weeks / 77, 3 - 2 * (weeks - 78) / 25)
    return trend(tent + rng.standard_normal(104)).verdict == "turned_down"


def stepped(rng: Generator) -> bool:
    at = rng.choice([rng.integers(20, 41), rng.integers(64, 85)])
    return trend(2.0 * (np.arange(104) >= at) + rng.standard_normal(104)).verdict == "level_up"


def false_break(rng: Generator, rho: float, rise: float) -> bool:
    found = trend(ar(rng, rho, 104) + rise * np.arange(104) / 103)
    return found.p_break is not None


def trend_rows() -> list[Row]:
    rows = []
    wander = {
        "long memory": {52: (14.1, 9), 104: (25.2, 11)},
        "random walk": {52: (24.6, 13), 104: (33.2, 15)},
        "half AR(.9), half white": {52: (28.2, 13), 104: (36.0, 14)},
        "t2": {104: (6.8, 6)},
        "0": {12: (3.7, 4.7), 24: (1.1, 2.1), 52: (2.4, 3.4), 104: (2.4, 3.4)},
        "0.3": {12: (6, 7), 24: (3, 4), 52: (4.5, 5.5), 104: (4, 5)},
        "0.6": {12: (10.8, 11.8), 24: (6.4, 7.4), 52: (5, 6), 104: (6.4, 7.4)},
    }
    for kind, lengths in wander.items():
        name = f"AR({kind})" if kind[0] == "0" else kind
        for length, (before, most) in lengths.items():
            measure = share(partial(false_trend, kind=kind, length=length))
            rows.append(row(f"trend: false, {name}, n = {length}", before, measure, most=most))
    powers = {
        "0": {12: 63, 52: 100, 104: 100},
        "0.3": {12: 47, 52: 98, 104: 100},
        "0.6": {12: 43, 52: 81, 104: 94},
    }
    for kind, known in powers.items():
        for length, before in known.items():
            least = before - 3.0 if length >= 52 else -np.inf
            measure = share(partial(seen_trend, kind=kind, length=length))
            rows.append(
                row(f"trend: a rise of 3σ seen, AR({kind}), n = {length}", before, measure, least=least)
            )
    for length, before in ((26, 53), (40, 59), (53, 37), (78, 0), (90, 1.5), (103, 8.5)):
        measure = share(partial(false_in_cycle, length=length))
        rows.append(row(f"trend: false, a yearly cycle of 1.5σ, n = {length}", before, measure, most=8))
    rows += [
        row(
            "trend: a rise of 3σ seen in a cycle, n = 103",
            78,
            share(partial(seen_in_cycle, length=103)),
            least=95,
        ),
        row("trend: false, one outlier, n = 104", 11.0, share(outlier), most=6),
        row("trend: rises 78 weeks, falls 26: it has turned", 0, share(turned), least=80),
        row("trend: a step of 2σ: a new level", 0, share(stepped), least=70),
    ]
    for rho, most in ((0.0, 5), (0.3, 6), (0.6, 8)):
        for rise in (0.0, 3.0):
            measure = share(partial(false_break, rho=rho, rise=rise))
            rows.append(
                row(f"trend: false turn or level, AR({rho}), rise {rise:g}σ", "–", measure, most=most)
            )
    return rows


# ---------------------------------------------------------------- people


def named(rng: Generator, kind: str, people: int, dispersion: float) -> bool:
    volumes = np.round(rng.uniform(50, 400, people))
    centre = {"share": 0.85, "rate": 0.1, "free": 5.0}[kind]
    if kind == "free":
        values = centre + rng.standard_normal(people) * np.sqrt(dispersion / volumes)
    elif kind == "rate":
        mean = centre * volumes
        values = (
            rng.poisson(mean)
            if dispersion == 1
            else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
        ) / volumes
    else:
        alike = (dispersion - 1) / (volumes - 1)
        odds = (1 - alike) / np.maximum(alike, 1e-9)
        likely = np.where(alike > 0, rng.beta(centre * odds, (1 - centre) * odds), centre)
        values = rng.binomial(volumes.astype(int), likely) / volumes
    return "exceptional" in funnel(values, volumes, kind=kind).outside


def people_rows() -> list[Row]:
    return [
        row(f"funnel: anybody named, {people} equal people, {kind}, dispersion {dispersion}",
            31 if (kind, people, dispersion) == ("free", 5, 1) else "",
            share(partial(named, kind=kind, people=people, dispersion=dispersion)), most=2)
        for kind in ("share", "rate", "free") for people in (5, 8, 12) for dispersion in (1, 2, 5)
    ]  # fmt: skip


# ---------------------------------------------------------------- chances

Told = tuple[float, bool]


def worst_bin(one: Callable[[Generator], Told]) -> Measure:
    """Of five bins of chances the one furthest from what came, in points, and its error."""

    def measure(rng: Generator, count: int) -> tuple[float, float]:
        said, came = np.array([one(rng) for _ in range(count)], dtype=float).T
        bins = []
        for low in np.arange(5) / 5:
            inside = (said >= low) & (said < low + 0.2 + (low > 0.7))
            if inside.sum() < count / 40:
                continue
            off = 100 * abs(float(came[inside].mean() - said[inside].mean()))
            part = float(np.clip(came[inside].mean(), 0.05, 0.95))
            error = 100 * float(np.sqrt(part * (1 - part) / inside.sum()))
            bins.append((off, error))
        return max(bins, key=lambda figure: figure[0] - 2 * figure[1])

    return measure


def brier(one: Callable[[Generator], Told]) -> Measure:
    """100 times the mean squared error of chances."""

    def measure(rng: Generator, count: int) -> tuple[float, float]:
        errors = [(said - came) ** 2 for said, came in (one(rng) for _ in range(count))]
        return 100 * float(np.mean(errors)), 100 * float(np.std(errors)) / np.sqrt(count)

    return measure


def growth(rng: Generator) -> Told:
    values = 100 + 10 * rng.standard_normal(15)
    goal = (1 + rng.choice([0.0, 0.05, 0.1])) * values[-2]
    said = chance(
        values[:-1], Goal(low=goal), bounds=(0, None), simulations=1000, seed=int(rng.integers(2**31))
    )
    return said.probability or 0.0, bool(values[-1] >= goal)


def rise(rng: Generator) -> Told:
    values = rng.standard_normal(13) + 0.3 * np.arange(13)
    goal = 0.3 * 12 + rng.standard_normal()
    said = chance(values[:-1], Goal(low=goal), simulations=1000, seed=int(rng.integers(2**31)))
    return said.probability or 0.0, bool(values[-1] >= goal)


def milestone(rng: Generator, amplitude: float) -> Told:
    months = np.arange(31)
    gains = rng.standard_normal(31) + amplitude * np.sin(2 * np.pi * (months / 12 + rng.random()))
    level = 1e4 + np.cumsum(100 + 60 * gains)
    goal = level[24] + 600 + 200 * rng.standard_normal()
    seed = int(rng.integers(2**31))
    said = chance(level[:25], Goal(low=goal), ahead=6, level=True, simulations=1000, seed=seed)
    return said.probability or 0.0, bool(level[-1] >= goal)


def whole_answers(rng: Generator, count: int) -> tuple[float, float]:
    """How far the mean chance of 20 of 20 answers is from what came."""
    off = []
    for _ in range(count):
        values = rng.binomial(20, 0.95, 14) / 20
        seed = int(rng.integers(2**31))
        said = chance(values[:-1], Goal(low=1.0), bounds=(0, 1), units=20, simulations=1000, seed=seed)
        off.append((said.probability or 0.0) - float(values[-1] == 1.0))
    return 100 * abs(float(np.mean(off))), 100 * float(np.std(off)) / np.sqrt(count)


def interim(rng: Generator, kind: str) -> tuple[float, bool, bool]:
    mean = np.ones((14, 30))
    if kind == "months":
        mean = np.exp(0.2 * ar(rng, 0.3, 14))[:, None] * mean
    if kind == "weeks":
        mean = np.exp(0.3 * np.repeat(ar(rng, 0.6, 70), 6)).reshape(14, 30)
    days = rng.poisson(5 * mean)
    totals, so_far = days.sum(axis=1).astype(float), days[:, :24].sum(axis=1).astype(float)
    goal = float(np.round(np.median(totals) + 15 * rng.standard_normal()))
    begun = Begun(0.8, so_far[-1], so_far[:-1])
    said = chance(totals[:-1], Goal(low=goal), accrues=True, begun=begun, bounds=(0, None), whole=True,
                  simulations=1000, seed=int(rng.integers(2**31)))  # fmt: skip
    inside = said.low is not None and said.high is not None and said.low <= totals[-1] <= said.high
    return said.probability or 0.0, bool(totals[-1] >= goal), inside


def in_bin(rng: Generator, kind: str) -> Told:
    said, came, _ = interim(rng, kind)
    return said, came


def checked(rng: Generator, spoilt: str, targets: Sequence[float]) -> bool:
    """Whether the forecasts of five entries are called reliable."""
    made = [
        forecast
        for target in targets
        for forecast in forecasts(
            100 + 10 * rng.standard_normal(25), Goal(low=100 + 10 * target), seed=int(rng.integers(2**31))
        )
    ]
    move = {
        "no": lambda p: p,
        "to the middle": lambda p: p + (-0.2 if p > 0.5 else 0.2),
        "up": lambda p: min(0.99, p + 0.2),
    }[spoilt]
    moved = [Forecast(move(one.probability), one.attained, one.inside, one.base) for one in made]
    return backtest(moved).verdict == "reliable"


def proposal(rng: Generator, months: int, amplitude: float, slope: float) -> bool:
    """Whether a target at half a chance has a true one from 0.25 to 0.75."""
    at = np.arange(months + 1)
    true = slope * at + amplitude * np.sin(2 * np.pi * (at / 12 + rng.random()))
    values = 20 + true[:-1] + rng.standard_normal(months)
    middle = chance(values, Goal(low=0.0), seed=int(rng.integers(2**31))).expected or 0.0
    return abs(middle - 20 - true[-1]) < 0.6745


def chance_rows() -> list[Row]:
    spread, same = (-1.5, -0.7, 0.0, 0.7, 1.5), (-0.524,) * 5
    return [
        row("chance: growth, worst bin", "30 … 58", worst_bin(growth), most=10),
        row("chance: a rise of .3σ a month, n = 12, worst bin", "14 … 36", worst_bin(rise), most=12),
        row("chance: milestone in 6 months, season 1.5σ, Brier × 100", 33.3, brier(partial(milestone, amplitude=1.5)),
            most=16),
        row("chance: milestone in 6 months, no season, Brier × 100", 19.6, brier(partial(milestone, amplitude=0.0)),
            most=19.6),
        row("chance: 20 of 20 answers, said less came", 14, whole_answers, most=10),
        *(row(f"chance: interim at 80 %, {kind} vary, worst bin", "19", worst_bin(partial(in_bin, kind=kind)), most=10)
          for kind in ("days", "weeks", "months")),
        *(row(f"chance: interim at 80 %, {kind} vary, band", 95,
              share(lambda rng, kind=kind: interim(rng, kind)[2]), least=76, most=86)  # type: ignore[misc]
          for kind in ("days", "weeks", "months")),
        row("back-test: decent forecasts called reliable, one target", 3, share(partial(checked, spoilt="no", targets=same)),
            least=90, cost=5),
        row("back-test: decent forecasts called reliable", 100, share(partial(checked, spoilt="no", targets=spread)),
            least=90, cost=5),
        row("back-test: spoilt by 20 points to the middle: reliable", 100,
            share(partial(checked, spoilt="to the middle", targets=spread)), most=20, cost=5),
        row("back-test: spoilt by 20 points upwards: reliable", 100, share(partial(checked, spoilt="up", targets=spread)),
            most=20, cost=5),
        row("SMART: half a chance is .25 … .75, 25 months, season", 47.2, share(partial(proposal, months=25, amplitude=1.5, slope=0.0)),
            least=90),
        row("SMART: half a chance is .25 … .75, 25 months, a trend", 84.5, share(partial(proposal, months=25, amplitude=0.0, slope=0.1)),
            least=90),
        row("SMART: half a chance is .25 … .75, 25 months, neither", 85.0, share(partial(proposal, months=25, amplitude=0.0, slope=0.0)),
            least=90),
        row("SMART: half a chance is .25 … .75, 13 months, a trend", 74.5, share(partial(proposal, months=13, amplitude=0.0, slope=0.1)),
            least=70),
    ]  # fmt: skip


# ---------------------------------------------------------------- alerts


def alert_rows() -> list[Row]:
    bins = ((0.0, 0.15), (0.15, 0.4), (0.4, 0.7), (0.7, 1.01))
    return [
        *(row(f"alerts: first alarms later attained, {kind} vary", "", partial(attained_after_alarm, kind=kind), most=15, cost=10)
          for kind in ("days", "months", "shares")),
        *(row(f"alerts: found by the 15th, starting chance {100 * low:.0f} … {min(100 * high, 100):.0f}", "",
              partial(found_by_half, low=low, high=high), least=80, cost=10) for low, high in bins),
    ]  # fmt: skip


# ---------------------------------------------------------------- days


def alarms(draw: Callable[[Generator], Floats]) -> Measure:
    """Unusual days among a thousand."""

    def measure(rng: Generator, count: int) -> tuple[float, float]:
        found = [int(np.abs(unusual_days(draw(rng)).outside).sum()) for _ in range(count)]
        return 1000 * float(np.mean(found)) / 392, 1000 * float(np.std(found)) / np.sqrt(count) / 392

    return measure


def t3(rng: Generator) -> Floats:
    return np.maximum(0, np.round(1000 + 100 * rng.standard_t(3, 392)))


def log_normal(rng: Generator) -> Floats:
    return np.round(100 * np.exp(0.5 * rng.standard_normal(392)))


def burst(rng: Generator) -> bool:
    days = rng.negative_binomial(15, 1 / 3, 392).astype(float)
    place = rng.integers(40, 350)
    days[place] = 90
    return bool(unusual_days(days).outside[place] == 1)


def day_rows() -> list[Row]:
    return [
        row("unusual days in 1 000, t3", 11.2, alarms(t3), most=2, cost=5),
        row("unusual days in 1 000, log-normal", 2.2, alarms(log_normal), most=2, cost=5),
        row("unusual days: three times a mean of 30 found, dispersion 3", "", share(burst), least=60, cost=5),
    ]


def rows() -> list[Row]:
    """All rows."""
    return [*change_rows(), *trend_rows(), *people_rows(), *chance_rows(), *alert_rows(), *day_rows()]


def line_of(place: int) -> tuple[str, bool]:
    """A row as it is printed, and whether it is past its mark; in a process of the pool."""
    return rows()[place].line()


def main() -> int:
    """Print the table; exit 1 where a figure is past its mark."""
    begun = time.perf_counter()
    chosen = [
        place for place, one in enumerate(rows()) if not WORDS or any(word in one.name for word in WORDS)
    ]
    print(f"{'in %, unless it says otherwise':68} {'before':>11} {'now':>8}            mark")
    failed = 0
    with ProcessPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 1)) as pool:
        for text, past in pool.map(line_of, chosen):
            print(text, flush=True)
            failed += past
    print(f"\n{failed} past their marks; {SERIES} series a row; {time.perf_counter() - begun:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
