"""Verify a scorecard: compute it anew, and tell what is different and which of its inputs made it so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kpi_kit.core.errors import InputError, SpecialistError
from kpi_kit.core.periods import Period
from kpi_kit.data.open_inputs import open_inputs
from kpi_kit.kpis import CATALOGUE
from kpi_kit.params import entry_name
from kpi_kit.report.wording import Form, Words, form, words
from kpi_kit.scorecard import cohort as crossing
from kpi_kit.scorecard.archive import HISTORY
from kpi_kit.scorecard.build import scorecard
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import prepare
from kpi_kit.scorecard.json_file import EntryKey, entries, is_sealed, load
from kpi_kit.scorecard.provenance import WHOLE, Cause, differences
from kpi_kit.scorecard.record import EarlierEntry, PlatformShocks, Scorecard
from kpi_kit.scorecard.revisions import alike

_KEYS = {"specialist": str, "period": str, "as_of": str, "kpis": list, "provenance": dict}

_SHOWN = (
    "value",
    "target.value",
    "attained",
    "attainment",
    "payout",
    "weight",
    "previous",
    "change.estimate",
    "trend.verdict",
    "chance",
)
"""What of a KPI is said in full; the rest is counted."""

_INNER = ("provenance", "restated", "kpis")
"""Parts of a scorecard that are not compared leaf by leaf with the whole."""

_HARMLESS = ("kit", "across")
"""Kinds of causes that alone make no report wrong."""

_MALFORMED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
"""What comes of reading what is no scorecard of this kit: its figures, hashes and texts can be anything."""

_NOWHERE = object()


@dataclass(frozen=True)
class Difference:
    """One figure that is not what it was.

    Parameters
    ----------
    kpi : str
        The entry's name; empty for the report as a whole.
    field : str
        The way to it in the JSON.
    was, now : str
        In readable units; ``nothing`` where there is none.
    """

    kpi: str
    field: str
    was: str
    now: str


@dataclass(frozen=True)
class Verdict:
    """What verifying a scorecard has found.

    Parameters
    ----------
    path : Path
    altered : bool
        Whether the file itself has been changed since it was made.
    figures : int
        How many were compared.
    differences : tuple of Difference
    causes : tuple of Cause
        What it was made from that is different now.
    kit : str or None
        The version that made it, where it is another.
    sealed : bool
        Whether the file carries the hashes by which causes are told.
    """

    path: Path
    altered: bool
    figures: int
    differences: tuple[Difference, ...]
    causes: tuple[Cause, ...]
    kit: str | None = None
    sealed: bool = True

    @property
    def identical(self) -> bool:
        """Whether figures, data, params and notebook are the same.

        A newer kit, or another pool of colleagues, does no harm where the figures are the same.
        """
        inputs = [cause for cause in self.causes if cause.kind not in _HARMLESS]
        return not (self.altered or self.differences or inputs)


def verify(path: Path, *, data: Path, params: Path, notebook: Path | None = None) -> Verdict:
    """Compute a scorecard anew from the data and params of today, up to its own cut-off.

    Parameters
    ----------
    path : Path
        ``<out>/<period>/<specialist>.json``, or one in its ``history/``.
    data, params : Path
    notebook : Path, optional

    Raises
    ------
    InputError
        Where the file is no scorecard, or cannot be computed anew.
    """
    was = _readable(path)
    period = Period.parse(was["period"])
    loaded, store = open_inputs(data, params)
    with store:
        try:
            context = prepare(was["specialist"], period, params=loaded, store=store, as_of=was["as_of"])
        except SpecialistError as fault:
            raise InputError(fault.problems) from None
        try:
            crossed = _cohort(was, path)
        except _MALFORMED as fault:
            raise InputError(
                f"{path}: a scorecard is expected, and its shocks or checks cannot be read "
                f"({type(fault).__name__})"
            ) from None
        now = scorecard(context, crossed, notebook)
    try:
        return _compared(path, was, now)
    except _MALFORMED as fault:
        raise InputError(
            f"{path}: a scorecard is expected, and a part of it cannot be read ({type(fault).__name__})"
        ) from None


def _compared(path: Path, was: Scorecard, now: Scorecard) -> Verdict:
    before, after = dict(_figures(was)), dict(_figures(now))
    say = words("en", str(now["currency"]))
    found = [
        _difference(key, before.get(key, _NOWHERE), after.get(key, _NOWHERE), (was, now), say)
        for key in dict.fromkeys([*before, *after])
        if key not in before or key not in after or not alike(before[key], after[key])
    ]
    told, today = was["provenance"], now["provenance"]
    causes = differences(told, today)
    altered = not is_sealed(was) or (bool(found) and not causes)
    older = told.get("kit") if told.get("kit") != today["kit"] else None
    return Verdict(path, altered, len(before), tuple(found), tuple(causes), older, "seal" in told)


def sentences(found: Verdict) -> Iterator[str]:
    """What was found, for a terminal: a line of result, then the causes, then the figures."""
    if found.identical:
        yield f"{found.path}: identical, {found.figures} figures{_remarks(found)}"
        return
    count = len(found.differences)
    said = "no figure is different" if not count else f"{count} of {found.figures} figures are different"
    yield f"{found.path}: different; {said}"
    if found.altered:
        yield "  report: the report itself was altered after it was made"
    if not found.sealed:
        kit = found.kit or "an earlier state of this version"
        yield f"  kit: the report was made by {kit}, which kept no hashes of tables and keys"
    yield from (f"  {line}" for line in _cause_lines(found.causes))
    yield from (f"  {line}" for line in _figure_lines(found.differences))


def _remarks(found: Verdict) -> str:
    told = list(_cause_lines([cause for cause in found.causes if cause.kind in _HARMLESS]))
    return f" ({'; '.join(told)})" if told else ""


def _cause_lines(causes: Sequence[Cause]) -> Iterator[str]:
    for cause in causes:
        match cause:
            case Cause("data", ""):
                yield "data: some table has changed"
            case Cause("data", table, owner, months):
                when = "" if months == (WHOLE,) else f", {_spans(months)}"
                yield f"data: table {table}, {owner}{when}: its rows have changed"
            case Cause("params", ""):
                yield "params: some file has changed"
            case Cause("params", file, key):
                yield f"params: {file}: {key}: was {_plain(cause.was)}, is {_plain(cause.now)}"
            case Cause("notebook", ""):
                yield "notebook: it has changed"
            case Cause("notebook", cell):
                yield f"notebook: cell {cell} has changed"
            case Cause("across"):
                yield "across: backtest.json or shocks.json are of a later run; the report's own were used"
            case Cause("kit", "source"):
                yield "kit: its source has changed"
            case Cause("kit", "version"):
                yield f"kit: was {cause.was}, is {cause.now}"
            case Cause("kit", library):
                yield f"kit: {library} was {cause.was}, is {cause.now}"


def _spans(months: Sequence[str]) -> str:
    """Some months by name, very many by their ends."""
    return ", ".join(months) if len(months) <= 3 else f"{len(months)} months from {months[0]} to {months[-1]}"


def _figure_lines(found: Sequence[Difference]) -> Iterator[str]:
    """The figures that matter in full, and how many others there are, by KPI."""
    for kpi in dict.fromkeys(each.kpi for each in found):
        own = [each for each in found if each.kpi == kpi]
        name = kpi or "report"
        shown = [each for each in own if not kpi or each.field in _SHOWN][:12]
        for each in shown:
            yield f"{name}: {each.field}: was {each.was}, is {each.now}"
        others = [each for each in own if each not in shown]
        if others:
            parts = dict.fromkeys(each.field.split(".")[0].split("[")[0] for each in others)
            count = "1 more figure" if len(others) == 1 else f"{len(others)} more figures"
            yield f"{name}: {count} in {', '.join(parts)}"


def _cohort(was: Scorecard, path: Path) -> Cohort:
    """What crossed specialists when the report was made.

    Where a later run has left something else beside it, that is taken from the report itself: what others'
    data do to a pooled back-test makes nobody's report wrong.
    """
    beside = crossing.read(path.parent.parent if path.parent.name == HISTORY else path.parent)
    if beside.digest == was["provenance"].get("across"):
        return beside
    shocks: dict[str, dict[str, dict[str, Any]]] = {}
    for row in was["kpis"]:
        measure = CATALOGUE[row["kpi"]].shock if row["kpi"] in CATALOGUE else None
        for shock in row.get("shocks", ()):
            week = {**shock, "common": shock["direction"]}
            weeks = (
                shocks.setdefault(shock["platform"], {}).setdefault(measure or "", {}).setdefault("weeks", [])
            )
            weeks += [] if week in weeks else [week]
    checks = {row["kpi"]: row.get("chance_check") for row in was["kpis"]}
    return Cohort(
        {kpi: check for kpi, check in checks.items() if check is not None}, cast(PlatformShocks, shocks)
    )


# ---- figures

_Key = tuple[EntryKey | None, str]


def _readable(path: Path) -> Scorecard:
    was = load(path)
    wrong = [name for name, kind in _KEYS.items() if not isinstance(was.get(name), kind)]
    if wrong:
        raise InputError(f"{path}: a scorecard is expected, and {', '.join(wrong)} cannot be read")
    try:
        entries(was)
    except (KeyError, TypeError):
        raise InputError(f"{path}: a scorecard is expected, and its kpis cannot be read") from None
    return was


def _figures(record: Scorecard) -> Iterator[tuple[_Key, Any]]:
    for name, part in record.items():
        if name not in _INNER:
            yield from (((None, field), leaf) for field, leaf in _leaves(part, name))
    for entry, row in entries(record).items():
        for name, part in row.items():
            yield from (((entry, field), leaf) for field, leaf in _leaves(part, name))


def _leaves(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, f"{field}.{name}")
    elif isinstance(value, list) and any(isinstance(part, Mapping | list) for part in value):
        for number, part in enumerate(value):
            yield from _leaves(part, f"{field}[{_name(part, number)}]")
    else:
        yield field, value


def _name(part: Any, number: int) -> str:
    """What tells an item of a list apart: a week, an account, or else its place."""
    for key in ("period", "week", "account_id", "brand", "post_id", "plan_id"):
        if isinstance(part, Mapping) and isinstance(part.get(key), str):
            return str(part[key])
    return str(number)


def _difference(key: _Key, was: Any, now: Any, cards: tuple[Scorecard, Scorecard], say: Words) -> Difference:
    entry, field = key
    if entry is None:
        share = field == "total"
        return Difference(
            "", field, *(_share(value, say) if share else _plain(value) for value in (was, now))
        )
    row = next(rows[entry] for rows in map(entries, cards) if entry in rows)
    kpi, as_, versus, scope = entry
    name = entry_name(kpi, as_, versus, json.loads(scope))
    shown = [_readably(value, field, row, say) for value in (was, now)]
    if shown[0] == shown[1]:  # a difference that rounding hides
        shown = [repr(was), repr(now)]
    return Difference(name, field, *shown)


def _readably(value: Any, field: str, row: EarlierEntry, say: Words) -> str:
    """A figure of a KPI in its unit; of what is no value of it, as it stands in the JSON."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _plain(value)
    if field in ("attainment", "chance"):
        return _share(value, say)
    if field == "change.estimate":
        return say.delta_amount(value, str(row["unit"]))
    if field in ("value", "target.value", "previous", "current") or field.endswith(".value"):
        return say.amount(value, form(row))
    return _plain(value)


def _share(value: Any, say: Words) -> str:
    return say.value(value, Form("share", finer=1)) if isinstance(value, int | float) else _plain(value)


def _plain(value: Any) -> str:
    if value is _NOWHERE or value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
