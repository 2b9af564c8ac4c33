"""Verification: compute a scorecard anew and compare its figures and inputs with the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from kpi_kit.core.errors import InputError, SpecialistError
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard.archive import HISTORY
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.cohort import read as read_cohort
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.department_record import PlatformShocks
from kpi_kit.scorecard.entry_record import EarlierEntry
from kpi_kit.scorecard.json_file import EntryKey, entries, is_sealed, load
from kpi_kit.scorecard.provenance import Cause, differences
from kpi_kit.scorecard.record import Scorecard
from kpi_kit.scorecard.revisions import alike

MALFORMED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
"""Faults of a file that is no scorecard of this kit: its figures, hashes and texts can be anything."""

ABSENT = object()
"""The figure that only the other scorecard has."""

HARMLESS = ("kit", "across")
"""Kinds of causes that alone make no report wrong."""

_TYPES = {"specialist": str, "period": str, "as_of": str, "kpis": list, "provenance": dict}
_NOT_COMPARED = ("provenance", "restated", "total_previous", "comment", "kpis")
"""Parts of the whole that are not compared leaf by leaf; entries are compared by their keys."""

_FigureKey: TypeAlias = tuple[EntryKey | None, str]


@dataclass(frozen=True)
class Difference:
    """A figure that differs.

    Parameters
    ----------
    key : EntryKey or None
        None for a figure of the whole report.
    entry : EarlierEntry or None
        The entry of the figure.
    field : str
        The path in the JSON.
    was, now : object
        :data:`ABSENT` where a side does not have the figure.
    """

    key: EntryKey | None
    entry: EarlierEntry | None
    field: str
    was: Any
    now: Any


@dataclass(frozen=True)
class Verification:
    """The result of verifying a scorecard.

    Parameters
    ----------
    path : Path
    altered : bool
        Whether the file was edited after it was made.
    figures : int
        The number of compared figures.
    differences : tuple of Difference
    causes : tuple of Cause
        The inputs that differ.
    kit : str or None
        The version that made the file, where it is another.
    sealed : bool
        Whether the file has the hashes by which causes are found.
    currency : str
    """

    path: Path
    altered: bool
    figures: int
    differences: tuple[Difference, ...]
    causes: tuple[Cause, ...]
    kit: str | None = None
    sealed: bool = True
    currency: str = "RUB"

    @property
    def identical(self) -> bool:
        """Whether figures, data, params and notebook are the same; kit and cohort may differ."""
        inputs = [cause for cause in self.causes if cause.kind not in HARMLESS]
        return not (self.altered or self.differences or inputs)


def verify(path: Path, *, data: Path, params: Path, notebook: Path | None = None) -> Verification:
    """Compute a scorecard anew from the data and params of today, up to its own cut-off.

    Parameters
    ----------
    path : Path
        ``<out>/<period>/<specialist>.json``, or a file in its ``history/``.
    data, params : Path
    notebook : Path, optional

    Raises
    ------
    InputError
        Where the file is no scorecard, or cannot be computed anew.
    """
    was = _read(path)
    period = Period.parse(was["period"])
    loaded, store = open_inputs(data, params)
    with store:
        try:
            context = prepare(was["specialist"], period, params=loaded, store=store, as_of=was["as_of"])
        except SpecialistError as fault:
            raise InputError(fault.problems) from None
        try:
            cohort = _cohort(was, path)
        except MALFORMED as fault:
            raise malformed(path, ["shocks", "checks"], fault) from None
        now = scorecard(context, cohort, notebook)
    try:
        return _compared(path, was, now)
    except MALFORMED as fault:
        raise malformed(path, Phrase("scorecard.some_part"), fault) from None


def malformed(path: Path, part: object, fault: Exception) -> InputError:
    """The error for a scorecard of which a part cannot be read."""
    return InputError(Phrase("scorecard.malformed", file=path, part=part, kind=f" ({type(fault).__name__})"))


def _read(path: Path) -> Scorecard:
    card = load(path)
    wrong = [name for name, kind in _TYPES.items() if not isinstance(card.get(name), kind)]
    if wrong:
        raise InputError(Phrase("scorecard.malformed", file=path, part=wrong, kind=""))
    try:
        entries(card)
    except (KeyError, TypeError):
        raise InputError(Phrase("scorecard.malformed", file=path, part="kpis", kind="")) from None
    return card


def _cohort(card: Scorecard, path: Path) -> Cohort:
    """The cohort with which a scorecard was made.

    Where a later run has left another one beside it, the scorecard's own shocks and checks are used: the
    data of other specialists make no report wrong.
    """
    beside = read_cohort(path.parent.parent if path.parent.name == HISTORY else path.parent)
    if beside.digest == card["provenance"].get("across"):
        return beside
    shocks: dict[str, dict[str, dict[str, Any]]] = {}
    for row in card["kpis"]:
        measure = CATALOGUE[row["kpi"]].shock if row["kpi"] in CATALOGUE else None
        for shock in row.get("shocks", ()):
            week = {**shock, "common": shock["direction"]}
            measures = shocks.setdefault(shock["platform"], {})
            weeks = measures.setdefault(measure or "", {}).setdefault("weeks", [])
            weeks += [] if week in weeks else [week]
    checks = {row["kpi"]: check for row in card["kpis"] if (check := row.get("chance_check")) is not None}
    return Cohort(checks, cast(PlatformShocks, shocks))


def _compared(path: Path, was: Scorecard, now: Scorecard) -> Verification:
    before, after = dict(_figures(was)), dict(_figures(now))
    rows = {**entries(now), **entries(was)}
    changed = tuple(
        Difference(entry, None if entry is None else rows[entry], field, old, new)
        for entry, field in dict.fromkeys([*before, *after])
        for old, new in [(before.get((entry, field), ABSENT), after.get((entry, field), ABSENT))]
        if old is ABSENT or new is ABSENT or not alike(old, new)
    )
    old_inputs, new_inputs = was["provenance"], now["provenance"]
    causes = tuple(differences(old_inputs, new_inputs))
    return Verification(
        path,
        altered=not is_sealed(was) or (bool(changed) and not causes),
        figures=len(before),
        differences=changed,
        causes=causes,
        kit=old_inputs.get("kit") if old_inputs.get("kit") != new_inputs["kit"] else None,
        sealed="seal" in old_inputs,
        currency=now["currency"],
    )


def _figures(card: Scorecard) -> Iterator[tuple[_FigureKey, Any]]:
    """Every leaf of a scorecard, by its entry and its path."""
    for name, part in card.items():
        if name not in _NOT_COMPARED:
            yield from (((None, field), leaf) for field, leaf in _leaves(part, name))
    for entry, row in entries(card).items():
        for name, part in row.items():
            yield from (((entry, field), leaf) for field, leaf in _leaves(part, name))


def _leaves(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{field}.{name}")
    elif isinstance(value, list) and any(isinstance(part, Mapping | list) for part in value):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{field}[{_item_name(part, number)}]")
    else:
        yield field, value


def _item_name(item: Any, number: int) -> str:
    """The period, account, brand, post or plan item of a list's item, or else its place."""
    for key in ("period", "week", "account_id", "brand", "post_id", "plan_id"):
        if isinstance(item, Mapping) and isinstance(item.get(key), str):
            return str(item[key])
    return str(number)
