"""Functions that several commands use."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from kpi_kit.cli.output import say
from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
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
        say(Phrase("cli.warning", warning=warning), sys.stderr)


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
            problem = Phrase("cli.period_after_data", period=period, data=options.data_name, last=last)
            if with_data:
                raise InputError(Phrase("cli.no_data_yet", problem=problem))
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
