"""The colours that figures share with the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from kpi_kit.core.errors import ReportError
from kpi_kit.core.phrases import Phrase


@dataclass(frozen=True)
class Theme:
    """The custom properties of the stylesheet that figures use, without their ``--k-``."""

    ink: str
    muted: str
    line: str
    surface: str
    fact: str
    target: str
    band: str
    week: str
    trend: str


@cache
def theme(stylesheet: Path, accent: str | None = None) -> Theme:
    """Read the colours from the custom properties of a stylesheet's ``:root``.

    Parameters
    ----------
    stylesheet : Path
    accent : str or None
        The colour of a brand, in place of that of facts.

    Raises
    ------
    ReportError
        Where the file or one of the properties is missing.
    """
    try:
        css = stylesheet.read_text(encoding="utf-8")
    except OSError:
        raise ReportError(Phrase("report.no_stylesheet", file=stylesheet)) from None
    root = re.search(r":root\s*\{(.*?)\}", css, re.DOTALL)
    found = dict(re.findall(r"--k-([\w-]+):\s*([^;]+?)\s*;", root[1] if root else ""))
    names = Theme.__dataclass_fields__
    missing = [f"--k-{name}" for name in names if name not in found]
    if missing:
        raise ReportError(Phrase("report.stylesheet_lacks", file=stylesheet, names=missing))
    colours = Theme(**{name: found[name] for name in names})
    return colours if accent is None else replace(colours, fact=accent)
