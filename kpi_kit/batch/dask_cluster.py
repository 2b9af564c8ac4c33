"""The workers of a cluster, in place of this machine's: the same calls, made by dask.distributed."""

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

P = ParamSpec("P")
T = TypeVar("T")


class Cluster:
    """The workers of a dask cluster, which see the folders of the run under the same names.

    A worker that dies is the cluster's to replace; its reports go to others.

    Parameters
    ----------
    scheduler : str
        The address of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises
    ------
    InputError
        Where dask.distributed is not installed, or there is no scheduler at the address.
    """

    def __init__(self, scheduler: str) -> None:
        try:
            self._dask: Any = importlib.import_module("distributed")
        except ImportError:
            raise InputError(
                "executor dask: the library distributed is missing; pip install 'kpi-kit[dask]' brings it"
            ) from None
        try:
            self._client: Any = self._dask.Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError) as fault:
            raise InputError(f"scheduler {scheduler}: there is none at this address ({fault})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._client.close()  # what was not finished is forgotten by the scheduler, and ended with its worker

    def warm_up(self) -> None:
        """A cluster's workers import what they need when they need it, and keep it."""

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in one of the cluster's workers."""
        future: Future[T] = self._client.submit(_here, str(Path.cwd()), function, *args, pure=False, **kwargs)
        return future

    def execute(self, reports: Sequence[Report]) -> Iterator[tuple[Report, Result]]:
        """Execute notebooks, and yield each with its result as it ends."""
        reports_of = {self._ask(report): report for report in reports}
        ended = self._dask.as_completed(list(reports_of), loop=self._client.loop)
        again: set[str] = set()
        for future in ended:
            report = reports_of.pop(future)
            try:
                result: Result = future.result()
            except self._dask.KilledWorker:
                result = lost_result(report)
            if result.lost and report.id not in again:
                again.add(report.id)
                reports_of[second := self._ask(report)] = report
                ended.add(second)
                continue
            yield report, replace(result, attempts=1 + (report.id in again))

    def _ask(self, report: Report) -> Any:
        return self._client.submit(
            _here, str(Path.cwd()), _make, report, pure=False, key=f"{report.id}-{os.urandom(4).hex()}"
        )


def _here(folder: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """In a worker: in the folder of the run, so that relative names mean the same."""
    os.chdir(folder)
    return function(*args, **kwargs)


def _make(report: Report) -> Result:
    """In a worker: execute a notebook in a process of its own."""
    # such a worker is a daemon, which may start no process; these end with it all the same
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    with Workers(1) as workers:
        return workers.make(report)
