"""Small drawings inside tables: the state of a KPI, its attainment bar, its sparkline.

Each says in words what it shows, so that none of them relies on colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from kpi_kit.report.parts.markup import tag
from kpi_kit.report.wording import Words, form
from kpi_kit.report.wording.verdicts import Verdict
from kpi_kit.scorecard.record import EntryRecord, ScoringRecord

_ICONS = {
    "attained": '<circle cx="6" cy="6" r="6"/><path d="M3 6.2 5.2 8.4 9 4" class="k-cut"/>',
    "missed": '<circle cx="6" cy="6" r="5" class="k-line"/><path d="M1 6a5 5 0 0 0 10 0z"/>',
    "below": '<path d="M6 .5 12 11.5H0z"/><path d="M6 4.2v3.4M6 9v.9" class="k-cut"/>',
    "not_assessable": '<circle cx="6" cy="6" r="5" class="k-dash"/><path d="M4 8l4-4" class="k-line"/>',
    "no_target": '<path d="M2 6h8" class="k-line"/>',
}
_VERDICT_ICONS = {
    "real.rise": '<path d="M6 .5 11.5 11H.5z"/>',
    "real.fall": '<path d="M6 11.5 .5 1h11z"/>',
    "unconfirmed.rise": '<path d="M6 1.5 10.5 10.5h-9z" class="k-dash"/>',
    "unconfirmed.fall": '<path d="M6 10.5 1.5 1.5h9z" class="k-dash"/>',
    "noise": '<path d="M1 7.5q2.5-4 5-1.5t5-1.5" class="k-line"/>',
    "unjudged": '<circle cx="6" cy="6" r="4.6" class="k-dash"/>',
    "clear.rise": '<path d="M1.5 10.5 10 2M4.5 1.5h6v6" class="k-line"/>',
    "clear.fall": '<path d="M1.5 1.5 10 10M4.5 10.5h6v-6" class="k-line"/>',
    "weak.rise": '<path d="M1.5 10.5 10 2" class="k-dash"/>',
    "weak.fall": '<path d="M1.5 1.5 10 10" class="k-dash"/>',
    "flat": '<path d="M1 6h10" class="k-line"/>',
    "absent": '<path d="M4 6h4" class="k-line"/>',
}
"""Each verdict has a shape of its own: colour only repeats what shape and words say."""
_BAR = 100.0
_SPARK = (96.0, 24.0, 3.0)


def state(record: EntryRecord, scoring: ScoringRecord) -> str:
    """What a director has to know of a KPI first.

    Returns
    -------
    str
        ``not_assessable``, ``no_target``, ``attained``, ``below`` (the threshold) or ``missed``.

    Examples
    --------
    >>> missed = {"assessable": True, "target": {}, "attained": False, "attainment": 0.7}
    >>> state(missed, {"threshold": 0.8})
    'below'
    """
    if not record["assessable"]:
        return "not_assessable"
    if record["target"] is None:
        return "no_target"
    if record["attained"]:
        return "attained"
    attainment = record["attainment"]
    return "below" if attainment is not None and attainment < scoring["threshold"] else "missed"


def icon(name: str) -> Markup:
    """The sign of a state, for beside its words."""
    return tag("svg", Markup(_ICONS[name]), viewBox="0 0 12 12", class_="k-icon", aria_hidden="true")


def pill(name: str, words: Words) -> Markup:
    """A state: its sign and its words."""
    return tag("span", icon(name), words.text(f"state.{name}"), class_=f"k-state k-{name}")


def verdict_mark(found: Verdict, text: str) -> Markup:
    """A verdict on a change or a trend: its sign, and its words."""
    shape = found.code if found.direction is None else f"{found.code}.{found.direction}"
    icon = tag("svg", Markup(_VERDICT_ICONS[shape]), viewBox="0 0 12 12", class_="k-icon", aria_hidden="true")
    certain = found.code in ("real", "clear")
    effect = f"k-{found.effect}" if certain and found.effect else "k-open"
    return tag("span", icon, tag("span", text), class_=f"k-verdict {effect}")


def bar(attainment: float | None, name: str, scoring: ScoringRecord, words: Words) -> Markup:
    """Attainment as a bar up to the cap, with ticks at the threshold and at full attainment."""
    if attainment is None:
        return tag("span", "—", class_="k-none")
    scale = _BAR / scoring["cap"]
    filled = f"{min(attainment, scoring['cap']) * scale:.1f}"
    drawn = Markup(
        '<rect class="k-track" y="3" width="{}" height="6"/>'
        '<rect class="k-fill" y="3" width="{}" height="6"/>'
        '<path class="k-tick" d="M{} 2v8M{} 0v12"/>'
    ).format(f"{_BAR:.0f}", filled, f"{scoring['threshold'] * scale:.1f}", f"{scale:.1f}")
    svg = tag("svg", drawn, viewBox=f"0 0 {_BAR:.0f} 12", class_=f"k-bar k-{name}", aria_hidden="true")
    return tag(
        "span", svg, tag("b", words.attainment(attainment, scoring["threshold"])), class_="k-attainment"
    )


def spark(record: EntryRecord, words: Words, *, interim: bool = False) -> Markup | None:
    """Draw the last thirteen values of a KPI as a line, the latest one as a dot; None under two.

    A period that is not over is left out: beside whole ones it would look like a fall.
    """
    whole = record["history"][:-1] if interim else record["history"]
    values = [past["value"] for past in whole][-13:]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    how = form(record)
    label = words.plural(
        "scorecard.spark",
        len(known),
        first=words.value(known[0], how),
        last=words.value(known[-1], how),
    )
    points = _points(values)
    x, y = [point for point in points if point][-1] or (0.0, 0.0)
    dot = Markup('<circle cx="{}" cy="{}" r="2.4"/>').format(f"{x:.1f}", f"{y:.1f}")
    drawn = tag("path", d=_path(points), class_="k-line") + dot
    return tag(
        "svg",
        drawn,
        viewBox=f"0 0 {_SPARK[0]:.0f} {_SPARK[1]:.0f}",
        class_="k-spark",
        role="img",
        aria_label=label,
    )


def _points(values: Sequence[float | None]) -> list[tuple[float, float] | None]:
    width, height, margin = _SPARK
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    step = (width - 2 * margin) / max(1, len(values) - 1)
    reach = (height - 2 * margin) / (high - low) if high > low else 0.0
    middle = 0.0 if high > low else height / 2 - margin
    return [
        None if value is None else (margin + i * step, height - margin - middle - (value - low) * reach)
        for i, value in enumerate(values)
    ]


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """Draw a line that breaks where a value is unknown; a lone value is a point."""
    drawn, pen = [], "M"
    for point in points:
        if point:
            drawn.append(f"{pen}{point[0]:.1f} {point[1]:.1f}" + ("h.01" if pen == "M" else ""))
        pen = "L" if point else "M"
    return "".join(drawn)
