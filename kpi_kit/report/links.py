"""Links of pages that leave their folder to pages that do not go with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

_NAVIGATION = re.compile(r'<nav class="k-nav".*?</nav>', re.DOTALL)
_LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_ELSEWHERE = re.compile(r"#|[a-z][a-z0-9+.-]*:", re.IGNORECASE)
"""Links within the page, and addresses."""


def without_dead_links(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Pages whose links lead only to each other.

    Other links to pages go: from the navigation with their text, elsewhere the text stays.

    Examples
    --------
    >>> page = b'<nav class="k-nav"><a href="../index.html">All</a></nav><a href="ivan.html">Ivan</a>'
    >>> without_dead_links({"index.html": page})["index.html"]
    b'<nav class="k-nav"></nav>Ivan'
    """
    names = set(files)

    def is_alive(address: str) -> bool:
        return _ELSEWHERE.match(address) is not None or unquote(address) in names

    def in_navigation(match: re.Match[str]) -> str:
        return _LINK.sub(lambda link: link[0] if is_alive(link[1]) else "", match[0])

    def cleaned(page: str) -> str:
        page = _NAVIGATION.sub(in_navigation, page)
        return _LINK.sub(lambda link: link[0] if is_alive(link[1]) else link[2], page)

    return {
        name: cleaned(page.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        for name, page in files.items()
    }
