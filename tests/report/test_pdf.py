"""PDF by Chromium: no script, no network, no path of this machine; and what goes wrong is one sentence."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from kpi_kit.core.errors import InputError, ReportError
from kpi_kit.report import pdf

HOSTILE = """<html><body><p id="a">As it stands</p><a href="../index.html">All periods</a>
<script>document.getElementById("a").textContent = "Scripted"</script>
<img src="http://127.0.0.1:{port}/x.png"></body></html>"""


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """A server on this machine, with what it was asked for."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, paths
        server.shutdown()


def test_a_page_is_printed_without_scripts_network_and_paths(
    tmp_path: Path, asked: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(map(shutil.which, pdf._NAMES)):
        pytest.skip("no Chromium on the PATH")
    monkeypatch.setenv(pdf.NO_SANDBOX, "1")
    port, paths = asked
    page, made = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(HOSTILE.format(port=port), encoding="utf-8")
    pdf.to_pdf(page, made, pdf.browser())
    text = PdfReader(made).pages[0].extract_text()
    assert "As it stands" in text and "All periods" in text
    assert paths == []
    assert b"file:" not in made.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.pdf"]


def program(folder: Path, script: str) -> list[str]:
    file = folder / "chromium"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return [str(file)]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exec sleep 30", "page.pdf: Chromium did not end within 0.2 s"),
        ("exit 3", r"page.pdf: Chromium made no PDF \(exit code 3\)"),
    ],
)
def test_a_browser_that_makes_no_pdf_is_one_sentence(tmp_path: Path, script: str, sentence: str) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>text</p>", encoding="utf-8")
    begun = time.monotonic()
    with pytest.raises(ReportError, match=sentence):
        pdf.to_pdf(page, tmp_path / "page.pdf", program(tmp_path, script), 0.2 if "sleep" in script else 20.0)
    assert time.monotonic() - begun < 10
    assert not (tmp_path / "page.pdf").exists()


def test_without_chromium_or_as_root_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pdf.NO_SANDBOX, raising=False)
    with pytest.raises(InputError, match=r"PDF: Chromium is expected on the PATH, found none; install it"):
        pdf.browser()
    program(tmp_path, "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(InputError, match="allow that with KPI_PDF_NO_SANDBOX=1"):
        pdf.browser()
    monkeypatch.setenv(pdf.NO_SANDBOX, "1")
    assert "--no-sandbox" in pdf.browser()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--no-sandbox" not in pdf.browser()
