"""``init``: from a pile of exports to data, params and a first report."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.inbox import print_outcome
from kpi_kit.cli.init_files import Person, attribution_text, department_text, import_text, person_text
from kpi_kit.cli.output import say
from kpi_kit.cli.questions import ask_text
from kpi_kit.core.errors import InputError
from kpi_kit.core.files import write_file
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.merge import merge
from kpi_kit.data.store import open_store
from kpi_kit.params import Params, Specialist, load
from kpi_kit.params.ids import problem_of_id
from kpi_kit.params.records import SoundDepartment, SoundSpecialist
from kpi_kit.report import wording
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.proposals import last_useful_month, propose_set
from kpi_kit.sources import ImportOptions
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.import_list import read_import_list
from kpi_kit.sources.inbox import import_inbox
from kpi_kit.sources.onboarding import Agency, latin, look_at

_MOST_VALUES = 8
"""So many sources of visits and leads are asked about."""


def carry_out(options: argparse.Namespace) -> int:
    """Recognise, ask, import, propose and write; 1 where a file could not be imported."""
    words = wording.words(options.language)
    params, data = options.folder / "params", options.folder / "data"
    if (params / "department.yml").exists() and not options.overwrite:
        raise InputError(Phrase("cli.params_exist", file=params / "department.yml"))
    agency = look_at(options.exports)
    if not agency.accounts:
        raise InputError(words.text("init.no_accounts"))
    _show(agency, words)
    ask = _Questions(words, defaults=options.defaults)
    name = ask.text(words.text("init.agency"), words.text("init.agency_default"))
    people = _people(agency, ask, words)
    skipped = _settle(agency, ask, words)

    write_file(_home(params) / "department.yml", department_text(name, options.language, words))
    write_file(params / "attribution.yml", attribution_text(agency, words))
    write_file(params / "import.yml", import_text(agency, skipped, words))
    accounts = [[account.id, account.platform, account.title] for account in agency.accounts.values()]
    frame = pd.DataFrame(accounts, columns=["account_id", "platform", "title"])
    zone = SoundDepartment(agency="?").timezone
    merge(data, {"accounts": frame}, {}, zone)
    failed = _import(options, params, data, agency, words)
    _write_people(people, params, data, words)
    load(params)
    _print_next(options, people, words)
    return SOME_FAILED if failed else OK


def _home(folder: Path) -> Path:
    (folder / "specialists").mkdir(parents=True, exist_ok=True)
    return folder


def _show(agency: Agency, words: Words) -> None:
    """Print what was recognised, and the accounts."""
    files = Table(title=words.text("init.recognised"))
    for key in ("init.file", "init.kind"):
        files.add_column(words.text(key))
    for export in agency.exports:
        files.add_row(_cell(export.name), _cell(export.source or words.text("init.unknown")))
    accounts = Table(title=words.text("init.found_accounts"))
    for key in ("init.id", "status.account"):
        accounts.add_column(words.text(key))
    for account in agency.accounts.values():
        accounts.add_row(_cell(account.id), _cell(account.title))
    for table in (files, accounts):
        Console().print(table)
    for export in agency.exports:
        if export.problem:
            say(export.problem, sys.stderr)


def _cell(text: str) -> Text:
    return Text(on_terminal(text))


class _Questions:
    """Questions on the terminal, or their default answers."""

    def __init__(self, words: Words, *, defaults: bool) -> None:
        self._words = words
        self._defaults = defaults

    def text(self, question: str, default: str) -> str:
        """The answer to a question."""
        if self._defaults:
            return default
        return ask_text(question, default, "--defaults")

    def account(self, question: str, accounts: Mapping[str, object]) -> str:
        """The id of an account, or nobody's mark."""
        nobody = self._words.text("init.nobody")
        while True:
            answer = self.text(question, nobody)
            if answer == nobody or answer in accounts:
                return "" if answer == nobody else answer
            say(self._words.text("init.unknown_account", names=", ".join(accounts)))


def _people(agency: Agency, ask: _Questions, words: Words) -> list[Person]:
    """Ask who looks after each account; by default who looks after the one before."""
    people: dict[str, Person] = {}
    last = words.text("init.person_default")
    for account in agency.accounts.values():
        platform = words.text(f"platform.{account.platform}")
        question = words.text("init.who", title=words.quote(account.title), platform=platform)
        answer = ask.text(question, last)
        if answer == words.text("init.nobody"):
            continue
        last, name = answer, latin(answer)
        if wrong := problem_of_id(name):
            raise InputError(Phrase("cli.person_id", answer=answer, wrong=wrong))
        people.setdefault(name, Person(name, answer)).accounts.append(account.id)
    if not people:
        raise InputError(Phrase("cli.init_no_people"))
    next(iter(people.values())).brands.extend(agency.brands)
    return list(people.values())


def _settle(agency: Agency, ask: _Questions, words: Words) -> list[str]:
    """Ask about files and sources whose account is not known; returns the files to leave out."""
    skipped = []
    for export in agency.homeless:
        owner = ask.account(words.text("init.whose", file=export.name), agency.accounts)
        if owner:
            agency.owners[export.name] = owner
        else:
            skipped.append(export.name)
    for name, values in agency.unmatched.items():
        for value, count in values.most_common(_MOST_VALUES):
            question = words.text("init.source", field=name, value=value, count=count)
            if owner := ask.account(question, agency.accounts):
                agency.rules.append((name, value, owner))
                del values[value]
    return skipped


def _import(options: argparse.Namespace, params: Path, data: Path, agency: Agency, words: Words) -> bool:
    """Import the exports; whether some could not be imported."""
    listed = read_import_list(params / "import.yml")
    own = ImportOptions(
        attribution=read_attribution(params / "attribution.yml"),
        accounts=frozenset(agency.accounts),
        mappings=params / "mappings",
        currency="RUB",
    )
    at = options.clock().replace(microsecond=0)
    failed = False
    for place in options.exports:
        folder, only = (place, None) if place.is_dir() else (place.parent, [place])
        outcome = import_inbox(folder, data, own, listed, imported_at=at, only=only)
        print_outcome(outcome, words)
        failed = failed or bool(outcome.failed)
    return failed


def _write_people(people: list[Person], params: Path, data: Path, words: Words) -> None:
    department = SoundDepartment(agency="?")
    with open_store(data, department.timezone) as store:
        for person in people:
            held: Specialist = SoundSpecialist.model_validate(
                {"id": person.id, "name": person.name, "accounts": person.accounts, "brands": person.brands}
            )
            loaded = Params(params, department, {}, {}, ())
            period = last_useful_month(held, store)
            entries = propose_set(held, period, loaded, store)
            text = person_text(person, entries, period, words)
            write_file(params / "specialists" / f"{person.id}.yml", text)


def _print_next(options: argparse.Namespace, people: list[Person], words: Words) -> None:
    files = ["department.yml", "attribution.yml", "import.yml"]
    files += [f"specialists/{person.id}.yml" for person in people]
    say(words.text("init.written", files=", ".join(files)))
    folder = options.folder
    places = f"--data {folder / 'data'} --params {folder / 'params'}"
    print(words.text("init.next"))
    say(f"  kpi-kit check {places}")
    say(f"  kpi-kit run {places} --out {folder / 'reports'}")
