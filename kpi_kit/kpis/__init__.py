"""The KPIs, one file a family; ``CATALOGUE`` collects them, ``by_formula`` makes others of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from kpi_kit.core.model import Better, Kpi, Unit
from kpi_kit.kpis.engine.formula import can_be_divided_by, can_divide, quotient, spend
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

NUMERATORS: Mapping[str, Kpi] = MappingProxyType(
    {kpi.id: kpi for kpi in (*CATALOGUE.values(), spend) if can_divide(kpi)}
)
"""What can be divided in a formula, by name."""

DENOMINATORS: Mapping[str, Kpi] = MappingProxyType(
    {kpi.id: kpi for kpi in (*CATALOGUE.values(), spend) if can_be_divided_by(kpi)}
)
"""By what it can be divided, by name."""


@lru_cache(maxsize=256)
def by_formula(
    name: str, numerator: str, denominator: str, per: float, unit: Unit, better: Better, family: str
) -> Kpi:
    """The KPI ``per × numerator / denominator``; the same arguments give the same object.

    Parameters
    ----------
    name : str
        Its id.
    numerator, denominator : str
        Keys of :data:`NUMERATORS` and :data:`DENOMINATORS`.
    per : float
    unit : Unit
    better : Better
    family : str
        One of :data:`FAMILIES`. The group is that of the part of this family, else the family's first.
    """
    above, below = NUMERATORS[numerator], DENOMINATORS[denominator]
    own = [kpi for kpi in (above, below, *CATALOGUE.values()) if kpi.family == family]
    return quotient(above, below, per, id=name, group=own[0].group, unit=unit, better=better, family=family)
