"""The status matrix: which data are there by account, table and month, and what to export for each hole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli.output import say
from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.status import Row, State, last_month, last_months, read_expected
from kpi_kit.data.store import open_store
from kpi_kit.params import load
from kpi_kit.report.wording import Words
from kpi_kit.report.wording.status import holes, title

_STYLES = {State.HERE: "green", State.PARTIAL: "yellow", State.MISSING: "red", State.DOUBTFUL: "magenta"}


def print_inputs(data: Path, params: Path, until: Period | dt.date, words: Words) -> None:
    """Print the matrix of the last months of a data folder.

    Parameters
    ----------
    data, params : Path
        Without params the tables that were ever imported are expected.
    until : Period or datetime.date
        The last period, or today.
    words : Words
    """
    loaded = load(params) if (params / "department.yml").is_file() else None
    with open_store(data, loaded.department.timezone if loaded else "Europe/Moscow") as store:
        if isinstance(until, Period):
            last = Period.containing(until.last_day, Grain.MONTH)
        else:
            last = last_month(store, until)
        print_status(last_months(loaded, store, last, read_expected(params / "import.yml")), words)


def print_status(rows: Sequence[Row], words: Words) -> None:
    """Print the matrix and a line for each hole."""
    if not rows:
        return
    table = Table(title=words.text("status.title"))
    for heading in (words.text("status.account"), words.text("status.table")):
        table.add_column(_cell(heading))
    for month in rows[0].states:
        table.add_column(_cell(words.short(str(month))), no_wrap=True)
    last = ""
    for row in rows:
        owner = "" if row.owner == last else title(row)
        cells = [
            Text(words.text(f"status.{state}"), style=_STYLES.get(state, "")) for state in row.states.values()
        ]
        table.add_row(_cell(owner), _cell(words.text(f"table.{row.table}")), *cells)
        last = row.owner
    Console().print(table)
    lines = list(holes(rows, words))
    for line in [words.text("status.holes"), *lines] if lines else [words.text("status.complete")]:
        say(line)


def _cell(text: str) -> Text:
    return Text(on_terminal(text))
