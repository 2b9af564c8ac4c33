"""The department's funnel plot: who differs from the rest by more than chance, whatever the volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd

from kpi_kit.core.sanitize import bare
from kpi_kit.report.figures.canvas import (
    SMALL,
    Frame,
    Label,
    blank,
    caption,
    floats,
    label_right,
    panel,
    points,
    text_width,
    ticks,
)
from kpi_kit.report.figures.theme import Theme
from kpi_kit.report.wording import Form, Words
from kpi_kit.scorecard.department_record import FunnelRecord, JudgedPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _TOP, _TALL = 380, 316, 26.0, 242.0
_SHAPES = {"usual": "o", "exceptional": "D"}
_LOGARITHMIC_FROM = 8.0
"""How many times the largest volume is the smallest where equal steps would crowd the small ones."""


class Box(NamedTuple):
    """A rectangle of the figure, in pixels from the panel's lower left corner."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Whether two boxes overlap."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.top <= other.bottom or other.top <= self.bottom)


def funnel(found: FunnelRecord, volume: str, words: Words, colours: Theme) -> Figure:
    """Draw values against volumes with the curves inside which chance alone would keep them.

    Parameters
    ----------
    found : mapping
        ``unit``; ``centre``, the common value or None; ``points``, each with ``name``, ``value``,
        ``volume`` and ``outside`` (``usual``, ``unusual``, ``exceptional`` or None); and ``curve``,
        each with ``volume``, ``low95``, ``high95``, ``low998``, ``high998``, in the order of volumes.
    volume : str
        What the volume counts, in words.
    words : Words
    colours : Theme
    """
    how, labels = Form(found["unit"]), _curve_names(found, words, colours)
    low, high = _reach(found)
    marks = ticks(low, high, 0.0, 5)
    left = max((text_width(words.tick(tick, how), SMALL) for tick in marks), default=0.0) + 8
    right = max((text_width(label.text, SMALL) for label in labels), default=0.0) + 8
    frame = Frame(blank(_HEIGHT, _WIDTH), _TOP, _TALL, left, right)
    axes = panel(frame, colours, named=True)
    _scale_volumes(axes, found, words)
    axes.set_ylim(low, high)
    axes.set_yticks(marks, [words.tick(tick, how) for tick in marks])
    axes.set_xlabel(volume, size=SMALL, color=colours.muted, labelpad=2)
    caption(axes, frame, words.axis(how), colours)
    _curves(axes, found, colours)
    _people(axes, found["points"], colours)
    label_right(axes, [label for label in labels if low <= label.height <= high], _TALL, SMALL)
    _names(axes, found["points"], (_WIDTH - left - right, _TALL), colours)
    return frame.figure


def _reach(found: FunnelRecord) -> tuple[float, float]:
    """The heights of all points, of the centre and of the inner curves; no room below zero."""
    inner = [step[key] for step in found["curve"] for key in ("low95", "high95")]
    heights = floats([found["centre"], *inner, *(point["value"] for point in found["points"])])
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room


def _scale_volumes(axes: Axes, found: FunnelRecord, words: Words) -> None:
    volumes = [place["volume"] for place in (*found["points"], *found["curve"])]
    low, high = min(volumes), max(volumes)
    if low > 0 and high / low >= _LOGARITHMIC_FROM:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.15, high * 1.15)
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        marks = [float(mark) for power in powers for mark in (power, 2 * power, 5 * power)]
    else:
        room = (high - low) * 0.06 or high * 0.1 or 1.0
        axes.set_xlim(low - room, high + room)
        marks = ticks(low, high, room, 5)
    left, right = axes.get_xlim()
    shown = [mark for mark in marks if left <= mark <= right and mark >= 0]
    axes.set_xticks(shown, [words.tick(mark, Form("people")) for mark in shown])
    axes.set_xticks([], minor=True)


_LIMITS: tuple[Literal["low95", "high95", "low998", "high998"], ...] = (
    "low95",
    "high95",
    "low998",
    "high998",
)


def _curves(axes: Axes, found: FunnelRecord, colours: Theme) -> None:
    if found["centre"] is not None:
        axes.axhline(found["centre"], color=colours.fact, lw=1.3)
    at = [step["volume"] for step in found["curve"]]
    if not at:
        return
    bounds = {str(key): floats(step[key] for step in found["curve"]) for key in _LIMITS}
    axes.fill_between(at, bounds["low95"], bounds["high95"], color=colours.trend, alpha=0.5, lw=0)
    for level, dashes in (("95", (None, None)), ("998", (3, 2))):
        for side in ("low", "high"):
            axes.plot(at, bounds[side + level], color=colours.muted, lw=1, dashes=dashes)


def _people(axes: Axes, people: Sequence[JudgedPoint], colours: Theme) -> None:
    """A mark a person, by shape, colour and size."""
    import seaborn as sns  # here, because a specialist's report does without it

    frame = pd.DataFrame(people)
    frame["outside"] = frame["outside"].where(frame["outside"] == "exceptional", "usual")
    kinds = [kind for kind in _SHAPES if (frame["outside"] == kind).any()]
    sns.scatterplot(
        frame,
        x="volume",
        y="value",
        style="outside",
        hue="outside",
        size="outside",
        markers={kind: _SHAPES[kind] for kind in kinds},
        palette={kind: colours.fact if kind == "usual" else colours.ink for kind in kinds},
        sizes={kind: 26 if kind == "usual" else 52 for kind in kinds},
        edgecolor=colours.surface,
        linewidth=0.8,
        legend=False,
        zorder=3,
        ax=axes,
    )
    axes.set_ylabel("")
    axes.xaxis.label.set_visible(True)


def _curve_names(found: FunnelRecord, words: Words, colours: Theme) -> list[Label]:
    """What stands at the right ends of the curves and of the centre."""
    named = []
    if found["centre"] is not None:
        value = words.value(found["centre"], Form(found["unit"]))
        text = words.text("figures.funnel_centre", value=value)
        named.append(Label(found["centre"], text, colours.fact, "normal"))
    if not found["curve"]:
        return named
    last = found["curve"][-1]
    levels = ((0.95, last["low95"], last["high95"]), (0.998, last["low998"], last["high998"]))
    for level, *ends in levels:
        named += [Label(end, words.share(level), colours.muted, "normal") for end in ends if end is not None]
    return named


def _names(axes: Axes, people: Sequence[JudgedPoint], size: tuple[float, float], colours: Theme) -> None:
    """Name those beside their marks whom the message names, too."""
    to_unit = axes.transData + axes.transAxes.inverted()
    at = to_unit.transform([(point["volume"], point["value"]) for point in people]) * np.array(size)
    taken = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in at]
    for number, point in enumerate(people):
        if point["outside"] != "exceptional":
            continue
        boxes = list(_beside(at[number], text_width(bare(point["name"]), SMALL, "bold")))
        inside = [box for box in boxes if box.left >= 0 and box.right <= size[0]]
        free = [box for box in inside if box.bottom >= 0 and box.top <= size[1] and not _hit(box, taken)]
        box = (free or inside or boxes)[0]
        taken.append(box)
        axes.annotate(
            bare(point["name"]),
            (0, 0),
            (points(box.left), points((box.bottom + box.top) / 2)),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            size=SMALL,
            color=colours.ink,
            weight="bold",
        )


def _hit(box: Box, taken: Sequence[Box]) -> bool:
    return any(box.meets(other) for other in taken)


def _beside(mark: Sequence[float], wide: float) -> list[Box]:
    """Where the name of a mark may stand: right of it, left, above, below, and the corners."""
    x, y = mark
    tall, gap = 13.0, 7.0
    columns, rows = (x + gap, x - gap - wide), (y + gap - 2, y - gap + 2 - tall)
    corners = [
        *((left, y - tall / 2) for left in columns),
        *((x - wide / 2, bottom) for bottom in (y + gap, y - gap - tall)),
        *((left, bottom) for left in columns for bottom in rows),
    ]
    return [Box(left, bottom, left + wide, bottom + tall) for left, bottom in corners]
