"""``accounts``: list the accounts of a data folder, add one, give it another title or id, or close it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from kpi_kit.cli import OK
from kpi_kit.cli.import_files import time_zone
from kpi_kit.cli.inbox import has_tables
from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.data.merge import merge
from kpi_kit.data.merge.rename import rename_account
from kpi_kit.data.store import open_store
from kpi_kit.params.edit import add_account, change_person
from kpi_kit.params.rename import renamed_files


def carry_out(options: argparse.Namespace) -> int:
    """Change the table accounts, and the file of the person who looks after a new account."""
    if not isinstance(options.data, Path):
        raise InputError(f"--data {options.data}: accounts are changed in a folder; a URL was given")
    zone = str(time_zone(options.params))
    accounts = _read_accounts(options.data, zone)
    if options.action == "list":
        for name, one in accounts.iterrows():
            closed = "" if pd.isna(one["closed"]) else f", closed {one['closed'].date()}"
            print(on_terminal(f"{name}: {one['title']} ({one['platform']}){closed}"))
        return OK
    if options.id is None:
        raise InputError(f"accounts {options.action}: expected the ID of an account, found none")
    if options.action == "rename" and options.to is not None:
        _rename_id(options, zone)
        if options.title is None:
            return OK
        options.id, accounts = options.to, _read_accounts(options.data, zone)
    row = _new(options, accounts) if options.action == "add" else _changed(options, accounts)
    file = None
    if options.person:
        file = options.params / "specialists" / f"{options.person}.yml"
        if not file.is_file():
            people = [other.stem for other in file.parent.glob("*.yml")]
            hint = did_you_mean(options.person, people)
            raise InputError(f"--person: there is no specialist {options.person!r:.60}{hint}")
    merge(options.data, {"accounts": pd.DataFrame([row])}, {}, zone)
    if file is not None:
        try:
            change_person(file, add_account(options.id))
        except KitError as fault:
            raise InputError(fault.problems) from None
        print(on_terminal(f"{file}: {options.id} is among the accounts"))
    print(on_terminal(f"{options.data}: {', '.join(f'{key} {value}' for key, value in row.items())}"))
    return OK


def _read_accounts(data: Path, zone: str) -> pd.DataFrame:
    """The accounts of a folder; none where there is no folder yet."""
    if not has_tables(data):
        return pd.DataFrame(columns=["account_id", "platform", "title", "closed"])
    with open_store(data, zone) as store:
        return store.accounts


def _rename_id(options: argparse.Namespace, zone: str) -> None:
    """Give an account another id in the data and in the params."""
    old, new = options.id, options.to
    if not new.strip() or new != new.strip():
        raise InputError(f"accounts rename: --to: expected an id such as vk-cafe, found {new!r:.60}")
    texts = renamed_files(options.params, old, new)
    tables = rename_account(options.data, old, new, zone, texts)
    for file in texts:
        print(on_terminal(f"{file}: {old} is {new} now"))
    print(on_terminal(f"{options.data}: {old} is {new} now, in {', '.join(tables)}"))


def _new(options: argparse.Namespace, accounts: pd.DataFrame) -> dict[str, object]:
    if options.id in accounts.index:
        raise InputError(f"accounts add: {options.id} is an account of {options.data} already")
    if options.platform is None or options.title is None:
        raise InputError("accounts add: expected --title and --platform, found one of them or none")
    return {"account_id": options.id, "platform": options.platform, "title": options.title}


def _changed(options: argparse.Namespace, accounts: pd.DataFrame) -> dict[str, object]:
    """The row of an account with another title, or with its last day."""
    if options.id not in accounts.index:
        hint = did_you_mean(options.id, accounts.index)
        raise InputError(f"accounts {options.action}: there is no account {options.id!r:.60}{hint}")
    row = {"account_id": options.id, "platform": str(accounts.loc[options.id, "platform"])}
    if options.action == "rename":
        if options.title is None:
            raise InputError("accounts rename: expected --title, --to or both, found neither")
        return {**row, "title": options.title}
    if options.on is None:
        raise InputError("accounts close: expected --on, the first day without the account, found none")
    return {**row, "title": str(accounts.loc[options.id, "title"]), "closed": options.on}
