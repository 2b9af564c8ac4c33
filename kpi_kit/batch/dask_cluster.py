"""Workers on a cluster of dask.distributed, with the interface of :class:`kpi_kit.batch.warm.Workers`."""

from __future__ import annotations

import importlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from kpi_kit.batch.execute import Report, Result
from kpi_kit.batch.warm import Workers, lost_result
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase

P = ParamSpec("P")
T = TypeVar("T")


class Cluster:
    """The workers of a dask cluster; they see the folders of the run under the same names.

    The cluster replaces a worker that dies, and other workers take its reports.

    Parameters
    ----------
    scheduler : str
        The address of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    InputError
        If dask.distributed is not installed, or there is no scheduler at the address.
    """

    def __init__(self, scheduler: str) -> None:
        try:
            self._dask: Any = importlib.import_module("distributed")
        except ImportError:
            raise InputError(Phrase("batch.no_dask")) from None
        try:
            self._client: Any = self._dask.Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError) as fault:
            raise InputError(
                Phrase("batch.no_scheduler", address=scheduler, reason=" ".join(str(fault).split()))
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._client.close()  # the scheduler drops unfinished calls

    def warm_up(self) -> None:
        """Do nothing: workers of a cluster import libraries when they need them."""

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in one of the cluster's workers."""
        future: Future[T] = self._client.submit(_here, str(Path.cwd()), function, *args, pure=False, **kwargs)
        return future

    def execute(self, reports: Sequence[Report]) -> Iterator[tuple[Report, Result]]:
        """Execute notebooks, and yield each with its result when it ends."""
        calls = {self._submit(report): report for report in reports}
        ended = self._dask.as_completed(list(calls), loop=self._client.loop)
        repeated: set[str] = set()
        for future in ended:
            report = calls.pop(future)
            try:
                result: Result = future.result()
            except self._dask.KilledWorker:
                result = lost_result(report)
            if result.lost and report.id not in repeated:
                repeated.add(report.id)
                calls[second := self._submit(report)] = report
                ended.add(second)
                continue
            yield report, replace(result, attempts=1 + (report.id in repeated))

    def _submit(self, report: Report) -> Any:
        return self._client.submit(
            _here, str(Path.cwd()), _make, report, pure=False, key=f"{report.id}-{os.urandom(4).hex()}"
        )


def _here(folder: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """In a worker: call a function in the current folder of the run, for relative paths."""
    os.chdir(folder)
    return function(*args, **kwargs)


def _make(report: Report) -> Result:
    """In a worker: execute a notebook in a process of its own."""
    # multiprocessing forbids daemons, such as this worker, to start processes; ours end with it
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    with Workers(1) as workers:
        return workers.make(report)
