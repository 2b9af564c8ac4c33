"""Figures: what is drawn, in whose colours, and that a figure is a small, self-contained SVG."""

from __future__ import annotations

import datetime as dt
import re
import time
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kpi_kit.core.errors import ReportError
from kpi_kit.core.periods import Grain, Period
from kpi_kit.report import THEME, DepartmentReport, SpecialistReport, figures, parts
from kpi_kit.report.figures.canvas import spread
from kpi_kit.report.figures.history import _bow_tie, _weekly_heights
from kpi_kit.report.wording import Words, words
from tests import cards

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def say() -> Words:
    return words("ru", "RUB")


@pytest.fixture
def colours() -> figures.Theme:
    return figures.theme(THEME)


def drawn(record: dict[str, Any], say: Words, grain: Grain = Grain.MONTH, *, interim: bool = False) -> str:
    with figures.drawing():
        figure = figures.history(record, grain, say, figures.theme(THEME), interim=interim)
        assert figure is not None
        return figures.svg(figure)


def texts(image: str) -> list[str]:
    found = ["".join(node.itertext()) for node in ElementTree.fromstring(image).iter(f"{SVG}text")]
    return [text.replace("\u202f", " ").replace("\u00a0", " ") for text in found]


def test_colours_come_from_the_stylesheet(colours: figures.Theme) -> None:
    root = re.search(r":root\s*\{(.*?)\}", THEME.read_text(encoding="utf-8"), re.DOTALL)
    assert root is not None
    for name in figures.Theme.__dataclass_fields__:
        assert f"--k-{name}: {getattr(colours, name)};" in root[1]


def test_a_missing_colour_is_named(tmp_path: Path) -> None:
    path = tmp_path / "theme.css"
    path.write_text(":root { --k-ink: #000; }", encoding="utf-8")
    with pytest.raises(ReportError, match=r"theme\.css: :root does not set --k-muted, --k-line"):
        figures.theme(path)
    with pytest.raises(ReportError, match="cannot be read"):
        figures.theme(tmp_path / "none.css")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("name", ["ink", "muted", "fact", "target"])
def test_text_colours_have_enough_contrast(colours: figures.Theme, name: str) -> None:
    """WCAG AA asks for 4.5 : 1."""
    light, dark = luminance(colours.surface), luminance(getattr(colours, name))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_figure_names_its_unit_its_value_and_its_target(say: Words) -> None:
    found = texts(drawn(cards.entries()[0], say))
    assert {"человек, по месяцам", "человек, по неделям", "1 284", "≥ 1 000", "окт 24", "окт 25"} <= set(
        found
    )


def test_a_level_on_its_way_to_a_milestone(say: Words) -> None:
    found = texts(drawn(cards.milestone(), say))
    assert {"33 412", "≥ 33 849", "30 тыс."} <= set(found)


LONG = [("en", 400_000.0, "≥ RUB 400,000"), ("en", 12_400_000.0, "≥ RUB 12,400,000"), ("ru", 5.0, "≥ 5 ₽")]


@pytest.mark.parametrize(("language", "target", "label"), LONG)
def test_labels_end_within_the_figure(
    colours: figures.Theme, language: str, target: float, label: str
) -> None:
    goal = {"kind": "at_least", "value": target, "base": 0.0}
    record = cards.entry("sales_amount", "sales", "money", target * 0.8, target=goal)
    with figures.drawing():
        figure = figures.history(record, Grain.MONTH, words(language, "RUB"), colours)
        assert figure is not None
        canvas = FigureCanvasAgg(figure)
        top = figure.axes[0]
        ends = [text.get_window_extent(canvas.get_renderer()).x1 for text in top.texts]
        shown = [text.get_text().replace("\u202f", " ").replace("\u00a0", " ") for text in top.texts]
    assert label in shown
    assert max(ends) <= figure.bbox.x1


def test_short_labels_leave_no_blank_margin(say: Words, colours: figures.Theme) -> None:
    with figures.drawing():
        drawn_ = figures.history(cards.entries()[2], Grain.MONTH, say, colours)
        curve = figures.response(cards.sections()["response"], say, colours)
    assert drawn_ is not None
    assert drawn_.axes[0].get_position().x1 > 0.85
    assert curve.axes[0].get_position().x1 > 0.95


def test_the_low_panel_of_weeks_has_room_for_two_ticks(say: Words, colours: figures.Theme) -> None:
    with figures.drawing():
        for record in cards.entries():
            figure = figures.history(record, Grain.MONTH, say, colours)
            assert figure is not None
            assert all(len(panel.get_yticks()) <= 2 for panel in figure.axes[1:])


def test_a_band_is_a_box(say: Words, colours: figures.Theme) -> None:
    image = drawn(cards.entries()[3], say)
    assert image.count(f"fill:{colours.band}") == 1
    assert "25–60 %" in texts(image)


def test_a_week_has_no_panel_of_weeks(say: Words) -> None:
    found = texts(drawn(cards.entries()[2] | {"history": WEEKS}, say, Grain.WEEK))
    assert [text for text in found if "по неделям" in text] == ["%, по неделям"]


WEEKS = [
    {"period": f"2025-W{week}", "value": week / 1000, "target": 0.03, "outside": None}
    for week in range(30, 43)
]


def test_nothing_known_is_nothing_drawn(say: Words, colours: figures.Theme) -> None:
    for record in cards.unassessable()["kpis"]:
        assert figures.history(record, Grain.MONTH, say, colours) is None


NO_LIMITS = {"n": 1, "centre": None, "low": None, "high": None, "reason": "few_points"}
FLAT = [
    [{"period": "2025-10", "value": 0.0, "target": None}],
    [{"period": "2025-09", "value": 5.0, "target": 5.0}, {"period": "2025-10", "value": 5.0, "target": 5.0}],
    [
        {"period": "2025-09", "value": None, "target": 7.0},
        {"period": "2025-10", "value": -5.0, "target": None},
    ],
    [
        {"period": "2025-09", "value": 5.0, "target": None},
        {"period": "2025-10", "value": None, "target": None},
    ],
    [
        {"period": "2025-09", "value": 1e12, "target": 1e-3},
        {"period": "2025-10", "value": 2e12, "target": [1, 2]},
    ],
]


@pytest.mark.parametrize("history", FLAT)
def test_flat_short_and_huge_histories_are_drawn(say: Words, history: list[dict[str, Any]]) -> None:
    past = [step | {"outside": None} for step in history]
    record = cards.entries()[0] | {"history": past, "weeks": [], "target": None, "control": NO_LIMITS}
    for interim in (False, True):
        assert drawn(record, say, interim=interim).startswith("<svg")


# ---- limits, unfinished periods, trend, shocks


def panels(record: dict[str, Any], say: Words, colours: figures.Theme, *, interim: bool = False) -> list[Any]:
    with figures.drawing():
        figure = figures.history(record, Grain.MONTH, say, colours, interim=interim)
    assert figure is not None
    return figure.axes


def marked(axes: Any, marker: str) -> list[list[float]]:
    """Where the marks of a shape stand."""
    return [list(line.get_xdata()) for line in axes.lines if line.get_marker() == marker]


def test_control_limits_are_dotted_and_targets_are_not(say: Words, colours: figures.Theme) -> None:
    record = cards.entries()[0] | {"control": {"n": 12, "centre": 1000.0, "low": 800.0, "high": 1200.0}}
    top = panels(record, say, colours)[0]
    dotted = [lines for lines in top.collections if any(dash for _, dash in lines.get_linestyle())]
    assert [[segment[0][1] for segment in lines.get_segments()] for lines in dotted] == [[800.0, 1200.0]]
    low, high = top.get_ylim()
    assert low < 800 and high > 1200


def test_no_limits_no_dots(say: Words, colours: figures.Theme) -> None:
    top = panels(cards.entries()[0] | {"control": NO_LIMITS}, say, colours)[0]
    assert not any(dash for lines in top.collections for _, dash in lines.get_linestyle())


def test_a_fact_outside_the_limits_has_another_shape(say: Words, colours: figures.Theme) -> None:
    record = cards.entries()[0]
    assert marked(panels(record, say, colours)[0], "D") == []
    record["history"][4]["outside"] = record["history"][12]["outside"] = True
    assert marked(panels(record, say, colours)[0], "D") == [[4.0, 12.0]]


def test_an_unfinished_period_is_hollow_and_hatched(say: Words, colours: figures.Theme) -> None:
    whole, unfinished = (
        panels(cards.entries()[0], say, colours, interim=interim)[0] for interim in (False, True)
    )
    assert [patch.get_hatch() for patch in whole.patches] == []
    assert [patch.get_hatch() for patch in unfinished.patches] == ["////"]
    last = [line for line in unfinished.lines if list(line.get_xdata()) == [12.0]]
    assert [line.get_markerfacecolor() for line in last] == [colours.surface]
    joined = next(line for line in unfinished.lines if len(line.get_xdata()) == 13)
    assert np.isnan(joined.get_ydata()[-1])


LINE = {"first": 4, "last": 55, "start": [90.0, 100.0, 110.0], "middle": 120.0, "end": [130.0, 140.0, 150.0]}


def test_the_trend_is_a_bow_tie_that_meets_half_way() -> None:
    left, right = _bow_tie(LINE)
    assert left.tolist() == [[4, 90], [4, 110], [29.5, 120]]
    assert right.tolist() == [[55, 130], [55, 150], [29.5, 120]]


def trending(**given: Any) -> dict[str, Any]:
    return cards.entries()[0] | {"trend": {"grain": "week", "line": LINE}} | given


def test_the_trend_is_drawn_from_the_first_to_the_last_known_week(say: Words, colours: figures.Theme) -> None:
    low = panels(trending(), say, colours)[1]
    assert [list(line.get_ydata()) for line in low.lines if list(line.get_xdata()) == [4, 55]] == [[100, 140]]
    assert low.get_ylim()[0] < 90
    without = panels(trending(trend={"grain": "month", "line": None}), say, colours)[1]
    assert [line for line in without.lines if list(line.get_xdata()) == [4, 55]] == []


def test_shocks_point_the_way_the_platform_went(say: Words, colours: figures.Theme) -> None:
    record = trending()
    weeks = [week["week"] for week in record["weeks"]]
    shock = {"platform": "vk", "median": -0.2, "accounts": 14}
    record["shocks"] = [
        shock | {"week": weeks[50], "direction": "fell"},
        shock | {"week": weeks[50], "direction": "fell", "platform": "ok"},
        shock | {"week": weeks[53], "direction": "rose"},
        shock | {"week": "2031-W01", "direction": "rose"},
    ]
    low = panels(record, say, colours)[1]
    assert marked(low, "v") == [[50]]
    assert marked(low, "^") == [[53]]


def test_shocks_of_a_weekly_report_stand_among_its_periods(say: Words, colours: figures.Theme) -> None:
    shock = {"platform": "vk", "week": "2025-W42", "direction": "rose", "median": 0.2, "accounts": 14}
    record = cards.entries()[2] | {"history": WEEKS, "shocks": [shock]}
    with figures.drawing():
        figure = figures.history(record, Grain.WEEK, say, colours)
    assert figure is not None
    assert [marked(axes, "^") for axes in figure.axes] == [[[12]]]


def weekly(values: list[float | None]) -> dict[str, Any]:
    return {"weeks": [{"week": "", "value": value} for value in values], "trend": None}


SCALES = [
    ([5.0], [5.0]),
    ([5.0, 5.0, 5.0], [5.0]),
    ([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]),
    # quartiles 2 and 4, so what is over 4 + 4 · 2 = 12 is far, and would flatten the rest
    ([1.0, 2.0, None, 3.0, 4.0, 100.0], [1.0, 2.0, 3.0, 4.0]),
    ([0.0, 0.0, 0.0, 0.0, 9.0], [0.0, 9.0]),
]


@pytest.mark.parametrize(("values", "kept"), SCALES)
def test_few_far_weeks_do_not_flatten_the_others(values: list[float | None], kept: list[float]) -> None:
    assert sorted(set(_weekly_heights(weekly(values)))) == kept


def test_a_week_off_the_scale_is_an_arrow(say: Words, colours: figures.Theme) -> None:
    record = trending(trend=None)
    assert not figures.off_scale(record)
    record["weeks"][7]["value"] = 1e6
    assert figures.off_scale(record)
    assert not figures.off_scale(record | {"weeks": []})
    assert marked(panels(record, say, colours)[1], "^") == [[7]]


PLACES = [([], []), ([3.0], [3.0]), ([1.0, 1.0], [0.5, 1.5]), ([1.0, 3.0], [1.0, 3.0])]


@pytest.mark.parametrize(("spots", "apart"), PLACES)
def test_labels_are_moved_no_further_than_it_takes(spots: list[float], apart: list[float]) -> None:
    assert spread(spots, 1.0) == apart


@given(st.lists(st.floats(-100, 100), max_size=8))
def test_labels_never_overlap(spots: list[float]) -> None:
    found = spread(sorted(spots), 1.0)
    assert len(found) == len(spots)
    assert all(after - before >= 1 - 1e-6 for before, after in pairwise(found))


# ---- the key to the figures


def keys(html: str) -> int:
    return html.count("<li>")


def test_the_legend_explains_only_what_is_drawn(say: Words) -> None:
    bare = cards.entries()[0] | {"control": NO_LIMITS, "weeks": []}
    # fact, latest, target
    assert keys(str(parts.legend([bare], say, interim=False, weekly=True, far=True))) == 3
    record = trending()
    record["history"][3]["outside"] = True
    record["shocks"] = [{"week": "2025-W41", "direction": "fell"}]
    everything = [record, cards.entries()[3]]
    assert keys(str(parts.legend(everything, say, interim=True, weekly=True, far=True))) == 10
    # a report of one week has no weeks under its periods, so neither their trend nor their scale
    assert keys(str(parts.legend(everything, say, interim=True, weekly=False, far=True))) == 7


# ---- the department's funnel

PEOPLE = [
    {"name": "Анна", "value": 0.04, "volume": 2300.0, "outside": "usual"},
    {"name": "Мария", "value": 0.075, "volume": 900.0, "outside": "exceptional"},
    {"name": "Елена", "value": 0.03, "volume": 1500.0, "outside": "unusual"},
    {"name": "$x_1$ <b>", "value": 0.05, "volume": 200.0, "outside": None},
]
CURVE = [
    {"volume": 200.0, "low95": 0.01, "high95": 0.07, "low998": 0.0, "high998": 0.09},
    {"volume": 2300.0, "low95": 0.03, "high95": 0.05, "low998": 0.025, "high998": 0.055},
]


def funnel(say: Words, colours: figures.Theme, **given: Any) -> Any:
    found = {"unit": "share", "centre": 0.043, "points": PEOPLE, "curve": CURVE} | given
    return figures.funnel(found, "обращений", say, colours)


def test_a_funnel_names_its_unit_its_volume_its_curves_and_who_is_outside(
    say: Words, colours: figures.Theme
) -> None:
    with figures.drawing():
        found = texts(figures.svg(funnel(say, colours)))
    assert {"%", "обращений", "в целом 4,3 %", "95 %", "99,8 %"} <= set(found)
    outside = {person["name"] for person in PEOPLE if person["outside"] == "exceptional"}
    assert outside and outside == {person["name"] for person in PEOPLE} & set(found)


def test_a_funnel_of_one_person_without_limits_is_drawn(say: Words, colours: figures.Theme) -> None:
    for people in ([PEOPLE[0]], [PEOPLE[0] | {"volume": 0.0, "value": 0.0}]):
        with figures.drawing():
            found = texts(figures.svg(funnel(say, colours, centre=None, points=people, curve=[])))
        assert "95 %" not in found


def test_names_in_a_funnel_do_not_overlap(say: Words, colours: figures.Theme) -> None:
    crowd = [
        PEOPLE[0] | {"name": f"Человек {n}", "value": 0.04 + n / 200, "outside": "exceptional"}
        for n in range(6)
    ]
    with figures.drawing():
        figure = funnel(say, colours, points=[*PEOPLE[1:], *crowd])
    renderer = FigureCanvasAgg(figure).get_renderer()
    names = {person["name"] for person in (*PEOPLE, *crowd)}
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].texts if text.get_text() in names]
    assert len(boxes) > 3
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_the_curve_of_answers_has_the_sla(say: Words, colours: figures.Theme) -> None:
    with figures.drawing():
        image = figures.svg(figures.response(cards.sections()["response"], say, colours))
    assert {"SLA 24 ч", "ответили, %", "часы после обращения"} <= set(texts(image))


def test_an_svg_is_self_contained_and_the_same_every_time(say: Words) -> None:
    first, second = drawn(cards.entries()[0], say), drawn(cards.entries()[0], say)
    assert first == second
    assert not re.search(r"(?:href|src)=\"(?!#)", first)
    assert "<script" not in first and "<metadata" not in first
    assert len(first) < 12_000


def test_on_a_sheet_that_was_drawn_on_a_figure_is_as_on_a_new_one(say: Words, colours: figures.Theme) -> None:
    day = dt.date(2025, 9, 17)
    happening = figures.Marks([(day, day + dt.timedelta(days=12))], [day])
    asked = [
        (record, happened, interim)
        for record in (*cards.entries(), cards.entries()[2] | {"history": WEEKS})
        for happened in (figures.Marks(), happening)
        for interim in (False, True)
    ]
    np.random.default_rng(0).shuffle(asked)
    with figures.drawing():
        sheet = figures.Sheet()
        for record, happened, interim in asked:
            grain = Period.parse(record["history"][0]["period"]).grain
            given = (record, grain, say, colours)
            new = figures.history(*given, interim=interim, happened=happened)
            again = figures.history(*given, interim=interim, happened=happened, sheet=sheet)
            assert again is sheet
            assert figures.svg(again) == figures.svg(new), record["kpi"]


def test_a_drawing_takes_the_colours_of_the_page_and_keeps_its_styles_to_itself(
    say: Words, colours: figures.Theme
) -> None:
    record = cards.entries()[0]
    with figures.drawing():
        figure = figures.history(record, Grain.MONTH, say, colours)
        assert figure is not None
        drawing = figures.inline(figure, colours, figures.hovers(figure, record, say))
    assert "var(--k-fact)" in drawing.content and colours.fact not in drawing.content
    assert "<style" not in drawing.content and "<svg" not in drawing.content
    assert drawing.box.startswith("0 0 ")


def test_every_known_period_and_week_shows_its_value_on_hover(say: Words, colours: figures.Theme) -> None:
    record = cards.entries()[0]
    happened = figures.Marks([(dt.date(2025, 10, 6), dt.date(2025, 10, 13))], (), ["Запуск"])
    with figures.drawing():
        figure = figures.history(record, Grain.MONTH, say, colours, happened=happened)
        assert figure is not None
        hovers = figures.hovers(figure, record, say, happened)
    said = [hover.text.replace("\u202f", " ") for hover in hovers]
    assert len(said) == 13 + sum(week["value"] is not None for week in record["weeks"])
    assert said[12] == "октябрь 2025: 1 284; план 1 000"
    assert [text for text in said if text.endswith("; «Запуск»")] == ["нед. 41: 283,8; «Запуск»"]
    wide = figure.get_size_inches()[0] * 72
    assert all(hover.left >= 0 and hover.left + hover.wide <= wide + 3 for hover in hovers)


def test_the_figures_of_a_report_are_cheap(say: Words, colours: figures.Theme) -> None:
    """0.25 s are usual; the limit only catches a layout engine or a renderer that crept in."""
    drawn(cards.entries()[0], say)
    begun = time.process_time()
    for record in cards.entries():
        drawn(record, say)
    assert time.process_time() - begun < 2.0


def test_each_chart_has_values_on_hover_and_a_folded_table_of_them() -> None:
    person = SpecialistReport(cards.card())
    volumes = (400.0, 300.0, 200.0, 300.0, 500.0)
    team = [cards.card(specialist=f"p{n}", name=f"Имя {n}") for n in range(5)]
    for card, volume in zip(team, volumes, strict=True):
        card["totals"] = [{"period": f"2025-{month:02d}", "value": 0.9} for month in (8, 9, 10)]
        for entry in card["kpis"]:
            if entry["unit"] == "share" and entry["value"] is not None:
                entry |= {"denominator": volume, "value": entry["value"] * (1 - volume / 2000)}
    whole = DepartmentReport("2025-10", team, {}, "ru", "RUB")
    for section in (person.figures(), person.response(), whole.funnels(), whole.year()):
        assert section is not None
        charts = [part for part in re.findall(r"<svg.*?</svg>", section.html, re.S) if 'role="img"' in part]
        assert charts and all("<title>" in chart for chart in charts), section.name
        assert section.html.count("Цифры графика") == (1 if section.name == "year" else len(charts))
