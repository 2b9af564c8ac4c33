"""Scorecard entries -> figures, drawn once as small SVGs (PNGs for e-mail) in the colours of ``theme.css``.

Everything is placed by hand (no layout engine) and drawn with as few artists as it takes, because
figures are most of what a report costs. Text stays text in the SVG, so it needs no glyph outlines.
"""

from kpi_kit.report.figures.canvas import Drawing, Sheet, drawing, hover_spans, hover_spots, inline, svg
from kpi_kit.report.figures.funnel import funnel
from kpi_kit.report.figures.history import history, hovers, off_scale
from kpi_kit.report.figures.marks import Marks, marks
from kpi_kit.report.figures.raster import png
from kpi_kit.report.figures.response import response
from kpi_kit.report.figures.theme import Theme, theme

__all__ = [
    "Drawing",
    "Marks",
    "Sheet",
    "Theme",
    "drawing",
    "funnel",
    "history",
    "hover_spans",
    "hover_spots",
    "hovers",
    "inline",
    "marks",
    "off_scale",
    "png",
    "response",
    "svg",
    "theme",
]
