"""The cores and the memory of this machine or container."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

PER_JOB = 300 * 2**20
"""The most bytes that the process of a notebook takes of its own."""
BESIDES = 400 * 2**20
"""Bytes of the run itself and of the fork server."""
_CGROUP = Path("/sys/fs/cgroup")


def jobs(cores: int, memory: int) -> int:
    """How many notebooks to run at once: one a core if there is memory, and at least one.

    Examples
    --------
    >>> jobs(cores=8, memory=64 * 2**30)
    8
    >>> jobs(cores=8, memory=2**30)
    2
    >>> jobs(cores=8, memory=0)
    1
    """
    return max(1, min(cores, (memory - BESIDES) // PER_JOB))


def cores(cgroup: Path = _CGROUP) -> int:
    """How many cores this process may use: its affinity, and the quota of its container.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, span = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(span))))
    return count


def memory(cgroup: Path = _CGROUP) -> int:
    """How many bytes are available without swapping, in this container.

    Examples
    --------
    >>> memory() > 0
    True
    """
    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        limit = (cgroup / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            used = int((cgroup / "memory.current").read_text(encoding="ascii"))
            free = min(free, int(limit) - used)
    return max(free, 0)
