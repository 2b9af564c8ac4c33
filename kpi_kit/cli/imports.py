"""``imports``: list what was imported when, or take an import back."""

from __future__ import annotations

import argparse
from pathlib import Path

from kpi_kit.cli import OK
from kpi_kit.cli.import_files import time_zone
from kpi_kit.core.errors import InputError
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.merge import undo
from kpi_kit.data.merge.journal import list_imports
from kpi_kit.sources.rows import counted


def carry_out(options: argparse.Namespace) -> int:
    """List the imports of a data folder, or undo one."""
    if not isinstance(options.data, Path):
        raise InputError(f"--data {options.data}: imports are made in a folder; a URL was given")
    if options.action == "list":
        if options.id is not None:
            raise InputError(
                f"imports list: takes no ID, found {options.id!r}; to take an import back: imports undo ID"
            )
        for line in list_imports(options.data):
            print(on_terminal(line))
        return OK
    if options.id is None:
        raise InputError("imports undo: an ID is expected, as imports lists them")
    outcome = undo(options.data, options.id, str(time_zone(options.params)))
    for table in outcome.added:
        changes = (("removed", table.removed), ("changed", table.changed), ("back again", table.new))
        told = ", ".join(f"{counted(count, 'row')} {what}" for what, count in changes if count)
        if told:
            print(on_terminal(f"{table.table}: {told}"))
    print(on_terminal(f"{options.id}: undone; the tables are what the other imports state"))
    return OK
