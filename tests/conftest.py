"""What tests of several modules share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kpi_kit.batch.preload import without_slow_grammar

with without_slow_grammar():
    import nbformat
    from nbformat import v4

HERE = Path(__file__).parent
SECTION = {"kpi_kit": {"id": "section"}}
"""The metadata of an output that is a section of the kit."""
ROOT = HERE.parent


LONG = {"test_soak", "test_notebooks", "test_packaging", "test_windows", "test_lab", "test_store_faults"}
"""Files with tests that take half a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG)  # else one would run on while others are done
    if shutil.which("quarto") is None:
        skip = pytest.mark.skip(reason="quarto is not on the PATH")
        for item in items:
            if item.get_closest_marker("quarto"):
                item.add_marker(skip)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """A folder like reports/: the project's _quarto.yml, and a stylesheet that tests know."""
    folder = tmp_path / "style"
    folder.mkdir()
    shutil.copy(ROOT / "reports" / "_quarto.yml", folder)
    (folder / "theme.css").write_text(".kpi-report > p { color: rgb(1, 2, 3); }\n", encoding="utf-8")
    return folder


@pytest.fixture
def executed(tmp_path: Path) -> Callable[..., Path]:
    """Write an executed notebook that displayed the given sections of the kit, a cell an output."""

    def write(*outputs: str, name: str = "report") -> Path:
        notebook = v4.new_notebook()
        for number, output in enumerate(outputs, 1):
            shown = v4.new_output(
                "display_data", {"text/html": output, "text/plain": "<object>"}, metadata=SECTION
            )
            notebook.cells.append(v4.new_code_cell("show()", execution_count=number, outputs=[shown]))
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; where there is none, the test is skipped, but under CI it fails."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        message = "no Chromium on the PATH: install it (Debian: apt-get install chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def _english_sentences(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands say sentences in English; in tests marked ``spoken`` in the language of the user."""
    if not request.node.get_closest_marker("spoken"):
        monkeypatch.setattr("kpi_kit.core.phrases._spoken", ["en"])
        monkeypatch.setattr("kpi_kit.cli.main.speak", lambda _language: None)
