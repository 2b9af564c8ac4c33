"""What a page shows to its reader: the texts, the words for its pictures, and the numbers in them."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
from nbformat import v4

from kpi_kit.core.periods import Period
from kpi_kit.report import DepartmentReport, SpecialistReport, render

SPECIALIST = """
    header scorecard comment restated figures accounts audience plan response funnel posts anomalies
    smart notes total
    definitions provenance
""".split()
DEPARTMENT = "header people groups year funnels shocks".split()
"""The sections of the two reports, in their order."""
LEGENDS = {"95", "80", "5", "0.05", "100", "7", "0", "1", "0.001", "99", "1000"}
"""Levels and thresholds that the words themselves name."""

Report = SpecialistReport | DepartmentReport


class Reader(HTMLParser):
    """What a reader of a page gets: its texts, and the words that stand for its pictures."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.tags: list[str] = []
        self._drawings = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._drawings += tag == "svg"
        self.parts += [value or "" for name, value in attrs if name in ("alt", "aria-label", "title")]

    def handle_endtag(self, tag: str) -> None:
        self._drawings -= tag == "svg"

    def handle_data(self, data: str) -> None:
        """Texts, of drawings only what they show on hover: their axes have numbers of their own."""
        if (self.lasttag == "title") if self._drawings else (self.lasttag not in ("style", "title")):
            self.parts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.parts).replace("\u00a0", " ")


def sections(report: Report, names: list[str] | None = None) -> list[str]:
    """The HTML of those sections of a report that are there."""
    names = names or (SPECIALIST if isinstance(report, SpecialistReport) else DEPARTMENT)
    found = (getattr(report, name)() for name in names)
    return [section._repr_html_() for section in found if section is not None]


def page(path: Path, report: Report, *, language: str = "ru", engine: str = "embedded") -> Path:
    """Render a report to ``<path>.html`` from a notebook that nobody had to execute."""
    notebook = v4.new_notebook()
    for html in sections(report):
        output = v4.new_output("display_data", {"text/html": html}, metadata={"kpi_kit": {"id": "section"}})
        notebook.cells.append(v4.new_code_cell("", outputs=[output]))
    made = path.with_suffix(".ipynb")
    nbformat.write(notebook, made)
    assert render.render([made], engine=engine, language=language) == {}
    return made.with_suffix(".html")


def shown_numbers(text: str, language: str) -> set[str]:
    """The numbers of a text, without signs, as Python writes them."""
    text = text.replace("\u202f", "") if language == "ru" else text
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))" if language == "en" else r"\u202f", "", text)
    text = re.sub(r"(?<=\d),(?=\d)", ".", text) if language == "ru" else text
    return {_plain(found) for found in re.findall(r"\d+(?:\.\d+)?", text)}


def _plain(number: str) -> str:
    return format(Decimal(number).normalize(), "f")


def numbers_of(found: Any) -> Iterator[str]:
    """Every way in which the numbers of a scorecard may be written."""
    match found:
        case bool() | None:
            return
        case int() | float():
            yield from rounded(abs(float(found)))
        case str():
            yield from said(found)
        case dict():
            for key, value in found.items():
                yield from said(key)
                yield from numbers_of(value)
        case list():
            yield str(len(found))
            for value in found:
                yield from numbers_of(value)


def rounded(value: float) -> Iterator[str]:
    """Rounded, as a share, or as hours and minutes."""
    for scaled in (value, value * 100):
        for digits in range(6):
            text = Decimal(repr(scaled)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
            yield _plain(str(text))
        yield from (str(math.floor(scaled + 1e-9)), str(math.ceil(scaled - 1e-9)))
    yield from map(str, divmod(round(value * 60), 60))


def said(text: str) -> Iterator[str]:
    """The numbers in a text; of a date its days, of a week its first and last day."""
    yield from (_plain(number) for number in re.findall(r"\d+", text))
    if re.fullmatch(r"\d{4}-W\d\d", text):
        week = Period.parse(text)
        yield from (str(week.start.day), str(week.last_day.day))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        yield str((dt.date.fromisoformat(text) - dt.timedelta(days=1)).day)
    if re.fullmatch(r"\d{4}(-\w+)?", text):
        yield text[2:4]  # on an axis: Oct 25
