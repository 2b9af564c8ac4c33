"""HTML for a notebook, in the style of the reports."""

from __future__ import annotations

from markupsafe import Markup

from kpi_kit import report
from kpi_kit.report.parts import tag
from kpi_kit.report.wording import Words


def page(words: Words, *content: str | None, styled: bool = True) -> str:
    """Content with its own style, which affects nothing outside it."""
    style = Markup(report.style()._repr_html_()) if styled else None
    return str(tag("div", style, *content, class_="kpi-report", lang=words.language))
