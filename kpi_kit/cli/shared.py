"""Functions that several commands use."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.store import Store
from kpi_kit.scorecard.windows import last_full_month

if TYPE_CHECKING:
    from kpi_kit.params import Entry
    from kpi_kit.report.wording import Words
    from kpi_kit.scorecard.context import Context
    from kpi_kit.scorecard.entry_record import EntryRecord


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


def titles_of(context: Context) -> dict[str, str]:
    """The titles of accounts and brands, by id."""
    accounts = context.store.accounts["title"]
    return dict(context.department.brands) | {str(name): str(title) for name, title in accounts.items()}


def name_of(context: Context, entry: Entry, words: Words) -> str:
    """The name of an entry as its page has it."""
    notes = [{"code": "sentiment_filter", "sentiments": list(entry.sentiment)}] if entry.sentiment else []
    record = {"kpi": entry.kpi, "as": entry.as_, "versus": entry.versus, "scope": entry.scope, "notes": notes}
    record |= entry.named_by
    return words.entry(cast("EntryRecord", record), str(context.period.grain), titles_of(context))
