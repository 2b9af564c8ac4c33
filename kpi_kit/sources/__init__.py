"""Importers: one kind of export a file, each turning it into frames of the canonical tables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kpi_kit.sources import mapped_csv, telegram_desktop, vk_api
from kpi_kit.sources.interface import DateRange, Imported, Importer, ImportOptions

SOURCES: Mapping[str, Importer] = MappingProxyType(
    {"vk-api": vk_api, "telegram-desktop": telegram_desktop, "csv": mapped_csv}
)
"""Every importer by the name that ``python -m kpi_kit import`` knows."""

__all__ = ["SOURCES", "DateRange", "ImportOptions", "Imported", "Importer"]
