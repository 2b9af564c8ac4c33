"""What several commands do."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterable

from kpi_kit.core.periods import Period
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.store import Store
from kpi_kit.scorecard.windows import last_full_month


def warn(warnings: Iterable[str]) -> None:
    """Say what is allowed but probably not meant."""
    for warning in warnings:
        print(on_terminal(f"warning: {warning}"), file=sys.stderr)


def chosen_period(asked: argparse.Namespace, store: Store) -> Period:
    """The period asked for, or the last full month that the data cover."""
    until = store.covered_until
    if asked.period:
        period = Period.parse(asked.period)
        if until is not None and period.start >= until:
            last = until - dt.timedelta(days=1)
            warn([f"period {period}: the data in {asked.data_name} end on {last}, before it begins"])
        return period
    return last_full_month(store)
