"""The command line: ``python -m kpi_kit run | score | check | verify | what-if | …``."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from kpi_kit.cli import BAD_INPUT, OK, SOME_FAILED, STOPPED
from kpi_kit.cli.arguments import parser
from kpi_kit.cli.remote import fetched, is_url, shown
from kpi_kit.core.errors import InputError, KitError, SpecialistError
from kpi_kit.core.sanitize import on_terminal

_READ_DATA = ("run", "score", "check", "mail", "verify", "what_if")
"""Commands that read data, which may be at a URL."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 all well, 1 some reports failed, 2 bad input."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = parser(*given[:1]).parse_args(given, argparse.Namespace(clock=_now, names={}))
    try:
        if is_url(asked.out) and asked.command != "run":
            raise InputError(f"--out {shown(asked.out)}: only run writes to a URL; a folder is allowed")
        asked.data_name = shown(str(asked.data))
        if is_url(asked.data) and asked.command in _READ_DATA:
            asked.data = fetched(asked.data)
            asked.names[str(asked.data)] = asked.data_name
        # a command imports what it needs: a run in which all is up to date takes a second
        command = importlib.import_module(f"kpi_kit.cli.{asked.command}")
        return int(command.carry_out(asked))
    except SpecialistError as fault:
        _say_problems(fault, asked.names)
        return SOME_FAILED
    except KitError as fault:
        _say_problems(fault, asked.names)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # whoever read the output has seen enough; nothing is left to flush into
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _now() -> dt.datetime:
    """What time it is: nothing else in the kit asks."""
    return dt.datetime.now(dt.UTC)


def _say_problems(fault: KitError, names: Mapping[str, str]) -> None:
    for problem in fault.problems:
        for copy, name in names.items():
            problem = problem.replace(copy, name)
        print(on_terminal(problem), file=sys.stderr)
