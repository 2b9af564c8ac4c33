"""Merge imported rows into a data folder: by key, in any order, checked as a whole, all or nothing."""

from kpi_kit.data.merge.coverage import union
from kpi_kit.data.merge.extra import (
    ACCOUNT_PLATFORMS,
    ACCOUNT_STATS,
    ALL_TABLES,
    ANSWERED_BY,
    DEAL_LEADS,
    EXTRA,
    POST_REACH,
    Origin,
    Staged,
)
from kpi_kit.data.merge.fold import Added
from kpi_kit.data.merge.imports import Outcome, add, merge, undo, upgrade
from kpi_kit.data.merge.statements import Import

__all__ = [
    "ACCOUNT_PLATFORMS",
    "ACCOUNT_STATS",
    "ALL_TABLES",
    "ANSWERED_BY",
    "DEAL_LEADS",
    "EXTRA",
    "POST_REACH",
    "Added",
    "Import",
    "Origin",
    "Outcome",
    "Staged",
    "add",
    "merge",
    "undo",
    "union",
    "upgrade",
]
