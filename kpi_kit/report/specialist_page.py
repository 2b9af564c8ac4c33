"""The report of one specialist: what each cell of its notebook shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kpi_kit.core.periods import Grain, Period
from kpi_kit.core.sanitize import shown
from kpi_kit.report import figures, parts
from kpi_kit.report.added import Additions
from kpi_kit.report.figures.canvas import Drawing
from kpi_kit.report.section import THEME, Section, build
from kpi_kit.report.wording import Form, rows, words
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.entry_record import EntryRecord, HistoryPoint, required
from kpi_kit.scorecard.record import Scorecard

_STEPS = 10
"""How many steps of the curve of answers stand in its table, about."""


class SpecialistReport(Additions):
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
        self._names = parts.names(self.card, self._words)

    def __repr__(self) -> str:
        return f"<report {self.card['specialist']} {self.card['period']}>"

    def header(self) -> Section | None:
        """The first screen: who, when, total and payout, one sentence, what next."""
        return Section("header", parts.header(self.card, self._words, self._links()))

    def scorecard(self) -> Section | None:
        """The table of all KPIs, one verdict each; statistics are folded away under it."""
        return self._section("scorecard", parts.scorecard(self.card, self._words))

    def comment(self) -> Section | None:
        """What the head of the department has to say."""
        heading = self._words.text("page.comment")
        return build(self._words, "comment", heading, parts.comment(self.card.get("comment")))

    def total(self) -> Section | None:
        """How the total and the bonus are computed."""
        card, say = self.card, self._words
        why = None
        if card["total"] is None:
            held = card["scoring"]["not_assessable"] == "hold" and card["assessable"] > 0
            why = say.text("total.held_why" if held else "total.nothing")
        shown = parts.join([parts.paragraph(why), parts.arithmetic(card, say)])
        return build(say, "total", None, parts.details(say.text("total.heading"), shown) if shown else None)

    def figures(self, numbers: Collection[int] | None = None) -> Section | None:
        """A figure a KPI, with its message in words; on request those of some KPIs only, counted from 1."""
        colours, say = figures.theme(THEME, self.card["brand"]["accent"]), self._words
        grain = Period.parse(self.card["period"]).grain
        asked = [pair for pair in enumerate(self.card["kpis"], 1) if numbers is None or pair[0] in numbers]
        records, interim = [record for _, record in asked], self.card["interim"]
        marked = [figures.marks(self.card, record) for record in records]
        drawings: list[Drawing | None] = []
        with figures.drawing():
            sheet = figures.Sheet()
            for record, happened in zip(records, marked, strict=True):
                figure = figures.history(
                    record, grain, say, colours, interim=interim, happened=happened, sheet=sheet
                )
                hovers = [] if figure is None else figures.hovers(figure, record, say, happened)
                drawings.append(None if figure is None else figures.inline(figure, colours, hovers))
        if not any(drawings):
            return None
        shown = [
            self._figure(number, record, drawing)
            for (number, record), drawing in zip(asked, drawings, strict=True)
        ]
        pictured = [record for record, drawing in zip(records, drawings, strict=True) if drawing]
        kinds = {
            "event": any(marks.events for marks in marked),
            "unusual": any(marks.unusual for marks in marked),
        }
        legend = parts.legend(
            pictured,
            say,
            interim=interim,
            weekly=grain is not Grain.WEEK,
            far=any(map(figures.off_scale, pictured)),
            marked=[kind for kind, is_drawn in kinds.items() if is_drawn],
        )
        grid = parts.page_part("figures", figures=shown, values=say.text("page.values"))
        return self._section("figures", legend, grid)

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
            figure, steps = figures.response(found, say, colours), self._answer_steps(found)
            spans = [(since, until, f"{hours}: {share}") for since, until, hours, share in steps]
            drawing = figures.inline(figure, colours, figures.hover_spans(figure.axes[0], spans))
        shown = parts.page_part(
            "figure",
            drawing=drawing,
            alt=say.text("response.alt", message=message),
            values=say.text("page.values"),
            heads=[say.sentence(say.text("response.hours")), say.sentence(say.text("response.answered"))],
            rows=[step[2:] for step in steps],
        )
        return self._section("response", text, shown)

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

    def _links(self) -> list[tuple[str, str]]:
        """The previous period where its page is there, the department, and the list of periods.

        A run makes the last two after this page.
        """
        say, previous = self._words, str(Period.parse(self.card["period"]).previous)
        links = [(say.text("page.department"), "index.html"), (say.text("page.all_periods"), "../index.html")]
        earlier = self.path and self.path.parent.parent / previous / self.path.name
        if earlier and earlier.is_file():
            address = f"../{previous}/{quote(self.card['specialist'])}.html"
            links.insert(0, (f"← {say.period(previous)}", address))
        return links

    def _section(self, name: str, *content: str | None) -> Section | None:
        return build(self._words, name, self._words.text(f"{name}.heading"), *content)

    def _answered(self, found: Mapping[str, Any]) -> str:
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

    def _answer_steps(self, found: Mapping[str, Any]) -> list[tuple[float, float, str, str]]:
        """Some steps of the curve of answers: from and until when, and both figures in words."""
        curve, say = found["curve"], self._words
        some = curve[:: max(1, len(curve) // _STEPS)]
        ends = [*(step["hours"] for step in some[1:]), curve[-1]["hours"]]
        return [
            (
                step["hours"],
                end,
                say.value(step["hours"], Form("hours")),
                say.value(step["answered"], Form("share")),
            )
            for step, end in zip(some, ends, strict=True)
        ]

    def _figure(self, number: int, record: EntryRecord, drawing: Drawing | None) -> dict[str, Any]:
        say, name = self._words, self._names[number - 1]
        message = self.message(record)
        by = say.text(f"period.by.{Period.parse(self.card['period']).grain}")
        alt = say.text("figures.alt", kpi=name, by=by, unit=say.axis(parts.form(record)), message=message)
        heads = [say.text("provenance.period"), say.text("row.fact"), say.text("row.plan")]
        return {
            "id": f"figure-{number}",
            "heading": name,
            "message": message,
            "alt": alt,
            "drawing": drawing,
            "heads": heads,
            "rows": [self._values(step, record) for step in record["history"]] if drawing else [],
        }

    def _values(self, step: HistoryPoint, record: EntryRecord) -> list[str]:
        """A period of the history in words: its name, fact and plan."""
        say, how = self._words, parts.form(record)
        target = step["target"]
        bounds = [] if target is None else target if isinstance(target, Sequence) else [target]
        ends = [say.value(bound, how) for bound in bounds]
        plan = say.range(*ends) if len(ends) == 2 else "".join(ends) or "—"
        fact = "—" if step["value"] is None else say.value(step["value"], how)
        return [say.period(step["period"]), fact, plan]

    def message(self, record: EntryRecord) -> str:
        """What the figure of a KPI says, in one sentence."""
        return self._words.sentence(self._judged(record, self._words.during(self.card["period"])))

    def _judged(self, record: EntryRecord, during: str) -> str:
        say, what = self._words, parts.state(record, self.card["scoring"])
        if what == "not_assessable":
            reason = " ".join(reason for reason, _ in parts.reasons(self.card, record, say))
            return say.text("figures.not_assessable", during=during, reason=reason)
        fact, plan = rows.fact_and_plan(record, say)
        value = "—" if fact is None else fact.text
        if noun := say.noun(required(record["value"]), record["unit"]):
            value = f"{value}\N{NO-BREAK SPACE}{noun}"
        if what == "no_target":
            return say.text("figures.unscored", during=during, value=value)
        attainment = rows.attainment_text(record, self.card["scoring"]["threshold"], say) or "—"
        return say.text(
            "figures.judged_so_far" if self.card["interim"] else "figures.judged",
            during=during,
            value=value,
            target=rows.plan_text(record, plan, say, "plan_in_words"),
            outcome=say.text(f"outcome.{verdict.entry_verdict(record, self.card)}"),
            attainment=attainment,
        )
