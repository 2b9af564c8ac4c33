"""Read ``kpis.yml``: the KPIs by formula of an agency."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import did_you_mean
from kpi_kit.core.model import Kpi, Unit
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.yaml_faults import located
from kpi_kit.core.yaml_io import parse_yaml, read_text
from kpi_kit.kpis import CATALOGUE, DENOMINATORS, NUMERATORS
from kpi_kit.params.formulas import Formula
from kpi_kit.params.sentences import findings, sentence

FILE = "kpis.yml"
_MOST = 100


@dataclass(frozen=True)
class Formulas:
    """What ``kpis.yml`` holds.

    Parameters
    ----------
    valid : mapping of str to Formula
        By id.
    unread : frozenset of str
        Ids of invalid formulas.
    problems : tuple of str
    """

    valid: Mapping[str, Formula] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


def read_formulas(folder: Path) -> Formulas:
    """The formulas of a params folder; none where there is no file.

    Raises
    ------
    KitError
        Where the file cannot be read at all.
    """
    file = folder / FILE
    if not os.path.lexists(file):
        return Formulas()
    text = read_text(file)
    raw = parse_yaml(text, str(file))
    if not isinstance(raw, list):
        problem = Phrase("params.formulas_kind", file=file, kind=type(raw).__name__)
        return Formulas(problems=(problem,))
    if len(raw) > _MOST:
        return Formulas(problems=(Phrase("params.formulas_many", file=file, most=_MOST, count=len(raw)),))
    valid: dict[str, Formula] = {}
    unread: set[str] = set()
    problems: list[str] = []
    for place, entry in enumerate(raw):
        found = list(_problems(entry, place, raw, valid))
        problems += [located(problem, file, text, [place, *path]) for path, problem in found]
        name = entry.get("id") if isinstance(entry, dict) else None
        if not found:
            valid[entry["id"]] = Formula.model_validate(entry)
        elif isinstance(name, str):
            unread.add(name)
    return Formulas(valid, frozenset(unread), tuple(problems))


def _problems(
    entry: Any, place: int, raw: list[Any], earlier: Mapping[str, Formula]
) -> Iterator[tuple[list[str | int], str]]:
    """The problems of an entry, each with the path to its key."""
    where = Phrase("params.entry", number=place + 1)
    if not isinstance(entry, dict):
        yield [], Phrase("params.formula_keys", where=where, kind=type(entry).__name__)
        return
    errors = findings(Formula, entry)
    for error in errors:
        moved = {**error, "loc": (place, *error["loc"])}
        yield list(error["loc"]), sentence(moved, raw, Formula)  # type: ignore[arg-type]  # the same keys
    wrong = {str(error["loc"][0]) for error in errors}
    named = where if "id" in wrong else Phrase("params.entry_of", number=place + 1, kpi=entry["id"])
    for keys, problem in _rules(entry, wrong, earlier):
        yield [keys], Phrase("core.within", where=[named, keys], problem=problem)


def _rules(
    entry: Mapping[str, Any], wrong: set[str], earlier: Mapping[str, Formula]
) -> Iterator[tuple[str, str]]:
    """The key and the sentence of each rule that the valid keys of an entry break."""
    if "id" not in wrong:
        name = entry["id"]
        if name in CATALOGUE or name in NUMERATORS:
            yield "id", Phrase("params.formula_kit_name", name=name)
        elif name in earlier:
            yield "id", Phrase("params.formula_twice", name=name)
    for key, allowed in (("numerator", NUMERATORS), ("denominator", DENOMINATORS)):
        if key not in wrong and (name := entry[key]) not in allowed:
            if name in CATALOGUE:
                yield key, Phrase("params.formula_not_sum", name=name, allowed=", ".join(allowed))
            else:
                yield key, Phrase("params.formula_none", name=name, hint=did_you_mean(name, allowed))
    if not wrong & {"numerator", "denominator"}:
        yield from _of_parts(entry, wrong)


def _of_parts(entry: Mapping[str, Any], wrong: set[str]) -> Iterator[tuple[str, str]]:
    above, below = NUMERATORS.get(entry["numerator"]), DENOMINATORS.get(entry["denominator"])
    if above is None or below is None:
        return
    if above is below:
        yield "denominator", Phrase("params.formula_same", id=below.id, value=entry.get("per", 1))
    elif "unit" not in wrong:
        yield from _of_unit(entry, above, below)


def _of_unit(entry: Mapping[str, Any], above: Kpi, below: Kpi) -> Iterator[tuple[str, str]]:
    is_money = [part.unit is Unit.MONEY for part in (above, below)]
    if is_money == [True, False] and entry["unit"] != "money":
        yield "unit", Phrase("params.formula_money", id=above.id, found=entry["unit"])
    if entry["unit"] == "money" and not is_money[0]:
        yield "unit", Phrase("params.formula_no_money", id=above.id)
    if entry["unit"] == "share" and entry.get("per", 1) != 1:
        yield "per", Phrase("params.formula_share", per=entry["per"])
