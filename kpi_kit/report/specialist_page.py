"""The report of one specialist: what each cell of its notebook shows."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from markupsafe import Markup

from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.sanitize import shown
from kpi_kit.core.shipped import shipped
from kpi_kit.report import figures, parts, summary
from kpi_kit.report.parts import tag
from kpi_kit.report.section import Section, build
from kpi_kit.report.wording import Form, words
from kpi_kit.scorecard.record import EntryRecord, ResponseTimes, Scorecard, required

THEME = shipped("reports") / "theme.css"
"""The stylesheet of the page, whose colours the figures take."""


class SpecialistReport:
    """The sections of a specialist's report; one that has nothing to show is None.

    Parameters
    ----------
    card : mapping
        The scorecard: the only source of what is shown.
    path : Path or None
        Where the scorecard was saved.
    """

    def __init__(self, card: Scorecard, path: Path | None = None) -> None:
        self.card: Scorecard = shown(card)
        self.path = path
        self._words = words(card["language"], card["currency"])
        self._names = parts.names(card, self._words)

    def __repr__(self) -> str:
        return f"<report {self.card['specialist']} {self.card['period']}>"

    def header(self) -> Section | None:
        """Who, which period, data of when; a banner where the figures are not final."""
        card, say = self.card, self._words
        when = tag("span", say.period(card["period"]))
        brands = (
            (tag("b", say.text("report.brands")) + ": " + say.join(map(say.quote, card["brands"])))
            if card["brands"]
            else None
        )
        return build(
            say,
            "header",
            None,
            parts.branded(card["brand"], card["agency"], f"{card['name']}, {say.period(card['period'])}"),
            parts.paragraph(f"{card['agency']} · {say.text('report.title')}", "k-kicker"),
            tag("h1", card["name"], ", ", when),
            parts.paragraph(
                say.sentence(say.text("report.as_of", moment=say.moment(card["as_of"]))), "k-kicker"
            ),
            parts.account_list(card, say),
            parts.paragraph(brands, "k-unit"),
            *self._banners(),
        )

    def summary(self) -> Section | None:
        """Three sentences."""
        return self._section("summary", parts.items(summary.sentences(self.card, self._words)))

    def total(self) -> Section | None:
        """The total with its arithmetic, and the bonus."""
        card, say = self.card, self._words
        held = card["scoring"]["not_assessable"] == "hold" and card["assessable"] > 0
        of = say.text("total.of", part=say.number(card["attained"]), whole=say.number(card["assessable"]))
        why = None
        if card["total"] is not None:
            score = say.total(card["total"])
        else:
            score = say.text("total.held" if held else "total.none")
            why = say.text("total.held_why" if held else "total.nothing")
        shown = tag(
            "div",
            tag("div", tag("b", score)),
            tag("div", tag("b", of), tag("span", say.text("total.attained"))) if card["assessable"] else None,
            class_="k-score",
        )
        return self._section("total", shown, parts.paragraph(why), self._bonus(), parts.arithmetic(card, say))

    def scorecard(self) -> Section | None:
        """The table of all KPIs."""
        return self._section("scorecard", parts.scorecard(self.card, self._words))

    def figures(self, numbers: Collection[int] | None = None) -> Section | None:
        """A figure a KPI, with its message in words; on request those of some KPIs only, counted from 1."""
        colours, say = figures.theme(THEME, self.card["brand"]["accent"]), self._words
        grain = Period.parse(self.card["period"]).grain
        asked = [pair for pair in enumerate(self.card["kpis"], 1) if numbers is None or pair[0] in numbers]
        records, interim = [record for _, record in asked], self.card["interim"]
        marked = [figures.marks(self.card, record) for record in records]
        with figures.drawing():
            sheet = figures.Sheet()
            drawn = (
                figures.history(record, grain, say, colours, interim=interim, happened=happened, sheet=sheet)
                for record, happened in zip(records, marked, strict=True)
            )
            images = [None if figure is None else figures.svg(figure) for figure in drawn]
        if not any(images):
            return None
        shown = [
            self._figure(number, record, image) for (number, record), image in zip(asked, images, strict=True)
        ]
        pictured = [record for record, image in zip(records, images, strict=True) if image]
        far = any(map(figures.off_scale, pictured))
        kinds = {
            "event": any(each.events for each in marked),
            "unusual": any(each.unusual for each in marked),
        }
        legend = parts.legend(
            pictured,
            say,
            interim=interim,
            weekly=grain is not Grain.WEEK,
            far=far,
            marked=[kind for kind, shown in kinds.items() if shown],
        )
        return self._section("figures", legend, tag("div", *shown, class_="k-grid"))

    def accounts(self) -> Section | None:
        """Every KPI by account, and the brand KPIs by brand."""
        return self._section("accounts", parts.accounts(self.card, self._words))

    def audience(self) -> Section | None:
        """Who joined and who left."""
        return self._section("audience", parts.audience(self.card, self._words))

    def plan(self) -> Section | None:
        """What became of the content plan."""
        return self._section("plan", parts.plan(self.card, self._words))

    def response(self) -> Section | None:
        """How fast inquiries were answered, against the SLA."""
        found, say = self.card["sections"]["response"], self._words
        if not found or not found["received"]:
            return None
        message = self._answered(found)
        text = parts.paragraph(f"{message} {say.text('response.calendar.' + found['calendar'])}")
        if not found["curve"]:
            return self._section("response", text)
        with figures.drawing():
            colours = figures.theme(THEME, self.card["brand"]["accent"])
            image = figures.svg(figures.response(found, say, colours))
        shown = parts.image(figures.data_uri(image), say.text("response.alt", message=message))
        return self._section("response", text, tag("figure", shown, class_="k-figure"))

    def funnel(self) -> Section | None:
        """From leads to sales."""
        return self._section("funnel", parts.funnel(self.card, self._words))

    def posts(self) -> Section | None:
        """The best, the weakest and the deleted posts."""
        return self._section("posts", parts.posts(self.card, self._words))

    def anomalies(self) -> Section | None:
        """Days far outside an account's own pattern, beside what happened."""
        return self._section("anomalies", parts.unusual_days(self.card, self._words))

    def restated(self) -> Section | None:
        """Figures that differ from the first report of the period."""
        return self._section("restated", parts.restated(self.card, self._words))

    def smart(self) -> Section | None:
        """Whether the targets are sane, and which would be."""
        return self._section("smart", parts.smart(self.card, self._words))

    def notes(self) -> Section | None:
        """What to know of the data; for what cannot be assessed, why and who can mend it."""
        return self._section("notes", parts.data_notes(self.card, self._words))

    def definitions(self) -> Section | None:
        """Explain exactly the KPIs that are used."""
        return self._section("definitions", parts.definitions(self.card, self._words))

    def provenance(self) -> Section | None:
        """What the report was made from."""
        return self._section("provenance", parts.provenance(self.card, self._words))

    def _section(self, name: str, *content: str | None) -> Section | None:
        return build(self._words, name, self._words.text(f"{name}.heading"), *content)

    def _banners(self) -> list[Markup]:
        return [
            parts.banner(note, self._words) for note in self.card["notes"] if note["code"] in parts.UNFINISHED
        ]

    def _bonus(self) -> Markup | None:
        bonus, say = self.card["bonus"], self._words
        if not bonus or bonus["amount"] is None:
            return None
        share, sales = say.share(bonus["share"]), say.money(required(bonus["sales_amount"]))
        key = "total.bonus_capped" if bonus["amount"] == bonus["cap"] else "total.bonus"
        return parts.paragraph(say.text(key, share=share, sales=sales, amount=say.money(bonus["amount"])))

    def _answered(self, found: ResponseTimes) -> str:
        say, left = self._words, self._words.number(found["unanswered"])
        if found["in_time"] is None:
            return say.plural("response.received", found["received"], unanswered=left)
        return say.text(
            "response.message",
            sla=say.value(found["sla_hours"], Form("hours")),
            in_time=say.number(found["in_time"]),
            due=say.plural("response.inquiries_of", found["due"]),
            unanswered=left,
        )

    def _figure(self, number: int, record: EntryRecord, image: str | None) -> Markup:
        say, name = self._words, self._names[number - 1]
        message = self.message(record)
        by = say.text(f"period.by.{Period.parse(self.card['period']).grain}")
        alt = say.text("figures.alt", kpi=name, by=by, unit=say.axis(parts.form(record)), message=message)
        shown = None if image is None else parts.image(figures.data_uri(image), alt)
        caption = tag("figcaption", tag("h3", name), tag("p", message))
        return tag("figure", caption, shown, id=f"figure-{number}")

    def message(self, record: EntryRecord) -> str:
        """What the figure of a KPI says, in one sentence."""
        return self._words.sentence(self._judged(record, self._words.during(self.card["period"])))

    def _judged(self, record: EntryRecord, during: str) -> str:
        say, what = self._words, parts.state(record, self.card["scoring"])
        if what == "not_assessable":
            reason = " ".join(reason for reason, _ in parts.reasons(self.card, record, say))
            return say.text("figures.not_assessable", during=during, reason=reason)
        value = say.amount(required(record["value"]), parts.form(record))
        if what == "no_target":
            return say.text("figures.unscored", during=during, value=value)
        key = "figures.attained" if record["attained"] else "figures.missed"
        threshold = self.card["scoring"]["threshold"]
        attainment = "—" if record["attainment"] is None else say.attainment(record["attainment"], threshold)
        target = say.target(record, spelled=True)
        return say.text(key, during=during, value=value, target=target, attainment=attainment)
