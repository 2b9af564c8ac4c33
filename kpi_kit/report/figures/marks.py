"""Events and unusual days on the figure of a KPI."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kpi_kit.core.periods import Period
from kpi_kit.report.figures.canvas import floats
from kpi_kit.report.figures.theme import Theme
from kpi_kit.scorecard.entry_record import EntryRecord
from kpi_kit.scorecard.record import Scorecard

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Marks(NamedTuple):
    """Events from a day up to another with their names, and unusual days."""

    events: Sequence[tuple[dt.date, dt.date]] = ()
    unusual: Sequence[dt.date] = ()
    names: Sequence[str] = ()


def marks(card: Scorecard, record: EntryRecord) -> Marks:
    """The events that concern the accounts or brands of an entry, and the unusual days that it shows."""
    owners = {part.get("account_id", part.get("brand")) for part in (*record["accounts"], *record["brands"])}
    events = [event for event in card.get("events", ()) if owners & set(event["concerns"])]
    return Marks(
        [(dt.date.fromisoformat(event["since"]), dt.date.fromisoformat(event["until"])) for event in events],
        [
            dt.date.fromisoformat(day["date"])
            for day in card.get("anomalies", ())
            if day["account_id"] in owners and record["kpi"] in day["kpis"]
        ],
        [str(event["title"][card["language"]]) for event in events],
    )


def mark_weeks(
    axes: Axes, weeks: Sequence[str], values: Sequence[float | None], shown: Marks, colours: Theme
) -> None:
    """A thick stroke on the ground under the weeks of an event, a ring around weeks with unusual days."""
    if not shown.events and not shown.unusual:
        return
    spans = [Period.parse(week) for week in weeks]
    along = axes.get_xaxis_transform()
    for since, until in shown.events:
        at = [place for place, week in enumerate(spans) if week.start < until and since < week.end]
        if at:
            axes.plot(
                [at[0] - 0.45, at[-1] + 0.45],
                [0, 0],
                color=colours.ink,
                lw=3.2,
                solid_capstyle="butt",
                transform=along,
                clip_on=False,
            )
    ringed = [
        place
        for place, week in enumerate(spans)
        if values[place] is not None and any(week.start <= day < week.end for day in shown.unusual)
    ]
    if ringed:
        heights = floats(values[place] for place in ringed)
        axes.plot(ringed, heights, "o", ms=7.5, mfc="none", mec=colours.ink, mew=1.1)
