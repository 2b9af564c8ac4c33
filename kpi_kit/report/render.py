"""An executed notebook -> one self-contained HTML page: by Quarto, or by the embedded renderer.

Both engines show the same, see :mod:`kpi_kit.report.outputs`: what the cells of the notebook show, in order,
inside ``<main class="kpi-report">``, with ``reports/theme.css`` inlined. Code, text on standard error and
tracebacks are never shown. A page runs no script and asks the network for nothing: its
Content-Security-Policy forbids both.
"""

from __future__ import annotations

import functools
import html
import logging
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_kit.core.errors import InputError, ReportError, reason_of
from kpi_kit.core.files import write_file
from kpi_kit.core.phrases import Phrase
from kpi_kit.core.shipped import shipped
from kpi_kit.core.stopping import kill_session

if TYPE_CHECKING:
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbformat import NotebookNode

ENGINES = ("auto", "quarto", "embedded")
STYLE = shipped("reports")
"""The folder with ``_quarto.yml`` and ``theme.css``."""
_TEMPLATES = Path(__file__).parent / "templates"
_log = logging.getLogger(__name__)


@dataclass
class Quarto:
    """What calls of Quarto during one run share.

    Parameters
    ----------
    timeout : float
        Seconds that a call of :func:`render` may take.
    fault : str
        Why Quarto is not called any more; empty while it is.
    reported : set of str
        The faults that a line of the log has named.
    processes : set of subprocess.Popen
        The calls that are under way.
    """

    timeout: float = 300.0
    fault: str = ""
    reported: set[str] = field(default_factory=set)
    processes: set[subprocess.Popen[str]] = field(default_factory=set)

    def stop(self) -> None:
        """End the calls that are under way in other threads, and let no other begin."""
        self.fault = "stopped"
        for process in list(self.processes):
            kill_session(process.pid)


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def choose(engine: str) -> str:
    """The engine that will render: ``quarto`` or ``embedded``.

    Raises
    ------
    InputError
        Where there is no such engine, or Quarto is asked for and is not on the PATH.

    Examples
    --------
    >>> choose("embedded")
    'embedded'
    """
    if engine not in ENGINES:
        raise InputError(Phrase("report.no_engine", found=engine, names=ENGINES))
    if engine == "quarto" and shutil.which("quarto") is None:
        raise InputError(Phrase("report.no_quarto"))
    if engine == "auto":
        return "quarto" if shutil.which("quarto") else "embedded"
    return engine


def render(
    notebooks: Iterable[Path],
    *,
    engine: str = "auto",
    language: str = "ru",
    style: Path = STYLE,
    quarto: Quarto | None = None,
) -> dict[Path, str]:
    """Render executed notebooks, each to ``<same name>.html`` beside it.

    Parameters
    ----------
    notebooks : iterable of Path
        Executed notebooks; with Quarto, one call renders them all.
    engine : str
        ``auto`` (Quarto where it is on the PATH, and the embedded renderer for what Quarto cannot
        render), ``quarto`` or ``embedded``.
    language : str
        ISO 639-1 code for ``<html lang>``.
    style : Path
        The folder with ``_quarto.yml`` and ``theme.css``.
    quarto : Quarto or None
        Shared by the calls of a run: after a hang, and under ``auto`` after a call that made no page,
        Quarto is not called again.

    Returns
    -------
    dict
        The notebooks that could not be rendered, and why, in one sentence; empty when all is well.
        A page that could not be made leaves an earlier one as it was.
    """
    paths = [Path(path) for path in notebooks]
    absent = [str(style / name) for name in ("_quarto.yml", "theme.css") if not (style / name).is_file()]
    if absent:
        raise InputError(Phrase("report.no_style", names=absent))
    quarto = quarto or Quarto()
    if choose(engine) == "embedded" or (engine == "auto" and quarto.fault):
        return _each(paths, language, style)
    readable, failed = _readable(paths, language)
    left = _with_quarto(readable, language, style, quarto)
    if engine == "quarto" or not left:
        return failed | left
    fault = next(iter(left.values()))
    if len(left) == len(readable):
        quarto.fault = fault
    if fault not in quarto.reported:
        quarto.reported.add(fault)
        _log.warning("%s; the embedded renderer makes the pages that Quarto cannot", fault)
    return failed | _each(list(left), language, style)


def title(outputs: Sequence[str], default: str) -> str:
    """The text of the first ``<h1>``, which names the page.

    Examples
    --------
    >>> title(['<h1 class="who">Q&amp;A <em>Анна</em></h1>'], "report")
    'Q&A Анна'
    >>> title(["<p>no heading</p>"], "report")
    'report'
    """
    for output in outputs:
        if found := re.search(r"<h1\b[^>]*>(.*?)</h1>", output, re.DOTALL | re.IGNORECASE):
            words = html.unescape(re.sub(r"<[^>]*>", "", found[1])).split()
            return " ".join(words) or default
    return default


def not_shown(path: Path) -> list[str]:
    """A line for each output of an executed notebook that its page cannot show."""
    from kpi_kit.report.outputs import page_outputs

    return page_outputs(_read(path), "en").not_shown


def _read(path: Path) -> NotebookNode:
    import nbformat

    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)
        return notebook
    except Exception as fault:  # a broken file makes nbformat raise errors of many kinds
        raise ReportError(
            Phrase("report.not_a_notebook", file=path.name, reason=_first_line(fault))
        ) from fault


def _each(paths: Sequence[Path], language: str, style: Path) -> dict[Path, str]:
    failed = {}
    for path in paths:
        try:
            _embedded(path, language, style)
        except ReportError as fault:
            failed[path] = str(fault)
    return failed


@functools.cache
def _exporter() -> TemplateExporter:
    """The exporter, once a process: making one costs more than a page.

    nbconvert's exporter for HTML would parse and write every page anew, and call images that have no
    alternative text "No description has been provided".
    """
    from nbconvert.exporters.templateexporter import TemplateExporter

    return TemplateExporter(
        template_name="report",
        file_extension=".html",
        extra_template_basedirs=[str(_TEMPLATES)],
        optimistic_validation=True,  # once a page, and not once a step
    )


def _embedded(path: Path, language: str, style: Path) -> None:
    notebook = _read(path)
    from kpi_kit.report.outputs import page_outputs

    outputs = page_outputs(notebook, language).parts
    page = {
        "language": language,
        "title": title(outputs, path.stem),
        "theme": (style / "theme.css").read_text(encoding="utf-8"),
        "outputs": outputs,
    }
    text, _ = _exporter().from_notebook_node(notebook, {"page": page})
    write_file(path.with_suffix(".html"), text + "\n")


Readable = tuple[Path, list[str]]
"""An executed notebook, and its outputs."""
_ALTERED = re.compile(r"`|\t|\{\{|(?<=;base64,)[\w+/=]{99,}")
"""What Quarto acts on or alters within raw HTML, and what costs it much: tokens stand there instead.

A row of backticks ends its raw block, and the block around the whole page in which Quarto embeds files: what
follows is Markdown, whose images may be any file. Tabs become spaces. ``{{<`` begins a shortcode. Pages with
10 MB of figures would take it 2.5 GB.
"""
_NO_ADDRESS = re.compile(r"<a(?=[\s>])(?![^>]*\shref=)")
"""A link that leads nowhere: Quarto would give it the address of the page."""


def _readable(paths: Sequence[Path], language: str) -> tuple[list[Readable], dict[Path, str]]:
    """The notebooks with their outputs, and those that cannot be read, with the reason."""
    from kpi_kit.report.outputs import page_outputs

    readable: list[Readable] = []
    failed = {}
    for path in paths:
        try:
            readable.append((path, page_outputs(_read(path), language).parts))
        except ReportError as fault:
            failed[path] = str(fault)
    return readable, failed


def _with_quarto(readable: Sequence[Readable], language: str, style: Path, quarto: Quarto) -> dict[Path, str]:
    """One call for all; Quarto stops at the first fault, so the others are then rendered one by one."""
    failed: dict[Path, str] = {}
    deadline = time.monotonic() + quarto.timeout
    groups = [readable] if readable else []
    while groups:
        group = groups.pop(0)
        if quarto.fault:  # other threads set it, too
            failed |= {path: quarto.fault for path, _ in group}
            continue
        try:
            _quarto(group, language, style, deadline, quarto)
        except _OutOfTime:
            quarto.fault = f"Quarto did not end within {quarto.timeout:.0f} s"
            groups.append(group)
        except ReportError as fault:
            if len(group) == 1:
                failed[group[0][0]] = str(fault)
            else:
                groups += [[one] for one in group]
    return failed


class _OutOfTime(ReportError):
    """Quarto has used up the time for all pages."""


def _quarto(
    notebooks: Sequence[Readable], language: str, style: Path, deadline: float, quarto: Quarto
) -> None:
    """Render in a scratch project, so that nothing but the finished page lands beside the notebook.

    The copies are numbered: Quarto skips files whose names begin with ``_`` or ``.``, and gives
    README and index a meaning of their own.
    """
    tokens = [f"title{secrets.token_hex(16)}" for _ in notebooks]
    with tempfile.TemporaryDirectory(prefix="kpi-kit-") as folder:
        project = Path(folder, "project")
        project.mkdir()
        for name in ("_quarto.yml", "theme.css"):
            shutil.copyfile(style / name, project / name)
        kept = []
        for number, ((_, outputs), token) in enumerate(zip(notebooks, tokens, strict=True)):
            copy, texts = _for_quarto(outputs, token, language)
            (project / f"report-{number}.ipynb").write_text(copy, encoding="utf-8")
            kept.append(texts)
        _call_quarto(project, deadline, quarto)
        for number, (path, outputs) in enumerate(notebooks):
            page = project / f"report-{number}.html"
            if not page.is_file():
                raise ReportError(Phrase("report.quarto_no_page", file=path.name))
            text = page.read_text(encoding="utf-8")
            text = _from_quarto(text, tokens[number], kept[number], title(outputs, path.stem))
            write_file(path.with_suffix(".html"), text)


def _for_quarto(outputs: Sequence[str], token: str, language: str) -> tuple[str, list[str]]:
    """The notebook that Quarto gets, and the texts for which numbered tokens stand in it.

    It has front matter, and each part of the page as a raw block of Markdown: Quarto answers outputs of kind
    ``text/html`` with scripts from elsewhere. A token stands for the title, in which it executes shortcodes.
    """
    import nbformat
    from nbformat import v4

    texts: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        texts.append(match[0])
        return f"{token}n{len(texts) - 1}n"

    front = f"---\npagetitle: {token}\nlang: {language}\n---"
    notebook = v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    notebook.cells = [v4.new_raw_cell(front, id="front")]
    for number, output in enumerate(outputs):
        raw = _NO_ADDRESS.sub(f'<a href="#{token}"', _ALTERED.sub(numbered, output))
        cell = v4.new_markdown_cell(f"```{{=html}}\n{raw}\n```", id=f"output-{number}")
        notebook.cells.append(cell)
    return str(nbformat.writes(notebook)), texts


def _from_quarto(page: str, token: str, texts: Sequence[str], title: str) -> str:
    """The page that Quarto made, with what the tokens stand for."""
    page = page.replace(f' href="#{token}"', "")
    page = re.sub(f"{token}n(\\d+)n", lambda match: texts[int(match[1])], page)
    return page.replace(token, html.escape(title))


def _call_quarto(project: Path, deadline: float, quarto: Quarto) -> None:
    temporary = project.parent / "temporary"  # where it is killed, Quarto leaves files there
    temporary.mkdir()
    left = deadline - time.monotonic()
    # A session of its own: `quarto` is a script that starts others, and all must end together.
    try:
        process = subprocess.Popen(
            ["quarto", "render", ".", "--to", "html"],
            cwd=project,
            env={**os.environ, "NO_COLOR": "1", **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as fault:
        raise ReportError(Phrase("report.quarto_not_started", reason=reason_of(fault))) from None
    quarto.processes.add(process)
    try:
        said, _ = process.communicate(timeout=max(0.0, left))
    except subprocess.TimeoutExpired:
        raise _OutOfTime(Phrase("report.quarto_late")) from None
    finally:
        quarto.processes.discard(process)
        if process.poll() is None:
            kill_session(process.pid)
            process.communicate()
    if process.returncode != 0:
        raise ReportError(
            Phrase("report.quarto_failed", reason=_last_word(said.replace(f"{project}{os.sep}", "")))
        )


def _last_word(said: str) -> str:
    """The last line of Quarto that begins with an error (a stack trace may follow it), or its last line."""
    lines = [line.strip() for line in _COLOURS.sub("", said).splitlines() if line.strip()]
    errors = [line for line in lines if line.casefold().startswith("error")]
    return (errors or lines or [Phrase("report.quarto_silent")])[-1]


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0]
