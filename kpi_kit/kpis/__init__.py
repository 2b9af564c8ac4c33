"""The KPIs, one file a family; ``CATALOGUE`` collects them, ``by_formula`` makes others of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from kpi_kit.core.model import Kpi
from kpi_kit.kpis.engine.formula import denominators, maker, numerators
from kpi_kit.kpis.engine.unit_frame import Setting, Tables, UnitFrame

__all__ = [
    "CATALOGUE",
    "DENOMINATORS",
    "FAMILIES",
    "NUMERATORS",
    "Setting",
    "Tables",
    "UnitFrame",
    "by_formula",
]


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

NUMERATORS: Mapping[str, Kpi] = MappingProxyType(numerators(CATALOGUE.values()))
"""What can be divided in a formula, by name."""

DENOMINATORS: Mapping[str, Kpi] = MappingProxyType(denominators(CATALOGUE.values()))
"""By what it can be divided, by name."""

by_formula = maker(NUMERATORS, DENOMINATORS, tuple(CATALOGUE.values()))
"""See :data:`kpi_kit.kpis.engine.formula.Maker`."""
