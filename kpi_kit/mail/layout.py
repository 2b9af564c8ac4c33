"""The layout of a message: HTML for mail clients, and plain text with the same words.

Outlook for Windows lays out only tables; some clients drop the head, so styles are inlined; the width is at
most 600 pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import css_inline
from markupsafe import Markup

from kpi_kit.mail.content import Content, Picture, Row
from kpi_kit.report.figures import Theme
from kpi_kit.report.parts import comment, tag
from kpi_kit.report.wording import Words

WIDTH = 600
_PICTURE = 344
_STYLE = """
body {{ margin: 0; padding: 0; background-color: {surface}; }}
td, th, p, li, blockquote, h1, h2 {{ font-family: Arial, Helvetica, sans-serif; color: {ink}; }}
h1 {{ margin: 0 0 4px; font-size: 22px; line-height: 28px; }}
h2 {{ margin: 22px 0 6px; font-size: 16px; line-height: 22px; }}
p {{ margin: 0 0 8px; font-size: 15px; line-height: 22px; }}
li, blockquote {{ font-size: 15px; line-height: 22px; }}
a {{ color: {fact}; }}
img {{ display: block; border: 0; width: 100%; max-width: 420px; height: auto; }}
.page {{ width: 100%; max-width: 600px; background-color: {surface}; }}
.sheet {{ padding: 16px 16px 24px; border-top: 4px solid {fact}; }}
.quiet {{ color: {muted}; font-size: 13px; line-height: 18px; }}
.mark {{ padding: 8px 12px; border-left: 4px solid {target}; background-color: {band}; }}
.item {{ padding: 6px 0 6px 10px; border-left: 3px solid {fact}; font-size: 15px; line-height: 21px; }}
.name {{ margin: 18px 0 2px; font-weight: bold; }}
.long {{ overflow-wrap: anywhere; }}
.last {{ margin: 18px 0 0; }}
.gap {{ height: 6px; font-size: 6px; line-height: 6px; }}
.table {{ width: 100%; border-collapse: collapse; }}
.head {{ padding: 4px 6px 4px 0; font-size: 12px; line-height: 16px; font-weight: bold; color: {muted};
  text-align: left; vertical-align: bottom; border-bottom: 1px solid {ink}; }}
.cell {{ padding: 6px 6px 6px 0; font-size: 14px; line-height: 19px; text-align: left; vertical-align: top;
  font-weight: normal; border-bottom: 1px solid {line}; }}
"""
_MSO_OPEN = Markup(
    '<!--[if mso]><table role="presentation" width="600" align="center" cellpadding="0" cellspacing="0" '
    'border="0"><tr><td><![endif]-->'
)
_MSO_CLOSE = Markup("<!--[if mso]></td></tr></table><![endif]-->")


def html(content: Content, cids: Mapping[Picture, str], say: Words, colours: Theme) -> str:
    """The message as HTML.

    Parameters
    ----------
    content : Content
    cids : mapping
        The Content-ID of each picture.
    say : Words
    colours : Theme
    """
    body = _table(
        tag("tr", tag("td", *_parts(content, cids, say), class_="sheet")),
        class_="page",
        width=str(WIDTH),
        align="center",
    )
    head = tag(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", content.subject),
        tag("style", Markup(_STYLE.format(**vars(colours)))),
    )
    page = tag("html", head, tag("body", _MSO_OPEN, body, _MSO_CLOSE), lang=content.language)
    return _inliner().inline("<!DOCTYPE html>" + str(page))


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)


def _table(*content: Markup | None, **attributes: str) -> Markup:
    return tag(
        "table", *content, role="presentation", cellpadding="0", cellspacing="0", border="0", **attributes
    )


def _parts(content: Content, cids: Mapping[Picture, str], say: Words) -> list[Markup | None]:
    return [
        tag("p", content.agency, class_="quiet"),
        tag("h1", content.title),
        tag("p", content.as_of, class_="quiet") if content.as_of else None,
        _marks([content.corrected, *content.corrections] if content.corrected else []),
        _marks(content.banners),
        *(tag("p", sentence) for sentence in content.sentences),
        *_comments(content, say),
        *_exceptions(content, say),
        *_held(content, say),
        *_specialists(content, say),
        *_pictures(content, cids, say),
        tag("p", content.reports, class_="last") if content.rows else None,
        _department(content, say),
    ]


def _marks(lines: list[str] | tuple[str, ...]) -> Markup | None:
    """Marked lines at the top of the message."""
    if not lines:
        return None
    first = tag("p", tag("b", lines[0]))
    marked = tag("td", first, *(tag("p", line) for line in lines[1:]), class_="mark")
    return _table(tag("tr", marked), class_="table") + _table(tag("tr", tag("td", " ", class_="gap")))


def _items(pairs: tuple[tuple[str, str], ...]) -> Markup:
    gap = tag("tr", tag("td", " ", class_="gap"))
    rows = [tag("tr", tag("td", tag("b", who), ": ", what, class_="item long")) + gap for who, what in pairs]
    return _table(*rows, class_="table")


def _comments(content: Content, say: Words) -> list[Markup | None]:
    if not content.comments:
        return []
    shown: list[Markup | None] = [tag("h2", say.text("page.comment"))]
    for who, text in content.comments:
        # the name is no paragraph of the comment
        shown += [tag("p", who, class_="name long"), tag("div", comment(text), class_="long")]
    more = tag("p", content.more_comments, class_="quiet") if content.more_comments else None
    return [*shown, more]


def _exceptions(content: Content, say: Words) -> list[Markup | None]:
    if not content.exceptions:
        return []
    return [tag("h2", say.text("department.exceptions")), _items(content.exceptions)]


def _held(content: Content, say: Words) -> list[Markup | None]:
    if not content.held:
        return []
    return [tag("h2", say.text("mail.held.heading")), _items(content.held)]


def _specialists(content: Content, say: Words) -> list[Markup | None]:
    if not content.rows:
        return []
    heads = tag("tr", *(tag("th", head, class_="head", scope="col") for head in content.heads))
    table = tag(
        "table", heads, *map(_row, content.rows), class_="table", cellpadding="0", cellspacing="0", border="0"
    )
    more = tag("p", content.more_rows, class_="quiet") if content.more_rows else None
    return [tag("h2", say.text("department.totals")), table, more]


def _row(row: Row) -> Markup:
    name, *cells = row.cells
    shown = tag("a", name, href=row.link, rel="noopener noreferrer") if row.link else tag("b", name)
    head = tag("th", shown, class_="cell long", scope="row")
    return tag("tr", head, *(tag("td", cell, class_="cell") for cell in cells))


def _pictures(content: Content, cids: Mapping[Picture, str], say: Words) -> list[Markup | None]:
    if not content.pictures:
        return []
    shown: list[Markup | None] = [
        tag("h2", say.text("figures.heading")),
        tag("p", say.text("mail.legend"), class_="quiet"),
    ]
    for number, picture in enumerate(content.pictures, 1):
        alt = say.text("mail.picture", number=number)
        image = Markup('<img src="cid:{}" alt="{}" width="{}">').format(cids[picture], alt, str(_PICTURE))
        shown += [tag("p", picture.heading, class_="name long"), tag("p", picture.message), image]
    return shown


def _department(content: Content, say: Words) -> Markup | None:
    if content.department_link is None:
        return None
    link = tag("a", say.text("department.title"), href=content.department_link, rel="noopener noreferrer")
    return tag("p", link)


def text(content: Content, say: Words) -> str:
    """The message as plain text, with the messages of the pictures."""
    blocks: list[list[str]] = [[content.agency, content.title, content.as_of]]
    blocks += [[content.corrected, *content.corrections]] if content.corrected else []
    blocks += [list(content.banners), list(content.sentences)]
    if content.comments:
        said = [line for who, comment_text in content.comments for line in (f"{who}:", comment_text)]
        blocks.append([_headed(say.text("page.comment")), *said, content.more_comments])
    if content.exceptions:
        lines = [f"- {who}: {what}" for who, what in content.exceptions]
        blocks.append([_headed(say.text("department.exceptions")), *lines])
    if content.held:
        lines = [f"- {who}: {what}" for who, what in content.held]
        blocks.append([_headed(say.text("mail.held.heading")), *lines])
    if content.rows:
        rows = [line for row in content.rows for line in _lines(row, content.heads)]
        blocks.append([_headed(say.text("department.totals")), *rows, content.more_rows])
    if content.pictures:
        messages = [f"- {picture.heading}. {picture.message}" for picture in content.pictures]
        blocks.append([_headed(say.text("figures.heading")), *messages])
    if content.rows:
        blocks.append([content.reports])
    if content.department_link:
        blocks.append([f"{say.text('department.title')}: {content.department_link}"])
    paragraphs = ["\n".join(line for line in block if line) for block in blocks]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _headed(heading: str) -> str:
    return heading.upper()


def _lines(row: Row, heads: tuple[str, ...]) -> list[str]:
    cells = "; ".join(f"{head}: {cell}" for head, cell in zip(heads[1:], row.cells[1:], strict=True))
    return [f"- {row.cells[0]}. {cells}", *([f"  {row.link}"] if row.link else [])]
