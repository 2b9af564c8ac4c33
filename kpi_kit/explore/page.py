"""HTML for a notebook, in the style of the reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from kpi_kit import report
from kpi_kit.report.parts import tag
from kpi_kit.report.wording import Words

if TYPE_CHECKING:
    from kpi_kit.report import Section  # imports matplotlib


def page(words: Words, *content: str | None, styled: bool = True) -> str:
    """Content with its own style, which affects nothing outside it."""
    style = Markup(report.style()._repr_html_()) if styled else None
    return str(tag("div", style, *content, class_="kpi-report", lang=words.language))


class Shown:
    """A section of a report that a notebook shows in the report's style.

    Parameters
    ----------
    words : Words
    section : Section or None
        None where there is nothing to show.
    """

    def __init__(self, words: Words, section: Section | None) -> None:
        self._words = words
        self._section = section

    def __repr__(self) -> str:
        return repr(self._section)

    def _repr_html_(self) -> str:
        return page(self._words, None if self._section is None else self._section.html)
