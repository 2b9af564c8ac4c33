"""The words of a message, from the scorecards of the recipient's specialists alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kpi_kit.core import sanitize
from kpi_kit.core.periods import Period
from kpi_kit.mail import gate
from kpi_kit.mail.corrections import corrections
from kpi_kit.mail.gate import Held, Mailable
from kpi_kit.mail.recipients import Recipient
from kpi_kit.report import parts, summary
from kpi_kit.report.specialist_page import SpecialistReport
from kpi_kit.report.wording import Words, verdicts, words
from kpi_kit.scorecard.department import view
from kpi_kit.scorecard.record import NoteRecord, Scorecard, required

MOST_EXCEPTIONS = 8
MOST_ROWS = 60
"""The most rows of the table: Gmail clips a message at 102 KB."""
MOST_PICTURES = 3
_MOST_COMMENTS = 5
_MOST_NAMED = 5
"""The most people whom a line above the table names."""
_LONGEST_SUBJECT = 160
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066\u2067]")


@dataclass(frozen=True)
class Row:
    """A row of the table: the cells, and the address of a linked report."""

    cells: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True)
class Trouble:
    """An entry that needs a decision, with its reasons in words."""

    card: Scorecard
    entry: int
    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A chart of an entry, with its heading and message."""

    specialist: str
    entry: int
    heading: str
    message: str


@dataclass(frozen=True)
class Content:
    """The words of a message; empty parts are not shown. Comments are Markdown."""

    language: str
    agency: str
    accent: str | None
    subject: str
    title: str
    as_of: str
    corrected: str
    corrections: tuple[str, ...]
    banners: tuple[str, ...]
    sentences: tuple[str, ...]
    comments: tuple[tuple[str, str], ...]
    more_comments: str
    exceptions: tuple[tuple[str, str], ...]
    more_exceptions: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    more_rows: str
    held: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    reports: str
    department_link: str | None


@dataclass(frozen=True)
class MessageSettings:
    """Settings of a message.

    Parameters
    ----------
    period, agency, language, currency : str
    accent : str or None
    base_url : str or None
        The address of the reports, where they are linked and not attached.
    comment : str or None
        The comment on the whole department, where the recipient may see its page.
    """

    period: str
    agency: str
    language: str
    currency: str
    accent: str | None = None
    base_url: str | None = None
    comment: str | None = None


def message_content(
    settings: MessageSettings,
    recipient: Recipient,
    mailable: Sequence[Mailable],
    held: Sequence[Held],
    earlier: Mapping[str, Any] | None = None,
) -> Content:
    """The words of a message about the specialists of one recipient.

    Parameters
    ----------
    settings : MessageSettings
    recipient : Recipient
    mailable, held : sequence
        The recipient's reports, and those that are held back; at least one is mailable.
    earlier : mapping or None
        The figures of the message that this one corrects.
    """
    say = words(settings.language, settings.currency)
    cards = sorted((sanitize.shown(report.card) for report in mailable), key=lambda card: str(card["name"]))
    troubles = list(_troubles(cards, say))
    shown = troubles[:MOST_EXCEPTIONS]
    listed = _by_trouble(cards, troubles)[:MOST_ROWS]
    comments = list(_comments(listed, settings.comment, say))
    title = say.text("mail.title", period=say.period(settings.period))
    moments = list(dict.fromkeys(say.moment(card["as_of"]) for card in cards))
    changed = () if earlier is None else tuple(corrections(earlier, cards, say))
    return Content(
        language=settings.language,
        agency=sanitize.isolated(settings.agency),
        accent=settings.accent,
        subject=_subject(title, cards, troubles, say, corrected=earlier is not None),
        title=title,
        as_of=say.sentence(say.text("report.as_of", moment=say.join(moments))),
        corrected="" if earlier is None else say.text("mail.corrected"),
        corrections=changed or (() if earlier is None else (say.text("mail.same_figures"),)),
        banners=tuple(_banners(cards, say)),
        sentences=tuple(_sentences(cards, troubles, settings.period, say)),
        comments=tuple(comments[:_MOST_COMMENTS]),
        more_comments=_more(len(comments) - _MOST_COMMENTS, "mail.more_comments", say),
        exceptions=tuple((_label(trouble, say), "; ".join(trouble.reasons)) for trouble in shown),
        more_exceptions=_more(len(troubles) - len(shown), "mail.more", say),
        heads=tuple(say.text(key) for key in _HEADS),
        rows=tuple(_row(card, settings, say) for card in listed),
        more_rows=_more(len(cards) - len(listed), "mail.more_rows", say),
        held=tuple((sanitize.isolated(report.name), gate.reason(report, say)) for report in held),
        pictures=tuple(_pictures(listed, troubles, say)),
        reports=say.text("mail.linked") if settings.base_url else say.text("mail.attached"),
        department_link=_department_link(settings, recipient, held),
    )


def errors_content(settings: MessageSettings, held: Sequence[Held]) -> Content:
    """The words for the person who makes the reports: which are held back, and why."""
    say = words(settings.language, settings.currency)
    title = say.text("mail.title", period=say.period(settings.period))
    return Content(
        language=settings.language,
        agency=sanitize.isolated(settings.agency),
        accent=settings.accent,
        subject=plain(say.plural("mail.errors.subject", len(held), title=title)),
        title=title,
        as_of="",
        corrected="",
        corrections=(),
        banners=(),
        sentences=(say.text("mail.errors.lead"),),
        comments=(),
        more_comments="",
        exceptions=(),
        more_exceptions="",
        heads=(),
        rows=(),
        more_rows="",
        held=tuple(
            (sanitize.isolated(report.name), f"{gate.reason(report, say)}. {report.detail}")
            for report in held
        ),
        pictures=(),
        reports="",
        department_link=None,
    )


_HEADS = ("department.specialist", "mail.total", "mail.goals", "mail.real", "mail.unassessed")


def plain(text: str) -> str:
    r"""A text as one line without invisible characters, which can hide words or break headers.

    Examples
    --------
    >>> plain("Анна\r\nBcc: all@agency.example")
    'Анна Bcc: all@agency.example'
    """
    return " ".join(_UNSEEN.sub("", part) for part in re.split(r"[\r\n\t\u2028\u2029]+", text)).strip()


def _subject(
    title: str, cards: Sequence[Scorecard], troubles: Sequence[Trouble], say: Words, *, corrected: bool
) -> str:
    """The period and the most important fact."""
    if not any(card["assessable"] for card in cards):
        fact = say.text("mail.nothing")
    elif troubles:
        fact = say.text("mail.fact", who=_label(troubles[0], say), what=troubles[0].reasons[0])
    else:
        fact = _reached(cards, say)
    marks = [say.text("mail.corrected")] if corrected else []
    marks += [say.text("mail.not_final")] if any(_flags(card) for card in cards) else []
    subject = plain(". ".join([*marks, f"{title}: {fact}"]))
    return subject if len(subject) <= _LONGEST_SUBJECT else subject[: _LONGEST_SUBJECT - 1] + "…"


def _reached(cards: Sequence[Scorecard], say: Words) -> str:
    attained, goals = (sum(card[key] for card in cards) for key in ("attained", "assessable"))
    return say.plural(
        "mail.reached", attained, attained=say.number(attained), goals=say.plural("goals_of", goals)
    )


def _sentences(cards: Sequence[Scorecard], troubles: Sequence[Trouble], period: str, say: Words) -> list[str]:
    """Three sentences: targets attained, significant changes, top priority."""
    if len(cards) == 1:
        return summary.sentences(cards[0], say)
    during = say.sentence(say.during(period))
    reached = _reached(cards, say) if any(card["assessable"] for card in cards) else say.text("mail.nothing")
    people = say.plural("mail.people", len(cards))
    if troubles:
        entries, theirs = len(troubles), len({trouble.card["specialist"] for trouble in troubles})
        first = say.text(
            "mail.first",
            who=_label(troubles[0], say),
            what=troubles[0].reasons[0],
            entries=say.plural("mail.entries", entries),
            people=say.plural("mail.people", theirs),
        )
    else:
        first = say.text("department.no_attention")
    return [
        say.text("mail.attained", during=during, people=people, reached=reached),
        _changes(cards, say),
        first,
    ]


def _changes(cards: Sequence[Scorecard], say: Words) -> str:
    if any(card["interim"] for card in cards):
        return say.text("summary.change.interim")
    counts = sum((_kinds(card) for card in cards), Counter[str]())
    against = say.text(f"versus.previous.{Period.parse(cards[0]['period']).grain}")
    if not counts:
        return say.text("summary.change.nothing", against=against)
    counted = [
        say.text(key, count=say.number(counts[kind])) for kind, key in _CHANGES.items() if counts[kind]
    ]
    return say.text("mail.changes", against=against, counts=", ".join(counted))


_CHANGES = {
    "better": "mail.change.better",
    "worse": "mail.change.worse",
    "changed": "mail.change.changed",
    "open": "mail.change.open",
}


def _kinds(card: Scorecard) -> Counter[str]:
    """Counts of changes since the previous period: better, worse, changed (of a band), open (not real)."""
    kinds: Counter[str] = Counter()
    for record in card["kpis"]:
        verdict = verdicts.change_verdict(record["change"], record)
        if verdict.code == "real":
            kinds[verdict.effect or "changed"] += 1
        elif verdict.code != "absent":
            kinds["open"] += 1
    return kinds


def _troubles(cards: Sequence[Scorecard], say: Words) -> Iterator[Trouble]:
    """The entries that need a decision, the surest deterioration first."""
    by_id = {card["specialist"]: card for card in cards}
    called = {card["specialist"]: parts.names(card, say) for card in cards}
    unexpected = {card["specialist"]: set(summary.unexpected(card, say)) for card in cards}
    for exception in view(cards)["exceptions"]:
        card, entry = by_id[exception["specialist"]], exception["entry"]
        name = called[exception["specialist"]][entry]
        if (
            "not_assessable" in exception["reasons"]
            and say.quote(name) not in unexpected[exception["specialist"]]
        ):
            continue  # only the end of the period is missing
        reasons = tuple(_reason(code, card, entry, say) for code in exception["reasons"])
        yield Trouble(card, entry, name, reasons)


def _reason(code: str, card: Scorecard, entry: int, say: Words) -> str:
    record = card["kpis"][entry]
    match code:
        case "below":
            threshold = card["scoring"]["threshold"]
            attainment = say.attainment(required(record["attainment"]), threshold)
            return say.text("mail.reason.below", attainment=attainment, threshold=say.share(threshold))
        case "worse":
            against = say.text(f"versus.previous.{Period.parse(card['period']).grain}")
            size = verdicts.change_size(record["change"], record, say)
            return say.text("mail.reason.worse", size=size, against=against)
        case "heading_worse":
            return say.text("mail.reason.heading_worse")
        case "outside":
            return say.text("mail.reason.outside")
    why = " ".join(reason for reason, _ in parts.reasons(card, record, say)).rstrip(".")
    return say.text("mail.reason.not_assessable", why=why)


def _label(trouble: Trouble, say: Words) -> str:
    return say.text("mail.label", name=trouble.card["name"], kpi=say.quote(trouble.name))


def _more(count: int, key: str, say: Words) -> str:
    return say.plural(key, count) if count > 0 else ""


def _comments(cards: Sequence[Scorecard], department: str | None, say: Words) -> Iterator[tuple[str, str]]:
    """The head's comments, each with whom it is about."""
    if department:
        yield say.text("department.title"), sanitize.isolated(department)
    for card in cards:
        if text := card.get("comment"):
            yield card["name"], text


def _by_trouble(cards: Sequence[Scorecard], troubles: Sequence[Trouble]) -> list[Scorecard]:
    """The scorecards, the most urgent first."""
    urgent = list(dict.fromkeys(trouble.card["specialist"] for trouble in troubles))
    places = {person: place for place, person in enumerate(urgent)}
    return sorted(cards, key=lambda card: places.get(card["specialist"], len(places)))


def _row(card: Scorecard, settings: MessageSettings, say: Words) -> Row:
    kinds, goals = _kinds(card), card["assessable"]
    real = [say.text(_REAL[kind], count=say.number(kinds[kind])) for kind in _REAL if kinds[kind]]
    reached = (
        say.text("total.of", part=say.number(card["attained"]), whole=say.number(goals)) if goals else "—"
    )
    reached = reached.replace(" ", "\N{NO-BREAK SPACE}")  # the column is narrow on a phone
    total = "—" if card["total"] is None else say.total(card["total"])
    missing = len(summary.unassessed(card, say))
    cells = (card["name"], total, reached, ", ".join(real) or "—", say.number(missing) if missing else "—")
    return Row(cells, settings.base_url and link(settings.base_url, settings.period, card["specialist"]))


_REAL = {"better": "mail.row.better", "worse": "mail.row.worse", "changed": "mail.row.changed"}


def link(base: str, period: str, name: str) -> str:
    """The address of a report.

    Examples
    --------
    >>> link("https://agency.example/kpi", "2025-10", "анна")
    'https://agency.example/kpi/2025-10/%D0%B0%D0%BD%D0%BD%D0%B0.html'
    """
    return f"{base}/{period}/{quote(name, safe='')}.html"


def _department_link(settings: MessageSettings, recipient: Recipient, held: Sequence[Held]) -> str | None:
    if not settings.base_url or not recipient.sees_all or held:
        return None
    return link(settings.base_url, settings.period, gate.DEPARTMENT)


def _flags(card: Scorecard) -> list[NoteRecord]:
    return [note for note in card["notes"] if note["code"] in parts.UNFINISHED]


def _banners(cards: Sequence[Scorecard], say: Words) -> Iterator[str]:
    """Notes on figures that are not final or restated, with names unless they hold for everyone."""
    recounted = [card for card in cards if card.get("restated")]  # a report of an older kit does not say
    if recounted:
        text = say.plural("mail.recounted", sum(len(card["restated"]) for card in recounted))
        many = len(recounted) > _MOST_NAMED
        names = [card["name"] for card in recounted]
        told = say.sentence(say.plural("mail.people", len(names))) if many else say.join(names)
        yield say.text("mail.of", names=told, text=text)
    whose: dict[str, list[str]] = {}
    for card in cards:
        for note in _flags(card):
            whose.setdefault(say.note(note, {}), []).append(card["name"])
    for text, names in whose.items():
        yield text if len(names) == len(cards) else say.text("mail.of", names=say.join(names), text=text)


def _pictures(cards: Sequence[Scorecard], troubles: Sequence[Trouble], say: Words) -> Iterator[Picture]:
    """Charts of entries that need a decision, then of the entries with the largest weight."""
    heaviest = [
        (card, entry)
        for card in cards
        for entry in [max(range(len(card["kpis"])), key=lambda at: float(card["kpis"][at]["weight"]))]
    ]
    wanted = [(trouble.card, trouble.entry) for trouble in troubles] + heaviest
    seen: set[tuple[str, int]] = set()
    for card, entry in wanted:
        record, place = card["kpis"][entry], (card["specialist"], entry)
        drawable = record["assessable"] and any(past["value"] is not None for past in record["history"])
        if place in seen or not drawable or len(seen) >= MOST_PICTURES:
            continue
        seen.add(place)
        heading = say.text("mail.label", name=card["name"], kpi=say.quote(parts.names(card, say)[entry]))
        yield Picture(card["specialist"], entry, heading, SpecialistReport(card).message(record))
