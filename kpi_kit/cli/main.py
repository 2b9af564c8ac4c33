"""The command line: ``python -m kpi_kit run | score | check | verify | what-if | …``."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from kpi_kit.cli import BAD_INPUT, OK, SOME_FAILED, STOPPED
from kpi_kit.cli.arguments import parser
from kpi_kit.cli.help import argparse_speaks
from kpi_kit.cli.language import language_before, language_of
from kpi_kit.cli.output import discard_output, logged, prepare_output, say, say_problems
from kpi_kit.cli.remote import fetched, is_url, shown
from kpi_kit.core.errors import InputError, KitError, SpecialistError
from kpi_kit.core.open_files import allow_files
from kpi_kit.core.periods import RELATIVE, Period
from kpi_kit.core.phrases import Phrase, speak
from kpi_kit.core.stopping import stoppable

_READ_DATA = ("run", "score", "check", "mail", "verify", "what_if", "targets", "alerts")
"""Commands that read data, which may be at a URL."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 all well, 1 some reports failed, 2 bad input."""
    prepare_output()
    code = OK
    try:
        try:
            code = _carried_out(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of the output, such as head, has closed it
        discard_output(sys.stdout)
        discard_output(sys.stderr)
    return code


def _carried_out(words: Sequence[str]) -> int:
    speak(language_before(words))
    whole = parser(*words[:1])
    with argparse_speaks():
        options = whole.parse_args(words, argparse.Namespace(clock=_now, names={}))
    options.language = language_of(options)
    speak(options.language)
    try:
        allow_files()
        if is_url(options.out) and options.command != "run":
            raise InputError(Phrase("cli.only_run_at_url", out=shown(options.out)))
        options.period = _period(options)
        options.data_name = shown(str(options.data))
        if is_url(options.data) and options.command in _READ_DATA:
            options.data = fetched(options.data)
            options.names[str(options.data)] = options.data_name
        # each command imports its modules: a run in which everything is up to date takes a second
        command = importlib.import_module(f"kpi_kit.cli.{options.command}")
        with stoppable(), logged(getattr(options, "log", None), words, options.clock):
            return int(command.carry_out(options))
    except KitError as fault:
        say_problems(fault, options.names)
        importlib.import_module("kpi_kit.cli.failures").tell(options, problems=len(fault.problems))
        return SOME_FAILED if isinstance(fault, SpecialistError) else BAD_INPUT
    except KeyboardInterrupt:
        say(Phrase("cli.stopped"), sys.stderr)
        return STOPPED


def _period(options: argparse.Namespace) -> str | None:
    """The period of the option; one that depends on today by its own name."""
    text: str | None = getattr(options, "period", None)
    if text not in RELATIVE:
        return text
    zone = ZoneInfo("Europe/Moscow")
    if (options.params / "department.yml").is_file():
        zone = importlib.import_module("kpi_kit.params").load(options.params).department.zone
    return str(Period.relative(text, options.clock().astimezone(zone).date()))


def _now() -> dt.datetime:
    """The current time; nothing else in the kit reads the clock."""
    return dt.datetime.now(dt.UTC)
