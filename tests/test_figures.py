"""Figures: what is drawn, in whose colours, and that a figure is a small, self-contained SVG."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kpi_kit import figures
from kpi_kit.errors import ReportError
from kpi_kit.periods import Grain
from kpi_kit.report import THEME
from kpi_kit.wording import Words, words
from tests import cards

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def say() -> Words:
    return words("ru", "RUB")


@pytest.fixture
def colours() -> figures.Theme:
    return figures.theme(THEME)


def drawn(record: dict[str, Any], say: Words, grain: Grain = Grain.MONTH) -> str:
    with figures.drawing():
        figure = figures.history(record, grain, say, figures.theme(THEME))
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


@pytest.mark.parametrize("name", ["ink", "muted", "fact", "target", "attained", "missed", "below"])
def test_text_colours_have_enough_contrast(colours: figures.Theme, name: str) -> None:
    """WCAG AA asks for 4.5 : 1."""
    light, dark = luminance(colours.surface), luminance(getattr(colours, name))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_a_figure_names_its_unit_its_value_and_its_target(say: Words) -> None:
    found = texts(drawn(cards.entries()[0], say))
    assert {"человек, по месяцам", "по неделям", "1 284", "≥ 1 000", "окт 24", "окт 25"} <= set(found)


def test_a_level_on_its_way_to_a_milestone(say: Words) -> None:
    found = texts(drawn(cards.milestone(), say))
    assert {"33 412", "≥ 33 850", "30 тыс."} <= set(found)


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


def test_a_band_is_a_box_a_period(say: Words, colours: figures.Theme) -> None:
    image = drawn(cards.entries()[3], say)
    assert image.count(f"fill: {colours.band}") >= 1
    assert "25–60 %" in texts(image)


def test_a_week_has_no_panel_of_weeks(say: Words) -> None:
    assert "по неделям" not in texts(drawn(cards.entries()[2] | {"history": WEEKS}, say, Grain.WEEK))[1:]


WEEKS = [{"period": f"2025-W{week}", "value": week / 1000, "target": 0.03} for week in range(30, 43)]


def test_nothing_known_is_nothing_drawn(say: Words, colours: figures.Theme) -> None:
    for record in cards.unassessable()["kpis"]:
        assert figures.history(record, Grain.MONTH, say, colours) is None


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
    record = cards.entries()[0] | {"history": history, "weeks": [], "target": None}
    assert drawn(record, say).startswith("<svg")


def test_dollars_are_no_formulas(colours: figures.Theme) -> None:
    """Matplotlib takes text between dollar signs for mathematics; names and money are not."""
    frame = pd.DataFrame([{"specialist": "$a_1$ <b>", "kpi": "$x^$", "attainment": "5 $", "state": "below"}])
    with figures.drawing():
        image = figures.svg(figures.heatmap(frame, ["$a_1$ <b>"], colours))
    assert {"$a_1$ <b>", "$x^$", "5 $"} <= set(texts(image))


def test_the_curve_of_answers_has_the_sla(say: Words, colours: figures.Theme) -> None:
    with figures.drawing():
        image = figures.svg(figures.response(cards.sections()["response"], say, colours))
    assert {"SLA 24 ч", "ответили, %", "часы после обращения"} <= set(texts(image))


def test_the_map_writes_attainment_and_hatches_what_is_not_assessable(colours: figures.Theme) -> None:
    rows = [
        ("Анна", "Лиды", "61 %", "below"),
        ("Анна", "Лайки", "", "not_assessable"),
        ("Иван", "Лиды", "120 %", "attained"),
    ]
    frame = pd.DataFrame(rows, columns=["specialist", "kpi", "attainment", "state"])
    with figures.drawing():
        image = figures.svg(figures.heatmap(frame, ["Анна", "Иван"], colours))
    assert {"61 %", "120 %", "Анна", "Иван", "Лиды", "Лайки"} <= set(texts(image))
    assert image.count("<pattern") == 1


def test_an_svg_is_self_contained_and_the_same_every_time(say: Words) -> None:
    first, second = drawn(cards.entries()[0], say), drawn(cards.entries()[0], say)
    assert first == second
    assert not re.search(r"(?:href|src)=\"(?!#)", first)
    assert "<script" not in first and "<metadata" not in first
    assert len(first) < 16_000


def test_an_image_address_holds_the_image() -> None:
    address = figures.data_uri("<svg>я</svg>")
    kind, _, data = address.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == "<svg>я</svg>"


def test_the_figures_of_a_report_are_cheap(say: Words, colours: figures.Theme) -> None:
    """0.25 s are usual; the limit only catches a layout engine or a renderer that crept in."""
    drawn(cards.entries()[0], say)
    begun = time.process_time()
    for record in cards.entries():
        drawn(record, say)
    assert time.process_time() - begun < 2.0
