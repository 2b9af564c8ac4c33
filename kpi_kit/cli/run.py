"""``run``: make every report of a period."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

from kpi_kit.batch import warm
from kpi_kit.batch.execute import stoppable
from kpi_kit.batch.workspace import has_manifest
from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.remote import RemoteError, is_url, output
from kpi_kit.core.errors import InputError
from kpi_kit.core.sanitize import on_terminal

# The rest is imported while the fork server, which is started first, imports what reports need.


def carry_out(asked: argparse.Namespace) -> int:
    """Make the reports; 1 where some failed."""
    with stoppable():
        if _is_needed(asked):
            with suppress(OSError):  # the run says why it does without
                warm.start(asked.params)
        return _made(asked)


def _is_needed(asked: argparse.Namespace) -> bool:
    """Whether reports are to be made here for sure; else a run first looks which."""
    if asked.scheduler or is_url(asked.out) or not warm.can_fork():
        return False
    if asked.force:
        return True
    if asked.period:
        return not has_manifest(asked.out / asked.period)
    return not any(map(has_manifest, asked.out.glob("*")))


def _made(asked: argparse.Namespace) -> int:
    from rich.console import Console

    from kpi_kit.batch import run as batch
    from kpi_kit.cli.shared import chosen_period, warn
    from kpi_kit.core.periods import parse_instant
    from kpi_kit.data.open_inputs import open_inputs

    # the run looks at the rows itself
    loaded, store = open_inputs(asked.data, asked.params, check=False)
    with store:
        if asked.as_of:
            parse_instant(asked.as_of, loaded.department.zone, "--as-of")
        warn([*loaded.warnings, *store.warnings])
        period = chosen_period(asked, store)
    try:
        with output(asked.out, str(period)) as (out, names):
            options = batch.RunOptions(
                period,
                data=asked.data,
                params=asked.params,
                out=out,
                specialists=asked.specialist,
                jobs=asked.jobs,
                engine=asked.engine,
                as_of=asked.as_of,
                force=asked.force,
                scheduler=_scheduler(asked),
                names={**asked.names, **names},
            )
            outcome = batch.run(options, console=Console(stderr=True, quiet=asked.quiet))
    except RemoteError as fault:
        print(on_terminal(str(fault)), file=sys.stderr)
        return SOME_FAILED
    if asked.quiet:  # otherwise the run has said each when it failed
        for name, problem in outcome.failed.items():
            print(on_terminal(f"{name}: {problem}"), file=sys.stderr)
    return SOME_FAILED if outcome.failed else OK


def _scheduler(asked: argparse.Namespace) -> str | None:
    """The scheduler of the cluster that is asked for; None for this machine."""
    if (asked.executor == "dask") != bool(asked.scheduler):
        raise InputError(
            "--executor dask and --scheduler ADDRESS: allowed are both or none, found one of them"
        )
    return str(asked.scheduler) if asked.scheduler else None
