"""``run``: make every report of a period."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from kpi_kit.batch import processes
from kpi_kit.batch.workspace import has_manifest
from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.output import say, say_problems
from kpi_kit.cli.remote import RemoteError, is_url, listed, output
from kpi_kit.core.errors import InputError, KitError
from kpi_kit.core.phrases import Phrase

_SETTLED = 200
"""Milliseconds without a change after which files count as written."""
_WAIT = 200
"""Milliseconds after which the watch looks for a signal."""

# The rest is imported while the fork server, which is started first, imports what reports need.


def carry_out(options: argparse.Namespace) -> int:
    """Make the reports, with ``--watch`` again and again; 1 where some failed."""
    if _is_needed(options):
        with suppress(OSError):  # the run reports it
            processes.start_server(options.params)
    if options.watch:
        _watch(options)
        return OK
    return _made(options)


def _watch(options: argparse.Namespace) -> None:
    """Make the reports, and again whenever an input changes, until the user stops it.

    The processes of the first run stay warm for the next ones.
    """
    from watchfiles import watch

    if is_url(options.out) or options.names or options.scheduler:
        raise InputError(Phrase("cli.watch_here"))
    places = [place for place in (options.params, options.data, options.notebook) if place and place.exists()]
    changes = watch(*places, debounce=_SETTLED, rust_timeout=_WAIT, yield_on_timeout=True)
    next(changes)  # from here on, changes during a run count, too
    _make_or_say(options)
    say(Phrase("cli.watching", places=places))
    for changed in changes:
        if changed:
            _make_or_say(options)


def _make_or_say(options: argparse.Namespace) -> None:
    """Make the reports; a problem is told, and the next change may mend it."""
    try:
        _made(options)
    except KitError as fault:
        say_problems(fault, options.names)


def _is_needed(options: argparse.Namespace) -> bool:
    """Whether warm processes are needed, as far as that can be seen at once."""
    if options.scheduler or is_url(options.out) or not processes.can_fork():
        return False
    if options.force:
        return True
    if options.period:
        return not has_manifest(options.out / options.period) or _is_changed(options)
    return not any(map(has_manifest, options.out.glob("*")))


def _is_changed(options: argparse.Namespace) -> bool:
    """Whether a file of the params is newer than the last run of the period."""
    files = [file for folder in (options.params, options.params / "specialists") for file in folder.glob("*")]
    made = _modified(options.out / options.period / "manifest.json")
    return any(_modified(file) > made for file in files)


def _modified(file: Path) -> int:
    """When a file was modified, in nanoseconds; 0 where that cannot be seen."""
    with suppress(OSError):
        return file.stat().st_mtime_ns
    return 0


def _made(options: argparse.Namespace) -> int:
    from rich.console import Console

    from kpi_kit.batch import run as batch
    from kpi_kit.cli import failures
    from kpi_kit.cli.shared import chosen_period, warn
    from kpi_kit.core.periods import parse_instant
    from kpi_kit.data.open_inputs import open_inputs

    # the run checks the rows itself
    loaded, store = open_inputs(options.data, options.params, check=False)
    with store:
        if options.as_of:
            parse_instant(options.as_of, loaded.department.zone, "--as-of")
        warn([*loaded.warnings, *store.warnings])
        period = chosen_period(options, store, with_data=True)
    try:
        with output(options.out, str(period)) as (out, names):
            run_options = batch.RunOptions(
                period,
                data=options.data,
                params=options.params,
                out=out,
                specialists=options.specialist,
                jobs=options.jobs,
                engine=options.engine,
                as_of=options.as_of,
                notebook=options.notebook,
                force=options.force,
                scheduler=_scheduler(options),
                names={**options.names, **names},
                published=listed(options.out),
                pdf=options.pdf,
            )
            outcome = batch.run(run_options, console=Console(stderr=True, quiet=options.quiet))
    except RemoteError as fault:
        say(fault.args[0], sys.stderr)
        return SOME_FAILED
    if options.quiet:  # otherwise the run has printed each failure
        for name, problem in outcome.failed.items():
            say(Phrase("core.within", where=name, problem=problem), sys.stderr)
    if outcome.failed:
        if not options.watch:  # the user is looking
            failures.tell(options, people=tuple(outcome.failed))
        return SOME_FAILED
    return OK


def _scheduler(options: argparse.Namespace) -> str | None:
    """The scheduler of the cluster; None for this machine."""
    if (options.executor == "dask") != bool(options.scheduler):
        raise InputError(Phrase("cli.executor"))
    return str(options.scheduler) if options.scheduler else None
