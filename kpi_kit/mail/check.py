"""The last check of a finished message, read back from its bytes.

The standard library's strict parser reads it. A fault in composing, or a name from a file, cannot then send
a report to the wrong person.
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

from kpi_kit.core.files import sha256
from kpi_kit.core.phrases import Phrase

LONGEST_LINE = 998
"""RFC 5322, 2.1.1."""
_HEADERS = frozenset(
    "from to subject date message-id auto-submitted content-language mime-version content-type".split()
)


@dataclass(frozen=True)
class Expected:
    """Whom a message is for, and what it may contain.

    Parameters
    ----------
    sender, address : str
    own : tuple of str
        Names that it may contain: the recipient's, the agency's, and those of their specialists.
    others : tuple of str
        The names of all other specialists.
    files : mapping
        The SHA-256 of every page that it may attach, by file name.
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
    """The reasons not to send a message; empty where it may be sent."""
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
        return [Phrase("mail.not_read_back", reason=f"{type(fault).__name__}: {fault}")]


def _lines(data: bytes) -> Iterator[str]:
    if re.search(rb"(?<!\r)\n|\r(?!\n)", data):
        yield Phrase("mail.no_crlf")
    longest = max(map(len, data.split(b"\r\n")), default=0)
    if longest > LONGEST_LINE:
        yield Phrase("mail.long_line", size=longest, most=LONGEST_LINE)
    if not data.isascii():
        yield Phrase("mail.bytes_not_ascii")


def _headers(message: EmailMessage, expected: Expected) -> Iterator[str]:
    names = [name.lower() for name in message]
    if strange := sorted(set(names) - _HEADERS):
        yield Phrase("mail.strange_headers", names=strange)
    if missing := sorted(_HEADERS - set(names)):
        yield Phrase("mail.no_headers", names=missing)
        return
    if len(names) != len(set(names)):
        yield Phrase("mail.header_twice")
    for header, address in (("From", expected.sender), ("To", expected.address)):
        actual = [mailbox.addr_spec for mailbox in message[header].addresses]
        if actual != [address]:
            yield Phrase(
                "mail.other_address", header=header, found=actual or Phrase("core.none"), address=address
            )
    if not str(message["Subject"]).strip():
        yield Phrase("mail.no_subject")


def _bodies(message: EmailMessage, parts: list[EmailMessage], expected: Expected) -> Iterator[str]:
    bodies = {part.get_content_subtype(): part.get_content() for part in parts if _is_body(part)}
    if sorted(bodies) != ["html", "plain"]:
        yield Phrase("mail.other_bodies", found=sorted(bodies) or Phrase("core.none"))
        return
    page = read(bodies["html"])
    texts = {"subject": str(message["Subject"]), "text": bodies["plain"], "HTML": page.text}
    for where, text in texts.items():
        if not text.strip():
            yield Phrase("mail.empty_part", where=where)
        for name in foreign(text, expected.own, expected.others):
            yield Phrase("mail.names_stranger", where=where, name=name)
    for link in sorted(set(page.links) - set(expected.links)):
        yield Phrase("mail.strange_link", link=link)
    images = [str(part["Content-ID"]).strip("<>") for part in parts if part["Content-ID"]]
    if sorted(images) != sorted(page.images):
        yield Phrase("mail.other_pictures")


def _is_body(part: EmailMessage) -> bool:
    return part.get_content_maintype() == "text" and not part.is_attachment()


def _files(parts: Iterable[EmailMessage], expected: Expected) -> Iterator[str]:
    for part in parts:
        if _is_body(part) or part["Content-ID"]:
            continue
        for name, data in _unpacked(part):
            if expected.files.get(name) != sha256(data):
                yield Phrase("mail.strange_file", file=name)


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
    """The names of others in a text; a name within a name of one's own does not count.

    Examples
    --------
    >>> foreign("Анна Петрова, Иван", own=["Анна Петрова"], others=["Анна", "Иван"])
    ['Иван']
    """
    rest = _squeezed(text)
    for name in sorted(map(_squeezed, own), key=len, reverse=True):
        rest = rest.replace(name, "\0") if name else rest
    return [
        name
        for name in dict.fromkeys(others)
        if _squeezed(name) and re.search(rf"(?<!\w){re.escape(_squeezed(name))}(?!\w)", rest)
    ]


def _squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


class Page(HTMLParser):
    """The text, links and pictures of an HTML body."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.images: list[str] = []
        self._texts: list[str] = []
        self._hidden = False

    @property
    def text(self) -> str:
        """The visible text."""
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See :class:`html.parser.HTMLParser`."""
        values = {name: value or "" for name, value in attrs}
        self._hidden = tag in ("style", "script", "title")
        if tag == "a":
            self.links.append(values.get("href", ""))
        if tag == "img":
            self.images.append(values.get("src", "").removeprefix("cid:"))

    def handle_endtag(self, tag: str) -> None:
        """See :class:`html.parser.HTMLParser`."""
        self._hidden = self._hidden and tag not in ("style", "script", "title")

    def handle_data(self, data: str) -> None:
        """See :class:`html.parser.HTMLParser`."""
        if not self._hidden:
            self._texts.append(data)


def read(html: str) -> Page:
    """Read an HTML body."""
    page = Page()
    page.feed(html)
    page.close()
    return page
