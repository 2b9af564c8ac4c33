"""JupyterLab itself: a server on this machine, and explore.ipynb as a person uses it."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api

ROOT = Path(__file__).parents[2]
PATIENCE = 60_000
"""Milliseconds. What is waited for comes within seconds; a loaded machine may take longer."""
SETTINGS = {
    # all cells are on the page, also those that are out of sight
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
RUN_ALL = """async () => {
    const opened = jupyterapp.shell.currentWidget;
    await opened.context.ready;
    await opened.sessionContext.ready;
    await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
"""What the menu's "Run All Cells" does, once the kernel is there; it ends with the last cell."""
IMAGE = ".jp-Cell:has-text('view.figure()') .jp-OutputArea svg.k-chart"


def copied(folder: Path) -> Path:
    """The notebook in a folder of its own, with paths that lead from there to the sample."""
    notebook = json.loads((ROOT / "notebooks/explore.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            source = "".join(cell["source"])
            source = source.replace('"data/sample"', repr(str(ROOT / "data/sample")))
            cell["source"] = source.replace('"params"', repr(str(ROOT / "params")))
    folder.mkdir()
    path = folder / "explore.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of explore.ipynb in a JupyterLab that nobody else uses."""
    house = tmp_path_factory.mktemp("lab")
    notebook = copied(house / "work")
    for name, chosen in SETTINGS.items():
        file = house / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(chosen), encoding="utf-8")
    places = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
    environment = {f"JUPYTER_{name}_DIR": str(house / folder) for name, folder in places.items()}
    environment |= {
        f"JUPYTERLAB_{name}_DIR": str(house / name.lower()) for name in ("SETTINGS", "WORKSPACES")
    }
    token = secrets.token_hex(16)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
    ]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebook.parent}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            yield f"{address(server)}/lab/tree/explore.ipynb?token={token}"
        finally:
            server.terminate()


def address(server: subprocess.Popen[str]) -> str:
    """Where the server says that it listens; what else it says is read and forgotten."""
    assert server.stderr
    said = []
    for line in server.stderr:
        said.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+(?=/lab)", line)
        if found:
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return found[0]
    pytest.fail("".join(said))


def test_another_specialist_has_another_figure(lab: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.goto(lab)
    page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext")
    page.evaluate(RUN_ALL)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count() == 0
    figure = page.locator(IMAGE)
    anna = figure.get_attribute("aria-label")
    assert anna
    page.get_by_label("Специалист").select_option("Иван Кузнецов")
    page.get_by_text('agency.score("ivan-kuznetsov", "2025-10")', exact=True).first.wait_for(state="attached")
    # the old figure goes some time after the code has changed, and the new one comes after that
    sync_api.expect(figure).not_to_have_attribute("aria-label", anna, timeout=PATIENCE)
    sync_api.expect(figure).to_have_attribute("aria-label", re.compile("."), timeout=PATIENCE)
    assert figure.get_attribute("aria-label") != anna
    page.close()
