"""Read ``kpis.yml``: the KPIs by formula of an agency."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import did_you_mean
from kpi_kit.core.model import Kpi, Unit
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
        expected = "a list of formulas is expected: - {id: …, title: …, numerator: …, denominator: …}"
        return Formulas(problems=(f"{file}: {expected}, found {type(raw).__name__}",))
    if len(raw) > _MOST:
        return Formulas(problems=(f"{file}: at most {_MOST} formulas are expected, found {len(raw)}",))
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
    where = f"entry {place + 1}"
    if not isinstance(entry, dict):
        yield [], f"{where}: keys with values are expected, found {type(entry).__name__}"
        return
    errors = findings(Formula, entry)
    for error in errors:
        moved = {**error, "loc": (place, *error["loc"])}
        yield list(error["loc"]), sentence(moved, raw, Formula)  # type: ignore[arg-type]  # the same keys
    wrong = {str(error["loc"][0]) for error in errors}
    named = f"{where} ({entry['id']})" if "id" not in wrong else where
    for keys, problem in _rules(entry, wrong, earlier):
        yield [keys], f"{named}, {keys}: {problem}"


def _rules(
    entry: Mapping[str, Any], wrong: set[str], earlier: Mapping[str, Formula]
) -> Iterator[tuple[str, str]]:
    """The key and the sentence of each rule that the valid keys of an entry break."""
    if "id" not in wrong:
        name = entry["id"]
        if name in CATALOGUE or name in NUMERATORS:
            yield "id", f"{name} is a name of the kit; choose another"
        elif name in earlier:
            yield "id", f"{name} is given twice"
    for key, allowed in (("numerator", NUMERATORS), ("denominator", DENOMINATORS)):
        if key not in wrong and (name := entry[key]) not in allowed:
            if name in CATALOGUE:
                yield key, f"{name} is not a sum over accounts; expected one of {', '.join(allowed)}"
            else:
                yield key, f"there is no {name!r:.100}{did_you_mean(name, allowed)}"
    if not wrong & {"numerator", "denominator"}:
        yield from _of_parts(entry, wrong)


def _of_parts(entry: Mapping[str, Any], wrong: set[str]) -> Iterator[tuple[str, str]]:
    above, below = NUMERATORS.get(entry["numerator"]), DENOMINATORS.get(entry["denominator"])
    if above is None or below is None:
        return
    if above is below:
        yield "denominator", f"{below.id} is the numerator too, and the value always {entry.get('per', 1)}"
    elif "unit" not in wrong:
        yield from _of_unit(entry, above, below)


def _of_unit(entry: Mapping[str, Any], above: Kpi, below: Kpi) -> Iterator[tuple[str, str]]:
    is_money = [part.unit is Unit.MONEY for part in (above, below)]
    if is_money == [True, False] and entry["unit"] != "money":
        yield "unit", f"{above.id} is money; expected money, found {entry['unit']}"
    if entry["unit"] == "money" and not is_money[0]:
        yield "unit", f"{above.id} is not money; expected number or share, found money"
    if entry["unit"] == "share" and entry.get("per", 1) != 1:
        yield "per", f"a share is written in per cent and has no per; leave it out, found {entry['per']}"
