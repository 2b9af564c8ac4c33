"""From a scorecard to the parts of a page: wording, figures, HTML and rendering.

The calls that a notebook makes stand in :mod:`kpi_kit.report.notebook_api`. They are imported only
when they are asked for, so that the wording alone costs little.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpi_kit.report.notebook_api import (
        THEME,
        DepartmentReport,
        Section,
        SpecialistReport,
        department,
        specialist,
        style,
    )

__all__ = ["THEME", "DepartmentReport", "Section", "SpecialistReport", "department", "specialist", "style"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("kpi_kit.report.notebook_api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=__name__)
