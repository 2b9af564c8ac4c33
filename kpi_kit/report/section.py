"""What a cell of a report's notebook returns: one section of HTML."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from kpi_kit.core.shipped import shipped
from kpi_kit.report import inputs, jupyter_style
from kpi_kit.report.outputs import CONTENTS, MARK
from kpi_kit.report.parts import section, tag
from kpi_kit.report.wording import Words

THEME = shipped("reports") / "theme.css"
"""The stylesheet of the page, whose colours the figures take."""


class Section:
    """A section that Jupyter shows as it stands.

    Parameters
    ----------
    name : str
        Its id on the page.
    html : Markup
    contents : str, optional
        Its entry in the contents of the page, besides those that the header has.
    """

    def __init__(self, name: str, html: Markup, contents: str | None = None) -> None:
        self.name = name
        self.html = html
        self._mark = {"id": name} if contents is None else {"id": name, CONTENTS: contents}

    def _repr_html_(self) -> str:
        return str(self.html)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], Any]:
        """The section for Jupyter, marked as one that a page shows as it is.

        A page has its own style; in a notebook that is run by hand, the first section brings it.
        """
        html = self._repr_html_()
        if not inputs.in_run():
            rules = jupyter_style.style(THEME) if self.name == "header" else ""
            html = str(tag("div", rules, self.html, class_="kpi-report"))
        return {"text/html": html, "text/plain": repr(self)}, {MARK: self._mark}

    def __repr__(self) -> str:
        return f"<section {self.name}>"


def build(words: Words, name: str, heading: str | None, *content: str | None) -> Section | None:
    """A section; None where it would have nothing but its heading."""
    if not any(content):
        return None
    return Section(name, section(words.language, name, heading, *content))
