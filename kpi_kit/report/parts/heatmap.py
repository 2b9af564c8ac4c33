"""The department's map of attainment: KPIs down the page, people across, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from kpi_kit.report.parts.marks import icon
from kpi_kit.report.parts.markup import tag
from kpi_kit.report.wording import Words


class Cell(NamedTuple):
    """How a person stands with a KPI: the state, and the attainment in words or None."""

    state: str
    attainment: str | None


def heatmap(people: Mapping[str, str], kpis: Mapping[str, Mapping[str, Cell]], words: Words) -> Markup:
    """Tabulate attainment; on a phone a row turns into the KPI's name and a tile a person.

    Parameters
    ----------
    people : mapping
        Id -> name of the specialists, in their order.
    kpis : mapping
        Name of a KPI -> id -> cell; a person who does not have the KPI has no cell.
    words : Words
    """
    names = (tag("th", tag("span", name), scope="col") for name in people.values())
    head = tag("tr", tag("th", words.text("scorecard.kpi"), scope="col"), *names)
    rows = [
        tag("tr", tag("th", kpi, scope="row"), *(_cell(people[who], cells.get(who), words) for who in people))
        for kpi, cells in kpis.items()
    ]
    shown = tag("table", tag("thead", head), tag("tbody", *rows), class_="k-map")
    name = words.text("department.heatmap")
    return tag("div", shown, class_="k-wide", tabindex="0", role="region", aria_label=name)


def key(words: Words) -> Markup:
    """Explain the colours and patterns of the cells."""
    shown = ("attained", "missed", "below", "not_assessable", "no_target")
    keys = [
        tag("li", tag("i", icon(state), class_=f"k-tile k-on-{state}"), words.text(f"state.{state}"))
        for state in shown
    ]
    return tag("ul", *keys, class_="k-key")


def _cell(person: str, cell: Cell | None, words: Words) -> Markup:
    if cell is None:
        return Markup("<td></td>")
    state = words.text(f"state.{cell.state}")
    text = tag("b", icon(cell.state), cell.attainment or "—", title=state)
    spoken = tag("span", state, class_="k-spoken")
    return tag("td", text, " ", spoken, data_label=person, class_=f"k-on-{cell.state}")
