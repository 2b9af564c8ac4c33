"""HTML from templates: whatever comes from data is escaped there.

Each function fills a macro of ``templates/blocks.html.j2``, and :func:`page_part` a template of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

_TEMPLATES = Path(__file__).parent.parent / "templates"
_WEB = re.compile(r"https?://(?P<host>[^/?#\\@\s%:]+)(?::\d{1,5})?(?:[/?#]|\Z)", re.IGNORECASE)
"""An address of the web without user info, which would pass for the host."""
_PLATFORMS = (
    "vk.com",
    "vk.ru",
    "t.me",
    "dzen.ru",
    "ok.ru",
    "youtube.com",
    "youtu.be",
    "instagram.com",
    "tiktok.com",
)
"""The hosts where posts are expected."""


class Column(NamedTuple):
    """A column of a table: the key of its cells, its heading, and whether it holds numbers."""

    key: str
    label: str
    numeric: bool = False


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


@cache
def _blocks() -> Any:
    return _environment().get_template("blocks.html.j2").module


def load_templates() -> None:
    """Compile all templates, which takes a while."""
    for name in _environment().list_templates():
        _environment().get_template(name)
    _blocks()


def page_part(template: str, **values: object) -> Markup:
    """Fill ``templates/<template>.html.j2``."""
    return Markup(_environment().get_template(f"{template}.html.j2").render(**values).strip())


def block(macro: str, *values: object, **named: object) -> Markup:
    """Fill a macro of ``templates/blocks.html.j2``."""
    return Markup(str(getattr(_blocks(), macro)(*values, **named)).strip())


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
    return block("element", name, [part for part in content if part], given)


def join(parts: Iterable[str | None]) -> Markup:
    """Parts of a page one after another; what is empty is left out."""
    return Markup("").join(part for part in parts if part)


def section(language: str, name: str, heading: str | None, *content: str | None) -> Markup:
    """One section of a report, which is one output of the notebook."""
    return block("section", language, name, heading, [part for part in content if part])


def paragraph(text: str | None, class_: str | None = None) -> Markup | None:
    """A paragraph; None where there is no text."""
    return block("paragraph", text, class_) if text else None


def items(texts: Iterable[str | None], class_: str | None = None) -> Markup | None:
    """A list; None where it has nothing."""
    kept = [text for text in texts if text]
    return block("items", kept, class_) if kept else None


def details(summary: str, *content: str | None) -> Markup:
    """Content folded away behind a line."""
    return block("details", summary, [part for part in content if part])


def facts(pairs: Iterable[tuple[str, str | None]]) -> Markup:
    """Names and what they have; pairs without a value are left out."""
    return block("facts", [pair for pair in pairs if pair[1]])


def link(url: str | None, text: str) -> Markup:
    """A link where the address is one of the web, otherwise the text alone.

    The host follows where the text does not show it and no post is expected there.

    Examples
    --------
    >>> link("javascript:alert(1)", "x"), link("https://vk.com@evil.example/", "x")
    (Markup('x'), Markup('x'))
    >>> link("https://evil.example/", "vk.com")
    Markup('<a href="https://evil.example/" rel="noopener noreferrer">vk.com</a> <small>evil.example</small>')
    """
    if url is None or not host(url):
        return escape(text)
    return block("link", url, text, unseen_host(url, text))


def host(url: str) -> str | None:
    """The host of an address of the web, in ASCII; None for other addresses, and those with user info.

    Examples
    --------
    >>> host("https://VK.com:443/a"), host("https://vк.com"), host("mailto:a@vk.com"), host("https://a@vk.com")
    ('vk.com', 'xn--v-ttb.com', None, None)
    """
    found = _WEB.match(url)
    if found is None:
        return None
    try:
        return found["host"].encode("idna").decode("ascii").casefold()
    except UnicodeError:
        return None


def unseen_host(url: str, text: str) -> str | None:
    """The host that a link does not show; None where its text does, or where it is a platform's own."""
    name = host(url) or ""
    if any(name == own or name.endswith(f".{own}") for own in _PLATFORMS):
        return None
    return None if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", text.casefold()) else name


def image(address: str, alt: str, class_: str | None = None) -> Markup:
    """An image within the page, and its text alternative."""
    return block("image", address, alt, class_)


def table(name: str, columns: Sequence[Column], rows: Sequence[Mapping[str, str]], caption: str) -> Markup:
    """A table whose first column heads the rows.

    Each cell carries the heading of its column, so that on a phone a row can be shown as a card.
    """
    return block("table", name, columns, rows, caption)
