"""The department as a whole, from the scorecards of its specialists alone.

Who differs from the rest by more than chance (funnels), which weeks hit a whole platform, and what
needs a decision first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from kpi_kit.core.model import Interval, Kpi
from kpi_kit.core.periods import Period
from kpi_kit.kpis import CATALOGUE
from kpi_kit.scorecard.inference import REAL, effect
from kpi_kit.scorecard.record import (
    DepartmentShock,
    DepartmentView,
    EntryRecord,
    ExceptionRecord,
    FunnelCurvePoint,
    FunnelLimits,
    FunnelPoint,
    FunnelRecord,
    JudgedPoint,
    OwnerValue,
    Scorecard,
    required,
)
from kpi_kit.statistics import Funnel, false_discoveries, funnel

SCHEMA = 1
"""The version of the JSON's shape."""

FEWEST = 3
"""Under so many points there is no funnel."""

_CURVE_POINTS = 40


def view(cards: Sequence[Scorecard]) -> DepartmentView:
    """What the department's report shows beside the specialists' own figures.

    Parameters
    ----------
    cards : sequence of mapping
        The scorecards of one period.

    Returns
    -------
    dict
        ``funnels``, a list with one a KPI; ``shocks``, the weeks of the period in which the accounts of a
        platform moved together, each with the KPIs that it touches; and ``exceptions``, the entries
        that need a decision, the surest deterioration first. JSON types only.
    """
    return {
        "schema": SCHEMA,
        "funnels": list(_funnels(cards)),
        "shocks": _shocks(cards),
        "exceptions": _exceptions(cards),
    }


def _funnels(cards: Sequence[Scorecard]) -> Iterator[FunnelRecord]:
    """Of the KPIs that are shares of something: only these have a volume.

    The points are people, or their accounts where too few people are judged by the KPI.
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
    """Accounts held for a part of the period: what accrues in it cannot be compared with whole ones."""
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
    """A value with what it is a share of."""
    return {
        "specialist": card["specialist"],
        "name": card["name"],
        "value": required(measured["value"]),
        "volume": required(measured["denominator"]),
    }


def _widest(points: Sequence[FunnelPoint]) -> list[FunnelPoint]:
    """One point for each person or account: that of the widest scope, where a person has several entries."""
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
    """What chance does to a KPI: binomial, Poisson, or what its own values show."""
    return {Interval.BINARY: "share", Interval.COUNTS: "rate"}.get(kpi.interval, "free")


def _curve(kpi: Kpi, limits: Funnel, least: float, most: float) -> Iterator[FunnelCurvePoint]:
    """The limits between the smallest and the largest volume, and a little beyond."""
    for volume in np.geomspace(least / 1.15, most * 1.15, _CURVE_POINTS).tolist():
        narrow, wide = limits.limits_at(volume, 0.95), limits.limits_at(volume, 0.998)
        if narrow is None or wide is None:
            return
        yield {"volume": volume, **_possible_limits(kpi, (*narrow, *wide))}


def _possible_limits(
    kpi: Kpi, limits: tuple[float | None, float | None, float | None, float | None]
) -> FunnelLimits:
    """The 95 % and 99.8 % limits, clipped to the values that the KPI can have: only growth can be under 0."""
    top = 1.0 if kpi.bounded else np.inf
    low95, high95, low998, high998 = (
        limit if limit is None or kpi.id == "subscriber_growth" else min(max(limit, 0.0), top)
        for limit in limits
    )
    return {"low95": low95, "high95": high95, "low998": low998, "high998": high998}


def _shocks(cards: Sequence[Scorecard]) -> list[DepartmentShock]:
    """Each week of a platform once, with the measures' KPIs."""
    found: dict[tuple[str, str, str], DepartmentShock] = {}
    for card in cards:
        for record in card["kpis"]:
            for shock in record["shocks"]:
                measure = CATALOGUE[record["kpi"]].shock
                key = (shock["week"], shock["platform"], str(measure))
                found.setdefault(key, {**shock, "measure": measure})
    return [found[key] for key in sorted(found)]


def _exceptions(cards: Sequence[Scorecard]) -> list[ExceptionRecord]:
    """Entries below the threshold, really worse, heading there, out of their limits, or not assessable.

    False discoveries are controlled over the whole department, for this order alone: what a report
    calls real is decided within the report.
    """
    entries = [(card, number, record) for card in cards for number, record in enumerate(card["kpis"])]
    sure = false_discoveries([record["change"] and record["change"]["p"] for _, _, record in entries])
    listed: list[ExceptionRecord] = [
        {
            "specialist": card["specialist"],
            "kpi": record["kpi"],
            "entry": number,
            "reasons": reasons,
            "attainment": record["attainment"],
            "q_department": q,
        }
        for (card, number, record), q in zip(entries, sure, strict=True)
        if (reasons := list(_reasons(card, record)))
    ]
    return sorted(listed, key=_urgency)


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
        trend["verdict"] in ("rising", "falling")
        and required(trend["q"]) <= REAL
        and effect(record, required(trend["slope"])) == "worse"
    ):
        yield "heading_worse"
    latest, centre = record["history"][-1], record["control"]["centre"]
    if latest["outside"] and effect(record, required(latest["value"]) - required(centre)) == "worse":
        yield "outside"


def _urgency(exception: ExceptionRecord) -> tuple[bool, float, float, str, int]:
    """First what is surely worse, then what lies furthest below, last what cannot be assessed."""
    reasons, q = exception["reasons"], exception["q_department"]
    return (
        "not_assessable" in reasons,
        q if q is not None and q <= REAL and "worse" in reasons else 1.0,
        1.0 if exception["attainment"] is None else exception["attainment"],
        exception["specialist"],
        exception["entry"],
    )
