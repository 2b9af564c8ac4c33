"""How many files a command may open at once."""

from __future__ import annotations

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase

try:
    import resource
except ImportError:  # Windows has none, and no such limit
    resource = None  # type: ignore[assignment]

ENOUGH = 256
"""Open files that a process has at most."""
FEWEST = 32
"""Open files without which libraries, sockets and data cannot be opened at once."""


def allow_files() -> None:
    """Let this process and those that it starts open enough files, as far as the system allows.

    Raises
    ------
    InputError
        Where the system allows too few.
    """
    if resource is None:
        return
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY or now >= ENOUGH:
        return
    allowed = ENOUGH if most == resource.RLIM_INFINITY else min(ENOUGH, most)
    if allowed < FEWEST:
        raise InputError(Phrase("core.few_open_files", allowed=allowed, needed=FEWEST))
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
