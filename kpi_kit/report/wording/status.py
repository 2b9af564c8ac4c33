"""The status of the data in words: what is missing by account, table and month, and what to export for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kpi_kit.data.status import Row, State
from kpi_kit.report.wording import Words


def holes(rows: Sequence[Row], words: Words) -> Iterator[str]:
    """One line for each account and table that lacks data: the months and what to export."""
    for row in rows:
        for key, states in (("hole", (State.MISSING, State.PARTIAL)), ("doubt", (State.DOUBTFUL,))):
            months = [month for month, state in row.states.items() if state in states]
            if months:
                yield words.text(
                    f"status.{key}",
                    owner=called(row, words),
                    table=words.text(f"table.{row.table}"),
                    months=", ".join(words.period(str(month)) for month in months),
                    fetch=_fetch(row, words),
                )


def title(row: Row) -> str:
    """The title of an account or brand with its id."""
    return row.owner if row.title == row.owner else f"{row.title} ({row.owner})"


def _fetch(row: Row, words: Words) -> str:
    """The export that fills a hole: that of the platform, else that of the table."""
    by_platform = words.lookup("status").get(f"fetch_{row.platform}", {})
    return str(by_platform.get(row.table) or words.text(f"status.fetch.{row.table}"))


def called(row: Row, words: Words) -> str:
    """An account as people name it, by its platform and title; a brand by its title."""
    if not row.platform:
        return words.quote(row.title or row.owner)
    return f"{words.text(f'platform.{row.platform}')}, {words.quote(row.title)}"
