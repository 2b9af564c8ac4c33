"""A KPI of any accounts or brands by period, whatever params say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from kpi_kit.core.errors import InputError, did_you_mean
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.schema import PLATFORMS
from kpi_kit.explore import tidy
from kpi_kit.explore.measured import Measurer, plain_entry
from kpi_kit.explore.when import When

Names = str | Iterable[str] | None


def measured(
    measurer: Measurer,
    kpi: str,
    chosen: Mapping[str, Names],
    specialist: str | None,
    periods: int | When | Iterable[When],
) -> pd.DataFrame:
    """The values of a KPI by period, indexed by period.

    Raises
    ------
    InputError
        Where there is no such KPI, account, brand, platform or specialist, or the KPI does not have them.
    """
    people = None if specialist is None else [specialist]
    asked = tidy.question(measurer, kpi, people, periods, "specialist", "then")
    names = {key: _names(value) for key, value in chosen.items() if value is not None}
    _check(measurer, kpi, names)
    rows = []
    for period in asked.periods:
        known = measurer.at(measurer.cut_off(period), asked.periods[0])
        person = measurer.holder if specialist is None else asked.people[specialist]
        context = known.context(person, period)
        plain = plain_entry(measurer.params, kpi)
        owners = [owner for owner in context.owners(plain) if _is_chosen(measurer, owner, names)]
        is_brand = measurer.params.catalogue[kpi].scope == "brand"
        if specialist is None and not {"account", "brand"} & names.keys():
            owners = known.ever_covered(measurer.params.catalogue[kpi], owners)
        entry = plain_entry(measurer.params, kpi, () if is_brand else owners, owners if is_brand else ())
        rows.append(
            tidy.figures(known.measured(context, entry if owners else plain), period, str(entry.unit))
        )
    frame = pd.DataFrame(rows).assign(kpi=kpi)
    return tidy.typed(frame, measurer.params).set_index("period").drop(columns="kpi")


def _names(value: Names) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _check(measurer: Measurer, kpi: str, names: Mapping[str, list[str]]) -> None:
    is_brand = measurer.params.catalogue[kpi].scope == "brand"
    allowed = {
        "account": list(measurer.store.accounts.index),
        "brand": list(measurer.holder.brands),
        "platform": list(PLATFORMS),
    }
    problems: list[str] = [
        Phrase("explore.no_such", key=key, name=name, hint=did_you_mean(name, allowed[key]))
        for key, listed in names.items()
        for name in listed
        if name not in allowed[key]
    ]
    other = {"account", "platform"} if is_brand else {"brand"}
    problems += [Phrase("explore.kpi_without", kpi=kpi, name=key) for key in names if key in other]
    problems += [Phrase("explore.at_least_one", key=key) for key, listed in names.items() if not listed]
    if problems:
        raise InputError(problems)


def _is_chosen(measurer: Measurer, owner: str, names: Mapping[str, list[str]]) -> bool:
    if "platform" in names and str(measurer.store.accounts.loc[owner, "platform"]) not in names["platform"]:
        return False
    return all(owner in names[key] for key in ("account", "brand") if key in names)
