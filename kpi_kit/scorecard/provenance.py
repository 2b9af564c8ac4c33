"""Provenance: hashes of everything that a scorecard was made from, and the differences between two.

The order of rows, the format of a table and its parts, the time of an import, comments in params and the
layout of a notebook's file do not change the hashes.
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
from kpi_kit.params import Specialist, comment_file, read_comment
from kpi_kit.scorecard.context import Context
from kpi_kit.scorecard.record import Provenance, TableHashes
from kpi_kit.scorecard.unusual_days import events

WHOLE = "all"
"""The month of rows without a date: those of ``accounts`` and ``coverage``."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Cause:
    """One input of a scorecard that differs between two provenances.

    Parameters
    ----------
    kind : str
        ``data``, ``params``, ``notebook``, ``across`` or ``kit``.
    where : str
        The table, file, cell or library; empty where only the hash of the whole differs.
    what : str
        The account or brand, or the key of the file.
    months : tuple of str
        The months of the rows that differ; ``all`` for rows without a date.
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
    """The hashes of each part of the inputs of a context.

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
        "imported": max((entered.imported_at for entered in imports), default=None),
    }


def differences(was: Provenance, now: Provenance) -> list[Cause]:
    """The inputs that differ between two provenances; an older kit's may have only hashes of the whole."""
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
    people = dict.fromkeys(
        [context.person.id, *(colleague.id for colleague, _ in params.deputised(context.person.id))]
    )
    comment = comment_file(params.folder, str(context.period), context.person.id)
    own = [*map(params.file_of, people), *params.common_files, comment]
    return sha256_of_files(file for file in own if file.is_file())


def _short(content: bytes) -> str:
    """A short hash: 48 bits are enough for the parts of one report."""
    return sha256(content)[:12]


def _tables(context: Context) -> TableHashes:
    hashes_by_table: TableHashes = {}
    for name, rows in context.rows.items():
        table = TABLES[name]
        owners, clock = rows[table.scope or ""], rows[table.clock or ""]
        hashes_by_table[name] = _by_month(rows, owners, clock, context.department.timezone)
    scopes = [*context.owned["account_id"], *context.owned["brand"]]
    accounts = context.store.accounts.loc[
        [scope for scope in scopes if scope in context.store.accounts.index]
    ]
    hashes_by_table["accounts"] = _by_month(
        accounts, accounts["account_id"], None, context.department.timezone
    )
    hashes_by_table["coverage"] = _coverage(context, scopes)
    return {name: hashes for name, hashes in hashes_by_table.items() if hashes}


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
    by_owner: dict[str, dict[str, str]] = {}
    for key, part in sorted(keys.groupby(keys).indices.items()):
        owner, _, month = str(key).rpartition("\n")
        by_owner.setdefault(owner, {})[month] = _short(np.sort(hashes[part]).tobytes())
    return by_owner


def _row_hashes(rows: pd.DataFrame) -> np.ndarray:
    """A hash for each row, independent of the order of columns; unknown values do not count."""
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
        # each column has its own odd factor, so that swapped values change the hash
        factor = np.uint64(int(sha256(str(name))[:16], 16) | 1)
        # the hash of a number 0 is 0, so 1 is added
        whole += np.where(
            known, (pd.util.hash_array(values.to_numpy()) + np.uint64(1)) * factor, np.uint64(0)
        )
    return whole


def _coverage(context: Context, scopes: Iterable[str]) -> dict[str, dict[str, str]]:
    """Hashes of the covered days, independent of how many rows state them."""
    lines: dict[str, list[str]] = {}
    for table, by_scope in sorted(context.store.covered(scopes).items()):
        for scope, ranges in by_scope.items():
            days = [f"{as_date(since)}..{as_date(until)}" for since, until in union(ranges)]
            lines.setdefault(scope, []).append(" ".join([table, *days]))
    return {scope: {WHOLE: _short("\n".join(own).encode())} for scope, own in sorted(lines.items())}


def _cells(notebook: Path) -> dict[str, str]:
    """A hash of the source of each cell; of a file that is no notebook, of its bytes."""
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
    """Every setting that a scorecard is made with, by file and key, without e-mail settings."""
    department = context.department.model_dump(
        mode="json", exclude={"directors", "mail"}, exclude_none=True, by_alias=True
    )
    logo = context.department.brand.logo
    if logo is not None:
        department["brand"]["logo"] = _short((context.params.folder / logo).read_bytes())
    settings = {"department.yml": dict(_flat(department)), _file(context.person): _of_person(context.person)}
    for colleague, absence in context.params.deputised(context.person.id):
        listed = settings.setdefault(_file(colleague), {})
        listed.update(_of_accounts(colleague))
        listed[f"absences, {absence.since}"] = f"{absence.since} to {absence.until}, {absence.deputy}"
    listed_events = {f"{event['since']} {event['title']['ru']}": _text(event) for event in events(context)}
    comment = comment_file(Path(), str(context.period), context.person.id)
    words = read_comment(context.params.folder, str(context.period), context.person.id)
    formulas = {entry.kpi: _text(entry.formula.record()) for entry in context.person.kpis if entry.formula}
    return {
        **settings,
        **({"kpis.yml": formulas} if formulas else {}),
        **({"events.yml": listed_events} if listed_events else {}),
        **({comment.as_posix(): {"text": _short(words.encode())}} if words else {}),
    }


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _file(person: Specialist) -> str:
    return f"specialists/{person.id}.yml"


def _of_person(person: Specialist) -> Json:
    fields = {"name", "duties", "brands", "bonus", "variable_pay"}
    settings = dict(_flat(person.model_dump(mode="json", include=fields, exclude_none=True, by_alias=True)))
    settings.update(_of_accounts(person))
    for absence in person.absences:
        settings[f"absences, {absence.since}"] = f"{absence.since} to {absence.until}, {absence.deputy}"
    for entry in person.kpis:
        dumped = entry.model_dump(mode="json", exclude={"kpi"}, exclude_defaults=True, by_alias=True)
        settings.update(_flat(dumped, f"kpis, {entry.called}, "))
    return settings


def _of_accounts(person: Specialist) -> Json:
    windows: dict[str, list[str]] = {}
    for held in person.accounts:
        windows.setdefault(held.account, []).append(f"{held.since or ''}..{held.until or ''}")
    return {f"accounts, {account}": " ".join(sorted(days)) for account, days in windows.items()}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a setting with its key path; a list is a leaf."""
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
            # another depth of history reads other months; those are not changes
            months = {*old, *new} if same_history else {*old} & {*new}
            changed = tuple(sorted(month for month in months if old.get(month) != new.get(month)))
            if changed:
                yield Cause("data", table, owner, changed)


def _history(provenance: Provenance) -> list[Any]:
    department = provenance.get("settings", {}).get("department.yml", {})
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
        return  # a scorecard made without a notebook can be compared with one made by it
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
    before = was.get("libraries", now["libraries"])
    for name in sorted({*before, *now["libraries"]}):
        if before.get(name) != now["libraries"].get(name):
            yield Cause("kit", name, was=before.get(name), now=now["libraries"].get(name))
