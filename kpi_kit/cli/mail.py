"""``mail``: write the directors' messages, and send them."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import TextIO

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.shared import chosen_period, warn
from kpi_kit.core.errors import InputError
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.mail.current_inputs import CurrentInputs
from kpi_kit.mail.outbox import MailOptions, post
from kpi_kit.mail.server import from_environment


def carry_out(asked: argparse.Namespace) -> int:
    """Write and send; 1 where a message did not go."""
    if asked.debug:
        shown_log = logging.StreamHandler()
        shown_log.setFormatter(_Plain("%(name)s: %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[shown_log])
        logging.getLogger("kpi_kit.mail").setLevel(logging.DEBUG)
    if asked.timeout <= 0:
        raise InputError(f"--timeout {asked.timeout:g}: allowed is more than 0")
    server = from_environment(os.environ) if asked.send else None
    loaded, store = open_inputs(asked.data, asked.params)
    with store:
        warn([*loaded.warnings, *store.warnings])
        period = str(chosen_period(asked, store))
        options = MailOptions(
            period,
            asked.out,
            server,
            resend=asked.resend,
            resolve=asked.resolve,
            preliminary=asked.preliminary,
            only=tuple(asked.to or ()),
            timeout=asked.timeout,
        )
        well = post(
            options,
            loaded,
            CurrentInputs(asked.out / period, loaded, store),
            clock=lambda: asked.clock().astimezone(loaded.department.zone),
            say=lambda line: _tell(line, sys.stdout),
            warn=lambda line: _tell(line, sys.stderr),
        )
    return OK if well else SOME_FAILED


class _Plain(logging.Formatter):
    """What is logged of a conversation with a server is no more obeyed than other lines."""

    def format(self, record: logging.LogRecord) -> str:
        return on_terminal(super().format(record))


def _tell(line: str, stream: TextIO) -> None:
    """Print a line at once; where nobody reads any more, go on: the messages matter, not the telling."""
    try:
        print(on_terminal(line), file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
