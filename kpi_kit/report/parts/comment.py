"""The head's comment: Markdown without HTML, of which only a few elements are kept."""

from __future__ import annotations

import re
from functools import cache
from html import unescape

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from kpi_kit.report.parts.markup import host, tag, unseen_host

_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "blockquote", "a"}
_SCHEMES = {"https", "mailto"}
_LINK = re.compile(r'<a href="([^"]*)" rel="noopener noreferrer">(.*?)</a>', re.DOTALL)


def comment(text: str | None) -> Markup | None:
    r"""The comment as HTML; None where there is none.

    Examples
    --------
    >>> comment("Хороший *месяц* <script>alert(1)</script>")
    Markup('<p>Хороший <em>месяц</em> &lt;script&gt;alert(1)&lt;/script&gt;</p>\n')
    >>> comment("[a](http://a.example)"), comment("[a](https://vk.com@a.example)")
    (Markup('<p><a>a</a></p>\n'), Markup('<p><a>a</a></p>\n'))
    >>> comment("[b](https://b.example)")
    Markup('<p><a href="https://b.example" rel="noopener noreferrer">b</a> <small>b.example</small></p>\n')
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
    return _LINK.sub(_with_host, kept.replace('<a rel="noopener noreferrer">', "<a>"))


def _with_host(link: re.Match[str]) -> str:
    """A link, with its host where the text does not show it."""
    unseen = unseen_host(unescape(link[1]), unescape(link[2]))
    return f"{link[0]} {tag('small', unseen)}" if unseen else link[0]


def _https_only(element: str, attribute: str, value: str) -> str | None:
    if attribute != "href" or value.startswith("mailto:"):
        return value
    return value if value.startswith("https:") and host(value) else None
