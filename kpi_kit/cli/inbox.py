"""``import --inbox``: import what is new in a folder, and show which data are there."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from kpi_kit.cli import failures
from kpi_kit.cli.output import print_line
from kpi_kit.cli.status import print_inputs
from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import shown
from kpi_kit.core.sanitize import on_terminal
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
        raise InputError(f"{', '.join(used)}: not with --inbox; write it for the files in import.yml")
    folder: Path = arguments.into
    words = words_of(arguments.params)
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


def words_of(params: Path) -> Words:
    """The words of the department's language; Russian without params."""
    if not (params / "department.yml").is_file():
        return wording.words("ru")
    department = load(params).department
    return wording.words(department.language, department.currency)


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
        print(on_terminal(f"{name}:"))
        for sentence in sentences:
            print(on_terminal(f"  {shown(sentence)}"))
    for name, problems in outcome.failed.items():
        for problem in problems:
            print_line(shown(problem) if name in problem else f"{name}: {shown(problem)}", sys.stderr)
    counts = {
        "imported": sum(name.count(", ") + 1 for name in outcome.imported),
        "failed": len(outcome.failed),
        "known": outcome.known,
        "skipped": outcome.skipped,
    }
    parts = [words.plural(f"status.{key}", count) for key, count in counts.items() if count]
    if not counts["imported"]:
        parts.insert(0, words.plural("status.imported", 0))
    print(on_terminal(f"{words.sentence('; '.join(parts))}."))
    if outcome.undone:
        print(on_terminal(words.text("status.undone", files=", ".join(outcome.undone))))
