"""The page of alerts, ``<out>/<period>/alerts.html``: what is broken now, then every target by its chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from kpi_kit.core.sanitize import isolated, shown
from kpi_kit.report import parts
from kpi_kit.report.parts.first_screen import cut_off, state_of
from kpi_kit.report.parts.markup import block
from kpi_kit.report.wording import Words, words
from kpi_kit.report.wording import alerts as wording
from kpi_kit.report.wording.alerts import Told
from kpi_kit.report.wording.rows import rows
from kpi_kit.scorecard import alerts, verdict
from kpi_kit.scorecard.alerts import Alert
from kpi_kit.scorecard.record import Brand, Scorecard


class AlertsReport:
    """The alerts of some people in words.

    Parameters
    ----------
    cards : sequence of mapping
        Interim scorecards.
    language, currency : str
    """

    def __init__(self, cards: Sequence[Scorecard], language: str, currency: str) -> None:
        self.words: Words = words(language, currency)
        self.cards: dict[str, Scorecard] = {card["specialist"]: shown(card) for card in cards}
        self.alerts: list[Alert] = sorted(
            (alert for card in self.cards.values() for alert in alerts.alerts(card)), key=alerts.urgency
        )
        self._told = {person: self._told_of(card) for person, card in self.cards.items()}

    def _told_of(self, card: Scorecard) -> Told:
        names = parts.names(card, self.words)
        by_place = {row.number - 1: row for row in rows(card, names, self.words)}
        return Told(names, parts.titles(card, self.words), by_place)

    @property
    def when(self) -> str:
        """The day of the period, the days that are left, and until when the data reach."""
        every = [
            ", ".join([state_of(card, self.words), self._left(card), cut_off(card, self.words)])
            for card in self.cards.values()
        ]
        return "; ".join(dict.fromkeys(every))

    def _left(self, card: Scorecard) -> str:
        return self.words.plural("alerts.left", alerts.days_left(card))

    def about(self, alert: Alert, *, with_name: bool = True) -> str:
        """Whom and what an alert is about."""
        what = wording.subject(alert, self._told[alert.specialist], self.words)
        name = self.cards[alert.specialist]["name"]
        return self.words.text("mail.label", name=name, kpi=self.words.inner(what)) if with_name else what

    def sentence(self, alert: Alert) -> str:
        """What is wrong, and what the rest of the period must bring."""
        card = self.cards[alert.specialist]
        return wording.sentence(alert, card, self._told[alert.specialist], self.words)

    def summary(self, found: Sequence[Alert]) -> str:
        """How many alerts there are of each kind."""
        return wording.summary(found, self.words)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each target that can be assessed, the least likely first."""
        found = []
        for person, card in self.cards.items():
            for place, entry in enumerate(card["kpis"]):
                row = self._told[person].rows[place]
                if entry["target"] is None or not entry["assessable"]:
                    continue
                chance = verdict.running_chance(entry, card)
                unknown = {"behind": 0.5}.get(row.verdict, 2.0)
                order = -1.0 if row.verdict == "impossible" else unknown if chance is None else chance
                cells = {
                    "name": row.name,
                    "person": card["name"],
                    "chance": wording.chance_cell(entry, card, self.words),
                    "fact": row.fact,
                    "plan": row.plan_whole,
                    "need": wording.need_cell(entry, card, self.words),
                    "verdict": block("outcome", row.tone, row.outcome),
                }
                found.append(((order, row.tone != "bad", row.tone != "warn", card["name"], place), cells))
        return [cells for _, cells in sorted(found, key=lambda pair: pair[0])]


def alerts_page(
    report: AlertsReport,
    period: str,
    agency: str,
    brand: Brand,
    *,
    theme: str,
    links: Sequence[tuple[str, str]] = (),
    broken: Mapping[str, str] | None = None,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    report : AlertsReport
    period, agency : str
    brand : mapping
    theme : str
        The stylesheet.
    links : sequence of (str, str)
        Texts and addresses of other pages.
    broken : mapping, optional
        Why people are missing, by their names.
    """
    say = report.words
    title = say.text("alerts.title")
    overdue = [alert for alert in report.alerts if alert.entry is None]
    columns = [
        parts.Column("name", say.text("row.kpi")),
        parts.Column("person", say.text("people.name")),
        *(
            parts.Column(key, say.text(head), numeric=True)
            for key, head in (
                ("chance", "alerts.chance"),
                ("fact", "row.fact"),
                ("plan", "row.plan_whole"),
                ("need", "alerts.needed"),
            )
        ),
        parts.Column("verdict", say.text("row.verdict")),
    ]
    found = report.rows()
    content = parts.page_part(
        "alerts",
        language=say.language,
        brand=parts.branded(brand, isolated(agency), f"{title}, {say.period(period)}"),
        nav_label=say.text("page.nav"),
        links=links,
        title=title,
        period=say.period(period),
        when=report.when,
        agency=isolated(agency),
        tone="bad" if report.alerts else "good",
        lead=report.summary(report.alerts),
        broken=[(isolated(name), isolated(why)) for name, why in (broken or {}).items()],
        overdue_heading=say.text("alerts.now"),
        overdue=[(report.about(alert), report.sentence(alert)) for alert in overdue],
        table_heading=say.text("alerts.by_chance"),
        table=parts.table("alerts-entries", columns, found, say.text("alerts.by_chance")) if found else None,
        legend=say.text("alerts.legend"),
    )
    heading = f"{title}, {say.period(period)}"
    page = {"language": say.language, "title": heading, "theme": Markup(theme), "outputs": [content]}
    return f"{parts.page_part('report/index', resources={'page': page})}\n"
