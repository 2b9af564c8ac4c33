"""The KPIs, one file a family; ``CATALOGUE`` collects them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from kpi_kit.core.model import Kpi
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame

__all__ = ["CATALOGUE", "FAMILIES", "Setting", "Tables", "UnitFrame"]


def _collect() -> dict[str, Kpi]:
    modules = [
        importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)
    ]
    declared = [kpi for module in modules for kpi in vars(module).values() if isinstance(kpi, Kpi)]
    return {kpi.id: kpi for kpi in sorted(declared, key=lambda kpi: kpi.group)}


CATALOGUE: Mapping[str, Kpi] = MappingProxyType(_collect())
"""The KPIs by id, in the order of the eleven groups."""

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(kpi.family for kpi in CATALOGUE.values()))
"""The families: files of this folder that declare a KPI."""
