"""The figure of a KPI: its periods against target and control limits, its weeks with their trend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from kpi_kit.core.periods import Grain, Period
from kpi_kit.report.figures.canvas import (
    SIZE,
    SMALL,
    Floats,
    Frame,
    Hover,
    Label,
    Sheet,
    blank,
    caption,
    floats,
    hover_columns,
    label_right,
    panel,
    strokes,
    text_width,
    ticks,
)
from kpi_kit.report.figures.marks import Marks, mark_weeks
from kpi_kit.report.figures.theme import Theme
from kpi_kit.report.wording import Form, Words, form
from kpi_kit.report.wording.rows import fact_and_plan, plan_text
from kpi_kit.scorecard.entry_record import (
    ControlLimits,
    EntryRecord,
    HistoryPoint,
    ShockRecord,
    TrendLine,
    WeekPoint,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scale = tuple[float, float, list[float]]
"""The lowest and the highest height of a panel, and its ticks."""

NO_MARKS = Marks()
_TOP, _TALL = 26.0, 126.0
_WEEKS_TOP, _WEEKS_TALL = 200.0, 62.0
_HEIGHT, _HEIGHT_WITH_WEEKS = 174, 284
_RIGHT = 40.0
"""Pixels right of a panel, if its labels need no more."""
_FENCE = 4.0
"""Quartile ranges from the quartiles within which weeks decide the scale, if others would flatten it."""
_FLAT = 2.0
"""How many times as tall the scale of all weeks has to be for that."""


def history(
    record: EntryRecord,
    grain: Grain,
    words: Words,
    colours: Theme,
    *,
    interim: bool = False,
    happened: Marks = NO_MARKS,
    sheet: Sheet | None = None,
) -> Figure | None:
    """Draw the facts of a KPI by period against its targets and, under them, its weeks.

    Parameters
    ----------
    record : mapping
        An entry of the scorecard.
    grain : Grain
        Of the periods of its history.
    words : Words
    colours : Theme
    interim : bool
        Whether the last period is not over: it is drawn hollow, on a hatched ground.
    happened : Marks
        Events and unusual days, which are shown on weeks.
    sheet : Sheet, optional
        To draw on, instead of a new figure; what is on it is lost.

    Returns
    -------
    Figure or None
        None where no fact is known.
    """
    past, weeks = record["history"], record["weeks"]
    if all(step["value"] is None for step in past):
        return None
    weekly = grain is not Grain.WEEK and any(week["value"] is not None for week in weeks)
    how, labels = form(record), _labels(record, words, colours)
    above = _scale(_heights(record), 3)
    below = _scale(_weekly_heights(record), 2) if weekly else None
    marks = [words.tick(tick, how) for scale in (above, below) if scale for tick in scale[2]]
    left = max((text_width(mark, SMALL) for mark in marks), default=0.0) + 8
    right = max([_RIGHT, *(text_width(label.text, SIZE, label.weight) + 9 for label in labels)])
    height = _HEIGHT_WITH_WEEKS if weekly else _HEIGHT
    figure = blank(height) if sheet is None else sheet.wipe(height)
    frame = Frame(figure, _TOP, _TALL, left, right)
    axes = panel(frame, colours)
    _set_scale(axes, above, words, how)
    if grain is Grain.WEEK:
        _shocks(axes, record["shocks"], [step["period"] for step in past], colours)
    _facts(axes, record, colours, interim=interim)
    if grain is Grain.WEEK:
        facts = [step["value"] for step in past]
        mark_weeks(axes, [step["period"] for step in past], facts, happened, colours)
    _name_periods(axes, past, words)
    label_right(axes, labels, _TALL)
    caption(axes, frame, f"{words.axis(how)}, {words.text(f'period.by.{grain}')}", colours)
    if below:
        frame = Frame(figure, _WEEKS_TOP, _WEEKS_TALL, left, right)
        axes = panel(frame, colours)
        _set_scale(axes, below, words, how)
        _weeks(axes, record, colours)
        mark_weeks(
            axes, [week["week"] for week in weeks], [week["value"] for week in weeks], happened, colours
        )
        _name_weeks(axes, weeks, words)
        caption(axes, frame, f"{words.axis(how)}, {words.text('period.by.week')}", colours)
    return figure


def hovers(figure: Figure, record: EntryRecord, words: Words, happened: Marks = NO_MARKS) -> list[Hover]:
    """Fact and plan of each period, value and events of each week, at their places in a figure."""
    panels = [axes for axes in figure.axes if axes.get_visible()]
    how = form(record)
    periods = [_said_of_period(step, how, words) for step in record["history"]]
    found = hover_columns(panels[0], periods)
    if len(panels) > 1:
        weeks = [_said_of_week(week, how, happened, words) for week in record["weeks"]]
        found += hover_columns(panels[1], weeks)
    return found


def _said_of_period(step: HistoryPoint, how: Form, words: Words) -> str:
    fact = "—" if step["value"] is None else words.value(step["value"], how)
    text = f"{words.period(step['period'])}: {fact}"
    target = step["target"]
    if target is None:
        return text
    if isinstance(target, Sequence):
        plan = words.range(*(words.value(bound, how) for bound in target))
    else:
        plan = words.value(target, how)
    return f"{text}; {words.inner(words.text('row.plan'))} {plan}"


def _said_of_week(week: WeekPoint, how: Form, happened: Marks, words: Words) -> str | None:
    if week["value"] is None:
        return None
    span = Period.parse(week["week"])
    names = [
        name
        for (since, until), name in zip(happened.events, happened.names, strict=False)
        if span.start < until and since < span.end
    ]
    text = f"{words.short(week['week'])}: {words.value(week['value'], how)}"
    return "; ".join([text, *map(words.quote, names)])


# ---- periods


def _facts(axes: Axes, record: EntryRecord, colours: Theme, *, interim: bool) -> None:
    """Targets, limits and facts, from the ground to the front."""
    past = record["history"]
    values, places = floats(step["value"] for step in past), np.arange(len(past), dtype=float)
    axes.set_xlim(-0.6, len(past) - 0.4)
    _targets(axes, past, places, colours)
    _limits(axes, record["control"], colours)
    whole = values.copy()
    if interim:
        _unfinished(axes, values, colours)
        whole[-1] = np.nan
    axes.plot(places, whole, color=colours.fact, lw=1.5)
    strokes(axes, places, places + 1e-3, whole, colours.fact, 3.6)
    if interim:
        axes.plot(places[-1:], values[-1:], "o", ms=6, mfc=colours.surface, mec=colours.fact, mew=1.5)
    else:
        axes.plot(places[-1:], values[-1:], "o", ms=6.4, mfc=colours.fact, mec=colours.surface, mew=0.9)
    outside = np.array([step["outside"] is True for step in past])
    if outside.any():
        axes.plot(
            places[outside], values[outside], "D", ms=6.4, mfc=colours.ink, mec=colours.surface, mew=0.9
        )


def _targets(axes: Axes, past: Sequence[HistoryPoint], places: Floats, colours: Theme) -> None:
    """One dash a period, or one box where the target is a band: so a single target is seen too."""
    lows, highs = (floats(_bound(step["target"], end) for step in past) for end in (0, -1))
    known = ~np.isnan(lows)
    x, low, high = places[known], lows[known], highs[known]
    if (high > low).any():
        sides = np.stack([places - 0.5, places + 0.5], axis=1).ravel()
        axes.fill_between(sides, np.repeat(lows, 2), np.repeat(highs, 2), color=colours.band, lw=0)
        x, low = np.tile(x, 2), np.concatenate([low, high])
    strokes(axes, x - 0.38, x + 0.38, low, colours.target, 1.6)


def _limits(axes: Axes, control: ControlLimits, colours: Theme) -> None:
    """Control limits as dotted lines from edge to edge: a target is dashes, and never dots."""
    if control["low"] is None or control["high"] is None:
        return
    low, high = axes.get_xlim()
    axes.hlines(
        [control["low"], control["high"]],
        low,
        high,
        color=colours.muted,
        lw=1.1,
        linestyles=(0.0, (0.1, 2.4)),
        capstyle="round",
    )


def _unfinished(axes: Axes, values: Floats, colours: Theme) -> None:
    """The ground of a period that is not over, and the way to its fact."""
    last = len(values) - 1
    ground = Rectangle(
        (last - 0.5, 0), 1, 1, transform=axes.get_xaxis_transform(), facecolor="none", lw=0, hatch="////"
    )
    ground.set_edgecolor((*to_rgb(colours.week), 0.6))
    axes.add_patch(ground)
    axes.plot([last - 1, last], values[-2:] if last else [np.nan, np.nan], color=colours.fact, lw=1.2, ls=":")


def _labels(record: EntryRecord, words: Words, colours: Theme) -> list[Label]:
    """What stands at the right edge: the latest fact and its target."""
    last = record["history"][-1]
    low, high = (_bound(last["target"], end) for end in (0, -1))
    found = []
    fact, plan = fact_and_plan(record, words)
    if last["value"] is not None and fact is not None:
        found.append(Label(last["value"], fact.text, colours.fact, "bold"))
    if record["target"] is not None and low is not None and high is not None:
        found.append(
            Label((low + high) / 2, plan_text(record, plan, words, "target"), colours.target, "normal")
        )
    return found


def _name_periods(axes: Axes, past: Sequence[HistoryPoint], words: Words) -> None:
    shown = _first_middle_last(len(past))
    axes.set_xticks(shown, [words.short(past[place]["period"]) for place in shown])


def _heights(record: EntryRecord) -> Floats:
    """Every height that the upper panel has to show."""
    past, control = record["history"], record["control"]
    bounds = [_bound(step["target"], end) for step in past for end in (0, -1)]
    return floats([*(step["value"] for step in past), *bounds, control["low"], control["high"]])


# ---- weeks


def _weeks(axes: Axes, record: EntryRecord, colours: Theme) -> None:
    weeks = record["weeks"]
    axes.set_xlim(-1, len(weeks))
    _shocks(axes, record["shocks"], [week["week"] for week in weeks], colours)
    line = record["trend"] and record["trend"]["line"]
    if line:
        axes.add_collection(PolyCollection(_bow_tie(line), facecolor=colours.trend, lw=0))
    places = np.arange(len(weeks), dtype=float)
    values = floats(week["value"] for week in weeks)
    strokes(axes, places, places + 1e-3, values, colours.week, 2.6)
    _beyond(axes, values, colours)
    if line:
        axes.plot(
            [line["first"], line["last"]], [line["start"][1], line["end"][1]], color=colours.fact, lw=1.5
        )


def _beyond(axes: Axes, values: Floats, colours: Theme) -> None:
    """An arrow at the edge for each week that is off the scale."""
    low, high = axes.get_ylim()
    along = axes.get_xaxis_transform()
    for off, tail, tip, marker in ((values > high, 0.82, 0.97, "^"), (values < low, 0.18, 0.03, "v")):
        x = np.flatnonzero(off)
        if x.size:
            axes.vlines(x, tail, tip, color=colours.week, lw=1, transform=along)
            axes.plot(x, [tip] * x.size, marker, ms=3.4, color=colours.week, transform=along, clip_on=False)


def off_scale(record: EntryRecord) -> bool:
    """Whether a week of an entry is drawn as an arrow at the edge, for the legend."""
    known = [week["value"] for week in record["weeks"] if week["value"] is not None]
    if not known:
        return False
    heights = _weekly_heights(record)
    return bool(heights.min() > min(known) or heights.max() < max(known))


def _bow_tie(line: TrendLine) -> list[Floats]:
    """Two triangles that meet half-way: the ways that the slope's interval allows."""
    (low, _, high), (end_low, _, end_high) = line["start"], line["end"]
    first, last = line["first"], line["last"]
    middle = ((first + last) / 2, line["middle"])
    return [
        np.array([(first, low), (first, high), middle]),
        np.array([(last, end_low), (last, end_high), middle]),
    ]


def _shocks(axes: Axes, shocks: Sequence[ShockRecord], weeks: Sequence[str], colours: Theme) -> None:
    """Weeks in which a platform moved as a whole: a thin line, and a triangle that points its way."""
    place_of = {week: place for place, week in enumerate(weeks)}
    for direction, marker, foot in (("rose", "^", 0.04), ("fell", "v", 0.96)):
        found = [shock["week"] for shock in shocks if shock["direction"] == direction]
        x = sorted({place_of[week] for week in found if week in place_of})
        if not x:
            continue
        along = axes.get_xaxis_transform()
        axes.vlines(x, 0, 1, color=colours.muted, lw=0.6, transform=along)
        axes.plot(
            x,
            [foot] * len(x),
            marker,
            ms=5,
            mfc=colours.muted,
            mec=colours.surface,
            mew=0.5,
            transform=along,
            clip_on=False,
        )


def _name_weeks(axes: Axes, weeks: Sequence[WeekPoint], words: Words) -> None:
    shown = _first_middle_last(len(weeks))
    months = [Period.containing(Period.parse(weeks[place]["week"]).start, Grain.MONTH) for place in shown]
    axes.set_xticks(shown, [words.short(str(month)) for month in months])


def _weekly_heights(record: EntryRecord) -> Floats:
    """The heights that decide the lower panel's scale: few far weeks must not flatten all the others."""
    line = record["trend"] and record["trend"]["line"]
    ways = floats([*line["start"], *line["end"]] if line else [])
    weeks = floats(week["value"] for week in record["weeks"] if week["value"] is not None)
    first, third = np.percentile(weeks, [25, 75])
    reach = _FENCE * (third - first)
    near = np.concatenate([weeks[(weeks >= first - reach) & (weeks <= third + reach)], ways])
    every = np.concatenate([weeks, ways])
    return near if 0 < _FLAT * np.ptp(near) < np.ptp(every) else every


# ---- both


def _scale(heights: Floats, count: int) -> Scale:
    """What a panel has to reach, with a little room, and at most ``count`` + 1 ticks."""
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    found = ticks(low, high, room, count)
    if count == 2 and len(found) > 2:
        found = [found[0], found[-1]]
    return low - room, high + room, found


def _set_scale(axes: Axes, scale: Scale, words: Words, how: Form) -> None:
    low, high, found = scale
    axes.set_ylim(low, high)
    axes.set_yticks(found, [words.tick(tick, how) for tick in found])


def _first_middle_last(count: int) -> list[int]:
    return sorted({0, (count - 1) // 2, count - 1})


def _bound(target: Any, end: int) -> float | None:
    if isinstance(target, Sequence):
        return float(target[end])
    return None if target is None else float(target)
