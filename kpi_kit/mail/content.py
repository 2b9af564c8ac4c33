"""The words of a message, from the scorecards of the recipient's specialists alone."""

from __future__ import annotations

import re
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
from kpi_kit.report.parts.first_screen import cut_off
from kpi_kit.report.parts.people import person_row
from kpi_kit.report.specialist_page import SpecialistReport
from kpi_kit.report.wording import Words, story, words
from kpi_kit.report.wording.rows import fact_and_plan, plan_text
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.entry_record import NoteRecord
from kpi_kit.scorecard.record import Scorecard

MOST_ROWS = 60
"""The most rows of the table: Gmail clips a message at 102 KB."""
MOST_PICTURES = 3
_MOST_COMMENTS = 5
_MOST_NAMED = 5
"""The most people whom a line above the table names."""
LONGEST_SUBJECT = 60
"""Phones cut a longer one."""
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066\u2067]")


@dataclass(frozen=True)
class Row:
    """A row of the table: the cells, and the address of a linked report."""

    cells: tuple[str, ...]
    link: str | None = None


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
    in_money : bool
        Whether everybody in the department has a variable pay, so that losses are compared in money.
    """

    period: str
    agency: str
    language: str
    currency: str
    accent: str | None = None
    base_url: str | None = None
    comment: str | None = None
    in_money: bool = False


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
    cards: list[Scorecard] = sanitize.shown(verdict.worst_first([report.card for report in mailable]))
    listed = cards[:MOST_ROWS]
    people = [person_row(card, say) for card in listed]
    paid = any(person["paid"] or person["bonus"] for person in people)
    comments = list(_comments(listed, settings.comment, say))
    title = say.text("mail.title", during=say.during(settings.period))
    moments = list(dict.fromkeys(cut_off(card, say) for card in cards))
    changed = () if earlier is None else tuple(corrections(earlier, cards, say))
    return Content(
        language=settings.language,
        agency=sanitize.isolated(settings.agency),
        accent=settings.accent,
        subject=_subject(title, cards, settings, say, corrected=earlier is not None),
        title=title,
        as_of=say.sentence("; ".join(moments)),
        corrected="" if earlier is None else say.text("mail.corrected"),
        corrections=changed or (() if earlier is None else (say.text("mail.same_figures"),)),
        banners=tuple(_banners(cards, say)),
        sentences=tuple(_sentences(cards, settings, say)),
        comments=tuple(comments[:_MOST_COMMENTS]),
        more_comments=_more(len(comments) - _MOST_COMMENTS, "mail.more_comments", say),
        exceptions=tuple(_attention(cards, say)),
        heads=_heads(cards, say, paid=paid),
        rows=tuple(
            _row(card, person, settings, say, paid=paid) for card, person in zip(listed, people, strict=True)
        ),
        more_rows=_more(len(cards) - len(listed), "mail.more_rows", say),
        held=tuple((sanitize.isolated(report.name), gate.reason(report, say)) for report in held),
        pictures=tuple(_pictures(listed, say)),
        reports=say.text("mail.linked") if settings.base_url else say.text("mail.attached"),
        department_link=_department_link(settings, recipient, held),
    )


def short_content(
    settings: MessageSettings, subject: str, title: str, sentences: Sequence[str], **more: Any
) -> Content:
    """A message of a few sentences; ``more`` are other fields of :class:`Content`."""
    empty: dict[str, Any] = dict.fromkeys(("as_of", "corrected", "more_comments", "more_rows", "reports"), "")
    lists = ("corrections", "banners", "comments", "exceptions", "heads", "rows", "held", "pictures")
    empty |= dict.fromkeys(lists, ()) | {"department_link": None}
    return Content(
        language=settings.language,
        agency=sanitize.isolated(settings.agency),
        accent=settings.accent,
        subject=subject,
        title=title,
        sentences=tuple(sentences),
        **{**empty, **more},
    )


def errors_content(settings: MessageSettings, held: Sequence[Held]) -> Content:
    """The words for the person who makes the reports: which are held back, and why."""
    say = words(settings.language, settings.currency)
    title = say.text("mail.title", during=say.during(settings.period))
    reasons = tuple(
        (sanitize.isolated(report.name), f"{gate.reason(report, say)}. {report.detail}") for report in held
    )
    subject = fitting([say.plural("mail.errors.subject", len(held), title=_WEEK.sub("", title))])
    return short_content(settings, subject, title, [say.text("mail.errors.lead")], held=reasons)


_WEEK = re.compile(r" \([^()]*\)$")
"""The days of a week behind its number."""


def plain(text: str) -> str:
    r"""A text as one line without invisible characters, which can hide words or break headers.

    Examples
    --------
    >>> plain("Анна\r\nBcc: all@agency.example")
    'Анна Bcc: all@agency.example'
    """
    return " ".join(_UNSEEN.sub("", part) for part in re.split(r"[\r\n\t\u2028\u2029]+", text)).strip()


def _subject(
    title: str, cards: Sequence[Scorecard], settings: MessageSettings, say: Words, *, corrected: bool
) -> str:
    """The period and the most important fact, as much of it as fits."""
    marks = [say.text("mail.corrected")] if corrected else []
    marks += [say.text("mail.not_final")] if any(_flags(card) for card in cards) else []
    head = ". ".join([*marks, _WEEK.sub("", title)])
    return fitting([*(f"{head}: {fact}" for fact in _facts(cards, settings, say)), head])


def _facts(cards: Sequence[Scorecard], settings: MessageSettings, say: Words) -> Iterator[str]:
    """What the message is about, the most precise first: the largest loss, its person, the plans met."""
    for specialist, place in verdict.month_sentence(cards, 1, in_money=settings.in_money):
        card = next(card for card in cards if card["specialist"] == specialist)
        entry = card["kpis"][place]
        fact, plan = fact_and_plan(entry, say)
        if fact is not None:
            what = say.inner(say.short_entry(entry))
            fields = {"who": card["name"], "what": what, "fact": fact.text}
            yield say.text("mail.fact", **fields, plan=plan_text(entry, plan, say, "plan_in_words"))
        yield say.text("mail.label", name=card["name"], kpi=story.reason(card, say))
        if card["total"] is not None:
            yield say.text("mail.fact_total", who=card["name"], total=say.total(card["total"]))
        yield card["name"]
    yield say.inner(story.met(cards, say)).removesuffix(".")


def fitting(subjects: Sequence[str]) -> str:
    """The first subject that is short enough, or the last one, cut."""
    lines = [plain(subject) for subject in subjects]
    short = next((line for line in lines if len(line) <= LONGEST_SUBJECT), None)
    return short or lines[-1][: LONGEST_SUBJECT - 1] + "…"


def _sentences(cards: Sequence[Scorecard], settings: MessageSettings, say: Words) -> list[str]:
    """How many plans were met, and what cost most: the sentences of the pages."""
    if len(cards) == 1:
        return summary.sentences(cards[0], say)
    named = {card["specialist"]: parts.names(card, say) for card in cards}
    met = story.met_of_all(cards, say)
    lost = any(verdict.worst_entry(card) is not None for card in cards)
    return [met, *story.month(cards, named, say, in_money=settings.in_money)] if lost else [met]


def _attention(cards: Sequence[Scorecard], say: Words) -> Iterator[tuple[str, str]]:
    """The people of the department's attention: why, what costs most, and what to do next."""
    for card in verdict.attention(cards):
        if card["total"] is None and not summary.unexpected(card, say):
            continue  # only the end of the period is missing
        named, worst = parts.names(card, say), verdict.worst_entry(card)
        code = (card.get("reason") or verdict.card_reason(card))["code"]
        told = []
        if worst is None or code != "short_of_plan":  # that is what the sentence of the entry says
            told.append(f"{say.sentence(story.reason(card, say))}.")
        if worst is not None and card["kpis"][worst]["assessable"]:
            told.append(story.entry_sentence(card, worst, named[worst], say))
        step = person_row(card, say)["next"]
        if step:
            told.append(say.text("lead.next", steps=step))
        yield card["name"], " ".join(told)


def _more(count: int, key: str, say: Words) -> str:
    return say.plural(key, count) if count > 0 else ""


def _comments(cards: Sequence[Scorecard], department: str | None, say: Words) -> Iterator[tuple[str, str]]:
    """The head's comments, each with whom it is about."""
    if department:
        yield say.text("department.title"), sanitize.isolated(department)
    for card in cards:
        if text := card.get("comment"):
            yield card["name"], text


def _heads(cards: Sequence[Scorecard], say: Words, *, paid: bool) -> tuple[str, ...]:
    money = "people.paid_so_far" if any(card["interim"] for card in cards) else "people.paid"
    keys = ("people.name", "people.total", *([money] if paid else []), "people.why")
    return tuple(map(say.text, keys))


def _row(
    card: Scorecard, person: Mapping[str, Any], settings: MessageSettings, say: Words, *, paid: bool
) -> Row:
    total = person["total"]
    if person["change"]:
        sign = "\N{MINUS SIGN}" if person["fell"] else "+"
        when = say.versus(str(Period.parse(settings.period).previous))
        total = f"{total} {say.text('mail.change', size=sign + person['change'], when=when)}"
    money = " ".join(text for text in (person["paid"], person["bonus"]) if text) or "—"
    cells = (card["name"], total, *([money] if paid else []), person["why"])
    return Row(cells, settings.base_url and link(settings.base_url, settings.period, card["specialist"]))


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


def _pictures(cards: Sequence[Scorecard], say: Words) -> Iterator[Picture]:
    """Charts of what costs most, one a person, then of the other losses and of the largest weights."""
    ranked = [(card, _by_loss(card)) for card in cards]
    wanted = [(card, entries[0]) for card, entries in ranked if entries]
    wanted += [(card, entry) for card, entries in ranked for entry in entries[1:]]
    wanted += [
        (card, max(range(len(card["kpis"])), key=lambda at: float(card["kpis"][at]["weight"])))
        for card in cards
    ]
    seen: set[tuple[str, int]] = set()
    for card, entry in wanted:
        record, place = card["kpis"][entry], (card["specialist"], entry)
        drawable = record["assessable"] and any(past["value"] is not None for past in record["history"])
        if place in seen or not drawable or len(seen) >= MOST_PICTURES:
            continue
        seen.add(place)
        heading = say.text("mail.label", name=card["name"], kpi=say.quote(parts.names(card, say)[entry]))
        yield Picture(card["specialist"], entry, heading, SpecialistReport(card).message(record))


def _by_loss(card: Scorecard) -> list[int]:
    """The places of the entries that lose something, the largest loss first."""
    lost = verdict.losses(card)
    return sorted((at for at, loss in enumerate(lost) if loss > 0), key=lambda at: (-lost[at], at))
