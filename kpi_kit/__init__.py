"""KPI kit: fair and reproducible KPI reports for social-media specialists.

For exploring, in JupyterLab or anywhere else::

    import kpi_kit as kk

    agency = kk.open("data/sample", "params")
    card = agency.score("anna-petrova", "2025-10")
    card["churn_rate"].units

Nothing is read before it is asked for, so importing this package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kpi_kit.explore import Agency, Card, Record, open

__all__ = ["Agency", "Card", "Record", "open"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("kpi-kit")
    if name in __all__:
        return getattr(importlib.import_module("kpi_kit.explore"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name, obj=__name__)


def __dir__() -> list[str]:
    return sorted(__all__)
