"""The progress of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from kpi_kit.batch.execute import Result
from kpi_kit.batch.plan import DEPARTMENT
from kpi_kit.core.phrases import Phrase, shown
from kpi_kit.core.sanitize import on_terminal

_NAMED = 3
"""How many of the running reports the bar names."""


@contextmanager
def display(console: Console, names: Sequence[str], jobs: int) -> Iterator[Callable[[Result], None]]:
    """Yield a function that shows a result; the bar counts failures and names running reports."""
    if not console.is_terminal:
        yield lambda result: say(console, line(result))
        return
    left = list(names)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}", style="red"),
        TimeElapsedColumn(),
        TextColumn(shown(Phrase("batch.left"))),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(on_terminal(under_way(left, jobs)), total=len(left), failed="")
        failed = 0

        def show(result: Result) -> None:
            nonlocal failed
            left.remove(result.id)
            failed += result.error is not None
            say(bar.console, line(result))
            bar.update(
                task,
                advance=1,
                description=on_terminal(under_way(left, jobs)),
                failed=shown(Phrase("batch.count_failed", count=failed)) if failed else "",
            )

        yield show


def under_way(left: Sequence[str], jobs: int) -> str:
    """The names of the running reports: the first of those left, because they run in order.

    Examples
    --------
    >>> under_way(["anna", "ivan", "olga"], 2)
    'anna, ivan'
    >>> under_way(["a", "b", "c", "d", "e"], 8)
    'a, b, c and 2 more'
    >>> under_way([], 2)
    ''
    """
    running = list(left[:jobs])
    more = Phrase("batch.and_more", count=len(running) - _NAMED) if len(running) > _NAMED else ""
    return ", ".join(running[:_NAMED]) + shown(more)


def line(result: Result) -> str:
    """The line of one result.

    Examples
    --------
    >>> line(Result("anna", None, 1.25))
    'anna: done in 1.2 s'
    >>> line(Result("anna", "no ink", 1.25, attempts=2))
    'anna: failed: no ink (tried 2 times)'
    """
    name = Phrase("batch.of_department") if result.id == DEPARTMENT else result.id
    tries = Phrase("batch.tries", count=result.attempts) if result.attempts > 1 else ""
    if result.error is None:
        return Phrase("batch.done", id=name, seconds=round(result.seconds, 1), tries=tries)
    return Phrase("batch.failed", id=name, error=result.error, tries=tries)


def say(console: Console, text: str) -> None:
    """Print text without markup, control characters or line breaks."""
    console.print(on_terminal(shown(text)), markup=False, emoji=False, highlight=False, soft_wrap=True)
