"""A month of reports on a cluster of which a worker is killed: all must be there, byte for byte.

Run ``python benchmarks/cluster.py`` (or ``make soak-dask``). The 24 reports of ``benchmarks/batch.py`` are
made on this machine, and again on a cluster of dask of two workers with a thread each; when some are
ready, one of the workers is killed, in the middle of a report.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from batch import PERIOD, REPORTS, ROOT, agency, kit

from kpi_kit.batch import run as made_by

ENOUGH = REPORTS // 3


def pages(folder: Path) -> dict[str, bytes]:
    """The pages and scorecards of all specialists."""
    found = (path for kind in ("html", "json") for path in folder.glob(f"*/*-*.{kind}"))
    return {path.name: path.read_bytes() for path in found}


def kill_one(cluster: Any, out: Path, killed: list[int]) -> None:
    """Kill a worker when some reports are ready."""
    while len(pages(out)) < 2 * ENOUGH:
        time.sleep(0.05)
    killed.append(next(iter(cluster.workers.values())).pid)
    os.kill(killed[0], signal.SIGKILL)


def main() -> int:
    """Print what was found; exit 1 where a report is missing or another."""
    from distributed import LocalCluster

    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        place, killed = Path(folder), list[int]()
        params, names = agency(place, REPORTS)
        begun = time.perf_counter()
        kit(names, params, place / "calm")
        calm_s = time.perf_counter() - begun
        options = {"dashboard_address": None, "local_directory": folder, "silence_logs": "CRITICAL"}
        with LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
            out = place / "wild"
            killer = threading.Thread(target=kill_one, args=(cluster, out, killed), daemon=True)
            killer.start()
            begun = time.perf_counter()
            given: dict[str, Any] = {"data": "data/sample", "params": params, "out": out}
            given |= {"engine": "embedded", "scheduler": cluster.scheduler_address}
            outcome = made_by.run(made_by.RunOptions(PERIOD, **given))
            wild_s = time.perf_counter() - begun
        calm, wild = pages(place / "calm"), pages(out)
        torn = sorted(name for name in calm.keys() | wild.keys() if calm.get(name) != wild.get(name))
        print(f"on this machine: {len(calm) // 2} reports in {calm_s:.0f} s")
        print(f"on a cluster of 2, worker {killed} killed: {len(wild) // 2} reports in {wild_s:.0f} s")
        print(f"failed: {outcome.failed or 'none'}; not the same: {torn or 'none'}")
        return int(bool(torn or outcome.failed or not killed or len(wild) != 2 * REPORTS))


if __name__ == "__main__":
    sys.exit(main())
