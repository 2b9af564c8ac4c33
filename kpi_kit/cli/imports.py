"""``imports``: list what was imported when, or take an import back."""

from __future__ import annotations

import argparse
from pathlib import Path

from kpi_kit.cli import OK
from kpi_kit.cli.import_files import time_zone
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase, shown
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.merge import undo
from kpi_kit.data.merge.journal import list_imports
from kpi_kit.sources.rows import table_name


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
        name = table_name(table.table)
        for change, count in (("removed", table.removed), ("changed", table.changed), ("back", table.new)):
            if count:
                print(on_terminal(shown(Phrase(f"sources.rows_{change}", table=name, count=count))))
    print(on_terminal(shown(Phrase("sources.import_undone", id=options.id))))
    return OK
