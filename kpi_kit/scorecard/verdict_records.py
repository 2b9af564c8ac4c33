"""The verdicts on the entries of a report as JSON types, with q values over the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TypedDict, cast

import numpy as np

from kpi_kit.scorecard.entry_record import REAL, ChangeRecord, ControlLimits, TrendRecord
from kpi_kit.scorecard.inference import Verdicts
from kpi_kit.statistics import Chance, Change, Limits, Trend, false_discoveries


class VerdictRecord(TypedDict):
    """The verdicts on an entry as JSON types; ``outside`` is for each fact of the history."""

    change: ChangeRecord | None
    year_ago_change: ChangeRecord | None
    trend: TrendRecord
    control: ControlLimits
    outside: list[bool | None]
    chance: float | None
    chance_band: list[float] | None
    chance_period: str | None


def verdict_records(entries: Sequence[Verdicts]) -> list[VerdictRecord]:
    """The verdicts of a report as JSON types, with q values.

    False discoveries are controlled over the report, in one family each for previous, year ago and trend.
    """
    previous = false_discoveries([None if one.previous is None else one.previous.p for one in entries])
    year_ago = false_discoveries([None if one.year_ago is None else one.year_ago.p for one in entries])
    trends = false_discoveries([_p_of_trend(one.trend) for one in entries])
    return [
        {
            "change": change_record(one.previous, previous[row]),
            "year_ago_change": change_record(one.year_ago, year_ago[row]),
            "trend": _trend_record(one, trends[row]),
            "control": _control_record(one.control),
            "outside": _outside(one),
            "chance": None if one.chance is None else one.chance.probability,
            "chance_band": _band(one.chance),
            "chance_period": None if one.ahead is None else str(one.ahead),
        }
        for row, one in enumerate(entries)
    ]


def _p_of_trend(trend: Trend) -> float | None:
    """The p of what the verdict says: of a turn or new level, or of a slope that no season explains."""
    return next((p for p in (trend.p_break, trend.p_season) if p is not None), trend.p)


def change_record(change: Change | None, q: float | None) -> ChangeRecord | None:
    """A change as JSON types, with its q over the report."""
    if change is None:
        return None
    return cast(ChangeRecord, {**asdict(change), "q": q, "real": None if q is None else q <= REAL})


def _trend_record(verdicts: Verdicts, q: float | None) -> TrendRecord:
    line = verdicts.trend.line
    drawn = None if line is None else {**asdict(line), "start": list(line.start), "end": list(line.end)}
    since = None if verdicts.since is None else str(verdicts.since)
    fields = {"grain": str(verdicts.grain), **asdict(verdicts.trend), "line": drawn, "since": since, "q": q}
    return cast(TrendRecord, fields)


def _control_record(limits: Limits) -> ControlLimits:
    return {
        "n": limits.n,
        "centre": limits.centre,
        "low": limits.low,
        "high": limits.high,
        "reason": limits.reason,
    }


def _outside(verdicts: Verdicts) -> list[bool | None]:
    """Whether each fact of the history is outside the limits; None without limits or without a fact."""
    if verdicts.control.low is None:
        return [None] * len(verdicts.facts)
    pairs = zip(verdicts.control.outside, verdicts.facts, strict=True)
    return [outside if np.isfinite(fact) else None for outside, fact in pairs]


def _band(chance: Chance | None) -> list[float] | None:
    return None if chance is None or chance.low is None or chance.high is None else [chance.low, chance.high]
