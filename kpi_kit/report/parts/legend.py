"""The key to the figures of KPIs: one small swatch a mark, for the marks that this report has."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from markupsafe import Markup

from kpi_kit.report.parts.markup import items, tag
from kpi_kit.report.wording import Words
from kpi_kit.scorecard.record import EntryRecord

_SWATCHES = {
    "fact": '<path class="k-sw-fact" d="M1 6h22"/><circle class="k-sw-dot" cx="12" cy="6" r="2.4"/>',
    "latest": '<path class="k-sw-fact" d="M1 6h11"/><circle class="k-sw-dot" cx="12" cy="6" r="4.4"/>',
    "interim": '<path class="k-sw-hatch" d="M4 12 10 0M10 12 16 0M16 12 22 0"/>'
    '<circle class="k-sw-hollow" cx="13" cy="6" r="3.6"/>',
    "target": '<path class="k-sw-target" d="M1 6h10m3 0h9"/>',
    "band": '<path class="k-sw-band" d="M1 1h22v10H1z"/><path class="k-sw-target" d="M1 1h22M1 11h22"/>',
    "control": '<path class="k-sw-control" d="M2 2h21M2 10h21"/>',
    "outside": '<path class="k-sw-outside" d="m12 1.5 4.5 4.5-4.5 4.5L7.5 6z"/>',
    "week": '<path class="k-sw-week" d="M3 4h.01M9 8h.01M15 5h.01M21 7h.01"/>',
    "trend": '<path class="k-sw-bow" d="M1 5v6l11-5zM23 1v6L12 6z"/><path class="k-sw-fact" d="M1 8 23 4"/>',
    "shock": '<path class="k-sw-shock" d="M7 0v12M17 0v12"/>'
    '<path class="k-sw-tip" d="M4 1h6l-3 5zM14 11h6l-3-5z"/>',
    "unusual": '<path class="k-sw-week" d="M12 6h.01"/><circle class="k-sw-ring" cx="12" cy="6" r="4.6"/>',
    "event": '<path class="k-sw-event" d="M3 10h18"/>',
    "beyond": '<path class="k-sw-arrow" d="M12 12V4"/><path class="k-sw-far" d="m12 0 3 5H9z"/>',
}


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
    shown = [
        tag("span", _swatch(_SWATCHES[name]), tag("span", words.text(f"figures.legend.{name}")))
        for name in _SWATCHES
        if used[name]
    ]
    return items(shown, "k-key") or Markup("")


def _swatch(drawn: str) -> Markup:
    return tag("svg", Markup(drawn), viewBox="0 0 24 12", class_="k-swatch", aria_hidden="true")
