"""Render executed notebooks with Quarto: several in one call, several calls at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kpi_kit.batch.execute import Report, Result
from kpi_kit.batch.plan import Run
from kpi_kit.report import render

_MOST, _LEAST = 8, 3
"""How many notebooks one call of Quarto renders: starting it costs as much as a page."""

Executed = tuple[Report, Result]


def rendered(
    run: Run, executed: Iterator[Executed], reports: int, quarto: render.Quarto
) -> Iterator[Executed]:
    """The executed reports with their pages, in the order in which these are ready."""
    size = group_size(reports, run.jobs)
    calls: list[Future[list[Executed]]] = []
    waiting: list[Executed] = []
    with _calls(run.jobs, quarto) as submit:
        for report, result in executed:
            if result.error is not None:
                yield report, result
                continue
            waiting.append((report, result))
            if len(waiting) == size:
                calls.append(submit(_render, run, waiting, quarto))
                waiting = []
            while calls and calls[0].done():
                yield from calls.pop(0).result()
        if waiting:
            calls.append(submit(_render, run, waiting, quarto))
        for call in calls:
            yield from call.result()


def group_size(reports: int, jobs: int) -> int:
    """How many reports a call renders, so that all calls at a time have about the same to do.

    Examples
    --------
    >>> [group_size(reports, jobs=2) for reports in (2, 6, 24, 100)]
    [3, 3, 6, 8]
    """
    calls = -(-reports // (_MOST * jobs)) * jobs
    return max(_LEAST, -(-reports // calls))


def _render(run: Run, group: list[Executed], quarto: render.Quarto) -> list[Executed]:
    begun = time.perf_counter()
    failed: dict[Path, str] = {}
    for language in dict.fromkeys(run.language_of(report.id) for report, _ in group):
        notebooks = [report.executed for report, _ in group if run.language_of(report.id) == language]
        failed |= render.render(
            notebooks,
            engine=run.options.engine,
            language=language,
            style=run.options.style,
            quarto=quarto,
        )
    share = (time.perf_counter() - begun) / len(group)
    return [
        (report, replace(result, error=failed.get(report.executed), seconds=result.seconds + share))
        for report, result in group
    ]


@contextmanager
def _calls(jobs: int, quarto: render.Quarto) -> Iterator[Callable[..., Future[list[Executed]]]]:
    """Calls several functions at a time; when the run is stopped, the calls of Quarto end."""
    with ThreadPoolExecutor(jobs, thread_name_prefix="quarto") as pool:
        try:
            yield pool.submit
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            quarto.stop()
            raise
