"""Forecasts of every entry for a coming period, with the back-test of such forecasts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.explore.keys import keys_of
from kpi_kit.explore.measured import Known
from kpi_kit.explore.when import in_pandas
from kpi_kit.params.targets import Kind, Target
from kpi_kit.scorecard.chances import chance_of
from kpi_kit.scorecard.cohort import Cohort
from kpi_kit.scorecard.context import Context

_COLUMNS = (
    "specialist kpi as period unit low median high target_kind target target_high chance inside reliable "
    "forecasts reason"
).split()


def forecast(known: Known, contexts: Iterable[Context], ahead: Period, cohort: Cohort) -> pd.DataFrame:
    """The median, the 80 % band and the chance of the target of every entry in a period ahead.

    Raises
    ------
    InputError
        Where the period is not after that of the contexts.
    """
    rows = [row for case in contexts for row in _of_person(known, case, ahead, cohort)]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    numbers = ("low", "median", "high", "target", "target_high", "chance", "inside")
    kinds: dict[str, Any] = dict.fromkeys(numbers, "float64") | {"reliable": "boolean", "forecasts": "Int64"}
    return frame.astype(kinds)


def _of_person(known: Known, case: Context, ahead: Period, cohort: Cohort) -> Iterator[dict[str, Any]]:
    first = case.period if case.interim else case.period.next
    if ahead.grain is not case.period.grain or ahead < first:
        raise InputError(Phrase("explore.forecast", ahead=ahead, first=first))
    for key, entry in zip(keys_of(case.person.kpis), case.person.kpis, strict=True):
        facts = known.facts(case, entry)
        target = entry.target.ask().at(ahead, entry.accruing)
        # without a target the value alone is forecast
        found = chance_of(facts, target or Target(Kind.AT_LEAST, 0.0, None), ahead)
        check = cohort.check_of(entry.kpi, entry.as_)
        bound = None if target is None else target.value
        low, high = bound if isinstance(bound, tuple) else (bound, None)
        yield {
            "specialist": case.person.id,
            "kpi": key,
            "as": entry.as_,
            "period": in_pandas(ahead),
            "unit": str(entry.unit),
            "low": found.low,
            "median": found.expected,
            "high": found.high,
            "target_kind": None if target is None else str(target.kind),
            "target": low,
            "target_high": high,
            "chance": None if target is None else found.probability,
            "inside": None if check is None else check["coverage80"],
            "reliable": None if check is None else check["verdict"] == "reliable",
            "forecasts": None if check is None else check["n"],
            "reason": None if found.expected is not None else "short_history",
        }
