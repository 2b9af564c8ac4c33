"""``catalogue``: list every KPI of the kit, and those of an agency's ``kpis.yml``."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli import OK
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase, in_language
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.params.formula_file import read_formulas
from kpi_kit.params.formulas import catalogue_of, kpi_records
from kpi_kit.report import wording

_WITHOUT_NOUN = ("share", "hours", "money", "number")


def carry_out(options: argparse.Namespace) -> int:
    """Show names, formulas and kinds as a table."""
    formulas = read_formulas(options.params)
    if formulas.problems:
        raise InputError(formulas.problems)
    records = kpi_records(formulas.valid)
    words = wording.words(options.language)
    table = Table(show_lines=True)
    heads = [
        in_language(Phrase(f"cli.catalogue_{name}"), options.language) for name in ("id", "what", "kind")
    ]
    table.add_column(heads[0], no_wrap=True)
    table.add_column(heads[1], ratio=1)
    table.add_column(heads[2], max_width=14)
    for kpi in catalogue_of(formulas.valid).values():
        what, formula = words.meaning(records[kpi.id])
        kind = "\n".join(
            [words.text(f"family.{kpi.family}"), _unit(kpi.unit, words), words.text(f"better.{kpi.better}")]
        )
        others = "; ".join(words.text(f"definition.{other.id}") for other in kpi.alternatives)
        usual = f"\n{words.text('robustness.others')}: {others}" if others else ""
        name = on_terminal(words.name_of(records[kpi.id]))
        table.add_row(*map(Text, (kpi.id, f"{name}. {what}.\n= {formula}{usual}", kind)))
    Console().print(table)
    return OK


def _unit(unit: str, words: wording.Words) -> str:
    if unit in _WITHOUT_NOUN:
        return in_language(Phrase(f"cli.unit_{unit}"), words.language)
    return words.noun(5, unit)
