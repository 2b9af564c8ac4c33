"""From a person and a period to one typed record: the scorecard.

``score`` is imported only when it is asked for: reading a scorecard needs no statistics.
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
