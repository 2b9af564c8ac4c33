"""The stylesheet of the pages for outputs in Jupyter."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

from kpi_kit.report.parts import tag

_CLASS = re.compile(r"(\.(?:kpi|k|gt)[-_][a-z][\w-]*)")
_INSIDE_JUPYTER = """:scope:scope table { table-layout: auto; margin: 0; }
:scope:scope tr:nth-child(n) { background: none; }
"""


@cache
def style(theme: Path) -> Markup:
    """A style element that affects only a report's sections."""
    rules = theme.read_text(encoding="utf-8").replace(":root {", ":scope {")
    # Jupyter's own rules for the tables of outputs are as specific as two classes: three prevail
    rules = _CLASS.sub(r"\1\1\1", rules)
    return tag("style", Markup(f"@scope (.kpi-report) {{\n{_INSIDE_JUPYTER}{rules}\n}}"))
