"""``accounts``: list the accounts of a data folder, add one, give it another title or id, or close it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from kpi_kit.cli import OK
from kpi_kit.cli.import_files import time_zone
from kpi_kit.cli.inbox import has_tables
from kpi_kit.cli.output import say
from kpi_kit.core.errors import InputError, KitError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.merge import merge
from kpi_kit.data.merge.rename import rename_account
from kpi_kit.data.store import open_store
from kpi_kit.params.edit import add_account, change_person
from kpi_kit.params.rename import renamed_files


def carry_out(options: argparse.Namespace) -> int:
    """Change the table accounts, and the file of the person who looks after a new account."""
    if not isinstance(options.data, Path):
        raise InputError(Phrase("cli.accounts_at_url", data=options.data))
    zone = str(time_zone(options.params))
    accounts = _read_accounts(options.data, zone)
    if options.action == "list":
        for name, one in accounts.iterrows():
            closed = "" if pd.isna(one["closed"]) else Phrase("cli.closed", day=one["closed"].date())
            fields = {"title": one["title"], "platform": one["platform"], "closed": closed}
            say(Phrase("cli.account", id=name, **fields))
        return OK
    if options.id is None:
        raise InputError(Phrase("cli.accounts_no_id", action=options.action))
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
            raise InputError(Phrase("cli.no_such_person", name=options.person, hint=hint))
    merge(options.data, {"accounts": pd.DataFrame([row])}, {}, zone)
    if file is not None:
        try:
            change_person(file, add_account(options.id))
        except KitError as fault:
            raise InputError(fault.problems) from None
        say(Phrase("cli.account_added", file=file, id=options.id))
    say(f"{options.data}: {', '.join(f'{key} {value}' for key, value in row.items())}")
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
        raise InputError(Phrase("cli.rename_bad_id", new=new))
    texts = renamed_files(options.params, old, new)
    tables = rename_account(options.data, old, new, zone, texts)
    for file in texts:
        say(Phrase("cli.account_renamed", file=file, old=old, new=new))
    say(Phrase("cli.account_renamed_in_data", data=options.data, old=old, new=new, tables=list(tables)))


def _new(options: argparse.Namespace, accounts: pd.DataFrame) -> dict[str, object]:
    if options.id in accounts.index:
        raise InputError(Phrase("cli.account_exists", id=options.id, data=options.data))
    if options.platform is None or options.title is None:
        raise InputError(Phrase("cli.add_needs_title"))
    return {"account_id": options.id, "platform": options.platform, "title": options.title}


def _changed(options: argparse.Namespace, accounts: pd.DataFrame) -> dict[str, object]:
    """The row of an account with another title, or with its last day."""
    if options.id not in accounts.index:
        hint = did_you_mean(options.id, accounts.index)
        raise InputError(Phrase("cli.no_such_account", action=options.action, id=options.id, hint=hint))
    row = {"account_id": options.id, "platform": str(accounts.loc[options.id, "platform"])}
    if options.action == "rename":
        if options.title is None:
            raise InputError(Phrase("cli.rename_needs_title"))
        return {**row, "title": options.title}
    if options.on is None:
        raise InputError(Phrase("cli.close_needs_day"))
    return {**row, "title": str(accounts.loc[options.id, "title"]), "closed": options.on}
