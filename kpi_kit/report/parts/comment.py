"""The head's comment: Markdown without HTML, of which only a few elements are kept."""

from __future__ import annotations

from functools import cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "a"}
_SCHEMES = {"https", "mailto"}


def comment(text: str | None) -> Markup | None:
    r"""The comment as HTML; None where there is none.

    Examples
    --------
    >>> comment("Хороший *месяц* <script>alert(1)</script>")
    Markup('<p>Хороший <em>месяц</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n')
    >>> comment("[a](http://a.example) [b](https://b.example)")
    Markup('<p><a>a</a> <a href="https://b.example" rel="noopener noreferrer">b</a></p>\n')
    """
    if not text or not text.strip():
        return None
    return Markup(_cleaned(_markdown().render(text)))


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def _cleaned(html: str) -> str:
    kept = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}},
        attribute_filter=_https_only,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )
    return kept.replace('<a rel="noopener noreferrer">', "<a>")


def _https_only(element: str, attribute: str, value: str) -> str | None:
    return value if attribute != "href" or urlsplit(value).scheme in _SCHEMES else None
