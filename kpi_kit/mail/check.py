"""A finished message, read back from its bytes: whether it may go out as it stands.

It is read by the standard library's strict parser and compared with what was meant, so that a fault in
composing, or a name from a file, cannot send a report to somebody else.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from kpi_kit.core.files import sha256

LONGEST_LINE = 998
"""RFC 5322, 2.1.1."""
LARGEST_HTML = 102 * 1024
"""Gmail clips the rest: https://www.caniemail.com/clients/gmail/, https://github.com/hteumeuleu/email-bugs/issues/41."""
_HEADERS = frozenset(
    "from to subject date message-id auto-submitted content-language mime-version content-type".split()
)


@dataclass(frozen=True)
class Expected:
    """What a message is meant to be.

    Parameters
    ----------
    sender, address : str
    own : tuple of str
        Names that it may tell: the recipient's own, the agency's, and those of their specialists.
    others : tuple of str
        The names of all other specialists.
    files : mapping
        The SHA-256 of every page that it may carry, by file name.
    links : tuple of str
        The addresses that it may link to.
    """

    sender: str
    address: str
    own: tuple[str, ...]
    others: tuple[str, ...]
    files: Mapping[str, str]
    links: tuple[str, ...] = ()


def problems(data: bytes, expected: Expected) -> list[str]:
    """Everything that speaks against sending a message; empty where it may go."""
    try:
        message = message_from_bytes(data, policy=SMTP.clone(raise_on_defect=True))
        assert isinstance(message, EmailMessage)
        parts = [part for part in message.walk() if not part.is_multipart()]
        return [
            *_lines(data),
            *_headers(message, expected),
            *_bodies(message, parts, expected),
            *_files(parts, expected),
        ]
    except (MessageError, ValueError, LookupError, AttributeError, zipfile.BadZipFile) as fault:
        return [f"it cannot be read back ({type(fault).__name__}: {fault})"]


def _lines(data: bytes) -> Iterator[str]:
    if re.search(rb"(?<!\r)\n|\r(?!\n)", data):
        yield "a line does not end with CRLF"
    longest = max(map(len, data.split(b"\r\n")), default=0)
    if longest > LONGEST_LINE:
        yield f"a line has {longest} bytes; allowed are {LONGEST_LINE}"
    if not data.isascii():
        yield "there are bytes that are not ASCII"


def _headers(message: EmailMessage, expected: Expected) -> Iterator[str]:
    names = [name.lower() for name in message]
    if strange := sorted(set(names) - _HEADERS):
        yield f"there are headers that nobody wrote: {', '.join(strange)}"
    if missing := sorted(_HEADERS - set(names)):
        yield f"there are no headers {', '.join(missing)}"
        return
    if len(names) != len(set(names)):
        yield "a header stands twice"
    for header, address in (("From", expected.sender), ("To", expected.address)):
        found = [each.addr_spec for each in message[header].addresses]
        if found != [address]:
            yield f"{header} is {', '.join(found) or 'nobody'} and not {address}"
    if not str(message["Subject"]).strip():
        yield "there is no subject"


def _bodies(message: EmailMessage, parts: list[EmailMessage], expected: Expected) -> Iterator[str]:
    bodies = {part.get_content_subtype(): part.get_content() for part in parts if _is_body(part)}
    if sorted(bodies) != ["html", "plain"]:
        yield f"the bodies are {', '.join(sorted(bodies)) or 'missing'} and not html, plain"
        return
    page = read(bodies["html"])
    told = {"subject": str(message["Subject"]), "text": bodies["plain"], "HTML": page.text}
    for where, text in told.items():
        if not text.strip():
            yield f"the {where} is empty"
        for name in foreign(text, expected.own, expected.others):
            yield f"the {where} names {name}, who is not the recipient's"
    yield from (f"HTML: {problem}" for problem in dropped(bodies["html"]))
    for link in sorted(set(page.links) - set(expected.links)):
        yield f"there is a link that nobody wrote: {link}"
    images = [str(part["Content-ID"]).strip("<>") for part in parts if part["Content-ID"]]
    if sorted(images) != sorted(page.images):
        yield "the pictures are not those that the HTML shows"


def _is_body(part: EmailMessage) -> bool:
    return part.get_content_maintype() == "text" and not part.is_attachment()


def _files(parts: Iterable[EmailMessage], expected: Expected) -> Iterator[str]:
    for part in parts:
        if _is_body(part) or part["Content-ID"]:
            continue
        for name, data in _unpacked(part):
            if expected.files.get(name) != sha256(data):
                yield f"the file {name} is not a report of the recipient's"


def _unpacked(part: EmailMessage) -> Iterator[tuple[str, bytes]]:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    name = str(part.get_filename())
    if part.get_content_type() != "application/zip":
        yield name, data
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from ((entry, archive.read(entry)) for entry in archive.namelist())


def foreign(text: str, own: Iterable[str], others: Iterable[str]) -> list[str]:
    """The names in a text that it must not have.

    Examples
    --------
    >>> foreign("Анна Петрова, Иван", own=["Анна Петрова"], others=["Анна", "Иван"])
    ['Иван']
    """
    left = _squeezed(text)
    for name in sorted(map(_squeezed, own), key=len, reverse=True):
        left = left.replace(name, "\0") if name else left
    return [
        name
        for name in dict.fromkeys(others)
        if _squeezed(name) and re.search(rf"(?<!\w){re.escape(_squeezed(name))}(?!\w)", left)
    ]


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


# ---------------------------------------------------------------- what mail clients drop


class Rule(NamedTuple):
    """Something that mail clients drop or break, and where that is written."""

    what: str
    source: str


_CANIEMAIL = "https://www.caniemail.com/features/"
_WORD = (
    "https://learn.microsoft.com/en-us/previous-versions/office/developer/office-2007/aa338201(v=office.12)"
)
"""What Word renders, which is what Outlook for Windows shows a message with."""
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


class Page(HTMLParser):
    """What stands in an HTML body."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.images: list[str] = []
        self._texts: list[str] = []
        self._hidden = False

    @property
    def text(self) -> str:
        """All that is read."""
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See :class:`html.parser.HTMLParser`."""
        given = {name: value or "" for name, value in attrs}
        self._hidden = tag in ("style", "script", "title")
        if tag in ELEMENTS:
            self._complain(f"<{tag}>", ELEMENTS[tag])
        if tag == "meta" and "http-equiv" in given:
            self.found.append("<meta http-equiv>: a message steers nothing")
        if tag == "a":
            self._link(given.get("href", ""))
        if tag == "img":
            self._image(given)
        if tag == "table" and given.get("width", "0").isdigit() and int(given.get("width", "0")) > WIDTH:
            self.found.append(f"a table is wider than {WIDTH}")
        for name, value in given.items():
            self._attribute(name, value)

    def handle_endtag(self, tag: str) -> None:
        """See :class:`html.parser.HTMLParser`."""
        self._hidden = self._hidden and tag not in ("style", "script", "title")

    def handle_data(self, data: str) -> None:
        """See :class:`html.parser.HTMLParser`."""
        if not self._hidden:
            self._texts.append(data)

    def _complain(self, what: str, rule: Rule) -> None:
        self.found.append(f"{what}: {rule.what} ({rule.source})")

    def _attribute(self, name: str, value: str) -> None:
        if name.startswith("on"):
            self._complain(f"the attribute {name}", ELEMENTS["script"])
        if name in ("src", "href", "style", "background") and "data:" in value.lower():
            self._complain("data:", DATA_IMAGES)
        if name in ("srcset", "background"):
            self.found.append(f"the attribute {name}: pictures come with the message")
        if name == "style":
            for pattern, rule in STYLES.items():
                if re.search(pattern, value, re.IGNORECASE):
                    self._complain(f"style {value!r}", rule)

    def _link(self, address: str) -> None:
        self.links.append(address)
        if urlsplit(address).scheme not in ("http", "https"):
            self.found.append(f"a link leads to {unquote(address)!r}")

    def _image(self, given: Mapping[str, str]) -> None:
        source = given.get("src", "")
        if not source.startswith("cid:"):
            self.found.append(f"a picture comes from {source[:40]!r} and not with the message")
        self.images.append(source.removeprefix("cid:"))
        if not given.get("alt") or not given.get("width", "").isdigit():
            self.found.append("a picture has no alt text, or no width for Outlook")


def read(html: str) -> Page:
    """Read an HTML body."""
    page = Page()
    page.feed(html)
    page.close()
    return page


def dropped(html: str) -> list[str]:
    """What of an HTML body mail clients would drop or break, each with its source.

    Examples
    --------
    >>> dropped('<p style="display: flex">a</p>')[0]
    "style 'display: flex': not in Outlook (https://www.caniemail.com/features/css-display-flex/)"
    """
    size = len(html.encode())
    over = [f"{size} bytes; Gmail cuts off after {LARGEST_HTML}"] if size > LARGEST_HTML else []
    return [*over, *read(html).found]
