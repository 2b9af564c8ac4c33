"""Months of simulated agencies, day by day: the kit's alarms beside those of the process's forecaster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from kpi_kit.scorecard.verdict import AT_RISK
from kpi_kit.statistics import Begun, Goal, backtest, chance, forecasts

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator


def ar(rng: Generator, rho: float, length: int) -> Floats:
    noise = rng.standard_normal(length)
    for at in range(1, length):
        noise[at] = rho * noise[at - 1] + np.sqrt(1 - rho**2) * noise[at]
    return noise


@dataclass(frozen=True)
class Month:
    """An entry of a simulated agency: 26 months of 30 days, the last one running, and its target."""

    kind: str
    rate: float
    levels: Floats
    days: Floats
    units: Floats
    goal: float

    @property
    def totals(self) -> Floats:
        """The value of each month."""
        return np.asarray(
            self.days.sum(axis=1) / self.units.sum(axis=1) if self.kind == "shares" else self.days.sum(axis=1)
        )

    @property
    def options(self) -> dict[str, Any]:
        """How :func:`chance` takes the values."""
        if self.kind != "shares":
            return {"accrues": True, "bounds": (0.0, None), "whole": True}
        return {"bounds": (0.0, 1.0), "units": float(np.median(self.units.sum(axis=1)[-7:-1]))}

    def kit(self, day: int, seed: int) -> float:
        """The kit's chance after a day; 1 where there is nothing yet."""
        units = self.units[:, :day].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            so_far = self.days[:, :day].sum(axis=1) / (units if self.kind == "shares" else 1.0)
        if not np.isfinite(so_far[-1]):
            return 1.0
        said = chance(
            self.totals[:-1],
            Goal(low=self.goal),
            begun=Begun(day / 30, float(so_far[-1]), so_far[:-1]),
            simulations=1000,
            seed=seed,
            **self.options,
        )
        return 1.0 if said.probability is None else said.probability

    def oracle(self, day: int) -> float:
        """The chance after a day, from the process: its rate, and how months vary."""
        left, so_far = 30 - day, float(self.days[-1, :day].sum())
        if self.kind == "shares":
            ahead = np.arange(stats.poisson.isf(1e-9, self.rate * left) + 1)
            least = np.ceil(self.goal * (self.units[-1, :day].sum() + ahead) - 1e-9) - so_far
            share = float(self.levels[-1])
            return float(stats.poisson.pmf(ahead, self.rate * left) @ stats.binom.sf(least - 1, ahead, share))
        if self.kind == "days":
            return float(stats.poisson.sf(self.goal - so_far - 1, self.rate * left))
        grid = np.linspace(-4, 4, 81)
        rates = self.rate * np.exp(0.2 * grid)
        weights = stats.norm.pdf(grid, 0.3 * self.levels[-2], np.sqrt(0.91)) * stats.poisson.pmf(
            so_far, rates * day
        )
        return float(weights @ stats.poisson.sf(self.goal - so_far - 1, rates * left) / weights.sum())


def running_month(rng: Generator, kind: str) -> Month:
    """An entry whose target has a starting chance from about 5 to 95 %."""
    rate, away = float(rng.choice([0.5, 1.5, 5.0, 20.0])), rng.uniform(-1.6, 1.6)
    if kind == "shares":
        rate, share = 2 * rate + 1, rng.uniform(0.6, 0.95)
        units = rng.poisson(rate, (26, 30))
        units[:, 0] += units.sum(axis=1) == 0
        goal = min(0.999, share + away * np.sqrt(share * (1 - share) / (30 * rate)))
        return Month(
            kind,
            rate,
            np.full(26, share),
            rng.binomial(units, share).astype(float),
            units.astype(float),
            goal,
        )
    levels = ar(rng, 0.3, 26) if kind == "months" else np.zeros(26)
    days = rng.poisson(rate * np.exp(0.2 * levels)[:, None] * np.ones(30)).astype(float)
    mean, vary = 30 * rate, 0.2 * 30 * rate * (kind == "months")
    goal = max(1.0, float(np.round(mean + away * np.sqrt(mean + vary**2))))
    return Month(kind, rate, levels, days, np.ones_like(days), goal)


Alarmed = tuple[float, bool, int | None, int | None]
"""Starting chance, attained, and the first day of an alarm: of the process's forecaster, and of the kit."""


def first_alarms(rng: Generator, kind: str) -> list[Alarmed]:
    """The first alarms of an agency of six, in which the kit's are of chances that the back-test confirms."""
    months = [running_month(rng, kind) for _ in range(6)]
    made = []
    for one in months:
        seed = int(rng.integers(2**31))
        made += forecasts(one.totals[:-1], Goal(low=one.goal), seed=seed, **one.options)
    reliable = backtest(made).verdict == "reliable"
    found: list[Alarmed] = []
    for one in months:
        knows = next((day for day in range(5, 30) if one.oracle(day) < AT_RISK), None)
        seed = int(rng.integers(2**31))
        tells = next((day for day in range(5, 30) if reliable and one.kit(day, seed + day) < AT_RISK), None)
        found.append((one.oracle(0), bool(one.totals[-1] >= one.goal - 1e-9), knows, tells))
    return found


def attained_after_alarm(rng: Generator, count: int, kind: str) -> tuple[float, float]:
    """Of first alarms the share that was attained in the end."""
    came = [came for _ in range(count) for _, came, _, tells in first_alarms(rng, kind) if tells]
    part = float(np.mean(came))
    return 100 * part, 100 * float(np.sqrt(part * (1 - part) / len(came)))


def found_by_half(rng: Generator, count: int, low: float, high: float) -> tuple[float, float]:
    """Of missed targets: how many the kit tells by the 15th, in per cent of those that the process tells."""
    kinds = ("days", "months", "shares")
    every = [one for number in range(count) for one in first_alarms(rng, kinds[number % 3])]
    missed = [(knows, tells) for start, came, knows, tells in every if low <= start < high and not came]
    known = sum(knows is not None and knows <= 15 for knows, _ in missed)
    told = sum(tells is not None and tells <= 15 for _, tells in missed)
    return 100 * told / max(known, 1), 100 * float(np.sqrt(abs(known - told) + 1)) / max(known, 1)
