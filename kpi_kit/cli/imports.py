"""``imports``: list what was imported when, or take an import back."""

from __future__ import annotations

import argparse
from pathlib import Path

from kpi_kit.cli import OK
from kpi_kit.cli.import_files import time_zone
from kpi_kit.cli.output import say
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import undo
from kpi_kit.data.merge.journal import list_imports
from kpi_kit.sources.rows import table_name


def carry_out(options: argparse.Namespace) -> int:
    """List the imports of a data folder, or undo one."""
    if not isinstance(options.data, Path):
        raise InputError(Phrase("cli.imports_at_url", data=options.data))
    if options.action == "list":
        if options.id is not None:
            raise InputError(Phrase("cli.imports_no_id", id=options.id))
        for line in list_imports(options.data):
            say(line)
        return OK
    if options.id is None:
        raise InputError(Phrase("cli.undo_needs_id"))
    outcome = undo(options.data, options.id, str(time_zone(options.params)))
    for table in outcome.added:
        name = table_name(table.table)
        for change, count in (("removed", table.removed), ("changed", table.changed), ("back", table.new)):
            if count:
                say(Phrase(f"sources.rows_{change}", table=name, count=count))
    say(Phrase("sources.import_undone", id=options.id))
    return OK
