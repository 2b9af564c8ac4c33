"""``import``: add an export to a data folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from zoneinfo import ZoneInfo

from kpi_kit.cli import OK
from kpi_kit.core.periods import parse_instant
from kpi_kit.core.sanitize import on_terminal
from kpi_kit.params import load
from kpi_kit.sources import ImportOptions
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.pipeline import import_files
from kpi_kit.sources.resolve_account import NewAccount


def carry_out(asked: argparse.Namespace) -> int:
    """Add the rows of the files, and say what became of them."""
    zone = _zone(asked.params)
    options = ImportOptions(
        account=asked.account,
        timezone=zone,
        since=asked.since,
        until=asked.until,
        table=asked.table,
        mapping=asked.mapping,
        stats_at=parse_instant(asked.fetched_at, zone, "--fetched-at") if asked.fetched_at else None,
        subscribers_at_end=asked.subscribers,
        chat=asked.chat,
        brand=asked.brand,
        currency=asked.currency,
        segment=asked.segment,
        attribution=read_attribution(asked.params / "attribution.yml"),
        partial=asked.partial,
        mappings=asked.params / "mappings",
        confirmed=asked.yes,
    )
    for sentence in import_files(
        asked.source,
        asked.files,
        asked.into,
        options,
        NewAccount(asked.title, asked.platform),
        imported_at=asked.clock().replace(microsecond=0),
        dry_run=asked.dry_run,
    ):
        print(on_terminal(sentence))
    return OK


def _zone(params: Path) -> ZoneInfo:
    """The department's time zone; Moscow's where there are no params yet."""
    return (
        load(params).department.zone if (params / "department.yml").is_file() else ZoneInfo("Europe/Moscow")
    )
