"""Building blocks of the report's HTML; whatever comes from data is escaped here.

``Markup`` is HTML that is safe; every other text is escaped where it meets a ``Markup``. Nothing
here carries colours or sizes: ``theme.css`` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import great_tables
import pandas as pd
from markupsafe import Markup, escape

_WEB = re.compile(r"https?://", re.IGNORECASE)


class Column(NamedTuple):
    """A column of a table: the key of its cells, its heading, and whether it holds numbers."""

    key: str
    label: str
    numeric: bool = False


def tag(name: str, *content: str | None, **attributes: str | None) -> Markup:
    """One element; contents that are None or empty are left out, as are attributes that are None.

    Examples
    --------
    >>> tag("p", "a < b", None, class_="k-note", title=None)
    Markup('<p class="k-note">a &lt; b</p>')
    """
    given = {
        key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None
    }
    head = Markup("").join(Markup(' {}="{}"').format(key, value) for key, value in given.items())
    body = Markup("").join(escape(part) for part in content if part)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), head, body)


def section(words_language: str, name: str, heading: str | None, *content: str | None) -> Markup:
    """One section of a report, which is one output of the notebook."""
    title = tag("h2", heading) if heading else None
    return tag("section", title, *content, id=name, class_=f"k-section k-{name}", lang=words_language)


def paragraph(text: str | None, class_: str | None = None) -> Markup | None:
    """A paragraph; None where there is no text."""
    return tag("p", text, class_=class_) if text else None


def items(texts: Iterable[str | None], class_: str | None = None) -> Markup | None:
    """A list; None where it has nothing."""
    found = [tag("li", text) for text in texts if text]
    return tag("ul", *found, class_=class_) if found else None


def details(summary: str, *content: str | None) -> Markup:
    """Content folded away behind a line."""
    return tag("details", tag("summary", summary), tag("div", *content, class_="k-folded"))


def facts(pairs: Iterable[tuple[str, str | None]]) -> Markup:
    """Names and what they have; pairs without a value are left out."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value))


def link(url: str | None, text: str) -> Markup:
    """A link where the address is one of the web, otherwise the text alone.

    Examples
    --------
    >>> link("javascript:alert(1)", "x")
    Markup('x')
    """
    if url is None or not _WEB.match(url):
        return escape(text)
    return tag("a", text, href=url, rel="noopener noreferrer")


def image(address: str, alt: str, class_: str | None = None) -> Markup:
    """An image within the page, and what it says in words."""
    named = Markup("") if class_ is None else Markup(' class="{}"').format(class_)
    return Markup('<img src="{}" alt="{}"{}>').format(address, alt, named)


def table(name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, str]], caption: str) -> Markup:
    """A table by great-tables, whose first column heads the rows.

    The stylesheet that great-tables puts before each table (7 kB) is dropped in favour of
    ``theme.css``. Each cell carries the heading of its column, so that on a phone a row can be
    shown as a card.
    """
    frame = pd.DataFrame([{column.key: row[column.key] for column in columns} for row in rows], dtype=object)
    stub, *others = columns
    shown = (
        great_tables.GT(frame, id=name, rowname_col=stub.key)
        .tab_stubhead(label=stub.label)
        .cols_label({column.key: column.label for column in others})
        .cols_align("left", columns=[column.key for column in others if not column.numeric])
        .cols_align("right", columns=[column.key for column in others if column.numeric])
        .fmt(lambda cell: str(escape(cell)), columns=[column.key for column in columns])
        .tab_options(quarto_disable_processing=True)
        .as_raw_html()
    )
    return tag(
        "div", _bare(shown, name, others), class_="k-scroll", tabindex="0", role="region", aria_label=caption
    )


def _bare(html: str, name: str, columns: Sequence[Column]) -> Markup:
    start, end = html.find("<table"), html.rfind("</table>")
    if start < 0 or end < 0:
        raise ValueError("great-tables made no table")
    bare = html[start : end + len("</table>")]
    for column in columns:
        cell = f'{name}-{column.key}" class="gt_row'
        bare = bare.replace(cell, cell.replace('" class', f'" data-label="{escape(column.label)}" class'))
    return Markup(bare)
