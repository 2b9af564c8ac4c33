"""``completion``: print the completion of commands for a shell."""

from __future__ import annotations

import argparse

import shtab

from kpi_kit.cli import OK
from kpi_kit.cli.arguments import parser
from kpi_kit.cli.help import describe


def carry_out(options: argparse.Namespace) -> int:
    """Print the script for the shell."""
    whole = parser("import")
    describe(whole)
    whole.prog = "kpi-kit"
    print(shtab.complete(whole, shell=options.shell))
    return OK
