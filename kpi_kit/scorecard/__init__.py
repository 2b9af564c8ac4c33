"""The scorecard: everything measured for a specialist and a period, as one typed record.

``score`` is imported on first use, because reading a scorecard needs no statistics.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpi_kit.scorecard.build import score

__all__ = ["score"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("kpi_kit.scorecard.build"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=__name__)
