"""The report of the department: who needs attention, the map of attainment, the totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from urllib.parse import quote

from markupsafe import Markup

from kpi_kit.core.sanitize import isolated, shown
from kpi_kit.report import figures, parts, summary
from kpi_kit.report.parts import tag
from kpi_kit.report.section import Section, build
from kpi_kit.report.specialist_page import THEME
from kpi_kit.report.wording import Form, Words, verdicts, words
from kpi_kit.scorecard.department import view
from kpi_kit.scorecard.record import (
    Brand,
    EntryRecord,
    FunnelRecord,
    JudgedPoint,
    NoteRecord,
    Scorecard,
    ScoringRecord,
    required,
)


class DepartmentReport:
    """The sections of the department's report; one that has nothing to show is None.

    Parameters
    ----------
    period : str
    cards : sequence of mapping
        The scorecards of the reports that were built.
    failed : mapping
        Specialist -> why there is no report, in one sentence.
    language, currency : str
    missing : sequence of str
        The names of the others, whose reports nobody has asked for yet.
    """

    def __init__(
        self,
        period: str,
        cards: Sequence[Scorecard],
        failed: Mapping[str, str],
        language: str,
        currency: str,
        missing: Sequence[str] = (),
    ) -> None:
        self.period = period
        ordered = sorted(cards, key=lambda card: card["name"])
        self.view = view(ordered)
        self.cards: list[Scorecard] = shown(ordered)
        self.failed = {isolated(name): isolated(why) for name, why in sorted(failed.items())}
        self.missing: list[str] = shown(sorted(missing))
        self._words = words(language, currency)

    def __repr__(self) -> str:
        return f"<report department {self.period}>"

    def header(self) -> Section | None:
        """Whose department, which period, data of when."""
        say = self._words
        agency = next((card["agency"] for card in self.cards), None)
        brand = next((card["brand"] for card in self.cards), Brand(logo=None, accent=None))
        head = f"{say.text('department.title')}, {say.period(self.period)}"
        moments = list(dict.fromkeys(card["as_of"] for card in self.cards))
        when = (
            say.text("report.as_of", moment=say.join(say.moment(each) for each in moments)) if moments else ""
        )
        return build(
            say,
            "header",
            None,
            parts.branded(brand, agency, head),
            parts.paragraph(agency, "k-kicker"),
            tag("h1", say.text("department.title"), ", ", tag("span", say.period(self.period))),
            parts.paragraph(say.sentence(when), "k-kicker"),
            *(parts.banner(note, say) for note in self._common_flags()),
        )

    def summary(self) -> Section | None:
        """Three sentences."""
        say = self._words
        during, built = say.during(self.period), len(self.cards)
        if not built:
            nothing = parts.paragraph(say.text("department.empty", during=during))
            return self._section("summary", "summary.heading", nothing)
        attained = sum(card["attained"] for card in self.cards)
        goals = sum(card["assessable"] for card in self.cards)
        troubled = [card["name"] for card in self.cards if self._troubles(card)] + list(self.failed)
        everyone = say.number(built + len(self.failed) + len(self.missing))
        reports = say.plural("department.reports", built, total=everyone)
        missing = say.text("department.missing", names=say.join(self.missing)) if self.missing else ""
        scores = {"during": during, "attained": say.number(attained), "goals": say.number(goals)}
        reached = say.plural("department.goals", goals, **scores)
        key = "department.attention.single" if len(troubled) == 1 else "department.attention.several"
        found = [
            f"{reports} {missing}".strip(),
            say.sentence(reached if goals else say.text("department.nothing", during=during)),
            say.text(key, names=say.join(troubled)) if troubled else say.text("department.no_attention"),
        ]
        return self._section("summary", "summary.heading", parts.items(found))

    def exceptions(self) -> Section | None:
        """Who needs attention and why: failed reports first, then the surest deterioration."""
        say = self._words
        found = [
            tag("b", name) + f" — {say.text('department.failed')}: {why}" for name, why in self.failed.items()
        ]
        found += [
            self._link(card) + " — " + "; ".join(troubles)
            for card in self._by_urgency()
            if (troubles := self._troubles(card))
        ]
        goals = sum(card["assessable"] for card in self.cards)
        calm = parts.paragraph(say.text("department.calm")) if goals and not self.missing else None
        shown = parts.items(found) or calm
        return self._section("exceptions", "department.exceptions", shown)

    def heatmap(self) -> Section | None:
        """The map of attainment, specialists by KPIs."""
        say = self._words
        found = sorted(
            (
                (record["group"], name, card["specialist"], record, card["scoring"])
                for card in self.cards
                for name, record in zip(parts.names(card, say), card["kpis"], strict=True)
            ),
            key=itemgetter(0),
        )
        if not found:
            return None
        kpis: dict[str, dict[str, parts.Cell]] = {}
        for _, name, person, record, scoring in found:
            cell = parts.Cell(parts.state(record, scoring), _attainment(record, scoring, say))
            kpis.setdefault(name, {}).setdefault(person, cell)
        shown = parts.heatmap({card["specialist"]: card["name"] for card in self.cards}, kpis, say)
        message = parts.paragraph(say.text("department.heatmap_message"), "k-legend")
        return self._section("heatmap", "department.heatmap", parts.key(say), shown, message)

    def funnels(self) -> Section | None:
        """Who differs from the rest by more than chance, instead of a league table."""
        say = self._words
        found = [funnel for funnel in self.view["funnels"] if funnel["curve"]]
        if not found:
            return None
        with figures.drawing():
            shown = [self._funnel(funnel) for funnel in found]
        legend = parts.paragraph(say.text("department.funnels_legend"), "k-legend")
        return self._section("funnels", "department.funnels", legend, tag("div", *shown, class_="k-grid"))

    def shocks(self) -> Section | None:
        """The weeks in which all accounts of a platform moved together."""
        say = self._words
        found = [
            tag("b", say.sentence(say.text(f"measure.{shock['measure']}")))
            + ". "
            + verdicts.shock_sentence(shock, say)
            for shock in self.view["shocks"]
        ]
        return self._section("shocks", "statistics.shocks", parts.items(found))

    def totals(self) -> Section | None:
        """Everyone's total, with a link to the report."""
        say = self._words
        columns = [
            parts.Column("name", say.text("department.specialist")),
            parts.Column("total", say.text("department.total"), numeric=True),
            parts.Column("attained", say.text("department.attained"), numeric=True),
            parts.Column("below", say.text("department.below_column"), numeric=True),
            parts.Column("unassessed", say.text("department.unassessed_column"), numeric=True),
        ]
        rows = [
            {
                "name": self._link(card),
                "total": "—" if card["total"] is None else tag("b", say.total(card["total"])),
                "attained": _part(card, say),
                "below": say.number(len(summary.below(card, say))),
                "unassessed": say.number(len(summary.unassessed(card, say))),
            }
            for card in self.cards
        ]
        if not rows:
            return None
        shown = parts.table("totals-table", columns, rows, say.text("department.totals"))
        return self._section("totals", "department.totals", shown)

    def _section(self, name: str, heading: str, *content: str | None) -> Section | None:
        return build(self._words, name, self._words.text(heading), *content)

    def _link(self, card: Scorecard) -> Markup:
        return tag("a", card["name"], href=f"{quote(card['specialist'])}.html")

    def _by_urgency(self) -> list[Scorecard]:
        """The cards in the order of their most urgent exception; those without one as they are."""
        urgent = list(dict.fromkeys(found["specialist"] for found in self.view["exceptions"]))
        places = {person: place for place, person in enumerate(urgent)}
        return sorted(self.cards, key=lambda card: places.get(card["specialist"], len(places)))

    def _funnel(self, found: FunnelRecord) -> Markup:
        """A funnel plot and what it says."""
        say = self._words
        points: list[JudgedPoint] = [{**point, "name": self._called(point)} for point in found["points"]]
        how = Form(found["unit"])
        told = {
            strength: say.join(
                say.text(
                    "department.funnel_point", name=self._who(point), value=say.value(point["value"], how)
                )
                for point in points
                if point["outside"] == strength
            )
            for strength in ("exceptional", "unusual")
        }
        centre = say.value(required(found["centre"]), how)
        sentences = [
            say.text(f"department.funnel_{strength}", names=names)
            for strength, names in told.items()
            if names
        ]
        message = " ".join(
            [
                say.text("department.funnel_centre", centre=centre),
                *(sentences or [say.text("department.funnel_usual")]),
            ]
        )
        name, volume = say.text(f"kpi.{found['kpi']}.name"), say.text(f"kpi.{found['kpi']}.volume")
        image = figures.svg(figures.funnel({**found, "points": points}, volume, say, self._theme()))
        alt = say.text("department.funnel_alt", kpi=name, volume=volume, message=message)
        caption = tag("figcaption", tag("h3", name), tag("p", message))
        return tag("figure", caption, parts.image(figures.data_uri(image), alt))

    def _called(self, point: JudgedPoint) -> str:
        """A person, or an account of theirs."""
        if "account_id" not in point:
            return str(point["name"])
        card = next(card for card in self.cards if card["specialist"] == point["specialist"])
        named = parts.titles(card, self._words, with_platform=True)
        return named.get(point["account_id"], str(point["account_id"]))

    def _who(self, point: JudgedPoint) -> str:
        """A point in a sentence: an account with its holder."""
        if "account_id" not in point:
            return str(point["name"])
        holder = next(card["name"] for card in self.cards if card["specialist"] == point["specialist"])
        return f"{point['name']}, {holder}"

    def _theme(self) -> figures.Theme:
        accent = next((card["brand"]["accent"] for card in self.cards), None)
        return figures.theme(THEME, accent)

    def _troubles(self, card: Scorecard) -> list[str]:
        """What a head of department has to look at, in words."""
        say = self._words
        low, missing = summary.below(card, say), summary.unexpected(card, say)
        worse, declining = summary.worsened(card, say), summary.declining(card, say)
        held = card["total"] is None and card["assessable"] > 0
        common = [note["code"] for note in self._common_flags()]
        return [
            *([f"{say.plural('department.below', len(low))} ({', '.join(low)})"] if low else []),
            *([f"{say.plural('department.worse', len(worse))} ({', '.join(worse)})"] if worse else []),
            *(
                [f"{say.plural('department.declining', len(declining))} ({', '.join(declining)})"]
                if declining
                else []
            ),
            *(
                [f"{say.plural('department.unassessed', len(missing))} ({', '.join(missing)})"]
                if missing
                else []
            ),
            *([say.text("department.held")] if held else []),
            *(say.text(f"department.{code}") for code in _flags(card) if code not in common),
        ]

    def _common_flags(self) -> list[NoteRecord]:
        """The notes of unfinished figures that hold for every report: they are no one's trouble."""
        flags = [_flags(card) for card in self.cards]
        return [note for code, note in flags[0].items() if all(code in own for own in flags)] if flags else []


def _flags(card: Scorecard) -> dict[str, NoteRecord]:
    """The notes that the figures are not final, by code."""
    return {note["code"]: note for note in card["notes"] if note["code"] in parts.UNFINISHED}


def _attainment(record: EntryRecord, scoring: ScoringRecord, say: Words) -> str | None:
    attainment = record["attainment"]
    return None if attainment is None else say.attainment(attainment, scoring["threshold"])


def _part(card: Scorecard, say: Words) -> str:
    """How many of the targets that could be assessed were reached."""
    if not card["assessable"]:
        return "—"
    return say.text("total.of", part=say.number(card["attained"]), whole=say.number(card["assessable"]))
