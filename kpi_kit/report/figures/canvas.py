"""What every figure stands on: its size, its panels, its texts, and the SVG that comes out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from kpi_kit.core.errors import ReportError
from kpi_kit.core.phrases import Phrase
from kpi_kit.report.figures.theme import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 344
"""Pixels: what a phone of 390 shows of a card, and a column of three on a desk."""
SIZE = 8.4
SMALL = 7.9
"""Points. 10.5 pixels is the smallest text that is read without leaning in."""
_PIXEL = 1 / 96
_FONTS = ["DejaVu Sans", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"]
_RC = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kpi_kit",
    "path.simplify": False,
    "font.family": "sans-serif",
    "font.sans-serif": _FONTS,
    "font.size": SIZE,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.6,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.size": 0,
    "hatch.linewidth": 0.7,
}

Floats = npt.NDArray[np.float64]


class Label(NamedTuple):
    """A text at the right edge of a panel, at the height of what it names."""

    height: float
    text: str
    colour: str
    weight: str


class Sheet(Figure):
    """A figure to draw on again and again: to make panels costs as much as what is drawn in them.

    What was drawn before is wiped off, so it must have been put out by then. All panels are in the colours of
    the first, and whoever draws sets the limits and ticks of both axes.
    """

    def __init__(self) -> None:
        super().__init__(facecolor="none")
        self._spare: list[Axes] = []

    def wipe(self, height: int, width: int = WIDTH) -> Sheet:
        """An empty figure of a size."""
        self.set_size_inches(width * _PIXEL, height * _PIXEL)
        self._spare = list(self.axes)
        for axes in self._spare:
            axes.set_visible(False)
            for artist in (*axes.lines, *axes.patches, *axes.collections, *axes.texts):
                artist.remove()
        return self

    def spare(self, area: tuple[float, float, float, float]) -> Axes | None:
        """A panel of an earlier drawing, put into its new place; None where there is none left."""
        if not self._spare:
            return None
        axes = self._spare.pop(0)
        axes.set_position(area)
        axes.set_visible(True)
        return axes


class Frame(NamedTuple):
    """Where a panel stands, in pixels from the figure's upper left corner."""

    figure: Figure
    top: float
    tall: float
    left: float
    right: float


@contextmanager
def drawing() -> Iterator[None]:
    """Settings of every figure; enter once around several, entering costs as much as a panel."""
    with mpl.rc_context(_RC):  # type: ignore[arg-type]  # stubs ask for a literal of every key
        yield


def blank(height: int, width: int = WIDTH) -> Figure:
    """A figure without panels."""
    return Figure(figsize=(width * _PIXEL, height * _PIXEL), facecolor="none")


def panel(frame: Frame, colours: Theme, *, named: bool = False) -> Axes:
    """Add a panel to its figure; ``named`` where an axis has a name."""
    width, height = (float(side) / _PIXEL for side in frame.figure.get_size_inches())
    area = (
        frame.left / width,
        1 - (frame.top + frame.tall) / height,
        (width - frame.left - frame.right) / width,
        frame.tall / height,
    )
    spare = frame.figure.spare(area) if isinstance(frame.figure, Sheet) else None
    if spare is not None:
        return spare
    axes = frame.figure.add_axes(area, facecolor="none")
    axes.spines["bottom"].set_color(colours.muted)
    axes.tick_params(colors=colours.muted, labelsize=SMALL, pad=2)
    axes.grid(axis="y", color=colours.line, lw=0.6)
    axes.set_axisbelow(True)
    if not named:  # matplotlib would measure every tick again to place a name
        axes.xaxis.set_label_coords(0.5, 0)
        axes.yaxis.set_label_coords(0, 0.5)
    return axes


def caption(axes: Axes, frame: Frame, text: str, colours: Theme) -> None:
    """Say over a panel, from the figure's left edge, what its heights are."""
    place = (points(-frame.left), 6)
    axes.annotate(
        text,
        (0, 1),
        place,
        xycoords="axes fraction",
        textcoords="offset points",
        size=SMALL,
        color=colours.muted,
    )


def label_right(axes: Axes, labels: Sequence[Label], tall: float, size: float = SIZE) -> None:
    """Write values at the right edge of a panel, apart from each other."""
    bottom, top = axes.get_ylim()
    named = sorted(labels, key=lambda label: label.height)
    gap = (size / 72 / _PIXEL + 2) / tall
    spots = spread([(label.height - bottom) / (top - bottom) for label in named], gap)
    for spot, label in zip(spots, named, strict=True):
        axes.annotate(
            label.text,
            (1, spot),
            (2, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            va="center",
            color=label.colour,
            size=size,
            weight=label.weight,
        )


def spread(spots: Sequence[float], gap: float) -> list[float]:
    """Rising places moved as little as it takes to be ``gap`` apart.

    Examples
    --------
    >>> spread([0.0, 0.0, 5.0], 1.0)
    [-0.5, 0.5, 5.0]
    >>> spread([], 1.0)
    []
    """
    groups: list[list[float]] = []
    for spot in spots:
        groups.append([spot])
        while len(groups) > 1 and _places(groups[-1], gap)[0] - _places(groups[-2], gap)[-1] < gap:
            last = groups.pop()
            groups[-1] += last
    return [place for group in groups for place in _places(group, gap)]


def _places(group: Sequence[float], gap: float) -> list[float]:
    """Places that are a gap apart, around the middle of those that they replace."""
    middle = sum(group) / len(group)
    return [middle + (number - (len(group) - 1) / 2) * gap for number in range(len(group))]


def ticks(low: float, high: float, room: float, count: int) -> list[float]:
    """Round numbers between two heights, give or take the room outside them."""
    found = MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(tick) for tick in found if low - room <= tick <= high + room]


@cache
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """How many pixels a text is wide, in the widest of the fonts that it may be shown in."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    wide, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(wide) / 72 / _PIXEL


def points(pixels: float) -> float:
    """Pixels in the unit of text offsets."""
    return pixels * _PIXEL * 72


def strokes(axes: Axes, left: Floats, right: Floats, heights: Floats, colour: str, thick: float) -> None:
    """Level strokes as one path; of no length and with round ends they are points."""
    gaps = np.full(len(heights), np.nan)
    x = np.stack([left, right, gaps], axis=1).ravel()
    y = np.stack([heights, heights, gaps], axis=1).ravel()
    round_ends = bool((right - left < 0.01).all())
    axes.plot(x, y, color=colour, lw=thick, solid_capstyle="round" if round_ends else "butt")


def floats(values: Iterable[Any]) -> Floats:
    """Values as an array, NaN where they are unknown."""
    return np.array([np.nan if value is None else float(value) for value in values])


def svg(figure: Figure) -> str:
    """Return a figure as SVG without what a page does not need: two thirds of what matplotlib writes."""
    out = io.StringIO()
    bare = {"Date": None, "Creator": None, "Format": None, "Type": None}
    FigureCanvasSVG(figure).print_svg(out, metadata=bare)
    text = out.getvalue()
    text = re.sub(r"\s+", " ", text[text.index("<svg") :])
    text = _TAG.sub(_slim, text).replace("</style>", f"text{{font-family:{','.join(_FONTS)}}}</style>", 1)
    return _EMPTY.sub("", text.replace("> <", "><"))


_TAG = re.compile(r"<[^>]+>")
_EMPTY = re.compile(r"<g></g>|<g/>")
_DIGITS = re.compile(r"(\.\d\d)\d+")
_WASTE = re.compile(r"font-family: [^;]*; ?| ?transform=\"rotate\(-0[^\"]*\"|(?<=<g) id=\"[^\"]*\"")
_SPACES = re.compile(r"(?<=[:;MLCQz]) | (?=[MLCQz/\"])")


def _slim(found: re.Match[str]) -> str:
    """A tag with coordinates to a hundredth, and without names, fonts and spaces that say nothing."""
    tag = _SPACES.sub("", _WASTE.sub("", _DIGITS.sub(r"\1", found[0])))
    return "" if tag.startswith("<path") and tag.endswith('style="fill:none"/>') else tag


class Hover(NamedTuple):
    """A rectangle of a figure, in points from its upper left corner, and the text that it shows on hover."""

    left: float
    top: float
    wide: float
    tall: float
    text: str


def hover_columns(axes: Axes, texts: Sequence[str | None]) -> list[Hover]:
    """A column of a panel for each place of its horizontal axis, where there is a text."""
    spans = [(place - 0.5, place + 0.5, text) for place, text in enumerate(texts) if text is not None]
    return hover_spans(axes, spans)


def hover_spans(axes: Axes, spans: Sequence[tuple[float, float, str]]) -> list[Hover]:
    """A column of a panel for each span of its horizontal axis, with its text."""
    point, height = _points(axes)
    box, (first, last) = axes.get_window_extent(), axes.get_xlim()
    found = []
    for start, end, text in spans:
        if start >= last:
            continue
        start, end = max(start, first), min(end, last)
        left, right = (axes.transData.transform((place, 0.0))[0] * point for place in (start, end))
        found.append(Hover(left, height - box.y1 * point, right - left, box.height * point, text))
    return found


def hover_spots(axes: Axes, spots: Sequence[tuple[float, float, str]]) -> list[Hover]:
    """A square around each point of a panel, with its text."""
    point, height = _points(axes)
    found = []
    for x, y, text in spots:
        left, bottom = axes.transData.transform((x, y)) * point
        found.append(Hover(left - _SPOT, height - bottom - _SPOT, 2 * _SPOT, 2 * _SPOT, text))
    return found


_SPOT = 6.0
"""Half the side of the square around a point, in points."""


def _points(axes: Axes) -> tuple[float, float]:
    """Points a pixel, and the height in points of the figure of a panel."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("the panel has no figure")
    return 72 / figure.dpi, float(figure.get_size_inches()[1]) * 72


class Drawing(NamedTuple):
    """A figure for inside a page: the view box, the content of the SVG, and what it shows on hover."""

    box: str
    content: str
    hovers: Sequence[Hover] = ()


_STYLE = re.compile(r"<defs><style[^>]*>.*?</style></defs>|<style[^>]*>.*?</style>")


def inline(figure: Figure, colours: Theme, hovers: Sequence[Hover] = ()) -> Drawing:
    """Draw a figure in the colours of the page; its styles do not reach beyond it."""
    text = _STYLE.sub("", svg(figure), count=1)
    for name, colour in vars(colours).items():
        text = text.replace(f":{colour}", f":var(--k-{name})")
    head, content = text.split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head)
    if box is None:
        raise ReportError(Phrase("report.figure_without_size"))
    return Drawing(box[1], content.removesuffix("</svg>").strip().removesuffix("</svg>"), hovers)
