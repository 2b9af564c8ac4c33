"""Both engines: what is shown, what is never shown, and that a page is one file that asks for nothing."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v4

from kpi_kit.core.errors import InputError
from kpi_kit.report import render
from tests.payloads import PAYLOADS

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
REPORT = (
    '<header><h1 class="who">Анна &amp; <em>Петрова</em></h1></header>',
    "<p style='margin: 0'>доля 5 % &lt; 10 %</p>",
    f'<figure><img alt="график" src="data:image/png;base64,{PNG}"></figure>',
    '<svg viewBox="0 0 4 4" role="img"><clipPath id="c"><rect width="4" height="4"/></clipPath></svg>',
    "<style>#t td { text-align: right }</style><table id='t'><tbody><tr><td>1</td></tr></tbody></table>",
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'"
ENGINES = ["embedded", pytest.param("quarto", marks=pytest.mark.quarto)]


class Page(HTMLParser):
    """The tags of a page, and the words outside scripts and styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._said: list[str] = []
        self._inside: list[str] = []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "script", "title"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._said.append(data)

    @property
    def words(self) -> list[str]:
        return "".join(self._said).split()

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_page_holds_the_outputs_the_language_the_title_and_the_theme(engine, executed, style):
    notebook = executed(*REPORT)

    assert render.render([notebook], engine=engine, language="ru", style=style) == {}

    page = Page(notebook.with_suffix(".html"))
    assert page.attributes("html")[0]["lang"] == "ru"
    assert "<title>Анна &amp; Петрова</title>" in page.text
    assert "viewport" in {meta.get("name") for meta in page.attributes("meta")}
    assert [attributes.get("class") for attributes in page.attributes("main")] == ["kpi-report"]
    assert "color: rgb(1, 2, 3)" in page.text
    assert page.words == "Анна & Петрова доля 5 % < 10 % 1".split()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_page_is_one_file_without_scripts(engine, executed, style):
    notebook = executed(*REPORT)
    before = {path.name for path in notebook.parent.iterdir()}

    render.render([notebook], engine=engine, style=style)

    page = Page(notebook.with_suffix(".html"))
    assert {path.name for path in notebook.parent.iterdir()} - before == {"report.html"}
    assert page.attributes("script") == page.attributes("link") == []
    policies = {html.unescape(meta.get("content") or "") for meta in page.attributes("meta")}
    assert POLICY in policies
    assert all(image["src"].startswith("data:") for image in page.attributes("img"))


@pytest.mark.parametrize("engine", ENGINES)
def test_code_raw_cells_warnings_and_tracebacks_are_not_shown(engine, tmp_path, style):
    notebook = v4.new_notebook()
    outputs = [
        v4.new_output("stream", name="stdout", text="stdout"),
        v4.new_output("stream", name="stderr", text="hidden-stderr"),
        v4.new_output("error", ename="E", evalue="hidden-error", traceback=["hidden-traceback"]),
        v4.new_output("execute_result", {"text/plain": "plain"}, execution_count=1),
        v4.new_output("display_data", {"text/html": "<p>shown</p>", "text/plain": "hidden-other"}),
    ]
    notebook.cells = [
        v4.new_markdown_cell("# markdown"),
        v4.new_raw_cell("hidden-raw"),
        v4.new_code_cell("hidden-code", execution_count=1, outputs=outputs),
    ]
    path = tmp_path / "report.ipynb"
    nbformat.write(notebook, path)

    render.render([path], engine=engine, style=style)

    page = Page(path.with_suffix(".html"))
    assert page.words == ["markdown", "stdout", "plain", "shown"]
    assert "hidden" not in page.text


@pytest.mark.parametrize("engine", ENGINES)
def test_templates_and_shortcodes_in_a_post_are_only_text(engine, executed, style):
    posts = "<p>{{ 7 * 7 }} {% raw %} {{< env HOME >}} $x$ @anna ``` ::: </p>"
    notebook = executed(posts)

    render.render([notebook], engine=engine, style=style)

    words = Page(notebook.with_suffix(".html")).words
    assert words == "{{ 7 * 7 }} {% raw %} {{< env HOME >}} $x$ @anna ``` :::".split()


@pytest.mark.parametrize("engine", ENGINES)
def test_many_notebooks_keep_their_own_contents(engine, executed, style, tmp_path, monkeypatch):
    hidden = tmp_path / ".временные"
    hidden.mkdir()
    monkeypatch.setattr(render.tempfile, "tempdir", str(hidden))
    notebooks = [executed(f"<h1>report {number}</h1>", name=f"_{number} ё") for number in range(3)]

    assert render.render(notebooks, engine=engine, style=style) == {}

    for number, notebook in enumerate(notebooks):
        assert Page(notebook.with_suffix(".html")).words == ["report", str(number)]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_notebook_gives_the_same_bytes(engine, executed, style):
    notebook = executed(*REPORT)
    pages = []
    for _ in range(2):
        render.render([notebook], engine=engine, style=style)
        pages.append(notebook.with_suffix(".html").read_bytes())

    assert pages[0] == pages[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_broken_notebook_fails_alone_and_keeps_its_earlier_page(engine, executed, style):
    good, broken = executed("<p>good</p>", name="good"), executed("<p>old</p>", name="broken")
    render.render([broken], engine=engine, style=style)
    broken.write_text("this is no notebook", encoding="utf-8")

    failed = render.render([broken, good], engine=engine, style=style)

    assert list(failed) == [broken]
    assert re.fullmatch(r"broken\.ipynb: cannot be read as a notebook \(.*\)", failed[broken])
    assert Page(good.with_suffix(".html")).words == ["good"]
    assert Page(broken.with_suffix(".html")).words == ["old"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_browser_reads_a_page_without_a_request_or_a_complaint(engine, executed, style, browser):
    notebook = executed(*REPORT)
    render.render([notebook], engine=engine, style=style)
    for javascript in (True, False):
        requests: list[str] = []
        said: list[Any] = []
        context = browser.new_context(java_script_enabled=javascript)
        page = context.new_page()
        page.on("request", lambda request, seen=requests: seen.append(request.url))
        page.on("console", lambda message, seen=said: seen.append(message.text))
        page.on("pageerror", lambda fault, seen=said: seen.append(str(fault)))

        page.goto(notebook.with_suffix(".html").as_uri())

        assert page.title() == "Анна & Петрова"
        assert page.locator("main.kpi-report h1").inner_text() == "Анна & Петрова"
        colour = "e => getComputedStyle(e).color"
        assert page.locator("main.kpi-report > p").evaluate(colour) == "rgb(1, 2, 3)"
        assert page.locator("img").evaluate("e => e.naturalWidth") == 1
        assert page.locator("clipPath").count() == 1
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        assert said == []
        context.close()


def test_the_browser_would_see_a_request(executed, style, browser, tmp_path):
    notebook = executed(f'<img alt="" src="{(tmp_path / "else.png").as_uri()}"><script>1</script>')
    render.render([notebook], engine="embedded", style=style)
    said: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))

    page.goto(notebook.with_suffix(".html").as_uri())

    assert len([text for text in said if "Content Security Policy" in text]) == 2
    page.close()


def test_both_engines_have_the_same_policy_and_frame():
    template = (render._TEMPLATES / "report" / "index.html.j2").read_text(encoding="utf-8")
    config = (render.STYLE / "_quarto.yml").read_text(encoding="utf-8")
    for part in (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<main class="kpi-report">',
    ):
        assert part in template
        assert part in config


def test_a_page_without_a_heading_is_named_like_its_file(executed, style):
    notebook = executed("<p>no heading</p>", name="anna")
    render.render([notebook], engine="embedded", style=style)
    assert "<title>anna</title>" in notebook.with_suffix(".html").read_text(encoding="utf-8")


def test_a_stylesheet_that_is_missing_is_named(executed, tmp_path):
    with pytest.raises(InputError, match=r"_quarto\.yml, .*theme\.css: not found"):
        render.render([executed("<p></p>")], engine="embedded", style=tmp_path)


@pytest.mark.parametrize(
    ("engine", "installed", "chosen"),
    [
        ("auto", True, "quarto"),
        ("auto", False, "embedded"),
        ("embedded", True, "embedded"),
        ("quarto", True, "quarto"),
    ],
)
def test_the_engine_is_chosen_by_what_is_on_the_path(engine, installed, chosen, monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda name: "/bin/quarto" if installed else None)
    assert render.choose(engine) == chosen


def test_an_engine_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="quarto is not on the PATH"):
        render.choose("quarto")
    with pytest.raises(InputError, match="engine 'latex': expected one of auto, quarto, embedded"):
        render.choose("latex")


# The glue around Quarto, with a script that stands in for it.


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a script on the PATH as quarto; it notes its arguments and what it was given."""

    def install(body: str) -> Path:
        folder, log = tmp_path / "bin", tmp_path / "log"
        folder.mkdir()
        log.mkdir()
        script = folder / "quarto"
        script.write_text(
            f'#!/bin/sh\necho "$@" >> "{log}/calls"\npwd >> "{log}/folders"\n'
            f'cp ./*.ipynb ./_quarto.yml ./theme.css "{log}"\n{body}\n',
            encoding="utf-8",
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return log

    return install


MAKE_PAGES = 'for f in report-*.ipynb; do echo "page of $f" > "${f%.ipynb}.html"; done'


def test_quarto_is_called_once_for_many_notebooks_in_a_scratch_project(fake, executed, style):
    log = fake(MAKE_PAGES)
    notebooks = [executed(f"<h1>R*{n}*</h1>", "<p>{{< env HOME >}}</p>", name=f"r{n}") for n in range(3)]

    assert render.render(notebooks, engine="quarto", language="en", style=style) == {}

    assert (log / "calls").read_text(encoding="utf-8").splitlines() == ["render . --to html"]
    assert not Path((log / "folders").read_text(encoding="utf-8").strip()).exists()
    for number, notebook in enumerate(notebooks):
        page = notebook.with_suffix(".html").read_text(encoding="utf-8")
        assert page == f"page of report-{number}.ipynb\n"
    copy = nbformat.read(log / "report-1.ipynb", as_version=4)
    assert copy.cells[0].cell_type == "raw"
    assert re.fullmatch(r"---\npagetitle: title[0-9a-f]{32}\nlang: en\n---", copy.cells[0].source)
    assert [cell.cell_type for cell in copy.cells[1:]] == ["markdown", "markdown"]
    token = copy.cells[0].source.split()[2]
    assert copy.cells[2].source == f"```{{=html}}\n<p>{token}n0n< env HOME >}}}}</p>\n```"
    assert isinstance(
        json.loads((log / "report-1.ipynb").read_text(encoding="utf-8"))["cells"][0]["source"], list
    )


def test_quarto_gets_what_cells_show_as_raw_blocks(fake, tmp_path, style):
    log = fake(MAKE_PAGES)
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("## Сезон {{< env HOME >}}\n\n`a` <script>1</script>"),
            v4.new_code_cell("…", outputs=[v4.new_output("display_data", {"image/png": PNG})]),
            v4.new_code_cell(
                "…", outputs=[v4.new_output("stream", name="stdout", text="```{python}\n1\n```")]
            ),
        ]
    )
    path = tmp_path / "report.ipynb"
    nbformat.write(notebook, path)
    assert render.render([path], engine="quarto", style=style) == {}
    markdown, image, text = (
        cell.source for cell in nbformat.read(log / "report-0.ipynb", as_version=4).cells[1:]
    )
    assert all(source.startswith("```{=html}\n<section ") for source in (markdown, image, text))
    assert "n0n&lt; env" in markdown and "script" not in markdown, "escaped, it begins no shortcode"
    assert f'src="data:image/png;base64,{PNG}" alt="Рисунок: Сезон' in image
    assert "`" not in text[3:-3], "no backticks of the text end a block"


@pytest.mark.quarto
def test_both_engines_show_the_same_of_any_text(tmp_path, style):
    odd = [f"a{chr(code)}b {chr(code)} c" for code in (*range(1, 32), 0x7F, 0x85, 0x2028, 0xFEFF)]
    notebook = v4.new_notebook()
    for text in [*PAYLOADS, *odd, "---\na: b\n---", "::: {.a}\nb\n:::", "~~~~~~~~~\na", "{{%a%}}", "^[a]"]:
        printed = v4.new_output("stream", name="stdout", text=f"{text} |")
        shown = v4.new_output("display_data", {"text/html": f"<p>{html.escape(text)} |</p><p>{text}</p>"})
        notebook.cells += [
            v4.new_markdown_cell(f"{text} |\n\n    {text}"),
            v4.new_code_cell("…", execution_count=1, outputs=[printed, shown]),
        ]
    pages = []
    for engine in ("embedded", "quarto"):
        nbformat.write(notebook, path := tmp_path / f"{engine}.ipynb")
        assert render.render([path], engine=engine, style=style) == {}
        page = Page(path.with_suffix(".html"))
        begin = page.tags.index(("main", {"class": "kpi-report"}))
        # Quarto writes the paragraphs that a browser makes of a stray </p>
        pages.append(([tag for tag in page.tags[begin:] if tag[0] != "p"], page.words))
    assert pages[0] == pages[1]
    assert len(pages[0][0]) > 1000


def test_quarto_executes_no_shortcode_of_a_title_and_the_page_has_it_as_text(fake, executed, style):
    log = fake(
        'for f in report-*.ipynb; do t=$(grep -o "title[0-9a-f]\\{32\\}" "$f" | head -1);'
        ' echo "<title>$t</title>" > "${f%.ipynb}.html"; done'
    )
    notebook = executed("<h1>{{&lt; env SECRET &gt;}} &amp; Анна</h1>")
    assert render.render([notebook], engine="quarto", style=style) == {}
    page = notebook.with_suffix(".html").read_text(encoding="utf-8")
    assert page == "<title>{{&lt; env SECRET &gt;}} &amp; Анна</title>\n"
    assert "{{<" not in (log / "report-0.ipynb").read_text(encoding="utf-8")


def test_nothing_that_quarto_gets_is_more_than_text_and_the_page_has_it_all():
    outputs = [
        "{{< env A >}}",
        "{{{<<",
        "<style>a{{<b</style>",
        "````````\n![](/etc/passwd)",
        "<pre>a\tb</pre>",
    ]
    outputs += ['<a>x</a> <a title="y">y</a> <a class="k" href="z">z</a> <abbr>w</abbr>']
    outputs.append(f'<img src="data:image/png;base64,{"QUJD" * 99}" alt="">')
    text, texts = render._for_quarto(outputs, "token", "ru")
    copy = nbformat.reads(text, as_version=4)
    sources = [cell.source.removeprefix("```{=html}\n").removesuffix("\n```") for cell in copy.cells[1:]]
    assert not [source for source in sources if re.search(r"`|\t|\{\{|<a(>| title)|QUJD", source)]
    assert [render._from_quarto(source, "token", texts, "title") for source in sources] == outputs
    assert render._from_quarto("<title>token</title>", "token", texts, "Q&A") == "<title>Q&amp;A</title>"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_text_gets_no_file_and_no_address_into_a_page(engine, tmp_path, style):
    secret = tmp_path / "secret.png"
    secret.write_bytes(base64.b64decode(PNG))
    row = "`" * 12
    said = (
        f"post\n{row}\n![]({secret})\n\n![](http://127.0.0.1:9/x.png)\n\n{row}{{=html}}\n<img src='{secret}'>"
    )
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("[dead](http://a.example)"),
            v4.new_code_cell("…", outputs=[v4.new_output("stream", name="stdout", text=f"{said}\n\ta\tb")]),
        ]
    )
    path = tmp_path / "report.ipynb"
    nbformat.write(notebook, path)
    assert render.render([path], engine=engine, style=style) == {}
    page = Page(path.with_suffix(".html"))
    assert page.attributes("img") == []
    assert page.attributes("a") == [{}]
    assert html.escape(f"{said}\n\ta\tb", quote=False) in page.text.replace("&#34;", '"').replace(
        "&#39;", "'"
    )


def test_under_auto_the_embedded_renderer_makes_what_quarto_cannot(fake, executed, style, caplog):
    fake('echo "Error: no such thing"; echo "    at main"; exit 1')
    notebook = executed("<h1>Анна</h1>")
    assert render.render([notebook], engine="auto", style=style) == {}
    assert "<title>Анна</title>" in notebook.with_suffix(".html").read_text(encoding="utf-8")
    (record,) = caplog.records
    assert record.getMessage() == (
        "Quarto failed: Error: no such thing; the embedded renderer makes the pages that Quarto cannot"
    )


def test_under_auto_quarto_that_makes_no_page_is_not_called_again_in_a_run(fake, executed, style, caplog):
    log = fake('echo "Error: no such thing"; exit 1')
    run = render.Quarto()
    for number in range(3):
        notebook = executed("<h1>Анна</h1>", name=f"r{number}")
        assert render.render([notebook], engine="auto", style=style, quarto=run) == {}
        assert notebook.with_suffix(".html").is_file()
    assert len(caplog.records) == len((log / "calls").read_text(encoding="utf-8").splitlines()) == 1


def test_one_page_that_quarto_cannot_make_leaves_it_the_others(fake, executed, style, caplog):
    fake(f'grep -q poison ./*.ipynb && {{ echo "it was poison"; exit 1; }}\n{MAKE_PAGES}')
    run = render.Quarto()
    notebooks = [executed("<p>fine</p>", name="good"), executed("<p>poison</p>", name="bad")]
    assert render.render(notebooks, engine="auto", style=style, quarto=run) == {}
    assert (run.fault, len(caplog.records)) == ("", 1)
    assert "<p>poison</p>" in notebooks[1].with_suffix(".html").read_text(encoding="utf-8")


def test_a_notebook_that_cannot_be_read_is_no_fault_of_quarto(fake, tmp_path, style, caplog):
    log = fake(MAKE_PAGES)
    (tmp_path / "bad.ipynb").write_text("{", encoding="utf-8")
    run = render.Quarto()
    failed = render.render([tmp_path / "bad.ipynb"], engine="auto", style=style, quarto=run)
    assert [*failed] == [tmp_path / "bad.ipynb"]
    assert (run.fault, caplog.records, (log / "calls").exists()) == ("", [], False)


def test_a_quarto_that_is_no_program_is_one_sentence(fake, executed, style, tmp_path, monkeypatch):
    fake("true")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # the next one on the PATH may be a real Quarto
    (tmp_path / "bin" / "quarto").write_bytes(b"\x7fELF but not really")
    notebook = executed("<h1>Анна</h1>")
    failed = render.render([notebook], engine="quarto", style=style)
    assert failed == {notebook: "Quarto cannot be started: Exec format error"}
    assert render.render([notebook], engine="auto", style=style) == {}


def test_all_pages_share_one_deadline(fake, executed, style, tmp_path):
    log = fake("sleep 300")
    notebooks = [executed("<p></p>", name=f"r{number}") for number in range(3)]
    begun = time.monotonic()
    run = render.Quarto(timeout=1)
    failed = render.render(notebooks[:2], engine="quarto", style=style, quarto=run)
    failed |= render.render(notebooks[2:], engine="quarto", style=style, quarto=run)
    assert set(failed) == set(notebooks)
    assert time.monotonic() - begun < 20
    assert set(failed.values()) == {"Quarto did not end within 1 s"}
    assert len((log / "calls").read_text(encoding="utf-8").splitlines()) == 1


def test_quarto_that_is_stopped_ends_and_is_not_called_again(fake, executed, style, tmp_path, monkeypatch):
    log = fake('touch "$TMPDIR/session"; sleep 300')
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(render.tempfile, "tempdir", str(temporary))
    run = render.Quarto()
    stopping = threading.Thread(target=lambda: (wait_for(log / "calls"), run.stop()))
    stopping.start()
    notebooks = [executed("<p></p>", name=f"r{number}") for number in range(3)]
    failed = render.render(notebooks, engine="quarto", style=style, quarto=run)
    stopping.join()
    assert failed == dict.fromkeys(notebooks, "stopped")
    assert len((log / "calls").read_text(encoding="utf-8").splitlines()) == 1
    assert list(temporary.iterdir()) == []


def wait_for(path: Path) -> None:
    for _ in range(200):
        if path.exists():
            return
        time.sleep(0.05)


def test_no_notebooks_need_no_quarto(fake, style):
    log = fake("exit 1")
    assert render.render([], engine="quarto", style=style) == {}
    assert not (log / "calls").exists()


def test_a_fault_of_quarto_is_one_sentence_with_its_own_words(fake, executed, style):
    words = "[1/1] report\\n\\033[91mERROR: Bad thing\\033[39m\\n\\nStack trace:\\n    at main\\n"
    fake(f"printf '{words}' >&2; exit 1")
    notebook = executed("<p></p>")

    failed = render.render([notebook], engine="quarto", style=style)

    assert failed == {notebook: "Quarto failed: ERROR: Bad thing"}
    assert not notebook.with_suffix(".html").exists()


def test_after_a_fault_the_others_are_rendered_alone(fake, executed, style):
    log = fake(f'grep -q poison ./*.ipynb && {{ echo "it was poison"; exit 1; }}\n{MAKE_PAGES}')
    good, bad = executed("<p>fine</p>", name="good"), executed("<p>poison</p>", name="bad")

    failed = render.render([good, bad], engine="quarto", style=style)

    assert failed == {bad: "Quarto failed: it was poison"}
    assert good.with_suffix(".html").is_file()
    assert len((log / "calls").read_text(encoding="utf-8").splitlines()) == 3


def test_quarto_that_says_and_makes_nothing_is_not_believed(fake, executed, style):
    fake("exit 0")
    notebook = executed("<p></p>")
    failed = render.render([notebook], engine="quarto", style=style)
    assert failed == {notebook: "report.ipynb: Quarto ended well but made no page"}


def test_quarto_that_fails_in_silence_is_named(fake, executed, style):
    fake("exit 3")
    notebook = executed("<p></p>")
    assert (
        render.render([notebook], engine="quarto", style=style)[notebook] == "Quarto failed: it said nothing"
    )


def test_quarto_that_hangs_is_ended_with_all_that_it_started(fake, executed, style, tmp_path):
    fake(f'sleep 300 &\necho $! > "{tmp_path}/child"\nwait')
    notebook = executed("<p></p>")

    failed = render.render([notebook], engine="quarto", style=style, quarto=render.Quarto(timeout=1))

    assert failed == {notebook: "Quarto did not end within 1 s"}
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    for _ in range(50):
        if (
            not Path(f"/proc/{child}").exists()
            or "Z" in Path(f"/proc/{child}/stat").read_text().split(")")[1][:3]
        ):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the process that quarto started goes on")
