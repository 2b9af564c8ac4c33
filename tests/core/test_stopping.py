"""A signal ends a command quietly, whatever it is doing."""

from __future__ import annotations

import os
import signal
import threading

import duckdb
import pytest

from kpi_kit.core.stopping import stoppable


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_a_signal_during_a_query_is_no_error_of_the_query() -> None:
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    # a cancelled query of DuckDB 2.0 may wait for its other threads, which go on to the end
    with duckdb.connect(config={"threads": 1}) as database, pytest.raises(KeyboardInterrupt), stoppable():
        timer.start()
        database.execute("SELECT sum(hash(i)) FROM range(20_000_000_000) t(i)").fetchall()
    timer.join()


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="no stop"), stoppable():
        raise RuntimeError("no stop")
