"""Workers of a run: each notebook has a process of its own, forked from a server with the libraries imported.

If processes cannot be forked, each report starts a process that imports everything and runs its cells in an
ordinary kernel.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

from kpi_kit.batch import processes
from kpi_kit.batch.execute import Follower, Report, Result, execute, sentence_of
from kpi_kit.batch.processes import Call, NoForkError
from kpi_kit.core.errors import ReportError
from kpi_kit.core.phrases import Phrase

P = ParamSpec("P")
T = TypeVar("T")


class LostError(Exception):
    """A process ended before it answered."""


class Workers:
    """Executes notebooks and calls functions in other processes, several at once.

    Parameters
    ----------
    jobs : int
        How many processes run at once.
    notice : callable
        Takes a sentence if processes cannot be forked.
    params : Path or None
        A folder of params for the fork server to read.
    """

    def __init__(
        self, jobs: int, notice: Callable[[str], object] = lambda _: None, params: Path | None = None
    ) -> None:
        self._notice, self._params = notice, params
        self._folder = Path(tempfile.mkdtemp(prefix="r", dir=processes.folder()))
        self._environment = dict(os.environ)
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="report")
        self._running: set[Any] = set()
        self._stopped = False
        self._forks = True
        if not processes.can_fork():
            self._stop_forking(Phrase("batch.no_fork"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stopped = True
        if kind is not None and not issubclass(kind, Exception) and self._forks:
            processes.kill_server()  # threads may wait for it to fork, which it does after its imports
        with processes.lock:
            for process in self._running:
                processes.kill(process.pid, forked=self._forks)
        self._threads.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def warm_up(self) -> None:
        """Start the server before it is needed."""
        if self._forks:
            try:
                processes.start_server(self._params)
            except OSError as fault:
                self._stop_forking(fault)

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in another process; call it again if the process died."""
        return self._threads.submit(lambda: self._try_twice(function, *args, **kwargs))

    def execute(self, reports: Sequence[Report]) -> Iterator[tuple[Report, Result]]:
        """Execute notebooks, and yield each with its result when it ends.

        A report whose process died is executed again at the end. No other report runs then: a notebook that
        kills the server cannot take a second try from another.
        """
        futures = {self._threads.submit(self.make, report): report for report in reports}
        lost = []
        for future in as_completed(futures):
            report, result = futures[future], future.result()
            if result.lost:
                lost.append(report)
            else:
                yield report, result
        for report in lost:
            yield report, replace(self.make(report), attempts=2)

    def make(self, report: Report) -> Result:
        """Execute one notebook in a process of its own, and make its page."""
        follower = Follower(report)
        begun = time.perf_counter()
        try:
            result: Result = self._call(execute, (report,), {}, report.environment, follower)
        except TimeoutError as fault:
            result = Result(report.id, fault.args[0], 0.0)
        except LostError:
            result = lost_result(report)
        except Exception as fault:  # for example no memory in its process; the other reports go on
            result = Result(report.id, sentence_of(report, fault), 0.0)
        if result.error is not None:
            cells = follower.save_unfinished(result.error)
            result = replace(result, seconds=time.perf_counter() - begun, cells=result.cells or cells)
        return result

    def _try_twice(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(2):
            try:
                value: T = self._call(function, args, kwargs)
            except LostError:
                if self._stopped:
                    raise
            else:
                return value
        raise ReportError(
            Phrase("core.within", where=function.__name__, problem=Phrase("batch.process_ended"))
        )

    def _call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        environment: Mapping[str, str] = {},
        follower: Follower | None = None,
    ) -> Any:
        """Call a function in a process of its own.

        Raises
        ------
        TimeoutError
            If the follower's time is over.
        LostError
            If the process ended before it answered, or the run is being stopped.
        """
        variables = {**self._environment, **environment}
        call = Call(function, args, kwargs, variables, self._folder, tells=follower is not None)
        if self._forks:
            try:
                return self._answer(call, follower)
            except NoForkError as fault:
                self._stop_forking(fault)
        if follower is not None:
            call = replace(call, kwargs={**kwargs, "in_kernel": True})
        return self._answer(call, follower)

    def _answer(self, call: Call, follower: Follower | None) -> Any:
        connection, process = self._begin(call)
        try:
            while True:
                ready = wait([connection, process.sentinel], None if follower is None else follower.left())
                if follower is not None and not ready:
                    raise TimeoutError(follower.late())
                if connection not in ready:
                    raise LostError(Phrase("batch.process_ended"))
                kind, *content = connection.recv()
                if kind == "returned":
                    return content[0]
                if kind == "raised":
                    raise content[0]
                if follower is not None:
                    follower.hear(kind, *content)
        except (EOFError, ConnectionError) as fault:
            raise LostError(Phrase("batch.process_ended")) from fault
        finally:
            connection.close()
            self._end(process)

    def _begin(self, call: Call) -> tuple[Connection, Any]:
        with processes.lock:
            if self._stopped:
                raise LostError("the run is being stopped")
            try:
                connection, process = processes.begin(call, self._params, forked=self._forks)
            except (OSError, EOFError) as fault:
                raise LostError("the server of processes died") from fault
            self._running.add(process)
        return connection, process

    def _end(self, process: Any) -> None:
        """Kill a process and all that it has started, and remove its files."""
        with processes.lock:
            self._running.discard(process)
            processes.kill(process.pid, forked=self._forks)
            process.join()
            shutil.rmtree(self._folder / str(process.pid), ignore_errors=True)
            process.close()

    def _stop_forking(self, why: object) -> None:
        with processes.lock:
            if not self._forks:
                return
            self._forks = False
        self._notice(Phrase("batch.ordinary_kernels", why=why))


def lost_result(report: Report) -> Result:
    """The result of a report whose process ended before it answered."""
    return Result(
        report.id,
        Phrase("core.within", where=report.notebook.name, problem=Phrase("batch.process_ended")),
        0.0,
        lost=True,
    )
