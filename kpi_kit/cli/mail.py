"""``mail``: write the directors' messages, and send them."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.output import say
from kpi_kit.cli.shared import chosen_period, warn
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.mail.current_inputs import CurrentInputs
from kpi_kit.mail.outbox import MailOptions, post
from kpi_kit.mail.server import from_environment


def carry_out(options: argparse.Namespace) -> int:
    """Write and send messages; 1 where one was not sent."""
    if options.debug:
        shown_log = logging.StreamHandler()
        shown_log.setFormatter(_SafeFormatter("%(name)s: %(message)s"))
        logging.basicConfig(level=logging.INFO, handlers=[shown_log])
        logging.getLogger("kpi_kit.mail").setLevel(logging.DEBUG)
    if options.timeout <= 0:
        raise InputError(Phrase("cli.bad_timeout", timeout=options.timeout))
    server = from_environment(os.environ) if options.send else None
    loaded, store = open_inputs(options.data, options.params)
    with store:
        warn([*loaded.warnings, *store.warnings])
        period = str(chosen_period(options, store))
        wanted = MailOptions(
            period,
            options.out,
            server,
            resend=options.resend,
            resolve=options.resolve,
            preliminary=options.preliminary,
            only=tuple(options.to or ()),
            timeout=options.timeout,
        )
        well = post(
            wanted,
            loaded,
            CurrentInputs(options.out / period, loaded, store),
            clock=lambda: options.clock().astimezone(loaded.department.zone),
            say=lambda line: say(line, sys.stdout),
            warn=lambda line: say(line, sys.stderr),
        )
    return OK if well else SOME_FAILED


class _SafeFormatter(logging.Formatter):
    """Log lines without control characters that a server may have sent."""

    def format(self, record: logging.LogRecord) -> str:
        return on_terminal(super().format(record))
