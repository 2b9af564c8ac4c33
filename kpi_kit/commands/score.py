"""``score``: measure one person, without a report."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from kpi_kit import across
from kpi_kit.case import prepare
from kpi_kit.commands import OK
from kpi_kit.commands.shared import chosen_period
from kpi_kit.display import terminal
from kpi_kit.opening import open_inputs
from kpi_kit.remote import source
from kpi_kit.scorecard import card, dumps
from kpi_kit.untrusted import json_on_terminal


def carry_out(asked: argparse.Namespace) -> int:
    """Show the scorecard, or write it as JSON."""
    loaded, store = open_inputs(source(asked.data), asked.params)
    with store:
        period = chosen_period(asked, store)
        case = prepare(asked.specialist, period, params=loaded, store=store, as_of=asked.as_of)
        record = card(case, across.read(asked.out / str(period)))
    if asked.json:
        sys.stdout.write(json_on_terminal(dumps(record)))
    else:
        Console().print(terminal.scorecard(record))
        print("", *terminal.computation(record), sep="\n")
    return OK
