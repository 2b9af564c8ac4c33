"""Scorecard records -> HTML: tables by great-tables, and the marks inside them.

Every text that comes from data is escaped; nothing here rounds a number or knows a colour.
"""

from kpi_kit.display.arithmetic import arithmetic
from kpi_kit.display.audit import smart
from kpi_kit.display.calendar import calendar, plan_mark
from kpi_kit.display.details import audience, funnel, plan, posts
from kpi_kit.display.entries import names, reasons, titles
from kpi_kit.display.heatmap import Cell, heatmap, key
from kpi_kit.display.html import Column, details, facts, image, items, link, paragraph, section, table, tag
from kpi_kit.display.legend import legend
from kpi_kit.display.marks import bar, pill, spark, state, verdict_mark
from kpi_kit.display.page import branded
from kpi_kit.display.scorecard import (
    UNFINISHED,
    account_list,
    accounts,
    banner,
    data_notes,
    definitions,
    provenance,
    scorecard,
)
from kpi_kit.display.unusual import restated, unusual_days
from kpi_kit.wording import form

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
