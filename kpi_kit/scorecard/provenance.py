"""What a scorecard was made from, in hashes of content, and what of it is different now.

The order of rows, the format and the parts of a table, when it was imported, comments in params and the
layout of a notebook's file are no content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kpi_kit.core.files import sha256, sha256_of_files
from kpi_kit.core.json_io import parse_json
from kpi_kit.core.schema import TABLES
from kpi_kit.core.versions import LIBRARIES, source, versions
from kpi_kit.data.merge import journal, union
from kpi_kit.data.store import as_date
from kpi_kit.kpis.engine.day_grid import local_days
from kpi_kit.params import Specialist
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.record import Provenance, TableHashes
from kpi_kit.scorecard.unusual_days import events

WHOLE = "all"
"""The month of rows that have none: those of ``accounts`` and ``coverage``."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Cause:
    """One thing that a scorecard was made from and that is different now.

    Parameters
    ----------
    kind : str
        ``data``, ``params``, ``notebook``, ``across`` or ``kit``.
    where : str
        The table, file, cell or library; empty where only the whole is known to be different.
    what : str
        The account or brand, or the key of the file.
    months : tuple of str
        Of the rows that are different; ``all`` where they have no month.
    was, now : object
        The values of a key, or the versions.
    """

    kind: str
    where: str = ""
    what: str = ""
    months: tuple[str, ...] = ()
    was: Any = None
    now: Any = None


def provenance(context: Context, cohort_digest: str | None, notebook: Path | None) -> Provenance:
    """What names each part of the inputs of a context, so that a later look can tell which has changed.

    Parameters
    ----------
    context : Context
    cohort_digest : str or None
        A hash of the cohort.
    notebook : Path or None
    """
    imports = journal.read(context.store.place)
    return {
        "kit": versions()["kpi-kit"],
        "source": source(),
        "libraries": {name: versions()[name] for name in LIBRARIES},
        "data": context.store.fingerprint,
        "params": _params_digest(context),
        "across": cohort_digest,
        "notebook": None if notebook is None else sha256_of_files([notebook]),
        "tables": _tables(context),
        "settings": _settings(context),
        "cells": {} if notebook is None else _cells(notebook),
        "imported": max((each.imported_at for each in imports), default=None),
    }


def differences(was: Provenance, now: Provenance) -> list[Cause]:
    """What is different between two provenances; of an older kit's only the whole may be known."""
    return [
        *_data(was, now),
        *_params(was, now),
        *_notebook(was, now),
        *([Cause("across")] if was.get("across") != now["across"] else []),
        *_kit(was, now),
    ]


# ---- hashes


def _params_digest(context: Context) -> str:
    """A hash of every file of the params that the person's scorecard is made from."""
    params = context.params
    people = dict.fromkeys([context.person.id, *(each.id for each, _ in params.deputised(context.person.id))])
    own = [*map(params.file_of, people), *params.common_files]
    return sha256_of_files(file for file in own if file.is_file())


def _short(content: bytes) -> str:
    """Long enough that no two contents of a report share it by accident."""
    return sha256(content)[:12]


def _tables(context: Context) -> TableHashes:
    found: TableHashes = {}
    posts = context.tables["posts"].set_index("post_id")["account_id"]
    for name, rows in context.tables.items():
        table = TABLES[name]
        owners = rows["post_id"].map(posts) if name == "post_stats" else rows[table.scope or ""]
        found[name] = _by_month(rows, owners, rows[table.clock or ""], context.department.timezone)
    scopes = [*context.held, *context.deputised, *context.person.brands]
    accounts = context.store.accounts.loc[[each for each in scopes if each in context.store.accounts.index]]
    found["accounts"] = _by_month(accounts, accounts["account_id"], None, context.department.timezone)
    found["coverage"] = _coverage(context, scopes)
    return {name: hashes for name, hashes in found.items() if hashes}


def _by_month(
    rows: pd.DataFrame, owners: pd.Series, clock: pd.Series | None, zone: str
) -> dict[str, dict[str, str]]:
    if rows.empty:
        return {}
    if clock is None:
        months = np.full(len(rows), WHOLE, dtype=object)
    else:
        days = clock.to_numpy("datetime64[D]") if clock.dt.tz is None else local_days(clock, zone)
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(str).astype(object)
    keys = pd.Series(owners.to_numpy(dtype="object") + "\n" + months)
    hashes = _row_hashes(rows)
    found: dict[str, dict[str, str]] = {}
    for key, part in sorted(keys.groupby(keys).indices.items()):
        owner, _, month = str(key).rpartition("\n")
        found.setdefault(owner, {})[month] = _short(np.sort(hashes[part]).tobytes())
    return found


def _row_hashes(rows: pd.DataFrame) -> np.ndarray:
    """A number a row, whatever the order of its columns; what is unknown counts as if it were not there."""
    whole = np.zeros(len(rows), "uint64")
    for name in rows.columns:
        values = rows[name]
        known = values.notna().to_numpy()
        if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
            values = values.astype("int64").where(known, 0)
        elif values.dtype.kind == "b":
            values = values.fillna(False).astype("int64")
        elif values.dtype.kind == "f":
            values = values.fillna(0.0) + 0.0  # there is one zero
        else:
            values = values.astype("object").where(known, "")
        # each column has an odd factor of its own, so that values that change places show
        factor = np.uint64(int(sha256(str(name))[:16], 16) | 1)
        # the hash of a number 0 is 0, and that would be nothing
        whole += np.where(
            known, (pd.util.hash_array(values.to_numpy()) + np.uint64(1)) * factor, np.uint64(0)
        )
    return whole


def _coverage(context: Context, scopes: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of the covered days, however many rows tell them."""
    told: dict[str, list[str]] = {}
    for table, by_scope in sorted(context.store.covered(scopes).items()):
        for scope, ranges in by_scope.items():
            days = [f"{as_date(since)}..{as_date(until)}" for since, until in union(ranges)]
            told.setdefault(scope, []).append(" ".join([table, *days]))
    return {scope: {WHOLE: _short("\n".join(lines).encode())} for scope, lines in sorted(told.items())}


def _cells(notebook: Path) -> dict[str, str]:
    """A hash of the source of each cell; of a file that is no notebook, of all of it."""
    content = notebook.read_bytes()
    try:
        cells = parse_json(content)["cells"]
        sources = [(cell.get("id"), cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError):
        return {WHOLE: _short(content)}
    return {
        str(name or number): _short(f"{kind} {text}".encode())
        for number, (name, kind, text) in enumerate(sources, 1)
    }


# ---- settings


def _settings(context: Context) -> dict[str, Json]:
    """Every setting that a scorecard is made with, by file and key; no addresses, no letters."""
    department = context.department.model_dump(
        mode="json", exclude={"directors", "mail"}, exclude_none=True, by_alias=True
    )
    logo = context.department.brand.logo
    if logo is not None:
        department["brand"]["logo"] = _short((context.params.folder / logo).read_bytes())
    found = {"department.yml": dict(_flat(department)), _file(context.person): _of_person(context.person)}
    for colleague, absence in context.params.deputised(context.person.id):
        listed = found.setdefault(_file(colleague), {})
        listed.update(_of_accounts(colleague))
        listed[f"absences, {absence.since}"] = f"{absence.since} to {absence.until}, {absence.deputy}"
    listed_events = {f"{each['since']} {each['title']['ru']}": _text(each) for each in events(context)}
    return {**found, **({"events.yml": listed_events} if listed_events else {})}


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _file(person: Specialist) -> str:
    return f"specialists/{person.id}.yml"


def _of_person(person: Specialist) -> Json:
    rest = {"name", "duties", "brands", "bonus"}
    found = dict(_flat(person.model_dump(mode="json", include=rest, exclude_none=True, by_alias=True)))
    found.update(_of_accounts(person))
    for absence in person.absences:
        found[f"absences, {absence.since}"] = f"{absence.since} to {absence.until}, {absence.deputy}"
    for entry in person.kpis:
        asked = entry.model_dump(mode="json", exclude={"kpi"}, exclude_defaults=True, by_alias=True)
        found.update(_flat(asked, f"kpis, {entry.called}, "))
    return found


def _of_accounts(person: Specialist) -> Json:
    windows: dict[str, list[str]] = {}
    for held in person.accounts:
        windows.setdefault(held.account, []).append(f"{held.since or ''}..{held.until or ''}")
    return {f"accounts, {account}": " ".join(sorted(days)) for account, days in windows.items()}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a setting with the way to it; a list of plain values is one."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _flat(part, f"{key}{name}" if not key or key.endswith(", ") else f"{key}.{name}")
    else:
        yield key, value


# ---- differences


def _data(was: Provenance, now: Provenance) -> Iterator[Cause]:
    if "tables" not in was:
        if was.get("data") != now["data"]:
            yield Cause("data")
        return
    same_history = _history(was) == _history(now)
    for table in sorted({*was["tables"], *now["tables"]}):
        before, after = was["tables"].get(table, {}), now["tables"].get(table, {})
        for owner in sorted({*before, *after}):
            old, new = before.get(owner, {}), after.get(owner, {})
            # with another depth of history other months are read, and that is no change of theirs
            months = {*old, *new} if same_history else {*old} & {*new}
            changed = tuple(sorted(month for month in months if old.get(month) != new.get(month)))
            if changed:
                yield Cause("data", table, owner, changed)


def _history(told: Provenance) -> list[Any]:
    department = told.get("settings", {}).get("department.yml", {})
    return [value for key, value in sorted(department.items()) if key.startswith(("history", "timezone"))]


def _params(was: Provenance, now: Provenance) -> Iterator[Cause]:
    if "settings" not in was:
        if was.get("params") != now["params"]:
            yield Cause("params")
        return
    for file in sorted({*was["settings"], *now["settings"]}):
        before, after = was["settings"].get(file, {}), now["settings"].get(file, {})
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key):
                yield Cause("params", file, key, was=before.get(key), now=after.get(key))


def _notebook(was: Provenance, now: Provenance) -> Iterator[Cause]:
    if was.get("notebook") is None or now["notebook"] is None:
        return  # a scorecard that no notebook has asked for can be compared with one that it has
    if "cells" not in was:
        if was["notebook"] != now["notebook"]:
            yield Cause("notebook")
        return
    for cell in dict.fromkeys([*was["cells"], *now["cells"]]):
        if was["cells"].get(cell) != now["cells"].get(cell):
            yield Cause("notebook", cell)


def _kit(was: Provenance, now: Provenance) -> Iterator[Cause]:
    if was.get("kit") != now["kit"]:
        yield Cause("kit", "version", was=was.get("kit"), now=now["kit"])
    elif was.get("source") != now["source"]:
        yield Cause("kit", "source")
    told = was.get("libraries", now["libraries"])
    for name in sorted({*told, *now["libraries"]}):
        if told.get(name) != now["libraries"].get(name):
            yield Cause("kit", name, was=told.get(name), now=now["libraries"].get(name))
