"""Functions that several commands use."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterable

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.store import Store
from kpi_kit.scorecard.windows import last_full_month


def warn(warnings: Iterable[str]) -> None:
    """Print warnings."""
    for warning in warnings:
        print(on_terminal(f"warning: {warning}"), file=sys.stderr)


def chosen_period(options: argparse.Namespace, store: Store, *, with_data: bool = False) -> Period:
    """The period of the option, else the last full month that the data cover.

    Raises
    ------
    InputError
        With ``with_data``, where the period begins after the last day of the data.
    """
    until = store.covered_until
    if options.period:
        period = Period.parse(options.period)
        if until is not None and period.start >= until:
            last = until - dt.timedelta(days=1)
            problem = f"period {period}: the data in {options.data_name} end on {last}, before it begins"
            if with_data:
                raise InputError(f"{problem}; import its data, or choose an earlier period")
            warn([problem])
        return period
    return last_full_month(store)
