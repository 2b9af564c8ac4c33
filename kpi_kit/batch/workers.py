"""Processes that execute reports, several at once; a process that dies costs one more try of its report."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

from kpi_kit.batch.execute import Report, Result, execute
from kpi_kit.batch.kernels import client
from kpi_kit.batch.kernels.imports import without_slow_grammar
from kpi_kit.core.errors import ReportError

P = ParamSpec("P")
T = TypeVar("T")
_ENDED = "its process was ended from outside, perhaps for want of memory"
GRACE = 60.0
"""Seconds that a worker has beyond its report's deadline, before it is ended itself."""


class Workers:
    """Processes that execute notebooks; stopped together at the end, by Ctrl-C, or when this one dies.

    They are forked from one that has imported what they need; where that cannot be, there is a pool of
    ordinary processes, and ordinary kernels.

    Parameters
    ----------
    jobs : int
        How many calls are made at once.
    notice : callable
        Told in one sentence where warm processes cannot be had.
    params : Path or None
        A folder of params that processes find read already.
    server : ForkServer or None
        A server that has been started already; None for one that is started when it is needed.
    """

    def __init__(
        self,
        jobs: int,
        notice: Callable[[str], object] = lambda _: None,
        params: Path | None = None,
        server: client.ForkServer | None = None,
    ) -> None:
        self._params = params
        self._jobs, self._notice = jobs, notice
        self._own: tempfile.TemporaryDirectory[str] | None = None
        if server is None:
            self._own = tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True)
            server = client.ForkServer(Path(self._own.name), params)
        self._server: client.ForkServer | None = server
        self.folder = server.folder
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="report")
        self._pool: ProcessPoolExecutor | None = None
        self._guard = threading.Lock()
        self._stopped = False
        if not client.can_fork():
            self._go_without("this system has no fork")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped = True
        if self._server is not None:
            self._server.close()
        if self._pool is not None:
            if kind is not None:
                # A kernel ends by itself when the process that started it is gone.
                for process in multiprocessing.active_children():
                    process.terminate()
            self._pool.shutdown(cancel_futures=True)
        self._threads.shutdown(cancel_futures=True)
        if self._own is not None:
            self._own.cleanup()

    def warm_up(self) -> None:
        """Have the imports begin, so that they are done when they are needed."""
        if self._server is not None:
            try:
                self._server.start()
            except client.CrowdedError as fault:
                self._go_without(str(fault))

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function that computes, in another process, which has imported what that needs."""
        return self._threads.submit(lambda: self._twice(function, *args, **kwargs))

    def execute(self, reports: Sequence[Report]) -> Iterator[tuple[Report, Result]]:
        """Execute notebooks, and yield each with its result as it ends."""
        futures = {self._threads.submit(self._try, report): report for report in reports}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _try(self, report: Report) -> Result:
        """Once more where a process died: another report, or the machine, may have been to blame.

        Where the server itself died, the second try has one of its own, so that a notebook that kills
        its server cannot cost the others more than a try.
        """
        result, died = self._once(report, alone=False)
        if not result.lost or self._stopped:
            return result
        result, _ = self._once(report, alone=died)
        return replace(result, attempts=2)

    def _once(self, report: Report, *, alone: bool) -> tuple[Result, bool]:
        """The result, and whether the server died."""
        begun = time.perf_counter()
        patience = report.deadline + GRACE
        try:
            if alone:
                with client.ForkServer(self.folder, self._params) as own:
                    return own.call_within(patience, execute, report), False
            return self._call_within(patience, execute, report), False
        except client.LateError:
            error = f"{report.notebook.name}: it did not end within {report.deadline:g} s"
            return Result(report.id, error, time.perf_counter() - begun), False
        except (client.LostError, BrokenProcessPool) as fault:
            lost = lost_result(report, time.perf_counter() - begun)
            return lost, isinstance(fault, client.ServerDiedError)

    def _twice(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._call_within(None, function, *args, **kwargs)
        except (client.LostError, BrokenProcessPool):
            if self._stopped:
                raise
        try:
            return self._call_within(None, function, *args, **kwargs)
        except (client.LostError, BrokenProcessPool):
            raise ReportError(f"{function.__name__}: {_ENDED}") from None

    def _call_within(
        self, patience: float | None, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        server = self._server
        if server is not None:
            try:
                if patience is None:
                    return server.call(function, *args, **kwargs)
                return server.call_within(patience, function, *args, **kwargs)
            except client.CrowdedError as fault:
                self._go_without(str(fault))
        pool = self._ordinary()
        try:
            return pool.submit(function, *args, **kwargs).result(patience)
        except BrokenProcessPool:
            with self._guard:
                if self._pool is pool:
                    self._pool = None
            raise

    def _go_without(self, why: str) -> None:
        with self._guard:
            if self._server is None:
                return
            self._server.close()
            self._server = None
        self._notice(f"reports are made with ordinary kernels, which takes longer: {why}")

    def _ordinary(self) -> ProcessPoolExecutor:
        with self._guard:
            if self._stopped:
                raise client.LostError("the run is being stopped")
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._jobs,
                    multiprocessing.get_context("spawn"),
                    initializer=_begin_worker,
                    initargs=(str(self.folder),),
                )
            return self._pool


def lost_result(report: Report, seconds: float) -> Result:
    """The result of a report whose process ended before it answered."""
    return Result(report.id, _ENDED, seconds, lost=True)


def _begin_worker(folder: str) -> None:
    """Leave Ctrl-C to the parent, end with it, and let kernels import the very kit that runs them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    tempfile.tempdir = folder
    client.use_ordinary_kernels()
    os.environ["PYTHONPATH"] = client.path_of_the_kit()
    with without_slow_grammar():
        import papermill  # noqa: F401  # imported without what makes it slow


def _end_with_parent(folder: str) -> None:
    """Wait for the parent's death, however it dies; a kernel ends when its worker is gone."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
