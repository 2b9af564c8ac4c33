"""``import``: add an export to a data folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from zoneinfo import ZoneInfo

from kpi_kit.cli import OK, SOME_FAILED
from kpi_kit.cli.inbox import import_new
from kpi_kit.cli.output import say
from kpi_kit.core.errors import InputError
from kpi_kit.core.periods import parse_instant
from kpi_kit.core.phrases import Phrase
from kpi_kit.params import load
from kpi_kit.sources import ImportOptions
from kpi_kit.sources.attribution import read_attribution
from kpi_kit.sources.pipeline import import_files
from kpi_kit.sources.resolve_account import NewAccount


def carry_out(arguments: argparse.Namespace) -> int:
    """Add the rows of the files, and print the result."""
    if (arguments.inbox is None) == (arguments.source is None):
        raise InputError(Phrase("cli.import_what"))
    if arguments.inbox is None and not arguments.files:
        raise InputError(Phrase("cli.import_no_file", source=arguments.source))
    zone = time_zone(arguments.params)
    options = ImportOptions(
        account=arguments.account,
        timezone=zone,
        since=arguments.since,
        until=arguments.until,
        table=arguments.table,
        mapping=arguments.mapping,
        stats_at=parse_instant(arguments.fetched_at, zone, "--fetched-at") if arguments.fetched_at else None,
        subscribers_at_end=arguments.subscribers,
        chat=arguments.chat,
        brand=arguments.brand,
        currency=arguments.currency,
        segment=arguments.segment,
        attribution=read_attribution(arguments.params / "attribution.yml"),
        partial=arguments.partial,
        mappings=arguments.params / "mappings",
        confirmed=arguments.yes,
        strict=arguments.strict,
        source=arguments.lead_source,
        replace=arguments.replace,
    )
    if arguments.inbox is not None:
        return OK if import_new(arguments, options) else SOME_FAILED
    report = import_files(
        arguments.source,
        arguments.files,
        arguments.into,
        options,
        NewAccount(arguments.title, arguments.platform),
        imported_at=arguments.clock().replace(microsecond=0),
        dry_run=arguments.dry_run,
    )
    for sentence in report.sentences:
        say(sentence)
    return OK


def time_zone(params: Path) -> ZoneInfo:
    """The department's time zone; Moscow's where there are no params yet."""
    return (
        load(params).department.zone if (params / "department.yml").is_file() else ZoneInfo("Europe/Moscow")
    )
