"""KPIs by formula: the records of ``kpis.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from kpi_kit.core.model import Better, Kpi, Unit
from kpi_kit.core.phrases import Phrase
from kpi_kit.kpis import CATALOGUE, FAMILIES, by_formula
from kpi_kit.params.fields import Amount, Record, Text


class Title(Record):
    """A title in both languages."""

    ru: Text
    en: Text


def _both(value: object) -> object:
    """One title stands for both languages."""
    if isinstance(value, str):
        return {"ru": value, "en": value}
    if isinstance(value, dict):
        return value
    raise ValueError(Phrase("params.titles"))


InBoth = Annotated[Title, BeforeValidator(_both, json_schema_input_type=Text | Title)]
"""A title; one text stands for both languages."""


class Formula(Record):
    """A KPI by formula: ``per × numerator / denominator``."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
    title: InBoth
    numerator: Text
    denominator: Text
    per: Annotated[Amount, Field(gt=0)] = 1.0
    unit: Literal["money", "number", "share"]
    better: Literal["higher", "lower"]
    family: Literal[FAMILIES]  # type: ignore[valid-type]  # a literal made of the catalogue

    @property
    def definition(self) -> Kpi:
        """The KPI; the formula must have been checked."""
        return by_formula(
            self.id,
            self.numerator,
            self.denominator,
            float(self.per),
            Unit(self.unit),
            Better(self.better),
            self.family,
        )

    def record(self) -> dict[str, Any]:
        """The formula as written to the scorecard."""
        return self.model_dump(mode="json")


def definition_of(record: Mapping[str, Any]) -> Kpi:
    """The declaration of the KPI of a scorecard's entry."""
    formula = record.get("formula")
    return CATALOGUE[record["kpi"]] if formula is None else Formula.model_validate(formula).definition


def catalogue_of(formulas: Mapping[str, Formula]) -> dict[str, Kpi]:
    """The KPIs of the kit and some by formula, by id."""
    return {**CATALOGUE, **{name: formula.definition for name, formula in formulas.items()}}


def kpi_records(formulas: Mapping[str, Formula]) -> dict[str, dict[str, Any]]:
    """What names each of these KPIs, as in records: ``kpi``, and ``formula`` where it has one."""
    own = {name: {"kpi": name, "formula": formula.record()} for name, formula in formulas.items()}
    return {**{name: {"kpi": name} for name in CATALOGUE}, **own}
