"""Sections that an analyst adds to a report: a figure, a table or text under a heading."""

from __future__ import annotations

import io
import sys
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_kit.core.errors import InputError
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.sanitize import isolated
from kpi_kit.report import outputs
from kpi_kit.report.parts import section
from kpi_kit.report.section import Section
from kpi_kit.report.wording import Words

_DPI = 160
_CSS_PIXELS = 96


class Additions:
    """The method of a report that adds a section."""

    _words: Words
    _added = 0

    def add(self, title: str, content: Any) -> Section:
        """A section of your own: a heading, an entry in the contents of the page, and what it shows.

        Parameters
        ----------
        title : str
            The heading, which is also the text alternative of a figure.
        content : Figure, Axes, DataFrame, Series or str
            A figure of matplotlib or seaborn, a table of pandas, or text in Markdown. An object that
            Jupyter shows as HTML or as an image is taken, too, without scripts and styles.

        Raises
        ------
        InputError
            Where there is no title, or the content cannot be shown on a page.
        """
        heading = isolated(str(title)).strip()
        if not heading:
            raise InputError(Phrase("report.add_title"))
        self._added += 1
        shown = _shown(content, heading, self._words)
        name = f"added-{self._added}"
        return Section(name, section(self._words.language, name, heading, shown), contents=heading)


def _shown(content: Any, title: str, say: Words) -> Markup:
    if isinstance(content, str):
        return outputs.styled(outputs.below(outputs.rendered(isolated(content))), title)
    if isinstance(content, pd.Series):
        content = content.to_frame(content.name if content.name is not None else "")
    if isinstance(content, pd.DataFrame):
        return outputs.styled(outputs.cleaned(_table(content, say)), title)
    drawing = getattr(content, "figure", content)
    if hasattr(drawing, "savefig") and hasattr(drawing, "dpi"):
        return _figure(drawing, title)
    for kind, method in (("image/svg+xml", "_repr_svg_"), ("image/png", "_repr_png_")):
        if image := getattr(content, method, lambda: None)():
            return outputs.figure(outputs.data_address(kind, image), title)
    html = outputs.cleaned(str(getattr(content, "_repr_html_", lambda: "")() or ""))
    if Markup(html).striptags():
        return outputs.styled(outputs.below(html), title)
    found = type(content).__name__
    raise InputError(Phrase("report.add_content", title=title, found=found))


def _table(frame: pd.DataFrame, say: Words) -> str:
    """A frame as HTML: numbers as the language writes them, times without seconds, dashes for unknown."""
    is_numbered = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    texts = frame.map(lambda value: _cell(value, say))
    return str(texts.to_html(index=not is_numbered, border=0, na_rep="—"))


def _cell(value: Any, say: Words) -> str:
    if isinstance(value, str):
        return isolated(value)
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return "—"
    if isinstance(value, float):
        return say.number(value, 0 if abs(value) >= 1000 else 3 if abs(value) < 1 else 2)
    if pd.api.types.is_integer(value):
        return say.number(int(value))
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, pd.Timestamp) else isolated(str(value))


def _figure(drawing: Any, title: str) -> Markup:
    """A figure of matplotlib as PNG, sharp on fine screens, in its own size on the page."""
    picture = io.BytesIO()
    drawing.savefig(
        picture, format="png", dpi=_DPI, bbox_inches="tight", facecolor="white", metadata={"Software": None}
    )
    if "matplotlib.pyplot" in sys.modules:  # the end of the cell would show it once more
        sys.modules["matplotlib.pyplot"].close(drawing)
    image = picture.getvalue()
    width = int.from_bytes(image[16:20], "big") * _CSS_PIXELS // _DPI
    return outputs.figure(outputs.data_address("image/png", image), title, width)
