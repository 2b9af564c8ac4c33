"""Scorecard entries -> matplotlib figures, drawn once as small SVGs in the colours of ``theme.css``.

Everything is placed by hand (no layout engine) and drawn with as few artists as it takes, because
figures are most of what a report costs. Text stays text in the SVG, so it needs no glyph outlines.
"""

from __future__ import annotations

import base64
import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from kpi_kit.errors import ReportError
from kpi_kit.periods import Grain, Period
from kpi_kit.wording import Form, Words, form

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PIXEL = 1 / 96
_WIDTH = 380
_RIGHT = 44
"""Pixels right of a panel, if its labels need no more."""
_SIZE = 8.0
_SMALL = 7.4
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kpi_kit",
    "path.simplify": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"],
    "font.size": _SIZE,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.6,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.size": 0,
    "hatch.linewidth": 0.6,
}


class Label(NamedTuple):
    """A text at the right edge of a panel, at the height of what it names."""

    height: float
    text: str
    colour: str
    weight: str


@dataclass(frozen=True)
class Theme:
    """The colours that figures share with the page."""

    ink: str
    muted: str
    line: str
    surface: str
    fact: str
    target: str
    band: str
    week: str
    attained: str
    missed: str
    below: str


@cache
def theme(stylesheet: Path) -> Theme:
    """Read the colours from the custom properties of a stylesheet's ``:root``.

    Raises
    ------
    ReportError
        Where the file or one of the properties is missing.
    """
    try:
        css = stylesheet.read_text(encoding="utf-8")
    except OSError:
        raise ReportError(f"{stylesheet}: the stylesheet of the reports cannot be read") from None
    root = re.search(r":root\s*\{(.*?)\}", css, re.DOTALL)
    found = dict(re.findall(r"--k-([\w-]+):\s*([^;]+?)\s*;", root[1] if root else ""))
    names = Theme.__dataclass_fields__
    missing = [f"--k-{name}" for name in names if name not in found]
    if missing:
        raise ReportError(f"{stylesheet}: :root does not set {', '.join(missing)}")
    return Theme(**{name: found[name] for name in names})


@contextmanager
def drawing() -> Iterator[None]:
    """Settings of every figure; enter once around several, entering costs as much as a panel."""
    with mpl.rc_context(_RC):  # type: ignore[arg-type]  # stubs ask for a literal of every key
        yield


def history(record: Mapping[str, Any], grain: Grain, words: Words, colours: Theme) -> Figure | None:
    """Draw the facts of a KPI by period against its targets and, under them, its weeks.

    Returns
    -------
    Figure or None
        None where no fact is known.
    """
    if all(past["value"] is None for past in record["history"]):
        return None
    weekly = grain is not Grain.WEEK and any(week["value"] is not None for week in record["weeks"])
    height = 244 if weekly else 168
    figure = _figure(height)
    labels = _labels(record, words, colours)
    right = max(_RIGHT, *(_text_width(label) + 6 for label in labels), 0)
    top = _axes(figure, height, 24, 118, right, colours)
    _facts(top, record, words, colours)
    _label_right(top, labels)
    _caption(top, f"{words.axis(form(record))}, {words.text(f'period.by.{grain}')}", colours)
    if weekly:
        bottom = _axes(figure, height, 182, 44, right, colours)
        _weeks(bottom, record, words, colours)
        _caption(bottom, words.text("period.by.week"), colours)
    return figure


def response(found: Mapping[str, Any], words: Words, colours: Theme) -> Figure:
    """Draw the share of inquiries answered by the time that they waited, with the SLA as a line."""
    height = 220
    figure = _figure(height)
    axes = _axes(figure, height, 26, 160, 14, colours)
    sla = found["sla_hours"]
    hours = [0.0, *(step["hours"] for step in found["curve"])]
    shares = [0.0, *(step["answered"] for step in found["curve"])]
    end = max(sla * 1.25, min(hours[-1], sla * 2))
    axes.plot(
        [*hours, max(end, hours[-1])],
        [*shares, shares[-1]],
        drawstyle="steps-post",
        color=colours.fact,
        lw=1.6,
    )
    axes.plot([sla, sla], [0, 1], color=colours.target, lw=1.2, dashes=(4, 2))
    axes.set_xlim(0, end)
    axes.set_ylim(0, 1.03)
    label = words.text("response.sla", sla=words.value(sla, Form("hours")))
    axes.text(sla, 1.05, label, color=colours.target, size=_SMALL, ha="center", va="bottom")
    ticks = [tick for tick in MaxNLocator(5, steps=[1, 2, 3, 6, 10]).tick_values(0, end) if tick <= end]
    axes.set_xticks(ticks, [words.number(tick, 1) for tick in ticks])
    axes.set_yticks([0, 0.5, 1], [words.number(share * 100) for share in (0.0, 0.5, 1.0)])
    axes.set_xlabel(words.text("response.hours"), size=_SMALL, color=colours.muted, labelpad=2)
    _caption(axes, words.text("response.answered"), colours)
    return figure


def width(figure: Figure) -> float:
    """Return how many pixels of a page a figure is wide by itself."""
    return float(figure.get_figwidth()) / _PIXEL


def heatmap(frame: pd.DataFrame, people: Sequence[str], colours: Theme) -> Figure:
    """Draw attainment by specialist and KPI, in the colours of its state.

    Parameters
    ----------
    frame : DataFrame
        Tidy: ``specialist``, ``kpi``, ``attainment`` (in words, may be empty) and ``state``, one row
        a KPI of a specialist; KPIs stand in the order of their first appearance.
    people : sequence of str
        The specialists, in their order.
    colours : Theme
    """
    import seaborn as sns  # here, because a specialist's report does without it

    levels = {"below": 0.0, "missed": 1.0, "attained": 2.0}
    kpis = list(dict.fromkeys(frame["kpi"]))
    # the longer side goes down the page, so that the map stays as narrow as it can
    (down, rows), (across, columns) = sorted(
        [("kpi", kpis), ("specialist", list(people))], key=lambda side: -len(side[1])
    )
    keyed = frame.set_index([down, across])
    level = keyed["state"].map(levels).astype(float).unstack().reindex(index=rows, columns=columns)
    text = keyed["attainment"].unstack().reindex(index=rows, columns=columns).fillna("")
    heads, sides = [_wrapped(name, 11, 4) for name in columns], [_wrapped(name, 34, 2) for name in rows]
    left, cell, tall = 228, 84, 26
    head = 8 + 13 * max(name.count("\n") + 1 for name in heads)
    width, height = left + cell * len(columns) + 6, head + tall * len(rows) + 6
    figure = Figure(figsize=(width * _PIXEL, height * _PIXEL), facecolor="none")
    area = (left / width, 6 / height, cell * len(columns) / width, tall * len(rows) / height)
    axes = figure.add_axes(area, facecolor="none")
    sns.heatmap(
        level,
        ax=axes,
        cmap=ListedColormap([colours.below, colours.band, colours.attained]),
        vmin=-0.5,
        vmax=2.5,
        cbar=False,
        linewidths=1.5,
        linecolor=colours.surface,
        annot=text,
        fmt="",
        annot_kws={"size": _SIZE},
    )
    for kind, row, column in zip(frame["state"], frame[down], frame[across], strict=True):
        if kind not in levels:
            axes.add_patch(_hatched(columns.index(column), rows.index(row), colours))
    axes.xaxis.tick_top()
    axes.set(xlabel="", ylabel="")
    axes.set_xticks(np.arange(len(columns)) + 0.5, heads, rotation=0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, sides, rotation=0)
    axes.tick_params(length=0, colors=colours.ink, labelsize=_SMALL, pad=3)
    return figure


def svg(figure: Figure) -> str:
    """Return a figure as SVG: without preamble and metadata, coordinates to a hundredth."""
    out = io.StringIO()
    bare = {"Date": None, "Creator": None, "Format": None, "Type": None}
    FigureCanvasSVG(figure).print_svg(out, metadata=bare)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r"\s+", " ", re.sub(r"(\.\d\d)\d+", r"\1", text))


def data_uri(image: str) -> str:
    """Return an SVG as an address that an ``<img>`` can carry inside the page."""
    return "data:image/svg+xml;base64," + base64.b64encode(image.encode()).decode()


def _figure(height: int) -> Figure:
    return Figure(figsize=(_WIDTH * _PIXEL, height * _PIXEL), facecolor="none")


def _axes(figure: Figure, height: int, top: int, tall: int, right: float, colours: Theme) -> Axes:
    """Return a panel that begins ``top`` pixels from above and leaves ``right`` pixels for labels."""
    left = 54
    area = (left / _WIDTH, 1 - (top + tall) / height, (_WIDTH - left - right) / _WIDTH, tall / height)
    axes = figure.add_axes(area, facecolor="none")
    axes.spines["bottom"].set_color(colours.line)
    axes.tick_params(colors=colours.muted, labelsize=_SMALL, pad=2)
    axes.grid(axis="y", color=colours.line, lw=0.6)
    axes.set_axisbelow(True)
    return axes


def _caption(axes: Axes, text: str, colours: Theme) -> None:
    axes.annotate(
        text,
        (0, 1),
        (-40, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        size=_SMALL,
        color=colours.muted,
    )


def _facts(axes: Axes, record: Mapping[str, Any], words: Words, colours: Theme) -> None:
    past = record["history"]
    values = _floats(step["value"] for step in past)
    lows, highs = (_floats(_bound(step.get("target"), end) for step in past) for end in (0, -1))
    places = np.arange(len(past), dtype=float)
    _targets(axes, places, lows, highs, colours)
    axes.plot(places, values, "-", color=colours.fact, lw=1.4, marker="o", ms=3.2, mec="none")
    axes.plot(places[-1:], values[-1:], "o", ms=5.6, mfc=colours.surface, mec=colours.fact, mew=1.6)
    axes.set_xlim(-0.6, len(past) - 0.4)
    _scale(axes, np.concatenate([values, lows, highs]), words, form(record))
    shown = sorted({0, (len(past) - 1) // 2, len(past) - 1})
    axes.set_xticks(shown, [words.short(past[place]["period"]) for place in shown])


def _labels(record: Mapping[str, Any], words: Words, colours: Theme) -> list[Label]:
    """What stands at the right edge: the latest fact and its target."""
    last = record["history"][-1]
    low, high = (_bound(last.get("target"), end) for end in (0, -1))
    found = []
    if last["value"] is not None:
        found.append(Label(last["value"], words.value(last["value"], form(record)), colours.fact, "bold"))
    if record["target"] is not None and low is not None and high is not None:
        found.append(Label((low + high) / 2, words.target(record), colours.target, "normal"))
    return found


def _targets(axes: Axes, places: Any, lows: Any, highs: Any, colours: Theme) -> None:
    """One dash a period, or one box where the target is a band: so a single target is seen too."""
    known = ~np.isnan(lows)
    x, low, high = places[known], lows[known], highs[known]
    if (high > low).any():
        corners = [(x - 0.5, low), (x + 0.5, low), (x + 0.5, high), (x - 0.5, high)]
        boxes = list(np.stack([np.stack(corner, axis=1) for corner in corners], axis=1))
        band = PolyCollection(boxes, facecolor=colours.band, edgecolor=colours.band, linewidth=0.4)
        axes.add_collection(band, autolim=False)
        x, low = np.tile(x, 2), np.concatenate([low, high])
    axes.hlines(low, x - 0.38, x + 0.38, color=colours.target, lw=1.3)


def _weeks(axes: Axes, record: Mapping[str, Any], words: Words, colours: Theme) -> None:
    weeks = record["weeks"]
    values = _floats(week["value"] for week in weeks)
    places = np.arange(len(weeks), dtype=float)
    # a point is a line of no length with round ends: one path instead of a marker a week
    ends = np.stack([places, places + 1e-3, np.full(len(weeks), np.nan)], axis=1).ravel()
    heights = np.stack([values, values, values], axis=1).ravel()
    axes.plot(ends, heights, color=colours.week, lw=2.6, solid_capstyle="round")
    axes.set_xlim(-1, len(weeks))
    _scale(axes, values, words, form(record), outer=True)
    shown = sorted({0, (len(weeks) - 1) // 2, len(weeks) - 1})
    months = [Period.containing(Period.parse(weeks[place]["week"]).start, Grain.MONTH) for place in shown]
    axes.set_xticks(shown, [words.short(str(month)) for month in months])


def _scale(axes: Axes, values: Any, words: Words, how: Form, *, outer: bool = False) -> None:
    """Fit the vertical axis; with ``outer`` a low panel has room for its outermost ticks only."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    axes.set_ylim(low - room, high + room)
    ticks = [
        tick
        for tick in MaxNLocator(2 if outer else 3, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        if low - room <= tick <= high + room
    ]
    if outer and len(ticks) > 2:
        ticks = [ticks[0], ticks[-1]]
    axes.set_yticks(ticks, [words.tick(tick, how) for tick in ticks])


def _text_width(label: Label) -> float:
    """Return how many pixels a label is wide."""
    font = FontProperties(size=_SIZE, weight=label.weight)
    points, _, _ = text_to_path.get_text_width_height_descent(label.text, font, ismath=False)
    return float(points) / 72 / _PIXEL


def _label_right(axes: Axes, labels: Sequence[Label]) -> None:
    """Write values at the right edge, apart from each other."""
    bottom, top = axes.get_ylim()
    spots = [(label.height - bottom) / (top - bottom) for label in labels]
    gap = 0.135
    if len(spots) == 2 and abs(spots[0] - spots[1]) < gap:
        middle, way = (spots[0] + spots[1]) / 2, 1 if spots[0] >= spots[1] else -1
        spots = [middle + way * gap / 2, middle - way * gap / 2]
    for spot, label in zip(spots, labels, strict=True):
        axes.annotate(
            label.text,
            (1, spot),
            (2, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=label.colour,
            size=_SIZE,
            weight=label.weight,
        )


def _bound(target: Any, end: int) -> float | None:
    if isinstance(target, Sequence):
        return float(target[end])
    return None if target is None else float(target)


def _floats(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([np.nan if value is None else float(value) for value in values])


def _hatched(column: int, row: int, colours: Theme) -> Rectangle:
    corner = (column + 0.02, row + 0.05)
    return Rectangle(corner, 0.96, 0.9, facecolor="none", edgecolor=colours.muted, hatch="////", lw=0)


def _wrapped(text: str, width: int, lines: int) -> str:
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder="…"))
