"""Digests of a running period: each recipient is told of each alert once, by mail and by Telegram."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from kpi_kit.core.errors import InputError, ReportError, reason_of
from kpi_kit.core.files import Folder, refuse_links, sha256
from kpi_kit.core.phrases import Phrase
from kpi_kit.mail import check, layout
from kpi_kit.mail.compose import Attachment, Envelope, compose, message_id, plain_line
from kpi_kit.mail.content import Content, MessageSettings, Picture, fitting, short_content
from kpi_kit.mail.journal import Journal, RecipientState
from kpi_kit.mail.letter import Letter
from kpi_kit.mail.recipients import TELEGRAM, Recipient, digest_recipients, with_ids
from kpi_kit.mail.sending import (
    TROUBLE,
    Plan,
    Say,
    question,
    refuse_forgotten,
    resolve,
    send,
    show,
    write_files,
)
from kpi_kit.mail.server import Server
from kpi_kit.mail.session import Session
from kpi_kit.mail.telegram import Telegram, TelegramServer
from kpi_kit.params import Params, brand_record
from kpi_kit.report.alerts_page import AlertsReport, alerts_page
from kpi_kit.report.section import THEME
from kpi_kit.report.wording import words
from kpi_kit.scorecard.alerts import Alert
from kpi_kit.scorecard.record import Brand, Scorecard

PAGE = "alerts.html"
FOLDER = "alerts"
"""The folder of the digests and their journal, beside the page."""
MOST_SIGNS = 4000
"""Telegram allows 4 096 UTF-16 units in a message."""
MOST_ALERTS = 60
"""The most alerts of a message: Gmail clips a message at 102 KB."""


@dataclass(frozen=True)
class AlertOptions:
    """The options of the command ``alerts``.

    Parameters
    ----------
    period : str
    out : Path
        The folder of reports.
    server : Server or None
        Where to send mail.
    telegram : TelegramServer or None
    send : bool
        Send the digests; else they are written as files.
    resolve : str or None
        What to do about uncertain messages: ``sent`` or ``again``.
    only : tuple of str
        Ids of recipients; empty for all.
    timeout : float
        Seconds that a server may take to answer.
    """

    period: str
    out: Path
    server: Server | None = None
    telegram: TelegramServer | None = None
    send: bool = False
    resolve: str | None = None
    only: tuple[str, ...] = ()
    timeout: float = 60.0


def write_page(
    options: AlertOptions, params: Params, cards: Sequence[Scorecard], broken: Mapping[str, str]
) -> AlertsReport:
    """Write ``<out>/<period>/alerts.html``; returns what it says.

    Raises
    ------
    InputError
        Where it cannot be written.
    """
    folder = options.out / options.period
    refuse_links(folder)
    report = AlertsReport(cards, params.department.language, params.department.currency)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Folder(folder) as opened:
            has_index = "index.html" in opened.names()
            links = [(report.words.text("page.department"), "index.html")] if has_index else []
            opened.write(PAGE, _page(report, options.period, params, broken, links))
    except OSError as fault:
        raise InputError(Phrase("mail.not_writable", folder=folder, reason=reason_of(fault))) from None
    return report


def _page(
    report: AlertsReport,
    period: str,
    params: Params,
    broken: Mapping[str, str] | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    brand = cast(Brand, brand_record(params.department.brand, params.folder))
    theme = THEME.read_text(encoding="utf-8")
    return alerts_page(
        report, period, params.department.agency, brand, theme=theme, links=links, broken=broken
    )


def post_alerts(
    options: AlertOptions,
    params: Params,
    cards: Mapping[str, Scorecard],
    *,
    clock: Callable[[], dt.datetime],
    say: Say,
    warn: Say,
) -> bool:
    """Write, show and, where asked for, send the digests; whether nothing failed and nothing is uncertain.

    Parameters
    ----------
    options : AlertOptions
    params : Params
    cards : mapping
        The interim scorecards by specialist.
    clock : callable
        The time with its zone.
    say, warn : callable
        Print a line: progress, and problems.

    Raises
    ------
    InputError
    """
    everyone = selected(params, options.only)
    folder = options.out / options.period / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Journal(folder, clock, preview=not (options.send or options.resolve)) as journal:
            refuse_forgotten(journal)
            keys = [key for recipient in everyone for key in (recipient.key, _second(recipient).key)]
            resolve(options.resolve, keys, journal, say)
            digests = _Digests(options.period, params, cards, clock())
            plans = [plan for one in everyone for plan in digests.plans(one, journal)]
            write_files(journal.folder, plans, journal)
            show(plans, say, warn)
            delivered = _deliver(options, plans, journal, say, warn)
    except OSError as fault:
        raise InputError(Phrase("mail.not_usable", folder=folder, reason=reason_of(fault))) from None
    return delivered and not any(plan.status in TROUBLE for plan in plans)


def selected(params: Params, only: Sequence[str]) -> list[Recipient]:
    """The recipients of digests with some ids, all of them where none are named.

    Raises
    ------
    InputError
        Where there is no such recipient.
    """
    return with_ids(digest_recipients(params), only)


def _deliver(options: AlertOptions, plans: Sequence[Plan], journal: Journal, say: Say, warn: Say) -> bool:
    if not options.send:
        return send(plans, journal, None, say, warn)
    well = True
    with ExitStack() as opened:
        by_mail = [plan for plan in plans if not plan.recipient.key.startswith(TELEGRAM)]
        if options.server is not None:
            session = opened.enter_context(Session(options.server, options.timeout))
            well = send(by_mail, journal, session, say, warn)
        if options.telegram is not None:
            telegram = opened.enter_context(Telegram(options.telegram, options.timeout))
            by_telegram = [plan for plan in plans if plan.recipient.key.startswith(TELEGRAM)]
            well = send(by_telegram, journal, telegram, say, warn) and well
    return well


class _Digests:
    """Plans and composes the digests of a period.

    Parameters
    ----------
    period : str
    params : Params
    cards : mapping
    now : datetime
    """

    def __init__(self, period: str, params: Params, cards: Mapping[str, Scorecard], now: dt.datetime) -> None:
        self._period, self._params, self._cards, self._now = period, params, cards, now
        self._house = params.department
        self._reports: dict[tuple[str, tuple[str, ...]], AlertsReport] = {}

    def plans(self, recipient: Recipient, journal: Journal) -> Iterator[Plan]:
        """The message of a recipient; by Telegram the table of targets is a second message."""
        state = journal.state(recipient.key)
        plan = self._plan(recipient, state)
        yield plan
        if not self._house.alerts.files or not recipient.key.startswith(TELEGRAM):
            return
        text = plan.letter.content if plan.letter else state.last.content if state.last else None
        second = _second(recipient)
        after = journal.state(second.key)
        if after.open is not None:
            yield Plan(second, "uncertain", question(after))
        elif text is not None and (after.last is None or after.last.content != text):
            yield Plan(second, "new", Phrase("mail.new_table"), self._document(second, after, text))

    def _plan(self, recipient: Recipient, state: RecipientState) -> Plan:
        if state.open is not None:
            return Plan(recipient, "uncertain", question(state))
        report = self._report(recipient)
        told = set(state.last.figures.get("told", ())) if state.last else set()
        news = [alert for alert in report.alerts if not told.issuperset(alert.marks)]
        if not news:
            return Plan(recipient, "sent", Phrase("mail.nothing_new"))
        content = self._content(recipient, report, news)
        text = json.dumps([recipient.key, self._period, recipient.address, asdict(content)], sort_keys=True)
        figures = {"told": sorted(told.union(*(alert.marks for alert in news)))}
        try:
            if recipient.key.startswith(TELEGRAM):
                letter = self._by_telegram(recipient, state, content, sha256(text))
            else:
                letter = self._by_mail(recipient, state, report, content, sha256(text))
        except ReportError as fault:
            return Plan(recipient, "none", Phrase("mail.no_message", reason=fault))
        return Plan(
            recipient, "new", Phrase("mail.new", subject=content.subject), replace(letter, figures=figures)
        )

    def _report(self, recipient: Recipient) -> AlertsReport:
        """The alerts that a recipient may see, in their language."""
        language = recipient.language or self._house.language
        key = (language, recipient.specialists)
        if key not in self._reports:
            own = [self._cards[person] for person in recipient.specialists if person in self._cards]
            self._reports[key] = AlertsReport(own, language, self._house.currency)
        return self._reports[key]

    def _content(self, recipient: Recipient, report: AlertsReport, news: Sequence[Alert]) -> Content:
        say, by_telegram = report.words, recipient.key.startswith(TELEGRAM)
        house, alone = self._house, recipient.kind.endswith("specialist")
        settings = MessageSettings(
            self._period, house.agency, say.language, house.currency, house.brand.accent
        )
        said = report.summary(news)
        title = say.text("mail.title", during=say.during(self._period))
        facts = [say.inner(said).removesuffix("."), say.inner(said).removesuffix(".").partition("; ")[0]]
        subject = fitting([say.text("alerts.subject", title=title, fact=fact) for fact in facts])
        pairs = [(report.about(alert, with_name=not alone), report.sentence(alert)) for alert in news]
        same = len(report.alerts) - len(news)
        sentences = [said, *([say.plural("alerts.again", same)] if same else [])]
        if house.alerts.files:
            sentences.append(say.text("alerts.page"))
        heading = f"{say.text('alerts.title')}, {say.period(self._period)}"
        for most in range(min(len(pairs), MOST_ALERTS), 0, -1):
            more = [say.plural("alerts.more", len(pairs) - most)] if most < len(pairs) else []
            content = short_content(
                settings,
                subject,
                heading,
                [*sentences, *more],
                exceptions=tuple(pairs[:most]),
                as_of=say.sentence(report.when),
            )
            if not by_telegram or _units(layout.text(content, say)) <= MOST_SIGNS:
                break
        return content

    def _by_mail(
        self,
        recipient: Recipient,
        state: RecipientState,
        report: AlertsReport,
        content: Content,
        digest: str,
    ) -> Letter:
        mail = self._house.mail
        assert mail is not None
        envelope = Envelope(
            recipient.key,
            self._period,
            mail.sender,
            self._house.agency,
            recipient.address,
            recipient.name,
            state.count,
        )
        files = []
        if self._house.alerts.files:
            files = [Attachment(PAGE, "text/html", _page(report, self._period, self._params).encode())]
        letter = compose(envelope, content, [], files, _no_picture, digest=digest, date=self._now)
        self._check(letter, recipient, report, files)
        return letter

    def _check(
        self, letter: Letter, recipient: Recipient, report: AlertsReport, files: Sequence[Attachment]
    ) -> None:
        """Read the finished message back and check that it is the recipient's."""
        own, others = self._names(recipient, report)
        hashes = {file.name: sha256(file.data) for file in files}
        expected = check.Expected(letter.sender, recipient.address, own, others, hashes)
        if problems := check.problems(letter.data, expected):
            raise ReportError(problems)

    def _names(self, recipient: Recipient, report: AlertsReport) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names that a message may contain, and those of the other specialists."""
        names = {person: known.name for person, known in self._params.specialists.items()}
        held = (held for card in report.cards.values() for held in (*card["assignments"], *card["deputised"]))
        own = [names[person] for person in recipient.specialists if person in names]
        others = (name for person, name in names.items() if person not in recipient.specialists)
        titles = (account["title"] for account in held)
        return (recipient.name, self._house.agency, *own, *titles), tuple(others)

    def _by_telegram(
        self, recipient: Recipient, state: RecipientState, content: Content, digest: str
    ) -> Letter:
        text = "\n".join(map(plain_line, layout.text(content, words(content.language)).strip().split("\n")))
        if foreign := check.foreign(text, *self._names(recipient, self._report(recipient))):
            raise ReportError(Phrase("mail.names_others", people=list(foreign)))
        previews = {"is_disabled": True}
        fields = {"chat_id": int(recipient.address), "text": text, "link_preview_options": previews}
        return self._request(recipient, state, digest, {"method": "sendMessage", "fields": fields})

    def _document(self, recipient: Recipient, state: RecipientState, digest: str) -> Letter:
        page = {"name": PAGE, "text": _page(self._report(recipient), self._period, self._params)}
        request = {"method": "sendDocument", "fields": {"chat_id": recipient.address}, "file": page}
        return self._request(recipient, state, digest, request)

    def _request(
        self, recipient: Recipient, state: RecipientState, digest: str, request: Mapping[str, object]
    ) -> Letter:
        envelope = Envelope(recipient.key, self._period, "@telegram", "", recipient.address, "", state.count)
        name = message_id(envelope, digest)
        data = json.dumps({"message_id": name, **request}, ensure_ascii=False, indent=1).encode()
        return Letter(recipient.key, "", recipient.address, name, digest, {}, data)


def _second(recipient: Recipient) -> Recipient:
    """The recipient of the table of targets, a message of its own in Telegram."""
    return replace(recipient, kind=f"{recipient.kind}-page")


def _no_picture(picture: Picture) -> bytes:
    raise ReportError(Phrase("mail.digest_has_no_pictures", heading=picture.heading))


def _units(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2
