"""``verify``: compute reports anew, and tell what is different and why."""

from __future__ import annotations

import argparse

from kpi_kit.batch.remote import source
from kpi_kit.cli.verify_report import sentences, verify
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.report.notebook_api import NOTEBOOK

IDENTICAL, DIFFERENT = 0, 1


def carry_out(asked: argparse.Namespace) -> int:
    """Verify each report; what is wrong with one does not keep the others from being verified."""
    notebook = NOTEBOOK if NOTEBOOK.is_file() else None
    data, different = source(asked.data), False
    problems: list[str] = []
    for path in asked.reports:
        try:
            found = verify(path, data=data, params=asked.params, notebook=notebook)
        except KitError as fault:
            problems += fault.problems
            continue
        different |= not found.identical
        for line in sentences(found):
            print(on_terminal(line))
    if problems:
        raise InputError(list(dict.fromkeys(problems)))
    return DIFFERENT if different else IDENTICAL
