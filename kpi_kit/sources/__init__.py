"""Importers: a module reads one kind of export and returns frames of the canonical tables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kpi_kit.sources import (
    amocrm,
    bitrix24,
    brand_analytics,
    content_plan,
    ga4,
    mapped_csv,
    meta,
    metrica,
    search_console,
    synonym_mapping,
    telegram_desktop,
    telegram_graphs,
    telethon,
    tgstat,
    tiktok,
    vk_api,
    vk_posts_table,
    vk_statistics,
    wide_sheet,
    wordstat,
    youscan,
    youtube,
)
from kpi_kit.sources.interface import DateRange, Imported, Importer, ImportOptions, Match

SOURCES: Mapping[str, Importer] = MappingProxyType(
    {
        "vk-api": vk_api,
        "vk-posts": vk_posts_table,
        "vk-statistics": vk_statistics.IMPORTER,
        "telegram-desktop": telegram_desktop,
        "telegram-graphs": telegram_graphs,
        "telethon": telethon,
        "tgstat": tgstat,
        "youtube": youtube.IMPORTER,
        "meta": meta,
        "tiktok": tiktok.IMPORTER,
        "ga4": ga4,
        "search-console": search_console,
        "metrica": metrica,
        "wordstat": wordstat.IMPORTER,
        "amocrm": amocrm.IMPORTER,
        "bitrix24": bitrix24,
        "brand-analytics": brand_analytics.IMPORTER,
        "youscan": youscan.IMPORTER,
        "content-plan": content_plan.IMPORTER,
        "wide-sheet": wide_sheet,
        "guessed": synonym_mapping,
        "csv": mapped_csv,
    }
)
"""Every importer by the name that ``python -m kpi_kit import`` knows."""

RECOGNISED: Mapping[str, Importer] = MappingProxyType(
    {name: importer for name, importer in SOURCES.items() if name != "csv"}
)
"""The importers that recognise their files; which column of a CSV is which, a mapping says."""

TOGETHER = ("vk-api", "telegram-desktop", "telegram-graphs", "csv")
"""Sources of which several files make one export: comments and replies, a channel and its group."""

__all__ = ["RECOGNISED", "SOURCES", "TOGETHER", "DateRange", "Match", "ImportOptions", "Imported", "Importer"]
