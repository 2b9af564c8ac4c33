"""What an executed notebook shows, as parts of a page.

The kit's own sections stand on the page as they are. All else is untrusted: Markdown, tables and HTML keep
only harmless elements, figures become images within the page, text is escaped. What cannot be shown is named.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from kpi_kit.core.sanitize import isolated
from kpi_kit.report.parts.markup import host
from kpi_kit.report.wording import Words, words

if TYPE_CHECKING:
    from nbformat import NotebookNode

MARK = "kpi_kit"
"""The key of an output's metadata that marks a section of the kit."""
CONTENTS = "contents"
"""The key below it: the entry of the section in the contents of the page."""
_TAGS = set(
    "a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr "
    "i img kbd li ol p pre q s small span strong sub summary sup table tbody td tfoot th thead tr u "
    "ul".split()
)
_ATTRIBUTES = {
    "*": {"lang", "dir", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
}
_IMAGES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
_PLAIN = {"text/plain", "text/html", "text/markdown", *_IMAGES}
_KINDS = {
    "application/vnd.plotly.v1+json": "an interactive figure of Plotly",
    "application/vnd.jupyter.widget-view+json": "a widget",
    "application/javascript": "a script",
    "text/latex": "a formula in LaTeX",
}
"""Names of kinds of outputs that no page can show."""
_SCHEMES = {"https", "mailto"}
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml)[;,]")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_OBJECT = re.compile(r"\[?<[^\n]*>[^\n]*\]?|Text\([^\n]*\)")
_HEADING = re.compile(r"<h[1-6]>(.*?)</h[1-6]>", re.DOTALL)
_NUMBER = re.compile(r"<td>(?=[+\-\u2212]?\d[\d\s.,\u202f\u00a0]*%?</td>)")
_TAG = re.compile(r"<(?!img\b)[^>]*>")
_TABLE = re.compile(r"<table>(.*?)</table>", re.DOTALL)
_SOURCE = re.compile(r'<img\b[^>]*?\bsrc="([^"]*)"')


class PageOutputs(NamedTuple):
    """The parts of a page in order, and a line for each output that it cannot show."""

    parts: list[str]
    not_shown: list[str]


def page_outputs(notebook: NotebookNode, language: str) -> PageOutputs:
    """What the page of an executed notebook shows, and what it cannot show."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    has_header = any(_mark(output) is not None for output in outputs)
    reader = _Reader(words(language), has_header=has_header)
    parts: list[str] = []
    entries: list[tuple[str, str]] = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "markdown":
            parts += reader.section([reader.markdown(cell.source, f"Markdown cell {number}", cell)])
        elif cell.cell_type == "code":
            parts += reader.code_cell(cell, entries)
    return PageOutputs(_with_entries(parts, entries), reader.not_shown)


def cleaned(html: str) -> str:
    """HTML without scripts, styles and addresses that a page would load.

    Examples
    --------
    >>> cleaned('<p onclick="x()">a<script>1</script><img src="https://a.example/x.png"></p>')
    '<p>a</p>'
    >>> cleaned('<h1>t</h1><a href="javascript:x">b</a>')
    '<h1>t</h1><a>b</a>'
    """
    kept = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "template"},
        attributes=_ATTRIBUTES,
        attribute_filter=_harmless,
        url_schemes={*_SCHEMES, "data"},
        link_rel="noopener noreferrer",
    )
    kept = kept.replace('<a rel="noopener noreferrer">', "<a>")
    return re.sub(r"<img(?![^>]*\bsrc=)[^>]*>", "", kept)


def below(html: str) -> str:
    """Clean HTML for a page that has a first heading of its own."""
    return html.replace("<h1>", "<h2>").replace("</h1>", "</h2>")


def styled(html: str, label: str) -> Markup:
    """Clean HTML whose tables look like those of the kit."""
    start = f'<div class="k-scroll k-as-table" tabindex="0" role="region" aria-label="{escape(label)}">'
    start += '<table class="k-table" data-quarto-disable-processing="true">'
    return Markup(_TABLE.sub(lambda table: f"{start}{_aligned(table[1])}</table></div>", html))


def _aligned(rows: str) -> str:
    """The rows of a table with numbers, and the headings above them, marked for alignment to the right."""
    head, end, body = rows.partition("</thead>")
    body = _NUMBER.sub('<td class="k-n">', body)
    cells = [re.findall(r"<(?:td|th)\b([^>]*)>", row) for row in body.split("<tr>")[1:]]
    numeric = [any('"k-n"' in cell for cell in column) for column in zip(*cells, strict=False)]
    columns = iter(numeric if head.count("<tr>") == 1 and head.count("<th>") == len(numeric) else ())
    head = re.sub("<th>", lambda _: '<th class="k-n">' if next(columns, False) else "<th>", head)
    return head + end + body


def rendered(text: str) -> str:
    r"""Markdown as clean HTML.

    Examples
    --------
    >>> rendered("**Вывод** <script>1</script>")
    '<p><strong>Вывод</strong> </p>\n'
    """
    return cleaned(_markdown().render(text))


def figure(source: str, alt: str, width: int | None = None) -> Markup:
    """An image within the page, as a figure; its width is in pixels of the page."""
    size = "" if width is None else Markup(' width="{}"').format(width)
    image = '<figure class="k-figure k-as-image"><img src="{}" alt="{}"{}></figure>'
    return Markup(image).format(source, alt, size)


def data_address(kind: str, content: str | bytes) -> str:
    """An image as an address that holds it; bytes are encoded, text is base64 but for SVG."""
    if isinstance(content, bytes):
        content = base64.b64encode(content).decode("ascii")
    elif kind == "image/svg+xml":
        content = base64.b64encode(content.encode()).decode("ascii")
    return f"data:{kind};base64,{''.join(content.split())}"


class _Reader:
    """Turns cells into parts of a page, and notes what cannot be shown.

    Parameters
    ----------
    say : Words
    has_header : bool
        Whether sections of the kit bring the first heading of the page.
    """

    def __init__(self, say: Words, *, has_header: bool) -> None:
        self._say = say
        self._has_header = has_header
        self._heading = ""
        self.not_shown: list[str] = []

    def code_cell(self, cell: NotebookNode, entries: list[tuple[str, str]]) -> Iterator[str]:
        """The sections of a code cell; entries of the contents are added to a list."""
        outputs = cell.get("outputs", [])
        has_image = any(not set(_IMAGES).isdisjoint(output.get("data", {})) for output in outputs)
        place = f"cell [{cell.get('execution_count')}]"
        waiting: list[str | None] = []
        for output in outputs:
            mark = _mark(output)
            if mark is not None:
                yield from self.section(waiting)
                waiting = []
                yield str(output.data["text/html"])
                if CONTENTS in mark:
                    entries.append((str(mark[CONTENTS]), str(mark.get("id", ""))))
                    self._heading = str(mark[CONTENTS])
            else:
                part = self._output(output, place, has_image)
                if part not in waiting:  # a figure that is drawn and returned comes twice
                    waiting.append(part)
        yield from self.section(waiting)

    def section(self, parts: list[str | None]) -> Iterator[str]:
        """One section for what a cell shows."""
        content = "\n".join(part for part in parts if part)
        if content:
            language = self._say.language
            content = below(content) if self._has_header else content
            yield f'<section class="k-section k-shown" lang="{language}">{content}</section>'

    def markdown(self, text: str, place: str, cell: Mapping[str, Any] | None = None) -> str | None:
        """Markdown with the images that it holds; images elsewhere are noted."""
        html = _markdown().render(text)
        for name, bundle in (cell or {}).get("attachments", {}).items():
            for kind, content in bundle.items():
                html = html.replace(f'src="attachment:{name}"', f'src="{data_address(kind, content)}"')
        for source in _SOURCE.findall(html):
            if not _DATA_IMAGE.match(source):
                self._note(place, f"an image at {source:.80}")
        return self._html(cleaned(html))

    def _output(self, output: NotebookNode, place: str, has_image: bool) -> str | None:
        if output.output_type == "stream":
            if output.name == "stdout":
                return self._text(output.text)
            return self._note(place, "text on standard error")
        if output.output_type == "error":
            return self._note(place, "an error")
        return self._bundle(output.data, place, has_image)

    def _bundle(self, data: Mapping[str, Any], place: str, has_image: bool) -> str | None:
        if part := self._html(cleaned(_joined(data.get("text/html", "")))):
            return part
        for kind in _IMAGES:
            if kind in data:
                return figure(data_address(kind, _joined(data[kind])), self._alt())
        if "text/markdown" in data:
            return self.markdown(_joined(data["text/markdown"]), place)
        others = sorted(set(data) - _PLAIN)
        text = _joined(data.get("text/plain", ""))
        if others or "text/html" in data:
            names = [_KINDS.get(kind, kind) for kind in others]
            return self._note(place, ", ".join(names) or "HTML that is a script or loads a page")
        if has_image and _OBJECT.fullmatch(text.strip()):
            return None  # "<Axes: …>" beside its figure
        if _ADDRESS.search(text):
            return self._note(place, f"an object of Python, {_ADDRESS.sub('', text.strip()):.80}")
        return self._text(text)

    def _html(self, html: str) -> str | None:
        if not _TAG.sub("", html).strip():
            return None
        headings = _HEADING.findall(html)
        if headings:
            self._heading = Markup(headings[-1]).striptags()
        return str(styled(html, self._heading or self._say.text("page.table")))

    def _text(self, text: str) -> str | None:
        plain = isolated(_COLOURS.sub("", text)).strip("\n")
        return (
            str(Markup('<pre class="k-text" tabindex="0">{}</pre>').format(plain)) if plain.strip() else None
        )

    def _alt(self) -> str:
        figure_of = self._say.text("page.figure")
        return f"{figure_of}: {self._heading}" if self._heading else figure_of

    def _note(self, place: str, what: str) -> str | None:
        """Note what a page cannot show, for which it has no part."""
        line = f"{place}: {what}"
        if line not in self.not_shown:
            self.not_shown.append(line)
        return None


def _mark(output: NotebookNode) -> Mapping[str, Any] | None:
    """The mark of a section of the kit; None where an output is something else."""
    mark = output.get("metadata", {}).get(MARK)
    return mark if isinstance(mark, Mapping) and "text/html" in output.get("data", {}) else None


def _with_entries(parts: list[str], entries: list[tuple[str, str]]) -> list[str]:
    """The parts, with more entries in the contents of the page."""
    links = Markup("").join(Markup('<a href="#{}">{}</a>').format(name, title) for title, name in entries)
    if not links:
        return parts
    for number, part in enumerate(parts):
        for end in ("</span></nav>", "</nav>"):
            if end in part:
                return [*parts[:number], part.replace(end, links + Markup(end), 1), *parts[number + 1 :]]
    return parts


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _harmless(element: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if _DATA_IMAGE.match(value) else None
    if attribute != "href" or value.startswith("mailto:"):
        return value
    return value if value.startswith("https:") and host(value) else None
