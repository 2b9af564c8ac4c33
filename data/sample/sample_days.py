"""What moves every number of the sample: calendar, seeded streams, rhythm, counts a day."""

import zlib

import numpy as np
import pandas as pd

SEED = 20251130
START, END = pd.Timestamp("2023-10-01"), pd.Timestamp("2025-12-01")  # END is exclusive, and the last import
DAYS = pd.date_range(START, END, inclusive="left")
YEARS = np.arange(len(DAYS)) / 365
MONTH = 30.4  # mean length in days; the rates of agency.yml are a month

SLOW_MONTH, SLOW_FACTOR = "2025-06", 0.66  # advertising budgets were frozen


def stream(*labels: str) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32("/".join(labels).encode())])


def rhythm(rng: np.random.Generator, demand: dict, weekend: float, holiday: float) -> np.ndarray:
    """A factor a day: growth, season, weekday, holidays, launches, the slow month, and noise."""
    middles = (np.arange(12) + 0.5) * 365 / 12
    season = np.interp(DAYS.day_of_year, middles, demand["season"], period=365)
    weekday = np.array([1.06, 1.1, 1.07, 1.04, 1.0, weekend, (1 + weekend) / 2])[DAYS.day_of_week]
    factor = (1 + demand["yearly"]) ** YEARS * season * weekday
    factor[is_day_between("12-30", "01-08")] *= holiday
    factor[is_day_between("05-01", "05-04") | is_day_between("05-09", "05-11")] *= np.sqrt(holiday)
    for launch in demand["launches"]:
        age = (DAYS - pd.Timestamp(launch)).days.to_numpy()
        factor *= 1 + np.where(age >= 0, 0.7 * np.exp(-np.maximum(age, 0) / 9), 0)
    factor[DAYS.strftime("%Y-%m") == SLOW_MONTH] *= SLOW_FACTOR
    return factor * np.exp(autoregressive(rng, rho=0.6, sigma=0.14))


def is_day_between(first: str, last: str) -> np.ndarray:
    day = DAYS.strftime("%m-%d")
    return (day >= first) & (day <= last) if first <= last else (day >= first) | (day <= last)


def autoregressive(rng: np.random.Generator, rho: float, sigma: float) -> np.ndarray:
    shocks = rng.normal(0, sigma * np.sqrt(1 - rho**2), len(DAYS))
    level = 0.0
    return np.array([level := rho * level + shock for shock in shocks])


def daily_counts(
    rng: np.random.Generator, account: dict, rate: float, *, weekend: float = 0.8, holiday: float = 0.5
) -> np.ndarray:
    """Events a day of an account: over-dispersed Poisson, none before it was opened."""
    counts = rng.poisson(rate / MONTH * rhythm(rng, account["demand"], weekend, holiday))
    return np.where(first_day(account) <= DAYS, counts, 0)


def first_day(account: dict) -> pd.Timestamp:
    return max(START, pd.Timestamp(account.get("opened", START)))


def times_of(rng: np.random.Generator, counts: np.ndarray) -> pd.DatetimeIndex:
    """A sorted time for every event, whole minutes, mostly in the middle of the day."""
    days = DAYS.repeat(counts)
    share = rng.beta(1.7, 1.5, len(days))
    return (days + hours(8 + 15.5 * share)).sort_values()


def hours(number: np.ndarray) -> pd.TimedeltaIndex:
    return pd.to_timedelta(np.round(np.asarray(number) * 60), unit="min")


def in_office_hours(rng: np.random.Generator, times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """The same days, between 10 and 18 o'clock: people approve and pay when others are at work."""
    return pd.DatetimeIndex(times).normalize() + hours(rng.uniform(10, 18, len(times)))


def days_between(earlier: pd.Series, later: pd.Series) -> np.ndarray:
    return ((later - earlier) / pd.Timedelta(days=1)).to_numpy()


def numbered(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{i:04d}" for i in range(1, number + 1)]
