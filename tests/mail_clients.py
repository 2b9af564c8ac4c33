"""What mail clients drop or break in HTML: the rules that the kit's own messages are tested by."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

LARGEST_HTML = 102 * 1024
"""Gmail clips the rest: https://www.caniemail.com/clients/gmail/, https://github.com/hteumeuleu/email-bugs/issues/41."""


class Rule(NamedTuple):
    """Something that mail clients drop or break, and its source."""

    text: str
    source: str


_CANIEMAIL = "https://www.caniemail.com/features/"
_WORD = (
    "https://learn.microsoft.com/en-us/previous-versions/office/developer/office-2007/aa338201(v=office.12)"
)
"""What Word renders, with which Outlook for Windows shows a message."""
_ACTIVE = Rule("clients remove what is active", _WORD)
ELEMENTS = {
    "script": _ACTIVE,
    "iframe": _ACTIVE,
    "embed": _ACTIVE,
    "style": Rule(
        "not in Gmail for mobile browsers and other providers' accounts", _CANIEMAIL + "html-style/"
    ),
    "link": Rule("not in Gmail", _CANIEMAIL + "html-link/"),
    "svg": Rule("not in Gmail, Outlook", _CANIEMAIL + "html-svg/"),
    "picture": Rule("not in Gmail, Outlook", _CANIEMAIL + "html-picture/"),
    "video": Rule("not in Gmail, Outlook", _CANIEMAIL + "html-video/"),
    "audio": Rule("not in Gmail, Outlook", _CANIEMAIL + "html-audio/"),
    "form": Rule("not in Outlook", _CANIEMAIL + "html-form/"),
    "object": Rule("not in Gmail, Outlook", _CANIEMAIL + "html-object/"),
    "base": Rule("in Gmail and Outlook only in part", _CANIEMAIL + "html-base/"),
}
STYLES = {
    r"display:\s*(inline-)?flex": Rule("not in Outlook", _CANIEMAIL + "css-display-flex/"),
    r"display:\s*(inline-)?grid": Rule("not in Outlook", _CANIEMAIL + "css-display-grid/"),
    r"(^|[;\s])position:": Rule("not in Gmail, Outlook", _CANIEMAIL + "css-position/"),
    r"(^|[;\s])float:": Rule("not in Outlook", _CANIEMAIL + "css-float/"),
    r"\bvar\(": Rule("not in Gmail, Outlook", _CANIEMAIL + "css-variables/"),
    r"\bcalc\(": Rule("not in Outlook", _CANIEMAIL + "css-unit-calc/"),
    r"\burl\(": Rule("not in Outlook", _CANIEMAIL + "css-background-image/"),
    r"(^|[;\s])object-fit:": Rule("not in Outlook", _CANIEMAIL + "css-object-fit/"),
    r"(^|[;\s])transform:": Rule("not in Gmail, Outlook", _CANIEMAIL + "css-transform/"),
}
DATA_IMAGES = Rule("Gmail drops data: images", _CANIEMAIL + "image-base64/")
WIDTH = 600
"""The width of a mail client's reading pane, and of the table that holds all."""


class _Linter(HTMLParser):
    """Collects what clients drop."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in ELEMENTS:
            self._complain(f"<{tag}>", ELEMENTS[tag])
        if tag == "meta" and "http-equiv" in values:
            self.problems.append("<meta http-equiv>: a message steers nothing")
        if tag == "a" and urlsplit(values.get("href", "")).scheme not in ("http", "https"):
            self.problems.append(f"a link leads to {unquote(values.get('href', ''))!r}")
        if tag == "img":
            self._image(values)
        if tag == "table" and values.get("width", "0").isdigit() and int(values.get("width", "0")) > WIDTH:
            self.problems.append(f"a table is wider than {WIDTH}")
        for name, value in values.items():
            self._attribute(name, value)

    def _complain(self, what: str, rule: Rule) -> None:
        self.problems.append(f"{what}: {rule.text} ({rule.source})")

    def _attribute(self, name: str, value: str) -> None:
        if name.startswith("on"):
            self._complain(f"the attribute {name}", ELEMENTS["script"])
        if name in ("src", "href", "style", "background") and "data:" in value.lower():
            self._complain("data:", DATA_IMAGES)
        if name in ("srcset", "background"):
            self.problems.append(f"the attribute {name}: pictures come with the message")
        if name == "style":
            for pattern, rule in STYLES.items():
                if re.search(pattern, value, re.IGNORECASE):
                    self._complain(f"style {value!r}", rule)

    def _image(self, values: dict[str, str]) -> None:
        if not values.get("src", "").startswith("cid:"):
            source = values.get("src", "")[:40]
            self.problems.append(f"a picture comes from {source!r} and not with the message")
        if not values.get("alt") or not values.get("width", "").isdigit():
            self.problems.append("a picture has no alt text, or no width for Outlook")


def dropped(html: str) -> list[str]:
    """What of an HTML body mail clients would drop or break, each with its source."""
    size = len(html.encode())
    linter = _Linter()
    linter.feed(html)
    linter.close()
    over = [f"{size} bytes; Gmail cuts off after {LARGEST_HTML}"] if size > LARGEST_HTML else []
    return [*over, *linter.problems]
