"""The same figures as PNG, for mail clients, which show no SVG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kpi_kit.core.errors import ReportError
from kpi_kit.core.phrases import Phrase

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DENSITY = 2
"""Dots a pixel, so that text is sharp on a phone."""


def png(figure: Figure, ground: str) -> bytes:
    """A figure on a ground of one colour, the same bytes for the same figure.

    Raises
    ------
    ReportError
        Where the picture is blank.
    """
    figure.set_dpi(96 * DENSITY)
    figure.set_facecolor(ground)
    canvas = FigureCanvasAgg(figure)
    out = io.BytesIO()
    with mpl.rc_context({"path.snap": False}):  # snapped to pixels, points are strokes of no length
        canvas.print_png(out, metadata={"Software": None})
    if not np.ptp(np.asarray(canvas.buffer_rgba()), axis=(0, 1)).any():
        raise ReportError(Phrase("report.figure_blank"))
    return out.getvalue()
