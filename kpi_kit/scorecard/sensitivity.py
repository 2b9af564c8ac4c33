"""Robustness: whether a fact meets its target under the other definitions of the KPI, too.

A KPI declares these as data (:class:`kpi_kit.core.model.Alternative`). They are computed from the unit
frame of the KPI's own formula, so that no formula is written twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kpi_kit.core.model import Alternative, Kpi, Measurement
from kpi_kit.kpis.engine.unit_frame import UnitFrame
from kpi_kit.params.targets import Target
from kpi_kit.scorecard.entry_facts import Facts
from kpi_kit.scorecard.entry_record import Definition, Robustness

REPORTED = "reported"
"""The id of the KPI's own definition."""


def robustness(facts: Facts, target: Target | None) -> Robustness | None:
    """Compare the fact of an entry with its target under every usual definition of the KPI.

    Parameters
    ----------
    facts : Facts
    target : Target or None
        The target of the period; the same under every definition.

    Returns
    -------
    dict or None
        The KPI's own definition comes first. None without a target, a fact or another definition.
    """
    value = facts.measurement.value
    if target is None or value is None or not facts.kpi.alternatives:
        return None
    attained = target.attained(value)
    definitions: list[Definition] = [
        {"id": REPORTED, "value": value, "attained": attained, "turns": False, "reason": None}
    ]
    for alternative in facts.kpi.alternatives:
        measured = measured_by(facts, alternative)
        holds = None if measured.value is None else target.attained(measured.value)
        definitions.append(
            {
                "id": alternative.id,
                "value": measured.value,
                "attained": holds,
                "turns": holds is (not attained),
                "reason": measured.notes[0].as_dict() if measured.value is None else None,
            }
        )
    judged = [one["attained"] for one in definitions if one["attained"] is not None]
    return {"attained": sum(map(bool, judged)), "of": len(judged), "definitions": definitions}


def measured_by(facts: Facts, alternative: Alternative) -> Measurement:
    """The fact of an entry under another definition."""
    moves = any(column == "at" for column, _ in alternative.columns)
    kpi = redefined(facts.kpi, alternative)
    return facts.measured_as(kpi, lambda frame: redefined_units(frame, alternative), moves=moves)


def redefined(kpi: Kpi, alternative: Alternative) -> Kpi:
    """The KPI with another definition's stock and aggregation."""
    stock, aggregation = alternative.stock or kpi.stock, alternative.aggregation or kpi.aggregation
    gains = kpi.gains and all(column != "numerator" for column, _ in alternative.columns)
    by_flows = kpi.gains and not gains
    return replace(
        kpi, stock=stock, aggregation=aggregation, gains=gains, needs_rows=kpi.needs_rows or by_flows
    )


def redefined_units(frame: UnitFrame, alternative: Alternative) -> UnitFrame:
    """The unit frame of another definition."""
    columns = {column: _column(frame, column, other) for column, other in alternative.columns}
    excluded = frame["excluded"].to_numpy(dtype=object)
    if alternative.admit:
        excluded = np.where(np.isin(excluded, alternative.admit), "", excluded)
    if alternative.leave_out:
        named = frame["remark"].isin(alternative.leave_out) | frame["trait"].isin(alternative.leave_out)
        excluded = np.where((excluded == "") & named.to_numpy(), alternative.id, excluded)
    if alternative.per_unit:
        top, bottom = frame["numerator"].to_numpy(), frame["denominator"].to_numpy()
        nothing = bottom == 0  # no ratio of its own
        excluded = np.where((excluded == "") & nothing, alternative.id, excluded)
        columns["numerator"] = top / np.where(nothing, np.nan, bottom)
        columns["denominator"] = np.ones(len(frame))
    return frame.assign(excluded=excluded, **columns)


def _column(frame: UnitFrame, column: str, other: str) -> Any:
    return frame[other] if column == "at" else frame[other].to_numpy(dtype="float64", na_value=np.nan)
