"""Restatement: which figures of a report are others than when they were first reported, and why.

Earlier scorecards are kept in ``history/`` beside the reports. What is compared is what has been promised or
paid: values, targets, whether they are attained, payouts, the total and the bonus.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kpi_kit.errors import InputError
from kpi_kit.kpis import CATALOGUE
from kpi_kit.provenance import WHOLE, Cause, differences
from kpi_kit.scorecard import Scorecard, dumps, is_sealed, load, sealed
from kpi_kit.upsert.journal import Entered

HISTORY = "history"
"""The folder of earlier scorecards, in that of the period."""

FIELDS = ("value", "target", "attained", "payout")
"""What is compared of a KPI."""

_NAME = re.compile(r"(?P<who>.+)\.(?P<number>\d{3,})-(?P<digest>[0-9a-f]{12})\.json")
_ALIKE = 1e-9

Json = dict[str, Any]
Entry = tuple[str, str, str, str]
"""What tells the entries of a scorecard apart: KPI, as, versus and scope."""


def keep(folder: Path, specialist: str, fresh: Path | Scorecard) -> Path | None:
    """Keep a person's published scorecard in ``history/`` before a different one takes its place.

    Parameters
    ----------
    folder : Path
        The folder of the reports of a period.
    specialist : str
    fresh : Path or dict
        The scorecard that is about to be published.

    Returns
    -------
    Path or None
        None where there is none yet, or one of the same content is kept or about to be published.
    """
    published = folder / f"{specialist}.json"
    if not published.is_file():
        return None
    digest, kept = _digest(published), _kept(folder, specialist)
    coming = _digest(fresh) if isinstance(fresh, Path) else _digest_of(fresh)
    if digest in (coming, *(each.digest for each in kept)):
        return None
    number = max((each.number for each in kept), default=0) + 1
    target = folder / HISTORY / f"{specialist}.{number:03d}-{digest}.json"
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        stream.write(published.read_bytes())
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(target)
    return target


def first(folder: Path, specialist: str) -> Scorecard | None:
    """The scorecard of a period with which later ones are compared.

    It is the first final one; where none was final, the first preliminary one. Figures of a period that was
    not over announced that they would change, and files that cannot be read or that somebody has altered
    are nobody's word.
    """
    files = [*(each.file for each in _kept(folder, specialist)), folder / f"{specialist}.json"]
    cards = [card for card in map(_read, files) if card is not None and not card["interim"]]
    return next((card for card in cards if not card["preliminary"]), cards[0] if cards else None)


def _brief(card: Scorecard) -> Scorecard:
    """What of an earlier scorecard a later one is compared with."""
    names = ("schema", "specialist", "period", "as_of", "interim", "preliminary", "total", "bonus")
    told = ("kpi", "as", "versus", "scope", "unit", *FIELDS)
    kpis = [{name: row[name] for name in told} for row in card["kpis"]]
    return sealed({**{name: card[name] for name in names}, "kpis": kpis, "provenance": card["provenance"]})


def beside(folder: Path, specialist: str) -> dict[Path, str]:
    """The file that a report finds in its scratch folder, where the person has been reported before."""
    earlier = first(folder, specialist)
    if earlier is None:
        return {}
    told = _brief(earlier)
    return {Path(HISTORY, f"{specialist}.001-{_digest_of(told)}.json"): dumps(told)}


def restated(card: Scorecard, earlier: Scorecard | None, imports: Sequence[Entered]) -> list[Json]:
    """The figures of a scorecard that differ from an earlier one.

    Parameters
    ----------
    card : dict
    earlier : dict or None
    imports : sequence of Entered
        The journal of the data folder, for when the data changed.

    Returns
    -------
    list of dict
        ``kpi``, ``as``, ``versus``, ``scope``, ``unit`` (all None for the whole report), ``field``, ``was``,
        ``is``, ``since`` (the cut-off of the earlier report) and ``cause``, a list of what is different:
        ``kind`` (``data``, ``params``, ``kit``, ``as_of``) and where.
    """
    if earlier is None:
        return []
    causes = differences(earlier["provenance"], card["provenance"])
    moved = earlier["as_of"] != card["as_of"]
    found = []
    for entry, field, was, now in _changes(earlier, card):
        kpi, as_, versus, _ = entry or (None, None, None, None)
        row = _row(card, entry) or _row(earlier, entry) or {}
        asked = _of_figure(causes, kpi, field)
        found.append(
            {
                "kpi": kpi,
                "as": as_,
                "versus": versus,
                "scope": row.get("scope"),
                "unit": row.get("unit"),
                "field": field,
                "was": was,
                "is": now,
                "since": earlier["as_of"],
                "cause": [
                    *_summed(asked, imports, earlier["provenance"].get("imported")),
                    *([{"kind": "as_of", "was": earlier["as_of"], "is": card["as_of"]}] if moved else []),
                ],
            }
        )
    return found


# ---- what has changed


def entries(card: Mapping[str, Any]) -> dict[Entry, Mapping[str, Any]]:
    """The rows of a scorecard by what tells them apart."""
    return {
        (row["kpi"], row["as"], row["versus"], json.dumps(row["scope"], sort_keys=True)): row
        for row in card["kpis"]
    }


def alike(was: Any, now: Any) -> bool:
    """Whether two figures are the same, but for the last bits of a float.

    Examples
    --------
    >>> alike(0.1 + 0.2, 0.3), alike(3, 3.0000001), alike(None, 0.0), alike(True, 1.0)
    (True, False, False, False)
    """
    numbers = (int, float)
    if isinstance(was, bool) or isinstance(now, bool):
        return was is now
    if isinstance(was, numbers) and isinstance(now, numbers):
        return abs(was - now) <= _ALIKE * max(abs(was), abs(now))
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(alike, was, now))
    return bool(was == now)


def _changes(earlier: Scorecard, card: Scorecard) -> Iterator[tuple[Entry | None, str, Any, Any]]:
    before, after = entries(earlier), entries(card)
    for entry in dict.fromkeys([*before, *after]):
        for field in FIELDS:
            was, now = (_figure(rows.get(entry), field) for rows in (before, after))
            if not alike(was, now):
                yield entry, field, was, now
    for field in ("total", "bonus"):
        was, now = _whole(earlier, field), _whole(card, field)
        if not alike(was, now):
            yield None, field, was, now


def _figure(row: Mapping[str, Any] | None, field: str) -> Any:
    found = None if row is None else row[field]
    return found["value"] if isinstance(found, dict) else found


def _whole(card: Mapping[str, Any], field: str) -> Any:
    found = card[field]
    return found["amount"] if isinstance(found, dict) else found


def _row(card: Scorecard, entry: Entry | None) -> Mapping[str, Any] | None:
    return None if entry is None else entries(card).get(entry)


# ---- why


def _of_figure(causes: Sequence[Cause], kpi: str | None, field: str) -> list[Cause]:
    """The causes that a figure can have; all of them where none fits."""
    counting = [cause for cause in causes if cause.kind in ("data", "params", "kit")]
    if kpi is None or field in ("attained", "payout"):
        return counting
    if field == "target":
        fitting = [cause for cause in counting if cause.kind == "params"]
    else:
        used = {*CATALOGUE[kpi].tables, "accounts", "coverage"}
        used |= {"post_stats"} if "posts" in used else set()
        used |= {"audience"} if CATALOGUE[kpi].stock is not None else set()
        fitting = [
            cause
            for cause in counting
            if cause.kind == "kit"
            or (cause.kind == "data" and cause.where in ("", *used))
            or (cause.kind == "params" and ", target" not in cause.what and ", weight" not in cause.what)
        ]
    return fitting or counting


def _summed(causes: Sequence[Cause], imports: Sequence[Entered], since: str | None) -> Iterator[Json]:
    """A record a table, a file of params, and the kit."""
    tables: dict[str, list[Cause]] = {}
    files: dict[str, list[str]] = {}
    for cause in causes:
        if cause.kind == "data":
            tables.setdefault(cause.where, []).append(cause)
        elif cause.kind == "params":
            files.setdefault(cause.where, []).append(cause.what)
    for table, found in tables.items():
        entered = _import_of(found, imports, since)
        yield {
            "kind": "data",
            "table": table or None,
            "owners": [cause.what for cause in found if cause.what],
            "imported_at": entered and entered.imported_at,
            "files": entered and entered.files,
        }
    for file, keys in files.items():
        yield {"kind": "params", "file": file or None, "keys": [key for key in keys if key]}
    if any(cause.kind == "kit" for cause in causes):
        yield {"kind": "kit"}


def _import_of(causes: Sequence[Cause], imports: Sequence[Entered], since: str | None) -> Entered | None:
    """The last import after the earlier report into the rows that have changed, where the journal tells."""
    fitting = [
        entered
        for entered in imports
        if (since is None or entered.imported_at > since) and any(_touches(entered, one) for one in causes)
    ]
    return max(fitting, key=lambda entered: entered.imported_at, default=None)


def _touches(entered: Entered, cause: Cause) -> bool:
    if entered.table != cause.where:
        return False
    days = [(begun, end) for scope, begun, end in entered.covers if scope == cause.what]
    if WHOLE in cause.months:
        return bool(days)
    return any(begun[:7] <= month and f"{month}-01" < end for begun, end in days for month in cause.months)


# ---- files


class _Kept(NamedTuple):
    """A file in ``history/``."""

    number: int
    digest: str
    file: Path


def _kept(folder: Path, specialist: str) -> list[_Kept]:
    """The earlier scorecards of a person, the first one first."""
    named = [(_NAME.fullmatch(file.name), file) for file in (folder / HISTORY).glob("*.json")]
    return sorted(
        _Kept(int(name["number"]), name["digest"], file)
        for name, file in named
        if name is not None and name["who"] == specialist
    )


def _read(file: Path) -> Scorecard | None:
    """A scorecard as the kit wrote it; None of any other file: an earlier one holds no report up."""
    if not file.is_file():
        return None
    try:
        card = load(file)
        entries(card)
        return card if is_sealed(card) else None
    except (InputError, KeyError, TypeError, AttributeError):
        return None


def _digest(file: Path) -> str:
    """Of what a scorecard says; of a file that is none, of its bytes."""
    card = _read(file)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if card is None else _digest_of(card)


def _digest_of(card: Scorecard) -> str:
    said = {name: part for name, part in card.items() if name not in ("provenance", "restated")}
    return hashlib.sha256(dumps(said).encode()).hexdigest()[:12]
