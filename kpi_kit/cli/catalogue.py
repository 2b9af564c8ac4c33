"""``catalogue``: list every KPI of the kit, and those of an agency's ``kpis.yml``."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli import OK
from kpi_kit.core.errors import InputError
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.params.formula_file import read_formulas
from kpi_kit.params.formulas import catalogue_of, kpi_records
from kpi_kit.report import wording


def carry_out(options: argparse.Namespace) -> int:
    """Show names, formulas and kinds as a table."""
    formulas = read_formulas(options.params)
    if formulas.problems:
        raise InputError(formulas.problems)
    records = kpi_records(formulas.valid)
    words = wording.words(options.language)
    table = Table(show_lines=True)
    table.add_column("id", no_wrap=True)
    table.add_column("what it means, and its formula", ratio=1)
    table.add_column("kind", max_width=10)
    for kpi in catalogue_of(formulas.valid).values():
        what, formula = words.meaning(records[kpi.id])
        kind = f"{kpi.family}\n{kpi.unit}\n{kpi.better}"
        others = "; ".join(words.text(f"definition.{other.id}") for other in kpi.alternatives)
        usual = f"\n{words.text('robustness.others')}: {others}" if others else ""
        name = on_terminal(words.name_of(records[kpi.id]))
        table.add_row(*map(Text, (kpi.id, f"{name}. {what}.\n= {formula}{usual}", kind)))
    Console().print(table)
    return OK
