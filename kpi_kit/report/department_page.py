"""The report of the department: a row a person, worst first, their KPIs, a year of totals, who stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kpi_kit.core.periods import Period
from kpi_kit.core.sanitize import isolated, shown
from kpi_kit.data.status import Row
from kpi_kit.report import figures, parts
from kpi_kit.report.added import Additions
from kpi_kit.report.parts import first_screen
from kpi_kit.report.section import THEME, Section, build
from kpi_kit.report.wording import Form, story, verdicts, words
from kpi_kit.scorecard import verdict
from kpi_kit.scorecard.department import view
from kpi_kit.scorecard.department_record import FunnelRecord, JudgedPoint
from kpi_kit.scorecard.entry_record import required
from kpi_kit.scorecard.record import Brand, Scorecard


class DepartmentReport(Additions):
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
    folder : Path or None
        Where the reports of the period are.
    comment : str or None
        What the head of the department has to say, as Markdown.
    rows : sequence of Row
        Which data are there, by account, table and month.
    """

    def __init__(
        self,
        period: str,
        cards: Sequence[Scorecard],
        failed: Mapping[str, str],
        language: str,
        currency: str,
        missing: Sequence[str] = (),
        folder: Path | None = None,
        comment: str | None = None,
        rows: Sequence[Row] = (),
    ) -> None:
        self.period = period
        self.folder = folder
        ordered = verdict.worst_first(cards)
        self.view = view(ordered, rows)
        self._rows = [replace(row, owner=isolated(row.owner), title=isolated(row.title)) for row in rows]
        self.cards: list[Scorecard] = shown(ordered)
        self.failed = {isolated(name): isolated(why) for name, why in sorted(failed.items())}
        self.missing: list[str] = shown(sorted(missing))
        self._comment: str | None = shown(comment)
        self._words = words(language, currency)

    def __repr__(self) -> str:
        return f"<report department {self.period}>"

    def header(self) -> Section | None:
        """The first screen: whose department, which period, the month in one sentence."""
        say = self._words
        agency = next((card["agency"] for card in self.cards), None)
        brand = next((card["brand"] for card in self.cards), Brand(logo=None, accent=None))
        title, period = say.text("department.title"), say.period(self.period)
        named = {card["specialist"]: parts.names(card, say) for card in self.cards}
        states = list(dict.fromkeys(first_screen.state_of(card, say) for card in self.cards))
        moments = list(dict.fromkeys(first_screen.cut_off(card, say) for card in self.cards))
        troubled = verdict.attention(self.cards) or self.failed
        return Section(
            "header",
            parts.page_part(
                "department",
                language=say.language,
                brand=parts.branded(brand, agency, f"{title}, {period}"),
                nav_label=say.text("page.nav"),
                links=self._links(),
                contents=[(say.text(f"page.contents.{name}"), f"#{name}") for name in self._contents()],
                title=title,
                period=period,
                state=states[0] if len(states) == 1 else "",
                when="; ".join(moments),
                agency=agency,
                tone="bad" if troubled else "good",
                lead=" ".join(story.month(self.cards, named, say)),
            ),
        )

    def people(self) -> Section | None:
        """A row a person, worst first: total, payout, what costs most, why, what next."""
        if not self.cards and not self.failed:
            return None
        shown = parts.people_table(self.cards, self.failed, self.missing, self._words)
        return self._section("people", "people.heading", shown)

    def comment(self) -> Section | None:
        """What the head of the department has to say."""
        return self._section("comment", "page.comment", parts.comment(self._comment))

    def groups(self) -> Section | None:
        """A row a person with their own KPIs as cells."""
        return self._section("groups", "department.heatmap", parts.cells(self.cards, self._words))

    def year(self) -> Section | None:
        """Twelve months of totals."""
        return self._section("year", "people.year", parts.year(self.cards, self._words))

    def funnels(self) -> Section | None:
        """Who differs from the rest by more than chance, instead of a league table."""
        say = self._words
        found = [funnel for funnel in self.view["funnels"] if funnel["curve"]]
        if not found:
            return None
        with figures.drawing():
            shown = [self._funnel(funnel) for funnel in found]
        legend = parts.paragraph(say.text("department.funnels_legend"), "k-legend")
        grid = parts.page_part("figures", figures=shown, values=say.text("page.values"))
        return self._section("funnels", "department.funnels", legend, grid)

    def shocks(self) -> Section | None:
        """The weeks in which all accounts of a platform moved together."""
        say = self._words
        found = [
            parts.block(
                "labelled",
                say.sentence(say.text(f"measure.{shock['measure']}")),
                verdicts.shock_sentence(shock, say),
            )
            for shock in self.view["shocks"]
        ]
        return self._section("shocks", "statistics.shocks", parts.items(found))

    def data(self) -> Section | None:
        """Up to when the data reach, what cannot be assessed and why, and which tables are there."""
        return self._section(
            "data", "department.data", parts.data_status(self.cards, self._rows, self._words)
        )

    def _section(self, name: str, heading: str, *content: str | None) -> Section | None:
        return build(self._words, name, self._words.text(heading), *content)

    def _links(self) -> list[tuple[str, str]]:
        """The previous period where its page is there, and the list of periods, which a run makes last."""
        say, previous = self._words, str(Period.parse(self.period).previous)
        links = [(say.text("page.all_periods"), "../index.html")]
        if self.folder and (self.folder.parent / previous / "department" / "department.json").is_file():
            links.insert(0, (f"← {say.period(previous)}", f"../{previous}/index.html"))
        return links

    def _contents(self) -> list[str]:
        has_year = any(len(card.get("totals", ())) > 1 for card in self.cards)
        has_funnel = any(funnel["curve"] for funnel in self.view["funnels"])
        shown = {"people": bool(self.cards), "groups": bool(self.cards), "year": has_year}
        shown |= {"funnels": has_funnel, "data": bool(self.cards)}
        return [name for name, is_there in shown.items() if is_there]

    def _funnel(self, found: FunnelRecord) -> dict[str, Any]:
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
            for strength in ("exceptional",)
        }
        centre = say.value(required(found["centre"]), how)
        few = found["reason"] == "few_people"
        sentences = [
            say.text(f"department.funnel_{strength}", names=names)
            for strength, names in told.items()
            if names
        ]
        message = " ".join(
            [
                say.text("department.funnel_centre", centre=centre),
                *(sentences or [say.text("department.funnel_few" if few else "department.funnel_usual")]),
            ]
        )
        name, volume = say.text(f"kpi.{found['kpi']}.name"), say.text(f"kpi.{found['kpi']}.volume")
        colours = self._theme()
        figure = figures.funnel({**found, "points": points}, volume, say, colours)
        rows = [
            [self._who(point), say.number(point["volume"]), say.value(point["value"], how)]
            for point in points
        ]
        spots = [
            (point["volume"], point["value"], f"{row[0]}: {row[2]}")
            for point, row in zip(points, rows, strict=True)
        ]
        return {
            "id": f"funnel-{found['kpi']}",
            "heading": name,
            "message": message,
            "alt": say.text("department.funnel_alt", kpi=name, volume=volume, message=message),
            "drawing": figures.inline(figure, colours, figures.hover_spots(figure.axes[0], spots)),
            "heads": [say.text("people.name"), volume, say.text("row.fact")],
            "rows": rows,
        }

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
