"""The MIME message from its words, figures and reports; deterministic for a given date."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from kpi_kit.core.errors import ReportError
from kpi_kit.core.files import sha256
from kpi_kit.core.periods import Period
from kpi_kit.core.phrases import Phrase
from kpi_kit.mail import layout
from kpi_kit.mail.content import Content, Picture, plain
from kpi_kit.mail.corrections import figures as figures_of
from kpi_kit.mail.gate import DEPARTMENT, Mailable
from kpi_kit.mail.letter import Letter
from kpi_kit.report import figures
from kpi_kit.report.links import without_dead_links
from kpi_kit.report.section import THEME
from kpi_kit.report.wording import words
from kpi_kit.scorecard.record import Scorecard

_KINDS = {".html": "text/html", ".pdf": "application/pdf"}
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive: the earliest of the format."""


@dataclass(frozen=True)
class Attachment:
    """A file of a message."""

    name: str
    kind: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Envelope:
    """Sender, recipient and number of a message.

    Parameters
    ----------
    key, period : str
        The recipient's key in the journal, and the period.
    sender, sender_name, address, name : str
    number : int
        How many messages about the period the recipient has received.
    """

    key: str
    period: str
    sender: str
    sender_name: str
    address: str
    name: str
    number: int = 0


def content_hash(envelope: Envelope, content: Content, mailable: Sequence[Mailable]) -> str:
    """A hash of the recipient, words and figures of a message, without layout and attachments."""
    cards = [report.card for report in mailable]
    parts = [envelope.key, envelope.period, envelope.address, asdict(content), figures_of(cards)]
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return sha256(text)


def message_id(envelope: Envelope, digest: str) -> str:
    """A Message-ID from recipient, period and content, the same for every try."""
    text = "\n".join([envelope.key, envelope.period, digest, str(envelope.number)])
    return f"<{sha256(text)[:32]}.{envelope.period}@{_domain(envelope.sender)}>"


def pages(mailable: Sequence[Mailable], department: bytes | None) -> dict[str, bytes]:
    """The pages as they are attached, by the names of their files: HTML without dead links, or PDF."""
    files = {report.file: report.page for report in mailable}
    kind = mailable[0].kind
    files |= {f"{DEPARTMENT}.{kind}": department} if department is not None else {}
    return without_dead_links(files) if kind == "html" else files


def attachments(
    mailable: Sequence[Mailable], department: bytes | None, period: str, limit: float
) -> list[Attachment]:
    """The pages as attachments, or in one archive where they exceed the limit.

    Parameters
    ----------
    mailable : sequence of Mailable
    department : bytes or None
        The department's page, where the recipient may see it.
    period : str
    limit : float
        Millions of bytes.

    Raises
    ------
    ReportError
        Where the archive is over the limit, too.
    """
    files = pages(mailable, department)
    if sum(map(len, files.values())) <= limit * 1e6:
        return [Attachment(name, _KINDS[Path(name).suffix], data) for name, data in files.items()]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    size = len(packed.getvalue())
    if size > limit * 1e6:
        raise ReportError(Phrase("mail.too_large", size=round(size / 1e6, 1), limit=limit))
    return [Attachment(f"reports-{period}.zip", "application/zip", packed.getvalue())]


class Pictures:
    """Charts as PNG, each drawn once for all messages."""

    def __init__(self, cards: Mapping[str, Scorecard]) -> None:
        self._cards = cards
        self._drawn: dict[tuple[str, int, str], bytes] = {}

    def png(self, picture: Picture, language: str | None = None) -> bytes:
        """The chart of an entry; in the language of the person's page unless another is named."""
        own = self._cards[picture.specialist]["language"]
        place = (picture.specialist, picture.entry, language or own)
        if place not in self._drawn:
            self._drawn[place] = self._draw(*place)
        return self._drawn[place]

    def _draw(self, specialist: str, entry: int, language: str) -> bytes:
        card = self._cards[specialist]
        colours, say = (
            figures.theme(THEME, card["brand"]["accent"]),
            words(language, card["currency"]),
        )
        grain = Period.parse(card["period"]).grain
        with figures.drawing():
            drawn = figures.history(card["kpis"][entry], grain, say, colours, interim=card["interim"])
            if drawn is None:
                raise ReportError(Phrase("mail.nothing_to_draw", specialist=specialist, entry=entry + 1))
            return figures.png(drawn, colours.surface)


def compose(
    envelope: Envelope,
    content: Content,
    mailable: Sequence[Mailable],
    files: Sequence[Attachment],
    draw: Callable[[Picture], bytes],
    *,
    digest: str,
    date: dt.datetime,
) -> Letter:
    """A message that is ready to be sent.

    Parameters
    ----------
    envelope : Envelope
    content : Content
    mailable : sequence of Mailable
        The reports whose figures the journal keeps.
    files : sequence of Attachment
    draw : callable
        Returns the PNG of a picture.
    digest : str
        The result of :func:`content_hash`.
    date : datetime
    """
    name = message_id(envelope, digest)
    stem = name.strip("<>").partition(".")[0]
    cids = {picture: f"{number}.{stem}@kpi-kit" for number, picture in enumerate(content.pictures, 1)}
    say, colours = words(content.language), figures.theme(THEME, content.accent)
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(envelope.sender_name, envelope.sender)
    message["To"] = _address(envelope.name, envelope.address)
    message["Subject"] = content.subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = name
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_clean(layout.text(content, say)), cte="base64")
    message.add_alternative(_clean(layout.html(content, cids, say, colours)), subtype="html", cte="base64")
    shown = message.get_payload()[1]  # type: ignore[index]  # the alternative just added
    for picture, cid in cids.items():
        _relate(shown, draw(picture), cid)
    for file in files:
        main, _, sub = file.kind.partition("/")
        message.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
    message["Content-Language"] = content.language  # earlier, it would go to the first part
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{stem}.{number}")  # nothing in base64 looks like it
    figures_sent = figures_of([report.card for report in mailable])
    return Letter(
        envelope.key, envelope.sender, envelope.address, name, digest, figures_sent, message.as_bytes()
    )


def _relate(shown: Any, png: bytes, cid: str) -> None:
    assert isinstance(shown, MIMEPart)
    name = f"chart-{cid.partition('.')[0]}.png"
    shown.add_related(
        png, maintype="image", subtype="png", cid=f"<{cid}>", filename=name, disposition="inline"
    )


def _address(name: str, address: str) -> Address:
    """A name and an address; the address alone where the name does not survive a round trip."""
    user, _, domain = address.rpartition("@")
    named, bare = Address(plain(name), user, domain), Address("", user, domain)
    probe = EmailMessage(policy=SMTP)
    probe["To"] = named
    parsed = message_from_bytes(probe.as_bytes(), policy=SMTP)["To"].addresses
    return named if [(a.display_name, a.addr_spec) for a in parsed] == [(plain(name), address)] else bare


def _clean(text: str) -> str:
    """The text without invisible characters, line by line."""
    return "\n".join(map(plain_line, text.split("\n")))


def plain_line(line: str) -> str:
    """A line without invisible characters; it keeps its indent."""
    return " " * (len(line) - len(line.lstrip(" "))) + plain(line)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
