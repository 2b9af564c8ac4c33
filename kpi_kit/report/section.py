"""What a cell of a report's notebook returns: one section of HTML."""

from __future__ import annotations

from markupsafe import Markup

from kpi_kit.report.parts import section
from kpi_kit.report.wording import Words


class Section:
    """A section that Jupyter shows as it stands.

    Parameters
    ----------
    name : str
        Its id on the page.
    html : Markup
    """

    def __init__(self, name: str, html: Markup) -> None:
        self.name = name
        self.html = html

    def _repr_html_(self) -> str:
        return str(self.html)

    def __repr__(self) -> str:
        return f"<section {self.name}>"


def build(words: Words, name: str, heading: str | None, *content: str | None) -> Section | None:
    """A section; None where it would have nothing but its heading."""
    if not any(content):
        return None
    return Section(name, section(words.language, name, heading, *content))
