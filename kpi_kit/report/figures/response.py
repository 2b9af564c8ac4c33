"""How fast inquiries were answered, as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator

from kpi_kit.report.figures.canvas import SIZE, SMALL, Frame, blank, caption, panel
from kpi_kit.report.figures.theme import Theme
from kpi_kit.report.wording import Form, Words
from kpi_kit.scorecard.record import ResponseTimes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def response(found: ResponseTimes, words: Words, colours: Theme) -> Figure:
    """Draw the share of inquiries answered by the time that they waited, with the SLA as a line."""
    figure = blank(206)
    frame = Frame(figure, top=40, tall=126, left=32, right=14)
    axes = panel(frame, colours, named=True)
    sla = found["sla_hours"]
    hours = [0.0, *(step["hours"] for step in found["curve"])]
    shares = [0.0, *(step["answered"] for step in found["curve"])]
    end = max(sla * 1.25, min(hours[-1], sla * 2))
    x, y = [*hours, max(end, hours[-1])], [*shares, shares[-1]]
    axes.fill_between(x, y, step="post", color=colours.fact, alpha=0.12, lw=0)
    axes.plot(x, y, drawstyle="steps-post", color=colours.fact, lw=1.8)
    axes.plot([sla, sla], [0, 1.04], color=colours.target, lw=1.4, dashes=(4, 2))
    axes.set_xlim(0, end)
    axes.set_ylim(0, 1.04)
    label = words.text("response.sla", sla=words.value(sla, Form("hours")))
    axes.text(sla, 1.05, label, color=colours.target, size=SIZE, ha="center", va="bottom")
    marks = [tick for tick in MaxNLocator(5, steps=[1, 2, 3, 6, 10]).tick_values(0, end) if tick <= end]
    axes.set_xticks(marks, [words.number(tick, 1) for tick in marks])
    axes.set_yticks([0, 0.5, 1], [words.number(share * 100) for share in (0.0, 0.5, 1.0)])
    axes.set_xlabel(words.text("response.hours"), size=SMALL, color=colours.muted, labelpad=2)
    caption(axes, frame._replace(top=0), words.text("response.answered"), colours)
    return figure
