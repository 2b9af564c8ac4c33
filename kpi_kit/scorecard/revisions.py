"""Restated figures: those that differ from the first report of a period, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kpi_kit.core.model import Kpi
from kpi_kit.data.merge.journal import Entered
from kpi_kit.params.formulas import definition_of
from kpi_kit.scorecard.archive import FIELDS, Field
from kpi_kit.scorecard.entry_record import EarlierEntry
from kpi_kit.scorecard.json_file import EntryKey, entries
from kpi_kit.scorecard.provenance import WHOLE, Cause, differences
from kpi_kit.scorecard.record import AnyScorecard, Revision, RevisionCause, Scorecard

_ALIKE = 1e-9


def restated(card: Scorecard, earlier: AnyScorecard | None, imports: Sequence[Entered]) -> list[Revision]:
    """The figures of a scorecard that differ from an earlier one, each with its causes.

    Parameters
    ----------
    card : dict
    earlier : dict or None
    imports : sequence of Entered
        The journal of the data folder, for when the data changed.
    """
    if earlier is None:
        return []
    causes = differences(earlier["provenance"], card["provenance"])
    moved: list[RevisionCause] = []
    if earlier["as_of"] != card["as_of"]:
        moved.append({"kind": "as_of", "was": earlier["as_of"], "is": card["as_of"]})
    revisions: list[Revision] = []
    for entry, field, was, now in _changes(earlier, card):
        kpi, as_, versus, _ = entry or (None, None, None, None)
        row = _row(card, entry) or _row(earlier, entry)
        fitting = _of_figure(causes, row and definition_of(row), field)
        revision: Revision = {
            "kpi": kpi,
            "as": as_,
            "versus": versus,
            "scope": row and row["scope"],
            "unit": row and row["unit"],
            "field": field,
            "was": was,
            "is": now,
            "since": earlier["as_of"],
            "cause": [*_summed(fitting, imports, earlier["provenance"].get("imported")), *moved],
        }
        if row and "formula" in row:
            revision["formula"] = row["formula"]
        revisions.append(revision)
    return revisions


# ---- changed figures


def alike(was: Any, now: Any) -> bool:
    """Whether two figures are equal but for the last bits of a float.

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


def _changes(earlier: AnyScorecard, card: Scorecard) -> Iterator[tuple[EntryKey | None, str, Any, Any]]:
    before, after = entries(earlier), entries(card)
    for entry in dict.fromkeys([*before, *after]):
        for field in FIELDS:
            was, now = (_figure(rows.get(entry), field) for rows in (before, after))
            if not alike(was, now):
                yield entry, field, was, now
    bonus = [None if report["bonus"] is None else report["bonus"]["amount"] for report in (earlier, card)]
    for name, (was, now) in {"total": [earlier["total"], card["total"]], "bonus": bonus}.items():
        if not alike(was, now):
            yield None, name, was, now


def _figure(row: EarlierEntry | None, field: Field) -> Any:
    figure: Any = None if row is None else row[field]
    return figure["value"] if isinstance(figure, dict) else figure


def _row(card: AnyScorecard, entry: EntryKey | None) -> EarlierEntry | None:
    return None if entry is None else entries(card).get(entry)


# ---- causes


def _of_figure(causes: Sequence[Cause], kpi: Kpi | None, field: str) -> list[Cause]:
    """The causes that fit a figure; all causes where none fits."""
    counting = [cause for cause in causes if cause.kind in ("data", "params", "kit")]
    if kpi is None or field in ("attained", "payout"):
        return counting
    if field == "target":
        fitting = [cause for cause in counting if cause.kind == "params"]
    else:
        used = {*kpi.tables, "accounts", "coverage"}
        used |= {"post_stats"} if "posts" in used else set()
        used |= {"audience"} if kpi.stock is not None else set()
        fitting = [
            cause
            for cause in counting
            if cause.kind == "kit"
            or (cause.kind == "data" and cause.where in ("", *used))
            or (cause.kind == "params" and ", target" not in cause.what and ", weight" not in cause.what)
        ]
    return fitting or counting


def _summed(
    causes: Sequence[Cause], imports: Sequence[Entered], since: str | None
) -> Iterator[RevisionCause]:
    """One record for each table, for each file of params, and for the kit."""
    tables: dict[str, list[Cause]] = {}
    files: dict[str, list[str]] = {}
    for cause in causes:
        if cause.kind == "data":
            tables.setdefault(cause.where, []).append(cause)
        elif cause.kind == "params":
            files.setdefault(cause.where, []).append(cause.what)
    for table, changes in tables.items():
        entered = _import_of(changes, imports, since)
        yield {
            "kind": "data",
            "table": table or None,
            "owners": [cause.what for cause in changes if cause.what],
            "imported_at": None if entered is None else entered.imported_at,
            "files": None if entered is None else entered.files,
        }
    for file, keys in files.items():
        yield {"kind": "params", "file": file or None, "keys": [key for key in keys if key]}
    if any(cause.kind == "kit" for cause in causes):
        yield {"kind": "kit"}


def _import_of(causes: Sequence[Cause], imports: Sequence[Entered], since: str | None) -> Entered | None:
    """The last import after the earlier report into the changed rows; None where the journal has none."""
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
