"""Scorecard records -> parts of a page, by the templates in ``report/templates``.

Every text that comes from data is escaped; nothing here rounds a number or knows a colour.
"""

from kpi_kit.report.parts.arithmetic import arithmetic
from kpi_kit.report.parts.audit import smart
from kpi_kit.report.parts.calendar import calendar, plan_mark
from kpi_kit.report.parts.comment import comment
from kpi_kit.report.parts.data_status import data_status
from kpi_kit.report.parts.details import audience, funnel, plan, posts
from kpi_kit.report.parts.entries import names, reasons, titles
from kpi_kit.report.parts.first_screen import header, scorecard_table
from kpi_kit.report.parts.legend import legend
from kpi_kit.report.parts.marks import state
from kpi_kit.report.parts.markup import (
    Column,
    block,
    details,
    facts,
    image,
    items,
    join,
    link,
    page_part,
    paragraph,
    section,
    table,
    tag,
)
from kpi_kit.report.parts.page import branded
from kpi_kit.report.parts.people import cells, people_table, person_row, year
from kpi_kit.report.parts.scorecard import (
    UNFINISHED,
    accounts,
    data_notes,
    definitions,
    provenance,
    scorecard,
)
from kpi_kit.report.parts.unusual import restated, unusual_days
from kpi_kit.report.wording import form

__all__ = [
    "UNFINISHED",
    "Column",
    "accounts",
    "arithmetic",
    "audience",
    "block",
    "branded",
    "calendar",
    "cells",
    "comment",
    "data_notes",
    "data_status",
    "definitions",
    "details",
    "facts",
    "form",
    "funnel",
    "header",
    "image",
    "items",
    "join",
    "legend",
    "link",
    "names",
    "page_part",
    "paragraph",
    "people_table",
    "person_row",
    "plan",
    "plan_mark",
    "posts",
    "provenance",
    "reasons",
    "restated",
    "scorecard",
    "scorecard_table",
    "section",
    "smart",
    "state",
    "table",
    "tag",
    "titles",
    "unusual_days",
    "year",
]
