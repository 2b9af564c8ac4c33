"""Help of commands in the language of the user: texts are read when help is printed, not before."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kpi_kit.core.phrases import spoken, templates

OF_ALL = "kpi-kit"
"""The key of the options that several commands have, and of the whole program."""


class Parser(argparse.ArgumentParser):
    """A parser whose help is in ``locale/help.<language>.yml``."""

    def format_help(self) -> str:
        """The help of a command."""
        describe(self)
        return super().format_help()


def describe(parser: argparse.ArgumentParser) -> None:
    """Give a parser, its options and the parsers of its commands their texts."""
    texts = templates("help", spoken())
    command = parser.prog.split()[-1]
    own: Mapping[str, Any] = texts.get(command, texts[OF_ALL])
    parser.description = own["about"]
    for group in parser._action_groups:
        group.title = _of_argparse(group.title or "")
    for action in parser._actions:
        name = key_of(action)
        if isinstance(action, argparse._SubParsersAction):
            for line in action._choices_actions:
                line.help = texts[line.dest]["about"]
            for inner in action.choices.values():
                describe(inner)
        else:
            text = own.get(name) or texts[OF_ALL][name]
            action.help = text.format(choices=", ".join(map(str, action.choices or ())))


def key_of(action: argparse.Action) -> str:
    """The name of an option or argument as it is typed."""
    return action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)


@contextmanager
def argparse_speaks() -> Iterator[None]:
    """Let argparse say its own sentences in the language of the user; it takes them from two functions."""
    own = {name: vars(argparse)[name] for name in ("_", "ngettext")}
    vars(argparse).update(_=_of_argparse, ngettext=lambda one, several, count: _of_argparse(one))
    try:
        yield
    finally:
        vars(argparse).update(own)


def _of_argparse(text: str) -> str:
    """A sentence of argparse; one that the file lacks, such as that of a newer Python, stays English."""
    return str(templates("help", spoken())["argparse"].get(text, text))
