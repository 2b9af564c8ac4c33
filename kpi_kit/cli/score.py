"""``score``: measure one person, without a report."""

from __future__ import annotations

import argparse

from kpi_kit.cli import OK
from kpi_kit.cli.output import print_json
from kpi_kit.cli.shared import chosen_period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.scorecard import cohort
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.json_file import dumps
from kpi_kit.scorecard.record import Scorecard


def carry_out(options: argparse.Namespace) -> int:
    """Print the scorecard as tables or as JSON."""
    loaded, store = open_inputs(options.data, options.params)
    with store:
        period = chosen_period(options, store)
        context = prepare(options.specialist, period, params=loaded, store=store, as_of=options.as_of)
        record = scorecard(context, cohort.read(options.out / str(period)))
    if options.json:
        print_json(dumps(record))
    else:
        _print_tables(record)
    return OK


def _print_tables(record: Scorecard) -> None:
    from rich.console import Console  # not for JSON: their imports take a third of its time

    from kpi_kit.report.parts import terminal

    Console().print(terminal.scorecard(record))
    print("", *terminal.computation(record), sep="\n")
