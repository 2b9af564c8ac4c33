"""Scorecard records -> HTML: tables by great-tables, and the marks inside them.

Every text that comes from data is escaped; nothing here rounds a number or knows a colour.
"""

from kpi_kit.report.parts.arithmetic import arithmetic
from kpi_kit.report.parts.audit import smart
from kpi_kit.report.parts.calendar import calendar, plan_mark
from kpi_kit.report.parts.details import audience, funnel, plan, posts
from kpi_kit.report.parts.entries import names, reasons, titles
from kpi_kit.report.parts.heatmap import Cell, heatmap, key
from kpi_kit.report.parts.legend import legend
from kpi_kit.report.parts.marks import bar, pill, spark, state, verdict_mark
from kpi_kit.report.parts.markup import (
    Column,
    details,
    facts,
    image,
    items,
    link,
    paragraph,
    section,
    table,
    tag,
)
from kpi_kit.report.parts.page import branded
from kpi_kit.report.parts.scorecard import (
    UNFINISHED,
    account_list,
    accounts,
    banner,
    data_notes,
    definitions,
    provenance,
    scorecard,
)
from kpi_kit.report.parts.unusual import restated, unusual_days
from kpi_kit.report.wording import form

__all__ = [
    "UNFINISHED",
    "Cell",
    "Column",
    "account_list",
    "accounts",
    "arithmetic",
    "audience",
    "banner",
    "bar",
    "branded",
    "calendar",
    "data_notes",
    "definitions",
    "details",
    "facts",
    "form",
    "funnel",
    "heatmap",
    "image",
    "items",
    "key",
    "legend",
    "link",
    "names",
    "paragraph",
    "pill",
    "plan",
    "plan_mark",
    "posts",
    "provenance",
    "reasons",
    "restated",
    "scorecard",
    "section",
    "smart",
    "spark",
    "state",
    "table",
    "tag",
    "titles",
    "unusual_days",
    "verdict_mark",
]
