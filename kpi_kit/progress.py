"""How a run tells what it is doing: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kpi_kit.execute import Result


@contextmanager
def display(console: Console, names: Sequence[str], jobs: int) -> Iterator[Callable[[Result], None]]:
    """Yield what tells of a result; the bar names the ``jobs`` reports that are under way."""
    if not console.is_terminal:
        yield lambda result: say(console, line(result))
        return
    left = list(names)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(", ".join(left[:jobs]), total=len(left))

        def tell(result: Result) -> None:
            left.remove(result.id)
            say(bar.console, line(result))
            bar.update(task, advance=1, description=", ".join(left[:jobs]))

        yield tell


def line(result: Result) -> str:
    """One result as it is told."""
    if result.error is None:
        return f"{result.id}: done in {result.seconds:.1f} s"
    return f"{result.id}: failed: {result.error}"


def say(console: Console, text: str) -> None:
    """Print as it stands: names of files are no markup, and lines are not broken."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
