"""The status matrix: which data are there by account, table and month, and what to export for each hole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.status import MONTHS, Row, State, covered_tables, expected_tables, last_month, status
from kpi_kit.data.store import Store, open_store
from kpi_kit.params import load
from kpi_kit.report.wording import Words
from kpi_kit.sources.import_list import read_import_list

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
        expected = expected_tables(loaded, store) if loaded else covered_tables(store)
        expected = {**expected, **read_import_list(params / "import.yml").expected}
        if isinstance(until, Period):
            last = Period.containing(until.last_day, Grain.MONTH)
        else:
            last = last_month(store, until)
        months = last.history(MONTHS)
        accepted = loaded.department.audience.accepted if loaded else None
        minimum = loaded.department.coverage.minimum if loaded else 0.9
        print_status(status(store, expected, months, accepted, minimum), months, store, words)


def print_status(rows: Sequence[Row], months: Sequence[Period], store: Store, words: Words) -> None:
    """Print the matrix and a line for each hole."""
    table = Table(title=words.text("status.title"))
    for heading in (words.text("status.account"), words.text("status.table")):
        table.add_column(_cell(heading))
    for month in months:
        table.add_column(_cell(words.short(str(month))), no_wrap=True)
    last = ""
    for row in rows:
        owner = "" if row.owner == last else title_of(row.owner, store)
        states = (row.states[month] for month in months)
        cells = [Text(words.text(f"status.{state}"), style=_STYLES.get(state, "")) for state in states]
        table.add_row(_cell(owner), _cell(words.text(f"table.{row.table}")), *cells)
        last = row.owner
    if rows:
        Console().print(table)
    holes = list(hole_lines(rows, store, words))
    if not holes and rows:
        print(on_terminal(words.text("status.complete")))
    elif holes:
        print(on_terminal(words.text("status.holes")))
    for line in holes:
        print(on_terminal(line))


def hole_lines(rows: Sequence[Row], store: Store, words: Words) -> Iterator[str]:
    """One line for each account and table that lacks data: the months and what to export."""
    platforms: Mapping[str, str] = dict(store.accounts["platform"].astype(str))
    for row in rows:
        by_state = {
            key: [month for month, state in row.states.items() if state in states]
            for key, states in (("hole", (State.MISSING, State.PARTIAL)), ("doubt", (State.DOUBTFUL,)))
        }
        for key, months in by_state.items():
            if months:
                yield words.text(
                    f"status.{key}",
                    owner=_called(row.owner, store, words),
                    table=words.text(f"table.{row.table}"),
                    months=", ".join(words.period(str(month)) for month in months),
                    fetch=_fetch(platforms.get(row.owner, ""), row.table, words),
                )


def _fetch(platform: str, table: str, words: Words) -> str:
    """The export that fills a hole: that of the platform, else that of the table."""
    by_platform = words.lookup("status").get(f"fetch_{platform}", {})
    return str(by_platform.get(table) or words.text(f"status.fetch.{table}"))


def _called(owner: str, store: Store, words: Words) -> str:
    """An account as people name it: its platform and title."""
    if owner not in store.accounts.index:
        return owner
    account = store.accounts.loc[owner]
    platform = words.text(f"platform.{account['platform']}")
    return f"{platform}, {words.quote(str(account['title']))}"


def title_of(owner: str, store: Store) -> str:
    """The title of an account with its id; a brand as it is."""
    if owner not in store.accounts.index:
        return owner
    title = str(store.accounts.loc[owner, "title"])
    return owner if title == owner else f"{title} ({owner})"


def _cell(text: str) -> Text:
    return Text(on_terminal(text))
