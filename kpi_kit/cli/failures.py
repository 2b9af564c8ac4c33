"""Tell ``mail.errors_to`` at once that a run, an import or digests failed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kpi_kit.cli.output import say
from kpi_kit.cli.remote import copy_of, is_url
from kpi_kit.core.errors import KitError
from kpi_kit.params import load

COMMANDS = {"run": "run", "import_files": "import", "alerts": "alerts"}
"""The commands whose failures are reported, by their module."""


def tell(options: argparse.Namespace, *, people: Sequence[str] = (), problems: int = 0) -> None:
    """Send the message, where params name somebody and the environment a server; never an error.

    Parameters
    ----------
    options : Namespace
        Of the command.
    people : sequence of str
        Ids of the specialists without a report.
    problems : int
        How many problems were printed.
    """
    from kpi_kit.mail.failures import Failure, report_failure
    from kpi_kit.mail.server import VARIABLE, from_environment

    if options.command not in COMMANDS or not os.environ.get(VARIABLE):
        return
    try:
        params = load(options.params)
        out = copy_of(str(options.out)) if is_url(options.out) else Path(options.out)
        report_failure(
            Failure(COMMANDS[options.command], tuple(people), problems),
            params,
            out,
            from_environment(os.environ),
            clock=lambda: options.clock().astimezone(params.department.zone),
            say=lambda line: say(line, sys.stdout),
            warn=lambda line: say(line, sys.stderr),
        )
    except KitError as fault:
        for problem in fault.problems:
            say(f"errors_to: {problem}", sys.stderr)
