"""Periods as an analyst writes them, and as pandas has them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TypeAlias

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.phrases import Phrase

When: TypeAlias = "str | Period | pd.Period | dt.date"
"""A period: its name, or a day of the month that is meant."""
_FREQUENCIES = {Grain.WEEK: "W-SUN", Grain.MONTH: "M", Grain.QUARTER: "Q", Grain.YEAR: "Y"}


def period_of(when: When) -> Period:
    """A period from its name, a period of pandas, or a day of a month.

    Raises
    ------
    InputError
        Where it is no period.

    Examples
    --------
    >>> str(period_of(pd.Timestamp("2025-10-15"))), str(period_of(pd.Period("2025Q4")))
    ('2025-10', '2025-Q4')
    """
    if isinstance(when, Period):
        return when
    if isinstance(when, pd.Period):
        grains = {frequency.split("-")[0]: grain for grain, frequency in _FREQUENCIES.items()}
        grain = grains.get(when.freqstr.split("-")[0])
        if grain is None:
            raise InputError(Phrase("explore.grain", when=str(when)))
        return Period.containing(when.start_time.date(), grain)
    if isinstance(when, dt.date):
        return Period.containing(when.date() if isinstance(when, dt.datetime) else when, Grain.MONTH)
    return Period.parse(when)


def in_pandas(period: Period) -> pd.Period:
    """A period as pandas has it; weeks begin on Monday.

    Examples
    --------
    >>> in_pandas(Period.parse("2025-W41"))
    Period('2025-10-06/2025-10-12', 'W-SUN')
    """
    return pd.Period(period.start, freq=_FREQUENCIES[period.grain])


def periods_of(when: int | When | Iterable[When], last: Period) -> list[Period]:
    """Periods in order: the last so many, one, or those of a list.

    Examples
    --------
    >>> [str(period) for period in periods_of(2, Period.parse("2025-10"))]
    ['2025-09', '2025-10']
    """
    if isinstance(when, bool) or (isinstance(when, int) and when < 1):
        raise InputError(Phrase("explore.number_of_periods", found=when))
    if isinstance(when, int):
        return last.history(when)
    if isinstance(when, str | Period | pd.Period | dt.date):
        return [period_of(when)]
    return sorted({period_of(one) for one in when})
