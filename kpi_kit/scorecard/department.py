"""The department's view: funnels, common shocks and exceptions, from the scorecards of its specialists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from kpi_kit.core.model import Interval, Kpi
from kpi_kit.core.periods import Period
from kpi_kit.data.status import Row
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.department_record import (
    DepartmentShock,
    DepartmentView,
    ExceptionRecord,
    FunnelCurvePoint,
    FunnelLimits,
    FunnelPoint,
    FunnelRecord,
    JudgedPoint,
    TableRecord,
)
from kpi_kit.scorecard.entry_record import REAL, EntryRecord, OwnerValue, effect, required
from kpi_kit.scorecard.record import Scorecard
from kpi_kit.statistics import Funnel, false_discoveries, funnel

SCHEMA = 1
"""The schema version of the JSON."""

FEWEST = 3
"""The fewest points of a funnel."""

_CURVE_POINTS = 40


def view(cards: Sequence[Scorecard], rows: Sequence[Row] = ()) -> DepartmentView:
    """The view of the department over the scorecards of one period.

    Parameters
    ----------
    cards : sequence of Scorecard
    rows : sequence of Row
        Which data are there, by account, table and month.

    Returns
    -------
    dict
        ``funnels``, one for each KPI that is a share; ``shocks``, the common shocks of the period;
        ``exceptions``, the entries that need a decision, in the order of the department's page; and
        ``tables``, which data are there.
    """
    shown: DepartmentView = {
        "schema": SCHEMA,
        "funnels": list(_funnels(cards)),
        "shocks": _shocks(cards),
        "exceptions": _exceptions(cards),
    }
    if rows:
        shown["tables"] = [_table_record(row) for row in rows]
    return shown


def _table_record(row: Row) -> TableRecord:
    months = {str(month): str(state) for month, state in row.states.items()}
    return {"owner": row.owner, "table": row.table, "months": months}


def _funnels(cards: Sequence[Scorecard]) -> Iterator[FunnelRecord]:
    """The funnels of KPIs that are shares, because only these have a volume.

    The points are people, or their accounts where too few people have the KPI.
    """
    for kpi in CATALOGUE.values():
        entries = [
            (card, record)
            for card in cards
            for record in card["kpis"]
            if record["kpi"] == kpi.id and record["as"] == "value"
        ]
        people = [_point(card, record) for card, record in entries if _has_volume(record)]
        accounts: list[FunnelPoint] = [
            {**_point(card, part), "account_id": part["account_id"]}
            for card, record in entries
            for part in record["accounts"]
            if _has_volume(part) and not (kpi.accruing and part["account_id"] in _partly_held(card))
        ]
        people, accounts = _widest(people), _widest(accounts)
        by, points = ("specialist", people) if len(people) >= FEWEST else ("account", accounts)
        if len(points) >= FEWEST and len(people) > 1:
            yield _with_limits(kpi, by, points)


def _partly_held(card: Scorecard) -> set[str]:
    """Accounts held for a part of the period: their accruing values are not comparable."""
    period = Period.parse(card["period"])
    return {
        account["account_id"]
        for account in card["assignments"]
        if (account["since"] or "") > period.start.isoformat()
        or (account["until"] or "9999") < period.end.isoformat()
    }


def _has_volume(measured: EntryRecord | OwnerValue) -> bool:
    return measured["value"] is not None and bool(measured["denominator"])


def _point(card: Scorecard, measured: EntryRecord | OwnerValue) -> FunnelPoint:
    """A value and its denominator as a point of a funnel."""
    return {
        "specialist": card["specialist"],
        "name": card["name"],
        "value": required(measured["value"]),
        "volume": required(measured["denominator"]),
    }


def _widest(points: Sequence[FunnelPoint]) -> list[FunnelPoint]:
    """One point for each person or account: of several entries, that of the widest scope."""
    widest: dict[tuple[str, str | None], FunnelPoint] = {}
    for point in points:
        key = point["specialist"], point.get("account_id")
        if point["volume"] > widest.setdefault(key, point)["volume"]:
            widest[key] = point
    return list(widest.values())


def _with_limits(kpi: Kpi, by: str, points: Sequence[FunnelPoint]) -> FunnelRecord:
    values, volumes = [point["value"] for point in points], [point["volume"] for point in points]
    limits = funnel(values, volumes, kind=_kind(kpi))
    bounds = zip(limits.low95, limits.high95, limits.low998, limits.high998, strict=True)
    judged = [
        {**point, "z": z, "outside": outside, **_possible_limits(kpi, at)}
        for point, z, outside, at in zip(points, limits.z, limits.outside, bounds, strict=True)
    ]
    return {
        "kpi": kpi.id,
        "unit": str(kpi.unit),
        "better": str(kpi.better),
        "by": by,
        "centre": limits.centre,
        "dispersion": limits.dispersion,
        "reason": limits.reason,
        "points": cast(list[JudgedPoint], judged),
        "curve": list(_curve(kpi, limits, min(volumes), max(volumes))),
    }


def _kind(kpi: Kpi) -> str:
    """The distribution of a KPI: binomial, Poisson, or estimated from its values."""
    return {Interval.BINARY: "share", Interval.COUNTS: "rate"}.get(kpi.interval, "free")


def _curve(kpi: Kpi, limits: Funnel, least: float, most: float) -> Iterator[FunnelCurvePoint]:
    """The limits from a little under the smallest volume to a little over the largest."""
    for volume in np.geomspace(least / 1.15, most * 1.15, _CURVE_POINTS).tolist():
        narrow, wide = limits.limits_at(volume, 0.95), limits.limits_at(volume, 0.998)
        if narrow is None or wide is None:
            return
        yield {"volume": volume, **_possible_limits(kpi, (*narrow, *wide))}


def _possible_limits(
    kpi: Kpi, limits: tuple[float | None, float | None, float | None, float | None]
) -> FunnelLimits:
    """The 95 % and 99.8 % limits, clipped to possible values; only growth can be negative."""
    top = 1.0 if kpi.bounded else np.inf
    low95, high95, low998, high998 = (
        limit if limit is None or kpi.id == "subscriber_growth" else min(max(limit, 0.0), top)
        for limit in limits
    )
    return {"low95": low95, "high95": high95, "low998": low998, "high998": high998}


def _shocks(cards: Sequence[Scorecard]) -> list[DepartmentShock]:
    """The shocks of all scorecards, each once, with its measure."""
    shocks: dict[tuple[str, str, str], DepartmentShock] = {}
    for card in cards:
        for record in card["kpis"]:
            for shock in record["shocks"]:
                measure = CATALOGUE[record["kpi"]].shock
                key = (shock["week"], shock["platform"], str(measure))
                shocks.setdefault(key, {**shock, "measure": measure})
    return [shocks[key] for key in sorted(shocks)]


def _exceptions(cards: Sequence[Scorecard]) -> list[ExceptionRecord]:
    """Entries below the threshold, significantly worse, declining, outside limits or not assessable.

    They stand in the order of the page: people worst first, the entries of each by what they cost. Their q is
    controlled over the department; whether a change is real is decided within each report.
    """
    entries = [
        (card, place, card["kpis"][place])
        for card in verdict.worst_first(cards)
        for place in verdict.costliest_first(card)
    ]
    q_values = false_discoveries([record["change"] and record["change"]["p"] for _, _, record in entries])
    return [
        {
            "specialist": card["specialist"],
            "kpi": record["kpi"],
            "entry": place,
            "reasons": reasons,
            "attainment": record["attainment"],
            "q_department": q,
        }
        for (card, place, record), q in zip(entries, q_values, strict=True)
        if (reasons := list(_reasons(card, record)))
    ]


_HEADING = {
    "rising": 1.0,
    "falling": -1.0,
    "turned_up": 1.0,
    "turned_down": -1.0,
    "level_up": 1.0,
    "level_down": -1.0,
}
"""Verdicts on trends that are sure, and where they lead."""


def _reasons(card: Scorecard, record: EntryRecord) -> Iterator[str]:
    if not record["assessable"]:
        yield "not_assessable"
        return
    if record["attainment"] is not None and record["attainment"] < card["scoring"]["threshold"]:
        yield "below"
    change, trend = record["change"], record["trend"]
    if change is not None and change["real"] and effect(record, required(change["estimate"])) == "worse":
        yield "worse"
    if (
        trend["verdict"] in _HEADING
        and required(trend["q"]) <= REAL
        and effect(record, _HEADING[trend["verdict"]]) == "worse"
    ):
        yield "heading_worse"
    latest, centre = record["history"][-1], record["control"]["centre"]
    if latest["outside"] and effect(record, required(latest["value"]) - required(centre)) == "worse":
        yield "outside"
