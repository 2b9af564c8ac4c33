"""What cells of an executed notebook show: as parts of a page, harmless, or named where that cannot be."""

from __future__ import annotations

import re
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.figure import Figure
from nbformat import v4

from kpi_kit.core.errors import InputError
from kpi_kit.report import outputs
from kpi_kit.report.added import Additions
from kpi_kit.report.section import Section
from kpi_kit.report.wording import words
from tests.payloads import CONTROLS, MARKDOWN, REQUESTS, SCRIPTS

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NAVIGATION = (
    '<nav class="k-nav"><span class="k-contents"><a href="#notes">Данные</a></span></nav><h1>Анна</h1>'
)
FRAME = pd.DataFrame({"аккаунт": ["vk-a", "tg-b"], "лиды": [12, 7], "доля": [0.1234, None]})


def displayed(data: dict[str, Any], **metadata: Any) -> Any:
    return v4.new_output("display_data", data, metadata=metadata)


def read(*cells: Any) -> outputs.PageOutputs:
    """The page of cells: Markdown as text, code cells as lists of outputs."""
    made = [
        v4.new_markdown_cell(cell)
        if isinstance(cell, str)
        else v4.new_code_cell("…", execution_count=number, outputs=cell)
        for number, cell in enumerate(cells, 1)
    ]
    return outputs.page_outputs(v4.new_notebook(cells=made), "ru")


def test_everything_that_can_be_shown_is_shown_in_order() -> None:
    shown = read(
        "## Сезонность\n\n| a | b |\n|---|---|\n| x | 1 |",
        [displayed({"image/png": PNG, "text/plain": "<Figure>"})],
        [displayed({"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"})],
        [displayed({"text/html": FRAME.to_html(), "text/plain": "…"})],
        [v4.new_output("stream", name="stdout", text="\x1b[31mИтого: 19 < 20\x1b[0m\n")],
        [displayed({"text/plain": "42"})],
        [displayed({"text/markdown": "**вывод**", "text/plain": "…"})],
    )
    assert shown.not_shown == []
    page = "".join(shown.parts)
    wanted = ["<h2>Сезонность", 'k-n">1<', "data:image/png;base64,iVBOR", "data:image/svg+xml;base64,"]
    wanted += ['k-n">12<', ">Итого: 19 &lt; 20</pre>", ">42</pre>", "<strong>вывод"]
    places = [page.index(text) for text in wanted]
    assert places == sorted(places)
    assert page.count('alt="Рисунок: Сезонность"') == 2
    assert page.count('class="k-scroll k-as-table"') == 2 and "border=" not in page


def test_what_cannot_be_shown_is_named() -> None:
    shown = read(
        [displayed({"application/vnd.plotly.v1+json": {}, "text/html": "<div><script>1</script></div>"})],
        [displayed({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "VBox()"})],
        [v4.new_output("stream", name="stderr", text="Warning")],
        [displayed({"text/html": "<script>1</script>", "text/plain": "<HTML>"})],
        [displayed({"text/plain": "<object at 0x7f00>"})],
        "![график](picture.png)",
    )
    assert shown.parts == []
    assert shown.not_shown == [
        "cell [1]: an interactive figure of Plotly",
        "cell [2]: a widget",
        "cell [3]: text on standard error",
        "cell [4]: HTML that is a script or loads a page",
        "cell [5]: an object of Python, <object>",
        "Markdown cell 6: an image at picture.png",
    ]


def test_a_figure_that_is_drawn_and_returned_is_shown_once() -> None:
    image = displayed({"image/png": PNG, "text/plain": "<Figure size 600x300>"})
    axes = v4.new_output("execute_result", {"text/plain": "<Axes: xlabel='a'>"}, execution_count=1)
    shown = read([axes, image, image])
    assert "".join(shown.parts).count("<img") == 1 and shown.not_shown == []


PAYLOADS = [*SCRIPTS, *REQUESTS, *MARKDOWN, *CONTROLS]


def test_untrusted_texts_stay_texts() -> None:
    for payload in PAYLOADS:
        shown = read(
            payload,
            [displayed({"text/html": f"<p>{payload}</p>"})],
            [displayed({"text/plain": payload})],
            [v4.new_output("stream", name="stdout", text=payload)],
            [displayed({"image/png": payload})],
        )
        page = "".join(shown.parts)
        tags = re.findall(r"<([a-zA-Z][\w-]*)([^>]*)>", page)
        assert {tag.lower() for tag, _ in tags} <= outputs._TAGS | {"section"}, payload
        for _, attributes in tags:
            names = re.findall(r'([\w-]+)="', attributes)
            assert not any(name.startswith("on") or name in ("style", "srcset") for name in names), payload
        for address in re.findall(r'(?:src|href)="([^"]*)"', page):
            assert re.match(r"https://|mailto:|data:image/", address), payload


def test_a_page_has_one_first_heading() -> None:
    header = displayed({"text/html": NAVIGATION}, kpi_kit={"id": "header"})
    assert "<h2>Сводка</h2>" in read([header], "# Сводка").parts[1]
    assert "<h1>Сводка</h1>" in read("# Сводка").parts[0], "it names a page without sections of the kit"


def test_an_image_within_the_markdown_is_shown() -> None:
    cell = v4.new_markdown_cell("![a](attachment:a.png)", attachments={"a.png": {"image/png": PNG}})
    shown = outputs.page_outputs(v4.new_notebook(cells=[cell]), "en")
    assert f'src="data:image/png;base64,{PNG}"' in shown.parts[0] and shown.not_shown == []


# ---- sections of one's own


class Report(Additions):
    def __init__(self) -> None:
        self._words = words("ru", "RUB")


def drawn() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([1, 2])
    return figure


def test_a_section_has_a_heading_an_entry_in_the_contents_and_a_text_for_its_figure() -> None:
    report = Report()
    header = displayed({"text/html": NAVIGATION}, kpi_kit={"id": "header"})
    sections = [
        report.add("Лиды & <b>", drawn()),
        report.add("Таблица", FRAME),
        report.add("Вывод", "**да**"),
    ]
    bundles = [section._repr_mimebundle_() for section in sections]
    shown = read([header], *([displayed(data, **mark)] for data, mark in bundles))
    page = "".join(shown.parts)
    assert shown.not_shown == []
    assert '<a href="#added-1">Лиды &amp; &lt;b&gt;</a><a href="#added-2">Таблица</a>' in page
    assert '<h2>Лиды &amp; &lt;b&gt;</h2><figure class="k-figure k-as-image"><img src="data:image/png' in page
    assert 'alt="Лиды &amp; &lt;b&gt;"' in page
    assert '<td class="k-n">0,123</td>' in page and "<td>—</td>" in page
    assert "<strong>да</strong>" in page


def test_the_same_figure_gives_the_same_bytes() -> None:
    first, second = (Report().add("Лиды", drawn()).html for _ in range(2))
    assert first == second


def test_an_added_figure_is_not_shown_once_more_by_its_cell() -> None:
    figure = plt.figure()
    Report().add("Лиды", figure)
    assert not plt.fignum_exists(figure.number)


def test_axes_and_series_are_taken_and_other_objects_are_refused() -> None:
    assert "<img" in Report().add("Лиды", drawn().axes[0]).html
    assert "vk-a" in Report().add("Лиды", FRAME.set_index("аккаунт")["лиды"]).html
    with pytest.raises(InputError, match="add 'Лиды': expected a figure of matplotlib, a DataFrame or text"):
        Report().add("Лиды", object())
    with pytest.raises(InputError, match="expected a title"):
        Report().add(" ", "text")


def test_a_notebook_run_by_hand_brings_the_style_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    header = Section("header", outputs.Markup("<p>Анна</p>"))
    monkeypatch.delenv("KPI_KIT_SNAPSHOT", raising=False)
    html = header._repr_mimebundle_()[0]["text/html"]
    assert html.startswith('<div class="kpi-report"><style>@scope (.kpi-report)') and "<p>Анна</p>" in html
    monkeypatch.setenv("KPI_KIT_SNAPSHOT", "…")
    assert header._repr_mimebundle_()[0]["text/html"] == "<p>Анна</p>"
