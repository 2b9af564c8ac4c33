"""The key to the figures of KPIs: one small swatch a mark, for the marks that this report has."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from markupsafe import Markup

from kpi_kit.report.parts.markup import block
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.entry_record import EntryRecord


def legend(
    records: Sequence[EntryRecord],
    words: Words,
    *,
    interim: bool,
    weekly: bool,
    far: bool,
    marked: Collection[str] = (),
) -> Markup:
    """Explain every mark of the figures.

    Parameters
    ----------
    records : sequence of mapping
        The entries of the scorecard that are drawn.
    words : Words
    interim : bool
        Whether the period is not over.
    weekly : bool
        Whether weeks are drawn under the periods.
    far : bool
        Whether one of them is off its scale.
    marked : collection of str
        ``event`` and ``unusual``, where such marks are drawn.
    """
    targets = [step["target"] for record in records for step in record["history"]]
    weeks = weekly and any(record["weeks"] for record in records)
    used = {
        "fact": True,
        "latest": not interim,
        "interim": interim,
        "target": any(target is not None and not isinstance(target, Sequence) for target in targets),
        "band": any(isinstance(target, Sequence) for target in targets),
        "control": any(record["control"]["low"] is not None for record in records),
        "outside": any(step["outside"] is True for record in records for step in record["history"]),
        "week": weeks,
        "trend": weeks and any(record["trend"] and record["trend"]["line"] for record in records),
        "shock": any(record["shocks"] for record in records),
        "unusual": "unusual" in marked,
        "event": "event" in marked,
        "beyond": weeks and far,
    }
    return block("key", [(name, words.text(f"figures.legend.{name}")) for name in used if used[name]])
