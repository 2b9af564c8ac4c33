"""``upgrade``: bring a data folder of an earlier schema up to date."""

from __future__ import annotations

import argparse

from kpi_kit.cli import OK
from kpi_kit.cli.import_files import time_zone
from kpi_kit.cli.output import say
from kpi_kit.data.merge import upgrade


def carry_out(options: argparse.Namespace) -> int:
    """Upgrade the folder, and say what was done."""
    for sentence in upgrade(options.folder, str(time_zone(options.params))):
        say(sentence)
    return OK
