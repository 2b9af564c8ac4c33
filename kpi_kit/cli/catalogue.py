"""``catalogue``: list every KPI."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli import OK
from kpi_kit.kpis import CATALOGUE
from kpi_kit.report import wording


def carry_out(options: argparse.Namespace) -> int:
    """Show names, formulas and kinds as a table."""
    words = wording.words(options.language)
    table = Table(show_lines=True)
    table.add_column("id", no_wrap=True)
    table.add_column("what it means, and its formula", ratio=1)
    table.add_column("kind", max_width=10)
    for kpi in CATALOGUE.values():
        name, what, formula = (words.text(f"kpi.{kpi.id}.{key}") for key in ("name", "what", "formula"))
        kind = f"{kpi.family}\n{kpi.unit}\n{kpi.better}"
        others = "; ".join(words.text(f"definition.{other.id}") for other in kpi.alternatives)
        usual = f"\n{words.text('robustness.others')}: {others}" if others else ""
        table.add_row(*map(Text, (kpi.id, f"{name}. {what}.\n= {formula}{usual}", kind)))
    Console().print(table)
    return OK
