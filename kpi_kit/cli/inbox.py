"""``import --inbox``: import what is new in a folder, and show which data are there."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from kpi_kit.cli import failures
from kpi_kit.cli.output import say
from kpi_kit.cli.status import print_inputs
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import TABLES
from kpi_kit.data.store import open_store
from kpi_kit.params import load
from kpi_kit.report import wording
from kpi_kit.report.wording import Words
from kpi_kit.sources import ImportOptions
from kpi_kit.sources.import_list import read_import_list
from kpi_kit.sources.inbox import Outcome, import_inbox

_OF_FILES = ("account", "brand", "title", "platform", "since", "until", "table", "mapping", "chat")


def import_new(arguments: argparse.Namespace, options: ImportOptions) -> bool:
    """Import the new files of the inbox, and print the status matrix; whether all files went in."""
    used = [f"--{name}" for name in _OF_FILES if getattr(arguments, name) is not None]
    if used:
        raise InputError(Phrase("cli.not_with_inbox", options=", ".join(used)))
    folder: Path = arguments.into
    words = words_of(arguments.params, arguments.language)
    listed = read_import_list(arguments.params / "import.yml")
    outcome = import_inbox(
        arguments.inbox,
        folder,
        replace(options, accounts=accounts_in(folder, options)),
        listed,
        imported_at=arguments.clock().replace(microsecond=0),
        again=arguments.again,
        dry_run=arguments.dry_run,
    )
    print_outcome(outcome, words)
    if has_tables(folder):
        print_inputs(folder, arguments.params, arguments.clock().date(), words)
    if outcome.failed:
        failures.tell(arguments, problems=len(outcome.failed))
    return not outcome.failed


def words_of(params: Path, language: str) -> Words:
    """The words of a language, with the department's currency."""
    if not (params / "department.yml").is_file():
        return wording.words(language)
    return wording.words(language, load(params).department.currency)


def accounts_in(folder: Path, options: ImportOptions) -> frozenset[str]:
    """The accounts of a data folder, which may not exist yet."""
    if not has_tables(folder):
        return frozenset()
    with open_store(folder, str(options.timezone)) as store:
        return frozenset(map(str, store.accounts.index))


def has_tables(folder: Path) -> bool:
    """Whether a folder has tables."""
    return folder.is_dir() and any(place.stem in TABLES for place in folder.iterdir())


def print_outcome(outcome: Outcome, words: Words) -> None:
    """Print what became of each file, then the counts."""
    for name, sentences in outcome.imported.items():
        say(f"{name}:")
        for sentence in sentences:
            say(Phrase("core.indented", line=sentence))
    for name, problems in outcome.failed.items():
        for problem in problems:
            named = problem if name in problem else Phrase("core.within", where=name, problem=problem)
            say(named, sys.stderr)
    counts = {
        "imported": sum(name.count(", ") + 1 for name in outcome.imported),
        "failed": len(outcome.failed),
        "known": outcome.known,
        "skipped": outcome.skipped,
    }
    parts = [words.plural(f"status.{key}", count) for key, count in counts.items() if count]
    if not counts["imported"]:
        parts.insert(0, words.plural("status.imported", 0))
    say(f"{words.sentence('; '.join(parts))}.")
    if outcome.undone:
        say(words.text("status.undone", files=", ".join(outcome.undone)))
